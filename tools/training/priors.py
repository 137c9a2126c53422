"""Prior boxes: where they lie, how a box is written relative to one, and how their sizes are found from data.

Boxes here are in pixels of the network input, corners x1 y1 x2 y2 unless a name says centre (cx cy w h).
"""

import numpy as np
import torch

VARIANCE = (0.1, 0.2)  # SSD's scaling of centre and size offsets
LOG_LIMIT = 4.0  # offsets of the size are clipped to +-LOG_LIMIT after scaling


def map_sizes(recipe):
    """(width, height) of each feature map: every stride halves the last, rounding up."""
    return [
        (-(-recipe.size[0] // level.stride), -(-recipe.size[1] // level.stride))
        for level in recipe.levels
    ]


def make_priors(recipe):
    """Centre boxes (p, 4), ordered level, row, column, prior:
    the order in which the heads' maps are flattened.
    """
    rows = []
    for level, (width, height) in zip(recipe.levels, map_sizes(recipe)):
        x, y = np.meshgrid(
            (np.arange(width) + 0.5) * level.stride, (np.arange(height) + 0.5) * level.stride
        )
        centres = (
            np.stack([x, y], -1).reshape(-1, 1, 2).repeat(len(level.priors), 1)
        )  # (cells, k, 2)
        sizes = np.broadcast_to(np.array(level.priors, float), centres.shape)
        rows.append(np.concatenate([centres, sizes], -1).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float32)


def level_counts(recipe):
    return [w * h * len(level.priors) for level, (w, h) in zip(recipe.levels, map_sizes(recipe))]


def level_table(recipe):
    """(number of priors, prior shapes, stride) of each level."""
    return [
        (n, len(level.priors), level.stride)
        for n, level in zip(level_counts(recipe), recipe.levels)
    ]


def corners(centre):
    half = centre[..., 2:] / 2
    return torch.cat([centre[..., :2] - half, centre[..., :2] + half], -1)


def encode(boxes, priors):
    """Corner boxes as offsets to centre priors: the inverse of decode."""
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    size = boxes[..., 2:] - boxes[..., :2]
    shift = (centre - priors[..., :2]) / priors[..., 2:] / VARIANCE[0]
    return torch.cat([shift, torch.log(size / priors[..., 2:]) / VARIANCE[1]], -1)


def decode(offsets, priors):
    centre = priors[..., :2] + offsets[..., :2] * VARIANCE[0] * priors[..., 2:]
    size = priors[..., 2:] * torch.exp(
        (offsets[..., 2:] * VARIANCE[1]).clamp(-LOG_LIMIT, LOG_LIMIT)
    )
    return corners(torch.cat([centre, size], -1))


def fit_sizes(sizes, count, rounds=50):
    """k-means on (w, h) with 1 - IoU as the distance: `count` prior sizes that suit these boxes,
    small first.
    """
    sizes = np.asarray(sizes, float)
    order = np.argsort(sizes.prod(1))
    centres = sizes[order[((np.arange(count) + 0.5) * len(order) / count).astype(int)]]
    for _ in range(rounds):
        best = shape_iou(sizes, centres).argmax(1)
        centres = np.array(
            [
                np.median(sizes[best == i], 0) if (best == i).any() else centres[i]
                for i in range(count)
            ]
        )
    return centres[np.argsort(centres.prod(1))]


def shape_iou(sizes, centres):
    both = np.minimum(sizes[:, None], centres[None]).prod(-1)
    return both / (sizes.prod(-1)[:, None] + centres.prod(-1)[None] - both)
