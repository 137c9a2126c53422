"""Real SSDs that nobody here trained work by a model folder alone; the AP on real photographs shows the recipe right.

For each model a wrong colour order, mean or output order must cost AP: the check can fail.
"""

import json
from pathlib import Path

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
ROAD = {"car": "vehicle", "bus": "vehicle", "truck": "vehicle", "person": "pedestrian"}
BIG = {
    name: name
    for name in ("person", "dog", "cat", "bus", "train", "elephant", "horse", "pizza", "stop sign")
}


@pytest.fixture
def folder(shared, tmp_path):
    def make(name):
        (tmp_path / "model.json").write_text((RECORDS / name / "model.json").read_text())
        (tmp_path / "model.onnx").symlink_to(shared / "thirdparty" / FILES[name])
        return tmp_path

    return make


@pytest.fixture(scope="module")
def photographs(shared):
    """{name: picture} and the COCO annotations as {name: [(class name, box, crowd)]}."""
    data = json.loads((shared / "data/coco_ccby/instances.json").read_text())
    names = {c["id"]: c["name"] for c in data["categories"]}
    stems = {i["id"]: Path(i["file_name"]).stem for i in data["images"]}
    boxes = {stem: [] for stem in stems.values()}
    for a in data["annotations"]:
        x, y, w, h = a["bbox"]
        boxes[stems[a["image_id"]]].append(
            (names[a["category_id"]], [x, y, x + w, y + h], bool(a["iscrowd"]))
        )
    return {p.stem: read_image(p) for p in images_in(shared / "data/coco_ccby/images")}, boxes


def average_precision(ssd, photographs, classes):
    pictures, boxes = photographs
    truths, founds = {}, {}
    for name, picture in pictures.items():
        rows = [
            (classes[label], box, crowd) for label, box, crowd in boxes[name] if label in classes
        ]
        truths[name] = voc.Truth(
            [r[0] for r in rows],
            np.array([r[1] for r in rows], float).reshape(-1, 4),
            np.array([r[2] for r in rows], bool),
        )
        founds[name] = as_found(ssd.detect(picture, 0.01), ssd.spec.labels)
    return {name: c.ap for name, c in voc.score(truths, founds).classes.items()}


def test_adas(folder, photographs):
    with TrtSSD(folder("adas"), verbose=False) as ssd:
        ap = average_precision(ssd, photographs, ROAD)
    assert ap["vehicle"] > 0.43 and ap["pedestrian"] > 0.27


def test_coco_mobilenet(folder, photographs):
    with TrtSSD(folder("coco_mobilenet"), verbose=False) as ssd:
        ap = average_precision(ssd, photographs, BIG)
    assert sum(ap.values()) / len(ap) > 0.65 and ap["person"] > 0.27


def test_wrong_recipe_costs(folder, photographs):
    """The same networks with another family's preprocessing."""
    spec = read_spec(folder("adas") / "model.json")
    tf = spec._replace(
        input=spec.input._replace(color="RGB", mean=(127.5,) * 3, scale=(127.5,) * 3)
    )
    with TrtSSD(tf, verbose=False) as ssd:
        ap = average_precision(ssd, photographs, ROAD)
    assert ap["vehicle"] < 0.3


def heads_found(spec, photographs):
    """How many faces the model reports, and how many of them lie in the upper half of a person."""
    pictures, boxes = photographs
    total = placed = 0
    with TrtSSD(spec, verbose=False) as ssd:
        for name, picture in pictures.items():
            people = [box for label, box, _ in boxes[name] if label == "person"]
            for x1, y1, x2, y2 in ssd.detect(picture, 0.5).boxes:
                x, y = (x1 + x2) / 2, (y1 + y2) / 2
                placed += any(b[0] <= x <= b[2] and b[1] <= y <= (b[1] + b[3]) / 2 for b in people)
                total += 1
    return total, placed


def test_face(folder, photographs):
    """The photographs have no face labels, but their persons have boxes, and a face is in the upper half of one."""
    spec = read_spec(folder("face_slim") / "model.json")
    total, placed = heads_found(spec, photographs)
    assert placed >= 18 and placed / total > 0.6
    swapped = heads_found(spec._replace(input=spec.input._replace(color="BGR")), photographs)
    assert swapped[1] < 12
    unscaled = heads_found(spec._replace(input=spec.input._replace(scale=(1.0,) * 3)), photographs)
    assert unscaled[1] / unscaled[0] < 0.3


def test_they_differ_in_everything():
    specs = [find_model(RECORDS / name / "model.json") for name in FILES]
    assert len({(s.input.color, s.input.layout, s.input.mean, s.output.layout) for s in specs}) == 3
