"""One real run, packed and ranked."""

import json
import shutil
import time

import cv2
import numpy as np
import pytest
from hand_ins import sealed

from conftest import RECORD, write_model
from test_jobs import write_video
from trt_course import CourseError, TrtSSD
from trt_course.contest import pack as packing
from trt_course.contest.board import rank
from trt_course.contest.handin import read_hand_in
from trt_course.contest.pack import pack
from trt_course.measure import evaluate, voc
from trt_course.support import machine
from trt_course.support.files import sha256


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


class SlowParts:
    """A detector whose parts take a known time: making the tensor, the engine, and all of it."""

    def __init__(self, ssd, prepare=0.0, engine=0.0, whole=0.0):
        self.ssd = ssd
        self.spec = ssd.spec
        self.engine = self
        self.name = ssd.engine.name
        self.precision = ssd.engine.precision
        self.threshold = ssd.engine.threshold
        self.prepare_seconds = prepare
        self.engine_seconds = engine
        self.whole_seconds = whole

    def detect(self, image, conf_th):
        time.sleep(self.whole_seconds)
        return self.ssd.detect(image, conf_th)

    def prepare(self, pictures):
        time.sleep(self.prepare_seconds)
        return self.ssd.prepare(pictures)

    def infer(self, request):
        time.sleep(self.engine_seconds)
        return self.ssd.engine.infer(request)


def test_the_engine_alone_is_timed_without_what_is_around_it(ssd, arena, tmp_path):
    slow = SlowParts(ssd, prepare=0.02, engine=0.004, whole=0.008)
    entry = read_hand_in(pack(slow, "a", arena, arena / "clip.avi", tmp_path))
    assert len(entry.engine_ms) == 12
    assert 4 <= min(entry.engine_ms) < 20
    assert entry.other_ms > 12 * 20


def test_a_run_that_the_board_would_refuse_is_told_at_once(ssd, arena, tmp_path):
    """Here the whole detector is quicker than its engine: something was left out of `detect`."""
    odd = SlowParts(ssd, engine=0.05)
    with pytest.raises(CourseError, match="A frame took .*, though its engine alone needs"):
        pack(odd, "a", arena, arena / "clip.avi", tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_a_network_that_holds_boxes_back_is_warned_of(arena, tmp_path, capsys):
    output = {**RECORD["output"], "threshold": 0.2}
    strict = write_model(tmp_path / "strict", output=output)
    with TrtSSD(strict, verbose=False) as ssd:
        pack(ssd, "a", arena, arena / "clip.avi", tmp_path / "out")
    assert "gives nothing below 0.2 by itself" in capsys.readouterr().err


class Never:
    """A detector that must not run."""

    def __init__(self, ssd):
        self.spec = ssd.spec
        self.engine = ssd.engine

    def detect(self, image, conf_th):
        raise AssertionError("it ran")


@pytest.mark.parametrize("frames", [49, 50])
def test_a_clip_that_is_too_short_is_known_before_the_run(ssd, arena, tmp_path, frames):
    clip = write_video(tmp_path / "clip.avi", [np.zeros((64, 64, 3), np.uint8)] * frames)
    if frames < 50:
        with pytest.raises(CourseError, match="clip.avi has 49 frames; a speed wants at least 50"):
            pack(Never(ssd), "a", arena, clip, tmp_path)
    else:
        assert len(read_hand_in(pack(ssd, "a", arena, clip, tmp_path)).frame_ms) == 50


@pytest.fixture
def in_tokyo(monkeypatch):
    """A machine whose clock is nine hours ahead of UTC."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


def test_what_ran_where_and_of_which_files_is_in_it(ssd, arena, tmp_path, in_tokyo):
    clip = arena / "clip.avi"
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    entry = read_hand_in(pack(ssd, "a", arena, clip, tmp_path))
    again = read_hand_in(pack(ssd, "a", arena, clip, tmp_path))
    assert (entry.model, entry.engine, entry.precision) == ("cells", ssd.engine.name, "fp32")
    assert before <= entry.created <= time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    assert (entry.restructured, entry.other_model) == (False, None)
    assert entry.machine["python"]
    assert entry.model_sha256 == sha256(ssd.spec.onnx)
    assert entry.video_sha256 == sha256(clip)
    assert entry.run != again.run
    assert entry.data_sha256 == again.data_sha256


def test_a_fact_that_does_not_fit_a_line_spoils_no_hand_in(ssd, arena, tmp_path, monkeypatch):
    """A board of some maker may call itself what it likes."""
    facts = {"jetson": "x" * 300, "cpu": "a\nb"}
    monkeypatch.setattr(machine, "facts", lambda: facts)
    entry = read_hand_in(pack(ssd, "a", arena, arena / "clip.avi", tmp_path))
    assert entry.machine == {"jetson": "x" * 200, "cpu": "a?b"}


@pytest.mark.parametrize(
    "team, name",
    [
        ("../../x", "x.json"),
        ("Team 1-b", "Team_1-b.json"),
        ("李雷", "李雷.json"),
        ("???", "team.json"),
        ("a" * 61, "a" * 60 + ".json"),
    ],
)
def test_a_team_s_name_becomes_a_file_name(team, name):
    assert packing._file_name(team) + ".json" == name


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
