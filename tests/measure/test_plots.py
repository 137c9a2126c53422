"""The figures: drawn from hand-made cases whose content is known, and files that are there."""

import cv2
import numpy as np
import pytest

from trt_course.__main__ import main
from trt_course.measure import plots, voc
from trt_course.measure.confusion import confusion_matrix


@pytest.fixture
def case():
    """A car found, a van called a car, a car missed, a false van, and a difficult car."""
    truth = voc.Truth(
        labels=["car", "van", "car", "car"],
        boxes=np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [0, 60, 50, 95], [100, 60, 110, 70]]),
        difficult=np.array([False, False, False, True]),
    )
    found = voc.Found(
        labels=["car", "car", "van"],
        confs=np.array([0.9, 0.8, 0.7]),
        boxes=np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [100, 0, 120, 20]]),
    )
    return {"a": truth}, {"a": found}


def test_confusion_matrix(case):
    matrix = confusion_matrix(*case, ["car", "van"])
    assert matrix.tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert confusion_matrix(*case, ["car", "van"], conf_th=0.85).tolist() == [
        [1, 0, 1],
        [0, 0, 1],
        [0, 0, 0],
    ]


def test_faults_are_ordered_and_leave_difficult_out(case):
    misses, alarms = plots.faults(*case)
    assert [(f.label, f.weight) for f in misses] == [("car", 1750.0), ("van", 1600.0)]
    assert [(f.label, f.weight) for f in alarms] == [("car", 0.8), ("van", 0.7)]


def test_contact_sheet_shows_the_crops(case):
    image = np.zeros((100, 130, 3), np.uint8)
    image[60:95, 0:50] = (200, 100, 50)
    misses, _ = plots.faults(*case)
    sheet = plots.contact_sheet(misses, lambda name: image, columns=2)
    assert sheet.shape == (150, 400, 3)
    middle = sheet[60:90, 80:120]
    assert (middle == (200, 100, 50)).all(axis=2).mean() > 0.9
    assert plots.contact_sheet([], None).shape == (150, 200, 3)


def test_figures_show_what_was_scored(case):
    result = voc.score(*case)
    legend = plots.pr_curves(result).axes[0].get_legend()
    labels = [text.get_text() for text in legend.get_texts()]
    assert labels == ["car  AP 0.500", "van  AP 0.000"]
    for figure in (
        plots.ap_bars(result),
        plots.count_bars(*case),
        plots.ap_by_height(*case),
        plots.confusion(*case),
    ):
        if figure.canvas:
            figure.canvas.draw()
        assert figure.axes


def test_command_writes_them(cells, tmp_path, cell_picture):
    truth = tmp_path / "ground-truth"
    truth.mkdir()
    (truth / "a.txt").write_text("red 64 32 96 64\nblue 10 10 60 60\n")
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), cell_picture)

    out = tmp_path / "plots"
    words = ["evaluate", "--model", str(cells), "--data", str(tmp_path), "--plots", str(out)]
    assert main(words) == 0
    names = sorted(path.stem for path in out.glob("[!.]*"))
    assert names == [
        "ap",
        "ap_by_height",
        "confusion",
        "counts",
        "precision_recall",
        "worst_false_alarms",
        "worst_misses",
    ]
    for path in out.glob("[!.]*"):
        assert cv2.imread(str(path)).std() > 5, path


def test_ground_truth_is_no_file_of_detections(tmp_path):
    (tmp_path / "a.txt").write_text("red 64 32 96 64\n")
    assert main(["evaluate", "--gt", str(tmp_path), "--det", str(tmp_path)]) == 2
