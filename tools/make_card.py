"""Measures a model for its card, models/NAME/README.md: cost, AP, and the worst faults.

    python tools/make_card.py NAME [--images 500] [--workers 2]

It measures the shipped file as learners use it, through trt_course, on the committed samples and on
fresh test scenes, which are drawn for the occasion. The figures go between two marks in the card;
what they mean is said by whoever writes the text around them.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Sequence, Tuple

import cv2
import numpy as np
import onnx

from trt_course import CourseError, ModelSpec, TrtSSD, find_model
from trt_course.engine import CpuEngine
from trt_course.measure import coco, plots, voc
from trt_course.measure.evaluate import CONF_TH, as_found, detect_folder
from trt_course.media.pictures import images_in, read_image
from trt_course.support.files import KIT, write_image, write_text

BEGIN = "<!-- measured: begin -->"
END = "<!-- measured: end -->"
FIRST_FRESH = 10000
CONFIDENCES = (0.2, 0.3, 0.4, 0.5, 0.6)
TASKS = {"ssd_resnet18_traffic": "traffic", "ssd_mobilenet_v2_signs": "signs"}
COCO_NUMBERS = ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
COCO_HEAD = ("", "VOC mAP@0.5", "COCO AP", "AP50", "AP75", "small", "medium", "large")
SHOWN_FAULTS = 18
OVER_ALL = 5000  # pixels: no scene is so high, so a range up to there has no upper end

Truths = Dict[str, voc.Truth]
Founds = Dict[str, voc.Found]


def table(head: Sequence[Any], rows: Iterable[Sequence[Any]]) -> str:
    """Markdown: the first column to the left, figures to the right."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    lines = []
    for row in (head, rule, *rows):
        cells = " | ".join(str(cell) for cell in row)
        lines.append(f"| {cells} |")
    return "\n".join(lines)


# Cost.


def multiply_adds(path: Any) -> Tuple[int, int]:
    """Of one picture and of convolutions only, as papers count; and the number of weights."""
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    shapes = {
        value.name: [dimension.dim_value for dimension in value.type.tensor_type.shape.dim]
        for value in model.graph.value_info
    }
    stored = _stored_shapes(model)

    # A convolution uses each weight once for every place of its output.
    total = 0
    weights = 0
    for node in model.graph.node:
        if node.op_type != "Conv":
            continue
        size = int(np.prod(stored[node.input[1]]))
        rows_and_columns = shapes[node.output[0]][2:]
        total += size * int(np.prod(rows_and_columns))
        weights += size
    return total, weights


def _stored_shapes(model: onnx.ModelProto) -> Dict[str, Tuple[int, ...]]:
    """The shapes of the constants, and of those that are cast before they are used."""
    stored = {tensor.name: tuple(tensor.dims) for tensor in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Cast" and node.input[0] in stored:
            stored[node.output[0]] = stored[node.input[0]]
    return stored


def median_ms(call: Callable[[], object], runs: int = 30, warm_up: int = 3) -> float:
    """The median of some calls, in milliseconds."""
    times = []
    for _ in range(warm_up + runs):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times[warm_up:])


def cost_table(spec: ModelSpec, image: np.ndarray) -> str:
    """What the model costs, in itself and on this CPU."""
    total, weights = multiply_adds(spec.onnx)
    megabytes = spec.onnx.stat().st_size / 1e6
    cores = len(os.sched_getaffinity(0))
    with CpuEngine(spec.onnx) as engine, TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        request = engine.new_request()
        network = median_ms(lambda: engine.infer(request))
        whole = median_ms(lambda: ssd.detect(image))
        measured_on = f"{engine.name} on {cores} cores, network only"
    rows = [
        ("input", f"{spec.input.width} x {spec.input.height}, {spec.input.color}"),
        ("multiply-adds", f"{total / 1e9:.2f} G"),
        ("weights", f"{weights / 1e6:.2f} M"),
        ("file", f"{megabytes:.2f} MB"),
        (measured_on, f"{network:.0f} ms"),
        ("the same, picture to boxes (`detect`)", f"{whole:.0f} ms"),
    ]
    return table(("what", "value"), rows)


# Fresh scenes.


class Fresh(NamedTuple):
    """What was found on scenes that were drawn for the occasion."""

    truths: Truths
    founds: Founds
    pictures: Dict[str, np.ndarray]  # JPEG-packed


class Scene(NamedTuple):
    """One of them."""

    name: str
    image: np.ndarray
    truth: voc.Truth


def fresh_scene(job: Tuple[str, int]) -> Scene:
    """Draw the scene of a task and a number."""
    import scenes

    task, index = job
    sample = scenes.sample(task, "test", index)
    labels = [scenes.LABELS[task][number] for number in sample.classes]
    boxes = np.asarray(sample.boxes, float)
    difficult = np.asarray(sample.difficult, bool)
    return Scene(str(index), sample.image, voc.Truth(labels, boxes, difficult))


def detect_fresh(ssd: TrtSSD, task: str, count: int, workers: int) -> Fresh:
    """Draw `count` scenes, and detect in them while others are drawn."""
    fresh = Fresh({}, {}, {})
    jobs = [(task, FIRST_FRESH + i) for i in range(count)]
    with multiprocessing.Pool(workers) as pool:
        for scene in pool.imap(fresh_scene, jobs, chunksize=4):
            found = ssd.detect(scene.image, CONF_TH)
            _, packed = cv2.imencode(".jpg", scene.image)
            fresh.truths[scene.name] = scene.truth
            fresh.founds[scene.name] = as_found(found, ssd.spec.labels)
            fresh.pictures[scene.name] = packed
    return fresh


# Accuracy.


def height_name(low: int, high: int) -> str:
    """A range of heights in words."""
    if low == 0:
        return f"up to {high} px"
    if high > OVER_ALL:
        return f"over {low} px"
    return f"{low} to {high} px"


def ap_table(truths: Truths, founds: Founds) -> str:
    """AP at overlap 0.5 of each class, over all and by height, with the number of objects."""
    whole = voc.score(truths, founds)
    parts = [voc.score(*voc.of_height(truths, founds, *heights)) for heights in plots.HEIGHTS]

    rows: List[List[Any]] = []
    for name, result in sorted(whole.classes.items()):
        by_height = [_with_count(part.classes[name]) for part in parts]
        rows.append([name, result.truths, f"{result.ap:.3f}", *by_height])

    total = sum(result.truths for result in whole.classes.values())
    rows.append(["mAP", total, f"**{whole.mean:.3f}**", *("" for _ in parts)])
    heights = [height_name(*heights) for heights in plots.HEIGHTS]
    return table(["class", "objects", "AP50", *heights], rows)


def _with_count(score: voc.ClassScore) -> str:
    if score.truths == 0:
        return "-"
    return f"{score.ap:.3f} ({score.truths})"


def coco_row(name: str, truths: Truths, founds: Founds) -> List[str]:
    """A line of the table that sets the committed samples beside the fresh scenes."""
    mean = voc.score(truths, founds).mean
    numbers = coco.score(*coco.from_voc(truths, founds)).numbers
    figures = [mean, *(numbers[key] for key in COCO_NUMBERS)]
    return [name, *(f"{figure:.3f}" for figure in figures)]


def confidence_table(truths: Truths, founds: Founds) -> str:
    """Precision and recall of all classes together: what the record's threshold rests on."""
    rows = []
    for confidence in CONFIDENCES:
        classes = voc.score(truths, voc.above(founds, confidence)).classes.values()
        hits = sum(result.hits for result in classes)
        alarms = sum(result.false_alarms for result in classes)
        total = sum(result.truths for result in classes)
        precision = hits / max(1, hits + alarms)
        rows.append((f"{confidence:.1f}", f"{precision:.3f}", f"{hits / total:.3f}"))
    return table(("confidence", "precision", "recall"), rows)


def write_faults(folder: Any, fresh: Fresh) -> None:
    """Contact sheets of the worst misses and false alarms, beside the card."""
    misses, false_alarms = plots.faults(fresh.truths, fresh.founds)

    def read(name: str) -> np.ndarray:
        return cv2.imdecode(fresh.pictures[name], cv2.IMREAD_COLOR)

    for name, listed in (("misses", misses), ("false_alarms", false_alarms)):
        sheet = plots.contact_sheet(listed[:SHOWN_FAULTS], read)
        write_image(folder / (name + ".jpg"), sheet)


# The card.


def measured(name: str, images: int, workers: int) -> str:
    """The block between the marks. The contact sheets are written on the way."""
    spec = find_model(name)
    task = TASKS[name]
    data = KIT / "data" / task
    with TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        committed = detect_folder(ssd, data)
        fresh = detect_fresh(ssd, task, images, workers)
    write_faults(spec.folder, fresh)

    beside = [
        coco_row("60 committed", *committed),
        coco_row(f"{images} fresh", fresh.truths, fresh.founds),
    ]
    first = images_in(data / "images")[0]
    parts = [
        BEGIN,
        cost_table(spec, read_image(first)),
        f"{images} fresh test scenes, AP at overlap 0.5 and number of objects, difficult "
        "ones left out, heights in pixels of the scene:",
        ap_table(fresh.truths, fresh.founds),
        "The committed samples beside the fresh scenes:",
        table(COCO_HEAD, beside),
        "On the fresh scenes, all classes together:",
        confidence_table(fresh.truths, fresh.founds),
        END,
    ]
    return "\n\n".join(parts)


def put_into(card: str, block: str) -> str:
    """The card's text with its measured block replaced, or added at the end."""
    if BEGIN not in card or END not in card:
        return card.rstrip() + "\n\n" + block + "\n"
    before = card[: card.index(BEGIN)]
    after = card[card.index(END) + len(END) :]
    return before + block + after


def main() -> None:
    """Measure, write the card, and print what was written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=sorted(TASKS))
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    try:
        block = measured(args.model, args.images, args.workers)
    except CourseError as err:
        sys.exit(f"make_card: {err}")

    card = find_model(args.model).folder / "README.md"
    text = ""
    if card.exists():
        text = card.read_text(encoding="utf-8")
    write_text(card, put_into(text, block))
    print(block)


if __name__ == "__main__":
    main()
