"""SSDs that give offsets from priors and a number for each class: suppression is the reader's."""

import math

import numpy as np

from foreign.onnx_file import Input, Net, Seen
from foreign.planted import (
    centre_size,
    class_scores,
    grid,
    logit,
    objects,
    places_of,
    with_wide,
)
from foreign.planted import softmax_logits as logits_of


def _middle(step):
    return step / 2


def _offsets(found, places, priors, variances):
    """(p, 4): quiet offsets but at the objects' places: dx dy dw dh."""
    offsets = np.random.RandomState(3).normal(0, 0.4, (len(priors), 4))
    wanted = centre_size(found.boxes)
    own = priors[places]
    offsets[places, :2] = (wanted[:, :2] - own[:, :2]) / own[:, 2:]
    offsets[places, 2:] = np.log(wanted[:, 2:] / own[:, 2:])
    offsets[places] /= variances
    return offsets


def _torchvision_sides(scales, aspects, side):
    """Width and height of each prior of a cell, for each scale, in the order of torchvision."""
    sides = []
    for index, own in enumerate(aspects):
        scale = scales[index]
        between = math.sqrt(scale * scales[index + 1])
        shapes = [(scale, scale), (between, between)]
        for aspect in own:
            wide = (scale * math.sqrt(aspect), scale / math.sqrt(aspect))
            shapes += [wide, wide[::-1]]
        sides.append([(min(w, 1) * side, min(h, 1) * side) for w, h in shapes])
    return sides


def _torchvision(seed, side, priors):
    """The outputs of torchvision's SSD head, with which its own post-processing starts."""
    found = with_wide(objects(seed, side, side, classes=91, first=1), side)
    places = places_of(found.boxes, priors)
    scores = class_scores(seed, found, places, (len(priors), 91))
    scores[scores < 0.02] /= 90  # all classes together are nearly nothing
    offsets = _offsets(found, places, priors, [0.1, 0.1, 0.2, 0.2])
    outputs = {
        "bbox_regression": np.float32(offsets[None]),
        "cls_logits": np.float32(logits_of(scores)[None]),
    }
    return outputs, (0, places[0], found.classes[0])


def torchvision_ssd300():
    """ssd300_vgg16: 8,732 priors, 91 classes."""
    sides = _torchvision_sides(
        [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05], [[2], [2, 3], [2, 3], [2, 3], [2], [2]], 300
    )
    priors = grid(300, 300, (8, 16, 32, 64, 100, 300), _middle, sides=sides)
    outputs, index = _torchvision(1, 300, priors)
    return Net(Input("images", (1, 3, 300, 300)), outputs, Seen("cls_logits", index, 0.01))


def torchvision_ssdlite320():
    """ssdlite320_mobilenet_v3_large: 3,234 priors, 91 classes."""
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]
    sides = _torchvision_sides(scales, [[2, 3]] * 6, 320)
    steps = [320 / cells for cells in (20, 10, 5, 3, 2, 1)]
    priors = grid(320, 320, steps, _middle, sides=sides)
    outputs, index = _torchvision(2, 320, priors)
    return Net(Input("images", (1, 3, 320, 320)), outputs, Seen("cls_logits", index, 1.2))


def torchvision_ssdlite320_heads():
    """The same network cut at its heads: two maps a scale, with six priors in a cell."""
    whole = torchvision_ssdlite320()
    outputs = {}
    seen = None
    start = 0
    for scale, cells in enumerate((20, 10, 5, 3, 2, 1)):
        end = start + cells * cells * 6
        for name, role in (("box", "bbox_regression"), ("cls", "cls_logits")):
            rows = whole.outputs[role][0, start:end]
            by_cell = rows.reshape(cells, cells, -1)  # the columns of all six
            outputs[f"{name}_{scale}"] = by_cell.transpose(2, 0, 1)[None]
        _, place, cls = whole.seen.index
        if start <= place < end:
            cell, which = divmod(place - start, 6)
            index = (0, which * 91 + cls, *divmod(cell, cells))
            seen = Seen(f"cls_{scale}", index, whole.seen.gain)
        start = end
    return Net(whole.input, outputs, seen)


def tf1_ssd_mobilenet():
    """TensorFlow 1's ssd_mobilenet, cut before its suppression: 1,917 priors, sigmoid inside none.

    Offsets are ty tx th tw.
    """
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]
    shapes = [[(0.1, 1.0), (0.2, 2.0), (0.2, 0.5)]]
    for index in range(1, 6):
        own = [(scales[index], aspect) for aspect in (1.0, 2.0, 0.5, 3.0, 0.3333)]
        shapes.append([*own, (math.sqrt(scales[index] * scales[index + 1]), 1.0)])
    sides = [[(s * math.sqrt(a) * 300, s / math.sqrt(a) * 300) for s, a in own] for own in shapes]
    steps = [300 / cells for cells in (19, 10, 5, 3, 2, 1)]
    priors = grid(300, 300, steps, _middle, sides=sides)

    found = objects(3, 300, 300, classes=91, first=1)
    places = places_of(found.boxes, priors)
    scores = class_scores(3, found, places, (len(priors), 91))
    scores[:, 0] = 0.99  # the background has a sigmoid of its own
    offsets = _offsets(found, places, priors, [0.1, 0.1, 0.2, 0.2])[:, [1, 0, 3, 2]]
    outputs = {
        "Squeeze:0": np.float32(offsets[None]),
        "concat_1:0": np.float32(logit(np.clip(scores, 1e-6, 1))[None]),
    }
    seen = Seen("concat_1:0", (0, places[0], found.classes[0]), 1.2)
    return Net(Input("Preprocessor/sub:0", (1, 300, 300, 3), layout="nhwc"), outputs, seen)


def tf1_ssd_heads():
    """The same network cut at its heads: two maps a scale, with their columns last.

    There the priors of a cell come one after another.
    """
    whole = tf1_ssd_mobilenet()
    offsets = whole.outputs["Squeeze:0"]
    logits = whole.outputs["concat_1:0"]
    outputs = {}
    seen = None
    start = 0
    for scale, cells in enumerate((19, 10, 5, 3, 2, 1)):
        in_a_cell = 3 if scale == 0 else 6
        end = start + cells * cells * in_a_cell
        head = f"BoxPredictor_{scale}"
        shape = (1, cells, cells, -1)
        outputs[f"{head}/BoxEncodingPredictor/BiasAdd:0"] = offsets[:, start:end].reshape(shape)
        outputs[f"{head}/ClassPredictor/BiasAdd:0"] = logits[:, start:end].reshape(shape)
        _, place, cls = whole.seen.index
        if start <= place < end:
            name = f"{head}/ClassPredictor/BiasAdd:0"
            cell, which = divmod(place - start, in_a_cell)
            index = (0, *divmod(cell, cells), which * 91 + cls)
            seen = Seen(name, index, whole.seen.gain)
        start = end
    return Net(whole.input, outputs, seen)


def nvidia_priors():
    """(8732, 4): the priors of NVIDIA's SSD300, normalised.

    No rule makes them: here a prior of all cells comes before the next one.
    """
    aspects = [[2], [2, 3], [2, 3], [2, 3], [2], [2]]
    sides = _torchvision_sides([n / 300 for n in (21, 45, 99, 153, 207, 261, 315)], aspects, 1)
    priors = []
    for step, cells, own in zip((8, 16, 32, 64, 100, 300), (38, 19, 10, 5, 3, 1), sides):
        for side in own:
            for y in range(cells):
                for x in range(cells):
                    priors.append([(x + 0.5) * step / 300, (y + 0.5) * step / 300, *side])
    return np.clip(priors, 0, 1)


def nvidia_ssd300():
    """NVIDIA's SSD300 of PyTorch's hub: 4 x 8732 offsets and 81 x 8732 logits, columns first."""
    priors = nvidia_priors()
    pixels = priors * 300
    found = with_wide(objects(4, 300, 300, classes=81, first=1), 300)
    places = places_of(found.boxes, pixels)
    scores = class_scores(4, found, places, (len(priors), 81))
    scores[scores < 0.02] /= 90
    offsets = _offsets(found, places, pixels, [0.1, 0.1, 0.2, 0.2])
    outputs = {
        "ploc": np.float32(offsets.T[None]),
        "plabel": np.float32(logits_of(scores).T[None]),
    }
    seen = Seen("plabel", (0, found.classes[0], places[0]), 1.2)
    return Net(Input("input", (1, 3, 300, 300)), outputs, seen)
