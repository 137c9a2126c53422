"""Which prior learns which object, and what it pays for being wrong.

Matching is ATSS (Zhang et al., 2020): per object the nearest priors of every level are candidates, and those whose
overlap exceeds mean + deviation of the candidates' overlaps are positive. The best prior is always positive, as in SSD.
The class loss is the quality focal loss (Li et al., 2020) written for a softmax, where SSD had hard-negative mining.
"""

import torch

from .priors import corners, decode

NEAREST = 4  # candidates a level, for each prior shape; 9 (the paper's) was worse for tiny objects


def pairwise_iou(a, b):
    """(..., m, 4) and (..., p, 4) corner boxes -> (..., m, p)."""
    a = a[..., :, None, :]
    b = b[..., None, :, :]
    low = torch.maximum(a[..., :2], b[..., :2])
    high = torch.minimum(a[..., 2:], b[..., 2:])
    both = (high - low).clamp(min=0).prod(-1)
    return both / (area(a) + area(b) - both).clamp(min=1e-9)


def area(boxes):
    return (boxes[..., 2:] - boxes[..., :2]).clamp(min=0).prod(-1)


def giou(a, b):
    """Generalised IoU of boxes taken pair by pair, and the plain IoU."""
    both = (
        (torch.minimum(a[..., 2:], b[..., 2:]) - torch.maximum(a[..., :2], b[..., :2]))
        .clamp(min=0)
        .prod(-1)
    )
    union = (area(a) + area(b) - both).clamp(min=1e-9)
    hull = (
        (torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2]))
        .prod(-1)
        .clamp(min=1e-9)
    )
    iou = both / union
    return iou - (hull - union) / hull, iou


class Matcher:
    """Assigns priors (p, 4) to objects.

    `levels` is a list of (priors of the level, prior shapes, stride).
    """

    def __init__(self, priors, levels):
        self.priors = priors
        self.levels = levels
        self.boxes = corners(priors)
        strides = [torch.full((count,), float(stride)) for count, _, stride in levels]
        self.reach = torch.cat(strides).to(priors.device) / 2

    def __call__(self, boxes, valid):
        """boxes (b, m, 4), valid (b, m) -> index of the object of each prior (b, p), positive (b,
        p).
        """
        centre = (boxes[..., :2] + boxes[..., 2:]) / 2
        half = (boxes[..., 2:] - boxes[..., :2]) / 2
        away = (centre[:, :, None] - self.priors[:, :2]).abs()  # (b, m, p, 2)
        near = (away <= torch.maximum(half[:, :, None], self.reach[:, None])).all(-1)
        iou = pairwise_iou(boxes, self.boxes)  # (b, m, p)
        distance = away.square().sum(-1)
        chosen = self._candidates(distance)
        positive = chosen & near & (iou >= self._threshold(iou, chosen))
        best = (iou - distance * 1e-7).argmax(-1, keepdim=True)
        positive.scatter_(-1, best, True)
        positive &= valid[..., None]
        value, index = torch.where(positive, iou, -1.0).max(1)
        return index, value >= 0

    def _candidates(self, distance):
        chosen = torch.zeros_like(distance, dtype=torch.bool)
        start = 0
        for count, shapes, _ in self.levels:
            part = distance[..., start : start + count]
            nearest = (
                part.topk(min(NEAREST * shapes, count), largest=False, sorted=False).indices + start
            )
            chosen.scatter_(-1, nearest, True)
            start += count
        return chosen

    @staticmethod
    def _threshold(iou, chosen):
        count = chosen.sum(-1, keepdim=True)
        mean = (iou * chosen).sum(-1, keepdim=True) / count
        variance = ((iou - mean).square() * chosen).sum(-1, keepdim=True) / (count - 1)
        return mean + variance.sqrt()

    def inside(self, boxes, wanted):
        """Priors (b, p) whose centre lies in a box that is wanted (b, m),
        or within half a stride of its centre.
        """
        centre = (boxes[..., :2] + boxes[..., 2:]) / 2
        half = (boxes[..., 2:] - boxes[..., :2]) / 2
        away = (centre[:, :, None] - self.priors[:, :2]).abs()
        near = (away <= torch.maximum(half[:, :, None], self.reach[:, None])).all(-1)
        return (near & wanted[..., None]).any(1)


class DetectionLoss(torch.nn.Module):
    """Mean class loss and box loss of a batch.

    Objects marked `ignore` are neither positive nor negative.
    """

    def __init__(self, priors, levels, box_weight=2.0):
        super().__init__()
        self.match = Matcher(priors, levels)
        self.priors = priors
        self.box_weight = box_weight

    def forward(self, logits, offsets, boxes, labels, ignore):
        with torch.no_grad():
            index, positive = self.match(boxes, (labels >= 0) & ~ignore)
            silent = self.match.inside(boxes, (labels >= 0) & ignore) & ~positive
            target = boxes.gather(1, index[..., None].expand(-1, -1, 4))  # (b, p, 4)
            wanted = labels.gather(1, index).clamp(min=0)  # (b, p)
        likeness, iou = giou(decode(offsets.float(), self.priors), target)
        count = positive.sum().clamp(min=1)
        box = ((1 - likeness) * positive).sum() / count
        quality = iou.detach().clamp(0, 1) * positive
        score = (quality_focal(logits.float(), wanted, quality) * ~silent).sum() / count
        return score, box * self.box_weight


def quality_focal(logits, labels, quality):
    """Soft-label cross entropy times the squared distance to the target:
    class `labels` should score `quality`.
    """
    log_p = logits.log_softmax(-1)
    target = torch.zeros_like(log_p).scatter(-1, labels[..., None] + 1, quality[..., None])
    target[..., 0] = 1 - quality
    distance = (target - log_p.exp()).abs().sum(-1) / 2
    return -(target * log_p).sum(-1) * distance.square()
