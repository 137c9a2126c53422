"""The window, on a real X server: xdotool types the keys, the screen says what is shown."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from trt_course.media.window import Window

KIT = Path(__file__).resolve().parent.parent.parent
COLOR = (200, 120, 0)  # BGR
WIDTH = 800  # of the screen
HEIGHT = 600

SCRIPT = f"""
import sys, time
import numpy as np
from trt_course.media.window import Window
image = np.full((240, 320, 3), {COLOR}, np.uint8)
frames = 0
with Window("Street") as window:
    while window.show(image) and frames < 30000:
        time.sleep(0.01)
        frames += 1
print("ended", frames < 30000, (image == {COLOR}).all(), window.there)
"""


class Screen:
    """A screen in memory with a window manager; what it shows is read from Xvfb's own file."""

    def __init__(self, folder):
        self.folder = folder
        # -noreset: or it begins anew, without the window manager, when the first asker leaves
        options = f"-noreset -displayfd 1 -screen 0 {WIDTH}x{HEIGHT}x24 -fbdir".split()
        self.x = subprocess.Popen(
            ["Xvfb", *options, str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        display = ":" + self.x.stdout.readline().strip()
        self.env = {**os.environ, "DISPLAY": display, "PYTHONPATH": str(KIT)}
        self.manager = subprocess.Popen(
            ["openbox"], env=self.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def start(self, *command):
        return subprocess.Popen(
            command,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=str(KIT),
        )

    def do(self, *command):
        done = subprocess.run(
            ["xdotool", *command], env=self.env, capture_output=True, text=True, timeout=30
        )
        if done.returncode != 0:
            return []
        return done.stdout.split()

    def window(self, title):
        """Its number, once it has the keys."""
        found = []

        def active():
            found[:] = self.do("search", "--name", f"^{title}$")[-1:]
            if found:
                self.do("windowactivate", *found)
            return found and self.do("getactivewindow") == found

        self.until(active)
        return found[0]

    def size(self, name):
        lines = self.do("getwindowgeometry", "--shell", name)
        facts = dict(line.split("=") for line in lines)
        return int(facts["WIDTH"]), int(facts["HEIGHT"])

    def pixels(self):
        """(HEIGHT, WIDTH, 3), from an X window dump: a header, the colours, the pixels."""
        raw = (self.folder / "Xvfb_screen0").read_bytes()
        head = np.frombuffer(raw, ">u4", 25)
        header_size = int(head[0])
        stride = int(head[12])
        colours_size = int(head[19]) * 12

        pixels = np.frombuffer(raw, np.uint8, HEIGHT * stride, header_size + colours_size)
        rows = pixels.reshape(HEIGHT, -1, 4)  # (HEIGHT, stride / 4, 4)
        return rows[:, :WIDTH, :3]

    def share(self):
        """How much of the screen has the picture's colour."""
        return float((self.pixels() == COLOR).all(axis=-1).mean())

    @staticmethod
    def until(good):
        limit = time.monotonic() + 60
        while not good():
            assert time.monotonic() < limit, "it did not happen within a minute"
            time.sleep(0.05)

    def close(self):
        for process in (self.manager, self.x):
            process.terminate()
            process.wait(10)


@pytest.fixture
def screen(tmp_path):
    missing = [tool for tool in ("Xvfb", "xdotool", "openbox") if not shutil.which(tool)]
    if missing:
        pytest.skip("not installed here: " + ", ".join(missing))
    screen = Screen(tmp_path)
    yield screen
    screen.close()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["q", "Escape", "alt+F4"])
def test_keys(screen, end):
    job = screen.start(sys.executable, "-c", SCRIPT)
    name = screen.window("Street")
    with_help = 320 * 214 / (WIDTH * HEIGHT)
    without = 320 * 240 / (WIDTH * HEIGHT)
    screen.until(lambda: abs(screen.share() - with_help) < 1e-3)
    if end == "q":
        screen.do("key", "h")
        screen.until(lambda: abs(screen.share() - without) < 1e-3)
        screen.do("key", "f")
        screen.until(lambda: screen.size(name) == (WIDTH, HEIGHT) and screen.share() > 0.95)
        screen.do("key", "f")
        screen.until(lambda: screen.size(name) == (320, 240))
        screen.do("key", "h")
        screen.until(lambda: abs(screen.share() - with_help) < 1e-3)

    def ended():
        screen.do("key", end)  # again and again: openbox may not listen for alt yet
        return job.poll() is not None

    screen.until(ended)
    said, err = job.communicate(timeout=60)
    assert said == "ended True True True\n", err
    assert job.returncode == 0, err
    screen.until(lambda: screen.share() == 0)


@pytest.mark.parametrize("display", [None, ":4711"])
def test_without_a_display_it_says_so_once_and_goes_on(monkeypatch, capsys, display):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    black = np.zeros((48, 64, 3), np.uint8)
    with Window("Street") as window:
        assert all(window.show(black) for _ in range(5))
    said = capsys.readouterr().err
    assert said.count("No window: there is no display") == 1
    assert "Going on without" in said


def test_an_opencv_without_windows(monkeypatch, capsys, tmp_path):
    (tmp_path / "cv2.py").write_text(
        "def namedWindow(*_): raise RuntimeError('not implemented')\nWINDOW_NORMAL = 0\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with Window("Street") as window:
        assert window.show(np.zeros((48, 64, 3), np.uint8))
    assert "opencv-python-headless" in capsys.readouterr().err


@pytest.mark.slow
def test_detect_shows_the_video_until_q(screen, tmp_path):
    words = ["-m", "trt_course", "detect", "data/street.mp4", "--show", "--out"]
    job = screen.start(sys.executable, *words, str(tmp_path / "out"))
    screen.window("trt_course")
    screen.until(lambda: job.poll() is not None or screen.do("key", "q"))
    said, err = job.communicate(timeout=60)
    assert job.returncode == 0, err
    frames = int(re.search(r"^(\d+) frames", said, re.M).group(1))
    assert 0 < frames < 450
    assert (tmp_path / "out" / "street.mp4").exists()
