"""Placements: from a picture to the network's input and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plain_recipe import lies
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement, placement
from trt_course.model.spec import ModelSpec

WAYS = ["stretch", "letterbox", "crop"]


def spec_with(resize, network):
    """A spec of which only the input is there; `network` is width and height."""
    fields = dict.fromkeys(ModelSpec._fields)
    fields["input"] = InputSpec("x", *network, layout="nchw", color="BGR", resize=resize)
    return ModelSpec(**fields)


def to_input(placed, box):
    """Left, top, right and bottom in the network's input, as Placement says it."""
    left, top, right, bottom = box
    return [
        left * placed.scale_x + placed.shift_x,
        top * placed.scale_y + placed.shift_y,
        right * placed.scale_x + placed.shift_x,
        bottom * placed.scale_y + placed.shift_y,
    ]


# A box in a picture, and where it lies in the network's input: reckoned by hand
KNOWN = {
    "stretch": ("stretch", (300, 200), (600, 800), (150, 200, 600, 800), (75, 50, 300, 200)),
    "letterbox, tall": ("letterbox", (300, 200), (100, 200), (0, 0, 100, 200), (100, 0, 200, 200)),
    "letterbox, wide": ("letterbox", (300, 200), (1000, 250), (0, 0, 1000, 250), (0, 62, 300, 137)),
    "letterbox, odd": ("letterbox", (301, 200), (100, 200), (0, 0, 100, 200), (100, 0, 200, 200)),
    "letterbox, larger": ("letterbox", (300, 200), (30, 10), (3, 2, 30, 10), (30, 70, 300, 150)),
    "letterbox, 128.6 rows": ("letterbox", (300, 200), (7, 3), (0, 0, 7, 3), (0, 35, 300, 164)),
    "letterbox, 85.7 columns": ("letterbox", (300, 200), (3, 7), (0, 0, 3, 7), (107, 0, 193, 200)),
    "letterbox, a line": ("letterbox", (300, 200), (2000, 1), (0, 0, 2000, 1), (0, 99, 300, 100)),
    "letterbox, a post": ("letterbox", (300, 200), (1, 2000), (0, 0, 1, 2000), (149, 0, 150, 200)),
    "crop, wide": ("crop", (300, 200), (400, 100), (125, 0, 275, 100), (0, 0, 300, 200)),
    "crop, tall": ("crop", (200, 300), (100, 400), (0, 125, 100, 275), (0, 0, 200, 300)),
    "crop, odd": ("crop", (300, 200), (401, 100), (125, 0, 275, 100), (0, 0, 300, 200)),
    "crop, 66.7 rows": ("crop", (300, 200), (100, 400), (0, 166, 100, 233), (0, 0, 300, 200)),
    "crop, 66.7 columns": ("crop", (200, 300), (400, 100), (166, 0, 233, 100), (0, 0, 200, 300)),
    "crop, a line": ("crop", (100, 300), (3000, 1), (1499, 0, 1500, 1), (0, 0, 100, 300)),
    "crop, a post": ("crop", (300, 100), (1, 3000), (0, 1499, 1, 1500), (0, 0, 300, 100)),
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_box_lies_where_it_should_and_comes_home(name):
    resize, network, picture, box, target = KNOWN[name]
    placed = placement(spec_with(resize, network), *picture)
    assert (placed.width, placed.height) == picture
    assert np.allclose(to_input(placed, box), target, atol=1e-6)
    assert np.allclose(placed.to_image(np.float32([target])), [box], rtol=1e-6, atol=1e-3)


SIDE = st.integers(1, 3000)


@settings(deadline=None, max_examples=150)
@given(st.tuples(SIDE, SIDE), st.tuples(SIDE, SIDE), st.sampled_from(WAYS))
def test_any_picture_lies_where_plain_reckoning_puts_it(network, picture, resize):
    placed = placement(spec_with(resize, network), *picture)
    part, target = lies(resize, network, picture)
    assert np.allclose(to_input(placed, part), target, rtol=0, atol=1e-6)

    # Boxes are of single precision: one part in four million, and more where borders are wide
    largest = max(max(network), abs(placed.shift_x), abs(placed.shift_y))
    slack = 1e-6 * largest / min(placed.scale_x, placed.scale_y) + 1e-3
    assert np.abs(placed.to_image(np.float32([target])) - [part]).max() < slack


def test_each_side_has_its_own_scale_and_shift():
    boxes = np.float32([[10, 20, 30, 50], [3, 4, 4, 4.25]])
    placed = Placement(scale_x=0.5, scale_y=0.25, shift_x=3, shift_y=4, width=1, height=1)
    assert np.allclose(placed.to_image(boxes), [[14, 64, 54, 184], [0, 0, 2, 1]])


def test_one_placement_behind_another_is_one_placement():
    """A picture that the host resizes and the engine prepares: boxes come home in one step."""
    first = Placement(scale_x=2, scale_y=3, shift_x=10, shift_y=20, width=7, height=9)
    second = Placement(scale_x=5, scale_y=7, shift_x=-1, shift_y=-2, width=100, height=200)
    both = Placement(scale_x=10, scale_y=21, shift_x=49, shift_y=138, width=7, height=9)
    assert first.then(second) == both
