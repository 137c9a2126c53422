"""What may stand inside the engine instead of on the host: suppression and preprocessing.

Each function returns a new ONNX model with nodes added, behind the network or before it. The names
of its new inputs and outputs are those that engine/manifest.py wires.
"""

from typing import TYPE_CHECKING, Callable, Iterable, List, Tuple

import numpy as np

from ..engine.manifest import EFFICIENT_NMS
from ..model.placement import placement
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from .nodes import ABSENT, Nodes

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

# What suppression gives, in the order of the plugin's outputs, and its type.
RESULTS = {"count": "INT32", "boxes": "FLOAT", "scores": "FLOAT", "classes": "INT32"}

PICTURES = "pictures"  # the input of a model with preprocessing inside

# BT.601's way from brightness and colour (16 to 235 and 240) to blue, green and red, as OpenCV
# takes it. OpenCV rounds down, for green twice: that is what LOST makes up for.
YUV_TO_BGR = np.float32([[1.164, 2.017, 0], [1.164, -0.392, -0.813], [1.164, 0, 1.596]])
BLACK = np.float32([16, 128, 128])
LOST = np.float32([0.8, 1.3, 0.8])


def add_nms(
    model: "ModelProto", spec: ModelSpec, threshold: float, plugin: bool
) -> "ModelProto":
    """The model with suppression at its end.

    By TensorRT's EfficientNMS plugin, or by ONNX's own operators, which run on the CPU too.
    """
    output = spec.output
    if output.layout != "boxes_scores":
        raise CourseError(
            f"{spec.name}: suppression inside the engine needs output.layout boxes_scores; "
            f"this model's is {output.layout}. Use --nms host."
        )
    boxes = output.tensors["boxes"]
    scores = output.tensors["scores"]
    nodes = Nodes(model, "nms")
    old = _find(nodes.graph.output, boxes, spec)
    _find(nodes.graph.output, scores, spec)

    if output.activation == "softmax":
        scores = nodes.add("Softmax", [scores], axis=2)  # (b, n, c)
    elif output.activation == "sigmoid":
        scores = nodes.add("Sigmoid", [scores])

    if plugin:
        _suppress_by_plugin(nodes, spec, boxes, scores, threshold)
    else:
        count = old.type.tensor_type.shape.dim[1].dim_value
        _suppress_by_operators(nodes, spec, boxes, scores, threshold=threshold, count=count)

    # what suppression gives takes the place of the network's outputs
    most = spec.nms.max_detections
    shapes = {"count": [1], "boxes": [most, 4], "scores": [most], "classes": [most]}
    del nodes.graph.output[:]
    for role, kind in RESULTS.items():
        result = nodes.tensor(EFFICIENT_NMS[role], kind, old, shapes[role])
        nodes.graph.output.append(result)
    nodes.graph.node.extend(nodes.nodes)
    return nodes.model


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
    nodes: Nodes, spec: ModelSpec, boxes: str, scores: str, threshold: float, count: int
) -> None:
    """ONNX's NonMaxSuppression, and what makes a fixed number of rows of its answer.

    Shapes: b pictures, n boxes (`count`) of c classes, m survivors in all, k rows a picture.
    """
    class_ids = spec.class_ids()
    most = spec.nms.max_detections

    # It gives the survivors of all pictures in one list: picture, class and box of each.
    scores = nodes.add("Gather", [scores, class_ids], axis=2)  # (b, n, c), no background
    by_class = nodes.transpose(scores, [0, 2, 1])  # (b, c, n)
    limits = [[most], [spec.nms.iou_threshold], [threshold]]
    survivors = nodes.add("NonMaxSuppression", [boxes, by_class] + limits)  # (m, 3)

    # Put back in their places among zeros, they leave every picture as many scores as before.
    zeros = nodes.add("Mul", [by_class, 0.0])  # (b, c, n)
    survived = nodes.add("GatherND", [by_class, survivors])  # (m,)
    kept = nodes.add("ScatterND", [zeros, survivors, survived])  # (b, c, n)

    # The best k of each picture, wherever among classes and boxes they lie.
    flat = nodes.reshape(kept, [0, len(class_ids) * count])  # (b, c * n)
    best = EFFICIENT_NMS["scores"]
    index = "nms/index"
    nodes.add("TopK", [flat, [most]], [best, index])  # (b, k)

    # The quotient of the index is the class, its remainder the box.
    row = nodes.add("Div", [index, count])  # (b, k)
    classes = nodes.add("Gather", [class_ids, row])
    nodes.cast(classes, "INT32", EFFICIENT_NMS["classes"])
    remainder = nodes.add("Sub", [index, nodes.add("Mul", [row, count])])  # (b, k)
    place = nodes.add("Unsqueeze", [remainder, [2]])  # (b, k, 1)
    nodes.add("GatherND", [boxes, place], [EFFICIENT_NMS["boxes"]], batch_dims=1)  # (b, k, 4)

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
    recipe = _Recipe(nodes, spec, source)
    given = nodes.cast(PICTURES, "FLOAT")
    width, height = source
    if pixels == "nv12":
        planes = recipe.from_nv12(given)
        shape = [height * 3 // 2, width, 1]
    else:
        planes = recipe.from_bgr(given)
        shape = [height, width, 3]
    recipe.finish(planes)

    # the pictures take the place of the network's input, and the recipe stands first
    graph = nodes.graph
    old = _find(graph.input, entry.name, spec)
    graph.input.append(nodes.tensor(PICTURES, "UINT8", old, shape))
    graph.input.remove(old)
    everything = nodes.nodes + list(graph.node)
    del graph.node[:]
    graph.node.extend(everything)
    return nodes.model


class _Recipe:
    """The way of pictures of one size into the network's input, as nodes.

    It does what Preprocessor does on the host: `from_bgr` or `from_nv12`, then `finish`.
    Shapes: b pictures of h x w, and the network's input of in_h x in_w.
    """

    def __init__(self, nodes: Nodes, spec: ModelSpec, source: Tuple[int, int]) -> None:
        self.nodes = nodes
        self.entry = spec.input

        # the picture, and where it goes
        self.width, self.height = source
        self.placement = placement(spec, self.width, self.height)

        # height and width that it is resized to: a letterbox leaves room for borders
        if self.entry.resize == "crop":
            self.resized = [self.entry.height, self.entry.width]
        else:
            self.resized = [
                round(self.height * self.placement.scale_y),
                round(self.width * self.placement.scale_x),
            ]

    def from_bgr(self, pixels: str) -> str:
        """OpenCV's pixels (b, h, w, 3) as resized planes (b, 3, h, w)."""
        return self._resize(self.nodes.transpose(pixels, [0, 3, 1, 2]))

    def from_nv12(self, pixels: str) -> str:
        """A decoder's brightness and colours (b, h * 3 / 2, w, 1) as resized planes (b, 3, h, w).

        Resized first: that commutes with the matrix of the colours, and leaves it fewer pixels.
        """
        nodes = self.nodes
        height = self.height
        width = self.width

        # brightness is the upper part; below, each pair of colours is for 2 x 2 pixels
        luma = nodes.cut(pixels, [0], [height], axes=[1])
        luma = nodes.reshape(luma, [0, 1, height, width])  # (b, 1, h, w)
        chroma = nodes.cut(pixels, [height], [height * 3 // 2], axes=[1])
        chroma = nodes.reshape(chroma, [0, height // 2, width // 2, 2])
        chroma = nodes.transpose(chroma, [0, 3, 1, 2])  # (b, 2, h / 2, w / 2)
        chroma = nodes.add(
            "Resize",
            [chroma, ABSENT, np.float32([1, 1, 2, 2])],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )  # (b, 2, h, w)
        planes = nodes.concat([self._resize(luma), self._resize(chroma)], axis=1)  # (b, 3, h, w)

        weights = YUV_TO_BGR.reshape(3, 3, 1, 1)
        bias = -YUV_TO_BGR @ BLACK - LOST
        colours = nodes.add("Conv", [planes, weights, bias])
        return nodes.add("Clip", [colours, np.float32(0), np.float32(255)])

    def finish(self, planes: str) -> None:
        """Borders, then the order of colours, mean and scale, into the network's input."""
        entry = self.entry
        if entry.resize == "letterbox":
            planes = self._pad(planes)

        # a convolution of 1 x 1 does order, mean and scale in one go
        gain = 1 / np.float32(entry.scale)  # (3,)
        weights = np.diag(gain)  # (3, 3): to the network's colours, from BGR
        if entry.color != "BGR":
            weights = weights[:, ::-1]
        bias = -np.float32(entry.mean) * gain
        operands = [planes, weights.reshape(3, 3, 1, 1), bias]
        if entry.layout == "nhwc":
            last = self.nodes.add("Conv", operands)
            self.nodes.transpose(last, [0, 2, 3, 1], entry.name)  # (b, in_h, in_w, 3)
        else:
            self.nodes.add("Conv", operands, [entry.name])  # (b, 3, in_h, in_w)

    def _resize(self, planes: str) -> str:
        """Planes cropped and resized as OpenCV's linear interpolation does it."""
        nodes = self.nodes
        if self.entry.resize == "crop":
            planes = self._crop(planes)
        whole = nodes.cut(nodes.add("Shape", [planes]), [0], [2], axes=[0])  # batch and planes
        shape = nodes.concat([whole, self.resized], axis=0)
        return nodes.add(
            "Resize",
            [planes, ABSENT, ABSENT, shape],
            mode="linear",
            coordinate_transformation_mode="half_pixel",
        )

    def _crop(self, planes: str) -> str:
        """The middle of the picture, as its Placement has it."""
        where = self.placement
        top = round(-where.shift_y / where.scale_y)
        left = round(-where.shift_x / where.scale_x)
        bottom = top + round(self.resized[0] / where.scale_y)
        right = left + round(self.resized[1] / where.scale_x)
        return self.nodes.cut(planes, [top, left], [bottom, right], axes=[2, 3])

    def _pad(self, planes: str) -> str:
        """Borders in the colour of the record, around a picture in the middle."""
        nodes = self.nodes
        colour = self.entry.pad
        if self.entry.color != "BGR":
            colour = colour[::-1]
        colour = np.round(colour).clip(0, 255).reshape(1, 3, 1, 1)

        top = int(self.placement.shift_y)
        left = int(self.placement.shift_x)
        bottom = self.entry.height - self.resized[0] - top
        right = self.entry.width - self.resized[1] - left
        borders = [0, 0, top, left, 0, 0, bottom, right]

        # borders are zeros, so the colour is taken off before and put on again behind
        around = nodes.add("Pad", [nodes.add("Sub", [planes, colour]), borders], mode="constant")
        return nodes.add("Add", [around, colour])


def _find(
    tensors: Iterable["ValueInfoProto"], name: str, spec: ModelSpec
) -> "ValueInfoProto":
    """The input or output that the record names."""
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    listed = ", ".join(tensor.name for tensor in tensors)
    raise CourseError(
        f"{spec.name}: model.json names the tensor '{name}'; the network has: {listed}"
    )
