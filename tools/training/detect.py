"""What a network finds on held images: decoded, suppressed, in pixels of the scene.

It serves the evaluation while training. The exported file leaves suppression to the course.
"""

from typing import List, NamedTuple, Sequence, Tuple

import numpy as np
import torch

from .augment import plain
from .losses import pairwise_iou
from .priors import decode
from .recipes import Recipe
from .targets import to_targets


class Detected(NamedTuple):
    """The detections of one image, most confident first."""

    boxes: np.ndarray  # (n, 4)
    scores: np.ndarray  # (n,)
    classes: np.ndarray  # (n,) 0-based


@torch.no_grad()
def detect(
    model: torch.nn.Module,
    recipe: Recipe,
    priors: torch.Tensor,
    images: Sequence[np.ndarray],
    batch: int = 16,
) -> List[Detected]:
    """The detections of each image (h, w, 3), boxes in pixels of the scene."""
    device = priors.device
    height, width = images[0].shape[:2]
    across = width / recipe.size[0]
    down = height / recipe.size[1]
    factor = np.array([across, down, across, down], np.float32)

    results = []
    for start in range(0, len(images), batch):
        # the network's input; no objects are needed here
        stacked = np.stack(images[start : start + batch])
        part = torch.from_numpy(stacked).to(device)
        nothing = to_targets(torch.zeros(len(part), 1, 6, device=device))
        tensor, _ = plain(recipe, part, nothing)

        logits, offsets = model(tensor)
        boxes = decode(offsets.float(), priors)
        scores = logits.float().softmax(-1)
        for found in suppress(boxes, scores, recipe.size):
            results.append(found._replace(boxes=found.boxes * factor))
    return results


def suppress(
    boxes: torch.Tensor,
    scores: torch.Tensor,
    size: Tuple[int, int],
    confidence: float = 0.01,
    iou: float = 0.45,
    most: int = 100,
) -> List[Detected]:
    """Greedy suppression by class, for a whole batch at once.

    `boxes` is (b, p, 4) and `scores` (b, p, c + 1), background first; boxes are clipped to `size`.
    """
    # the best boxes of each class
    count = min(2 * most, boxes.shape[1])
    top, index = scores[..., 1:].transpose(1, 2).topk(count)  # (b, c, k)
    classes = top.shape[1]
    places = index[..., None].expand(-1, -1, -1, 4)
    all_boxes = boxes[:, None].expand(-1, classes, -1, -1)
    chosen = all_boxes.gather(2, places)  # (b, c, k, 4)
    chosen = torch.minimum(chosen.clamp(min=0), boxes.new_tensor(size * 2))

    # each one that stays removes those behind it that overlap it
    overlap = pairwise_iou(chosen, chosen) > iou
    keep = top > confidence
    for i in range(count):
        removed = overlap[:, :, i] & keep[:, :, i : i + 1]
        removed[:, :, : i + 1] = False
        keep &= ~removed

    boxes_by_image = chosen.cpu().numpy()
    scores_by_image = top.cpu().numpy()
    keep_by_image = keep.cpu().numpy()
    images = zip(boxes_by_image, scores_by_image, keep_by_image)
    return [_detected(*image, most) for image in images]


def _detected(boxes: np.ndarray, scores: np.ndarray, keep: np.ndarray, most: int) -> Detected:
    """At most `most` of the boxes (c, k, 4) that `keep` (c, k) marks, over all classes."""
    numbers = np.arange(len(keep))[:, None]
    classes = np.broadcast_to(numbers, keep.shape)[keep]
    boxes = boxes[keep]
    scores = scores[keep]

    order = np.argsort(-scores, kind="stable")[:most]
    return Detected(boxes[order], scores[order], classes[order])
