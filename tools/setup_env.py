"""Makes .venv and installs what `make demo` or `make test` needs.

It runs first: nothing but the standard library, and Python 3.6 syntax. A second run installs
nothing, for .venv keeps a stamp of the requirements that it was made from.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import List

KIT = Path(__file__).resolve().parent.parent
VENV = KIT / ".venv"
PYTHON = VENV / "bin" / "python"
ON_JETSON = Path("/etc/nv_tegra_release").exists()
FROM_JETPACK = ("opencv", "numpy", "-r")  # how the lines begin that pip leaves alone there

FAILED = """[setup] This failed: {}
[setup] See the lines above; mend it and run the same make command again."""
NO_VENV = (
    "[setup] Python cannot make a virtual environment here. On Debian, Ubuntu and JetPack install "
    "it with: sudo apt install python3-venv python3-pip"
)
NO_OPENCV = "[setup] JetPack's OpenCV is missing: sudo apt install python3-opencv"
HEADLESS = (
    "OpenCV's windows need libGL and libxcb, which this machine lacks: opencv-python-headless is "
    "installed instead. For windows (--show): sudo apt install libgl1 libglib2.0-0 libxcb1, remove "
    ".venv, make demo."
)


def say(text: str) -> None:
    """Tell what happens now."""
    print("[setup] " + text, flush=True)


def run(*command: object) -> None:
    """Run a command, and stop where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words)
    if done.returncode:
        sys.exit(FAILED.format(" ".join(words)))


def requirements(extra: bool) -> List[Path]:
    """The files to install, most basic first."""
    if ON_JETSON and sys.version_info < (3, 8):
        return [KIT / "requirements-jetpack4.txt"]
    files = [KIT / "requirements.txt"]
    if extra:
        files.append(KIT / "requirements-dev.txt")
    return files


def stamp_of(files: List[Path]) -> str:
    """What changes when the files or this Python change."""
    text = b"".join(file.read_bytes() for file in files) + sys.version.encode()
    return hashlib.sha256(text).hexdigest()


def make_venv() -> None:
    """The environment, unless it is there."""
    if PYTHON.exists():
        return
    say("making .venv with Python {}.{}".format(*sys.version_info[:2]))
    command = [sys.executable, "-m", "venv"]
    if ON_JETSON:
        command.append("--system-site-packages")
    done = subprocess.run(command + [str(VENV)])
    if done.returncode:
        sys.exit(NO_VENV)


def pip(*args: object) -> None:
    """Install something in the environment."""
    run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *args)


def install(files: List[Path]) -> None:
    """What the files name, then the kit itself."""
    for file in files:
        say("installing {} (minutes, the first time)".format(file.name))
        if ON_JETSON:
            file = without_jetpacks(file)
        pip("-r", file)

    isolation = "--no-build-isolation" if sys.version_info < (3, 7) else "-q"
    pip("--no-deps", isolation, "-e", KIT)


def without_jetpacks(file: Path) -> Path:
    """A copy of the file without what JetPack brings."""
    lines = file.read_text().splitlines()
    kept = [line for line in lines if not line.startswith(FROM_JETPACK)]
    copy = VENV / file.name
    copy.write_text("\n".join(kept) + "\n")
    return copy


def can_import(module: str) -> bool:
    """Whether the environment's Python finds the module, and all that it links to."""
    command = [str(PYTHON), "-c", "import " + module]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def mend_opencv() -> None:
    """Install the headless OpenCV where the other one cannot be imported.

    pip's opencv-python links to the X libraries, which a server does not have.
    """
    if can_import("cv2"):
        return
    if ON_JETSON:
        sys.exit(NO_OPENCV)
    run(PYTHON, "-m", "pip", "uninstall", "-q", "-y", "opencv-python")
    pip("opencv-python-headless")
    say(HEADLESS)


def main() -> None:
    """Set up what is not yet there."""
    extra = "dev" in sys.argv[1:]
    files = requirements(extra)
    stamp = stamp_of(files)
    mark = VENV / ("stamp-dev" if extra else "stamp")
    if mark.exists() and mark.read_text() == stamp and can_import("trt_course"):
        return

    os.chdir(str(KIT))
    make_venv()
    install(files)
    mend_opencv()
    mark.write_text(stamp)
    say("ready: " + os.path.relpath(str(PYTHON), str(KIT)))


if __name__ == "__main__":
    main()
