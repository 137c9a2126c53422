"""COCO's twelve numbers read from their rules, a box at a time: what tests hold coco.py against.

Truths are {image: [(label, box, difficult)]} and founds {image: [(label, confidence, box)]}, a box
being left, top, right, bottom. A difficult object is one of COCO's crowds.
"""

import numpy as np

OVERLAPS = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
RECALLS = np.linspace(0, 1, 101).tolist()
SMALL = 32 * 32
LARGE = 96 * 96
AREAS = {"all": (0, 1e10), "small": (0, SMALL), "medium": (SMALL, LARGE), "large": (LARGE, 1e10)}


def area_of(box):
    return (box[2] - box[0]) * (box[3] - box[1])


def slow_overlap(box, other, other_is_crowd):
    """Without the pixel that VOC adds; of a box on a crowd, the share that lies in it."""
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    if other_is_crowd:
        return shared / area_of(box)
    return shared / (area_of(box) + area_of(other) - shared)


def in_play(box, area):
    low, high = AREAS[area]
    return low <= area_of(box) <= high


def objects_of(name, rows, area):
    """(box, crowd, counts) of a class in one image: those that count come first."""
    counting = []
    others = []
    for label, box, crowd in rows:
        if label != name:
            continue
        if crowd or not in_play(box, area):
            others.append((box, crowd, False))
        else:
            counting.append((box, crowd, True))
    return counting + others


def choose(box, objects, used, least):
    """The object that a detection takes; None where none is left. Of equal ones, the last."""
    chosen = None
    best = least
    for number, (other, crowd, counts) in enumerate(objects):
        if number in used and not crowd:
            continue
        if chosen is not None and objects[chosen][2] and not counts:
            break  # what counts is never given up for what does not
        overlap = slow_overlap(box, other, crowd)
        if overlap >= best:
            best = overlap
            chosen = number
    return chosen


def verdicts_in(name, truth_rows, found_rows, area, least, most):
    """(confidence, verdict) of the `most` surest detections of a class in one image."""
    objects = objects_of(name, truth_rows, area)
    rows = [(conf, box) for label, conf, box in found_rows if label == name]
    rows.sort(key=lambda row: -row[0])

    used = set()
    verdicts = []
    for conf, box in rows[:most]:
        chosen = choose(box, objects, used, least)
        used.add(chosen)
        verdicts.append((conf, verdict_on(box, chosen, objects, area)))
    return verdicts


def verdict_on(box, chosen, objects, area):
    """Right, wrong or neither; a box that hits nothing is wrong where its size is asked for."""
    if chosen is not None and objects[chosen][2]:
        return "right"
    if chosen is None and in_play(box, area):
        return "wrong"
    return "neither"


def slow_class(name, truths, founds, area, least, most):
    """AP and recall of a class at one least overlap; None where no object counts."""
    total = 0
    rows = []
    for image in sorted(truths):
        objects = objects_of(name, truths[image], area)
        total += len([counts for _, _, counts in objects if counts])
        rows += verdicts_in(name, truths[image], founds[image], area, least, most)
    if not total:
        return None

    rows.sort(key=lambda row: -row[0])
    right = 0
    wrong = 0
    points = []
    for _, verdict in rows:
        right += verdict == "right"
        wrong += verdict == "wrong"
        points.append((right / total, right / max(right + wrong, 1)))

    # The best precision at each recall or above it, over 101 recalls.
    heights = []
    for recall in RECALLS:
        heights.append(max([height for reached, height in points if reached >= recall], default=0))
    return sum(heights) / len(heights), right / total


def mean(values):
    """-1, as COCO says it, where there is nothing."""
    if not values:
        return -1.0
    return sum(values) / len(values)


def slow_values(truths, founds, area, most):
    """{class: [(AP, recall) at each overlap]} of those that have an object in play."""
    values = {}
    names = {label for rows in truths.values() for label, _, _ in rows}
    for name in sorted(names):
        found = [slow_class(name, truths, founds, area, least, most) for least in OVERLAPS]
        if None not in found:
            values[name] = found
    return values


def precision(values):
    return mean([ap for found in values.values() for ap, _ in found])


def precision_at(values, overlap):
    return mean([found[OVERLAPS.index(overlap)][0] for found in values.values()])


def recall(values):
    return mean([reached for found in values.values() for _, reached in found])


def slow_numbers(truths, founds):
    """The twelve numbers in COCO's order, and the AP of each class."""
    every = slow_values(truths, founds, "all", 100)
    sized = [slow_values(truths, founds, area, 100) for area in ("small", "medium", "large")]
    numbers = [precision(every), precision_at(every, 0.5), precision_at(every, 0.75)]
    numbers += [precision(values) for values in sized]
    numbers += [recall(slow_values(truths, founds, "all", most)) for most in (1, 10)]
    numbers.append(recall(every))
    numbers += [recall(values) for values in sized]

    classes = {name: mean([ap for ap, _ in found]) for name, found in every.items()}
    return numbers, classes
