"""Frozen graphs become models: the same numbers as in plain NumPy, and a record that is whole."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

from builder.played import played_tensorrt
from builder.tf import plain, small_ssd
from builder.tf.graph_def import Builder
from trt_course import CourseError, TrtSSD
from trt_course.__main__ import main
from trt_course.builder.tf_graph import convert, convert_once
from trt_course.model.priors import priors_of
from trt_course.model.spec import read_spec
from trt_course.support.outputs import Outputs

WIDTH = small_ssd.WIDTH
HEIGHT = small_ssd.HEIGHT
COUNT = small_ssd.COUNT


def converted(folder, version=2018, **parts):
    """The small SSD as a model in the folder, and its Builder."""
    builder = small_ssd.write(folder / "graph.pb", version, **parts)
    return builder, convert(folder / "graph.pb", folder / "model", Outputs())


def run(path, pixels):
    """The network's outputs for pictures (n, h, w, c)."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.run(None, {"pictures": pixels.transpose(0, 3, 1, 2)})


def noise(number):
    return np.random.RandomState(number).uniform(-1, 1, (1, HEIGHT, WIDTH, 3)).astype(np.float32)


def questions_about(drafted, field):
    return [text for text in drafted.record.get("questions", ()) if text.startswith(field)]


# The network ------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", small_ssd.NAMES)
def test_the_numbers_are_tensorflows(version, tmp_path):
    builder, _ = converted(tmp_path, version)
    pictures = [noise(1), noise(2)]
    boxes, scores = run(tmp_path / "model" / "model.onnx", np.concatenate(pictures))
    assert boxes.shape == (2, COUNT, 4)
    for picture, its_boxes, its_scores in zip(pictures, boxes, scores):
        wanted = plain.run(builder, {"Preprocessor/sub": picture}, ["Squeeze", "concat_1"])
        np.testing.assert_allclose(its_boxes, wanted[0][0], atol=1e-4)
        np.testing.assert_allclose(its_scores, wanted[1][0], atol=1e-4)
        assert np.ptp(its_boxes) > 1


def test_the_batch_is_free_and_the_opset_is_one_that_tensorrt_7_reads(tmp_path):
    converted(tmp_path)
    model = onnx.load(str(tmp_path / "model" / "model.onnx"))
    assert model.opset_import[0].version == 11
    for tensor in [*model.graph.input, *model.graph.output]:
        assert tensor.type.tensor_type.shape.dim[0].dim_param == "n"
    stored = {tensor.name for tensor in model.graph.initializer}
    clips = [node for node in model.graph.node if node.op_type == "Clip"]
    assert clips
    assert all(stored.issuperset(node.input[1:]) for node in clips)


# The record -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", small_ssd.NAMES)
def test_a_record_of_all_that_the_graph_says(version, tmp_path):
    _, drafted = converted(tmp_path, version)
    record = json.loads((tmp_path / "model" / "model.json").read_text())
    entry = record["input"]
    assert (entry["width"], entry["height"], entry["color"]) == (WIDTH, HEIGHT, "RGB")
    assert entry["mean"] == entry["scale"] == [127.5] * 3
    assert record["output"] == {
        "boxes": {
            "tensor": "box_encodings",
            "form": "offsets",
            "order": "yx",
            "priors": "priors.npy",
            "variances": [0.1, 0.1, 0.2, 0.2],
        },
        "scores": {"tensor": "class_scores", "activation": "sigmoid"},
    }
    assert record["nms"] == {"iou_threshold": 0.55}
    assert record["labels"] == ["background", "class_1"]
    assert record["questions"] == ["labels: name the network's class; number 0 is the background."]
    TrtSSD(tmp_path / "model", backend="cpu", verbose=False).close()


def test_as_many_classes_as_coco(tmp_path):
    _, drafted = converted(tmp_path, classes=91)
    assert drafted.record["labels"] == "coco"


@pytest.mark.parametrize("how", ["computed", "by_map", "constant"])
def test_priors_of_the_graph(how, tmp_path):
    _, drafted = converted(tmp_path, priors=how)
    assert drafted.guess.why.endswith("priors are from the graph")
    priors = priors_of(read_spec(tmp_path / "model" / "model.json"))
    corners = small_ssd.plain_priors()
    centres = (corners[:, 1::-1] + corners[:, :1:-1]) / 2
    sizes = corners[:, :1:-1] - corners[:, 1::-1]
    np.testing.assert_allclose(priors, np.concatenate([centres, sizes], 1), atol=1e-6)


def test_priors_of_another_name(tmp_path):
    _, drafted = converted(tmp_path, priors="constant", priors_name="Anchors")
    assert drafted.guess.why.endswith("priors are from the graph")


def test_priors_of_another_number(tmp_path, monkeypatch):
    whole = small_ssd.plain_priors()
    monkeypatch.setattr(small_ssd, "plain_priors", lambda: whole[1:])
    _, drafted = converted(tmp_path, priors="constant")
    assert questions_about(drafted, "output.boxes.priors: neither the graph nor")


def test_the_graph_counts_before_its_config(tmp_path):
    write_config(tmp_path, "min_scale: 0.5")
    test_priors_of_the_graph("computed", tmp_path)


def test_priors_by_the_rule_of_2018(tmp_path):
    _, drafted = converted(tmp_path, priors=None)
    assert questions_about(drafted, "output.boxes.priors: neither the graph nor")
    priors = np.load(str(tmp_path / "model" / "priors.npy"))
    corners = small_ssd.plain_priors()
    np.testing.assert_allclose(priors[:, 2], corners[:, 3] - corners[:, 1], atol=1e-6)
    np.testing.assert_allclose(priors[:, 3], corners[:, 2] - corners[:, 0], atol=1e-6)
    np.testing.assert_allclose(priors[:, 1], corners[:, ::2].mean(axis=1), atol=1e-6)


def write_config(folder, anchors, more=""):
    text = f"""
    # as TensorFlow writes it
    model {{ ssd {{
      num_classes: 1
      image_resizer {{ fixed_shape_resizer {{ height: {HEIGHT} width: {WIDTH} }} }}
      anchor_generator {{ ssd_anchor_generator {{ num_layers: 2 {anchors} }} }}
      {more}
    }} }}
    """
    (folder / "pipeline.config").write_text(text)


def test_priors_of_the_config(tmp_path):
    write_config(tmp_path, "min_scale: 0.3 aspect_ratios: [1.0, 2.0, 0.5, 3.0, 0.3333]")
    _, drafted = converted(tmp_path, priors=None)
    assert not questions_about(drafted, "output.boxes.priors")
    priors = np.load(str(tmp_path / "model" / "priors.npy"))
    np.testing.assert_allclose(priors[0], [0.5 / 11, 0.5 / 9, 0.1 * HEIGHT / WIDTH, 0.1], atol=1e-6)
    np.testing.assert_allclose(
        priors[1, 2:], [0.3 * 2**0.5 * HEIGHT / WIDTH, 0.3 / 2**0.5], atol=1e-6
    )


def test_a_config_for_what_a_bare_graph_does_not_say(tmp_path):
    coder = "box_coder { faster_rcnn_box_coder { y_scale: 20 x_scale: 20 } }"
    after = (
        "post_processing { batch_non_max_suppression { iou_threshold: 0.5 } "
        "score_converter: SOFTMAX }"
    )
    write_config(tmp_path, "min_scale: 0.2", coder + after)
    _, drafted = converted(tmp_path, suppression=False, resize=False)
    output = drafted.record["output"]
    assert output["boxes"]["variances"] == [0.05, 0.05, 0.2, 0.2]
    assert output["scores"]["activation"] == "softmax"
    assert drafted.record["nms"] == {"iou_threshold": 0.5}


def test_a_bare_graph_alone_is_asked_about(tmp_path):
    _, drafted = converted(tmp_path, suppression=False)
    assert questions_about(drafted, "output.scores.activation: nothing shows")
    assert questions_about(drafted, "output.boxes.variances: nothing shows")


# What is refused --------------------------------------------------------------------------------


def refused(folder, builder):
    """The sentence with which a graph is refused; no file is left."""
    with pytest.raises(CourseError) as caught:
        convert(builder.write(folder / "graph.pb"), folder / "model", Outputs())
    assert not (folder / "model").exists()
    return str(caught.value)


def test_no_size(tmp_path):
    said = refused(tmp_path, small_ssd.small_ssd(resize=False))
    assert "does not show the size of its pictures" in said


def test_another_number_of_priors_than_the_rule_has(tmp_path):
    write_config(tmp_path, "aspect_ratios: 1.0")
    said = refused(tmp_path, small_ssd.small_ssd(priors=None))
    assert "pipeline.config has [3, 2] boxes a cell where the graph's heads have [3, 6]" in said


def test_no_box_between_two_scales(tmp_path):
    write_config(tmp_path, "interpolated_scale_aspect_ratio: 0.0")
    said = refused(tmp_path, small_ssd.small_ssd(priors=None))
    assert "pipeline.config has [3, 5] boxes a cell" in said


@pytest.mark.parametrize("box, second, said", [(5, 2, "and 4 numbers a box"), (4, 3, "different")])
def test_heads_that_do_not_belong_together(box, second, said, tmp_path, monkeypatch):
    class Odd(Builder):
        def const(self, name, numbers, form="raw"):
            if name.endswith("BoxEncodingPredictor/Pack/operand_3"):
                numbers = np.int32(box)
            if name == "BoxPredictor_1/ClassPredictor/Reshape/operand_1":
                numbers = np.int32([1, 180, second])
            return super().const(name, numbers, form)

    monkeypatch.setattr(small_ssd, "Builder", Odd)
    assert said in refused(tmp_path, small_ssd.small_ssd())


def test_a_damaged_attribute(tmp_path):
    builder = small_ssd.small_ssd()
    builder.data = builder.data.replace(b"NHWC", b"\xff" * 4)
    assert "graph.pb is damaged: field 2 is no text." in refused(tmp_path, builder)


def test_no_start(tmp_path):
    builder = small_ssd.small_ssd()
    builder.data = builder.data.replace(b"Preprocessor/sub", b"Preprocessor/SUB")
    assert "has no node Preprocessor/sub" in refused(tmp_path, builder)


def test_no_heads(tmp_path):
    builder = small_ssd.small_ssd()
    builder.data = builder.data.replace(b"BoxEncodingPredictor", b"BoxEncodingPredicted")
    assert "no ConcatV2 that puts the heads named BoxEncodingP" in refused(tmp_path, builder)


def test_an_unknown_operation(tmp_path):
    builder = small_ssd.small_ssd()
    builder.data = builder.data.replace(b"MaxPool\x12\x07MaxPool", b"MaxPool\x12\x07MinPool")
    said = refused(tmp_path, builder)
    assert "the node FeatureExtractor/MaxPool is a MinPool, which this converter does not" in said
    assert "tf2onnx" in said


def test_channels_that_do_not_fit(tmp_path, monkeypatch):
    class Odd(Builder):
        def const(self, name, numbers, form="raw"):
            if name == "FeatureExtractor/project/weights":
                numbers = numbers[:, :, 1:]
            return super().const(name, numbers, form)

    monkeypatch.setattr(small_ssd, "Builder", Odd)
    said = refused(tmp_path, small_ssd.small_ssd())
    assert "graph.pb was converted, but its network does not run. The network in model.onnx" in said


@pytest.mark.parametrize(
    "op, operands, said",
    [
        ("Sub", ["Preprocessor/mul", "Preprocessor/mul"], "does not subtract a constant"),
        ("Add", ["Preprocessor/mul", np.float32(1)], r"sub \(Add\) does not subtract"),
        ("Sub", ["Preprocessor/mul", np.ones(4)], "does not subtract a constant"),
        ("Sub", ["twice", np.float32(1)], "twice \\(Mul\\) does not multiply the picture by a"),
        ("Sub", ["never", np.float32(1)], "never \\(Mul\\) does not multiply the picture by a"),
    ],
)
def test_another_preparation(op, operands, said, tmp_path, monkeypatch):
    class Odd(Builder):
        def add(self, name, kind, inputs=(), **words):
            if name == "Preprocessor/sub":
                super().add("twice", "Mul", ["Preprocessor/mul", "Preprocessor/mul"])
                super().add("never", "Mul", ["Preprocessor/mul", np.float32(0)])
                return super().add(name, op, operands, **words)
            return super().add(name, kind, inputs, **words)

    monkeypatch.setattr(small_ssd, "Builder", Odd)
    with pytest.raises(CourseError, match=said):
        converted(tmp_path)


def test_means_of_channels_without_a_factor(tmp_path, monkeypatch):
    class Odd(Builder):
        def add(self, name, kind, inputs=(), **words):
            if name == "Preprocessor/sub":
                inputs = ["ToFloat", np.float32([123.68, 116.78, 103.94])]
            return super().add(name, kind, inputs, **words)

    monkeypatch.setattr(small_ssd, "Builder", Odd)
    _, drafted = converted(tmp_path)
    assert drafted.record["input"]["mean"] == [123.68, 116.78, 103.94]
    assert drafted.record["input"]["scale"] == [1.0] * 3


def test_scores_that_are_scaled(tmp_path, monkeypatch):
    class Odd(Builder):
        def add(self, name, kind, inputs=(), **words):
            if name == "Postprocessor/scale_logits":
                inputs = ["concat_1", np.float32(2)]
            return super().add(name, kind, inputs, **words)

    monkeypatch.setattr(small_ssd, "Builder", Odd)
    assert "scale_logits (RealDiv) scales the scores" in refused(tmp_path, small_ssd.small_ssd())


def test_a_record_that_is_there_is_kept(tmp_path):
    converted(tmp_path)
    with pytest.raises(CourseError, match="is there already"):
        convert(tmp_path / "graph.pb", tmp_path / "model", Outputs())
    convert(tmp_path / "graph.pb", tmp_path / "model", Outputs(force=True))


def test_a_graph_is_converted_once(tmp_path):
    path = tmp_path / "graph.pb"
    small_ssd.write(path)
    assert convert_once(path, Outputs()) is not None
    (tmp_path / "model.onnx").unlink()
    assert convert_once(path, Outputs()) is None
    assert not (tmp_path / "model.onnx").exists()
    small_ssd.write(path, version=2020)
    with pytest.raises(CourseError, match="is there already"):
        convert_once(path, Outputs())


@pytest.mark.parametrize("version", [7.1, 8.6, 11.0])
def test_an_engine_of_a_graph_in_one_go(version, tmp_path, monkeypatch, capsys):
    path = tmp_path / "graph.pb"
    small_ssd.write(path)
    with played_tensorrt(monkeypatch, version):
        assert main(["build", str(path)]) == 0
        said = capsys.readouterr().out
        assert "the 477 priors are from the graph" in said
        assert len(list((tmp_path / "engines").glob("*.engine"))) == 1

        assert main(["build", str(path)]) == 0  # now only the engine is made
        assert "priors" not in capsys.readouterr().out
    assert main(["build", str(tmp_path / "nowhere.pb")]) == 2
    assert "nowhere.pb" in capsys.readouterr().err
