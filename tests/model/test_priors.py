"""Priors: from boxes to a network's offsets and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.model.priors import from_priors, read_priors

VARIANCES = (0.1, 0.1, 0.2, 0.2)


def to_priors(boxes, priors, variances):
    """The reverse of `from_priors`, as a trainer encodes its boxes."""
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
    assert np.allclose(from_priors(offsets, priors, VARIANCES), boxes, atol=1e-4)


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
