"""The two shipped models on the committed samples: they reach their bounds, and a wrong recipe costs mAP."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest

import make_card
from trt_course import TrtSSD, find_model, list_models
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image

KIT = Path(__file__).resolve().parent.parent
LEAST = {"ssd_resnet18_traffic": ("traffic", 0.85), "ssd_mobilenet_v2_signs": ("signs", 0.93)}
FRESH = {"ssd_resnet18_traffic": 0.80, "ssd_mobilenet_v2_signs": 0.90}
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
    return KIT / "data" / LEAST[name][0]


def test_both_are_shipped_and_small():
    assert set(LEAST) <= set(list_models())
    assert sum(find_model(name).onnx.stat().st_size for name in LEAST) < 14e6
    for name in LEAST:
        assert not find_model(name).changed()
        assert find_model(name).provenance["license"] == "Apache-2.0"


def test_recipes_differ_on_purpose():
    traffic, signs = (find_model(name).input for name in LEAST)
    assert (traffic.width, traffic.height, traffic.color, traffic.scale) == (
        1248,
        384,
        "BGR",
        (1, 1, 1),
    )
    assert traffic.mean == (103.939, 116.779, 123.68)
    assert (signs.width, signs.height, signs.color) == (300, 300, "RGB")
    assert signs.mean == signs.scale == (127.5,) * 3


@pytest.mark.parametrize("name", LEAST)
def test_network_is_what_tensorrt_parses(name):
    model = onnx.load(str(find_model(name).onnx))
    onnx.checker.check_model(model, full_check=True)
    assert model.opset_import[0].version == 13
    assert {node.op_type for node in model.graph.node} <= OPERATORS
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param
    assert {out.name for out in model.graph.output} == {"boxes", "scores"}


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
def test_bound_on_the_committed_samples(name):
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        result = voc.score(*detect_folder(ssd, data_of(name)))
    assert result.mean >= LEAST[name][1], result.report()


@pytest.mark.slow
@pytest.mark.parametrize("name", LEAST)
def test_batch_equals_single(name):
    images = [read_image(path) for path in images_in(data_of(name) / "images")[:3]]
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        for one, many in zip([ssd.detect(image) for image in images], ssd.detect_batch(images)):
            assert len(one) == len(many) and (one.clss == many.clss).all()
            assert (
                np.abs(one.boxes - many.boxes).max() < 0.05
                and np.abs(one.confs - many.confs).max() < 1e-3
            )


def mean_ap(spec, **recipe):
    """mAP on the committed samples with another way to prepare the picture."""
    changed = spec._replace(input=spec.input._replace(**recipe))
    with TrtSSD(changed, backend="cpu", verbose=False) as ssd:
        return voc.score(*detect_folder(ssd, data_of(spec.name))).mean


# what each mistake costs at least, in mAP: colours swapped, the numbers left as they are, the other model's recipe
COSTS = {"ssd_resnet18_traffic": (0.01, 0.005, 0.3), "ssd_mobilenet_v2_signs": (0.3, 0.05, 0.3)}


@pytest.mark.long
@pytest.mark.parametrize("name, other", [tuple(LEAST), tuple(LEAST)[::-1]])
def test_wrong_recipe_is_caught(name, other):
    """This is the trap that a lesson walks into on purpose."""
    spec, theirs = find_model(name), find_model(other).input
    right = mean_ap(spec)
    swapped = mean_ap(spec, color="RGB" if spec.input.color == "BGR" else "BGR")
    plain = mean_ap(spec, mean=(0.0,) * 3, scale=(1.0,) * 3)
    borrowed = mean_ap(spec, color=theirs.color, mean=theirs.mean, scale=theirs.scale)
    print(name, right, swapped, plain, borrowed)
    for wrong, cost in zip((swapped, plain, borrowed), COSTS[name]):
        assert wrong < right - cost


def test_samples_are_whole():
    for folder in ("traffic", "signs"):
        data = KIT / "data" / folder
        names = {path.stem for path in images_in(data / "images")}
        assert len(names) == 60 and names == {p.stem for p in (data / "ground-truth").glob("*.txt")}
        coco = json.loads((data / "instances.json").read_text())
        assert len(coco["images"]) == 60
        rows = sum(len(voc.read_truth(p).labels) for p in (data / "ground-truth").glob("*.txt"))
        assert rows == len(coco["annotations"]) > 100


@pytest.mark.long
@pytest.mark.parametrize("name", LEAST)
def test_bound_on_fresh_scenes(name):
    """A few of the fresh scenes that the card measures 500 of; the bound is for all of them, and far enough."""
    task = LEAST[name][0]
    with TrtSSD(name, backend="cpu", verbose=False) as ssd:
        truths, founds, _ = make_card.detect_fresh(ssd, task, 24, 2)
    assert voc.score(truths, founds).mean >= FRESH[name]
