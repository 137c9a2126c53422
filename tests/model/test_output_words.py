"""The words of `output`: a word that the chosen form does not use is refused, by its name."""

import json

import numpy as np
import pytest

from conftest import RECORD
from trt_course import CourseError
from trt_course.model.decode import Decoder
from trt_course.model.placement import Placement
from trt_course.model.shapes import OutputShapes, Tensor
from trt_course.model.spec import read_spec

RULE = {"steps": [16, 32]}
PLACES = {"boxes": {"tensor": "b"}, "scores": {"tensor": "s"}}
ROWS = dict(PLACES, classes="c")


def read(folder, output):
    path = folder / "model.json"
    path.write_text(json.dumps(dict(RECORD, output=output)))
    return read_spec(path)


# What docs/model_json.md says of each form
USED = {
    "corners": "order units",
    "centre_size": "order units",
    "offsets": "order units priors variances sizes",
    "distances": "order units priors bins",
}
WORDS = {
    "order": "yx",
    "units": "pixels",
    "priors": "priors.npy",
    "variances": [1, 1, 1, 1],
    "sizes": "exp",
    "bins": 8,
}


@pytest.mark.parametrize("form", USED)
@pytest.mark.parametrize("word", WORDS)
def test_each_form_uses_the_words_that_the_page_says(tmp_path, form, word):
    boxes = {"tensor": "b", "form": form, word: WORDS[word]}
    if "priors" in USED[form]:
        boxes["priors"] = "priors.npy"
    output = dict(PLACES, boxes=boxes)
    if word in USED[form].split():
        assert getattr(read(tmp_path, output).output.boxes, word)
        return
    with pytest.raises(CourseError, match=f"model.json: output.boxes.{word} says nothing about"):
        read(tmp_path, output)


UNUSED = [
    (
        dict(PLACES, boxes={"tensor": "b", "form": "offsets"}),
        "output.boxes.priors is missing: boxes of the form offsets start from priors",
    ),
    (
        dict(
            PLACES,
            boxes={"tensor": "b", "form": "distances", "priors": RULE, "units": "normalized"},
        ),
        "output.boxes.units says nothing beside a rule",
    ),
    (dict(PLACES, count="n"), "output.count says nothing without output.classes"),
    (dict(PLACES, picture="n"), "output.picture says nothing without output.classes"),
    (dict(ROWS, count="n", picture="p"), "output names both count and picture"),
    (dict(ROWS, count={"tensor": "n", "column": 0}), "output.count.column is an unknown field"),
    (dict(ROWS, count={"tensor": ["n", "m"]}), "output.count.tensor is .*; wanted: a text"),
    (
        dict(ROWS, scores={"tensor": "s", "each_box": "all_classes"}),
        "output.scores.each_box says nothing beside output.classes",
    ),
    (
        dict(ROWS, scores={"tensor": "s", "activation": "softmax"}),
        "output.scores.activation is softmax, but .*; allowed: none, sigmoid",
    ),
    (
        dict(ROWS, picture="p", boxes={"tensor": "b", "values": "first"}),
        "output.boxes.values says nothing beside output.picture",
    ),
    (
        dict(ROWS, picture="p", boxes={"tensor": "b", "form": "offsets", "priors": RULE}),
        "output names both picture and priors",
    ),
    (
        dict(PLACES, objectness={"tensor": "o", "each_box": "best_class"}),
        "output.objectness.each_box is an unknown field",
    ),
]


@pytest.mark.parametrize("output, message", UNUSED, ids=[message for _, message in UNUSED])
def test_words_that_say_nothing_beside_others_are_refused(tmp_path, output, message):
    with pytest.raises(CourseError, match=message):
        read(tmp_path, output)


def test_a_count_is_a_tensor_of_its_own(tmp_path):
    for said in ("n", {"tensor": "n"}):
        assert read(tmp_path, dict(ROWS, count=said)).output.row_count.tensor == ("n",)


@pytest.mark.parametrize("boxes, scores, fits", [(0, 4, True), (4, 0, True), (0, 3, False)])
def test_a_column_has_one_role(tmp_path, boxes, scores, fits):
    """Four columns of boxes, four of scores."""
    output = {
        "boxes": {"tensor": "all", "column": boxes},
        "scores": {"tensor": "all", "column": scores},
    }
    shapes = OutputShapes(read(tmp_path, output))
    stated = {"all": Tensor((1, 20, 8), np.dtype("float32"))}
    if fits:
        shapes.require_stated(stated, 1)
        return
    with pytest.raises(CourseError, match="all two roles; .* or columns that no other role has"):
        shapes.require_stated(stated, 1)


def test_rows_of_all_pictures_are_as_many_in_each_tensor(tmp_path):
    """Six boxes, and the pictures of three."""
    decoder = Decoder(read(tmp_path, dict(ROWS, picture="p")))
    outputs = {
        "b": np.zeros((2, 3, 4), np.float32),
        "s": np.ones((2, 3, 1), np.float32),
        "c": np.ones((2, 3, 1), np.float32),
        "p": np.zeros((1, 3, 1), np.float32),
    }
    with pytest.raises(CourseError, match="p, output.picture.tensor in model.json, has shape"):
        decoder.decode(outputs, [Placement(1, 1, 0, 0, 64, 64)], 0.5)
    outputs["p"] = np.zeros((2, 3, 1), np.float32)
    assert len(decoder.decode(outputs, [Placement(1, 1, 0, 0, 64, 64)], 0.5)[0].boxes) == 6
