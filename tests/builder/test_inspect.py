"""`inspect`: the layers of an engine, slowest first, and what it is of. TensorRT is a stand-in."""

import json

import pytest

from conftest import write_conv_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.builder.inspect import inspect
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import plan
from trt_course.engine.trt import TrtEngine


@pytest.fixture
def engine(monkeypatch, tmp_path):
    """The path of an engine for batches of 1 to 4."""
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 8.6, cuda_stand_in.install(monkeypatch, "pycuda"))
    spec = find_model(write_conv_model(tmp_path / "cells"))
    return engine_from_onnx(spec, Options("fp32", (1, 2, 4)))


def test_the_command_prints_the_layers_and_keeps_what_tensorrt_said(engine, tmp_path, capsys):
    figures = tmp_path / "layers.json"
    assert main(["inspect", str(engine), "--json", str(figures)]) == 0
    title, head, *lines = capsys.readouterr().out.splitlines()
    assert title == (
        "fp32-b1-2-4.engine: 9 layers, 4.50 ms for a batch of 4, fp32, TensorRT 8.6.1 on Stand-in"
    )
    assert head.split() == ["us", "share", "output", "format", "kind", "name"]
    assert len(lines) == 9
    assert lines[0].split() == ["500.0", "11.1", "%", "kernel", "eye"]
    layers = json.loads(figures.read_text())
    assert [layer["Name"] for layer in layers] == [line.split()[-1] for line in lines]
    assert {layer["microseconds"] for layer in layers} == {500.0}


def test_layers_stand_by_their_times_with_what_is_known_of_them(engine, monkeypatch):
    layers = [
        {"Name": "quick", "microseconds": 10.0, "LayerType": "NoOp", "Outputs": []},
        {
            "Name": "conv1 + relu1",
            "microseconds": 150.0,
            "LayerType": "CaskConvolution, and more",
            "Outputs": [{"Format/Datatype": "Channel major FP16 format where it is long"}],
        },
        {"Name": "middle", "microseconds": 40.0, "Outputs": ["an older TensorRT's text"]},
        {"Name": "bare", "microseconds": 0.0, "Outputs": [{}]},
    ]
    monkeypatch.setattr(TrtEngine, "layers", lambda engine: layers)
    report, in_order = inspect(engine)
    assert [layer["Name"] for layer in in_order] == ["conv1 + relu1", "middle", "quick", "bare"]
    assert report.splitlines()[0].startswith("fp32-b1-2-4.engine: 4 layers, 0.20 ms for a batch")
    assert [line.rstrip() for line in report.splitlines()[1:]] == [
        "       us   share  output format                kind                name",
        "    150.0  75.0 %  Channel major FP16 format wh  CaskConvolution, a  conv1 + relu1",
        "     40.0  20.0 %                                                    middle",
        "     10.0   5.0 %                                NoOp                quick",
        "      0.0   0.0 %                                                    bare",
    ]


def test_without_any_time_there_is_no_share(engine, monkeypatch):
    bare = [{"Name": "bare", "microseconds": 0.0}]
    monkeypatch.setattr(TrtEngine, "layers", lambda engine: bare)
    report, _ = inspect(engine)
    assert report.splitlines()[2].split() == ["0.0", "0.0", "%", "bare"]


def test_what_is_no_engine_is_told(engine, capsys):
    with pytest.raises(CourseError, match="model.onnx is no .engine file. Build one: python -m"):
        inspect(engine.parent.parent / "model.onnx")
    assert main(["inspect", str(engine.parent / "none.engine")]) == 2
    assert "none" in capsys.readouterr().err
