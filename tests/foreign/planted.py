"""Objects for networks to report: boxes in pixels of the input, with classes and confidences.

Most stand in groups: one box, a second one of the same class that overlaps it, a third of another
class at nearly the same place. Some are just below the threshold.
"""

from typing import NamedTuple

import numpy as np

GROUPS = 7


class Objects(NamedTuple):
    """What a network reports, as parallel arrays; the first one is the one that sees."""

    boxes: np.ndarray  # (n, 4) x1 y1 x2 y2, pixels of the input
    classes: np.ndarray  # (n,)
    scores: np.ndarray  # (n,)


def objects(seed, width, height, classes, first=0):
    """Objects in an input of this size, of the classes `first` to `classes` - 1."""
    random = np.random.RandomState(seed)
    boxes = []
    clss = []
    scores = []
    for group in range(GROUPS):
        box = _box(random, width, height)
        cls = random.randint(first, classes)
        score = random.uniform(0.6, 0.9)
        less = 0.08
        if group == 0:
            score = 0.7
            less = 0.25  # whatever the picture makes of the first one, it stays the surest
        if group == 1:
            cls = first
        boxes += [box, _moved(random, box, 0.04), _moved(random, box, 0.05)]
        clss += [cls, cls, random.randint(first, classes)]
        scores += [score, score - less, score - less - 0.07]
        # one beside it, which is kept or not as the overlap says
        boxes.append(_beside(random, box))
        clss.append(cls)
        scores.append(score - less - 0.13)
        # and one just below the threshold, elsewhere
        boxes.append(_box(random, width, height))
        clss.append(cls)
        scores.append(0.29 - 0.01 * group)
    return Objects(np.array(boxes), np.array(clss), np.array(scores))


def with_wide(found, side):
    """The objects, and one as wide as an input of this side, of the last one's class."""
    box = np.array([[0.02, 0.2, 0.98, 0.8]]) * side
    return Objects(
        np.concatenate([found.boxes, box]),
        np.append(found.classes, found.classes[-1]),
        np.append(found.scores, 0.95),
    )


def _box(random, width, height):
    """A box whose middle is inside."""
    size = random.uniform(0.1, 0.4, 2) * [width, height]
    middle = random.uniform(0.15, 0.85, 2) * [width, height]
    return np.concatenate([middle - size / 2, middle + size / 2])


def _moved(random, box, share):
    """A box near another one: each side moves by a share of the size."""
    size = np.tile(box[2:] - box[:2], 2)
    return box + random.uniform(-share, share, 4) * size


def _beside(random, box):
    """The same box, pushed aside by a part of its size."""
    width = box[2] - box[0]
    return box + np.array([1, 0, 1, 0]) * random.uniform(0.1, 0.8) * width


def grid(width, height, steps, middle, shapes=1, sides=None):
    """(p, 4): the priors cx cy w h of grids in pixels, scale by scale, row by row.

    `middle` is where in a cell of a step the centre is. Each has `shapes` priors of the size of a
    cell, or of the `sides` that are given.
    """
    priors = []
    for index, step in enumerate(steps):
        for y in range(int(np.ceil(round(height / step, 2)))):
            for x in range(int(np.ceil(round(width / step, 2)))):
                centre = [x * step + middle(step), y * step + middle(step)]
                own = [(step, step)] * shapes
                if sides is not None:
                    own = sides[index]
                priors += [[*centre, *side] for side in own]
    return np.array(priors)


def places_of(boxes, priors, scale=1.0):
    """(n,): for each box a prior of its own, near it and of a similar size.

    `scale` is how much larger than a prior its boxes usually are.
    """
    taken = np.zeros(len(priors))
    chosen = []
    for box in boxes:
        size = box[2:] - box[:2]
        middle = (box[:2] + box[2:]) / 2
        apart = np.abs(priors[:, :2] - middle) / size
        unlike = np.abs(np.log(priors[:, 2:] * scale / size))
        cost = (apart * 4 + unlike).sum(axis=1) + taken
        chosen.append(int(cost.argmin()))
        taken[chosen[-1]] = np.inf
    return np.array(chosen)


def centre_size(boxes):
    """Corners (n, 4) as centres and sizes."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def logit(scores):
    """What a sigmoid makes these scores of."""
    return np.log(scores / (1 - scores))


def quiet(seed, shape, most=0.02):
    """Scores of places where nothing is."""
    return np.random.RandomState(seed).uniform(0, most, shape)


def class_scores(seed, found, places, shape):
    """(p, classes): quiet but at the objects' places, some of which have a second class."""
    scores = quiet(seed, shape)
    for index, (place, cls) in enumerate(zip(places, found.classes)):
        scores[place, cls] = found.scores[index]
        if index % 5 == 1:
            scores[place, cls - 1] = found.scores[index] - 0.1
    return scores


def softmax_logits(scores):
    """Logits whose softmax has these scores, where each row sums up to 1 or less.

    The first column takes what is left.
    """
    scores = scores / np.maximum(1, scores[:, 1:].sum(axis=1, keepdims=True) + 0.05)
    scores[:, 0] = 1 - scores[:, 1:].sum(axis=1)
    return np.log(np.maximum(scores, 1e-6))
