"""COCO's own files scored as pycocotools scores them: called itself, on the same file."""

import json
from pathlib import Path

import numpy as np
import pytest

from measure.coco_files import (
    by_pycocotools,
    near_results,
    random_document,
    small_document,
    write,
)
from trt_course import TrtSSD
from trt_course.__main__ import main
from trt_course.measure import coco
from trt_course.measure.instances import read_instances, read_results
from trt_course.media.pictures import read_image

RECORDS = Path(__file__).parent.parent / "thirdparty"
MOBILENET = "coco_ssd_mobilenet_v1_q.onnx"
ADAS = "pedestrian_vehicle_adas_0001.onnx"
ROAD = {"car": "vehicle", "bus": "vehicle", "truck": "vehicle", "person": "pedestrian"}
SETS = ("coco_ccby", "coco_ccby_more")


def evaluate(folder, *words):
    """The figures of `evaluate --metric coco`."""
    figures = folder / "figures.json"
    given = ["evaluate", "--metric", "coco", "--json", figures, *words]
    assert main([str(word) for word in given]) == 0
    return json.loads(figures.read_text())


def assert_same(figures, wanted):
    """The command's figures are pycocotools', to a millionth."""
    numbers, classes = wanted
    assert figures.pop("classes") == pytest.approx(classes, abs=1e-6)
    assert figures == pytest.approx(numbers, abs=1e-6)


def model_folder(shared, folder, record, onnx):
    folder.mkdir()
    (folder / "model.json").write_text((RECORDS / record / "model.json").read_text())
    (folder / "model.onnx").symlink_to(shared / "thirdparty" / onnx)
    return folder


def detected(model, document, images):
    """What a model finds, as COCO's results under the numbers of the document."""
    numbers = {category["name"]: category["id"] for category in document["categories"]}
    results = []
    with TrtSSD(model, verbose=False) as ssd:
        for image in document["images"]:
            found = ssd.detect(read_image(images / image["file_name"]), 0.01)
            for box, conf, cls in zip(found.boxes, found.confs, found.clss):
                left, top, right, bottom = (float(side) for side in box)
                results.append(
                    {
                        "image_id": image["id"],
                        "category_id": numbers.get(ssd.spec.labels[cls]),
                        "bbox": [left, top, right - left, bottom - top],
                        "score": float(conf),
                    }
                )
    return [result for result in results if result["category_id"] is not None]


@pytest.mark.parametrize("name", SETS)
def test_a_model_on_photographs(shared, tmp_path, name):
    """The judge's detections are made apart from the command, with the model itself."""
    truth = shared / "data" / name / "instances.json"
    images = shared / "data" / name / "images"
    model = model_folder(shared, tmp_path / "model", "coco_mobilenet", MOBILENET)
    results = detected(model, json.loads(truth.read_text()), images)
    wanted = by_pycocotools(truth, write(tmp_path / "results.json", results))
    assert wanted[0]["AP"] > 0.15

    figures = evaluate(tmp_path, "--gt", truth, "--images", images, "--model", model)
    assert_same(figures, wanted)
    figures = evaluate(tmp_path, "--gt", truth, "--det", tmp_path / "results.json")
    assert_same(figures, wanted)


def test_a_model_of_coarser_classes(shared, tmp_path, capsys):
    """The judge gets a truth file in which cars, buses and trucks are one category."""
    truth = shared / "data/coco_ccby_more/instances.json"
    images = shared / "data/coco_ccby_more/images"
    model = model_folder(shared, tmp_path / "model", "adas", ADAS)

    document = json.loads(truth.read_text())
    numbers = {"vehicle": 1, "pedestrian": 2}
    old_names = {category["id"]: category["name"] for category in document["categories"]}
    kept = []
    for annotation in document["annotations"]:
        new_name = ROAD.get(old_names[annotation["category_id"]])
        if new_name:
            kept.append({**annotation, "category_id": numbers[new_name]})
    document["annotations"] = kept
    document["categories"] = [{"id": number, "name": name} for name, number in numbers.items()]
    coarse = write(tmp_path / "coarse.json", document)
    results = write(tmp_path / "results.json", detected(model, document, images))

    words = ["--gt", truth, "--images", images, "--model", model]
    words += ["--classes", "car,bus,truck=vehicle", "person=pedestrian"]
    assert_same(evaluate(tmp_path, *words), by_pycocotools(coarse, results))
    said = capsys.readouterr().err
    assert "Not scored, because adas has no label for them: 3 of the 5 classes in the" in said


@pytest.fixture(params=["COCOeval_faster", "COCOeval"])
def library(request, monkeypatch):
    """Each of the two libraries that the kit may find."""
    if request.param == "COCOeval":
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        monkeypatch.setattr(coco, "_library", lambda: (COCO, COCOeval))
    assert coco._library()[1].__name__ == request.param


def files_of(seed, folder):
    """A truth file and a file of results."""
    rng = np.random.RandomState(seed)
    document = random_document(rng)
    results = near_results(rng, document)
    return write(folder / "truth.json", document), write(folder / "results.json", results)


@pytest.mark.parametrize("seed", range(12))
def test_equals_pycocotools(library, tmp_path, seed):
    truth, results = files_of(seed, tmp_path)
    numbers, classes = by_pycocotools(truth, results)
    instances = read_instances(truth)
    founds = read_results(results, instances)
    order = list(instances.truths)
    score = coco.score(*coco.from_voc(instances.truths, founds, order))
    assert score.numbers == pytest.approx(numbers, abs=1e-9)
    assert score.classes == pytest.approx(classes, abs=1e-9)


def test_sides_stay_as_the_file_has_them(tmp_path):
    """COCO counts an area of 32 x 32 as small and as medium; a little less is small only."""
    left = 0.3
    assert (left + 32) - left < 32
    document = random_document(np.random.RandomState(0))
    image = document["images"][0]["id"]
    document["annotations"] = [
        {
            "id": 1,
            "image_id": image,
            "category_id": 2,
            "bbox": [100, 100, 50, 50],
            "area": 2500,
            "iscrowd": 0,
        }
    ]
    hit = {"image_id": image, "category_id": 2, "bbox": [100, 100, 50, 50], "score": 0.5}
    alarm = {**hit, "bbox": [left, left, 32, 32], "score": 0.9}
    truth = write(tmp_path / "truth.json", document)
    results = write(tmp_path / "results.json", [hit, alarm])
    wanted = by_pycocotools(truth, results)
    assert wanted[0]["AP_medium"] == pytest.approx(0.5)
    assert_same(evaluate(tmp_path, "--gt", truth, "--det", results), wanted)


def test_an_annotation_of_id_0_can_be_found(tmp_path):
    """pycocotools notes who found what by ids, and 0 as nobody."""
    document = small_document()
    rows = document["annotations"]
    results = [{**row, "score": 0.5} for row in rows if not row["iscrowd"]]
    found = write(tmp_path / "r.json", results)
    right = by_pycocotools(write(tmp_path / "from_2.json", document), found)
    rows[0]["id"] = 0
    truth = write(tmp_path / "from_0.json", document)
    assert by_pycocotools(truth, found)[0]["AP"] < right[0]["AP"]
    assert_same(evaluate(tmp_path, "--gt", truth, "--det", found), right)
