"""Whether another word in the record does much better than its own.

A right record is the best of its variants: no other order of its boxes stays better with things in
the picture, and with no other recipe for the input is more found.
"""

import tempfile
from pathlib import Path
from typing import List, Sequence, Tuple

import numpy as np

from ...model.spec import ModelSpec
from ...support.progress import progress
from .parts import MIRRORED, SMALLER, Finding, Looks
from .steady import Steadiness, steadiness
from .variants import Variant, box_variants, recipe_variants

# How many of the pictures are taken, those with most in them first
_FOR_BOXES = 4
_FOR_RECIPES = 12
_AT_FIRST = 2  # to see which recipes are hopeless

# How boxes are read
_STEADY = 0.25  # steadiness of a right record, at the least
_VERY_STEADY = 0.5  # what it must have if there is little evidence
_UNSTEADY = 0.12  # steadiness below which no record is right
_ONE = 0.5  # the evidence of one sure box
_SOME = 4.0  # and of several

# How pixels become numbers
_MUCH_BETTER = 1.25  # times as much found, in any number of pictures
_ALWAYS_BETTER = 1.03  # times as much, if it is more in nearly every picture
_ENOUGH = 6  # pictures to speak of every picture
_HOPELESS = 0.8  # a recipe that finds less than this part of the best one's is not the right one
_LEAST = 1.0  # about a sure object, without which nothing can be hopeless
_LITTLE = 0.05  # less found than this in a picture says nothing
_MORE = 2.5  # about what three sure objects add: a few false alarms prove nothing


def wrong_boxes(looks: Looks, spec: ModelSpec, fullest: Sequence[int]) -> List[Finding]:
    """What is wrong with how boxes are read, as far as their steadiness tells."""
    chosen = fullest[:_FOR_BOXES]
    views = (MIRRORED, SMALLER)
    own = steadiness(looks, spec, chosen, views)
    better = []
    with tempfile.TemporaryDirectory() as folder:
        for variant in box_variants(spec, Path(folder)):
            other = steadiness(looks, variant.spec, chosen, views)
            if _is_steadier(own, other, variant.better):
                better.append((other.share, variant))
    if not better:
        return []
    share, variant = max(better, key=lambda pair: pair[0])
    sentence = (
        "Boxes should stay with things when a picture is mirrored or made smaller. With "
        f"{variant.words} {share:.0%} of them do, with the record as it is {own.share:.0%}."
    )
    return [Finding(variant.kind, variant.fields, sentence)]


def _is_steadier(own: Steadiness, other: Steadiness, times: float) -> bool:
    """Whether boxes are so much steadier that it is no accident of the pictures."""
    if other.evidence >= _SOME:
        return other.share > max(_STEADY, times * own.share)
    return other.evidence > _ONE and other.share > max(_VERY_STEADY, 2 * own.share)


def unsteady(looks: Looks, spec: ModelSpec, fullest: Sequence[int]) -> List[Finding]:
    """That boxes do not stay with things, and no other word helped."""
    chosen = fullest[:_FOR_BOXES]
    # In a mirror there is no writing, and in a smaller picture nothing small: one view is enough.
    shares = []
    for view in (MIRRORED, SMALLER):
        own = steadiness(looks, spec, chosen, [view])
        if own.evidence < _SOME or own.share > _UNSTEADY:
            return []
        shares.append(own.share)
    sentence = (
        "The boxes do not stay with things when a picture is mirrored or made smaller: only "
        f"{max(shares):.0%} of what is found is there again."
    )
    return [Finding("unsteady", _words_of_boxes(spec), sentence)]


def _words_of_boxes(spec: ModelSpec) -> Tuple[str, ...]:
    """The fields that decide where boxes are, the likeliest to be wrong first."""
    words = ["form", "order", "tensor"]
    if spec.output.boxes.priors is not None:
        words = ["priors", "variances", *words]
    return tuple(f"output.boxes.{word}" for word in words)


def wrong_recipe(looks: Looks, spec: ModelSpec, fullest: Sequence[int]) -> List[Finding]:
    """Another recipe for the input with which the network finds much more."""
    chosen = fullest[:_FOR_RECIPES]
    own = steadiness(looks, spec, chosen, [MIRRORED])
    better: List[Tuple[float, Variant]] = []
    most = 0.0 if own.share < _UNSTEADY else sum(own.exact[:_AT_FIRST])
    variants = list(recipe_variants(spec))
    for variant in progress(variants, desc="other recipes", unit="recipe"):
        # Most are hopeless, which two pictures show.
        first = steadiness(looks, variant.spec, chosen[:_AT_FIRST], [MIRRORED])
        if most > _LEAST and sum(first.exact) < _HOPELESS * most:
            continue
        if first.share > _STEADY:
            most = max(most, sum(first.exact))
        other = steadiness(looks, variant.spec, chosen, [MIRRORED])
        if _finds_more(own, other):
            better.append((sum(other.exact), variant))
    if not better:
        return []
    _, variant = max(better, key=lambda pair: pair[0])
    pictures = f"the {len(chosen)} pictures with most in them"
    if len(chosen) == len(looks.pictures):
        pictures = "the pictures" if len(chosen) > 1 else "the picture"
    sentence = (
        f"With {variant.words} it finds {_summary(looks, variant.spec, chosen)} in {pictures}; "
        f"with the record as it is, {_summary(looks, spec, chosen)}."
    )
    return [Finding(variant.kind, variant.fields, sentence)]


def wrong_recipe_and_boxes(looks: Looks, spec: ModelSpec, chosen: Sequence[int]) -> List[Finding]:
    """Both at once, for a record that finds nothing: a first draft may be wrong in either."""
    chosen = chosen[:_FOR_BOXES]
    better = []
    with tempfile.TemporaryDirectory() as folder:
        for recipe in recipe_variants(spec):
            if steadiness(looks, recipe.spec, chosen, [MIRRORED]).evidence < _SOME:
                continue
            for variant in box_variants(recipe.spec, Path(folder)):
                other = steadiness(looks, variant.spec, chosen, (MIRRORED, SMALLER))
                if other.evidence >= _SOME and other.share > _VERY_STEADY:
                    better.append((other.share, recipe, variant))
    if not better:
        return []
    share, recipe, variant = max(better, key=lambda each: each[0])
    sentence = (
        f"The record finds nothing. With {recipe.words} and with {variant.words} there are boxes, "
        f"and {share:.0%} of them stay with things when a picture is mirrored or made smaller."
    )
    return [Finding(recipe.kind, recipe.fields + variant.fields, sentence)]


def _finds_more(own: Steadiness, other: Steadiness) -> bool:
    """Whether so much more is found that it is no accident of the pictures."""
    before = np.array(own.exact)
    after = np.array(other.exact)
    if other.share < _STEADY:
        return False
    if own.share < _UNSTEADY:
        before[:] = 0  # what is there again is so by accident
    ratio = after.sum() / max(before.sum(), 1e-6)
    telling = np.maximum(before, after) > _LITTLE
    wins = int((after > before)[telling].sum())
    told = int(telling.sum())
    if told >= _ENOUGH and wins >= told - told // 8:
        return bool(ratio > _ALWAYS_BETTER)
    return bool(ratio > _MUCH_BETTER and after.sum() - before.sum() > _MORE and wins * 2 > told)


def _summary(looks: Looks, spec: ModelSpec, chosen: Sequence[int]) -> str:
    """How many boxes a record finds, and how sure of them it is."""
    confs = np.concatenate([looks.found(spec, picture)[0].confs for picture in chosen])
    if not len(confs):
        return "nothing"
    boxes = "1 box" if len(confs) == 1 else f"{len(confs)} boxes"
    return f"{boxes} at a median confidence of {float(np.median(confs)):.2f}"
