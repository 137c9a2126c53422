"""Ground truth from geometry: boxes of whole objects, the visible share of each, what is left out.

It looks at triangles and at who owns each sample of a picture, never at the picture's colours.
"""

from typing import List, NamedTuple, Sequence

import numpy as np

from . import raster
from .shade import Soup
from .world import NEAR, Camera, Thing

LEAST_VISIBLE = 0.25
DIFFICULT_VISIBLE = 0.50
LEAST_HEIGHT = 6.0  # pixels
DIFFICULT_HEIGHT = 12.0
LEAST_WIDTH = 2.0
CELLS = 160  # samples across the larger side of an object when it is drawn alone


class Measured(NamedTuple):
    """A labelled thing of which something is to be seen."""

    number: int  # its place among the things
    box: np.ndarray  # (4,) left, top, right, bottom in pixels, cut to the frame
    visible: float  # share of the whole object, 0..1


class Kept(NamedTuple):
    """A measured thing that counts."""

    number: int
    box: np.ndarray
    visible: float
    difficult: bool


def whole_box(soup: Soup, span: Sequence[int], camera: Camera) -> np.ndarray:
    """The object's extent, beyond the frame too: x1, y1, x2, y2."""
    first, last = span
    view = camera.view()
    return np.array(raster.extent(soup.pos, first, last, view, camera.focal, camera.centre, NEAR))


def alone(soup: Soup, span: Sequence[int], camera: Camera, box: np.ndarray) -> float:
    """How many 2 x 2 samples the object would cover, unhidden and with no frame around it."""
    # what lies far beyond the frame is not worth the samples
    limit = 3 * camera.width
    box = np.clip(box, -limit, limit)
    corner = box[:2]
    size = np.maximum(box[2:] - corner, 1e-3)

    # a grid around the object alone, coarser than the picture's where the object is large
    step = max(1.0, size.max() * 2 / CELLS)
    cells = np.ceil(size * 2 / step)
    columns, rows = cells.astype(int) + 2
    key = np.zeros((rows, columns), np.float32)
    ids = np.full((rows, columns), -1, np.int32)

    # the camera, turned to that grid
    scale = 2 / step
    origin = np.floor(corner * scale)
    focal = camera.focal * scale
    centre = camera.centre * scale - origin
    first, last = span
    raster.draw(soup.pos, first, last, camera.view(), focal, centre, NEAR, key, ids)
    covered = int((ids >= 0).sum())
    return covered * step * step


def measure(
    things: Sequence[Thing], soup: Soup, spans: np.ndarray, camera: Camera, ids: np.ndarray
) -> List[Measured]:
    """Box and visible share of each labelled thing; things out of the frame are left out."""
    labels = np.array([thing.label for thing in things])
    labelled = np.flatnonzero(labels >= 0)

    # count the samples of each
    slot = np.full(len(things), -1, np.int64)
    slot[labelled] = np.arange(len(labelled))
    counts = np.zeros(len(labelled), np.int64)
    owner = soup.tag[:, 2]
    raster.count_ids(ids, slot[owner], counts)

    found = []
    frame = (camera.width, camera.height) * 2
    for number, seen in zip(labelled, counts):
        if seen == 0:
            continue
        box = whole_box(soup, spans[number], camera)
        total = max(alone(soup, spans[number], camera, box), 1)
        visible = min(seen / total, 1.0)
        found.append(Measured(int(number), np.clip(box, 0, frame), visible))
    return found


def keep(found: Sequence[Measured]) -> List[Kept]:
    """Those that count, and which of them are difficult."""
    kept = []
    for number, box, visible in found:
        left, top, right, bottom = box
        width = right - left
        height = bottom - top
        if visible < LEAST_VISIBLE or height < LEAST_HEIGHT or width < LEAST_WIDTH:
            continue
        difficult = visible < DIFFICULT_VISIBLE or height < DIFFICULT_HEIGHT
        kept.append(Kept(number, box, visible, bool(difficult)))
    return kept
