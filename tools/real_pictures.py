"""Real pictures that are not in the kit, and what is to be found in them.

The folder that holds them is named by whoever calls; tests/real/car_detection.json has the boxes
of the clip's frames.
"""

import json
from pathlib import Path
from typing import Dict, List, NamedTuple, Sequence, Tuple

import numpy as np

import fetch
from trt_course import CourseError, read_image
from trt_course.measure import voc
from trt_course.media.video_file import VideoFile
from trt_course.support.files import KIT, sha256

FRAME_LABELS = KIT / "tests/real/car_detection.json"
FROM_COCO = {
    "person": "pedestrian",
    "car": "vehicle",
    "bus": "vehicle",
    "truck": "vehicle",
    "bicycle": "bicycle",
    "motorcycle": "bicycle",
    "stop sign": "road_sign",
}


class Row(NamedTuple):
    """One object in a picture."""

    label: str
    box: Sequence[float]  # x1, y1, x2, y2
    difficult: bool


class PictureSet(NamedTuple):
    """Pictures by name, and what is to be found in them."""

    name: str
    pictures: Dict[str, np.ndarray]
    truths: Dict[str, voc.Truth]


def truth(rows: Sequence[Row]) -> voc.Truth:
    """The objects of one picture as the measures take them."""
    return voc.Truth(
        labels=[row[0] for row in rows],
        boxes=np.array([row[1] for row in rows], float).reshape(-1, 4),
        difficult=np.array([row[2] for row in rows], bool),
    )


def photographs(folder: Path) -> PictureSet:
    """COCO's photographs with the boxes of the classes that the kit knows.

    Half of them show neither people nor roads: there, every box is a false alarm.
    """
    data = json.loads((folder / "instances.json").read_text(encoding="utf-8"))
    label_of = {c["id"]: FROM_COCO.get(c["name"]) for c in data["categories"]}
    name_of = {image["id"]: image["file_name"] for image in data["images"]}

    rows: Dict[str, List[Row]] = {name: [] for name in name_of.values()}
    for annotation in data["annotations"]:
        label = label_of[annotation["category_id"]]
        name = name_of[annotation["image_id"]]
        if label:
            x, y, width, height = annotation["bbox"]
            box = (x, y, x + width, y + height)
            rows[name].append(Row(label, box, bool(annotation["iscrowd"])))

    return PictureSet(
        name="photographs",
        pictures={name: read_image(folder / "images" / name) for name in rows},
        truths={name: truth(objects) for name, objects in rows.items()},
    )


def read_frame_labels() -> Tuple[Dict[int, List[Row]], Tuple[int, int]]:
    """The objects of each frame that was labelled by hand, by its number; width and height."""
    data = json.loads(FRAME_LABELS.read_text(encoding="utf-8"))
    rows = {}
    for frame in data["frames"]:
        objects = frame["objects"]
        rows[frame["frame"]] = [Row(o["class"], o["box"], o["difficult"]) for o in objects]
    return rows, (data["width"], data["height"])


def clip_frames(clip: Path) -> PictureSet:
    """The labelled frames of the clip."""
    if not clip.is_file() or sha256(clip) != fetch.CLIP_SHA256:
        raise CourseError(f"{clip} is missing, or is not the clip whose frames were labelled.")
    rows, _ = read_frame_labels()
    with VideoFile(clip) as video:
        pictures = {_frame_name(f.number): f.image for f in video if f.number in rows}
    truths = {_frame_name(number): truth(objects) for number, objects in rows.items()}
    return PictureSet("clip frames", pictures, truths)


def _frame_name(number: int) -> str:
    return f"frame-{number:03d}"
