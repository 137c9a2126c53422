"""The window, on a real X server: keys typed by xdotool, sizes and pixels as the screen shows them."""

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

SCRIPT = f"""
import sys, time
import numpy as np
from trt_course.media.window import Window
image = np.full((240, 320, 3), {COLOR}, np.uint8)
frames = 0
with Window("Street") as window:
    while window.show(image) and frames < 3000:
        time.sleep(0.01)
        frames += 1
print("ended", frames < 3000, (image == {COLOR}).all(), window.there)
"""


class Screen:
    """A screen in memory with a window manager; what it shows is read from Xvfb's own file."""

    def __init__(self, folder):
        self.folder = folder
        # -noreset: or it begins anew, without the window manager, when the first asker leaves
        self.x = subprocess.Popen(
            [
                "Xvfb",
                "-noreset",
                "-displayfd",
                "1",
                "-screen",
                "0",
                "800x600x24",
                "-fbdir",
                str(folder),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.env = {
            **os.environ,
            "DISPLAY": ":" + self.x.stdout.readline().strip(),
            "PYTHONPATH": str(KIT),
        }
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
        return done.stdout.split() if done.returncode == 0 else []

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
        facts = dict(f.split("=") for f in self.do("getwindowgeometry", "--shell", name))
        return int(facts["WIDTH"]), int(facts["HEIGHT"])

    def pixels(self):
        raw = (
            self.folder / "Xvfb_screen0"
        ).read_bytes()  # an X window dump: header, colours, pixels
        head = np.frombuffer(raw, ">u4", 25)
        start, stride = int(head[0] + head[19] * 12), int(head[12])
        rows = np.frombuffer(raw, np.uint8, 600 * stride, start).reshape(600, stride)
        return rows.reshape(600, -1, 4)[:, :800, :3]

    def share(self):
        """How much of the screen has the picture's colour."""
        return float((self.pixels() == COLOR).all(axis=-1).mean())

    @staticmethod
    def until(good):
        limit = time.monotonic() + 20
        while not good():
            assert time.monotonic() < limit, "it did not happen within 20 s"
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
    with_help, without = 320 * 214 / 480000, 320 * 240 / 480000
    screen.until(lambda: abs(screen.share() - with_help) < 1e-3)
    if end == "q":
        screen.do("key", "h")
        screen.until(lambda: abs(screen.share() - without) < 1e-3)
        screen.do("key", "f")
        screen.until(lambda: screen.size(name) == (800, 600) and screen.share() > 0.95)
        screen.do("key", "f")
        screen.until(lambda: screen.size(name) == (320, 240))
        screen.do("key", "h")
        screen.until(lambda: abs(screen.share() - with_help) < 1e-3)
    screen.until(
        lambda: (screen.do("key", end), job.poll() is not None)[1]
    )  # openbox may not listen for alt yet
    said, err = job.communicate(timeout=20)
    assert said == "ended True True True\n" and job.returncode == 0, err
    screen.until(lambda: screen.share() == 0)


@pytest.mark.parametrize("display", [None, ":4711"])
def test_without_a_display_it_says_so_once_and_goes_on(monkeypatch, capsys, display):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv("DISPLAY", display)
    with Window("Street") as window:
        assert all(window.show(np.zeros((48, 64, 3), np.uint8)) for _ in range(5))
    said = capsys.readouterr().err
    assert said.count("No window: there is no display") == 1 and "Going on without" in said


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
    job = screen.start(
        sys.executable,
        "-m",
        "trt_course",
        "detect",
        "data/street.mp4",
        "--show",
        "--out",
        str(tmp_path / "out"),
    )
    screen.window("trt_course")
    screen.until(lambda: job.poll() is not None or screen.do("key", "q"))
    said, err = job.communicate(timeout=60)
    assert job.returncode == 0, err
    assert 0 < int(re.search(r"^(\d+) frames", said, re.M).group(1)) < 450
    assert (tmp_path / "out" / "street.mp4").exists()
