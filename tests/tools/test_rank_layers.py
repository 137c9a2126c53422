"""The ranking finds the layer made to suffer, survives Ctrl-C, and prints --keep-float patterns."""

import fnmatch
import os
import re
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from onnx import numpy_helper

import rank_layers
from conftest import KIT
from onnx_nets import small_model
from trt_course.builder import graph, precision
from trt_course.media.pictures import images_in, read_image

COMMAND = [sys.executable, "-u", "tools/rank_layers.py", "ssd_mobilenet_v2_signs"]
# The progress bar past the first layer; a fast machine's bar leaves numbers out.
SECOND_LAYER = re.compile(r"rank:.* ([2-9]|[1-5]\d)/78")
HERE = {"cwd": str(KIT), "env": dict(os.environ, PYTHONPATH=str(KIT), TQDM_DISABLE="")}


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


@pytest.fixture
def plain(small):
    return graph.load_plain(small.onnx)


@pytest.fixture
def bench(small, tmp_path):
    pictures = [read_image(path) for path in images_in(small.folder / "pictures")[:2]]
    return rank_layers.Bench(small, tmp_path, pictures)


def spoil(model, layer):
    """Make the scales of a layer's weights 30 times as coarse."""
    for tensor in model.graph.initializer:
        if tensor.name == layer + "_weight_scale":
            coarse = 30 * numpy_helper.to_array(tensor)
            tensor.CopyFrom(numpy_helper.from_array(coarse, tensor.name))


@pytest.mark.parametrize("layer", ["stem", "body", "conf"])
def test_the_worst_layer_comes_first(bench, small, plain, layer):
    quantised = precision.int8(small, plain, small.folder / "pictures")
    assert set(rank_layers.quantised_layers(quantised)) == {"stem", "body", "conf", "move"}
    spoil(quantised, layer)
    ranked = rank_layers.rank(bench, plain, quantised)
    assert len(ranked) == 4
    (first, harm), (_, next_harm) = ranked[:2]
    assert first == layer
    assert sum(harm.values()) > 3 * sum(next_harm.values()) > 0

    lines = rank_layers.table(ranked).splitlines()
    assert lines[0].split() == ["layer", "boxes", "scores"]
    assert lines[1].split()[0] == layer


def test_a_layer_of_one_head_leaves_the_other_alone(bench, small, plain):
    quantised = precision.int8(small, plain, small.folder / "pictures")
    ranked = dict(rank_layers.rank(bench, plain, quantised))
    assert ranked["conf"]["boxes"] == 0 < ranked["conf"]["scores"]
    assert ranked["move"]["scores"] == 0 < ranked["move"]["boxes"]


def test_all_float_is_the_plain_model(bench, small, plain):
    quantised = precision.int8(small, plain, small.folder / "pictures")
    before = quantised.SerializeToString()
    undone = rank_layers.with_float(quantised, {node.name for node in plain.graph.node})
    wanted = bench.outputs(plain)
    got = bench.outputs(undone)
    assert all(np.allclose(wanted[name], got[name], atol=1e-6) for name in wanted)
    assert quantised.SerializeToString() == before


def test_names_with_wildcards_match_themselves_alone():
    for name in ("a[0]/b*", "what?"):
        assert fnmatch.filter([name, "a0/bx", "whatx"], rank_layers.escaped(name)) == [name]


def test_scored_pictures_are_refused_without_a_traceback():
    for data, advice in (
        ("data/signs", "for scoring"),
        ("data/none", "no folder data/none/images"),
    ):
        done = subprocess.run(
            COMMAND + ["--calibration", "data/signs", "--data", data],
            capture_output=True,
            text=True,
            **HERE,
        )
        assert done.returncode != 0
        assert advice in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_ctrl_c_keeps_what_is_done(tmp_path):
    for part in ("images/000001.jpg", "ground-truth/000001.txt"):
        (tmp_path / part).parent.mkdir()
        shutil.copy(str(KIT / "data/signs" / part), str(tmp_path / part))
    calibration = tmp_path / "calibration"
    calibration.mkdir()
    picture = KIT / "data/calibration/signs/images/000001.jpg"
    shutil.copy(str(picture), str(calibration))
    command = COMMAND + ["--calibration", str(calibration), "--data", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **HERE
    ) as job:
        seen = ""
        ends = time.monotonic() + 120
        while time.monotonic() < ends and not SECOND_LAYER.search(seen[-200:]):
            seen += job.stderr.read(1)
        job.send_signal(signal.SIGINT)
        out, err = job.communicate(timeout=120)
    assert job.returncode == 0
    assert "of 78 layers are ranked" in err
    assert "Traceback" not in err
    lines = out.splitlines()
    assert lines[0].split() == ["layer", "boxes", "scores"]
    assert 3 <= len(lines) < 80
    assert [line.split()[0] for line in lines if "mAP" in line] == ["FP32", "INT8", "INT8,"]
    assert lines[-1].startswith("--keep-float '")
