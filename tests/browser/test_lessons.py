"""Lessons in a real JupyterLab and a real Chromium: cells run, pictures show, the video plays."""

import base64
import os
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
def lab(tmp_path_factory):
    """The address of a JupyterLab on a copy of the notebooks: it saves what it runs."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(KIT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("out"))
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

        def run(name):
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
    line = viewer.locator(".widget-label", has_text="stopped")
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
