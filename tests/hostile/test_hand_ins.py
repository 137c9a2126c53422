"""Hand-ins of teams that try everything: spellings of names, odd types, times that cannot be.

What is sealed again is as good as true to the seal; it is the figures themselves that do not fit.
"""

import json
import os
import re

import cv2
import numpy as np
import pytest

from contest.hand_ins import made_up, put, sealed, spent, write_truth
from test_jobs import write_video
from trt_course import CourseError, TrtSSD
from trt_course.__main__ import main
from trt_course.contest import board as contest
from trt_course.contest import pack as packing
from trt_course.contest.handin import read_hand_in
from trt_course.contest.names import clean_name, is_name, looks_of, who_is
from trt_course.contest.times import require_plausible


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    write_truth(folder)
    return folder


def ranked(tmp_path, truth, *values):
    """The board of some hand-ins, called 0.json, 1.json and so on."""
    for number, value in enumerate(values):
        put(tmp_path / "in", f"{number}.json", value)
    return contest.rank(tmp_path / "in", truth)


def reason_of(tmp_path, truth, value):
    """Why a hand-in is refused; an honest one beside it is ranked."""
    board = ranked(tmp_path, truth, made_up("Honest"), value)
    assert [row.team for row in board.rows] == ["Honest"]
    ((file, reason),) = board.refused
    assert file == "1.json"
    return reason


# Names


@pytest.mark.parametrize(
    "spelling",
    [
        "Good ",
        " good",
        "GOOD",
        "Ｇｏｏｄ",
        "Go\u034fod",
        "Good\ufe0f",
        "\u3000Good\u00a0",
        "good\u3164",
    ],
)
def test_spellings_of_a_name_are_one_team(tmp_path, truth, spelling):
    first = made_up("Good", created="2026-03-01T10:00:00Z")
    later = made_up(spelling, ms=29.0, created="2026-03-02T10:00:00Z")
    board = ranked(tmp_path, truth, first, later)
    assert [row.team for row in board.rows] == [clean_name(spelling)]
    assert board.refused == [("0.json", "Good handed in again later: 1.json counts.")]


def test_other_names_are_other_teams(tmp_path, truth):
    names = ["Good", "Good team", "Goods", "Góod", "好", "Хорошо", "❤\ufe0f"]
    board = ranked(tmp_path, truth, *[made_up(name) for name in names])
    assert sorted(row.team for row in board.rows) == sorted(names)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u3164",
        "\u2800\ufe0f",
        "a\nb",
        "a\tb",
        "a\x00",
        "\u202egnp",
        "a\u200bb",
        "a\u2066b",
    ]
    + ["a\u2028b", "\ud800", "a\u00adb", "\ufeffa", "x" * 10000, "\ufdfa" * 90, 5, None, ["Good"]],
)
def test_names_that_cannot_be_seen_are_refused(tmp_path, truth, name):
    assert not is_name(name)
    reason = reason_of(tmp_path, truth, sealed(dict(made_up("a"), team=name)))
    assert "a name of up to 100 characters on one line" in reason
    assert reason.isprintable()
    assert len(reason) <= 320


@pytest.mark.parametrize("twin", ["Аda", "Adа", "ΑDA"])
def test_a_name_in_letters_of_another_alphabet(tmp_path, truth, twin):
    assert who_is(twin) != who_is("Ada")
    assert looks_of(twin) == looks_of("Ada")
    board = ranked(tmp_path, truth, made_up("Ada"), made_up(twin), made_up("Bo"))
    assert [row.team for row in board.rows] == ["Bo"]
    assert [file for file, _ in board.refused] == ["0.json", "1.json"]
    assert all("another alphabet" in reason for _, reason in board.refused)


@pytest.mark.parametrize(
    "name", ["=cmd|'/c calc'!A0", "<script>x</script>", "|a|b|", "[a](http:b)"]
)
def test_a_name_is_never_code_on_the_page(tmp_path, truth, name):
    board = ranked(tmp_path, truth, made_up(name))
    paths = contest.write_board(board, tmp_path / "out")
    page = paths[1].read_text(encoding="utf-8")
    assert "<script" not in page
    assert json.loads(paths[2].read_text())["teams"][0]["team"] == name


# Types


ODD = [
    ("restructured", 1, "restructured is 1; allowed: true, false"),
    ("restructured", 0.0, "allowed: true, false"),
    ("restructured", "true", "allowed: true, false"),
    ("restructured", None, "allowed: true, false"),
    ("other_model", False, "allowed: None, backbone, detector"),
    ("other_model", ["backbone"], "allowed: None, backbone, detector"),
    ("seconds", True, "a time, more than 0"),
    ("seconds", "100", "a time, more than 0"),
    ("other_ms", -1.0, "a time, more than 0"),
    ("engine_ms", [9.0] * 9, "at least 10 runs of the engine"),
    ("engine_ms", {"0": 9.0}, "at least 10 runs of the engine"),
    ("model_sha256", "A" * 64, "a SHA-256"),
    ("data_sha256", "", "a SHA-256"),
    ("created", "2026-03-01T10:00:00Z\n", "a time such as"),
    ("machine", {"cpu": ["x"]}, "one line"),
    ("image_ms", [9.0], "JSON object"),
    ("detections", [], "JSON object"),
]


@pytest.mark.parametrize("field, value, reason", ODD)
def test_types_are_strict(tmp_path, truth, field, value, reason):
    odd = sealed(dict(made_up("Odd"), **{field: value}))
    assert reason in reason_of(tmp_path, truth, odd)


def with_rows(*rows):
    value = made_up("Odd")
    value["detections"]["0"] = list(rows)
    return sealed(value)


@pytest.mark.parametrize(
    "row",
    [
        ["red", True, 1, 1, 2, 2],
        ["red", "0.9", 1, 1, 2, 2],
        ["red", 0.9, 1, 1, 1e300, 2],
        ["red", 0.9, 1, 1, 2],
        ["r\ned", 0.9, 1, 1, 2, 2],
        ["x" * 10000, 0.9, 1, 1, 2, 2],
        [7, 0.9, 1, 1, 2, 2],
        {"red": 0.9},
    ],
)
def test_rows_are_strict(tmp_path, truth, row):
    assert "wanted: class, confidence from 0 to 1" in reason_of(tmp_path, truth, with_rows(row))


def test_labels_that_the_data_lacks_score_nothing(tmp_path, truth):
    strange = made_up("Odd", detections={str(n): [["green", 1, 1, 1, 2, 2]] for n in range(10)})
    board = ranked(tmp_path, truth, strange)
    assert board.rows[0].accuracy == 0.0


FILES = {
    "nan": (json.dumps(made_up("a")).replace("0.9", "NaN").encode(), "NaN is not a number"),
    "infinity": (json.dumps(made_up("a")).replace("0.9", "-Infinity").encode(), "is not a number"),
    "twice": (b'{"team": "a", "te\\u0061m": "a"}', "a name stands twice"),
    "picture twice": (b'{"detections": {"0": [], "0": []}}', "a name stands twice"),
    "nested": (b'{"team":' + b'{"a":' * 100000 + b"1" + b"}" * 100001, "nested too deeply"),
    "crowd": (json.dumps(with_rows(*[["red", 1, 1, 1, 2, 2]] * 100000)).encode(), "1000 rows"),
    "older": (json.dumps(made_up("a", schema="trt_course contest 2")).encode(), "Pack again with"),
    "not text": (b"\xff\xfe{}", "not a hand-in's JSON"),
    "empty": (b"", "not a hand-in's JSON"),
}


@pytest.mark.parametrize("name", FILES)
def test_files_that_are_no_hand_ins(tmp_path, truth, name):
    content, reason = FILES[name]
    assert reason in reason_of(tmp_path, truth, content)


def test_huge_files_links_and_hidden_ones(tmp_path, truth, capsys):
    folder = tmp_path / "in"
    put(folder, "good.json", made_up("Good"))
    with (folder / "sparse.json").open("wb") as stream:
        stream.truncate(10**9)
    (folder / "link.json").symlink_to(folder / "good.json")
    (folder / "zero.json").symlink_to("/dev/zero")
    os.mkfifo(str(folder / "pipe.json"))
    (folder / "._good.json").write_bytes(b"of another system")
    (folder / ".good-12-34.json").write_text("left by a run that was killed")

    board = tmp_path / "board"
    assert main(["contest", "rank", str(folder), "--gt", str(truth), "--out", str(board)]) == 1
    said = capsys.readouterr().out
    assert "1 teams ranked, 4 hand-ins not" in said
    assert "sparse.json: It is larger than 20 MB." in said
    assert said.count("It is not a plain file.") == 3
    assert "._good" not in said


def test_hidden_files_are_no_ground_truth(tmp_path, truth):
    copied = tmp_path / "gt"
    copied.mkdir()
    write_truth(copied)
    (copied / "._0.txt").write_bytes(b"\0\5\x16\7")
    (copied / ".0-12-34.txt").write_text("red 1 1 2 2\n")
    put(tmp_path / "in", "a.json", made_up("a"))
    assert [row.team for row in contest.rank(tmp_path / "in", copied).rows] == ["a"]


# Times


def times(**changes):
    """A hand-in with other times, whose sum is mended and which is sealed again."""
    value = made_up("Quick", ms=30.0)
    for field, change in changes.items():
        value[field] = change(value[field])
    value["seconds"] = spent(value) / 1e3
    return sealed(value)


def halved(times_ms):
    return [ms / 2 for ms in times_ms]


def test_half_the_frames_in_no_time(tmp_path, truth):
    value = times(frame_ms=lambda frames: [1e-300] * 29 + frames[29:])
    assert "no machine takes less than 0.05 ms" in reason_of(tmp_path, truth, value)


def test_a_third_of_the_frames_without_the_engine(tmp_path, truth):
    value = times(frame_ms=lambda frames: [0.3, 0.3, 90.0] * 20)
    reason = reason_of(tmp_path, truth, value)
    assert reason == ("A frame took 0.3 ms, though its engine alone needs 27 ms at its quickest.")


def test_frames_halved_are_less_than_the_engine(tmp_path, truth):
    reason = reason_of(tmp_path, truth, times(frame_ms=halved))
    assert re.search("Half its frames took less than 15 ms, .* needs 27 ms", reason)


def test_frames_halved_do_not_add_up(tmp_path, truth):
    """Where the engine is a small part of each frame, the clock still tells."""
    value = made_up("Quick", ms=30.0, engine_ms=[3.0] * 12)
    value["frame_ms"] = halved(value["frame_ms"])
    reason = reason_of(tmp_path, truth, sealed(value))
    assert "Its times add up to 3.2" in reason
    assert "by the clock" in reason


def test_the_engine_may_not_be_left_out(tmp_path, truth):
    few = times(frame_ms=lambda frames: frames * 3)
    reason = reason_of(tmp_path, truth, few)
    assert "12 runs of the engine alone; `contest pack` makes 36" in reason
    none = times(engine_ms=lambda runs: [1e-9] * len(runs))
    assert "no machine does" in reason_of(tmp_path, truth, none)


def test_all_times_halved_are_remarked_beside_others(tmp_path, truth):
    """No file can rule this out; beside the same engine of others it shows."""
    lie = made_up("Liar", ms=15.0, other_ms=1000.0)
    board = ranked(tmp_path, truth, made_up("Ada", ms=30.0), made_up("Bo", ms=31.0), lie)
    remarks = {row.team: row.remark for row in board.rows}
    assert "its engine is 2.0 times as fast as in 2 other" in remarks["Liar"]
    assert remarks["Ada"] == remarks["Bo"] == ""

    elsewhere = made_up("Liar", ms=15.0, machine={"jetson": "Orin"})
    board = ranked(tmp_path, truth, made_up("Ada", ms=30.0), made_up("Bo", ms=31.0), elsewhere)
    assert all(row.remark == "" for row in board.rows)


def test_ties_share_the_better_rank_and_one_bad_file_changes_nothing(tmp_path, truth):
    board = ranked(tmp_path, truth, made_up("A", ms=30), made_up("B", ms=30), made_up("C", ms=60))
    put(tmp_path / "in", "bad.json", b"{}")
    with_bad = contest.rank(tmp_path / "in", truth)
    assert with_bad.rows == board.rows
    assert [row.place for row in board.rows] == [1, 1, 3]
    assert [file for file, _ in with_bad.refused] == ["bad.json"]


# Packing


@pytest.fixture(scope="module")
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


@pytest.fixture
def arena(tmp_path, cell_picture):
    """Three pictures and a clip of 60 frames."""
    (tmp_path / "images").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / "images" / (name + ".png")), cell_picture)
    write_video(tmp_path / "clip.avi", [cell_picture] * 60)
    return tmp_path


def pack(ssd, arena, team="Good ", **options):
    return packing.pack(ssd, team, arena, arena / "clip.avi", arena / "out", **options)


def test_an_honest_run_accounts_for_its_time(ssd, arena):
    path = pack(ssd, arena)
    assert path == arena / "out" / "Good.json"
    value = json.loads(path.read_text())
    assert value["team"] == "Good"
    assert len(value["engine_ms"]) == 60 / 5
    assert spent(value) == pytest.approx(value["seconds"] * 1e3, abs=0.01)
    entry = read_hand_in(path)
    require_plausible(entry)
    with pytest.raises(CourseError, match="though its engine alone|do not|add up"):
        require_plausible(entry._replace(frame_ms=tuple(np.divide(entry.frame_ms, 4))))


class Never:
    """A detector that must not run."""

    def __init__(self, ssd):
        self.spec = ssd.spec
        self.engine = ssd.engine

    def detect(self, image, conf_th):
        raise AssertionError("it ran")


def test_what_cannot_be_written_is_known_before_the_run(ssd, arena):
    (arena / "out").write_text("a file")
    with pytest.raises(CourseError, match="out is a file, not a folder"):
        pack(Never(ssd), arena)

    (arena / "out").unlink()
    (arena / "out" / "Good.json").mkdir(parents=True)
    with pytest.raises(CourseError, match="Good.json is a folder"):
        pack(Never(ssd), arena)


def test_a_file_of_somebody_else_and_of_another_team_stays(ssd, arena):
    (arena / "out").mkdir()
    theirs = arena / "out" / "Good.json"
    theirs.write_text("my notes")
    with pytest.raises(CourseError, match="Good.json is in the way"):
        pack(Never(ssd), arena)
    assert theirs.read_text() == "my notes"
    theirs.unlink()

    path = pack(ssd, arena, "Good?")
    with pytest.raises(CourseError, match="is the hand-in of the team Good.; choose another"):
        pack(Never(ssd), arena, "Good!")
    assert pack(ssd, arena, "GOOD?".lower().title()) == path


def test_a_damaged_picture_makes_no_hand_in(ssd, arena):
    noise = np.random.RandomState(1).randint(0, 255, (200, 200, 3), np.uint8)
    whole = cv2.imencode(".jpg", noise)[1].tobytes()
    (arena / "images" / "d.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CourseError, match="1 of the pictures cannot be read.*d.jpg"):
        pack(ssd, arena)
    assert not list((arena / "out").glob("*.json"))


def test_the_board_is_asked_for_before_the_work(tmp_path, truth, capsys):
    folder = tmp_path / "in"
    put(folder, "a.json", made_up("a"))
    rank = ["contest", "rank", str(folder), "--gt", str(truth), "--out"]
    for inside in (folder, folder / "board"):  # the next ranking would take it for a hand-in
        assert main([*rank, str(inside)]) == 2
        assert "does not belong among the hand-ins" in capsys.readouterr().err

    out = tmp_path / "out"
    out.mkdir()
    (out / "board.html").write_text("my page")
    assert main([*rank, str(out)]) == 2
    assert sorted(path.name for path in out.iterdir()) == ["board.html"]
    assert main([*rank, str(out), "--force"]) == 0
    assert main([*rank, str(out)]) == 0  # the kit's own by now
