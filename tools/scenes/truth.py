"""Ground truth from geometry: boxes of whole objects, the visible share of each, and the rules for what is left out."""

import numpy as np

from . import raster
from .world import NEAR

LEAST_VISIBLE, DIFFICULT_VISIBLE = 0.25, 0.50
LEAST_HEIGHT, DIFFICULT_HEIGHT = 6.0, 12.0
CELLS = 160  # samples across the larger side of an object when it is drawn alone


def whole_box(soup, span, camera):
    """The object's extent, beyond the frame too: x1, y1, x2, y2."""
    return np.array(
        raster.extent(soup.pos, span[0], span[1], camera.view(), camera.focal, camera.centre, NEAR)
    )


def alone(soup, span, camera, box):
    """How many 2 x 2 samples the object would cover with nothing before it and no frame around it."""
    limit = 3 * camera.width
    box = np.clip(box, -limit, limit)
    size = np.maximum(box[2:] - box[:2], 1e-3)
    step = max(1.0, size.max() * 2 / CELLS)
    shape = np.ceil(size * 2 / step).astype(int) + 2
    key, ids = (
        np.zeros((shape[1], shape[0]), np.float32),
        np.full((shape[1], shape[0]), -1, np.int32),
    )
    scale = 2 / step
    origin = np.floor(box[:2] * scale)
    raster.draw(
        soup.pos,
        span[0],
        span[1],
        camera.view(),
        camera.focal * scale,
        camera.centre * scale - origin,
        NEAR,
        key,
        ids,
    )
    return int((ids >= 0).sum()) * step * step


def measure(things, soup, spans, camera, ids):
    """For each labelled thing: (index, clipped box, visible share). Things out of the frame are skipped."""
    owner = np.where(np.array([thing.label for thing in things]) >= 0, 0, -1)
    labelled = np.flatnonzero(owner >= 0)
    slot = np.full(len(things), -1, np.int64)
    slot[labelled] = np.arange(len(labelled))
    counts = np.zeros(len(labelled), np.int64)
    raster.count_ids(ids, slot[soup.tag[:, 2]], counts)
    found = []
    for number, seen in zip(labelled, counts):
        if seen == 0:
            continue
        box = whole_box(soup, spans[number], camera)
        total = max(alone(soup, spans[number], camera, box), 1)
        clipped = np.clip(box, 0, (camera.width, camera.height) * 2)
        found.append((int(number), clipped, min(seen / total, 1.0)))
    return found


def keep(found):
    """Which measured objects count, and which of them are difficult: (index, box, visible, difficult)."""
    kept = []
    for number, box, visible in found:
        height = box[3] - box[1]
        if visible < LEAST_VISIBLE or height < LEAST_HEIGHT or box[2] - box[0] < 2:
            continue
        kept.append(
            (number, box, visible, bool(visible < DIFFICULT_VISIBLE or height < DIFFICULT_HEIGHT))
        )
    return kept
