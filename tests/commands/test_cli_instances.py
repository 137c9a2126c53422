"""`evaluate` on COCO's instances.json and with classes under other names."""

import json

import cv2
import pytest

from measure.coco_files import entry, write
from trt_course.__main__ import main

RED = [64, 32, 32, 32]
GREEN = [192, 128, 32, 32]
CATEGORIES = [{"id": 4, "name": "red"}, {"id": 2, "name": "light green"}, {"id": 9, "name": "cow"}]
CROWD = entry(90, 30, 9, [0, 0, 60, 60], iscrowd=1)


def run(*words):
    """The exit status of a command."""
    return main([str(word) for word in words])


def truth_document():
    """Two pictures with a red and a light green cell each; in one there is a crowd of cows."""
    annotations = [CROWD]
    for image in (30, 8):
        for category, box in ((4, RED), (2, GREEN)):
            annotations.append(entry(len(annotations), image, category, box))
    return {
        "images": [
            {"id": 30, "file_name": "a.png", "width": 256, "height": 192},
            {"id": 8, "file_name": "more/a.png"},
        ],
        "categories": CATEGORIES,
        "annotations": annotations,
    }


@pytest.fixture
def truth(tmp_path):
    return write(tmp_path / "truth.json", truth_document())


@pytest.fixture
def images(tmp_path, cell_picture):
    """The pictures of the truth file, in a folder and one below it; a third counts for nothing."""
    folder = tmp_path / "images"
    (folder / "more").mkdir(parents=True)
    for name in ("a.png", "more/a.png", "other.png"):
        cv2.imwrite(str(folder / name), cell_picture)
    return folder


def texts_of(folder, **rows):
    """A folder of text files."""
    folder.mkdir()
    for name, text in rows.items():
        (folder / (name + ".txt")).write_text(text)
    return folder


LEFT_OUT = (
    "Not scored, because cells has no label for them: 1 of the 2 classes in the ground truth "
    "(light green)\n"
)
NOT_SCORED = "Boxes of classes that the ground truth lacks are not scored (2 in all): green\n"


def test_a_model_is_scored_where_it_knows_the_classes(cells, truth, images, tmp_path, capsys):
    """Twice the same stem is no harm where pictures are told apart by their places."""
    figures = tmp_path / "f.json"
    words = ["--gt", truth, "--images", images, "--model", cells, "--json", figures]
    assert run("evaluate", *words) == 0
    said = capsys.readouterr()
    assert said.out.endswith("\nred AP  = 100.00%\nmAP = 100.00%\n")
    assert LEFT_OUT in said.err
    assert NOT_SCORED in said.err
    assert json.loads(figures.read_text())["classes"]["red"]["hits"] == 2


@pytest.mark.parametrize("metric, value", [("voc", "mAP = 100.00%"), ("coco", "AP50        1.000")])
def test_classes_get_other_names_on_both_sides(cells, truth, images, capsys, metric, value):
    """That of the truth becomes the model's, and both become one with another."""
    words = ["--gt", truth, "--images", images, "--model", cells, "--metric", metric]
    assert run("evaluate", *words, "--classes", "light green=green") == 0
    said = capsys.readouterr()
    assert "green AP" in said.out and "red AP" in said.out and value in said.out
    assert "scored" not in said.err.lower()

    both = ["--classes", "light green=cell", "red,green=cell"]
    assert run("evaluate", *words, *both) == 0
    again = ["--classes", "light green=cell", "--classes", "red,green=cell"]
    assert run("evaluate", *words, *again) == 0
    said = capsys.readouterr()
    assert said.out.count("cell AP") == 2
    assert "red" not in said.out
    assert value in said.out


def test_the_plots_show_the_pictures_of_the_file(cells, truth, images, tmp_path):
    out = tmp_path / "plots"
    words = ["--gt", truth, "--images", images, "--model", cells, "--metric", "coco"]
    assert run("evaluate", *words, "--plots", out, "--classes", "light green=blue") == 0
    misses = cv2.imread(str(out / "worst_misses.png"))
    assert misses.std() > 10
    assert (out / "confusion.png").is_file()


def test_the_plots_of_detections_show_pictures_too(truth, images, tmp_path):
    results = write(tmp_path / "r.json", [])
    words = ["--gt", truth, "--images", images, "--det", results, "--plots", tmp_path / "p"]
    assert run("evaluate", *words) == 0
    assert cv2.imread(str(tmp_path / "p" / "worst_misses.png")).std() > 10


def test_sheets_of_faults_replace_nobodys(truth, images, tmp_path, capsys):
    """Whether there will be sheets is known before anything is scored."""
    out = tmp_path / "p"
    out.mkdir()
    (out / "worst_misses.png").write_text("mine")
    words = ["--gt", truth, "--det", write(tmp_path / "r.json", []), "--plots", out]
    assert run("evaluate", *words) == 0
    capsys.readouterr()
    assert run("evaluate", *words, "--images", images) == 2
    said = capsys.readouterr()
    assert "worst_misses.png is in the way" in said.err
    assert said.out == ""


def test_pictures_that_are_not_there_are_named(cells, truth, images, tmp_path, capsys):
    words = ["evaluate", "--gt", truth, "--images", images, "--model", cells]
    (images / "more" / "a.png").unlink()
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert f"1 of the 2 pictures that {truth} lists are not in {images}: more/a.png; " in said
    assert said.count("\n") == 1

    assert run("evaluate", "--gt", truth, "--images", tmp_path / "no", "--model", cells) == 2
    assert "no; --images is the folder of the pictures." in capsys.readouterr().err


def test_a_picture_of_another_size_is_refused(cells, truth, images, cell_picture, capsys):
    cv2.imwrite(str(images / "a.png"), cell_picture[:, :200])
    assert run("evaluate", "--gt", truth, "--images", images, "--model", cells) == 2
    said = capsys.readouterr().err
    assert "a.png has 200 x 192 pixels, but 256 x 192 in the ground truth" in said


def test_no_class_in_common_is_no_zero(cells, images, tmp_path, capsys):
    document = truth_document()
    document["annotations"][:] = [entry(1, 8, 9, RED)]
    truth = write(tmp_path / "cows.json", document)
    assert run("evaluate", "--gt", truth, "--images", images, "--model", cells) == 2
    said = capsys.readouterr().err
    assert "cells has no label for any class of the ground truth, so there is nothing to" in said
    assert "the truth has cow, the model background, blue, green, red; --classes OLD=NEW" in said


def test_only_crowds_are_nothing_to_score(tmp_path, capsys):
    document = {**truth_document(), "annotations": [CROWD]}
    words = ["--gt", write(tmp_path / "t.json", document), "--det", write(tmp_path / "r.json", [])]
    assert run("evaluate", *words) == 2
    assert "no box in the ground truth of 2 images counts" in capsys.readouterr().err


# Text files and results


def flat_truth(tmp_path):
    """The truth file with its pictures in one folder."""
    document = truth_document()
    document["images"][1]["file_name"] = "b.jpeg"
    return write(tmp_path / "flat.json", document)


def test_text_files_are_found_by_the_names_of_the_pictures(tmp_path, capsys):
    """Names with blanks are known from the truth; a crowd's own class has no AP."""
    det = texts_of(
        tmp_path / "det",
        a="red 0.9 64 32 96 64\nlight green 0.8 192 128 224 160\ncow 0.9 1 1 9 9\n",
    )
    assert run("evaluate", "--gt", flat_truth(tmp_path), "--det", det) == 0
    said = capsys.readouterr()
    assert said.out == "light green AP  = 50.00%\nred AP  = 50.00%\nmAP = 50.00%\n"
    assert "1 images have no detection file and count as empty: b.jpeg" in said.err

    (det / "c.txt").write_text("")
    assert run("evaluate", "--gt", flat_truth(tmp_path), "--det", det) == 2
    assert "c.txt has no ground truth: " in capsys.readouterr().err


def test_classes_that_were_never_detected_are_named(tmp_path, capsys):
    """They count, under their new names: whether the detector knows them is not in its boxes."""
    det = texts_of(tmp_path / "det", a="green 0.9 192 128 224 160\n", b="")
    words = ["evaluate", "--gt", flat_truth(tmp_path), "--det", det, "--classes"]
    assert run(*words, "light green=green") == 0
    said = capsys.readouterr()
    assert said.err == (
        "Never detected, and counted with an AP of 0: 1 of the 2 classes in the ground truth "
        "(red)\n"
    )
    assert said.out == "green AP  = 50.00%\nred AP  = 0.00%\nmAP = 25.00%\n"
    assert run(*words, "light green,red=green") == 0
    assert capsys.readouterr().err == ""


def test_text_files_of_which_two_pictures_have_the_name(truth, tmp_path, capsys):
    det = texts_of(tmp_path / "det", a="")
    assert run("evaluate", "--gt", truth, "--det", det) == 2
    assert "lists more/a.png and a.png, so nobody knows of which of them a.txt is" in (
        capsys.readouterr().err
    )


def test_a_crowd_swallows_what_lies_in_it(tmp_path, capsys):
    """Of VOC it is a difficult object: what hits it is no false alarm."""
    document = truth_document()
    document["annotations"].append({**CROWD, "id": 91, "category_id": 4})
    truth = write(tmp_path / "t.json", document)
    rows = [
        {"image_id": 30, "category_id": 4, "bbox": box, "score": score}
        for box, score in ((RED, 0.5), ([0, 0, 60, 50], 0.9))
    ]
    rows.append({"image_id": 8, "category_id": 4, "bbox": RED, "score": 0.4})
    words = ["evaluate", "--gt", truth, "--det", write(tmp_path / "r.json", rows)]
    assert run(*words) == 0
    assert "red AP  = 100.00%" in capsys.readouterr().out
    assert run(*words, "--metric", "coco") == 0
    assert "red AP = 1.000" in capsys.readouterr().out


def test_classes_of_text_files_and_data_folders(cells, tmp_path, cell_picture, capsys):
    gt = texts_of(tmp_path / "gt", a="light green 192 128 223 159\nred 64 32 95 63\n")
    det = texts_of(tmp_path / "det", a="leaf 0.9 192 128 223 159\nred 0.8 64 32 95 63\n")
    words = ["--classes", "light green,leaf=plant"]
    assert run("evaluate", "--gt", gt, "--det", det, *words) == 0
    wanted = "plant AP  = 100.00%\nred AP  = 100.00%\nmAP = 100.00%\n"
    assert capsys.readouterr().out == wanted

    data = tmp_path / "data"
    (data / "images").mkdir(parents=True)
    gt.rename(data / "ground-truth")
    cv2.imwrite(str(data / "images" / "a.png"), cell_picture)
    words = ["--classes", "light green,green=plant"]
    assert run("evaluate", "--model", cells, "--data", data, *words) == 0
    assert capsys.readouterr().out.endswith("\n" + wanted)


@pytest.mark.parametrize(
    "words, said",
    [
        (["rd=x"], "--classes: there is no class 'rd', neither in the ground truth nor among what"),
        (["rd=x"], "did you mean red?"),
        (["blue=x"], "there is no class 'blue'"),
        (["red"], "--classes: 'red' does not say which class gets which name"),
        (["red=x", "red=y"], "--classes names 'red' twice"),
    ],
)
def test_classes_that_are_not_there(tmp_path, capsys, words, said):
    results = write(tmp_path / "r.json", [])
    given = ["--gt", flat_truth(tmp_path), "--det", results, "--classes", *words]
    assert run("evaluate", *given) == 2
    printed = capsys.readouterr()
    assert said in printed.err
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_a_class_of_the_model_alone_may_get_another_name(cells, truth, images, capsys):
    words = ["--gt", truth, "--images", images, "--model", cells, "--classes"]
    assert run("evaluate", *words, "blue=sea") == 0
    assert run("evaluate", *words, "bleu=sea") == 2
    assert "did you mean blue?" in capsys.readouterr().err


def test_a_wrong_file_is_one_sentence(tmp_path, capsys):
    """The other mistakes of such a file: tests/measure/test_instances.py."""
    document = truth_document()
    document["annotations"][2]["bbox"] = [1, 2, 3]
    path = write(tmp_path / "t.json", document)
    for words in (["--det", tmp_path], ["--images", tmp_path, "--model", "m"]):
        assert run("evaluate", "--gt", path, *words) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert said.err == (
            f"trt_course: {path}, annotations[2]: bbox is [1, 2, 3]; wanted: four numbers, left, "
            "top, width and height in pixels.\n"
        )


def test_the_help_shows_the_four_ways(capsys):
    with pytest.raises(SystemExit):
        run("evaluate", "--help")
    said = capsys.readouterr().out
    assert "--gt FILE.json --images DIR --model NAME" in said
    assert 'car,bus,truck=vehicle "traffic light=light"' in " ".join(said.split())
