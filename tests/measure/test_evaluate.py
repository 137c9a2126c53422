"""What is scored and what is said of it: names, limits, how many of a long list are named."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from trt_course import CourseError, Detections, TrtSSD
from trt_course.measure import evaluate
from trt_course.measure.boxes import Found, Truth


def truth_of(*labels, difficult=False):
    boxes = np.array([[0.0, 0, 9, 9] for _ in labels]).reshape(-1, 4)
    return Truth(list(labels), boxes, np.full(len(labels), difficult))


def found_of(*labels):
    boxes = np.array([[0.0, 0, 9, 9] for _ in labels]).reshape(-1, 4)
    return Found(list(labels), np.full(len(labels), 0.9), boxes)


@pytest.fixture
def data(tmp_path, cell_picture):
    """A data folder of one picture, with a red cell and a green one."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    (folder / "ground-truth").mkdir()
    cv2.imwrite(str(folder / "images" / "a.png"), cell_picture)
    (folder / "ground-truth" / "a.txt").write_text("red 64 32 95 63\n")
    return folder


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


# Detecting in a folder ----------------------------------------------------------------------------


def test_faint_boxes_are_scored_too(ssd, data, cell_picture):
    """A threshold of 0.3 would cut the curve short, and cost some 3 points of mAP."""
    cell_picture[0:32, 0:32] = (3, 0, 0)  # 3 / 255 = 0.012
    cell_picture[64:96, 0:32] = (2, 0, 0)  # 2 / 255 = 0.008
    cv2.imwrite(str(data / "images" / "a.png"), cell_picture)
    truths, founds = evaluate.detect_folder(ssd, data)
    assert truths["a"].labels == ["red"]
    assert founds["a"].labels == ["red", "green", "blue"]
    assert founds["a"].confs[2] == pytest.approx(3 / 255, abs=1e-5)
    _, founds = evaluate.detect_folder(ssd, data, conf_th=0.5)
    assert founds["a"].labels == ["red", "green"]


def test_pictures_may_not_share_a_name(data, cell_picture):
    cv2.imwrite(str(data / "images" / "a.jpg"), cell_picture)
    with pytest.raises(CourseError, match="share their name but for the ending"):
        evaluate.pictures_of(data)


@pytest.mark.parametrize("missing", ["images", "ground-truth"])
def test_a_data_folder_has_two_parts(ssd, data, missing):
    (data / missing).rename(data / "elsewhere")
    with pytest.raises(CourseError, match=f"no folder .*{missing}. A data folder holds images/"):
        evaluate.detect_folder(ssd, data)


def test_the_first_picture_without_ground_truth_is_named(data, cell_picture):
    for name in "dbc":
        cv2.imwrite(str(data / "images" / (name + ".png")), cell_picture)
    with pytest.raises(CourseError, match="There is no ground truth .*/b.txt for the picture"):
        evaluate.truths_of(data, evaluate.pictures_of(data))


def test_classes_with_blanks_are_read_in_a_data_folder(data):
    (data / "ground-truth" / "a.txt").write_text("stop sign 64 32 95 63\n")
    truths = evaluate.truths_of(data, evaluate.pictures_of(data), ["stop sign"])
    assert truths["a"].labels == ["stop sign"]


def test_five_of_the_damaged_pictures_are_named(tmp_path):
    paths = [tmp_path / f"{name}.jpg" for name in "abcdef"]
    for path in paths:
        path.write_bytes(b"no picture")
    with pytest.raises(CourseError, match="^6 of the pictures cannot be read") as refused:
        list(evaluate.whole_pictures(paths))
    assert [name for name in "abcdef" if f"{name}.jpg" in str(refused.value)] == list("abcde")


def test_pictures_come_until_one_is_damaged(tmp_path, cell_picture):
    good = tmp_path / "good.png"
    cv2.imwrite(str(good), cell_picture)
    (tmp_path / "bad.png").write_bytes(b"no picture")
    came = []
    with pytest.raises(CourseError, match="1 of the pictures"):
        for image in evaluate.whole_pictures([good, good, tmp_path / "bad.png", good]):
            came.append(image)
    assert len(came) == 2
    assert (came[0] == cell_picture).all()


def test_boxes_are_scored_as_floats_under_the_names_of_their_classes():
    found = evaluate.as_found(
        Detections([[1.5, 2, 3, 4], [5, 6, 7, 8]], [0.25, 1], [2, 0]), ["a", "b", "c"]
    )
    assert found.labels == ["c", "a"]
    assert found.confs.tolist() == [0.25, 1]
    assert found.boxes.tolist() == [[1.5, 2, 3, 4], [5, 6, 7, 8]]
    assert found.boxes.dtype == found.confs.dtype == np.float64


# What is said -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "of_record, of_engine, said",
    [(0.01, 0.0, ""), (0.0, 0.01, ""), (0.02, 0.0, "below 0.02"), (0.0, 0.02, "below 0.02")],
)
def test_a_network_that_holds_boxes_back_is_named(capsys, of_record, of_engine, said):
    spec = SimpleNamespace(name="strict", output=SimpleNamespace(threshold=of_record))
    engine = SimpleNamespace(threshold=of_engine)
    evaluate.warn_of_threshold(SimpleNamespace(spec=spec, engine=engine), 0.01)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert (said in printed.err) and bool(said) == bool(printed.err)


def test_ten_of_the_images_without_a_file_are_named(tmp_path, capsys):
    for folder in ("gt", "det"):
        (tmp_path / folder).mkdir()
    for name in "abcdefghijkl":
        (tmp_path / "gt" / (name + ".txt")).write_text("car 0 0 9 9\n")
    (tmp_path / "det" / "a.txt").write_text("car 0.9 0 0 9 9\n")

    truths, founds = evaluate.read_folders(tmp_path / "gt", tmp_path / "det")
    assert len(truths) == len(founds) == 12
    said = capsys.readouterr()
    assert said.err == (
        "11 images have no detection file and count as empty: b, c, d, e, f, g, h, i, j, k\n"
    )
    assert said.out == ""


def test_nothing_is_said_of_classes_that_are_all_known(capsys):
    evaluate.warn_of_classes({"a": truth_of("car", "van")}, {"a": found_of("car")}, ["van"])
    assert capsys.readouterr() == ("", "")


def test_unknown_classes_of_options_are_named_once_and_in_order(capsys):
    truths = {"a": truth_of("car")}
    evaluate.warn_of_classes(truths, {"a": found_of("car")}, ["van", "car"], ["van", "bus"])
    said = capsys.readouterr()
    assert said.err == "The ground truth has no class bus.\nThe ground truth has no class van.\n"
    assert said.out == ""


@pytest.mark.parametrize(
    "labels, said",
    [
        ("edcba", "(5 in all): a, b, c, d, e\n"),
        ("feedcba", "(7 in all): a, b, c, d, e and 1 more\n"),
    ],
)
def test_five_of_the_classes_that_are_not_scored_are_named(capsys, labels, said):
    founds = {"a": found_of("car", *labels[:3]), "b": found_of(*labels[3:])}
    evaluate.warn_of_classes({"a": truth_of("car"), "b": truth_of()}, founds)
    printed = capsys.readouterr()
    wanted = "Boxes of classes that the ground truth lacks are not scored "
    assert printed.err == wanted + said
    assert printed.out == ""


def test_ground_truth_in_which_nothing_counts_is_refused():
    evaluate.require_objects({"a": truth_of(), "b": truth_of("car")})
    evaluate.require_objects({"a": truth_of("van", "car")}, ["van"])
    nothing = {"a": truth_of("car", difficult=True), "b": truth_of("van")}
    evaluate.require_objects(nothing)
    message = "no box in the ground truth of 2 images counts, when you ignore van, bus.$"
    with pytest.raises(CourseError, match=message):
        evaluate.require_objects(nothing, ["van", "bus"])
    with pytest.raises(CourseError, match="no box in the ground truth of 1 images counts.$"):
        evaluate.require_objects({"a": truth_of()})
