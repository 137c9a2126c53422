"""How an engine is joined to a model: what it does inside, nobody does outside."""

from types import SimpleNamespace

import pytest

from conftest import HEIGHT, WIDTH, write_model
from engine_parts import OPTIONS, change_record, write_engine
from trt_course import CourseError, find_model
from trt_course.engine import CpuEngine, manifest
from trt_course.engine import choose as opening
from trt_course.measure.evaluate import warn_of_threshold
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import placement


@pytest.fixture
def spec(tmp_path):
    return find_model(write_model(tmp_path / "cells"))


@pytest.fixture
def plan(spec):
    return write_engine(spec)


def test_plain_engines_are_wired_as_the_record_of_the_model_says(spec, plan):
    wiring = manifest.read(plan).wired(spec)
    assert wiring == manifest.Wiring(input=spec.input, inner=None, output=spec.output)


def test_suppression_inside(spec):
    plan = write_engine(spec, OPTIONS._replace(nms="engine", threshold=0.2))
    wiring = manifest.read(plan).wired(spec)
    assert wiring.input == spec.input
    assert wiring.inner is None
    assert wiring.output.is_whole_rows()
    parts = {role: part.tensor for role, part in wiring.output.parts()}
    assert parts == {role: (name,) for role, name in manifest.EFFICIENT_NMS.items()}
    assert wiring.output.threshold == 0.2
    assert wiring.output.scores.activation == "none"


def test_suppression_inside_leaves_the_units_of_the_boxes(spec):
    """A network may give its boxes in pixels: so does the engine then."""
    plan = write_engine(spec, OPTIONS._replace(nms="engine"))
    boxes = spec.output.boxes._replace(units="pixels")
    in_pixels = spec._replace(output=spec.output._replace(boxes=boxes))
    assert manifest.read(plan).wired(spec).output.units == "normalized"
    assert manifest.read(plan).wired(in_pixels).output.units == "pixels"


LAYOUTS = {"bgr": ("nhwc", (360, 640, 3)), "nv12": ("nv12", (540, 640, 1))}


@pytest.mark.parametrize("pixels", LAYOUTS)
def test_preprocessing_inside(spec, pixels):
    changed = spec.input._replace(resize="letterbox", color="RGB", mean=(1.0, 2.0, 3.0))
    spec = spec._replace(input=changed)
    inside = OPTIONS._replace(preprocess="engine", source=(640, 360), pixels=pixels)
    wiring = manifest.read(write_engine(spec, inside)).wired(spec)

    layout, shape = LAYOUTS[pixels]
    assert wiring.input == InputSpec(
        name="pictures",
        width=640,
        height=360,
        layout=layout,
        color="BGR",
        dtype="uint8",
        mean=(0.0, 0.0, 0.0),
        scale=(1.0, 1.0, 1.0),
        resize="stretch",
        pad=(0.0, 0.0, 0.0),
    )
    assert wiring.input.shape == shape
    assert wiring.inner == placement(spec, 640, 360)
    assert wiring.inner != placement(spec, WIDTH, HEIGHT)
    assert wiring.output == spec.output


def test_both_inside(spec):
    options = OPTIONS._replace(nms="engine", preprocess="engine", source=(64, 48))
    wiring = manifest.read(write_engine(spec, options)).wired(spec)
    assert wiring.input.name == "pictures"
    assert wiring.inner == placement(spec, 64, 48)
    assert wiring.output.is_whole_rows()


def test_preprocessing_inside_for_pictures_of_an_unknown_size(spec):
    plan = write_engine(spec, OPTIONS._replace(preprocess="engine", source=(640, 360)))
    change_record(plan, source=None)
    with pytest.raises(
        CourseError, match="source is null; wanted: the width and height .* Build it again"
    ):
        manifest.read(plan).wired(spec)


@pytest.mark.parametrize("nms, least", [("engine", 0.2), ("host", 0.0)])
def test_scoring_hears_of_the_threshold_inside_the_engine(spec, monkeypatch, capsys, nms, least):
    path = write_engine(spec, OPTIONS._replace(nms=nms, threshold=0.2))
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
