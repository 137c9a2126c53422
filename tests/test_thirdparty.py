"""Real SSDs that nobody here trained work by a model folder alone.

Their AP on real photographs shows that the recipe is right. For each model a wrong colour order,
mean or output order must cost AP: the test can fail.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from trt_course import TrtSSD, find_model
from trt_course.measure import voc
from trt_course.measure.evaluate import as_found
from trt_course.media.pictures import images_in, read_image
from trt_course.model.spec import read_spec

RECORDS = Path(__file__).parent / "thirdparty"
FILES = {
    "adas": "pedestrian_vehicle_adas_0001.onnx",
    "face_slim": "face_slim_320.onnx",
    "coco_mobilenet": "coco_ssd_mobilenet_v1_q.onnx",
}

# What is labelled in the photographs, and the model's word for it.
ROAD = {"car": "vehicle", "bus": "vehicle", "truck": "vehicle", "person": "pedestrian"}
BIG = {
    name: name
    for name in ("person", "dog", "cat", "bus", "train", "elephant", "horse", "pizza", "stop sign")
}


class Label(NamedTuple):
    """A box that a person drew."""

    name: str
    box: list  # x1 y1 x2 y2
    crowd: bool


class Photographs(NamedTuple):
    """Photographs and their labels, both by the names of their files."""

    pictures: dict
    labels: dict


@pytest.fixture
def folder(shared, tmp_path):
    """A function that makes the model folder of a record and its network."""

    def make(name):
        (tmp_path / "model.json").write_text((RECORDS / name / "model.json").read_text())
        (tmp_path / "model.onnx").symlink_to(shared / "thirdparty" / FILES[name])
        return tmp_path

    return make


@pytest.fixture(scope="module")
def photographs(shared):
    """Real photographs with COCO's annotations."""
    folder = shared / "data/coco_ccby"
    data = json.loads((folder / "instances.json").read_text())
    names = {category["id"]: category["name"] for category in data["categories"]}
    stems = {image["id"]: Path(image["file_name"]).stem for image in data["images"]}

    labels = {stem: [] for stem in stems.values()}
    for row in data["annotations"]:
        x, y, width, height = row["bbox"]
        label = Label(
            name=names[row["category_id"]],
            box=[x, y, x + width, y + height],
            crowd=bool(row["iscrowd"]),
        )
        labels[stems[row["image_id"]]].append(label)

    pictures = {path.stem: read_image(path) for path in images_in(folder / "images")}
    return Photographs(pictures, labels)


def truth_of(labels, classes):
    """The labels of one photograph as ground truth, those that the model has a word for."""
    known = [label for label in labels if label.name in classes]
    boxes = [label.box for label in known]
    crowds = [label.crowd for label in known]
    return voc.Truth(
        [classes[label.name] for label in known],
        np.array(boxes, float).reshape(-1, 4),
        np.array(crowds, bool),
    )


def average_precision(ssd, photographs, classes):
    """AP of each of the model's classes."""
    truths = {}
    founds = {}
    for name, picture in photographs.pictures.items():
        truths[name] = truth_of(photographs.labels[name], classes)
        founds[name] = as_found(ssd.detect(picture, 0.01), ssd.spec.labels)

    result = voc.score(truths, founds)
    return {name: one.ap for name, one in result.classes.items()}


def test_adas(folder, photographs):
    with TrtSSD(folder("adas"), verbose=False) as ssd:
        ap = average_precision(ssd, photographs, ROAD)
    assert ap["vehicle"] > 0.43
    assert ap["pedestrian"] > 0.27


def test_coco_mobilenet(folder, photographs):
    with TrtSSD(folder("coco_mobilenet"), verbose=False) as ssd:
        ap = average_precision(ssd, photographs, BIG)
    assert sum(ap.values()) / len(ap) > 0.65
    assert ap["person"] > 0.27


def test_wrong_recipe_costs(folder, photographs):
    """The same networks with another family's preprocessing."""
    spec = read_spec(folder("adas") / "model.json")
    recipe = spec.input._replace(color="RGB", mean=(127.5,) * 3, scale=(127.5,) * 3)
    with TrtSSD(spec._replace(input=recipe), verbose=False) as ssd:
        ap = average_precision(ssd, photographs, ROAD)
    assert ap["vehicle"] < 0.3


class Faces(NamedTuple):
    """How many faces a model reports, and how many of them are where a head may be."""

    total: int
    placed: int


def is_head_of(person, face):
    """Whether the middle of a box lies in the upper half of a person's."""
    x = (face[0] + face[2]) / 2
    y = (face[1] + face[3]) / 2
    left, top, right, bottom = person
    return left <= x <= right and top <= y <= (top + bottom) / 2


def faces_found(spec, photographs):
    total = 0
    placed = 0
    with TrtSSD(spec, verbose=False) as ssd:
        for name, picture in photographs.pictures.items():
            people = [label.box for label in photographs.labels[name] if label.name == "person"]
            for face in ssd.detect(picture, 0.5).boxes:
                total += 1
                if any(is_head_of(person, face) for person in people):
                    placed += 1
    return Faces(total, placed)


def test_face(folder, photographs):
    """The photographs have no labels of faces, but a face is in the upper half of a person."""
    spec = read_spec(folder("face_slim") / "model.json")
    right = faces_found(spec, photographs)
    assert right.placed >= 18
    assert right.placed / right.total > 0.6

    swapped = spec._replace(input=spec.input._replace(color="BGR"))
    assert faces_found(swapped, photographs).placed < 12

    unscaled = spec._replace(input=spec.input._replace(scale=(1.0,) * 3))
    wrong = faces_found(unscaled, photographs)
    assert wrong.placed / wrong.total < 0.3


def test_they_differ_in_everything():
    recipes = set()
    for name in FILES:
        spec = find_model(RECORDS / name / "model.json")
        entry = spec.input
        recipes.add((entry.color, entry.layout, entry.mean, spec.output.boxes.order))
    assert len(recipes) == 3
