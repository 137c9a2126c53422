"""How well does a model trained on rendered streets see the real world?

    python tools/check_real_world.py [MODEL ...] [--shared FOLDER] [--pictures FOLDER]

AP50 on two sets of real pictures, neither of them in the kit: photographs from COCO, half of
which show people or roads, with COCO's boxes, and 40 frames of a public clip of a car park from
above, with the boxes of tests/real/car_detection.json.

Each model runs twice: as its record resizes, and with the picture's own proportions kept
(letterbox), because a wide input distorts a photograph badly. Beside it stands a detector of
vehicles and pedestrians made for driver assistance, which was not trained here.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

import cv2
import numpy as np

from real_pictures import PictureSet, clip_frames, photographs
from trt_course import BBoxVisualization, CourseError, Detections, ModelSpec, TrtSSD, find_model
from trt_course.measure import voc
from trt_course.measure.evaluate import CONF_TH, as_found
from trt_course.support.files import KIT, write_image

SHIPPED = "ssd_resnet18_traffic"
REFERENCE = KIT / "tests/thirdparty/adas"
REFERENCE_ONNX = "thirdparty/pedestrian_vehicle_adas_0001.onnx"
CLASSES = ("vehicle", "pedestrian", "bicycle", "road_sign")
NOTES = """
AP50 in per cent: the area under the curve (VOC 2010 on) of all detections from a confidence of
{:g} up; '-' where the model does not know the class. After it, what the model finds and, behind
the stroke, its false alarms, both at the confidence from which its record has boxes drawn.
(+n): difficult boxes, which count neither way: COCO's crowds, and cars less than half in the frame.
COCO boxes the rider of a bicycle or motorcycle as a person. The kit's labels count the rider as
part of the bicycle, so a model that learned from them loses on both classes where somebody rides.
With as few objects as some classes have here, one more or less moves a figure by several points."""


class Figures(NamedTuple):
    """One class of one set: AP50, and what is right and wrong at the model's own threshold."""

    ap: float
    hits: int
    false_alarms: int


class Variant(NamedTuple):
    """A model with one way to resize."""

    title: str
    spec: ModelSpec


def variants(model, shared: Path) -> List[Variant]:
    """The model as its record says, and letterboxed where the record does otherwise."""
    spec = find_model(model)
    if spec.folder.resolve() == REFERENCE.resolve():
        spec = spec._replace(onnx=shared / REFERENCE_ONNX)

    # Two trainings may share a name: a model that was given by its path is called by that.
    name = str(model)
    if name == str(REFERENCE):
        name = spec.name

    ways = [spec.input.resize]
    if spec.input.resize != "letterbox":
        ways.append("letterbox")
    return [
        Variant(
            title=f"{name} {spec.input.width}x{spec.input.height}, {way}",
            spec=spec._replace(input=spec.input._replace(resize=way)),
        )
        for way in ways
    ]


def detect_all(ssd: TrtSSD, pictures: Dict[str, np.ndarray]) -> Dict[str, Detections]:
    """What is found in each picture, faint boxes too."""
    return {name: ssd.detect(picture, CONF_TH) for name, picture in pictures.items()}


def _score(truths, found, spec: ModelSpec, conf_th: float) -> voc.Score:
    """The VOC score of the detections from a confidence up."""
    kept = {
        name: as_found(detections.above(conf_th), spec.labels) for name, detections in found.items()
    }
    return voc.score(truths, kept)


def figures(truths, found, spec: ModelSpec) -> Dict[str, Figures]:
    """The Figures of each class that is both in the pictures and known to the model."""
    everything = _score(truths, found, spec, CONF_TH).classes
    sure = _score(truths, found, spec, spec.conf_threshold).classes
    return {
        name: Figures(score.ap, sure[name].hits, sure[name].false_alarms)
        for name, score in everything.items()
        if name in spec.labels
    }


def draw(picture: np.ndarray, wanted: voc.Truth, found: Detections, spec: ModelSpec) -> np.ndarray:
    """What the model is sure of in colour, over what is to be found in white."""
    canvas = picture.copy()
    for x1, y1, x2, y2 in np.round(wanted.boxes).astype(int).tolist():
        cv2.rectangle(canvas, (x1, y1), (x2, y2), (255, 255, 255), 1)
    return BBoxVisualization(spec.cls_dict()).annotate(canvas, found.above(spec.conf_threshold))


def write_pictures(folder: Path, variant: Variant, sets: Sequence[PictureSet], found) -> None:
    """Every picture with its boxes, in a folder of the variant's own."""
    target = folder / re.sub(r"[^\w.-]+", "-", variant.title)
    for pictures in sets:
        for name, picture in pictures.pictures.items():
            wanted = pictures.truths[name]
            drawn = draw(picture, wanted, found[pictures.name][name], variant.spec)
            write_image(target / (Path(name).stem + ".jpg"), drawn)


def run(
    variant: Variant, sets: Sequence[PictureSet], folder: Optional[Path] = None
) -> Dict[str, Dict[str, Figures]]:
    """The Figures of one model, by set and class."""
    with TrtSSD(variant.spec, verbose=False) as ssd:
        found = {pictures.name: detect_all(ssd, pictures.pictures) for pictures in sets}
    if folder is not None:
        write_pictures(folder, variant, sets, found)
    return {
        pictures.name: figures(pictures.truths, found[pictures.name], variant.spec)
        for pictures in sets
    }


class Count(NamedTuple):
    """The objects of a class in a set, and the difficult ones beside them."""

    objects: int
    difficult: int

    def __str__(self) -> str:
        if self.difficult:
            return f"{self.objects} (+{self.difficult})"
        return str(self.objects)


def count(pictures: PictureSet, name: str) -> Count:
    """How many objects of a class a set holds."""
    difficult = []
    for objects in pictures.truths.values():
        marks = zip(objects.labels, objects.difficult)
        difficult += [bool(mark) for label, mark in marks if label == name]
    return Count(objects=difficult.count(False), difficult=difficult.count(True))


def table(sets: Sequence[PictureSet], results: Dict[str, Dict[str, Dict[str, Figures]]]) -> str:
    """The Markdown table: a column for each class of each set, a row for each model."""
    columns = [
        (pictures, name) for pictures in sets for name in CLASSES if any(count(pictures, name))
    ]
    heads = [f"{pictures.name}: {name}" for pictures, name in columns]
    counts = [str(count(pictures, name)) for pictures, name in columns]

    lines = [
        ["AP50 (found / false)", *heads],
        ["---", *("---:" for _ in columns)],
        ["objects", *counts],
    ]
    for title, result in results.items():
        cells = [_cell(result[pictures.name].get(name)) for pictures, name in columns]
        lines.append([title, *cells])
    return "\n".join("| {} |".format(" | ".join(line)) for line in lines)


def _cell(figure: Optional[Figures]) -> str:
    if figure is None:
        return "-"
    return f"{100 * figure.ap:.1f} ({figure.hits} / {figure.false_alarms})"


def check(models, shared: Path, folder: Optional[Path] = None) -> List[str]:
    """Print the table; returns a complaint for each model that could not run."""
    sets = [photographs(shared / "data/coco_ccby"), clip_frames(shared / "data/car-detection.mp4")]
    results = {}
    failed = []
    for model in models:
        try:
            for variant in variants(model, shared):
                results[variant.title] = run(variant, sets, folder)
        except CourseError as err:
            failed.append(str(err))

    print("; ".join(f"{pictures.name}: {len(pictures.pictures)} pictures" for pictures in sets))
    print()
    print(table(sets, results))
    print(NOTES.format(CONF_TH))
    return failed


def main() -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models",
        nargs="*",
        default=[SHIPPED],
        help="names or folders; the reference runs beside them",
    )
    parser.add_argument(
        "--shared",
        type=Path,
        default=KIT.parent / "shared",
        help="the folder with the real pictures",
    )
    parser.add_argument("--pictures", type=Path, help="write every picture with its boxes here")
    args = parser.parse_args()

    if not (args.shared / "data").is_dir() or not (args.shared / "thirdparty").is_dir():
        print(
            f"check_real_world: {args.shared} is not here. It holds the real pictures and the "
            "reference detector, which are not part of the kit; name the folder with --shared.",
            file=sys.stderr,
        )
        return 2

    try:
        failed = check([*args.models, REFERENCE], args.shared, args.pictures)
    except CourseError as err:
        print(f"check_real_world: {err}", file=sys.stderr)
        return 2
    for complaint in failed:
        print(f"check_real_world: {complaint}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
