"""Other words for a record, one at a time: if another word does much better, this one is wrong."""

from pathlib import Path
from typing import Any, Dict, Iterator, NamedTuple, Tuple

import numpy as np

from ...model.output_spec import BoxesSpec, PriorRule
from ...model.priors import read_priors
from ...model.spec import ModelSpec


class Variant(NamedTuple):
    """A record with another word."""

    kind: str
    fields: Tuple[str, ...]  # that differ
    words: str  # what is different, as a person would say it
    spec: ModelSpec
    better: float = 1.15  # times as steady boxes must be, for this one to be right


_BETTER_IF_LARGER = 1.6  # large boxes stay more easily
_VARIANCES = ((0.1, 0.1, 0.2, 0.2), (1.0, 1.0, 1.0, 1.0), (0.2, 0.2, 0.1, 0.1))

# What people take from pixels and divide by, in the order of RGB
_RECIPES: Dict[str, Tuple[Tuple[float, ...], Tuple[float, ...]]] = {
    "pixels as they are": ((0, 0, 0), (1, 1, 1)),
    "pixels from 0 to 1": ((0, 0, 0), (255, 255, 255)),
    "pixels from -1 to 1": ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
    "ImageNet's mean and deviation": ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375)),
    "Caffe's mean and scale 1": ((123.68, 116.779, 103.939), (1, 1, 1)),
}


def box_variants(spec: ModelSpec, folder: Path) -> Iterator[Variant]:
    """Records that read the same boxes in another way; `folder` takes files of other priors."""
    boxes = spec.output.boxes
    order = {"xy": "yx", "yx": "xy"}[boxes.order]
    yield _with_boxes(spec, "order", "order", order)
    if boxes.form in ("corners", "centre_size"):
        form = {"corners": "centre_size", "centre_size": "corners"}[boxes.form]
        yield _with_boxes(spec, "form", "form", form)
    if boxes.form == "offsets":
        for variances in _VARIANCES:
            if variances != boxes.variances:
                yield _with_boxes(spec, "variances", "variances", variances)
        sizes = {"exp": "linear", "linear": "exp"}[boxes.sizes]
        yield _with_boxes(spec, "sizes", "sizes", sizes)
    if isinstance(boxes.priors, PriorRule):
        yield from _other_rules(spec, boxes.priors)
    elif boxes.priors is not None:
        yield from _other_files(spec, boxes.priors, folder)


def _with_boxes(spec: ModelSpec, kind: str, word: str, value: object) -> Variant:
    """The record with another word for the boxes."""
    shown = _shown(value) if isinstance(value, tuple) else value
    field = f"output.boxes.{word}"
    return Variant(kind, (field,), f"{field} {shown}", _boxes(spec, **{word: value}))


def _shown(numbers: Tuple[float, ...]) -> str:
    return " ".join(f"{number:g}" for number in numbers)


def _boxes(spec: ModelSpec, **words: Any) -> ModelSpec:
    changed: BoxesSpec = spec.output.boxes._replace(**words)
    return spec._replace(output=spec.output._replace(boxes=changed))


def _other_rules(spec: ModelSpec, rule: PriorRule) -> Iterator[Variant]:
    """Priors by other rules."""
    at = {"middle": "corner", "corner": "middle", "middle_pixel": "corner"}[rule.at]
    rules = {f"output.boxes.priors.at {at}": rule._replace(at=at)}
    if rule.sizes:
        for factor, words in ((2.0, "twice as large"), (0.5, "half as large")):
            sizes = tuple(tuple(size * factor for size in scale) for scale in rule.sizes)
            rules[f"priors {words}"] = rule._replace(sizes=sizes)
    if rule.aspects:
        aspects = tuple(tuple(1 / aspect for aspect in scale) for scale in rule.aspects)
        rules["priors with width and height exchanged"] = rule._replace(aspects=aspects)
    for words, other in rules.items():
        yield _with_priors(spec, words, other)


def _other_files(spec: ModelSpec, source: Path, folder: Path) -> Iterator[Variant]:
    """The priors of a file, read in other ways."""
    for number, (words, priors) in enumerate(_ways_to_read(read_priors(source))):
        path = folder / f"{number}.npy"
        np.save(str(path), priors.astype(np.float32))
        yield _with_priors(spec, words, path)


def _with_priors(spec: ModelSpec, words: str, priors: object) -> Variant:
    """The record with other priors."""
    fields = ("output.boxes.priors",)
    variant = Variant("priors", fields, words, _boxes(spec, priors=priors))
    if "large" in words:
        return variant._replace(better=_BETTER_IF_LARGER)
    return variant


def _ways_to_read(priors: np.ndarray) -> Iterator[Tuple[str, np.ndarray]]:
    """Priors (p, 4) as they would be if the file meant something else; only real boxes."""
    centres = priors[:, :2]
    sizes = priors[:, 2:]
    if (sizes > centres).all():
        middle = (centres + sizes) / 2
        yield "priors read as corners", np.concatenate([middle, sizes - centres], axis=1)
    yield "priors twice as large", np.concatenate([centres, sizes * 2], axis=1)
    yield "priors half as large", np.concatenate([centres, sizes / 2], axis=1)
    yield "priors with width and height exchanged", priors[:, [0, 1, 3, 2]]
    yield "priors read y before x", priors[:, [1, 0, 3, 2]]


def recipe_variants(spec: ModelSpec) -> Iterator[Variant]:
    """Records that give the network other numbers for a pixel."""
    entry = spec.input
    if entry.color == "GREY":
        return
    if entry.dtype != "uint8":
        yield from _other_scales(spec)
    color = {"BGR": "RGB", "RGB": "BGR"}[entry.color]
    other = entry._replace(color=color)
    yield Variant("color", ("input.color",), f"input.color {color}", spec._replace(input=other))


def _other_scales(spec: ModelSpec) -> Iterator[Variant]:
    """Records with another mean and scale."""
    entry = spec.input
    for name, (mean, scale) in _RECIPES.items():
        if entry.color == "BGR":
            mean = mean[::-1]
            scale = scale[::-1]
        other = entry._replace(mean=tuple(map(float, mean)), scale=tuple(map(float, scale)))
        if entry.pad == entry.mean:
            other = other._replace(pad=other.mean)
        if (other.mean, other.scale) != (entry.mean, entry.scale):
            fields = ("input.mean", "input.scale")
            words = f"{name} (mean {_shown(other.mean)}, scale {_shown(other.scale)})"
            yield Variant("scale", fields, words, spec._replace(input=other))
