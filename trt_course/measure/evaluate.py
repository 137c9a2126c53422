"""What is scored: two folders of text files, or what a detector finds in a data folder.

The measures themselves are voc.py and coco.py; the figures are plots.py.
"""

import sys
from pathlib import Path
from typing import Collection, Dict, Iterable, Iterator, List, Optional, Sequence, Tuple

import numpy as np

from ..detections import Detections
from ..media.pictures import images_in, read_image
from ..ssd import TrtSSD
from ..support.errors import CourseError
from ..support.files import AnyPath, kit_path
from ..support.outputs import Outputs
from ..support.progress import progress
from ..support.words import list_of, printable
from . import boxes, plots, voc
from .boxes import Found, Founds, Truths

CONF_TH = 0.01  # a higher one cuts the precision-recall curve short
WORST = 24  # so many misses and false alarms are shown
MOST_NAMED = 5  # pictures that cannot be read

Sizes = Dict[str, Tuple[float, float]]  # width and height of pictures, by their names


def read_folders(
    truth_dir: AnyPath, found_dir: AnyPath, names: Collection[str] = ()
) -> Tuple[Truths, Founds]:
    """Ground truth and detections of two folders of text files.

    Images without a file of detections count as empty, and are listed on stderr.
    """
    truths, founds, missing = voc.read_folders(kit_path(truth_dir), kit_path(found_dir), names)
    tell_of_missing(missing)
    return truths, founds


def tell_of_missing(images: Sequence[str]) -> None:
    """Say which images have no file of detections."""
    if images:
        some = ", ".join(printable(name) for name in images[:10])
        print(
            f"{len(images)} images have no detection file and count as empty: {some}",
            file=sys.stderr,
        )


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


def truths_of(data: Path, paths: Sequence[Path], names: Collection[str] = ()) -> Truths:
    """The ground truth of a data folder: one file for each picture, and none without a picture.

    `names` are classes with spaces in them, as in read_folders.
    """
    folder = data / "ground-truth"
    if not folder.is_dir():
        raise CourseError(
            f"There is no folder {folder}. A data folder holds images/ and ground-truth/."
        )
    files = {path.stem: path for path in boxes.text_files(folder)}

    # Neither may lack the other: an mAP over fewer pictures is another figure.
    pictures = {path.stem for path in paths}
    for name in sorted(pictures - set(files)):
        raise CourseError(
            f"There is no ground truth {folder / name}.txt for the picture of that name."
        )
    strange = sorted(set(files) - pictures)
    if strange:
        raise CourseError(
            f"The ground truth {files[strange[0]]} has no picture in {data / 'images'} "
            f"({len(strange)} such files in all). Bring the picture back, or take the file out."
        )
    return {name: voc.read_truth(file, names) for name, file in files.items()}


def require_objects(truths: Truths, ignore: Collection[str] = ()) -> None:
    """Refuse ground truth without a box that counts: every mAP would be 0."""
    for truth in truths.values():
        for label, difficult in zip(truth.labels, truth.difficult):
            if label not in ignore and not difficult:
                return

    ignoring = ""
    if ignore:
        ignoring = f", when you ignore {', '.join(ignore)}"
    raise CourseError(
        f"There is nothing to score: no box in the ground truth of {len(truths)} images "
        f"counts{ignoring}."
    )


def detect_folder(ssd: TrtSSD, data: AnyPath, conf_th: float = CONF_TH) -> Tuple[Truths, Founds]:
    """Ground truth of data/ground-truth, and what a detector finds in data/images."""
    folder = kit_path(data)
    paths = pictures_of(folder)
    truths = truths_of(folder, paths)
    return truths, detect_pictures(ssd, {path.stem: path for path in paths}, conf_th)


def detect_pictures(
    ssd: TrtSSD,
    pictures: Dict[str, Path],
    conf_th: float = CONF_TH,
    sizes: Optional[Sizes] = None,
) -> Founds:
    """What a detector finds in each of the pictures, by their names.

    Pictures whose names are in `sizes` must have that width and height: the true boxes are in such
    pixels.
    """
    warn_of_threshold(ssd, conf_th)
    founds = {}
    images = whole_pictures(progress(list(pictures.values()), desc="evaluate", unit="image"))
    for image, (name, path) in zip(images, pictures.items()):
        if sizes and name in sizes:
            _require_size(path, image, sizes[name])
        detections = ssd.detect(image, conf_th)
        founds[name] = as_found(detections, ssd.spec.labels)
    return founds


def _require_size(path: Path, image: np.ndarray, size: Tuple[float, float]) -> None:
    height, width = image.shape[:2]
    if (width, height) != size:
        raise CourseError(
            f"{path} has {width} x {height} pixels, but {size[0]:g} x {size[1]:g} in the ground "
            "truth, whose boxes do not fit it; bring the pictures that the boxes were drawn in."
        )


def whole_pictures(paths: Iterable[Path]) -> Iterator[np.ndarray]:
    """Each of the pictures; at the end a CourseError that names all that cannot be read.

    After the first of those, the rest is only read, to name them all: nothing is detected in it,
    because figures without a picture would be figures of other data.
    """
    damaged: List[str] = []
    for path in paths:
        try:
            image = read_image(path)
        except CourseError as err:
            damaged.append(str(err))
            continue
        if not damaged:
            yield image

    if damaged:
        some = " ".join(damaged[:MOST_NAMED])
        raise CourseError(
            f"{len(damaged)} of the pictures cannot be read, so there is no result: {some}"
        )


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


def warn_of_classes(
    truths: Truths, founds: Founds, ignore: Collection[str] = (), own_limits: Collection[str] = ()
) -> None:
    """Say which classes are not scored, and which are named in an option but do not occur."""
    known = {label for truth in truths.values() for label in truth.labels}
    for name in sorted(set(ignore) | set(own_limits)):
        if name not in known:
            print(f"The ground truth has no class {printable(name)}.", file=sys.stderr)

    strange = [label for found in founds.values() for label in found.labels if label not in known]
    if strange:
        some = list_of(sorted(set(strange)), MOST_NAMED)
        print(
            "Boxes of classes that the ground truth lacks are not scored "
            f"({len(strange)} in all): {some}",
            file=sys.stderr,
        )


# What `save_plots` writes: figures and, where there are pictures, sheets of the worst faults.
_FIGURES = ("precision_recall", "ap", "counts", "ap_by_height", "confusion")
_SHEETS = ("worst_misses", "worst_false_alarms")


def plot_files(folder: AnyPath, with_images: bool) -> List[Path]:
    """The files that `save_plots` writes."""
    names = list(_FIGURES)
    if with_images:
        names += _SHEETS
    return [Path(str(folder)) / (name + ".png") for name in names]


def save_plots(
    folder: AnyPath,
    truths: Truths,
    founds: Founds,
    result: voc.Score,
    pictures: Optional[Dict[str, Path]] = None,
    outputs: Optional[Outputs] = None,
) -> None:
    """The figures of plots.py as PNG files.

    With `pictures`, the files by the names of the images, the worst misses and false alarms are
    shown too.
    """
    outputs = outputs or Outputs()
    folder = Path(str(folder))
    figures = (
        plots.pr_curves(result),
        plots.ap_bars(result),
        plots.count_bars(truths, founds),
        plots.ap_by_height(truths, founds),
        plots.confusion(truths, founds),
    )
    for name, figure in zip(_FIGURES, figures):
        with outputs.whole_file(folder / (name + ".png")) as temporary:
            figure.savefig(str(temporary), dpi=110)

    if pictures:
        for name, faults in zip(_SHEETS, plots.faults(truths, founds)):
            sheet = _sheet(faults[:WORST], pictures)
            outputs.write_image(folder / (name + ".png"), sheet)


def _sheet(faults: Sequence[plots.Fault], pictures: Dict[str, Path]) -> np.ndarray:
    """A contact sheet of the faults."""
    return plots.contact_sheet(faults, lambda name: read_image(pictures[name]))
