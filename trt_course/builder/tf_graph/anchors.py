"""The priors of a frozen graph: computed in it, or by the rule that its pipeline.config names."""

import math
from typing import Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ...support.errors import CourseError
from .config import NAME, Settings
from .evaluate import Constants
from .graph import Graph

# Where the priors of all feature maps come together: 2017, and from 2018 on.
_NAMES = ("MultipleGridAnchorGenerator/Concatenate/concat", "Concatenate/concat")
_SUPPRESSION = "Postprocessor/"  # the nodes that read them

FROM_GRAPH = "the graph"
FROM_CONFIG = NAME
FROM_RULE = "the rule of the models of 2018"


class Map(NamedTuple):
    """One feature map: its rows and columns, and how many boxes each of its cells has."""

    rows: int
    columns: int
    boxes: int


class FoundPriors(NamedTuple):
    """Priors (p, 4), cx cy w h, normalised, and where they are from."""

    numbers: np.ndarray
    source: str


def find_priors(
    graph: Graph, constants: Constants, config: Settings, maps: Sequence[Map], size: Tuple[int, int]
) -> FoundPriors:
    """The priors of all maps for an input of this (width, height)."""
    count = sum(rows * columns * boxes for rows, columns, boxes in maps)
    corners = _in_graph(graph, constants, count)
    if corners is not None:
        return FoundPriors(_centred(corners), FROM_GRAPH)
    generator = config.inside("model", "ssd", "anchor_generator")
    source = FROM_CONFIG if generator.has("ssd_anchor_generator") else FROM_RULE
    shapes = _shapes(generator.inside("ssd_anchor_generator"), len(maps))
    wanted = [boxes for _, _, boxes in maps]
    if [len(scale) for scale in shapes] != wanted:
        raise CourseError(
            f"{graph.path} holds no priors, and {source} has "
            f"{[len(scale) for scale in shapes]} boxes a cell where the graph's heads have "
            f"{wanted}. Put the {NAME} that the model was trained with beside it."
        )
    grids = [_grid(place, scale, size) for place, scale in zip(maps, shapes)]
    return FoundPriors(np.concatenate(grids).astype(np.float32), source)


# In the graph -----------------------------------------------------------------------------------


def _in_graph(graph: Graph, constants: Constants, count: int) -> Optional[np.ndarray]:
    """The corners (count, 4) that the graph computes; None if it does not."""
    for name in _candidates(graph):
        if name not in graph.nodes:
            continue
        corners = constants.value(name)
        if corners is not None and corners.shape == (count, 4) and np.isfinite(corners).all():
            return corners
    return None


def _candidates(graph: Graph) -> Iterator[str]:
    """Tensors that may be the priors: by their names, and by who reads them."""
    yield from _NAMES
    for node in graph.nodes.values():
        if node.name.startswith(_SUPPRESSION):
            yield from node.inputs


def _centred(corners: np.ndarray) -> np.ndarray:
    """Corners (p, 4) y1 x1 y2 x2 -> cx cy w h."""
    low = corners[:, 1::-1].astype(np.float64)
    high = corners[:, :1:-1].astype(np.float64)
    return np.concatenate([(low + high) / 2, high - low], axis=1).astype(np.float32)


# By the rule ------------------------------------------------------------------------------------


def _shapes(rule: Settings, maps: int) -> List[List[Tuple[float, float]]]:
    """The scale and aspect of each box of a cell, map by map."""
    scales = rule.numbers("scales")
    if not scales:
        low = rule.number("min_scale", 0.2)
        high = rule.number("max_scale", 0.95)
        scales = np.linspace(low, high, maps).tolist()
    scales.append(1.0)
    aspects = rule.numbers("aspect_ratios") or [1.0, 2.0, 0.5, 3.0, 0.3333]
    between = rule.number("interpolated_scale_aspect_ratio", 1.0)

    shapes = []
    for scale, following in zip(scales, scales[1:]):
        boxes = [(scale, aspect) for aspect in aspects]
        if between > 0:
            boxes.append((math.sqrt(scale * following), between))
        shapes.append(boxes)
    if rule.flag("reduce_boxes_in_lowest_layer", otherwise=True):
        shapes[0] = [(0.1, 1.0), (scales[0], 2.0), (scales[0], 0.5)]
    return shapes


def _grid(place: Map, shapes: Sequence[Tuple[float, float]], size: Tuple[int, int]) -> np.ndarray:
    """The priors of one map, row by row, cell by cell, (rows x columns x boxes, 4)."""
    width, height = size
    side = min(width, height)  # of the square that a scale is a share of
    x = (np.arange(place.columns) + 0.5) / place.columns
    y = (np.arange(place.rows) + 0.5) / place.rows
    scales = np.array([scale for scale, _ in shapes])
    roots = np.sqrt([aspect for _, aspect in shapes])

    priors = np.empty((place.rows, place.columns, len(shapes), 4))
    priors[..., 0] = x[None, :, None]
    priors[..., 1] = y[:, None, None]
    priors[..., 2] = scales * roots * side / width
    priors[..., 3] = scales / roots * side / height
    return priors.reshape(-1, 4)


def maps_of(shapes: Mapping[str, Sequence[int]], tensors: Sequence[str], path: object) -> List[Map]:
    """The feature maps of the boxes' heads, whose shapes (n, channels, rows, columns) are known."""
    maps = []
    for tensor in tensors:
        shape = shapes.get(tensor, ())
        if len(shape) != 4 or min(shape[1:]) < 1 or shape[1] % 4:
            raise CourseError(
                f"{path}: the head {tensor} has the shape {list(shape)}; wanted: four sides, of "
                "which all but the batch are known, and 4 numbers for each box."
            )
        maps.append(Map(shape[2], shape[3], shape[1] // 4))
    return maps
