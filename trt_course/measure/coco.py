"""COCO's twelve numbers and the AP of each class, by faster-coco-eval where it is installed, else by pycocotools.

Nothing is computed here: this module brings ground truth and detections into COCO's form, in one place, and reads the
result. Difficult boxes become crowd boxes, so that they count neither way, as in measure/voc.py.
"""

import contextlib
import io
from typing import Dict, NamedTuple

from ..support.errors import CourseError, need

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


class CocoScore(NamedTuple):
    """The twelve numbers by name, -1 where there is no such object, and AP (0.50:0.95) by class."""

    numbers: Dict[str, float]
    classes: Dict[str, float]

    def report(self):
        rows = [f"{name:<10} {value:6.3f}" for name, value in self.numbers.items()]
        rows += [f"{name} AP = {value:.3f}" for name, value in sorted(self.classes.items())]
        return "\n".join(rows)

    def as_dict(self):
        return dict(self.numbers, classes=self.classes)


def _library():
    with contextlib.suppress(ImportError):
        from faster_coco_eval import COCO, COCOeval_faster

        return COCO, COCOeval_faster
    need("pycocotools")
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return COCO, COCOeval


def score(dataset, results):
    """The CocoScore of result records against a dataset, both as COCO's JSON has them."""
    if not dataset.get("annotations"):
        raise CourseError("The ground truth holds no boxes: there is nothing to score.")
    coco, evaluator = _library()
    boxes = [
        dict(r, id=i, area=r["bbox"][2] * r["bbox"][3], iscrowd=0) for i, r in enumerate(results, 1)
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        # not loadRes, which fails where nothing was detected
        evaluation = evaluator(
            _index(coco, dataset), _index(coco, dict(dataset, annotations=boxes)), "bbox"
        )
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    precision = evaluation.eval["precision"][
        :, :, :, 0, -1
    ]  # (ious, recalls, classes), all areas, most detections
    categories = sorted(dataset["categories"], key=lambda c: c["id"])
    classes = {
        category["name"]: float(values[values > -1].mean())
        for category, values in zip(categories, precision.transpose(2, 0, 1))
        if (values > -1).any()
    }
    return CocoScore(dict(zip(NAMES, map(float, evaluation.stats[:12]))), classes)


def _index(coco, dataset):
    made = coco()
    made.dataset = dataset
    made.createIndex()
    return made


def from_voc(truths, founds):
    """COCO dataset and results from {image: voc.Truth} and {image: voc.Found}; ids count from 1 in order of names."""
    category = {
        label: i
        for i, label in enumerate(sorted({la for t in truths.values() for la in t.labels}), 1)
    }
    image = {name: i for i, name in enumerate(sorted(truths), 1)}

    def entry(name, label, box):
        x, y, w, h = (float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1]))
        return {
            "image_id": image[name],
            "category_id": category[label],
            "bbox": [x, y, w, h],
            "area": w * h,
        }

    annotations = [
        dict(entry(name, label, box), iscrowd=int(hard))
        for name, truth in truths.items()
        for label, box, hard in zip(truth.labels, truth.boxes, truth.difficult)
    ]
    results = [
        dict(entry(name, label, box), score=float(conf))
        for name, found in founds.items()
        for label, conf, box in zip(found.labels, found.confs, found.boxes)
        if label in category
    ]
    dataset = {
        "images": [{"id": i, "file_name": name} for name, i in image.items()],
        "categories": [{"id": i, "name": label} for label, i in category.items()],
        "annotations": [dict(a, id=i) for i, a in enumerate(annotations, 1)],
    }
    return dataset, results
