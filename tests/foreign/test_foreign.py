"""The record's words describe detectors that nobody here made.

Each network has the outputs of a published detector. What the kit finds by the record alone must be
what the authors' own code finds (tools/judge_families.py asked it once).
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from foreign.mistakes import HARMLESS, wrong_records
from foreign.nets import NETS, PRIORS
from foreign.onnx_file import write_net
from foreign.picture import CONFIDENCE, HEIGHT, WIDTH, picture
from foreign.planted import logit
from trt_course import CourseError, TrtSSD, find_model
from trt_course.media.pictures import images_in, read_image
from trt_course.model.priors import priors_of

HERE = Path(__file__).parent
PIXELS = 0.1  # the promise is 0.5, which a wrong half of a pixel would pass
SCORE = 0.001


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A function that gives the path of a family's network, written the first time."""
    folder = tmp_path_factory.mktemp("networks")

    def network(name):
        path = folder / f"{name}.onnx"
        if not path.exists():
            write_net(NETS[name](), path)
        return path

    return network


@pytest.fixture
def model(networks, tmp_path):
    """A function that makes the model folder of a family, perhaps with another record."""

    def make(name, record=None):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        text = (HERE / "records" / name / "model.json").read_text()
        if record is not None:
            text = json.dumps(record)
        (folder / "model.json").write_text(text)
        if name in PRIORS:
            np.save(str(folder / "priors.npy"), PRIORS[name]().astype(np.float32))
        if not (folder / "model.onnx").exists():
            (folder / "model.onnx").symlink_to(networks(name))
        return folder

    return make


def found_by(folder, image):
    with TrtSSD(folder, backend="cpu", verbose=False) as ssd:
        return ssd.detect(image, conf_th=CONFIDENCE)


def differences(name, found):
    """What in the detections is not as expected, in sentences; none if all is."""
    expected = json.loads((HERE / "expected" / f"{name}.json").read_text())["found"]
    sentences = []
    if len(found.boxes) != len(expected):
        sentences.append(f"{len(found.boxes)} found, expected {len(expected)}")
    free = list(range(len(found.boxes)))
    for row in expected:
        fits = [i for i in free if is_near(found, i, row)]
        if fits:
            free.remove(fits[0])
        else:
            sentences.append(f"nothing like {row}")
    return sentences + [f"not expected: {found.clss[i]} {found.boxes[i]}" for i in free]


def is_near(found, index, row):
    """Whether a detection is of the expected class, at its place, as sure."""
    apart = np.abs(found.boxes[index] - row["box"]).max()
    return (
        found.clss[index] == row["class"]
        and apart <= PIXELS
        and abs(found.confs[index] - row["score"]) <= SCORE
    )


def wrong_names(name, labels):
    """The expected classes that the record calls otherwise; COCO has numbers without a name."""
    expected = json.loads((HERE / "expected" / f"{name}.json").read_text())["found"]
    names = {row["class"]: row["name"] for row in expected if row["name"] != "N/A"}
    return [cls for cls, known in names.items() if labels[cls : cls + 1] != (known,)]


@pytest.mark.parametrize("name", NETS)
def test_it_finds_what_the_authors_code_finds(name, model):
    folder = model(name)
    assert differences(name, found_by(folder, picture())) == []
    assert wrong_names(name, find_model(folder).labels) == []


@pytest.mark.parametrize("name", NETS)
def test_every_wrong_word_shows(name, model):
    """The comparison can fail: for each word of each record, it does, or the record is refused."""
    record = json.loads((HERE / "records" / name / "model.json").read_text())
    unnoticed = []
    for word, wrong in wrong_records(record):
        if (name, word) in HARMLESS:
            continue
        try:
            folder = model(name, wrong)
            found = found_by(folder, picture())
        except CourseError:
            continue
        if not differences(name, found) and not wrong_names(name, find_model(folder).labels):
            unnoticed.append(word)
    assert unnoticed == []


@pytest.mark.parametrize("name", json.loads((HERE / "expected/priors.json").read_text()))
def test_a_records_priors_are_the_librarys_own(name, model):
    expected = json.loads((HERE / "expected/priors.json").read_text())[name]
    priors = priors_of(find_model(model(name)))
    assert len(priors) == expected["count"]
    assert priors[::97] == pytest.approx(np.array(expected["every_97th"]), abs=2e-6)
    assert priors.astype(float).sum(axis=0) == pytest.approx(expected["sum"], abs=0.003)


@pytest.mark.parametrize("order", ["width_height", "height_width"])
def test_the_size_goes_in_by_its_order(order, tmp_path):
    """On an input that is wider than high, boxes in pixels of what went in fill the picture."""
    net = NETS["dfine"]()
    numbers = {"width_height": (1, 2, 1, 2), "height_width": (2, 1, 2, 1)}[order]
    net = net._replace(
        input=net.input._replace(shape=(1, 3, 480, 640)),
        size=(net.size[0]._replace(numbers=numbers),),
    )
    write_net(net, tmp_path / "model.onnx")
    record = json.loads((HERE / "records/dfine/model.json").read_text())
    record["input"].update(height=480, resize="stretch")
    record["input"]["size"]["order"] = order
    (tmp_path / "model.json").write_text(json.dumps(record))

    sure = net.outputs["scores"][0] > CONFIDENCE
    wanted = net.outputs["boxes"][0][sure].clip(0, 1) * [WIDTH, HEIGHT, WIDTH, HEIGHT]
    found = found_by(tmp_path, picture()).boxes
    assert sorted(map(list, found)) == [
        pytest.approx(box, abs=PIXELS) for box in sorted(map(list, wanted))
    ]


def as_logits(name, outputs):
    """The outputs with their scores as logits, which a sigmoid makes the same scores again."""
    changed = dict(outputs)
    for tensor, value in outputs.items():
        if tensor.startswith(("cls", "obj")):
            changed[tensor] = logit(value.clip(1e-6, 1 - 1e-6))
        elif name == "yolov5":
            changed[tensor] = np.concatenate(
                [value[..., :4], logit(value[..., 4:].clip(1e-6, 1 - 1e-6))], axis=-1
            )
    return changed


@pytest.mark.parametrize("name", ["yolov5", "yunet"])
def test_logits_find_what_scores_find(name, tmp_path):
    """Also where two scores of a box are joined."""
    blind = NETS[name]()
    blind = blind._replace(seen=blind.seen._replace(gain=0.0))
    record = json.loads((HERE / "records" / name / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(record))
    write_net(blind, tmp_path / "model.onnx")
    by_scores = found_by(tmp_path, picture())

    for role in ("scores", "objectness"):
        record["output"][role]["activation"] = "sigmoid"
    (tmp_path / "model.json").write_text(json.dumps(record))
    write_net(blind._replace(outputs=as_logits(name, blind.outputs)), tmp_path / "model.onnx")
    by_logits = found_by(tmp_path, picture())

    assert len(by_scores.boxes) > 5
    assert by_logits.boxes == pytest.approx(by_scores.boxes, abs=PIXELS)
    assert by_logits.confs == pytest.approx(by_scores.confs, abs=SCORE)
    assert by_logits.clss.tolist() == by_scores.clss.tolist()


FILES = {
    "adas": "pedestrian_vehicle_adas_0001.onnx",
    "face_slim": "face_slim_320.onnx",
    "coco_mobilenet": "coco_ssd_mobilenet_v1_q.onnx",
}


@pytest.mark.parametrize("name", FILES)
def test_real_models_need_no_layout(name, shared, tmp_path):
    """In the record's words they find what they find by the layout that they were tried with."""
    finds = []
    for records in (HERE / "plain_records", HERE.parent / "thirdparty"):
        folder = tmp_path / records.name
        folder.mkdir()
        shutil.copy(str(records / name / "model.json"), str(folder))
        (folder / "model.onnx").symlink_to(shared / "thirdparty" / FILES[name])
        with TrtSSD(folder, backend="cpu", verbose=False) as ssd:
            pictures = [read_image(path) for path in images_in(shared / "data/coco_ccby/images")]
            finds.append([ssd.detect(image, conf_th=CONFIDENCE) for image in pictures[:12]])
    plain, before = finds
    assert sum(len(one.boxes) for one in plain) > 0
    assert plain == before
