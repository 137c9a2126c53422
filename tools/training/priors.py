"""Prior boxes: where they lie, how boxes are written relative to them, and which sizes suit.

Boxes are in pixels of the network's input and given by their corners, x1 y1 x2 y2, unless a name
says centre (cx cy w h). Which prior learns which object is decided in losses.py, not here.
"""

import math
from typing import List, NamedTuple, Tuple

import numpy as np
import torch

from .recipes import Recipe

# SSD's scaling of the offsets
CENTRE_VARIANCE = 0.1
SIZE_VARIANCE = 0.2

LOG_LIMIT = 4.0  # scaled offsets of the size are clipped to +-LOG_LIMIT


class LevelPriors(NamedTuple):
    """The priors of one feature map in numbers."""

    total: int  # all priors of the level
    shapes: int  # priors in each cell
    stride: int


def map_sizes(recipe: Recipe) -> List[Tuple[int, int]]:
    """(width, height) of each feature map: the input's size over the stride, rounded up."""
    width, height = recipe.size
    sizes = []
    for level in recipe.levels:
        columns = math.ceil(width / level.stride)
        rows = math.ceil(height / level.stride)
        sizes.append((columns, rows))
    return sizes


def make_priors(recipe: Recipe) -> np.ndarray:
    """Centre boxes (p, 4), ordered by level, row, column and prior.

    The maps of the heads are flattened in the same order.
    """
    levels = []
    for level, (columns, rows) in zip(recipe.levels, map_sizes(recipe)):
        # a prior lies in the middle of its cell
        across = (np.arange(columns) + 0.5) * level.stride
        down = (np.arange(rows) + 0.5) * level.stride
        x, y = np.meshgrid(across, down)
        cells = np.stack([x, y], -1).reshape(-1, 1, 2)  # (cells, 1, 2)

        # every cell has a prior of each shape
        shapes = np.array(level.priors, float)
        centres = cells.repeat(len(shapes), 1)  # (cells, k, 2)
        sizes = np.broadcast_to(shapes, centres.shape)
        boxes = np.concatenate([centres, sizes], -1)
        levels.append(boxes.reshape(-1, 4))
    return np.concatenate(levels).astype(np.float32)


def level_table(recipe: Recipe) -> List[LevelPriors]:
    """The number of priors, of shapes, and the stride of each level."""
    table = []
    for level, (columns, rows) in zip(recipe.levels, map_sizes(recipe)):
        shapes = len(level.priors)
        table.append(LevelPriors(columns * rows * shapes, shapes, level.stride))
    return table


def level_counts(recipe: Recipe) -> List[int]:
    """The number of priors of each level."""
    return [level.total for level in level_table(recipe)]


def corners(centre: torch.Tensor) -> torch.Tensor:
    """Centre boxes (..., 4) as corner boxes."""
    middle = centre[..., :2]
    half = centre[..., 2:] / 2
    return torch.cat([middle - half, middle + half], -1)


def encode(boxes: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Corner boxes as offsets to centre priors: the inverse of decode."""
    prior_size = priors[..., 2:]

    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    shift = (centre - priors[..., :2]) / prior_size / CENTRE_VARIANCE

    size = boxes[..., 2:] - boxes[..., :2]
    growth = torch.log(size / prior_size) / SIZE_VARIANCE
    return torch.cat([shift, growth], -1)


def decode(offsets: torch.Tensor, priors: torch.Tensor) -> torch.Tensor:
    """Offsets to centre priors as corner boxes."""
    prior_size = priors[..., 2:]

    shift = offsets[..., :2] * CENTRE_VARIANCE * prior_size
    centre = priors[..., :2] + shift

    power = offsets[..., 2:] * SIZE_VARIANCE
    size = prior_size * torch.exp(power.clamp(-LOG_LIMIT, LOG_LIMIT))
    return corners(torch.cat([centre, size], -1))


def fit_sizes(sizes: np.ndarray, count: int, rounds: int = 50) -> np.ndarray:
    """`count` prior sizes (w, h) that suit boxes of these sizes, the smallest first.

    It is k-means with 1 - IoU as the distance, and medians for means.
    """
    sizes = np.asarray(sizes, float)

    # begin with sizes spread evenly over the boxes in order of their area
    order = np.argsort(sizes.prod(1))
    places = (np.arange(count) + 0.5) * len(order) / count
    centres = sizes[order[places.astype(int)]]

    for _ in range(rounds):
        best = shape_iou(sizes, centres).argmax(1)
        centres = _medians(sizes, best, centres)
    return centres[np.argsort(centres.prod(1))]


def _medians(sizes: np.ndarray, best: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The median size of each group; an empty group keeps its centre."""
    medians = []
    for number, centre in enumerate(centres):
        group = sizes[best == number]
        if len(group):
            centre = np.median(group, 0)
        medians.append(centre)
    return np.array(medians)


def shape_iou(sizes: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """IoU (n, k) of boxes that share their centre, from their sizes (n, 2) and (k, 2)."""
    both = np.minimum(sizes[:, None], centres[None]).prod(-1)
    areas = sizes.prod(-1)[:, None]
    centre_areas = centres.prod(-1)[None]
    return both / (areas + centre_areas - both)
