"""Where a detector is cut out of its frozen graph: behind the recipe, before the suppression.

TensorFlow's object detection API kept the names of its heads from 2017 to 2020; what stands around
them moved. So the heads are found by those names, and all else by what reads what.
"""

from typing import Dict, List, NamedTuple, Optional, Tuple

from ...support.errors import CourseError
from .evaluate import Constants
from .graph import Graph, Node

START = "Preprocessor/sub"  # its result is the picture as the network wants it

_BOXES = "BoxEncodingPredictor"
_SCORES = "ClassPredictor"
_PASSING = ("Identity", "Squeeze")  # what may stand between a head and the concatenation


class Head(NamedTuple):
    """One head of one feature map: the tensor that it makes, and how many numbers each row has."""

    tensor: str
    width: int


class Heads(NamedTuple):
    """The heads of a detector, map by map, and the node in which those of the scores end."""

    boxes: List[Head]
    scores: List[Head]
    scores_end: str


def find_heads(graph: Graph, constants: Constants) -> Heads:
    """The heads of the boxes and of the scores; a CourseError if the graph is no such detector."""
    if START not in graph.nodes:
        raise CourseError(
            f"{graph.path} has no node {START}, where a detector of TensorFlow's object detection "
            f"API begins; its first nodes are {_first_names(graph)}. Wanted: the "
            "frozen_inference_graph.pb of an SSD."
        )
    _, boxes = _concatenated(graph, constants, _BOXES)
    end, scores = _concatenated(graph, constants, _SCORES)
    if len(boxes) != len(scores) or {head.width for head in boxes} != {4}:
        raise CourseError(
            f"{graph.path} has {len(boxes)} heads for boxes and {len(scores)} for scores; wanted: "
            "one of each for every feature map, and 4 numbers a box."
        )
    if len({head.width for head in scores}) != 1:
        raise CourseError(f"{graph.path} has heads that know different numbers of classes.")
    return Heads(boxes, scores, end)


def _first_names(graph: Graph) -> str:
    return ", ".join(list(graph.nodes)[:3])


def _concatenated(graph: Graph, constants: Constants, word: str) -> Tuple[str, List[Head]]:
    """The node that puts all heads of this kind together, and the heads."""
    for node in graph.nodes.values():
        if node.op != "ConcatV2":
            continue
        reshapes = [_reshape_before(graph, tensor) for tensor in node.inputs[:-1]]
        if reshapes and all(_is_head(graph, reshape, word) for reshape in reshapes):
            heads = [_head(graph, constants, reshape) for reshape in reshapes if reshape]
            return node.name, heads
    raise CourseError(
        f"{graph.path} has no ConcatV2 that puts the heads named {word} together, as an SSD of "
        "TensorFlow's object detection API has. Is it of another kind, such as a Faster R-CNN or "
        "an SSD with FPN, or only a part of one?"
    )


def _reshape_before(graph: Graph, tensor: str) -> Optional[Node]:
    """The Reshape that makes a tensor, seen through what changes no number."""
    node = graph.node_of(tensor)
    for _ in range(len(_PASSING) + 1):
        if node.op == "Reshape":
            return node
        if node.op not in _PASSING or not node.inputs:
            return None
        node = graph.node_of(node.inputs[0])
    return None


def _is_head(graph: Graph, reshape: Optional[Node], word: str) -> bool:
    return reshape is not None and len(reshape.inputs) == 2 and word in reshape.inputs[0]


def _head(graph: Graph, constants: Constants, reshape: Node) -> Head:
    """A head, whose Reshape says how many numbers each of its rows has."""
    tensor, shape = reshape.inputs
    node = graph.behind_identities(shape)
    # The batch is not known, but the last side is a constant.
    last = node.inputs[-1] if node.op == "Pack" and node.inputs else shape
    sides = constants.value(last)
    if sides is None or not sides.size or int(sides.ravel()[-1]) < 1:
        raise CourseError(
            f"{graph.path}: the shape that the node {reshape.name} (Reshape) makes cannot be "
            "read; wanted: a constant number of columns."
        )
    return Head(tensor, int(sides.ravel()[-1]))


def readers(graph: Graph) -> Dict[str, List[Node]]:
    """The nodes that read each tensor."""
    found: Dict[str, List[Node]] = {}
    for node in graph.nodes.values():
        for tensor in node.inputs:
            found.setdefault(tensor, []).append(node)
    return found
