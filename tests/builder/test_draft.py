"""Drafts: what is read from the file, what is asked, what is refused, and real networks."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from builder import object_nets
from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.draft import draft, report
from trt_course.builder.look import look_at
from trt_course.media.pictures import read_image
from trt_course.support.files import kit_path
from trt_course.support.outputs import Outputs

RECORDS = Path(__file__).parent.parent / "thirdparty"


def drafted_from(path, out=None):
    return draft(path, out, Outputs())


def questions_of(drafted, field):
    """The questions about a field of the record."""
    return [text for text in drafted.record.get("questions", []) if text.startswith(field)]


# What the file tells ----------------------------------------------------------------------------


def test_noted_names_become_labels(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(classes=3))
    names = {0: "cat", 1: "dog", 2: "caf\u00e9"}
    object_nets.note(path, names=names, stride=32, imgsz=[320, 320], task="detect")
    drafted = drafted_from(path)
    assert drafted.guess.sure == "certain"
    assert drafted.record["labels"] == list(names.values())
    assert "questions" not in drafted.record


@pytest.mark.parametrize(
    "names",
    [
        "{0: 'a', 5: 'b', 7: 'c'}",
        "{0: 'a', '1': 'b', None: 'c'}",
        "['a', 'b', 'two\\nlines']",
        "__import__('os').getcwd()",
        "[1, 2, 3]",
        "(" * 999,
        "{",
    ],
)
def test_notes_that_are_no_names(names, tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(classes=3))
    object_nets.note(path, names=names)
    drafted = drafted_from(path)
    assert drafted.record["labels"] == ["class_0", "class_1", "class_2"]
    assert questions_of(drafted, "labels: name the 3 classes")


def test_as_many_classes_as_coco_has(tmp_path):
    drafted = drafted_from(object_nets.write(tmp_path, object_nets.yolov8()))
    assert drafted.record["labels"] == "coco80"
    assert questions_of(drafted, "labels: 80 scores")


def test_bytes_have_their_recipe_inside(tmp_path):
    path = object_nets.write(tmp_path, object_nets.pytorch_ssd(), 300, layout="nhwc", kind="uint8")
    drafted = drafted_from(path)
    entry = drafted.record["input"]
    assert (entry["layout"], entry["dtype"]) == ("nhwc", "uint8")
    assert "mean" not in entry
    assert not questions_of(drafted, "input.mean")
    assert questions_of(drafted, "input.color")
    TrtSSD(tmp_path, backend="cpu", verbose=False).close()


def test_halves(tmp_path):
    drafted = drafted_from(object_nets.write(tmp_path, object_nets.yolov8(), kind="float16"))
    assert drafted.record["input"]["dtype"] == "float16"
    TrtSSD(tmp_path, backend="cpu", verbose=False).close()


def test_grey(tmp_path):
    path = object_nets.write(tmp_path, object_nets.pytorch_ssd(), 300)
    model = load(str(path))
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 1
    save(model, str(path))
    drafted = drafted_from(path)
    assert drafted.record["input"]["color"] == "GREY"
    assert drafted.record["input"]["mean"] == [127]
    assert not questions_of(drafted, "input.color")
    TrtSSD(tmp_path, backend="cpu", verbose=False).close()


HEADS = {  # operators with their constants, and the brightest pixel that they are made for
    "mean and scale": ([("Sub", [123.7, 116.8, 103.9]), ("Mul", [0.017] * 3)], 255),
    "to shares": ([("Div", 255.0)], 255),
    "to shares by a factor": ([("Mul", 1 / 255)], 255),
    "of shares": ([("Sub", [0.485, 0.456, 0.406]), ("Div", [0.229, 0.224, 0.225])], 1),
    "around 0": ([("Mul", 2.0), ("Sub", 1.0)], 1),
}


def put_before(path, steps):
    """Put arithmetic by constants before everything else."""
    model = load(str(path))
    graph = model.graph
    entry = graph.input[0].name
    seen = entry
    nodes = []
    for number, (kind, constant) in enumerate(steps):
        array = np.float32(constant)
        if array.ndim:
            array = array.reshape(1, 3, 1, 1)
        graph.initializer.append(numpy_helper.from_array(array, f"head_{number}"))
        nodes.append(helper.make_node(kind, [seen, f"head_{number}"], [f"seen_{number}"]))
        seen = f"seen_{number}"
    for node in graph.node:
        for place, name in enumerate(node.input):
            if name == entry:
                node.input[place] = seen
    old = list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes + old)
    save(model, str(path))


@pytest.mark.parametrize("name", HEADS)
def test_a_recipe_in_the_network_is_not_done_twice(name, tmp_path):
    steps, brightest = HEADS[name]
    path = object_nets.write(tmp_path, object_nets.pytorch_ssd(), 300)
    put_before(path, steps)
    drafted = drafted_from(path)
    assert "mean" not in drafted.record["input"]
    scale = drafted.record["input"].get("scale", [1.0] * 3)
    assert scale == [255 / brightest] * 3
    assert not questions_of(drafted, "input.mean")
    (question,) = questions_of(drafted, "input.scale")
    assert question.endswith(f"from 0 to {brightest}?")
    assert ", ".join(kind for kind, _ in steps) in question


def test_an_output_without_any_statement(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(), stated=False)
    model = load(str(path))
    model.graph.output[0].type.tensor_type.ClearField("shape")
    save(model, str(path))
    assert "output0  float32  not stated, when run 1 x 84 x 2100" in report(drafted_from(path))


# Sides that are open ----------------------------------------------------------------------------


def test_open_sides(tmp_path):
    outputs = object_nets.yolov8(side=640)
    path = object_nets.write(tmp_path, outputs)
    leave_open(path)
    drafted = drafted_from(path)
    assert drafted.record["input"]["width"] == 640
    assert questions_of(drafted, "input.width")
    TrtSSD(tmp_path, backend="cpu", verbose=False).close()


def test_open_sides_that_the_file_notes(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(side=224))
    leave_open(path)
    object_nets.note(path, imgsz="[224, 224]", names="[]")
    drafted = drafted_from(path)
    assert drafted.record["input"]["width"] == 224
    assert not questions_of(drafted, "input.width")


def test_open_sides_of_a_network_that_takes_one_size(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(side=416))
    leave_open(path)
    only_side(path, 416)
    assert drafted_from(path).record["input"]["height"] == 416

    (tmp_path / "model.json").unlink()
    path = object_nets.write(tmp_path, object_nets.yolov8(side=416))
    leave_open(path)
    only_side(path, 417)
    with pytest.raises(CourseError, match="leaves the size of its pictures open and ran with none"):
        drafted_from(path)


def leave_open(path):
    model = load(str(path))
    for number, name in ((2, "height"), (3, "width")):
        model.graph.input[0].type.tensor_type.shape.dim[number].dim_param = name
    save(model, str(path))


def only_side(path, side):
    """Put in a layer that fails for pictures of another height."""
    model = load(str(path))
    graph = model.graph
    weight = numpy_helper.from_array(np.zeros((1, 3, side, 1), np.float32), f"only_{side}")
    graph.initializer.append(weight)
    mean = graph.node[1]
    add = helper.make_node("Add", [mean.input[0], weight.name], [f"{weight.name}_sum"])
    mean.input[0] = add.output[0]
    graph.node.insert(1, add)
    save(model, str(path))


# Refusals ---------------------------------------------------------------------------------------


def test_no_network(tmp_path):
    for content, said in ((b"", "is empty"), (b"\x00 not ONNX" * 99, "not an ONNX file")):
        (tmp_path / "a.onnx").write_bytes(content)
        with pytest.raises(CourseError, match=said):
            drafted_from(tmp_path / "a.onnx")
    with pytest.raises(CourseError, match="There is no file"):
        drafted_from(tmp_path / "b.onnx")
    with pytest.raises(CourseError, match="not a regular file"):
        drafted_from(tmp_path)
    assert not (tmp_path / "model.json").exists()


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(str(tmp_path / "pipe.onnx"))
    with pytest.raises(CourseError, match="not a regular file"):
        drafted_from(tmp_path / "pipe.onnx")


def test_half_a_network(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8())
    path.write_bytes(path.read_bytes()[: 1 << 18])
    with pytest.raises(CourseError, match="cannot run on the CPU"):
        drafted_from(path)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ((3, 320, 320), "Export it again with a batch of pictures"),
        ((1, 10), "has 0 inputs of rank 4"),
        ((1, 12, 160, 160), "no picture of 1 or 3 colours"),
    ],
)
def test_no_picture(entry, said, tmp_path):
    object_nets.write_constants(tmp_path, object_nets.yolov8(), entry=entry)
    with pytest.raises(CourseError, match=said):
        drafted_from(tmp_path / "model.onnx")


def test_a_type_that_no_picture_has(tmp_path):
    object_nets.write_constants(
        tmp_path, object_nets.yolov8(), entry=(1, 3, 320, 320), kind="float64"
    )
    with pytest.raises(CourseError, match="takes pictures of type float64"):
        drafted_from(tmp_path / "model.onnx")


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ([1, 3, 320, 320], "has 2 inputs of rank 4"),
        ([1, 80], "wants more than pictures and their size: more, float32 1 x 80"),
    ],
)
def test_another_input(shape, said, tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8())
    model = load(str(path))
    model.graph.input.append(helper.make_tensor_value_info("more", TensorProto.FLOAT, shape))
    save(model, str(path))
    with pytest.raises(CourseError, match=said):
        drafted_from(path)


def test_no_known_family_says_what_was_seen(tmp_path):
    outputs = {"coverage": np.zeros((1, 3, 20, 40), np.float32), "side": np.float32([[1]])}
    path = object_nets.write(tmp_path, outputs)
    with pytest.raises(CourseError) as refusal:
        drafted_from(path)
    said = str(refusal.value)
    assert "is of no family that this kit knows" in said
    assert "output  coverage  float32  1 x 3 x 20 x 40" in said
    assert "docs/model_json.md" in said
    assert not (tmp_path / "model.json").exists()


def test_a_family_whose_types_do_not_fit(tmp_path):
    outputs = {"output0": object_nets.yolov8()["output0"].astype(np.int32)}
    path = object_nets.write(tmp_path, outputs)
    with pytest.raises(CourseError, match="The nearest, YOLOv8 and later, does not fit: .*int32"):
        drafted_from(path)


@pytest.mark.parametrize("shape", [(1, 6), (1, 7), (1, 6, 7), (1, 300, 6)])
def test_numbers_that_are_no_rows_of_boxes(shape, tmp_path):
    """A classifier of six classes has a row of six numbers, too."""
    numbers = np.random.RandomState(0).randn(*shape).astype(np.float32)
    path = object_nets.write(tmp_path, {"logits": numbers})
    with pytest.raises(CourseError, match="is of no family"):
        drafted_from(path)


def test_numbers_for_a_pose_are_no_scores(tmp_path):
    outputs = object_nets.yolov8(classes=52)
    outputs["output0"][:, 5:] = 100  # one class, then pixels
    (question,) = questions_of(drafted_from(object_nets.write(tmp_path, outputs)), "output.scores:")
    assert "poses" in question


def test_an_output_that_never_holds_a_box(tmp_path):
    """What could not be opened afterwards is not written."""
    outputs = {
        "boxes": np.zeros((0, 4), np.float32),
        "labels": np.zeros(0, np.int64),
        "scores": np.zeros(0, np.float32),
    }
    path = object_nets.write(tmp_path, outputs)
    with pytest.raises(CourseError, match="it never holds a box"):
        drafted_from(path)


@pytest.mark.parametrize("stated", [True, False])
@pytest.mark.parametrize("pictures", [0, 2])
def test_results_for_another_number_of_pictures(pictures, stated, tmp_path):
    """What the network gives for its one picture could never be read."""
    outputs = {"output0": np.repeat(object_nets.yolov8()["output0"], pictures, axis=0)}
    with pytest.raises(CourseError, match="is of no family"):
        drafted_from(object_nets.write(tmp_path, outputs, stated=stated))


def test_a_name_that_no_record_can_have(tmp_path):
    outputs = {"out\nput\x1b[2J": object_nets.yolov8()["output0"]}
    with pytest.raises(CourseError) as refusal:
        drafted_from(object_nets.write(tmp_path, outputs))
    assert "YOLOv8 and later, does not fit: model.json: output.boxes.tensor" in str(refusal.value)


@pytest.mark.parametrize("name", ["two\nlines.onnx", "\udcff.onnx"])
def test_a_file_name_that_no_record_can_hold(name, tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8())
    path.rename(tmp_path / name)
    with pytest.raises(CourseError, match="Rename the file"):
        drafted_from(tmp_path / name)


def test_a_noted_task_that_controls_a_terminal(tmp_path):
    path = object_nets.write(tmp_path, object_nets.yolov8(classes=3))
    object_nets.note(path, names={0: "a", 1: "b", 2: "c"}, task="pose\x1b[2J\n" + "x" * 10**6)
    (question,) = questions_of(drafted_from(path), "output:")
    assert "(its task: pose" in question
    assert question.isprintable()


# Files ------------------------------------------------------------------------------------------


def test_a_plugin_of_tensorrt(tmp_path):
    """It cannot be run here; what its file states is enough for a draft."""
    shapes = {"num_dets": [1, 1], "det_boxes": [1, 100, 4], "det_scores": [1, 100]}
    kinds = {"num_dets": TensorProto.INT32, "det_classes": TensorProto.INT32}
    shapes["det_classes"] = [1, 100]
    ends = [
        helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)
        for name, shape in shapes.items()
    ]
    node = helper.make_node("EfficientNMS_TRT", ["images"], list(shapes))
    entry = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, 640, 640])
    model = helper.make_model(helper.make_graph([node], "plugin", [entry], ends))
    save(model, str(tmp_path / "model.onnx"))

    drafted = drafted_from(tmp_path / "model.onnx")
    assert drafted.guess.family == "EfficientNMS"
    assert questions_of(drafted, "output.boxes.units")
    assert "could not be run here" in report(drafted)
    assert find_model(tmp_path).output.is_whole_rows()


def test_a_network_in_several_files_is_not_torn(tmp_path):
    path = object_nets.write(tmp_path / "net", object_nets.yolov8())
    save(
        load(str(path)),
        str(path),
        save_as_external_data=True,
        location="w.bin",
        size_threshold=1000,
    )
    with pytest.raises(CourseError, match="keeps weights in other files"):
        drafted_from(path, tmp_path / "out")
    assert not (tmp_path / "out" / "model.json").exists()
    assert drafted_from(path).guess.family == "YOLOv8 and later"


def test_a_record_is_written_as_a_person_would(tmp_path):
    path = object_nets.write(tmp_path / "net", object_nets.yolov8(classes=3))
    drafted = drafted_from(path, tmp_path / "out")
    text = (tmp_path / "out" / "model.json").read_text()
    assert list(json.loads(text)) == list(drafted.record)
    assert '"scale": [255.0, 255.0, 255.0]' in text
    spec = find_model(tmp_path / "out")
    assert (spec.name, spec.onnx.name) == ("out", "model.onnx")
    assert not spec.changed()
    assert list(spec.questions) == drafted.record["questions"]


# Real networks ----------------------------------------------------------------------------------


def answered(drafted, record, words=("color", "mean", "scale")):
    """The draft as a file, its questions answered from another record of the same network."""
    fields = json.loads(drafted.path.read_text())
    for word in words:
        fields["input"].pop(word, None)
        if word in record["input"]:
            fields["input"][word] = record["input"][word]
    for word in ("labels", "background"):
        fields[word] = record[word]
    fields.pop("questions", None)
    drafted.path.write_text(json.dumps(fields))
    return find_model(drafted.path)


def same(one, other, picture):
    """Whether two models find the same in a picture, and something at all."""
    found = []
    for spec in (one, other):
        with TrtSSD(spec, backend="cpu", threads=1, verbose=False) as ssd:
            found.append(ssd.detect(picture, 0.3))
    assert len(found[0].boxes)
    return found[0] == found[1]


@pytest.mark.parametrize(
    ("name", "picture"),
    [
        ("ssd_mobilenet_v2_signs", "data/signs/images/000008.jpg"),
        ("ssd_resnet18_traffic", "data/traffic/images/000001.jpg"),
    ],
)
def test_the_kits_own_models(name, picture, tmp_path):
    spec = find_model(name)
    drafted = drafted_from(spec.onnx, tmp_path)
    for field in ("input.color", "input.mean", "labels"):
        assert questions_of(drafted, field)
    record = json.loads((spec.folder / "model.json").read_text())
    assert same(spec, answered(drafted, record), read_image(kit_path(picture)))


@pytest.mark.parametrize(
    ("name", "file", "family"),
    [
        (
            "adas",
            "pedestrian_vehicle_adas_0001.onnx",
            "boxes and scores (PyTorch SSD, jetson-inference)",
        ),
        ("face_slim", "face_slim_320.onnx", "ultra-light face detectors"),
        ("coco_mobilenet", "coco_ssd_mobilenet_v1_q.onnx", "TFLite's post-processing"),
    ],
)
def test_networks_of_others(name, file, family, shared, tmp_path):
    drafted = drafted_from(shared / "thirdparty" / file, tmp_path / "draft")
    assert drafted.guess.family == family
    (tmp_path / "theirs").mkdir()
    record = json.loads((RECORDS / name / "model.json").read_text())
    record["nms"] = drafted.record.get("nms", {})
    (tmp_path / "theirs" / "model.json").write_text(json.dumps(record))
    (tmp_path / "theirs" / "model.onnx").symlink_to(shared / "thirdparty" / file)

    pictures = sorted((shared / "data/coco_ccby/images").iterdir())[:12]
    picture = cv2.hconcat([cv2.resize(read_image(path), (320, 240)) for path in pictures[:2]])
    ours = find_model(drafted.path)
    if name != "coco_mobilenet":
        ours = answered(drafted, record)
    assert same(find_model(tmp_path / "theirs"), ours, picture)


def test_the_recipe_of_adas_is_found_inside(shared):
    look = look_at(shared / "thirdparty/pedestrian_vehicle_adas_0001.onnx")
    assert look.head is not None
    assert (list(look.head.operators), look.head.brightest) == (["Sub", "Mul"], 255)
