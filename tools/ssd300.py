"""A network of the size of SSD300 with random weights, to compare speeds with the literature: it finds nothing.

    python tools/ssd300.py OUT        # a model folder: model.onnx (FP32, about 90 MB) and model.json

ResNet-50 to its third stage at stride 8, five extra layers, six heads: 300 x 300 pixels, 8,732 boxes, 81 classes, as in
NVIDIA's SSD300. The background's bias leaves a few hundred candidates for suppression, as a trained network would.
"""

import json
import sys
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

CLASSES = 81
HEADS = (
    (38, 4),
    (19, 6),
    (10, 6),
    (5, 6),
    (3, 4),
    (1, 4),
)  # side of the map, boxes a cell: 8,732 in all
GAIN = 1.3  # of the class heads: a few hundred of 8,732 x 80 scores pass 0.01
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


class Net:
    def __init__(self, seed=0):
        self.nodes = []
        self.weights = []
        self.rng = np.random.RandomState(seed)

    def constant(self, value):
        value = np.asarray(value)
        value = value.astype(np.float32 if value.dtype.kind == "f" else np.int64)
        self.weights.append(numpy_helper.from_array(value, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, kind, *inputs, out=None, **attributes):
        out = out or f"t{len(self.nodes)}"
        inputs = [value if isinstance(value, str) else self.constant(value) for value in inputs]
        self.nodes.append(helper.make_node(kind, inputs, [out], name=out, **attributes))
        return out

    def conv(self, x, of, to, size, stride=1, pad=None, relu=True, gain=1.0, bias=None):
        spread = gain * (2 / (of * size * size)) ** 0.5
        weights = self.rng.normal(0, spread, (to, of, size, size)).astype(np.float32)
        x = self.add(
            "Conv",
            x,
            weights,
            np.zeros(to) if bias is None else bias,
            kernel_shape=[size] * 2,
            strides=[stride] * 2,
            pads=[size // 2 if pad is None else pad] * 4,
        )
        return self.add("Relu", x) if relu else x

    def bottleneck(self, x, of, middle, stride):
        short = (
            x
            if of == 4 * middle and stride == 1
            else self.conv(x, of, 4 * middle, 1, stride, relu=False, gain=0.7)
        )
        y = self.conv(self.conv(x, of, middle, 1), middle, middle, 3, stride)
        return self.add(
            "Relu",
            self.add("Add", self.conv(y, middle, 4 * middle, 1, relu=False, gain=0.3), short),
        )


def features(net):
    x = net.add(
        "MaxPool", net.conv("input", 3, 64, 7, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4
    )
    of = 64
    for middle, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 1)):
        for block in range(blocks):
            x = net.bottleneck(x, of, middle, stride if block == 0 else 1)
            of = 4 * middle
    maps = [(x, of)]
    for middle, to, stride, pad in (
        (256, 512, 2, 1),
        (256, 512, 2, 1),
        (128, 256, 2, 1),
        (128, 256, 1, 0),
        (128, 256, 1, 0),
    ):
        x = net.conv(net.conv(x, of, middle, 1), middle, to, 3, stride, pad)
        of = to
        maps.append((x, of))
    return maps


def priors():
    """(8732, 4): centre and size of each box, normalised."""
    rows = []
    sizes = np.linspace(0.1, 1.0, len(HEADS) + 1)
    for (side, boxes), small, large in zip(HEADS, sizes, sizes[1:]):
        shapes = [(small, small), ((small * large) ** 0.5,) * 2] + [
            (small * r**0.5, small / r**0.5) for r in (2, 0.5, 3, 1 / 3)
        ][: boxes - 2]
        y, x = (np.mgrid[:side, :side] + 0.5) / side
        rows.append(
            np.stack(
                [np.stack([x, y, np.full_like(x, w), np.full_like(x, h)], -1) for w, h in shapes], 2
            )
        )
    return np.concatenate([r.reshape(-1, 4) for r in rows]).astype(np.float32)


def build():
    net = Net()
    scores = []
    offsets = []
    for (x, of), (_, boxes) in zip(features(net), HEADS):
        bias = np.tile([9.0] + [0.0] * (CLASSES - 1), boxes)
        classes = net.conv(x, of, boxes * CLASSES, 3, relu=False, gain=GAIN, bias=bias)
        for rows, values, head in (
            (scores, CLASSES, classes),
            (offsets, 4, net.conv(x, of, boxes * 4, 3, relu=False, gain=0.5)),
        ):
            rows.append(
                net.add("Reshape", net.add("Transpose", head, perm=[0, 2, 3, 1]), [0, -1, values])
            )
    net.add("Softmax", net.add("Concat", *scores, axis=1), out="scores", axis=2)
    offsets = net.add("Concat", *offsets, axis=1)
    prior = priors()[None]
    shift, stretch = (net.add("Slice", offsets, [a], [a + 2], [2]) for a in (0, 2))
    centre = net.add("Add", net.add("Mul", shift, 0.1 * prior[..., 2:]), prior[..., :2])
    half = net.add(
        "Mul", net.add("Exp", net.add("Mul", stretch, np.float32(0.2))), prior[..., 2:] / 2
    )
    net.add(
        "Concat", net.add("Sub", centre, half), net.add("Add", centre, half), out="boxes", axis=2
    )
    count = sum(side * side * boxes for side, boxes in HEADS)
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


def write(folder):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save(build(), str(folder / "model.onnx"))
    (folder / "model.json").write_text(json.dumps(RECORD, indent=1))
    return folder


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(write(sys.argv[1]))
