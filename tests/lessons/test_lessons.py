"""Every lesson runs from top to bottom: the learner's copy, and the solved one with wrong answers.

Each notebook runs in its own folder on a kernel of this Python. One at a time: ONNX Runtime's
threads want all cores.
"""

import re
import resource
import sys
import tempfile
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
LIMIT = 60  # seconds that cores work for a notebook: at best half a minute on a laptop's two


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
    """The solved notebook; behind each exercise its wrong answers, and the right one again."""
    made = []
    for shipped, master in zip(book.cells, cells(name)):
        made.append(shipped)
        for words, text in master.wrongs:
            made.append(nbformat.v4.new_code_cell(text, metadata={"words": words}))
        if master.wrongs:
            made.append(nbformat.v4.new_code_cell(master.solution()))
    book.cells = made
    return book


def work_of_children():
    """The seconds that cores have worked for processes which this one started, and which ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(path, change=lambda book: book):
    """The notebook after it has run, and the seconds that cores worked for it."""
    book = change(nbformat.read(str(path), as_version=4))
    before = work_of_children()
    NotebookClient(
        book,
        timeout=600,  # a cell; only one that hangs takes so long
        kernel_manager_class=OwnPython,
        resources={"metadata": {"path": str(path.parent)}},
    ).execute()
    return book, work_of_children() - before


def said(cell):
    """What a cell has printed."""
    outputs = cell.get("outputs", ())
    return "".join(out.get("text", "") for out in outputs if out.output_type == "stream")


def exercises_in(book):
    """(number, cell) for each exercise that a cell checks."""
    for cell in book.cells:
        for number in CHECK.findall(cell.source):
            yield number, cell


@pytest.mark.parametrize("name", NAMES)
def test_learner_copy(name):
    book, seconds = run(BOOKS / (name + ".ipynb"))
    exercises = list(exercises_in(book))
    assert len(exercises) >= 2
    for number, cell in exercises:
        assert number + ": not done yet\n" in said(cell), said(cell)
    assert f"0 of {len(exercises)} exercises right." in said(book.cells[-1])
    print(f"{name} {seconds:.1f} s")
    assert seconds < LIMIT


@pytest.mark.parametrize("name", NAMES)
def test_solutions_pass_and_wrong_answers_get_their_hint(name):
    book, seconds = run(
        BOOKS / "solutions" / (name + ".ipynb"), lambda book: with_wrong_answers(book, name)
    )
    rights = set()
    wrongs = []
    for number, cell in exercises_in(book):
        text = said(cell)
        verdict = re.search(number + ": (.*)\n", text)
        assert verdict, text
        words = cell.metadata.get("words")
        if words is None:
            assert verdict[1] == "right", text
            rights.add(number)
        else:
            assert verdict[1] == "wrong", text
            _, _, hint = text.partition("  hint ")
            assert words in hint, text
            wrongs.append(number)

    done = len(rights)
    assert f"{done} of {done} exercises right." in said(book.cells[-1])
    assert len(wrongs) >= 2 * done
    print(f"{name} solved, with wrong answers {seconds:.1f} s")


WITH_GPU = [path.stem for path in MASTERS if "on_gpu(" in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    "name, version", [(name, 10.0) for name in WITH_GPU] + [("03_load_engine", 8.2)]
)
def test_gpu_cells_run_on_a_stand_in_of_tensorrt(name, version, monkeypatch, tmp_path):
    card = cuda_stand_in.install(monkeypatch, "cuda-python")
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, version, card)
    shown = []
    gave = []
    on_gpu = show.on_gpu

    def noting(cell, saved):
        gave.append(on_gpu(cell, saved))
        return gave[-1]

    monkeypatch.setattr(show, "_display", lambda kind, text: shown.append(text))
    monkeypatch.setattr(show, "on_gpu", noting)
    monkeypatch.chdir(tmp_path)
    engines = sorted((KIT / "models").glob("*/engines/*"))
    names = {"__name__": "__main__"}
    for cell in cells(name):
        if cell.kind == "code":
            exec(cell.solution(), names)

    assert gave
    assert None not in gave
    assert not any("Not run here" in text for text in shown)
    assert not card.faults
    assert not {"device", "stream", "event"}.intersection(card.left())
    # A lesson's engine goes to its own out folder.
    assert sorted((KIT / "models").glob("*/engines/*")) == engines


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
    exercises = [cell for cell in code if "# solution" in cell.text]
    numbers = [number for cell in code for number in CHECK.findall(cell.text)]
    assert numbers == [f"{name[:2]}.{count}" for count in range(1, len(exercises) + 1)]
    assert "summary()" in code[-1].text
    assert parts[-1].kind == "code"
    for cell in code:
        lines = [line for line in cell.solution().splitlines() if line.strip()]
        assert len(lines) <= 24, cell.text
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
            _, _, after = page.partition(f"<!-- saved: {saved} -->")
            part, end, _ = after.partition("<!-- end -->")
            assert end, saved
            assert "|" in part, saved


def test_readme_lists_the_lessons():
    readme = (KIT / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\(notebooks/(\d\d_\w+)\.ipynb\)", readme) == NAMES
