"""Drafts of networks that nobody here made: right at once, or wrong only where they ask."""

import pytest

from foreign.nets import NETS
from foreign.onnx_file import write_net
from foreign.picture import picture
from foreign.test_foreign import HERE, differences, found_by, wrong_names
from trt_course import CourseError
from trt_course.builder.draft import draft
from trt_course.model.spec import read_spec
from trt_course.support.outputs import Outputs

# What the draft gets wrong, by the fields that it asks about
ASKED = {
    "nanodet": {"input.resize"},
    "dfine": {"input.resize"},
    "detr": {"input.width", "input.resize"},
    "ppyoloe": {"input.mean"},
}
# A .npy file that nothing can write, heads as maps, and corners that this network makes at random
UNKNOWN = {
    "torchvision_ssdlite320_heads",
    "tf1_ssd_heads",
    "rtmdet",
    "ultraface",
    "ultraface_raw",
}


@pytest.mark.parametrize("name", [name for name in NETS if name not in UNKNOWN])
def test_a_draft_is_right_or_asks(name, tmp_path):
    write_net(NETS[name](), tmp_path / "net.onnx")
    drafted = draft(tmp_path / "net.onnx", None, Outputs())
    is_right = not differences(name, found_by(tmp_path, picture()))
    questions = drafted.record.get("questions", [])
    fields = {question.partition(":")[0].partition(",")[0] for question in questions}
    assert is_right == (name not in ASKED)
    assert fields >= ASKED.get(name, set())

    spec = read_spec(drafted.path)
    assert wrong_names(name, spec.labels) == []
    if "input.mean" not in fields:
        right = read_spec(HERE / "records" / name / "model.json").input
        assert spec.input.mean == pytest.approx(right.mean, abs=1e-6)
        assert spec.input.scale == pytest.approx(right.scale, abs=1e-6)


@pytest.mark.parametrize("name", sorted(UNKNOWN))
def test_what_no_draft_knows_is_refused(name, tmp_path):
    write_net(NETS[name](), tmp_path / "net.onnx")
    with pytest.raises(CourseError, match="of no family"):
        draft(tmp_path / "net.onnx", None, Outputs())
