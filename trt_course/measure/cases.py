"""What COCO's instances.json needs to be scored: its pictures, and detections under its names.

instances.py reads the file; here it meets a folder of pictures, a folder of text files, and the
classes of a model.
"""

import sys
from pathlib import Path
from typing import Collection, Dict, List, NamedTuple, Optional, Set

import numpy as np

from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path
from ..support.words import list_of
from . import boxes
from .boxes import Founds, Truths
from .class_map import classes_of
from .evaluate import MOST_NAMED, tell_of_missing
from .instances import Instances, is_json, read_results


class Case(NamedTuple):
    """What is scored."""

    truths: Truths
    founds: Founds
    pictures: Dict[str, Path]  # by image; empty where only what was written down is scored
    order: Optional[List[str]] = None  # of the images, where it is not that of their names


def pictures_listed(instances: Instances, folder: AnyPath) -> Dict[str, Path]:
    """The pictures that the file lists, by their names there. None of them may be missing."""
    place = kit_path(folder)
    if not place.is_dir():
        raise CourseError(f"There is no folder {place}; --images is the folder of the pictures.")
    pictures = {name: place / name for name in instances.truths}
    missing = [name for name, path in pictures.items() if not path.is_file()]
    if missing:
        raise CourseError(
            f"{len(missing)} of the {len(pictures)} pictures that {instances.path} lists are not "
            f"in {place}: {list_of(missing, MOST_NAMED)}; bring them there, or take them out of "
            "the file, for an mAP over fewer pictures is another figure."
        )
    return pictures


def read_detections(instances: Instances, source: AnyPath, names: Collection[str] = ()) -> Founds:
    """Detections by image: of a folder of text files, or of a JSON list of COCO's results.

    Images without a text file count as empty, and are listed on stderr. In text files, the names
    of the classes need no quotes, and `names` are others with blanks.
    """
    path = kit_path(source)
    if is_json(path):
        return read_results(path, instances)

    known = {*instances.classes.values(), *names}
    images = _images_by_stem(instances)
    founds = {}
    for file in boxes.text_files(path):
        if file.stem not in images:
            raise CourseError(
                f"{file} has no ground truth: {instances.path} lists no picture of that name."
            )
        founds[images[file.stem]] = boxes.read_found(file, known)

    missing = [image for image in instances.truths if image not in founds]
    tell_of_missing(missing)
    founds.update(dict.fromkeys(missing, boxes.NOTHING))
    return founds


def _images_by_stem(instances: Instances) -> Dict[str, str]:
    """The images by the names of their text files."""
    images: Dict[str, str] = {}
    for image in instances.truths:
        stem = Path(image).stem
        if stem in images:
            raise CourseError(
                f"{instances.path} lists {images[stem]} and {image}, so nobody knows of which of "
                f"them {stem}.txt is; give --det a JSON list of results, or let --model detect."
            )
        images[stem] = image
    return images


def shared_with(truths: Truths, labels: Collection[str], model: str) -> Truths:
    """The ground truth without the classes that a model does not know; they are told on stderr.

    Left in, each of them would count as an AP of 0, and say nothing about the model.
    """
    known = classes_of(truths)
    strange = sorted(known.difference(labels))
    if len(strange) == len(known):
        raise CourseError(
            f"{model} has no label for any class of the ground truth, so there is nothing to "
            f"score: the truth has {list_of(strange, MOST_NAMED)}, the model "
            f"{list_of(list(labels), MOST_NAMED)}; --classes OLD=NEW gives classes other names."
        )
    if strange:
        print(
            f"Not scored, because {model} has no label for them: {len(strange)} of the "
            f"{len(known)} classes in the ground truth ({list_of(strange, MOST_NAMED)})",
            file=sys.stderr,
        )
    return _only(truths, labels)


def tell_of_undetected(truths: Truths, founds: Founds) -> None:
    """Say which classes were never detected: perhaps the detector has no label for them.

    Only a model's record could tell, and detections that were written down have none.
    """
    known = classes_of(truths)
    strange = sorted(known - classes_of(founds))
    if strange:
        print(
            f"Never detected, and counted with an AP of 0: {len(strange)} of the {len(known)} "
            f"classes in the ground truth ({list_of(strange, MOST_NAMED)})",
            file=sys.stderr,
        )


def without_mere_crowds(truths: Truths) -> Truths:
    """The ground truth without the classes of which it has crowds only.

    A crowd counts neither way, and an AP of 0 for its class would count.
    """
    labels: Set[str] = set()
    for truth in truths.values():
        labels.update(label for label, crowd in zip(truth.labels, truth.difficult) if not crowd)
    return _only(truths, labels)


def _only(truths: Truths, labels: Collection[str]) -> Truths:
    """The boxes of these classes."""
    kept = {}
    for image, truth in truths.items():
        mask = np.array([label in labels for label in truth.labels], dtype=bool)
        kept[image] = truth.keep(mask)
    return kept
