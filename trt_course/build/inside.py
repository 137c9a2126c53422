"""What may stand inside the engine instead of on the host: suppression behind the network, preprocessing before it.

Each function returns a new ONNX model with nodes added; the names of the new tensors are those that manifest.py wires.
"""
import numpy as np

from ..errors import CourseError, need
from ..preprocess import placement
from .manifest import EFFICIENT_NMS

_TYPES = {"count": ("INT32", 1), "boxes": ("FLOAT", 4), "scores": ("FLOAT", None), "classes": ("INT32", None)}


class _Nodes:
    """Nodes and constants to be put into a copy of a model; `prefix` keeps their names apart from the model's."""

    def __init__(self, model, prefix):
        self.onnx = need("onnx")
        self.model, self.prefix, self.nodes = self.onnx.ModelProto(), prefix, []
        self.model.CopyFrom(model)

    def add(self, kind, inputs, outputs=None, **attributes):
        names = outputs or ["{}/{}_{}".format(self.prefix, kind, len(self.nodes))]
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), names, name=names[0] + "_node", **attributes))
        return names[0]

    def constant(self, value, dtype=np.float32):
        name = "{}/constant_{}".format(self.prefix, len(self.model.graph.initializer))
        array = np.asarray(value, dtype)
        self.model.graph.initializer.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def tensor(self, name, kind, shape):
        return self.onnx.helper.make_tensor_value_info(name, getattr(self.onnx.TensorProto, kind), shape)


def _candidates(model, spec):
    """Names of the network's boxes and scores, how many there are of each image, and the name of its batch."""
    if spec.output.layout != "boxes_scores":
        raise CourseError("{}: suppression inside the engine needs output.layout boxes_scores; this model's is {}. "
                          "Use --nms host.".format(spec.name, spec.output.layout))
    boxes, scores = (spec.output.tensors[role] for role in ("boxes", "scores"))
    dims = next(t for t in model.graph.output if t.name == boxes).type.tensor_type.shape.dim
    return boxes, scores, dims[1].dim_value, dims[0].dim_param or dims[0].dim_value


def add_nms(model, spec, threshold, plugin):
    """The model with suppression at its end: TensorRT's EfficientNMS plugin, or ONNX's own operators."""
    boxes, scores, count, batch = _candidates(model, spec)
    graph = _Nodes(model, "nms")
    if spec.output.activation != "none":
        scores = graph.add(spec.output.activation.capitalize(), [scores], **(
            {"axis": 2} if spec.output.activation == "softmax" else {}))
    (_plugin_nms if plugin else _onnx_nms)(graph, spec, boxes, scores, threshold, count)
    del graph.model.graph.output[:]
    for role, (kind, last) in _TYPES.items():
        shape = [batch, 1] if role == "count" else [batch, spec.nms.max_detections] + [last] * (last is not None)
        graph.model.graph.output.append(graph.tensor(EFFICIENT_NMS[role], kind, shape))
    graph.model.graph.node.extend(graph.nodes)
    return graph.model


def _plugin_nms(graph, spec, boxes, scores, threshold, count):
    graph.add("EfficientNMS_TRT", [boxes, scores], [EFFICIENT_NMS[role] for role in _TYPES], plugin_version="1",
              score_threshold=threshold, iou_threshold=spec.nms.iou_threshold, box_coding=0, score_activation=0,
              max_output_boxes=spec.nms.max_detections, background_class=-1 if spec.background is None
              else spec.background)


def _onnx_nms(graph, spec, boxes, scores, threshold, count):
    """NonMaxSuppression gives as many rows as it likes; scattered back and sorted, they become a fixed number."""
    ids = spec.class_ids()
    by_class = graph.add("Transpose", [graph.add("Gather", [scores, graph.constant(ids, np.int64)], axis=2)],
                         perm=[0, 2, 1])  # (b, c, n)
    chosen = graph.add("NonMaxSuppression", [
        boxes, by_class, graph.constant([spec.nms.max_detections], np.int64),
        graph.constant([spec.nms.iou_threshold]), graph.constant([threshold])])  # (m, 3)
    zeros = graph.add("Mul", [by_class, graph.constant(0)])
    kept = graph.add("ScatterND", [zeros, chosen, graph.add("GatherND", [by_class, chosen])])  # (b, c, n)
    flat = graph.add("Reshape", [kept, graph.constant([0, len(ids) * count], np.int64)])
    index = "nms/index"
    graph.add("TopK", [flat, graph.constant([spec.nms.max_detections], np.int64)], [EFFICIENT_NMS["scores"], index])
    row = graph.add("Div", [index, graph.constant(count, np.int64)])
    classes = graph.add("Gather", [graph.constant(ids, np.int64), row])
    graph.add("Cast", [classes], [EFFICIENT_NMS["classes"]], to=graph.onnx.TensorProto.INT32)
    place = graph.add("Sub", [index, graph.add("Mul", [row, graph.constant(count, np.int64)])])
    place = graph.add("Unsqueeze", [place, graph.constant([2], np.int64)])  # (b, k, 1)
    graph.add("GatherND", [boxes, place], [EFFICIENT_NMS["boxes"]], batch_dims=1)
    good = graph.add("Greater", [EFFICIENT_NMS["scores"], graph.constant(0)])
    graph.add("ReduceSum", [graph.add("Cast", [good], to=graph.onnx.TensorProto.INT32),
                            graph.constant([1], np.int64)], [EFFICIENT_NMS["count"]], keepdims=1)


def add_preprocess(model, spec, source):
    """The model with its recipe in front: it takes `pictures`, uint8 (batch, height, width, 3) BGR of one size."""
    if spec.input.dtype == "uint8":
        raise CourseError("{} takes bytes already, its recipe is inside: --preprocess host.".format(spec.name))
    width, height = source
    graph, entry = _Nodes(model, "preprocess"), spec.input
    old = next(t for t in graph.model.graph.input if t.name == entry.name)
    batch = old.type.tensor_type.shape.dim[0]
    x = graph.add("Cast", ["pictures"], to=graph.onnx.TensorProto.FLOAT)
    x = graph.add("Transpose", [x], perm=[0, 3, 1, 2])  # (b, 3, h, w)
    x = _place(graph, x, entry, placement(spec, width, height), source)
    if entry.color == "RGB":
        x = graph.add("Gather", [x, graph.constant([2, 1, 0], np.int64)], axis=1)
    mean, scale = (np.reshape(v, (1, 3, 1, 1)) for v in (entry.mean, entry.scale))
    if entry.layout == "nchw":
        x = graph.add("Sub", [x, graph.constant(mean)])
        graph.add("Div", [x, graph.constant(scale)], [entry.name])
    else:
        x = graph.add("Div", [graph.add("Sub", [x, graph.constant(mean)]), graph.constant(scale)])
        graph.add("Transpose", [x], [entry.name], perm=[0, 2, 3, 1])
    graph.model.graph.input.remove(old)
    graph.model.graph.input.append(graph.tensor("pictures", "UINT8", [batch.dim_param or batch.dim_value, height,
                                                                      width, 3]))
    nodes = graph.nodes + list(graph.model.graph.node)
    del graph.model.graph.node[:]
    graph.model.graph.node.extend(nodes)
    return graph.model


def _place(graph, x, entry, where, source):
    """Crop, resize and pad as Preprocessor does, with OpenCV's linear interpolation."""
    sizes = [round(source[1] * where.sy), round(source[0] * where.sx)]
    if entry.resize == "crop":
        y0, x0 = round(-where.oy / where.sy), round(-where.ox / where.sx)
        sizes = [entry.height, entry.width]
        ends = [y0 + round(entry.height / where.sy), x0 + round(entry.width / where.sx)]
        x = graph.add("Slice", [x] + [graph.constant(v, np.int64) for v in ([y0, x0], ends, [2, 3])])
    batch_and_colours = graph.add("Slice", [graph.add("Shape", [x]), graph.constant([0], np.int64),
                                            graph.constant([2], np.int64)])
    sizes_name = graph.add("Concat", [batch_and_colours, graph.constant(sizes, np.int64)], axis=0)
    x = graph.add("Resize", [x, "", "", sizes_name], mode="linear", coordinate_transformation_mode="half_pixel")
    if entry.resize != "letterbox":
        return x
    pad = entry.pad if entry.color == "BGR" else entry.pad[::-1]
    pad = graph.constant(np.reshape(np.round(pad).clip(0, 255), (1, 3, 1, 1)))
    left, top = int(where.ox), int(where.oy)
    borders = [0, 0, top, left, 0, 0, entry.height - sizes[0] - top, entry.width - sizes[1] - left]
    inner = graph.add("Pad", [graph.add("Sub", [x, pad]), graph.constant(borders, np.int64)], mode="constant")
    return graph.add("Add", [inner, pad])
