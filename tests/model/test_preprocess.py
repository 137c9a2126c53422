"""Every recipe of the model families against plain arithmetic; placements there and back."""

import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.model.placement import placement
from trt_course.model.preprocess import Preprocessor, as_bgr
from trt_course.model.spec import InputSpec, ModelSpec, find_model

# family: colour, layout, type, mean, scale
RECIPES = {
    "tlt": ("BGR", "nchw", "float32", (103.939, 116.779, 123.68), (1, 1, 1)),
    "tf": ("RGB", "nhwc", "float32", (127.5,) * 3, (127.5,) * 3),
    "tf_uint8": ("RGB", "nhwc", "uint8", (0, 0, 0), (1, 1, 1)),
    "pytorch_ssd": ("RGB", "nchw", "float32", (127,) * 3, (128,) * 3),
    "torchvision_ssd300": (
        "RGB",
        "nchw",
        "float32",
        tuple(255 * m for m in (0.48235, 0.45882, 0.40784)),
        (1, 1, 1),
    ),
    "torchvision_ssdlite": ("RGB", "nchw", "float32", (127.5,) * 3, (127.5,) * 3),
    "nvidia_ssd300": ("RGB", "nchw", "float32", (128,) * 3, (128,) * 3),
    "nchw_uint8": ("BGR", "nchw", "uint8", (0, 0, 0), (1, 1, 1)),
}


def make_spec(cells, width=40, height=24, resize="stretch", recipe="tlt", pad=None):
    color, layout, dtype, mean, scale = RECIPES[recipe]
    return find_model(cells)._replace(
        input=InputSpec(
            "input",
            width,
            height,
            layout,
            color,
            dtype,
            tuple(map(float, mean)),
            tuple(map(float, scale)),
            resize,
            mean if pad is None else pad,
        )
    )


def plain(spec, resized):
    """The recipe as one would write it on paper."""
    pixels = resized.astype(np.float64)
    pixels = pixels[:, :, ::-1] if spec.input.color == "RGB" else pixels
    pixels = (pixels - spec.input.mean) / spec.input.scale
    return pixels if spec.input.layout == "nhwc" else pixels.transpose(2, 0, 1)


def to_input(place, boxes):
    """The reverse of `to_image`."""
    return boxes * np.float32([place.scale_x, place.scale_y] * 2) + np.float32(
        [place.shift_x, place.shift_y] * 2
    )


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("size", [(24, 40), (48, 80), (33, 71)])
def test_recipe(cells, recipe, size):
    spec = make_spec(cells, recipe=recipe)
    image = np.random.RandomState(0).randint(0, 256, size + (3,)).astype(np.uint8)
    before = image.copy()
    prepare = Preprocessor(spec)
    out = np.full(spec.input.shape, 7, spec.input.dtype)
    prepare(image, out)
    wanted = plain(spec, cv2.resize(image, (40, 24)))
    assert out.dtype == spec.input.dtype and np.abs(out - wanted).max() < 1e-4
    assert (image == before).all()


def test_each_picture_fills_its_own_slot(cells):
    spec = make_spec(cells)
    rng = np.random.RandomState(1)
    images = [
        rng.randint(0, 256, (h, w, 3)).astype(np.uint8) for h, w in ((24, 40), (50, 60), (10, 90))
    ]
    prepare = Preprocessor(spec)
    out = np.zeros((4,) + spec.input.shape, np.float32)
    places = [prepare(image, slot) for image, slot in zip(images, out)]
    for image, slot, place in zip(images, out, places):
        one = np.zeros(spec.input.shape, np.float32)
        assert Preprocessor(spec)(image, one) == place and (one == slot).all()
    assert not out[3].any()


def test_what_fits_as_it_is_is_copied(cells):
    spec = make_spec(cells, recipe="tf_uint8")
    spec = spec._replace(input=spec.input._replace(color="BGR"))
    wide = np.random.RandomState(2).randint(0, 256, (24, 60, 3)).astype(np.uint8)
    wide[0, :, 0] = [0, 1, 254, 255] * 15
    for image in (wide[:, 10:50].copy(), wide[:, 10:50], wide[::-1, 49:9:-1]):
        out = np.full((2,) + spec.input.shape, 77, np.uint8)
        assert Preprocessor(spec)(image, out[1]) == (1, 1, 0, 0, 40, 24)
        assert np.array_equal(out[1], image) and (out[0] == 77).all()


def test_letterbox_pads_and_crop_cuts(cells):
    image = np.full((30, 30, 3), 200, np.uint8)
    spec = make_spec(cells, resize="letterbox", recipe="nchw_uint8", pad=(1, 2, 3))
    out = np.zeros((3, 24, 40), np.uint8)
    Preprocessor(spec)(image, out)
    assert (
        (out[:, :, 8:32] == 200).all()
        and (out[1, :, :8] == 2).all()
        and (out[2, :, 32:] == 3).all()
    )
    image[:6], image[24:] = 9, 9
    Preprocessor(make_spec(cells, resize="crop", recipe="nchw_uint8"))(image, out)
    assert (out == 200).all()


@settings(deadline=None, max_examples=150)
@given(
    st.integers(1, 3000), st.integers(1, 3000), st.sampled_from(["stretch", "letterbox", "crop"])
)
def test_there_and_back(width, height, resize):
    spec = find_spec(resize)
    place = placement(spec, width, height)
    boxes = np.float32([[0, 0, width, height], [width / 3, height / 4, width / 2, height / 2]])
    back = place.to_image(to_input(place, boxes))
    assert np.allclose(
        back, boxes, rtol=1e-4, atol=2e-2 * max(1, 1 / place.scale_x, 1 / place.scale_y)
    )
    inside = to_input(place, boxes[:1])[0]
    slack = 1 + max(place.scale_x, place.scale_y)
    if resize == "crop":
        assert inside[0] <= slack and inside[2] >= spec.input.width - slack
    else:
        assert inside[0] >= -1e-3 and inside[2] <= spec.input.width + 1e-3
    if resize != "stretch" and min(width, height) > 50 and max(width / height, height / width) < 8:
        assert abs(place.scale_x / place.scale_y - 1) < 0.1


def find_spec(resize):
    fields = dict.fromkeys(ModelSpec._fields)
    fields["input"] = InputSpec("x", 300, 200, "nchw", "BGR", resize=resize, pad=(0, 0, 0))
    return ModelSpec(**fields)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 200), st.sampled_from(["stretch", "letterbox", "crop"]))
def test_any_size_fills_the_buffer(width, height, resize):
    out = np.full((3, 200, 300), np.nan, np.float32)
    Preprocessor(find_spec(resize))(np.full((height, width, 3), 5, np.uint8), out)
    assert np.isfinite(out).all() and (out == 5).any()


def test_a_mark_lands_where_the_placement_says(cells):
    for resize in ("stretch", "letterbox", "crop"):
        spec = make_spec(cells, 160, 96, resize, "nchw_uint8")
        image = np.zeros((300, 400, 3), np.uint8)
        image[120:150, 160:220] = 255
        out = np.zeros((3, 96, 160), np.uint8)
        place = Preprocessor(spec)(image, out)
        ys, xs = np.nonzero(out[0] > 127)
        seen = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        assert np.abs(seen - to_input(place, np.float32([[160, 120, 220, 150]]))[0]).max() <= 1, (
            resize
        )


def test_wrong_buffer(cells):
    spec = make_spec(cells)
    with pytest.raises(CourseError, match=r"wants float32 \(3, 24, 40\)"):
        Preprocessor(spec)(np.zeros((9, 9, 3), np.uint8), np.zeros((3, 24, 40)))


def test_no_large_memory_a_frame(cells):
    spec = make_spec(cells, 640, 480)
    prepare, image = Preprocessor(spec), np.zeros((720, 1280, 3), np.uint8)
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
    assert (as_bgr(grey) == 80).all() and as_bgr(grey).shape == (4, 5, 3)
    assert as_bgr(grey[:, :, None]).shape == (4, 5, 3)
    alpha = np.dstack([grey, grey + 1, grey + 2, grey * 0])
    assert (as_bgr(alpha)[0, 0] == (80, 81, 82)).all()
    colour = np.zeros((4, 5, 3), np.uint8)
    assert as_bgr(colour) is colour
