"""Real engines by TensorRT-RTX, which builds without a GPU, and opens nothing without one."""

import contextlib
import inspect
import json
import os
import shlex
import signal
import subprocess
import sys

import cv2
import numpy as np
import pytest
from onnx import TensorProto, helper, load, save

from conftest import HEIGHT, KIT, WIDTH, write_conv_model, write_sized_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest
from trt_course.engine.cuda import open_cuda
from trt_course.engine.trt import TrtEngine
from trt_course.support.files import sha256

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:trt_course")


@pytest.fixture
def rtx(monkeypatch):
    module = pytest.importorskip("tensorrt_rtx_bindings")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    return module


@pytest.fixture
def spec(tmp_path):
    return find_model(write_conv_model(tmp_path / "cells"))


@pytest.fixture
def real_engine(rtx, spec):
    return engine_from_onnx(spec, Options("fp32", (1, 2, 4)))


def public_members(module):
    """The public names in a module, and those in its classes, each with a dot before it."""
    for name, thing in vars(module).items():
        if name[0] == "_":
            continue
        yield name
        if inspect.isclass(thing):
            for member in vars(thing):
                if member[0] != "_":
                    yield f"{name}.{member}"


def has(module, path):
    """Whether a module has what a dotted path names."""
    for part in path.split("."):
        if not hasattr(module, part):
            return False
        module = getattr(module, part)
    return True


def test_the_stand_in_of_11_has_nothing_that_the_real_one_lacks(rtx):
    ours = stand_in.tensorrt(11.0, None)
    lacks = [path for path in public_members(ours) if not has(rtx, path)]
    assert lacks == ["LayerType.OTHER"]
    gone = [path for path, span in stand_in._EXISTS.items() if span[1] <= 11]
    assert [path for path in gone if has(rtx, path)] == []


INSIDE_SMALL = dict(preprocess="engine", source=(640, 480))
INSIDE_LARGE = dict(preprocess="engine", source=(1280, 720))
REAL = [
    ("ssd_mobilenet_v2_signs", Options("fp32")),
    ("ssd_mobilenet_v2_signs", Options("fp16", batch=(1, 2, 4), **INSIDE_SMALL)),
    ("ssd_mobilenet_v2_signs", Options("int8", batch=(1, 4, 4))),
    ("ssd_resnet18_traffic", Options("fp32", batch=(1, 2, 4))),
    ("ssd_resnet18_traffic", Options("fp16", **INSIDE_LARGE)),
    ("ssd_resnet18_traffic", Options("int8")),
]


@pytest.fixture
def two_pictures(tmp_path):
    """A folder to calibrate on: two pictures are enough to build."""
    folder = tmp_path / "calibration"
    folder.mkdir()
    rng = np.random.RandomState(0)
    for name in ("0.png", "1.png"):
        cv2.imwrite(str(folder / name), rng.randint(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    return str(folder)


@pytest.mark.slow
@pytest.mark.parametrize("name, options", REAL, ids=[f"{n}-{o.name()}" for n, o in REAL])
def test_both_models_in_every_precision(rtx, tmp_path, two_pictures, capsys, name, options):
    out = tmp_path / "x.engine"
    batch = ",".join(str(pictures) for pictures in options.batch)
    words = ["build", name, "--precision", options.precision, "--out", str(out)]
    words += ["--batch", batch, "--calibration", two_pictures]
    if options.source:
        width, height = options.source
        words += ["--preprocess", "engine", "--source-size", f"{width}x{height}"]
    assert main(words) == 0
    assert "x.engine: " in capsys.readouterr().out

    made = manifest.read(out)
    assert made.model == name
    assert made.model_sha256 == find_model(name).provenance["sha256"]
    assert (made.tensorrt, made.gpu, made.capability) == ("RTX " + rtx.__version__, "any", "any")
    assert made.precision == options.precision
    assert made.batch == options.batch
    assert made.nms == "host"
    assert made.preprocess == options.preprocess
    assert made.source == options.source
    assert made.plan_sha256 == sha256(out)
    assert made.route == "onnx"
    assert set(made.built) == {"seconds", "date", "keep_float", "calibration"}
    assert f"python -m trt_course build {name} --precision {options.precision}" in made.command
    assert not list(tmp_path.glob(".*~*"))


def test_a_network_that_is_told_the_picture_s_size(rtx, tmp_path):
    """Both of its inputs have a batch, so both need a range of batches."""
    spec = find_model(write_sized_model(tmp_path / "sized"))
    plan = engine_from_onnx(spec, Options("fp32", (1, 2, 4)))
    assert manifest.read(plan).batch == (1, 2, 4)


def test_suppression_falls_back_to_the_host_with_a_note(rtx, spec, capsys):
    path = engine_from_onnx(spec, Options("fp32", nms="engine"))
    note = "cannot run suppression inside the engine: it stays on the host."
    assert note in capsys.readouterr().out
    assert manifest.read(path).nms == "host"
    assert path.name == "fp32-b1.engine"


def test_a_network_that_rtx_cannot_read(rtx, spec):
    model = load(str(spec.onnx))
    model.graph.node.append(helper.make_node("BatchTilePlugin_TRT", ["boxes"], ["tiled"]))
    model.graph.output.append(helper.make_tensor_value_info("tiled", TensorProto.FLOAT, None))
    save(model, str(spec.onnx))
    said = "TensorRT RTX .* cannot read this network: .*Plugin not found"
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(spec, Options("fp32"))


@pytest.mark.parametrize(
    "words",
    [
        ("detect", "{picture}", "--model", "{cells}", "--engine", "{plan}"),
        ("inspect", "{plan}"),
        ("compare", "{cells}", "--engine", "{plan}"),
        ("detect", "{picture}", "--model", "{cells}", "--backend", "tensorrt"),
    ],
)
def test_without_a_gpu_every_command_says_so(real_engine, spec, picture_folder, capsys, words):
    with contextlib.suppress(CourseError):
        open_cuda()
        pytest.skip("there is a GPU")
    places = {
        "picture": picture_folder / "a.jpg",
        "cells": spec.folder,
        "plan": real_engine,
    }
    assert main([word.format(**places) for word in words]) == 2

    said = capsys.readouterr().err
    no_gpu = "No NVIDIA GPU can be used here" in said
    no_library = "TensorRT needs it for memory and streams" in said
    assert no_gpu or no_library
    assert said.startswith("trt_course: ")
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda data: data, "CUDA driver version is insufficient"),
        (lambda data: b"", "it is not a TensorRT plan"),
        (lambda data: b"ONNX" + data, "it is not a TensorRT plan"),
        (lambda data: data[:500], "or is damaged"),
    ],
)
def test_what_rtx_itself_says_of_plans(real_engine, monkeypatch, change, said):
    """With a stand-in for CUDA the real TensorRT-RTX is asked to open real bytes."""
    cuda_stand_in.install(monkeypatch, "cuda-python")
    real_engine.write_bytes(change(real_engine.read_bytes()))
    with pytest.raises(CourseError, match="TensorRT RTX .* does not open .*" + said):
        TrtEngine(real_engine)


@pytest.mark.slow
def test_ctrl_c_leaves_no_half_file(rtx, tmp_path):
    for attempt in range(5):  # on a busy machine the build may be done before the signal comes
        out = tmp_path / str(attempt)
        status, said = interrupted_build(out)
        if status != 0:
            break
    assert status == 130
    assert "Stopped" in said
    assert "Traceback" not in said
    assert not out.exists() or not os.listdir(str(out))


def interrupted_build(out):
    """The status and the words of a build that Ctrl-C interrupts once the builder is at work."""
    command = [sys.executable, "-u", "-m", "trt_course", "build", "ssd_resnet18_traffic"]
    command += ["--precision", "fp32", "--out", str(out / "x.engine"), "--verbose"]
    job = subprocess.Popen(
        command,
        cwd=str(KIT),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    job.stdout.readline()  # the builder speaks, so it is at work
    job.send_signal(signal.SIGINT)
    said = job.communicate(timeout=60)[0]
    return job.returncode, said


def test_command_of_the_record_builds_the_same_again(rtx, real_engine, spec):
    command = shlex.split(manifest.read(real_engine).command)
    assert command[:5] == ["python", "-m", "trt_course", "build", str(spec.folder)]
    record = json.loads(manifest.manifest_path(real_engine).read_text())
    real_engine.unlink()
    assert main(command[3:]) == 0

    again = json.loads(manifest.manifest_path(real_engine).read_text())
    for name in ("plan_sha256", "built"):
        del record[name]
        del again[name]
    assert again == record
