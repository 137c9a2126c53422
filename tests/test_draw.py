"""Drawing at any size: each pixel as it must be, and not on the caller's array unless asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slow_drawing import GREY, Row, Slow
from trt_course import BBoxVisualization, CourseError, Detections
from trt_course.draw import class_color

NAMES = {0: "background", 1: "vehicle", 2: "it's"}
VIS = BBoxVisualization(NAMES)


def canvas(height, width):
    return np.full((height, width, 3), GREY, np.uint8)


def is_color(picture, cls):
    """The mask (h, w) of the pixels that have a class's colour."""
    return (picture == class_color(cls)).all(axis=2)


def draw_rows(rows, height, width, vis=VIS):
    """A grey picture with these rows drawn on it."""
    boxes = [row.box for row in rows]
    confs = [row.conf for row in rows]
    clss = [row.cls for row in rows]
    return vis.draw_bboxes(canvas(height, width), boxes, confs, clss)


# Each pixel against the slow drawing --------------------------------------------------------------


def sides(first, second):
    """Four numbers, in any order, as the sides of a box."""
    left, right = sorted(first)
    top, bottom = sorted(second)
    return [left, top, right, bottom]


def boxes_in(width, height):
    """Boxes of all kinds for a picture of this size."""
    halves = st.integers(-60, 460).map(lambda number: number / 2)
    across = st.floats(-0.2 * width, 1.2 * width)
    down = st.floats(-0.2 * height, 1.2 * height)
    fractions = st.builds(sides, st.tuples(across, across), st.tuples(down, down))
    on_halves = st.builds(sides, st.tuples(halves, halves), st.tuples(halves, halves))
    tiny = st.builds(
        lambda x, y, wide, high: [x, y, x + wide / 2, y + high / 2],
        *(halves, halves, st.integers(0, 6), st.integers(0, 6)),
    )
    whole = st.just([0.0, 0.0, float(width), float(height)])
    return st.one_of(fractions, on_halves, tiny, whole)


@st.composite
def cases(draw):
    """Sizes from one pixel to what has room for a label on a large box, and up to six boxes."""
    width = draw(st.sampled_from([1, 60, 110, 180]))
    height = draw(st.sampled_from([1, 40, 90, 140]))
    row = st.builds(
        Row,
        box=boxes_in(width, height),
        conf=st.sampled_from([0.0, 0.5, 0.995, 1.0]),
        cls=st.sampled_from([0, 1, 2, 77]),
    )
    return width, height, draw(st.lists(row, max_size=6))


@settings(deadline=None, max_examples=60)
@given(cases())
def test_each_pixel_is_as_the_slow_drawing_says(case):
    width, height, rows = case
    slow = Slow(width, height)
    slow.draw(rows, NAMES)
    assert slow.wrong_pixels(draw_rows(rows, height, width)) == []


# The last pixel of a picture of 100 x 80 is 99, 79; a box is outside if it has no part of a pixel.
EDGES = {
    "right of it": ([100, 20, 120, 40], False),
    "at its right edge": ([99.9, 20, 120, 40], True),
    "below it": ([20, 80, 40, 90], False),
    "at its lower edge": ([20, 79.9, 40, 90], True),
    "left of it": ([-20, 20, -0.1, 40], False),
    "at its left edge": ([-20, 20, 0, 40], True),
    "above it": ([20, -20, 40, -0.1], False),
    "at its upper edge": ([20, -20, 40, 0], True),
}


@pytest.mark.parametrize("place", EDGES)
def test_a_box_is_drawn_if_the_picture_has_a_part_of_it(place):
    box, is_drawn = EDGES[place]
    rows = [Row(box, 0.5, 1)]
    drawn = draw_rows(rows, 80, 100)
    assert is_color(drawn, 1).any() == is_drawn
    slow = Slow(100, 80)
    slow.draw(rows, NAMES)
    assert slow.wrong_pixels(drawn) == []


@pytest.mark.parametrize("cls", range(20))
def test_each_class_has_an_ink_that_can_be_read_on_its_colour(cls):
    rows = [Row([20.0, 30, 90, 60], 0.5, cls)]
    slow = Slow(140, 90)
    slow.draw(rows, {})
    assert slow.wrong_pixels(draw_rows(rows, 90, 140, BBoxVisualization({}))) == []


# Colours ------------------------------------------------------------------------------------------


def test_the_colours_of_classes_stay_what_they_are():
    """The figures of the lessons are drawn in them, and a class is known by its colour."""
    colors = [class_color(cls) for cls in range(5)]
    assert colors == [
        (38, 255, 42),
        (105, 38, 255),
        (255, 169, 38),
        (38, 255, 232),
        (255, 38, 214),
    ]
    assert class_color(-1) != class_color(1)


def test_no_two_of_91_classes_have_one_colour_and_neighbours_differ():
    colors = [class_color(cls) for cls in range(91)]
    assert len(set(colors)) == 91
    for i in range(20):
        for j in range(max(0, i - 3), i):
            difference = np.abs(np.subtract(colors[i], colors[j]))
            assert difference.sum() > 100


# Lines --------------------------------------------------------------------------------------------

# A line of OpenCV's thickness 2 has 3 pixels, of 3 and 4 it has 5, of 5 and 6 it has 7.
LINES = [
    (300, 300, 15, 1),
    (300, 300, 16, 3),
    (300, 300, 190, 3),
    (874, 874, 190, 3),  # 874 / 350 = 2.497
    (1000, 752, 190, 5),  # 2.503: nearer to 3 than to 2
    (752, 1000, 190, 5),
    (1400, 1400, 31, 3),
    (1400, 1400, 32, 5),
    (1400, 1400, 190, 5),
    (1800, 1800, 63, 5),
    (1800, 1800, 64, 7),
]


@pytest.mark.parametrize("width, height, side, pixels", LINES)
def test_lines_grow_with_the_picture_and_fill_no_small_box(width, height, side, pixels):
    half = pixels // 2
    line = set(range(-half, half + 1))
    for wide, high in ((side, 180), (180, side)):
        box = [100, 100, 100 + wide, 100 + high]
        drawn = draw_rows([Row(box, 0.5, 1)], height, width, BBoxVisualization({1: "a"}))

        # Across the two upright lines, and below the label across the lower one.
        across = is_color(drawn[100 + high // 2, 80:300][None], 1)[0]
        upright = {x - 20 for x in np.flatnonzero(across).tolist()}
        assert upright == line | {wide + x for x in line}
        down = is_color(drawn[100 + high // 2 :, 100 + wide // 2][None], 1)[0]
        lower = {y - (high - high // 2) for y in np.flatnonzero(down).tolist()}
        assert lower == line


# The array ----------------------------------------------------------------------------------------

BOX = [10, 50, 100, 120]


def test_leaves_the_given_array_alone():
    image = canvas(200, 300)
    drawn = VIS.draw_bboxes(image, np.float32([BOX]), [0.9], [1])
    assert (image == GREY).all()
    assert tuple(drawn[120, 55].tolist()) == class_color(1)

    same = VIS.draw_bboxes(image, np.float32([BOX]), [0.9], [1], in_place=True)
    assert same is image
    assert (image == drawn).all()


def test_with_nothing_to_draw_the_picture_is_a_copy_too():
    """Else a caller who writes on what was returned writes on the original."""
    image = canvas(50, 60)
    for boxes in (np.zeros((0, 4)), []):
        nothing = VIS.draw_bboxes(image, boxes, [], [])
        assert (nothing == image).all()
        assert not np.shares_memory(nothing, image)
        assert VIS.draw_bboxes(image, boxes, [], [], in_place=True) is image


def test_detections_are_drawn_as_their_arrays_are():
    image = canvas(200, 300)
    found = Detections([BOX, [150, 50, 180, 190]], [0.4, 0.9], [1, 2])
    drawn = VIS.annotate(image, found)
    assert (drawn == VIS.draw_bboxes(image, found.boxes, found.confs, found.clss)).all()
    assert (image == GREY).all()
    assert tuple(drawn[190, 165].tolist()) == class_color(2)


@pytest.mark.parametrize("shape", [(200, 300), (200, 300, 1), (200, 300, 4)])
def test_grey_and_transparent_pictures_get_the_same_boxes(shape):
    image = np.full(shape, GREY[0], np.uint8)
    drawn = VIS.draw_bboxes(image, [BOX], [0.9], [1], in_place=True)
    assert (drawn == VIS.draw_bboxes(canvas(200, 300), [BOX], [0.9], [1])).all()
    assert (image == GREY[0]).all()


@pytest.mark.parametrize("height, width", [(12, 16), (40, 60), (240, 320), (2000, 300)])
def test_nothing_is_drawn_beside_the_picture(height, width):
    """It may be a part of a larger one, such as a tile."""
    for box in (
        [0, 0, width, height],
        [width - 3, height - 3, width, height],
        [0, 0, 4, 4],
        [-50, -50, width + 50, 5],
        [width / 2, height - 2, width / 2, height],
    ):
        image = canvas(height + 20, width + 20)
        inner = image[10:-10, 10:-10]
        alone = VIS.draw_bboxes(inner, np.float32([box]), [0.5], [2])
        VIS.draw_bboxes(inner, np.float32([box]), [0.5], [2], in_place=True)
        assert is_color(inner, 2).any()
        assert (inner == alone).all()
        inner[:] = GREY
        assert (image == GREY).all()


# Order, and what is refused -----------------------------------------------------------------------


def test_the_surest_box_is_on_top_and_of_equal_ones_the_first():
    box = [20, 40, 90, 90]
    drawn = draw_rows([Row(box, 0.9, 1), Row(box, 0.4, 2)], 200, 300)
    assert tuple(drawn[90, 60].tolist()) == class_color(1)
    drawn = draw_rows([Row(box, 0.4, 1), Row(box, 0.9, 2)], 200, 300)
    assert tuple(drawn[90, 60].tolist()) == class_color(2)
    drawn = draw_rows([Row(box, 0.9, cls) for cls in range(99)], 200, 300)
    assert tuple(drawn[90, 60].tolist()) == class_color(0)


def test_a_box_the_wrong_way_round_is_not_filled():
    """A broken network gives such boxes; OpenCV takes a line of less than no width for a fill."""
    drawn = draw_rows([Row([90.0, 120, 20, 40], 0.9, 1)], 200, 300)
    assert tuple(drawn[40, 55].tolist()) == class_color(1)
    assert (drawn[42:119, 22:89] == GREY).all()


def test_a_single_box_needs_no_second_brackets():
    drawn = VIS.draw_bboxes(canvas(200, 300), BOX, [0.9], [1])
    assert (drawn == draw_rows([Row(BOX, 0.9, 1)], 200, 300)).all()


def test_a_refusal_says_what_came_and_what_is_wanted():
    wanted = (
        r"boxes of shape \(2, 4\), confidences of \(1,\) and classes of \(2,\); "
        r"wanted: \(n, 4\), \(n,\) and \(n,\)"
    )
    with pytest.raises(CourseError, match=wanted):
        VIS.draw_bboxes(canvas(50, 50), [BOX, BOX], [0.5], [1, 1])
