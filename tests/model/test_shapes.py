"""Outputs that fit their record are accepted in every form a network may give, and no others."""

import numpy as np
import pytest

from model.old_output import old_output
from trt_course import CourseError
from trt_course.model.input_spec import InputSpec
from trt_course.model.shapes import OutputShapes, Tensor
from trt_course.model.spec import ModelSpec

PRIORS = 7
FLOAT = np.dtype("float32")
WHOLE = np.dtype("int32")


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    path = tmp_path_factory.mktemp("priors") / "priors.npy"
    np.save(str(path), np.ones((PRIORS, 4)))
    return path


def shapes_of(layout, roles, priors=None, **names):
    """The checks of a record of three classes; outputs without another name have their role's."""
    tensors = {role: names.get(role, role) for role in roles}
    return OutputShapes(
        ModelSpec(
            name="m",
            title="m",
            input=InputSpec("input", 128, 96, "nchw", "BGR"),
            output=old_output(layout, tensors, priors=priors),
            labels=("background", "a", "b"),
            background=0,
        )
    )


def require(layout, priors, pictures=-1, least=1, **outputs):
    """Check outputs of a run that have these shapes."""
    whole = ("count", "classes")
    arrays = {
        role: np.zeros(shape, WHOLE if role in whole else FLOAT) for role, shape in outputs.items()
    }
    shapes_of(layout, outputs, priors).require(arrays, pictures, least)


FIT = [
    ("nms7", {"rows": (5, 7)}),
    ("nms7", {"rows": (1, 5, 7)}),
    ("nms7", {"rows": (1, 1, 5, 7)}),
    ("nms7", {"rows": (2, 3, 5, 7)}),
    ("nms7", {"rows": (2, 5, 7), "count": (2,)}),
    ("nms7", {"rows": (2, 1, 5, 7), "count": (2, 1, 1, 1)}),
    ("nms7", {"rows": (1, 1, 5, 7), "count": ()}),
    ("efficient_nms", {"boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5), "count": (2, 1)}),
    ("efficient_nms", {"boxes": (1, 5, 4), "scores": (1, 5), "classes": (1, 5), "count": ()}),
    ("tf_detection", {"boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5)}),
    ("tf_detection", {"boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5), "count": (2, 1, 1)}),
    ("tf_detection", {"boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5, 1)}),
    ("boxes_scores", {"boxes": (2, 5, 4), "scores": (2, 5, 3)}),
    ("boxes_scores", {"boxes": (2, 0, 4), "scores": (2, 0, 3)}),
    ("loc_conf_priors", {"loc": (2, 7, 4), "conf": (2, 7, 3)}),
    ("loc_conf_priors", {"loc": (2, 4, 7), "conf": (2, 3, 7)}),
    ("loc_conf_priors", {"loc": (2, 4, 7), "conf": (2, 7, 3)}),
]


@pytest.mark.parametrize("layout, outputs", FIT)
def test_each_form_that_networks_give_is_accepted(priors, layout, outputs):
    require(layout, priors, **outputs)


BOXES = {"boxes": (2, 5, 4), "scores": (2, 5), "classes": (2, 5), "count": (2, 1)}
MISFITS = [
    ("nms7", {"rows": (5, 8)}, r"rows, .* has shape \(5, 8\); wanted: \(lines, 7\)$"),
    ("nms7", {"rows": (7,)}, r"rows, .* has shape \(7\)"),
    ("nms7", {"rows": (1, 1, 1, 5, 7)}, "rows, .* has shape"),
    ("nms7", {"rows": (3, 5, 7), "count": (2,)}, "count, .* with pictures = 3 .as in rows.$"),
    ("nms7", {"rows": (2, 2, 5, 7), "count": (2,)}, r"wanted: \(pictures, 1, rows, 7\)$"),
    ("nms7", {"rows": (10, 7), "count": (2,)}, "count, .* with pictures = 1 .as in rows.$"),
    ("nms7", {"rows": (2, 5, 7), "count": (2, 2)}, "count, .* has shape"),
    ("efficient_nms", {**BOXES, "boxes": (2, 5, 5)}, "boxes, .* has shape"),
    (
        "efficient_nms",
        {**BOXES, "boxes": (3, 5, 4)},
        "scores, .* rows = 5 .as in boxes., pictures = 3",
    ),
    ("efficient_nms", {**BOXES, "scores": (2, 6)}, "scores, .* rows = 5 .as in boxes"),
    ("efficient_nms", {**BOXES, "classes": (2, 6)}, "classes, .* rows = 5 .as in boxes"),
    ("efficient_nms", {**BOXES, "count": (3, 1)}, "count, .* pictures = 2 .as in boxes"),
    ("tf_detection", {**BOXES, "boxes": (2, 5, 5)}, "boxes, .* has shape"),
    ("tf_detection", {**BOXES, "scores": (2, 6)}, "scores, .* rows = 5 .as in boxes"),
    ("tf_detection", {**BOXES, "classes": (2, 5, 2)}, "classes, .* has shape"),
    ("boxes_scores", {"boxes": (2, 5, 4), "scores": (2, 6, 3)}, "scores, .* places = 5"),
    ("boxes_scores", {"boxes": (2, 5, 4), "scores": (3, 5, 3)}, "scores, .* pictures = 2"),
    ("boxes_scores", {"boxes": (2, 5, 4), "scores": (2, 5, 2)}, "scores, .* classes = 3 .the lab"),
    ("loc_conf_priors", {"loc": (2, 8, 4), "conf": (2, 8, 3)}, "loc, .* priors = 7 .the rows of "),
    ("loc_conf_priors", {"loc": (2, 7, 5), "conf": (2, 7, 3)}, "loc, .* has shape"),
    ("loc_conf_priors", {"loc": (2, 7, 4), "conf": (2, 7, 4)}, "conf, .* classes = 3"),
    ("loc_conf_priors", {"loc": (2, 7, 4), "conf": (2, 4, 7)}, "conf, .* classes = 3"),
    ("loc_conf_priors", {"loc": (2, 7, 4), "conf": (1, 7, 3)}, "conf, .* pictures = 2"),
]


@pytest.mark.parametrize("layout, outputs, message", MISFITS)
def test_what_does_not_fit_is_refused_by_name(priors, layout, outputs, message):
    with pytest.raises(CourseError, match=message):
        require(layout, priors, **outputs)


KINDS = [
    ("boxes_scores", "boxes", "int32", "floating-point numbers"),
    ("boxes_scores", "scores", "uint8", "floating-point numbers"),
    ("efficient_nms", "boxes", "int32", "floating-point numbers"),
    ("efficient_nms", "scores", "int32", "floating-point numbers"),
    ("efficient_nms", "classes", "bool", "numbers"),
    ("efficient_nms", "count", "bool", "numbers"),
    ("tf_detection", "classes", "bool", "numbers"),
    ("nms7", "rows", "int32", "floating-point numbers"),
    ("loc_conf_priors", "loc", "int8", "floating-point numbers"),
    ("loc_conf_priors", "conf", "int8", "floating-point numbers"),
]


@pytest.mark.parametrize("layout, role, kind, wanted", KINDS)
def test_types_that_cannot_be_boxes_are_refused(priors, layout, role, kind, wanted):
    outputs = next(outputs for name, outputs in FIT if name == layout)
    arrays = {name: np.zeros(shape, FLOAT) for name, shape in outputs.items()}
    arrays[role] = arrays[role].astype(kind)
    with pytest.raises(CourseError, match=f"{role}, .* is of type {kind}; wanted: {wanted}$"):
        shapes_of(layout, arrays, priors).require(arrays, -1, 1)


@pytest.mark.parametrize("kind", ["float16", "float32", "float64", "int32", "int64", "uint8"])
def test_classes_and_counts_may_be_numbers_of_any_type(kind):
    shapes = {"boxes": (1, 5, 4), "scores": (1, 5), "classes": (1, 5), "count": (1, 1)}
    arrays = {role: np.zeros(shape, FLOAT) for role, shape in shapes.items()}
    for role in ("classes", "count"):
        arrays[role] = arrays[role].astype(kind)
    shapes_of("efficient_nms", arrays).require(arrays, 1, 1)


# How many pictures


def test_outputs_for_fewer_pictures_than_were_given_are_refused():
    few = {"boxes": (2, 5, 4), "scores": (2, 5, 3)}
    require("boxes_scores", None, pictures=2, least=2, **few)
    require("boxes_scores", None, pictures=2, least=1, **few)  # the last place is nobody's
    with pytest.raises(CourseError, match="boxes, .* pictures = 3 .the network's batch"):
        require("boxes_scores", None, pictures=3, least=1, **few)
    message = r"^m: the network's outputs are for 2 pictures .as in boxes.; wanted: 3$"
    with pytest.raises(CourseError, match=message):
        require("boxes_scores", None, least=3, **few)

    # Rows of seven say themselves whose they are: any number of them may come
    require("nms7", None, pictures=4, least=4, rows=(1, 1, 5, 7))


def test_the_same_outputs_are_checked_again_for_more_pictures():
    """A shape that was right for two pictures is not for three."""
    arrays = {"boxes": np.zeros((2, 5, 4), FLOAT), "scores": np.zeros((2, 5, 3), FLOAT)}
    shapes = shapes_of("boxes_scores", arrays)
    shapes.require(arrays, -1, 2)
    with pytest.raises(CourseError, match="for 2 pictures"):
        shapes.require(arrays, -1, 3)
    with pytest.raises(CourseError, match="pictures = 3"):
        shapes.require(arrays, 3, 2)
    with pytest.raises(CourseError, match="is of type int32"):
        shapes.require({**arrays, "scores": arrays["scores"].astype(WHOLE)}, -1, 2)
    shapes.require(arrays, 2, 2)


# What a network states when it is opened


def stated(boxes, scores, pictures=-1):
    """Check the shapes that a network states; those of its other outputs do not matter."""
    tensors = {
        "features": Tensor((1, 9, 9), WHOLE),
        "boxes": Tensor(boxes, FLOAT),
        "scores": Tensor(scores, FLOAT),
    }
    shapes_of("boxes_scores", ("boxes", "scores")).require_stated(tensors, pictures)


def test_what_a_network_leaves_open_is_not_held_against_it():
    stated((-1, 5, 4), (-1, 5, 3))
    stated((-1, -1, 4), (2, 5, 3), pictures=2)
    stated((2, 5, -1), (-1, -1, -1))
    stated(None, (2, 5, 3))
    stated((2, 5, 4), None, pictures=2)


def test_what_a_network_states_wrongly_is_refused_before_it_runs():
    with pytest.raises(CourseError, match=r"scores, .* \(any, 6, 3\); .* places = 5 .as in boxes"):
        stated((-1, 5, 4), (-1, 6, 3))
    with pytest.raises(CourseError, match="boxes, .* pictures = 3 .the network's batch"):
        stated((2, 5, 4), (2, 5, 3), pictures=3)
    with pytest.raises(CourseError, match=r"boxes, .* \(2, 0, 4\): it never holds a box"):
        stated((2, 0, 4), (2, 0, 3))
    with pytest.raises(CourseError, match=r"scores, .* \(2, 5, 0\): it never holds a box"):
        stated(None, (2, 5, 0))


def test_a_name_that_is_missing_or_used_twice_is_refused():
    shapes = shapes_of("boxes_scores", ("boxes", "scores"))
    box = {"boxes": Tensor((1, 5, 4), FLOAT), "other": Tensor((1, 5, 3), FLOAT)}
    message = (
        r"^m: model.json names the output scores \(output.tensors.scores of the layout "
        r"boxes_scores\); the network's outputs are: boxes, other$"
    )
    with pytest.raises(CourseError, match=message):
        shapes.require_stated(box, 1)
    with pytest.raises(CourseError, match="names the output boxes"):
        shapes.require({"scores": np.zeros((1, 5, 3), FLOAT)}, 1, 1)

    twice = shapes_of("boxes_scores", ("boxes", "scores"), scores="boxes")
    with pytest.raises(
        CourseError, match="gives the output boxes two roles; .* output for scores, or"
    ):
        twice.require_stated(box, 1)
