"""The board to the letter: as text in columns, and as the rows of a page."""

import json
import re

import pytest
from hand_ins import made_up, put, write_truth

from trt_course import CourseError
from trt_course.contest import board as contest
from trt_course.contest.scoring import RULES


@pytest.fixture
def truth(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    write_truth(folder)
    return folder


@pytest.fixture
def board(tmp_path, truth):
    """Two teams, one with an accent that is a character of its own, one in Chinese; and a fault."""
    folder = tmp_path / "in"
    accent = made_up("Zoé́", 10, 50.0, True, machine={"jetson": "Nano", "power_mode": "5W"})
    put(folder, "a.json", accent)
    put(folder, "b.json", made_up("李雷", 5, 20.0, False, "backbone"))
    put(folder, "c.json", b"<oh>")
    return contest.rank(folder, truth, ignore=["blue"])


TEXT = """\
2 teams ranked, 1 hand-ins not; 10 pictures, without the classes blue.

Place  Team  Model   mAP %  Rank  Points    FPS  Rank  Points  Restructured  Other model  Final  \
Machine            Remark
    1  Zoé́   m      100.00     1      60  20.00     2    29.5             5            0   94.5  \
Nano, 5W, e, fp16
    2  李雷  m       50.00     2      59  50.00     1      30             0            3     92  \
Nano, e, fp16

Not ranked:
  c.json: It is not a hand-in's JSON: Expecting value: line 1 column 1 (char 0).
"""


def test_the_whole_text(board):
    assert board.report() == TEXT + "\n" + "\n".join(RULES)


def rows_of(page):
    """The tables of a page: their titles, and their rows as (class, text) of each cell."""
    tables = {}
    for title, table in re.findall(r"<h2>(.*?)</h2>(.*?)</table>", page, re.DOTALL):
        rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
        tables[title] = [re.findall(r"<t[hd]( class=\"w\")?>(.*?)</t", row) for row in rows]
    return tables


def test_the_page_has_both_tables_and_words_stand_to_the_left(board):
    tables = rows_of(contest.to_html(board))
    assert list(tables) == ["Ranked", "Not ranked"]
    heads, first, second = tables["Ranked"]
    assert [text for _, text in heads] == list(contest.HEADS.values())
    assert [text for _, text in first][:4] == ["1", "Zoé́", "m", "100.00"]
    assert [text for _, text in second][:4] == ["2", "李雷", "m", "50.00"]
    for row in (heads, first, second):
        words = [head for (kind, _), (_, head) in zip(row, heads) if kind]
        assert words == ["Team", "Model", "Machine", "Remark"]

    heads, only = tables["Not ranked"]
    assert heads == [(' class="w"', "File"), (' class="w"', "Reason")]
    assert only[0] == (' class="w"', "c.json")


def test_without_a_fault_there_is_no_table_of_faults(board):
    fine = board._replace(refused=[])
    assert list(rows_of(contest.to_html(fine))) == ["Ranked"]
    assert "Not ranked" not in fine.report()


def test_the_figures_have_everything(board, tmp_path):
    _, _, figures = contest.write_board(board, tmp_path / "out")
    value = json.loads(figures.read_text())
    assert set(value) == {"about", "rules", "teams", "refused"}
    assert value["about"] == board.about
    assert value["rules"] == list(RULES)
    assert value["teams"] == [row._asdict() for row in board.rows]
    assert [entry["file"] for entry in value["refused"]] == ["c.json"]


@pytest.mark.parametrize("length", [320, 321])
def test_a_long_reason_keeps_its_beginning_and_its_end(length):
    text = "".join(chr(ord("a") + number % 26) for number in range(length))
    short = contest._shortened(text)
    if length == 320:
        assert short == text
    else:
        assert short == text[:160] + " ... " + text[-150:]


def test_no_folder_is_no_empty_contest(truth, tmp_path):
    with pytest.raises(CourseError, match="There is no folder .*nowhere; wanted: one with hand-i"):
        contest.rank(tmp_path / "nowhere", truth)
    put(tmp_path / "file", "a.json", made_up("a"))
    with pytest.raises(CourseError, match="There is no folder .*a.json"):
        contest.rank(tmp_path / "file" / "a.json", truth)


def test_among_equal_places_teams_stand_by_name(tmp_path, truth):
    for number, team in enumerate(["Cy", "Ada", "Bo"]):
        put(tmp_path / "in", f"{number}.json", made_up(team, ms=30.0))
    rows = contest.rank(tmp_path / "in", truth).rows
    assert [(row.place, row.team) for row in rows] == [(1, "Ada"), (1, "Bo"), (1, "Cy")]


def test_the_last_hand_in_of_a_team_counts_by_its_moment(tmp_path, truth):
    """Whatever the files are called; at the same second the run and the file decide."""
    folder = tmp_path / "in"
    put(folder, "a.json", made_up("Ada", 9, created="2026-03-02T10:00:00Z"))
    put(folder, "b.json", made_up("Ada", 4, 31.0, created="2026-03-01T10:00:00Z"))
    board = contest.rank(folder, truth)
    assert [row.accuracy for row in board.rows] == [90.0]
    assert board.refused == [("b.json", "Ada handed in again later: a.json counts.")]

    for run, accuracy in (("z", 40.0), ("0", 90.0)):
        put(folder, "b.json", made_up("Ada", 4, 31.0, created="2026-03-02T10:00:00Z", run=run))
        assert [row.accuracy for row in contest.rank(folder, truth).rows] == [accuracy]


def test_refused_files_stand_by_name(tmp_path, truth):
    put(tmp_path / "in", "b.json", b"?")
    put(tmp_path / "in", "a.json", made_up("Ada", created="2026-03-01T10:00:00Z"))
    put(tmp_path / "in", "c.json", made_up("Ada", ms=31.0, created="2026-03-02T10:00:00Z"))
    assert [entry.file for entry in contest.rank(tmp_path / "in", truth).refused] == [
        "a.json",
        "b.json",
    ]
