"""What may stand inside the engine instead of on the host: suppression and preprocessing.

Each function returns a new ONNX model with nodes added, behind the network or before it. The names
of its new inputs and outputs are those that engine/manifest.py wires.
"""

from typing import TYPE_CHECKING, Iterable, List, Tuple

from ..engine.manifest import EFFICIENT_NMS
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from .nodes import Nodes, Operand
from .recipe import Recipe

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

# What suppression gives, in the order of the plugin's outputs, and its type.
RESULTS = {"count": "INT32", "boxes": "FLOAT", "scores": "FLOAT", "classes": "INT32"}

PICTURES = "pictures"  # the input of a model with preprocessing inside


def add_nms(model: "ModelProto", spec: ModelSpec, threshold: float, plugin: bool) -> "ModelProto":
    """The model with suppression at its end.

    By TensorRT's EfficientNMS plugin, or by ONNX's own operators, which run on the CPU too.
    """
    output = spec.output
    nodes = Nodes(model, "nms")
    is_plain = output.is_plain_places()
    if is_plain:
        (boxes,) = output.boxes.part.tensor
        (scores,) = output.scores.part.tensor
        old = _find(nodes.graph.output, boxes, spec)
        confs = _find(nodes.graph.output, scores, spec)
        is_plain = _are_rows(old, 4) and _are_rows(confs, len(spec.labels))
    if not is_plain:
        raise CourseError(
            f"{spec.name}: suppression inside the engine needs the corners of boxes and a score "
            "for each class, in a tensor each, with a row for each place. This model gives "
            "something else. Use --nms host."
        )

    # Suppression compares confidences, so the network's raw scores become such.
    if output.scores.activation == "softmax":
        scores = nodes.add("Softmax", [scores], axis=2)  # (b, n, c)
    elif output.scores.activation == "sigmoid":
        scores = nodes.add("Sigmoid", [scores])

    if plugin:
        _suppress_by_plugin(nodes, spec, boxes, scores=scores, threshold=threshold)
    else:
        candidates = old.type.tensor_type.shape.dim[1].dim_value
        _suppress_by_operators(
            nodes, spec, boxes, scores=scores, threshold=threshold, candidates=candidates
        )

    # What suppression gives takes the place of the network's outputs.
    most = spec.nms.max_detections
    shapes = {"count": [1], "boxes": [most, 4], "scores": [most], "classes": [most]}
    del nodes.graph.output[:]
    for role, kind in RESULTS.items():
        result = nodes.tensor(EFFICIENT_NMS[role], kind, old, shape=shapes[role])
        nodes.graph.output.append(result)
    return nodes.behind()


def _suppress_by_plugin(
    nodes: Nodes, spec: ModelSpec, boxes: str, scores: str, threshold: float
) -> None:
    """One node, which only TensorRT has."""
    background = -1 if spec.background is None else spec.background
    nodes.add(
        "EfficientNMS_TRT",
        [boxes, scores],
        [EFFICIENT_NMS[role] for role in RESULTS],
        plugin_version="1",
        score_threshold=threshold,
        iou_threshold=spec.nms.iou_threshold,
        box_coding=0,
        score_activation=0,
        max_output_boxes=spec.nms.max_detections,
        background_class=background,
    )


def _suppress_by_operators(
    nodes: Nodes, spec: ModelSpec, boxes: str, scores: str, threshold: float, candidates: int
) -> None:
    """ONNX's NonMaxSuppression, and what makes a fixed number of rows of its answer.

    Shapes: b pictures, n boxes (`candidates`) of c classes, m survivors in all, k rows a picture.
    """
    class_ids = spec.class_ids()
    most = spec.nms.max_detections

    # Survivors of all pictures come in one list: picture, class and box of each.
    scores = nodes.add("Gather", [scores, class_ids], axis=2)  # (b, n, c), no background
    by_class = nodes.transpose(scores, [0, 2, 1])  # (b, c, n)
    overlap = spec.nms.iou_threshold
    operands: List[Operand] = [boxes, by_class, [most], [overlap], [threshold]]
    survivors = nodes.add("NonMaxSuppression", operands)  # (m, 3)

    # Put back in their places among zeros, they leave every picture as many scores as before.
    zeros = nodes.add("Mul", [by_class, 0.0])  # (b, c, n)
    survived = nodes.add("GatherND", [by_class, survivors])  # (m,)
    kept = nodes.add("ScatterND", [zeros, survivors, survived])  # (b, c, n)

    # The best k of each picture, wherever among classes and boxes they lie.
    flat = nodes.reshape(kept, [0, len(class_ids) * candidates])  # (b, c * n)
    best = EFFICIENT_NMS["scores"]
    index = "nms/index"
    nodes.add("TopK", [flat, [most]], [best, index])  # (b, k)

    # The quotient of the index is the class, its remainder the box.
    place = nodes.add("Div", [index, candidates])  # (b, k), in class_ids
    classes = nodes.add("Gather", [class_ids, place])  # (b, k)
    nodes.cast(classes, "INT32", EFFICIENT_NMS["classes"])
    begin = nodes.add("Mul", [place, candidates])  # (b, k), of the class in `flat`
    box = nodes.add("Sub", [index, begin])  # (b, k)
    box = nodes.add("Unsqueeze", [box, [2]])  # (b, k, 1)
    nodes.add("GatherND", [boxes, box], [EFFICIENT_NMS["boxes"]], batch_dims=1)  # (b, k, 4)

    # Rows that are left over have a score of zero.
    good = nodes.cast(nodes.add("Greater", [best, 0.0]), "INT32")  # (b, k)
    nodes.add("ReduceSum", [good, [1]], [EFFICIENT_NMS["count"]], keepdims=1)  # (b, 1)


def add_preprocess(
    model: "ModelProto", spec: ModelSpec, source: Tuple[int, int], pixels: str = "bgr"
) -> "ModelProto":
    """The model with its recipe in front: it takes `pictures`, uint8 of one size.

    bgr is OpenCV's (batch, height, width, 3); nv12 is what a GPU's video decoder gives:
    (batch, height * 3 / 2, width, 1).
    """
    entry = spec.input
    if entry.dtype == "uint8":
        raise CourseError(
            f"{spec.name} takes bytes already, its recipe is inside: --preprocess host."
        )
    nodes = Nodes(model, "preprocess")
    recipe = Recipe(nodes, spec, source)
    given = nodes.cast(PICTURES, "FLOAT")
    width, height = source
    if pixels == "nv12":
        planes = recipe.from_nv12(given)
        shape = [height * 3 // 2, width, 1]
    else:
        planes = recipe.from_bgr(given)
        shape = [height, width, 3]
    recipe.finish(planes)

    # Pictures take the place of the network's input.
    inputs = nodes.graph.input
    old = _find(inputs, entry.name, spec)
    inputs.append(nodes.tensor(PICTURES, "UINT8", old, shape=shape))
    inputs.remove(old)
    return nodes.before()


def _are_rows(tensor: "ValueInfoProto", columns: int) -> bool:
    """Whether it is (pictures, places, columns), as far as the model states it."""
    lengths = [axis.dim_value for axis in tensor.type.tensor_type.shape.dim]
    return not lengths or (len(lengths) == 3 and lengths[2] in (0, columns))  # 0 is any length


def _find(tensors: Iterable["ValueInfoProto"], name: str, spec: ModelSpec) -> "ValueInfoProto":
    """The input or output that the record names."""
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    listed = ", ".join(tensor.name for tensor in tensors)
    raise CourseError(
        f"{spec.name}: model.json names the tensor '{name}'; the network has: {listed}"
    )
