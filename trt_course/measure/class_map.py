"""Other names for classes, where ground truth and detections call the same things differently.

COCO knows cars, buses and trucks where a detector for driver assistance knows vehicles. On the
command line that is `--classes car,bus,truck=vehicle`. A name changes once and everywhere, in the
ground truth and in the detections; classes that are not mentioned keep theirs.
"""

import difflib
from typing import Collection, Dict, Iterable, List, Set, Union

from ..support.errors import CourseError
from ..support.words import list_of
from .boxes import Founds, Truths

ClassMap = Dict[str, str]  # the new name by the old one

_WANTED = 'wanted: OLD=NEW, such as car,bus=vehicle or "traffic light=light"'
_MOST_NAMED = 10


def read_class_map(words: Iterable[str]) -> ClassMap:
    """The ClassMap in words such as `car,bus,truck=vehicle`.

    >>> read_class_map(["car,bus=vehicle", "traffic light=light"])
    {'car': 'vehicle', 'bus': 'vehicle', 'traffic light': 'light'}
    """
    new_names: ClassMap = {}
    for word in words:
        olds, equals, new = word.partition("=")
        new = new.strip()
        if not equals or not new or "=" in new:
            raise CourseError(
                f"--classes: '{word}' does not say which class gets which name; {_WANTED}"
            )
        for old in map(str.strip, olds.split(",")):
            if not old:
                raise CourseError(f"--classes: a name is missing before '={new}'; {_WANTED}")
            if old in new_names:
                raise CourseError(
                    f"--classes names '{old}' twice; name it once, for a class gets one new name."
                )
            new_names[old] = new
    return new_names


def require_known(class_map: ClassMap, known: Collection[str]) -> None:
    """Refuse to rename a class that is neither in the ground truth nor in the detections."""
    for name in class_map:
        if name not in known:
            raise CourseError(
                f"--classes: there is no class '{name}', neither in the ground truth nor among "
                f"what is detected; {_near(name, known)}"
            )


def _near(name: str, known: Collection[str]) -> str:
    """What may have been meant."""
    # Of "Car" and "car", difflib sees two letters in common.
    by_lower = {one.lower(): one for one in sorted(known)}
    near = difflib.get_close_matches(name.lower(), by_lower, n=3)
    if near:
        return f"did you mean {' or '.join(by_lower[one] for one in near)}?"
    return f"the classes are: {list_of(sorted(known), _MOST_NAMED)}."


def renamed(labels: Iterable[str], class_map: ClassMap) -> List[str]:
    """Class names, each changed if the map has another for it."""
    return [class_map.get(label, label) for label in labels]


def rename_truths(truths: Truths, class_map: ClassMap) -> Truths:
    """Ground truth under the new names."""
    return {
        image: truth._replace(labels=renamed(truth.labels, class_map))
        for image, truth in truths.items()
    }


def rename_founds(founds: Founds, class_map: ClassMap) -> Founds:
    """Detections under the new names."""
    return {
        image: found._replace(labels=renamed(found.labels, class_map))
        for image, found in founds.items()
    }


def classes_of(images: Union[Truths, Founds]) -> Set[str]:
    """The classes that have a box in ground truth or detections."""
    return {label for image in images.values() for label in image.labels}
