"""The tools for throughput: SSD300's network, pictures of ladders and traces, the ladder itself.

The ladder climbs on stand-ins of the GPU and of its decoder.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

import bench_ladder
from conftest import write_conv_model
from ladder.power import Power
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import TrtSSD
from trt_course.engine import plan

KIT = Path(__file__).resolve().parents[2]


def tool(name, *args):
    command = [sys.executable, str(KIT / "tools" / name), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


def assert_refused(done, said):
    """The tool failed, and told why without a traceback."""
    assert done.returncode == 1
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_ssd300_has_the_size_that_it_says(tmp_path):
    assert tool("ssd300.py", tmp_path / "ssd300").returncode == 0
    with TrtSSD(tmp_path / "ssd300", backend="cpu", verbose=False) as ssd:
        picture = cv2.imread(str(KIT / "data/traffic/images/000000.jpg"))
        outputs = ssd.engine.infer(ssd.prepare([picture]).request)
    assert outputs["boxes"].shape == (1, 8732, 4)
    assert outputs["scores"].shape == (1, 8732, 81)

    candidates = (outputs["scores"][0, :, 1:] > 0.01).sum()
    assert 50 < candidates < 5000
    assert np.abs(outputs["boxes"]).max() < 4


RUNGS = {
    "original": 200,
    "fp16": 1700,
    "int8": None,
    "engine alone": 7000,
    "decoder alone": 4700,
}
LADDER = {
    "model": "m",
    "machine": {"gpu": "G"},
    "rungs": [{"name": name, "changed": "so", "fps": fps} for name, fps in RUNGS.items()],
}


def trace():
    """Twenty pictures, read by a thread and seen by a stream."""
    events = []
    for tid, track, name in ((1, "source 1", "read"), (2, "stream 1", "network")):
        whose = {"pid": 1, "tid": tid}
        events.append({"ph": "M", "name": "thread_name", **whose, "args": {"name": track}})
        for i in range(20):
            when = {"ts": 1000.0 * i, "dur": 700.0}
            events.append({"ph": "X", "name": name, **whose, **when, "args": {}})
    return {"traceEvents": events}


@pytest.mark.parametrize(
    "told, more",
    [(LADDER, ()), (trace(), ()), (trace(), ("--ms", "5,9"))],
    ids=["ladder", "trace", "part of a trace"],
)
def test_pictures_of_ladders_and_traces(tmp_path, told, more):
    (tmp_path / "told.json").write_text(json.dumps(told))
    done = tool("draw_ladder.py", tmp_path / "told.json", tmp_path / "out.png", *more)
    assert done.returncode == 0, done.stderr
    image = cv2.imread(str(tmp_path / "out.png"))
    colours = np.unique(image.reshape(-1, 3), axis=0)
    assert len(colours) > 20


def test_what_is_neither_a_ladder_nor_a_trace_is_refused(tmp_path):
    (tmp_path / "told.json").write_text("{}")
    done = tool("draw_ladder.py", tmp_path / "told.json", tmp_path / "out.png")
    assert_refused(done, "neither a ladder nor a trace")


def test_the_ladder_needs_a_gpu_and_says_so(tmp_path):
    options = ("--out", tmp_path, "--only", "nms", "--seconds", "0.1")
    done = tool("bench_ladder.py", "ssd_mobilenet_v2_signs", *options)
    assert_refused(done, "nms                     failed: ")


class Decoder:
    """One frame of PyNvVideoCodec's, again and again, on the stand-in's card."""

    width = 1280
    height = 720
    average_fps = 30.0
    card = None

    def __init__(self, path, gpu_id, use_device_memory):
        self.nbytes = 1280 * 720 * 3 // 2
        self.address = self.card.alloc("device", self.nbytes)

    def get_stream_metadata(self):
        return self

    def __len__(self):
        return 450

    def reconfigure_decoder(self, path):
        pass

    def get_batch_frames(self, count):
        frame = SimpleNamespace(
            GetPtrToPlane=lambda plane: self.address, framesize=lambda: self.nbytes
        )
        return [frame for _ in range(count)]


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A stand-in card with TensorRT and a decoder, and an nvidia-smi that knows two figures."""
    card = cuda_stand_in.install(monkeypatch, "cuda-python", memory=1 << 33)
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 11.0, card)

    codec = cuda_stand_in.module("PyNvVideoCodec")
    codec.SimpleDecoder = type("Of", (Decoder,), {"card": card})
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", codec)

    spoke = tmp_path / "spoke"
    script = f"#!/bin/sh\nwhile :; do echo '100.5, 2000'; touch {spoke}; sleep 0.1; done\n"
    (tmp_path / "nvidia-smi").write_text(script)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    class Patient(Power):
        """Begins when nvidia-smi has spoken: a busy machine is slower to start it than to climb."""

        def __enter__(self):
            spoke.unlink(missing_ok=True)
            super().__enter__()
            until = time.monotonic() + 60
            while self._smi and not spoke.exists() and time.monotonic() < until:
                time.sleep(0.01)
            return self

    monkeypatch.setattr(bench_ladder, "Power", Patient)
    return card


CLIMBED = [
    "engine alone",
    "decoder alone",
    "original",
    "nms",
    "int8",
    "overlap",
    "graphs",
    "files 1",
    "latency",
]


@pytest.fixture
def climb(card, tmp_path, monkeypatch):
    """A function that climbs with so many seconds for each rung: the rows of the table."""
    folder = write_conv_model(tmp_path / "cells")
    command = ["bench_ladder.py", str(folder), "--out", str(tmp_path / "out")]
    command += ["--sources", "2", "--only", ",".join(CLIMBED), "--seconds"]

    def rows_in(seconds):
        monkeypatch.setattr(sys, "argv", [*command, str(seconds)])
        assert bench_ladder.main() == 0
        return json.loads((tmp_path / "out/cells/cells.json").read_text())["rungs"]

    return rows_in


@pytest.mark.long
def test_the_ladder_on_stand_ins(card, climb, capsys):
    for seconds in (0.3, 2, 10):  # a busy machine may finish no batch in less
        rows = climb(seconds)
        if all(row["fps"] for row in rows):
            break
    assert "pictures a second" in capsys.readouterr().out
    assert card.faults == []
    assert [row["name"] for row in rows] == CLIMBED
    assert all(row["fps"] > 0 for row in rows)

    # Nobody asks the GPU while delays are measured.
    latency = rows[-1]
    assert latency["ratio"] > 0
    assert latency["watts"] is None
    assert all(row["watts"] == 100.5 for row in rows[:-1])

    # Shares are of what was measured before.
    fps = {row["name"]: row["fps"] for row in rows}
    files = rows[-2]
    limit = min(fps["engine alone"], fps["decoder alone"])
    assert [row["name"] for row in rows if "of_limit" in row] == ["graphs", "files 1"]
    assert files["of_limit"] == fps["files 1"] / limit
    assert files["of_original"] == fps["files 1"] / fps["original"]


@pytest.mark.long
def test_the_bench_of_several_gpus_with_processes_of_the_cpu(tmp_path):
    folder = write_conv_model(tmp_path / "cells")
    told = tmp_path / "gpus.json"
    done = tool("bench_gpus.py", "--model", folder, "--sources", "1", "--json", told)
    assert done.returncode == 0, done.stderr
    assert "2 GPUs" in done.stdout

    one, two = json.loads(told.read_text())
    assert (one["gpus"], two["gpus"]) == (1, 2)
    assert one["efficiency"] == 1.0
    assert two["efficiency"] == two["fps"] / (2 * one["fps"]) > 0


def test_the_bench_of_several_gpus_tells_what_is_missing():
    done = tool("bench_gpus.py", "--model", "none", "--sources", "1")
    assert_refused(done, "bench_gpus: ")
