"""The board: `rank` makes it from a folder of hand-ins, `write_board` puts it into files.

Which hand-ins count is decided in sieves.py, and who wins in scoring.py.
"""

import html
import unicodedata
from pathlib import Path
from typing import Collection, List, NamedTuple, Optional, Sequence, Tuple

from ..measure import voc
from ..measure.boxes import Truths, text_files
from ..measure.evaluate import pictures_of, require_objects
from ..support.errors import CourseError
from ..support.files import AnyPath, is_hidden, kit_path, sha256
from ..support.outputs import Outputs
from .digests import data_digest
from .handin import HandIn, clean, read_hand_in
from .scoring import RULES, Row, placed
from .sieves import Refused, Wanted, require_complete, sift
from .times import require_plausible

# The heads of the columns, by the fields of a Row.
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
REFUSED_HEADS = ("File", "Reason")

_WORDS = ("Team", "Model", "Machine", "Remark", "File", "Reason")  # columns without figures
_TWO_DECIMALS = ("accuracy", "fps")
_LONGEST = 320  # characters of a reason


class Board(NamedTuple):
    """The teams in the order of their places, what was refused, and what it was about."""

    rows: List[Row]
    refused: List[Refused]
    about: str

    def table(self) -> List[List[str]]:
        """The heads, and a line of texts for each team."""
        return [list(HEADS.values())] + [_cells_of(row) for row in self.rows]

    def report(self) -> str:
        """The whole board as text for a screen, in columns of equal width."""
        table = self.table()
        heads = table[0]
        widths = []
        for column in range(len(heads)):
            widths.append(max(_width(cells[column]) for cells in table))

        lines = [self.about, ""]
        for cells in table:
            padded = [_pad(cell, width, head) for cell, width, head in zip(cells, widths, heads)]
            lines.append("  ".join(padded).rstrip())
        if self.refused:
            lines += ["", "Not ranked:"]
            lines += [f"  {entry.file}: {entry.reason}" for entry in self.refused]
        return "\n".join(lines + [""] + list(RULES))


def rank(
    folder: AnyPath,
    gt: AnyPath,
    ignore: Collection[str] = (),
    data: Optional[AnyPath] = None,
    video: Optional[AnyPath] = None,
) -> Board:
    """The Board of a folder of hand-ins, each scored anew against the ground truth `gt`.

    `data` and `video` are the organiser's own; without them, what most teams used counts.
    """
    truths = {path.stem: voc.read_truth(path) for path in text_files(kit_path(gt))}
    require_objects(truths, ignore)

    entries, unreadable = _read_all(kit_path(folder), truths)
    ranked, sifted = sift(entries, _wanted(data, video))
    refused = sorted(unreadable + sifted)

    about = f"{len(ranked)} teams ranked, {len(refused)} hand-ins not; {len(truths)} pictures"
    if ignore:
        about += ", without the classes " + ", ".join(ignore)
    return Board(placed(ranked, truths, ignore), refused, about + ".")


def _read_all(folder: Path, truths: Truths) -> Tuple[List[HandIn], List[Refused]]:
    """All hand-ins in a folder, and the files that are none or lack something."""
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder}; wanted: one with hand-ins.")

    entries = []
    refused = []
    for path in sorted(folder.iterdir()):
        if is_hidden(path):
            continue
        try:
            entry = read_hand_in(path)
            require_complete(entry, truths)
            require_plausible(entry)
            entries.append(entry)
        except CourseError as err:
            reason = _shortened(clean(str(err)))
            refused.append(Refused(clean(path.name), reason))
    return entries, refused


def _wanted(data: Optional[AnyPath], video: Optional[AnyPath]) -> Wanted:
    """The digests of the organiser's own files."""
    wanted = Wanted()
    if data:
        wanted = wanted._replace(data_sha256=data_digest(pictures_of(kit_path(data))))
    if video:
        wanted = wanted._replace(video_sha256=sha256(kit_path(video)))
    return wanted


def _shortened(text: str) -> str:
    """Beginning and end of a text that is too long for the board."""
    if len(text) <= _LONGEST:
        return text
    return text[:160] + " ... " + text[-150:]


def _cells_of(row: Row) -> List[str]:
    """A team's line as texts."""
    cells = []
    for field, value in row._asdict().items():
        if isinstance(value, str):
            cells.append(value)
        elif field in _TWO_DECIMALS:
            cells.append(f"{value:.2f}")
        else:
            cells.append(f"{value:g}")
    return cells


def _width(text: str) -> int:
    """Columns on the screen: Chinese characters take two, accents that join a letter none."""
    return sum(_width_of_character(character) for character in text)


def _width_of_character(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    if unicodedata.east_asian_width(character) in "WF":
        return 2
    return 1


def _pad(text: str, width: int, head: str) -> str:
    """A cell as wide as its column: words to the left, figures to the right."""
    fill = " " * (width - _width(text))
    if head in _WORDS:
        return text + fill
    return fill + text


def board_files(folder: AnyPath) -> List[Path]:
    """The files that `write_board` writes into a folder."""
    folder = Path(str(folder))
    return [folder / ("board" + suffix) for suffix in (".txt", ".html", ".json")]


def write_board(board: Board, folder: AnyPath, outputs: Optional[Outputs] = None) -> List[Path]:
    """Write board.txt, board.html and board.json into a folder; the paths."""
    outputs = outputs or Outputs()
    paths = board_files(folder)
    screen, page, figures = paths
    outputs.write_text(screen, board.report() + "\n")
    outputs.write_text(page, to_html(board))
    outputs.write_json(
        figures,
        {
            "about": board.about,
            "rules": RULES,
            "teams": [row._asdict() for row in board.rows],
            "refused": [entry._asdict() for entry in board.refused],
        },
    )
    return paths


def to_html(board: Board) -> str:
    """One page that needs nothing else: no script, no picture, no font from elsewhere."""
    heads, *lines = board.table()
    tables = _html_table("Ranked", heads, lines)
    if board.refused:
        tables += _html_table("Not ranked", REFUSED_HEADS, board.refused)

    page = Path(__file__).with_name("board.html").read_text(encoding="utf-8")
    rules = [f"<li>{html.escape(rule)}</li>" for rule in RULES]
    return page.format(about=html.escape(board.about), tables=tables, rules="".join(rules))


def _html_table(title: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    head = _html_row("th", heads, heads)
    body = "".join(_html_row("td", heads, line) for line in lines)
    return f"<h2>{title}</h2><div><table><thead>{head}</thead><tbody>{body}</tbody></table></div>"


def _html_row(tag: str, heads: Sequence[str], cells: Sequence[str]) -> str:
    """One row of a table; whatever stands in a cell is escaped."""
    parts = []
    for head, cell in zip(heads, cells):
        kind = ""
        if head in _WORDS:
            kind = ' class="w"'
        parts.append(f"<{tag}{kind}>{html.escape(cell)}</{tag}>")
    return "<tr>" + "".join(parts) + "</tr>\n"
