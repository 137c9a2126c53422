"""The training's parts one by one, from the networks and priors to the ONNX file."""

import numpy as np
import pytest

torch = pytest.importorskip(
    "torch", reason="PyTorch trains the models; the course itself does not need it"
)
onnx = pytest.importorskip("onnx", reason="the exporter writes ONNX")
onnxruntime = pytest.importorskip("onnxruntime", reason="the exported file is run")

from training.augment import Augment, plain
from training.detect import Detected, suppress
from training.evaluate import average_precision
from training.export import reference, to_onnx
from training.losses import DetectionLoss
from training.nets import SSD, count_macs
from training.pool import Source
from training.priors import (
    corners,
    decode,
    encode,
    fit_sizes,
    level_counts,
    level_table,
    make_priors,
)
from training.recipes import RECIPES, SIGNS, TRAFFIC
from training.standin import SCENE, TINY, shapes
from training.targets import Targets, to_targets
from trt_course.builder.graph import restore_fp32

OPERATORS = {
    "Conv",
    "Relu",
    "Clip",
    "Add",
    "Concat",
    "Reshape",
    "Transpose",
    "Softmax",
    "Mul",
    "Sub",
    "Exp",
    "Slice",
    "Resize",
    "MaxPool",
    "Cast",
}


@pytest.fixture(autouse=True)
def same_numbers():
    torch.set_num_threads(1)
    torch.manual_seed(0)


def small_net(name):
    recipe = TINY[name]
    model = SSD(recipe, 3).eval()
    for module in model.modules():  # as after training: statistics that folding must carry over
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    for head in model.heads:
        torch.nn.init.normal_(head.scores.weight, std=0.05)
        torch.nn.init.normal_(head.boxes.weight, std=0.05)
    return model, recipe


def run_onnx(proto, x):
    session = onnxruntime.InferenceSession(
        proto.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    return session.run(["scores", "boxes"], {"input": x.numpy()})


def test_budgets_of_the_shipped_networks():
    for recipe, classes, most in ((TRAFFIC, 4, 5e9), (SIGNS, 3, 1e9)):
        cost = count_macs(SSD(recipe, classes).eval(), recipe.size)
        assert cost.macs < most
        assert cost.weights * 2 < 5e6


@pytest.mark.parametrize("recipe", list(RECIPES.values()), ids=lambda r: r.name)
def test_priors_lie_where_the_maps_are(recipe):
    priors = make_priors(recipe)
    assert len(priors) == sum(level_counts(recipe))
    with torch.no_grad():
        logits, offsets = SSD(recipe, 3).eval()(torch.zeros(1, 3, *recipe.size[::-1]))
    assert logits.shape[1] == offsets.shape[1] == len(priors)


def test_encode_and_decode_are_inverse():
    priors = torch.from_numpy(make_priors(TINY["resnet18"]))
    boxes = corners(priors) + torch.rand(len(priors), 4) * 3
    assert torch.allclose(decode(encode(boxes, priors), priors), boxes, atol=1e-3)


def test_every_object_gets_a_prior_and_ignored_ones_none():
    recipe = TINY["resnet18"]
    priors = torch.from_numpy(make_priors(recipe))
    loss = detection_loss(recipe)
    boxes = torch.tensor([[[10.0, 10, 14, 16], [40, 20, 100, 80], [5, 60, 30, 90]]])
    valid = torch.tensor([[True, True, False]])
    index, positive = loss.match(boxes, valid)
    assert set(index[positive].tolist()) == {0, 1}
    centre = priors[positive[0], :2]
    low = boxes[0, index[positive], :2]
    high = boxes[0, index[positive], 2:]
    assert ((centre > low - 4) & (centre < high + 4)).all()
    assert loss.match.inside(boxes, ~valid)[0].any()


def detection_loss(recipe):
    return DetectionLoss(torch.from_numpy(make_priors(recipe)), level_table(recipe))


def test_difficult_objects_do_not_enter_the_loss():
    recipe = TINY["resnet18"]
    loss = detection_loss(recipe)
    count = sum(level_counts(recipe))
    logits = torch.randn(1, count, 4)
    offsets = torch.zeros(1, count, 4)
    boxes = torch.tensor([[[40.0, 20, 100, 80]]])

    # a difficult object has no box to learn
    difficult = Targets(boxes, torch.tensor([[1]]), torch.tensor([[True]]))
    score, box = loss(logits, offsets, *difficult)
    assert box.item() == 0

    # and nobody is blamed for finding it
    nothing = Targets(boxes, torch.tensor([[-1]]), torch.tensor([[False]]))
    score_of_nothing, _ = loss(logits, offsets, *nothing)
    assert score.item() < score_of_nothing.item()


@pytest.mark.parametrize("name", sorted(TINY))
def test_onnx_is_the_network(name):
    model, recipe = small_net(name)
    proto = to_onnx(model, recipe, half=False)
    assert proto.opset_import[0].version == 13
    assert {node.op_type for node in proto.graph.node} <= OPERATORS - {"Cast"}
    for batch in (1, 3):
        x = torch.randn(batch, 3, *recipe.size[::-1])
        for got, want in zip(run_onnx(proto, x), reference(model, recipe, x)):
            assert got.shape == want.shape and np.abs(got - want).max() < 1e-4


@pytest.mark.parametrize("name", sorted(TINY))
def test_half_stored_weights_cost_nothing_and_come_back(name):
    model, recipe = small_net(name)
    x = torch.randn(2, 3, *recipe.size[::-1])
    full = to_onnx(model, recipe, half=False)
    half = to_onnx(model, recipe)
    restored = restore_fp32(to_onnx(model, recipe))
    assert half.ByteSize() < 0.75 * full.ByteSize()
    assert "Cast" not in {node.op_type for node in restored.graph.node}
    onnx.checker.check_model(restored, full_check=True)
    for a, b, c in zip(run_onnx(full, x), run_onnx(half, x), run_onnx(restored, x)):
        assert np.abs(a - b).max() < 2e-2 and np.abs(b - c).max() < 1e-6


def test_crops_and_flips_move_boxes_with_the_pixels():
    """After augmentation the rectangle's colour is still found in the middle of its box."""
    recipe = TINY["resnet18"]._replace(min_height=0)
    source = Source(shapes, "", SCENE, 8)
    images, rows = zip(*(source.render("train", i) for i in range(16)))
    augment = Augment(recipe, torch.device("cpu"))
    augment.paint = lambda x, tones: x
    augment._cutout = lambda x: x
    rows = torch.from_numpy(np.stack(rows))
    x, targets = augment(torch.from_numpy(np.stack(images)), to_targets(rows))
    x = x + torch.tensor(recipe.mean).view(1, 3, 1, 1)

    right = 0
    total = 0
    for b in range(16):
        for box, label in zip(targets.boxes[b], targets.labels[b]):
            if label >= 0 and ((box[2:] - box[:2]) > 8).all():
                column, row = ((box[:2] + box[2:]) / 2).long().tolist()
                right += int(x[b, :, row, column].argmax() == 2 - label)
                total += 1
    assert total > 25 and right / total > 0.95


def test_plain_is_what_the_course_feeds():
    cv2 = pytest.importorskip("cv2", reason="compares with OpenCV's resize")
    image = shapes("", "val", 1, 0).image
    recipe = TINY["mobilenet_v2"]
    tensor, _ = plain(
        recipe, torch.from_numpy(image[None]), Targets(torch.zeros(1, 1, 4), None, None)
    )
    want = (cv2.resize(image, recipe.size)[..., ::-1].astype(np.float32) - 127.5) / 127.5
    assert np.abs(tensor[0].permute(1, 2, 0).numpy() - want).max() < 1.5 / 127.5


def test_suppression_keeps_the_best_of_each_pile():
    boxes = torch.tensor([[[0.0, 0, 10, 10], [1, 0, 11, 10], [30, 30, 40, 40]]])
    scores = torch.tensor([[[0.1, 0.9, 0.0], [0.2, 0.8, 0.0], [0.3, 0.2, 0.5]]])
    ((found, score, classes),) = suppress(boxes, scores, (50, 50))
    assert score.tolist() == pytest.approx([0.9, 0.5, 0.2]) and classes.tolist() == [0, 1, 0]
    assert found[0].tolist() == [0, 0, 10, 10]


def test_average_precision_by_hand():
    truth = [
        np.array([[0, 0, 20, 20, 0, 0], [50, 0, 70, 20, 0, 0], [80, 0, 99, 20, 0, 1]], np.float32)
    ]
    boxes = np.array(
        [[0, 0, 20, 20], [30, 30, 40, 40], [50, 0, 70, 20], [80, 0, 99, 20]], np.float32
    )
    found = [Detected(boxes, np.array([0.9, 0.8, 0.7, 0.6]), np.zeros(4, int))]
    assert average_precision(found, truth, 1)[0] == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_prior_sizes_follow_the_boxes():
    random = np.random.default_rng(0)
    sizes = np.concatenate(
        [random.normal((10, 25), 1, (80, 2)), random.normal((60, 40), 2, (80, 2))]
    )
    assert np.allclose(fit_sizes(sizes, 2), [[10, 25], [60, 40]], atol=1.5)
