"""Looks at rendered scenes before training: how many objects, how large,
and which prior sizes suit them.
"""

import numpy as np

from .feed import Source
from .priors import fit_sizes, shape_iou

SPREAD = 3.0  # a level of stride s serves objects of about s * SPREAD pixels (root of the area)


def object_sizes(recipe, sample, size, images, split="train"):
    """(w, h) in network pixels and the class of every object that is not difficult,
    and the counts an image.
    """
    source = Source(sample, recipe.task, size, 10**3)
    rows = [source.render(split, index)[1] for index in range(images)]
    counts = [int((r[:, 4] >= 0).sum()) for r in rows]
    rows = np.concatenate(rows)
    rows = rows[(rows[:, 4] >= 0) & (rows[:, 5] == 0)]
    return (
        (rows[:, 2:4] - rows[:, :2]) * np.divide(recipe.size, size),
        rows[:, 4].astype(int),
        counts,
    )


def by_level(sizes, levels):
    """The objects each level is meant for, by the root of their area."""
    root = np.sqrt(sizes.prod(1))
    edges = [0] + [level.stride * SPREAD * 1.4 for level in levels[:-1]] + [np.inf]
    return [sizes[(root >= low) & (root < high)] for low, high in zip(edges, edges[1:])]


def prior_table(recipe, sample, size, images):
    """The levels as text to put into recipes.py,
    with the mean overlap of objects and their best prior shape.
    """
    sizes, classes, counts = object_sizes(recipe, sample, size, images)
    lines = [
        f"{len(sizes)} objects in {images} images, {np.mean(counts):.1f} an image and at most "
        f"{max(counts)}; "
        f"by class {np.bincount(classes).tolist()}"
    ]
    for level, mine in zip(recipe.levels, by_level(sizes, recipe.levels)):
        if len(mine) < 2 * len(level.priors):
            lines.append(f"stride {level.stride}: {len(mine)} objects are too few to fit")
            continue
        shapes = fit_sizes(mine, len(level.priors))
        text = ", ".join(f"({w:.0f}, {h:.0f})" for w, h in shapes)
        overlap = shape_iou(mine, shapes).max(1).mean()
        lines.append(
            f"Level({level.stride}, ({text})): {len(mine)} objects, mean overlap {overlap:.2f}"
        )
    height = np.percentile(sizes[:, 1], [5, 25, 50, 75, 95])
    return "\n".join([*lines, f"heights at 5, 25, 50, 75, 95 %: {np.round(height, 1).tolist()}"])
