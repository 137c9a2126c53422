"""Makes the notebooks of the lessons from their masters, byte for byte the same each time.

    python tools/make_notebooks.py            # notebooks/NN_topic.ipynb and notebooks/solutions/NN_topic.ipynb
    python tools/make_notebooks.py --check    # compare only, exit status 1 where a notebook is not what its master says

A master, notebooks/masters/NN_topic.py, is plain Python in cells. docs/writing_lessons.md says how one is written.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import NamedTuple

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


class Cell(NamedTuple):
    """A cell of a master: `text` as it stands there."""

    kind: str
    text: str

    @property
    def wrongs(self):
        """(words of the hint,
        the cell with this wrong answer) of each deliberately wrong answer.
        """
        block = BLOCK.search(self.text)
        _, *parts = WRONG.split(block["inside"]) if block else [""]
        return [(words, self._with(answer)) for words, answer in zip(parts[::2], parts[1::2])]

    def solution(self):
        block = BLOCK.search(self.text)
        return self._with(WRONG.split(block["inside"])[0]) if block else self.text

    def stub(self):
        return BLOCK.sub(r"\g<indent>\g<stub>  # your answer", self.text)

    def _with(self, answer):
        block = BLOCK.search(self.text)
        return self.text[: block.start()] + answer.rstrip("\n") + self.text[block.end() :]


def cells_of(text, name="master"):
    head, *parts = CELL.split(text)
    if any(line and not line.startswith("#") for line in head.splitlines()):
        raise SystemExit(f"{name}: code stands before the first '# %%' line")
    cells = []
    for mark, body in zip(parts[::2], parts[1::2]):
        lines = body.strip("\n").split("\n")
        if mark and any(not line.startswith("#") for line in lines):
            raise SystemExit(f"{name}: a line of a text cell does not begin with '#': {lines[0]}")
        cells.append(
            Cell("markdown", "\n".join(line[1:].replace(" ", "", 1) for line in lines))
            if mark
            else Cell("code", "\n".join(lines))
        )
        if ("# solution" in body, "# end" in body) != (bool(BLOCK.search(body)),) * 2:
            raise SystemExit(f"{name}: markers of an exercise that do not belong together:\n{body}")
    return cells


def one_folder_down(text):
    """Links of a text cell, seen from notebooks/solutions: figures and pages move,
    other lessons stand beside it.
    """
    return re.sub(r"(\]\()(\.\./|figures/)", r"\1../\2", text)


def notebook(name, cells, solved):
    made = []
    for number, cell in enumerate(cells):
        text = cell.text if cell.kind == "markdown" else cell.solution() if solved else cell.stub()
        if cell.kind == "markdown" and solved:
            text = one_folder_down(text)
            if not number:
                text += (
                    f"\n\n*This is the solved copy. The lesson itself: [{name}](../{name}.ipynb).*"
                )
        made.append(
            {
                "cell_type": cell.kind,
                "id": f"cell-{number:02d}",
                "metadata": {},
                "source": text.splitlines(keepends=True),
            }
        )
        if cell.kind == "code":
            made[-1].update(execution_count=None, outputs=[])
    book = {"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}
    nbformat.validate(nbformat.from_dict(book))
    return json.dumps(book, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def wanted():
    """The text that each notebook should have."""
    texts = {}
    for master in sorted((BOOKS / "masters").glob("*.py")):
        cells = cells_of(master.read_text(encoding="utf-8"), master.name)
        for folder, solved in ((BOOKS, False), (BOOKS / "solutions", True)):
            texts[folder / (master.stem + ".ipynb")] = notebook(master.stem, cells, solved)
    return texts


def complaints(texts):
    there = {*BOOKS.glob("*.ipynb"), *BOOKS.glob("solutions/*.ipynb")}
    for path in sorted(there - set(texts)):
        yield f"{path.relative_to(KIT)} has no master in notebooks/masters"
    for path, text in texts.items():
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(KIT)} is not what its master makes; run: python tools/make_notebooks.py"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    texts = wanted()
    for path, text in texts.items() if not check else ():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    found = list(complaints(texts))
    print("\n".join(found) if found else f"{len(texts)} notebooks are what their masters make")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
