"""The doctor speaks where everything else cannot: with NumPy or OpenCV missing, or broken."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from trt_course.__main__ import main
from trt_course.support import doctor

KIT = Path(__file__).resolve().parent.parent.parent


def test_doctor_always_ends_well(capsys):
    assert main(["doctor"]) == 0
    said = capsys.readouterr().out
    for what in (
        "Python",
        "OpenCV",
        "GStreamer",
        "ONNX Runtime",
        "TensorRT",
        "CUDA",
        "GPU",
        "ffmpeg",
        "JetPack",
    ):
        assert what in said
    assert "pip install" in said


def test_doctor_advises_on_everything_that_is_missing():
    lost = [finding._replace(found="") for finding in doctor.findings()]
    lines = doctor.report(lost).splitlines()
    assert all(finding.advice in line for finding, line in zip(lost, lines))
    assert [finding.what for finding in lost if not finding.advice] == ["Python", "CPU cores"]
    assert "Models will run on the CPU" in lines[-1]
    assert doctor.report([doctor.Finding("TensorRT", "8.6", "")]).endswith("TensorRT is here.")


def run_python(*words, path=()):
    """Python in the kit's folder, with these folders first where modules are looked for."""
    folders = [str(folder) for folder in (*path, KIT)]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(folders))
    return subprocess.run(
        [sys.executable, *words], cwd=str(KIT), env=environment, capture_output=True, text=True
    )


ALONE = """
import importlib.util, sys
spec = importlib.util.spec_from_file_location("doctor", {file!r})
sys.modules["doctor"] = doctor = importlib.util.module_from_spec(spec)
spec.loader.exec_module(doctor)
print(doctor.report())
"""


def test_doctor_survives_broken_modules(tmp_path):
    """Also by itself, without the package around it."""
    for name in ("cv2", "onnxruntime", "tensorrt"):
        (tmp_path / (name + ".py")).write_text("raise RuntimeError('broken')")
    done = run_python("-c", "from trt_course.support import doctor")
    assert done.returncode == 0, done.stderr
    done = run_python("-c", ALONE.format(file=doctor.__file__), path=[tmp_path])
    assert done.returncode == 0, done.stderr
    assert "OpenCV                 - make demo installs it" in done.stdout


# What keeps a library from being imported: files in a folder that stands first on the path. A file
# sitecustomize.py runs before the program.
ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {library!r}:
            raise ModuleNotFoundError("No module named " + repr(name), name=name)

sys.meta_path.insert(0, Absent())
"""
MISSING_FILE = "libGL.so.1: cannot open shared object file"
WAYS = {
    "absent": ("sitecustomize.py", ABSENT, "No module named"),
    "ImportError": (
        "{library}.py",
        "raise ImportError('a part of it is missing')",
        "a part of it is missing",
    ),
    "OSError": ("{library}.py", f"raise OSError({MISSING_FILE!r})", MISSING_FILE),
    "any error": ("{library}.py", "print('noise'); 1 / 0", "division by zero"),
    "no words": ("{library}.py", "raise RuntimeError", "RuntimeError"),
    "empty": ("{library}.py", "", "only an empty folder"),
}


@pytest.fixture(params=["numpy", "cv2"])
def library(request):
    return request.param


@pytest.fixture(params=list(WAYS))
def broken(request, library, tmp_path):
    """A folder that keeps a library from being imported, and what the error says."""
    file, code, reason = WAYS[request.param]
    (tmp_path / file.format(library=library)).write_text(code.format(library=library))
    return tmp_path, reason


def test_doctor_speaks_without_a_library(library, broken):
    folder, _ = broken
    done = run_python("-m", "trt_course", "doctor", path=[folder])
    assert done.returncode == 0, done.stderr

    # A library may say something before it breaks, but not in the middle of the table.
    table = done.stdout[done.stdout.index("Python ") :].splitlines()
    names = [line.split("  ")[0] for line in table]
    assert names[:4] == ["Python", "CPU cores", "NumPy", "OpenCV"]
    assert "Models will run on the CPU" in table[-1]

    row = names.index({"numpy": "NumPy", "cv2": "OpenCV"}[library])
    assert "  - make demo installs it" in table[row]


def test_every_other_command_is_one_sentence(library, broken):
    folder, reason = broken
    done = run_python("-m", "trt_course", "models", path=[folder])
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    sentence = done.stderr.splitlines()[-1]
    assert sentence.startswith(f"trt_course: The Python module '{library}'")
    assert reason in sentence
    assert "pip install" in sentence
    assert sentence.endswith("python -m trt_course doctor says what else is missing.")


@pytest.mark.parametrize("words", [[], ["--help"], ["doctor", "--help"]])
def test_so_is_anything_else(tmp_path, words):
    (tmp_path / "cv2.py").write_text("raise ImportError")
    done = run_python("-m", "trt_course", *words, path=[tmp_path])
    assert done.returncode == 2
    assert done.stderr.startswith("trt_course: The Python module 'cv2'")
    assert done.stderr.count("\n") == 1


TRY = """
try:
    import trt_course
except ImportError as err:
    print(type(err).__name__, err)
"""


def test_importing_the_package_says_what_is_missing(library, broken):
    folder, reason = broken
    done = run_python("-c", TRY, path=[folder])
    assert done.returncode == 0, done.stderr
    sentence = done.stdout.splitlines()[-1]
    assert sentence.startswith(f"MissingLibraryError The Python module '{library}'")
    assert reason in sentence
    assert sentence.endswith("doctor says what else is missing.")


def test_support_needs_neither_numpy_nor_opencv():
    """All of it but the package's own first lines."""
    code = (
        "import sys; sys.argv = ['-m']; sys.modules['numpy'] = sys.modules['cv2'] = None\n"
        "from trt_course.support import doctor, errors, files, machine, progress, trace\n"
        "print(machine.facts()['python'])"
    )
    done = run_python("-c", code)
    assert done.returncode == 0, done.stderr
