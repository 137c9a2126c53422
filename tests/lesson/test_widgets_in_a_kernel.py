"""The view in a notebook that a real kernel runs."""

from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient")
nbformat = pytest.importorskip("nbformat")


# The cells of a notebook: what stands in for the camera, the view, a look at it.
OPEN = """
import sys, threading, time
sys.path[:0] = {path!r}
from test_camera import Pulse
from trt_course.lesson.widgets import CameraView
from trt_course.media import sources

class Street(Pulse):
    guard = threading.Lock()  # the camera and its thread may close at the same time

    def close(self):
        with self.guard:
            if not self.closed.is_set():
                open({marks!r}, "a").write("closed\\n")
            super().close()

sources.open_source = lambda uri, loop: Street()
"""
VIEW = """
view = CameraView("pulse", [{model!r}]).start()
view
"""
LOOK = """
time.sleep(1.5)
print(view._sent.value, view.line.value)
print([t.name for t in threading.enumerate()].count("view"), open({marks!r}, "a").tell())
"""


@pytest.mark.slow
def test_in_a_real_kernel(cells, tmp_path):
    marks = tmp_path / "marks"
    kit = Path(__file__).resolve().parent.parent
    book = nbformat.v4.new_notebook()
    for text in (OPEN, VIEW, LOOK, VIEW, LOOK):
        filled = text.format(path=[str(kit), str(kit.parent)], model=str(cells), marks=str(marks))
        book.cells.append(nbformat.v4.new_code_cell(filled))
    nbclient.NotebookClient(book, timeout=60, kernel_name="python3").execute()

    shown, said, again, then = (cell["outputs"] for cell in book.cells[1:])
    outputs = [output.get("data", {}) for output in shown + again]
    assert any("application/vnd.jupyter.widget-view+json" in output for output in outputs)
    assert said[0]["text"].startswith("1 ")
    assert "captured" in said[0]["text"]
    assert said[0]["text"].endswith("\n1 0\n")
    # The second run of the cell has closed the first one's source.
    assert then[0]["text"].endswith("\n1 7\n")

    states = book.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"].values()
    pictures = [state for state in states if state["model_name"] == "ImageModel"]
    assert len([picture for picture in pictures if picture.get("buffers")]) == 2
    assert marks.read_text() == "closed\nclosed\n", "the end of the kernel frees the camera"
