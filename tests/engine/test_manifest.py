"""The record beside an engine: what it keeps, and what does not fit is named."""

import os
import re
import shlex

import pytest

from conftest import write_model
from engine_parts import HERE, OPTIONS, change_record, write_engine
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.builder import onnx as builder
from trt_course.builder.onnx import Options
from trt_course.engine import manifest
from trt_course.engine.cuda import Device


@pytest.fixture
def spec(tmp_path):
    return find_model(write_model(tmp_path / "cells"))


@pytest.fixture
def plan(spec):
    return write_engine(spec)


def test_what_was_written_is_read_and_fits(spec, plan):
    made = manifest.require_fit(plan, spec, "8.2.1", HERE)
    assert made == manifest.read(plan)
    assert made.misfits(spec, plan, "8.2.1", HERE) == []
    assert made.precision == "fp16"
    assert made.batch == (1, 2, 4)
    assert made.source is None
    assert made.gpu == HERE.name
    assert made.capability == HERE.capability
    assert (made.nms, made.preprocess, made.pixels) == ("host", "host", "bgr")
    assert made.built["seconds"] == "12"
    assert re.match(r"20\d\d-[01]\d-[0-3]\d$", made.built["date"])
    assert (made.built["keep_float"], made.built["calibration"]) == ("", "")
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
    plan = write_engine(spec, route="etlt")
    spec.onnx.write_bytes(b"another")
    manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_an_engine_from_etlt_is_written_down_without_an_onnx(spec):
    """The exported file alone is enough to build from."""
    spec.onnx.unlink()
    plan = write_engine(spec, route="etlt")
    assert manifest.read(plan).model_sha256 == ""
    manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_an_engine_of_rtx_travels_between_cards(spec):
    any_gpu = Device(manifest.ANY_GPU, manifest.ANY_GPU)
    manifest.require_fit(write_engine(spec, device=any_gpu), spec, "8.2.1", HERE)


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
        {"source": [0, 48]},
        {"source": [64, 48.5]},
        {"batch": [0, 1, 1]},
        {"nms": "gpu"},
        {"preprocess": "gpu"},
        {"pixels": "rgb"},
        {"route": "uff"},
        {"threshold": "high"},
        {"threshold": 1.5},
        {"built": []},
        {"extra": 1},
    ],
)
def test_records_with_a_wrong_field(spec, plan, fields):
    change_record(plan, **fields)
    (name,) = fields
    with pytest.raises(CourseError, match=f"a.json: {name}"):
        manifest.require_fit(plan, spec, "8.2.1", HERE)


def test_a_record_keeps_what_int8_was_built_with(spec):
    options = Options("int8", keep_float=("head*", "eye"), calibration="my pictures")
    built = manifest.read(write_engine(spec, options)).built
    assert (built["keep_float"], built["calibration"]) == ("head* eye", "my pictures")


def test_newest_first_and_only_those_with_a_record(spec):
    assert manifest.engines_of(spec) == []
    old = write_engine(spec, name="old")
    bare = write_engine(spec, name="bare")
    new = write_engine(spec, name="new")
    for i, path in enumerate((old, bare, new)):
        os.utime(str(path), (1000 + i, 1000 + i))
    manifest.manifest_path(bare).unlink()
    write_engine(spec, name=".half")
    folder = spec.folder / "engines" / "folder.engine"
    folder.mkdir()
    manifest.manifest_path(folder).write_text("{}")
    assert manifest.engines_of(spec) == [new, old]


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
    words = shlex.split(manifest.read(write_engine(spec, options)).command)
    asked = []

    def engine_from_onnx(spec, options, *_):
        asked.append((spec, options))
        return write_engine(spec, options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "engine_from_onnx", engine_from_onnx)
        assert main(words[3:]) == 0
    assert asked == [(spec, options)]


def with_another_mean(spec):
    return spec._replace(input=spec.input._replace(mean=(1.0, 2.0, 3.0)))


def with_another_overlap(spec):
    return spec._replace(nms=spec.nms._replace(iou_threshold=0.3))


def with_boxes_in_pixels(spec):
    boxes = spec.output.boxes._replace(units="pixels")
    return spec._replace(output=spec.output._replace(boxes=boxes))


def without_background(spec):
    return spec._replace(background=None)


RECIPE_INSIDE = OPTIONS._replace(preprocess="engine", source=(64, 48))
SUPPRESSION_INSIDE = OPTIONS._replace(nms="engine")


@pytest.mark.parametrize(
    "options, changed, other",
    [
        (RECIPE_INSIDE, with_another_mean, SUPPRESSION_INSIDE),
        (SUPPRESSION_INSIDE, with_another_overlap, RECIPE_INSIDE),
        (SUPPRESSION_INSIDE, with_boxes_in_pixels, RECIPE_INSIDE),
        (SUPPRESSION_INSIDE, without_background, RECIPE_INSIDE),
    ],
)
def test_a_record_that_changed_under_an_engine_that_holds_it(spec, options, changed, other):
    """Only what is inside the engine keeps it from fitting."""
    for holds_it_not in (OPTIONS, other):
        plan = write_engine(spec, holds_it_not)
        assert manifest.require_fit(plan, changed(spec), "8.2.1", HERE)

    plan = write_engine(spec, options)
    assert manifest.require_fit(plan, spec, "8.2.1", HERE)
    with pytest.raises(
        CourseError, match="model.json has changed since, and what it says is inside"
    ):
        manifest.require_fit(plan, changed(spec), "8.2.1", HERE)

    # One of an older kit does not say what is inside
    change_record(plan, recipe="")
    assert manifest.require_fit(plan, changed(spec), "8.2.1", HERE)


def test_the_command_says_where_to_and_what_was_forced(spec):
    words = shlex.split(OPTIONS._replace(force=True, level=2).command(spec, "my engines/a.engine"))
    assert words[-5:] == ["--out", "my engines/a.engine", "--level", "2", "--force"]


def test_a_model_in_the_kit_is_called_by_its_name():
    assert find_model("ssd_resnet18_traffic").reference == "ssd_resnet18_traffic"
