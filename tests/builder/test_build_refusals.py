"""Building: what goes wrong, and what is said of it. TensorRT's versions are stand-ins."""

import shlex
import shutil
import threading
import time

import pytest
from onnx import helper, load, save

from builder.played import played_tensorrt
from conftest import write_conv_model
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, find_model
from trt_course.builder import worker
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest
from trt_course.engine.cuda import Device
from trt_course.support.files import sha256

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:trt_course")


@pytest.fixture(params=sorted(stand_in.VERSIONS))
def version(request):
    return request.param


@pytest.fixture
def trt(monkeypatch, version):
    with played_tensorrt(monkeypatch, version) as module:
        yield module


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture
def spec(tmp_path):
    return find_model(write_conv_model(tmp_path / "cells"))


def test_what_the_parser_lacks_is_told(trt, spec):
    model = load(str(spec.onnx))
    model.graph.node.append(helper.make_node("BatchTilePlugin_TRT", ["boxes"], ["tiled"]))
    save(model, str(spec.onnx))
    said = "this network: No importer registered for op: BatchTilePlugin_TRT"
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(spec, Options("fp32"))


# TensorRT's own words, and whether they are about memory
FAILURES = [
    (
        "Internal error: plugin node (Unnamed Layer* 62) [PluginV2DynamicExt]requires 1342177280 "
        "bytes of scratch space, but only 500000000 is available. Try increasing the workspace "
        "size with IBuilder::setMaxWorkspaceSize()",
        True,
    ),
    (
        "[optimizer.cpp::computeCosts::3867] Error Code 4: Internal Error (Could not find any "
        "implementation for node /patch_embed/Conv due to insufficient workspace. See verbose log "
        "for requested sizes.)",
        True,
    ),
    ("../builder/cudnnBuilder2.cpp (1597) - OutOfMemory Error in buildSingleLayer: 0", True),
    ("Error Code 4: Internal Error (Internal error: a type of layer is not supported)", False),
]


@pytest.mark.parametrize("text, memory", FAILURES)
def test_no_engine_is_explained(trt, spec, text, memory):
    trt._stage.refuse = [text]
    with pytest.raises(CourseError, match="built no engine: ") as refused:
        engine_from_onnx(spec, Options("fp32"))
    said = str(refused.value)
    assert text in said
    assert ("--workspace 256" in said) == memory
    assert not (spec.folder / "engines").exists()

    trt._stage.refuse = ["another text"]
    with pytest.raises(CourseError) as again:
        engine_from_onnx(spec, Options("fp32"))
    assert text not in str(again.value)
    assert "another text" in str(again.value)


NOT_BUILDABLE = [
    (dict(batch=(4, 2, 1)), "--batch 4,2,1"),
    (dict(batch=(1, 8, 4)), "--batch 1,8,4: wanted: one number, or the smallest"),
    (dict(batch=(4, 1, 8)), "--batch 4,1,8: wanted: one number, or the smallest"),
    (dict(batch=(0, 1, 8)), "--batch is 0; wanted: a whole number from 1 to 256"),
    (dict(batch=(1, 8, 257)), "--batch is 257"),
    (dict(precision="int8"), "--calibration DIR"),
    (dict(preprocess="engine"), "--source-size 1280x720"),
    (
        dict(preprocess="engine", source=(0, 48)),
        "--source-size 0x48 is 0; wanted: a whole number from 1",
    ),
    (dict(preprocess="engine", source=(63, 48), pixels="nv12"), "of even numbers"),
    (dict(pixels="nv12"), "--pixels nv12"),
    (dict(threshold=float("nan")), "--nms-threshold is nan; wanted: a number from 0 to 1"),
    (dict(workspace_mib=-5), "--workspace is -5; wanted: a whole number from 1 to"),
    (dict(workspace_mib=1 << 40), "--workspace is 1099511627776"),
]


@pytest.mark.parametrize("options, said", NOT_BUILDABLE)
@only(10.0)
def test_options_that_do_not_fit_are_told_before_anything_is_done(trt, spec, options, said):
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(spec, Options(**options))
    assert trt._stage.builds == []


@pytest.mark.parametrize(
    "out, said",
    [
        ("x.json", "--out .*x.json: wanted: NAME.engine"),
        ("model.engine", "so not model.engine"),
    ],
)
@only(10.0)
def test_names_that_do_not_fit_are_told_before_anything_is_done(trt, spec, tmp_path, out, said):
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(spec, Options(), tmp_path / out)
    assert trt._stage.builds == []
    assert not list(tmp_path.glob("x.json"))


@pytest.mark.parametrize("ending", [".engine", ".json"])
@only(10.0)
def test_a_file_of_somebody_else_is_replaced_by_force_only(trt, spec, tmp_path, ending):
    """The record beside an engine is as much in the way as the engine."""
    out = tmp_path / "a.engine"
    foreign = out.with_suffix(ending)
    foreign.write_text("mine")
    with pytest.raises(CourseError, match=f"a{ending} is in the way"):
        engine_from_onnx(spec, Options("fp32"), out)
    assert foreign.read_text() == "mine"
    assert trt._stage.builds == []

    engine_from_onnx(spec, Options("fp32", force=True), out)
    assert manifest.read(out).plan_sha256 == sha256(out)


@only(10.0)
def test_names_of_the_record_that_the_network_lacks(trt, spec):
    said = "model.json names the tensor '(picture|score)'; the network has: "
    wrong_input = spec._replace(input=spec.input._replace(name="picture"))
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(wrong_input, Options(preprocess="engine", source=(64, 48)))

    part = spec.output.scores.part._replace(tensor=("score",))
    scores = spec.output.scores._replace(part=part)
    wrong_output = spec._replace(output=spec.output._replace(scores=scores))
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(wrong_output, Options(nms="engine"))


@only(10.0)
def test_another_network_beside_the_record_s_has_engines_of_its_own(trt, spec):
    first = engine_from_onnx(spec, Options("fp32"))
    other = spec.folder / "pruned net.onnx"
    shutil.copy(str(spec.onnx), str(other))
    with other.open("ab") as file:
        file.write(b"\x72\x00")  # an empty metadata entry: other bytes, the same network

    second = engine_from_onnx(find_model(other), Options("fp32"))
    assert first.is_file()
    assert second.name == "pruned net-" + first.name
    record = manifest.read(second)
    assert shlex.split(record.command)[4] == str(other)
    found = record.misfits(spec, second, "10.3.0", Device("Stand-in", "5.3"))
    assert found == [f"it was built from {other}, this is {spec.folder}"]


def test_ctrl_c_stops_the_builder_where_it_asks_and_leaves_nothing(trt, version, spec, monkeypatch):
    def seconds(thread):
        deadline = time.monotonic() + 60
        while not trt._stage.builds and time.monotonic() < deadline:
            time.sleep(0.005)
        raise KeyboardInterrupt
        yield

    trt._stage.steps = 10 if version < 10 else 1500  # a moment, half a minute
    monkeypatch.setattr(worker, "_seconds", seconds)
    with pytest.raises(KeyboardInterrupt):
        engine_from_onnx(spec, Options("fp32"))
    assert not any(thread.name.startswith("build ") for thread in threading.enumerate())
    assert not list(spec.folder.glob("engines/*.engine"))
    assert not list(spec.folder.glob("engines/.*"))
