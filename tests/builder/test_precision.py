"""FP16 and INT8 of real networks on ONNX Runtime, the float tail, the leak guard, and the calibrator on a stand-in."""

import json
import shutil

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from conftest import KIT
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder import graph, precision
from trt_course.builder.precision import floats
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image

SHIPPED = {"ssd_resnet18_traffic": "traffic", "ssd_mobilenet_v2_signs": "signs"}
TAIL = {"centre", "half_size", "low_corner", "high_corner", "boxes"}
ROWS, COLS = 8, 12


def small_net(batch="n", opset=13):
    """Two convolutions, a skip past the second, two heads of a convolution each, boxes decoded up to the right edge."""
    rng = np.random.RandomState(3)
    y, x = np.mgrid[0:ROWS, 0:COLS]
    centres = np.stack([(x + 0.9) / COLS, (y + 0.5) / ROWS], -1).reshape(1, -1, 2)
    weights = {
        "scale": 1 / 255,
        "gain": 0.01,
        "centres": centres,
        "side": 0.04,
        "stem_weight": rng.randn(8, 3, 8, 8) / 14,
        "stem_bias": rng.rand(8),
        "body_bias": rng.rand(8) - 0.5,
        "body_weight": rng.randn(8, 8, 3, 3) / 8,
        "conf_weight": rng.randn(4, 8, 1, 1),
        "move_weight": rng.randn(2, 8, 1, 1) / 3,
        "conf_bias": np.arange(4),
        "move_bias": np.zeros(2),
    }
    tensors = [
        numpy_helper.from_array(np.asarray(value, np.float32), name)
        for name, value in weights.items()
    ]
    tensors += [numpy_helper.from_array(np.int64([0, -1, n]), "rows_" + str(n)) for n in (2, 4)]
    nodes = [
        ("Mul", ["input", "scale"], "scaled", {}),
        ("Conv", ["scaled", "stem_weight", "stem_bias"], "stem", {"strides": [8, 8]}),
        ("Relu", ["stem"], "stem_relu", {}),
        ("Conv", ["stem_relu", "body_weight", "body_bias"], "body", {"pads": [1, 1, 1, 1]}),
        ("Add", ["body", "stem_relu"], "skip", {}),
        ("Relu", ["skip"], "body_relu", {}),
        ("Conv", ["body_relu", "conf_weight", "conf_bias"], "conf", {}),
        ("Conv", ["body_relu", "move_weight", "move_bias"], "move", {}),
        ("Transpose", ["conf"], "conf_last", {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["conf_last", "rows_4"], "conf_rows", {}),
        ("Softmax", ["conf_rows"], "scores", {"axis": 2}),
        ("Transpose", ["move"], "move_last", {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["move_last", "rows_2"], "move_rows", {}),
        ("Mul", ["move_rows", "gain"], "shift", {}),
        ("Add", ["shift", "centres"], "centre", {}),
        ("Sub", ["centre", "side"], "low_corner", {}),
        ("Add", ["centre", "side"], "high_corner", {}),
        ("Concat", ["low_corner", "high_corner"], "boxes", {"axis": 2}),
    ]
    built = [
        helper.make_node(kind, inputs, [name], "" if name == "scaled" else name, **more)
        for kind, inputs, name, more in nodes
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (
            ("input", [batch, 3, 8 * ROWS, 8 * COLS]),
            ("scores", [batch, ROWS * COLS, 4]),
            ("boxes", [batch, ROWS * COLS, 4]),
        )
    ]
    return helper.make_model(
        helper.make_graph(built, "small", ends[:1], ends[1:], tensors),
        ir_version=7,
        opset_imports=[helper.make_opsetid("", opset)],
    )


@pytest.fixture
def small(tmp_path):
    """The ModelSpec of small_net in a folder of its own, with pictures to calibrate on beside it."""
    record = {
        "name": "small",
        "title": "small",
        "labels": ["background", "a", "b", "c"],
        "background": 0,
        "input": {
            "name": "input",
            "width": 8 * COLS,
            "height": 8 * ROWS,
            "layout": "nchw",
            "color": "RGB",
        },
        "output": {"layout": "boxes_scores", "tensors": {"boxes": "boxes", "scores": "scores"}},
    }
    (tmp_path / "model.json").write_text(json.dumps(record))
    onnx.save(small_net(), str(tmp_path / "model.onnx"))
    (tmp_path / "pictures").mkdir()
    rng = np.random.RandomState(1)
    for number in range(5):
        picture = cv2.resize(rng.randint(0, 256, (6, 9, 3), np.uint8), (180, 120))
        cv2.imwrite(str(tmp_path / "pictures" / f"{number}.png"), picture)
    return find_model(tmp_path)


@pytest.fixture
def plain(small):
    return graph.load_plain(small.onnx)


def run(model, x):
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return dict(zip(("scores", "boxes"), session.run(["scores", "boxes"], {"input": x})))


def worst(model, other, x):
    """How far boxes and scores lie apart at most, boxes in pixels of a picture 1248 wide."""
    a, b = run(model, x), run(other, x)
    return 1248 * np.abs(a["boxes"] - b["boxes"]).max(), np.abs(a["scores"] - b["scores"]).max()


def some_input(small):
    return next(precision.calibration_batches(small, small.folder / "pictures", batch=4))


def reads(model, name):
    """The operators that a node's inputs come from."""
    made = {output: node.op_type for node in model.graph.node for output in node.output}
    node = next(node for node in model.graph.node if node.name == name)
    return [made.get(tensor, "") for tensor in node.input]


# ---- the plain model


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_become_plain(name):
    spec = find_model(name)
    model, stored = graph.load_plain(spec.onnx), onnx.load(str(spec.onnx))
    assert "Cast" in {node.op_type for node in stored.graph.node}
    assert "Cast" not in {node.op_type for node in model.graph.node}
    assert TensorProto.FLOAT16 not in {tensor.data_type for tensor in model.graph.initializer}
    x = (
        np.random.RandomState(0).rand(1, 3, spec.input.height, spec.input.width).astype(np.float32)
        * 100
    )
    assert max(worst(model, stored, x)) < 1e-4


def test_models_without_casts_pass_but_for_names(small):
    model, stored = graph.load_plain(small.onnx), onnx.load(str(small.onnx))
    assert [node.name for node in model.graph.node if node.name not in node.output] == [
        "Mul_scaled"
    ]
    stored.graph.node[0].name = "Mul_scaled"
    assert model == stored


def test_half_weights_with_two_casts_or_another_reader(small):
    model = small_net()
    weight = next(t for t in model.graph.initializer if t.name == "stem_weight")
    weight.CopyFrom(
        numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), "half")
    )
    for output in ("stem_weight", "again"):
        model.graph.node.insert(
            0, helper.make_node("Cast", ["half"], [output], output + "_cast", to=TensorProto.FLOAT)
        )
    model.graph.node.append(helper.make_node("Conv", ["scaled", "again"], ["twin"], "twin"))
    onnx.save(model, str(small.onnx))
    names = {t.name for t in graph.load_plain(small.onnx).graph.initializer}
    assert {"stem_weight", "again"} <= names and "half" not in names
    model.graph.node.insert(
        0, helper.make_node("Cast", ["half"], ["counts"], "counts_cast", to=TensorProto.INT32)
    )
    model.graph.node.append(helper.make_node("Neg", ["counts"], ["negative"], "negative"))
    onnx.save(model, str(small.onnx))
    model = graph.load_plain(small.onnx)
    assert "half" in {t.name for t in model.graph.initializer} and "counts_cast" in {
        n.name for n in model.graph.node
    }


def test_weights_listed_as_inputs_and_weights_that_nobody_reads(small, plain):
    model = small_net()
    model.ir_version = 3
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "forgotten"))
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    onnx.save(model, str(small.onnx))
    loaded = graph.load_plain(small.onnx)
    assert [entry.name for entry in loaded.graph.input] == ["input"]
    assert loaded.graph.initializer == plain.graph.initializer


def test_what_a_body_of_a_loop_reads_stays(small):
    model = small_net()
    body = helper.make_graph(
        [helper.make_node("Identity", ["depth"], ["same"])],
        "body",
        [],
        [helper.make_tensor_value_info("same", TensorProto.FLOAT, [1])],
    )
    model.graph.node.append(
        helper.make_node("If", ["yes"], ["chosen"], "if", then_branch=body, else_branch=body)
    )
    model.graph.output.append(helper.make_tensor_value_info("chosen", TensorProto.FLOAT, [1]))
    model.graph.initializer.append(numpy_helper.from_array(np.float32([2]), "depth"))
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "yes"))
    onnx.save(model, str(small.onnx))
    assert "depth" in {tensor.name for tensor in graph.load_plain(small.onnx).graph.initializer}


def test_what_is_not_a_whole_model_is_told(small, tmp_path):
    with pytest.raises(CourseError, match="There is no file .*none.onnx"):
        graph.load_plain(tmp_path / "none.onnx")
    for content, advice in (
        (b"\x08\xff\xff not ONNX", "not a whole ONNX model"),
        (b"", "holds no network"),
    ):
        (tmp_path / "bad.onnx").write_bytes(content)
        with pytest.raises(CourseError, match=advice):
            graph.load_plain(tmp_path / "bad.onnx")
    model = small_net()
    del model.graph.initializer[1]
    onnx.save(model, str(tmp_path / "bad.onnx"))
    with pytest.raises(CourseError, match="not a whole ONNX model.*gain"):
        graph.load_plain(tmp_path / "bad.onnx")


def test_a_plugin_of_tensorrt_is_no_fault(small):
    model = small_net()
    model.graph.node.append(helper.make_node("EfficientNMS_TRT", ["boxes", "scores"], ["count"]))
    onnx.save(model, str(small.onnx))
    assert graph.load_plain(small.onnx).graph.node[-1].name == "EfficientNMS_TRT_count"


# ---- which nodes stay float


@pytest.mark.parametrize("name", SHIPPED)
def test_the_tail_of_the_shipped_models(name):
    model = graph.load_plain(find_model(name).onnx)
    floats = precision.float_nodes(model)
    kinds = {node.op_type for node in model.graph.node if node.name in floats}
    assert floats >= TAIL | {"scores", "offsets_rows"} and not kinds & {
        "Conv",
        "Relu",
        "MaxPool",
        "Resize",
    }
    assert len(floats) == 30


@pytest.mark.parametrize("file", ["pedestrian_vehicle_adas_0001.onnx", "face_slim_320.onnx"])
def test_the_tail_of_models_that_nobody_here_trained(shared, file):
    model = graph.load_plain(shared / "thirdparty" / file)
    onnx.checker.check_model(precision.fp16(model), full_check=True)
    floats = precision.float_nodes(model)
    kinds = {node.op_type for node in model.graph.node if node.name in floats}
    assert {"Exp", "Softmax", "Sub", "Concat"} <= kinds and not kinds & {
        "Conv",
        "Relu",
        "BatchNormalization",
    }


def test_patterns_choose_nodes(plain):
    assert precision.keep_patterns(plain, ["stem*", "mov?"]) == {"stem", "stem_relu", "move"}
    assert precision.float_nodes(plain, ["stem"]) - precision.float_nodes(plain) == {"stem"}
    with pytest.raises(CourseError, match=r"--keep-float low_korner: no node.*Near it: low_corner"):
        precision.keep_patterns(plain, ["stem", "low_korner"])


# ---- FP16


def test_fp16_keeps_what_decodes_boxes(small, plain, monkeypatch):
    x, before = some_input(small), plain.SerializeToString()
    half = precision.fp16(plain)
    onnx.checker.check_model(half, full_check=True)
    assert plain.SerializeToString() == before
    types = {t.name: t.data_type for t in half.graph.initializer}
    assert types["body_weight"] == TensorProto.FLOAT16 and types["centres"] == TensorProto.FLOAT
    ends = list(half.graph.input) + list(half.graph.output)
    assert {end.type.tensor_type.elem_type for end in ends} == {TensorProto.FLOAT}
    boxes, scores = worst(plain, half, x)
    assert boxes < 0.1 and 0 < scores < 0.01
    monkeypatch.setattr(floats, "float_nodes", lambda model, keep: set())
    assert worst(plain, precision.fp16(plain), x)[0] > 0.25  # what the float tail is there for


def test_fp16_keeps_a_pattern(small, plain):
    half = precision.fp16(plain, ["stem", "body"])
    types = {t.name: t.data_type for t in half.graph.initializer}
    assert types["stem_weight"] == types["body_weight"] == TensorProto.FLOAT
    assert types["conf_weight"] == TensorProto.FLOAT16
    assert (
        worst(plain, half, some_input(small))[1]
        < worst(plain, precision.fp16(plain), some_input(small))[1]
    )
    everything = precision.fp16(plain, ["*"])
    assert worst(plain, everything, some_input(small)) == (0, 0)
    assert "Cast" not in {node.op_type for node in everything.graph.node}


def test_fp16_of_an_output_that_other_nodes_read(small, plain):
    """The output `scores` goes on into a float node and into a half one."""
    plain.graph.node.append(helper.make_node("Neg", ["scores"], ["minus"], "minus"))
    plain.graph.node.append(helper.make_node("Relu", ["scores"], ["plus"], "plus"))
    plain.graph.node.append(helper.make_node("Conv", ["picture", "one"], ["last"], "last"))
    plain.graph.node.insert(
        len(plain.graph.node) - 1,
        helper.make_node("Reshape", ["plus", "four"], ["picture"], "picture"),
    )
    plain.graph.initializer.append(
        numpy_helper.from_array(np.ones((1, 1, 1, 1), np.float32), "one")
    )
    plain.graph.initializer.append(numpy_helper.from_array(np.int64([0, 1, -1, 4]), "four"))
    for name, shape in (("minus", None), ("last", None)):
        plain.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, shape))
    half = precision.fp16(plain)
    onnx.checker.check_model(half, full_check=True)
    assert max(worst(plain, half, some_input(small))) < 0.1


@pytest.mark.parametrize("name", SHIPPED)
def test_fp16_of_the_shipped_models_on_the_samples(name, tmp_path):
    spec = find_model(name)
    half = tmp_path / "half.onnx"
    onnx.save(precision.fp16(graph.load_plain(spec.onnx)), str(half))
    size = np.float32([spec.input.width, spec.input.height] * 2)
    with TrtSSD(spec, backend="cpu", verbose=False) as a, TrtSSD(
        spec._replace(onnx=half), backend="cpu", verbose=False
    ) as b:
        for path in images_in(KIT / "data" / SHIPPED[name] / "images")[:3]:
            wanted, got = (
                ssd.engine.infer(ssd.prepare([read_image(path)]).request) for ssd in (a, b)
            )
            seen = wanted["scores"][0, :, 1:].max(axis=1) > 0.3
            assert (
                seen.any() and np.abs((wanted["boxes"] - got["boxes"])[0, seen] * size).max() < 0.1
            )
            assert 0 < np.abs(wanted["scores"] - got["scores"]).max() < 0.01


# ---- INT8


@pytest.mark.parametrize("method", precision.METHODS)
def test_int8_is_what_tensorrt_takes(small, plain, method, capfd, caplog):
    before = plain.SerializeToString()
    model = precision.int8(small, plain, small.folder / "pictures", method, keep=["conf"])
    onnx.checker.check_model(model, full_check=True)
    assert plain.SerializeToString() == before
    assert model.opset_import[0].version == 13 and {
        entry.domain for entry in model.opset_import
    } == {""}
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    pairs = [
        node for node in model.graph.node if node.op_type in ("QuantizeLinear", "DequantizeLinear")
    ]
    for node in pairs:
        scale, zero = stored[node.input[1]], stored[node.input[2]]
        assert zero.dtype == np.int8 and not zero.any() and (scale > 0).all()
        weights = "weight" in node.input[1]
        assert scale.shape == (((2,) if "move" in node.input[1] else (8,)) if weights else ())
        assert not weights or {a.name: a.i for a in node.attribute}["axis"] == 0
    assert len(pairs) == 2 * (2 * 3 + 1)  # input and weights of three convolutions, and the skip
    readers = [name for node in model.graph.node for name in node.input]
    assert all(readers.count(node.output[0]) == 1 for node in pairs)
    for name in ("stem", "body", "move"):
        assert reads(model, name) == ["DequantizeLinear"] * 2 + [""]  # the bias is float
    assert reads(model, "skip") == ["Conv", "DequantizeLinear"] and reads(model, "conf") == [
        "Relu",
        "",
        "",
    ]
    boxes, scores = worst(plain, model, some_input(small))
    assert 0.01 < boxes < 5 and 1e-4 < scores < 0.05
    assert capfd.readouterr().out == "" and not caplog.records  # the quantiser's own talk


def test_int8_of_a_fixed_batch_and_an_old_opset(small):
    onnx.save(small_net(batch=2, opset=11), str(small.onnx))
    model = precision.int8(small, graph.load_plain(small.onnx), small.folder / "pictures")
    assert (
        model.opset_import[0].version == 13 and reads(model, "body")[:2] == ["DequantizeLinear"] * 2
    )
    assert run(model, some_input(small)[:2])["boxes"].shape == (2, ROWS * COLS, 4)


def test_int8_says_what_stands_in_its_way(small, plain, cells, tmp_path):
    pictures = small.folder / "pictures"
    with pytest.raises(
        CourseError, match="no calibration method 'minmax'; allowed: percentile, entropy"
    ):
        precision.int8(small, plain, pictures, "minmax")
    with pytest.raises(CourseError, match="Nothing is left to quantise"):
        precision.int8(small, plain, pictures, keep=["*"])
    done = precision.int8(small, plain, pictures)
    for again in (lambda: precision.int8(small, done, pictures), lambda: precision.fp16(done)):
        with pytest.raises(CourseError, match="INT8 already"):
            again()
    plain.graph.node.append(
        helper.make_node("EfficientNMS_TRT", ["boxes", "scores"], ["count"], "nms")
    )
    plain.graph.output.append(helper.make_tensor_value_info("count", TensorProto.FLOAT, None))
    with pytest.raises(CourseError, match="cannot quantise small: .*EfficientNMS_TRT"):
        precision.int8(small, plain, pictures)


def test_unreadable_and_missing_pictures(small, plain):
    pictures = small.folder / "pictures"
    (pictures / "3.png").write_bytes(b"no picture")
    with pytest.raises(CourseError, match="3.png cannot be read as a picture"):
        precision.int8(small, plain, pictures)
    (small.folder / "empty").mkdir()
    with pytest.raises(CourseError, match="empty holds no pictures"):
        precision.int8(small, plain, small.folder / "empty")
    with pytest.raises(CourseError, match="no folder .*none to calibrate on"):
        precision.int8(small, plain, small.folder / "none")


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_int8_of_the_shipped_models_costs_less_than_two_points(name, tmp_path):
    spec, data = find_model(name), KIT / "data" / SHIPPED[name]
    path = tmp_path / "int8.onnx"
    onnx.save(
        precision.int8(spec, graph.load_plain(spec.onnx), KIT / "data/calibration" / SHIPPED[name]),
        str(path),
    )
    scores = []
    for onnx_file in (spec.onnx, path):
        with TrtSSD(spec._replace(onnx=onnx_file), backend="cpu", verbose=False) as ssd:
            scores.append(voc.score(*detect_folder(ssd, data)).mean)
    assert scores[0] > 0.9 and scores[1] > scores[0] - 0.02


# ---- calibration


@pytest.mark.parametrize(
    "folder", ["data/traffic", "data/traffic/images", KIT / "data/calibration/../signs"]
)
def test_scored_pictures_are_refused(folder):
    with pytest.raises(CourseError, match="ground truth beside them, for scoring.*--force"):
        precision.calibration_pictures(folder)
    assert len(precision.calibration_pictures(folder, force=True)) == 60


def test_a_scored_picture_is_known_by_its_content(tmp_path):
    shutil.copy(str(KIT / "data/calibration/signs/images/000000.jpg"), str(tmp_path / "a.jpg"))
    assert len(precision.calibration_pictures(tmp_path)) == 1
    shutil.copy(str(KIT / "data/signs/images/000007.jpg"), str(tmp_path / "mine.jpg"))
    with pytest.raises(
        CourseError, match="mine.jpg is .*data/signs/images/000007.jpg, which is scored"
    ):
        precision.calibration_pictures(tmp_path)


def test_ground_truth_is_fine_below_a_calibration_folder(small):
    assert len(precision.calibration_pictures("data/calibration/traffic")) == 16
    (small.folder / "ground-truth").mkdir()
    with pytest.raises(CourseError, match="ground truth beside them"):
        precision.calibration_pictures(small.folder / "pictures")


def test_batches_are_what_the_detector_sees(small):
    paths = images_in(small.folder / "pictures")
    got = np.concatenate(
        list(precision.calibration_batches(small, small.folder / "pictures", batch=2))
    )
    with TrtSSD(small, backend="cpu", verbose=False) as ssd:
        wanted = ssd.prepare([read_image(path) for path in paths]).request.inputs["input"]
    assert np.array_equal(got[:5], wanted) and np.array_equal(got[5], wanted[0]) and len(got) == 6


class StandInTensorRT:
    """The part of TensorRT's module that a calibrator is made of; its base must be initialised by name."""

    class IInt8EntropyCalibrator2:
        ready = False

        def __init__(self):
            type(self).ready = True


class StandInCuda:
    """One block of memory that remembers what was copied to it."""

    def __init__(self):
        self.copies = []

    def __int__(self):
        return 4096

    def alloc(self, size):
        self.size = size
        return self

    def upload(self, memory, array):
        assert memory is self and array.flags.c_contiguous and array.nbytes == self.size
        self.copies.append(array.copy())


def test_calibrator_gives_each_batch_once_and_keeps_its_cache(small, tmp_path):
    cuda, cache = StandInCuda(), tmp_path / "made" / "small.cache"
    batches = list(precision.calibration_batches(small, small.folder / "pictures", batch=2))
    made = precision.calibrator(StandInTensorRT, cuda, batches, cache)
    assert isinstance(made, StandInTensorRT.IInt8EntropyCalibrator2) and made.ready
    assert made.get_batch_size() == 2 and made.read_calibration_cache() is None
    assert [made.get_batch(["input"]) for _ in range(4)] == [[4096]] * 3 + [None]
    assert np.array_equal(np.stack(cuda.copies), np.stack(batches)) and made.failure is None
    made.write_calibration_cache(memoryview(b"scales"))
    assert made.read_calibration_cache() == b"scales" and [
        p.name for p in cache.parent.iterdir()
    ] == ["small.cache"]


def test_calibrator_keeps_the_failure_that_tensorrt_would_swallow(small):
    (small.folder / "pictures" / "1.png").write_bytes(b"no picture")
    made = precision.calibrator(
        StandInTensorRT,
        StandInCuda(),
        precision.calibration_batches(small, small.folder / "pictures"),
        "unused.cache",
    )
    assert made.get_batch(["input"]) == [4096] and made.get_batch(["input"]) is None
    assert "1.png cannot be read" in str(made.failure)
