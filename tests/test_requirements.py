"""Requirements: JetPack's are resolved for its real Python and machine, all have lower bounds."""

import subprocess
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement

KIT = Path(__file__).resolve().parent.parent

# pip's words for the Python of JetPack 4.
JETPACK = [
    "--python-version",
    "3.6",
    "--implementation",
    "cp",
    "--abi",
    "cp36m",
    "--platform",
    "manylinux2014_aarch64",
]


def resolve(tmp_path, *words):
    """pip's own resolution for another Python and machine, wheels only; nothing is installed."""
    pip = [sys.executable, "-m", "pip", "install", "-q"]
    dry = ["--dry-run", "--ignore-installed", "--only-binary=:all:"]
    command = pip + dry + ["--target", str(tmp_path)] + [str(word) for word in words]
    return subprocess.run(command, capture_output=True, text=True)


def words_for(version, machine):
    """pip's words for a Python of this version on a Linux machine."""
    words = ["--python-version", version, "--implementation", "cp"]
    for abi in ("cp" + version.replace(".", ""), "abi3", "none"):
        words += ["--abi", abi]
    for tag in ("manylinux2014", "manylinux_2_27", "manylinux_2_28"):
        words += ["--platform", f"{tag}_{machine}"]
    return words


def is_asked_for(line, facts):
    """Whether a line is meant for such a machine: pip would ask the machine that it runs on."""
    if not line or line.startswith("#"):
        return False
    marker = Requirement(line.partition(" #")[0]).marker
    return marker is None or marker.evaluate(facts)


def asked_for(name):
    """The requirements of one of the kit's files; there are some."""
    lines = (KIT / name).read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith(("#", "-r"))]
    assert wanted, name
    return [Requirement(line.partition(" #")[0]) for line in wanted]


@pytest.mark.long
@pytest.mark.parametrize(
    "version, machine",
    [("3.8", "aarch64"), ("3.10", "aarch64"), ("3.9", "x86_64"), ("3.13", "x86_64")],
)
def test_requirements_resolve_on_other_machines(tmp_path, version, machine):
    lines = (KIT / "requirements.txt").read_text().splitlines()
    if machine == "aarch64":  # JetPack brings them
        lines = [line for line in lines if not line.startswith(("numpy", "opencv"))]
    machine_facts = {"python_version": version, "platform_machine": machine}
    lines = [line for line in lines if is_asked_for(line, machine_facts)]
    (tmp_path / "r.txt").write_text("\n".join(lines))
    done = resolve(tmp_path / "x", *words_for(version, machine), "-r", tmp_path / "r.txt")
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_jetpack4_resolves_for_python36_on_aarch64(tmp_path):
    report = tmp_path / "report.json"
    requirements = KIT / "requirements-jetpack4.txt"
    done = resolve(tmp_path, "--report", report, *JETPACK, "-r", requirements)
    assert done.returncode == 0, done.stderr
    assert "onnxruntime-1.10" in report.read_text()


def test_what_jetpack_brings_is_not_asked_for():
    wanted = {requirement.name for requirement in asked_for("requirements-jetpack4.txt")}
    assert not wanted & {"numpy", "opencv-python", "tensorrt", "pycuda", "matplotlib"}


@pytest.mark.long
@pytest.mark.parametrize("package", ["matplotlib", "pycuda", "pycocotools", "jupyterlab==3.2.9"])
def test_what_jetson_md_lists_apart_has_no_wheel(tmp_path, package):
    done = resolve(tmp_path, *JETPACK, package)
    assert done.returncode != 0
    assert package.split("=")[0] in (KIT / "docs/jetson.md").read_text().lower()


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-nvidia.txt"]
)
def test_every_requirement_has_a_lower_bound(name):
    for requirement in asked_for(name):
        bounds = [bound.operator for bound in requirement.specifier]
        assert ">=" in bounds, requirement
