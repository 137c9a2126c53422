"""The record's words describe detectors that nobody here made.

Each network has the outputs of a published detector. What the kit finds by the record alone must be
what the authors' own code finds (tools/judge_families.py asked it once).
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from foreign.face_nets import ultraface_priors
from foreign.nets import NETS
from foreign.onnx_file import write_net
from foreign.picture import CONFIDENCE, picture
from trt_course import CourseError, TrtSSD, find_model
from trt_course.measure import voc
from trt_course.media.pictures import images_in, read_image
from trt_course.model.priors import make_priors

HERE = Path(__file__).parent
PIXELS = 0.5
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
        if name == "ultraface_raw":
            np.save(str(folder / "priors.npy"), ultraface_priors().astype(np.float32))
        if not (folder / "model.onnx").exists():
            shutil.copy(str(networks(name)), str(folder / "model.onnx"))
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


@pytest.mark.parametrize("name", NETS)
def test_it_finds_what_the_authors_code_finds(name, model):
    assert differences(name, found_by(model(name), picture())) == []
