"""Files as sources: order, times, size and end of pictures, and of videos of all kinds.

The bundled ffmpeg makes the videos.
"""

import struct
import subprocess
import zlib

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.media.pictures import images_in, read_image
from trt_course.media.sources import kind_of, open_source
from trt_course.media.writer import VideoWriter


def ffmpeg(*args):
    words = [str(arg) for arg in args]
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *words], check=True)


def make(path, *args, size="64x48", rate=10, seconds=1, source="testsrc2"):
    pattern = f"{source}=size={size}:rate={rate}:duration={seconds}"
    ffmpeg("-f", "lavfi", "-i", pattern, *args, path)
    return path


def times(path, **options):
    with open_source(path, **options) as source:
        return [round(frame.time, 4) for frame in source]


def cut(path, target, share):
    """The first part of a file's bytes as another file."""
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def test_picture_folder_and_wildcard(picture_folder):
    with open_source(picture_folder / "b.PNG") as source:
        (frame,) = source
        assert frame.name == "b"
        assert frame.number == 0
        assert frame.image.shape == (192, 256, 3)
        assert source.frames == 1
        assert not source.live
        assert source.read() is None

    with open_source(picture_folder) as source:
        assert [frame.name for frame in source] == list("abcdef")
        assert source.frames == 6

    assert kind_of(picture_folder / "*.webp") == "folder"
    found = images_in(picture_folder / "[a-c]*")
    assert [path.name for path in found] == ["a.jpg", "b.PNG", "c.bmp"]
    with pytest.raises(CourseError, match="holds no pictures"):
        open_source(picture_folder / "*.mp4")
    with pytest.raises(CourseError, match="none holds no pictures"):
        images_in(picture_folder / "none")


def test_pictures_in_a_loop_and_past_a_bad_one(picture_folder):
    (picture_folder / "ab.jpg").write_bytes(b"x")
    with open_source(picture_folder, loop=True) as source:
        assert source.read().name == "a"
        with pytest.raises(CourseError, match="ab.jpg cannot be read"):
            source.read()
        assert [source.read().name for _ in range(6)] == ["b", "c", "d", "e", "f", "a"]
        source.close()
        assert source.read() is None


def test_options_of_a_live_source_are_refused(picture_folder):
    with pytest.raises(CourseError, match="is no live source and takes no latency"):
        open_source(picture_folder, latency=3)


def test_video(tmp_path):
    with open_source(make(tmp_path / "a.mp4")) as source:
        assert source.size == (64, 48)
        assert source.fps == 10
        assert source.frames == 10
        assert not source.live

        frames = list(source)
        assert [frame.number for frame in frames] == list(range(10))
        assert [round(frame.time, 6) for frame in frames] == [i / 10 for i in range(10)]
        assert frames[0].image.dtype == np.uint8
        assert not np.array_equal(frames[0].image, frames[9].image)
        assert source.read() is None
        assert source.read() is None


def test_video_in_a_loop_goes_on_counting_at_its_own_times(tmp_path):
    moments = [0, 0.5, 0.6]
    with VideoWriter(tmp_path / "a.mp4", 10) as writer:
        for i, moment in enumerate(moments):
            image = np.full((48, 64, 3), 90 * i, np.uint8)
            writer.write(image, moment)
    with open_source(tmp_path / "a.mp4", loop=True) as source:
        frames = [source.read() for _ in range(8)]
        assert [frame.number for frame in frames] == list(range(8))
        second_round = [frame.time for frame in frames[3:6]]
        begin = 0.6 + 1 / source.fps
        assert np.allclose(second_round, begin + np.array(moments))
        assert np.array_equal(frames[0].image, frames[6].image)


@pytest.mark.parametrize(
    "name, args",
    [
        ("a.avi", ["-c:v", "mjpeg"]),
        ("b.avi", ["-c:v", "mpeg4", "-bf", "2"]),
        ("c.mkv", []),
        ("d.ts", []),
        ("e.webm", ["-c:v", "libvpx"]),
        ("f.mov", []),
    ],
)
def test_kinds_of_files(tmp_path, name, args):
    found = times(make(tmp_path / name, *args))
    assert len(found) == 10
    assert np.allclose(np.diff(found), 0.1, atol=0.002)


def test_variable_frame_rate(tmp_path):
    timing = "-vf settb=1/1000,setpts=N*N/100/TB -fps_mode passthrough -enc_time_base 1/1000"
    vary = timing.split()
    for name in ("a.mp4", "a.mkv"):
        found = times(make(tmp_path / name, *vary, seconds=0.7))
        assert np.allclose(found, [i * i / 100 for i in range(7)], atol=0.002)


def test_odd_size_and_rotation(tmp_path):
    lossless = ["-c:v", "ffv1", "-pix_fmt", "bgr0"]
    odd = make(tmp_path / "odd.mkv", *lossless, size="51x33", source="testsrc")
    with open_source(odd) as source:
        assert source.size == (51, 33)
        assert source.read().image.shape == (33, 51, 3)

    upright = make(tmp_path / "a.mp4")
    on_its_side = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", on_its_side)
    with open_source(upright) as source:
        plain = source.read().image
    with open_source(on_its_side) as source:
        turned = source.read().image
        assert source.size == (48, 64)
        assert turned.shape == (64, 48, 3)
        assert np.array_equal(turned, cv2.rotate(plain, cv2.ROTATE_90_COUNTERCLOCKWISE))


def test_a_varying_rate_is_not_a_missing_tail(tmp_path, capsys):
    vary = ["-vf", "setpts='if(lt(N,30),N/30,1+(N-30)/5)/TB'", "-fps_mode", "passthrough"]
    slow = make(tmp_path / "slow.mkv", *vary, rate=30, seconds=1.6)
    with open_source(slow) as source:
        assert source.frames > 90  # it claims its length times its rate
        assert len(list(source)) == 48
        assert not source.short
    assert capsys.readouterr().err == ""


def test_a_picture_that_claims_to_be_too_large(tmp_path):
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((4, 4, 3), np.uint8))
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 60000, 60000)
    checksum = zlib.crc32(bytes(data[12:29]))
    data[29:33] = struct.pack(">I", checksum)
    path.write_bytes(bytes(data))
    with pytest.raises(CourseError, match="a.png claims to be 60000 x 60000 pixels"):
        read_image(path)


def test_a_name_that_begins_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("~old.png", np.zeros((4, 4, 3), np.uint8))
    with open_source("~old.png") as source:
        assert len(list(source)) == 1


def test_truncated_tail_ends_early_and_says_so(tmp_path, capsys):
    whole = make(tmp_path / "a.mp4", "-movflags", "+faststart", "-g", "5", seconds=5)
    n = len(times(cut(whole, tmp_path / "cut.mp4", 0.6)))
    assert 10 < n < 45
    assert f"claims 50 frames, but only {n} could be read: it is cut off" in capsys.readouterr().err

    late = make(tmp_path / "b.mp4")  # the index is at the end, and lost
    with pytest.raises(CourseError, match="cannot be read as a video"):
        open_source(cut(late, late, 0.5))

    assert len(times(whole)) == 50
    assert capsys.readouterr().err == ""


def test_damage_in_the_middle_is_stepped_over(tmp_path):
    path = make(tmp_path / "a.avi", "-c:v", "mjpeg", "-q:v", "3", seconds=3)
    data = bytearray(path.read_bytes())
    middle = data.index(b"00dc", len(data) // 2)
    data[middle + 8 : middle + 600] = bytes(592)  # one frame's beginning
    path.write_bytes(data)
    assert len(times(path)) >= 28


def test_no_frames_and_sound_only(tmp_path):
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "sound.mp4")
    make(tmp_path / "none.mp4", "-frames:v", "0")
    for name in ("sound.mp4", "none.mp4"):
        with pytest.raises(
            CourseError, match="cannot be read as a video: it is damaged, has no pictures"
        ):
            open_source(tmp_path / name)
