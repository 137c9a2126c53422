"""Files in COCO's form as tests make them, and what pycocotools itself says of such files."""

import contextlib
import io
import json

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from trt_course.measure import coco


def entry(number, image, category, bbox, **more):
    """An annotation."""
    area = bbox[2] * bbox[3]
    row = {"id": number, "image_id": image, "category_id": category, "bbox": bbox}
    return {**row, "area": area, "iscrowd": 0, **more}


def small_document(**changes):
    """Two pictures with a car, a person and a crowd of persons; what COCO's files have besides."""
    document = {
        "info": {"year": 2017, "url": "http://cocodataset.org"},
        "licenses": [{"id": 1, "name": "CC BY 2.0"}],
        "images": [
            {"id": 7, "file_name": "b.jpg", "width": 256, "height": 192, "license": 1},
            {"id": 3, "file_name": "a.jpg"},
        ],
        "categories": [
            {"id": 3, "name": "car", "supercategory": "vehicle"},
            {"id": 1, "name": "person"},
        ],
        "annotations": [
            entry(5, 7, 3, [10, 20.5, 30, 40], area=700.25, segmentation=[[10, 20, 30, 40, 1, 2]]),
            entry(6, 7, 1, [0, 0, 50, 60], iscrowd=1, segmentation={"counts": [1], "size": [1, 1]}),
            entry(2, 3, 1, [5, 5, 0, 8]),
        ],
    }
    return {**document, **changes}


def write(path, value):
    """A file of JSON; returns its path."""
    path.write_text(json.dumps(value))
    return path


def random_document(rng, images=9):
    """Objects of three classes in pictures whose ids, names and places differ in their order.

    Half of the classes' ids are missing, areas are smaller than boxes, and some objects are crowds.
    """
    names = [f"{name}.jpg" for name in rng.permutation(images)]
    ids = [int(number) for number in rng.permutation(images) * 3 + 2]
    document = {
        "images": [{"id": ids[i], "file_name": names[i]} for i in range(images)],
        "categories": [
            {"id": number, "name": name}
            for number, name in ((9, "stop sign"), (2, "van"), (70, "car"))
        ],
        "annotations": [],
    }
    for image in rng.permutation(ids):
        for _ in range(rng.randint(0, 7)):
            left, top = (rng.rand(2) * 300).round(2).tolist()
            width, height = (rng.rand(2) * [150, 120] + 4).round(2).tolist()
            annotation = entry(
                len(document["annotations"]) + 1,
                int(image),
                int(rng.choice([2, 9, 70])),
                [left, top, width, height],
                iscrowd=int(rng.rand() < 0.2),
            )
            annotation["area"] *= 0.3 + 0.6 * rng.rand()
            document["annotations"].append(annotation)
    return document


def near_results(rng, document):
    """Results a little beside the truth, many of equal score, some of a wrong class or a whim."""
    results = []
    categories = [category["id"] for category in document["categories"]]
    for annotation in document["annotations"]:
        for _ in range(rng.randint(0, 3)):
            box = np.array(annotation["bbox"]) + rng.randn(4) * 4
            box[2:] = box[2:].clip(1)
            category = annotation["category_id"]
            if rng.rand() < 0.2:
                category = int(rng.choice(categories))
            results.append(
                {
                    "image_id": annotation["image_id"],
                    "category_id": category,
                    "bbox": box.round(3).tolist(),
                    "score": round(rng.rand(), 1),
                }
            )
    return results


def by_pycocotools(truth, results):
    """The twelve numbers and the AP of each class, by their names, as pycocotools has them."""
    with contextlib.redirect_stdout(io.StringIO()):
        known = COCO(str(truth))
        evaluation = COCOeval(known, known.loadRes(str(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()

    by_class = {}
    for number, category in enumerate(evaluation.params.catIds):
        precision = evaluation.eval["precision"][:, :, number, 0, -1]
        if (precision > -1).any():
            by_class[known.cats[category]["name"]] = precision[precision > -1].mean()
    return dict(zip(coco.NAMES, evaluation.stats)), by_class
