"""The record beside an engine: what does not fit is named, and the wiring follows the record."""

import json
import os
import shlex
from types import SimpleNamespace

import pytest

from conftest import HEIGHT, WIDTH, write_model
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.builder import onnx as builder
from trt_course.builder.onnx import Options
from trt_course.engine import CpuEngine, manifest
from trt_course.engine import choose as opening
from trt_course.engine.cuda import Device
from trt_course.measure.evaluate import warn_of_threshold
from trt_course.model.placement import placement

HERE = Device("NVIDIA Tegra X1", "5.3")
OPTIONS = Options("fp16", (1, 2, 4), workspace_mib=300)


@pytest.fixture
def spec(tmp_path):
    return find_model(write_model(tmp_path / "cells"))


def engine(spec, options=OPTIONS, name="a", device=HERE, tensorrt="8.2.1", route="onnx"):
    path = spec.folder / "engines" / (name + ".engine")
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"a plan")
    manifest.write(spec, options, path, tensorrt, device, route, 12.4, options.command(spec))
    return path


@pytest.fixture
def plan(spec):
    return engine(spec)


def change(plan, **fields):
    path = manifest.manifest_path(plan)
    record = json.loads(path.read_text())
    record.update(fields)
    path.write_text(json.dumps(record))


def test_what_was_written_is_read_and_fits(spec, plan):
    made = manifest.require_fit(plan, spec, "8.2.1", HERE)
    assert made == manifest.read(plan)
    assert made.misfits(spec, plan, "8.2.1", HERE) == []
    assert made.precision == "fp16"
    assert made.batch == (1, 2, 4)
    assert made.source is None
    assert made.gpu == HERE.name
    assert made.built["seconds"] == "12"
    assert made.command == (
        f"python -m trt_course build {spec.folder} --precision fp16 --batch 1,2,4 --nms host "
        "--workspace 300"
    )


@pytest.mark.parametrize(
    "tensorrt, device, said",
    [
        ("8.5.2", HERE, "it was built by TensorRT 8.2.1, here is 8.5.2"),
        ("RTX 8.2.1", HERE, "it was built by TensorRT 8.2.1, here is RTX 8.2.1"),
        (
            "8.2.1",
            HERE._replace(name="Orin"),
            "built for NVIDIA Tegra X1 (compute capability 5.3), here is Orin (5.3)",
        ),
        (
            "8.2.1",
            HERE._replace(capability="7.2"),
            "(compute capability 5.3), here is NVIDIA Tegra X1 (7.2)",
        ),
    ],
)
def test_another_place_is_named(spec, plan, tensorrt, device, said):
    with pytest.raises(CourseError) as refused:
        manifest.require_fit(plan, spec, tensorrt, device)
    complaint = str(refused.value)
    assert said in complaint and complaint.count("; ") == 0
    command = manifest.read(plan).command
    assert complaint.endswith(f"Build it again:\n    {command}")


def test_changed_model_and_damaged_plan_are_named_together(spec, plan):
    spec.onnx.write_bytes(spec.onnx.read_bytes() + b"\x00")
    plan.write_bytes(b"a pla")
    with pytest.raises(
        CourseError, match="model.onnx has changed since; the file is cut short or damaged"
    ) as refused:
        manifest.require_fit(plan, spec, "8.2.1", HERE)
    assert "TensorRT 8.2.1, here" not in str(refused.value)


def test_a_model_file_that_is_gone_has_changed(spec, plan):
    spec.onnx.unlink()
    with pytest.raises(CourseError, match="model.onnx has changed since"):
        manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_an_engine_from_etlt_needs_no_onnx(spec):
    plan = engine(spec, route="etlt")
    spec.onnx.write_bytes(b"another")
    manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_an_engine_of_rtx_travels_between_cards(spec):
    any_gpu = Device(manifest.ANY_GPU, manifest.ANY_GPU)
    manifest.require_fit(engine(spec, device=any_gpu), spec, "8.2.1", HERE)


def test_no_engine_and_no_record(spec, plan):
    manifest.manifest_path(plan).unlink()
    with pytest.raises(
        CourseError, match="a.engine has no record a.json beside it.*A plan file is code"
    ):
        manifest.require_fit(plan, spec, "8.2.1", HERE)
    with pytest.raises(
        CourseError,
        match="no engine file .*b.engine. Build one: python -m trt_course build .*cells",
    ):
        manifest.require_fit(plan.with_name("b.engine"), spec, "8.2.1", HERE)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", "{}", '{"batch": 3}', '{"batch": [1], "source": null}', "\xff"],
)
def test_garbled_records(spec, plan, text):
    manifest.manifest_path(plan).write_bytes(text.encode("latin1"))
    with pytest.raises(CourseError, match="a.json"):
        manifest.require_fit(plan, spec, "8.2.1", HERE)


@pytest.mark.parametrize(
    "fields",
    [
        {"batch": [1]},
        {"batch": 4},
        {"source": 3},
        {"source": [1]},
        {"threshold": "high"},
        {"extra": 1},
    ],
)
def test_records_with_a_wrong_field(spec, plan, fields):
    change(plan, **fields)
    with pytest.raises(CourseError, match="a.json"):
        manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_newest_first_and_only_those_with_a_record(spec):
    assert manifest.engines_of(spec) == []
    old = engine(spec, name="old")
    bare = engine(spec, name="bare")
    new = engine(spec, name="new")
    for i, path in enumerate((old, bare, new)):
        os.utime(str(path), (1000 + i, 1000 + i))
    manifest.manifest_path(bare).unlink()
    assert manifest.engines_of(spec) == [new, old]


# Wiring ------------------------------------------------------------------------------------------


def test_plain_engines_are_wired_as_the_record_of_the_model_says(spec, plan):
    wiring = manifest.read(plan).wired(spec)
    assert wiring == manifest.Wiring(input=spec.input, inner=None, output=spec.output)


def test_suppression_inside(spec):
    plan = engine(spec, OPTIONS._replace(nms="engine", threshold=0.2))
    wiring = manifest.read(plan).wired(spec)
    assert wiring.input == spec.input
    assert wiring.inner is None
    assert wiring.output.layout == "efficient_nms"
    assert wiring.output.tensors == manifest.EFFICIENT_NMS
    assert wiring.output.threshold == 0.2
    assert wiring.output.units == spec.output.units
    assert wiring.output.activation == "none"


def test_preprocessing_inside(spec):
    changed = spec.input._replace(resize="letterbox", color="RGB", mean=(1.0, 2.0, 3.0))
    spec = spec._replace(input=changed)
    plan = engine(spec, OPTIONS._replace(preprocess="engine", source=(640, 360)))
    record = manifest.read(plan)
    assert record.command.endswith("--preprocess engine --source-size 640x360 --workspace 300")

    wiring = record.wired(spec)
    entry = wiring.input
    assert (entry.name, entry.width, entry.height) == ("pictures", 640, 360)
    assert (entry.layout, entry.dtype, entry.color) == ("nhwc", "uint8", "BGR")
    assert (entry.resize, entry.mean) == ("stretch", (0.0, 0.0, 0.0))
    assert wiring.inner == placement(spec, 640, 360)
    assert wiring.inner != placement(spec, WIDTH, HEIGHT)
    assert wiring.output == spec.output


def test_preprocessing_inside_for_pictures_of_an_unknown_size(spec):
    plan = engine(spec, OPTIONS._replace(preprocess="engine", source=(640, 360)))
    change(plan, source=None)
    with pytest.raises(
        CourseError, match="source is null; wanted: the width and height .* Build it again"
    ):
        manifest.read(plan).wired(spec)


def test_the_command_repeats_what_shapes_the_engine(spec):
    options = Options(
        "int8",
        (1, 4, 8),
        "engine",
        "engine",
        (64, 48),
        0.2,
        None,
        "my pictures",
        "entropy",
        ("head*", "x"),
        dla=1,
    )
    words = shlex.split(manifest.read(engine(spec, options)).command)
    asked = []

    def engine_from_onnx(spec, options, *_):
        asked.append((spec, options))
        return engine(spec, options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "engine_from_onnx", engine_from_onnx)
        assert main(words[3:]) == 0
    assert asked == [(spec, options)]


def with_another_mean(spec):
    return spec._replace(input=spec.input._replace(mean=(1.0, 2.0, 3.0)))


def with_another_overlap(spec):
    return spec._replace(nms=spec.nms._replace(iou_threshold=0.3))


def without_background(spec):
    return spec._replace(background=None)


@pytest.mark.parametrize(
    "options, changed",
    [
        (dict(preprocess="engine", source=(64, 48)), with_another_mean),
        (dict(nms="engine"), with_another_overlap),
        (dict(nms="engine"), without_background),
    ],
)
def test_a_record_that_changed_under_an_engine_that_holds_it(spec, options, changed):
    plain = engine(spec)
    assert manifest.require_fit(plain, spec, "8.2.1", HERE)
    assert manifest.require_fit(plain, changed(spec), "8.2.1", HERE)

    plan = engine(spec, OPTIONS._replace(**options))
    assert manifest.require_fit(plan, spec, "8.2.1", HERE)
    with pytest.raises(
        CourseError, match="model.json has changed since, and what it says is inside"
    ):
        manifest.require_fit(plan, changed(spec), "8.2.1", HERE)


def test_the_command_says_where_to_and_what_was_forced(spec):
    words = shlex.split(OPTIONS._replace(force=True, level=2).command(spec, "my engines/a.engine"))
    assert words[-5:] == ["--out", "my engines/a.engine", "--level", "2", "--force"]


def test_a_model_in_the_kit_is_called_by_its_name():
    assert find_model("ssd_resnet18_traffic").reference == "ssd_resnet18_traffic"


@pytest.mark.parametrize("nms, least", [("engine", 0.2), ("host", 0.0)])
def test_scoring_hears_of_the_threshold_inside_the_engine(spec, monkeypatch, capsys, nms, least):
    path = engine(spec, OPTIONS._replace(nms=nms, threshold=0.2))
    fitting = opening.Fitting(path, manifest.read(path))

    def on_the_cpu(path, lanes, graph, precision, threshold):
        opened = CpuEngine(spec.onnx)
        opened.precision = precision
        opened.threshold = threshold
        return opened

    monkeypatch.setattr(opening, "_fitting", lambda spec, plan: fitting)
    monkeypatch.setattr(opening, "TrtEngine", on_the_cpu)
    opened = opening.open_engine(spec)
    assert opened.engine.threshold == least
    warn_of_threshold(SimpleNamespace(spec=spec, engine=opened.engine), 0.01)
    warned = "gives nothing below 0.2 by itself" in capsys.readouterr().err
    assert warned == bool(least)
    opened.engine.close()
