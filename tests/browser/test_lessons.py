"""Lessons in a real JupyterLab, driven by a real Chromium: all cells run, pictures are on the page, the video plays."""

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
CHROMIUM = next(
    (path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path),
    None,
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium: apt-get install chromium")
TOKEN = "lessons"
PLAY = """async v => {
    v.scrollIntoView(); await v.play();
    for (let i = 0; i < 100 && v.currentTime < 0.3; i++) await new Promise(done => setTimeout(done, 100));
    const c = document.createElement('canvas').getContext('2d');
    c.canvas.width = v.videoWidth; c.canvas.height = v.videoHeight; c.drawImage(v, 0, 0);
    const pixels = c.getImageData(0, 0, v.videoWidth, v.videoHeight).data;
    return {time: v.currentTime, duration: v.duration, width: v.videoWidth, bright: pixels.filter(p => p > 90).length};
}"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab as `make lab` starts it, on a copy of the notebooks: it saves what it runs."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(KIT / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns("out"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with open(str(root / "log"), "w") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jupyter",
                "lab",
                "--ServerApp.root_dir=" + str(root),
                "--allow-root",
                "--LabApp.default_url=/lab/tree/notebooks",
                "--no-browser",
                f"--port={port}",
                "--IdentityProvider.token=" + TOKEN,
            ],
            env=dict(os.environ, PYTHONPATH=str(KIT)),
            stdout=log,
            stderr=log,
        )
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(address + "/api?token=" + TOKEN).close()
                break
            except (urllib.error.URLError, ConnectionError):
                assert server.poll() is None, (root / "log").read_text()
                time.sleep(0.5)
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
            page.get_by_text(
                "Python 3 (ipykernel) | Idle"
            ).wait_for()  # before that, it would ask for a kernel
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
    assert image.evaluate("i => [i.naturalWidth, i.naturalHeight, i.offsetWidth > 600]") == [
        1280,
        340,
        True,
    ]
    data = image.get_attribute("src").partition("base64,")[2]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    near = np.abs(picture.astype(int) - class_color(2)).max(axis=2) < 40
    assert near.sum() > 2000  # outlines and labels of the vehicles
    diagram = page.locator(".jp-MarkdownOutput img").first
    assert diagram.evaluate("i => i.complete && i.naturalWidth") == 1040


def test_the_video_plays_in_the_page(run_all):
    page = run_all("07_detect_video")
    videos = page.locator("video")
    assert videos.count() == 2
    for video, seconds in zip(videos.all(), (1.5, 4.0)):
        told = video.evaluate(PLAY)
        assert (
            told["time"] >= 0.3 and told["width"] == 1280 and abs(told["duration"] - seconds) < 0.15
        )
        assert (
            told["bright"] > 1.5 * 1280 * 720
        )  # a black picture has one number in four: its opacity


def test_the_sliders_change_the_number_of_boxes(run_all):
    page = run_all("04_pre_and_postprocess")
    view = page.locator(".widget-vbox", has_text="objects are there")
    view.scroll_into_view_if_needed()

    def boxes():
        return int(view.get_by_text("objects are there").text_content().split(" boxes")[0])

    def boxes_after(slider, key, wanted):
        """The number of boxes after a key on a slider, once it is as wanted."""
        before, started = boxes(), time.monotonic()
        view.locator(".noUi-handle").nth(slider).focus()
        page.keyboard.press(key)
        while not wanted(boxes(), before):
            assert time.monotonic() - started < 10, boxes()
            page.wait_for_timeout(50)
        return boxes()

    few, picture = boxes(), view.locator("img").get_attribute("src")
    assert few > 20
    assert boxes_after(0, "Home", lambda now, before: now > 2 * before) > few  # confidence 0.01
    assert boxes_after(1, "End", lambda now, before: now > 2 * before) > 4 * few  # overlap limit 1
    assert boxes_after(0, "End", lambda now, before: now < few) < few
    assert view.locator("img").get_attribute("src") != picture


def test_the_viewer_updates_and_stops(run_all):
    page = run_all("10_async_camera")
    viewer = page.locator(".widget-vbox", has=page.get_by_role("button", name="Start"))
    picture, line = viewer.locator("img"), viewer.locator(".widget-label", has_text="stopped")
    line.wait_for()  # the lesson's own cells have stopped it
    start, stop = (viewer.get_by_role("button", name=name) for name in ("Start", "Stop"))
    start.click()
    seen, until = [], time.monotonic() + 30
    while len({hash(shot) for shot in seen}) < 5 and time.monotonic() < until:
        seen.append(picture.screenshot())
        page.wait_for_timeout(200)
    assert len({hash(shot) for shot in seen}) >= 5, "the street moves"
    assert picture.evaluate("i => [i.naturalWidth, i.naturalHeight, i.offsetWidth > 600]") == [
        960,
        540,
        True,
    ]
    viewer.get_by_text("ms old").wait_for()
    stop.click()
    line.wait_for()
    page.wait_for_timeout(500)
    last = picture.get_attribute("src")
    page.wait_for_timeout(1500)
    assert picture.get_attribute("src") == last, "stopped, it still changes"


def test_the_chosen_model_shows_its_boxes(run_all):
    page = run_all("12_other_models")
    chooser = page.locator(".widget-vbox", has=page.locator("select"))
    picture, (model, data) = chooser.locator("img"), chooser.locator("select").all()
    shown = [picture.get_attribute("src")]
    for choice, value in ((model, "ssd_resnet18_traffic"), (data, "traffic")):
        choice.select_option(value)
        page.wait_for_function(
            "([box, old]) => box.querySelector('img').src !== old",
            arg=[chooser.element_handle(), shown[-1]],
        )
        shown.append(picture.get_attribute("src"))
    assert picture.evaluate(
        "async i => { await i.decode(); return [i.naturalWidth, i.naturalHeight]; }"
    ) == [1248, 384]
