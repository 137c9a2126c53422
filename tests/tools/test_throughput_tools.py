"""The network of SSD300's size, the pictures of ladders and traces, and the ladder itself on stand-ins."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from conftest import write_conv_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import TrtSSD
from trt_course.engine import plan

KIT = Path(__file__).resolve().parents[2]


def tool(name, *args):
    return subprocess.run(
        [sys.executable, str(KIT / "tools" / name), *map(str, args)], capture_output=True, text=True
    )


@pytest.mark.slow
def test_ssd300_has_the_size_that_it_says(tmp_path):
    assert tool("ssd300.py", tmp_path / "ssd300").returncode == 0
    with TrtSSD(tmp_path / "ssd300", backend="cpu", verbose=False) as ssd:
        picture = cv2.imread(str(KIT / "data/traffic/images/000000.jpg"))
        outputs = ssd.engine.infer(ssd.prepare([picture]).request)
    assert outputs["boxes"].shape == (1, 8732, 4) and outputs["scores"].shape == (1, 8732, 81)
    candidates = (outputs["scores"][0, :, 1:] > 0.01).sum()
    assert 50 < candidates < 5000 and np.abs(outputs["boxes"]).max() < 4


def drawn(path):
    image = cv2.imread(str(path))
    return image is not None and len(np.unique(image.reshape(-1, 3), axis=0)) > 20


def test_pictures_of_ladders_and_traces(tmp_path):
    rungs = [
        {"name": name, "changed": "so", "fps": fps}
        for name, fps in (
            ("original", 200),
            ("fp16", 1700),
            ("int8", None),
            ("engine alone", 7000),
            ("decoder alone", 4700),
        )
    ]
    ladder = {"model": "m", "machine": {"gpu": "G"}, "rungs": rungs}
    spans = [
        {"ph": "X", "name": name, "pid": 1, "tid": tid, "ts": 1000.0 * i, "dur": 700.0, "args": {}}
        for i in range(20)
        for tid, name in ((1, "read"), (2, "network"))
    ]
    names = [
        {"ph": "M", "name": "thread_name", "pid": 1, "tid": tid, "args": {"name": name}}
        for tid, name in ((1, "source 1"), (2, "stream 1"))
    ]
    for told, more in (
        (ladder, ()),
        ({"traceEvents": names + spans}, ()),
        ({"traceEvents": names + spans}, ("--ms", "5,9")),
    ):
        (tmp_path / "told.json").write_text(json.dumps(told))
        done = tool("draw_ladder.py", tmp_path / "told.json", tmp_path / "out.png", *more)
        assert done.returncode == 0 and drawn(tmp_path / "out.png"), done.stderr
    (tmp_path / "told.json").write_text("{}")
    done = tool("draw_ladder.py", tmp_path / "told.json", tmp_path / "out.png")
    assert (
        done.returncode == 1
        and "neither a ladder nor a trace" in done.stderr
        and "Traceback" not in done.stderr
    )


def test_the_ladder_needs_a_gpu_and_says_so(tmp_path):
    done = tool(
        "bench_ladder.py",
        "ssd_mobilenet_v2_signs",
        "--out",
        tmp_path,
        "--only",
        "nms",
        "--seconds",
        "0.1",
    )
    assert (
        done.returncode == 1
        and "nms                     failed: " in done.stdout
        and "Traceback" not in done.stderr
    )


class Decoder:
    """One frame of PyNvVideoCodec's, again and again, on the stand-in's card."""

    width, height, average_fps, card = 1280, 720, 30.0, None

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
        return [
            SimpleNamespace(GetPtrToPlane=lambda plane: self.address, framesize=lambda: self.nbytes)
        ] * count


@pytest.mark.long
def test_the_ladder_on_stand_ins(tmp_path, monkeypatch, capsys):
    card = cuda_stand_in.install(monkeypatch, "cuda-python", memory=1 << 33)
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 11.0, card)
    codec = cuda_stand_in.module("PyNvVideoCodec")
    codec.SimpleDecoder = type("Of", (Decoder,), {"card": card})
    monkeypatch.setitem(sys.modules, "PyNvVideoCodec", codec)
    (tmp_path / "nvidia-smi").write_text(
        "#!/bin/sh\nwhile :; do echo '100.5, 2000'; sleep 0.1; done\n"
    )
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", "{}:{}".format(tmp_path, os.environ["PATH"]))
    monkeypatch.syspath_prepend(str(KIT / "tools"))
    import bench_ladder

    names = [
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
    folder = write_conv_model(tmp_path / "cells")
    monkeypatch.setattr(
        sys,
        "argv",
        [
            "bench_ladder.py",
            str(folder),
            "--out",
            str(tmp_path / "out"),
            "--sources",
            "2",
            "--seconds",
            "0.3",
            "--only",
            ",".join(names),
        ],
    )
    assert bench_ladder.main() == 0
    told = json.loads((tmp_path / "out/cells/cells.json").read_text())["rungs"]
    assert [row["name"] for row in told] == names and all(row["fps"] > 0 for row in told)
    assert [row["watts"] for row in told] == [100.5] * 8 + [
        None
    ]  # nobody asks the GPU while delays are measured
    fps = {row["name"]: row["fps"] for row in told}
    lower = min(fps["engine alone"], fps["decoder alone"])
    assert [row["name"] for row in told if "of_limit" in row] == ["graphs", "files 1"]
    assert told[-2]["of_limit"] == fps["files 1"] / lower
    assert told[-2]["of_original"] == fps["files 1"] / fps["original"]
    assert told[-1]["ratio"] > 0 and "pictures a second" in capsys.readouterr().out
    assert card.faults == []


@pytest.mark.long
def test_the_bench_of_several_gpus_with_processes_of_the_cpu(tmp_path):
    folder = write_conv_model(tmp_path / "cells")
    done = tool(
        "bench_gpus.py", "--model", folder, "--sources", "1", "--json", tmp_path / "gpus.json"
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "gpus.json").read_text())
    assert [row["gpus"] for row in rows] == [1, 2] and rows[0]["efficiency"] == 1.0
    assert (
        rows[1]["efficiency"] == rows[1]["fps"] / (2 * rows[0]["fps"]) > 0
        and "2 GPUs" in done.stdout
    )
    done = tool("bench_gpus.py", "--model", "none", "--sources", "1")
    assert done.returncode == 1 and "bench_gpus: " in done.stderr and "Traceback" not in done.stderr
