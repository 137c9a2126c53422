"""Preprocessing against the recipe in plain Python, for any picture, network and recipe."""

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import plain_recipe
from conftest import RECORD, write_model
from trt_course import find_model
from trt_course.model.input_spec import InputSpec
from trt_course.model.preprocess import Preprocessor

NETWORK = st.tuples(st.integers(1, 13), st.integers(1, 13))
PICTURE = st.tuples(st.integers(1, 40), st.integers(1, 40))
FACTOR = st.sampled_from([1.0, 0.25, 57.5, 255.0, -2.0])
LEVEL = st.integers(-120, 640).map(lambda halves: halves / 2 + 0.25)  # of borders, some no byte


@st.composite
def entries(draw):
    """An InputSpec of any recipe that a record may have."""
    width, height = draw(NETWORK)
    mean = (0.0, 0.0, 0.0)
    scale = (1.0, 1.0, 1.0)
    dtype = draw(st.sampled_from(["float32", "uint8"]))
    if dtype == "float32":
        mean = draw(st.tuples(*[st.floats(-300, 300)] * 3))
        scale = draw(st.tuples(FACTOR, FACTOR, FACTOR))
    return InputSpec(
        name="input",
        width=width,
        height=height,
        layout=draw(st.sampled_from(["nchw", "nhwc"])),
        color=draw(st.sampled_from(["BGR", "RGB"])),
        dtype=dtype,
        mean=mean,
        scale=scale,
        resize=draw(st.sampled_from(["stretch", "letterbox", "crop"])),
        pad=draw(st.tuples(LEVEL, LEVEL, LEVEL)),
    )


def levels_off(entry, tensor, wanted):
    """How far each value is from the wanted one, in levels of a byte."""
    colours = np.array(entry.scale)
    if entry.layout == "nchw":
        colours = colours.reshape(3, 1, 1)
    return np.abs((tensor - wanted) * colours)


def noise(seed, width, height):
    return np.random.RandomState(seed).randint(0, 256, (height, width, 3)).astype(np.uint8)


@settings(deadline=None, max_examples=60)
@given(entry=entries(), sizes=st.lists(PICTURE, min_size=1, max_size=3), seed=st.integers(0, 9999))
@example(entry=InputSpec("input", 3, 3, "nchw", "BGR", "uint8", pad=(0, 0, 0)), sizes=[], seed=0)
def test_a_batch_of_any_pictures_equals_the_plain_recipe(cells, entry, sizes, seed):
    sizes.append((entry.width, entry.height))  # one that fits as it is
    pictures = [noise(seed, *size) for size in sizes]
    prepare = Preprocessor(find_model(cells)._replace(input=entry))
    batch = np.full((len(sizes) + 1,) + entry.shape, 7, entry.dtype)
    for picture, slot in zip(pictures, batch):
        before = picture.copy()
        placed = prepare(picture, slot)
        assert (picture == before).all()
        assert (placed.width, placed.height) == picture.shape[1::-1]

    for picture, slot in zip(pictures, batch):
        off = levels_off(entry, slot, plain_recipe.tensor(entry, picture))
        assert off.max() < 1.01
    assert (batch[-1] == 7).all()


@settings(deadline=None, max_examples=30)
@given(entry=entries(), size=PICTURE)
def test_borders_have_the_colour_of_the_record_exactly(cells, entry, size):
    entry = entry._replace(resize="letterbox")
    picture = np.full((size[1], size[0], 3), 77, np.uint8)
    tensor = np.zeros(entry.shape, entry.dtype)
    Preprocessor(find_model(cells)._replace(input=entry))(picture, tensor)
    # Of one colour, so no interpolation rounds
    off = levels_off(entry, tensor, plain_recipe.tensor(entry, picture))
    assert off.max() < 1e-2


def test_interpolation_by_hand(cells):
    """Centres of pixels lie at halves: from two pixels to four, and from four to two."""
    entry = InputSpec("input", 4, 1, "nchw", "BGR")
    spec = find_model(cells)._replace(input=entry)
    tensor = np.zeros((3, 1, 4), np.float32)
    Preprocessor(spec)(np.uint8([[[0, 0, 0], [100, 200, 40]]]), tensor)
    assert tensor[:, 0].tolist() == [[0, 25, 75, 100], [0, 50, 150, 200], [0, 10, 30, 40]]

    tensor = np.zeros((3, 1, 2), np.float32)
    narrow = spec._replace(input=entry._replace(width=2))
    Preprocessor(narrow)(np.uint8([[[0] * 3, [100] * 3, [40] * 3, [60] * 3]]), tensor)
    assert tensor[:, 0].tolist() == [[50, 50]] * 3


@pytest.mark.parametrize("color", ["BGR", "RGB"])
def test_borders_vanish_where_a_record_names_none(tmp_path, color):
    """A record without pad has borders of the mean: to the network they are nothing."""
    entry = {**RECORD["input"], "color": color, "resize": "letterbox", "mean": [10, 120, 230]}
    spec = find_model(write_model(tmp_path / "cells", input=entry))
    tensor = np.ones(spec.input.shape, np.float32)
    placed = Preprocessor(spec)(np.full((10, 10, 3), 255, np.uint8), tensor)
    borders = [tensor[:, :, : int(placed.shift_x)], tensor[:, :, -int(placed.shift_x) :]]
    assert placed.shift_x == 16
    for border in borders:
        assert border.shape == (3, 96, 16)
        assert not border.any()
    assert (tensor[:, :, 16:112] > 0).all()


# As a GPU's decoder gives it --------------------------------------------------------------------


@settings(deadline=None, max_examples=25)
@given(half=st.tuples(st.integers(1, 12), st.integers(1, 12)), seed=st.integers(0, 9999))
def test_a_picture_becomes_the_decoder_s_bytes(cells, half, seed):
    """Brightness, then blue and red by turns: as the standard has it, not as the kit reads it."""
    colours = noise(seed, *half)
    picture = colours.repeat(2, axis=0).repeat(2, axis=1)  # a colour for each 2 x 2 pixels
    entry = InputSpec("input", 2 * half[0], 2 * half[1], "nv12", "BGR", "uint8", pad=(0.0,) * 3)
    given_bytes = np.zeros(entry.shape, np.uint8)
    Preprocessor(find_model(cells)._replace(input=entry))(picture, given_bytes)

    wanted = plain_recipe.nv12(picture)
    assert given_bytes.shape == wanted.shape
    assert np.abs(given_bytes.astype(int) - wanted).max() <= 1


def test_the_plain_decoder_s_bytes_are_what_opencv_reads():
    """The reference against a reader that the kit has no part in: pure colours come back."""
    colours = np.uint8([[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0]]])
    picture = colours.repeat(2, axis=0).repeat(2, axis=1)
    back = cv2.cvtColor(plain_recipe.nv12(picture), cv2.COLOR_YUV2BGR_NV12)
    assert np.abs(back.astype(int) - picture).max() <= 3
