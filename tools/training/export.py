"""A trained network as an ONNX file of opset 13 with few, old operators, decoded boxes and no NMS.

torch.fx lists the operations and each becomes one node: the graph holds no shape arithmetic, which TensorRT 7 parses
badly and readers worse. It knows the layers of nets.py only; it is no general exporter.
"""

import copy
import operator

import numpy as np
import torch
from onnx import TensorProto, checker, helper, numpy_helper
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .nets import UpTo
from .onnx_file import store_fp16
from .priors import LOG_LIMIT, VARIANCE, decode, level_counts, make_priors

# IR 7 is what ONNX 1.8, of TensorRT 7's time, wrote
OPSET = 13
IR_VERSION = 7


class Graph:
    """Nodes and initializers while they are collected."""

    def __init__(self):
        self.nodes = []
        self.constants = {}

    def constant(self, name, values, kind=np.float32):
        self.constants.setdefault(name, numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def add(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], output, **attributes))
        return output


def conv(graph, name, layer, x):
    inputs = [x, graph.constant(name + "_weight", layer.weight.detach().numpy())]
    if layer.bias is not None:
        inputs.append(graph.constant(name + "_bias", layer.bias.detach().numpy()))
    pad = list(layer.padding)
    return graph.add(
        "Conv",
        inputs,
        name,
        kernel_shape=list(layer.kernel_size),
        strides=list(layer.stride),
        pads=pad + pad,
        dilations=[1, 1],
        group=layer.groups,
    )


def relu(graph, name, _, x):
    return graph.add("Relu", [x], name)


def relu6(graph, name, _, x):
    return graph.add("Clip", [x, graph.constant("zero", 0.0), graph.constant("six", 6.0)], name)


def max_pool(graph, name, layer, x):
    pair = [layer.kernel_size] * 2
    return graph.add(
        "MaxPool",
        [x],
        name,
        kernel_shape=pair,
        strides=[layer.stride] * 2,
        pads=[layer.padding] * 4,
    )


def up_to(graph, name, layer, x):
    inputs = [x, "", graph.constant("twice", [1, 1, 2, 2])]
    big = graph.add(
        "Resize",
        inputs,
        name + "_up",
        mode="nearest",
        nearest_mode="floor",
        coordinate_transformation_mode="asymmetric",
    )
    ends = graph.constant(
        f"size_{layer.height}_{layer.width}", [layer.height, layer.width], np.int64
    )
    return graph.add(
        "Slice",
        [
            big,
            graph.constant("origin", [0, 0], np.int64),
            ends,
            graph.constant("height_width", [2, 3], np.int64),
        ],
        name,
    )


def same(_graph, _name, _layer, x):
    return x


LAYERS = {
    nn.Conv2d: conv,
    nn.ReLU: relu,
    nn.ReLU6: relu6,
    nn.MaxPool2d: max_pool,
    UpTo: up_to,
    nn.Identity: same,
}


class Tracer(fx.Tracer):
    def is_leaf_module(self, module, qualified_name):
        return type(module) in LAYERS


class Maps(nn.Module):
    """The network up to the heads' raw maps."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        return self.model.maps(x)


def fold(model):
    """A copy on the CPU in which every batch normalisation is part of its convolution."""
    model = copy.deepcopy(model).cpu().float().eval()
    for block in model.modules():
        if (
            isinstance(block, nn.Sequential)
            and len(block) > 1
            and isinstance(block[1], nn.BatchNorm2d)
        ):
            block[0] = fuse_conv_bn_eval(block[0], block[1])
            block[1] = nn.Identity()
    return model


def add_network(graph, model):
    """Nodes of the convolutional part.

    The names of the heads' outputs, [(scores, boxes), ...] by level.
    """
    module = Maps(model)
    names = {}
    layers = dict(module.named_modules())
    result = None
    for node in Tracer().trace(module).nodes:
        if node.op == "placeholder":
            names[node] = "input"
        elif node.op == "call_module":
            layer = layers[node.target]
            name = node.target.replace("model.", "", 1).replace(".", "_")
            names[node] = LAYERS[type(layer)](graph, name, layer, names[node.args[0]])
        elif node.op == "call_function" and node.target is operator.add:
            names[node] = graph.add("Add", [names[a] for a in node.args], "sum_" + node.name)
        elif node.op == "output":
            result = [tuple(names[n] for n in pair) for pair in node.args[0]]
        else:
            raise ValueError(
                f"the exporter does not know the operation {node.op} {node.target}: add it to "
                "LAYERS"
            )
    return result


def add_rows(graph, maps, kind, columns, priors):
    """Maps (n, k * columns, h, w) of all levels as one table (n, priors, columns)."""
    rows = []
    for i, (name, count) in enumerate(zip(maps, priors)):
        last = graph.add("Transpose", [name], f"{kind}_{i}_nhwc", perm=[0, 2, 3, 1])
        shape = graph.constant(f"{kind}_{i}_shape", [-1, count, columns], np.int64)
        rows.append(graph.add("Reshape", [last, shape], f"{kind}_{i}_rows"))
    return graph.add("Concat", rows, kind + "_rows", axis=1)


def add_decode(graph, offsets, recipe):
    """Offsets to corners in 0..1 of the image, as priors.decode but with priors in 0..1."""
    priors = make_priors(recipe)[None] / np.array(recipe.size * 2, np.float32)  # (1, p, 4)
    part = {}
    for name, first in (("centre", 0), ("size", 2)):
        bounds = [graph.constant(f"column_{c}", [c], np.int64) for c in (first, first + 2)]
        part[name] = graph.add(
            "Slice", [offsets, *bounds, graph.constant("axis_2", [2], np.int64)], name + "_offsets"
        )
    shift = graph.add(
        "Mul",
        [part["centre"], graph.constant("prior_steps", priors[..., 2:] * VARIANCE[0])],
        "shift",
    )
    centre = graph.add("Add", [shift, graph.constant("prior_centres", priors[..., :2])], "centre")
    power = graph.add(
        "Mul", [part["size"], graph.constant("size_variance", [VARIANCE[1]])], "size_power"
    )
    limits = [graph.constant("least_power", -LOG_LIMIT), graph.constant("most_power", LOG_LIMIT)]
    factor = graph.add(
        "Exp", [graph.add("Clip", [power, *limits], "size_power_clipped")], "size_factor"
    )
    half = graph.add(
        "Mul", [factor, graph.constant("prior_halves", priors[..., 2:] / 2)], "half_size"
    )
    low = graph.add("Sub", [centre, half], "low_corner")
    high = graph.add("Add", [centre, half], "high_corner")
    return graph.add("Concat", [low, high], "boxes", axis=2)


def to_onnx(model, recipe, half=True):
    """The ONNX model: input (batch, 3, h, w) -> scores (batch, p, c + 1), boxes (batch, p, 4)."""
    graph = Graph()
    folded = fold(model)
    scores, boxes = zip(*add_network(graph, folded))
    columns = folded.columns
    counts = level_counts(recipe)
    rows = add_rows(graph, scores, "scores", columns, counts)
    graph.add("Softmax", [rows], "scores", axis=2)
    add_decode(graph, add_rows(graph, boxes, "offsets", 4, counts), recipe)
    width, height = recipe.size
    proto = helper.make_graph(
        graph.nodes,
        recipe.name,
        [_value("input", ["batch", 3, height, width])],
        [
            _value("scores", ["batch", sum(counts), columns]),
            _value("boxes", ["batch", sum(counts), 4]),
        ],
        list(graph.constants.values()),
    )
    onnx_model = helper.make_model(
        proto, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="train_ssd"
    )
    onnx_model.ir_version = IR_VERSION
    if half:
        store_fp16(onnx_model)
    checker.check_model(onnx_model, full_check=True)
    return onnx_model


def _value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def reference(model, recipe, x):
    """What the ONNX file must compute, by PyTorch."""
    with torch.no_grad():
        logits, offsets = model(x)
        boxes = decode(offsets, torch.from_numpy(make_priors(recipe)))
    return logits.softmax(-1).numpy(), (boxes / torch.tensor(recipe.size * 2)).numpy()
