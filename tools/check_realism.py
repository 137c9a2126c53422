"""Do the scenes look real? A detector trained on real roads is run on them, and its AP50 printed.

    python tools/check_realism.py [--count N] [--shared FOLDER]

It judges the pictures, not our models. Counted are objects of at least 40 pixels and 75 % visible; others are neither
right nor wrong, and bicycles (whose riders it may call pedestrians) likewise. It sees the wide scenes twice: cut
side by side into parts of 16:9, which is what it was made for and what the gate holds for, and whole, squeezed.
"""

import argparse
import sys
from pathlib import Path

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
SLACK = 0.8  # a false alarm that is lower than this share of TALL is excused
VIEWS = {"crops": "cut into parts of 16:9", "whole": "whole, squeezed"}


def views(image, boxes, how):
    """The picture as a whole, or its parts of 16:9: (picture, boxes in it,
    share of each box that is in it).
    """
    height, width = image.shape[:2]
    wide = round(height * 16 / 9)
    if how == "whole" or width <= wide:
        return [(image, boxes, np.ones(len(boxes)))]
    parts = []
    for left in np.linspace(0, width - wide, int(np.ceil(width / wide))).astype(int):
        cut = np.clip(boxes - (left, 0, left, 0), 0, (wide, height) * 2)
        kept = (cut[:, 2] - cut[:, 0]) / np.maximum(boxes[:, 2] - boxes[:, 0], 1e-6)
        parts.append((np.ascontiguousarray(image[:, left : left + wide]), cut, kept))
    return parts


def without_excused(found, label, clear, ignored):
    """The detections of one class that hit a clear object, or have no excuse: tall enough,
    and on nothing ignored.
    """
    keep = np.array([name == label for name in found.labels], dtype=bool)
    for i in np.flatnonzero(keep):
        box = found.boxes[i]
        hit = len(clear) and voc.overlap(box[None], clear).max() >= 0.5
        keep[i] = hit or box[3] - box[1] >= SLACK * TALL and not _lies_on(box, ignored)
    return voc.Found([label] * int(keep.sum()), found.confs[keep], found.boxes[keep])


def _lies_on(box, ignored):
    """More than half of the box is on one of the ignored ones."""
    corner = np.maximum(box[:2], ignored[:, :2])
    size = np.clip(np.minimum(box[2:], ignored[:, 2:]) - corner, 0, None)
    return bool((size.prod(axis=1) > 0.5 * (box[2:] - box[:2]).prod()).any())


def judged(ssd, sample, how):
    """For each view of a scene and each class: ground truth of the clear objects,
    and the detections that count.
    """
    names = np.array(scenes.LABELS["traffic"])[sample.classes]
    for image, boxes, share in views(sample.image, np.asarray(sample.boxes, float), how):
        found = as_found(ssd.detect(image, CONF_TH), ssd.spec.labels)
        clear = (boxes[:, 3] - boxes[:, 1] >= TALL) & (sample.visible * share >= CLEAR)
        for label, others in EXCUSED_TOO.items():
            mine = boxes[clear & (names == label)]
            inside = share > 0.02
            ignored = boxes[inside & ((names == label) & ~clear | np.isin(names, others))]
            yield (
                label,
                voc.Truth([label] * len(mine), mine, np.zeros(len(mine), bool)),
                without_excused(found, label, mine, ignored),
            )


def measure(ssd, split, count, seed, how):
    """{class: voc.ClassScore} on `count` scenes."""
    truths = {}
    founds = {}
    for number in tqdm(range(count), desc=how, unit="scene"):
        sample = scenes.sample("traffic", split, number, seed)
        for label, truth, found in judged(ssd, sample, how):
            name = f"{label} {len(truths)}"
            truths[name] = truth
            founds[name] = found
    return voc.score(truths, founds).classes


def detector(shared):
    onnx = shared / REFERENCE_ONNX
    if not onnx.is_file():
        raise CourseError(
            f"There is no detector {onnx}: name the folder that holds it with --shared. Nothing "
            "was measured."
        )
    return TrtSSD(find_model(REFERENCE)._replace(onnx=onnx), backend="cpu", verbose=False)


def main(argv=None):
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
        print(
            f"{args.count} {args.split} scenes, {VIEWS[how]}: "
            + ", ".join(
                f"{name} AP50 {c.ap:.3f} ({c.truths} objects)"
                for name, c in sorted(classes.items())
            )
        )
    good = all(
        results["crops"][name].ap >= gate
        for name, gate in GATES.items()
        if name in results["crops"]
    )
    print("gate " + ("passed" if good else "MISSED") + " on the parts of 16:9")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
