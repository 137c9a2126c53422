"""Makes the notebooks of the lessons from their masters, byte for byte the same each time.

    python tools/make_notebooks.py            # the learner's notebooks and the solved copies
    python tools/make_notebooks.py --check    # compare only; status 1 where one differs

A master, notebooks/masters/NN_topic.py, is plain Python in cells; it becomes
notebooks/NN_topic.ipynb and notebooks/solutions/NN_topic.ipynb. docs/writing_lessons.md says how
one is written.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Sequence

import nbformat

KIT = Path(__file__).resolve().parent.parent
BOOKS = KIT / "notebooks"
CELL = re.compile(r"^# %%( \[markdown\])?$", re.M)
BLOCK = re.compile(
    r"^(?P<indent> *)# solution, stub: (?P<stub>.+)\n(?P<inside>(?:.*\n)*?)(?P=indent)# end$", re.M
)
WRONG = re.compile(r"^ *# wrong: (.+)\n", re.M)
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class WrongAnswer(NamedTuple):
    """A deliberately wrong answer: words that its hint must hold, and the cell with it."""

    words: str
    cell: str


class Cell(NamedTuple):
    """A cell of a master: `text` as it stands there; `kind` is code or markdown."""

    kind: str
    text: str

    @property
    def wrongs(self) -> List[WrongAnswer]:
        """The wrong answers that stand below the right one."""
        _, *parts = self._answers()
        pairs = zip(parts[::2], parts[1::2])
        return [WrongAnswer(words, self._with(answer)) for words, answer in pairs]

    def solution(self) -> str:
        """The cell as the solved copy has it."""
        right = self._answers()[0]
        if right is None:
            return self.text
        return self._with(right)

    def _answers(self) -> list:
        """The right answer, then words and answer of each wrong one; None without an exercise."""
        block = BLOCK.search(self.text)
        if block is None:
            return [None]
        return WRONG.split(block["inside"])

    def stub(self) -> str:
        """The cell as the learner gets it."""
        return BLOCK.sub(r"\g<indent>\g<stub>  # your answer", self.text)

    def _with(self, answer):
        block = BLOCK.search(self.text)
        before = self.text[: block.start()]
        after = self.text[block.end() :]
        return before + answer.rstrip("\n") + after


def cells_of(text: str, name: str = "master") -> List[Cell]:
    """The cells of a master's text."""
    head, *parts = CELL.split(text)
    if any(line and not line.startswith("#") for line in head.splitlines()):
        raise SystemExit(f"{name}: code stands before the first '# %%' line")
    cells = []
    for mark, body in zip(parts[::2], parts[1::2]):
        lines = body.strip("\n").split("\n")
        if mark:
            cells.append(_text_cell(lines, name))
        else:
            cells.append(Cell("code", "\n".join(lines)))

        # An exercise has both its markers, and everything else has neither.
        is_exercise = BLOCK.search(body) is not None
        if ("# solution" in body) != is_exercise or ("# end" in body) != is_exercise:
            raise SystemExit(f"{name}: markers of an exercise that do not belong together:\n{body}")
    return cells


def _text_cell(lines: List[str], name: str) -> Cell:
    """A text cell without the comment's marks."""
    if any(not line.startswith("#") for line in lines):
        raise SystemExit(f"{name}: a line of a text cell does not begin with '#': {lines[0]}")
    bare = [line[1:].replace(" ", "", 1) for line in lines]
    return Cell("markdown", "\n".join(bare))


def one_folder_down(text: str) -> str:
    """A text cell whose links are seen from notebooks/solutions.

    Figures and pages are one folder further; other lessons stand beside it, as before.
    """
    return re.sub(r"(\]\()(\.\./|figures/)", r"\1../\2", text)


def notebook(name: str, cells: Sequence[Cell], solved: bool) -> str:
    """The notebook's file: the learner's, or the solved copy."""
    made = []
    for number, cell in enumerate(cells):
        if cell.kind == "code":
            text = cell.solution() if solved else cell.stub()
        elif solved:
            text = one_folder_down(cell.text)
        else:
            text = cell.text
        if solved and number == 0:
            text += f"\n\n*This is the solved copy. The lesson itself: [{name}](../{name}.ipynb).*"

        entry = {
            "cell_type": cell.kind,
            "id": f"cell-{number:02d}",
            "metadata": {},
            "source": text.splitlines(keepends=True),
        }
        if cell.kind == "code":
            entry.update(execution_count=None, outputs=[])
        made.append(entry)

    book = {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    nbformat.validate(nbformat.from_dict(book))
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def wanted() -> Dict[Path, str]:
    """The text that each notebook should have."""
    texts = {}
    for master in sorted((BOOKS / "masters").glob("*.py")):
        cells = cells_of(master.read_text(encoding="utf-8"), master.name)
        file_name = master.stem + ".ipynb"
        texts[BOOKS / file_name] = notebook(master.stem, cells, solved=False)
        texts[BOOKS / "solutions" / file_name] = notebook(master.stem, cells, solved=True)
    return texts


def complaints(texts: Dict[Path, str]) -> Iterator[str]:
    """A sentence for each notebook that is not what its master makes, or has none."""
    there = {*BOOKS.glob("*.ipynb"), *BOOKS.glob("solutions/*.ipynb")}
    for path in sorted(there - set(texts)):
        yield f"{path.relative_to(KIT)} has no master in notebooks/masters"
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            name = path.relative_to(KIT)
            yield f"{name} is not what its master makes; run: python tools/make_notebooks.py"


def main() -> int:
    """Write or compare; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args()

    texts = wanted()
    if not args.check:
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    found = list(complaints(texts))
    if found:
        print("\n".join(found))
        return 1
    print(f"{len(texts)} notebooks are what their masters make")
    return 0


if __name__ == "__main__":
    sys.exit(main())
