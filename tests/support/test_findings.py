"""The doctor's questions: what it makes of a machine's answers, and of those that never come."""

import os
import sys
import types

import pytest

from trt_course.support import doctor


def found(what):
    """What the doctor finds of a part."""
    return next(finding.found for finding in doctor.findings() if finding.what == what)


@pytest.fixture
def modules(monkeypatch):
    """The modules that there are: a test puts what it wants into the dictionary."""
    there = {}
    monkeypatch.setattr(doctor, "_imported", there.get)
    return there


@pytest.fixture
def programs(monkeypatch):
    """What programs print; those that are not in the dictionary are not there."""
    said = {}
    monkeypatch.setattr(doctor, "program_output", lambda program, *words: said.get(program, ""))
    return said


def module(version=None, **names):
    made = types.SimpleNamespace(**names)
    if version is not None:
        made.__version__ = version
    return made


def test_a_module_is_there_if_it_tells_its_version(modules):
    modules.update(numpy=module("1.2.3"), av=module())
    assert found("NumPy") == "1.2.3"
    assert found("PyAV") == ""
    assert found("OpenCV") == ""


@pytest.mark.parametrize(
    "line, said",
    [
        ("    GStreamer:                   YES (1.16.3)\n", "yes (1.16.3)"),
        ("    GStreamer:                   YES\n", "yes"),
        ("    GStreamer:                   NO\n", ""),
        ("", ""),
    ],
)
def test_opencv_says_whether_it_has_gstreamer(modules, line, said):
    build = "Video I/O:\n" + line + "    v4l/v4l2:  YES (linux/videodev2.h)\n"
    modules["cv2"] = module("4.8", getBuildInformation=lambda: build)
    assert found("OpenCV with GStreamer") == said


def test_an_opencv_that_says_nothing_has_no_gstreamer(modules):
    modules["cv2"] = module()
    assert found("OpenCV with GStreamer") == ""


def test_either_tensorrt_is_one(modules):
    assert found("TensorRT") == ""
    modules["tensorrt_rtx"] = module("1.1")
    assert found("TensorRT") == "RTX 1.1"
    modules["tensorrt"] = module("10.3.0")
    assert found("TensorRT") == "10.3.0"


def test_either_way_to_cuda_will_do(modules):
    assert found("CUDA from Python") == ""
    modules["cuda.bindings"] = module()
    assert found("CUDA from Python") == "cuda-python"
    modules["pycuda.driver"] = module()
    assert found("CUDA from Python") == "pycuda"


def test_an_ffmpeg_on_path_comes_before_a_package_s(modules, programs):
    assert found("ffmpeg") == ""
    modules["imageio_ffmpeg"] = module("0.6")
    assert found("ffmpeg") == "imageio-ffmpeg 0.6"
    programs["ffmpeg"] = "ffmpeg version 4.4\nbuilt with gcc"
    assert found("ffmpeg") == "ffmpeg version 4.4"


def test_the_first_gpu_is_named(programs):
    programs["nvidia-smi"] = "H200, 580.1, 143771 MiB\nH200, 580.1, 143771 MiB"
    assert found("NVIDIA GPU") == "H200, 580.1, 143771 MiB"


@pytest.mark.parametrize(
    "model, said",
    [
        ("NVIDIA Jetson Nano", "NVIDIA Jetson Nano, L4T R32 (release) REVISION: 7.1"),
        ("", "Jetson, L4T R32 (release) REVISION: 7.1"),
    ],
)
def test_a_jetson_tells_its_release(monkeypatch, model, said):
    files = {
        "/etc/nv_tegra_release": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t210ref",
        "/proc/device-tree/model": model,
    }
    monkeypatch.setattr(doctor, "file_text", lambda path: files.get(path, ""))
    assert found("JetPack") == said


def test_a_pc_is_no_jetson(monkeypatch):
    monkeypatch.setattr(doctor, "file_text", lambda path: "")
    assert found("JetPack") == ""


def test_a_program_that_fails_or_hangs_or_is_missing_says_nothing(monkeypatch, capfd):
    assert doctor.program_output(sys.executable, "-c", "print(' some words ')") == "some words"
    talking_and_failing = "import sys; print('half'); print('no', file=sys.stderr); sys.exit(1)"
    assert doctor.program_output(sys.executable, "-c", talking_and_failing) == ""
    assert doctor.program_output("no-such-program-here") == ""
    assert capfd.readouterr() == ("", "")
    odd = "import os; os.write(1, b'caf\\xe9')"
    assert doctor.program_output(sys.executable, "-c", odd) == "caf\N{REPLACEMENT CHARACTER}"

    monkeypatch.setattr(doctor, "_PATIENCE", 0.2)
    assert (
        doctor.program_output(sys.executable, "-c", "import time; time.sleep(20); print(1)") == ""
    )


def test_a_file_of_the_system_is_read_as_text(tmp_path):
    path = tmp_path / "model"
    path.write_bytes(b" NVIDIA Jetson \xff Nano\0\n")
    assert doctor.file_text(str(path)) == "NVIDIA Jetson \N{REPLACEMENT CHARACTER} Nano"
    assert doctor.file_text(str(tmp_path / "none")) == ""
    assert doctor.file_text(str(tmp_path)) == ""


def test_the_cores_are_those_that_may_be_used():
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert doctor.core_count() == "1"
    finally:
        os.sched_setaffinity(0, before)


def test_a_module_that_talks_while_it_breaks_is_silent(tmp_path, monkeypatch, capfd):
    (tmp_path / "talking_module.py").write_text(
        "import sys; print('out'); print('err', file=sys.stderr); raise OSError('libGL')"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert doctor.module_version("talking_module") == ""
    assert capfd.readouterr() == ("", "")
