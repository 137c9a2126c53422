"""Placements: from a picture to the network's input and back."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course.model.placement import Placement, placement
from trt_course.model.spec import InputSpec, ModelSpec


def spec_with(resize, width=300, height=200):
    """A spec of which only the input is there."""
    fields = dict.fromkeys(ModelSpec._fields)
    fields["input"] = InputSpec("x", width, height, "nchw", "BGR", resize=resize)
    return ModelSpec(**fields)


def to_input(placed, boxes):
    """The reverse of `to_image`."""
    scale = np.float32([placed.scale_x, placed.scale_y, placed.scale_x, placed.scale_y])
    shift = np.float32([placed.shift_x, placed.shift_y, placed.shift_x, placed.shift_y])
    return boxes * scale + shift


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["stretch", "letterbox", "crop"])
)
def test_there_and_back(width, height, resize):
    spec = spec_with(resize)
    placed = placement(spec, width, height)
    boxes = np.float32([[0, 0, width, height], [width / 3, height / 4, width / 2, height / 2]])
    inside = to_input(placed, boxes)
    slack = 2e-2 * max(1, 1 / placed.scale_x, 1 / placed.scale_y)
    assert np.allclose(placed.to_image(inside), boxes, rtol=1e-4, atol=slack)

    # The whole picture fills the input where it is cropped, and is inside it otherwise.
    left, _, right, _ = inside[0]
    if resize == "crop":
        pixel = 1 + max(placed.scale_x, placed.scale_y)
        assert left <= pixel
        assert right >= spec.input.width - pixel
    else:
        assert left >= -1e-3
        assert right <= spec.input.width + 1e-3

    # Only stretching changes the shape of things.
    usual = min(width, height) > 50 and max(width / height, height / width) < 8
    if resize != "stretch" and usual:
        assert abs(placed.scale_x / placed.scale_y - 1) < 0.1


def test_placement_is_undone_exactly():
    boxes = np.float32([[10, 20, 30, 50]])
    placed = Placement(scale_x=0.5, scale_y=0.25, shift_x=3, shift_y=4, width=1, height=1)
    assert np.allclose(placed.to_image(boxes), [[14, 64, 54, 184]])
