"""Decoding once more: row by row in plain Python, from what docs/model_json.md says.

It is slow and plain, so that it can be read beside that page, and it shares nothing with the
package's decoding but the record and the placements. Tensors are nested lists of floats.
"""

import math
import struct
from collections import Counter
from typing import Any, Dict, List, NamedTuple, Tuple

from model.suppression_reference import Box, suppressed, surest

Lists = Dict[str, Any]  # a tensor, as nested lists, by its role


class Row(NamedTuple):
    """A box that may be found, in the network's units until `in_picture` changes that."""

    box: Box
    conf: float
    cls: int


class Found(NamedTuple):
    """What is found in a picture, and how many rows were lost, by reason."""

    rows: List[Row]
    lost: Counter


def decode(spec, lists, placements, conf_th):
    """What is found in each picture of a batch."""
    return [
        decode_picture(spec, lists, index, placed, single(conf_th))
        for index, placed in enumerate(placements)
    ]


def decode_picture(spec, lists, index, placed, threshold):
    """What is found in the picture of this number."""
    lost = Counter()
    known = []
    for row in ROWS[spec.output.layout](spec, lists, index, threshold, lost):
        if not 0 <= row.cls < len(spec.labels):
            lost["no_classes"] += 1
        elif row.cls != spec.background:
            known.append(row)

    rows = surest(known, spec.nms.max_detections)
    lost["above_one"] = sum(row.conf > 1.001 for row in rows)
    return Found([in_picture(spec, row, placed) for row in rows], lost)


def in_picture(spec, row, placed):
    """The row in pixels of its picture, clipped."""
    unit_x = 1
    unit_y = 1
    if spec.output.units == "normalized":
        unit_x = spec.input.width
        unit_y = spec.input.height

    def home_x(number):
        pixel = (number * unit_x - placed.shift_x) / placed.scale_x
        return min(max(pixel, 0), placed.width)

    def home_y(number):
        pixel = (number * unit_y - placed.shift_y) / placed.scale_y
        return min(max(pixel, 0), placed.height)

    x1, y1, x2, y2 = row.box
    box = (home_x(x1), home_y(y1), home_x(x2), home_y(y2))
    return Row(box, min(row.conf, 1), row.cls)


# Layouts with suppression inside


def rows_of_nms7(spec, lists, index, threshold, lost):
    """Rows of seven; where nobody counts them, each says whose it is."""
    if "count" in lists:
        mine = flat_rows(lists["rows"][index])
        mine = filled(mine, lists, index, lost)
    else:
        mine = []
        for row in flat_rows(lists["rows"]):
            if not math.isfinite(row[0]):
                lost["no_numbers"] += index == 0  # nobody's: the first picture counts it
            elif row[0] == index:
                mine.append(row)

    rows = [Row(tuple(row[3:7]), row[2], row[1]) for row in mine]
    return finished(rows, threshold, lost)


def rows_of_efficient_nms(spec, lists, index, threshold, lost):
    """Corners, scores and classes in a tensor each."""
    rows = [
        Row(tuple(box), score, cls)
        for box, score, cls in zip(
            lists["boxes"][index], lists["scores"][index], lists["classes"][index]
        )
    ]
    if "count" in lists:
        rows = filled(rows, lists, index, lost)
    return finished(rows, threshold, lost)


def rows_of_tf_detection(spec, lists, index, threshold, lost):
    """The same, but that y comes before x."""
    turned = [[[x1, y1, x2, y2] for y1, x1, y2, x2 in boxes] for boxes in lists["boxes"]]
    return rows_of_efficient_nms(spec, {**lists, "boxes": turned}, index, threshold, lost)


def flat_rows(lists):
    """All rows of seven numbers, however deep they lie."""
    if not isinstance(lists[0], list):
        return [lists]
    return [row for part in lists for row in flat_rows(part)]


def filled(rows, lists, index, lost):
    """As many of the rows as the network says; none if that is no number."""
    count = lists["count"]
    if isinstance(count, list):
        count = count[index]
    while isinstance(count, list):
        (count,) = count

    if not math.isfinite(count):
        lost["no_numbers"] += 1
        return []
    return rows[: max(0, int(count))]


def finished(rows, threshold, lost):
    """The sure ones of rows that have been through suppression."""
    kept = []
    for row in rows:
        if not (math.isfinite(row.conf) and math.isfinite(row.cls)):
            lost["no_numbers"] += 1
        elif is_sure(row.conf, threshold) and is_box(row.box, lost):
            kept.append(row._replace(cls=int(row.cls)))
    return kept


# Layouts without


def rows_of_boxes_scores(spec, lists, index, threshold, lost):
    """A box and a score for each class, place by place."""
    places = []
    for box, numbers in zip(lists["boxes"][index], lists["scores"][index]):
        scores = ACTIVATIONS[spec.output.activation](numbers)
        if scores is None:
            lost["no_numbers"] += 1
        else:
            places.append((tuple(box), scores))
    return suppressed_by_class(spec, places, threshold, lost)


def rows_of_loc_conf_priors(spec, lists, index, threshold, lost):
    """Offsets from a prior, and what becomes a score for each class, prior by prior.

    `lists` also holds the priors.
    """
    priors = lists["priors"]
    places = []
    for offsets, logits, prior in zip(
        row_a_prior(lists["loc"][index], len(priors)),
        row_a_prior(lists["conf"][index], len(priors)),
        priors,
    ):
        scores = ACTIVATIONS[spec.output.activation](logits)
        if scores is None:
            lost["no_numbers"] += 1
        else:
            places.append((moved(prior, offsets, spec.output.variances), scores))
    return suppressed_by_class(spec, places, threshold, lost)


def row_a_prior(table, count):
    """The table with a row for each prior; some networks give its columns."""
    if len(table) == count:
        return table
    return [list(column) for column in zip(*table)]


def moved(prior, offsets, variances):
    """The corners of a prior (centre and size) once it is moved and scaled by its offsets."""
    x, y, width, height = prior
    offset_x, offset_y, growth_x, growth_y = (
        offset * variance for offset, variance in zip(offsets, variances)
    )
    x += offset_x * width
    y += offset_y * height
    width *= power(growth_x)
    height *= power(growth_y)
    return (x - width / 2, y - height / 2, x + width / 2, y + height / 2)


def softmax(logits):
    """None if a number is missing, or so high that there is no share of it."""
    highest = max(logits)
    if any(math.isnan(logit) for logit in logits) or not math.isfinite(highest):
        return None
    powers = [power(logit - highest) for logit in logits]
    return [single(part / sum(powers)) for part in powers]


def sigmoid(logits):
    """A logit of minus infinity comes to 0; what is no number, or infinite, to none."""
    if any(math.isnan(logit) or logit == math.inf for logit in logits):
        return None
    return [single(1 / (1 + power(-logit))) for logit in logits]


def unchanged(scores):
    """Scores as the network gives them."""
    if all(math.isfinite(score) for score in scores):
        return scores
    return None


ACTIVATIONS = {"softmax": softmax, "sigmoid": sigmoid, "none": unchanged}


def suppressed_by_class(spec, places, threshold, lost):
    """What suppression leaves of each class, from the box and scores of each place."""
    kept = []
    for cls in range(len(spec.labels)):
        if cls == spec.background:
            continue
        sure = [
            Row(box, scores[cls], cls) for box, scores in places if is_sure(scores[cls], threshold)
        ]
        entering = surest(sure, spec.nms.candidates_per_class)
        boxes = [row for row in entering if is_box(row.box, lost)]
        kept += suppressed(boxes, spec.nms.iou_threshold)
    return kept


ROWS = {
    "nms7": rows_of_nms7,
    "efficient_nms": rows_of_efficient_nms,
    "tf_detection": rows_of_tf_detection,
    "boxes_scores": rows_of_boxes_scores,
    "loc_conf_priors": rows_of_loc_conf_priors,
}


# Numbers


def is_sure(conf, threshold):
    """Whether it reaches the threshold; what is nothing never does."""
    return conf > 0 and conf >= threshold


def is_box(box: Tuple[float, ...], lost):
    """Whether these are corners in their order; if not, why not is counted."""
    x1, y1, x2, y2 = (single(number) for number in box)
    if not all(math.isfinite(number) for number in (x1, y1, x2, y2)):
        lost["no_numbers"] += 1
        return False
    if x2 < x1 or y2 < y1:
        lost["no_boxes"] += 1
        return False
    return True


def single(number):
    """The nearest number that a float of 32 bits can hold."""
    if not math.isfinite(number):
        return number
    try:
        return struct.unpack("f", struct.pack("f", number))[0]
    except OverflowError:
        return math.copysign(math.inf, number)


def power(exponent):
    """e to this power, or infinity."""
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf
