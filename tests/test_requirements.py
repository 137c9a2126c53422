"""Requirements: the JetPack file is resolved for its real Python and machine, all have tested lower bounds."""
import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent
JETPACK = ["--python-version", "3.6", "--implementation", "cp", "--abi", "cp36m", "--platform",
           "manylinux2014_aarch64", "--only-binary=:all:"]


@pytest.mark.slow
def test_jetpack4_resolves_for_python36_on_aarch64(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--target", str(tmp_path), "-q",
         "--report", str(tmp_path / "report.json"), *JETPACK, "-r", str(KIT / "requirements-jetpack4.txt")],
        capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "onnxruntime-1.10" in (tmp_path / "report.json").read_text()


def test_what_jetpack_brings_is_not_asked_for():
    text = (KIT / "requirements-jetpack4.txt").read_text()
    wanted = [line.split(">")[0].strip() for line in text.splitlines() if line and not line.startswith("#")]
    assert not set(wanted) & {"numpy", "opencv-python", "tensorrt", "pycuda", "matplotlib"}


@pytest.mark.slow
@pytest.mark.parametrize("package", ["matplotlib", "pycuda", "pycocotools", "jupyterlab==3.2.9"])
def test_what_jetson_md_lists_apart_has_no_wheel(tmp_path, package):
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "-q", "--target",
                           str(tmp_path), *JETPACK, package], capture_output=True, text=True)
    assert done.returncode != 0
    assert package.split("=")[0] in (KIT / "docs/jetson.md").read_text().lower()


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-nvidia.txt"])
def test_every_requirement_has_a_lower_bound(name):
    for line in (KIT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-r")):
            assert ">=" in line, line
