"""COCO's twelve numbers and the AP of each class.

faster-coco-eval computes them where it is installed, otherwise pycocotools. This module only brings
ground truth and detections into COCO's form and reads the result. Difficult boxes become crowd
boxes, so that they count neither way, as in voc.py.
"""

import contextlib
import io
from typing import Any, Dict, List, NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ..support.errors import CourseError, need
from ..support.words import printable
from .boxes import Founds, Truths

# What COCO's evaluation prints, in its order.
NAMES = (
    "AP",
    "AP50",
    "AP75",
    "AP_small",
    "AP_medium",
    "AP_large",
    "AR_1",
    "AR_10",
    "AR_100",
    "AR_small",
    "AR_medium",
    "AR_large",
)

CocoObject = Dict[str, Any]  # of COCO's JSON


class CocoScore(NamedTuple):
    """The twelve numbers by name, -1 where there is no such object, and AP (0.50:0.95) by class."""

    numbers: Dict[str, float]
    classes: Dict[str, float]

    def report(self) -> str:
        """Both as text, a line each."""
        rows = [f"{name:<10} {value:6.3f}" for name, value in self.numbers.items()]
        for name, value in sorted(self.classes.items()):
            rows.append(f"{printable(name)} AP = {value:.3f}")
        return "\n".join(rows)

    def as_dict(self) -> Dict[str, Any]:
        """The numbers, and the classes under that name, for JSON."""
        return dict(self.numbers, classes=self.classes)


def score(dataset: CocoObject, results: List[CocoObject]) -> CocoScore:
    """The CocoScore of results against a dataset, both as COCO's JSON has them."""
    if not dataset.get("annotations"):
        raise CourseError("The ground truth holds no boxes: there is nothing to score.")
    evaluation = _evaluate(dataset, results)

    # Precision at each point: (overlaps, recalls, classes), of all areas and the most detections.
    precision = evaluation.eval["precision"][:, :, :, 0, -1]
    classes = {}
    categories = sorted(dataset["categories"], key=lambda category: category["id"])
    for number, category in enumerate(categories):
        values = precision[:, :, number]  # (overlaps, recalls)
        known = values[values > -1]  # -1: no such object
        if known.size:
            classes[category["name"]] = float(known.mean())

    numbers = {name: float(value) for name, value in zip(NAMES, evaluation.stats)}
    return CocoScore(numbers, classes)


def _evaluate(dataset: CocoObject, results: List[CocoObject]) -> Any:
    """The library's evaluation, run. The results become a dataset of their own for it.

    Its own loadRes is not used, for it fails where nothing was detected.
    """
    boxes = []
    for number, result in enumerate(results, 1):
        _, _, width, height = result["bbox"]
        boxes.append(dict(result, id=number, area=width * height, iscrowd=0))

    make_coco, make_evaluation = _library()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress and a table
        truth = _indexed(make_coco(), dataset)
        found = _indexed(make_coco(), dict(dataset, annotations=boxes))
        evaluation = make_evaluation(truth, found, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation


def _library() -> Tuple[Any, Any]:
    """The classes COCO and COCOeval of whichever library is installed."""
    with contextlib.suppress(ImportError):
        from faster_coco_eval import COCO, COCOeval_faster

        return COCO, COCOeval_faster

    need("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return COCO, COCOeval


def _indexed(coco: Any, dataset: CocoObject) -> Any:
    """A COCO object that holds a dataset from memory; the library itself reads only files."""
    coco.dataset = dataset
    coco.createIndex()
    return coco


def from_voc(
    truths: Truths, founds: Founds, order: Optional[Sequence[str]] = None
) -> Tuple[CocoObject, List[CocoObject]]:
    """COCO dataset and results from {image: Truth} and {image: Found}.

    Classes are numbered from 1 in the order of their names, and so are the images, unless `order`
    lists them: of equal confidences, COCO counts that of the earlier image first. Detections of a
    class that the ground truth lacks are left out.
    """
    labels = {label for truth in truths.values() for label in truth.labels}
    categories = _numbered(sorted(labels))
    images = _numbered(order or sorted(truths))

    annotations: List[CocoObject] = []
    for name, truth in truths.items():
        boxes = _coco_boxes(truth.boxes, truth.sides)
        for row, (label, box) in enumerate(zip(truth.labels, boxes)):
            annotation = _located(images[name], categories[label], box)
            annotation["id"] = len(annotations) + 1
            annotation["iscrowd"] = int(truth.difficult[row])
            if truth.areas is not None:
                annotation["area"] = float(truth.areas[row])
            annotations.append(annotation)

    results: List[CocoObject] = []
    for name, found in founds.items():
        boxes = _coco_boxes(found.boxes, found.sides)
        for label, conf, box in zip(found.labels, found.confs.tolist(), boxes):
            if label in categories:
                result = _located(images[name], categories[label], box)
                results.append(dict(result, score=conf))

    dataset = {
        "images": [{"id": number, "file_name": name} for name, number in images.items()],
        "categories": [{"id": number, "name": label} for label, number in categories.items()],
        "annotations": annotations,
    }
    return dataset, results


def _numbered(names: Sequence[str]) -> Dict[str, int]:
    return {name: number for number, name in enumerate(names, 1)}


def _located(image: int, category: int, box: List[float]) -> CocoObject:
    """What an annotation and a result have in common."""
    _, _, width, height = box
    return {
        "image_id": image,
        "category_id": category,
        "bbox": box,
        "area": width * height,
    }


def _coco_boxes(boxes: np.ndarray, sides: Optional[np.ndarray]) -> List[List[float]]:
    """COCO's boxes: left, top, width, height. Sides that a file gave stay exactly as they are."""
    if sides is None:
        sides = boxes[:, 2:] - boxes[:, :2]  # (n, 2)
    rows: List[List[float]] = np.hstack([boxes[:, :2], sides]).astype(float).tolist()
    return rows
