"""Videos as they come from cameras, recorders and careless copies: none is read wrong in silence.

The bundled ffmpeg makes them.
"""

import os
import socket
import subprocess
import sys
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media import av_file, nvdec
from trt_course.media.sources import kind_of, open_source
from trt_course.media.transcode import transcode
from trt_course.media.video_file import VideoFile

KIT = Path(__file__).resolve().parent.parent.parent
WIDTH = 160
HEIGHT = 120
WITH_AV = pytest.mark.skipif(not av_file.is_here(), reason="needs PyAV")

H264 = "-c:v libx264 -preset ultrafast"
INTERLACED = "-vf tinterlace=interleave_top -flags +ilme+ildct"
HALVES = INTERLACED + " -c:v libx264 -x264opts interlaced=1:tff=1"


def ffmpeg(*args):
    words = [os.fspath(arg) for arg in args]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *words]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def make(path, options="", rate=25, seconds=1, pattern="testsrc2"):
    """A video of a moving pattern; the options are ffmpeg's."""
    source = f"{pattern}=size={WIDTH}x{HEIGHT}:rate={rate}:duration={seconds}"
    ffmpeg("-f", "lavfi", "-i", source, *options.split(), path)
    return path


def read(path):
    with open_source(path) as source:
        return list(source)


def cut(path, length):
    """The first bytes of a file as another file beside it."""
    target = path.with_name("cut-" + path.name)
    target.write_bytes(path.read_bytes()[:length])
    return target


def opencv_only(monkeypatch):
    monkeypatch.setattr(av_file, "is_here", lambda: False)


# What the picture is ------------------------------------------------------------------------------


@WITH_AV
@pytest.mark.parametrize(
    "name, options",
    [
        ("a.mp4", HALVES),
        ("a.ts", HALVES),
        ("a.mpg", INTERLACED + " -c:v mpeg2video -b:v 3M"),
    ],
)
def test_interlaced_video_is_taken_apart(tmp_path, name, options):
    """Each frame shows the moment of its first half, without combs."""
    halves = make(tmp_path / "halves.mkv", "-c:v ffv1", rate=50)
    moments = [frame.image for frame in read(halves)][::2]
    frames = read(make(tmp_path / name, options, rate=50))

    assert len(frames) == len(moments) == 25
    assert np.allclose([frame.time for frame in frames], np.arange(25) / 25, atol=1e-6)
    for frame, moment in zip(frames, moments):
        assert np.abs(frame.image.astype(int) - moment).mean() < 12
        assert combs(frame.image) < 1.5 * combs(moment)


@WITH_AV
@pytest.mark.parametrize("size", ["2x2", "8x2", "4x4", "10x10"])
def test_tiny_interlaced_pictures_are_read(tmp_path, size):
    path = make(tmp_path / "a.mkv", f"-vf scale={size.replace('x', ':')},setfield=tff -c:v ffv1")
    assert len(read(path)) == 25


def combs(image):
    """How much neighbouring lines differ more than the lines next to them."""
    grey = image.astype(int).sum(axis=-1)
    near = np.abs(grey[1:-1] - grey[2:]).mean()
    far = np.abs(grey[:-2] - grey[2:]).mean()
    return near / far


def test_opencv_refuses_interlaced_video(tmp_path, monkeypatch):
    path = make(tmp_path / "a.mp4", HALVES, rate=50)
    opencv_only(monkeypatch)
    with pytest.raises(CourseError, match="a.mp4 is interlaced.*pip install av"):
        VideoFile(path)


@pytest.mark.parametrize("library", ["PyAV", "OpenCV"])
def test_av1_is_read_or_refused(tmp_path, monkeypatch, capfd, library):
    path = make(tmp_path / "a.mkv", "-c:v libsvtav1 -preset 12")
    if library == "OpenCV":
        opencv_only(monkeypatch)
        with pytest.raises(CourseError, match="codec that this OpenCV lacks.*pip install av"):
            open_source(path)
        return
    if not av_file.is_here():
        pytest.skip("needs PyAV")
    with open_source(path) as source:
        assert len(list(source)) == 25
        assert not source.short
    assert "cut off" not in capfd.readouterr().err


@pytest.mark.parametrize("library", ["PyAV", "OpenCV"])
@pytest.mark.parametrize("shape, size", [("2/1", (320, 120)), ("1/2", (160, 240))])
@pytest.mark.parametrize("turned", [False, True])
def test_pixels_become_square(tmp_path, monkeypatch, library, shape, size, turned):
    path = make(tmp_path / "a.mp4", f"{H264} -vf setsar={shape}")
    if turned:
        upright = path
        path = tmp_path / "turned.mp4"
        ffmpeg("-display_rotation", "90", "-i", upright, "-c", "copy", path)
        size = size[::-1]
    if library == "OpenCV":
        opencv_only(monkeypatch)
    with open_source(path) as source:
        image = source.read().image
        assert source.size == size
        assert image.shape == (size[1], size[0], 3)


@WITH_AV
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_mirrored_videos_are_shown_as_they_are_meant(tmp_path, degrees):
    """As some front cameras write them; ffmpeg shows what is meant."""
    upright = make(tmp_path / "a.mp4", H264)
    path = tmp_path / "mirrored.mp4"
    turn = f"-display_hflip -display_rotation {degrees}"
    ffmpeg(*turn.split(), "-i", upright, "-c", "copy", path)
    ffmpeg("-i", path, "-frames:v", "1", tmp_path / "meant.png")
    meant = cv2.imread(str(tmp_path / "meant.png"))
    image = read(path)[0].image
    assert image.shape == meant.shape
    assert np.abs(image.astype(int) - meant).mean() < 3


@WITH_AV
@pytest.mark.parametrize("codec", ["libx264 -preset ultrafast -bf 3 -b_strategy 0", "mpeg4 -bf 2"])
def test_an_avi_with_pictures_out_of_order_has_its_times(tmp_path, codec):
    frames = read(make(tmp_path / "a.avi", f"-c:v {codec}"))
    times = [frame.time for frame in frames]
    assert np.allclose(times, np.arange(25) / 25, atol=1e-6)


@WITH_AV
def test_a_stream_that_changes_its_size_keeps_the_first(tmp_path):
    first = make(tmp_path / "a.ts", H264)
    second = make(tmp_path / "b.ts", H264 + " -vf scale=320:180")
    first.write_bytes(first.read_bytes() + second.read_bytes())
    with open_source(first) as source:
        frames = list(source)
        assert source.size == (WIDTH, HEIGHT)
    assert len(frames) == 50
    assert {frame.image.shape for frame in frames} == {(HEIGHT, WIDTH, 3)}
    assert main(["transcode", str(first), "--out", str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("name", ["a.avi", "b.mov"])
def test_opencv_refuses_what_is_interlaced_and_does_not_say_so(tmp_path, monkeypatch, name):
    path = make(tmp_path / name, "-s 720x576 -c:v dvvideo")
    opencv_only(monkeypatch)
    with pytest.raises(CourseError, match="is interlaced"):
        VideoFile(path)


@WITH_AV
@pytest.mark.parametrize("name", ["a.m4a", "b.mp3"])
def test_the_cover_of_music_is_no_video(tmp_path, name):
    cover = make(tmp_path / "cover.jpg", "-frames:v 1")
    music = SOUND.split()
    kinds = ["-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic"]
    ffmpeg(*music, "-i", cover, *kinds, tmp_path / name)
    with pytest.raises(CourseError, match="neither a picture nor a video|has no pictures"):
        open_source(tmp_path / name)


@pytest.mark.parametrize("name", ["a.mjpeg", "a.mjpg"])
def test_a_stream_of_jpegs_has_all_its_frames(tmp_path, name):
    assert len(read(make(tmp_path / name, "-f mjpeg"))) == 25


# How long it is -----------------------------------------------------------------------------------


@WITH_AV
@pytest.mark.parametrize("name", ["trim.mp4", "trim.mkv", "trim.ts"])
def test_a_trim_without_encoding_is_whole(tmp_path, capsys, name):
    whole = make(tmp_path / "whole.mp4", f"{H264} -g 50 -bf 2", seconds=4)
    path = tmp_path / name
    ffmpeg("-ss", "1.3", "-i", whole, "-c", "copy", path)
    with open_source(path) as source:
        times = [frame.time for frame in source]
        assert not source.short
    assert main(["transcode", str(path), "--out", str(tmp_path / "out")]) == 0
    assert "cut off" not in capsys.readouterr().err

    assert times[0] == 0
    assert np.allclose(np.diff(times), 0.04, atol=2e-3)
    if name == "trim.mp4":  # the others cannot say that some frames are not to be shown
        assert len(times) == 67


SOUND = "-f lavfi -i sine=duration=9"


@pytest.mark.parametrize("library", ["PyAV", "OpenCV"])
@pytest.mark.parametrize("name", ["a.mkv", "b.webm", "c.flv", "d.wmv", "e.avi", "f.mp4"])
def test_sound_may_be_longer_than_the_pictures(tmp_path, monkeypatch, capsys, name, library):
    if library == "OpenCV":
        opencv_only(monkeypatch)
    with open_source(make(tmp_path / name, SOUND)) as source:
        assert len(list(source)) == 25
        assert not source.short
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("count", [1, 3, 10])
@pytest.mark.parametrize("name", ["a.flv", "b.wmv", "c.avi", "d.mkv", "e.mp4"])
def test_a_short_video_is_whole(tmp_path, name, count):
    options = f"{H264} -bf 3 -b_strategy 0"
    if name.endswith("wmv"):
        options = ""
    with open_source(make(tmp_path / name, f"{options} -frames:v {count}")) as source:
        assert len(list(source)) == count
        assert not source.short


@pytest.mark.parametrize("name", ["a.mkv", "b.ts", "c.avi", "d.mpg", "e.mp4"])
def test_zeros_behind_a_video_are_no_part_of_it(tmp_path, capsys, name):
    """Recorders reserve room for their files."""
    path = make(tmp_path / name, "-c:v mpeg2video")
    with path.open("ab") as stream:
        stream.write(bytes(5000))
    with open_source(path) as source:
        assert len(list(source)) == 25
        assert not source.short


@WITH_AV
def test_an_avi_from_a_pipe_is_whole(tmp_path):
    path = tmp_path / "a.avi"
    source = f"testsrc2=size={WIDTH}x{HEIGHT}:rate=25:duration=1"
    command = f"-v error -f lavfi -i {source} -c:v mpeg4 -f avi -".split()
    with path.open("wb") as stream:
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), *command], check=True, stdout=stream)
    with open_source(path) as video:
        assert len(list(video)) == 25
        assert not video.short


FRAGMENTS = f"{H264} -g 5 -movflags frag_keyframe+empty_moov"


@pytest.mark.parametrize(
    "name, options",
    [
        ("a.mp4", FRAGMENTS),
        ("b.mp4", f"{H264} -movflags +faststart"),
        ("c.mkv", H264),
        ("d.ts", H264),
        ("e.m2ts", H264),
        ("f.mpg", ""),
        ("g.flv", ""),
        ("h.gif", ""),
        ("i.wmv", ""),
        ("j.avi", "-c:v mjpeg -q:v 2"),
        ("k.ogv", ""),
    ],
)
@pytest.mark.parametrize("share", [0.7, 0.985])
def test_a_cut_video_says_so(tmp_path, capsys, name, options, share):
    path = make(tmp_path / name, options, seconds=2)
    read(path)
    assert capsys.readouterr().err == ""

    length = int(path.stat().st_size * share)
    while length % 188 == 0 or length % 192 == 0:
        length -= 1
    with pytest.raises(CourseError, match="not all of it could be read"):
        transcode(cut(path, length), tmp_path / "out")
    said = capsys.readouterr().err
    assert said.count("it is cut off or damaged") == 1
    assert (tmp_path / "out" / f"cut-{path.stem}.mp4").stat().st_size > 0


@WITH_AV
def test_a_stream_that_is_cut_between_packets_says_so(tmp_path, capsys):
    path = make(tmp_path / "a.ts", "-c:v mpeg2video -b:v 3M -bf 0")
    cut_ones = 0
    for packets in range(300, 316):
        with open_source(cut(path, 188 * packets)) as source:
            list(source)
            cut_ones += source.short
    assert cut_ones >= 14  # the others may end with a frame
    capsys.readouterr()


class NoDecoder:
    """PyNvVideoCodec, which must not be asked."""

    def SimpleDecoder(self, *args, **kwargs):
        raise AssertionError("asked")


@pytest.mark.parametrize("wrong", ["cut", "turned", "wide"])
def test_the_gpu_leaves_to_the_cpu_what_it_gets_wrong(tmp_path, monkeypatch, wrong):
    path = make(tmp_path / "a.mkv", H264)
    if wrong == "cut":
        path = cut(path, path.stat().st_size * 2 // 3)
    elif wrong == "turned":
        upright = path
        path = tmp_path / "b.mp4"
        ffmpeg("-display_rotation", "180", "-i", upright, "-c", "copy", path)
    else:
        path = make(tmp_path / "b.mkv", f"{H264} -vf setsar=2/1")
    monkeypatch.setattr(nvdec, "need", lambda name: NoDecoder())
    with pytest.raises(CourseError, match="is left to the CPU"):
        nvdec.GpuVideoFile(path)


@WITH_AV
def test_nothing_is_left_open(tmp_path):
    path = make(tmp_path / "a.mp4", HALVES, rate=50)
    read(path)
    before = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    for _ in range(5):
        with open_source(path, loop=True) as source:
            frames = [source.read() for _ in range(60)]
            assert [frame.number for frame in frames] == list(range(60))
            assert np.allclose(np.diff([frame.time for frame in frames]), 0.04)
        assert source.read() is None
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(os.listdir("/proc/self/task")) == threads


# What it is called --------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["PyAV", "OpenCV"])
def test_a_name_that_is_not_utf8(tmp_path, library):
    """In a process of its own, which it must not kill."""
    folder = os.fsencode(str(tmp_path))
    plain = make(tmp_path / "a.mp4", H264)
    os.rename(str(plain), folder + b"/caf\xe9.mp4")
    code = (
        "import sys\n"
        "from trt_course.media import av_file, video_file\n"
        "from trt_course.media.transcode import transcode\n"
        f"if {library == 'OpenCV'}:\n"
        "    av_file.is_here = lambda: False\n"
        "transcode(sys.argv[1], sys.argv[2])\n"
    )
    command = [sys.executable, "-c", code, folder + b"/caf\xe9.mp4", folder + b"/out"]
    done = subprocess.run(command, cwd=str(KIT), stderr=subprocess.PIPE, timeout=120)
    assert done.returncode == 0, done.stderr
    (made,) = os.listdir(folder + b"/out")[-1:]
    assert os.path.getsize(folder + b"/out/caf\xe9.mp4") > 0, made


KINDS = [".mpg", ".m2ts", ".mts", ".flv", ".3gp", ".wmv", ".y4m", ".gif", ".avi", ".ogv", ".mxf"]


@pytest.mark.parametrize("ending", KINDS)
@pytest.mark.parametrize("name", ["plain", "without", "wrong.jpg"])
def test_a_video_is_known_by_its_content(tmp_path, ending, name):
    path = make(tmp_path / ("a" + ending), "-s 352x288")
    if name != "plain":
        renamed = tmp_path / name
        path.rename(renamed)
        path = renamed
    assert kind_of(path) == "video"
    frames = read(path)
    assert len(frames) == 25
    assert frames[0].image.shape[0] == 288
    assert not np.array_equal(frames[0].image, frames[20].image)


def test_a_picture_is_known_by_its_content(tmp_path):
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    for ending in (".png", ".jpg", ".bmp", ".webp", ".tif"):
        cv2.imwrite(str(tmp_path / ("a" + ending)), image)
        (tmp_path / ("a" + ending)).rename(tmp_path / "without")
        assert kind_of(tmp_path / "without") == "image"
        (frame,) = read(tmp_path / "without")
        assert frame.image.shape == image.shape


@WITH_AV
def test_an_animated_png_is_a_video(tmp_path):
    path = make(tmp_path / "a.png", "-frames:v 5 -f apng")
    assert kind_of(path) == "video"
    assert len(read(path)) == 5


def test_numbered_pictures_are_a_video(tmp_path):
    make(tmp_path / "img_%04d.png", "-frames:v 12")
    pattern = tmp_path / "img_%04d.png"
    assert kind_of(pattern) == "video"
    with open_source(pattern) as source:
        assert (source.frames, source.fps, source.size) == (12, 25, (WIDTH, HEIGHT))
        frames = list(source)
    assert [frame.time for frame in frames] == [number / 25 for number in range(12)]
    for number, frame in enumerate(frames, 1):
        assert np.array_equal(frame.image, cv2.imread(str(tmp_path / f"img_{number:04d}.png")))

    assert len(read(transcode(pattern, tmp_path / "out"))) == 12

    (tmp_path / "img_0007.png").unlink()
    with pytest.raises(CourseError, match="has a gap: img_0006.png is followed by img_0008.png"):
        open_source(pattern)
    with pytest.raises(CourseError, match="There is no picture .*none_%d.png"):
        open_source(tmp_path / "none_%d.png")
    with pytest.raises(CourseError, match="There is no file"):
        open_source(tmp_path / "img_%09999999999999d.png")


@pytest.mark.parametrize("what", ["a pipe", "a socket", "a device"])
def test_what_is_no_file_is_refused_at_once(tmp_path, what):
    path = tmp_path / "source.mp4"
    listener = socket.socket(socket.AF_UNIX)
    if what == "a pipe":
        os.mkfifo(str(path))
    elif what == "a socket":
        listener.bind(str(path))
    else:
        path = Path("/dev/zero")
    with listener, pytest.raises(CourseError, match=f"is {what}, which cannot be read"):
        open_source(path)


@pytest.mark.parametrize("name", ["list.m3u8", "list.txt", "noise.bin", "empty.dat"])
def test_what_is_no_video_is_refused(tmp_path, name):
    """A list of other files too: it could name any file of this machine, or an address."""
    make(tmp_path / "a.ts", H264)
    texts = {
        "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:1,\na.ts\n#EXT-X-ENDLIST\n",
        "list.txt": f"ffconcat version 1.0\nfile {tmp_path}/a.ts\n",
        "noise.bin": "no video " * 500,
        "empty.dat": "",
    }
    (tmp_path / name).write_text(texts[name])
    with pytest.raises(CourseError, match="neither a picture nor a video|cannot be read"):
        open_source(tmp_path / name)


# How it is imported -------------------------------------------------------------------------------


@WITH_AV
def test_opencv_is_imported_before_pyav(tmp_path):
    """The other way round, cv2.imshow hangs."""
    path = make(tmp_path / "a.mp4", H264)
    code = (
        "import sys\n"
        "from trt_course.media.{} import *\n"
        "assert 'cv2' in sys.modules and 'av' not in sys.modules\n"
        "from trt_course.media.sources import open_source\n"
        f"open_source({str(path)!r}).read()\n"
        "names = list(sys.modules)\n"
        "assert names.index('cv2') < names.index('av')\n"
    )
    for module in ("av_file", "deinterlace"):
        subprocess.run([sys.executable, "-c", code.format(module)], check=True, cwd=str(KIT))
