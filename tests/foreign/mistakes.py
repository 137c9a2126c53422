"""One wrong word in a right record: every word that the record has, or leaves out, in turn."""

import copy

# Another value for each word, by the value that is right; None takes the word out.
OTHERS = {
    "input.color": {"RGB": "BGR", "BGR": "RGB"},
    "input.resize": {"letterbox": "stretch", None: "letterbox"},
    "input.layout": {"nchw": "nhwc", "nhwc": "nchw"},
    "input.dtype": {None: "float16", "float16": None, "uint8": None},
    "output.suppression": {None: "all_classes", "all_classes": None, "inside": None},
    "output.boxes.order": {None: "yx", "yx": None},
    "output.boxes.units": {None: "pixels", "pixels": None},
    "output.boxes.form": {None: "centre_size", "centre_size": None, "offsets": None},
    "output.boxes.sizes": {"linear": None},
    "output.boxes.values": {"first": None},
    "output.boxes.bins": {8: None},
    "output.boxes.priors.at": {"corner": None, "middle_pixel": "middle", None: "corner"},
    "output.boxes.priors.clip": {True: None},
    "output.scores.activation": {None: "sigmoid", "sigmoid": None, "softmax": "sigmoid"},
    "output.scores.each_box": {None: "best_class", "best_class": None},
    "output.scores.values": {"first": None},
    "output.objectness.joined": {None: "geometric_mean", "geometric_mean": None},
    "labels": {"coco": "coco80", "coco80": "coco", "face": ["face"]},
    "background": {0: None, None: 0, 91: None},
}
CHANGED = {  # lists of numbers, and columns
    "input.mean": lambda value: [number + 20 for number in value],
    "input.scale": lambda value: [number * 2 for number in value],
    "input.pad": lambda value: [number + 60 for number in value],
    "output.boxes.variances": lambda value: [number * 2 for number in value],
    "output.boxes.column": lambda value: value + 1,
    "output.scores.column": lambda value: value + 1,
    "output.classes.column": lambda value: value - 1,
    "output.objectness.column": lambda value: value + 1,
    "output.boxes.priors.steps": lambda value: value[:-1],
    "output.boxes.priors.sizes": lambda value: [[2 * n for n in row] for row in value],
    "output.boxes.priors.aspects": lambda value: [row[::-1] for row in value],
    "output.boxes.tensor": lambda value: value[::-1],
    "output.scores.tensor": lambda value: value[::-1],
}
TAKEN_OUT = ("input.size", "output.objectness", "output.classes", "output.count")

# What makes no difference to these networks, and why not.
_ONE_CLASS = "there is only one class to find"
_SAME_PLACE = "the other classes of a place have the same box, so the surest removes them"
HARMLESS = {
    ("zoo_ssd_mobilenet_v1", "background"): "no row has the background's class",
    ("yolox_nano", "output.scores.each_box"): _SAME_PLACE,
    ("nanodet", "output.scores.each_box"): _SAME_PLACE,
}
for _name in ("yunet", "scrfd", "blazeface", "ultraface", "ultraface_raw"):
    HARMLESS[_name, "output.suppression"] = _ONE_CLASS
    HARMLESS[_name, "output.scores.each_box"] = _ONE_CLASS


def wrong_records(record):
    """For each word of a record: the word, and the record with it wrong."""
    for word, others in OTHERS.items():
        parent = _parent(record, word)
        if parent is None:
            continue
        right = parent.get(word.rpartition(".")[2])
        if _key(right) in others:
            yield word, _with(record, word, others[_key(right)])
    for word, change in CHANGED.items():
        parent = _parent(record, word)
        last = word.rpartition(".")[2]
        if parent is not None and isinstance(parent.get(last), (list, int)):
            yield word, _with(record, word, change(parent[last]))
    for word in TAKEN_OUT:
        if word.rpartition(".")[2] in _parent(record, word):
            yield word, _with(record, word, None)


def _key(value):
    """The value, if a dictionary can have it as a key."""
    return str(value) if isinstance(value, (list, dict)) else value


def _parent(record, word):
    """The object in which a word stands; None if there is none."""
    place = record
    for part in word.split(".")[:-1]:
        place = place.get(part)
        if not isinstance(place, dict):
            return None
    return place


def _with(record, word, value):
    """The record with another value for a word; without the word for None."""
    wrong = copy.deepcopy(record)
    place = _parent(wrong, word)
    last = word.rpartition(".")[2]
    if value is None and last != "background":
        place.pop(last, None)
    else:
        place[last] = value
    return wrong
