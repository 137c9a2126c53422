"""Do the scenes look real? A detector trained on real roads is run on them, and its AP50 printed.

    python tools/check_realism.py [--count N] [--shared FOLDER]

It judges the pictures, not our models. Objects of at least 40 pixels and 75 % visible count; others
are neither right nor wrong, and neither are bicycles, whose riders the detector may call
pedestrians. It sees the wide scenes twice: cut side by side into parts of 16:9, which is what it
was made for and what the gate holds for, and whole, squeezed.
"""

import argparse
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence

import numpy as np
from tqdm import tqdm

import scenes
from check_real_world import REFERENCE, REFERENCE_ONNX
from trt_course import CourseError, TrtSSD, find_model
from trt_course.measure import voc
from trt_course.measure.evaluate import CONF_TH, as_found
from trt_course.support.files import KIT

GATES = {"vehicle": 0.50, "pedestrian": 0.35}
EXCUSED_TOO = {"vehicle": (), "pedestrian": ("bicycle",)}
TALL = 40
CLEAR = 0.75
IN_VIEW = 0.02  # of an object that is in a part of the scene by less, nothing can be seen
SLACK = 0.8  # a false alarm that is lower than this share of TALL is excused
VIEWS = {"crops": "cut into parts of 16:9", "whole": "whole, squeezed"}

Scores = Dict[str, voc.ClassScore]


class View(NamedTuple):
    """A scene, or a part of it, as the detector sees it."""

    image: np.ndarray
    boxes: np.ndarray  # (n, 4), all objects of the scene, cut at the part's edges
    shares: np.ndarray  # (n,), how much of each box is in the part


def views(image: np.ndarray, boxes: np.ndarray, how: str) -> List[View]:
    """The picture as a whole, or its parts of 16:9."""
    height, width = image.shape[:2]
    wide = round(height * 16 / 9)
    if how == "whole" or width <= wide:
        return [View(image, boxes, np.ones(len(boxes)))]

    # As few parts as cover the picture, evenly spread.
    count = int(np.ceil(width / wide))
    parts = []
    for left in np.linspace(0, width - wide, count).astype(int):
        cut = np.clip(boxes - (left, 0, left, 0), 0, (wide, height, wide, height))
        shares = _widths(cut) / np.maximum(_widths(boxes), 1e-6)
        part = np.ascontiguousarray(image[:, left : left + wide])
        parts.append(View(part, cut, shares))
    return parts


def _widths(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 2] - boxes[:, 0]


def _heights(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 3] - boxes[:, 1]


def without_excused(
    found: voc.Found, label: str, clear: np.ndarray, ignored: np.ndarray
) -> voc.Found:
    """The detections of one class that hit a clear object, or have no excuse.

    Excused is what is low, or lies on something that is ignored.
    """
    kept = []
    for i, box in enumerate(found.boxes):
        if found.labels[i] != label:
            continue
        if _hits(box, clear) or not _is_excused(box, ignored):
            kept.append(i)
    rows = np.array(kept, dtype=int)
    return voc.Found([label for _ in kept], found.confs[rows], found.boxes[rows])


def _hits(box: np.ndarray, clear: np.ndarray) -> bool:
    if len(clear) == 0:
        return False
    return bool(voc.overlap(box[None], clear).max() >= 0.5)


def _is_excused(box: np.ndarray, ignored: np.ndarray) -> bool:
    height = box[3] - box[1]
    return height < SLACK * TALL or _lies_on(box, ignored)


def _lies_on(box: np.ndarray, ignored: np.ndarray) -> bool:
    """More than half of the box is on one of the ignored ones."""
    first = np.maximum(box[:2], ignored[:, :2])
    last = np.minimum(box[2:], ignored[:, 2:])
    common = np.clip(last - first, 0, None).prod(axis=1)
    area = (box[2:] - box[:2]).prod()
    return bool((common > 0.5 * area).any())


class Judged(NamedTuple):
    """One class in one view: the clear objects, and the detections that count."""

    label: str
    truth: voc.Truth
    found: voc.Found


def judged(ssd: TrtSSD, sample: scenes.Sample, how: str) -> Iterator[Judged]:
    """Each class in each view of a scene."""
    names = np.array(scenes.LABELS["traffic"])[sample.classes]
    for view in views(sample.image, np.asarray(sample.boxes, float), how):
        found = as_found(ssd.detect(view.image, CONF_TH), ssd.spec.labels)
        tall = _heights(view.boxes) >= TALL
        clear = tall & (sample.visible * view.shares >= CLEAR)
        seen = view.shares > IN_VIEW
        for label, others in EXCUSED_TOO.items():
            right = names == label
            unclear = (right & ~clear) | np.isin(names, others)
            mine = view.boxes[clear & right]
            ignored = view.boxes[seen & unclear]
            truth = voc.Truth([label for _ in mine], mine, np.zeros(len(mine), bool))
            yield Judged(label, truth, without_excused(found, label, mine, ignored))


def measure(ssd: TrtSSD, split: str, count: int, seed: int, how: str) -> Scores:
    """The scores of each class on `count` scenes."""
    truths: Dict[str, voc.Truth] = {}
    founds: Dict[str, voc.Found] = {}
    for number in tqdm(range(count), desc=how, unit="scene"):
        sample = scenes.sample("traffic", split, number, seed)
        for one in judged(ssd, sample, how):
            name = f"{one.label} {len(truths)}"
            truths[name] = one.truth
            founds[name] = one.found
    return voc.score(truths, founds).classes


def detector(shared: Path) -> TrtSSD:
    """The detector that was trained on real roads."""
    onnx = shared / REFERENCE_ONNX
    if not onnx.is_file():
        raise CourseError(
            f"There is no detector {onnx}: name the folder that holds it with --shared. Nothing "
            "was measured."
        )
    return TrtSSD(find_model(REFERENCE)._replace(onnx=onnx), backend="cpu", verbose=False)


def line(classes: Scores) -> str:
    """The scores of one way to look."""
    parts = []
    for name, score in sorted(classes.items()):
        parts.append(f"{name} AP50 {score.ap:.3f} ({score.truths} objects)")
    return ", ".join(parts)


def passes(classes: Scores) -> bool:
    """Whether no class that was seen misses its gate."""
    return all(classes[name].ap >= gate for name, gate in GATES.items() if name in classes)


def main(argv: Optional[Sequence[str]] = None) -> int:
    """Measure and judge; the exit status: 1 where the gate is missed, 2 without a detector."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--shared", type=Path, default=KIT.parent / "shared", help="folder with the real detector"
    )
    parser.add_argument("--split", default="test", choices=scenes.SPLITS)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)

    try:
        with detector(args.shared) as ssd:
            results = {how: measure(ssd, args.split, args.count, args.seed, how) for how in VIEWS}
    except CourseError as err:
        print(f"check_realism: {err}", file=sys.stderr)
        return 2

    for how, classes in results.items():
        print(f"{args.count} {args.split} scenes, {VIEWS[how]}: {line(classes)}")
    good = passes(results["crops"])
    verdict = "passed" if good else "MISSED"
    print(f"gate {verdict} on the parts of 16:9")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
