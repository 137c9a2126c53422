"""Makes .venv and installs what `make demo` or `make test` needs. Stdlib only, Python 3.6 syntax: it runs first.

A second run installs nothing: .venv keeps a stamp of the requirements it was made from.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

KIT = Path(__file__).resolve().parent.parent
VENV = KIT / ".venv"
PYTHON = VENV / "bin" / "python"
ON_JETSON = Path("/etc/nv_tegra_release").exists()
HEADLESS = (
    "OpenCV's windows need libGL and libxcb, which this machine lacks: installed "
    "opencv-python-headless "
    "instead. For windows (--show): sudo apt install libgl1 libglib2.0-0 libxcb1, remove .venv, "
    "make demo."
)


def say(text):
    print("[setup] " + text, flush=True)


def run(*command):
    done = subprocess.run([str(c) for c in command])
    if done.returncode:
        sys.exit(
            "[setup] This failed: {}\n[setup] See the lines above; mend it and run the same make command again.".format(
                " ".join(map(str, command))
            )
        )


def requirements(extra):
    """The files to install, most basic first."""
    if ON_JETSON and sys.version_info < (3, 8):
        return [KIT / "requirements-jetpack4.txt"]
    return [KIT / "requirements.txt"] + ([KIT / "requirements-dev.txt"] if extra else [])


def stamp_of(files):
    text = b"".join(f.read_bytes() for f in files) + sys.version.encode()
    return hashlib.sha256(text).hexdigest()


def make_venv():
    if PYTHON.exists():
        return
    say("making .venv with Python {}.{}".format(*sys.version_info[:2]))
    options = ["--system-site-packages"] if ON_JETSON else []
    done = subprocess.run([sys.executable, "-m", "venv"] + options + [str(VENV)])
    if done.returncode:
        sys.exit(
            "[setup] Python cannot make a virtual environment here. On Debian, Ubuntu and "
            "JetPack install it "
            "with: sudo apt install python3-venv python3-pip"
        )


def pip(*args):
    run(PYTHON, "-m", "pip", "install", "-q", "--disable-pip-version-check", *args)


def install(files):
    for file in files:
        say(f"installing {file.name} (minutes, the first time)")
        if ON_JETSON:
            kept = [
                line
                for line in file.read_text().splitlines()
                if not line.startswith(("opencv", "numpy", "-r"))
            ]
            file = VENV / file.name
            file.write_text("\n".join(kept) + "\n")
        pip("-r", file)
    pip("--no-deps", "--no-build-isolation" if sys.version_info < (3, 7) else "-q", "-e", KIT)


def can_import(module):
    return (
        subprocess.run(
            [str(PYTHON), "-c", "import " + module], stderr=subprocess.DEVNULL
        ).returncode
        == 0
    )


def mend_opencv():
    """pip's opencv-python links to the X libraries that a server does not have.

    The headless wheel does not.
    """
    if can_import("cv2"):
        return
    if ON_JETSON:
        sys.exit("[setup] JetPack's OpenCV is missing: sudo apt install python3-opencv")
    run(PYTHON, "-m", "pip", "uninstall", "-q", "-y", "opencv-python")
    pip("opencv-python-headless")
    say(HEADLESS)


def main():
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
