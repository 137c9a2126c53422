"""The five layouts that records could name before there were words for them; they still can.

Each stands for a combination of words. `tensors` maps a layout's roles to the names of outputs.
"""

from typing import Any, Callable, Dict, Mapping, NamedTuple, Tuple

from ..support.errors import CourseError
from .fields import (
    Rule,
    Rules,
    each,
    file_inside,
    json_object,
    number_from,
    numbers,
    one_of,
    read_fields,
    share,
    text,
)
from .output_spec import BoxesSpec, OutputSpec, Part, ScoresSpec

Parts = Dict[str, Part]  # by the layout's own roles


class Layout(NamedTuple):
    """What a record must name and may name, the words that it uses, and what they all mean."""

    must: Tuple[str, ...]
    meaning: Callable[[Parts, Mapping[str, Any]], OutputSpec]
    may: Tuple[str, ...] = ()
    words: Tuple[str, ...] = ("units", "threshold")


_UNITS = one_of("normalized", "pixels")

WORDS: Rules = {
    "units": _UNITS,
    "activation": one_of("none", "softmax", "sigmoid"),
    "priors": file_inside,
    "variances": numbers(4, number_from(0.001, 100)),
    "threshold": share,
}


def read_layout(value: Any, where: str) -> OutputSpec:
    """The rule of an `output` that names a layout."""
    fields = json_object(value, where)
    layout = LAYOUTS[one_of(*LAYOUTS)(fields["layout"], f"{where}.layout")]

    # First all that any layout may say, then what this one uses.
    rules: Dict[str, Rule] = dict(WORDS, layout=one_of(*LAYOUTS), tensors=each(text))
    words = read_fields(value, rules, WORDS, where)
    for word in WORDS:
        if word in words and word not in layout.words:
            raise CourseError(
                f"{where}.{word} says nothing in the layout {words['layout']}, which uses: "
                f"{', '.join(layout.words)}. Take it out, or choose another layout."
            )

    roles = layout.must + layout.may
    names = read_fields(
        words["tensors"], dict.fromkeys(roles, text), layout.may, f"{where}.tensors"
    )
    if "priors" in layout.words and "priors" not in words:
        raise CourseError(
            f"{where}.layout {words['layout']} needs output.priors, the name of a .npy file "
            "with one row a prior: centre x, centre y, width, height, normalised"
        )
    parts = {
        role: Part((name,), f"output.tensors.{role} of the layout {words['layout']}")
        for role, name in names.items()
    }
    return layout.meaning(parts, words)


def efficient_nms(tensors: Mapping[str, str], units: str, threshold: float) -> OutputSpec:
    """The output of TensorRT's EfficientNMS, by the roles of its tensors."""
    parts = {
        role: Part((name,), f"output.tensors.{role} of the layout efficient_nms")
        for role, name in tensors.items()
    }
    return _finished(parts, {"units": units, "threshold": threshold})


def _finished(parts: Parts, words: Mapping[str, Any], order: str = "xy") -> OutputSpec:
    return OutputSpec(
        boxes=BoxesSpec(parts["boxes"], order=order, units=words.get("units", "normalized")),
        scores=ScoresSpec(parts["scores"]),
        classes=parts["classes"],
        row_count=parts.get("count"),
        suppression="inside",
        threshold=words.get("threshold", 0.0),
    )


def _tf_detection(parts: Parts, words: Mapping[str, Any]) -> OutputSpec:
    """TensorFlow writes boxes as y1 x1 y2 x2."""
    return _finished(parts, words, order="yx")


def _nms7(parts: Parts, words: Mapping[str, Any]) -> OutputSpec:
    """Rows of seven numbers: picture, class, confidence, x1, y1, x2, y2."""
    rows = parts["rows"]._replace(width=7)
    columns = {
        "classes": rows._replace(column=1),
        "scores": rows._replace(column=2),
        "boxes": rows._replace(column=3),
    }
    if "count" in parts:
        return _finished(dict(columns, count=parts["count"]), words)
    return _finished(columns, words)._replace(picture=rows._replace(column=0))


def _boxes_scores(parts: Parts, words: Mapping[str, Any]) -> OutputSpec:
    """A box for each place of the network, and a score for each place and class."""
    return OutputSpec(
        boxes=BoxesSpec(parts["boxes"], units=words.get("units", "normalized")),
        scores=ScoresSpec(parts["scores"], activation=words.get("activation", "none")),
        threshold=words.get("threshold", 0.0),
    )


def _loc_conf_priors(parts: Parts, words: Mapping[str, Any]) -> OutputSpec:
    """Offsets from priors, and logits or scores for each prior and class."""
    given = {word: words[word] for word in ("units", "priors", "variances") if word in words}
    return OutputSpec(
        boxes=BoxesSpec(parts["loc"], form="offsets", **given),
        scores=ScoresSpec(parts["conf"], activation=words.get("activation", "none")),
        threshold=words.get("threshold", 0.0),
    )


LAYOUTS: Dict[str, Layout] = {
    "nms7": Layout(("rows",), _nms7, may=("count",)),
    "efficient_nms": Layout(("count", "boxes", "scores", "classes"), _finished),
    "tf_detection": Layout(("boxes", "scores", "classes"), _tf_detection, may=("count",)),
    "boxes_scores": Layout(
        ("boxes", "scores"), _boxes_scores, words=("units", "activation", "threshold")
    ),
    "loc_conf_priors": Layout(
        ("loc", "conf"),
        _loc_conf_priors,
        words=("units", "priors", "variances", "activation", "threshold"),
    ),
}
