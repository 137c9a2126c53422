"""Each picture of a batch gets its own boxes: those that it gets when it is alone."""

import numpy as np
import pytest

from model.old_output import old_output
from trt_course.model.decode import decode
from trt_course.model.input_spec import InputSpec
from trt_course.model.placement import Placement, placement
from trt_course.model.spec import ModelSpec

PRIORS = 9
CLASSES = 3
SIZES = [(256, 192), (640, 480), (90, 200)]


def spec_of(layout, roles, **output):
    return ModelSpec(
        name="m",
        title="m",
        input=InputSpec("input", 128, 96, "nchw", "BGR", resize="letterbox"),
        output=old_output(layout.partition(" ")[0], {role: role for role in roles}, **output),
        labels=("background", "a", "b"),
        background=0,
    )


def picture_of(layout, seed):
    """The outputs for one picture, no two of which are alike in any number that matters."""
    rng = np.random.RandomState(seed)
    corners = rng.uniform(0, 0.5, (1, PRIORS, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(0.1, 0.5, (1, PRIORS, 2))], axis=2)
    scores = rng.uniform(0.1, 1, (1, PRIORS, CLASSES))
    if layout == "boxes_scores":
        return {"boxes": boxes, "scores": scores}
    if layout.startswith("loc_conf_priors"):
        loc = rng.uniform(-2, 2, (1, PRIORS, 4))
        scores[0, 2 + 2 * seed] = [9, 0, 0]  # the background, for certain, in a place of its own
        if layout.endswith("turned"):
            return {"loc": loc.swapaxes(1, 2), "conf": scores.swapaxes(1, 2)}
        return {"loc": loc, "conf": scores}

    confs = scores[..., 0]
    classes = rng.randint(1, CLASSES, (1, PRIORS))
    count = np.array([PRIORS - seed])
    if layout in ("efficient_nms", "tf_detection"):
        return {"boxes": boxes, "scores": confs, "classes": classes, "count": count}

    columns = [np.zeros((1, PRIORS, 1)), classes[..., None], confs[..., None], boxes]
    rows = np.concatenate(columns, axis=2)
    if layout == "nms7":
        return {"rows": rows, "count": count}
    return {"rows": rows}


def batch_of(layout, pictures):
    """The outputs for several pictures."""
    batch = {role: np.concatenate([one[role] for one in pictures]) for role in pictures[0]}
    if layout == "nms7 without count":
        batch["rows"][..., 0] = np.arange(len(pictures))[:, None]
        batch["rows"] = batch["rows"].reshape(-1, 7)[::-1]  # in no order of pictures
    return batch


@pytest.fixture(scope="module")
def priors(tmp_path_factory):
    path = tmp_path_factory.mktemp("priors") / "priors.npy"
    np.save(str(path), np.random.RandomState(0).uniform(0.2, 0.8, (PRIORS, 4)))
    return path


BATCHES = [
    ("nms7", {}),
    ("nms7 without count", {}),
    ("efficient_nms", {}),
    ("tf_detection", {}),
    ("boxes_scores", {}),
    ("loc_conf_priors", {}),
    ("loc_conf_priors", {"activation": "softmax"}),
    ("loc_conf_priors", {"activation": "sigmoid"}),
    ("loc_conf_priors turned", {"activation": "softmax"}),
]


@pytest.mark.parametrize("layout, output", BATCHES)
def test_each_picture_of_a_batch_gets_the_boxes_it_gets_alone(priors, layout, output):
    pictures = [picture_of(layout, seed) for seed in range(len(SIZES))]
    spec = spec_of(layout, pictures[0], priors=priors, **output)
    placements = [placement(spec, *size) for size in SIZES]
    together = decode(spec, floats(batch_of(layout, pictures)), placements, 0.2)

    for ours, picture, placed in zip(together, pictures, placements):
        if layout == "nms7 without count":
            picture = {"rows": picture["rows"].reshape(-1, 7)[::-1]}
        (alone,) = decode(spec, floats(picture), [placed], 0.2)
        assert ours == alone
        assert len(ours) >= 3
    assert len({found.boxes.tobytes() for found in together}) == len(SIZES)


def floats(outputs):
    return {role: array.astype(np.float32) for role, array in outputs.items()}


def test_every_prior_is_moved_by_its_own_offsets_in_every_picture(tmp_path):
    """In figures: two pictures with two boxes each, and a prior between that is passed over."""
    np.save(
        str(tmp_path / "priors.npy"),
        np.float32([[0.5, 0.5, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1], [0.25, 0.75, 0.1, 0.2]]),
    )
    spec = spec_of(
        "loc_conf_priors", ("loc", "conf"), priors=tmp_path / "priors.npy", activation="softmax"
    )
    unsure = [9, 0, 0]
    outputs = {
        # variances: 0.1 for the centre, 0.2 for the size, which doubles at a logarithm of 2
        "loc": [
            [[5, 0, 0, 0], [9, 9, 9, 9], [0, 0, np.log(2) / 0.2, 0]],
            [[0, -5, 0, 0], [9, 9, 9, 9], [0, 0, 0, np.log(2) / 0.2]],
        ],
        "conf": [
            [[0, 5, 0], unsure, [0, 0, 4]],
            [[0, 0, 3], unsure, [0, 2, 0]],
        ],
    }
    arrays = {role: np.float32(lists) for role, lists in outputs.items()}
    first, second = decode(spec, arrays, [Placement(1, 1, 0, 0, 128, 96)] * 2, 0.3)

    # Centre and size of the first prior in pixels: 64 48, 25.6 38.4; of the third: 32 72, 12.8 19.2
    assert first.clss.tolist() == [1, 2]
    expected = [[64 + 12.8 - 12.8, 28.8, 64 + 12.8 + 12.8, 67.2], [32 - 12.8, 62.4, 44.8, 81.6]]
    assert np.allclose(first.boxes, expected, atol=1e-3)
    assert second.clss.tolist() == [2, 1]
    expected = [[51.2, 28.8 - 19.2, 76.8, 67.2 - 19.2], [25.6, 72 - 19.2, 38.4, 72 + 19.2]]
    assert np.allclose(second.boxes, expected, atol=1e-3)


# Softmax -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_a_box_is_found_again_when_its_own_confidence_is_the_threshold(tmp_path, kind):
    """Most priors are passed over for their logits; rounding must not lose one that is sure."""
    rng = np.random.RandomState(0)
    count = 100
    np.save(str(tmp_path / "priors.npy"), np.full((count, 4), 0.5))
    priors = tmp_path / "priors.npy"
    spec = spec_of("loc_conf_priors", ("loc", "conf"), priors=priors, activation="softmax")
    whole = Placement(1, 1, 0, 0, 128, 96)

    highest = rng.uniform(-9, 9, count)
    lower = highest - rng.uniform(0, 30, count)
    outputs = {"loc": np.zeros((1, count, 4), kind), "conf": np.zeros((1, count, 3), kind)}
    for background, logit in zip(highest, lower):
        outputs["conf"][:] = [90, -90, -90]  # nothing, for certain
        outputs["conf"][0, 7] = [background, logit, -90]
        (found,) = decode(spec, outputs, [whole], 0.0)
        conf = found.confs.max()
        (again,) = decode(spec, outputs, [whole], float(conf))
        assert again.confs.tolist() == [conf]
