"""Whole models with suppression and preprocessing inside, on the CPU, against the host's work."""

import subprocess

import imageio_ffmpeg
import numpy as np
import onnxruntime
import pytest
from onnx import checker, load, save

from conftest import KIT
from inside_parts import wired
from trt_course import TrtSSD, find_model
from trt_course.builder import inside
from trt_course.builder.graph import load_plain
from trt_course.builder.onnx import Options
from trt_course.engine import CpuEngine
from trt_course.engine.choose import Opened
from trt_course.media.pictures import images_in, read_image
from trt_course.media.sources import open_source
from trt_course.model.decode import decode


@pytest.fixture
def inside_ssd(tmp_path, monkeypatch):
    """A TrtSSD whose network has the work inside, on the CPU."""

    def make(spec, options):
        model = load(str(spec.onnx))
        if options.nms == "engine":
            model = inside.add_nms(model, spec, options.threshold, plugin=False)
        if options.preprocess == "engine":
            model = inside.add_preprocess(model, spec, options.source)
        checker.check_model(model)
        save(model, str(tmp_path / "inside.onnx"))
        opened = Opened(CpuEngine(tmp_path / "inside.onnx", threads=1), *wired(spec, options), "")
        with monkeypatch.context() as patch:
            patch.setattr("trt_course.ssd.open_engine", lambda *_: opened)
            return TrtSSD(spec, verbose=False)

    return make


def same(ours, wanted, pixels, conf):
    """Whether every certain box has a partner; from 0.29 to 0.31 a box may miss 0.3 or not."""
    for one, other in ((ours, wanted), (wanted, ours)):
        for box, value, cls in zip(one.boxes, one.confs, one.clss):
            apart = np.abs(other.boxes - box).max(axis=1)
            near = (apart < pixels) & (other.clss == cls)
            uncertain = value < 0.3 + conf
            assert near.any() or uncertain, (box, value, cls)
            assert uncertain or np.abs(other.confs[near] - value).min() < conf
    assert len(wanted) > 0


REAL = {"ssd_mobilenet_v2_signs": "signs", "ssd_resnet18_traffic": "traffic"}


@pytest.mark.parametrize("name", sorted(REAL))
@pytest.mark.parametrize(
    "nms, preprocess", [("engine", "host"), ("host", "engine"), ("engine", "engine")]
)
def test_both_models_find_the_same_boxes(inside_ssd, name, nms, preprocess):
    spec = find_model(name)
    paths = images_in(KIT / "data" / REAL[name] / "images")
    pictures = [read_image(path) for path in paths[:3]]
    height, width = pictures[0].shape[:2]
    options = Options(nms=nms, preprocess=preprocess, source=(width, height))
    pixels = 1e-2 if preprocess == "host" else 0.5
    conf = 1e-5 if preprocess == "host" else 0.02
    with TrtSSD(spec, backend="cpu", verbose=False) as host, inside_ssd(spec, options) as ssd:
        for ours, wanted in zip(ssd.detect_batch(pictures), host.detect_batch(pictures)):
            same(ours, wanted, pixels, conf)


def test_pictures_of_another_size_than_the_engine_takes(inside_ssd, cells, cell_picture):
    spec = find_model(cells)
    with TrtSSD(spec, backend="cpu", verbose=False) as host:
        wanted = host.detect(cell_picture)
    assert len(wanted) == 2
    for size in ((256, 192), (512, 384), (300, 300)):
        with inside_ssd(spec, Options(preprocess="engine", source=size)) as ssd:
            same(ssd.detect(cell_picture), wanted, 0.5, 0.05)


def decoded_nv12(clip, frames):
    """The first frames of a clip as a video decoder leaves them: bytes of NV12."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", clip]
    command += ["-frames:v", str(frames), "-f", "rawvideo", "-pix_fmt", "nv12", "-"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    return np.frombuffer(raw, np.uint8)


@pytest.mark.slow
def test_boxes_of_the_decoder_s_bytes(tmp_path):
    """A decoder's frames with the recipe inside the network, against OpenCV's with the host's."""
    spec = find_model("ssd_resnet18_traffic")
    clip = str(KIT / "data" / "street.mp4")
    model = inside.add_preprocess(load_plain(spec.onnx), spec, (1280, 720), "nv12")
    path = str(tmp_path / "inside.onnx")
    save(model, path)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    options = Options(preprocess="engine", source=(1280, 720), pixels="nv12")
    entry, inner, _ = wired(spec, options)

    found = 0
    batches = decoded_nv12(clip, 5).reshape((-1, 1) + entry.shape)
    with open_source(clip) as video, TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        for batch, frame in zip(batches, video):
            outputs = dict(zip(names, session.run(None, {"pictures": batch})))
            (ours,) = decode(spec, outputs, [inner], 0.3)
            wanted = ssd.detect(frame.image, 0.3)
            assert len(ours) == len(wanted)

            # each box has a partner of its class, less than a pixel away
            apart = np.abs(ours.boxes[:, None] - wanted.boxes).max(axis=2)  # (ours, wanted)
            apart[ours.clss[:, None] != wanted.clss] = 1e6
            assert apart.min(axis=1).max() < 1
            assert apart.min(axis=0).max() < 1
            found += len(ours)
    assert found > 5
