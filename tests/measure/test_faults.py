"""The worst faults: which misses and false alarms are shown, in which order, and how."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from trt_course.__main__ import main
from trt_course.measure import evaluate, plots, voc
from trt_course.measure.plots import Fault

MISS_COLOR = (0, 215, 255)
ALARM_COLOR = (80, 80, 255)
DARK = (60, 60, 60)  # what lies outside of the picture
GREY = (128, 128, 128)
FIND = voc.Found(["car"], np.array([0.3]), np.array([[0.0, 0, 9, 9]]))


def truth_of(*rows):
    """Rows are a class, a box and whether it is difficult."""
    boxes = np.array([box for _, box, _ in rows], dtype=float).reshape(-1, 4)
    difficult = np.array([difficult for _, _, difficult in rows], dtype=bool)
    return voc.Truth([label for label, _, _ in rows], boxes, difficult)


def found_of(*rows):
    """Rows are a class, a box and a confidence."""
    boxes = np.array([box for _, box, _ in rows], dtype=float).reshape(-1, 4)
    return voc.Found([row[0] for row in rows], np.array([row[2] for row in rows]), boxes)


def summary(faults):
    return [(fault.image, fault.label, fault.box.tolist(), fault.weight) for fault in faults]


def test_misses_come_largest_first_and_alarms_surest_first():
    truths = {
        "a": truth_of(
            ("car", [0, 0, 20, 20], False),
            ("van", [40, 0, 80, 40], False),
            ("car", [100, 60, 110, 70], True),
        ),
        "b": truth_of(("car", [0, 60, 50, 95], False)),
    }
    founds = {
        "a": found_of(("car", [0, 0, 20, 20], 0.9), ("van", [100, 0, 120, 20], 0.7)),
        "b": found_of(("bus", [1, 2, 3, 4], 0.8), ("car", [5, 5, 9, 9], 0.29)),
    }
    misses, alarms = plots.faults(truths, founds)
    assert summary(misses) == [
        ("b", "car", [0, 60, 50, 95], 1750),
        ("a", "van", [40, 0, 80, 40], 1600),
    ]
    assert summary(alarms) == [
        ("b", "bus", [1, 2, 3, 4], 0.8),
        ("a", "van", [100, 0, 120, 20], 0.7),
    ]
    assert all(fault.missed for fault in misses)
    assert not any(fault.missed for fault in alarms)


def test_what_reaches_confidence_and_overlap_just_so_is_no_fault():
    half = truth_of(("car", [0, 0, 9, 4], False))  # 50 of 100 pixels
    assert plots.faults({"a": half}, {"a": FIND}) == ([], [])
    less = truth_of(("car", [0, 0, 9, 3], False))
    misses, alarms = plots.faults({"a": less}, {"a": FIND})
    assert (len(misses), len(alarms)) == (1, 1)

    misses, alarms = plots.faults({"a": half}, {"a": FIND}, conf_th=0.31)
    assert (len(misses), len(alarms)) == (1, 0)
    misses, alarms = plots.faults({"a": half}, {"a": FIND}, min_iou=0.51)
    assert (len(misses), len(alarms)) == (1, 1)


def test_a_box_on_a_difficult_object_is_no_false_alarm():
    truths = {"a": truth_of(("car", [0, 0, 9, 9], True))}
    assert plots.faults(truths, {"a": FIND}) == ([], [])


# The contact sheet, of tiles of 200 x 150 ---------------------------------------------------------


def text_line(text, color):
    """The 18 rows at the foot of a tile."""
    line = np.zeros((18, 200, 3), np.uint8)
    cv2.putText(line, text, (4, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
    return line


def sheet_of(box, missed, picture):
    fault = Fault("a", "car", np.array(box, dtype=float), 0.75, missed)
    return plots.contact_sheet([fault], {"a": picture}.__getitem__, columns=1)


@pytest.mark.parametrize(
    "missed, color, text",
    [(True, MISS_COLOR, "missed car"), (False, ALARM_COLOR, "car 0.75?")],
)
def test_a_tile_says_what_is_wrong_in_words_and_colour(missed, color, text):
    picture = np.full((400, 400, 3), GREY, np.uint8)
    tile = sheet_of([150, 160, 250, 220], missed, picture)
    assert tile.shape == (150, 200, 3)
    assert (tile[132:] == text_line(text, color)).all()
    assert tuple(tile[75, 100].tolist()) == GREY
    assert (tile[:132] == color).all(axis=2).sum() > 300  # the box's outline


def outline(tile, color):
    """The outermost pixels of a colour above the line of text: left, top, right, bottom."""
    mask = (tile[:132] == color).all(axis=2)
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])]


# Half the tile is 0.9 times the box's height or width, or 30 pixels of the picture.
@pytest.mark.parametrize(
    "box, scale",
    [
        ([100, 100, 200, 200], 75 / 90),
        ([50, 100, 350, 120], 100 / 270),
        ([200, 150, 210, 156], 75 / 30),
        ([200, 140, 210, 173], 75 / 30),
        ([200, 140, 210, 174], 75 / 30.6),
    ],
)
def test_a_tile_shows_the_box_in_the_middle_with_a_margin(box, scale):
    picture = np.full((300, 400, 3), GREY, np.uint8)
    left, top, right, bottom = box
    picture[top:bottom, left:right] = (200, 100, 50)
    tile = sheet_of(box, True, picture)
    wide = (right - left) * scale / 2
    high = (bottom - top) * scale / 2

    # The line has 3 pixels, of which the middle one is the box's.
    wanted = [99 - wide, 74 - high, 101 + wide, 76 + high]
    assert outline(tile, MISS_COLOR) == pytest.approx(wanted, abs=0.51)
    first_column, first_row, last_column, last_row = outline(tile, MISS_COLOR)
    inside = tile[first_row + 4 : last_row - 3, first_column + 4 : last_column - 3]
    assert inside.size
    assert (inside == (200, 100, 50)).all()


def test_what_lies_outside_of_the_picture_is_dark():
    picture = np.full((300, 400, 3), GREY, np.uint8)
    tile = sheet_of([0, 0, 40, 30], False, picture)
    assert tuple(tile[2, 2].tolist()) == DARK
    assert tuple(tile[75, 100].tolist()) == GREY


def test_a_sheet_fills_its_rows_with_white():
    pictures = {
        name: np.full((100, 100, 3), number, np.uint8) for number, name in enumerate("abcd")
    }
    listed = [Fault(name, "car", np.array([40.0, 40, 60, 60]), 0.5, True) for name in "abcd"]
    sheet = plots.contact_sheet(listed, pictures.__getitem__, columns=3)
    assert sheet.shape == (300, 600, 3)
    middles = [
        int(sheet[75 + 150 * row, 100 + 200 * column, 0]) for row, column in np.ndindex(2, 3)
    ]
    assert middles == [0, 1, 2, 3, 255, 255]
    assert (sheet[150:, 200:] == 255).all()

    assert plots.contact_sheet(listed, pictures.__getitem__).shape == (150, 1200, 3)
    assert plots.contact_sheet(listed * 2, pictures.__getitem__).shape == (300, 1200, 3)
    nothing = plots.contact_sheet([], None)
    assert nothing.shape == (150, 200, 3)
    assert (nothing == 255).all()


# The files ----------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path, cell_picture):
    """A picture whose green cell is not in the ground truth, which has 25 blue ones instead."""
    (tmp_path / "ground-truth").mkdir()
    blue = "".join(f"blue 10 10 60 {number}\n" for number in range(60, 85))
    (tmp_path / "ground-truth/a.txt").write_text("red 64 32 96 64\n" + blue)
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images/a.png"), cell_picture)
    return tmp_path


def test_each_figure_stands_in_the_file_of_its_name(cells, data, cell_picture):
    out = data / "plots"
    words = ["evaluate", "--model", str(cells), "--data", str(data), "--plots", str(out)]
    assert main(words) == 0
    files = {path.stem: cv2.imread(str(path)) for path in out.glob("[!.]*")}

    # By their sizes, of 110 pixels an inch; two are alike in that.
    sizes = {name: picture.shape[:2] for name, picture in files.items()}
    assert sizes == {
        "precision_recall": (495, 660),
        "ap": (242, 660),
        "counts": (242, 660),
        "ap_by_height": (440, 770),
        "confusion": (539, 693),
        "worst_misses": (600, 1200),  # 24 of the 25
        "worst_false_alarms": (150, 1200),
    }
    truths = {"a": voc.read_truth(data / "ground-truth/a.txt")}
    green = ("green", [192, 128, 224, 160], 0.784315825)
    founds = {"a": found_of(("red", [64, 32, 96, 64], 1.0), green)}
    bars = data / "bars.png"
    plots.ap_bars(voc.score(truths, founds)).savefig(str(bars), dpi=110)
    assert (files["ap"] == cv2.imread(str(bars))).all()
    assert (files["counts"] != files["ap"]).any()

    misses, alarms = plots.faults(truths, founds)
    read = {"a": cell_picture}.__getitem__
    assert (files["worst_misses"] == plots.contact_sheet(misses[:24], read)).all()
    assert (files["worst_false_alarms"] == plots.contact_sheet(alarms, read)).all()


def test_the_files_of_the_figures_are_known_before():
    """The command asks whether it may write them, before a long run."""
    figures = ["precision_recall", "ap", "counts", "ap_by_height", "confusion"]
    sheets = ["worst_misses", "worst_false_alarms"]
    without = evaluate.plot_files("out", with_images=False)
    assert without == [Path("out") / (name + ".png") for name in figures]
    with_images = evaluate.plot_files("out", with_images=True)
    assert with_images == [Path("out") / (name + ".png") for name in figures + sheets]


def test_ground_truth_is_no_file_of_detections(tmp_path):
    (tmp_path / "a.txt").write_text("red 64 32 96 64\n")
    assert main(["evaluate", "--gt", str(tmp_path), "--det", str(tmp_path)]) == 2
