"""Priors: from boxes to a network's offsets and back."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.model.boxes import Boxes
from trt_course.model.output_spec import BoxesSpec, Part
from trt_course.model.priors import read_priors

VARIANCES = (0.1, 0.1, 0.2, 0.2)


def to_priors(boxes, priors, variances):
    """The reverse of what Boxes does, as a trainer encodes its boxes."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    size = boxes[:, 2:] - boxes[:, :2]
    moved = (centre - priors[:, :2]) / priors[:, 2:]
    grown = np.log(size / priors[:, 2:])
    return np.concatenate([moved, grown], axis=1) / np.float32(variances)  # (n, 4)


@settings(deadline=None)
@given(st.integers(0, 2**31 - 1))
def test_priors_there_and_back(seed):
    rng = np.random.RandomState(seed)
    priors = np.concatenate([rng.rand(20, 2), rng.rand(20, 2) * 0.5 + 0.02], axis=1)
    corner = rng.rand(20, 2)
    boxes = np.concatenate([corner, corner + rng.rand(20, 2) * 0.5 + 0.01], axis=1)
    priors = priors.astype(np.float32)
    boxes = boxes.astype(np.float32)

    offsets = to_priors(boxes, priors, VARIANCES)
    spec = BoxesSpec(Part(("loc",), "output.boxes.tensor"), form="offsets", variances=VARIANCES)
    assert np.allclose(Boxes(spec, offsets, priors)[np.arange(20)], boxes, atol=1e-4)


def test_each_number_of_a_prior_has_its_own_variance():
    priors = np.float32([[0.5, 0.25, 0.2, 0.4]])
    loc = np.float32([[1, 2, np.log(2), np.log(4)]])
    part = Part(("loc",), "output.boxes.tensor")
    spec = BoxesSpec(part, form="offsets", variances=(0.5, 0.25, 1, 0.5))
    (box,) = Boxes(spec, loc, priors)[np.arange(1)]
    # The centre moves by 0.5 widths and 0.5 heights; width and height double
    assert np.allclose(box, [0.6 - 0.2, 0.45 - 0.4, 0.6 + 0.2, 0.45 + 0.4])


PLAIN = [[0.5, 0.5, 0.25, 0.125], [0.25, 0.75, 0.5, 1]]


@pytest.mark.parametrize("kind", ["<f4", ">f4", "f2", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_priors_are_read_in_every_way_that_numpy_writes_them(tmp_path, kind, order, version):
    path = tmp_path / "priors.npy"
    with path.open("wb") as stream:
        np.lib.format.write_array(stream, np.array(PLAIN, kind, order=order), version=version)
    priors = read_priors(path)
    assert priors.dtype == np.float32
    assert priors.tolist() == PLAIN


def test_priors_may_be_whole_numbers_one_alone_or_around_the_edge(tmp_path):
    """Only a width and a height must be above 0; a centre may lie at the edge or beyond it."""
    for name, priors in (("a", [[2, 3, 4, 5]]), ("b", [[0, -0.5, 0.25, 1.5], [1.5, 0, 1, 1]])):
        path = tmp_path / name
        with path.open("wb") as stream:
            np.save(stream, np.array(priors))
        assert read_priors(path).tolist() == priors


@pytest.mark.parametrize("place", [2, 3])
@pytest.mark.parametrize("number", [0, -0.25])
def test_a_prior_without_width_or_height_is_refused(tmp_path, place, number):
    priors = np.float32(PLAIN)
    priors[1, place] = number
    np.save(str(tmp_path / "priors.npy"), priors)
    with pytest.raises(CourseError, match="priors.npy contains a prior that is not a box"):
        read_priors(tmp_path / "priors.npy")


def test_rows_of_another_length_are_refused(tmp_path):
    np.save(str(tmp_path / "priors.npy"), np.ones((3, 5)))
    with pytest.raises(CourseError, match=r"has shape \(3, 5\) of float64; wanted: \(priors, 4\)"):
        read_priors(tmp_path / "priors.npy")


def test_how_much_of_a_file_is_there_is_told(tmp_path):
    path = tmp_path / "priors.npy"
    np.save(str(path), np.ones((10, 4), np.float32))
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    message = "priors.npy promises 10 priors but has 75 % of them: it is cut off or damaged"
    with pytest.raises(CourseError, match=message):
        read_priors(path)


def test_a_file_that_holds_no_priors(tmp_path):
    path = tmp_path / "priors.npy"
    path.write_bytes(b"no array")
    with pytest.raises(CourseError, match="priors.npy cannot be read; wanted: an array of priors"):
        read_priors(path)

    path = tmp_path / "flat.npy"
    np.save(str(path), np.zeros(8))
    with pytest.raises(
        CourseError, match="flat.npy has shape .8,. of float64; wanted: .priors, 4."
    ):
        read_priors(path)


def test_a_file_is_read_once_and_again_when_it_has_changed(tmp_path):
    path = tmp_path / "priors.npy"
    np.save(str(path), np.float32(PLAIN))
    os.utime(str(path), ns=(0, 0))
    first = read_priors(path)
    assert read_priors(path) is first

    np.save(str(path), np.float32(PLAIN[::-1]))
    assert read_priors(path).tolist() == PLAIN[::-1]
