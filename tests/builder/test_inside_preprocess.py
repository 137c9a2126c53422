"""Preprocessing inside the network, run by ONNX Runtime, against the same work on the host."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import load

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
    size=st.tuples(st.integers(20, 90), st.integers(20, 90)),
    half=st.tuples(st.integers(40, 100), st.integers(40, 100)),
)
def test_the_decoder_s_bytes_become_the_same_tensor(cells, folder, seed, resize, size, half):
    source = (2 * half[0], 2 * half[1])
    spec = find_model(cells)
    entry = spec.input._replace(
        width=size[0],
        height=size[1],
        resize=resize,
        color="RGB",
        mean=(10.0, 50.0, 90.0),
        pad=(10.0, 20.0, 30.0),
    )
    spec = spec._replace(input=entry)
    echo_net(folder / "echo.onnx", spec)
    model = inside.add_preprocess(load(str(folder / "echo.onnx")), spec, source, "nv12")

    options = Options(preprocess="engine", source=source, pixels="nv12")
    decoded_entry, _, _ = wired(spec, options)
    decoded = np.empty((1,) + decoded_entry.shape, np.uint8)
    Preprocessor(spec._replace(input=decoded_entry))(smooth_picture(seed, *source), decoded[0])
    seen = run(model, folder / "inside.onnx", "pictures", decoded)["seen"]

    wanted = np.empty((1,) + entry.shape, np.float32)
    Preprocessor(spec)(cv2.cvtColor(decoded[0], cv2.COLOR_YUV2BGR_NV12), wanted[0])
    off = np.abs(seen - wanted)
    assert np.median(off) < 1.5
    # OpenCV repeats each colour, here it is interpolated
    assert np.percentile(off, 95) < 12


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
