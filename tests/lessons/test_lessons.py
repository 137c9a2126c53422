"""Every lesson runs from top to bottom: the learner's copy with empty exercises, the solved one with wrong answers.

Each notebook runs in its own folder on a kernel of this Python. One at a time: ONNX Runtime's threads want all cores.
"""

import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client import AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from nbclient import NotebookClient

from make_notebooks import BOOKS, KIT, cells_of
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course.engine import plan
from trt_course.lesson import show

MASTERS = sorted((BOOKS / "masters").glob("*.py"))
NAMES = [path.stem for path in MASTERS]
CHECK = re.compile(r'check\(\s*"(\d\d\.\d+)"')
LIMIT = 40  # seconds a notebook, on two cores without a GPU


class OwnPython(AsyncKernelManager):
    """The kernel is this Python, whatever kernels are installed."""

    @property
    def kernel_spec(self):
        return KernelSpec(
            argv=[sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
            display_name="Python 3",
            language="python",
            env={"PYTHONPATH": str(KIT)},
        )


def cells(name):
    return cells_of((BOOKS / "masters" / (name + ".py")).read_text(encoding="utf-8"), name)


def with_wrong_answers(book, name):
    """The solved notebook; after each exercise the same cell with each wrong answer, and the right one again."""
    made = []
    for shipped, cell in zip(book.cells, cells(name)):
        made.append(shipped)
        for words, text in cell.wrongs:
            made.append(nbformat.v4.new_code_cell(text, metadata={"words": words}))
        if cell.wrongs:
            made.append(nbformat.v4.new_code_cell(cell.solution()))
    book.cells = made
    return book


def run(path, change=lambda book: book):
    """The notebook after it has run, and the seconds it took."""
    book = change(nbformat.read(str(path), as_version=4))
    started = time.monotonic()
    NotebookClient(
        book,
        timeout=180,
        kernel_manager_class=OwnPython,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return book, time.monotonic() - started


def said(cell):
    return "".join(
        out.get("text", "") for out in cell.get("outputs", ()) if out.output_type == "stream"
    )


@pytest.mark.parametrize("name", NAMES)
def test_learner_copy(name):
    book, seconds = run(BOOKS / (name + ".ipynb"))
    exercises = [
        (number, said(cell)) for cell in book.cells for number in CHECK.findall(cell.source)
    ]
    assert len(exercises) >= 2
    for number, text in exercises:
        assert number + ": not done yet\n" in text, text
    assert f"0 of {len(exercises)} exercises right." in said(book.cells[-1])
    if seconds > LIMIT:  # the machine may have been busy
        seconds = min(seconds, run(BOOKS / (name + ".ipynb"))[1])
    print(f"{name} {seconds:.1f} s")
    assert seconds < LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_solutions_pass_and_wrong_answers_get_their_hint(name):
    book, seconds = run(
        BOOKS / "solutions" / (name + ".ipynb"), lambda book: with_wrong_answers(book, name)
    )
    wrongs = 0
    for cell in book.cells:
        for number in CHECK.findall(cell.source):
            words, text = cell.metadata.get("words"), said(cell)
            verdict = re.search(number + ": (.*)\n(?:  .*\n)*?(?:  hint +(.*)\n)?", text)
            assert verdict, text
            assert (verdict[1] == "right") == (words is None), text
            assert words is None or words in text.partition("  hint ")[2], text
            wrongs += words is not None
    done = len({number for cell in book.cells for number in CHECK.findall(cell.source)})
    assert f"{done} of {done} exercises right." in said(book.cells[-1])
    assert wrongs >= 2 * done
    print(f"{name} solved, with wrong answers {seconds:.1f} s")


@pytest.mark.parametrize(
    "name, version",
    [(path.stem, 10.0) for path in MASTERS if "on_gpu(" in path.read_text(encoding="utf-8")]
    + [("03_load_engine", 8.2)],
)
def test_gpu_cells_run_on_a_stand_in_of_tensorrt(name, version, monkeypatch, tmp_path):
    card = cuda_stand_in.install(monkeypatch, "cuda-python")
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, version, card)
    shown, gave, on_gpu = [], [], show.on_gpu
    monkeypatch.setattr(show, "_display", lambda kind, text: shown.append(text))
    monkeypatch.setattr(
        show, "on_gpu", lambda cell, saved: gave.append(on_gpu(cell, saved)) or gave[-1]
    )
    monkeypatch.chdir(tmp_path)
    names, before = {"__name__": "__main__"}, sorted((KIT / "models").glob("*/engines/*"))
    for cell in cells(name):
        if cell.kind == "code":
            exec(cell.solution(), names)
    assert gave and None not in gave and not any("Not run here" in text for text in shown)
    assert not card.faults and not {"device", "stream", "event"}.intersection(card.left())
    assert sorted((KIT / "models").glob("*/engines/*")) == before, (
        "a lesson's engine goes to its own out folder"
    )


@pytest.mark.parametrize("name", NAMES)
def test_form(name):
    """What every lesson has, and what none has."""
    parts = cells(name)
    code = [cell for cell in parts if cell.kind == "code"]
    text = "\n".join(cell.text for cell in parts if cell.kind == "markdown")
    assert parts[0].text.startswith(f"# {name[:2]} ")
    for words in (
        "**You will learn**",
        "**You need**",
        "**Time**",
        "**Machine**",
        "Before you run",
        "**You should see**",
        "## What you have learned",
        "**Next**",
    ):
        assert words in text, words
    assert [n for cell in code for n in CHECK.findall(cell.text)] == [
        f"{name[:2]}.{i + 1}" for i in range(sum("# solution" in cell.text for cell in code))
    ]
    assert "summary()" in code[-1].text and parts[-1].kind == "code"
    for cell in code:
        assert len([line for line in cell.solution().splitlines() if line.strip()]) <= 24, cell.text
    for path in ("/home/", str(Path.home()), str(KIT), tempfile.gettempdir()):
        assert path not in "".join(cell.text for cell in parts)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    for folder in (BOOKS, BOOKS / "solutions"):
        book = nbformat.read(str(folder / (name + ".ipynb")), as_version=4)
        text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "markdown")
        for target in re.findall(r"\]\(([^)#]+)\)", text):
            assert "://" in target or (folder / target).exists(), target


def test_every_saved_result_is_there():
    page = (KIT / "docs/measured.md").read_text(encoding="utf-8")
    for path in MASTERS:
        for saved in re.findall(r'saved="([^"]+)"', path.read_text(encoding="utf-8")):
            part = page.partition(f"<!-- saved: {saved} -->")[2].partition("<!-- end -->")
            assert "|" in part[0] and part[1], saved


def test_readme_lists_the_lessons():
    readme = (KIT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(notebooks/(\d\d_\w+)\.ipynb\)", readme) == NAMES
