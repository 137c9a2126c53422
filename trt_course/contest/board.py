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

from ..measure import voc
from ..measure.evaluate import pictures_of
from ..support.errors import CourseError
from ..support.files import kit_path, sha256, write_json, write_text
from .handin import OTHER_POINTS, clean, data_digest, pack, read_hand_in

__all__ = ["Board", "pack", "rank", "write_board"]
RULES = (
    "mAP is computed again from the raw detections, VOC style at overlap 0.5; FPS is 1000 / mean milliseconds of a "
    "frame over the whole video, scope detect (frame in memory to boxes), warm-up left out.",
    "Ranks compare the two decimals that are printed. Equal figures share the better rank: 1, 2, 2, 4.",
    "Final = mAP points 60 - (rank - 1) + FPS points 30 - (rank - 1) x 0.5 + 5 for a restructured class + 3 for "
    "another backbone or 5 for another detector. Equal totals share the place.",
)
HEADS = {
    "place": "Place",
    "team": "Team",
    "model": "Model",
    "accuracy": "mAP %",
    "accuracy_rank": "Rank",
    "accuracy_points": "Points",
    "fps": "FPS",
    "fps_rank": "Rank",
    "fps_points": "Points",
    "restructured": "Restructured",
    "other_model": "Other model",
    "final": "Final",
    "machine": "Machine",
    "remark": "Remark",
}
_WORDS = (
    "Team",
    "Model",
    "Machine",
    "Remark",
    "File",
    "Reason",
)  # the columns that hold words, not figures

Row = collections.namedtuple("Row", HEADS)  # one team
Refused = collections.namedtuple("Refused", "file reason")


class Board(NamedTuple):
    rows: List[Row]
    refused: List[Refused]
    about: str

    def table(self):
        """The heads, and the cells of each team as texts."""
        return [list(HEADS.values())] + [
            [
                v
                if isinstance(v, str)
                else ("{:.2f}" if field in ("accuracy", "fps") else "{:g}").format(v)
                for field, v in zip(HEADS, row)
            ]
            for row in self.rows
        ]

    def tables(self):
        """Title, heads and lines: of the teams, and of the refused where there are any."""
        heads, *lines = self.table()
        return [("Ranked", heads, lines)] + [
            ("Not ranked", ("File", "Reason"), self.refused)
        ] * bool(self.refused)

    def report(self):
        table = self.table()
        widths = [max(map(_width, column)) for column in zip(*table)]
        lines = [self.about, ""] + [
            "  ".join(map(_pad, line, widths, table[0])).rstrip() for line in table
        ]
        lines += ["", "Not ranked:"] * bool(self.refused) + [
            "  {}: {}".format(*entry) for entry in self.refused
        ]
        return "\n".join(lines + [""] + list(RULES))


def rank(folder, gt, ignore=(), data=None, video=None):
    """The Board of a folder of hand-ins. `data` and `video` are the organiser's own; without, the majority's count."""
    truths = {path.stem: voc.read_truth(path) for path in sorted(kit_path(gt).glob("*.txt"))}
    if not truths:
        raise CourseError(f"The folder {gt} holds no ground truth (NAME.txt).")
    entries, refused = [], []
    for path in sorted(p for p in kit_path(folder).iterdir() if not p.name.startswith(".")):
        try:
            entries.append(_complete(read_hand_in(path), truths))
        except CourseError as err:
            refused.append(Refused(clean(path.name), _short(str(err))))
    entries.sort(key=lambda e: (e.created, e.run, e.file))
    own_data = data and data_digest(pictures_of(kit_path(data)))
    own_video = video and sha256(kit_path(video))
    for sieve in (
        partial(_strange, lambda e: e.data_sha256, own_data, "set of pictures", "--data DIR"),
        partial(_strange, lambda e: e.video_sha256, own_video, "video", "--video FILE"),
        partial(_strange, lambda e: len(e.frame_ms), None, "number of frames", "fewer hand-ins"),
        _copies,
        _earlier,
    ):
        reasons = sieve(entries)
        refused += [Refused(e.file, reason) for e, reason in zip(entries, reasons) if reason]
        entries = [e for e, reason in zip(entries, reasons) if not reason]
    about = "{} teams ranked, {} hand-ins not; {} pictures{}.".format(
        len(entries),
        len(refused),
        len(truths),
        ", without the classes " + ", ".join(ignore) if ignore else "",
    )
    return Board(_placed(entries, truths, ignore), sorted(refused), about)


def _complete(entry, truths):
    for names, what in (
        (set(truths) - set(entry.detections), "lacks the picture"),
        (
            set(entry.detections) - set(truths),
            "holds detections of a picture without ground truth:",
        ),
        (set(entry.detections) ^ set(entry.image_ms), "has only a time or only detections for"),
    ):
        if names:
            raise CourseError(f"It {what} {clean(min(names))} ({len(names)} in all).")
    return entry


# Each sieve takes the entries, oldest first, and gives one reason per entry; what is empty passes.


def _strange(fact, wanted, what, option, entries):
    """Those whose fact is not the organiser's, or not that of most teams; a team's last is its vote."""
    votes = collections.Counter({e.who: fact(e) for e in entries}.values()).most_common(2)
    if wanted is None and len(votes) == 2 and votes[0][1] == votes[1][1]:
        return [f"No {what} has the majority among the teams; rank again with {option}."] * len(
            entries
        )
    wanted = wanted or votes and votes[0][0]
    return [fact(e) != wanted and f"Its {what} is not that of the contest." for e in entries]


def _copies(entries):
    """Times to the nanosecond do not come twice: one such hand-in is a copy, and a person must say which."""
    groups = {}
    for e in entries:
        groups.setdefault(e.frame_ms, {})[e.who] = e.team
    return [
        "Its times are also those of {}: one is a copy. Take that out and rank again.".format(
            ", ".join(sorted(team for who, team in groups[e.frame_ms].items() if who != e.who))
        )
        if len(groups[e.frame_ms]) > 1
        else ""
        for e in entries
    ]


def _earlier(entries):
    last = {e.who: e.file for e in entries}
    return [
        last[e.who] != e.file and f"{e.team} handed in again later: {last[e.who]} counts."
        for e in entries
    ]


def _placed(entries, truths, ignore):
    """The rows by the formula, in the order of their places."""
    accuracy = [
        round(100 * float(voc.score(truths, e.detections, ignore).mean), 2) for e in entries
    ]
    fps = [round(1e3 / float(np.mean(e.frame_ms)), 2) for e in entries]
    rows = []
    for e, percent, percent_rank, speed, speed_rank in zip(
        entries, accuracy, _ranks(accuracy), fps, _ranks(fps)
    ):
        points = (
            60 - (percent_rank - 1),
            30 - (speed_rank - 1) * 0.5,
            5 * e.restructured,
            OTHER_POINTS[e.other_model],
        )
        rows.append(
            Row(
                0,
                e.team,
                e.model,
                percent,
                percent_rank,
                points[0],
                speed,
                speed_rank,
                *points[1:],
                final=sum(points),
                machine=_machine(e),
                remark=_remark(e),
            )
        )
    places = _ranks([row.final for row in rows])
    return sorted(
        (row._replace(place=place) for row, place in zip(rows, places)), key=lambda row: row[:2]
    )


def _ranks(figures):
    """Equal figures share the better rank, and the next one is skipped."""
    return [1 + sum(other > figure for other in figures) for figure in figures]


def _machine(entry):
    facts = entry.machine
    kind = facts.get("jetson") or facts.get("gpu") or facts.get("cpu")
    return ", ".join(filter(None, (kind, facts.get("power_mode"), entry.engine, entry.precision)))


def _remark(entry):
    ratio = np.median(list(entry.image_ms.values())) / np.median(entry.frame_ms)
    return (
        f"a picture took {ratio:.0f} times as long as a frame: the same model?" if ratio > 5 else ""
    )


def _short(text):
    text = clean(text)
    return text if len(text) <= 320 else text[:160] + " ... " + text[-150:]


def _width(text):
    """Columns on the screen: Chinese characters take two, accents that join a letter none."""
    return sum(
        0 if unicodedata.combining(c) else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


def _pad(text, width, head):
    fill = " " * (width - _width(text))
    return text + fill if head in _WORDS else fill + text


def to_csv(board):
    """Ranked and refused. A text that a spreadsheet would run as a formula gets an apostrophe in front."""
    stream = io.StringIO()
    writer = csv.writer(stream, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    refused = [
        Row(*[""] * len(HEADS))._replace(team=entry.file, remark=entry.reason)
        for entry in board.refused
    ]
    writer.writerow(HEADS.values())
    for row in board.rows + refused:
        writer.writerow(
            [
                "'" + v if isinstance(v, str) and v.lstrip()[:1] in tuple("=+-@|%") else v
                for v in row
            ]
        )
    return stream.getvalue()


def to_markdown(board):
    text = ["# Contest", "", board.about]
    for title, heads, lines in board.tables():
        marks = ["---" if head in _WORDS else "--:" for head in heads]
        safe = [[re.sub(r"([\\`*_\[\]<>|&~#])", r"\\\1", cell) for cell in line] for line in lines]
        text += ["", "## " + title, ""] + [
            "| " + " | ".join(cells) + " |" for cells in [heads, marks] + safe
        ]
    return "\n".join(text + [""] + ["* " + rule for rule in RULES]) + "\n"


def to_html(board):
    """One page that needs nothing else: no script, no picture, no font from elsewhere."""

    def row(tag, heads, line):
        return "<tr>{}</tr>\n".format(
            "".join(
                "<{0}{1}>{2}</{0}>".format(
                    tag, ' class="w"' if head in _WORDS else "", html.escape(cell)
                )
                for head, cell in zip(heads, line)
            )
        )

    tables = [
        "<h2>{}</h2><div><table><thead>{}</thead><tbody>{}</tbody></table></div>".format(
            title, row("th", heads, heads), "".join(row("td", heads, line) for line in lines)
        )
        for title, heads, lines in board.tables()
    ]
    page = Path(__file__).with_name("board.html").read_text(encoding="utf-8")
    return page.format(
        about=html.escape(board.about),
        tables="".join(tables),
        rules="".join(f"<li>{html.escape(rule)}</li>" for rule in RULES),
    )


def write_board(board, folder):
    """board.txt, .csv, .md, .html and .json in a folder; returns their paths."""
    base = Path(str(folder)) / "board"
    texts = {
        ".txt": board.report() + "\n",
        ".csv": to_csv(board),
        ".md": to_markdown(board),
        ".html": to_html(board),
    }
    for suffix, text in texts.items():
        write_text(base.with_suffix(suffix), text)
    write_json(
        base.with_suffix(".json"),
        {
            "about": board.about,
            "rules": RULES,
            "teams": [row._asdict() for row in board.rows],
            "refused": [entry._asdict() for entry in board.refused],
        },
    )
    return [base.with_suffix(suffix) for suffix in list(texts) + [".json"]]
