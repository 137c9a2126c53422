"""What must not become a score: impossible boxes, files that are not data, missing pictures.

And figures of any classes, however many there are and whatever they are called.
"""

import os

import cv2
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.measure import evaluate, plots, voc
from trt_course.measure.shown import MOST_CLASSES

TRUTH = "car 0 0 9 9\n"


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


@pytest.fixture
def folders(tmp_path):
    """Ground truth and detections of one picture, which agree."""
    gt = tmp_path / "gt"
    det = tmp_path / "det"
    for folder, line in ((gt, TRUTH), (det, "car 0.9 0 0 9 9\n")):
        folder.mkdir()
        (folder / "a.txt").write_text(line)
    return gt, det


@pytest.fixture
def data(tmp_path, cell_picture):
    """A data folder of three pictures."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "ground-truth").mkdir()
    for name in "abc":
        cv2.imwrite(str(folder / "images" / (name + ".jpg")), cell_picture)
        (folder / "ground-truth" / (name + ".txt")).write_text("red 64 32 95 63\n")
    return folder


IMPOSSIBLE = {
    "car 5 0 0 9 9": "the confidence is 5; wanted: 0 to 1",
    "car -3 0 0 9 9": "the confidence is -3; wanted: 0 to 1",
    "car 1.0000001 0 0 9 9": "the confidence is 1",
    "car nan 0 0 9 9": "not finite",
    "car 0.9 0 0 1e300 1e300": "more than 1000000 pixels",
    "car 0.9 -1e300 -1e300 1e300 1e300": "more than 1000000 pixels",
    "car 0.9 0 0 9 inf": "not finite",
    "car 0.9 0 nan 9 9": "not finite",
    "car 0.9 9 0 0 9": "the box ends before it begins",
}


@pytest.mark.parametrize("line", IMPOSSIBLE)
def test_impossible_detections_are_refused(folders, capsys, line):
    gt, det = folders
    (det / "a.txt").write_text("car 0.9 0 0 9 9\n" + line + "\n")
    assert run("evaluate", "--gt", gt, "--det", det) == 2
    said = capsys.readouterr()
    assert "a.txt, line 2: " in said.err
    assert IMPOSSIBLE[line] in said.err
    assert "mAP" not in said.out


def test_impossible_ground_truth_is_refused(folders, capsys):
    gt, det = folders
    (gt / "a.txt").write_text("car -1e300 -1e300 1e300 1e300\n")
    assert run("evaluate", "--gt", gt, "--det", det) == 2
    assert "a.txt, line 1: " in capsys.readouterr().err


@pytest.mark.parametrize("side", [1e300, np.inf, np.nan])
def test_an_overlap_that_is_no_number_is_no_hit(side):
    boxes = np.array([[-side, -side, side, side]])
    assert voc.overlap(boxes, boxes).tolist() == [[0.0]]
    truths = {"a": voc.Truth(["car"], boxes, np.array([False]))}
    founds = {"a": voc.Found(["car"], np.array([0.9]), boxes)}
    assert voc.score(truths, founds).mean == 0.0


def test_hidden_files_are_no_data(folders, capsys):
    gt, det = folders
    for folder in folders:
        (folder / "._a.txt").write_bytes(b"\0\5\x16\7 of another system")
        (folder / ".a-12-34.txt").write_text("left by a run that was killed")
    assert run("evaluate", "--gt", gt, "--det", det) == 0
    assert capsys.readouterr().out == "car AP  = 100.00%\nmAP = 100.00%\n"


@pytest.mark.parametrize("spoilt", ["gt", "det"])
def test_a_pipe_or_a_device_is_refused_and_never_waited_for(folders, capsys, spoilt):
    gt, det = folders
    folder = {"gt": gt, "det": det}[spoilt]
    (folder / "a.txt").unlink()
    os.mkfifo(str(folder / "a.txt"))
    assert run("evaluate", "--gt", gt, "--det", det) == 2
    assert "a.txt is not a regular file" in capsys.readouterr().err

    (folder / "a.txt").unlink()
    (folder / "a.txt").symlink_to("/dev/zero")
    assert run("evaluate", "--gt", gt, "--det", det) == 2
    assert "a.txt is not a regular file" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["/dev/zero", "nowhere", __file__])
def test_what_is_no_folder_is_called_so(folders, capsys, path):
    assert run("evaluate", "--gt", path, "--det", folders[1]) == 2
    assert f"There is no folder {path}" in capsys.readouterr().err


def test_nothing_to_score_is_no_zero(folders, data, cells, tmp_path, capsys):
    gt, det = folders
    plots_folder = tmp_path / "plots"
    (gt / "a.txt").write_text("car 0 0 9 9 difficult\n\n")
    for words in (["--gt", gt, "--det", det], ["--gt", gt, "--det", det, "--ignore", "car"]):
        assert run("evaluate", *words, "--plots", plots_folder) == 2
        said = capsys.readouterr()
        assert "There is nothing to score" in said.err
        assert "mAP" not in said.out
    assert not plots_folder.exists()

    for name in "abc":
        (data / "ground-truth" / (name + ".txt")).write_text("")
    assert run("evaluate", "--model", cells, "--data", data) == 2
    said = capsys.readouterr()
    assert "There is nothing to score" in said.err
    assert said.out == ""  # the network was not even opened


def test_names_for_nothing_are_said(folders, capsys):
    gt, det = folders
    (det / "a.txt").write_text("car 0.9 0 0 9 9\n'\x1b[2J' 0.8 0 0 9 9\nbus 0.8 0 0 9 9\n")
    assert run("evaluate", "--gt", gt, "--det", det, "--ignore", "van") == 0
    said = capsys.readouterr().err
    assert "The ground truth has no class van." in said
    assert "lacks are not scored (2 in all): \\x1b[2J, bus" in said


# Pictures and their ground truth


def test_a_picture_without_ground_truth_is_known_before_the_run(data, cells, capsys):
    (data / "ground-truth" / "b.txt").unlink()
    assert run("evaluate", "--model", cells, "--data", data) == 2
    said = capsys.readouterr()
    assert f"There is no ground truth {data}/ground-truth/b.txt" in said.err
    assert said.out == ""


def test_ground_truth_without_its_picture_is_no_smaller_score(data, cells, capsys):
    (data / "images" / "b.jpg").unlink()
    (data / "images" / "c.jpg").unlink()
    assert run("evaluate", "--model", cells, "--data", data) == 2
    said = capsys.readouterr()
    assert "ground-truth/b.txt has no picture" in said.err
    assert "(2 such files in all)" in said.err
    assert "mAP" not in said.out


def test_damaged_pictures_are_all_named_and_nothing_is_scored(data, cells, capsys):
    noise = np.random.RandomState(1).randint(0, 255, (200, 200, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    (data / "images" / "a.jpg").write_bytes(whole[: len(whole) // 2])
    (data / "images" / "c.jpg").write_bytes(b"no picture")
    assert run("evaluate", "--model", cells, "--data", data) == 2
    said = capsys.readouterr()
    assert "2 of the pictures cannot be read" in said.err
    assert "a.jpg" in said.err
    assert "c.jpg" in said.err
    assert "mAP" not in said.out


class Counting:
    """A detector that counts its runs."""

    def __init__(self, ssd):
        self.ssd = ssd
        self.spec = ssd.spec
        self.engine = ssd.engine
        self.runs = 0

    def detect(self, image, conf_th):
        self.runs += 1
        return self.ssd.detect(image, conf_th)


def test_after_a_damaged_picture_the_network_rests(data, cells):
    from trt_course import TrtSSD

    (data / "images" / "a.jpg").write_bytes(b"no picture")
    with TrtSSD(cells, verbose=False) as ssd:
        counting = Counting(ssd)
        with pytest.raises(CourseError, match="1 of the pictures cannot be read"):
            evaluate.detect_folder(counting, data)
    assert counting.runs == 0


# Outputs


@pytest.mark.parametrize("option", ["--json", "--plots"])
def test_what_cannot_be_written_is_known_before_the_run(data, cells, tmp_path, capsys, option):
    blocked = tmp_path / "a file"
    blocked.write_text("")
    target = blocked / "x"
    assert run("evaluate", "--model", cells, "--data", data, option, target) == 2
    said = capsys.readouterr()
    assert f"{blocked} is a file, not a folder" in said.err
    assert said.out == ""  # neither a network was opened, nor a score printed


@pytest.mark.parametrize("option, name", [("--json", "s.json"), ("--plots", "ap.png")])
def test_a_file_of_somebody_else_stays(folders, tmp_path, capsys, option, name):
    gt, det = folders
    theirs = tmp_path / "out" / name
    theirs.parent.mkdir()
    theirs.write_text("mine")
    target = theirs if option == "--json" else theirs.parent
    words = ["evaluate", "--gt", gt, "--det", det, option, target]
    assert run(*words) == 2
    said = capsys.readouterr()
    assert name in said.err
    assert "mAP" not in said.out
    assert theirs.read_text() == "mine"
    if option == "--json":
        assert run(*words, "--force") == 0
        assert theirs.read_text() != "mine"


def test_options_that_would_count_for_nothing(folders, capsys):
    gt, det = folders
    given = ["evaluate", "--gt", gt, "--det", det]
    assert run(*given, "--model", "cells") == 2
    assert run(*given, "--metric", "coco", "--ignore", "car") == 2
    assert "for --metric voc" in capsys.readouterr().err


# Figures


def case_of(names):
    """One object of each class in one picture, all found."""
    boxes = np.array([[i, 0.0, i + 9, 9] for i in range(len(names))]).reshape(-1, 4)
    truth = voc.Truth(list(names), boxes, np.zeros(len(names), bool))
    found = voc.Found(list(names), np.full(len(names), 0.9), boxes)
    return {"a": truth}, {"a": found}


def drawn(figure, folder):
    """The figure as a picture, and all that is written on it."""
    figure.savefig(str(folder / "f.png"), dpi=40)
    words = [text.get_text() for text in figure.findobj(lambda part: hasattr(part, "get_text"))]
    return cv2.imread(str(folder / "f.png")), "\n".join(words)


def figures_of(truths, founds):
    result = voc.score(truths, founds)
    return [
        plots.pr_curves(result),
        plots.ap_bars(result),
        plots.count_bars(truths, founds),
        plots.ap_by_height(truths, founds),
        plots.confusion(truths, founds),
    ]


def test_any_class_name_can_be_drawn(tmp_path):
    names = ["$a^{b$", "$", "a$b$c", "_car", "\\frac{", "%s{0}", "x" * 5000, "a\nb\u2028c\x1b[2J"]
    for figure in figures_of(*case_of(names)):
        picture, words = drawn(figure, tmp_path)
        assert picture.std() > 5
        assert "_car" in words
        assert "x" * 50 not in words


def test_the_command_draws_a_formula_for_a_name(folders, tmp_path):
    gt, det = folders
    (gt / "a.txt").write_text("'$a^{b$' 0 0 9 9\n")
    (det / "a.txt").write_text("'$a^{b$' 0.9 0 0 9 9\n")
    assert run("evaluate", "--gt", gt, "--det", det, "--plots", tmp_path / "plots") == 0
    assert (tmp_path / "plots" / "confusion.png").stat().st_size > 1000


def test_no_class_at_all_can_be_drawn(tmp_path):
    for figure in figures_of(*case_of([])):
        picture, words = drawn(figure, tmp_path)
        assert min(picture.shape[:2]) > 40
        assert "nan" not in words


@pytest.mark.long
def test_300_classes_are_drawn_as_far_as_there_is_room(tmp_path):
    names = [f"class {number}" for number in range(300)]
    for figure in figures_of(*case_of(names)):
        picture, words = drawn(figure, tmp_path)
        assert max(picture.shape) < 4000
        assert f"the {MOST_CLASSES} commonest of 300 classes" in words
