"""Networks for wrong records: real ones, with more outputs, so that each kind of mistake matters.

A network gives the same boxes in several forms at once: corners and scores, offsets from priors
and logits, and all in one tensor. For each form there is a right record.
"""

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

_PIXELS = {"signs": [300, 300], "traffic": [1248, 384], "adas": [672, 384]}

# What the networks call the tensors that the others are made of
_OFFSETS = {"signs": "offsets_rows", "traffic": "offsets_rows", "adas": "loc"}
_LOGITS = {"signs": "scores_rows", "traffic": "scores_rows", "adas": "logits"}


class _Graph:
    """Adds nodes to a network."""

    def __init__(self, model):
        self.graph = model.graph

    def constant(self, value):
        name = f"added_{len(self.graph.initializer)}"
        self.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def node(self, kind, *inputs, name=None, **attributes):
        name = name or f"added_node_{len(self.graph.node)}"
        self.graph.node.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def columns(self, tensor, first, end):
        ends = [self.constant(np.int64([number])) for number in (first, end, 2)]
        return self.node("Slice", tensor, *ends)

    def output(self, name, *shape):
        value = helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, *shape])
        self.graph.output.append(value)

    def value_of(self, name):
        (found,) = [each for each in self.graph.initializer if each.name == name]
        return numpy_helper.to_array(found)


def write_network(name, source, folder):
    """Write `folder`/model.onnx, and the priors of its offsets as files beside it."""
    if name in _PUBLISHED:
        (folder / "model.onnx").symlink_to(source)
        return
    model = onnx.load(str(source))
    graph = _Graph(model)
    places = 0
    for value in graph.graph.output:
        places = value.type.tensor_type.shape.dim[1].dim_value
        classes = value.type.tensor_type.shape.dim[2].dim_value
        if value.name == "scores":
            break
    if name == "adas":
        shape = graph.constant(np.int64([-1, places, classes]))
        graph.node("Reshape", "mbox_conf", shape, name="logits")

    _add_offsets(graph, name, places, classes)
    _add_table(graph, name, places, classes)
    _add_turned(graph, name, places, classes)
    onnx.save(model, str(folder / "model.onnx"))
    _write_priors(graph, name, folder)


def _add_offsets(graph, name, places, classes):
    """`loc` as x y w h, `loc_yx` as y x h w, and `conf`, which is not activated."""
    graph.node("Identity", _OFFSETS[name], name="loc_xy_wh")
    turned = graph.constant(np.int64([1, 0, 3, 2]))
    graph.node("Gather", _OFFSETS[name], turned, name="loc_yx", axis=2)
    graph.node("Identity", _LOGITS[name], name="conf")
    graph.output("loc_xy_wh", places, 4)
    graph.output("loc_yx", places, 4)
    graph.output("conf", places, classes)


def _add_table(graph, name, places, classes):
    """`table`: centre and size in pixels, objectness and classes as logits, as YOLO has them."""
    pixels = graph.constant(np.float32(_PIXELS[name]))
    low = graph.columns("boxes", 0, 2)
    high = graph.columns("boxes", 2, 4)
    half = graph.constant(np.float32(0.5))
    centre = graph.node("Mul", graph.node("Mul", graph.node("Add", low, high), half), pixels)
    size = graph.node("Mul", graph.node("Sub", high, low), pixels)

    background = graph.columns("scores", 0, 1)
    others = graph.columns("scores", 1, classes)
    one = graph.constant(np.float32(1))
    objectness = graph.node("Max", graph.node("Sub", one, background), _least(graph))
    shares = graph.node("Div", others, objectness)
    logits = [_logit(graph, each) for each in (objectness, shares)]
    graph.node("Concat", centre, size, *logits, name="table", axis=2)
    graph.output("table", places, 4 + classes)


def _least(graph):
    """A share that is not 0, so that it can be divided by and has a logarithm."""
    return graph.constant(np.float32(1e-6))


def _logit(graph, shares):
    """The logits that a sigmoid makes these shares of."""
    one = graph.constant(np.float32(1))
    shares = graph.node("Clip", shares, _least(graph), graph.constant(np.float32(1 - 1e-6)))
    return graph.node("Log", graph.node("Div", shares, graph.node("Sub", one, shares)))


def _add_turned(graph, name, places, classes):
    """`turned`: corners in pixels and scores, a column for each place, as the later YOLOs do."""
    pixels = graph.constant(np.float32(_PIXELS[name] * 2))
    corners = graph.node("Mul", "boxes", pixels)
    scores = graph.columns("scores", 1, classes)
    table = graph.node("Concat", corners, scores, axis=2)
    graph.node("Transpose", table, name="turned", perm=[0, 2, 1])
    graph.output("turned", 3 + classes, places)


def _write_priors(graph, name, folder):
    """Right files and wrong ones: what a person may take for the priors."""
    if name == "adas":
        centres = graph.value_of("prior_c")[0]
        sizes = graph.value_of("prior_wh")[0]
    else:
        centres = graph.value_of("prior_centres")[0]
        sizes = graph.value_of("prior_halves")[0] * 2
    pixels = np.float32(_PIXELS[name])
    priors = np.concatenate([centres, sizes], axis=1)
    files = {
        "priors": priors,
        "priors_in_pixels": np.concatenate([centres * pixels, sizes * pixels], axis=1),
        "priors_as_corners": np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1),
        "priors_half_as_large": np.concatenate([centres, sizes / 2], axis=1),
        "priors_last_scale_first": _last_scale_first(priors),
        "priors_yx": priors[:, [1, 0, 3, 2]],
        "priors_sides_swapped": priors[:, [0, 1, 3, 2]],
        "priors_by_shape": _by_shape(priors),
        "priors_too_few": priors[:-1],
    }
    for file, values in files.items():
        np.save(str(folder / (file + ".npy")), values)


def _scales(priors):
    """The priors of each scale: a new one begins where the centres go back to the top."""
    back = np.flatnonzero(np.diff(priors[:, 1]) < -0.3) + 1
    return np.split(priors, back)


def _last_scale_first(priors):
    return np.concatenate(_scales(priors)[::-1])


def _by_shape(priors):
    """In each scale all cells for the first shape, then all for the next one."""
    turned = []
    for scale in _scales(priors):
        centres = np.abs(np.diff(scale[:, :2], axis=0)).max(axis=1)
        shapes = 1 + int(np.flatnonzero(centres > 1e-4)[0])
        by_cell = scale.reshape(-1, shapes, 4)
        turned.append(by_cell.transpose(1, 0, 2).reshape(-1, 4))
    return np.concatenate(turned)


_INPUTS = {
    "signs": {"name": "input", "width": 300, "height": 300, "layout": "nchw", "color": "RGB",
              "mean": [127.5] * 3, "scale": [127.5] * 3},
    "traffic": {"name": "input", "width": 1248, "height": 384, "layout": "nchw", "color": "BGR",
                "mean": [103.939, 116.779, 123.68]},
    "adas": {"name": "data", "width": 672, "height": 384, "layout": "nchw", "color": "BGR"},
}  # fmt: skip

_LABELS = {
    "signs": ["mandatory", "prohibitory", "warning"],
    "traffic": ["road_sign", "vehicle", "pedestrian", "bicycle"],
    "adas": ["vehicle", "pedestrian"],
}

_OUTPUTS = {
    "plain": {"boxes": {"tensor": "boxes"}, "scores": {"tensor": "scores"}},
    "offsets": {
        "boxes": {"tensor": "loc_xy_wh", "form": "offsets", "priors": "priors.npy"},
        "scores": {"tensor": "conf", "activation": "softmax"},
    },
    "offsets yx": {
        "boxes": {
            "tensor": "loc_yx",
            "form": "offsets",
            "order": "yx",
            "priors": "priors_in_pixels.npy",
            "units": "pixels",
        },
        "scores": {"tensor": "conf", "activation": "softmax"},
    },
    "rule": {
        "boxes": {"tensor": "loc_xy_wh", "form": "offsets"},
        "scores": {"tensor": "conf", "activation": "softmax"},
    },
    "table": {
        "boxes": {"tensor": "table", "column": 0, "form": "centre_size", "units": "pixels"},
        "objectness": {"tensor": "table", "column": 4, "activation": "sigmoid"},
        "scores": {"tensor": "table", "column": 5, "activation": "sigmoid"},
    },
    "turned": {
        "boxes": {"tensor": "turned", "column": 0, "values": "first", "units": "pixels"},
        "scores": {"tensor": "turned", "column": 4, "values": "first"},
    },
}  # fmt: skip


_TFLITE = "TFLite_Detection_PostProcess"
_PUBLISHED = {
    "face_slim": _OUTPUTS["plain"],
    "coco_mobilenet": {
        "boxes": {"tensor": _TFLITE, "order": "yx"},
        "classes": _TFLITE + ":1",
        "scores": {"tensor": _TFLITE + ":2"},
        "count": _TFLITE + ":3",
        "suppression": "inside",
    },
}


def forms_of(name):
    """The forms of a network's boxes that a right record can read."""
    if name in _PUBLISHED:
        return ["words"]
    return [form for form in _OUTPUTS if form != "rule" or name in _SHAPES]


def _published_record(name):
    """The record of a network that is taken as it is, in words."""
    path = Path(__file__).parent.parent / "thirdparty" / name / "model.json"
    record = json.loads(path.read_text())
    record["output"] = json.loads(json.dumps(_PUBLISHED[name]))
    return record


def right_record(name, form):
    """The record of a network that reads one of its forms, as its file would hold it."""
    if name in _PUBLISHED:
        return _published_record(name)
    output = json.loads(json.dumps(_OUTPUTS[form]))
    labels = _LABELS[name]
    background = None
    if form not in ("table", "turned"):
        labels = ["background", *labels]
        background = 0
    if form == "rule":
        output["boxes"]["priors"] = _rule(name)
    return {
        "name": name,
        "title": form,
        "input": dict(_INPUTS[name]),
        "output": output,
        "labels": list(labels),
        "background": background,
    }


# Width and height of the priors of the shipped networks, in pixels, by scale
_SHAPES = {
    "signs": [
        [(10, 13), (20, 26)],
        [(33, 44), (47, 62)],
        [(66, 88), (90, 120)],
        [(125, 165), (170, 225)],
    ],
    "traffic": [
        [(10, 23), (24, 21)],
        [(28, 70), (49, 39)],
        [(52, 137), (113, 82)],
        [(196, 136), (325, 223)],
    ],
}


def _rule(name):
    """The rule that makes the priors of a shipped network."""
    shapes = _SHAPES[name]
    return {
        "steps": [8, 16, 32, 64],
        "sizes": [[(width * height) ** 0.5 for width, height in scale] for scale in shapes],
        "aspects": [[width / height for width, height in scale] for scale in shapes],
    }


def changed_record(name, form, change):
    """A record with some of its words changed: a path to each, and the new value; null: none."""
    record = right_record(name, form)
    for path, value in change.items():
        *inside, last = path.split(".")
        place = record
        for word in inside:
            place = place.setdefault(word, {})
        if value == "(taken out)":
            place.pop(last, None)
        else:
            place[last] = value
    return record
