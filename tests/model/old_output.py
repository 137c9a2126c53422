"""Outputs of the older layouts, as a record would name them, for tests that write no record."""

from trt_course.model.old_layouts import LAYOUTS
from trt_course.model.output_spec import Part


def old_output(layout, tensors, **words):
    """The OutputSpec of a layout; words that it does not use are left out."""
    known = LAYOUTS[layout]
    parts = {
        role: Part((name,), f"output.tensors.{role} of the layout {layout}")
        for role, name in tensors.items()
    }
    if layout == "loc_conf_priors":
        words.setdefault("priors", "priors.npy")
    return known.meaning(parts, {word: words[word] for word in known.words if word in words})
