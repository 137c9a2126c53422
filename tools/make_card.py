"""The measured part of a model's card, models/NAME/README.md: cost, AP on the committed and on fresh scenes, faults.

    python tools/make_card.py NAME [--images 500] [--workers 2]

It measures the shipped file as learners use it, through trt_course, and writes figures between two marks in the card;
what they mean is said by whoever writes the text around them. Fresh scenes are test scenes drawn for the occasion.
"""

import argparse
import multiprocessing
import os
import statistics
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import onnx

from trt_course import CourseError, TrtSSD, find_model
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


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def multiply_adds(path):
    """Of one picture, convolutions only, as papers count; and the number of weights."""
    model = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
    shapes = {
        v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in model.graph.value_info
    }
    stored = {t.name: tuple(t.dims) for t in model.graph.initializer}
    stored.update(
        (n.output[0], stored[n.input[0]])
        for n in model.graph.node
        if n.op_type == "Cast" and n.input[0] in stored
    )
    convs = [n for n in model.graph.node if n.op_type == "Conv"]
    weights = [int(np.prod(stored[n.input[1]])) for n in convs]
    places = [int(np.prod(shapes[n.output[0]][2:])) for n in convs]
    return sum(w * p for w, p in zip(weights, places)), sum(weights)


def median_ms(call, runs=30):
    times = []
    for _ in range(runs + 3):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1e3)
    return statistics.median(times[3:])


def cost_table(spec, image):
    adds, weights = multiply_adds(spec.onnx)
    with CpuEngine(spec.onnx) as engine, TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        request = engine.new_request()
        network = median_ms(lambda: engine.infer(request))
        whole = median_ms(lambda: ssd.detect(image))
        rows = [
            ("input", f"{spec.input.width} x {spec.input.height}, {spec.input.color}"),
            ("multiply-adds", f"{adds / 1e9:.2f} G"),
            ("weights", f"{weights / 1e6:.2f} M"),
            ("file", f"{spec.onnx.stat().st_size / 1e6:.2f} MB"),
            (
                f"{engine.name} on {len(os.sched_getaffinity(0))} cores, network only",
                f"{network:.0f} ms",
            ),
            ("the same, picture to boxes (`detect`)", f"{whole:.0f} ms"),
        ]
    return table(("what", "value"), rows)


def fresh_scene(job):
    import scenes

    task, index = job
    found = scenes.sample(task, "test", index)
    labels = [scenes.LABELS[task][c] for c in found.classes]
    return (
        str(index),
        found.image,
        voc.Truth(labels, np.asarray(found.boxes, float), np.asarray(found.difficult, bool)),
    )


def detect_fresh(ssd, task, count, workers):
    """Ground truth and detections of scenes drawn now, and the pictures, JPEG-packed."""
    truths = {}
    founds = {}
    pictures = {}
    jobs = [(task, FIRST_FRESH + i) for i in range(count)]
    with multiprocessing.Pool(workers) as pool:
        for name, image, truth in pool.imap(fresh_scene, jobs, chunksize=4):
            truths[name] = truth
            pictures[name] = cv2.imencode(".jpg", image)[1]
            founds[name] = as_found(ssd.detect(image, CONF_TH), ssd.spec.labels)
    return truths, founds, pictures


def height_name(low, high):
    return (
        f"up to {high} px"
        if low == 0
        else f"over {low} px"
        if high > 5000
        else f"{low} to {high} px"
    )


def ap_table(truths, founds):
    """AP at overlap 0.5 of each class, over all and by height, with the number of objects."""
    whole = voc.score(truths, founds)
    parts = [voc.score(*voc.of_height(truths, founds, *heights)) for heights in plots.HEIGHTS]
    rows = []
    for name, result in sorted(whole.classes.items()):
        by_height = [p.classes[name] for p in parts]
        rows.append(
            [
                name,
                result.truths,
                f"{result.ap:.3f}",
                *(f"{p.ap:.3f} ({p.truths})" if p.truths else "-" for p in by_height),
            ]
        )
    rows.append(
        [
            "mAP",
            sum(c.truths for c in whole.classes.values()),
            f"**{whole.mean:.3f}**",
            *[""] * len(parts),
        ]
    )
    return table(["class", "objects", "AP50", *(height_name(*h) for h in plots.HEIGHTS)], rows)


def coco_row(name, truths, founds):
    numbers = coco.score(*coco.from_voc(truths, founds)).numbers
    return [
        name,
        f"{voc.score(truths, founds).mean:.3f}",
        *(
            f"{numbers[key]:.3f}"
            for key in ("AP", "AP50", "AP75", "AP_small", "AP_medium", "AP_large")
        ),
    ]


def confidence_table(truths, founds):
    """Precision and recall of all classes together: what the record's threshold rests on."""
    rows = []
    for conf in CONFIDENCES:
        classes = voc.score(truths, voc.above(founds, conf)).classes.values()
        hits, alarms, total = (
            sum(getattr(c, part) for c in classes) for part in ("hits", "false_alarms", "truths")
        )
        rows.append((f"{conf:.1f}", f"{hits / max(1, hits + alarms):.3f}", f"{hits / total:.3f}"))
    return table(("confidence", "precision", "recall"), rows)


def write_faults(folder, truths, founds, pictures):
    for name, listed in zip(("misses", "false_alarms"), plots.faults(truths, founds)):
        write_image(
            folder / (name + ".jpg"),
            plots.contact_sheet(
                listed[:18], lambda image: cv2.imdecode(pictures[image], cv2.IMREAD_COLOR)
            ),
        )


def measured(name, images, workers):
    spec = find_model(name)
    task = TASKS[name]
    data = KIT / "data" / task
    with TrtSSD(spec, backend="cpu", verbose=False) as ssd:
        committed = detect_folder(ssd, data)
        fresh = detect_fresh(ssd, task, images, workers)
    write_faults(spec.folder, *fresh)
    head = ("", "VOC mAP@0.5", "COCO AP", "AP50", "AP75", "small", "medium", "large")
    return "\n\n".join(
        [
            BEGIN,
            cost_table(spec, read_image(images_in(data / "images")[0])),
            f"{images} fresh test scenes, AP at overlap 0.5 and number of objects, difficult "
            "ones left out, heights in pixels of "
            "the scene:",
            ap_table(*fresh[:2]),
            "The committed samples beside the fresh scenes:",
            table(
                head,
                [coco_row("60 committed", *committed), coco_row(f"{images} fresh", *fresh[:2])],
            ),
            "On the fresh scenes, all classes together:",
            confidence_table(*fresh[:2]),
            END,
        ]
    )


def put_into(card, block):
    """The card's text with its measured block replaced, or added at the end."""
    if BEGIN in card and END in card:
        return card[: card.index(BEGIN)] + block + card[card.index(END) + len(END) :]
    return card.rstrip() + "\n\n" + block + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", choices=sorted(TASKS))
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    args = parser.parse_args()
    try:
        block = measured(args.model, args.images, args.workers)
    except CourseError as err:
        sys.exit(f"make_card: {err}")
    card = Path(find_model(args.model).folder) / "README.md"
    write_text(card, put_into(card.read_text(encoding="utf-8") if card.exists() else "", block))
    print(block)


if __name__ == "__main__":
    main()
