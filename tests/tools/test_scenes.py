"""The scenes: the same picture every time, and ground truth that agrees with the pixels.

The splits share no artwork.
"""

from pathlib import Path
from typing import List, NamedTuple

import cv2
import numpy as np
import pytest

import make_data
import scenes
from scenes import artwork, light, raster, scene, truth, world
from scenes.shade import Soup
from scenes.street import Street

DATA = Path(__file__).resolve().parents[2] / "data"


class View(NamedTuple):
    """A street as it is photographed, with everything needed to measure it."""

    things: List[world.Thing]
    soup: Soup
    spans: np.ndarray
    camera: world.Camera
    ids: np.ndarray  # (2 * height, 2 * width) the triangle in each sample
    found: List[truth.Measured]

    def owners(self) -> np.ndarray:
        """Which thing each sample shows; -1: none."""
        shown = self.soup.tag[np.maximum(self.ids, 0), 2]
        return np.where(self.ids >= 0, shown, -1)


def drawn(soup, span, camera):
    """The triangles of a span, drawn with nothing else in the frame: their numbers by sample."""
    shape = (camera.height * 2, camera.width * 2)
    key = np.zeros(shape, np.float32)
    ids = np.full(shape, -1, np.int32)
    first, last = span
    focal = camera.focal * 2
    centre = camera.centre * 2
    raster.draw(soup.pos, first, last, camera.view(), focal, centre, world.NEAR, key, ids)
    return ids


@pytest.fixture(scope="module")
def view():
    """A city street by day, and what its ground truth is measured from."""
    rng = np.random.default_rng(5)
    street = Street(rng, "val", light.pick(rng, "clear"), kind="city")
    camera = scene.dash_camera(street, rng, (1248, 384))
    things, _ = scene.gather(street, 0.0, 0.0)
    soup, spans, _ = world.gather(things)
    ids = drawn(soup, (0, len(soup.pos)), camera)
    found = truth.measure(things, soup, spans, camera, ids)
    return View(things, soup, spans, camera, ids, found)


@pytest.mark.long
@pytest.mark.parametrize("task", scenes.LABELS)
def test_a_sample_is_a_function_of_its_arguments(task):
    first = scenes.sample(task, "val", 3, 1)
    again = scenes.sample(task, "val", 3, 1)
    for name in scenes.Sample._fields:
        assert np.array_equal(getattr(first, name), getattr(again, name)), name

    other = scenes.sample(task, "val", 4, 1)
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("task", scenes.LABELS)
def test_a_sample_is_well_formed(task):
    sample = scenes.sample(task, "train", 2)
    wide, high = scenes.SIZES[task]
    assert sample.image.shape == (high, wide, 3)
    assert sample.image.dtype == np.uint8

    assert sample.boxes.dtype == np.float32
    assert sample.boxes.shape == (len(sample.classes), 4)
    left, top, right, bottom = sample.boxes.T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (right <= wide).all()
    assert (bottom <= high).all()
    assert (right > left).all()
    assert (bottom > top).all()

    assert sample.classes.dtype == np.int64
    assert set(sample.classes) <= set(range(len(scenes.LABELS[task])))
    assert len(set(sample.tracks)) == len(sample.tracks)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no task 'cars'"):
        scenes.sample("cars", "train", 0)
    with pytest.raises(ValueError, match="split 'dev'"):
        scenes.sample("traffic", "dev", 0)


def test_boxes_enclose_the_objects_pixels(view):
    """Read off the picture which pixels each object owns: its box must hold them, and hug them."""
    owner = view.owners()
    checked = 0
    for number, box, visible in view.found:
        rows, cols = np.nonzero(owner == number)
        low = np.array([cols.min(), rows.min()]) / 2
        high = np.array([cols.max() + 1, rows.max() + 1]) / 2
        assert (low >= box[:2] - 0.51).all()
        assert (high <= box[2:] + 0.51).all()
        if visible > 0.999:
            gaps = np.abs(np.concatenate([low, high]) - box)
            assert gaps.max() < 2.5, view.things[number].label
            checked += 1
    assert checked >= 3


def test_visible_share_agrees_with_drawing_the_object_alone(view):
    """Where the frame does not cut an object, draw it alone in the same frame: the shares agree."""
    owner = view.owners()
    for number, box, visible in view.found:
        span = view.spans[number]
        whole = truth.whole_box(view.soup, span, view.camera)
        height = box[3] - box[1]
        if not np.allclose(whole, box) or height < 12:
            continue
        seen = (owner == number).sum()
        alone = (drawn(view.soup, span, view.camera) >= 0).sum()
        assert visible == pytest.approx(seen / alone, abs=0.06)


def test_rules_for_leaving_out_and_for_difficult():
    box = np.array([10, 10, 40, 50.0])
    low = np.array([10, 10, 40, 21.0])
    tiny = np.array([10, 10, 40, 15.5])
    found = [
        truth.Measured(0, box, 0.24),
        truth.Measured(1, box, 0.26),
        truth.Measured(2, box, 0.49),
        truth.Measured(3, box, 0.51),
        truth.Measured(4, low, 1.0),
        truth.Measured(5, tiny, 1.0),
    ]
    kept = truth.keep(found)
    assert [one.number for one in kept] == [1, 2, 3, 4]
    assert [one.difficult for one in kept] == [True, True, False, True]


def test_samples_keep_the_rules():
    for index in range(3):
        sample = scenes.sample("traffic", "val", index)
        assert (sample.visible >= 0.25).all()
        low = sample.boxes[:, 3] - sample.boxes[:, 1] < 12
        hidden = sample.visible < 0.5
        assert np.array_equal(sample.difficult, hidden | low)


@pytest.mark.parametrize("kind", artwork.KINDS)
def test_splits_share_no_artwork_and_train_has_most(kind):
    count = artwork.KINDS[kind].total
    parts = {split: set(artwork.designs(kind, split)) for split in artwork.SPLITS}
    everything = set.union(*parts.values())
    assert len(everything) == count
    assert sum(len(part) for part in parts.values()) == count
    assert all(parts.values())
    assert len(parts["train"]) >= 0.6 * count


def test_there_is_enough_artwork():
    least = {
        "vehicle": 25,
        "person": 15,
        "cycle": 10,
        "mandatory": 12,
        "prohibitory": 12,
        "warning": 12,
    }
    for kind, count in least.items():
        assert artwork.KINDS[kind].total >= count, kind
    for kind in ("mandatory", "prohibitory", "warning"):
        assert len(artwork.designs(kind, "train")) >= 12, kind


def test_every_class_appears():
    for task, count in (("traffic", 4), ("signs", 6)):
        samples = [scenes.sample(task, "val", index) for index in range(count)]
        seen = np.concatenate([sample.classes for sample in samples])
        assert set(seen) == set(range(len(scenes.LABELS[task])))


def test_ground_truth_text_round_trip():
    sample = scenes.sample("traffic", "val", 0)
    labels = scenes.LABELS["traffic"]
    text = make_data.truth_text(sample, labels)
    boxes, classes, difficult = make_data.read_truth(text, labels)
    assert np.abs(boxes - sample.boxes).max() <= 0.0051
    assert np.array_equal(classes, sample.classes)
    assert np.array_equal(difficult, sample.difficult)


@pytest.mark.parametrize(
    "folder, task, split, index",
    [("traffic", "traffic", "test", 7), ("signs", "signs", "test", 11)],
)
def test_committed_samples_are_what_the_program_makes(folder, task, split, index):
    path = DATA / folder / "images" / f"{index:06d}.jpg"
    if not path.is_file():
        pytest.skip("no committed samples")
    sample = scenes.sample(task, split, index)
    data = np.frombuffer(make_data.encode(sample), np.uint8)
    fresh = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert np.array_equal(fresh, cv2.imread(str(path)))

    text = (DATA / folder / "ground-truth" / f"{index:06d}.txt").read_text()
    assert text == make_data.truth_text(sample, scenes.LABELS[task])


def test_a_drive_keeps_its_tracks():
    frames = list(scenes.drive(1, 3, size=(320, 180)))
    common = set.intersection(*(set(frame.tracks) for frame in frames))
    assert len(common) >= 2
    first, _, last = [dict(zip(frame.tracks, frame.classes)) for frame in frames]
    for track in common:
        assert first[track] == last[track]


def test_triangle_seen_from_its_edge_leaves_no_hole():
    """This scene has one; its plane gives a point behind the camera, and no number for its light.

    The blur would spread it to a black square.
    """
    image = scenes.sample("traffic", "test", 10104).image
    black = image.max(axis=2) <= 6
    assert black.mean() < 0.01
