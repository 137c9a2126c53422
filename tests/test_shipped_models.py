"""The two shipped models on the committed samples.

They reach their bounds, and a wrong recipe costs mAP.
"""

import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest

import make_card
from trt_course import TrtSSD, find_model, list_models
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image

KIT = Path(__file__).resolve().parent.parent
TRAFFIC = "ssd_resnet18_traffic"
SIGNS = "ssd_mobilenet_v2_signs"


class Bounds(NamedTuple):
    """What a shipped model is for, and its least mAP on the samples and on fresh scenes."""

    task: str
    samples: float
    fresh: float


SHIPPED = {
    TRAFFIC: Bounds("traffic", samples=0.85, fresh=0.80),
    SIGNS: Bounds("signs", samples=0.93, fresh=0.90),
}

# what TensorRT's ONNX parser knows from 7.1 on
OPERATORS = {
    "Conv",
    "Relu",
    "Clip",
    "Add",
    "Concat",
    "Reshape",
    "Transpose",
    "Softmax",
    "Sigmoid",
    "Mul",
    "Sub",
    "Exp",
    "Slice",
    "Resize",
    "MaxPool",
    "Cast",
    "Constant",
}


def data_of(name):
    return KIT / "data" / SHIPPED[name].task


def test_both_are_shipped_and_small():
    assert set(SHIPPED) <= set(list_models())
    specs = [find_model(name) for name in SHIPPED]
    assert sum(spec.onnx.stat().st_size for spec in specs) < 14e6
    for spec in specs:
        assert not spec.changed()
        assert spec.provenance["license"] == "Apache-2.0"


def test_recipes_differ_on_purpose():
    traffic = find_model(TRAFFIC).input
    assert (traffic.width, traffic.height) == (1248, 384)
    assert traffic.color == "BGR"
    assert traffic.scale == (1, 1, 1)
    assert traffic.mean == (103.939, 116.779, 123.68)

    signs = find_model(SIGNS).input
    assert (signs.width, signs.height) == (300, 300)
    assert signs.color == "RGB"
    assert signs.mean == signs.scale == (127.5,) * 3


@pytest.mark.parametrize("name", SHIPPED)
def test_network_is_what_tensorrt_parses(name):
    model = onnx.load(str(find_model(name).onnx))
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 13
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    assert {out.name for out in model.graph.output} == {"boxes", "scores"}


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_bound_on_the_committed_samples(name):
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        result = voc.score(*detect_folder(ssd, data_of(name)))
    assert result.mean >= SHIPPED[name].samples, result.report()


@pytest.mark.slow
@pytest.mark.parametrize("name", SHIPPED)
def test_batch_equals_single(name):
    images = [read_image(path) for path in images_in(data_of(name) / "images")[:3]]
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        one_by_one = [ssd.detect(image) for image in images]
        together = ssd.detect_batch(images)

    assert len(together) == len(one_by_one) == 3
    assert sum(len(one) for one in one_by_one) > 3
    for one, other in zip(one_by_one, together):
        assert len(one) == len(other)
        assert (one.clss == other.clss).all()
        assert np.abs(one.boxes - other.boxes).max() < 0.05
        assert np.abs(one.confs - other.confs).max() < 1e-3


def mean_ap(spec, **recipe):
    """mAP on the committed samples with another way to prepare the picture."""
    changed = spec._replace(input=spec.input._replace(**recipe))
    with TrtSSD(changed, backend="cpu", verbose=False) as ssd:
        return voc.score(*detect_folder(ssd, data_of(spec.name))).mean


class Costs(NamedTuple):
    """What each mistake costs at least, in mAP."""

    swapped: float  # the colours
    plain: float  # the numbers as they are
    borrowed: float  # the other model's recipe


COSTS = {
    TRAFFIC: Costs(swapped=0.01, plain=0.005, borrowed=0.3),
    SIGNS: Costs(swapped=0.3, plain=0.05, borrowed=0.3),
}
OTHER_COLOR = {"RGB": "BGR", "BGR": "RGB"}


@pytest.mark.long
@pytest.mark.parametrize("name, other", [(TRAFFIC, SIGNS), (SIGNS, TRAFFIC)])
def test_wrong_recipe_is_caught(name, other):
    """This is the trap that a lesson walks into on purpose."""
    spec = find_model(name)
    theirs = find_model(other).input
    right = mean_ap(spec)
    swapped = mean_ap(spec, color=OTHER_COLOR[spec.input.color])
    plain = mean_ap(spec, mean=(0.0,) * 3, scale=(1.0,) * 3)
    borrowed = mean_ap(spec, color=theirs.color, mean=theirs.mean, scale=theirs.scale)

    print(name, right, swapped, plain, borrowed)
    assert swapped < right - COSTS[name].swapped
    assert plain < right - COSTS[name].plain
    assert borrowed < right - COSTS[name].borrowed


def test_samples_are_whole():
    for folder in ("traffic", "signs"):
        data = KIT / "data" / folder
        truths = list((data / "ground-truth").glob("*.txt"))
        names = {path.stem for path in images_in(data / "images")}
        assert len(names) == 60
        assert names == {path.stem for path in truths}

        coco = json.loads((data / "instances.json").read_text())
        rows = sum(len(voc.read_truth(path).labels) for path in truths)
        assert len(coco["images"]) == 60
        assert rows == len(coco["annotations"]) > 100


@pytest.mark.long
@pytest.mark.parametrize("name", SHIPPED)
def test_bound_on_fresh_scenes(name):
    """A few of the fresh scenes of which the card measures 500. The bound leaves room for that."""
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        truths, founds, _ = make_card.detect_fresh(ssd, SHIPPED[name].task, 24, 2)
    assert voc.score(truths, founds).mean >= SHIPPED[name].fresh
