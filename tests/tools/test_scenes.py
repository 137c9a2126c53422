"""The scenes: the same picture every time, ground truth that agrees with the pixels, splits that share no artwork."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

import make_data
import scenes
from scenes import artwork, light, raster, scene, truth, world
from scenes.street import Street

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.fixture(scope="module")
def view():
    """A street with everything needed to measure it, and its sample."""
    rng = np.random.default_rng(5)
    street = Street(rng, "val", light.pick(rng, "clear"), kind="city")
    camera = scene.dash_camera(street, rng, (1248, 384))
    things, _ = scene.gather(street, 0.0, 0.0)
    soup, spans, _ = world.gather(things)
    key, ids = np.zeros((768, 2496), np.float32), np.full((768, 2496), -1, np.int32)
    raster.draw(
        soup.pos,
        0,
        len(soup.pos),
        camera.view(),
        camera.focal * 2,
        camera.centre * 2,
        world.NEAR,
        key,
        ids,
    )
    return things, soup, spans, camera, ids, truth.measure(things, soup, spans, camera, ids)


@pytest.mark.parametrize("task", scenes.LABELS)
def test_a_sample_is_a_function_of_its_arguments(task):
    a, b = (scenes.sample(task, "val", 3, 1) for _ in range(2))
    for x, y in zip(a, b):
        assert np.array_equal(x, y)
    assert not np.array_equal(a.image, scenes.sample(task, "val", 4, 1).image)


@pytest.mark.parametrize("task", scenes.LABELS)
def test_a_sample_is_well_formed(task):
    s = scenes.sample(task, "train", 2)
    wide, high = scenes.SIZES[task]
    assert s.image.shape == (high, wide, 3) and s.image.dtype == np.uint8
    assert s.boxes.dtype == np.float32 and s.boxes.shape == (len(s.classes), 4)
    assert (
        (s.boxes[:, :2] >= 0).all()
        and (s.boxes[:, 2] <= wide).all()
        and (s.boxes[:, 3] <= high).all()
    )
    assert (s.boxes[:, 2:] > s.boxes[:, :2]).all()
    assert s.classes.dtype == np.int64 and set(s.classes) <= set(range(len(scenes.LABELS[task])))
    assert len(set(s.tracks)) == len(s.tracks)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no task 'cars'"):
        scenes.sample("cars", "train", 0)
    with pytest.raises(ValueError, match="split 'dev'"):
        scenes.sample("traffic", "dev", 0)


def test_boxes_enclose_the_objects_pixels(view):
    """Read off the picture which pixels each object owns: its box must hold them all, and hug whole ones."""
    things, soup, _, camera, ids, found = view
    owner = np.where(ids >= 0, soup.tag[np.maximum(ids, 0), 2], -1)
    checked = 0
    for number, box, visible in found:
        rows, cols = np.nonzero(owner == number)
        seen = np.array([cols.min(), rows.min(), cols.max() + 1, rows.max() + 1]) / 2
        assert (seen[:2] >= box[:2] - 0.51).all() and (seen[2:] <= box[2:] + 0.51).all()
        if visible > 0.999:
            assert np.abs(seen - box).max() < 2.5, things[number].label
            checked += 1
    assert checked >= 3


def test_visible_share_agrees_with_drawing_the_object_alone(view):
    """Draw the object alone in the same frame; where it is not cut by the frame, the shares must agree."""
    things, soup, spans, camera, ids, found = view
    owner = np.where(ids >= 0, soup.tag[np.maximum(ids, 0), 2], -1)
    for number, box, visible in found:
        whole = truth.whole_box(soup, spans[number], camera)
        if not np.allclose(whole, box) or box[3] - box[1] < 12:
            continue
        key, lone = np.zeros((768, 2496), np.float32), np.full((768, 2496), -1, np.int32)
        raster.draw(
            soup.pos,
            *spans[number],
            camera.view(),
            camera.focal * 2,
            camera.centre * 2,
            world.NEAR,
            key,
            lone,
        )
        assert visible == pytest.approx((owner == number).sum() / (lone >= 0).sum(), abs=0.06)


def test_rules_for_leaving_out_and_for_difficult():
    box = np.array([10, 10, 40, 50.0])
    low, tiny = np.array([10, 10, 40, 21.0]), np.array([10, 10, 40, 15.5])
    found = [
        (0, box, 0.24),
        (1, box, 0.26),
        (2, box, 0.49),
        (3, box, 0.51),
        (4, low, 1.0),
        (5, tiny, 1.0),
    ]
    assert [(k[0], k[3]) for k in truth.keep(found)] == [
        (1, True),
        (2, True),
        (3, False),
        (4, True),
    ]


def test_samples_keep_the_rules():
    for index in range(3):
        s = scenes.sample("traffic", "val", index)
        assert (s.visible >= 0.25).all()
        assert np.array_equal(s.difficult, (s.visible < 0.5) | (s.boxes[:, 3] - s.boxes[:, 1] < 12))


@pytest.mark.parametrize("kind", artwork.KINDS)
def test_splits_share_no_artwork_and_train_has_most(kind):
    parts = {split: set(artwork.designs(kind, split)) for split in artwork.SPLITS}
    assert (
        sum(map(len, parts.values())) == len(set.union(*parts.values())) == artwork.KINDS[kind][0]
    )
    assert all(parts.values()) and len(parts["train"]) >= 0.6 * artwork.KINDS[kind][0]


def test_there_is_enough_artwork():
    least = {
        "vehicle": 25,
        "person": 15,
        "cycle": 10,
        "mandatory": 12,
        "prohibitory": 12,
        "warning": 12,
    }
    assert all(artwork.KINDS[kind][0] >= count for kind, count in least.items())
    assert all(
        len(artwork.designs(kind, "train")) >= 12
        for kind in ("mandatory", "prohibitory", "warning")
    )


def test_every_class_appears():
    for task, count in (("traffic", 4), ("signs", 6)):
        seen = np.concatenate([scenes.sample(task, "val", index).classes for index in range(count)])
        assert set(seen) == set(range(len(scenes.LABELS[task])))


def test_ground_truth_text_round_trip():
    s = scenes.sample("traffic", "val", 0)
    labels = scenes.LABELS["traffic"]
    boxes, classes, difficult = make_data.read_truth(make_data.truth_text(s, labels), labels)
    assert np.abs(boxes - s.boxes).max() <= 0.0051
    assert np.array_equal(classes, s.classes) and np.array_equal(difficult, s.difficult)


def test_a_folder_is_written_whole(tmp_path):
    make_data.make_folder(tmp_path, "signs", "val", 2)
    assert sorted(p.name for p in (tmp_path / "images").iterdir()) == ["000000.jpg", "000001.jpg"]
    book = json.loads((tmp_path / "instances.json").read_text())
    assert [c["id"] for c in book["categories"]] == [1, 2, 3] and len(book["images"]) == 2
    assert not list(tmp_path.rglob("*.part"))
    assert make_data.compare(tmp_path, tmp_path) == []


def test_wrong_use_is_told(capsys):
    with pytest.raises(SystemExit):
        make_data.main([])
    assert "--all" in capsys.readouterr().err


@pytest.mark.parametrize(
    "folder, task, split, index",
    [("traffic", "traffic", "test", 7), ("signs", "signs", "test", 11)],
)
def test_committed_samples_are_what_the_program_makes(folder, task, split, index):
    path = DATA / folder / "images" / f"{index:06d}.jpg"
    if not path.is_file():
        pytest.skip("no committed samples")
    s = scenes.sample(task, split, index)
    fresh = cv2.imdecode(np.frombuffer(make_data.encode(s), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(fresh, cv2.imread(str(path)))
    text = (DATA / folder / "ground-truth" / f"{index:06d}.txt").read_text()
    assert text == make_data.truth_text(s, scenes.LABELS[task])


def test_a_drive_keeps_its_tracks():
    frames = list(scenes.drive(1, 3, size=(320, 180)))
    common = set(frames[0].tracks) & set(frames[1].tracks) & set(frames[2].tracks)
    assert len(common) >= 2
    kinds = [dict(zip(s.tracks.tolist(), s.classes.tolist())) for s in frames]
    assert all(kinds[0][track] == kinds[2][track] for track in common)


def test_triangle_seen_from_its_edge_leaves_no_hole():
    """One such triangle once gave a point behind the camera, no number for its light, and a black square after blur."""
    image = scenes.sample("traffic", "test", 10104).image
    assert (image.max(axis=2) <= 6).mean() < 0.01
