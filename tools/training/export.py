"""A trained network as an ONNX file of opset 13: few, old operators, decoded boxes, no suppression.

torch.fx lists the operations and each becomes one node. So the graph holds no arithmetic on
shapes, which TensorRT 7 parses badly and readers worse. This is no general exporter: it knows the
layers of onnx_layers.py only.
"""

import copy
import operator
from typing import Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np
import torch
from onnx import ModelProto, TensorProto, ValueInfoProto, checker, helper
from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .nets import SSD
from .onnx_file import store_fp16
from .onnx_layers import LAYERS, Graph
from .priors import (
    CENTRE_VARIANCE,
    LOG_LIMIT,
    SIZE_VARIANCE,
    decode,
    level_counts,
    make_priors,
)
from .recipes import Recipe

# IR 7 is what ONNX 1.8, of TensorRT 7's time, wrote
OPSET = 13
IR_VERSION = 7


class HeadNames(NamedTuple):
    """The names of all heads' outputs, level by level."""

    scores: List[str]
    offsets: List[str]


class Tracer(fx.Tracer):
    """Lists the layers that onnx_layers.py knows, and looks into all others."""

    def is_leaf_module(self, module: nn.Module, qualified_name: str) -> bool:
        """Whether the layer is listed as it is."""
        return type(module) in LAYERS


class RawMaps(nn.Module):
    """The network up to the heads' raw maps."""

    def __init__(self, model: SSD) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> List[Tuple[torch.Tensor, torch.Tensor]]:
        """What SSD.maps gives."""
        return self.model.maps(x)


def fold(model: SSD) -> SSD:
    """A copy on the CPU in which every batch normalisation is part of its convolution."""
    model = copy.deepcopy(model).cpu().float().eval()
    for block in model.modules():
        if _has_batch_norm(block):
            block[0] = fuse_conv_bn_eval(block[0], block[1])
            block[1] = nn.Identity()
    return model


def _has_batch_norm(block: nn.Module) -> bool:
    """Whether the block is one that backbones.conv_bn makes."""
    if not isinstance(block, nn.Sequential) or len(block) < 2:
        return False
    return isinstance(block[1], nn.BatchNorm2d)


def add_network(graph: Graph, model: SSD) -> HeadNames:
    """Write the nodes of the convolutional part."""
    module = RawMaps(model)
    layers = dict(module.named_modules())

    # the name of the tensor that each traced operation leaves
    names: Dict[fx.Node, str] = {}
    outputs = HeadNames([], [])
    for node in Tracer().trace(module).nodes:
        if node.op == "placeholder":
            names[node] = "input"
        elif node.op == "call_module":
            layer = layers[node.target]
            write = LAYERS[type(layer)]
            source = names[node.args[0]]
            names[node] = write(graph, _node_name(node), layer, source)
        elif node.op == "call_function" and node.target is operator.add:
            terms = [names[term] for term in node.args]
            names[node] = graph.add("Add", terms, "sum_" + node.name)
        elif node.op == "output":
            for scores, offsets in node.args[0]:
                outputs.scores.append(names[scores])
                outputs.offsets.append(names[offsets])
        else:
            raise ValueError(
                f"the exporter does not know the operation {node.op} {node.target}: "
                "add it to LAYERS in onnx_layers.py"
            )
    return outputs


def _node_name(node: fx.Node) -> str:
    """The layer's place in the network as a name: backbone_stem_0_0."""
    inside = str(node.target).replace("model.", "", 1)
    return inside.replace(".", "_")


def add_rows(graph: Graph, maps: List[str], kind: str, columns: int, priors: List[int]) -> str:
    """Write maps (n, k * columns, h, w) of all levels as one table (n, p, columns)."""
    rows = []
    for i, (name, count) in enumerate(zip(maps, priors)):
        level = f"{kind}_{i}"
        last = graph.add("Transpose", [name], level + "_nhwc", perm=[0, 2, 3, 1])
        shape = graph.integers(level + "_shape", [-1, count, columns])
        rows.append(graph.add("Reshape", [last, shape], level + "_rows"))
    return graph.add("Concat", rows, kind + "_rows", axis=1)


def add_decode(graph: Graph, offsets: str, recipe: Recipe) -> str:
    """Write the way from offsets to corners in 0..1 of the image.

    It is that of priors.decode, but with the priors in 0..1.
    """
    pixels = np.array(recipe.size * 2, np.float32)
    priors = make_priors(recipe)[None] / pixels  # (1, p, 4)
    prior_centres = priors[..., :2]
    prior_sizes = priors[..., 2:]

    centre_offsets = _add_columns(graph, offsets, 0, "centre_offsets")
    size_offsets = _add_columns(graph, offsets, 2, "size_offsets")

    # the centre moves by a share of the prior's size
    steps = graph.constant("prior_steps", prior_sizes * CENTRE_VARIANCE)
    shift = graph.add("Mul", [centre_offsets, steps], "shift")
    start = graph.constant("prior_centres", prior_centres)
    centre = graph.add("Add", [shift, start], "centre")

    # the size grows by a factor
    variance = graph.constant("size_variance", [SIZE_VARIANCE])
    power = graph.add("Mul", [size_offsets, variance], "size_power")
    least = graph.constant("least_power", -LOG_LIMIT)
    most = graph.constant("most_power", LOG_LIMIT)
    clipped = graph.add("Clip", [power, least, most], "size_power_clipped")
    factor = graph.add("Exp", [clipped], "size_factor")

    # corners lie half a size from the centre
    halves = graph.constant("prior_halves", prior_sizes / 2)
    half = graph.add("Mul", [factor, halves], "half_size")
    low = graph.add("Sub", [centre, half], "low_corner")
    high = graph.add("Add", [centre, half], "high_corner")
    return graph.add("Concat", [low, high], "boxes", axis=2)


def _add_columns(graph: Graph, table: str, first: int, name: str) -> str:
    """Write the cut of two columns out of a table (n, p, 4)."""
    start = graph.integers(f"column_{first}", [first])
    end = graph.integers(f"column_{first + 2}", [first + 2])
    axis = graph.integers("axis_2", [2])
    return graph.add("Slice", [table, start, end, axis], name)


def to_onnx(model: SSD, recipe: Recipe, half: bool = True) -> ModelProto:
    """The ONNX model: input (batch, 3, h, w) -> scores (batch, p, c + 1), boxes (batch, p, 4).

    With `half`, the large weights are stored as FP16.
    """
    graph = Graph()
    folded = fold(model)
    counts = level_counts(recipe)

    # the nodes
    heads = add_network(graph, folded)
    scores = add_rows(graph, heads.scores, "scores", folded.columns, counts)
    graph.add("Softmax", [scores], "scores", axis=2)
    offsets = add_rows(graph, heads.offsets, "offsets", 4, counts)
    add_decode(graph, offsets, recipe)

    # what goes in and out
    width, height = recipe.size
    priors = sum(counts)
    image = _value("input", ["batch", 3, height, width])
    outputs = [
        _value("scores", ["batch", priors, folded.columns]),
        _value("boxes", ["batch", priors, 4]),
    ]

    # the file
    constants = list(graph.constants.values())
    proto = helper.make_graph(graph.nodes, recipe.name, [image], outputs, constants)
    opset = helper.make_opsetid("", OPSET)
    onnx_model = helper.make_model(proto, opset_imports=[opset], producer_name="train_ssd")
    onnx_model.ir_version = IR_VERSION
    if half:
        store_fp16(onnx_model)
    checker.check_model(onnx_model, full_check=True)
    return onnx_model


def _value(name: str, shape: Sequence[Union[str, int]]) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


def reference(model: SSD, recipe: Recipe, x: torch.Tensor) -> Tuple[np.ndarray, np.ndarray]:
    """The scores and boxes that the ONNX file must compute, by PyTorch."""
    priors = torch.from_numpy(make_priors(recipe))
    with torch.no_grad():
        logits, offsets = model(x)
        boxes = decode(offsets, priors) / torch.tensor(recipe.size * 2)
    return logits.softmax(-1).numpy(), boxes.numpy()
