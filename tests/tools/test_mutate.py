"""The tool that breaks the package on purpose finds what tests miss, and nothing else."""

import subprocess

import pytest

import mutate
from mutation import trials
from mutation.mutants import mutants_of

PACKAGE = """\
def enough(values):
    return min(values) > 1


def chosen(values, i):
    return values[i]
"""

# It never asks for a smallest value of 1, so nobody notices what becomes of that.
TESTS = """\
import pytest
from trt_course.model.counting import chosen, enough


@pytest.fixture(scope="module")
def third():
    return chosen([4, 5, 6], 2)


def test_enough():
    assert enough([3, 4])
    assert not enough([0, 4])


def test_chosen(third):
    assert third == 6


def test_that_fails_anyway():
    assert enough([3]) == "broken"
"""


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A small kit under git, and the tool at work on it."""
    kit = tmp_path / "kit"
    for folder in ("trt_course/model", "trt_course/media", "tests"):
        (kit / folder).mkdir(parents=True)
    for package in ("trt_course", "trt_course/model", "trt_course/media"):
        (kit / package / "__init__.py").touch()
    (kit / "trt_course/model/counting.py").write_text(PACKAGE)
    (kit / "trt_course/media/unread.py").write_text("RATE = 25.0\n")
    (kit / "tests/test_counting.py").write_text(TESTS)
    subprocess.run(["git", "init", "-q"], cwd=str(kit), check=True)

    monkeypatch.setattr(mutate, "KIT", kit)
    monkeypatch.setattr(mutate, "PACKAGE", kit / "trt_course")
    monkeypatch.setattr(mutate, "WATCHED", tmp_path / "watched")
    monkeypatch.setattr(mutate, "LEFT_OUT", ())
    return kit


def run(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["mutate.py", "--jobs", "1", *arguments])
    return mutate.main()


def changes(kit, name):
    return [mutant.change().partition(": ")[2] for mutant in mutants_of(kit / name, kit)]


def test_a_line_is_changed_in_each_way_that_makes_a_difference(tmp_path):
    line = "return len(values) > 1 and not min(values) < values[i]"
    (tmp_path / "enough.py").write_text(f"def enough(values, i):\n    {line}\n")
    assert changes(tmp_path, "enough.py") == [
        f"{line}  ->  return None",
        f"{line}  ->  return len(values) <= 1 and not min(values) < values[i]",
        f"{line}  ->  return len(values) >= 1 and not min(values) < values[i]",
        f"{line}  ->  return len(values) > 2 and not min(values) < values[i]",
        f"{line}  ->  return len(values) > 1 or not min(values) < values[i]",
        f"{line}  ->  return len(values) > 1 and min(values) < values[i]",
        f"{line}  ->  return len(values) > 1 and not max(values) < values[i]",
        f"{line}  ->  return len(values) > 1 and not min(values) <= values[i]",
        f"{line}  ->  return len(values) > 1 and not min(values) >= values[i]",
        f"{line}  ->  return len(values) > 1 and not min(values) < values[0]",
    ]


def test_words_stay_as_they_are(tmp_path):
    """Messages, docstrings and annotations are not what a mutant is about."""
    (tmp_path / "words.py").write_text(
        'def said(count: "1 or 2" = 1) -> "3 < 4":\n'
        '    """5 and 6."""\n'
        '    return f"{count + 7} of " + "8"\n'
    )
    assert changes(tmp_path, "words.py") == [
        'def said(count: "1 or 2" = 1) -> "3 < 4":  ->  def said(count: "1 or 2" = 2) -> "3 < 4":',
        'return f"{count + 7} of " + "8"  ->  return None',
    ]


@pytest.mark.slow
@pytest.mark.long
def test_survivors_are_named_and_counted(kit, monkeypatch, capsys):
    assert run(monkeypatch, "--watch") == 1  # one of the tests fails
    change = "trt_course/media/unread.py: RATE = 25.0  ->  RATE = 50.0"
    monkeypatch.setattr(trials, "equivalent", lambda: {change: "nobody reads it"})
    assert run(monkeypatch, "core", "media") == 1

    printed = capsys.readouterr().out
    line = "trt_course/model/counting.py:2: return min(values) > 1"
    assert [text.strip() for text in printed.splitlines() if text.startswith("  trt_")] == [
        f"{line}  ->  return min(values) >= 1",
        f"{line}  ->  return min(values) > 2",
    ]
    assert "| media | 1 | 1 | 0 | 0 | 0 |" in printed
    assert "| model | 7 | 0 | 5 | 2 | 71 |" in printed
    # The kit itself was not touched.
    assert (kit / "trt_course/model/counting.py").read_text() == PACKAGE


def test_a_seed_gives_the_same_sample_again(kit):
    files = mutate.files_in(["core", "wings"])
    first = mutate.sample(files, 5, seed=1)
    assert first == mutate.sample(files, 5, seed=1)
    assert first != mutate.sample(files, 5, seed=2)
    assert len(set(first)) == 5


def test_the_changes_without_a_difference_are_in_the_code_and_on_the_page():
    """One whose line has changed meanwhile may well make a difference now."""
    page = (mutate.KIT / "docs" / "reliability.md").read_text(encoding="utf-8")
    for change, reason in trials.equivalent().items():
        path, _, text = change.partition(": ")
        before, _, after = text.partition("  ->  ")
        source = (mutate.KIT / path).read_text(encoding="utf-8")
        assert before in [line.strip() for line in source.splitlines()], change
        assert before != after
        assert reason in page
