"""Drawing at any size: readable, inside the picture, and never on the caller's array unless asked."""

import numpy as np
import pytest

from trt_course import BBoxVisualization
from trt_course.draw import class_color

VIS = BBoxVisualization({0: "background", 1: "vehicle", 2: "prohibitory"})


def canvas(h, w):
    return np.full((h, w, 3), 128, np.uint8)


def test_leaves_the_given_array_alone():
    image = canvas(200, 300)
    drawn = VIS.draw_bboxes(image, np.float32([[10, 50, 100, 120]]), [0.9], [1])
    assert (image == 128).all() and (drawn != 128).any()
    same = VIS.draw_bboxes(image, np.float32([[10, 50, 100, 120]]), [0.9], [1], in_place=True)
    assert same is image and (image == drawn).all()


@pytest.mark.parametrize(
    "h, w", [(12, 16), (40, 60), (384, 1248), (720, 1280), (2160, 3840), (2000, 300)]
)
def test_label_is_inside_wherever_the_box_is(h, w):
    for box in (
        [0, 0, w, h],
        [w - 3, h - 3, w, h],
        [0, 0, 4, 4],
        [-50, -50, w + 50, 5],
        [w / 2, h - 2, w / 2, h],
    ):
        image = canvas(h + 2, w + 2)
        inner = image[1:-1, 1:-1]
        VIS.draw_bboxes(inner, np.float32([box]), [0.5], [2], in_place=True)
        label = (inner == class_color(2)).all(axis=2)
        rows, cols = np.flatnonzero(label.any(axis=1)), np.flatnonzero(label.any(axis=0))
        assert label.any()
        if w > 150:  # the filled label, in full: text grows with the picture
            solid = label.sum(axis=1).max()
            assert solid > 40 and cols[0] >= 0 and rows[-1] < h


def test_labels_grow_with_the_picture():
    def label_height(h, w):
        drawn = VIS.draw_bboxes(
            canvas(h, w), np.float32([[w / 3, h / 2, w / 3 + 4, h / 2 + 4]]), [0.5], [1]
        )
        return len(np.flatnonzero((drawn != 128).any(axis=(1, 2))))

    assert label_height(480, 640) < label_height(1080, 1920) < label_height(2160, 3840)


def test_a_class_keeps_its_colour_and_neighbours_differ():
    colors = [class_color(i) for i in range(91)]
    assert colors == [class_color(i) for i in range(91)] and len(set(colors)) == 91
    for i in range(20):
        for j in range(max(0, i - 3), i):
            assert np.abs(np.subtract(colors[i], colors[j])).sum() > 100


def test_nothing_to_draw_and_unknown_class():
    image = canvas(50, 60)
    assert (VIS.draw_bboxes(image, np.zeros((0, 4)), [], []) == image).all()
    assert (VIS.draw_bboxes(image, [[5, 5, 30, 30]], [0.3], [77]) != image).any()


def test_grey_picture_gets_coloured_boxes():
    drawn = VIS.draw_bboxes(np.full((60, 80), 50, np.uint8), [[5, 20, 60, 50]], [0.9], [1])
    assert drawn.shape == (60, 80, 3) and (drawn == class_color(1)).all(axis=2).any()


def test_the_surest_box_is_on_top():
    box = [[20, 40, 90, 90]]
    drawn = VIS.draw_bboxes(canvas(200, 300), box + box, [0.9, 0.4], [1, 2])
    assert (drawn[90, 60] == class_color(1)).all()


def test_labels_do_not_cover_each_other():
    boxes = np.float32([[50 + 3 * i, 80 + i, 90 + 3 * i, 120 + i] for i in range(6)])
    drawn = VIS.draw_bboxes(canvas(200, 300), boxes, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1] * 6)
    alone = VIS.draw_bboxes(canvas(200, 300), boxes[:1], [0.9], [1])
    label = (alone[55:79] == class_color(1)).all(axis=2)
    assert (drawn[55:79][label] == class_color(1)).all()
    filled = (drawn == class_color(1)).all(axis=2).sum()
    assert filled < 5 * (alone == class_color(1)).all(axis=2).sum()
