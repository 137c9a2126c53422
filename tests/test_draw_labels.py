"""Where labels lie, and how large their letters are: in numbers, in pictures of any size."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slow_drawing import corners_of
from trt_course.draw_labels import FONT, LabelPlaces

TEXT = "vehicle 0.50"


def place_all(boxes, width, height, text=TEXT):
    """The label, or None, of each box, the first box choosing first."""
    places = LabelPlaces(np.array(boxes), width, height)
    return [places.place(text, box) for box in boxes]


def plate_of(label):
    return (*label.left_top, *label.right_bottom)


def size_of(label):
    left, top, right, bottom = plate_of(label)
    return right - left + 1, bottom - top + 1


def usual_size(width, height, text=TEXT):
    """Of the plate of a box that is not small, in a picture of this size."""
    box = [width // 4, height // 4, width * 3 // 4, height * 3 // 4]
    return size_of(*place_all([box], width, height, text))


# By hand ------------------------------------------------------------------------------------------

# The boxes of a picture of 200 x 100, and where the first one's label lies: `wide` and `high` are
# its size, some 70 x 14. No box is a large one but where it fills the picture.
BESIDE = {
    "above": ([[60, 40, 150, 60]], lambda wide, high: (60, 40 - high)),
    "above, just inside": ([[60, 14, 150, 60]], lambda wide, high: (60, 14 - high)),
    "below, with no room above": ([[60, 3, 150, 20]], lambda wide, high: (60, 21)),
    "not beyond the right edge": ([[180, 40, 199, 60]], lambda wide, high: (200 - wide, 40 - high)),
    "above, to the right": (
        [[60, 70, 170, 95], [50, 50, 80, 65]],
        lambda wide, high: (171 - wide, 70 - high),
    ),
    "below, to the right": (
        [[60, 3, 170, 60], [50, 65, 80, 70]],
        lambda wide, high: (171 - wide, 61),
    ),
    "behind": ([[5, 0, 100, 99]], lambda wide, high: (101, 0)),
    "before": ([[100, 0, 195, 99]], lambda wide, high: (100 - wide, 0)),
    "behind, at the foot": (
        [[5, 0, 100, 99], [150, 0, 199, 50]],
        lambda wide, high: (101, 100 - high),
    ),
    "before, at the foot": (
        [[100, 0, 195, 99], [0, 0, 50, 50]],
        lambda wide, high: (100 - wide, 100 - high),
    ),
    "inside a large one": ([[0, 0, 199, 99]], lambda wide, high: (0, 0)),
    "nowhere": ([[0, 0, 199, 49], [0, 50, 199, 99]], None),
    "nowhere, with a small box in the large one's corner": (
        [[0, 0, 199, 99], [10, 5, 30, 10]],
        None,
    ),
}


@pytest.mark.parametrize("name", BESIDE)
def test_a_label_lies_where_it_hides_least(name):
    boxes, wanted = BESIDE[name]
    label, *_ = place_all(boxes, 200, 100)
    if wanted is None:
        assert label is None
    else:
        assert label.left_top == wanted(*size_of(label))


@pytest.mark.parametrize("width, height, cell", [(200, 120, 1), (1280, 720, 2), (3840, 2160, 6)])
def test_a_label_keeps_off_other_boxes_to_the_cell(width, height, cell):
    """In small pictures that is a pixel. What only touches a label's place leaves it free."""
    for shift in range(cell):
        left = width // 4 + shift
        bottom = height // 2 + shift  # of the label, which stands on the box
        box = [left, bottom + 1, left + width // 3, bottom + height // 3]
        (alone,) = place_all([box], width, height)
        wide, high = size_of(alone)
        top = bottom + 1 - high
        right = left + wide - 1
        assert plate_of(alone) == (left, top, right, bottom)

        far = 4 * cell
        above = [left, top - far, right, top - 1]
        before = [left - far, top, left - 1, bottom]
        behind = [right + 1, top, right + far, bottom]
        label, *_ = place_all([box, above, before, behind], width, height)
        assert label == alone

        # Another box may not hide under it, be it as small as a pixel.
        above[3] += cell
        before[2] += cell
        behind[0] -= cell
        middle = [left + wide // 2, top + high // 2, left + wide // 2, top + high // 2]
        for other in (above, before, behind, middle):
            label, _ = place_all([box, other], width, height)
            assert label.left_top != alone.left_top


def test_a_box_is_large_from_twenty_labels_on():
    """Only a large box may have a label in it; a small one would be hidden."""
    wide, high = usual_size(300, 300)
    (label,) = place_all([[0, 0, wide - 1, 20 * high - 1]], wide, 20 * high)
    assert plate_of(label) == (0, 0, wide - 1, high - 1)
    assert place_all([[0, 0, wide - 1, 20 * high - 2]], wide, 20 * high) == [None]


def test_a_free_place_is_better_than_one_on_a_large_box():
    small = [150, 130, 250, 170]
    large = [0, 0, 399, 150]
    label, _ = place_all([small, large], 400, 300)
    assert label.left_top == (150, 171)

    # Where no other is left, the first of those on the large box is taken.
    beside = [[0, 151, 149, 299], [150, 171, 399, 299], [251, 151, 399, 170]]
    label, *_ = place_all([small, large, *beside], 400, 300)
    assert label.left_top == (150, 130 - size_of(label)[1])


def test_two_labels_on_one_large_box_lie_apart():
    whole = [0, 0, 199, 99]
    lower = [0, 50, 199, 99]
    first, second, third = place_all([whole, lower, whole], 200, 100)
    assert first.left_top == (0, 0)
    assert second is None or second.left_top[1] >= size_of(first)[1]
    assert third is None

    # Nor may one lie over the lower part of another, or over the right one.
    boxes = [[0, 0, 239, 119], [0, 5, 239, 119]]
    assert place_all(boxes, 240, 120)[1] is None
    first, second = place_all([[0, 0, 239, 119], [20, 0, 239, 119]], 240, 120)
    assert first.left_top == (0, 0)
    assert second is None or second.left_top[0] > first.right_bottom[0]


# Letters ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "width, height, scale, thickness",
    [
        (300, 300, 0.35, 1),
        (520, 520, 0.35, 1),
        (900, 600, 0.5, 1),
        (600, 900, 0.5, 1),
        (1500, 1500, 1.0, 2),
        (4000, 2000, 2.0, 3),
    ],
)
def test_letters_grow_with_the_picture(width, height, scale, thickness):
    box = [width // 4, height // 4, width * 3 // 4, height * 3 // 4]
    (label,) = place_all([box], width, height)
    assert label.scale == pytest.approx(scale)
    assert label.thickness == thickness
    assert label.text == TEXT


def test_a_small_box_has_smaller_letters_but_none_too_small_to_read():
    _, high = usual_size(1500, 1500)
    for wide, tall in ((3 * high, 600), (600, 3 * high)):
        (label,) = place_all([[500, 500, 500 + wide, 500 + tall]], 1500, 1500)
        assert label.scale == 1.0
    for wide, tall in ((3 * high - 1, 600), (600, 3 * high - 1)):
        (label,) = place_all([[500, 500, 500 + wide, 500 + tall]], 1500, 1500)
        assert label.scale == pytest.approx(0.7)
    (label,) = place_all([[300, 300, 310, 310]], 600, 600)  # a scale of 0.4 for large boxes
    assert label.scale == 0.35


def test_a_text_wider_than_the_picture_has_smaller_letters_or_is_left_out():
    wide, _ = usual_size(3000, 3000)
    (label,) = place_all([[10, 2000, 100, 2100]], wide, 6000 - wide)
    assert size_of(label)[0] <= wide

    text = "x" * 20
    wide, _ = usual_size(2000, 2000, text)
    narrow = wide * 3 // 4
    (label,) = place_all([[10, 2000, narrow - 10, 3000]], narrow, 4000 - narrow, text)
    assert 0.6 * 4 / 3 < label.scale < 1.01
    assert narrow * 0.95 < size_of(label)[0] <= narrow

    assert place_all([[0, 50, 30, 90]], 31, 200) == [None]


@pytest.mark.parametrize("side", [300, 900, 1500, 3000])
def test_the_letters_stand_inside_their_plate(side):
    (label,) = place_all(
        [[side // 3, side // 3, side * 2 // 3, side * 2 // 3]], side, side, "gjÄ|_"
    )
    left, top, right, bottom = plate_of(label)
    page = np.zeros((side, side), np.uint8)
    cv2.putText(page, label.text, label.start, FONT, label.scale, 255, label.thickness, cv2.LINE_AA)
    rows = np.flatnonzero(page.any(axis=1))
    columns = np.flatnonzero(page.any(axis=0))
    assert top <= rows[0] <= rows[-1] <= bottom
    assert left < columns[0] <= columns[-1] < right
    assert rows[-1] - rows[0] > 0.6 * (bottom - top)


# In large pictures, whose map is coarse -----------------------------------------------------------


def depth(plate, box):
    """By how many pixels a plate would have to move to leave a box; not above 0: it is off it."""
    left, top, right, bottom = plate
    box_left, box_top, box_right, box_bottom = box
    return min(
        right + 1 - box_left,
        box_right + 1 - left,
        bottom + 1 - box_top,
        box_bottom + 1 - top,
    )


@st.composite
def crowds(draw):
    """A picture as cameras give it, and small boxes close together in it."""
    width, height = draw(
        st.sampled_from([(500, 400), (1280, 720), (1300, 400), (3840, 2160), (2000, 3000)])
    )
    x = draw(st.integers(0, width - 300))
    y = draw(st.integers(0, height - 200))
    boxes = []
    for _ in range(draw(st.integers(1, 8))):
        left = x + draw(st.integers(0, 250))
        top = y + draw(st.integers(0, 150))
        right = left + draw(st.integers(0, 49))
        bottom = top + draw(st.integers(0, 49))
        boxes.append([left, top, right, bottom])
    return width, height, boxes


@settings(deadline=None, max_examples=100)
@given(crowds())
def test_labels_hide_no_small_box_and_no_other_label(crowd):
    """But for the part of a cell of the map, and each has the first place that is free."""
    width, height, boxes = crowd
    cell = max(1, round(width / 640))
    labels = place_all(boxes, width, height)
    plates = []
    for box, label in zip(boxes, labels):
        before = [*boxes, *plates]
        if label is None:
            continue
        plate = plate_of(label)
        assert 0 <= plate[0] <= plate[2] < width
        assert 0 <= plate[1] <= plate[3] < height
        assert all(depth(plate, other) < cell for other in before)
        plates.append(plate)

        # Better places are outside of the picture, or taken.
        wide, high = size_of(label)
        candidates = corners_of(wide, high, box, width)
        for left, top in candidates[: candidates.index(label.left_top)]:
            better = (left, top, left + wide - 1, top + high - 1)
            is_inside = left >= 0 and top >= 0 and better[2] < width and better[3] < height
            assert not is_inside or max(depth(better, other) for other in before) > -cell
