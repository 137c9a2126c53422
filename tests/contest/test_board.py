"""A contest of made-up teams with cheats among them: who is ranked, who is refused, the board."""

import gzip
import json
import os
import pickle
import shutil
from typing import Any, NamedTuple

import pytest
from hand_ins import HONEST, PICTURES, digest, made_up, of_team, put, put_honest, write_truth
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.contest import board as contest
from trt_course.contest import handin

NAMES = [str(number) for number in range(PICTURES)]


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    write_truth(folder)
    return folder


class Cheat(NamedTuple):
    """A file that must not be ranked, and part of the reason."""

    value: Any
    reason: str


def changed(name, **changes):
    """A hand-in that was edited after it had been sealed."""
    return dict(made_up(name), **changes)


def with_boxes(name, *rows):
    """A hand-in with these rows for one picture, and no other picture."""
    return made_up(name, detections={"0": list(rows)})


def other_pictures(team, names):
    return made_up(team, detections=dict.fromkeys(names, []), image_ms=dict.fromkeys(names, 9.0))


def too_large_a_number(value):
    """The file with 1e999, which JSON allows and no float holds, in the place of an infinity."""
    return json.dumps(value).replace("Infinity", "1e999").encode()


def nested(depth):
    return b'{"schema":' + b"[" * depth + b"]" * depth + b"}"


def edited():
    """Files that do not fit their seal."""
    other = made_up("own faster run", ms=3.0)
    times_of_other = {part: other[part] for part in ("frame_ms", "image_ms", "seal")}
    without_seal = made_up("d")
    del without_seal["seal"]
    return {
        "edited-detections.json": Cheat(
            changed("a", detections=made_up("a", 10)["detections"]), "changed after the run"
        ),
        "edited-times.json": Cheat(changed("b", frame_ms=[1.0] * 60), "changed after the run"),
        "other-run.json": Cheat(changed("fast times", **times_of_other), "changed after the run"),
        "edited-team.json": Cheat(changed("c", team="thief"), "changed after the run"),
        "no-seal.json": Cheat(without_seal, "hand-in: seal is None; wanted"),
        "odd-seal.json": Cheat(changed("d", seal={"whole": "x"}), "hand-in: seal is {"),
        "inf.json": Cheat(json.dumps(made_up("p")).replace("0.9", "1e999").encode(), "broken"),
        "other.json": Cheat(made_up("v", schema="x"), "not a hand-in of this contest"),
        "older.json": Cheat(made_up("v", schema="trt_course contest 2"), "Pack again with"),
    }


def of_something_else():
    """Files whose seal fits, made from something else than the others, or from their times."""
    copied = made_up("original")
    copy = made_up("copyist", 9, frame_ms=copied["frame_ms"])
    unknown = other_pictures("f", NAMES + ["../../etc/passwd"])
    return {
        "copy-1.json": Cheat(copied, "also those of copyist"),
        "copy-2.json": Cheat(copy, "also those of original"),
        "missing.json": Cheat(other_pictures("e", NAMES[1:]), "lacks the picture 0 (1 in all)"),
        "unknown.json": Cheat(unknown, "without ground truth: ../../etc/passwd"),
        "untimed.json": Cheat(made_up("g", image_ms={}), "only a time or only detections for 0"),
        "other-data.json": Cheat(
            made_up("h", data_sha256=digest(7)), "set of pictures is not that of the contest"
        ),
        "other-video.json": Cheat(
            made_up("i", video_sha256=digest(7)), "video is not that of the contest"
        ),
        "part-of-video.json": Cheat(
            made_up("j", frame_ms=[29.0] * 59), "number of frames is not that of the contest"
        ),
    }


def implausible():
    """Files whose seal fits, with times, boxes or claims that cannot be."""
    infinite = with_boxes("r", ["red", 0.5, 1, 1, 2, float("inf")])
    crowd = [["red", 0.5, 1, 1, 2, 2]] * 1001
    return {
        "few.json": Cheat(made_up("k", frame_ms=[5.0] * 49), "at least 50 frames"),
        "too-fast.json": Cheat(made_up("l", frame_ms=[0.01] * 60), "less than 0.05 ms"),
        "too-long.json": Cheat(made_up("m", seconds=1.0), "but the run took 1.00 s by the clock"),
        "backwards.json": Cheat(
            made_up("n", frame_ms=[5.0] * 59 + [-200.0]), "a time, more than 0"
        ),
        "nan.json": Cheat(
            with_boxes("o", ["red", float("nan"), 1, 1, 2, 2]), "NaN is not a number"
        ),
        "sure.json": Cheat(with_boxes("q", ["red", 1.5, 1, 1, 2, 2]), "confidence from 0 to 1"),
        "turned.json": Cheat(with_boxes("r", ["red", 0.5, 9, 1, 2, 2]), "x1 <= x2"),
        "upside-down.json": Cheat(with_boxes("r", ["red", 0.5, 1, 9, 2, 2]), "y1 <= y2"),
        "far.json": Cheat(too_large_a_number(infinite), "detections.0[0] is"),
        "forever.json": Cheat(
            too_large_a_number(made_up("r", seconds=float("inf"))), "a time, more than 0"
        ),
        "crowd.json": Cheat(with_boxes("s", *crowd), "up to 1000 rows"),
        "lines.json": Cheat(made_up("two\nlines"), "on one line"),
        "right-to-left.json": Cheat(made_up("\u202egnp"), "on one line"),
        "claims.json": Cheat(made_up("w", restructured=1), "allowed: true, false"),
        "claims-2.json": Cheat(
            made_up("x", other_model="all"), "allowed: None, backbone, detector"
        ),
        "extra.json": Cheat(made_up("y", final=100), "hand-in: final is an unknown field"),
        "undated.json": Cheat(made_up("z", created="tomorrow"), "a time such as"),
    }


def no_hand_ins():
    """Files that are something else."""
    packed = gzip.compress(json.dumps(made_up("t")).encode())
    too_many = handin.LIMIT + 1
    return {
        "huge.json": Cheat(b" " * too_many, "larger than 20 MB"),
        "bomb.json.gz": Cheat(gzip.compress(b"[" * too_many, 1), "larger than 20 MB"),
        "cut.json.gz": Cheat(packed[:-30], "cannot be read"),
        "text.json": Cheat(b"mAP 100 %, FPS 1000", "not a hand-in's JSON"),
        "list.json": Cheat(b"[1, 2]", "wanted: a JSON object"),
        "deep.json": Cheat(nested(100000), "nested too deeply"),
        "less-deep.json": Cheat(nested(900), "not a hand-in of this contest"),
        "digits.json": Cheat(b'{"schema": ' + b"9" * 100000 + b"}", "100000 digits"),
        "twice.json": Cheat(b'{"team": "a", "team": "b"}', "stands twice"),
        "pickle.json": Cheat(pickle.dumps(made_up("u")), "not a hand-in's JSON"),
        "hand-in.pkl": Cheat(pickle.dumps(made_up("u")), "A hand-in is a file TEAM.json"),
    }


def put_cheats(folder):
    """All cheats, as files, links and pipes; the reasons by the names of the files."""
    reasons = {}
    for cheats in (edited(), of_something_else(), implausible(), no_hand_ins()):
        for name, cheat in cheats.items():
            put(folder, name, cheat.value)
            reasons[name] = cheat.reason

    (folder / "link.json").symlink_to(folder / "00.json")
    (folder / "folder.json").mkdir()
    os.mkfifo(str(folder / "pipe.json"))
    for name in ("link.json", "folder.json", "pipe.json"):
        reasons[name] = "not a plain file"
    return reasons


def test_a_contest_of_many_teams(truth, tmp_path):
    folder = tmp_path / "in"
    put_honest(folder)
    reasons = put_cheats(folder)
    board = contest.rank(folder, truth)

    refused = dict(board.refused)
    assert set(refused) == set(reasons)
    for name, reason in reasons.items():
        assert reason in refused[name], (name, refused[name])
        assert len(refused[name]) <= 320, (name, refused[name])

    in_order = sorted(HONEST, key=lambda team: (team.place, team.name))
    assert [row.team for row in board.rows] == [team.name for team in in_order]
    for row, team in zip(board.rows, in_order):
        ranks = (row.accuracy_rank, row.fps_rank)
        assert ranks == (team.accuracy_rank, team.fps_rank), team
        assert (row.final, row.place) == (team.final, team.place), team

    figures = {row.team: (row.accuracy, row.fps) for row in board.rows}
    assert figures["Bo"] == (90.0, 50.0)
    assert figures["Ma"] == (10.0, 12.5)


@pytest.fixture(scope="module")
def sheet(truth, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sheet") / "in"
    put_honest(folder)
    put(folder, "=cmd|' <i>.json", b"?")
    return contest.rank(folder, truth)


@pytest.fixture
def texts(sheet, tmp_path):
    """The files of the board, by their endings."""
    paths = contest.write_board(sheet, tmp_path)
    assert sorted(paths) == sorted(tmp_path.glob("[!.]*"))
    return {path.suffix: path.read_text(encoding="utf-8") for path in paths}


def test_the_board_in_three_forms(texts):
    assert set(texts) == {".txt", ".html", ".json"}
    assert all("1, 2, 2, 4" in text for text in texts.values())


def test_the_page_needs_nothing_else_and_runs_nothing(texts):
    page = texts[".html"]
    assert "&lt;b&gt;Li|ly" in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_text_is_in_columns_and_json_in_places(texts, sheet):
    lines = texts[".txt"].splitlines()
    assert lines[3].startswith("    1  李雷          m")
    assert lines[4].startswith("    2  Hu            m")
    assert "100.00" in lines[3]
    assert "20.00" in lines[3]

    value = json.loads(texts[".json"])
    assert [row["team"] for row in value["teams"]] == [row.team for row in sheet.rows]
    assert [entry["file"] for entry in value["refused"]] == ["=cmd|' <i>.json"]


def test_the_same_team_twice(truth, tmp_path):
    folder = tmp_path / "in"
    put(folder, "a.json", made_up("Team A", 9, created="2026-03-01T10:00:00Z"))
    later = made_up("team a", 4, created="2026-03-02T10:00:00Z")
    put(folder, "b.json.gz", gzip.compress(json.dumps(later).encode()))

    board = contest.rank(folder, truth)
    assert [(row.team, row.accuracy) for row in board.rows] == [("team a", 40.0)]
    assert board.refused == [("a.json", "Team A handed in again later: b.json.gz counts.")]


def test_no_majority_needs_the_organisers_data(truth, tmp_path):
    folder = tmp_path / "in"
    put(folder, "a.json", made_up("a"))
    put(folder, "b.json", made_up("b", data_sha256=digest(9)))
    board = contest.rank(folder, truth)
    assert not board.rows
    assert all("rank again with --data DIR" in reason for _, reason in board.refused)

    # One vote for a team, not two.
    put(folder, "c.json", made_up("a", created="2026-02-01T10:00:00Z"))
    assert not contest.rank(folder, truth).rows


def test_a_board_of_nobody(truth, tmp_path):
    empty = tmp_path / "in"
    empty.mkdir()
    board = contest.rank(empty, truth)
    assert board.rows == []
    assert "0 teams" in board.report()
    contest.write_board(board, tmp_path / "out")
    with pytest.raises(CourseError, match="holds no .txt files"):
        contest.rank(empty, empty)
    with pytest.raises(CourseError, match="no box in .* counts, when you ignore red"):
        contest.rank(empty, truth, ignore=["red"])


def test_a_class_left_out_and_a_suspicious_pace(truth, tmp_path):
    put(tmp_path / "in", "a.json", made_up("a", image_ms=dict.fromkeys(NAMES, 300.0)))
    board = contest.rank(tmp_path / "in", truth, ignore=["blue"])
    assert "without the classes blue" in board.about
    assert board.rows[0].remark == "a picture took 10 times as long as a frame: the same model?"


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(order=st.permutations(range(len(HONEST))))
def test_the_order_of_the_files_does_not_matter(truth, sheet, tmp_path, order):
    folder = tmp_path / "in"
    shutil.rmtree(str(folder), ignore_errors=True)
    for number, team in zip(order, HONEST):
        put(folder, f"{number:02d}.json", of_team(team))
    assert contest.rank(folder, truth).rows == sheet.rows
