"""One real run, packed and ranked."""

import json
import shutil
import time

import cv2
import numpy as np
import pytest
from hand_ins import sealed

from test_jobs import write_video
from trt_course import CourseError, TrtSSD
from trt_course.contest.board import rank
from trt_course.contest.handin import read_hand_in
from trt_course.contest.pack import pack
from trt_course.measure import evaluate, voc


@pytest.fixture(scope="module")
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def arena(tmp_path_factory):
    """A data folder with four pictures, and a clip of 60 frames."""
    folder = tmp_path_factory.mktemp("arena")
    (folder / "images").mkdir()
    (folder / "ground-truth").mkdir()
    picture = np.zeros((192, 256, 3), np.uint8)
    picture[32:64, 64:96] = (0, 0, 255)
    picture[128:160, 192:224] = (0, 200, 0)

    # In the first picture the ground truth of the green object is elsewhere.
    for number, top in enumerate([20, 128, 128, 128]):
        cv2.imwrite(str(folder / "images" / f"p{number}.png"), picture)
        (folder / "ground-truth" / f"p{number}.txt").write_text(
            f"red 64 32 96 64\ngreen 190 {top} 224 160\n"
        )
    write_video(folder / "clip.avi", [picture] * 60)
    return folder


def test_pack_and_rank(ssd, arena, tmp_path):
    folder = tmp_path / "in"
    clip = arena / "clip.avi"
    path = pack(ssd, "../../x", arena, clip, folder, True, "backbone")
    assert path == folder / "x.json"
    assert list(folder.glob("[!.]*")) == [path]

    value = json.loads(path.read_text())
    assert sealed(value) == value
    assert len(value["frame_ms"]) == 60
    assert set(value["image_ms"]) == set(value["detections"])

    board = rank(folder, arena / "ground-truth", data=arena, video=clip)
    assert not board.refused
    (row,) = board.rows
    wanted = voc.score(*evaluate.detect_folder(ssd, arena)).mean
    assert row.accuracy == round(100 * wanted, 2)
    assert 50 < row.accuracy < 100
    assert row.fps == round(60000 / sum(value["frame_ms"]), 2)
    assert (row.team, row.final) == ("../../x", 98)


def test_detections_come_back_exactly(ssd, arena, tmp_path):
    entry = read_hand_in(pack(ssd, "a", arena, arena / "clip.avi", tmp_path))
    _, founds = evaluate.detect_folder(ssd, arena)
    for name, found in founds.items():
        assert entry.detections[name].labels == found.labels
        assert np.array_equal(entry.detections[name].boxes, found.boxes)
        assert np.array_equal(entry.detections[name].confs, found.confs)


def test_another_organisers_data_and_video(ssd, arena, tmp_path):
    pack(ssd, "a", arena, arena / "clip.avi", tmp_path / "in")
    other = tmp_path / "other"
    shutil.copytree(str(arena), str(other))
    cv2.imwrite(str(other / "images" / "p0.png"), np.zeros((192, 256, 3), np.uint8))
    for options in ({"data": other}, {"video": other / "images" / "p0.png"}):
        assert not rank(tmp_path / "in", arena / "ground-truth", **options).rows


class Counting:
    """A detector that counts its runs, and is slow in those that are not warm-up."""

    def __init__(self, ssd):
        self.ssd = ssd
        self.spec = ssd.spec
        self.engine = ssd.engine
        self.calls = 0

    def detect(self, image, conf_th):
        assert conf_th == 0.01
        self.calls += 1
        is_warm_up = self.calls <= 10 or 15 <= self.calls <= 24
        if not is_warm_up:
            time.sleep(0.01)
        return self.ssd.detect(image, conf_th)

    def prepare(self, pictures):
        return self.ssd.prepare(pictures)


def test_warm_up_is_run_and_not_counted(ssd, arena, tmp_path):
    counting = Counting(ssd)
    entry = read_hand_in(pack(counting, "a", arena, arena / "clip.avi", tmp_path))
    assert counting.calls == 10 + 4 + 10 + 60
    assert len(entry.frame_ms) == 60
    assert len(entry.image_ms) == 4
    assert min(entry.frame_ms) >= 10
    assert min(entry.image_ms.values()) >= 10


class Interrupting:
    """A detector in whose fiftieth run somebody presses Ctrl-C."""

    def __init__(self, ssd):
        self.ssd = ssd
        self.spec = ssd.spec
        self.engine = ssd.engine
        self.left = 50

    def detect(self, image, conf_th):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return self.ssd.detect(image, conf_th)

    def prepare(self, pictures):
        return self.ssd.prepare(pictures)


def test_ctrl_c_leaves_nothing(ssd, arena, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        pack(Interrupting(ssd), "a", arena, arena / "clip.avi", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"team": "a\nb"}, "team is 'a.nb'; wanted: a name .* on one line"),
        ({"team": " "}, "team"),
        ({"team": 5}, "team"),
        ({"other_model": "yolo"}, "allowed: None, backbone, detector"),
        ({"data": "nowhere"}, "no folder nowhere"),
        ({"video": "nowhere.mp4"}, "no file nowhere.mp4"),
        ({"video": "short.avi"}, "at least 50 frames"),
    ],
)
def test_pack_says_what_is_wrong(ssd, arena, tmp_path, monkeypatch, changes, message):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "short.avi", [np.zeros((64, 64, 3), np.uint8)] * 9)
    options = {"team": "a", "data": arena, "video": arena / "clip.avi", "out": "out"}
    options.update(changes)
    with pytest.raises(CourseError, match=message):
        pack(ssd, **options)
    assert not list(tmp_path.glob("out/*"))


def test_two_pictures_of_one_name(ssd, arena, tmp_path):
    shutil.copytree(str(arena / "images"), str(tmp_path / "images"))
    shutil.copy(str(tmp_path / "images/p0.png"), str(tmp_path / "images/p0.bmp"))
    with pytest.raises(CourseError, match="share their name"):
        pack(ssd, "a", tmp_path, arena / "clip.avi", tmp_path / "out")
