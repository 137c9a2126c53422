"""Ground truth of drawn scenes as the kit's files hold it: lines of text, COCO, a clip's tracks."""

import json
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Sequence, Tuple, Union

import numpy as np

import scenes

Json = Dict[str, Any]


def write(path: Path, content: Union[bytes, str]) -> None:
    """Write bytes or text, whole or not at all."""
    if isinstance(content, str):
        content = content.encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)


def compact(whole: Json) -> str:
    """JSON without blanks, as one line."""
    return json.dumps(whole, separators=(",", ":")) + "\n"


def truth_text(sample: scenes.Sample, labels: Sequence[str]) -> str:
    """One line an object: class left top right bottom [difficult]."""
    lines = []
    for box, label, hard in zip(sample.boxes, sample.classes, sample.difficult):
        fields = [labels[label]]
        fields += [f"{value:.2f}" for value in box]
        if hard:
            fields.append("difficult")
        lines.append(" ".join(fields) + "\n")
    return "".join(lines)


def read_truth(text: str, labels: Sequence[str]) -> Tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The inverse of truth_text: boxes (n, 4), classes (n,), difficult (n,)."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    boxes = [[float(value) for value in row[1:5]] for row in rows]
    classes = [labels.index(row[0]) for row in rows]
    difficult = [row[5:] == ["difficult"] for row in rows]
    return (
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(classes, np.int64),
        np.array(difficult, bool),
    )


class Pictured(NamedTuple):
    """What COCO's file says of a picture."""

    name: str
    width: int
    height: int
    sample: scenes.Sample  # its ground truth; the pixels are not looked at


def coco(pictures: Sequence[Pictured], task: str) -> Json:
    """COCO instances: categories count from 1; `difficult` and `visible` are extra."""
    images = []
    annotations: List[Json] = []
    for number, picture in enumerate(pictures, 1):
        images.append(
            {
                "id": number,
                "file_name": picture.name,
                "width": picture.width,
                "height": picture.height,
            }
        )
        for one in _annotations(picture.sample):
            annotations.append({"id": len(annotations) + 1, "image_id": number, **one})

    return {
        "info": {"description": f"trt-course sample data, {task}", "license": "CC0-1.0"},
        "images": images,
        "annotations": annotations,
        "categories": categories(task),
    }


def _annotations(sample: scenes.Sample) -> List[Json]:
    """What COCO's file says of each object of a picture."""
    objects = []
    for i, box in enumerate(sample.boxes):
        left, top, right, bottom = (round(float(value), 2) for value in box)
        width = round(right - left, 2)
        height = round(bottom - top, 2)
        objects.append(
            {
                "category_id": int(sample.classes[i]) + 1,
                "bbox": [left, top, width, height],
                "area": round(width * height, 2),
                "iscrowd": 0,
                "difficult": int(sample.difficult[i]),
                "visible": round(float(sample.visible[i]), 3),
            }
        )
    return objects


def categories(task: str) -> List[Json]:
    """The task's classes, counted from 1."""
    return [{"id": number, "name": name} for number, name in enumerate(scenes.LABELS[task], 1)]


class ClipTruth:
    """Collects a clip's ground truth: images with frame numbers, annotations with track_id."""

    def __init__(self) -> None:
        self.images: List[Json] = []
        self.annotations: List[Json] = []

    def add(self, number: int, sample: scenes.Sample) -> None:
        """The objects of frame `number`."""
        image = number + 1
        self.images.append({"id": image, "frame": number})
        for i, box in enumerate(sample.boxes):
            left, top, right, bottom = (round(float(value), 1) for value in box)
            one = {
                "id": len(self.annotations) + 1,
                "image_id": image,
                "track_id": int(sample.tracks[i]),
                "category_id": int(sample.classes[i]) + 1,
                "bbox": [left, top, round(right - left, 1), round(bottom - top, 1)],
            }
            if sample.difficult[i]:
                one["difficult"] = 1
            self.annotations.append(one)

    def text(self, fps: int, size: Tuple[int, int]) -> str:
        """The whole file."""
        width, height = size
        info = {
            "description": "trt-course sample clip",
            "license": "CC0-1.0",
            "video": "street.mp4",
            "fps": fps,
            "width": width,
            "height": height,
        }
        whole = {
            "info": info,
            "images": self.images,
            "annotations": self.annotations,
            "categories": categories("traffic"),
        }
        return compact(whole)
