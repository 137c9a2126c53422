"""The realism check counts as it says.

The gate holds on a few scenes, where the real detector is at hand.
"""

import numpy as np
import pytest

import check_realism as cr
from trt_course.measure import voc

BOX = np.array([10, 10, 60, 110.0])
NONE = np.zeros((0, 4))


def found(*rows):
    """Detections of pedestrians, given as (confidence, box)."""
    confs = np.array([conf for conf, _ in rows])
    boxes = np.array([box for _, box in rows], float)
    return voc.Found(["pedestrian"] * len(rows), confs, boxes)


def test_second_box_on_an_object_stays_and_is_wrong():
    kept = cr.without_excused(found((0.9, BOX), (0.8, BOX + 2)), "pedestrian", BOX[None], NONE)
    truth = voc.Truth(["pedestrian"], BOX[None], np.zeros(1, bool))
    result = voc.score({"a": truth}, {"a": kept}).classes["pedestrian"]
    assert (result.hits, result.false_alarms) == (1, 1)


def test_what_lies_on_an_ignored_object_or_is_small_does_not_count():
    rows = found((0.9, BOX), (0.7, [200, 10, 210, 30]), (0.6, [300, 10, 330, 90]))
    assert cr.without_excused(rows, "pedestrian", NONE, BOX[None]).confs.tolist() == [0.6]
    assert len(cr.without_excused(rows, "vehicle", NONE, NONE).labels) == 0


def test_parts_cover_the_whole_picture_and_know_what_they_cut():
    image = np.zeros((384, 1248, 3), np.uint8)
    box = np.array([[600, 0, 700, 50.0]])
    parts = cr.views(image, box, "crops")
    widths = [part.shape[1] for part, _, _ in parts]
    assert widths == [683, 683]
    shares = [round(float(kept[0]), 2) for _, _, kept in parts]
    assert shares == [0.83, 1.0]


def test_a_missing_detector_is_told(capsys, tmp_path):
    assert cr.main(["--shared", str(tmp_path)]) == 2
    assert "There is no detector" in capsys.readouterr().err


@pytest.mark.long
def test_gate_on_a_few_scenes(shared, capsys):
    assert cr.main(["--shared", str(shared), "--count", "10"]) == 0
    assert "gate passed" in capsys.readouterr().out
