"""Parity of two engines on the CPU, one of them changed: pixels, confidences, lost boxes, mAP."""

import json

import cv2
import numpy as np
import pytest
from onnx import helper, load, numpy_helper, save

from conftest import WIDTH, cell_boxes, write_model
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.engine import CpuEngine
from trt_course.engine.choose import Opened
from trt_course.measure.parity import Parity, compare


@pytest.fixture
def spec(tmp_path):
    return find_model(write_model(tmp_path / "cells"))


@pytest.fixture
def data(tmp_path, cell_picture):
    """A picture with a red and a green cell, and a black one."""
    folder = tmp_path / "data"
    for part in ("images", "ground-truth"):
        (folder / part).mkdir(parents=True)
    cv2.imwrite(str(folder / "images/a.png"), cell_picture)
    cv2.imwrite(str(folder / "images/b.png"), np.zeros_like(cell_picture))
    (folder / "ground-truth/a.txt").write_text("red 64 32 96 64\ngreen 192 128 224 160\n")
    (folder / "ground-truth/b.txt").write_text("")
    return folder


def changed_network(path, shift, gain, floor):
    """The network with its boxes moved, and the scores of its classes multiplied and lifted."""
    model = load(str(path))
    graph = model.graph
    for tensor in graph.initializer:
        if tensor.name == "cells":
            moved = cell_boxes() + np.float32(shift / WIDTH)
            tensor.CopyFrom(numpy_helper.from_array(moved, "cells"))

    gains = np.float32(gain).reshape(1, 1, 3)
    floors = np.float32([floor, 0, 0]).reshape(1, 1, 3)
    graph.initializer.append(numpy_helper.from_array(gains, "gain"))
    graph.initializer.append(numpy_helper.from_array(floors, "floor"))
    graph.node.insert(3, helper.make_node("Mul", ["colours", "gain"], ["gained"]))
    graph.node.insert(4, helper.make_node("Max", ["gained", "floor"], ["seen"]))
    (scores,) = [node for node in graph.node if node.output[0] == "scores"]
    scores.input[1] = "seen"
    return model


@pytest.fixture
def other(spec, tmp_path, monkeypatch):
    """Opens what is asked of TensorRT on the CPU, from a copy of the network with changes."""

    def change(shift=0.0, gain=(1, 1, 1), floor=0.0):
        model = changed_network(spec.onnx, shift, gain, floor)
        save(model, str(tmp_path / "other.onnx"))

    def open_engine(spec, backend, *_):
        path = spec.onnx
        if backend == "tensorrt":
            path = tmp_path / "other.onnx"
        return Opened(CpuEngine(path), spec.input, None, spec.output, f"{path.name} for {backend}")

    monkeypatch.setattr("trt_course.ssd.open_engine", open_engine)
    return change


def test_the_same_network_has_no_distance(spec, data, other):
    other()
    assert compare(spec, None, data) == Parity(
        engine="other.onnx for tensorrt",
        pictures=2,
        boxes=2,
        alone=0,
        worst_pixels=0.0,
        worst_confidence=0.0,
        map_engine=1.0,
        map_cpu=1.0,
    )


def test_pixels_of_the_picture_and_confidences(spec, data, other):
    other(shift=1.5, gain=(1, 1, 0.99))
    found = compare(spec, None, data)
    assert (found.boxes, found.alone) == (2, 0)
    # The pictures are twice as large as the input.
    assert found.worst_pixels == pytest.approx(3.0, abs=1e-3)
    assert found.worst_confidence == pytest.approx(0.01, abs=1e-4)
    assert found.map_cpu == found.map_engine == 1.0


@pytest.mark.parametrize("shift", [1.5, -1.5])
def test_a_corner_is_far_off_in_any_direction(spec, data, other, shift):
    other(shift=shift)
    assert compare(spec, None, data).worst_pixels == pytest.approx(3.0, abs=1e-3)


@pytest.mark.parametrize("gain", [0.8, 1.2])
def test_the_worst_confidence_is_shown_be_it_higher_or_lower(spec, data, other, gain):
    other(gain=(1, gain, 0.99))  # 0.78 of the green cell, and 1 of the red
    found = compare(spec, None, data)
    assert found.worst_confidence == pytest.approx(0.2 * 0.7843, abs=1e-3)


def test_a_box_fainter_than_the_threshold_is_still_a_partner(spec, data, other):
    """It is not one that the engine has lost, nor one that only the engine has."""
    other(gain=(1, 0.3, 1))
    found = compare(spec, None, data)
    assert (found.boxes, found.alone) == (2, 0)
    assert found.worst_confidence == pytest.approx(0.7 * 0.7843, abs=1e-3)


# The boxes have 32 x 32 pixels, and 33 x 33 are counted; they move by 2 and by 1.5 times the shift:
# (33 - 6.8) x (33 - 5.1) pixels are 0.506 of what both cover, (33 - 7) x (33 - 5.25) are 0.495.
@pytest.mark.parametrize("shift, alone", [(3.4, 0), (3.5, 4)])
def test_partners_overlap_by_half(spec, data, other, shift, alone):
    other(shift=shift)
    assert compare(spec, None, data).alone == alone


def test_a_box_that_the_engine_loses_is_alone(spec, data, other):
    other(gain=(1, 0, 1))
    found = compare(spec, None, data)
    assert (found.boxes, found.alone) == (2, 1)
    assert (found.map_cpu, found.map_engine) == (1.0, 0.5)
    assert found.report() == (
        "other.onnx for tensorrt\n"
        "  2 pictures, 2 boxes, 1 of them without a partner\n"
        "  farthest corner 0.000 pixels, confidence 0.0000\n"
        "  mAP 50.00 %, on the CPU 100.00 %, difference -0.5000"
    )


def test_boxes_that_only_the_engine_finds_are_alone(spec, data, other):
    other(floor=0.9)
    found = compare(spec, None, data)
    assert found.alone == 2 * 48  # each cell of both pictures is blue to it
    assert found.boxes == found.alone + 2


def test_boxes_too_far_apart_are_no_partners(spec, data, other):
    other(shift=40)
    found = compare(spec, None, data)
    assert (found.boxes, found.alone) == (4, 4)


def test_no_boxes_at_all(spec, data, other):
    other()
    (data / "images" / "a.png").unlink()
    (data / "ground-truth" / "a.txt").unlink()
    (data / "ground-truth" / "b.txt").write_text("red 1 1 9 9\n")
    found = compare(spec, None, data)
    assert (found.pictures, found.boxes) == (1, 0)
    assert (found.worst_pixels, found.map_cpu) == (0.0, 0.0)


def test_command_and_its_figures(spec, data, other, tmp_path, capsys):
    other()
    record = tmp_path / "p.json"
    words = ["compare", str(spec.folder), "--data", str(data), "--json", str(record)]
    assert main(words) == 0
    assert "farthest corner 0.000 pixels" in capsys.readouterr().out
    assert json.loads(record.read_text())["map_engine"] == 1.0
    with pytest.raises(CourseError, match="There is no folder"):
        compare(spec, None, tmp_path / "nowhere")
