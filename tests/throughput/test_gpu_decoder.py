"""Files that the GPU decodes: frames that never leave it, and what becomes of what it cannot do."""

import subprocess
import threading

import imageio_ffmpeg
import pytest

from throughput_parts import (
    PICTURE_SIZE,
    Decoder,
    Kept,
    frames,
    install_decoder,
    installed_card,
    on_gpu,
    openers,
    picture,
    write_clip,
)
from trt_course import CourseError, TrtSSD
from trt_course.media import nvdec
from trt_course.throughput import opening
from trt_course.throughput.many import detect_many
from trt_course.throughput.opening import InMemory, source_opener


@pytest.fixture(autouse=True)
def no_spare_decoder():
    """Of another test's card."""
    yield
    vars(nvdec._spare).clear()


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, backend="cpu", threads=1, verbose=False) as ssd:
        yield ssd


@pytest.fixture(params=["cuda-python", "pycuda"])
def card(monkeypatch, request):
    with installed_card(monkeypatch, request.param) as card:
        yield card


def lefts(found):
    """The classes and the left sides of boxes, in pixels."""
    return sorted(zip(found.clss, found.boxes[:, 0].round()))


def test_frames_stay_on_the_gpu(card, tmp_path, ssd, monkeypatch):
    some = frames(19)
    decoder = Decoder(card, [frame.image for frame in some])
    install_decoder(monkeypatch, decoder)
    clip = write_clip(tmp_path / "clip.mp4", 1, fps=25)
    kept = Kept()
    with on_gpu(
        tmp_path, batch=(2, 2, 2), preprocess="engine", pixels="nv12", source=PICTURE_SIZE
    ) as gpu:
        assert gpu.decoded_by_gpu == PICTURE_SIZE
        assert detect_many(gpu, [source_opener(gpu, clip), *openers(some)], kept) == []
    decoder.free()

    for number, rate in ((0, 25), (1, 30)):
        rows = kept.of(number)
        assert [seen.number for seen, _ in rows] == list(range(19))
        for (seen, found), frame in zip(rows, some):
            wanted = ssd.detect(frame.image)
            assert seen.time == pytest.approx(frame.number / rate)
            assert len(found) == len(wanted)
            assert lefts(found) == lefts(wanted)


class Broken:
    """PyNvVideoCodec on a card that knows no codec."""

    def SimpleDecoder(self, *args, **kwargs):
        raise RuntimeError("no such codec")


def test_what_the_gpu_cannot_decode_is_decoded_on_the_cpu(card, tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", 1, fps=25)
    wrong_size = Decoder(card, [picture(0, 100, 100)])
    with on_gpu(tmp_path, preprocess="engine", pixels="nv12", source=PICTURE_SIZE) as gpu:
        for module in (Broken(), wrong_size):
            install_decoder(monkeypatch, module)
            with source_opener(gpu, clip)() as source:
                assert source.read().image.shape == (PICTURE_SIZE[1], PICTURE_SIZE[0], 3)
    wrong_size.free()


def test_a_jetson_s_decoder_is_taken_where_there_is_one(card, tmp_path, monkeypatch):
    clip = write_clip(tmp_path / "clip.mp4", 1, fps=25)
    asked = []

    def opened(path, pipeline):
        asked.append(pipeline)
        return InMemory([])

    monkeypatch.setattr(opening.gstreamer, "in_opencv", lambda: True)
    monkeypatch.setattr(opening.gstreamer, "has_element", lambda name: name == "nvv4l2decoder")
    monkeypatch.setattr(opening, "VideoFile", opened)
    with on_gpu(tmp_path) as gpu, source_opener(gpu, clip)() as source:
        assert isinstance(source, InMemory)
    assert "nvv4l2decoder" in asked[0]
    assert "clip.mp4" in asked[0]


@pytest.mark.parametrize(
    "name, why",
    [
        ("clip.mp4", "no such codec"),
        ("clip.ts", "PyNvVideoCodec finds no frames in transport"),
    ],
)
def test_the_gpu_says_why_it_cannot(tmp_path, monkeypatch, name, why):
    clip = write_clip(tmp_path / "made.mp4", 1)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(clip), "-c", "copy"]
    subprocess.run([*command, str(tmp_path / name)], check=True)
    monkeypatch.setattr(nvdec, "need", lambda name: Broken())
    with pytest.raises(CourseError, match=name + " cannot be decoded by the GPU: " + why):
        nvdec.GpuVideoFile(tmp_path / name)


@pytest.mark.parametrize("there, claims, short", [(20, 20, False), (32, 33, False), (20, 30, True)])
def test_a_file_that_has_less_than_it_claims(card, tmp_path, monkeypatch, there, claims, short):
    clip = write_clip(tmp_path / "clip.mp4", 1)
    decoder = Decoder(card, [picture(i) for i in range(there)])
    decoder.claims = claims
    wanted = 20
    if claims > there:
        wanted = there // 16 * 16  # calls of 16 frames, and the last one fails
    spare = decoder
    if short:
        spare = None  # nobody goes on with one that stands at a damaged place

    monkeypatch.setattr(nvdec, "need", lambda name: decoder)
    for _ in range(2):
        with nvdec.GpuVideoFile(clip) as video:
            assert [frame.number for frame in video] == list(range(wanted))
            assert video.short == short
            assert video.read() is None
        assert video.read() is None
        assert vars(nvdec._spare).pop("decoder", None) is spare
        decoder.given = 0
    decoder.free()


class Codec:
    """PyNvVideoCodec, whose decoder nobody reads from, and that decoder; `told` is what it did."""

    width = 8
    height = 8
    average_fps = 25.0

    def __init__(self, told):
        self.told = told

    def SimpleDecoder(self, path, **_):
        self.told.append("made for " + path)
        return Codec(self.told)

    def reconfigure_decoder(self, path):
        self.told.append("again for " + path)
        if path == "c.mp4":
            raise RuntimeError("another codec")

    def get_stream_metadata(self):
        return self

    def __len__(self):
        return 1


def test_a_thread_s_next_file_gets_its_decoder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        write_clip(tmp_path / f"{name}.mp4", 1)
    told = []
    monkeypatch.setattr(nvdec, "need", lambda name: Codec(told))

    def open_all(*paths):
        for path in paths:
            with nvdec.GpuVideoFile(path):
                pass

    for paths in (["a.mp4", "b.mp4", "c.mp4"], ["d.mp4"]):
        thread = threading.Thread(target=open_all, args=paths)
        thread.start()
        thread.join()
    assert told == [
        "made for a.mp4",
        "again for b.mp4",
        "again for c.mp4",
        "made for c.mp4",
        "made for d.mp4",
    ]
