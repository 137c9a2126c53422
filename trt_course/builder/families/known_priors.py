"""The priors of well-known SSDs, by how many they have: as a record's rule, with what goes with it.

The numbers are those of the published configurations.
"""

import math
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

Words = Dict[str, Any]
Shapes = List[Tuple[float, float]]  # of a cell's priors: size in pixels, width / height


class KnownPriors(NamedTuple):
    """Whose priors they are, and what a record says of them, of the boxes and of the picture."""

    family: str
    rule: Words
    boxes: Words
    recipe: Words
    activation: str
    nms: Words = {}


def known_priors(count: int, columns_first: bool, width: int, height: int) -> Optional[KnownPriors]:
    """The SSD that has so many priors at this size of its input."""
    if (width, height) == (320, 320) and count == 3234:
        return _ssdlite320()
    if (width, height) != (300, 300):
        return None
    if count == 8732:
        return _nvidia_ssd300() if columns_first else _torchvision_ssd300()
    if count == 1917:
        return _tensorflow_1917()
    return None


def _rule(steps: Sequence[float], shapes: Sequence[Shapes], clip: bool = False) -> Words:
    """The words of priors with these shapes on each scale."""
    rule: Words = {
        "steps": [round(step, 4) for step in steps],
        "sizes": [[round(size, 4) for size, _ in scale] for scale in shapes],
        "aspects": [[round(aspect, 6) for _, aspect in scale] for scale in shapes],
    }
    if clip:
        rule["clip"] = True
    return rule


def _torchvision_ssd300() -> KnownPriors:
    scales = [0.07, 0.15, 0.33, 0.51, 0.69, 0.87, 1.05]
    shapes = _between([300 * scale for scale in scales], [[2], [2, 3], [2, 3], [2, 3], [2], [2]])
    recipe = {"color": "RGB", "mean": [122.99925, 116.9991, 103.9992], "scale": [1.0] * 3}
    rule = _rule([8, 16, 32, 64, 100, 300], shapes, clip=True)
    return KnownPriors("torchvision's SSD300", rule, {}, recipe, "softmax")


def _ssdlite320() -> KnownPriors:
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]
    shapes = _between([320 * scale for scale in scales], [[2, 3]] * 6)
    recipe = {"color": "RGB", "mean": [127.5] * 3, "scale": [127.5] * 3}
    rule = _rule([320 / cells for cells in (20, 10, 5, 3, 2, 1)], shapes, clip=True)
    return KnownPriors(
        "torchvision's SSDLite320",
        rule,
        boxes={},
        recipe=recipe,
        activation="softmax",
        nms={"iou_threshold": 0.55},
    )


def _nvidia_ssd300() -> KnownPriors:
    """All cells with the first shape come before all with the second: each shape is a scale."""
    steps = [8, 16, 32, 64, 100, 300]
    sizes: List[float] = [21, 45, 99, 153, 207, 261, 315]
    by_map = _between(sizes, [[2], [2, 3], [2, 3], [2, 3], [2], [2]])
    each_step = [step for step, shapes in zip(steps, by_map) for _ in shapes]
    each_shape = [[shape] for shapes in by_map for shape in shapes]
    recipe = {"color": "RGB", "mean": [128.0] * 3, "scale": [128.0] * 3, "resize": "crop"}
    rule = _rule(each_step, each_shape, clip=True)
    return KnownPriors("NVIDIA's SSD300", rule, {}, recipe, "softmax")


def _tensorflow_1917() -> KnownPriors:
    scales = [0.2, 0.35, 0.5, 0.65, 0.8, 0.95, 1.0]
    shapes: List[Shapes] = [[(30.0, 1.0), (60.0, 2.0), (60.0, 0.5)]]
    for scale, following in zip(scales[1:], scales[2:]):
        shapes.append([(300 * scale, aspect) for aspect in (1.0, 2.0, 0.5, 3.0, 0.3333)])
        shapes[-1].append((300 * math.sqrt(scale * following), 1.0))
    rule = _rule([300 / cells for cells in (19, 10, 5, 3, 2, 1)], shapes)
    recipe = {"color": "RGB", "mean": [127.5] * 3, "scale": [127.5] * 3}
    return KnownPriors(
        "TensorFlow's SSD300",
        rule,
        boxes={"order": "yx"},
        recipe=recipe,
        activation="sigmoid",
        nms={"iou_threshold": 0.6},
    )


def _between(sizes: Sequence[float], aspects: Sequence[Sequence[int]]) -> List[Shapes]:
    """A square, one between it and the next scale's, and each aspect lying and standing."""
    shapes = []
    for size, following, ratios in zip(sizes, sizes[1:], aspects):
        scale = [(size, 1.0), (math.sqrt(size * following), 1.0)]
        for ratio in ratios:
            scale += [(size, float(ratio)), (size, 1 / ratio)]
        shapes.append(scale)
    return shapes
