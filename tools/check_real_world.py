"""Does a model trained on drawn streets see the real world? AP50 on real pictures, beside a real detector's.

    python tools/check_real_world.py [MODEL ...] [--shared FOLDER] [--pictures FOLDER]

Two sets of pictures, neither of them in the kit (they lie in the shared folder): photographs from COCO that show
persons or roads, with COCO's boxes, and 40 frames of a public clip of a car park from above, with the boxes of
tests/real/car_detection.json. Each model runs twice, as its record resizes and with the picture's own proportions
kept (letterbox), since a wide input stretches a photograph a lot. The reference is a detector of vehicles and
pedestrians made for driver assistance, which nobody here trained.
"""

import argparse
import csv
import json
import re
import sys
from pathlib import Path
from typing import Dict, NamedTuple

import cv2
import numpy as np

import fetch
from trt_course import BBoxVisualization, CourseError, TrtSSD, find_model
from trt_course.measure import voc
from trt_course.measure.evaluate import CONF_TH, as_found
from trt_course.media.pictures import read_image
from trt_course.media.video_file import VideoFile
from trt_course.support.files import KIT, sha256, write_image

SHIPPED = "ssd_resnet18_traffic"
REFERENCE, REFERENCE_ONNX = (
    KIT / "tests/thirdparty/adas",
    "thirdparty/pedestrian_vehicle_adas_0001.onnx",
)
FRAME_LABELS = KIT / "tests/real/car_detection.json"
CLASSES = ("vehicle", "pedestrian", "bicycle", "road_sign")
FROM_COCO = {
    "person": "pedestrian",
    "car": "vehicle",
    "bus": "vehicle",
    "truck": "vehicle",
    "bicycle": "bicycle",
    "motorcycle": "bicycle",
    "stop sign": "road_sign",
}
NOTES = """
AP50 in per cent: area under the curve (VOC 2010 on), detections from a confidence of {:g} up; '-': the model does
not know the class. After it: what it finds and, after the stroke, its false alarms at the confidence from which its
record has boxes drawn. (+n): difficult boxes, which count neither way: COCO's crowds; cars less than half in the frame.
COCO draws the rider of a bicycle or motorcycle as a person of his own. The kit's labels count the rider as part of the
bicycle, so a model that learned from them loses on both classes where somebody rides.
With as few objects as some classes have here, one more or less moves the figure by several points."""


class Figures(NamedTuple):
    """One class of one set: AP50, and what is right and wrong at the model's own confidence threshold."""

    ap: float
    hits: int
    false_alarms: int


class PictureSet(NamedTuple):
    """Pictures by name, and what is to be found in them."""

    name: str
    pictures: Dict[str, np.ndarray]
    truths: Dict[str, voc.Truth]


def truth(rows):
    """A voc.Truth from rows (class, (x1, y1, x2, y2), difficult)."""
    return voc.Truth(
        [r[0] for r in rows],
        np.array([r[1] for r in rows], float).reshape(-1, 4),
        np.array([r[2] for r in rows], bool),
    )


def photographs(folder):
    """The COCO photographs that show persons or roads, with the boxes of the classes that the kit knows."""
    with open(str(folder / "ATTRIBUTION.csv"), newline="", encoding="utf-8") as stream:
        names = [row["file"] for row in csv.DictReader(stream) if row["has_person_or_road"] == "1"]
    data = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    category = {c["id"]: FROM_COCO.get(c["name"]) for c in data["categories"]}
    file_name = {i["id"]: i["file_name"] for i in data["images"]}
    rows = {name: [] for name in names}
    for a in data["annotations"]:
        label, name = category[a["category_id"]], file_name[a["image_id"]]
        if label and name in rows:
            x, y, w, h = a["bbox"]
            rows[name].append((label, (x, y, x + w, y + h), bool(a["iscrowd"])))
    return PictureSet(
        "photographs",
        {name: read_image(folder / "images" / name) for name in names},
        {name: truth(rows[name]) for name in names},
    )


def read_frame_labels():
    """{frame number: rows (class, box, difficult)} of the frames labelled by hand, and their (width, height)."""
    data = json.loads(FRAME_LABELS.read_text(encoding="utf-8"))
    rows = {
        f["frame"]: [(o["class"], o["box"], o["difficult"]) for o in f["objects"]]
        for f in data["frames"]
    }
    return rows, (data["width"], data["height"])


def clip_frames(clip):
    """The labelled frames of the clip."""
    if not clip.is_file() or sha256(clip) != fetch.CLIP_SHA256:
        raise CourseError(f"{clip} is missing, or is not the clip whose frames were labelled.")
    rows, _ = read_frame_labels()
    with VideoFile(clip) as video:
        pictures = {f"frame-{f.number:03d}": f.image for f in video if f.number in rows}
    return PictureSet("clip frames", pictures, {f"frame-{n:03d}": truth(rows[n]) for n in rows})


def variants(model, shared):
    """[(title, spec)]: the model as its record says, and letterboxed where the record does otherwise."""
    spec = find_model(model)
    if spec.folder.resolve() == REFERENCE.resolve():
        spec = spec._replace(onnx=shared / REFERENCE_ONNX)
    name = (
        spec.name if str(model) in (spec.name, str(REFERENCE)) else str(model)
    )  # two trainings share a name
    kinds = [spec.input.resize] + ["letterbox"] * (spec.input.resize != "letterbox")
    return [
        (
            f"{name} {spec.input.width}x{spec.input.height}, {kind}",
            spec._replace(input=spec.input._replace(resize=kind)),
        )
        for kind in kinds
    ]


def detect_all(ssd, pictures):
    """{name: Detections}, faint ones too."""
    return {name: ssd.detect(picture, CONF_TH) for name, picture in pictures.items()}


def figures(truths, found, spec):
    """{class: Figures} of the classes that are both in the pictures and known to the model."""

    def classes(conf_th):
        return voc.score(
            truths,
            {
                name: as_found(detections.above(conf_th), spec.labels)
                for name, detections in found.items()
            },
        ).classes

    sure = classes(spec.conf_threshold)
    return {
        name: Figures(c.ap, sure[name].hits, sure[name].false_alarms)
        for name, c in classes(CONF_TH).items()
        if name in spec.labels
    }


def draw(picture, wanted, found, spec):
    """What the model is sure of in colour, over what is to be found in white."""
    canvas = picture.copy()
    for x1, y1, x2, y2 in np.round(wanted.boxes).astype(int).tolist():
        cv2.rectangle(canvas, (x1, y1), (x2, y2), (255, 255, 255), 1)
    return BBoxVisualization(spec.cls_dict()).annotate(canvas, found.above(spec.conf_threshold))


def write_pictures(folder, title, sets, found, spec):
    for each in sets:
        for name, picture in each.pictures.items():
            path = folder / re.sub(r"[^\w.-]+", "-", title) / (Path(name).stem + ".jpg")
            write_image(path, draw(picture, each.truths[name], found[each.name][name], spec))


def run(title, spec, sets, folder=None):
    """{set name: {class: Figures}} of one model."""
    with TrtSSD(spec, verbose=False) as ssd:
        found = {each.name: detect_all(ssd, each.pictures) for each in sets}
    if folder is not None:
        write_pictures(folder, title, sets, found, spec)
    return {each.name: figures(each.truths, found[each.name], spec) for each in sets}


def count(each, name):
    """(objects, difficult ones beside them) of a class in a set."""
    hard = [
        d for t in each.truths.values() for label, d in zip(t.labels, t.difficult) if label == name
    ]
    return len(hard) - sum(hard), int(sum(hard))


def table(sets, results):
    """The Markdown table: a column for each class of each set, a row for each model."""
    columns = [(each, name) for each in sets for name in CLASSES if any(count(each, name))]
    header = ["AP50 (found / false)"] + [f"{each.name}: {name}" for each, name in columns]
    counts = ["objects"] + [
        "{}{}".format(n, f" (+{hard})" if hard else "")
        for n, hard in (count(each, name) for each, name in columns)
    ]
    rows = [
        [title] + [_cell(result[each.name].get(name)) for each, name in columns]
        for title, result in results.items()
    ]
    lines = [header, ["---"] + ["---:"] * len(columns), counts] + rows
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(figure):
    return (
        "-" if figure is None else f"{100 * figure.ap:.1f} ({figure.hits} / {figure.false_alarms})"
    )


def check(models, shared, folder=None):
    """Print the table; the list of models that could not run."""
    sets = [photographs(shared / "data/coco_ccby"), clip_frames(shared / "data/car-detection.mp4")]
    results, failed = {}, []
    for model in models:
        try:
            for title, spec in variants(model, shared):
                results[title] = run(title, spec, sets, folder)
        except CourseError as err:
            failed.append(str(err))
    print("{}; {}\n".format(*(f"{each.name}: {len(each.pictures)} pictures" for each in sets)))
    print(table(sets, results))
    print(NOTES.format(CONF_TH))
    return failed


def main():
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
            f"check_real_world: {args.shared} is not here. It holds the real pictures and the reference detector, which are not "
            "part of the kit; name the folder with --shared.",
            file=sys.stderr,
        )
        return 2
    try:
        failed = check(args.models + [REFERENCE], args.shared, args.pictures)
    except CourseError as err:
        print(f"check_real_world: {err}", file=sys.stderr)
        return 2
    for complaint in failed:
        print(f"check_real_world: {complaint}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
