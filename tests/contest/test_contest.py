"""The contest: one real run packed and ranked, a contest of made-up teams with cheats, and files full of nonsense."""

import copy
import gzip
import hashlib
import json
import os
import pickle
import random
import shutil
import time
import tracemalloc

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from test_jobs import write_video
from trt_course import CourseError, TrtSSD
from trt_course.contest import board as contest
from trt_course.contest import handin
from trt_course.measure import evaluate, voc

PICTURES, HASH = 10, "{:064x}".format
# team, pictures found of ten, ms a frame, restructured, other model: mAP rank, FPS rank, total, place. Worked by hand.
HONEST = [
    ("Ada", 10, 50, 0, None, 1, 11, 85, 5),
    ("Bo", 9, 20, 0, None, 3, 5, 86, 3),
    ("Cy", 9, 20, 0, None, 3, 5, 86, 3),
    ("Di", 8, 100, 0, None, 5, 14, 79.5, 10),
    ("Ed", 8, 10, 0, None, 5, 3, 85, 5),
    ("Fay", 8, 20, 0, None, 5, 5, 84, 7),
    ("Gus", 5, 5, 0, None, 10, 2, 80.5, 9),
    ("Hu", 5, 40, 1, "detector", 10, 9, 87, 2),
    ("Ida", 3, 25, 0, "backbone", 12, 8, 78.5, 11),
    ("Jo", 0, 4, 0, None, 15, 1, 76, 13),
    ("李雷", 10, 50, 1, None, 1, 11, 90, 1),
    ("<b>Li|ly</b>", 7, 12.5, 0, None, 8, 4, 81.5, 8),
    ("=1+1", 6, 40, 0, None, 9, 9, 78, 12),
    ("../../x", 2, 200, 0, None, 13, 15, 71, 15),
    ("Ma", 1, 80, 0, "detector", 14, 13, 76, 13),
    ("No", 0, 1000, 0, None, 15, 16, 68.5, 16),
]


def seal(value):
    """As docs/contest.md says it; a cheat can do this too."""

    def digest(part):
        return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()

    body = {k: v for k, v in value.items() if k != "seal"}
    return dict(
        body,
        seal={
            "detections": digest(body.get("detections")),
            "whole": digest(body),
            "times": digest([body.get("frame_ms"), body.get("image_ms")]),
        },
    )


def made_up(team, hits=5, ms=30.0, restructured=0, other=None, **changes):
    """A hand-in that finds `hits` of ten red objects and takes `ms` a frame, no two of them to the same digit."""
    shake = random.Random(team).uniform(1e-6, 1e-4)
    found = [["red", 0.9, 10, 10, 20, 20]]
    return seal(
        dict(
            {
                "schema": "trt_course contest 1",
                "team": team,
                "restructured": bool(restructured) if restructured in (0, 1) else restructured,
                "other_model": other,
                "model": "m",
                "engine": "e",
                "precision": "fp16",
                "machine": {"jetson": "Nano"},
                "run": HASH(len(team)),
                "created": "2026-03-01T10:00:00Z",
                "seconds": 1e4,
                "model_sha256": HASH(1),
                "data_sha256": HASH(2),
                "video_sha256": HASH(3),
                "frame_ms": [ms - shake, ms + shake] * 30,
                "image_ms": {str(i): float(ms) for i in range(PICTURES)},
                "detections": {str(i): found if i < hits else [] for i in range(PICTURES)},
            },
            **changes,
        )
    )


def put(folder, name, value):
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(value if isinstance(value, bytes) else json.dumps(value).encode())


def honest(folder):
    for number, row in enumerate(HONEST):
        put(folder, f"{number:02d}.json", made_up(*row[:5]))


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    for i in range(PICTURES):
        (folder / f"{i}.txt").write_text("red 10 10 20 20\n")
    return folder


def changed(name, **changes):
    """A hand-in that was edited after it had been sealed."""
    return dict(made_up(name), **changes)


def other_pictures(team, names):
    return made_up(team, detections=dict.fromkeys(names, []), image_ms=dict.fromkeys(names, 9.0))


def times_of_another_run():
    """Each part's digest is mended; the digest of the whole, which ties them, is not."""
    mine, other = made_up("fast times"), made_up("own faster run", ms=3.0)
    mine.update(frame_ms=other["frame_ms"], image_ms=other["image_ms"])
    mine["seal"]["times"] = other["seal"]["times"]
    return mine


def cheats():
    names = [str(i) for i in range(PICTURES)]
    copied = made_up("original")
    return {
        "edited-detections.json": (
            changed("a", detections=made_up("a", 10)["detections"]),
            "the detections changed",
        ),
        "edited-times.json": (changed("b", frame_ms=[1.0] * 60), "the times changed"),
        "other-run.json": (times_of_another_run(), "something changed"),
        "edited-team.json": (changed("c", team="thief"), "something changed"),
        "no-seal.json": (
            {k: v for k, v in made_up("d").items() if k != "seal"},
            "hand-in: seal is None; wanted",
        ),
        "copy-1.json": (copied, "also those of copyist"),
        "copy-2.json": (
            made_up("copyist", 9, frame_ms=copied["frame_ms"]),
            "also those of original",
        ),
        "missing.json": (other_pictures("e", names[1:]), "lacks the picture 0 (1 in all)"),
        "unknown.json": (
            other_pictures("f", names + ["../../etc/passwd"]),
            "without ground truth: ../../etc/passwd",
        ),
        "untimed.json": (made_up("g", image_ms={}), "only a time or only detections for 0"),
        "other-data.json": (
            made_up("h", data_sha256=HASH(7)),
            "set of pictures is not that of the contest",
        ),
        "other-video.json": (
            made_up("i", video_sha256=HASH(7)),
            "video is not that of the contest",
        ),
        "part-of-video.json": (
            made_up("j", frame_ms=[5.0] * 59),
            "number of frames is not that of the contest",
        ),
        "few.json": (made_up("k", frame_ms=[5.0] * 49), "at least 50 frames"),
        "too-fast.json": (made_up("l", frame_ms=[0.01] * 60), "less than 0.05 ms"),
        "too-long.json": (made_up("m", seconds=1.0), "more than the 1.0 s"),
        "backwards.json": (made_up("n", frame_ms=[5.0] * 59 + [-200.0]), "a time, more than 0"),
        "nan.json": (
            made_up("o", detections={"0": [["red", float("nan"), 1, 1, 2, 2]]}),
            "confidence from 0 to 1",
        ),
        "inf.json": (json.dumps(made_up("p")).replace("0.9", "1e999").encode(), "broken"),
        "sure.json": (
            made_up("q", detections={"0": [["red", 1.5, 1, 1, 2, 2]]}),
            "confidence from 0 to 1",
        ),
        "turned.json": (made_up("r", detections={"0": [["red", 0.5, 9, 1, 2, 2]]}), "x1 <= x2"),
        "upside-down.json": (
            made_up("r", detections={"0": [["red", 0.5, 1, 9, 2, 2]]}),
            "y1 <= y2",
        ),
        "far.json": (
            json.dumps(made_up("r", detections={"0": [["red", 0.5, 1, 1, 2, float("inf")]]}))
            .replace("Infinity", "1e999")
            .encode(),
            "detections.0[0] is",
        ),
        "forever.json": (
            json.dumps(made_up("r", seconds=float("inf"))).replace("Infinity", "1e999").encode(),
            "a time, more than 0",
        ),
        "crowd.json": (
            made_up("s", detections={"0": [["red", 0.5, 1, 1, 2, 2]] * 1001}),
            "up to 1000 rows",
        ),
        "huge.json": (b" " * (handin.LIMIT + 1), "larger than 20 MB"),
        "bomb.json.gz": (gzip.compress(b"[" * (handin.LIMIT + 1), 1), "larger than 20 MB"),
        "cut.json.gz": (gzip.compress(json.dumps(made_up("t")).encode())[:-30], "cannot be read"),
        "text.json": (b"mAP 100 %, FPS 1000", "not a hand-in's JSON"),
        "list.json": (b"[1, 2]", "wanted: a JSON object"),
        "deep.json": (b'{"schema":' + b"[" * 100000 + b"]" * 100000 + b"}", "nested too deeply"),
        "less-deep.json": (b'{"schema":' + b"[" * 900 + b"]" * 900 + b"}", ""),
        "digits.json": (b'{"schema": ' + b"9" * 100000 + b"}", "100000 digits"),
        "twice.json": (b'{"team": "a", "team": "b"}', "stands twice"),
        "pickle.json": (pickle.dumps(made_up("u")), "not a hand-in's JSON"),
        "hand-in.pkl": (pickle.dumps(made_up("u")), "A hand-in is a file TEAM.json"),
        "other.json": (made_up("v", schema="x"), "not a hand-in of this contest"),
        "lines.json": (made_up("two\nlines"), "one line"),
        "right-to-left.json": (made_up("\u202egnp"), "one line"),
        "claims.json": (made_up("w", restructured=17), "allowed: True, False"),
        "claims-2.json": (made_up("x", other_model="all"), "allowed: None, backbone, detector"),
        "extra.json": (made_up("y", final=100), "hand-in: final is a field that nobody knows"),
        "undated.json": (made_up("z", created="tomorrow"), "a time such as"),
    }


def test_a_contest_of_many_teams(truth, tmp_path):
    folder = tmp_path / "in"
    honest(folder)
    wanted = cheats()
    for name, (value, _) in wanted.items():
        put(folder, name, value)
    (folder / "link.json").symlink_to(folder / "00.json")
    (folder / "folder.json").mkdir()
    os.mkfifo(str(folder / "pipe.json"))
    wanted.update(
        {name: (0, "not a plain file") for name in ("link.json", "folder.json", "pipe.json")}
    )
    board = contest.rank(folder, truth)
    refused = dict(board.refused)
    assert set(refused) == set(wanted)
    for name, (_, reason) in wanted.items():
        assert reason in refused[name] and len(refused[name]) <= 320, (name, refused[name])
    assert [(r.team, r.accuracy_rank, r.fps_rank, r.final, r.place) for r in board.rows] == [
        (row[0],) + row[5:] for row in sorted(HONEST, key=lambda row: (row[8], row[0]))
    ]
    assert [(r.team, r.accuracy, r.fps) for r in board.rows if r.team in ("Bo", "Ma")] == [
        ("Bo", 90.0, 50.0),
        ("Ma", 10.0, 12.5),
    ]


@pytest.fixture(scope="module")
def sheet(truth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet") / "in"
    honest(folder)
    put(folder, "=cmd|' <i>.json", b"?")
    return contest.rank(folder, truth)


def test_the_board_in_five_forms(sheet, tmp_path):
    texts = {
        path.suffix: path.read_text(encoding="utf-8")
        for path in contest.write_board(sheet, tmp_path)
    }
    assert (
        set(texts) == {".txt", ".csv", ".md", ".html", ".json"}
        and len(list(tmp_path.iterdir())) == 5
    )
    assert all("1, 2, 2, 4" in texts[kind] for kind in (".txt", ".md", ".html", ".json"))
    assert "'=1+1" in texts[".csv"] and '"=' not in texts[".csv"]
    assert (
        "<b>" not in texts[".html"]
        and "&lt;b&gt;Li|ly" in texts[".html"]
        and "<i>" not in texts[".html"]
    )
    assert (
        "http" not in texts[".html"].replace("http-equiv", "") and "<script" not in texts[".html"]
    )
    assert r"\<b\>Li\|ly\</b\>" in texts[".md"]
    assert [row["team"] for row in json.loads(texts[".json"])["teams"]] == [
        row.team for row in sheet.rows
    ]
    lines = texts[".txt"].splitlines()
    assert lines[3].startswith("    1  李雷          m") and lines[4].startswith(
        "    2  Hu            m"
    )
    assert "100.00" in lines[3] and "20.00" in lines[3]


def test_the_same_team_twice(truth, tmp_path):
    put(tmp_path / "in", "a.json", made_up("Team A", 9, created="2026-03-01T10:00:00Z"))
    put(
        tmp_path / "in",
        "b.json.gz",
        gzip.compress(json.dumps(made_up("team a", 4, created="2026-03-02T10:00:00Z")).encode()),
    )
    board = contest.rank(tmp_path / "in", truth)
    assert [(r.team, r.accuracy) for r in board.rows] == [("team a", 40.0)]
    assert board.refused == [("a.json", "Team A handed in again later: b.json.gz counts.")]


def test_no_majority_needs_the_organisers_data(truth, tmp_path):
    put(tmp_path / "in", "a.json", made_up("a"))
    put(tmp_path / "in", "b.json", made_up("b", data_sha256=HASH(9)))
    board = contest.rank(tmp_path / "in", truth)
    assert not board.rows and all(
        "rank again with --data DIR" in reason for _, reason in board.refused
    )
    put(
        tmp_path / "in", "c.json", made_up("a", created="2026-02-01T10:00:00Z")
    )  # one vote for a team, not two
    assert not contest.rank(tmp_path / "in", truth).rows


def test_a_board_of_nobody(truth, tmp_path):
    (tmp_path / "in").mkdir()
    board = contest.rank(tmp_path / "in", truth)
    assert board.rows == [] and "0 teams" in board.report()
    contest.write_board(board, tmp_path / "out")
    with pytest.raises(CourseError, match="holds no ground truth"):
        contest.rank(tmp_path / "in", tmp_path / "in")


def test_a_class_left_out_and_a_suspicious_pace(truth, tmp_path):
    put(tmp_path / "in", "a.json", made_up("a", image_ms={str(i): 300.0 for i in range(PICTURES)}))
    board = contest.rank(tmp_path / "in", truth, ignore=["red"])
    assert board.rows[0].accuracy == 0 and "without the classes red" in board.about
    assert board.rows[0].remark == "a picture took 10 times as long as a frame: the same model?"


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(len(HONEST))))
def test_the_order_of_the_files_does_not_matter(truth, sheet, tmp_path, order):
    folder = tmp_path / "in"
    shutil.rmtree(str(folder), ignore_errors=True)
    for number, row in zip(order, HONEST):
        put(folder, f"{number:02d}.json", made_up(*row[:5]))
    assert contest.rank(folder, truth).rows == sheet.rows


ODD = [
    None,
    True,
    -1,
    0,
    1.5,
    10**14,
    "",
    "x" * 300,
    "\ud800",
    "\x00",
    [],
    [[]],
    [None] * 60,
    {},
    {"": {}},
    {"0": 1},
]


def mutated(rng, value):
    """A hand-in with one odd value somewhere, sealed again; or its bytes, damaged."""
    value = copy.deepcopy(value)
    place, key = value, rng.choice(sorted(set(value) - {"seal"}))
    while isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.7:
        place = place[key]
        key = rng.choice(sorted(place)) if isinstance(place, dict) else rng.randrange(len(place))
    place[key] = rng.choice(ODD)
    if rng.random() < 0.5:
        return json.dumps(seal(value)).encode()
    data = bytearray(json.dumps(value).encode())
    for _ in range(rng.randint(1, 5)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])


def test_nonsense_is_listed_never_a_traceback(truth, tmp_path):
    rng = random.Random(4)
    for number in range(600):
        data = mutated(rng, made_up(f"t{number}"))
        zipped = bytearray(gzip.compress(data))
        zipped[rng.randrange(len(zipped))] ^= rng.choice([0, 1, 64])
        put(
            tmp_path / "in",
            "{}.json{}".format(number, ".gz" * (number % 2)),
            bytes(zipped) if number % 2 else data,
        )
    put(tmp_path / "in", "fine.json", made_up("fine"))
    board = contest.rank(tmp_path / "in", truth)
    assert len(board.rows) + len(board.refused) == 601 and "fine" in [
        row.team for row in board.rows
    ]
    assert len(board.refused) > 400 and all(reason.isprintable() for _, reason in board.refused)
    contest.write_board(board, tmp_path / "out")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(handin, "LIMIT", 10**5)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (3 * 10**7)))
    tracemalloc.start()
    try:
        with pytest.raises(CourseError, match="larger than"):
            handin.read_hand_in(tmp_path / "bomb.json.gz")
        assert tracemalloc.get_traced_memory()[1] < 3 * 10**6
    finally:
        tracemalloc.stop()


# One real run


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
    for i in range(4):
        cv2.imwrite(str(folder / "images" / f"p{i}.png"), picture)
        (folder / "ground-truth" / f"p{i}.txt").write_text(
            f"red 64 32 96 64\ngreen 190 {128 if i else 20} 224 160\n"
        )
    write_video(folder / "clip.avi", [picture] * 60)
    return folder


def test_pack_and_rank(ssd, arena, tmp_path):
    path = contest.pack(
        ssd, "../../x", arena, arena / "clip.avi", tmp_path / "in", True, "backbone"
    )
    assert path == tmp_path / "in" / "x.json" and list((tmp_path / "in").iterdir()) == [path]
    value = json.loads(path.read_text())
    assert (
        seal(value) == value
        and len(value["frame_ms"]) == 60
        and set(value["image_ms"]) == set(value["detections"])
    )
    board = contest.rank(
        tmp_path / "in", arena / "ground-truth", data=arena, video=arena / "clip.avi"
    )
    assert not board.refused
    (row,) = board.rows
    wanted = voc.score(*evaluate.detect_folder(ssd, arena)).mean
    assert row.accuracy == round(100 * wanted, 2) and 50 < row.accuracy < 100
    assert row.fps == round(60000 / sum(value["frame_ms"]), 2) and (row.team, row.final) == (
        "../../x",
        98,
    )


def test_detections_come_back_exactly(ssd, arena, tmp_path):
    entry = handin.read_hand_in(contest.pack(ssd, "a", arena, arena / "clip.avi", tmp_path))
    _, founds = evaluate.detect_folder(ssd, arena)
    for name, found in founds.items():
        assert entry.detections[name].labels == found.labels
        assert np.array_equal(entry.detections[name].boxes, found.boxes)
        assert np.array_equal(entry.detections[name].confs, found.confs)


def test_another_organisers_data_and_video(ssd, arena, tmp_path):
    contest.pack(ssd, "a", arena, arena / "clip.avi", tmp_path / "in")
    other = tmp_path / "other"
    shutil.copytree(str(arena), str(other))
    cv2.imwrite(str(other / "images" / "p0.png"), np.zeros((192, 256, 3), np.uint8))
    for options in ({"data": other}, {"video": other / "images" / "p0.png"}):
        assert not contest.rank(tmp_path / "in", arena / "ground-truth", **options).rows


def test_warm_up_is_run_and_not_counted(ssd, arena, tmp_path):
    class Counting:
        spec, engine, calls, slow = ssd.spec, ssd.engine, 0, 0.03

        def detect(self, image, conf_th):
            assert conf_th == 0.01
            self.calls += 1
            time.sleep(self.slow if self.calls <= 10 or 15 <= self.calls <= 24 else 0)
            return ssd.detect(image, conf_th)

    counting = Counting()
    entry = handin.read_hand_in(contest.pack(counting, "a", arena, arena / "clip.avi", tmp_path))
    assert counting.calls == 10 + 4 + 10 + 60 and (len(entry.frame_ms), len(entry.image_ms)) == (
        60,
        4,
    )
    assert sorted(entry.frame_ms)[30] < 30 and sorted(entry.image_ms.values())[1] < 30


def test_ctrl_c_leaves_nothing(ssd, arena, tmp_path):
    class Interrupting:
        spec, engine, left = ssd.spec, ssd.engine, 50

        def detect(self, image, conf_th):
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt
            return ssd.detect(image, conf_th)

    with pytest.raises(KeyboardInterrupt):
        contest.pack(Interrupting(), "a", arena, arena / "clip.avi", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"team": "a\nb"}, "team is 'a.nb'; wanted: one line"),
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
    with pytest.raises(CourseError, match=message):
        contest.pack(
            ssd,
            **dict(
                {"team": "a", "data": arena, "video": arena / "clip.avi", "out": "out"}, **changes
            ),
        )
    assert not list(tmp_path.glob("out/*"))


def test_two_pictures_of_one_name(ssd, arena, tmp_path):
    shutil.copytree(str(arena / "images"), str(tmp_path / "images"))
    shutil.copy(str(tmp_path / "images/p0.png"), str(tmp_path / "images/p0.bmp"))
    with pytest.raises(CourseError, match="share their name"):
        contest.pack(ssd, "a", tmp_path, arena / "clip.avi", tmp_path / "out")
