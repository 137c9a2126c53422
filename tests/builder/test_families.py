"""A draft of a network of each family finds the object that is planted in its outputs."""

from pathlib import Path

import numpy as np
import pytest

from builder import object_nets
from trt_course import TrtSSD
from trt_course.builder.draft import draft, report
from trt_course.builder.entry import Pictures
from trt_course.builder.families import FAMILIES, guesses
from trt_course.builder.look import Look
from trt_course.support.outputs import Outputs

# SSD300: row, and its prior (centre and size in pixels) by hand from the published configurations.
# torchvision's map of 10 x 10 begins at 38 * 38 * 4 + 19 * 19 * 6; its third prior is 2 to 1.
TORCHVISION = (
    38 * 38 * 4 + 19 * 19 * 6 + (3 * 10 + 2) * 6 + 2,
    [80.0, 112.0, 99 * 2**0.5, 99 / 2**0.5],
)
# The second map of SSDLite is 10 x 10, steps of 32; its second prior is between 0.35 and 0.5.
LITE = (20 * 20 * 6 + (3 * 10 + 2) * 6 + 1, [80.0, 112.0] + [320 * (0.35 * 0.5) ** 0.5] * 2)
# NVIDIA's: in the third map all cells with the first shape, then all with the second.
NVIDIA = (38 * 38 * 4 + 19 * 19 * 6 + 100 + 3 * 10 + 2, [80.0, 112.0] + [(99 * 153) ** 0.5] * 2)
# TensorFlow's second map is 10 x 10; its fifth shape is 1 to 3.
TF = (
    19 * 19 * 3 + (3 * 10 + 2) * 6 + 4,
    [75.0, 105.0, 300 * 0.35 * 0.3333**0.5, 300 * 0.35 / 0.3333**0.5],
)

# name: the outputs, the input's side, the family, how sure
CASES = {
    "yolox": (object_nets.yolox(decoded=False), 416, "YOLOX", "likely"),
    "yolox decoded": (object_nets.yolox(decoded=True), 416, "YOLOX", "likely"),
    "yolox of few": (object_nets.yolox(decoded=False, classes=3), 416, "YOLOX", "likely"),
    "yolov5": (object_nets.yolov5(), 320, "YOLOv5, YOLOv7", "likely"),
    "yolov8": (object_nets.yolov8(), 320, "YOLOv8 and later", "likely"),
    "yolov8 of few": (object_nets.yolov8(classes=3), 320, "YOLOv8 and later", "likely"),
    "yolov8 turned": (object_nets.yolov8(turned=True), 320, "YOLOv8 and later", "likely"),
    "yolov8 masks": (object_nets.yolov8(masks=32), 320, "YOLOv8 and later", "likely"),
    "nanodet plus": (object_nets.nanodet(apart=False), 320, "NanoDet-Plus", "likely"),
    "nanodet": (object_nets.nanodet(apart=True), 320, "NanoDet, scales apart", "likely"),
    "picodet": (object_nets.picodet(), 320, "PicoDet", "likely"),
    "first nanodet": (
        object_nets.nanodet(apart=True, strides=(8, 16, 32), shift=object_nets.middle_pixel),
        320,
        "NanoDet, scales apart",
        "likely",
    ),
    "yunet": (object_nets.yunet(), 320, "YuNet", "certain"),
    "scrfd": (object_nets.scrfd(), 320, "SCRFD", "likely"),
    "retinaface": (object_nets.retinaface(), 320, "RetinaFace", "likely"),
    "blazeface": (object_nets.blazeface(), 256, "BlazeFace", "certain"),
    "pytorch-ssd": (
        object_nets.pytorch_ssd(),
        300,
        "boxes and scores (PyTorch SSD, jetson-inference)",
        "likely",
    ),
    "background behind": (
        object_nets.pytorch_ssd(background=20),
        300,
        "boxes and scores (PyTorch SSD, jetson-inference)",
        "likely",
    ),
    "corners": (
        object_nets.corners_of(2000),
        320,
        "boxes and scores (PyTorch SSD, jetson-inference)",
        "a guess",
    ),
    "yolo-nas": (object_nets.corners_of(2100), 320, "YOLO with corners (YOLO-NAS)", "likely"),
    "torchvision ssd300": (
        object_nets.ssd(8732, 300, classes=91, row=TORCHVISION),
        300,
        "torchvision's SSD300",
        "likely",
    ),
    "ssdlite320": (
        object_nets.ssd(3234, 320, classes=91, row=LITE),
        320,
        "torchvision's SSDLite320",
        "likely",
    ),
    "nvidia ssd300": (
        object_nets.ssd(8732, 300, classes=81, row=NVIDIA, columns_first=True),
        300,
        "NVIDIA's SSD300",
        "likely",
    ),
    "tf 1917": (
        object_nets.ssd(1917, 300, classes=91, row=TF, yx=True, sigmoid=True),
        300,
        "TensorFlow's SSD300",
        "likely",
    ),
    "detr": (object_nets.detr(), 320, "DETR and its successors", "likely"),
    "rt-detr logits": (object_nets.detr(300, 80), 320, "DETR and its successors", "likely"),
    "efficient_nms": (object_nets.efficient_nms(), 320, "EfficientNMS", "certain"),
    "efficient_nms shares": (object_nets.efficient_nms(False), 320, "EfficientNMS", "certain"),
    "tensorflow": (object_nets.tensorflow(), 320, "TensorFlow's object detection API", "certain"),
    "tensorflow 1": (
        {f"{name}:0": array for name, array in object_nets.tensorflow().items()},
        320,
        "TensorFlow's object detection API",
        "certain",
    ),
    "tflite": (object_nets.tflite(), 320, "TFLite's post-processing", "likely"),
    "torchvision": (object_nets.torchvision(), 320, "torchvision", "likely"),
    "mmdeploy": (object_nets.mmdeploy(), 320, "MMDeploy's export", "likely"),
    "rows of six": (
        object_nets.rows_of_six(),
        320,
        "finished rows of six (YOLOv10, YOLO with suppression)",
        "likely",
    ),
    "paddle's six": (
        object_nets.rows_of_six(class_first=True),
        320,
        "PaddleDetection's rows of six",
        "likely",
    ),
    "nms7": (object_nets.rows_of_seven(), 320, "rows of seven", "likely"),
    "nms7 alone": (object_nets.rows_of_seven(count=False), 320, "rows of seven", "likely"),
    "yolov7 rows": (object_nets.yolov7_rows(), 320, "YOLOv7 with suppression", "a guess"),
}
# The classes of those that know faces only
CLASSES = {"yunet": 0, "blazeface": 0, "scrfd": 0, "retinaface": 1}


def found_by(drafted, side):
    """What the draft finds in a black picture of the input's size."""
    with TrtSSD(drafted.path.parent, backend="cpu", threads=1, verbose=False) as ssd:
        return ssd.detect(np.zeros((side, side, 3), np.uint8), 0.5)


@pytest.mark.parametrize("name", CASES)
def test_a_draft_finds_the_object(name, tmp_path):
    outputs, side, family, sure = CASES[name]
    drafted = draft(object_nets.write(tmp_path / "net", outputs, side), None, Outputs())
    assert (drafted.guess.family, drafted.guess.sure) == (family, sure)
    assert "layout" not in drafted.record["output"], "the words are what a reader can look up"

    boxes, confs, clss = found_by(drafted, side)
    assert np.allclose(boxes, [object_nets.BOX], atol=0.05)
    assert np.allclose(confs, [object_nets.CONF], atol=0.002)
    assert clss.tolist() == [CLASSES.get(name, object_nets.CLASS)]


@pytest.mark.parametrize("name", ["yolox", "rows of six", "torchvision", "tflite"])
def test_shapes_that_the_file_does_not_state(name, tmp_path):
    outputs, side, family, _ = CASES[name]
    path = object_nets.write(tmp_path / "net", outputs, side, stated=False)
    drafted = draft(path, None, Outputs())
    assert drafted.guess.family == family
    assert "?, when run " in report(drafted)
    assert np.allclose(found_by(drafted, side).boxes, [object_nets.BOX], atol=0.05)


BACKGROUNDS = {
    "pytorch-ssd": 0,
    "background behind": 20,
    "corners": None,
    "torchvision": 0,
    "torchvision ssd300": 0,
    "tensorflow": 0,
    "tflite": None,
    "detr": 91,
    "rt-detr logits": None,
    "yolov8": None,
    "nms7": 0,
}


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_the_background(name, tmp_path):
    outputs, side, *_ = CASES[name]
    drafted = draft(object_nets.write(tmp_path / "net", outputs, side), None, Outputs())
    assert drafted.record["background"] == BACKGROUNDS[name]


@pytest.mark.parametrize("name", ["tensorflow", "tflite"])
def test_a_recipe_that_nothing_shows_is_asked_for(name, tmp_path):
    """TensorFlow's networks have it inside if they take bytes, and only then."""
    outputs, side, *_ = CASES[name]
    drafted = draft(object_nets.write(tmp_path / "net", outputs, side), None, Outputs())
    assert drafted.record["input"]["dtype"] == "float32"
    assert any(text.startswith("input.mean") for text in drafted.record["questions"])


def test_faces_of_the_ultra_light_kind(tmp_path):
    path = object_nets.write(tmp_path / "net", object_nets.ultra_light(), 320, height=240)
    drafted = draft(path, None, Outputs())
    assert drafted.guess.family == "ultra-light face detectors"
    assert drafted.record["labels"] == "face"


@pytest.mark.parametrize("width_first", [True, False])
def test_the_order_of_the_size_is_tried(width_first, tmp_path):
    path = tmp_path / "model.onnx"
    object_nets.write_sized(path, width_first)
    drafted = draft(path, None, Outputs())
    assert drafted.guess.sure == "certain"
    order = "width_height" if width_first else "height_width"
    assert drafted.record["input"]["size"] == {"name": "orig_target_sizes", "order": order}
    assert np.allclose(found_by(drafted, 320).boxes, [object_nets.BOX], atol=0.05)


def test_paddle_divides_by_the_size(tmp_path):
    """Its second input is a factor; with the input's size in its place, boxes become shares."""
    path = tmp_path / "model.onnx"
    object_nets.write_divided(path)
    drafted = draft(path, None, Outputs())
    assert drafted.guess.family == "PaddleDetection's rows of six"
    assert drafted.record["input"]["size"] == {"name": "scale_factor", "order": "height_width"}
    assert drafted.record["output"]["boxes"]["units"] == "normalized"
    assert np.allclose(found_by(drafted, 320).boxes, [object_nets.BOX], atol=0.05)


def look(outputs, side=320):
    pictures = Pictures("input", "nchw", 3, height=side, width=side, dtype="float32")
    return Look(Path("model.onnx"), pictures, outputs)


def random_outputs(rng):
    """One to four outputs of any shape and type, under names that say nothing or mislead."""
    names = ["boxes", "scores", "output", "classes", "num", "labels", "1234", "detection_boxes"]
    outputs = {}
    for name in rng.permutation(names)[: rng.randint(1, 5)]:
        lengths = [0, 1, 2, 4, 5, 6, 7, 16, 80, 100, 300, 1917, 2100, 3234, 8732]
        shape = [1, *rng.choice(lengths, rng.randint(0, 3))]
        if np.prod(shape) < 2e6:
            kind = rng.choice(["float32", "int64"])
            numbers = rng.randn(*shape) * rng.choice([0.1, 1, 100])
            if kind == "float32" and rng.rand() < 0.1:
                numbers[:] = rng.choice([np.nan, np.inf])
            outputs[str(name)] = numbers.astype(kind)
    return outputs


def test_random_outputs_are_never_certain():
    rng = np.random.RandomState(0)
    guessed = 0
    for _ in range(400):
        for guess in guesses(look(random_outputs(rng))):
            assert guess.sure != "certain", guess
            guessed += 1
    assert guessed > 0


def test_every_family_has_a_case():
    """A family that no case reaches might as well not be there."""
    reached = set()
    for outputs, side, *_ in CASES.values():
        for family in FAMILIES:
            if family(look(outputs, side)) is not None:
                reached.add(family)
    assert reached == set(FAMILIES)
