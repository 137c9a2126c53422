"""The contest: `rank` scores a folder of hand-ins anew and makes the board; `write_board` shows it in five forms.

The hand-ins themselves, how they are made and what they must hold, are handin.py's business.
"""
import collections
import csv
import html
import io
import re
import unicodedata
from functools import partial
from pathlib import Path
from typing import List, NamedTuple

import numpy as np

from ..errors import CourseError
from ..files import kit_path, sha256, write_json, write_text
from . import voc
from .evaluate import pictures_of
from .handin import OTHER_POINTS, clean, data_digest, load, pack

__all__ = ["Board", "pack", "rank", "write_board"]
RULES = (
    "mAP is computed again from the raw detections, VOC style at overlap 0.5; FPS is 1000 / mean milliseconds of a "
    "frame over the whole video, scope detect (frame in memory to boxes), warm-up left out.",
    "Ranks compare the two decimals that are printed. Equal figures share the better rank: 1, 2, 2, 4.",
    "Final = mAP points 60 - (rank - 1) + FPS points 30 - (rank - 1) x 0.5 + 5 for a restructured class + 3 for "
    "another backbone or 5 for another detector. Equal totals share the place.",
)
HEADS = ("Place", "Team", "Model", "mAP %", "Rank", "Points", "FPS", "Rank", "Points", "Restructured", "Other model",
         "Final", "Machine", "Remark")
_WORDS = (1, 2, 12, 13)  # the columns that hold words, not figures


class Row(NamedTuple):
    """One team, in the order of HEADS."""
    place: int
    team: str
    model: str
    accuracy: float
    accuracy_rank: int
    accuracy_points: float
    fps: float
    fps_rank: int
    fps_points: float
    restructured: int
    other_model: int
    final: float
    machine: str
    remark: str

    def cells(self):
        shown = self._replace(accuracy="{:.2f}".format(self.accuracy), fps="{:.2f}".format(self.fps))
        return ["{:g}".format(v) if isinstance(v, (int, float)) else v for v in shown]


class Refused(NamedTuple):
    file: str
    reason: str


class Board(NamedTuple):
    rows: List[Row]
    refused: List[Refused]
    about: str

    def as_dict(self):
        return {"about": self.about, "rules": RULES, "teams": [row._asdict() for row in self.rows],
                "refused": [entry._asdict() for entry in self.refused]}

    def report(self):
        """The board for the screen."""
        table = [HEADS] + [row.cells() for row in self.rows]
        widths = [max(map(_width, column)) for column in zip(*table)]
        lines = [self.about, ""] + ["  ".join(_pad(cell, width, i in _WORDS) for i, (cell, width) in
                                              enumerate(zip(line, widths))).rstrip() for line in table]
        lines += ["", "Not ranked:"] * bool(self.refused) + ["  {}: {}".format(*entry) for entry in self.refused]
        return "\n".join(lines + [""] + list(RULES))


def rank(folder, gt, ignore=(), data=None, video=None):
    """The Board of a folder of hand-ins. `data` and `video` are the organiser's own; without, the majority's count."""
    truths = _truths(kit_path(gt))
    entries, refused = [], []
    for path in sorted(p for p in kit_path(folder).iterdir() if not p.name.startswith(".")):
        try:
            entries.append(_complete(load(path), truths))
        except CourseError as err:
            refused.append(Refused(clean(path.name), _short(str(err))))
    own_data = data and data_digest(pictures_of(kit_path(data)))
    own_video = video and sha256(kit_path(video))
    for sieve in (partial(_strange, "data_sha256", own_data, "set of pictures", "--data DIR"),
                  partial(_strange, "video_sha256", own_video, "video", "--video FILE"),
                  partial(_strange, "frames", None, "number of frames", "fewer hand-ins"), _copies, _earlier):
        reasons = sieve(entries)
        refused += [Refused(e.file, reason) for e, reason in zip(entries, reasons) if reason]
        entries = [e for e, reason in zip(entries, reasons) if not reason]
    about = "{} teams ranked, {} hand-ins not; {} pictures{}.".format(
        len(entries), len(refused), len(truths), ", without the classes " + ", ".join(ignore) if ignore else "")
    return Board(_placed([_score(e, truths, ignore) for e in entries]), sorted(refused), about)


def _truths(folder):
    truths = {path.stem: voc.read_truth(path) for path in sorted(folder.glob("*.txt"))}
    if not truths:
        raise CourseError("The folder {} holds no ground truth (NAME.txt).".format(folder))
    return truths


def _complete(entry, truths):
    for names, what in ((set(truths) - set(entry.detections), "lacks the picture"),
                        (set(entry.detections) - set(truths), "holds detections of a picture without ground truth:"),
                        (set(entry.detections) ^ set(entry.image_ms), "has only a time or only detections for")):
        if names:
            raise CourseError("It {} {} ({} in all).".format(what, clean(min(names)), len(names)))
    return entry


# Each sieve gives one reason per entry; what is empty passes.

def _strange(field, wanted, what, option, entries):
    """Those whose field is not the organiser's, or not that of most teams; a team's last hand-in is its vote."""
    votes = collections.Counter({e.who: getattr(e, field) for e in sorted(entries, key=_age)}.values()).most_common(2)
    if wanted is None and len(votes) == 2 and votes[0][1] == votes[1][1]:
        return ["No {} has the majority among the teams; rank again with {}.".format(what, option)] * len(entries)
    wanted = wanted or votes and votes[0][0]
    return [getattr(e, field) != wanted and "Its {} is not that of the contest.".format(what) for e in entries]


def _copies(entries):
    """Times to the nanosecond do not come twice: one such hand-in is a copy, and a person must say which."""
    groups = {}
    for e in entries:
        groups.setdefault(e.frame_ms, {})[e.who] = e.team
    return ["Its times are also those of {}: one is a copy. Take that out and rank again.".format(
        ", ".join(sorted(team for who, team in groups[e.frame_ms].items() if who != e.who)))
        if len(groups[e.frame_ms]) > 1 else "" for e in entries]


def _age(entry):
    return entry.created, entry.run, entry.file


def _earlier(entries):
    last = {e.who: e.file for e in sorted(entries, key=_age)}
    return [last[e.who] != e.file and "{} handed in again later: {} counts.".format(e.team, last[e.who])
            for e in entries]


def _score(entry, truths, ignore):
    found = {name: entry.detections[name] for name in truths}
    ratio = float(np.median(list(entry.image_ms.values())) / np.median(entry.frame_ms))
    facts = entry.machine
    where = (facts.get("jetson") or facts.get("gpu") or facts.get("cpu"), facts.get("power_mode"), entry.engine,
             entry.precision)
    return Row(0, entry.team, entry.model,
               accuracy=round(100 * float(voc.score(truths, found, ignore).mean), 2),
               accuracy_rank=0, accuracy_points=0,
               fps=round(1e3 / float(np.mean(entry.frame_ms)), 2), fps_rank=0, fps_points=0,
               restructured=5 * entry.restructured, other_model=OTHER_POINTS[entry.other_model], final=0,
               machine=", ".join(filter(None, where)),
               remark="a picture took {:.0f} times as long as a frame: the same model?".format(ratio)
               if ratio > 5 else "")


def _placed(rows):
    """Ranks, the formula, places; equal figures share the better rank."""
    def rank_in(field, row):
        return 1 + sum(getattr(other, field) > getattr(row, field) for other in rows)
    rows = [row._replace(accuracy_rank=rank_in("accuracy", row), fps_rank=rank_in("fps", row)) for row in rows]
    rows = [row._replace(accuracy_points=60 - (row.accuracy_rank - 1), fps_points=30 - (row.fps_rank - 1) * 0.5)
            for row in rows]
    rows = [row._replace(final=row.accuracy_points + row.fps_points + row.restructured + row.other_model)
            for row in rows]
    return sorted((row._replace(place=rank_in("final", row)) for row in rows), key=lambda row: (row.place, row.team))


def _short(text):
    text = clean(text)
    return text if len(text) <= 320 else text[:160] + " ... " + text[-150:]


def _width(text):
    """Columns on the screen: Chinese characters take two, accents that join a letter none."""
    return sum(0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF") for c in text)


def _pad(text, width, left):
    fill = " " * (width - _width(text))
    return text + fill if left else fill + text


def to_csv(board):
    """Ranked and refused. A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerow(HEADS)
    for row in board.rows:
        writer.writerow([_harmless(v) if isinstance(v, str) else v for v in row])
    for entry in board.refused:
        writer.writerow(["", _harmless(entry.file)] + [""] * (len(HEADS) - 3) + [_harmless(entry.reason)])
    return stream.getvalue()


def _harmless(text):
    return "'" + text if text.lstrip()[:1] in tuple("=+-@|%") else text


def to_markdown(board):
    def line(cells):
        return "| " + " | ".join(re.sub(r"([\\`*_\[\]<>|&~#])", r"\\\1", cell) for cell in cells) + " |"
    marks = "|" + "|".join("---" if i in _WORDS else "--:" for i in range(len(HEADS))) + "|"
    lines = ["# Contest", "", board.about, "", line(HEADS), marks] + [line(row.cells()) for row in board.rows]
    if board.refused:
        lines += ["", "## Not ranked", "", line(("File", "Reason")), "|---|---|"] + [line(e) for e in board.refused]
    return "\n".join(lines + [""] + ["* " + rule for rule in RULES]) + "\n"


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Contest</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #1c2430; background: #f5f7f9; margin: 2rem auto; max-width: 1280px;
 padding: 0 1rem }}
h1 {{ margin: 0 }} p, li {{ color: #566273 }} div {{ overflow-x: auto }}
table {{ border-collapse: collapse; width: 100%; background: #fff; box-shadow: 0 1px 4px #0002 }}
th, td {{ padding: .45rem .6rem; text-align: right; border-bottom: 1px solid #e6eaee; vertical-align: top }}
th {{ background: #33691e; color: #fff; font-weight: 600 }} tbody tr:hover {{ background: #f1f8e9 }}
.w {{ text-align: left; overflow-wrap: anywhere; min-width: 6rem }} td:nth-child(12) {{ font-weight: 700 }}
td {{ font-variant-numeric: tabular-nums }}
</style></head><body><h1>Contest</h1><p>{about}</p><div>{table}</div>{refused}<ul>{rules}</ul></body></html>
"""


def _html_table(heads, lines, words):
    def cells(tag, line):
        return "<tr>" + "".join("<{0}{1}>{2}</{0}>".format(tag, ' class="w"' if i in words else "", html.escape(c))
                                for i, c in enumerate(line)) + "</tr>\n"
    return "<table><thead>{}</thead><tbody>{}</tbody></table>".format(
        cells("th", heads), "".join(cells("td", line) for line in lines))


def to_html(board):
    """One page that needs nothing else: no script, no picture, no font from elsewhere."""
    refused = "<h2>Not ranked</h2>" + _html_table(("File", "Reason"), board.refused, (0, 1)) if board.refused else ""
    return _PAGE.format(about=html.escape(board.about), refused=refused,
                        table=_html_table(HEADS, [row.cells() for row in board.rows], _WORDS),
                        rules="".join("<li>{}</li>".format(html.escape(rule)) for rule in RULES))


def write_board(board, folder):
    """board.txt, .csv, .md, .html and .json in a folder; returns their paths."""
    base = Path(str(folder)) / "board"
    texts = {".txt": board.report() + "\n", ".csv": to_csv(board), ".md": to_markdown(board), ".html": to_html(board)}
    for suffix, text in texts.items():
        write_text(base.with_suffix(suffix), text)
    write_json(base.with_suffix(".json"), board.as_dict())
    return [base.with_suffix(suffix) for suffix in list(texts) + [".json"]]
