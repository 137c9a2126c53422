"""A contest's hand-in: `pack` makes one file from one run, `load` reads it back and believes nothing in it.

Its seal shows that the file was changed after the run, not that its maker was honest: anyone can compute a seal
(docs/contest.md). JSON of limited size; no path in it is ever opened. Who wins is contest.py's business.
"""
import gzip
import hashlib
import json
import re
import time
import unicodedata
import uuid
import zlib
from pathlib import Path
from typing import Any, Dict, NamedTuple, Optional, Tuple

import numpy as np

from .. import records
from ..errors import CourseError
from ..files import kit_path, sha256, whole_file
from ..media.sources import VideoFile, images_in, read_image
from ..progress import progress
from . import machine, voc
from .evaluate import CONF_TH, warn_of_threshold

SCHEMA = "trt_course contest 1"
WARM_UP = 10
LIMIT, MOST_BOXES, FAR = 20 * 10 ** 6, 1000, 1e6  # bytes of a hand-in, boxes of a picture, pixels from the corner
LEAST_FRAMES, LEAST_MS = 50, 0.05
OTHER_POINTS = {None: 0, "backbone": 3, "detector": 5}


class HandIn(NamedTuple):
    """What one file holds, checked; the order of its times is that of the frames."""
    team: str
    restructured: bool
    other_model: Optional[str]
    model: str
    engine: str
    precision: str
    machine: Dict[str, str]
    created: str
    run: str
    seconds: float
    model_sha256: str
    data_sha256: str
    video_sha256: str
    frame_ms: Tuple[float, ...]
    image_ms: Dict[str, float]
    detections: Dict[str, Any]
    file: str = ""

    @property
    def who(self):
        """The team, whatever the spelling of its name."""
        return unicodedata.normalize("NFKC", self.team).casefold()

    @property
    def frames(self):
        return len(self.frame_ms)


def pack(ssd, team, data, video, out="out", restructured=False, other_model=None):
    """Detect in data/images and in every frame of the video, once; write out/TEAM.json and return its path."""
    declared = {"team": team, "restructured": restructured, "other_model": other_model}
    _declared(records.Record(declared, "contest pack"))
    paths, video = pictures_of(kit_path(data)), kit_path(video)
    warn_of_threshold(ssd, CONF_TH)
    started = time.perf_counter()
    value = dict(declared, **_run(ssd, paths, video))
    value.update(
        schema=SCHEMA, model=ssd.spec.name, engine=ssd.engine.name, precision=ssd.engine.precision,
        machine={key: clean(text)[:200] for key, text in machine.describe().items()}, run=uuid.uuid4().hex,
        seconds=time.perf_counter() - started, created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        model_sha256=sha256(ssd.spec.onnx), data_sha256=data_digest(paths), video_sha256=sha256(video))
    value["seal"] = _seal(value)
    target = Path(str(out)) / ((re.sub(r"[^\w-]+", "_", team).strip("_")[:60] or "team") + ".json")
    with whole_file(target) as temporary:
        temporary.write_text(json.dumps(value, sort_keys=True), encoding="utf-8")
        load(temporary)  # what the organiser would refuse is not handed in
    return target


def pictures_of(data):
    """The pictures of a data folder; no two may share a name, for the ground truth is found by it."""
    folder = data / "images"
    if not folder.is_dir():
        raise CourseError("There is no folder {}. A data folder holds images/ and ground-truth/.".format(folder))
    paths = images_in(folder)
    if len({path.stem for path in paths}) < len(paths):
        raise CourseError("Pictures in {} share their name but for the ending; rename one of each.".format(folder))
    return paths


def data_digest(paths):
    """One digest over the names and the contents of pictures."""
    rows = sorted("{} {}\n".format(path.name, sha256(path)) for path in paths)
    return hashlib.sha256("".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def _run(ssd, paths, video):
    rows, image_ms = {}, {}
    with VideoFile(video) as clip:
        if clip.frames and clip.frames < LEAST_FRAMES:
            raise CourseError("{} has {} frames; a speed wants at least {} frames.".format(
                video, clip.frames, LEAST_FRAMES))
        pictures = progress(paths, desc="pictures", unit="picture")
        for (found, spent), path in zip(_timed(ssd, map(read_image, pictures)), paths):
            rows[path.stem], image_ms[path.stem] = _rows(found, ssd.spec.labels), spent
        frames = progress((frame.image for frame in clip), total=clip.frames, desc="video", unit="frame")
        frame_ms = [spent for _, spent in _timed(ssd, frames)]
    return {"detections": rows, "image_ms": image_ms, "frame_ms": frame_ms}


def _timed(ssd, images):
    """Detections and milliseconds of each picture; the first one warms up too, which is not counted."""
    for number, image in enumerate(images):
        for _ in range(0 if number else WARM_UP):
            ssd.detect(image, CONF_TH)
        started = time.perf_counter()
        found = ssd.detect(image, CONF_TH)
        yield found, round((time.perf_counter() - started) * 1e3, 6)


def _rows(found, labels):
    """Nine digits bring a float32 back exactly."""
    return [[labels[c]] + [float("{:.9g}".format(v)) for v in [conf] + box]
            for box, conf, c in zip(found.boxes.tolist(), found.confs.tolist(), found.clss.tolist())]


def _seal(value):
    """Digests of the detections, of the times, and of the whole, which ties them to each other and to the team."""
    def digest(part):
        return hashlib.sha256(json.dumps(part, sort_keys=True).encode("ascii")).hexdigest()
    return {"detections": digest(value.get("detections")),
            "times": digest([value.get("frame_ms"), value.get("image_ms")]),
            "whole": digest({key: part for key, part in value.items() if key != "seal"})}


def load(path):
    """The HandIn in a file; whatever else is in the file, the answer is a CourseError."""
    try:
        entry = _read(_unsealed(_parse(_bytes(path))))._replace(file=clean(path.name))
    except RecursionError:
        raise CourseError("It is no hand-in: its JSON is nested too deeply.") from None
    _plausible(entry)
    return entry


def _unsealed(value):
    record = records.Record(value, "hand-in")
    if record.take("schema", lambda v: v) != SCHEMA:
        raise CourseError("It is not a hand-in of this contest: its schema is not '{}'.".format(SCHEMA))
    seal, wanted = record.take("seal", lambda v: v), _seal(value)
    for part in ("detections", "times", "whole"):
        if not isinstance(seal, dict) or seal.get(part) != wanted[part]:
            raise CourseError("Its seal is broken: {} changed after the run. Pack again.".format(
                "something" if part == "whole" else "the " + part))
    return record


def _bytes(path):
    if path.is_symlink() or not path.is_file():
        raise CourseError("It is not a plain file.")
    if not path.name.endswith((".json", ".json.gz")):
        raise CourseError("A hand-in is a file TEAM.json, as `contest pack` writes it, or TEAM.json.gz.")
    try:
        with (gzip.open if path.suffix == ".gz" else open)(str(path), "rb") as stream:
            data = stream.read(LIMIT + 1) if path.stat().st_size <= LIMIT else b" " * (LIMIT + 1)
    except (OSError, EOFError, zlib.error) as err:
        raise CourseError("It cannot be read: {}.".format(getattr(err, "strerror", None) or err)) from None
    if len(data) > LIMIT:
        raise CourseError("It is larger than {} MB.".format(LIMIT // 10 ** 6))
    return data


def _parse(data):
    try:
        return json.loads(data.decode("utf-8"), parse_int=_integer, parse_constant=_no_number, object_pairs_hook=_once)
    except ValueError as err:
        raise CourseError("It is not a hand-in's JSON: {}.".format(err)) from None


def _integer(digits):
    if len(digits) > 15:
        raise ValueError("a number has {} digits".format(len(digits)))
    return int(digits)


def _no_number(name):
    raise ValueError("{} is not a number".format(name))


def _once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def _declared(record):
    return {"team": record.take("team", _line),
            "restructured": record.take("restructured", records.one_of(True, False)),
            "other_model": record.take("other_model", records.one_of(*OTHER_POINTS))}


def _read(record):
    detections, image_ms, facts = (record.part(key) for key in ("detections", "image_ms", "machine"))
    fields = _declared(record)
    fields.update((key, record.take(key, _line)) for key in ("model", "engine", "precision", "run"))
    fields.update((key, record.take(key, _digest)) for key in ("model_sha256", "data_sha256", "video_sha256"))
    entry = HandIn(
        created=record.take("created", _moment), seconds=record.take("seconds", _spent),
        frame_ms=record.take("frame_ms", _times),
        machine={key: facts.take(key, _line) for key in list(facts.left)},
        image_ms={key: image_ms.take(key, _spent) for key in list(image_ms.left)},
        detections={key: detections.take(key, _found) for key in list(detections.left)}, **fields)
    record.done()
    return entry


def _line(value):
    if not isinstance(value, str) or len(value) > 200 or not value.isprintable() or not value.strip():
        raise ValueError("wanted: one line of up to 200 characters that can be printed")
    return value


def _like(pattern, meaning):
    def check(value):
        if not isinstance(value, str) or not re.match(pattern + r"\Z", value):
            raise ValueError("wanted: " + meaning)
        return value
    return check


_digest = _like("[0-9a-f]{64}", "the 64 hexadecimal digits of a sha256")
_moment = _like("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", "a time such as 2026-01-31T12:00:00Z")


def _real(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _spent(value):
    if not _real(value) or not 0 < value < 1e9:
        raise ValueError("wanted: a time, more than 0")
    return float(value)


def _times(value):
    if not isinstance(value, list) or len(value) < LEAST_FRAMES:
        raise ValueError("wanted: the times of at least {} frames".format(LEAST_FRAMES))
    return tuple(_spent(v) for v in value)


def _found(value):
    if not isinstance(value, list) or len(value) > MOST_BOXES:
        raise ValueError("wanted: a list of up to {} rows".format(MOST_BOXES))
    for number, row in enumerate(value, 1):
        if not isinstance(row, list) or len(row) != 6 or not isinstance(row[0], str) or not _is_box(*row[1:]):
            raise ValueError("row {}; wanted: class, confidence from 0 to 1, x1, y1, x2, y2 with x1 <= x2, y1 <= y2"
                             .format(number))
    numbers = np.array([row[1:] for row in value], dtype=np.float32).astype(float).reshape(-1, 5)
    return voc.Found([row[0] for row in value], numbers[:, 0], numbers[:, 1:])


def _is_box(conf, *box):
    return all(map(_real, (conf,) + box)) and 0 <= conf <= 1 and max(map(abs, box)) <= FAR \
        and box[0] <= box[2] and box[1] <= box[3]


def _plausible(entry):
    if np.median(entry.frame_ms) < LEAST_MS:
        raise CourseError("Half its frames took less than {} ms, which no machine does.".format(LEAST_MS))
    if sum(entry.frame_ms) + sum(entry.image_ms.values()) > entry.seconds * 1e3:
        raise CourseError("Its times add up to more than the {:.1f} s that the run took.".format(entry.seconds))


def clean(text):
    return "".join(c if c.isprintable() else "?" for c in text)
