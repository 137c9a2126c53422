"""Reading and scoring folders takes time in proportion to them, and little more than reading."""

import time

import numpy as np
import pytest

from trt_course.measure import voc

FEW = 250  # images
MANY = 8 * FEW


def write_many(folder, images):
    """Eight objects and twenty detections in each of so many images."""
    rng = np.random.RandomState(0)
    truth = folder / "gt"
    detections = folder / "det"
    for part in (truth, detections):
        part.mkdir(parents=True)

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
    return folder


def scored(folder):
    truths, founds, _ = voc.read_folders(folder / "gt", folder / "det")
    return voc.score(truths, founds)


def only_read(folder):
    """The numbers of all lines, and nothing made of them."""
    lines = []
    for path in sorted(folder.glob("*/*.txt")):
        for line in path.read_text().splitlines():
            _, *numbers = line.split()
            lines.append([float(number) for number in numbers])
    return lines


def work_of(call, *arguments):
    """The seconds that this thread worked for it: those of a busy machine's others do not count."""
    started = time.thread_time()
    call(*arguments)
    return time.thread_time() - started


@pytest.mark.slow
def test_thousands_of_images_are_scored_in_seconds(tmp_path):
    few = write_many(tmp_path / "few", FEW)
    many = write_many(tmp_path / "many", MANY)
    result = scored(many)
    assert sum(found.hits + found.false_alarms for found in result.classes.values()) == 20 * MANY

    rounds = []
    for _ in range(3):
        rounds.append([work_of(scored, few), work_of(scored, many), work_of(only_read, many)])
    of_few, of_many, of_reading = np.median(rounds, axis=0)
    assert of_many < 12 * of_few, "eight times as many take more than twelve times as long"
    assert of_many < 12 * of_reading
