"""The training's diary: a CSV line every so many steps, and the curves of losses and mAP.

It only writes down what it is told; the trainer measures.
"""

import csv
import os
from typing import Dict, Iterable, List, Tuple, Union

# a cell is "" where nothing was measured
Cell = Union[float, int, str]
Row = Dict[str, Cell]

COLUMNS = (
    "step",
    "seconds",
    "rate",
    "score_loss",
    "box_loss",
    "mAP",
    "images_per_second",
    "rendered",
)


class Journal:
    """The rows of a run so far, those of earlier commands included."""

    def __init__(self, folder: str) -> None:
        self.csv = os.path.join(folder, "log.csv")
        self.png = os.path.join(folder, "curve.png")
        self.rows: List[Row] = []

    def restore(self, rows: Iterable[Row]) -> None:
        """Go on from the rows of a checkpoint."""
        self.rows = [dict(row) for row in rows]

    def write(self, **values: Cell) -> None:
        """Add a row, and print it; columns that are left out stay empty."""
        row = {name: values.get(name, "") for name in COLUMNS}
        self.rows.append({name: _rounded(value) for name, value in row.items()})

        cells = [f"{name} {_text(value)}" for name, value in row.items() if value != ""]
        print("  ".join(cells), flush=True)

    def save(self) -> None:
        """Write the CSV file anew."""
        with open(self.csv + ".part", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(self.csv + ".part", self.csv)

    def draw(self, title: str) -> None:
        """Write the curves: losses on the left axis, mAP on the right one."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, left = pyplot.subplots(figsize=(8, 4.5))
        for name in ("score_loss", "box_loss"):
            minutes, losses = self._curve(name)
            if minutes:
                left.plot(minutes, losses, label=name.replace("_", " "), alpha=0.8)
        left.set(xlabel="minutes of training", ylabel="loss", title=title, yscale="log")

        right = left.twinx()
        minutes, values = self._curve("mAP")
        if minutes:
            right.plot(minutes, values, "k.-", label="mAP@0.5, validation split")
        right.set(ylabel="mAP@0.5", ylim=(0, 1))

        figure.legend(loc="lower right", bbox_to_anchor=(0.88, 0.15))
        figure.tight_layout()
        figure.savefig(self.png, dpi=110)
        pyplot.close(figure)

    def _curve(self, name: str) -> Tuple[List[float], List[Cell]]:
        """The minutes at which a column was measured, and its values."""
        measured = [row for row in self.rows if row[name] != ""]
        minutes = [float(row["seconds"]) / 60 for row in measured]
        return minutes, [row[name] for row in measured]


def _rounded(value: Cell) -> Cell:
    if isinstance(value, float):
        return round(value, 6)
    return value


def _text(value: Cell) -> str:
    if isinstance(value, float):
        return f"{value:.5g}"
    return str(value)
