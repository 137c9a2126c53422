"""Ground truth and detections in COCO's JSON: instances.json, and the list of results.

Both become what the text files become (boxes.py). An image is called by its `file_name` then, a
class by the name of its category: numbers mean nothing outside of their file. Of what COCO's files
hold, only what scoring needs is read and checked; outlines, licences and the like are passed over.
"""

import os
from pathlib import PurePath
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Tuple

import numpy as np

from ..support.errors import CourseError
from ..support.files import MIB, AnyPath, kit_path, read_json
from ..support.words import abridged
from .boxes import FARTHEST, NOTHING, Found, Founds, Truth, Truths

_LONGEST = 1024 * MIB  # bytes of a file; COCO's largest has 450 MB
_TRUTH = "ground truth in COCO's form, such as instances_val2017.json"
_RESULTS = "a list of COCO's results, such as [{'image_id': 1, 'category_id': 1, 'bbox': ...}]"

Json = Dict[str, Any]  # an object of the file


class Picture(NamedTuple):
    """An image of the file."""

    name: str
    size: Optional[Tuple[float, float]]  # width, height; None where the file does not know them


class Instances(NamedTuple):
    """What an instances.json says; COCO's crowds are difficult in its truths."""

    path: AnyPath
    pictures: Dict[int, Picture]  # by image id
    classes: Dict[int, str]  # by category id
    truths: Truths  # by file name, in the order of the image ids

    def sizes(self) -> Dict[str, Tuple[float, float]]:
        """Width and height of the images, as far as the file knows them."""
        pictures = self.pictures.values()
        return {picture.name: picture.size for picture in pictures if picture.size is not None}


class _Object(NamedTuple):
    """What an annotation and a result have in common."""

    image: str
    label: str
    left: float
    top: float
    width: float
    height: float
    area: float
    mark: float  # of an annotation whether it is a crowd, of a result its score


def is_json(path: AnyPath) -> bool:
    """Whether a name means one of these files, not a folder of text files."""
    place = kit_path(path)
    return place.suffix.lower() == ".json" and not place.is_dir()


def read_instances(path: AnyPath) -> Instances:
    """The Instances of a file; a CourseError says where it is not as COCO's files are."""
    document = read_json(path, _TRUTH, _LONGEST)
    if isinstance(document, list):
        raise CourseError(
            f"{path} is a list, as results are; wanted: {_TRUTH}. Results belong behind --det."
        )
    pictures = _by_id(path, document, "images", _picture)
    classes = _by_id(path, document, "categories", _class)
    if not pictures:
        raise CourseError(f"{path}: images is empty; there is nothing to score.")
    _require_once(path, "images", "file_name", [one.name for one in pictures.values()])
    _require_once(path, "categories", "name", list(classes.values()))

    objects: Dict[str, List[_Object]] = {pictures[key].name: [] for key in sorted(pictures)}

    def read(entry: Json) -> None:
        found = _annotation(entry, pictures, classes)
        objects[found.image].append(found)

    _by_id(path, document, "annotations", read)
    truths = {image: _truth(rows) for image, rows in objects.items()}
    return Instances(path, pictures, classes, truths)


def read_results(path: AnyPath, instances: Instances) -> Founds:
    """The detections in a list of COCO's results, which has the numbers of the ground truth."""
    results = read_json(path, _RESULTS, _LONGEST)
    if not isinstance(results, list):
        raise CourseError(f"{path} is no list; wanted: {_RESULTS}.")

    objects: Dict[str, List[_Object]] = {image: [] for image in instances.truths}

    def read(entry: Json) -> None:
        found = _result(entry, instances)
        objects[found.image].append(found)

    _each(path, "", results, read)
    return {image: _found(rows) for image, rows in objects.items()}


def _by_id(path: AnyPath, document: Any, key: str, read: Callable[[Json], Any]) -> Dict[int, Any]:
    """What `read` makes of the objects in one of the file's lists, by their ids."""
    if not isinstance(document, dict) or not isinstance(document.get(key), list):
        raise CourseError(f"{path} has no list '{key}'; wanted: {_TRUTH}.")
    values: Dict[int, Any] = {}

    def read_once(entry: Json) -> None:
        number = _whole(entry, "id")
        if number in values:
            raise ValueError(f"id {number} is there twice; give each of the {key} its own")
        values[number] = read(entry)

    _each(path, key, document[key], read_once)
    return values


def _each(path: AnyPath, key: str, entries: List[Any], read: Callable[[Json], None]) -> None:
    """Read the objects of a list; a mistake names the file and the place."""
    for number, entry in enumerate(entries):
        try:
            if not isinstance(entry, dict):
                raise ValueError(f"it is {abridged(entry)}; wanted: a JSON object")
            read(entry)
        except ValueError as err:
            raise CourseError(f"{path}, {key}[{number}]: {err}.") from None


def _require_once(path: AnyPath, key: str, field: str, names: List[str]) -> None:
    """Refuse two entries of one name: nobody could tell which of them is meant."""
    seen = set()
    for name in names:
        if name in seen:
            raise CourseError(
                f"{path}: two of the {key} have the {field} {abridged(name)}; rename or join them."
            )
        seen.add(name)


def _picture(entry: Json) -> Picture:
    name = _field(entry, "file_name")
    if not _is_file_below(name):
        raise ValueError(
            f"file_name is {abridged(name)}; wanted: the name of a picture in the folder of "
            "pictures, or below it"
        )
    return Picture(name, _size(entry))


def _size(entry: Json) -> Optional[Tuple[float, float]]:
    """Width and height of an image; some exporters leave them out, or write 0."""
    sides: Any = (entry.get("width"), entry.get("height"))
    if not all(_is_number_to(side, FARTHEST) and side > 0 for side in sides):
        return None
    width, height = sides
    return width, height


def _is_file_below(name: Any) -> bool:
    """Whether it names a file that cannot lie outside of a folder."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        return False
    try:
        os.fsencode(name)
    except UnicodeEncodeError:  # half a character
        return False
    path = PurePath(name)
    return not path.anchor and ".." not in path.parts


def _class(entry: Json) -> str:
    name = _field(entry, "name")
    if not isinstance(name, str) or not name.strip():
        raise ValueError(f"name is {abridged(name)}; wanted: the name of a class")
    return name


def _annotation(entry: Json, pictures: Dict[int, Picture], classes: Dict[int, str]) -> _Object:
    """An object of the ground truth. Some exporters leave `iscrowd` and `area` out."""
    left, top, width, height = _box(entry)
    crowd = entry.get("iscrowd", 0)
    if crowd not in (0, 1):
        raise ValueError(f"iscrowd is {abridged(crowd)}; allowed: 0, 1")
    area = entry.get("area", width * height)
    if not _is_number_to(area, FARTHEST**2) or area < 0:
        raise ValueError(f"area is {abridged(area)}; wanted: the object's area in pixels")
    return _Object(
        image=_named(entry, "image_id", pictures, "images").name,
        label=_named(entry, "category_id", classes, "categories"),
        left=left,
        top=top,
        width=width,
        height=height,
        area=area,
        mark=crowd,
    )


def _result(entry: Json, instances: Instances) -> _Object:
    left, top, width, height = _box(entry)
    score = _field(entry, "score")
    if not _is_number_to(score, 1) or score < 0:
        raise ValueError(f"score is {abridged(score)}; wanted: a number from 0 to 1")

    image = _named(entry, "image_id", instances.pictures, "images of the ground truth").name
    told = entry.get("file_name", image)
    if told != image:
        raise ValueError(
            f"its file_name is {abridged(told)}, but image_id {entry['image_id']} is "
            f"{abridged(image)} in the ground truth; give the results the ids of the ground truth, "
            "or score the folder of text files"
        )
    return _Object(
        image=image,
        label=_named(entry, "category_id", instances.classes, "categories of the ground truth"),
        left=left,
        top=top,
        width=width,
        height=height,
        area=width * height,
        mark=score,
    )


def _box(entry: Json) -> List[float]:
    """COCO's box: left, top, width, height."""
    box = _field(entry, "bbox")
    is_box = isinstance(box, list) and len(box) == 4
    if not is_box or not all(_is_number_to(value, FARTHEST) for value in box):
        raise ValueError(
            f"bbox is {abridged(box)}; wanted: four numbers, left, top, width and height in pixels"
        )
    if box[2] < 0 or box[3] < 0:
        raise ValueError(
            f"bbox is {abridged(box)}, with a side below 0; wanted: left, top, width and height"
        )
    return box


def _is_number_to(value: Any, most: float) -> bool:
    """Whether a JSON value is a number of at most that size; neither true nor NaN is one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -most <= value <= most


def _named(entry: Json, field: str, known: Dict[int, Any], what: str) -> Any:
    """What a number stands for."""
    number = _whole(entry, field)
    if number not in known:
        raise ValueError(f"{field} is {number}, which none of the {what} has as its id")
    return known[number]


def _whole(entry: Json, field: str) -> int:
    number = _field(entry, field)
    if isinstance(number, bool) or not isinstance(number, int):
        raise ValueError(f"{field} is {abridged(number)}; wanted: a whole number")
    return number


def _field(entry: Json, field: str) -> Any:
    if field not in entry:
        raise ValueError(f"it has no '{field}', only {abridged(sorted(entry))}")
    return entry[field]


def _arrays(rows: List[_Object]) -> Tuple[np.ndarray, np.ndarray]:
    """The corners (n, 4) and the sides (n, 2) of objects."""
    boxes = np.array([row[2:6] for row in rows], dtype=float).reshape(-1, 4)
    sides = boxes[:, 2:]
    corners = np.hstack([boxes[:, :2], boxes[:, :2] + sides])
    return corners, sides


def _truth(rows: List[_Object]) -> Truth:
    corners, sides = _arrays(rows)
    return Truth(
        labels=[row.label for row in rows],
        boxes=corners,
        difficult=np.array([row.mark for row in rows], dtype=bool),
        sides=sides,
        areas=np.array([row.area for row in rows], dtype=float),
    )


def _found(rows: List[_Object]) -> Found:
    if not rows:
        return NOTHING
    corners, sides = _arrays(rows)
    confs = np.array([row.mark for row in rows], dtype=float)
    return Found([row.label for row in rows], confs, corners, sides=sides)
