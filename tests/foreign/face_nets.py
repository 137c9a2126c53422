"""Detectors of faces, with the landmarks that some of them give beside the boxes."""

import numpy as np

from foreign.onnx_file import Input, Net, Seen
from foreign.planted import centre_size, grid, logit, objects, places_of, quiet

STRIDES = (8, 16, 32)


def _corner(step):
    return 0.0


def _middle(step):
    return step / 2


def _found(seed, width, height, priors, scale):
    """Faces, their places, and the scores of all places (p, 1)."""
    found = objects(seed, width, height, classes=1)
    places = places_of(found.boxes, priors, scale)
    scores = quiet(seed, (len(priors), 1))
    scores[places, 0] = found.scores
    return found, places, scores


def _by_stride(outputs, role, table, per_cell=1, side=640):
    """Cut a table of all places into a tensor for each stride."""
    start = 0
    for stride in STRIDES:
        end = start + (side // stride) ** 2 * per_cell
        outputs[f"{role}_{stride}"] = np.float32(table[start:end])
        start = end


def _seen(outputs, role, place, gain):
    """The place among all strides, in the tensor where it lies."""
    for stride in STRIDES:
        name = f"{role}_{stride}"
        length = outputs[name].shape[-2]
        if place < length:
            index = (0,) * (outputs[name].ndim - 2) + (place, 0)
            return Seen(name, index, gain)
        place -= length
    raise AssertionError("the place is on no stride")


def yunet():
    """YuNet of March 2023: twelve tensors, cls, obj, bbox and kps for each stride."""
    priors = grid(640, 640, STRIDES, _corner)
    found, places, scores = _found(21, 640, 640, priors, scale=4)
    boxes = np.random.RandomState(21).normal(0, 0.5, (len(priors), 4))
    wanted = centre_size(found.boxes)
    own = priors[places]
    boxes[places, :2] = (wanted[:, :2] - own[:, :2]) / own[:, 2:]
    boxes[places, 2:] = np.log(wanted[:, 2:] / own[:, 2:])

    # The confidence is the geometric mean of two scores.
    second = quiet(22, scores.shape, most=0.1)
    second[places] = 0.9
    first = np.minimum(scores**2 / np.maximum(second, 0.5), 1)
    outputs = {}
    _by_stride(outputs, "cls", first)
    _by_stride(outputs, "obj", second)
    _by_stride(outputs, "bbox", boxes)
    _by_stride(outputs, "kps", np.random.RandomState(23).normal(0, 1, (len(priors), 10)))
    outputs = {name: value[None] for name, value in outputs.items()}
    return Net(
        Input("input", (1, 3, 640, 640)), outputs, _seen(outputs, "cls", places[0], gain=0.001)
    )


def scrfd():
    """SCRFD (insightface's det_10g): nine tensors without an axis for pictures, two anchors a cell.

    Their names are numbers.
    """
    priors = grid(640, 640, STRIDES, _corner, shapes=2)
    found, places, scores = _found(24, 640, 640, priors, scale=4)
    distances = np.random.RandomState(24).uniform(0, 2, (len(priors), 4))
    own = priors[places]
    distances[places, :2] = (own[:, :2] - found.boxes[:, :2]) / own[:, 2:]
    distances[places, 2:] = (found.boxes[:, 2:] - own[:, :2]) / own[:, 2:]
    named = {}
    _by_stride(named, "score", scores, per_cell=2)
    _by_stride(named, "box", distances, per_cell=2)
    _by_stride(named, "kps", np.random.RandomState(25).normal(0, 1, (len(priors), 10)), per_cell=2)

    numbers = dict(zip(named, ("448", "471", "494", "451", "474", "497", "454", "477", "500")))
    seen = _seen(named, "score", places[0], gain=0.15)
    return Net(
        Input("input.1", (1, 3, 640, 640)),
        {numbers[name]: value for name, value in named.items()},
        seen._replace(output=numbers[seen.output]),
    )


def blazeface():
    """MediaPipe's short-range BlazeFace: 896 anchors, 16 numbers each of which 4 are the box.

    All anchors are as large as the input; sizes are plain factors.
    """
    priors = grid(128, 128, (8, 16), _middle, sides=[[(128, 128)] * 2, [(128, 128)] * 6])
    found, places, scores = _found(26, 128, 128, priors, scale=0.3)
    numbers = np.random.RandomState(26).normal(0, 10, (len(priors), 16))
    wanted = centre_size(found.boxes)
    numbers[places, :2] = wanted[:, :2] - priors[places, :2]
    numbers[places, 2:4] = wanted[:, 2:]
    outputs = {
        "regressors": np.float32(numbers[None]),
        "classificators": np.float32(logit(scores.clip(1e-6))[None]),
    }
    seen = Seen("classificators", (0, places[0], 0), 1.2)
    return Net(Input("input", (1, 128, 128, 3), layout="nhwc"), outputs, seen)


def ultraface_priors():
    """(4420, 4): the priors of the ultra-light face detectors, normalised.

    No rule makes them: on the third grid a step is 32 pixels wide and 30 high.
    """
    sides = ([10, 16, 24], [32, 48], [64, 96], [128, 192, 256])
    priors = []
    for (columns, rows), own in zip(((40, 30), (20, 15), (10, 8), (5, 4)), sides):
        for y in range(rows):
            for x in range(columns):
                centre = [(x + 0.5) / columns, (y + 0.5) / rows]
                priors += [[*centre, side / 320, side / 240] for side in own]
    return np.clip(priors, 0, 1)


def _two_columns(scores):
    return np.float32(np.concatenate([1 - scores, scores], axis=1)[None])


def ultraface():
    """version-RFB-320: boxes come as corners, normalised; two columns of scores."""
    priors = ultraface_priors() * [320, 240, 320, 240]
    found, places, scores = _found(27, 320, 240, priors, scale=1)
    boxes = np.random.RandomState(27).uniform(0, 1, (len(priors), 4))
    boxes[places] = found.boxes / [320, 240, 320, 240]
    outputs = {"scores": _two_columns(scores), "boxes": np.float32(boxes[None])}
    return Net(Input("input", (1, 3, 240, 320)), outputs, Seen("scores", (0, places[0], 1), 0.2))


def ultraface_raw():
    """The same family without its last step: offsets from the priors."""
    priors = ultraface_priors()
    pixels = priors * [320, 240, 320, 240]
    found, places, scores = _found(30, 320, 240, pixels, scale=1)
    wanted = centre_size(found.boxes / [320, 240, 320, 240])
    offsets = np.random.RandomState(30).normal(0, 0.4, (len(priors), 4))
    own = priors[places]
    offsets[places, :2] = (wanted[:, :2] - own[:, :2]) / own[:, 2:] / 0.1
    offsets[places, 2:] = np.log(wanted[:, 2:] / own[:, 2:]) / 0.2
    outputs = {"scores": _two_columns(scores), "boxes": np.float32(offsets[None])}
    return Net(Input("input", (1, 3, 240, 320)), outputs, Seen("scores", (0, places[0], 1), 0.2))
