"""Drawing at any size: readable, inside the picture, and not on the caller's array unless asked."""

import numpy as np
import pytest

from trt_course import BBoxVisualization
from trt_course.draw import class_color

VIS = BBoxVisualization({0: "background", 1: "vehicle", 2: "prohibitory"})


def canvas(height, width):
    return np.full((height, width, 3), 128, np.uint8)


def is_color(picture, cls):
    """The mask (h, w) of the pixels that have a class's colour."""
    return (picture == class_color(cls)).all(axis=2)


def test_leaves_the_given_array_alone():
    image = canvas(200, 300)
    box = np.float32([[10, 50, 100, 120]])
    drawn = VIS.draw_bboxes(image, box, [0.9], [1])
    assert (image == 128).all()
    assert (drawn != 128).any()

    same = VIS.draw_bboxes(image, box, [0.9], [1], in_place=True)
    assert same is image
    assert (image == drawn).all()


@pytest.mark.parametrize(
    "height, width",
    [(12, 16), (40, 60), (384, 1248), (720, 1280), (2160, 3840), (2000, 300)],
)
def test_label_is_inside_wherever_the_box_is(height, width):
    for box in (
        [0, 0, width, height],
        [width - 3, height - 3, width, height],
        [0, 0, 4, 4],
        [-50, -50, width + 50, 5],
        [width / 2, height - 2, width / 2, height],
    ):
        # The picture is the middle of a larger one.
        image = canvas(height + 2, width + 2)
        inner = image[1:-1, 1:-1]
        VIS.draw_bboxes(inner, np.float32([box]), [0.5], [2], in_place=True)

        label = is_color(inner, 2)
        rows = np.flatnonzero(label.any(axis=1))
        columns = np.flatnonzero(label.any(axis=0))
        assert label.any()
        if width > 150:  # the filled label, in full: text grows with the picture
            assert label.sum(axis=1).max() > 40
            assert columns[0] >= 0
            assert rows[-1] < height


def test_labels_grow_with_the_picture():
    def label_height(height, width):
        x = width / 3
        y = height / 2
        small_box = np.float32([[x, y, x + 4, y + 4]])
        drawn = VIS.draw_bboxes(canvas(height, width), small_box, [0.5], [1])
        drawn_rows = (drawn != 128).any(axis=(1, 2))
        return np.count_nonzero(drawn_rows)

    assert label_height(480, 640) < label_height(1080, 1920) < label_height(2160, 3840)


def test_a_class_keeps_its_colour_and_neighbours_differ():
    colors = [class_color(i) for i in range(91)]
    assert colors == [class_color(i) for i in range(91)]
    assert len(set(colors)) == 91
    for i in range(20):
        for j in range(max(0, i - 3), i):
            difference = np.abs(np.subtract(colors[i], colors[j]))
            assert difference.sum() > 100


def test_nothing_to_draw_and_unknown_class():
    image = canvas(50, 60)
    nothing = VIS.draw_bboxes(image, np.zeros((0, 4)), [], [])
    assert (nothing == image).all()

    unknown = VIS.draw_bboxes(image, [[5, 5, 30, 30]], [0.3], [77])
    assert (unknown != image).any()


def test_grey_picture_gets_coloured_boxes():
    grey = np.full((60, 80), 50, np.uint8)
    drawn = VIS.draw_bboxes(grey, [[5, 20, 60, 50]], [0.9], [1])
    assert drawn.shape == (60, 80, 3)
    assert is_color(drawn, 1).any()


def test_the_surest_box_is_on_top():
    box = [20, 40, 90, 90]
    drawn = VIS.draw_bboxes(canvas(200, 300), [box, box], [0.9, 0.4], [1, 2])
    assert (drawn[90, 60] == class_color(1)).all()


def test_labels_do_not_cover_each_other():
    boxes = np.float32([[50 + 3 * i, 80 + i, 90 + 3 * i, 120 + i] for i in range(6)])
    drawn = VIS.draw_bboxes(canvas(200, 300), boxes, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], [1] * 6)
    alone = VIS.draw_bboxes(canvas(200, 300), boxes[:1], [0.9], [1])

    # The surest box has its label as if it were alone.
    label = is_color(alone[55:79], 1)
    assert is_color(drawn[55:79], 1)[label].all()

    # The others do not all have one.
    assert is_color(drawn, 1).sum() < 5 * is_color(alone, 1).sum()
