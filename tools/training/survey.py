"""Looks at rendered scenes before training: how many objects, how large, which priors suit.

It only suggests; recipes.py holds what was chosen.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np

from .pool import Sampler, Source
from .priors import fit_sizes, shape_iou
from .recipes import Level, Recipe

SPREAD = 3.0  # a level of stride s serves objects of about s * SPREAD pixels (root of the area)


class Objects(NamedTuple):
    """The objects of many scenes; difficult ones are only counted."""

    sizes: np.ndarray  # (n, 2) width and height in network pixels
    classes: np.ndarray  # (n,)
    counts: List[int]  # objects in each scene


def object_sizes(
    recipe: Recipe,
    sample: Sampler,
    size: Tuple[int, int],
    images: int,
    split: str = "train",
) -> Objects:
    """The objects of the first `images` scenes, which are rendered in `size` (width, height)."""
    source = Source(sample, recipe.task, size, max_boxes=10**3)
    scenes = [source.render(split, index)[1] for index in range(images)]
    counts = [int((rows[:, 4] >= 0).sum()) for rows in scenes]

    # real objects that are not difficult
    rows = np.concatenate(scenes)
    real = rows[:, 4] >= 0
    rows = rows[real & (rows[:, 5] == 0)]

    # from pixels of the scene to those of the network
    factor = np.divide(recipe.size, size)
    sizes = (rows[:, 2:4] - rows[:, :2]) * factor
    return Objects(sizes, rows[:, 4].astype(int), counts)


def by_level(sizes: np.ndarray, levels: Sequence[Level]) -> List[np.ndarray]:
    """The objects each level is meant for, by the root of their area."""
    root = np.sqrt(sizes.prod(1))
    limits = [level.stride * SPREAD * 1.4 for level in levels[:-1]]

    groups = []
    low = 0.0
    for high in [*limits, np.inf]:
        here = (root >= low) & (root < high)
        groups.append(sizes[here])
        low = high
    return groups


def prior_table(recipe: Recipe, sample: Sampler, size: Tuple[int, int], images: int) -> str:
    """The levels as text to put into recipes.py.

    Each line tells how well the priors fit: the mean overlap of objects and their best prior.
    """
    found = object_sizes(recipe, sample, size, images)
    mean = np.mean(found.counts)
    most = max(found.counts)
    classes = np.bincount(found.classes).tolist()
    lines = [
        f"{len(found.sizes)} objects in {images} images, {mean:.1f} an image "
        f"and at most {most}; by class {classes}"
    ]

    groups = by_level(found.sizes, recipe.levels)
    for level, sizes in zip(recipe.levels, groups):
        lines.append(_level_line(level, sizes))

    heights = np.percentile(found.sizes[:, 1], [5, 25, 50, 75, 95])
    lines.append(f"heights at 5, 25, 50, 75, 95 %: {heights.round(1).tolist()}")
    return "\n".join(lines)


def _level_line(level: Level, sizes: np.ndarray) -> str:
    """A level with as many priors as it has now, fitted to these sizes."""
    count = len(level.priors)
    if len(sizes) < 2 * count:
        return f"stride {level.stride}: {len(sizes)} objects are too few to fit"

    shapes = fit_sizes(sizes, count)
    overlap = shape_iou(sizes, shapes).max(1).mean()
    text = ", ".join(f"({width:.0f}, {height:.0f})" for width, height in shapes)
    return f"Level({level.stride}, ({text})): {len(sizes)} objects, mean overlap {overlap:.2f}"
