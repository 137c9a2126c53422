"""What a person wants to look at after scoring: curves, bars, confusion, and the worst misses and false alarms.

Each function returns a matplotlib Figure: a notebook shows it, `savefig` writes it. No figures are computed here that
measure/voc.py does not have.
"""

from typing import NamedTuple

import cv2
import numpy as np

from ..draw import class_color
from ..support.errors import need
from .voc import above, class_overlap, of_height, overlap, score

HEIGHTS = ((0, 16), (16, 32), (32, 64), (64, 128), (128, 10000))
_TILE_W, _TILE_H = 200, 150


def _figure(width, height):
    need("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), constrained_layout=True)
    return figure, figure.subplots()


def _colors(names):
    return {
        name: tuple(v / 255 for v in class_color(i + 1)[::-1])
        for i, name in enumerate(sorted(names))
    }


def pr_curves(result):
    """Precision over recall, one curve a class, made monotone as the AP is computed."""
    figure, axes = _figure(6, 4.5)
    for name, color in _colors(result.classes).items():
        curve = result.classes[name]
        recall = np.concatenate([[0], curve.recall, curve.recall[-1:]])
        precision = np.maximum.accumulate(
            np.concatenate([curve.precision[:1], curve.precision, [0]])[::-1]
        )[::-1]
        axes.plot(recall, precision[: len(recall)], color=color, label=f"{name}  AP {curve.ap:.3f}")
    axes.set(
        xlabel="recall",
        ylabel="precision",
        xlim=(0, 1.01),
        ylim=(0, 1.03),
        title=f"mAP {result.mean:.3f}",
    )
    axes.legend(loc="lower left")
    return figure


def ap_bars(result):
    figure, axes = _figure(6, 0.5 * len(result.classes) + 1.2)
    names = sorted(result.classes, key=lambda name: result.classes[name].ap)
    colors = _colors(result.classes)
    axes.barh(names, [result.classes[n].ap for n in names], color=[colors[n] for n in names])
    for i, name in enumerate(names):
        axes.text(0.01, i, f"{result.classes[name].ap:.3f}", va="center")
    axes.set(xlim=(0, 1), xlabel="average precision", title=f"mAP {result.mean:.3f}")
    return figure


def count_bars(truths, founds, conf_th=0.3):
    """Objects found, objects missed and false alarms of each class, of the boxes from `conf_th` up."""
    result = score(truths, above(founds, conf_th))
    figure, axes = _figure(6, 0.5 * len(result.classes) + 1.2)
    counts = np.array(
        [(c.hits, c.truths - c.hits, c.false_alarms) for c in result.classes.values()]
    ).reshape(-1, 3)
    for i, (label, color) in enumerate(
        (("found", "#3a9d5d"), ("missed", "#c9c9c9"), ("false alarms", "#d1495b"))
    ):
        axes.barh(
            list(result.classes),
            counts[:, i],
            left=counts[:, :i].sum(axis=1),
            color=color,
            label=label,
        )
    axes.set(xlabel=f"boxes, from confidence {conf_th:g}")
    axes.legend()
    return figure


def ap_by_height(truths, founds, heights=HEIGHTS):
    """AP of each class by the height of its objects in pixels."""
    figure, axes = _figure(7, 4)
    results = [score(*of_height(truths, founds, low, high)) for low, high in heights]
    colors = _colors(results[0].classes)  # of_height takes no class away
    width = 0.8 / len(colors)
    for i, (name, color) in enumerate(colors.items()):
        values = [result.classes[name].ap for result in results]
        axes.bar(np.arange(len(heights)) + i * width, values, width, color=color, label=name)
    ranges = [
        f"up to {b}" if a == 0 else f"from {a}" if b > 5000 else f"{a} to {b}" for a, b in heights
    ]
    axes.set(
        xlabel="height in pixels",
        ylabel="average precision",
        ylim=(0, 1.15),
        xticks=np.arange(len(heights)) + 0.4 - width / 2,
        xticklabels=ranges,
    )
    axes.legend(ncol=len(colors), loc="upper center", fontsize="small")
    return figure


def confusion_matrix(truths, founds, labels, conf_th=0.3, min_iou=0.5):
    """(n + 1, n + 1) counts: row = what it is, column = what was said; the last of each is 'nothing'."""
    nothing, index = len(labels), {name: i for i, name in enumerate(labels)}
    matrix = np.zeros((nothing + 1, nothing + 1), dtype=int)
    shown = above(founds, conf_th)
    for image, truth in truths.items():
        found, free = shown[image], set(range(len(truth.labels)))
        overlaps = overlap(found.boxes, truth.boxes)  # (founds, truths)
        for i in np.argsort(-found.confs, kind="stable"):
            best = max(
                (j for j in free if overlaps[i, j] >= min_iou), key=overlaps[i].item, default=None
            )
            free.discard(best)
            matrix[
                nothing if best is None else index[truth.labels[best]], index[found.labels[i]]
            ] += 1
        for j in free:
            matrix[index[truth.labels[j]], nothing] += not truth.difficult[j]
    return matrix


def confusion(truths, founds, conf_th=0.3):
    labels = sorted(
        {label for part in (truths, founds) for image in part.values() for label in image.labels}
    )
    matrix = confusion_matrix(truths, founds, labels, conf_th)
    figure, axes = _figure(1.1 * len(labels) + 3, 0.9 * len(labels) + 2.2)
    axes.imshow(np.log1p(matrix), cmap="Greens")
    names = labels + ["nothing"]
    for (row, column), value in np.ndenumerate(matrix):
        dark = np.log1p(value) > np.log1p(matrix.max()) * 0.7
        axes.text(column, row, value, ha="center", va="center", color="white" if dark else "black")
    axes.set(
        xlabel=f"what was said (from confidence {conf_th:g})",
        ylabel="what is there",
        xticks=range(len(names)),
        yticks=range(len(names)),
        yticklabels=names,
    )
    axes.set_xticklabels(names, rotation=30, ha="right")
    return figure


class Fault(NamedTuple):
    """A missed object, or a false alarm. The weight orders them: pixels for misses, confidence for alarms."""

    image: str
    label: str
    box: np.ndarray
    weight: float
    missed: bool


def faults(truths, founds, conf_th=0.3, min_iou=0.5):
    """All misses, largest first, and all false alarms, surest first."""
    misses, alarms, shown = [], [], above(founds, conf_th)
    for image, truth in truths.items():
        found = shown[image]
        hits = class_overlap(truth, found) >= min_iou  # (truths, founds)
        for i in np.flatnonzero(~hits.any(axis=1) & ~truth.difficult):
            area = float(np.prod(truth.boxes[i, 2:] - truth.boxes[i, :2]))
            misses.append(Fault(image, truth.labels[i], truth.boxes[i], area, True))
        for i in np.flatnonzero(~hits.any(axis=0)):
            alarms.append(
                Fault(image, found.labels[i], found.boxes[i], float(found.confs[i]), False)
            )
    return sorted(misses, key=lambda f: -f.weight), sorted(alarms, key=lambda f: -f.weight)


def contact_sheet(listed, read, columns=6):
    """A BGR picture of faults: each a crop with its box; `read(image)` gives the picture of that name."""
    tiles = [_tile(fault, read(fault.image)) for fault in listed]
    tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % columns) if tiles else []
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows) if rows else np.full((_TILE_H, _TILE_W, 3), 255, np.uint8)


def _tile(fault, image):
    corners = fault.box.reshape(2, 2)
    w, h = corners[1] - corners[0]
    half = np.array([_TILE_W / _TILE_H, 1]) * max(h * 0.9, w * 0.9 * _TILE_H / _TILE_W, 30)
    scale, origin = _TILE_H / (2 * half[1]), corners.mean(axis=0) - half
    tile = cv2.warpAffine(
        image, np.c_[np.eye(2), -origin] * scale, (_TILE_W, _TILE_H), borderValue=(60, 60, 60)
    )
    color = (0, 215, 255) if fault.missed else (80, 80, 255)
    top_left, bottom_right = np.round((corners - origin) * scale).astype(int).tolist()
    cv2.rectangle(tile, tuple(top_left), tuple(bottom_right), color, 2)
    text = "missed " + fault.label if fault.missed else f"{fault.label} {fault.weight:.2f}?"
    cv2.rectangle(tile, (0, _TILE_H - 18), (_TILE_W, _TILE_H), (0, 0, 0), cv2.FILLED)
    cv2.putText(tile, text, (4, _TILE_H - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
    return tile
