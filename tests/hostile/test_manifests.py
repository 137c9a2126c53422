"""The record beside an engine: whatever stands there, one sentence, and the CPU goes on."""

import json
import os

import pytest

from conftest import write_model
from trt_course import CourseError, find_model
from trt_course.builder.onnx import Options
from trt_course.engine import manifest
from trt_course.engine.cuda import Device

HERE = Device("NVIDIA Tegra X1", "5.3")


@pytest.fixture
def spec(tmp_path):
    return find_model(write_model(tmp_path / "cells"))


@pytest.fixture
def plan(spec):
    path = spec.folder / "engines" / "a.engine"
    path.parent.mkdir()
    path.write_bytes(b"a plan")
    command = Options().command(spec)
    manifest.write(spec, Options(), path, "10.0", HERE, "onnx", 1.0, command)
    return path


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"preprocess": "engine", "source": None}, "source is null; wanted: the width and height"),
        ({"preprocess": "engine", "source": 0}, "source is 0; wanted: a list of 2 numbers"),
        ({"preprocess": "engine", "source": []}, "source is"),
        ({"preprocess": "engine", "source": [0, 48]}, "source[0] is 0"),
        ({"preprocess": "gpu"}, "preprocess is 'gpu'; allowed: host, engine"),
        ({"nms": ""}, "nms is ''; allowed: host, engine"),
        ({"batch": [1, 2, 10**12]}, "batch[2] is 1000000000000"),
        ({"batch": [1, True, 2]}, "batch[1] is True"),
        ({"threshold": float("nan")}, "threshold is nan"),
        ({"recipe": [[]]}, "recipe is"),
        ({"model_sha256": None}, "model_sha256 is None"),
        ({"built": [1]}, "built is"),
        ({"command": {}}, "command is"),
        ({"route": "x"}, "route is 'x'"),
    ],
)
def test_malformed_manifests(plan, fields, said):
    path = manifest.manifest_path(plan)
    record = dict(json.loads(path.read_text()), **fields)
    path.write_text(json.dumps(record))
    with pytest.raises(CourseError) as refused:
        manifest.read(plan)
    assert "a.json: " in str(refused.value)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text", ["[" * 200000, '"a"', '{"x": ' * 100000, " " * (5 << 20), '{"gpu": "a", "gpu": "b"}']
)
def test_what_is_no_manifest(plan, text):
    manifest.manifest_path(plan).write_text(text)
    with pytest.raises(CourseError, match="a.json"):
        manifest.read(plan)


def test_hidden_files_folders_and_pipes_are_no_engines(spec, plan):
    folder = plan.parent
    for name in ("._a.engine", "pipe.engine", "folder.engine"):
        (folder / name).with_suffix(".json").write_text("{}")
    (folder / "._a.engine").write_bytes(b"left by another system")
    os.mkfifo(str(folder / "pipe.engine"))
    (folder / "folder.engine").mkdir()
    assert manifest.engines_of(spec) == [plan]
