"""The measured tables of a model's card (models/NAME/README.md), from the shipped file itself through ONNX Runtime.

It writes numbers, never prose: what they mean is said by whoever writes the card, around the marked block.
"""
import json
import os
import time

import cv2
import numpy as np
import onnx
import torch

from .evaluate import SIZES, average_precision, judge_class, report, suppress
from .feed import Source
from .nets import SSD, count_macs
from .recipes import RECIPES

BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"


class Shipped:
    """models/NAME as learners have it: the record decides the preprocessing, ONNX Runtime runs the file."""

    def __init__(self, folder, threads=0):
        import onnxruntime

        with open(os.path.join(folder, "model.json"), encoding="utf-8") as file:
            self.record = json.load(file)
        self.path = os.path.join(folder, self.record["file"])
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = threads
        self.session = onnxruntime.InferenceSession(self.path, settings, providers=["CPUExecutionProvider"])

    def tensor(self, image):
        kind = self.record["input"]
        x = cv2.resize(image, (kind["width"], kind["height"]))
        x = x[..., ::-1] if kind["color"] == "RGB" else x
        x = (x.astype(np.float32) - np.float32(kind["mean"])) / np.float32(kind["scale"])
        return np.ascontiguousarray(x.transpose(2, 0, 1)[None])

    def detect(self, image, **nms):
        """(boxes in image pixels, scores, classes 0-based), most confident first."""
        size = (image.shape[1], image.shape[0])
        scores, boxes = self.session.run(["scores", "boxes"], {"input": self.tensor(image)})
        boxes = torch.from_numpy(boxes) * torch.tensor(size * 2)
        return suppress(boxes, torch.from_numpy(scores), size, **nms)[0]

    def milliseconds(self, image, runs=20):
        """Median of the network alone, of one image."""
        x, spent = self.tensor(image), []
        for _ in range(runs + 3):
            start = time.perf_counter()
            self.session.run(None, {"input": x})
            spent.append((time.perf_counter() - start) * 1000)
        return float(np.median(spent[3:]))


def card_tables(folder, sample, labels, size, images=200, first=10000):
    """Markdown: cost of the network, AP per class and by height on `images` fresh test scenes, best thresholds."""
    model = Shipped(folder)
    recipe = RECIPES[model.record["name"]]
    source = Source(sample, recipe.task, size, recipe.max_boxes)
    found, truths = [], []
    for index in range(first, first + images):
        image, rows = source.render("test", index)
        found.append(model.detect(image))
        truths.append(rows)
    result = report(found, truths, labels)
    result["COCO-like"] = coco_like(found, truths, len(labels))
    tables = cost_table(model, recipe, labels, image), ap_table(result, labels), threshold_table(found, truths, labels)
    return "\n\n".join([BEGIN, *tables, END])


def cost_table(model, recipe, labels, image):
    macs, weights = count_macs(SSD(recipe, len(labels)).eval(), recipe.size)
    rows = [("input", "{} x {}, {}".format(*recipe.size, recipe.color)), ("multiply-adds", f"{macs / 1e9:.2f} G"),
            ("weights", f"{weights / 1e6:.2f} M"), ("file", f"{os.path.getsize(model.path) / 1e6:.2f} MB"),
            ("prior boxes", str(model.session.run(["scores"], {"input": model.tensor(image)})[0].shape[1])),
            ("operators", ", ".join(sorted({n.op_type for n in onnx.load(model.path).graph.node}))),
            (f"CPU, {os.cpu_count()} cores, ONNX Runtime, network only", f"{model.milliseconds(image):.0f} ms")]
    return markdown(("what", "value"), rows)


def ap_table(result, labels):
    def cell(table, name):
        return f"{table[name]:.3f}" if name in table else "-"

    columns = [("AP50", result["AP"]), *((f"AP50, {name}", result["by_height"][name]) for name, *_ in SIZES),
               ("AP75", result["AP75"])]
    rows = [(name, *(cell(table, name) for _, table in columns)) for name in labels]
    rows.append(("mean", f"{result['mAP']:.3f}", *[""] * len(SIZES), f"{np.mean(list(result['AP75'].values())):.3f}"))
    caption = (f"{result['images']} fresh test scenes, VOC rule (difficult objects do not count), heights in scene "
               f"pixels; mean over IoU 0.50 to 0.95, same rule: {result['COCO-like']:.3f}")
    return caption + "\n\n" + markdown(("class", *(name for name, _ in columns)), rows)


def coco_like(found, truths, classes):
    """Mean AP over the IoUs 0.50 to 0.95 by the VOC rule: near COCO's AP, not equal to it."""
    return float(np.nanmean([average_precision(found, truths, classes, iou) for iou in np.arange(0.5, 1, 0.05)]))


def threshold_table(found, truths, labels):
    """Precision and recall over all classes at some confidences: what `conf_threshold` should be."""
    rows = []
    for confidence in (0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6):
        right, wrong, total = count_matches(found, truths, len(labels), confidence)
        precision, recall = right / max(right + wrong, 1), right / max(total, 1)
        rows.append((f"{confidence:.2f}", f"{precision:.3f}", f"{recall:.3f}",
                     f"{2 * precision * recall / max(precision + recall, 1e-9):.3f}"))
    return markdown(("confidence", "precision", "recall", "F1"), rows)


def count_matches(found, truths, classes, confidence):
    kept = [(b[s >= confidence], s[s >= confidence], c[s >= confidence]) for b, s, c in found]
    marks, totals = zip(*(judge_class(kept, truths, c) for c in range(classes)))
    marks = np.concatenate(marks)
    return int((marks == 1).sum()), int((marks == 0).sum()), sum(totals)


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def put_into(card, tables):
    """The card's text with its measured block replaced, or added at the end."""
    if BEGIN in card and END in card:
        return card[:card.index(BEGIN)] + tables + card[card.index(END) + len(END):]
    return card.rstrip() + "\n\n" + tables + "\n"
