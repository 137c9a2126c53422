"""Lessons in a real JupyterLab and a real Chromium: cells run, pictures show, the video plays."""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import cv2
import numpy as np
import pytest

from conftest import write_model
from trt_course.draw import class_color

KIT = Path(__file__).resolve().parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium: apt-get install chromium")
TOKEN = "lessons"
SIZE = "i => [i.naturalWidth, i.naturalHeight, i.offsetWidth > 600]"
PLAY = """async v => {
    v.scrollIntoView(); await v.play();
    for (let i = 0; i < 100 && v.currentTime < 0.3; i++)
        await new Promise(done => setTimeout(done, 100));
    const c = document.createElement('canvas').getContext('2d');
    c.canvas.width = v.videoWidth; c.canvas.height = v.videoHeight; c.drawImage(v, 0, 0);
    const pixels = c.getImageData(0, 0, v.videoWidth, v.videoHeight).data;
    const bright = pixels.filter(p => p > 90).length;
    return {time: v.currentTime, duration: v.duration, width: v.videoWidth, bright: bright};
}"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        _, port = probe.getsockname()
    return port


def start_lab(root, port):
    """JupyterLab as `make lab` starts it; what it says goes to a file `log`."""
    words = [sys.executable, "-m", "jupyter", "lab", "--allow-root", "--no-browser"]
    words += [f"--ServerApp.root_dir={root}", f"--port={port}"]
    words += ["--LabApp.default_url=/lab/tree/notebooks", "--IdentityProvider.token=" + TOKEN]
    with open(str(root / "log"), "w") as log:
        environment = dict(os.environ, PYTHONPATH=str(KIT))
        return subprocess.Popen(words, env=environment, stdout=log, stderr=log)


def wait_for(server, address, log):
    """Until it answers, or a minute is over."""
    for _ in range(120):
        try:
            urllib.request.urlopen(address + "/api?token=" + TOKEN).close()
            return
        except (urllib.error.URLError, ConnectionError):
            assert server.poll() is None, log.read_text()
            time.sleep(0.5)


@pytest.fixture(scope="module")
def lab_root(tmp_path_factory):
    """A folder with a copy of the notebooks: JupyterLab saves what it runs."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(KIT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("out"))
    return root


@pytest.fixture(scope="module")
def lab(lab_root):
    """The address of a JupyterLab in that folder."""
    root = lab_root
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    server = start_lab(root, port)
    try:
        wait_for(server, address, root / "log")
        yield address
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def run_all(lab):
    """A function: open a lesson, run all its cells; the page."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.set_default_timeout(120000)

        def run(name, on_dialog=None):
            if on_dialog:
                page.on("dialog", on_dialog)
            page.goto(f"{lab}/lab/tree/notebooks/{name}.ipynb?token={TOKEN}&reset")
            # Before that, it would ask for a kernel.
            page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
            page.wait_for_function(
                "document.querySelector('.jp-Notebook').innerText.includes(' exercises right.')"
            )
            return page

        yield run
        if os.environ.get("SHOT"):
            page.screenshot(path=os.environ["SHOT"])
        browser.close()


def test_the_annotated_picture_is_on_the_page(run_all):
    page = run_all("05_detect_image")
    figure = page.locator("figure", has_text="Threshold and NMS")
    image = figure.locator("img")
    assert image.evaluate(SIZE) == [1280, 340, True]
    _, _, data = image.get_attribute("src").partition("base64,")
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    distance = np.abs(picture.astype(int) - class_color(2)).max(axis=2)
    assert (distance < 40).sum() > 2000  # outlines and labels of the vehicles
    diagram = page.locator(".jp-MarkdownOutput img").first
    assert diagram.evaluate("i => i.complete && i.naturalWidth") == 1040


def test_a_picture_of_one_s_own_is_uploaded(run_all):
    page = run_all("05_detect_image")
    button = page.get_by_role("button", name="Your picture")
    for name in ("000008.jpg", "000011.jpg"):
        with page.expect_file_chooser() as chooser:
            button.click()
        chooser.value.set_files(str(KIT / "data/signs/images" / name))
        figure = page.locator("figure", has_text=re.compile(f"^{name}: "))
        figure.wait_for()
        assert figure.locator("img").evaluate("i => i.naturalWidth") > 0
    assert page.locator("figure", has_text="000008.jpg: ").count() == 0  # the new one replaced it


def test_the_video_plays_in_the_page(run_all):
    page = run_all("07_detect_video")
    videos = page.locator("video")
    assert videos.count() == 2
    for video, seconds in zip(videos.all(), (1.5, 4.0)):
        told = video.evaluate(PLAY)
        assert told["time"] >= 0.3
        assert told["width"] == 1280
        assert abs(told["duration"] - seconds) < 0.15
        # A black picture has one number in four: its opacity.
        assert told["bright"] > 1.5 * 1280 * 720


def test_the_sliders_change_the_number_of_boxes(run_all):
    page = run_all("04_pre_and_postprocess")
    view = page.locator(".widget-vbox", has_text="objects are there")
    view.scroll_into_view_if_needed()

    def boxes():
        count, _, _ = view.get_by_text("objects are there").text_content().partition(" boxes")
        return int(count)

    def boxes_after(slider, key, wanted):
        """The number of boxes after a key on a slider, once it is as wanted."""
        before = boxes()
        started = time.monotonic()
        view.locator(".noUi-handle").nth(slider).focus()
        page.keyboard.press(key)
        while not wanted(boxes(), before):
            assert time.monotonic() - started < 10, boxes()
            page.wait_for_timeout(50)
        return boxes()

    few = boxes()
    picture = view.locator("img").get_attribute("src")
    assert few > 20
    assert boxes_after(0, "Home", lambda now, before: now > 2 * before) > few  # confidence 0.01
    assert boxes_after(1, "End", lambda now, before: now > 2 * before) > 4 * few  # overlap limit 1
    assert boxes_after(0, "End", lambda now, before: now < few) < few
    assert view.locator("img").get_attribute("src") != picture


def test_the_viewer_updates_and_stops(run_all):
    page = run_all("10_async_camera")
    viewer = page.locator(".widget-vbox", has=page.get_by_role("button", name="Start"))
    picture = viewer.locator("img")
    line = viewer.locator(".widget-html-content", has_text="stopped")
    line.wait_for()  # the lesson's own cells have stopped it

    # Started, it shows a street that moves.
    viewer.get_by_role("button", name="Start").click()
    seen = set()
    until = time.monotonic() + 30
    while len(seen) < 5 and time.monotonic() < until:
        seen.add(picture.screenshot())
        page.wait_for_timeout(200)
    assert len(seen) >= 5
    assert picture.evaluate(SIZE) == [960, 540, True]
    viewer.get_by_text("ms old").wait_for()

    # Stopped, it stands still.
    viewer.get_by_role("button", name="Stop").click()
    line.wait_for()
    page.wait_for_timeout(500)
    last = picture.get_attribute("src")
    page.wait_for_timeout(1500)
    assert picture.get_attribute("src") == last, "stopped, it still changes"


def test_the_chosen_model_shows_its_boxes(run_all):
    page = run_all("12_other_models")
    chooser = page.locator(".widget-vbox", has=page.locator("select"))
    picture = chooser.locator("img")
    model, data = chooser.locator("select").all()
    shown = [picture.get_attribute("src")]
    for choice, value in ((model, "ssd_resnet18_traffic"), (data, "traffic")):
        choice.select_option(value)
        page.wait_for_function(
            "([box, old]) => box.querySelector('img').src !== old",
            arg=[chooser.element_handle(), shown[-1]],
        )
        shown.append(picture.get_attribute("src"))
    size = "async i => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }"
    assert picture.evaluate(size) == [1248, 384]


# In a title, a class name, a file's name or an error: each of them would be noticed if it ran.
RUNS = "window.pwned = 1; document.title = 'pwned'; alert(1)"
EVIL = (
    f'<img src="x" onerror="{RUNS}"><script>{RUNS}</script>'
    "[one](javascript:alert(1)) <a href='javascript:alert(1)'>two</a> "
    r"$\href{javascript:alert(1)}{three}$ \(\href{javascript:alert(1)}{four}\) $$x^2$$ | `code`"
)
EVIL_FOLDER = "<img src=x onerror=alert(1)> $x^2$"
CELLS_OF_EVIL = [
    # Another models folder for the lesson that lists the models.
    "import trt_course.model.find, pathlib\n"
    "trt_course.model.find.MODELS = pathlib.Path({models!r})",
    "{lesson}",
    # Pictures and their captions, a check, a label, an error, widgets.
    "from trt_course.lesson.show import show_picture, show_video\n"
    "from trt_course.lesson.check import check, summary\n"
    "from trt_course import BBoxVisualization, CourseError, Detections, TrtSSD\n"
    "import numpy as np\n"
    "vis = BBoxVisualization(spec.cls_dict())\n"
    "picture = np.zeros((300, 400, 3), np.uint8)\n"
    "found = Detections([[50, 60, 200, 200]], [0.9], [1])\n"
    "show_picture(vis.annotate(picture, found), spec.title)",
    "check('00.1', spec.title, spec.labels[1])\n"
    "check('00.2', {{spec.title: 1}}, {{spec.title: 2}})",
    "import matplotlib.pyplot as plt\n"
    "from trt_course.measure.shown import plot_text\n"
    "plt.plot([1, 2], label=plot_text(spec.labels[1]))\nplt.legend()\nplt.show()",
    "from trt_course.lesson.widgets import CameraView\n"
    "view = CameraView(spec.title, models=[spec.folder])\nview.start()\nview",
    "try:\n    show_video(spec.title)\nexcept CourseError as err:\n    print(err)",
    "raise CourseError(spec.title)",
    # What the page does with a formula that nobody made harmless: it is there to be seen, late.
    "from IPython.display import HTML, display\ndisplay(HTML('<p class=late>$y^3$</p>'))",
    "summary()",
]


@pytest.fixture
def evil_lesson(lab_root, tmp_path):
    """The name of a lesson that shows a model whose every text is hostile."""
    nbformat = pytest.importorskip("nbformat")
    labels = ["background"] + [f"{EVIL} {number}" for number in range(3)]
    write_model(tmp_path / EVIL_FOLDER, title=EVIL, labels=labels)

    # The very cell of lesson 00.
    book = nbformat.read(str(KIT / "notebooks" / "00_check_setup.ipynb"), as_version=4)
    sources = [cell.source for cell in book.cells if cell.cell_type == "code"]
    lesson = next(source for source in sources if "show_table" in source)

    cells = []
    for source in CELLS_OF_EVIL:
        source = source.format(models=str(tmp_path), lesson=lesson)
        cell = nbformat.v4.new_code_cell(source)
        cell.metadata.tags = ["raises-exception"]  # it may fail, and those after it run
        cells.append(cell)
    kernel = {"kernelspec": book.metadata.kernelspec}
    evil = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(evil, str(lab_root / "notebooks" / "evil.ipynb"))
    return "evil"


def test_nothing_that_a_model_says_runs_on_the_page(run_all, evil_lesson):
    said = []

    def on_dialog(dialog):
        said.append(dialog.message)
        dialog.dismiss()

    page = run_all(evil_lesson, on_dialog)
    page.locator(".late mjx-container").wait_for()
    page.locator(".widget-html-content", has_text="holds no pictures").wait_for()
    page.wait_for_timeout(1000)

    # It all stands there, to be read.
    cells = page.locator("td", has_text="onerror").all_text_contents()
    assert cells[:2] == [EVIL_FOLDER, EVIL]
    assert page.locator("figcaption").text_content() == EVIL
    assert EVIL in page.locator(".widget-html-content").last.text_content()
    assert page.get_by_text("CourseError: <img").count() == 1
    assert page.locator("option", has_text="onerror").count() == 4

    assert not said
    assert page.evaluate("window.pwned") is None
    assert "pwned" not in page.title()
    output = page.locator(".jp-OutputArea-output")
    assert output.locator("script, a[href^=javascript], img[src=x]").count() == 0
    assert output.locator("mjx-container").count() == 1  # the late one
