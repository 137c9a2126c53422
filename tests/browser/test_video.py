"""What `detect` writes plays in a real Chromium: to the end, at its length, with its pictures."""

import http.server
import os
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from trt_course.__main__ import main
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter

KIT = Path(__file__).resolve().parent.parent.parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="needs a Chromium: apt-get install chromium")
PAGE = "<!doctype html><video id=v muted src={} width=640></video>"
PLAY = """async speed => {
    const v = document.getElementById('v'), ended = new Promise((good, bad) => {
        v.onended = () => good('ended'); v.onerror = () => bad(v.error.message)});
    v.playbackRate = speed; await v.play(); await ended;
    const all = v.getVideoPlaybackQuality();
    return {time: v.currentTime, ready: v.readyState, width: v.videoWidth, height: v.videoHeight,
            duration: v.duration, frames: all.totalVideoFrames, damaged: all.corruptedVideoFrames};
}"""
PIXEL = """async ([time, x, y]) => {
    const v = document.getElementById('v');
    if (!v.src.startsWith('blob:')) {
        // Seeking wants parts of a file, which the little server cannot give.
        const data = await (await fetch(v.src)).blob();
        await new Promise(done => {v.onloadeddata = done; v.src = URL.createObjectURL(data)});
    }
    const c = document.createElement('canvas').getContext('2d');
    await new Promise(done => {v.onseeked = done; v.currentTime = time});
    c.canvas.width = v.videoWidth; c.canvas.height = v.videoHeight; c.drawImage(v, 0, 0);
    return Array.from(c.getImageData(x, y, 1, 1).data).slice(0, 3).reverse();
}"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def page(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(60000)

        def show(path):
            (tmp_path / "page.html").write_text(PAGE.format(path.relative_to(tmp_path)))
            page.goto(f"http://127.0.0.1:{server.server_port}/page.html")
            return page

        yield show
        browser.close()
    server.shutdown()
    server.server_close()


def test_the_street_plays(page, tmp_path):
    out = tmp_path / "o"
    street = KIT / "data/street.mp4"
    words = ["detect", str(street), "--model", "ssd_mobilenet_v2_signs", "--out", str(out)]
    assert main(words) == 0

    with open_source(street) as source, open_source(out / "street.mp4") as written:
        wanted = [frame.time for frame in source]
        assert np.allclose([frame.time for frame in written], wanted, atol=1e-4)
        size = source.size
        duration = wanted[-1] + 1 / source.fps

    shown = page(out / "street.mp4")
    told = shown.evaluate(PLAY, 2)
    assert (told["width"], told["height"]) == size
    assert told["damaged"] == 0
    assert abs(told["duration"] - duration) < 0.02
    assert abs(told["time"] - told["duration"]) < 0.05
    assert told["frames"] > len(wanted) / 4  # a browser without a GPU drops frames; files lose none
    if os.environ.get("SHOT"):
        shown.screenshot(path=os.environ["SHOT"])


RED = (0, 0, 220)
GREEN = (0, 220, 0)
BLUE = (220, 0, 0)
GREY = (200, 200, 200)
BLACK = (0, 0, 0)


def require_colour(shown, moment, colour):
    """The video shows a colour at a moment; a busy browser says too early that it has sought."""
    for _ in range(20):
        seen = shown.evaluate(PIXEL, [moment, 70, 50])
        if np.abs(np.subtract(seen, colour)).max() < 40:
            return
        shown.wait_for_timeout(100)
    pytest.fail(f"at {moment} s the colour is {seen}, not {colour}")


def test_odd_size_and_variable_rate_play_and_the_colours_are_right(page, tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for moment, colour in ((0, RED), (0.2, GREEN), (1.0, BLUE), (1.1, GREY), (2.0, BLACK)):
            writer.write(np.full((101, 151, 3), colour, np.uint8), moment)

    shown = page(tmp_path / "a.mp4")
    told = shown.evaluate(PLAY, 1)
    assert (told["width"], told["height"]) == (152, 102)
    assert abs(told["duration"] - 2.1) < 0.02
    for moment, colour in ((0.1, RED), (0.7, GREEN), (1.05, BLUE), (1.6, GREY)):
        require_colour(shown, moment, colour)
