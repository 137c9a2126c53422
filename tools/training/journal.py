"""The training's diary: a CSV line every so many steps,
and the curve of losses and mAP as a picture.
"""

import csv
import os

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
    def __init__(self, folder):
        self.csv = os.path.join(folder, "log.csv")
        self.png = os.path.join(folder, "curve.png")
        self.rows = []

    def restore(self, rows):
        self.rows = [dict(row) for row in rows]

    def write(self, **values):
        row = {name: values.get(name, "") for name in COLUMNS}
        self.rows.append({k: round(v, 6) if isinstance(v, float) else v for k, v in row.items()})
        print(
            "  ".join(
                f"{k} {v:.5g}" if isinstance(v, float) else f"{k} {v}"
                for k, v in row.items()
                if v != ""
            ),
            flush=True,
        )

    def save(self):
        with open(self.csv + ".part", "w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(self.rows)
        os.replace(self.csv + ".part", self.csv)

    def draw(self, title):
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, left = pyplot.subplots(figsize=(8, 4.5))
        for name in ("score_loss", "box_loss"):
            points = [(row["seconds"] / 60, row[name]) for row in self.rows if row[name] != ""]
            if points:
                left.plot(*zip(*points), label=name.replace("_", " "), alpha=0.8)
        left.set(xlabel="minutes of training", ylabel="loss", title=title, yscale="log")
        right = left.twinx()
        points = [(row["seconds"] / 60, row["mAP"]) for row in self.rows if row["mAP"] != ""]
        if points:
            right.plot(*zip(*points), "k.-", label="mAP@0.5, validation split")
        right.set(ylabel="mAP@0.5", ylim=(0, 1))
        figure.legend(loc="lower right", bbox_to_anchor=(0.88, 0.15))
        figure.tight_layout()
        figure.savefig(self.png, dpi=110)
        pyplot.close(figure)
