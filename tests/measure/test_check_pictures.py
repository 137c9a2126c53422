"""What a check does with pictures: other recipes for them, and very large ones."""

import cv2
import numpy as np
import pytest

from trt_course import CourseError, find_model
from trt_course.measure.boxes import Truth
from trt_course.measure.check.record import check
from trt_course.measure.check.report import Samples
from trt_course.media.pictures import read_image
from trt_course.support.files import kit_path


def test_another_recipe_is_told_with_its_numbers(monkeypatch):
    """What to write, and of which pictures the counts are."""
    monkeypatch.setattr("trt_course.measure.check.words._FOR_RECIPES", 2)
    spec = find_model("ssd_mobilenet_v2_signs")
    wrong = spec._replace(input=spec.input._replace(scale=(0.5, 0.5, 0.5)))
    pictures = [read_image(kit_path(f"data/signs/images/{n:06}.jpg")) for n in (8, 9, 10)]
    (finding,) = check(wrong, pictures).findings
    assert "(mean 127.5 127.5 127.5, scale 127.5 127.5 127.5) it finds" in finding.sentence
    assert "in the 2 pictures with most in them" in finding.sentence


def test_a_recipe_and_an_order_that_are_both_wrong():
    """Either alone would find nothing that stays with things."""
    spec = find_model("ssd_resnet18_traffic")
    boxes = spec.output.boxes._replace(order="yx")
    wrong = spec._replace(
        input=spec.input._replace(mean=(0.0, 0.0, 0.0), scale=(255.0, 255.0, 255.0)),
        output=spec.output._replace(boxes=boxes),
    )
    picture = read_image(kit_path("data/traffic/images/000008.jpg"))
    assert check(wrong, [picture]).fields() == ["input.mean", "input.scale", "output.boxes.order"]


def test_very_large_pictures_are_made_smaller(tmp_path):
    path = tmp_path / "large.png"
    cv2.imwrite(str(path), np.zeros((1500, 3000, 3), np.uint8))
    truth = Truth(["a"], np.array([[300.0, 0, 600, 150]]), np.zeros(1, bool))
    shown = Samples([path], [truth]).read()
    assert shown.pictures[0].shape == (1000, 2000, 3)
    assert shown.truths[0].boxes.tolist() == [[200, 0, 400, 100]]
    assert Samples([path], None).read().truths is None


def test_a_damaged_picture_is_told_and_the_others_are_looked_at(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        cv2.imwrite(str(path), np.zeros((10, 20, 3), np.uint8))
    paths[1].write_bytes(b"no picture")
    nothing = Truth([], np.zeros((0, 4)), np.zeros(0, bool))
    truths = [nothing._replace(labels=[name]) for name in "abc"]

    shown = Samples(paths, truths).read()
    assert shown.paths == [paths[0], paths[2]]
    assert len(shown.pictures) == 2
    assert [truth.labels for truth in shown.truths] == [["a"], ["c"]]
    (complaint,) = shown.complaints
    assert "b.png cannot be read" in complaint
    with pytest.raises(CourseError, match=r"b.png cannot be read"):
        Samples(paths[1:2], None).read()
