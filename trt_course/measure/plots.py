"""What a person wants to see after scoring: curves, bars, confusion, and the worst faults.

Most functions return a matplotlib Figure: a notebook shows it, `savefig` writes it. All numbers in
them come from voc.py.
"""

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np

from ..draw import class_color
from ..support.errors import need
from .boxes import Founds, Truths
from .confusion import SHOWN_TH, confusion_matrix
from .shown import boxes_of, plot_text, remark_on, shown_classes
from .voc import MIN_IOU, Score, above, class_overlap, falling, of_height, score

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Heights of objects in pixels: from, and below.
HEIGHTS = ((0, 16), (16, 32), (32, 64), (64, 128), (128, 10000))

# A picture of the contact sheet, in pixels.
_TILE_WIDTH = 200
_TILE_HEIGHT = 150

_COUNT_COLORS = {"found": "#3a9d5d", "missed": "#c9c9c9", "false alarms": "#d1495b"}
_MISS_COLOR = (0, 215, 255)  # BGR
_ALARM_COLOR = (80, 80, 255)
_OUTSIDE_COLOR = (60, 60, 60)


def _figure(width: float, height: float) -> Tuple["Figure", Any]:
    """A Figure of so many inches, and its axes."""
    need("matplotlib")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), constrained_layout=True)
    return figure, figure.subplots()


def _objects(result: Score) -> Dict[str, int]:
    """How many objects there are of each class."""
    return {name: found.truths for name, found in result.classes.items()}


def _add_legend(axes: Any, **options: Any) -> None:
    """The legend, if there is something to name; small print where that is much."""
    count = len(axes.get_legend_handles_labels()[1])
    if count > 20:
        options = {"ncol": 4, "fontsize": 4, "loc": "upper center"}
    if count:
        axes.legend(**options)


def _colors(names: Sequence[str]) -> Dict[str, Tuple[float, ...]]:
    """A colour for each class, in RGB from 0 to 1."""
    colors: Dict[str, Tuple[float, ...]] = {}
    for number, name in enumerate(sorted(names), 1):
        blue, green, red = class_color(number)
        colors[name] = (red / 255, green / 255, blue / 255)
    return colors


def pr_curves(result: Score) -> "Figure":
    """Precision over recall, one curve a class, made to fall only, as the AP is computed."""
    figure, axes = _figure(6, 4.5)
    shown = shown_classes(_objects(result))
    for name, color in _colors(shown).items():
        curve = result.classes[name]
        # From the left edge, and at the end straight down.
        recall = np.concatenate([[0], curve.recall, curve.recall[-1:]])
        precision = falling(np.concatenate([curve.precision[:1], curve.precision, [0]]))
        axes.plot(recall, precision, color=color, label=f"{plot_text(name)}  AP {curve.ap:.3f}")

    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1.01), ylim=(0, 1.03))
    axes.set_title(f"mAP {result.mean:.3f}{remark_on(shown, result.classes)}")
    _add_legend(axes, loc="lower left")
    return figure


def ap_bars(result: Score) -> "Figure":
    """The AP of each class as a bar, the best on top."""
    shown = shown_classes(_objects(result))
    figure, axes = _figure(6, 0.5 * len(shown) + 1.2)
    names = sorted(shown, key=lambda name: result.classes[name].ap)
    colors = _colors(names)
    for row, name in enumerate(names):
        ap = result.classes[name].ap
        axes.barh(row, ap, color=colors[name])
        axes.text(0.01, row, f"{ap:.3f}", va="center")

    title = f"mAP {result.mean:.3f}{remark_on(shown, result.classes)}"
    axes.set(xlim=(0, 1), xlabel="average precision", title=title)
    axes.set(yticks=range(len(names)), yticklabels=[plot_text(name) for name in names])
    return figure


def count_bars(truths: Truths, founds: Founds, conf_th: float = SHOWN_TH) -> "Figure":
    """Objects found, objects missed and false alarms of each class, of boxes from `conf_th` up."""
    result = score(truths, above(founds, conf_th))
    names = shown_classes(_objects(result))
    classes = [result.classes[name] for name in names]
    counts = {
        "found": [found.hits for found in classes],
        "missed": [found.truths - found.hits for found in classes],
        "false alarms": [found.false_alarms for found in classes],
    }

    # Each kind of box begins where the one before it ends.
    figure, axes = _figure(6, 0.5 * len(classes) + 1.2)
    rows = range(len(names))
    left = np.zeros(len(names))
    for kind, values in counts.items():
        axes.barh(rows, values, left=left, color=_COUNT_COLORS[kind], label=kind)
        left = left + values

    remark = remark_on(names, result.classes)
    axes.set(xlabel=f"boxes, from confidence {conf_th:g}{remark}")
    axes.set(yticks=rows, yticklabels=[plot_text(name) for name in names])
    _add_legend(axes)
    return figure


def ap_by_height(
    truths: Truths, founds: Founds, heights: Sequence[Tuple[int, int]] = HEIGHTS
) -> "Figure":
    """The AP of each class by the height of its objects in pixels."""
    results = [score(*of_height(truths, founds, low, high)) for low, high in heights]
    counts = boxes_of(truths)  # of_height takes no class away
    colors = _colors(shown_classes(counts))

    figure, axes = _figure(7, 4)
    groups = np.arange(len(heights))
    width = 0.8 / max(len(colors), 1)
    for number, (name, color) in enumerate(colors.items()):
        values = [result.classes[name].ap for result in results]
        axes.bar(groups + number * width, values, width, color=color, label=plot_text(name))

    axes.set(xlabel=f"height in pixels{remark_on(colors, counts)}")
    axes.set(ylabel="average precision", ylim=(0, 1.15))
    axes.set_xticks(groups + 0.4 - width / 2)
    axes.set_xticklabels([_range_text(low, high) for low, high in heights])
    _add_legend(axes, ncol=min(len(colors), 6), loc="upper center", fontsize="small")
    return figure


def _range_text(low: int, high: int) -> str:
    if low == 0:
        return f"up to {high}"
    if high > 5000:
        return f"from {low}"
    return f"{low} to {high}"


def confusion(truths: Truths, founds: Founds, conf_th: float = SHOWN_TH) -> "Figure":
    """The confusion matrix of all classes, of boxes from `conf_th` up."""
    counts = boxes_of(truths) + boxes_of(founds)
    labels = shown_classes(counts)
    matrix = confusion_matrix(truths, founds, labels, conf_th)

    # The colours go by the logarithm, so that rare mistakes show beside frequent hits.
    width = 1.1 * len(labels) + 3
    height = 0.9 * len(labels) + 2.2
    figure, axes = _figure(width, height)
    shades = np.log1p(matrix)
    axes.imshow(shades, cmap="Greens")
    for (row, column), value in np.ndenumerate(matrix):
        ink = "black"
        if shades[row, column] > shades.max() * 0.7:
            ink = "white"
        axes.text(column, row, value, ha="center", va="center", color=ink)

    names = [plot_text(label) for label in labels] + ["nothing"]
    ticks = range(len(names))
    remark = remark_on(labels, counts)
    axes.set(xlabel=f"what was said (from confidence {conf_th:g}{remark})")
    axes.set(ylabel="what is there")
    axes.set(xticks=ticks, yticks=ticks, yticklabels=names)
    axes.set_xticklabels(names, rotation=30, ha="right")
    return figure


class Fault(NamedTuple):
    """A missed object, or a false alarm."""

    image: str
    label: str
    box: np.ndarray  # (4,)
    weight: float  # of a miss its pixels, of a false alarm its confidence
    missed: bool


def faults(
    truths: Truths, founds: Founds, conf_th: float = SHOWN_TH, min_iou: float = MIN_IOU
) -> Tuple[List[Fault], List[Fault]]:
    """All misses, largest first, and all false alarms, surest first."""
    misses = []
    alarms = []
    shown = above(founds, conf_th)
    for image, truth in truths.items():
        found = shown[image]
        hits = class_overlap(truth, found) >= min_iou  # (truths, founds)
        for i in np.flatnonzero(~hits.any(axis=1) & ~truth.difficult):
            box = truth.boxes[i]
            pixels = float(np.prod(box[2:] - box[:2]))
            misses.append(Fault(image, truth.labels[i], box, weight=pixels, missed=True))
        for i in np.flatnonzero(~hits.any(axis=0)):
            conf = float(found.confs[i])
            alarms.append(Fault(image, found.labels[i], found.boxes[i], weight=conf, missed=False))

    misses.sort(key=lambda fault: -fault.weight)
    alarms.sort(key=lambda fault: -fault.weight)
    return misses, alarms


def contact_sheet(
    listed: Sequence[Fault], read: Callable[[str], np.ndarray], columns: int = 6
) -> np.ndarray:
    """A BGR picture of faults, a crop with its box each; `read(image)` gives a picture by name."""
    blank = np.full((_TILE_HEIGHT, _TILE_WIDTH, 3), 255, np.uint8)
    if not listed:
        return blank

    tiles = [_tile(fault, read(fault.image)) for fault in listed]
    while len(tiles) % columns:
        tiles.append(blank)
    rows = [np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _tile(fault: Fault, image: np.ndarray) -> np.ndarray:
    """The surroundings of a fault, its box, and a line of text."""
    # A window around the box, in the tile's proportions and with some margin.
    corners = fault.box.reshape(2, 2)  # left top, right bottom
    width, height = corners[1] - corners[0]
    half_height = max(height * 0.9, width * 0.9 * _TILE_HEIGHT / _TILE_WIDTH, 30)
    half = np.array([half_height * _TILE_WIDTH / _TILE_HEIGHT, half_height])
    origin = corners.mean(axis=0) - half
    scale = _TILE_HEIGHT / (2 * half_height)

    # The window at the tile's size; what lies outside of the picture is dark.
    window = np.c_[np.eye(2), -origin] * scale  # (2, 3): from picture to tile
    size = (_TILE_WIDTH, _TILE_HEIGHT)
    tile = cv2.warpAffine(image, window, size, borderValue=_OUTSIDE_COLOR)

    color = _ALARM_COLOR
    text = f"{fault.label} {fault.weight:.2f}?"
    if fault.missed:
        color = _MISS_COLOR
        text = f"missed {fault.label}"
    left_top, right_bottom = np.round((corners - origin) * scale).astype(int).tolist()
    cv2.rectangle(tile, tuple(left_top), tuple(right_bottom), color, 2)
    _write_below(tile, text, color)
    return tile


def _write_below(tile: np.ndarray, text: str, color: Tuple[int, int, int]) -> None:
    """A line of text on black at the foot of a tile."""
    height, width = tile.shape[:2]
    cv2.rectangle(tile, (0, height - 18), (width, height), (0, 0, 0), cv2.FILLED)
    start = (4, height - 5)
    cv2.putText(tile, text, start, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
