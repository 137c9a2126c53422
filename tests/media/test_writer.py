"""The written file: browser's pixel format, index at the front, every frame at its time; whole or not there at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media import gstreamer, writer
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter, transcode

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
    data, at, names = Path(path).read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8].decode())
        at += int.from_bytes(data[at : at + 4], "big")
    return names


@pytest.fixture(params=["system", "imageio-ffmpeg"])
def either_ffmpeg(request, monkeypatch):
    if request.param == "system" and not shutil.which("ffmpeg"):
        pytest.skip("no ffmpeg in the system")
    if request.param != "system":
        monkeypatch.setattr(shutil, "which", lambda name: None)


def test_variable_times_are_kept_to_the_tick(either_ffmpeg, tmp_path):
    frames = read(write(tmp_path / "a.mp4"))
    assert np.allclose([f.time for f in frames], MOMENTS, atol=1e-6)
    for i, frame in enumerate(frames):
        assert np.abs(frame.image.astype(int) - picture(i))[4:-4, [8, 20, 44, 56]].max() < 14
    said = streams(tmp_path / "a.mp4")
    assert "h264" in said and "yuv420p" in said and "Duration: 00:00:01.00" in said
    assert boxes_of(tmp_path / "a.mp4").index("moov") < boxes_of(tmp_path / "a.mp4").index("mdat")


@pytest.mark.parametrize("fps", [12.5, 30000 / 1001, 24, 60])
def test_constant_rate_needs_no_times(tmp_path, fps):
    frames = read(write(tmp_path / "a.mp4", [None] * 12, fps))
    assert np.allclose([f.time for f in frames], np.arange(12) / fps, atol=1 / 90000)
    with open_source(tmp_path / "a.mp4") as source:
        assert abs(source.fps - fps) < 0.01 and source.frames == 12


def test_times_that_stand_still_lose_no_frame(tmp_path):
    frames = read(write(tmp_path / "a.mp4", [0, 0, 0.1, 0.05, 0.2]))
    assert len(frames) == 5 and np.allclose(
        [f.time for f in frames], [0, 0, 0.1, 0.1, 0.2], atol=1e-4
    )


def test_hours_into_a_recording(tmp_path):
    assert np.allclose(
        [f.time for f in read(write(tmp_path / "a.mp4", [0, 7200, 14400.5]))], [0, 7200, 14400.5]
    )


def test_odd_sizes_and_two_sizes(tmp_path):
    (frame,) = read(write(tmp_path / "a.mp4", [0], size=(51, 33)))
    assert frame.image.shape == (34, 52, 3) and abs(int(frame.image[33, 51, 0]) - 200) < 12
    with pytest.raises(
        CourseError, match="frame 2 has size 50 x 33; the video began with 51 x 33"
    ), VideoWriter(tmp_path / "two.mp4", 10) as out:
        out.write(picture(0, 51, 33))
        out.write(picture(0, 50, 33))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.mp4"]


def test_nothing_written_is_no_file(tmp_path):
    write(tmp_path / "a.mp4", [])
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_keeps_a_playable_file_and_an_error_none(tmp_path):
    for error, kept in ((KeyboardInterrupt, 5), (ZeroDivisionError, 0)):
        with pytest.raises(error), VideoWriter(tmp_path / (error.__name__ + ".mp4"), 10) as out:
            for i in range(5):
                out.write(picture(i))
            raise error
        path = tmp_path / (error.__name__ + ".mp4")
        assert len(read(path) if path.exists() else []) == kept
    assert len(list(tmp_path.iterdir())) == 1


FILL = """
import resource, sys, numpy as np
from trt_course.media.writer import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
noise = np.random.default_rng(0)
with VideoWriter(sys.argv[1], 10) as out:
    for _ in range(int(sys.argv[2])):
        out.write(noise.integers(0, 255, (480, 640, 3), np.uint8))
"""


@pytest.mark.parametrize("frames", [3, 60])
def test_a_full_disk_is_reported(tmp_path, frames):
    """3 frames fill it when the file ends, 60 while it is written."""
    done = subprocess.run(
        [sys.executable, "-c", FILL, str(tmp_path / "a.mp4"), str(frames)],
        cwd=str(KIT),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (
        done.returncode == 1
        and "a.mp4 cannot be written, the encoder ended with status" in done.stderr
    )
    assert "Is the disk full?" in done.stderr and list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not os.path.exists("/dev/shm") or os.getuid() != 0, reason="needs a small disk of its own"
)
def test_a_disk_that_is_really_full(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=128k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mount is not allowed here")
    try:
        done = subprocess.run(
            [
                sys.executable,
                "-c",
                FILL.replace("(200_000, 200_000)", "(-1, -1)"),
                str(tmp_path / "a.mp4"),
                "30",
            ],
            cwd=str(KIT),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 1 and "No space left on device" in done.stderr, done.stderr
        assert list(tmp_path.iterdir()) == []
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_encoders(tmp_path, monkeypatch):
    with pytest.raises(CourseError, match="no encoder 'nvenc'; allowed: auto, x264, jetson"):
        write(tmp_path / "a.mp4", encoder="nvenc")
    if not gstreamer.has_element("nvv4l2h264enc"):
        with pytest.raises(
            CourseError, match="nvv4l2h264enc, which comes with JetPack and is not here"
        ):
            write(tmp_path / "a.mp4", encoder="jetson")
    monkeypatch.setattr(gstreamer, "has_element", lambda name: True)
    assert (
        writer._command("auto", "o")[0][0] == "gst-launch-1.0" != writer._command("x264", "o")[0][0]
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(
    not gstreamer.has_element("x264enc"), reason="needs GStreamer's tools and its x264enc"
)
@pytest.mark.parametrize("size", [(64, 48), (50, 34), (51, 33)])
def test_the_jetsons_way_with_another_encoder(tmp_path, monkeypatch, size):
    """The same stream into the same pipeline; only the encoder's own element is another one."""

    def encode(path):
        return real(path, ["videoconvert", "x264enc tune=zerolatency"])

    real = gstreamer.encode
    monkeypatch.setattr(gstreamer, "encode", encode)
    monkeypatch.setattr(gstreamer, "has_element", lambda name: True)
    frames = read(write(tmp_path / "a.mp4", size=size, encoder="jetson"))
    assert np.allclose([f.time for f in frames], MOMENTS, atol=1e-3)
    assert frames[0].image.shape[:2] == (-(-size[1] // 8) * 8, -(-size[0] // 8) * 8)
    assert np.abs(frames[3].image[5, 5].astype(int) - picture(3)[5, 5]).max() < 14
    with open(str(tmp_path / "gone.mp4"), "wb") as _, pytest.raises(
        CourseError, match="encoder ended with status"
    ):
        monkeypatch.setattr(gstreamer, "encode", lambda path: real(path, ["nosuchelement"]))
        write(tmp_path / "b.mp4", [i / 10 for i in range(30)], size=size, encoder="jetson")
    assert not (tmp_path / "b.mp4").exists()


def test_transcode_the_avi_of_the_original_course(tmp_path, capsys, monkeypatch):
    avi = cv2.VideoWriter(
        str(tmp_path / "result.AVI"), cv2.VideoWriter_fourcc(*"XVID"), 12.5, (64, 48)
    )
    for i in range(7):
        avi.write(picture(i))
    avi.release()
    assert main(["transcode", str(tmp_path / "result.AVI"), "--out", str(tmp_path / "o")]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "o/result.mp4")
    frames = read(tmp_path / "o/result.mp4")
    assert len(frames) == 7 and np.allclose(
        [f.time for f in frames], np.arange(7) / 12.5, atol=1e-4
    )
    monkeypatch.chdir(tmp_path)
    shutil.copy(
        str(tmp_path / "result.AVI"), "take:2.AVI"
    )  # FFmpeg would look for the protocol "take"
    assert (
        main(["transcode", "take:2.AVI", "--out", "out:1"]) == 0
        and len(read(tmp_path / "out:1/take:2.mp4")) == 7
    )
    with pytest.raises(CourseError, match="written over itself"):
        transcode(tmp_path / "o/result.mp4", tmp_path / "o")
