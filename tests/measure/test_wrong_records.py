"""A table of mistakes that people make in records: each is refused, or named by `models check`.

Right records of the same networks raise no warning.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from wrong_networks import changed_record, forms_of, write_network

from trt_course import CourseError, TrtSSD
from trt_course.measure.boxes import Truth, read_truth
from trt_course.measure.check.parts import Looks, several
from trt_course.measure.check.record import examine
from trt_course.media.pictures import images_in, read_image
from trt_course.model.decode import Decoder
from trt_course.model.find import find_model
from trt_course.model.shapes import Tensor
from trt_course.model.spec import read_spec

KIT = Path(__file__).parent.parent.parent
ROWS = json.loads(Path(__file__).with_name("wrong_records.json").read_text())
KINDS = ["layout", "units", "scale", "order", "activation", "labels", "columns", "priors"]

SHIPPED = {"signs": "ssd_mobilenet_v2_signs", "traffic": "ssd_resnet18_traffic"}
PUBLISHED = {
    "adas": "pedestrian_vehicle_adas_0001.onnx",
    "face_slim": "face_slim_320.onnx",
    "coco_mobilenet": "coco_ssd_mobilenet_v1_q.onnx",
}
ROAD = {"car": "vehicle", "bus": "vehicle", "truck": "vehicle", "person": "pedestrian"}
PICTURES = {"signs": 8, "traffic": 8, "adas": 12, "face_slim": 20, "coco_mobilenet": 8}


def samples(name):
    """Some of a shipped model's sample pictures, and their truth."""
    data = KIT / "data" / name
    paths = several(images_in(data / "images"), PICTURES[name])
    truths = [read_truth(data / "ground-truth" / (path.stem + ".txt")) for path in paths]
    return paths, truths


def photographs(shared, name):
    """The photographs with most on them that a model may know, and their truth."""
    folder = shared / "data/coco_ccby"
    data = json.loads((folder / "instances.json").read_text())
    names = {category["id"]: category["name"] for category in data["categories"]}
    boxes = {image["id"]: [] for image in data["images"]}
    for row in data["annotations"]:
        x, y, width, height = row["bbox"]
        label = names[row["category_id"]]
        if name == "adas":
            label = ROAD.get(label)
        if label and not row["iscrowd"]:
            boxes[row["image_id"]].append((label, [x, y, x + width, y + height]))

    known = {"adas": list(ROAD.values()), "face_slim": ["person"]}.get(name, names.values())

    def much(image):
        """The area of all that the model may know."""
        found = [box for label, box in boxes[image["id"]] if label in known]
        return sum((x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in found)

    chosen = sorted(data["images"], key=much, reverse=True)[: PICTURES[name]]
    paths = [folder / "images" / image["file_name"] for image in chosen]
    return paths, [as_truth(boxes[image["id"]]) for image in chosen]


def as_truth(labelled):
    corners = np.array([box for _, box in labelled], float).reshape(-1, 4)
    return Truth([label for label, _ in labelled], corners, np.zeros(len(labelled), bool))


class Network:
    """A network, opened once for all of its records, and pictures for it."""

    def __init__(self, name, folder, source, paths, truths):
        self.name = name
        self.folder = folder
        self.truths = truths
        write_network(name, source, folder)
        first = self.spec(forms_of(name)[0], {})
        self.ssd = TrtSSD(first, backend="cpu", verbose=False)
        self.stated = {
            info.name: Tensor(info.shape or None, info.dtype) for info in self.ssd.engine.outputs
        }
        self.looks = Looks(self.ssd, [read_image(path) for path in paths], most=10000)

    def spec(self, form, change):
        """What a changed record says."""
        path = self.folder / "model.json"
        path.write_text(json.dumps(changed_record(self.name, form, change)))
        return read_spec(path)

    def report(self, form, change, with_truth):
        """What a check of a changed record says, as when its model is opened."""
        spec = self.spec(form, change)
        Decoder(spec).shapes.require_stated(self.stated, pictures=-1)
        return examine(self.looks, spec, self.truths if with_truth else None)


@pytest.fixture(scope="module")
def network_of(request, tmp_path_factory):
    """A function that gives a network by its name."""
    made = {}

    def network(name):
        if name not in made:
            if name in SHIPPED:
                source = KIT / "models" / SHIPPED[name] / "model.onnx"
                paths, truths = samples(name)
            else:
                shared = request.getfixturevalue("shared")
                source = shared / "thirdparty" / PUBLISHED[name]
                paths, truths = photographs(shared, name)
            made[name] = Network(name, tmp_path_factory.mktemp(name), source, paths, truths)
        return made[name]

    yield network
    for one in made.values():
        one.ssd.close()


def test_the_table_has_five_of_each_kind_on_three_networks():
    for network in ("signs", "traffic", "adas"):
        for kind in KINDS:
            of_kind = [row for row in ROWS if (row["network"], row["kind"]) == (network, kind)]
            assert len(of_kind) >= 5, (network, kind)


def row_name(row):
    return f"{row['network']}, {row['kind']}: {row['mistake']} ({row['form']})"


@pytest.mark.long
@pytest.mark.parametrize("row", ROWS, ids=row_name)
def test_wrong_record(network_of, row):
    network = network_of(row["network"])
    with_truth = row.get("with_truth", False)
    if "refused" in row:
        with pytest.raises(CourseError, match=row["refused"]):
            network.report(row["form"], row["change"], with_truth)
        return
    report = network.report(row["form"], row["change"], with_truth)
    assert (row["named"] in report.fields()) != row.get("missed", False), report.findings


RIGHT = [(name, form) for name in (*SHIPPED, *PUBLISHED) for form in forms_of(name)]


@pytest.mark.long
@pytest.mark.parametrize(("name", "form"), RIGHT)
def test_right_record(network_of, name, form):
    report = network_of(name).report(form, {}, with_truth=name != "face_slim")
    assert report.findings == []
    assert any(map(len, report.found))


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_model_on_other_pictures(name):
    """A right record may find nothing in them, but no other word is better."""
    (other,) = set(SHIPPED) - {name}
    pictures = [read_image(path) for path in samples(other)[0][:4]]
    with TrtSSD(find_model(SHIPPED[name]), backend="cpu", verbose=False) as ssd:
        report = examine(Looks(ssd, pictures), ssd.spec)
    assert report.fields() == []
