"""The printed mAP of thousands of images: ten times as many take ten times as long, and no more."""

import time

import numpy as np
import pytest

from trt_course.measure import voc


def write_many(truth, detections, images):
    """Eight objects and twenty detections in each of so many images."""
    rng = np.random.RandomState(0)
    truth.mkdir()
    detections.mkdir()
    for number in range(images):
        corners = rng.randint(0, 1000, (20, 2))
        boxes = np.concatenate([corners, corners + rng.randint(10, 200, (20, 2))], axis=1)
        names = rng.choice(["car", "van", "bus", "sign"], 20)
        confs = rng.rand(20).round(4)

        objects = ["{} {} {} {} {}\n".format(name, *box) for name, box in zip(names[:8], boxes)]
        (truth / f"{number}.txt").write_text("".join(objects))
        found = [
            "{} {} {} {} {} {}\n".format(name, conf, *box)
            for name, conf, box in zip(names, confs, boxes + 2)
        ]
        (detections / f"{number}.txt").write_text("".join(found))


def seconds_for(images, folder):
    """The time that reading and scoring so many images takes."""
    folder.mkdir()
    write_many(folder / "gt", folder / "det", images)
    started = time.perf_counter()
    truths, founds, _ = voc.read_folders(folder / "gt", folder / "det")
    result = voc.score(truths, founds)
    spent = time.perf_counter() - started
    scored = sum(found.hits + found.false_alarms for found in result.classes.values())
    assert scored == 20 * images
    return spent


@pytest.mark.slow
def test_five_thousand_images_take_ten_times_as_long_as_five_hundred(tmp_path):
    """Whatever compared each image with all would take a hundred times as long."""
    few = seconds_for(500, tmp_path / "few")
    many = seconds_for(5000, tmp_path / "many")
    assert many < 40 * few
