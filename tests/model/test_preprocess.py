"""Every recipe of the model families against plain arithmetic, and pictures that are refused."""

import tracemalloc
from typing import NamedTuple, Tuple

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError, find_model
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement
from trt_course.model.preprocess import Preprocessor, as_bgr


class Recipe(NamedTuple):
    """How a family of models wants its pixels."""

    color: str
    layout: str
    dtype: str
    mean: Tuple[float, ...]
    scale: Tuple[float, ...]


IMAGENET_MEAN = (0.48235, 0.45882, 0.40784)
RECIPES = {
    "tlt": Recipe("BGR", "nchw", "float32", (103.939, 116.779, 123.68), (1, 1, 1)),
    "tf": Recipe("RGB", "nhwc", "float32", (127.5,) * 3, (127.5,) * 3),
    "tf_uint8": Recipe("RGB", "nhwc", "uint8", (0, 0, 0), (1, 1, 1)),
    "pytorch_ssd": Recipe("RGB", "nchw", "float32", (127,) * 3, (128,) * 3),
    "torchvision_ssd300": Recipe(
        "RGB", "nchw", "float32", tuple(255 * mean for mean in IMAGENET_MEAN), (1, 1, 1)
    ),
    "torchvision_ssdlite": Recipe("RGB", "nchw", "float32", (127.5,) * 3, (127.5,) * 3),
    "nvidia_ssd300": Recipe("RGB", "nchw", "float32", (128,) * 3, (128,) * 3),
    "nchw_uint8": Recipe("BGR", "nchw", "uint8", (0, 0, 0), (1, 1, 1)),
}


def make_spec(cells, width=40, height=24, resize="stretch", recipe="tlt", pad=None):
    wanted = RECIPES[recipe]
    if pad is None:
        pad = wanted.mean
    return find_model(cells)._replace(
        input=InputSpec(
            name="input",
            width=width,
            height=height,
            layout=wanted.layout,
            color=wanted.color,
            dtype=wanted.dtype,
            mean=tuple(float(value) for value in wanted.mean),
            scale=tuple(float(value) for value in wanted.scale),
            resize=resize,
            pad=pad,
        )
    )


def plain(spec, resized):
    """The recipe as one would write it on paper."""
    pixels = resized.astype(np.float64)
    if spec.input.color == "RGB":
        pixels = pixels[:, :, ::-1]
    pixels = (pixels - spec.input.mean) / spec.input.scale
    if spec.input.layout == "nchw":
        pixels = pixels.transpose(2, 0, 1)
    return pixels


def noise(rng, height, width):
    return rng.randint(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [(24, 40), (48, 80), (33, 71)])
def test_recipe(cells, recipe, size):
    spec = make_spec(cells, recipe=recipe)
    image = noise(np.random.RandomState(0), *size)
    before = image.copy()

    out = np.full(spec.input.shape, 7, spec.input.dtype)
    Preprocessor(spec)(image, out)
    wanted = plain(spec, cv2.resize(image, (40, 24)))
    assert out.dtype == spec.input.dtype
    assert np.abs(out - wanted).max() < 1e-4
    assert (image == before).all()


def test_each_picture_fills_its_own_slot(cells):
    spec = make_spec(cells)
    rng = np.random.RandomState(1)
    images = [noise(rng, 24, 40), noise(rng, 50, 60), noise(rng, 10, 90)]

    prepare = Preprocessor(spec)
    out = np.zeros((4,) + spec.input.shape, np.float32)
    placements = [prepare(image, slot) for image, slot in zip(images, out)]

    for image, slot, placed in zip(images, out, placements):
        alone = np.zeros(spec.input.shape, np.float32)
        assert Preprocessor(spec)(image, alone) == placed
        assert (alone == slot).all()
    assert not out[3].any()


def test_what_fits_as_it_is_is_copied(cells):
    spec = make_spec(cells, recipe="tf_uint8")
    spec = spec._replace(input=spec.input._replace(color="BGR"))
    wide = noise(np.random.RandomState(2), 24, 60)
    wide[0, :, 0] = [0, 1, 254, 255] * 15

    for image in (wide[:, 10:50].copy(), wide[:, 10:50], wide[::-1, 49:9:-1]):
        out = np.full((2,) + spec.input.shape, 77, np.uint8)
        assert Preprocessor(spec)(image, out[1]) == (1, 1, 0, 0, 40, 24)
        assert np.array_equal(out[1], image)
        assert (out[0] == 77).all()


def test_letterbox_pads(cells):
    image = np.full((30, 30, 3), 200, np.uint8)
    spec = make_spec(cells, resize="letterbox", recipe="nchw_uint8", pad=(1, 2, 3))
    out = np.zeros((3, 24, 40), np.uint8)
    Preprocessor(spec)(image, out)
    assert (out[:, :, 8:32] == 200).all()
    assert (out[1, :, :8] == 2).all()
    assert (out[2, :, 32:] == 3).all()


def test_crop_cuts(cells):
    image = np.full((30, 30, 3), 200, np.uint8)
    image[:6] = 9
    image[24:] = 9
    out = np.zeros((3, 24, 40), np.uint8)
    Preprocessor(make_spec(cells, resize="crop", recipe="nchw_uint8"))(image, out)
    assert (out == 200).all()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(["stretch", "letterbox", "crop"]))
def test_any_size_fills_the_buffer(cells, width, height, resize):
    spec = make_spec(cells, 300, 200, resize, pad=(0, 0, 0))
    spec = spec._replace(input=spec.input._replace(mean=(0.0, 0.0, 0.0)))
    out = np.full((3, 200, 300), np.nan, np.float32)
    Preprocessor(spec)(np.full((height, width, 3), 5, np.uint8), out)
    assert np.isfinite(out).all()
    assert (out == 5).any()


@pytest.mark.parametrize("resize", ["stretch", "letterbox", "crop"])
def test_a_mark_lands_where_the_placement_says(cells, resize):
    spec = make_spec(cells, 160, 96, resize, "nchw_uint8")
    image = np.zeros((300, 400, 3), np.uint8)
    image[120:150, 160:220] = 255
    out = np.zeros((3, 96, 160), np.uint8)
    placed = Preprocessor(spec)(image, out)

    rows, columns = np.nonzero(out[0] > 127)
    seen = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    scale = [placed.scale_x, placed.scale_y, placed.scale_x, placed.scale_y]
    shift = [placed.shift_x, placed.shift_y, placed.shift_x, placed.shift_y]
    wanted = np.multiply([160, 120, 220, 150], scale) + shift
    assert np.abs(seen - wanted).max() <= 1


def test_boxes_come_home_through_an_engine_that_prepares_pictures(cells):
    """The host fits a picture to the engine's size, the engine to the network's: one way back."""
    spec = make_spec(cells, 40, 24, recipe="tf_uint8")
    inner = Placement(scale_x=0.5, scale_y=0.25, shift_x=3, shift_y=4, width=40, height=24)
    out = np.zeros(spec.input.shape, np.uint8)
    placed = Preprocessor(spec, inner)(np.zeros((48, 20, 3), np.uint8), out)
    assert placed == Placement(
        scale_x=1.0, scale_y=0.125, shift_x=3, shift_y=4, width=20, height=48
    )


@pytest.mark.parametrize(
    "out", [np.zeros((3, 24, 40)), np.zeros((3, 40, 24), np.float32), np.zeros((24, 40), np.uint8)]
)
def test_wrong_buffer(cells, out):
    spec = make_spec(cells)
    with pytest.raises(CourseError, match=r"wants float32 \(3, 24, 40\)"):
        Preprocessor(spec)(np.zeros((9, 9, 3), np.uint8), out)


def test_no_large_memory_a_frame(cells):
    spec = make_spec(cells, 640, 480)
    prepare = Preprocessor(spec)
    image = np.zeros((720, 1280, 3), np.uint8)
    out = np.zeros(spec.input.shape, np.float32)
    prepare(image, out)

    tracemalloc.start()
    for _ in range(3):
        prepare(image, out)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    "image, message",
    [
        (None, "cv2.imread returns None"),
        ([[1]], "is a list; wanted: a numpy array"),
        (np.zeros((0, 4, 3), np.uint8), "is empty"),
        (np.zeros((4, 4, 3), np.uint16), "uint16; wanted: uint8"),
        (np.zeros((4, 4, 3)), "float64; wanted: uint8"),
        (np.zeros((4, 4, 2), np.uint8), "wanted: .height, width, 3."),
        (np.zeros((2, 4, 4, 3), np.uint8), "detect_batch takes a list"),
    ],
)
def test_refused_pictures(image, message):
    with pytest.raises(CourseError, match=message):
        as_bgr(image)


def test_grey_and_alpha_are_converted():
    grey = np.full((4, 5), 80, np.uint8)
    assert as_bgr(grey).shape == (4, 5, 3)
    assert (as_bgr(grey) == 80).all()
    assert as_bgr(grey[:, :, None]).shape == (4, 5, 3)

    alpha = np.dstack([grey, grey + 1, grey + 2, grey * 0])
    assert (as_bgr(alpha)[0, 0] == (80, 81, 82)).all()

    colour = np.zeros((4, 5, 3), np.uint8)
    assert as_bgr(colour) is colour
