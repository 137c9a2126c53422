"""TrtSSD from picture to boxes, on a small real network."""

import json

import numpy as np
import pytest

from conftest import RECORD, write_model
from trt_course import CourseError, TrtSSD


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


def test_finds_what_is_there(ssd, cell_picture):
    boxes, confs, clss = ssd.detect(cell_picture)
    assert clss.tolist() == [3, 2]
    assert boxes.tolist() == [[64, 32, 96, 64], [192, 128, 224, 160]]
    assert np.allclose(confs, [1, 200 / 255], atol=1e-5)


def test_threshold_of_the_record_and_ones_own(ssd, cell_picture, tmp_path):
    assert len(ssd.detect(cell_picture, 0.9)) == 1
    assert len(ssd.detect(cell_picture, conf_th=0.3)) == 2
    strict = write_model(tmp_path, conf_threshold=0.9)
    with TrtSSD(strict, verbose=False) as other:
        assert len(other.detect(cell_picture)) == 1


@pytest.mark.parametrize("batch", ["n", 1, 4])
def test_batch_equals_single(tmp_path, cell_picture, batch):
    rng = np.random.RandomState(0)
    images = []
    for height, width in ((90, 120), (200, 300), (96, 128)):
        images.append(rng.randint(0, 256, (height, width, 3)).astype(np.uint8))
    images = images * 4 + [cell_picture]

    with TrtSSD(write_model(tmp_path, batch=batch), verbose=False) as ssd:
        together = ssd.detect_batch(images)
        assert together == [ssd.detect(image) for image in images]
        assert ssd.detect_batch([]) == []


def test_grey_and_alpha_pictures(ssd, cell_picture):
    opaque = np.full(cell_picture.shape[:2], 255, np.uint8)
    alpha = np.dstack([cell_picture, opaque])
    assert ssd.detect(alpha) == ssd.detect(cell_picture)

    white = np.full((96, 128), 255, np.uint8)
    assert len(ssd.detect(white, 0.99)) == 100
    with pytest.raises(CourseError, match="cv2.imread returns None"):
        ssd.detect(None)


def test_says_which_engine_and_why(cells, capsys):
    TrtSSD(cells).close()
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert "ONNX Runtime" in out
    assert "not with TensorRT: " in out


def test_original_call_with_the_input_size(cells):
    TrtSSD(cells, (96, 128), verbose=False).close()
    TrtSSD(cells, (128, 96), verbose=False).close()
    with pytest.raises(CourseError, match="takes pictures of 128 x 96, not .300, 300."):
        TrtSSD(cells, (300, 300), verbose=False)


@pytest.mark.parametrize(
    "part, change, message",
    [
        ("input", {"name": "data"}, "calls the input 'data'; the network's inputs are: input"),
        (
            "input",
            {"width": 100},
            r"an input of float32 \(3, 96, 100\); the network wants float32 \(3, 96, 128\)",
        ),
        ("input", {"layout": "nhwc"}, r"\(96, 128, 3\)"),
        (
            "output",
            {"tensors": {"boxes": "box", "scores": "scores"}},
            r"names the output box \(output.tensors.boxes\); the network's outputs are",
        ),
    ],
)
def test_record_and_network_must_agree(tmp_path, part, change, message):
    folder = write_model(tmp_path)
    record = {**RECORD, part: {**RECORD[part], **change}}
    (folder / "model.json").write_text(json.dumps(record))
    with pytest.raises(CourseError, match=message):
        TrtSSD(folder, verbose=False)
