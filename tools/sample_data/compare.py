"""Whether two makings of the sample data are the same, and what differs if not."""

from pathlib import Path
from typing import List, Optional, Set

import cv2
import numpy as np

from sample_data.clip import FRAMES

EVERY = 30  # frames of the clip whose pixels are compared
CODING = 4  # grey levels by which encoders may differ on average


def compare(old: Path, new: Path) -> List[str]:
    """Every difference between two folders of pictures with ground truth."""
    made = _files_in(new)
    problems = []
    for name in sorted(made):
        found = _difference(old / name, new / name)
        if found is not None:
            problems.append(f"{old / name}: {found}")

    extra = _files_in(old) - made
    problems += [f"{old / name}: not made by this program" for name in sorted(extra)]
    return problems


def _files_in(folder: Path) -> Set[Path]:
    """Their paths, as seen from the folder."""
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _difference(old: Path, new: Path) -> Optional[str]:
    if not old.is_file():
        return "missing"
    if old.read_bytes() == new.read_bytes():
        return None
    if new.suffix == ".jpg":
        return _pixel_difference(old, new)
    return "another text"


def _pixel_difference(old: Path, new: Path) -> Optional[str]:
    """None where two JPEG files, though not the same, decode to the same pixels."""
    before = cv2.imread(str(old))
    after = cv2.imread(str(new))
    if before is None or before.shape != after.shape:
        return "another size, or unreadable"
    gap = _gaps(before, after).max()
    if gap == 0:
        return None
    return f"pixels differ by up to {gap}"


def _gaps(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """By how many grey levels each value is off."""
    return np.abs(old.astype(int) - new)


def compare_clip(old: Path, new: Path) -> List[str]:
    """The ground truth must be equal; frames may differ as far as encoders do."""
    problems = []
    truth = old / "street.json"
    if truth.read_bytes() != (new / "street.json").read_bytes():
        problems.append(f"{truth}: another text")

    clip = old / "street.mp4"
    old_video = cv2.VideoCapture(str(clip))
    new_video = cv2.VideoCapture(str(new / "street.mp4"))
    for number in range(FRAMES):
        _, before = old_video.read()
        _, after = new_video.read()
        if before is None or after is None or before.shape != after.shape:
            problems.append(f"{clip}: no frame {number}, or another size")
            break
        if number % EVERY:
            continue
        if _gaps(before, after).mean() > CODING:
            problems.append(f"{clip}: frame {number} shows something else")
    return problems
