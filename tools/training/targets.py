"""What a batch of images shows, as tensors, and how it follows when the images are changed.

Nothing is drawn at random here: augment.py draws and these functions move, cut and join.
"""

from typing import NamedTuple, Optional

import torch

# the share of its area a cut object must keep: below KEEP it is dropped, below TRUST ignored
VISIBLE_KEEP = 0.3
VISIBLE_TRUST = 0.6


class Targets(NamedTuple):
    """The objects of a batch, with room for m an image."""

    boxes: torch.Tensor  # (b, m, 4) corners
    labels: torch.Tensor  # (b, m) 0-based class, -1 where there is no object
    ignore: torch.Tensor  # (b, m) difficult: neither right nor wrong


def to_targets(rows: torch.Tensor) -> Targets:
    """Targets from rows (b, m, 6) of x1 y1 x2 y2 class difficult."""
    boxes = rows[..., :4]
    labels = rows[..., 4].long()
    difficult = rows[..., 5] > 0
    return Targets(boxes, labels, difficult)


def move_boxes(boxes: torch.Tensor, window: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
    """Boxes in 0..1 of the source as boxes in 0..1 of the window (b, 4), mirrored where `flip`."""
    corner = window[:, None, [0, 1, 0, 1]]
    size = window[:, None, [2, 3, 2, 3]]
    moved = (boxes - corner) / size

    x1, y1, x2, y2 = moved.unbind(-1)
    mirrored = torch.stack([1 - x2, y1, 1 - x1, y2], -1)
    return torch.where(flip[:, None, None], mirrored, moved)


def clip_boxes(
    targets: Targets, left: Optional[torch.Tensor] = None, right: Optional[torch.Tensor] = None
) -> Targets:
    """Clip boxes in 0..1 to the image, or to its columns between `left` and `right`, each (b,).

    Objects that are mostly cut off are dropped or ignored.
    """
    x1, y1, x2, y2 = targets.boxes.unbind(-1)  # each (b, m)

    # the columns that are left of each image
    first = torch.zeros_like(x1)
    if left is not None:
        first = first + left[:, None]
    last = torch.ones_like(x1)
    if right is not None:
        last = torch.zeros_like(x1) + right[:, None]

    sides = [
        x1.maximum(first).minimum(last),
        y1.clamp(0, 1),
        x2.maximum(first).minimum(last),
        y2.clamp(0, 1),
    ]
    clipped = torch.stack(sides, -1)

    # what can still be seen of each object
    visible = _area(clipped) / _area(targets.boxes).clamp(min=1e-9)
    labels = torch.where(visible > VISIBLE_KEEP, targets.labels, -1)
    return Targets(clipped, labels, targets.ignore | (visible < VISIBLE_TRUST))


def _area(boxes: torch.Tensor) -> torch.Tensor:
    """Width times height, with its sign: of a box turned inside out it can be negative."""
    x1, y1, x2, y2 = boxes.unbind(-1)
    return (x2 - x1) * (y2 - y1)


def roll(targets: Targets) -> Targets:
    """Give each image the objects of the image before it."""
    boxes = targets.boxes.roll(1, 0)
    labels = targets.labels.roll(1, 0)
    ignore = targets.ignore.roll(1, 0)
    return Targets(boxes, labels, ignore)


def join(a: Targets, b: Targets) -> Targets:
    """The objects of both, image by image."""
    boxes = torch.cat([a.boxes, b.boxes], 1)
    labels = torch.cat([a.labels, b.labels], 1)
    ignore = torch.cat([a.ignore, b.ignore], 1)
    return Targets(boxes, labels, ignore)


def keep_real(targets: Targets, most: int, min_height: float) -> Targets:
    """At most `most` objects an image, real ones first; those below `min_height` are ignored."""
    # real objects keep their order
    real = (targets.labels >= 0).float()
    order = real.sort(dim=1, descending=True, stable=True).indices
    order = order[:, :most]

    boxes = targets.boxes.gather(1, order[..., None].expand(-1, -1, 4))
    labels = targets.labels.gather(1, order)
    ignore = targets.ignore.gather(1, order)

    height = boxes[..., 3] - boxes[..., 1]
    return Targets(boxes, labels, ignore | (height < min_height))
