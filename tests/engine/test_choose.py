"""How an engine is joined to the model: what it does inside, nobody does outside."""

import numpy as np
import pytest

from odd_nets import BLACK, PIXELS, right_outputs, write_constants, write_record
from trt_course import TrtSSD, find_model
from trt_course.builder.onnx import Options
from trt_course.engine import CpuEngine, choose, manifest
from trt_course.engine.cuda import Device

HERE = Device("NVIDIA Tegra X1", "5.3")


@pytest.fixture
def suppressing(tmp_path, monkeypatch):
    """The record of a model without suppression, for which an engine with it is found.

    ONNX Runtime stands in for TensorRT: it gives what such an engine gives.
    """
    folder = tmp_path / "model"
    folder.mkdir()
    outputs = right_outputs("boxes_scores")
    write_record(folder, "boxes_scores", {role: role for role in outputs})
    write_constants(folder, outputs)
    spec = find_model(folder)

    inside = tmp_path / "inside"
    inside.mkdir()
    finished = right_outputs("efficient_nms")
    write_constants(inside, {manifest.EFFICIENT_NMS[role]: finished[role] for role in finished})

    plan = inside / "x.engine"
    plan.write_bytes(b"a plan")
    options = Options("fp16", (1, 1, 1), nms="engine", threshold=0.2)
    manifest.write(spec, options, plan, "8.2.1", HERE, "onnx", 1.0, "build it")
    opened = []

    def on_the_cpu(path, lanes, graph, precision, threshold):
        opened.append((path, lanes, graph, precision, threshold))
        return CpuEngine(inside / "model.onnx", threads=1)

    fitting = choose.Fitting(plan, manifest.read(plan))
    monkeypatch.setattr(choose, "_fitting", lambda spec, plan: fitting)
    monkeypatch.setattr(choose, "TrtEngine", on_the_cpu)
    return spec, opened


def test_boxes_that_are_finished_inside_are_not_decoded_again(suppressing):
    spec, opened = suppressing
    with TrtSSD(spec, lanes=2, graph=True, verbose=False) as ssd:
        found = ssd.detect(BLACK)
    assert found.boxes.tolist() == [PIXELS]
    assert np.allclose(found.confs, 0.875)
    assert found.clss.tolist() == [2]
    ((path, *options),) = opened
    assert path.name == "x.engine"
    assert options == [2, True, "fp16", 0.2]


def test_the_plan_is_named(suppressing, capsys):
    spec, opened = suppressing
    TrtSSD(spec).close()
    ((path, *_),) = opened
    said = capsys.readouterr().out
    assert said.startswith("odd runs with ONNX Runtime")
    assert said.rstrip().endswith(f": {path}.")
