"""One tensor may lie in several ways; what all tensors of a network have in common tells in which.

The same numbers are written in each way: what is found must be the same.
"""

import json

import numpy as np
import pytest

from trt_course import CourseError
from trt_course.model.decode import Decoder
from trt_course.model.placement import placement
from trt_course.model.shapes import Tensor
from trt_course.model.spec import read_spec

SIDE = 64
GRIDS = [8, 4]  # cells of a side, for each of two scales; both could be columns of boxes, too


def spec_of(folder, output, labels):
    record = {
        "name": "m",
        "title": "m",
        "input": {"name": "i", "width": SIDE, "height": SIDE, "layout": "nchw", "color": "RGB"},
        "output": output,
        "labels": [f"class {number}" for number in range(labels)],
        "background": None,
    }
    path = folder / "model.json"
    path.write_text(json.dumps(record))
    return read_spec(path)


def numbers(labels, each_cell):
    """Boxes and scores of the places of each scale."""
    rng = np.random.default_rng(5)
    tables = []
    for cells in GRIDS:
        places = cells * cells * each_cell
        boxes = rng.random((places, 4), np.float32)
        boxes[:, 2:] = boxes[:, :2] + 0.1
        tables.append((boxes, rng.random((places, labels), np.float32)))
    return tables


def as_map(table, cells, way):
    """A row for each place -> the map of a picture's cells."""
    columns_last = table.reshape(1, cells, cells, -1)
    if way == "last":
        return columns_last
    return columns_last.transpose(0, 3, 1, 2)


def found_in(folder, output, outputs, labels=5):
    spec = spec_of(folder, output, labels)
    decoder = Decoder(spec)
    stated = {name: Tensor(array.shape, array.dtype) for name, array in outputs.items()}
    decoder.shapes.require_stated(stated, 1)
    (found,) = decoder.decode(outputs, [placement(spec, SIDE, SIDE)], conf_th=0.5)
    return found


def boxes_words(form, each_cell):
    if form == "corners":
        return {"form": form}
    rule = {"steps": [SIDE / cells for cells in GRIDS], "sizes": [[9] * each_cell] * 2}
    return {"form": form, "priors": rule}


@pytest.mark.parametrize("form", ["corners", "distances"])
@pytest.mark.parametrize("each_cell", [1, 2, 3])
@pytest.mark.parametrize("labels", [1, 2, 3, 8])
@pytest.mark.parametrize("way", ["first", "last"])
def test_maps_are_read_alike_by_what_all_of_them_tell(tmp_path, form, each_cell, labels, way):
    tables = numbers(labels, each_cell)
    words = boxes_words(form, each_cell)
    maps = {}
    for scale, (cells, (boxes, scores)) in enumerate(zip(GRIDS, tables)):
        maps[f"boxes{scale}"] = as_map(boxes, cells, way)
        maps[f"scores{scale}"] = as_map(scores, cells, way)
    by_map = {
        "boxes": dict(words, tensor=["boxes0", "boxes1"]),
        "scores": {"tensor": ["scores0", "scores1"]},
    }

    rows = {
        "boxes": np.concatenate([boxes for boxes, _ in tables])[None],
        "scores": np.concatenate([scores for _, scores in tables])[None],
    }
    by_row = {"boxes": dict(words, tensor="boxes"), "scores": {"tensor": "scores"}}

    found = found_in(tmp_path, by_map, maps, labels)
    assert len(found.boxes) > 10
    assert found == found_in(tmp_path, by_row, rows, labels)


def test_four_places_with_their_columns_first(tmp_path):
    """The scores tell: 4 x 4 boxes could lie in either way."""
    boxes, scores = numbers(labels=5, each_cell=1)[1]
    boxes = boxes[:4]
    scores = scores[:4]
    output = {"boxes": {"tensor": "boxes"}, "scores": {"tensor": "scores"}}
    rows = found_in(tmp_path, output, {"boxes": boxes[None], "scores": scores[None]})
    columns = found_in(tmp_path, output, {"boxes": boxes.T[None], "scores": scores.T[None]})
    assert len(rows.boxes)
    assert columns == rows


def test_columns_that_may_be_on_either_side_need_a_word(tmp_path):
    """As YOLOv8's: 84 of 8400 places, and not 8400 of 84."""
    table = np.zeros((1, 12, 500), np.float32)
    table[0, :, 7] = [0.1, 0.1, 0.5, 0.5, 0, 0, 0.9, 0, 0, 0, 0, 0]
    output = {
        "boxes": {"tensor": "all", "column": 0},
        "scores": {"tensor": "all", "column": 4},
    }
    message = r"m: the output all, output.boxes.tensor .* \(1, 12, 500\): either 12 or 500 may"
    with pytest.raises(CourseError, match=message + r" .*; wanted: output.boxes.values, first or"):
        found_in(tmp_path, output, {"all": table})

    for role in output.values():
        role["values"] = "first"
    assert found_in(tmp_path, output, {"all": table}).clss.tolist() == [2]

    # There are more places than columns, or exactly the columns that are named
    for role in output.values():
        del role["values"]
    assert found_in(tmp_path, output, {"all": table.transpose(0, 2, 1)}).clss.tolist() == [2]
    few = table[:, :, 6:8].transpose(0, 2, 1)[:, :, :9]
    assert found_in(tmp_path, output, {"all": few}).clss.tolist() == [2]
