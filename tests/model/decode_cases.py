"""Records, outputs and placements for the tests of decoding, of every kind that a record allows.

Numbers are picked from short lists, so that ties are common, and boxes lie on a grid of eighths,
where floats of any size calculate without rounding: nothing hangs on the last bit.
"""

import random
from types import SimpleNamespace
from typing import Any, Dict, List, NamedTuple

import numpy as np
from hypothesis import strategies as st

from model.decode_reference import ACTIVATIONS
from model.old_output import old_output
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement, placement
from trt_course.model.spec import ModelSpec, NmsSpec

MOST = 4  # pictures of a batch
PLACES = 7  # boxes of a picture before suppression; neither 4 nor a number of classes
WIDTH = 128
HEIGHT = 96
LAYOUTS = [
    "nms7",
    "nms7 without count",
    "efficient_nms",
    "tf_detection",
    "tf_detection without count",
    "boxes_scores",
    "loc_conf_priors",
]
FINISHED = LAYOUTS[:5]  # with suppression inside

NOT_FINITE = [np.nan, np.inf, -np.inf]
THRESHOLDS = [0.0, 0.25, 0.3, 0.5, 0.9, 1.0]
SCORES = [0.0, 0.125, 0.25, 0.25, 0.3, 0.5, 0.5, 0.75, 0.875, 1.0, 1.5, -0.25]
LOGITS = [0.0, 0.0, 0.0, 1.0, 2.0, 3.0, -1.0, -5.0, 30.0, 400.0, 1000.0, -1000.0, 3e38, -3e38]
OFFSETS = [0.0, 0.0, 1.0, -2.0, 0.5, 3.0, -1.25]
EIGHTHS = [number / 8 for number in range(-1, 10)]


class Case(NamedTuple):
    """What is decoded; `outputs` by role, for as many pictures as the tensors have places.

    `record` says the same as `spec`, in the words of a record's layout.
    """

    spec: ModelSpec
    record: Any
    outputs: Dict[str, np.ndarray]
    placements: List[Placement]
    conf_th: float


class Numbers:
    """Tensors of numbers picked from lists, by a seed."""

    def __init__(self, seed, broken):
        self.random = random.Random(seed)
        self.broken = broken  # whether some are not finite

    def pick(self, choices, *shape):
        """An array of this shape, of float32."""
        size = int(np.prod(shape, dtype=int))
        picked = self.random.choices(choices, k=size)
        return self._perhaps_broken(np.float32(picked)).reshape(shape)

    def boxes(self, *shape):
        """Boxes (..., 4) as shares of the input; one in ten with its corners in a wrong order."""
        corners = np.float32(self.random.choices(EIGHTHS, k=4 * int(np.prod(shape))))
        corners = corners.reshape(-1, 2, 2)
        in_order = np.sort(corners, axis=1)
        as_picked = self.random.choices([True] + 9 * [False], k=len(corners))
        boxes = np.where(np.reshape(as_picked, (-1, 1, 1)), corners, in_order)
        return self._perhaps_broken(boxes.ravel()).reshape(*shape, 4)

    def logits(self, classes, activation, *shape):
        """Logits (..., classes): rows from a few that differ, so that equal scores are ties.

        Two rows of the same numbers in another order would be nearly equal instead: their powers
        are added in another order.
        """
        rows = {}
        for _ in range(4):
            row = self.pick(LOGITS, classes)
            scores = ACTIVATIONS[activation](row.tolist()) or row.tolist()
            rows.setdefault(str(sorted(round(score, 4) for score in scores)), row)
        count = int(np.prod(shape))
        return np.stack(self.random.choices(list(rows.values()), k=count)).reshape(*shape, classes)

    def _perhaps_broken(self, array):
        if self.broken and self.random.random() < 0.6:
            array[self.random.randrange(len(array))] = self.random.choice(NOT_FINITE)
        return array


@st.composite
def cases(draw, layouts, priors):
    """A Case of one of the layouts; `priors` is the file with PLACES of them."""
    layout = draw(st.sampled_from(layouts))
    labels = draw(st.integers(1, 5))
    pictures = draw(st.integers(1, MOST))
    record = ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", WIDTH, HEIGHT, "nchw", "BGR", resize=draw(RESIZES)),
        output=SimpleNamespace(
            layout=layout.partition(" ")[0],
            units=draw(st.sampled_from(["normalized", "pixels"])),
            activation=draw(st.sampled_from(["none", "softmax", "sigmoid"])),
            priors=priors,
            variances=draw(st.sampled_from([(0.1, 0.1, 0.2, 0.2), (1.0, 0.5, 0.25, 0.125)])),
        ),
        labels=tuple("abcde"[:labels]),
        background=draw(st.sampled_from([None, 0, labels - 1])),
        nms=NmsSpec(
            iou_threshold=draw(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])),
            candidates_per_class=draw(st.sampled_from([1, 2, 3, 200])),
            max_detections=draw(st.sampled_from([1, 2, 5, 100])),
        ),
    )
    if record.background is not None and labels == 1:
        record = record._replace(background=None)

    numbers = Numbers(draw(st.integers(0, 2**32)), draw(st.booleans()))
    outputs = outputs_of(layout, record, numbers, pictures)
    outputs = {role: draw(as_other_types(role, array)) for role, array in outputs.items()}
    words = dict(vars(record.output), tensors={role: role for role in outputs})
    spec = record._replace(output=old_output(**words))

    # The last places of the tensors may be nobody's
    placements = draw(placements_of(spec, draw(st.integers(1, pictures))))
    return Case(spec, record, outputs, placements, draw(st.sampled_from(THRESHOLDS)))


RESIZES = st.sampled_from(["stretch", "letterbox", "crop"])
SIZES = [(256, 192), (WIDTH, HEIGHT), (500, 333), (90, 400), (1, 1)]
BY_HAND = [Placement(0.5, 0.25, 3.0, -4.0, 100, 80), Placement(2.0, 2.0, -50.0, 8.0, 64, 64)]


@st.composite
def placements_of(draw, spec, count):
    """Placements of so many pictures, often of one size, as those of a video are."""
    sizes = st.sampled_from([placement(spec, *size) for size in SIZES] + BY_HAND)
    if draw(st.booleans()):
        return [draw(sizes)] * count
    return [draw(sizes) for _ in range(count)]


def as_other_types(role, array):
    """The same numbers in another of the types that a network may give."""
    if role == "count":
        shapes = [(-1,), (-1, 1), (-1, 1, 1), (-1, 1, 1, 1)]
        if array.size == 1:
            shapes.append(())
        return st.sampled_from(shapes).map(array.reshape)
    if role == "classes" and np.abs(array).max() < 100:
        return st.sampled_from(["float32", "int32", "int64"]).map(array.astype)
    if np.abs(array[np.isfinite(array)], dtype=np.float64).max(initial=0) < 60000:
        with np.errstate(over="ignore"):
            half = array.astype(np.float16)
        kinds = [array, array.astype(np.float64), half]
        return st.sampled_from(kinds)
    return st.sampled_from([array, array.astype(np.float64)])


def outputs_of(layout, spec, numbers, pictures):
    """Tensors of a layout by role, in float32."""
    classes = len(spec.labels)
    unit = np.float32(1)
    if spec.output.units == "pixels":
        unit = np.float32([WIDTH, HEIGHT, WIDTH, HEIGHT])

    if layout == "loc_conf_priors":
        loc = numbers.pick(OFFSETS, pictures, PLACES, 4)
        if spec.output.activation == "none":
            conf = numbers.pick(SCORES, pictures, PLACES, classes)
        else:
            conf = numbers.logits(classes, spec.output.activation, pictures, PLACES)
        outputs = {"loc": loc, "conf": conf}
        return {role: numbers.random.choice([a, a.swapaxes(1, 2)]) for role, a in outputs.items()}

    boxes = numbers.boxes(pictures, PLACES) * unit
    if layout == "boxes_scores":
        return {"boxes": boxes, "scores": numbers.pick(SCORES, pictures, PLACES, classes)}

    scores = numbers.pick(SCORES, pictures, PLACES)
    ids = numbers.pick(list(range(classes)) * 3 + [-1, classes, 1e30], pictures, PLACES)
    if numbers.random.random() < 0.5:
        scores = -np.sort(-scores)  # as most engines give them
        ids = ids.clip(0, classes - 1)
    count = numbers.pick([0.0, 1.0, 5.0, 7.0, 99.0, -1.0], pictures)
    if layout.startswith("nms7"):
        return outputs_of_nms7(layout, numbers, boxes, scores, ids, count)

    outputs = {"boxes": boxes, "scores": scores, "classes": ids, "count": count}
    if layout.startswith("tf_detection"):
        outputs["boxes"] = boxes[..., [1, 0, 3, 2]]
    if layout.endswith("without count"):
        del outputs["count"]
    return outputs


def outputs_of_nms7(layout, numbers, boxes, scores, ids, count):
    """Rows of seven numbers; where none says how many are filled, those of all pictures mixed."""
    pictures = len(boxes)
    owners = numbers.pick([-1.0, *range(pictures)], pictures, PLACES)
    rows = np.concatenate([owners[..., None], ids[..., None], scores[..., None], boxes], axis=2)
    if layout == "nms7":
        return {"rows": numbers.random.choice([rows, rows[:, None]]), "count": count}
    shapes = [(-1, 7), (pictures, PLACES, 7), (1, 1, -1, 7)]
    return {"rows": rows.reshape(numbers.random.choice(shapes))}
