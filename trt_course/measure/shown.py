"""Which classes a figure has room for, and how it writes names."""

from collections import Counter
from typing import Collection, List, Mapping, Union

from ..support.words import printable
from .boxes import Found, Truth

# No figure has room for more classes than this, and no label for more characters.
MOST_CLASSES = 40
_MOST_CHARACTERS = 40


def shown_classes(counts: Mapping[str, int]) -> List[str]:
    """The classes that a figure shows, sorted: all or, where there are too many, the commonest."""
    names = sorted(counts, key=lambda name: (-counts[name], name))
    return sorted(names[:MOST_CLASSES])


def remark_on(shown: Collection[str], classes: Collection[str]) -> str:
    """What a figure's title adds where not all classes are shown."""
    if len(shown) == len(classes):
        return ""
    return f", the {len(shown)} commonest of {len(classes)} classes"


def boxes_of(images: Mapping[str, Union[Truth, Found]]) -> "Counter[str]":
    """How many boxes of each class Truths or Founds hold."""
    counts: "Counter[str]" = Counter()
    for boxes in images.values():
        counts.update(boxes.labels)
    return counts


def plot_text(name: str) -> str:
    r"""A name as a figure shows it: no longer than there is room for, and never as a formula.

    Matplotlib takes text between two $ for one.

    >>> plot_text("$a^{b$")
    '\\$a^{b\\$'
    """
    words = printable(name)
    if len(words) > _MOST_CHARACTERS:
        words = words[: _MOST_CHARACTERS - 3] + "..."
    if words.startswith("_"):
        words = " " + words  # matplotlib leaves such a name out of a legend
    return words.replace("$", r"\$")
