"""Suppression and preprocessing inside the network, run by ONNX Runtime, against the same work on the host."""

import subprocess

import cv2
import imageio_ffmpeg
import numpy as np
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, checker, helper, load, numpy_helper, save

from conftest import write_model
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder import inside
from trt_course.builder.graph import load_plain
from trt_course.builder.onnx import Options
from trt_course.engine import CpuEngine, manifest
from trt_course.engine.choose import Opened
from trt_course.media.pictures import images_in, read_image
from trt_course.media.sources import open_source
from trt_course.model.decode import decode
from trt_course.model.placement import Placement, placement
from trt_course.model.preprocess import Preprocessor
from trt_course.support.files import KIT

WHOLE = Placement(1.0, 1.0, 0.0, 0.0, 128, 96)


def run(model, path, entry, values):
    checker.check_model(model)
    save(model, str(path))
    with CpuEngine(path, threads=1) as engine:
        engine.max_batch = len(values)
        request = engine.new_request(len(values))
        request.inputs[entry][:] = values
        return engine.infer(request)


def wired(spec, options):
    """The spec's tensors as an engine built with these options has them."""
    made = manifest.Manifest(
        spec.name,
        "",
        "",
        "",
        "",
        "",
        "fp32",
        options.batch,
        options.nms,
        options.preprocess,
        options.source,
        options.threshold,
        "onnx",
        {},
        "",
        options.pixels,
    )
    return made.wired(spec)


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
    """Whether every certain box has a partner; between 0.29 and 0.31 a box may be on either side of 0.3."""
    for one, other in ((ours, wanted), (wanted, ours)):
        for box, value, cls in zip(one.boxes, one.confs, one.clss):
            near = (np.abs(other.boxes - box).max(axis=1) < pixels) & (other.clss == cls)
            assert near.any() or value < 0.3 + conf, (box, value, cls)
            assert value < 0.3 + conf or np.abs(other.confs[near] - value).min() < conf
    assert len(wanted) > 0


# Whole models -------------------------------------------------------------------------------------------------------

REAL = {"ssd_mobilenet_v2_signs": "signs", "ssd_resnet18_traffic": "traffic"}
INSIDE = [
    Options(nms="engine"),
    Options(preprocess="engine"),
    Options(nms="engine", preprocess="engine"),
]


@pytest.mark.parametrize("name", sorted(REAL))
@pytest.mark.parametrize(
    "options", INSIDE, ids=lambda o: o.name() if o.source else o.nms + "-" + o.preprocess
)
def test_both_models_find_the_same_boxes(inside_ssd, name, options):
    spec = find_model(name)
    pictures = [read_image(path) for path in images_in(KIT / "data" / REAL[name] / "images")[:3]]
    height, width = pictures[0].shape[:2]
    options = options._replace(source=(width, height))
    with TrtSSD(spec, backend="cpu", verbose=False) as host, inside_ssd(spec, options) as ssd:
        exact = options.preprocess == "host"
        for ours, wanted in zip(ssd.detect_batch(pictures), host.detect_batch(pictures)):
            same(ours, wanted, 1e-2 if exact else 0.5, 1e-5 if exact else 0.02)


def test_pictures_of_another_size_than_the_engine_takes(inside_ssd, cells, cell_picture):
    spec = find_model(cells)
    with TrtSSD(spec, backend="cpu", verbose=False) as host:
        wanted = host.detect(cell_picture)
    for size in ((256, 192), (512, 384), (300, 300)):
        with inside_ssd(spec, Options(preprocess="engine", source=size)) as ssd:
            assert len(wanted) == 2
            same(ssd.detect(cell_picture), wanted, 0.5, 0.05)


# Suppression, small cases -------------------------------------------------------------------------------------------


def constant_net(path, boxes, scores):
    """A network that answers with these boxes and scores for each picture of a batch."""
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["x", "nought"], ["zero"]),
            helper.make_node("Add", ["zero", "b"], ["boxes"]),
            helper.make_node("Add", ["zero", "s"], ["scores"]),
        ],
        "constant",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 1])],
        [
            helper.make_tensor_value_info(
                "boxes", TensorProto.FLOAT, ["n"] + list(boxes.shape[1:])
            ),
            helper.make_tensor_value_info(
                "scores", TensorProto.FLOAT, ["n"] + list(scores.shape[1:])
            ),
        ],
        [
            numpy_helper.from_array(v, n)
            for n, v in (("nought", np.float32(0)), ("b", boxes), ("s", scores))
        ],
    )
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        str(path),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inside")


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(8, 60),
    batch=st.integers(1, 3),
    background=st.sampled_from([None, 0, 3]),
    activation=st.sampled_from(["none", "softmax", "sigmoid"]),
    kept=st.integers(1, 16),
    threshold=st.sampled_from([0.01, 0.3, 0.6]),
    iou=st.sampled_from([0.2, 0.45, 0.7]),
)
def test_suppression_by_onnx_operators(
    cells, folder, seed, n, batch, background, activation, kept, threshold, iou
):
    rng = np.random.RandomState(seed)
    boxes = np.float32([[0.1, 0.1, 0.4, 0.5], [0.5, 0.3, 0.9, 0.8]])[
        rng.randint(0, 2, (batch, n))
    ]  # two heaps
    boxes += rng.uniform(-0.1, 0.1, boxes.shape).astype(np.float32)
    scores = rng.rand(batch, n, 4).astype(np.float32) * (1 if activation == "none" else 6)
    spec = find_model(cells)
    spec = spec._replace(
        background=background,
        output=spec.output._replace(activation=activation),
        nms=spec.nms._replace(max_detections=kept, iou_threshold=iou),
    )
    constant_net(folder / "net.onnx", boxes, scores)
    model = inside.add_nms(load(str(folder / "net.onnx")), spec, threshold, plugin=False)
    found = run(model, folder / "inside.onnx", "x", np.zeros((batch, 1, 1), np.float32))
    assert found["num_detections"].shape == (batch, 1) and found["detection_boxes"].shape == (
        batch,
        kept,
        4,
    )
    _, _, output = wired(spec, Options(nms="engine", threshold=threshold))
    plain = dict(
        boxes=boxes, scores=scores if activation == "none" else activated(scores, activation)
    )
    host = spec._replace(output=spec.output._replace(activation="none"))
    for ours, wanted in zip(
        decode(spec._replace(output=output), found, [WHOLE] * batch, 0.0),
        decode(host, plain, [WHOLE] * batch, threshold),
    ):
        assert np.allclose(ours.confs, wanted.confs, atol=1e-6) and np.array_equal(
            ours.clss, wanted.clss
        )
        assert np.allclose(ours.boxes, wanted.boxes, atol=1e-4)
        assert background not in ours.clss


def activated(scores, activation):
    powers = np.exp(scores)
    return (
        powers / powers.sum(axis=2, keepdims=True)
        if activation == "softmax"
        else 1 / (1 + np.exp(-scores))
    )


@pytest.mark.parametrize("background, told", [(None, -1), (0, 0), (3, 3)])
def test_the_plugin_is_told_the_same(cells, background, told):
    spec = find_model(cells)._replace(background=background)
    model = inside.add_nms(load(str(spec.onnx)), spec, 0.05, plugin=True)
    node = model.graph.node[-1]
    said = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    assert node.op_type == "EfficientNMS_TRT" and list(node.input) == ["boxes", "scores"]
    assert list(node.output) == [
        "num_detections",
        "detection_boxes",
        "detection_scores",
        "detection_classes",
    ]
    assert said == {
        "background_class": told,
        "box_coding": 0,
        "max_output_boxes": 100,
        "plugin_version": b"1",
        "score_activation": 0,
        "score_threshold": pytest.approx(0.05),
        "iou_threshold": pytest.approx(0.45),
    }
    dims = [
        [d.dim_param or d.dim_value for d in o.type.tensor_type.shape.dim]
        for o in model.graph.output
    ]
    assert dims == [["n", 1], ["n", 100, 4], ["n", 100], ["n", 100]]
    assert [o.name for o in load(str(spec.onnx)).graph.output] == [
        "scores",
        "boxes",
    ]  # the original is untouched


def test_another_layout_is_refused(cells):
    spec = find_model(cells)
    spec = spec._replace(output=spec.output._replace(layout="nms7"))
    with pytest.raises(
        CourseError, match="needs output.layout boxes_scores; this model's is nms7. Use --nms host"
    ):
        inside.add_nms(load(str(spec.onnx)), spec, 0.1, plugin=True)


# Preprocessing, small cases -----------------------------------------------------------------------------------------


def echo_net(path, spec):
    """A network that answers with its input."""
    shape = ["n"] + list(spec.input.shape)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["input"], ["seen"])],
        "echo",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("seen", TensorProto.FLOAT, shape)],
    )
    save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
        str(path),
    )


def smooth_picture(seed, width, height):
    """Colours that change slowly, so that a pixel's offset shows and rounding does not."""
    rng = np.random.RandomState(seed)
    return cv2.resize(
        rng.randint(0, 256, (4, 5, 3), np.uint8), (width, height), interpolation=cv2.INTER_CUBIC
    )


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    resize=st.sampled_from(["stretch", "letterbox", "crop"]),
    color=st.sampled_from(["RGB", "BGR"]),
    layout=st.sampled_from(["nchw", "nhwc"]),
    size=st.tuples(st.integers(8, 90), st.integers(8, 90)),
    source=st.tuples(st.integers(8, 200), st.integers(8, 200)),
)
def test_preprocessing_equals_the_host_s(cells, folder, seed, resize, color, layout, size, source):
    spec = find_model(cells)
    spec = spec._replace(
        input=spec.input._replace(
            width=size[0],
            height=size[1],
            resize=resize,
            color=color,
            layout=layout,
            mean=(10.0, 50.0, 90.0),
            scale=(2.0, 3.0, 4.0),
            pad=(10.0, 20.0, 30.0),
        )
    )
    echo_net(folder / "echo.onnx", spec)
    model = inside.add_preprocess(load(str(folder / "echo.onnx")), spec, source)
    prepare, pictures = Preprocessor(spec), [smooth_picture(seed + i, *source) for i in range(2)]
    wanted = np.empty((2,) + spec.input.shape, np.float32)
    places = [prepare(picture, slot) for picture, slot in zip(pictures, wanted)]
    seen = run(model, folder / "inside.onnx", "pictures", np.stack(pictures))["seen"]
    gain = np.float32([2, 3, 4]).reshape((3, 1, 1) if layout == "nchw" else (3,))
    assert (
        seen.shape == wanted.shape and np.abs((seen - wanted) * gain).max() < 1.5
    )  # levels of 255: OpenCV rounds
    entry, inner, _ = wired(spec, Options(preprocess="engine", source=source))
    assert inner == places[0] == placement(spec, *source) and (entry.width, entry.height) == source


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    resize=st.sampled_from(["stretch", "letterbox", "crop"]),
    size=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    source=st.tuples(st.integers(40, 100), st.integers(40, 100)),
)
def test_the_decoder_s_bytes_become_the_same_tensor(cells, folder, seed, resize, size, source):
    spec, source = find_model(cells), (2 * source[0], 2 * source[1])
    spec = spec._replace(
        input=spec.input._replace(
            width=size[0],
            height=size[1],
            resize=resize,
            color="RGB",
            mean=(10.0, 50.0, 90.0),
            pad=(10.0, 20.0, 30.0),
        )
    )
    echo_net(folder / "echo.onnx", spec)
    model = inside.add_preprocess(load(str(folder / "echo.onnx")), spec, source, "nv12")
    entry, _, _ = wired(spec, Options(preprocess="engine", source=source, pixels="nv12"))
    given = np.empty((1,) + entry.shape, np.uint8)
    Preprocessor(spec._replace(input=entry))(smooth_picture(seed, *source), given[0])
    wanted = np.empty((1,) + spec.input.shape, np.float32)
    Preprocessor(spec)(cv2.cvtColor(given[0], cv2.COLOR_YUV2BGR_NV12), wanted[0])
    off = np.abs(run(model, folder / "inside.onnx", "pictures", given)["seen"] - wanted)
    assert (
        np.median(off) < 1.5 and np.percentile(off, 95) < 12
    )  # OpenCV repeats each colour, here it is interpolated


@pytest.mark.slow
def test_boxes_of_the_decoder_s_bytes(tmp_path):
    """A video decoder's frames with the recipe inside the network, against OpenCV's frames with the host's."""
    spec, clip = find_model("ssd_resnet18_traffic"), str(KIT / "data" / "street.mp4")
    model = inside.add_preprocess(load_plain(spec.onnx), spec, (1280, 720), "nv12")
    save(model, str(tmp_path / "inside.onnx"))
    raw = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-v",
            "error",
            "-i",
            clip,
            "-frames:v",
            "5",
            "-f",
            "rawvideo",
            "-pix_fmt",
            "nv12",
            "-",
        ],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    entry, inner, _ = wired(spec, Options(preprocess="engine", source=(1280, 720), pixels="nv12"))
    session = onnxruntime.InferenceSession(
        str(tmp_path / "inside.onnx"), providers=["CPUExecutionProvider"]
    )
    found = 0
    with open_source(clip) as video, TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        for bytes_, frame in zip(
            np.frombuffer(raw, np.uint8).reshape((-1, 1) + entry.shape), video
        ):
            values = session.run(None, {"pictures": bytes_})
            outputs = dict(zip([o.name for o in session.get_outputs()], values))
            (ours,) = decode(spec, outputs, [inner], 0.3)
            wanted = ssd.detect(frame.image, 0.3)
            apart = np.abs(ours.boxes[:, None] - wanted.boxes).max(axis=2) + 1e6 * (
                ours.clss[:, None] != wanted.clss
            )
            assert (
                len(ours) == len(wanted)
                and apart.min(axis=1).max() < 1
                and apart.min(axis=0).max() < 1
            )
            found += len(ours)
    assert found > 5


def test_a_network_that_takes_bytes_is_refused(tmp_path):
    spec = find_model(
        write_model(
            tmp_path / "cells",
            input={
                "name": "input",
                "width": 128,
                "height": 96,
                "layout": "nchw",
                "color": "BGR",
                "dtype": "uint8",
            },
        )
    )
    with pytest.raises(CourseError, match="takes bytes already.*--preprocess host"):
        inside.add_preprocess(load(str(spec.onnx)), spec, (64, 48))
