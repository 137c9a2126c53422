"""Do the scenes look real? A detector trained on real dash-camera pictures is run on them, and its AP50 printed.

It judges the pictures, not our models. Counted are objects of at least 40 pixels and 75 % visible; others are
neither right nor wrong, and bicycles (whose riders it may call pedestrians) likewise.
"""
import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
import scenes

GATES = {"vehicle": 0.50, "pedestrian": 0.35}
TALL, CLEAR = 40, 0.75


def detections(session, image):
    """Boxes, scores and classes (1 vehicle, 2 pedestrian) on one picture."""
    blob = cv2.resize(image, (672, 384)).transpose(2, 0, 1)[None].astype(np.float32)
    scores, boxes = session.run(["scores", "boxes"], {session.get_inputs()[0].name: blob})
    boxes = np.clip(boxes[0], 0, 1) * np.tile(image.shape[1::-1], 2)
    found = []
    for label in (1, 2):
        score = scores[0, :, label]
        kept = np.flatnonzero(score > 0.02)
        kept = kept[np.argsort(-score[kept], kind="stable")][:400]
        found += [(label, score[k], boxes[k]) for k in _suppress(boxes[kept], kept)]
    return found


def overlaps(box, boxes):
    """Intersection over union of one box with many."""
    corner = np.maximum(box[:2], boxes[:, :2])
    size = np.clip(np.minimum(box[2:], boxes[:, 2:]) - corner, 0, None)
    inter = size[:, 0] * size[:, 1]
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return inter / np.maximum((box[2] - box[0]) * (box[3] - box[1]) + area - inter, 1e-9)


def _suppress(boxes, numbers):
    keep = []
    left = np.arange(len(boxes))
    while len(left):
        keep.append(numbers[left[0]])
        left = left[1:][overlaps(boxes[left[0]], boxes[left[1:]]) < 0.45]
    return keep


def windows(image, boxes, how):
    """The picture as a whole, or cut into side-by-side parts of 16:9."""
    height, width = image.shape[:2]
    wide = round(height * 16 / 9)
    if how == "whole" or width <= wide:
        return [(image, boxes, np.ones(len(boxes)))]
    parts = []
    for left in np.linspace(0, width - wide, int(np.ceil(width / wide))).astype(int):
        moved = boxes - (left, 0, left, 0)
        cut = np.clip(moved, 0, (wide, height) * 2)
        kept = (cut[:, 2] - cut[:, 0]) / np.maximum(boxes[:, 2] - boxes[:, 0], 1e-6)
        parts.append((np.ascontiguousarray(image[:, left:left + wide]), cut, kept))
    return parts


def judge(found, truth, ignored, label):
    """Rows (score, right) for one class of one picture, and how many objects there were to find."""
    rows, used = [], set()
    for _, score, box in sorted((f for f in found if f[0] == label), key=lambda f: -f[1]):
        share = overlaps(box, truth) if len(truth) else np.zeros(0)
        best = int(share.argmax()) if len(share) else -1
        if best >= 0 and share[best] >= 0.5 and best not in used:
            used.add(best)
            rows.append((score, True))
        elif not _excused(box, ignored):
            rows.append((score, False))
    return rows, len(truth)


def _excused(box, ignored):
    if box[3] - box[1] < TALL * 0.8:
        return True
    if not len(ignored):
        return False
    corner = np.maximum(box[:2], ignored[:, :2])
    size = np.clip(np.minimum(box[2:], ignored[:, 2:]) - corner, 0, None)
    return bool((size[:, 0] * size[:, 1] > 0.5 * (box[2] - box[0]) * (box[3] - box[1])).any())


def average_precision(rows, total):
    if not total:
        return float("nan")
    right = np.array([r for _, r in sorted(rows, key=lambda row: -row[0])], float)
    precision = np.cumsum(right) / np.arange(1, len(right) + 1) if len(right) else np.zeros(0)
    precision = np.maximum.accumulate(precision[::-1])[::-1] if len(right) else precision
    return float((precision * right).sum() / total)


def measure(session, samples, how):
    """AP50 and object count a class."""
    rows, totals = {1: [], 2: []}, {1: 0, 2: 0}
    for number in range(samples[1]):
        s = scenes.sample("traffic", samples[0], number, samples[2])
        for image, boxes, kept in windows(s.image, s.boxes, how):
            clear = (boxes[:, 3] - boxes[:, 1] >= TALL) & (s.visible * kept >= CLEAR)
            found = detections(session, image)
            inside = kept > 0.02
            for label, ours in ((1, 1), (2, 2)):
                mine = s.classes == ours
                ignored = inside & ((mine & ~clear) | (s.classes == 3 if label == 2 else False))
                more, total = judge(found, boxes[mine & clear], boxes[ignored], label)
                rows[label] += more
                totals[label] += total
        print(f"\r{number + 1}/{samples[1]}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return {name: (average_precision(rows[k], totals[k]), totals[k]) for k, name in ((1, "vehicle"), (2, "pedestrian"))}


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    default = Path(__file__).resolve().parents[1] / "../shared/thirdparty/pedestrian_vehicle_adas_0001.onnx"
    parser.add_argument("--model", type=Path, default=default, help="the detector's ONNX file (not part of this kit)")
    parser.add_argument("--split", default="test", choices=scenes.SPLITS)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    if not args.model.is_file():
        print(f"No detector at {args.model.resolve()}: name its file with --model. Nothing was measured.",
              file=sys.stderr)
        return 2
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(args.model), options, providers=["CPUExecutionProvider"])
    good = True
    for how, words in (("crops", "side-by-side crops of 16:9"), ("whole", "whole pictures, squeezed to 672 x 384")):
        result = measure(session, (args.split, args.count, args.seed), how)
        text = ", ".join(f"{name} AP50 {ap:.3f} ({total} objects)" for name, (ap, total) in result.items())
        print(f"{args.count} {args.split} pictures as {words}: {text}")
        good &= how == "whole" or all(result[name][0] >= gate for name, gate in GATES.items())
    print("gate " + ("passed" if good else "MISSED") + " on the crops")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
