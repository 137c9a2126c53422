"""TensorFlow's operations in plain NumPy, rows, columns, channels: what the networks must give.

They are written from TensorFlow's documentation, and look at one window at a time.
"""

import numpy as np


def run(builder, feeds, wanted):
    """The tensors `wanted` of a graph, for the tensors that are fed."""
    known = dict(builder.constants)
    known.update(feeds)
    for name, op, inputs, attributes in builder.nodes:
        if name in known or any(tensor not in known for tensor in inputs):
            continue
        operands = [known[tensor] for tensor in inputs]
        if op in OPERATIONS:
            known[name] = OPERATIONS[op](operands, attributes)
    return [known[name] for name in wanted]


def same_padding(side, kernel, stride, dilation=1):
    """What SAME puts before and behind: as much as is needed, an odd one behind."""
    reach = (kernel - 1) * dilation + 1
    windows = -(-side // stride)
    total = max(0, (windows - 1) * stride + reach - side)
    return total // 2, total - total // 2


def windows(pixels, kernel, attributes, fill=0.0):
    """The windows (n, rows, columns, h, w, c) that a kernel sees."""
    height, width = kernel
    _, down, right, _ = attributes["strides"]
    _, spread_down, spread_right, _ = attributes.get("dilations", [1, 1, 1, 1])
    pads = [(0, 0)] * 4
    if attributes["padding"] == "SAME":
        pads[1] = same_padding(pixels.shape[1], height, down, spread_down)
        pads[2] = same_padding(pixels.shape[2], width, right, spread_right)
    elif attributes["padding"] == "EXPLICIT":
        pads = np.reshape(attributes["explicit_paddings"], (4, 2))
    padded = np.pad(pixels, pads, mode="constant", constant_values=fill)

    high = (height - 1) * spread_down + 1
    wide = (width - 1) * spread_right + 1
    rows = range(0, padded.shape[1] - high + 1, down)
    columns = range(0, padded.shape[2] - wide + 1, right)
    seen = [
        [padded[:, y : y + high : spread_down, x : x + wide : spread_right] for x in columns]
        for y in rows
    ]
    return np.transpose(np.array(seen), (2, 0, 1, 3, 4, 5))


def conv(operands, attributes):
    pixels, kernel = operands
    return np.einsum("nyxhwc,hwco->nyxo", windows(pixels, kernel.shape[:2], attributes), kernel)


def depthwise(operands, attributes):
    pixels, kernel = operands
    seen = windows(pixels, kernel.shape[:2], attributes)
    made = np.einsum("nyxhwc,hwcm->nyxcm", seen, kernel)
    return made.reshape(*made.shape[:3], -1)


def average_pool(operands, attributes):
    seen = windows(operands[0], attributes["ksize"][1:3], attributes, fill=np.nan)
    return np.nanmean(seen, axis=(3, 4))  # what SAME adds does not count


def max_pool(operands, attributes):
    seen = windows(operands[0], attributes["ksize"][1:3], attributes, fill=-np.inf)
    return seen.max(axis=(3, 4))


def batch_norm(operands, attributes):
    pixels, scale, offset, mean, variance = operands
    epsilon = attributes.get("epsilon", 0.0001)
    return (pixels - mean) / np.sqrt(variance + epsilon) * scale + offset


def concat(operands, attributes):
    return np.concatenate(operands[:-1], axis=int(operands[-1]))


def pad(operands, attributes):
    return np.pad(operands[0], operands[1], mode="constant")


def reshape(operands, attributes):
    return operands[0].reshape(operands[1].tolist())


OPERATIONS = {
    "Add": lambda operands, attributes: operands[0] + operands[1],
    "AddV2": lambda operands, attributes: operands[0] + operands[1],
    "AvgPool": average_pool,
    "BiasAdd": lambda operands, attributes: operands[0] + operands[1],
    "ConcatV2": concat,
    "Conv2D": conv,
    "DepthwiseConv2dNative": depthwise,
    "FusedBatchNorm": batch_norm,
    "FusedBatchNormV2": batch_norm,
    "FusedBatchNormV3": batch_norm,
    "Identity": lambda operands, attributes: operands[0],
    "MaxPool": max_pool,
    "Mul": lambda operands, attributes: operands[0] * operands[1],
    "Pack": lambda operands, attributes: np.array(operands),
    "Pad": pad,
    "Relu": lambda operands, attributes: np.maximum(operands[0], 0),
    "Relu6": lambda operands, attributes: np.clip(operands[0], 0, 6),
    "Reshape": reshape,
    "Rsqrt": lambda operands, attributes: 1 / np.sqrt(operands[0]),
    "Shape": lambda operands, attributes: np.array(operands[0].shape),
    "StridedSlice": lambda operands, attributes: operands[0][operands[1][0]],
    "Squeeze": lambda operands, attributes: np.squeeze(operands[0], 2),
    "Sub": lambda operands, attributes: operands[0] - operands[1],
}
