"""Requirements: the JetPack file is resolved for its real Python and machine, all have tested lower bounds."""

import subprocess
import sys
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent
JETPACK = [
    "--python-version",
    "3.6",
    "--implementation",
    "cp",
    "--abi",
    "cp36m",
    "--platform",
    "manylinux2014_aarch64",
    "--only-binary=:all:",
]


def resolve(tmp_path, requirements, version, machine):
    """pip's own resolution for another Python and machine, wheels only."""
    platforms = [
        part
        for tag in ("manylinux2014", "manylinux_2_27", "manylinux_2_28")
        for part in ("--platform", tag + "_" + machine)
    ]
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "-q",
            "--target",
            str(tmp_path),
            "--python-version",
            version,
            "--implementation",
            "cp",
            "--abi",
            "cp" + version.replace(".", ""),
            "--abi",
            "abi3",
            "--abi",
            "none",
            *platforms,
            "--only-binary=:all:",
            "-r",
            str(requirements),
        ],
        capture_output=True,
        text=True,
    )


@pytest.mark.long
@pytest.mark.parametrize(
    "version, machine",
    [("3.8", "aarch64"), ("3.10", "aarch64"), ("3.9", "x86_64"), ("3.13", "x86_64")],
)
def test_requirements_resolve_on_other_machines(tmp_path, version, machine):
    kept = [
        line
        for line in (KIT / "requirements.txt").read_text().splitlines()
        if not (machine == "aarch64" and line.startswith(("numpy", "opencv")))
    ]  # JetPack brings them
    (tmp_path / "r.txt").write_text("\n".join(kept))
    done = resolve(tmp_path / "x", tmp_path / "r.txt", version, machine)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
def test_jetpack4_resolves_for_python36_on_aarch64(tmp_path):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--target",
            str(tmp_path),
            "-q",
            "--report",
            str(tmp_path / "report.json"),
            *JETPACK,
            "-r",
            str(KIT / "requirements-jetpack4.txt"),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "onnxruntime-1.10" in (tmp_path / "report.json").read_text()


def test_what_jetpack_brings_is_not_asked_for():
    text = (KIT / "requirements-jetpack4.txt").read_text()
    wanted = [
        line.split(">")[0].strip()
        for line in text.splitlines()
        if line and not line.startswith("#")
    ]
    assert not set(wanted) & {"numpy", "opencv-python", "tensorrt", "pycuda", "matplotlib"}


@pytest.mark.long
@pytest.mark.parametrize("package", ["matplotlib", "pycuda", "pycocotools", "jupyterlab==3.2.9"])
def test_what_jetson_md_lists_apart_has_no_wheel(tmp_path, package):
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "-q",
            "--target",
            str(tmp_path),
            *JETPACK,
            package,
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert package.split("=")[0] in (KIT / "docs/jetson.md").read_text().lower()


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-nvidia.txt"]
)
def test_every_requirement_has_a_lower_bound(name):
    for line in (KIT / name).read_text().splitlines():
        if line and not line.startswith(("#", "-r")):
            assert ">=" in line, line
