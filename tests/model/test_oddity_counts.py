"""How many boxes and rows are called odd, and in which words: a wrong count misleads its reader."""

import numpy as np
import pytest

from model.old_output import old_output
from trt_course.model.candidates import NOTHING_LOST, Losses
from trt_course.model.decode import Decoder
from trt_course.model.input_spec import InputSpec
from trt_course.model.oddities import Oddities, tell
from trt_course.model.placement import Placement
from trt_course.model.spec import ModelSpec, NmsSpec

SIZE = np.float32([200, 100])


def counts_of(boxes, confs, size=SIZE):
    """What is odd about boxes in pixels, without the kinds that do not occur."""
    oddities = Oddities("m", 3)
    boxes = np.float32(boxes).reshape(-1, 4)
    oddities.count_boxes(boxes, np.float32(confs), np.float32(size))
    return {kind: number for kind, number in oddities.counts.items() if number}


@pytest.mark.parametrize(
    "box, conf, odd",
    [
        ([10, 10, 10.25, 50], 0.5, {"no_pixels": 1}),
        ([10, 10, 50, 10.25], 0.5, {"no_pixels": 1}),
        ([10, 10, 10, 10], 0.5, {"no_pixels": 1}),
        ([10, 10, 10.498, 50], 0.5, {"no_pixels": 1}),
        ([10, 10, 10.5, 10.5], 0.5, {}),
        ([0, 0, 200, 100], 1.0, {"whole_picture": 1}),
        ([0, 0, 200, 100], 0.99, {"whole_picture": 1}),
        ([0, 0, 200, 100], 0.985, {}),
        ([2, 1, 198, 99], 1.0, {"whole_picture": 1}),
        ([2, 1, 197, 99], 1.0, {}),
        ([2, 1, 198, 98], 1.0, {}),
        ([10, 10, 50, 50], 1.0, {}),
        ([10, 10, 50, 50], 1.0009, {}),
        ([10, 10, 50, 50], 1.002, {"above_one": 1}),
        ([10, 10, 10, 50], 1.5, {"no_pixels": 1, "above_one": 1}),
    ],
)
def test_what_is_odd_about_one_box(box, conf, odd):
    assert counts_of([box], [conf]) == odd


def test_every_odd_box_is_counted_once():
    boxes = [[0, 0, 200, 100], [5, 5, 5, 5], [0, 0, 200, 100], [7, 7, 9, 7], [9, 9, 30, 9.5]]
    confs = [1.5, 0.9, 1.0, 2.0, 3.0]
    assert counts_of(boxes, confs) == {"whole_picture": 2, "no_pixels": 2, "above_one": 3}
    assert counts_of([], []) == {}
    assert counts_of([[0, 0, 200, 100], [10, 10, 50, 50]], [0.5, 1.0]) == {}

    oddities = Oddities("m", 3)
    for _ in range(3):
        oddities.count_boxes(np.float32(boxes), np.float32(confs), SIZE)
    assert oddities.counts == {"whole_picture": 6, "no_pixels": 6, "above_one": 9}


def test_a_box_fills_its_own_picture_and_not_a_larger_one():
    boxes = [[0, 0, 200, 100], [0, 0, 200, 100]]
    assert counts_of(boxes, [1, 1], [[200, 100], [400, 100]]) == {"whole_picture": 1}


def test_rows_that_were_left_out_add_up_by_their_reason():
    oddities = Oddities("m", 3)
    lost = Losses(no_numbers=1, no_boxes=2, no_classes=4)
    lost = lost.plus(Losses(no_numbers=10, no_boxes=20, no_classes=40))
    assert lost == Losses(no_numbers=11, no_boxes=22, no_classes=44)
    assert lost.total == 77
    assert lost.plus(NOTHING_LOST) == lost
    oddities.count_losses(lost)
    oddities.count_losses(lost)
    assert oddities.counts == {"no_numbers": 22, "no_boxes": 44, "no_classes": 88}


KINDS = ["no_numbers", "no_boxes", "no_classes", "above_one", "no_pixels", "whole_picture"]


def test_each_kind_has_its_sentence_with_its_numbers(capsys):
    oddities = Oddities("signs", 4)
    oddities.counts.update({kind: number for number, kind in enumerate(KINDS, 1)})
    assert oddities.sentences() == [
        "signs: 1 row of the network's output contained NaN or infinity and was left out: the "
        "network's file may be damaged, or its numbers too large for FP16.",
        "signs: 2 rows of the network's output had x2 < x1 or y2 < y1 and were left out: "
        "what output in model.json says of boxes (form, order, columns) may not fit this network.",
        "signs: 3 rows of the network's output had a class beyond the 4 labels in model.json and "
        "were left out: the labels may belong to another network.",
        "signs: 4 boxes had a confidence above 1, which became 1: what output in "
        "model.json says of scores (activation, columns) may not fit this network.",
        "signs: 5 boxes were less than half a pixel wide or high: the units of boxes in "
        "model.json may not fit this network.",
        "signs: 6 boxes filled the whole picture with a confidence of about 1: the units of boxes "
        "or the input's recipe in model.json may not fit this network.",
    ]

    # What two processes counted is told together, and then it is forgotten.
    more = Oddities("signs", 4)
    more.counts["no_numbers"] = 9
    wanted = ["signs: 10 rows " + oddities.sentences()[0].partition("1 row ")[2]]
    wanted = [sentence.replace(" was ", " were ") for sentence in wanted]
    wanted += oddities.sentences()[1:]
    tell([oddities, more])
    assert capsys.readouterr().err.splitlines() == wanted
    assert not oddities.sentences() and not more.sentences()


# In decoding -------------------------------------------------------------------------------------

WHOLE = [0, 0, 1, 1]
HALF = [0, 0, 0.5, 0.5]


def decoder_of(layout, roles, most):
    return Decoder(
        ModelSpec(
            name="m",
            title="m",
            input=InputSpec("input", 64, 32, "nchw", "BGR"),
            output=old_output(layout, {role: role for role in roles}),
            labels=("a", "b"),
            background=None,
            nms=NmsSpec(max_detections=most),
        )
    )


def outputs_of(layout):
    """Two pictures with two boxes each: one is whole, and then one of half the width and height."""
    boxes = np.float32([[WHOLE, HALF], [WHOLE, HALF]])
    if layout == "boxes_scores":
        scores = np.float32([[[1.5, 0], [0, 1.25]], [[1, 0], [0, 0.5]]])
        return {"boxes": boxes, "scores": scores}
    return {
        "boxes": boxes,
        "scores": np.float32([[1.5, 1.25], [1, 0.5]]),
        "classes": np.float32([[0, 1], [0, 1]]),
        "count": np.float32([2, 2]),
    }


@pytest.mark.parametrize("layout", ["efficient_nms", "tf_detection", "boxes_scores"])
def test_only_boxes_that_are_found_are_called_odd(layout):
    """What max_detections leaves out is not, and each box is compared with its own picture."""
    outputs = outputs_of(layout)
    alike = [Placement(1, 1, 0, 0, 64, 32)] * 2
    larger = [alike[0], Placement(1, 1, 0, 0, 128, 32)]

    decoder = decoder_of(layout, outputs, most=100)
    decoder.decode(outputs, alike, 0.1)
    assert +decoder.oddities.counts == {"whole_picture": 2, "above_one": 2}

    decoder = decoder_of(layout, outputs, most=1)
    decoder.decode(outputs, larger, 0.1)
    assert +decoder.oddities.counts == {"whole_picture": 1, "above_one": 1}


def test_what_is_decoded_again_is_not_counted_again():
    """A live picture's outputs may be decoded twice; each odd box in them is one."""
    outputs = outputs_of("boxes_scores")
    decoder = decoder_of("boxes_scores", outputs, most=100)
    placements = [Placement(1, 1, 0, 0, 64, 32)] * 2
    first = decoder.decode(outputs, placements, 0.1)
    before = dict(decoder.oddities.counts)
    assert decoder.decode(outputs, placements, 0.1, count=False) == first
    assert dict(decoder.oddities.counts) == before
