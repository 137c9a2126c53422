"""The printed mAP read from its rules, one detection at a time: what tests hold voc.py against.

Everything is plain lists: truths are {image: [(label, box, difficult)]}, founds are
{image: [(label, confidence, box)]}, and a box is left, top, right, bottom.
"""


def slow_overlap(box, other):
    width = min(box[2], other[2]) - max(box[0], other[0]) + 1
    height = min(box[3], other[3]) - max(box[1], other[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (slow_area(box) + slow_area(other) - shared)


def slow_area(box):
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1)


def slow_best(box, name, rows):
    """The object of a class that a box overlaps most, by its place among the rows, and how much."""
    best = -1.0
    where = None
    for i, (label, other, _) in enumerate(rows):
        if label == name and slow_overlap(box, other) > best:
            best = slow_overlap(box, other)
            where = i
    return where, best


def slow_verdicts(name, truths, founds, min_iou):
    """Right, wrong or neither for each detection of a class, the surest first."""
    rows = []
    for image in sorted(founds):
        for label, conf, box in founds[image]:
            if label == name:
                rows.append((conf, image, box))
    rows.sort(key=lambda row: -row[0])

    used = set()
    verdicts = []
    for _, image, box in rows:
        where, best = slow_best(box, name, truths[image])
        if where is None or best < min_iou:
            verdicts.append("wrong")
        elif truths[image][where][2]:
            verdicts.append("neither")
        elif (image, where) in used:
            verdicts.append("wrong")
        else:
            used.add((image, where))
            verdicts.append("right")
    return verdicts


def slow_total(name, truths):
    """How many boxes of a class can be found."""
    total = 0
    for rows in truths.values():
        for label, _, difficult in rows:
            if label == name and not difficult:
                total += 1
    return total


def slow_points(verdicts, total):
    """Recall and precision after each detection."""
    points = []
    for count in range(1, len(verdicts) + 1):
        right = verdicts[:count].count("right")
        wrong = verdicts[:count].count("wrong")
        points.append((right / max(total, 1), right / max(right + wrong, 1)))
    return points


def slow_area_under(points):
    """Each step to the right is as high as the best precision from there on."""
    area = 0.0
    before = 0.0
    for i, (recall, _) in enumerate(points):
        if recall != before:
            area += (recall - before) * max(precision for _, precision in points[i:])
            before = recall
    return area


def slow_ap(name, truths, founds, min_iou=0.5):
    """One class, rule by rule."""
    verdicts = slow_verdicts(name, truths, founds, min_iou)
    return slow_area_under(slow_points(verdicts, slow_total(name, truths)))


def slow_mean(truths, founds, min_iou=0.5):
    """The mAP over the classes that the ground truth has; 0 where it has none."""
    names = {label for rows in truths.values() for label, _, _ in rows}
    if not names:
        return 0.0
    return sum(slow_ap(name, truths, founds, min_iou) for name in names) / len(names)
