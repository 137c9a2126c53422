"""A network of SSD300's size with random weights: it finds nothing.

    python tools/ssd300.py OUT      # a model folder: model.onnx (FP32, about 90 MB), model.json

For comparing speeds with the literature. ResNet-50 to its third stage at stride 8, five extra
layers, six heads: 300 x 300 pixels, 8,732 boxes, 81 classes, as in NVIDIA's SSD300. The
background's bias leaves a few hundred candidates for suppression, as a trained network would.
"""

import json
import sys
from pathlib import Path
from typing import Any, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, save

CLASSES = 81
GAIN = 1.3  # of the class heads: a few hundred of 8,732 x 80 scores pass 0.01


class Head(NamedTuple):
    """What looks at one of the maps."""

    side: int  # of the map, in cells
    boxes: int  # of each cell


# 8,732 boxes in all.
HEADS = (Head(38, 4), Head(19, 6), Head(10, 6), Head(5, 6), Head(3, 4), Head(1, 4))


class Stage(NamedTuple):
    """A stage of the ResNet."""

    middle: int  # channels inside of a block; it gives four times as many
    blocks: int
    stride: int  # of the first block


STAGES = (Stage(64, 3, 1), Stage(128, 4, 2), Stage(256, 6, 1))


class Extra(NamedTuple):
    """A layer behind the ResNet, which gives one more map."""

    middle: int
    to: int
    stride: int
    pad: int


EXTRAS = (
    Extra(256, 512, 2, 1),
    Extra(256, 512, 2, 1),
    Extra(128, 256, 2, 1),
    Extra(128, 256, 1, 0),
    Extra(128, 256, 1, 0),
)

RECORD = {
    "name": "ssd300_random",
    "title": "SSD300's size, ResNet-50, random weights",
    "input": {
        "name": "input",
        "width": 300,
        "height": 300,
        "layout": "nchw",
        "color": "RGB",
        "mean": [128.0] * 3,
        "scale": [128.0] * 3,
        "resize": "crop",
    },
    "output": {"layout": "boxes_scores", "tensors": {"boxes": "boxes", "scores": "scores"}},
    "labels": ["background"] + [f"class {i}" for i in range(1, CLASSES)],
    "background": 0,
    "nms": {"iou_threshold": 0.5, "max_detections": 200},
}


Value = Union[str, Sequence[int], np.ndarray, np.floating]  # a tensor's name, or a constant


class Map(NamedTuple):
    """A tensor of features: its name, and its channels."""

    name: str
    channels: int


class Net:
    """A graph that grows. Each method adds nodes and gives the name of what they make."""

    def __init__(self, seed: int = 0) -> None:
        self.nodes: List[Any] = []
        self.weights: List[TensorProto] = []
        self.rng = np.random.RandomState(seed)

    def constant(self, value: Value) -> str:
        """A float or integer tensor."""
        array = np.asarray(value)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array.astype(kind), name))
        return name

    def add(self, kind: str, *inputs: Value, out: Optional[str] = None, **attributes: Any) -> str:
        """One node."""
        if out is None:
            out = f"t{len(self.nodes)}"
        names = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(kind, names, [out], name=out, **attributes))
        return out

    def conv(
        self,
        x: str,
        of: int,
        to: int,
        size: int,
        stride: int = 1,
        pad: Optional[int] = None,
        relu: bool = True,
        gain: float = 1.0,
        bias: Optional[np.ndarray] = None,
    ) -> str:
        """A convolution with random weights, from `of` channels to `to`."""
        if pad is None:
            pad = size // 2
        if bias is None:
            bias = np.zeros(to)
        spread = gain * (2 / (of * size * size)) ** 0.5
        weights = self.rng.normal(0, spread, (to, of, size, size)).astype(np.float32)
        x = self.add(
            "Conv",
            x,
            weights,
            bias,
            kernel_shape=[size, size],
            strides=[stride, stride],
            pads=[pad, pad, pad, pad],
        )
        if relu:
            x = self.add("Relu", x)
        return x

    def bottleneck(self, x: str, of: int, middle: int, stride: int) -> str:
        """A block of the ResNet."""
        to = 4 * middle
        short = x
        if of != to or stride != 1:
            short = self.conv(x, of, to, 1, stride, relu=False, gain=0.7)
        y = self.conv(x, of, middle, 1)
        y = self.conv(y, middle, middle, 3, stride)
        y = self.conv(y, middle, to, 1, relu=False, gain=0.3)
        return self.add("Relu", self.add("Add", y, short))


def features(net: Net) -> List[Map]:
    """The six maps that the heads look at."""
    x = net.conv("input", 3, 64, 7, stride=2)
    x = net.add("MaxPool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64

    # The ResNet, to the end of its third stage.
    for stage in STAGES:
        stride = stage.stride
        for _ in range(stage.blocks):
            x = net.bottleneck(x, channels, stage.middle, stride)
            channels = 4 * stage.middle
            stride = 1
    maps = [Map(x, channels)]

    # What SSD puts behind it.
    for extra in EXTRAS:
        x = net.conv(x, channels, extra.middle, 1)
        x = net.conv(x, extra.middle, extra.to, 3, extra.stride, extra.pad)
        channels = extra.to
        maps.append(Map(x, channels))
    return maps


def priors() -> np.ndarray:
    """Centre and size of each box, normalised: (8732, 4)."""
    sizes = np.linspace(0.1, 1.0, len(HEADS) + 1)
    rows = []
    for head, small, large in zip(HEADS, sizes, sizes[1:]):
        y, x = (np.mgrid[: head.side, : head.side] + 0.5) / head.side  # (side, side) each
        boxes = []
        for width, height in shapes(small, large)[: head.boxes]:
            box = [x, y, np.full_like(x, width), np.full_like(x, height)]
            boxes.append(np.stack(box, -1))  # (side, side, 4)
        rows.append(np.stack(boxes, 2).reshape(-1, 4))
    return np.concatenate(rows).astype(np.float32)


def shapes(small: float, large: float) -> List[Tuple[float, float]]:
    """Width and height of a cell's boxes: two squares, then wide and high ones."""
    between = (small * large) ** 0.5
    found = [(small, small), (between, between)]
    for ratio in (2, 0.5, 3, 1 / 3):
        root = ratio**0.5
        found.append((small * root, small / root))
    return found


def build() -> ModelProto:
    """The whole network."""
    net = Net()
    scores = []
    offsets = []
    for one, head in zip(features(net), HEADS):
        bias = np.tile([9.0] + [0.0] * (CLASSES - 1), head.boxes)
        classes = net.conv(
            one.name, one.channels, head.boxes * CLASSES, 3, relu=False, gain=GAIN, bias=bias
        )
        moves = net.conv(one.name, one.channels, head.boxes * 4, 3, relu=False, gain=0.5)
        scores.append(rows_of(net, classes, CLASSES))
        offsets.append(rows_of(net, moves, 4))

    net.add("Softmax", net.add("Concat", *scores, axis=1), out="scores", axis=2)
    add_boxes(net, net.add("Concat", *offsets, axis=1))
    return model_of(net)


def rows_of(net: Net, name: str, values: int) -> str:
    """A head's map as rows of so many values: (n, cells * boxes, values)."""
    return net.add("Reshape", net.add("Transpose", name, perm=[0, 2, 3, 1]), [0, -1, values])


def add_boxes(net: Net, offsets: str) -> None:
    """SSD's decoding: each prior moved and stretched, as left, top, right, bottom."""
    prior = priors()[None]  # (1, 8732, 4)
    middles = prior[..., :2]
    sizes = prior[..., 2:]
    shift = net.add("Slice", offsets, [0], [2], [2])
    stretch = net.add("Slice", offsets, [2], [4], [2])

    centre = net.add("Add", net.add("Mul", shift, 0.1 * sizes), middles)
    grown = net.add("Exp", net.add("Mul", stretch, np.float32(0.2)))
    half = net.add("Mul", grown, sizes / 2)
    first = net.add("Sub", centre, half)
    last = net.add("Add", centre, half)
    net.add("Concat", first, last, out="boxes", axis=2)


def model_of(net: Net) -> ModelProto:
    """The ONNX model of the graph."""
    count = sum(head.side * head.side * head.boxes for head in HEADS)
    graph = helper.make_graph(
        net.nodes,
        "ssd300",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["batch", 3, 300, 300])],
        [
            helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", count, CLASSES]),
            helper.make_tensor_value_info("boxes", TensorProto.FLOAT, ["batch", count, 4]),
        ],
        net.weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def write(folder: Union[str, Path]) -> Path:
    """Make the model folder."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save(build(), str(folder / "model.onnx"))
    (folder / "model.json").write_text(json.dumps(RECORD, indent=1))
    return folder


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write(sys.argv[1]))
