"""Engines built on a real GPU: precisions, work done inside, the timing cache, and refusals."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD, find_model
from trt_course.__main__ import main
from trt_course.builder import onnx
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest
from trt_course.engine.trt import TrtEngine

pytestmark = pytest.mark.usefixtures("gpu")
KIT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pictures(cell_picture):
    other = np.zeros_like(cell_picture)
    cv2.rectangle(other, (40, 40), (120, 90), (255, 30, 30), -1)
    return [cell_picture, other]


def same(ours, wanted, pixels=0.5, conf=2e-3):
    assert len(ours) == len(wanted) > 0
    ours = in_order(ours)
    wanted = in_order(wanted)
    assert np.array_equal(ours.clss, wanted.clss)
    assert np.abs(ours.boxes - wanted.boxes).max() < pixels
    assert np.abs(ours.confs - wanted.confs).max() < conf


def in_order(found):
    """Detections by class, then from the left, then from the top."""
    x = found.boxes[:, 0]
    y = found.boxes[:, 1]
    return found.keep(np.lexsort((y, x, found.clss)))


def calibration(folder, pictures):
    folder.mkdir()
    for i, picture in enumerate(pictures):
        cv2.imwrite(str(folder / f"{i}.png"), picture)
    return str(folder)


@pytest.mark.parametrize(
    "options",
    [
        Options("fp32"),
        Options("fp16"),
        Options("fp16", keep_float=("eye",)),
        Options("int8"),
        Options("fp32", nms="engine"),
        Options("fp16", (1, 4, 4), nms="engine"),
        Options("fp32", preprocess="engine", source=(256, 192)),
        Options("fp16", (1, 2, 4), nms="engine", preprocess="engine", source=(256, 192)),
        Options("int8", (2, 2, 2), nms="engine", preprocess="engine", source=(256, 192)),
    ],
    ids=lambda o: o.name(),
)
def test_every_kind_finds_what_the_cpu_finds(gpu_model, tmp_path, pictures, options):
    if options.precision == "int8":
        options = options._replace(calibration=calibration(tmp_path / "calibration", pictures))
    plan = engine_from_onnx(gpu_model, options._replace(level=0), tmp_path / "x.engine")
    with TrtSSD(gpu_model, backend="cpu", verbose=False) as cpu:
        wanted = cpu.detect_batch(pictures, 0.3)
    with TrtSSD(gpu_model, plan=plan, verbose=False) as ssd:
        assert ssd.engine.precision == options.precision
        found = ssd.detect_batch(pictures, 0.3)

    # Bytes that are resized as floats are rounded in other places
    pixels = 0.5
    conf = 3e-3
    if options.preprocess == "engine":
        pixels = 1.0
    if options.precision == "int8" or options.preprocess == "engine":
        conf = 0.02
    assert len(found) == len(wanted) == len(pictures)
    for ours, theirs in zip(found, wanted):
        same(ours, theirs, pixels, conf)


def test_suppression_by_the_network_s_own_layer(gpu_model, tmp_path, pictures, monkeypatch, capsys):
    """Where this TensorRT has none it says so, and the record of the engine says the same."""
    monkeypatch.setattr(onnx, "plugins", lambda trt: ())
    plan = engine_from_onnx(
        gpu_model, Options("fp32", nms="engine", level=0), tmp_path / "x.engine"
    )
    said = capsys.readouterr().out
    assert "has no EfficientNMS. Its own NMS layer goes in" in said
    on_host = "cannot run suppression inside the engine: it stays on the host" in said
    assert (manifest.read(plan).nms == "host") == on_host
    with TrtSSD(gpu_model, backend="cpu", verbose=False) as cpu:
        wanted = cpu.detect(pictures[0], 0.3)
    with TrtSSD(gpu_model, plan=plan, verbose=False) as ssd:
        found = ssd.detect(pictures[0], 0.3)
    same(found, wanted)


def test_the_newest_engine_that_fits_is_taken(gpu_model, plan, capsys):
    with TrtSSD(gpu_model) as ssd:
        assert isinstance(ssd.engine, TrtEngine)
    assert "cells runs with TensorRT" in capsys.readouterr().out


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("tensorrt", "7.1.3", "built by TensorRT 7.1.3, here is"),
        ("gpu", "NVIDIA Tegra X1", "built for NVIDIA Tegra X1"),
        ("capability", "5.3", "compute capability 5.3"),
        ("model_sha256", "0", "has changed since"),
        ("plan_sha256", "0", "cut short or damaged"),
    ],
)
def test_one_that_does_not_fit_is_refused(gpu_model, plan, tmp_path, field, value, said):
    other = tmp_path / "x.engine"
    other.write_bytes(plan.read_bytes())
    fields = json.loads(manifest.manifest_path(plan).read_text())
    fields[field] = value
    manifest.manifest_path(other).write_text(json.dumps(fields))
    with pytest.raises(
        CourseError, match=said + r"[\s\S]*python -m trt_course build \S*cells --precision fp32"
    ):
        TrtSSD(gpu_model, plan=other)


def test_damaged_bytes_never_reach_tensorrt(gpu_model, plan, tmp_path):
    rng = random.Random(0)
    whole = plan.read_bytes()
    damaged = tmp_path / "x.engine"
    manifest.manifest_path(damaged).write_text(manifest.manifest_path(plan).read_text())
    for i in range(30):
        data = bytearray(whole)
        place = rng.randrange(len(whole))
        if i % 2:
            del data[place:]  # cut short
        else:
            data[place] ^= 1 + rng.randrange(255)  # one byte is another
        damaged.write_bytes(bytes(data))
        with pytest.raises(CourseError, match="cut short or damaged"):
            TrtSSD(gpu_model, plan=damaged)


def test_not_a_plan_is_refused_by_tensorrt_itself(tmp_path):
    path = tmp_path / "x.engine"
    for data in (b"", b"not a plan at all" * 100):
        path.write_bytes(data)
        with pytest.raises(CourseError, match="does not open"):
            TrtEngine(path)


def test_second_build_is_fast_by_the_timing_cache(tmp_path):
    """What the cache saves is the timing of kernels, of which level 0 does none.

    All else that a build does takes as long each time, so it is left out of the comparison.
    """
    spec = find_model("ssd_mobilenet_v2_signs")
    seconds = {}
    for name, folder, level in (("first", "a", None), ("plain", "b", 0), ("second", "a", None)):
        started = time.monotonic()
        engine_from_onnx(spec, Options("fp16", level=level), tmp_path / folder / f"{name}.engine")
        seconds[name] = time.monotonic() - started
    print(", ".join(f"{name} {spent:.1f} s" for name, spent in seconds.items()))
    assert len(list(tmp_path.glob("a/timing-*.cache"))) == 1
    timing = seconds["first"] - seconds["plain"]
    timing_again = seconds["second"] - seconds["plain"]
    assert timing_again < timing / 5


def test_ctrl_c_leaves_no_half_file(tmp_path):
    out = str(tmp_path / "out" / "x.engine")
    command = [sys.executable, "-u", "-m", "trt_course", "build", "ssd_mobilenet_v2_signs"]
    build = subprocess.Popen(
        [*command, "--out", out, "--verbose"],
        cwd=str(KIT),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    assert build.stdout.readline()  # the builder speaks, so it is at work
    build.send_signal(signal.SIGINT)
    said = build.communicate(timeout=120)[1]
    assert build.returncode == 130, said
    assert "Stopped" in said
    assert not list(tmp_path.glob("out/*.engine"))


def test_inspect_and_compare(gpu_model, plan, tmp_path, capsys, pictures):
    assert main(["inspect", str(plan), "--json", str(tmp_path / "layers.json")]) == 0
    rows = json.loads((tmp_path / "layers.json").read_text())
    assert sum(row["microseconds"] for row in rows) > 0
    data = tmp_path / "data"
    for folder in ("images", "ground-truth"):
        (data / folder).mkdir(parents=True)
    cv2.imwrite(str(data / "images" / "a.png"), pictures[0])
    (data / "ground-truth" / "a.txt").write_text("red 64 32 96 64\ngreen 192 128 224 160\n")
    assert main(["compare", str(gpu_model.folder), "--engine", str(plan), "--data", str(data)]) == 0
    said = capsys.readouterr().out
    assert "2 boxes, 0 of them without a partner" in said
    assert "mAP 100.00 %, on the CPU 100.00 %" in said
