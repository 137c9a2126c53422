"""Which prior learns which object, and what it pays for being wrong.

Matching is ATSS (Zhang et al., 2020): an object's candidates are the nearest priors of every
level, and those whose overlap exceeds the mean plus the deviation of the candidates' overlaps are
positive. As in SSD, the best prior is always positive. The class loss is the quality focal loss
(Li et al., 2020) written for a softmax; it stands where SSD had hard-negative mining.
"""

from typing import List, NamedTuple, Tuple

import torch

from .priors import LevelPriors, corners, decode

NEAREST = 4  # candidates a level, for each prior shape; 9 (the paper's) was worse for tiny objects


def area(boxes: torch.Tensor) -> torch.Tensor:
    """The areas (...) of corner boxes (..., 4); a box turned inside out has none."""
    sides = boxes[..., 2:] - boxes[..., :2]
    return sides.clamp(min=0).prod(-1)


def _intersection(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    return (high - low).clamp(min=0).prod(-1)


def pairwise_iou(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The IoU of every pair: corner boxes (..., m, 4) and (..., p, 4) -> (..., m, p)."""
    a = a[..., :, None, :]  # (..., m, 1, 4)
    b = b[..., None, :, :]  # (..., 1, p, 4)

    both = _intersection(a, b)
    areas = area(a) + area(b)
    return both / (areas - both).clamp(min=1e-9)


def giou(a: torch.Tensor, b: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
    """The generalised IoU of boxes taken one by one, and the plain IoU."""
    both = _intersection(a, b)
    areas = area(a) + area(b)
    union = (areas - both).clamp(min=1e-9)

    # the smallest box around both
    low = torch.minimum(a[..., :2], b[..., :2])
    high = torch.maximum(a[..., 2:], b[..., 2:])
    hull = (high - low).prod(-1).clamp(min=1e-9)

    iou = both / union
    return iou - (hull - union) / hull, iou


class Nearness(NamedTuple):
    """How priors lie to objects, whatever the priors' sizes."""

    away: torch.Tensor  # (b, m, p, 2) from centre to centre, across and down
    near: torch.Tensor  # (b, m, p) the prior's centre is in the box or close to the box's centre


class Matcher:
    """Assigns the priors (p, 4) of the levels to objects; it weighs no loss."""

    def __init__(self, priors: torch.Tensor, levels: List[LevelPriors]) -> None:
        self.priors = priors
        self.levels = levels
        self.boxes = corners(priors)

        # half a stride: so far from an object's centre a prior still belongs to it
        strides = [torch.full((level.total,), float(level.stride)) for level in levels]
        self.reach = torch.cat(strides).to(priors.device) / 2

    def __call__(
        self, boxes: torch.Tensor, valid: torch.Tensor
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """The object each prior is to learn, and whether it is to learn one, both (b, p).

        `boxes` is (b, m, 4); `valid` (b, m) says which of them are objects.
        """
        # candidates that overlap well enough are positive
        away, near = self._nearness(boxes)
        distance = away.square().sum(-1)
        iou = pairwise_iou(boxes, self.boxes)  # (b, m, p)
        chosen = self._candidates(distance)
        positive = chosen & near & (iou >= self._threshold(iou, chosen))

        # the best prior is, too, so that no object is left out; the nearest one where many tie
        best = (iou - distance * 1e-7).argmax(-1, keepdim=True)
        positive.scatter_(-1, best, True)
        positive &= valid[..., None]

        # a prior wanted by several objects goes to the one it overlaps most
        value, index = torch.where(positive, iou, -1.0).max(1)
        return index, value >= 0

    def inside(self, boxes: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Whether each prior (b, p) lies in a wanted box, or within half a stride of its centre.

        `boxes` is (b, m, 4), `wanted` (b, m).
        """
        near = self._nearness(boxes).near
        return (near & wanted[..., None]).any(1)

    def _nearness(self, boxes: torch.Tensor) -> Nearness:
        low = boxes[..., :2]
        high = boxes[..., 2:]
        centre = (low + high) / 2  # (b, m, 2)
        half = (high - low) / 2

        away = (centre[:, :, None] - self.priors[:, :2]).abs()  # (b, m, p, 2)
        limit = torch.maximum(half[:, :, None], self.reach[:, None])
        return Nearness(away, (away <= limit).all(-1))

    def _candidates(self, distance: torch.Tensor) -> torch.Tensor:
        """The nearest priors of every level, as a mask (b, m, p)."""
        chosen = torch.zeros_like(distance, dtype=torch.bool)
        start = 0
        for level in self.levels:
            end = start + level.total
            part = distance[..., start:end]
            count = min(NEAREST * level.shapes, level.total)
            nearest = part.topk(count, largest=False, sorted=False)
            chosen.scatter_(-1, nearest.indices + start, True)
            start = end
        return chosen

    @staticmethod
    def _threshold(iou: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
        """Mean plus deviation of the candidates' overlaps, (b, m, 1)."""
        count = chosen.sum(-1, keepdim=True)
        total = (iou * chosen).sum(-1, keepdim=True)
        mean = total / count

        squares = (iou - mean).square() * chosen
        variance = squares.sum(-1, keepdim=True) / (count - 1)
        return mean + variance.sqrt()


class DetectionLoss(torch.nn.Module):
    """The mean class loss and the mean box loss of a batch.

    Objects marked `ignore` are neither positive nor negative: no prior learns them, and none is
    blamed for finding them.
    """

    def __init__(
        self, priors: torch.Tensor, levels: List[LevelPriors], box_weight: float = 2.0
    ) -> None:
        super().__init__()
        self.match = Matcher(priors, levels)
        self.priors = priors
        self.box_weight = box_weight

    def forward(
        self,
        logits: torch.Tensor,
        offsets: torch.Tensor,
        boxes: torch.Tensor,
        labels: torch.Tensor,
        ignore: torch.Tensor,
    ) -> Tuple[torch.Tensor, torch.Tensor]:
        """The class loss and the weighted box loss.

        `logits` (b, p, c + 1) and `offsets` (b, p, 4) come from the network; the others are the
        fields of augment.Targets.
        """
        # what each prior should have found
        with torch.no_grad():
            real = labels >= 0
            index, positive = self.match(boxes, real & ~ignore)
            silent = self.match.inside(boxes, real & ignore) & ~positive
            places = index[..., None].expand(-1, -1, 4)
            target = boxes.gather(1, places)  # (b, p, 4)
            wanted = labels.gather(1, index).clamp(min=0)  # (b, p)

        # boxes are wrong by as much as they miss their object
        found = decode(offsets.float(), self.priors)
        likeness, iou = giou(found, target)
        count = positive.sum().clamp(min=1)
        box = ((1 - likeness) * positive).sum() / count

        # scores should say how good the box is
        quality = iou.detach().clamp(0, 1) * positive
        wrong = quality_focal(logits.float(), wanted, quality)
        score = (wrong * ~silent).sum() / count
        return score, box * self.box_weight


def quality_focal(
    logits: torch.Tensor, labels: torch.Tensor, quality: torch.Tensor
) -> torch.Tensor:
    """Soft-label cross entropy times the squared distance to the target, (b, p).

    The class `labels` (b, p) should score `quality` (b, p), the background the rest.
    """
    log_p = logits.log_softmax(-1)

    column = labels[..., None] + 1
    target = torch.zeros_like(log_p)
    target = target.scatter(-1, column, quality[..., None])
    target[..., 0] = 1 - quality

    entropy = -(target * log_p).sum(-1)
    difference = target - log_p.exp()
    distance = difference.abs().sum(-1) / 2
    return entropy * distance.square()
