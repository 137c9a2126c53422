"""What may stand inside the engine instead of on the host: suppression behind the network, preprocessing before it.

Each function returns a new ONNX model with nodes added; the names of the new tensors are those that manifest.py wires.
"""

import copy

import numpy as np

from ..engine.manifest import EFFICIENT_NMS
from ..model.placement import placement
from ..support.errors import CourseError, need

_TYPES = {
    "count": ("INT32", [1]),
    "boxes": ("FLOAT", [4]),
    "scores": ("FLOAT", []),
    "classes": ("INT32", []),
}


class _Nodes:
    """Nodes to be put into a copy of a model; `prefix` keeps their names apart from the model's."""

    def __init__(self, model, prefix):
        self.onnx, self.prefix, self.nodes, self.model = (
            need("onnx"),
            prefix,
            [],
            copy.deepcopy(model),
        )
        self.graph = self.model.graph

    def add(self, kind, *inputs, outputs=None, **attributes):
        """The name of a new node's first output. An input that is no name is a constant."""
        names = outputs or [f"{self.prefix}/{kind}_{len(self.nodes)}"]
        inputs = [value if isinstance(value, str) else self._constant(value) for value in inputs]
        self.nodes.append(
            self.onnx.helper.make_node(kind, inputs, names, name=names[0] + "_node", **attributes)
        )
        return names[0]

    def cast(self, tensor, kind, outputs=None):
        return self.add("Cast", tensor, outputs=outputs, to=getattr(self.onnx.TensorProto, kind))

    def _constant(self, value):
        array, name = np.asarray(value), f"{self.prefix}/constant_{len(self.graph.initializer)}"
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        self.graph.initializer.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def tensor(self, name, kind, like, shape):
        """An input or output of this shape, its batch that of another."""
        batch = like.type.tensor_type.shape.dim[0]
        return self.onnx.helper.make_tensor_value_info(
            name, getattr(self.onnx.TensorProto, kind), [batch.dim_param or batch.dim_value] + shape
        )


def _named(tensors, name, spec):
    for tensor in tensors:
        if tensor.name == name:
            return tensor
    raise CourseError(
        "{}: model.json names the tensor '{}'; the network has: {}".format(
            spec.name, name, ", ".join(tensor.name for tensor in tensors)
        )
    )


def add_nms(model, spec, threshold, plugin):
    """The model with suppression at its end: TensorRT's EfficientNMS plugin, or ONNX's own operators."""
    if spec.output.layout != "boxes_scores":
        raise CourseError(
            f"{spec.name}: suppression inside the engine needs output.layout boxes_scores; this model's is {spec.output.layout}. "
            "Use --nms host."
        )
    new, activation = _Nodes(model, "nms"), spec.output.activation
    boxes, scores = (spec.output.tensors[role] for role in ("boxes", "scores"))
    old, _ = (_named(model.graph.output, name, spec) for name in (boxes, scores))
    if activation != "none":
        scores = new.add(
            activation.capitalize(), scores, **({"axis": 2} if activation == "softmax" else {})
        )
    if plugin:
        new.add(
            "EfficientNMS_TRT",
            boxes,
            scores,
            outputs=[EFFICIENT_NMS[role] for role in _TYPES],
            plugin_version="1",
            score_threshold=threshold,
            iou_threshold=spec.nms.iou_threshold,
            box_coding=0,
            score_activation=0,
            max_output_boxes=spec.nms.max_detections,
            background_class=-1 if spec.background is None else spec.background,
        )
    else:
        _onnx_nms(new, spec, boxes, scores, threshold, old.type.tensor_type.shape.dim[1].dim_value)
    del new.graph.output[:]
    for role, (kind, last) in _TYPES.items():
        rows = [] if role == "count" else [spec.nms.max_detections]
        new.graph.output.append(new.tensor(EFFICIENT_NMS[role], kind, old, rows + last))
    new.graph.node.extend(new.nodes)
    return new.model


def _onnx_nms(new, spec, boxes, scores, threshold, count):
    """NonMaxSuppression gives as many rows as it likes; scattered back and sorted, they become a fixed number."""
    ids, most = spec.class_ids(), [spec.nms.max_detections]
    by_class = new.add(
        "Transpose", new.add("Gather", scores, ids, axis=2), perm=[0, 2, 1]
    )  # (b, c, n)
    chosen = new.add(
        "NonMaxSuppression", boxes, by_class, most, [spec.nms.iou_threshold], [threshold]
    )  # (m, 3)
    kept = new.add(
        "ScatterND", new.add("Mul", by_class, 0.0), chosen, new.add("GatherND", by_class, chosen)
    )
    flat = new.add("Reshape", kept, [0, len(ids) * count])
    best, index = EFFICIENT_NMS["scores"], "nms/index"
    new.add("TopK", flat, most, outputs=[best, index])  # (b, k)
    row = new.add("Div", index, count)
    new.cast(new.add("Gather", ids, row), "INT32", [EFFICIENT_NMS["classes"]])
    place = new.add(
        "Unsqueeze", new.add("Sub", index, new.add("Mul", row, count)), [2]
    )  # (b, k, 1)
    new.add("GatherND", boxes, place, outputs=[EFFICIENT_NMS["boxes"]], batch_dims=1)
    good = new.cast(new.add("Greater", best, 0.0), "INT32")
    new.add("ReduceSum", good, [1], outputs=[EFFICIENT_NMS["count"]], keepdims=1)


def add_preprocess(model, spec, source, pixels="bgr"):
    """The model with its recipe in front: it takes `pictures`, uint8 of one size.

    bgr is OpenCV's (batch, height, width, 3), nv12 what a GPU's video decoder gives: (batch, height * 3 / 2, width, 1).
    """
    if spec.input.dtype == "uint8":
        raise CourseError(
            f"{spec.name} takes bytes already, its recipe is inside: --preprocess host."
        )
    new, entry, (width, height) = _Nodes(model, "preprocess"), spec.input, source
    x, where = new.cast("pictures", "FLOAT"), placement(spec, width, height)
    sizes = (
        [entry.height, entry.width]
        if entry.resize == "crop"
        else [round(height * where.scale_y), round(width * where.scale_x)]
    )
    if pixels == "nv12":
        x = _from_nv12(new, x, lambda plane: _resized(new, plane, entry, where, sizes), source)
    else:
        x = _resized(
            new, new.add("Transpose", x, perm=[0, 3, 1, 2]), entry, where, sizes
        )  # (b, 3, h, w)
    if entry.resize == "letterbox":
        x = _padded(new, x, entry, where, sizes)
    gain = 1 / np.float32(entry.scale)
    order = np.diag(gain)[:, :: 1 if entry.color == "BGR" else -1].reshape(
        3, 3, 1, 1
    )  # order, mean and scale in one go
    last = new.add(
        "Conv",
        x,
        order,
        -np.float32(entry.mean) * gain,
        outputs=[entry.name] if entry.layout == "nchw" else None,
    )
    if entry.layout == "nhwc":
        new.add("Transpose", last, outputs=[entry.name], perm=[0, 2, 3, 1])
    old = _named(new.graph.input, entry.name, spec)
    shape = [height * 3 // 2, width, 1] if pixels == "nv12" else [height, width, 3]
    new.graph.input.append(new.tensor("pictures", "UINT8", old, shape))
    new.graph.input.remove(old)
    nodes = new.nodes + list(new.graph.node)
    del new.graph.node[:]
    new.graph.node.extend(nodes)
    return new.model


def _from_nv12(new, x, resized, source):
    """BGR planes, resized first: that commutes with the colours' matrix, and the network's input is the smaller."""
    width, height = source
    luma = new.add("Reshape", new.add("Slice", x, [0], [height], [1]), [0, 1, height, width])
    chroma = new.add(
        "Reshape",
        new.add("Slice", x, [height], [height * 3 // 2], [1]),
        [0, height // 2, width // 2, 2],
    )
    chroma = new.add(
        "Resize",
        new.add("Transpose", chroma, perm=[0, 3, 1, 2]),
        "",
        np.float32([1, 1, 2, 2]),
        mode="nearest",
        coordinate_transformation_mode="asymmetric",
        nearest_mode="floor",
    )  # (b, 2, h, w)
    yuv = new.add("Concat", resized(luma), resized(chroma), axis=1)
    matrix = np.float32(
        [[1.164, 2.017, 0], [1.164, -0.392, -0.813], [1.164, 0, 1.596]]
    )  # BT.601, as OpenCV takes it;
    bias = -matrix @ np.float32([16, 128, 128]) - np.float32(
        [0.8, 1.3, 0.8]
    )  # it rounds down, green twice
    return new.add(
        "Clip",
        new.add("Conv", yuv, matrix.reshape(3, 3, 1, 1), bias),
        np.float32(0),
        np.float32(255),
    )


def _resized(new, x, entry, where, sizes):
    """Crop and resize as Preprocessor does, with OpenCV's linear interpolation."""
    if entry.resize == "crop":
        begin = [round(-where.shift_y / where.scale_y), round(-where.shift_x / where.scale_x)]
        end = [
            begin[0] + round(sizes[0] / where.scale_y),
            begin[1] + round(sizes[1] / where.scale_x),
        ]
        x = new.add("Slice", x, begin, end, [2, 3])
    whole = new.add(
        "Concat", new.add("Slice", new.add("Shape", x), [0], [2]), sizes, axis=0
    )  # batch, colours too
    return new.add(
        "Resize", x, "", "", whole, mode="linear", coordinate_transformation_mode="half_pixel"
    )


def _padded(new, x, entry, where, sizes):
    pad = np.reshape(
        np.round(entry.pad if entry.color == "BGR" else entry.pad[::-1]).clip(0, 255), (1, 3, 1, 1)
    )
    left, top = int(where.shift_x), int(where.shift_y)
    borders = [0, 0, top, left, 0, 0, entry.height - sizes[0] - top, entry.width - sizes[1] - left]
    return new.add("Add", new.add("Pad", new.add("Sub", x, pad), borders, mode="constant"), pad)
