"""What is odd in a network's outputs is counted, and said in one sentence each, once a run."""

import json

import cv2
import numpy as np
import pytest

from odd_nets import (
    BLACK,
    BOX,
    HEIGHT,
    LABELS,
    PIXELS,
    PLACES,
    WIDTH,
    open_odd,
    right_outputs,
    write_constants,
    write_record,
)
from trt_course import TrtSSD
from trt_course.__main__ import main
from trt_course.media.pictures import images_in, read_image
from trt_course.media.writer import VideoWriter
from trt_course.model.oddities import Oddities, tell
from trt_course.support.files import kit_path

NO_NUMBERS = "contained NaN or infinity and"
NO_CLASSES = "had a class beyond the 5 labels in model.json and"


def found_in(folder, layout, outputs, **record):
    """What is found in one picture, and the sentences about it."""
    write_record(folder, layout, {role: role for role in outputs}, **record)
    write_constants(folder, outputs)
    with TrtSSD(folder, backend="cpu", threads=1, verbose=False) as ssd:
        return ssd.detect(BLACK), ssd.oddities.sentences()


def with_one(array, place, value):
    """The array with another number at one place."""
    changed = array.astype(np.float32)
    changed[place] = value
    return changed


# Layout, role, a place in its tensor that is not the right box's
PLACES_OF_NUMBERS = [
    ("boxes_scores", "scores", (0, 1, 2)),
    ("loc_conf_priors", "conf", (0, 1, 2)),
    ("efficient_nms", "scores", (0, 1)),
    ("efficient_nms", "classes", (0, 1)),
    ("tf_detection", "scores", (0, 1)),
    ("tf_detection", "classes", (0, 1)),
    ("nms7", "rows", (0, 0, 1, 2)),
    ("nms7", "rows", (0, 0, 1, 1)),
    ("nms7 without count", "rows", (0, 0, 1, 0)),
]


@pytest.mark.parametrize("layout, role, place", PLACES_OF_NUMBERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_counted(tmp_path, layout, role, place, value):
    outputs = right_outputs(layout)
    if "count" in outputs:
        outputs["count"] = outputs["count"] * 2
    outputs[role] = with_one(outputs[role], place, value)
    found, said = found_in(tmp_path, layout, outputs)
    assert found.boxes.tolist() == [PIXELS]
    assert found.dropped == 1
    assert said == [
        f"odd: 1 row of the network's output {NO_NUMBERS} was left out: the network's "
        "file may be damaged, or its numbers too large for FP16."
    ]


@pytest.mark.parametrize("activation", ["softmax", "sigmoid"])
@pytest.mark.parametrize("conf_th", [0.0, 0.3])
def test_infinite_logits_are_counted_but_minus_infinity_means_never(tmp_path, activation, conf_th):
    outputs = right_outputs("loc_conf_priors")
    logits = np.full((1, PLACES, len(LABELS)), -9.0, np.float32)
    logits[0, :, 0] = 9
    logits[0, 3] = [-9, -9, 9, -9, -9]
    logits[0, 1, 2] = np.inf
    logits[0, 2, 0] = np.inf
    logits[0, 4, 3] = -np.inf
    logits[0, 5, 1] = np.nan
    with open_odd(tmp_path, "loc_conf_priors", {**outputs, "conf": logits}) as ssd:
        record = json.loads((tmp_path / "model.json").read_text())
    record["output"]["activation"] = activation
    (tmp_path / "model.json").write_text(json.dumps(record))
    with TrtSSD(tmp_path, backend="cpu", verbose=False) as ssd:
        found = ssd.detect(BLACK, conf_th)
    assert found.top(1).boxes.tolist() == [PIXELS]
    assert found.dropped == 3
    assert ssd.oddities.counts["no_numbers"] == 3


@pytest.mark.parametrize("layout", ["efficient_nms", "tf_detection", "nms7"])
def test_counts_that_are_no_numbers(tmp_path, layout):
    outputs = right_outputs(layout)
    outputs["count"] = np.full(outputs["count"].shape, np.nan, np.float32)
    found, said = found_in(tmp_path, layout, outputs)
    assert len(found) == 0
    assert found.dropped == 1
    assert NO_NUMBERS in said[0]


@pytest.mark.parametrize("layout", ["boxes_scores", "efficient_nms"])
def test_fp16_outputs(tmp_path, layout):
    outputs = right_outputs(layout)
    for role in ("boxes", "scores"):
        outputs[role] = outputs[role].astype(np.float16)
    found, said = found_in(tmp_path, layout, outputs)
    assert found.boxes.tolist() == [PIXELS]
    assert found.confs.tolist() == [0.875]
    assert said == []

    outputs["boxes"][0, :, 2] = np.float16(np.inf)
    found, said = found_in(tmp_path, layout, outputs)
    assert len(found) == 0
    assert [NO_NUMBERS in sentence for sentence in said] == [True]


@pytest.mark.parametrize("layout", ["efficient_nms", "tf_detection", "nms7", "nms7 without count"])
@pytest.mark.parametrize("cls", [5, 99, -1, 1e30])
def test_classes_beyond_the_labels(tmp_path, layout, cls):
    outputs = right_outputs(layout)
    if "rows" in outputs:
        outputs["rows"] = with_one(outputs["rows"], (0, 0, 0, 1), cls)
    else:
        outputs["classes"] = with_one(outputs["classes"], (0, 0), cls)
    found, said = found_in(tmp_path, layout, outputs)
    assert len(found) == 0
    assert found.dropped == 1
    assert len(said) == 1
    assert NO_CLASSES in said[0]


@pytest.mark.parametrize("layout", ["boxes_scores", "efficient_nms"])
@pytest.mark.parametrize(
    "box, conf, sentence",
    [
        ([0.25, 0.25, 0.25, 0.75], 0.875, "1 box was less than half a pixel wide or high"),
        ([0.25, 0.25, 0.5, 0.25], 0.875, "1 box was less than half a pixel wide or high"),
        ([0, 0, 1, 1], 1, "1 box filled the whole picture with a confidence of about 1"),
        ([-9, -9, 9, 9], 1, "1 box filled the whole picture with a confidence of about 1"),
        (BOX, 7, "1 box had a confidence above 1, which became 1"),
        ([0.5, 0.25, 0.25, 0.75], 0.875, "1 row of the network's output had x2 < x1 or y2 < y1"),
        ([0, 0, 1, 1], 0.875, None),
        ([0, 0.25, 1, 0.75], 1, None),
        (BOX, 1, None),
    ],
)
def test_boxes_that_are_unlikely(tmp_path, layout, box, conf, sentence):
    outputs = right_outputs(layout)
    place = int(outputs["scores"].reshape(PLACES, -1).max(axis=1).argmax())
    outputs["boxes"][0, place] = box
    outputs["scores"][outputs["scores"] > 0] = conf
    found, said = found_in(tmp_path, layout, outputs)
    if sentence is None:
        assert said == []
    else:
        assert len(said) == 1
        assert said[0].startswith("odd: " + sentence)
    assert len(found) == (0 if box[0] > box[2] else 1)


def test_a_background_that_is_finished_is_not_odd(tmp_path):
    outputs = right_outputs("efficient_nms")
    outputs["classes"][:] = 0
    found, said = found_in(tmp_path, "efficient_nms", outputs)
    assert (len(found), found.dropped, said) == (0, 0, [])


def test_several_processes_say_it_once(capsys):
    parts = [Oddities("odd", 5), Oddities("odd", 5)]
    for part in parts:
        part.counts["no_boxes"] += 2
    tell(parts)
    tell(parts)
    tell([])
    said = capsys.readouterr().err
    assert said.count("4 rows of the network's output had x2 < x1") == 1
    assert said.count("\n") == 1


# The commands ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def odd_model(tmp_path_factory):
    """It finds a box of class 9 in every picture, and one that fills the picture."""
    folder = tmp_path_factory.mktemp("odd")
    outputs = right_outputs("efficient_nms")
    outputs["count"][:] = 2
    outputs["scores"][0, :2] = 1
    outputs["classes"][0, :2] = [9, 2]
    outputs["boxes"][0, 1] = [0, 0, 1, 1]
    write_record(folder, "efficient_nms", {role: role for role in outputs})
    write_constants(folder, outputs)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A data folder, and a clip beside it."""
    folder = tmp_path_factory.mktemp("data")
    for part in ("images", "ground-truth"):
        (folder / part).mkdir()
    for number in range(13):
        cv2.imwrite(str(folder / "images" / f"{number}.png"), BLACK)
        (folder / "ground-truth" / f"{number}.txt").write_text(f"b 0 0 {WIDTH} {HEIGHT}\n")
    with VideoWriter(folder / "clip.mp4", 50) as writer:
        for _ in range(50):
            writer.write(cv2.resize(BLACK, None, fx=4, fy=4))
    return folder


COMMANDS = {
    "a picture": "detect {data}/images/0.png --model {model} --out {out}",
    "a folder": "detect {data}/images --model {model} --out {out}",
    "a video": "detect {data}/clip.mp4 --model {model} --out {out}",
    "fast": "detect --fast {data}/clip.mp4 {data}/images --model {model} --out {out}",
    "evaluate": "evaluate --model {model} --data {data}",
    "bench": "bench {model} --source {data}/images --out {out}",
    "async": "camera {data}/clip.mp4 --model {model} --mode async",
    "child": "camera {data}/clip.mp4 --model {model} --mode child",
    "sync": "camera {data}/clip.mp4 --model {model} --mode sync",
    "pack": "contest pack --team A --model {model} --data {data} --video {data}/clip.mp4 "
    "--out {out}",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_says_it_once(odd_model, data, tmp_path, capsys, command):
    words = COMMANDS[command].format(data=data, model=odd_model, out=tmp_path).split()
    assert main([*words, "--backend", "cpu"]) == 0
    said = capsys.readouterr().err
    assert said.count(NO_CLASSES) == 1
    assert said.count("filled the whole picture") == 1


def test_the_models_of_the_kit_are_not_odd(capsys):
    for model, folder in (
        ("ssd_mobilenet_v2_signs", "data/signs/images"),
        ("ssd_resnet18_traffic", "data/traffic/images"),
    ):
        with TrtSSD(model, backend="cpu") as ssd:
            for path in images_in(kit_path(folder))[:3]:
                assert ssd.detect(read_image(path)).dropped == 0
    assert capsys.readouterr().err == ""
