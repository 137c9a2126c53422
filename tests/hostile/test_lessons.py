"""What a model, a file or a camera says is text on a lesson's page, and does nothing there.

tests/browser/test_lessons.py tries the same in a real browser.
"""

import html.parser
import io

import pytest

from trt_course import CourseError
from trt_course.lesson import check as checks
from trt_course.lesson import show, widgets
from trt_course.lesson.check import check
from trt_course.measure.shown import plot_text

EVIL = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</td></table><iframe srcdoc='<script>alert(1)</script>'>",
    "' onload='alert(1)",
    "[click](javascript:alert(1))",
    "<a href='javascript:alert(1)'>click</a>",
    r"$\href{javascript:alert(1)}{click}$",
    r"$$\require{html}\style{position:fixed}{x}$$",
    r"\(\href{javascript:alert(1)}{click}\)",
    r"\begin{equation}\href{javascript:alert(1)}{x}\end{equation}",
    "`code` | **bold** | # head",
    "&lt;img src=x&gt;",
]
OUR_TAGS = {"table", "thead", "tbody", "tr", "th", "td"}
OUR_TAGS |= {"div", "figure", "figcaption", "img", "p", "b", "span"}


class Page(html.parser.HTMLParser):
    """What a browser would make of HTML: its tags, and the texts that stand in one element."""

    def __init__(self, text):
        super().__init__()
        self.tags = set()
        self.attributes = set()
        self.texts = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attributes)

    def handle_data(self, data):
        self.texts.append(data)


def require_harmless(shown, text):
    """The page has the text letter by letter, nothing that runs, no link and no formula."""
    page = Page(shown)
    assert page.tags <= OUR_TAGS
    assert page.attributes <= {"style", "src"}
    assert text in "".join(page.texts)

    # The marks of formulas count where something follows them in the same element.
    assert not any(mark in part and part != mark for part in page.texts for mark in "$\\")


@pytest.fixture
def page(monkeypatch):
    """What would stand on the page: (kind, text) of each output."""
    shown = []
    monkeypatch.setattr(show, "_display", lambda kind, text: shown.append((kind, text)))
    return shown


@pytest.mark.parametrize("evil", EVIL)
def test_a_table_shows_its_cells_as_they_are(page, evil):
    show.show_table([("name", evil), (evil, 1)], ["a", evil])
    ((kind, text),) = page
    assert kind == "HTML"
    require_harmless(text, evil)
    assert text.count("<td") == 4


@pytest.mark.parametrize("evil", EVIL)
def test_a_caption_shows_its_text_as_it_is(page, evil, cell_picture):
    show.show_picture(cell_picture, evil)
    ((kind, text),) = page
    assert kind == "HTML"
    require_harmless(text, evil)
    assert text.count("<img ") == 1


@pytest.mark.parametrize("evil", EVIL)
def test_why_a_cell_did_not_run_is_text(page, evil, monkeypatch):
    def no_gpu():
        raise CourseError(evil)

    monkeypatch.setattr(show, "open_cuda", no_gpu)
    show.on_gpu(lambda: None, saved="h200")
    (kind, text), *saved = page
    assert kind == "HTML"
    require_harmless(text, evil)
    assert [kind for kind, _ in saved] == ["Markdown"]
    assert evil not in str(saved)


@pytest.mark.parametrize("evil", [EVIL[0], EVIL[4], EVIL[6], EVIL[9]])
def test_the_line_of_a_view_is_text(evil, cells):
    pytest.importorskip("ipywidgets")
    view = widgets.CameraView(evil, [cells])
    view.start()
    view._thread.join(60)
    assert not view._thread.is_alive()
    assert type(view.line).__name__ == "HTML"  # a Label would look for formulas
    require_harmless(view.line.value, evil)


def test_the_line_of_a_view_has_no_password_in_it(cells):
    pytest.importorskip("ipywidgets")
    view = widgets.CameraView("rtsp://ann:s3cret@127.0.0.1:9/live", [cells])
    said = []
    view.line.observe(lambda change: said.append(change.new), "value")
    view.start()
    view.stop()
    view._thread.join(60)
    assert said
    assert "s3cret" not in "".join(said)


@pytest.mark.parametrize("evil", ["a\x1b[2Jb", "a\u202eb", "a\r\nb", "a\u2028b", "\ud800"])
def test_a_check_prints_no_controls(capsys, monkeypatch, evil):
    monkeypatch.setattr(checks, "results", {})
    check("01.1", evil, evil + "!")
    check("01.2", [evil], [evil + "!"])
    said = capsys.readouterr().out
    assert not set(said) & set("\x1b\u202e\r\u2028\ud800")
    said.encode("utf-8")


@pytest.mark.parametrize("evil", ["\ud800", "a\x00b", "a\u202eb"])
def test_a_table_shows_what_is_no_text_as_its_code(page, evil):
    show.show_table([(evil,)], ["name"])
    page[0][1].encode("utf-8")
    assert evil not in page[0][1]


@pytest.mark.parametrize("name", ["$a^{b$", r"\$x$ $y", "$$", "a\nb", "50 $"])
def test_a_label_in_a_plot_is_no_formula(name):
    figure_module = pytest.importorskip("matplotlib.figure")
    figure = figure_module.Figure()
    axes = figure.subplots()
    axes.plot([0, 1], label=plot_text(name))
    legend = axes.legend()
    figure.savefig(io.BytesIO())
    (written,) = legend.get_texts()
    shown, is_formula = written._preprocess_math(written.get_text())
    assert not is_formula
    assert shown == name.replace("\n", r"\n")
