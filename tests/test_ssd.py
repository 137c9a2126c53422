"""TrtSSD from picture to boxes, on a small real network."""

import gc
import json
import weakref

import numpy as np
import pytest
from onnx import TensorProto, helper, load, save

from conftest import RECORD, write_model, write_sized_model
from odd_nets import BLACK, open_odd, right_outputs
from trt_course import CourseError, TrtSSD
from trt_course.engine import CpuEngine, choose
from trt_course.support.trace import tracing


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


def test_a_network_that_is_told_the_picture_s_size(ssd, tmp_path, cell_picture):
    """Its height first; told the width first, it makes other boxes."""
    folder = write_sized_model(tmp_path / "sized")
    with TrtSSD(folder, verbose=False) as sized:
        found = sized.detect_batch([cell_picture, cell_picture[:100], cell_picture])
    for some, picture in zip(found, [cell_picture, cell_picture[:100], cell_picture]):
        wanted = ssd.detect(picture)
        assert np.allclose(some.boxes, wanted.boxes, atol=1e-3)
        assert some.clss.tolist() == wanted.clss.tolist()

    record = json.loads((folder / "model.json").read_text())
    record["input"]["size"]["order"] = "width_height"
    (folder / "model.json").write_text(json.dumps(record))
    with TrtSSD(folder, verbose=False) as turned:
        assert not np.allclose(turned.detect(cell_picture).boxes, found[0].boxes, atol=1)


@pytest.mark.parametrize(
    "kind, columns, said",
    [
        (TensorProto.INT64, 3, r"int64 \(-1, 3\)"),
        (TensorProto.UINT8, 2, r"uint8 \(-1, 2\)"),
    ],
)
def test_a_second_input_that_cannot_take_a_size_is_refused(tmp_path, kind, columns, said):
    folder = write_sized_model(tmp_path / "sized")
    model = load(str(folder / "model.onnx"))
    model.graph.input.pop()
    model.graph.input.append(helper.make_tensor_value_info("size", kind, ["n", columns]))
    save(model, str(folder / "model.onnx"))
    message = f"the input size, input.size.name in model.json, is of {said}; wanted: two numbers"
    with pytest.raises(CourseError, match=message):
        TrtSSD(folder, backend="cpu", verbose=False)


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
        ("input", {"name": "data"}, "names the input data; the network's inputs are: input"),
        (
            "input",
            {"width": 100},
            r"an input of float32 \(3, 96, 100\); the network wants float32 \(3, 96, 128\)",
        ),
        ("input", {"layout": "nhwc"}, r"\(96, 128, 3\)"),
        (
            "output",
            {"tensors": {"boxes": "box", "scores": "scores"}},
            r"names the output box \(output.tensors.boxes of the layout boxes_scores\); "
            "the network's outputs are",
        ),
    ],
)
def test_record_and_network_must_agree(tmp_path, part, change, message):
    folder = write_model(tmp_path)
    record = {**RECORD, part: {**RECORD[part], **change}}
    (folder / "model.json").write_text(json.dumps(record))
    with pytest.raises(CourseError, match=message):
        TrtSSD(folder, verbose=False)


class Kept(CpuEngine):
    """An engine that the test still knows when its detector was never there."""

    opened = []

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.opened.append(self)


@pytest.mark.parametrize(
    "part, change",
    [
        ("input", {"name": "data"}),
        ("input", {"width": 100}),
        ("output", {"tensors": {"boxes": "box", "scores": "scores"}}),
        ("output", {"layout": "nms7", "tensors": {"rows": "boxes"}}),
    ],
)
def test_a_network_that_does_not_fit_leaves_no_engine_open(tmp_path, monkeypatch, part, change):
    """It would keep its memory, on a GPU most of it, as long as the error is looked at."""
    monkeypatch.setattr(choose, "CpuEngine", Kept)
    monkeypatch.setattr(Kept, "opened", [])
    folder = write_model(tmp_path)
    record = {**RECORD, part: {**RECORD[part], **change}}
    (folder / "model.json").write_text(json.dumps(record))
    with pytest.raises(CourseError):
        TrtSSD(folder, backend="cpu", verbose=False)
    (engine,) = Kept.opened
    with pytest.raises(CourseError, match="closed"):
        engine.infer(engine.new_request())


def test_closing_frees_the_engine_and_the_buffers(cells, cell_picture):
    ssd = TrtSSD(cells, verbose=False)
    request = weakref.ref(ssd.prepare([cell_picture]).request)
    ssd.close()
    ssd.close()
    gc.collect()
    assert request() is None
    with pytest.raises(CourseError, match="This engine is closed"):
        ssd.detect(cell_picture)


def test_warming_up_runs_the_network_and_counts_for_nothing(tmp_path):
    outputs = right_outputs("boxes_scores")
    outputs["scores"][0, 1] = np.nan
    with open_odd(tmp_path, "boxes_scores", outputs) as ssd:
        with tracing(tmp_path / "trace.json"):
            assert ssd.warm_up() is ssd
        rows = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
        names = [row["name"] for row in rows if row["ph"] == "X"]
        assert names == ["prepare", "network", "decode"]
        assert sum(ssd.oddities.counts.values()) == 0
        ssd.detect(BLACK)
        assert sum(ssd.oddities.counts.values()) == 1


def test_a_trace_says_how_many_pictures_were_prepared(ssd, cell_picture, tmp_path):
    with tracing(tmp_path / "trace.json"):
        ssd.detect_batch([cell_picture] * 10)
    rows = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    prepared = [row["args"]["pictures"] for row in rows if row["name"] == "prepare"]
    assert prepared == [8, 2]


def test_unless_asked_one_request_runs_at_a_time_on_all_cores(ssd):
    assert ssd.engine.lanes == 1
    assert ssd.engine._session.get_session_options().intra_op_num_threads == 0
    with TrtSSD(ssd.spec, lanes=3, backend="cpu", verbose=False) as other:
        assert other.engine.lanes == 3


@pytest.mark.parametrize("conf_th", [-0.1, 1.1, float("nan"), "0.5"])
def test_a_threshold_that_none_can_reach_is_refused(ssd, cell_picture, conf_th):
    with pytest.raises(CourseError, match="conf_th is .*; wanted: a number from 0 to 1"):
        ssd.detect(cell_picture, conf_th)


def test_a_number_out_of_range_is_named_before_tensorrt_is_looked_for(cells):
    with pytest.raises(CourseError, match="lanes is 0; wanted: a whole number from 1 to 64"):
        TrtSSD(cells, backend="tensorrt", lanes=0)
