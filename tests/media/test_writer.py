"""The written file plays in a browser, has every frame at its time, and is whole or not there."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.media import encoder, gstreamer
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.outputs import Outputs

KIT = Path(__file__).resolve().parent.parent.parent
MOMENTS = [0, 0.1, 0.15, 0.4, 0.41, 0.5, 0.9]


def picture(i, width=64, height=48):
    image = np.full((height, width, 3), (40, 80, 20 + 30 * i), np.uint8)
    image[:, width // 2 :] = (200, 30, 10)
    return image


def write(path, moments=MOMENTS, fps=10, size=(64, 48), **options):
    with VideoWriter(path, fps, **options) as out:
        for i, moment in enumerate(moments):
            out.write(picture(i, *size), moment)
    return path


def read(path):
    with open_source(path) as source:
        return list(source)


def streams(path):
    done = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(path)], stderr=subprocess.PIPE, text=True
    )
    return done.stderr


def boxes_of(path):
    """The names of an MP4's outermost boxes, in their order."""
    data = Path(path).read_bytes()
    names = []
    start = 0
    while start < len(data):
        size = int.from_bytes(data[start : start + 4], "big")
        name = data[start + 4 : start + 8].decode()
        names.append(name)
        start += size
    return names


def times_of(frames):
    return [frame.time for frame in frames]


def names_in(folder):
    return [path.name for path in folder.iterdir() if path.name != ".trt_course"]


@pytest.fixture(params=["system", "imageio-ffmpeg"])
def either_ffmpeg(request, monkeypatch):
    if request.param == "system" and not shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg in the system")
    if request.param != "system":
        monkeypatch.setattr(shutil, "which", lambda name: None)


def test_variable_times_are_kept_to_the_tick(either_ffmpeg, tmp_path):
    path = write(tmp_path / "a.mp4")
    frames = read(path)
    assert np.allclose(times_of(frames), MOMENTS, atol=1e-6)
    for i, frame in enumerate(frames):
        off = np.abs(frame.image.astype(int) - picture(i))
        assert off[4:-4, [8, 20, 44, 56]].max() < 14

    said = streams(path)
    assert "h264" in said
    assert "yuv420p" in said
    assert "Duration: 00:00:01.00" in said
    boxes = boxes_of(path)
    assert boxes.index("moov") < boxes.index("mdat")


@pytest.mark.parametrize("fps", [12.5, 30000 / 1001, 24, 60])
def test_constant_rate_needs_no_times(tmp_path, fps):
    frames = read(write(tmp_path / "a.mp4", [None] * 12, fps))
    assert np.allclose(times_of(frames), np.arange(12) / fps, atol=1 / 90000)
    with open_source(tmp_path / "a.mp4") as source:
        assert abs(source.fps - fps) < 0.01
        assert source.frames == 12


def test_times_that_stand_still_lose_no_frame(tmp_path):
    frames = read(write(tmp_path / "a.mp4", [0, 0, 0.1, 0.05, 0.2]))
    assert len(frames) == 5
    assert np.allclose(times_of(frames), [0, 0, 0.1, 0.1, 0.2], atol=1e-4)


def test_hours_into_a_recording(tmp_path):
    moments = [0, 7200, 14400.5]
    frames = read(write(tmp_path / "a.mp4", moments))
    assert np.allclose(times_of(frames), moments)


def test_odd_sizes_and_two_sizes(tmp_path):
    (frame,) = read(write(tmp_path / "a.mp4", [0], size=(51, 33)))
    assert frame.image.shape == (34, 52, 3)
    corner = int(frame.image[33, 51, 0])
    assert abs(corner - 200) < 12

    message = "frame 2 has size 50 x 33; the video began with 51 x 33"
    with pytest.raises(CourseError, match=message), VideoWriter(tmp_path / "two.mp4", 10) as out:
        out.write(picture(0, 51, 33))
        out.write(picture(0, 50, 33))
    assert names_in(tmp_path) == ["a.mp4"]


def test_nothing_written_is_no_file(tmp_path):
    write(tmp_path / "a.mp4", [])
    assert names_in(tmp_path) == []


def write_until(error, path):
    with pytest.raises(error), VideoWriter(path, 10) as out:
        for i in range(5):
            out.write(picture(i))
        raise error


def test_ctrl_c_keeps_a_playable_file_and_an_error_none(tmp_path):
    write_until(KeyboardInterrupt, tmp_path / "stopped.mp4")
    write_until(ZeroDivisionError, tmp_path / "failed.mp4")
    assert names_in(tmp_path) == ["stopped.mp4"]
    assert len(read(tmp_path / "stopped.mp4")) == 5


FILL = """
import resource, sys, numpy as np
from trt_course.media.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0)
with VideoWriter(sys.argv[1], 10) as out:
    for _ in range(int(sys.argv[2])):
        out.write(noise.integers(0, 255, (480, 640, 3), np.uint8))
"""


def fill(path, frames, code=FILL):
    """Write noise to a disk that has not so much room, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", code, str(path), str(frames)],
        cwd=str(KIT),
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize("frames", [3, 60])
def test_a_full_disk_is_reported(tmp_path, frames):
    """3 frames fill it when the file ends, 60 while it is written."""
    done = fill(tmp_path / "a.mp4", frames)
    assert done.returncode == 1
    assert "a.mp4 cannot be written: the encoder ended with status" in done.stderr
    assert "Is the disk full?" in done.stderr
    assert names_in(tmp_path) == []


@pytest.mark.skipif(
    not os.path.exists("/dev/shm") or os.getuid() != 0, reason="needs a small disk of its own"
)
def test_a_disk_that_is_really_full(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mount is not allowed here")
    without_limit = FILL.replace("(200_000, 200_000)", "(-1, -1)")
    try:
        done = fill(tmp_path / "a.mp4", 30, without_limit)
        assert done.returncode == 1, done.stderr
        assert "No space left on device" in done.stderr
        assert names_in(tmp_path) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_encoders(tmp_path, monkeypatch):
    with pytest.raises(CourseError, match="no encoder 'nvenc'; allowed: auto, x264, jetson"):
        write(tmp_path / "a.mp4", encoder="nvenc")
    if not gstreamer.has_element("nvv4l2h264enc"):
        message = "nvv4l2h264enc, which comes with JetPack and is not here"
        with pytest.raises(CourseError, match=message):
            write(tmp_path / "a.mp4", encoder="jetson")

    # one who takes the complaint and goes on writes nothing, and loses nothing
    old = tmp_path / "old.mp4"
    old.write_bytes(b"a video")
    with VideoWriter(old, encoder="nvenc", outputs=Outputs(force=True)) as out:
        for _ in range(2):
            with pytest.raises(CourseError, match="no encoder 'nvenc'"):
                out.write(picture(0))
    assert old.read_bytes() == b"a video"
    old.unlink()

    monkeypatch.setattr(gstreamer, "has_element", lambda name: True)
    assert encoder.command_for("auto", "o").words[0] == "gst-launch-1.0"
    assert encoder.command_for("x264", "o").words[0] != "gst-launch-1.0"
    assert names_in(tmp_path) == []


def test_without_any_ffmpeg(tmp_path, monkeypatch):
    def none():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", none)
    with pytest.raises(CourseError, match="no program ffmpeg .* sudo apt install ffmpeg"):
        write(tmp_path / "a.mp4")
    assert not names_in(tmp_path)


@pytest.mark.skipif(
    not gstreamer.has_element("x264enc"), reason="needs GStreamer's tools and its x264enc"
)
@pytest.mark.parametrize("size", [(64, 48), (50, 34), (51, 33)])
def test_the_jetsons_way_with_another_encoder(tmp_path, monkeypatch, size):
    """The same stream into the same pipeline; only the encoder's own element is another one."""
    encode = gstreamer.encode

    def take(*encoder):
        monkeypatch.setattr(gstreamer, "encode", lambda path: encode(path, encoder))

    monkeypatch.setattr(gstreamer, "has_element", lambda name: True)
    take("videoconvert", "x264enc tune=zerolatency")
    frames = read(write(tmp_path / "a.mp4", size=size, encoder="jetson"))
    assert np.allclose(times_of(frames), MOMENTS, atol=1e-3)
    width, height = size
    assert frames[0].image.shape == (height + -height % 8, width + -width % 8, 3)
    off = frames[3].image[5, 5].astype(int) - picture(3)[5, 5]
    assert np.abs(off).max() < 14

    take("nosuchelement")
    moments = [i / 10 for i in range(30)]
    with pytest.raises(CourseError, match="encoder ended with status"):
        write(tmp_path / "b.mp4", moments, size=size, encoder="jetson")
    assert not (tmp_path / "b.mp4").exists()
