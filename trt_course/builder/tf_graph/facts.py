"""What a frozen graph says of its model besides the network, in the words of a record."""

from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Tuple

import numpy as np

from ...support.errors import CourseError
from .config import NAME, Settings
from .evaluate import Constants
from .graph import Graph, Node
from .heads import START, readers

Words = Dict[str, Any]

_RESIZE = ("ResizeBilinear", "ResizeNearestNeighbor")
_ACTIVATIONS = {"Sigmoid": "sigmoid", "Softmax": "softmax"}
# From the scores to what makes confidences of them.
_ON_THE_WAY = ("Identity", "RealDiv", "Reshape", "Squeeze")
_LONGEST_SIDE = 8192


class Facts(NamedTuple):
    """Words of a record, and questions about those that nothing shows."""

    recipe: Words
    activation: str
    variances: List[float]
    nms: Words
    questions: Tuple[str, ...]


def input_size(graph: Graph, constants: Constants, config: Settings) -> Tuple[int, int]:
    """Width and height of the pictures that the network takes."""
    for node in graph.nodes.values():
        if node.op in _RESIZE and node.name.startswith("Preprocessor/") and len(node.inputs) == 2:
            sides = constants.value(node.inputs[1])
            if sides is not None and sides.shape == (2,):
                return _checked(graph, int(sides[1]), int(sides[0]))
    fixed = config.inside("model", "ssd", "image_resizer", "fixed_shape_resizer")
    if fixed.has("width") and fixed.has("height"):
        return _checked(graph, int(fixed.number("width", 0)), int(fixed.number("height", 0)))
    raise CourseError(
        f"{graph.path} does not show the size of its pictures: it has no resizing to a fixed size. "
        f"Put the model's {NAME} with a fixed_shape_resizer beside it; an SSD that keeps the "
        "aspect ratio cannot be converted."
    )


def _checked(graph: Graph, width: int, height: int) -> Tuple[int, int]:
    if not (1 <= width <= _LONGEST_SIDE and 1 <= height <= _LONGEST_SIDE):
        raise CourseError(f"{graph.path} takes pictures of {width} x {height}: it is damaged.")
    return width, height


def find_facts(graph: Graph, constants: Constants, config: Settings, scores_end: str) -> Facts:
    """Everything but the priors; what is in the graph counts before its pipeline.config."""
    questions: List[str] = []
    activation = _activation(graph, constants, config, scores_end)
    if activation is None:
        activation = "sigmoid"
        questions.append(
            "output.scores.activation: nothing shows what makes confidences of the scores; "
            "sigmoid is usual, but was it softmax?"
        )
    variances = _variances(constants, graph, config)
    if variances is None:
        variances = [0.1, 0.1, 0.2, 0.2]
        questions.append(
            "output.boxes.variances: nothing shows what the offsets were scaled by; is it the "
            "usual 10, 10, 5, 5?"
        )
    nms = _suppression(graph, constants, config)
    return Facts(_recipe(graph, constants), activation, variances, nms, tuple(questions))


def _recipe(graph: Graph, constants: Constants) -> Words:
    """What is done to pixels before the network: (pixel - mean) / scale."""
    node = graph.nodes[START]
    subtracted = constants.value(node.inputs[1]) if len(node.inputs) == 2 else None
    if node.op != "Sub" or subtracted is None or subtracted.size not in (1, 3):
        raise CourseError(
            f"{graph.path}: the node {START} ({node.op}) does not subtract a constant from the "
            "picture, as the preparation of the MobileNets and Inception does."
        )
    factor = np.ones(1)
    before = graph.behind_identities(node.inputs[0])
    if before.op == "Mul":
        factors = [constants.value(tensor) for tensor in before.inputs]
        known = [numbers for numbers in factors if numbers is not None]
        if len(known) != 1 or known[0].size not in (1, 3) or not known[0].all():
            raise CourseError(
                f"{graph.path}: the node {before.name} ({before.op}) does not multiply the picture "
                "by a constant; this converter knows no other preparation."
            )
        factor = known[0].ravel().astype(np.float64)
    mean = subtracted.ravel() / factor
    return {"color": "RGB", "mean": _three(mean), "scale": _three(1 / factor)}


def _three(numbers: np.ndarray) -> List[float]:
    """One number for each channel, without the noise of float32."""
    return [round(float(number), 4) for number in np.resize(numbers, 3)]


def _activation(
    graph: Graph, constants: Constants, config: Settings, scores_end: str
) -> Optional[str]:
    """What makes confidences of the scores; None if nothing shows it."""
    for node in _readers_of_scores(graph, scores_end):
        if node.op == "RealDiv":
            _require_plain_scale(graph, constants, node)
        if node.op in _ACTIVATIONS:
            return _ACTIVATIONS[node.op]
    processing = config.inside("model", "ssd", "post_processing")
    word = processing.word("score_converter", "").lower()
    return word if word in _ACTIVATIONS.values() else None


def _readers_of_scores(graph: Graph, scores_end: str) -> Iterator[Node]:
    """The nodes that read the scores, and those that read what changes little of them."""
    reading = readers(graph)
    waiting = [scores_end]
    seen = {scores_end}
    while waiting:
        for node in reading.get(waiting.pop(0), ()):
            yield node
            if node.op in _ON_THE_WAY and node.name not in seen:
                seen.add(node.name)
                waiting.append(node.name)


def _require_plain_scale(graph: Graph, constants: Constants, node: Node) -> None:
    divisor = constants.value(node.inputs[-1])
    if divisor is None or divisor.size != 1 or divisor.item() != 1:
        raise CourseError(
            f"{graph.path}: the node {node.name} (RealDiv) scales the scores, which a record "
            "cannot say. Export the model with logit_scale: 1."
        )


def _variances(constants: Constants, graph: Graph, config: Settings) -> Optional[List[float]]:
    """What the offsets ty tx th tw are multiplied by; None if nothing shows it."""
    scales = []
    for name in ("truediv", "truediv_1", "truediv_2", "truediv_3"):
        node = graph.nodes.get(f"Postprocessor/Decode/{name}")
        if node is not None and node.op == "RealDiv" and len(node.inputs) == 2:
            divisor = constants.value(node.inputs[1])
            if divisor is not None and divisor.size == 1 and divisor.item() > 0:
                scales.append(divisor.item())
    coder = config.inside("model", "ssd", "box_coder")
    if len(scales) != 4 and coder.has("faster_rcnn_box_coder"):
        coded = coder.inside("faster_rcnn_box_coder")
        words = {"y_scale": 10.0, "x_scale": 10.0, "height_scale": 5.0, "width_scale": 5.0}
        scales = [coded.number(word, usual) for word, usual in words.items()]
    if len(scales) != 4 or min(scales) <= 0:
        return None
    return [round(1 / scale, 6) for scale in scales]


def _suppression(graph: Graph, constants: Constants, config: Settings) -> Words:
    """The words of `nms` that are known."""
    for node in graph.nodes.values():
        if node.op.startswith("NonMaxSuppression") and len(node.inputs) > 3:
            overlap = constants.value(_of_loop(graph, node.inputs[3]))
            if overlap is not None and overlap.size == 1:
                return {"iou_threshold": round(float(overlap.item()), 4)}
    usual = config.inside("model", "ssd", "post_processing", "batch_non_max_suppression")
    if usual.has("iou_threshold"):
        return {"iou_threshold": usual.number("iou_threshold", 0.6)}
    return {"iou_threshold": 0.6}


def _of_loop(graph: Graph, tensor: str) -> str:
    """The tensor that a loop was entered with, for one that stays the same in it."""
    node = graph.behind_identities(tensor)
    if node.op == "Enter" and node.inputs:
        return node.inputs[0]
    return tensor
