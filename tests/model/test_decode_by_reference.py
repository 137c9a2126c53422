"""The package's decoding finds what a plain reading of the rules finds, row by row."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model import decode_reference
from model.decode_cases import FINISHED, PLACES, cases
from trt_course.model.decode import Decoder

# NumPy's warnings would stand between the lines of whoever runs a model.
pytestmark = pytest.mark.filterwarnings("error")

LOST = ("no_numbers", "no_boxes", "no_classes", "above_one")
SETTINGS = settings(deadline=None, database=None, derandomize=True)


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    """A file with priors on a grid of eighths, two of them equal."""
    rng = np.random.RandomState(0)
    made = rng.randint(1, 8, (PLACES, 4)) / 8
    made[3] = made[2]
    path = tmp_path_factory.mktemp("priors") / "priors.npy"
    np.save(str(path), made)
    return path


def require_as_by_reference(case):
    """Decode a case both ways and compare everything that a caller gets."""
    decoder = Decoder(case.spec)
    found = decoder.decode(case.outputs, case.placements, case.conf_th)
    lists = {role: array.tolist() for role, array in case.outputs.items()}
    if case.record.output.layout == "loc_conf_priors":
        lists["priors"] = np.load(str(case.record.output.priors)).tolist()
    wanted = decode_reference.decode(case.record, lists, case.placements, case.conf_th)

    assert len(found) == len(wanted)
    for ours, theirs in zip(found, wanted):
        assert ours.clss.tolist() == [row.cls for row in theirs.rows]
        assert np.allclose(ours.confs, [row.conf for row in theirs.rows], rtol=1e-5, atol=0)
        boxes = np.reshape([row.box for row in theirs.rows], (-1, 4))
        assert np.allclose(ours.boxes, boxes, rtol=1e-5, atol=1e-3)
        lost = theirs.lost["no_numbers"] + theirs.lost["no_boxes"] + theirs.lost["no_classes"]
        assert ours.dropped == lost
        assert type(ours.dropped) is int
        assert [array.dtype for array in ours] == [np.float32, np.float32, np.int64]
        assert not any(array.flags.writeable for array in ours)

    for kind in LOST:
        assert decoder.oddities.counts[kind] == sum(theirs.lost[kind] for theirs in wanted)


@settings(SETTINGS, max_examples=250)
@given(st.data())
def test_finished_rows_as_by_reference(data):
    """Layouts with suppression inside the network, the batch path of efficient_nms included."""
    require_as_by_reference(data.draw(cases(FINISHED, None)))


@settings(SETTINGS, max_examples=150)
@given(st.data())
def test_boxes_and_scores_as_by_reference(data):
    require_as_by_reference(data.draw(cases(["boxes_scores"], None)))


@settings(SETTINGS, max_examples=250)
@given(st.data())
def test_offsets_from_priors_as_by_reference(priors, data):
    require_as_by_reference(data.draw(cases(["loc_conf_priors"], priors)))
