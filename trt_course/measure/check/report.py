"""What a check says to a person, and which pictures of a folder it takes."""

from pathlib import Path
from typing import List, NamedTuple, Optional

import cv2
import numpy as np

from ...media.pictures import read_image
from ...model.spec import ModelSpec
from ...support.errors import CourseError
from ...support.files import AnyPath, kit_path
from ..boxes import Truth
from ..evaluate import pictures_of, truths_of
from .parts import Finding, several
from .record import Report

MOST_PICTURES = 20  # of a folder
_LONGEST = 2000  # pixels of a side: twenty of a telephone's pictures would fill a Jetson's memory


class Shown(NamedTuple):
    """The pictures that could be read, and a sentence for each of the others."""

    paths: List[Path]
    pictures: List[np.ndarray]
    truths: Optional[List[Truth]]
    complaints: List[str]


class Samples(NamedTuple):
    """The pictures that a check takes, and their ground truth if there is any."""

    paths: List[Path]
    truths: Optional[List[Truth]]

    def read(self) -> Shown:
        """The pictures themselves, very large ones made smaller, and their truth with them."""
        truths: Optional[List[Truth]] = None if self.truths is None else []
        shown = Shown([], [], truths, [])
        for number, path in enumerate(self.paths):
            try:
                image = read_image(path)
            except CourseError as err:
                shown.complaints.append(str(err))
                continue

            part = min(1.0, _LONGEST / max(image.shape[:2]))
            shown.paths.append(path)
            shown.pictures.append(_made_smaller(image, part))
            if self.truths is not None and truths is not None:
                truth = self.truths[number]
                truths.append(truth._replace(boxes=truth.boxes * part))

        if not shown.pictures:
            raise CourseError(shown.complaints[0])
        return shown


def _made_smaller(image: np.ndarray, part: float) -> np.ndarray:
    """The picture with sides of a part of their length."""
    if part == 1.0:
        return image
    height, width = image.shape[:2]
    size = (max(1, round(width * part)), max(1, round(height * part)))
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def samples_of(folder: AnyPath, spec: ModelSpec) -> Samples:
    """Pictures of a data folder, evenly spread over it."""
    data = kit_path(folder)
    paths = pictures_of(data)
    chosen = [paths[i] for i in several(range(len(paths)), MOST_PICTURES)]
    if not (data / "ground-truth").is_dir():
        return Samples(chosen, None)
    truths = truths_of(data, paths, spec.labels)
    return Samples(chosen, [truths[path.stem] for path in chosen])


def told(spec: ModelSpec, report: Report, with_truth: bool) -> str:
    """The report in sentences.

    >>> from trt_course.model.find import find_model
    >>> spec = find_model("ssd_mobilenet_v2_signs")
    >>> print(told(spec, Report([], (), []), with_truth=True))
    ssd_mobilenet_v2_signs: 0 boxes in 0 of 0 pictures, at a confidence of 0.3.
    Nothing speaks against the record.
    """
    boxes = sum(map(len, report.found))
    filled = sum(1 for found in report.found if len(found))
    lines = [
        f"{spec.name}: {_counted(boxes, 'box', 'boxes')} in {filled} of "
        f"{_counted(len(report.found), 'picture', 'pictures')}, at a confidence of "
        f"{spec.conf_threshold:g}."
    ]
    lines += [_noticed(finding) for finding in report.findings]
    if report.fields():
        lines.append("Change that, and check again: one mistake may hide another.")
    if not report.findings:
        lines.append("Nothing speaks against the record.")
        if not with_truth:
            lines.append(
                "Look at the pictures: whether its labels have the right names, only ground truth "
                "or a person can tell."
            )
    lines += [f"Still open in the record: {question}" for question in report.questions]
    return "\n".join(lines)


def _noticed(finding: Finding) -> str:
    """A finding, with the fields that it speaks against."""
    if not finding.fields:
        return finding.sentence
    first, *others = finding.fields
    instead = f" (or {', '.join(others)})" if others else ""
    return f"{finding.sentence}\n    Probably wrong: {first}{instead}"


def _counted(number: int, one: str, several_of_them: str) -> str:
    """A number of things: 1 box, 2 boxes."""
    return f"{number} {one if number == 1 else several_of_them}"
