"""What the tests of throughput share: pictures with boxes, their sources, a card that is none."""

import contextlib
import functools
import sys
import time
from types import SimpleNamespace

import cv2
import numpy as np

from conftest import HEIGHT, WIDTH, write_conv_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import TrtSSD, find_model
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import plan
from trt_course.media import nvdec
from trt_course.media.base import Frame
from trt_course.media.writer import VideoWriter
from trt_course.throughput.opening import InMemory

# The pictures are twice as large as the network's input, in both directions.
PICTURE_SIZE = (2 * WIDTH, 2 * HEIGHT)


def picture(seed, height=2 * HEIGHT, width=2 * WIDTH):
    """Three cells or four in colours, elsewhere black."""
    rng = np.random.RandomState(seed)
    image = np.zeros((height, width, 3), np.uint8)
    for _ in range(4):
        y = rng.randint(6) * height // 6
        x = rng.randint(8) * width // 8
        image[y : y + height // 6, x : x + width // 8, rng.randint(3)] = 200
    return image


def frames(count, seed=0, **size):
    """So many frames at 30 a second, all of them different."""
    return [Frame(picture(100 * seed + i, **size), i, i / 30, "") for i in range(count)]


def openers(*lists):
    """What detect_many takes, for lists of frames."""
    return [functools.partial(InMemory, some) for some in lists]


def write_clip(path, count, fps=10, seed=0):
    """A video of so many pictures; its path."""
    with VideoWriter(path, fps) as writer:
        for i in range(count):
            writer.write(picture(seed + i))
    return path


class Kept:
    """A `keep` for detect_many that keeps, and takes its time over it."""

    def __init__(self, pause=0.0):
        self.rows = []
        self.pause = pause

    def __call__(self, seen, found):
        self.rows.append((seen, found))
        time.sleep(self.pause)

    def of(self, source):
        return [(seen, found) for seen, found in self.rows if seen.source == source]


def equal_to_plain(kept, lists, ssd, close=False):
    """The boxes of each source are those of the plain path, in the order of its frames."""
    for number, some in enumerate(lists):
        rows = kept.of(number)
        assert [seen.number for seen, _ in rows] == [frame.number for frame in some]
        for (seen, found), frame in zip(rows, some):
            wanted = ssd.detect(frame.image)
            assert len(found) == len(wanted) > 0
            assert seen.time == frame.time
            if close:
                assert np.abs(found.boxes - wanted.boxes).max() < 0.01
            else:
                assert found == wanted


# A card -------------------------------------------------------------------------------------------


@contextlib.contextmanager
def installed_card(monkeypatch, library, version=8.6):
    """TensorRT and one of the CUDA libraries, played; at the end nothing is left on the card."""
    card = cuda_stand_in.install(monkeypatch, library)
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, version, card)
    yield card
    assert card.left() == []
    assert card.faults == []
    assert not getattr(card.stack, "depth", 0)


def on_gpu(tmp_path, lanes=2, **options):
    """A detector on the card, with an engine of these Options."""
    spec = find_model(write_conv_model(tmp_path / "cells"))
    engine_from_onnx(spec, Options("fp32", **options))
    return TrtSSD(spec, verbose=False, lanes=lanes)


class Decoder:
    """PyNvVideoCodec's decoder, for frames that the test has put on the card; also the module."""

    def __init__(self, card, images):
        self.card = card
        self.width = images[0].shape[1]
        self.height = images[0].shape[0]
        self.average_fps = 25.0

        self.frames = []  # (address, bytes) of each
        for image in images:
            self.frames.append(self.put(image))
        self.claims = len(images)
        self.given = 0

    def put(self, image):
        """A picture on the card, as NV12."""
        height, width = image.shape[:2]
        nbytes = height * width * 3 // 2
        planar = cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420).ravel()
        brightness = planar[: height * width]
        colours = planar[height * width :].reshape(2, -1).T.ravel()
        address = self.card.alloc("device", nbytes)
        self.card.view(address, nbytes)[:] = np.concatenate([brightness, colours])
        return address, nbytes

    def SimpleDecoder(self, path, gpu_id, use_device_memory):
        assert use_device_memory and gpu_id == 0
        return self

    def get_stream_metadata(self):
        return self

    def __len__(self):
        return self.claims

    def get_batch_frames(self, count):
        some = self.frames[self.given : self.given + count]
        self.given += count
        if len(some) < count:
            raise RuntimeError(
                f"End of stream reached while seeking to frame index {len(self.frames)}"
            )
        return [
            SimpleNamespace(GetPtrToPlane=lambda plane, a=a: a, framesize=lambda n=n: n)
            for a, n in some
        ]

    def free(self):
        for address, _ in self.frames:
            self.card.free("device", address)


def install_decoder(monkeypatch, module):
    """`module` in the place of PyNvVideoCodec."""
    monkeypatch.setattr(nvdec, "need", lambda name: module)
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", cuda_stand_in.module("PyNvVideoCodec"))
