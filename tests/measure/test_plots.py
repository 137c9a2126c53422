"""The figures: drawn from hand-made cases whose content is known, and files that are there."""

import cv2
import numpy as np
import pytest

from trt_course.__main__ import main
from trt_course.measure import plots, voc


@pytest.fixture
def case():
    """A car found, a van called a car, a car missed, a false van, and a difficult car."""
    truths = {
        "a": voc.Truth(
            ["car", "van", "car", "car"],
            np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [0, 60, 50, 95], [100, 60, 110, 70]]),
            np.array([0, 0, 0, 1], bool),
        )
    }
    founds = {
        "a": voc.Found(
            ["car", "car", "van"],
            np.array([0.9, 0.8, 0.7]),
            np.array([[0.0, 0, 20, 20], [40, 0, 80, 40], [100, 0, 120, 20]]),
        )
    }
    return truths, founds


def test_confusion_matrix(case):
    matrix = plots.confusion_matrix(*case, ["car", "van"])
    assert matrix.tolist() == [[1, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert plots.confusion_matrix(*case, ["car", "van"], conf_th=0.85).tolist() == [
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
    sheet = plots.contact_sheet(plots.faults(*case)[0], lambda name: image, columns=2)
    assert sheet.shape == (150, 400, 3)
    assert (sheet[60:90, 80:120] == (200, 100, 50)).all(axis=2).mean() > 0.9
    assert plots.contact_sheet([], None).shape == (150, 200, 3)


def test_figures_show_what_was_scored(case):
    result = voc.score(*case)
    labels = [text.get_text() for text in plots.pr_curves(result).axes[0].get_legend().get_texts()]
    assert labels == ["car  AP 0.500", "van  AP 0.000"]
    for figure in (
        plots.ap_bars(result),
        plots.count_bars(*case),
        plots.ap_by_height(*case),
        plots.confusion(*case),
    ):
        figure.canvas.draw() if figure.canvas else None
        assert figure.axes


def test_command_writes_them(cells, tmp_path, cell_picture):
    (tmp_path / "images").mkdir()
    (tmp_path / "ground-truth").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), cell_picture)
    (tmp_path / "ground-truth/a.txt").write_text("red 64 32 96 64\nblue 10 10 60 60\n")
    out = tmp_path / "plots"
    assert (
        main(["evaluate", "--model", str(cells), "--data", str(tmp_path), "--plots", str(out)]) == 0
    )
    names = sorted(path.stem for path in out.iterdir())
    assert names == [
        "ap",
        "ap_by_height",
        "confusion",
        "counts",
        "precision_recall",
        "worst_false_alarms",
        "worst_misses",
    ]
    assert all(cv2.imread(str(path)).std() > 5 for path in out.iterdir())
    assert (
        main(
            [
                "evaluate",
                "--gt",
                str(tmp_path / "ground-truth"),
                "--det",
                str(tmp_path / "ground-truth"),
            ]
        )
        == 2
    )
