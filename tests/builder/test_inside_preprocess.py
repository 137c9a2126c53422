"""Preprocessing inside the network, run by ONNX Runtime, against the same work on the host."""

import subprocess

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import load

import plain_recipe
from conftest import write_model
from inside_parts import echo_net, run, wired
from trt_course import CourseError, find_model
from trt_course.builder import inside
from trt_course.builder.onnx import Options
from trt_course.model.placement import placement
from trt_course.model.preprocess import Preprocessor


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("inside")


def smooth_picture(seed, width, height):
    """Colours that change slowly, so that a pixel's offset shows and rounding does not."""
    rng = np.random.RandomState(seed)
    small = rng.randint(0, 256, (4, 5, 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    resize=st.sampled_from(["stretch", "letterbox", "crop"]),
    color=st.sampled_from(["RGB", "BGR"]),
    layout=st.sampled_from(["nchw", "nhwc"]),
    size=st.tuples(st.integers(8, 90), st.integers(8, 90)),
    source=st.tuples(st.integers(8, 200), st.integers(8, 200)),
)
def test_preprocessing_equals_the_host_s(cells, folder, seed, resize, color, layout, size, source):
    spec = find_model(cells)
    entry = spec.input._replace(
        width=size[0],
        height=size[1],
        resize=resize,
        color=color,
        layout=layout,
        mean=(10.0, 50.0, 90.0),
        scale=(2.0, 3.0, 4.0),
        pad=(10.0, 20.0, 30.0),
    )
    spec = spec._replace(input=entry)
    pictures = [smooth_picture(seed + i, *source) for i in range(2)]

    # on the host
    prepare = Preprocessor(spec)
    wanted = np.empty((2,) + entry.shape, np.float32)
    places = [prepare(picture, slot) for picture, slot in zip(pictures, wanted)]

    # inside the network
    echo_net(folder / "echo.onnx", spec)
    model = inside.add_preprocess(load(str(folder / "echo.onnx")), spec, source)
    seen = run(model, folder / "inside.onnx", "pictures", np.stack(pictures))["seen"]
    assert seen.shape == wanted.shape

    # in levels of 255: OpenCV rounds
    gain = np.float32([2, 3, 4])
    if layout == "nchw":
        gain = gain.reshape(3, 1, 1)
    assert np.abs((seen - wanted) * gain).max() < 1.5

    given_entry, inner, _ = wired(spec, Options(preprocess="engine", source=source))
    assert inner == places[0] == placement(spec, *source)
    assert (given_entry.width, given_entry.height) == source


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    resize=st.sampled_from(["stretch", "letterbox", "crop"]),
    color=st.sampled_from(["RGB", "BGR"]),
    size=st.tuples(st.integers(8, 60), st.integers(8, 60)),
    half=st.tuples(st.integers(10, 35), st.integers(10, 35)),
)
def test_the_decoder_s_bytes_become_the_same_tensor(cells, folder, seed, resize, color, size, half):
    """The bytes are made by the standard's formulas, so no mistake is made and undone here."""
    source = (2 * half[0], 2 * half[1])
    spec = nv12_spec(cells, resize=resize, color=color, width=size[0], height=size[1])
    picture = smooth_picture(seed, *half).repeat(2, axis=0).repeat(2, axis=1)
    decoded = plain_recipe.nv12(picture)
    seen = seen_by_network(folder, spec, source, decoded)

    wanted = np.empty(spec.input.shape, np.float32)
    Preprocessor(spec)(picture, wanted)
    assert np.abs(seen - wanted).max() < 5  # brightness has 219 levels only

    # A picture from the host goes in as the same bytes
    entry, inner, _ = wired(spec, Options(preprocess="engine", source=source, pixels="nv12"))
    sent = np.empty(entry.shape, np.uint8)
    Preprocessor(spec._replace(input=entry))(picture, sent)
    assert np.abs(sent.astype(int) - decoded).max() <= 1
    assert inner == placement(spec, *source)


def nv12_spec(cells, **changes):
    """A spec with a mean and borders for each colour, and these changes to its input."""
    spec = find_model(cells)
    entry = spec.input._replace(mean=(10.0, 50.0, 90.0), scale=(1.0,) * 3, pad=(10.0, 20.0, 30.0))
    return spec._replace(input=entry._replace(**changes))


def seen_by_network(folder, spec, source, decoded):
    """The tensor that a network sees behind its own recipe, for a decoder's bytes."""
    echo_net(folder / "echo.onnx", spec)
    model = inside.add_preprocess(load(str(folder / "echo.onnx")), spec, source, "nv12")
    return run(model, folder / "inside.onnx", "pictures", decoded[np.newaxis])["seen"][0]


def by_ffmpeg(picture):
    """A BGR picture as FFmpeg writes it in NV12."""
    height, width = picture.shape[:2]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error"]
    command += ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-i", "-"]
    command += ["-f", "rawvideo", "-pix_fmt", "nv12", "-"]
    done = subprocess.run(command, input=picture.tobytes(), stdout=subprocess.PIPE, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(height * 3 // 2, width, 1)


# Names as in BGR
PATCHES = {
    "blue": (255, 0, 0),
    "green": (0, 255, 0),
    "red": (0, 0, 255),
    "yellow": (0, 255, 255),
    "violet": (200, 40, 120),
    "grey": (90, 90, 90),
}


def test_ffmpeg_s_colours_are_seen_as_they_are(cells, folder):
    """Bytes of another program: each patch has its colour, in the network's order."""
    size = 16
    patches = np.uint8([[color] * size for color in PATCHES.values()]).reshape(1, -1, 3)
    picture = patches.repeat(size, axis=0)  # a row of patches
    source = (picture.shape[1], picture.shape[0])
    spec = nv12_spec(cells, color="RGB", mean=(0.0,) * 3, width=source[0], height=source[1])
    decoded = by_ffmpeg(picture)

    seen = seen_by_network(folder, spec, source, decoded)
    for number, color in enumerate(PATCHES.values()):
        middle = seen[:, size // 2, number * size + size // 2]
        assert np.abs(middle - color[::-1]).max() < 5

    # The host's own bytes are FFmpeg's, but for the seams between patches
    entry, _, _ = wired(spec, Options(preprocess="engine", source=source, pixels="nv12"))
    sent = np.empty(entry.shape, np.uint8)
    Preprocessor(spec._replace(input=entry))(picture, sent)
    assert np.abs(sent.astype(int) - decoded).max() <= 2


def test_a_network_that_takes_bytes_is_refused(tmp_path):
    entry = {
        "name": "input",
        "width": 128,
        "height": 96,
        "layout": "nchw",
        "color": "BGR",
        "dtype": "uint8",
    }
    spec = find_model(write_model(tmp_path / "cells", input=entry))
    with pytest.raises(CourseError, match="takes bytes already.*--preprocess host"):
        inside.add_preprocess(load(str(spec.onnx)), spec, (64, 48))
