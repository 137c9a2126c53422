"""The notebooks of a master: both copies, their links, and what is refused."""

import json
import shutil
import sys

import pytest

import make_notebooks
from make_notebooks import BOOKS, cells_of, main, notebook

MASTER = """# about this master
# %% [markdown]
# # 99 Test
#
# ![f](figures/detect.svg) [d](../docs/video.md) [n](06_detect_directory.ipynb)
# %%
a = 1
# %%
def twice(x):
    # solution, stub: return ...
    y = x + x

    return y
    # wrong: not squared
    return x * x
    # wrong: x and x
    return x
    # end


check("99.1", twice(3), 6, hint="x and x, not squared")
"""


def sources(text):
    return ["".join(cell["source"]) for cell in json.loads(text)["cells"]]


def test_both_copies():
    cells = cells_of(MASTER)
    head, plain, exercise = sources(notebook("99_test", cells, solved=False))
    assert head.endswith(
        "![f](figures/detect.svg) [d](../docs/video.md) [n](06_detect_directory.ipynb)"
    )
    assert plain == "a = 1"
    assert "def twice(x):\n    return ...  # your answer\n\n\ncheck(" in exercise

    head, plain, exercise = sources(notebook("99_test", cells, solved=True))
    links = "![f](../figures/detect.svg) [d](../../docs/video.md) [n](06_detect_directory.ipynb)"
    assert links in head
    assert "[99_test](../99_test.ipynb)" in head
    assert "def twice(x):\n    y = x + x\n\n    return y\n\n\ncheck(" in exercise
    assert "wrong" not in exercise


def test_wrong_answers_take_the_place_of_the_solution():
    _, _, exercise = cells_of(MASTER)
    (first, squared), (second, bare) = exercise.wrongs
    assert (first, second) == ("not squared", "x and x")
    assert "    return x * x\n" in squared
    assert "    return x * x\n" not in bare
    assert "y = x + x" not in squared
    assert "y = x + x" not in bare


def test_nothing_but_sources_and_the_same_bytes_again():
    texts = [notebook("99_test", cells_of(MASTER), solved=False) for _ in range(2)]
    assert texts[0] == texts[1]
    book = json.loads(texts[0])
    assert [cell["id"] for cell in book["cells"]] == ["cell-00", "cell-01", "cell-02"]
    for cell in book["cells"][1:]:
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.parametrize(
    "was, now, said",
    [
        ("# end\n", "# fin\n", "do not belong together"),
        ("    # end\n", "# end\n", "do not belong together"),
        ("# solution, stub:", "# solution:", "do not belong together"),
        ("# # 99 Test", "99 Test", "does not begin with '#'"),
        ("# about", "about", "code stands before"),
    ],
)
def test_refused(was, now, said):
    with pytest.raises(SystemExit, match=said):
        cells_of(MASTER.replace(was, now, 1))


def test_check_finds_what_differs(tmp_path, monkeypatch, capsys):
    shutil.copytree(BOOKS, tmp_path / "notebooks", ignore=shutil.ignore_patterns("out"))
    monkeypatch.setattr(make_notebooks, "KIT", tmp_path)
    monkeypatch.setattr(make_notebooks, "BOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(sys, "argv", ["make_notebooks.py", "--check"])
    assert main() == 0

    edited = tmp_path / "notebooks/solutions/00_check_setup.ipynb"
    orphan = tmp_path / "notebooks/98_none.ipynb"
    good = edited.read_text()
    edited.write_text(good.replace("set-up", "setup"))
    orphan.write_text("{}")
    assert main() == 1
    said = capsys.readouterr().out
    assert "solutions/00_check_setup.ipynb is not what its master makes" in said
    assert "98_none.ipynb has no master" in said

    orphan.unlink()
    monkeypatch.setattr(sys, "argv", ["make_notebooks.py"])
    assert main() == 0
    assert edited.read_text() == good
