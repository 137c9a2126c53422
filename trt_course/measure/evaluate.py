"""What is scored: two folders of text files, or what a detector finds in a data folder.

The measures themselves are voc.py and coco.py; the figures are plots.py.
"""

import sys
from pathlib import Path
from typing import Collection, List, Optional, Sequence, Tuple

import numpy as np

from ..detections import Detections
from ..media.pictures import images_in, read_image
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path, whole_file, write_image
from ..support.progress import progress
from . import plots, voc
from .boxes import Found, Founds, Truths

CONF_TH = 0.01  # a higher one cuts the precision-recall curve short
WORST = 24  # so many misses and false alarms are shown


def read_folders(
    truth_dir: AnyPath, found_dir: AnyPath, names: Collection[str] = ()
) -> Tuple[Truths, Founds]:
    """Ground truth and detections of two folders of text files.

    Images without a file of detections count as empty, and are listed on stderr.
    """
    truths, founds, missing = voc.read_folders(kit_path(truth_dir), kit_path(found_dir), names)
    if missing:
        some = ", ".join(missing[:10])
        print(
            f"{len(missing)} images have no detection file and count as empty: {some}",
            file=sys.stderr,
        )
    return truths, founds


def pictures_of(data: Path) -> List[Path]:
    """The pictures of a data folder. No two may share a name: the ground truth is found by it."""
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


def detect_folder(ssd: TrtSSD, data: AnyPath, conf_th: float = CONF_TH) -> Tuple[Truths, Founds]:
    """Ground truth of data/ground-truth, and what a detector finds in data/images."""
    warn_of_threshold(ssd, conf_th)
    folder = kit_path(data)
    paths = pictures_of(folder)

    # The ground truth first: a missing file is better known before the detector has run for long.
    truths = {}
    for path in paths:
        file = folder / "ground-truth" / (path.stem + ".txt")
        if not file.is_file():
            raise CourseError(f"There is no ground truth {file} for the picture of that name.")
        truths[path.stem] = voc.read_truth(file)

    founds = {}
    for path in progress(paths, desc="evaluate", unit="image"):
        detections = ssd.detect(read_image(path), conf_th)
        founds[path.stem] = as_found(detections, ssd.spec.labels)
    return truths, founds


def warn_of_threshold(ssd: TrtSSD, conf_th: float) -> None:
    """Say so where the network holds back boxes itself, which cuts the curve, and so the mAP."""
    least = max(ssd.spec.output.threshold, ssd.engine.threshold)
    if least > conf_th:
        print(
            f"{ssd.spec.name} gives nothing below {least:g} by itself, scoring wants boxes from "
            f"{conf_th:g} up: the mAP comes out too low. "
            "Export or build it with a lower threshold.",
            file=sys.stderr,
        )


def as_found(detections: Detections, labels: Sequence[str]) -> Found:
    """A detector's boxes, confidences and class ids as what is scored, with names for classes."""
    boxes, confs, clss = detections
    names = [labels[cls] for cls in clss]
    return Found(names, confs.astype(float), np.asarray(boxes, dtype=float))


def save_plots(
    folder: AnyPath,
    truths: Truths,
    founds: Founds,
    result: voc.Score,
    images: Optional[AnyPath] = None,
) -> None:
    """The figures of plots.py as PNG files.

    With `images`, the folder of the pictures, the worst misses and false alarms are shown too.
    """
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

    if images is not None:
        _save_worst(folder, truths, founds, images)


def _save_worst(folder: Path, truths: Truths, founds: Founds, images: AnyPath) -> None:
    """Contact sheets of the worst misses and of the worst false alarms."""
    paths = {path.stem: path for path in images_in(images)}

    def read(name: str) -> np.ndarray:
        return read_image(paths[name])

    misses, alarms = plots.faults(truths, founds)
    write_image(folder / "worst_misses.png", plots.contact_sheet(misses[:WORST], read))
    write_image(folder / "worst_false_alarms.png", plots.contact_sheet(alarms[:WORST], read))
