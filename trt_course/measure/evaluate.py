"""What is scored: two folders of text files, or a detector run over a data folder. The measures are voc and coco."""

import sys
from pathlib import Path

import numpy as np

from ..media.pictures import images_in, read_image
from ..support.errors import CourseError
from ..support.files import kit_path, whole_file, write_image
from ..support.progress import progress
from . import plots, voc

CONF_TH = 0.01  # a higher one cuts the precision-recall curve short


def read_folders(truth_dir, found_dir, names=()):
    """Ground truth and detections of two folders of text files; images without a detection file are listed."""
    truths, founds, missing = voc.read_folders(kit_path(truth_dir), kit_path(found_dir), names)
    if missing:
        print(
            "{} images have no detection file and count as empty: {}".format(
                len(missing), ", ".join(missing[:10])
            ),
            file=sys.stderr,
        )
    return truths, founds


def pictures_of(data):
    """The pictures of a data folder; no two may share a name, for the ground truth is found by it."""
    folder = data / "images"
    if not folder.is_dir():
        raise CourseError(
            f"There is no folder {folder}. A data folder holds images/ and ground-truth/."
        )
    paths = images_in(folder)
    if len({path.stem for path in paths}) < len(paths):
        raise CourseError(
            f"Pictures in {folder} share their name but for the ending; rename one of each."
        )
    return paths


def detect_folder(ssd, data, conf_th=CONF_TH):
    """Ground truth of data/ground-truth, and what a detector finds in data/images."""
    data = kit_path(data)
    warn_of_threshold(ssd, conf_th)
    paths = pictures_of(data)
    files = {path.stem: data / "ground-truth" / (path.stem + ".txt") for path in paths}
    for file in files.values():
        if not file.is_file():
            raise CourseError(f"There is no ground truth {file} for the picture of that name.")
    truths = {name: voc.read_truth(file) for name, file in files.items()}
    founds = {
        path.stem: as_found(ssd.detect(read_image(path), conf_th), ssd.spec.labels)
        for path in progress(paths, desc="evaluate", unit="image")
    }
    return truths, founds


def warn_of_threshold(ssd, conf_th):
    """A network that holds boxes back by itself cuts the curve, and so its own mAP."""
    least = max(ssd.spec.output.threshold, ssd.engine.threshold)
    if least > conf_th:
        print(
            f"{ssd.spec.name} gives nothing below {least:g} by itself, scoring wants boxes from {conf_th:g} up: the mAP comes out too low. "
            "Export or build it with a lower threshold.",
            file=sys.stderr,
        )


def as_found(detections, labels):
    boxes, confs, clss = detections
    return voc.Found([labels[c] for c in clss], confs.astype(float), np.asarray(boxes, dtype=float))


def save_plots(folder, truths, founds, result, images=None):
    """The figures of measure/plots.py as PNG files; the contact sheets need the folder that holds the pictures."""
    folder = Path(str(folder))
    figures = {
        "precision_recall": plots.pr_curves(result),
        "ap": plots.ap_bars(result),
        "counts": plots.count_bars(truths, founds),
        "ap_by_height": plots.ap_by_height(truths, founds),
        "confusion": plots.confusion(truths, founds),
    }
    for name, figure in figures.items():
        with whole_file(folder / (name + ".png")) as temporary:
            figure.savefig(str(temporary), dpi=110)
    if images is None:
        return
    paths = {path.stem: path for path in images_in(images)}
    for name, listed in zip(("worst_misses", "worst_false_alarms"), plots.faults(truths, founds)):
        write_image(
            folder / (name + ".png"),
            plots.contact_sheet(listed[:24], lambda image: read_image(paths[image])),
        )
