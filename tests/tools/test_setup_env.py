"""The set-up does nothing twice, advises where something is missing, and lets JetPack be."""

import subprocess
import sys
from pathlib import Path

import pytest

import setup_env

KIT = Path(__file__).resolve().parents[2]


@pytest.fixture
def kit(tmp_path, monkeypatch):
    """A kit folder in which no pip runs; the commands are noted instead."""
    for name in ("requirements.txt", "requirements-dev.txt", "requirements-jetpack4.txt"):
        (tmp_path / name).write_text((KIT / name).read_text())
    calls = []

    def run(*command):
        calls.append([str(c) for c in command[1:]])

    monkeypatch.setattr(setup_env, "KIT", tmp_path)
    monkeypatch.setattr(setup_env, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(setup_env, "PYTHON", tmp_path / ".venv/bin/python")
    monkeypatch.setattr(setup_env, "run", run)
    monkeypatch.setattr(setup_env, "can_import", lambda module: True)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/python").symlink_to(sys.executable)
    return calls


def main(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["setup_env.py", *args])
    setup_env.main()


def test_second_run_installs_nothing(kit, monkeypatch):
    main(monkeypatch)
    first = len(kit)
    assert first and any("requirements.txt" in c[-1] for c in kit)
    main(monkeypatch)
    assert len(kit) == first
    main(monkeypatch, "dev")
    assert any("requirements-dev.txt" in c[-1] for c in kit[first:])


def test_changed_requirements_are_installed(kit, monkeypatch, tmp_path):
    main(monkeypatch)
    first = len(kit)
    (tmp_path / "requirements.txt").write_text("numpy\n")
    main(monkeypatch)
    assert len(kit) > first


def test_failed_install_leaves_no_stamp(kit, monkeypatch, tmp_path):
    def fail(*command):
        raise SystemExit("no network")

    monkeypatch.setattr(setup_env, "run", fail)
    with pytest.raises(SystemExit):
        main(monkeypatch)
    assert not (tmp_path / ".venv/stamp").exists()


def test_server_without_x_libraries_gets_headless_opencv(kit, monkeypatch, capsys):
    monkeypatch.setattr(setup_env, "can_import", lambda module: module != "cv2")
    main(monkeypatch)
    assert ["-m", "pip", "uninstall", "-q", "-y", "opencv-python"] in kit
    assert any("opencv-python-headless" in c for c in kit)
    assert "sudo apt install libgl1" in capsys.readouterr().out


def test_jetson_keeps_what_jetpack_brings(kit, monkeypatch, tmp_path):
    monkeypatch.setattr(setup_env, "ON_JETSON", True)
    main(monkeypatch, "dev")
    files = [Path(c[-1]) for c in kit if "-r" in c]
    assert [f.name for f in files] == ["requirements.txt", "requirements-dev.txt"]
    for file in files:
        lines = file.read_text().splitlines()
        assert not [line for line in lines if line.startswith(("opencv", "numpy", "-r"))]
    monkeypatch.setattr(sys, "version_info", (3, 6, 9))
    assert [f.name for f in setup_env.requirements(True)] == ["requirements-jetpack4.txt"]


def test_missing_venv_module_says_what_to_install(tmp_path):
    """The real script, with a venv module that fails as Debian's does without python3-venv."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements.txt").write_text("numpy\n")
    (tmp_path / "tools/setup_env.py").write_text((KIT / "tools/setup_env.py").read_text())
    (tmp_path / "venv.py").write_text("import sys; sys.exit('ensurepip is not available')")
    done = subprocess.run(
        [sys.executable, "tools/setup_env.py"],
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
    )
    assert done.returncode != 0 and "sudo apt install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()
