"""A contest's hand-in: `pack` makes one file from one run, `read_hand_in` reads it back and believes nothing in it.

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
from typing import Dict, NamedTuple, Optional, Tuple

import numpy as np

from ..measure import voc
from ..measure.evaluate import CONF_TH, pictures_of, warn_of_threshold
from ..media.pictures import read_image
from ..media.video_file import VideoFile
from ..model.fields import (
    Rules,
    each,
    is_number,
    json_object,
    listed,
    one_of,
    read_fields,
    record_of,
    rule,
)
from ..support import machine
from ..support.errors import CourseError
from ..support.files import kit_path, sha256, whole_file
from ..support.progress import progress

SCHEMA = "trt_course contest 1"
WARM_UP = 10
LIMIT, MOST_BOXES, FAR = (
    20 * 10**6,
    1000,
    1e6,
)  # bytes of a hand-in, boxes of a picture, pixels from the corner
LEAST_FRAMES, LEAST_MS = 50, 0.05
OTHER_POINTS = {None: 0, "backbone": 3, "detector": 5}


def _is_row(value):
    if (
        not isinstance(value, list)
        or len(value) != 6
        or not isinstance(value[0], str)
        or not all(map(is_number, value[1:]))
    ):
        return False
    conf, x1, y1, x2, y2 = value[1:]
    return 0 <= conf <= 1 and -FAR <= x1 <= x2 <= FAR and -FAR <= y1 <= y2 <= FAR


_row = rule(
    "wanted: class, confidence from 0 to 1, x1, y1, x2, y2 with x1 <= x2, y1 <= y2", _is_row
)
_rows = listed(_row, f"wanted: a list of up to {MOST_BOXES} rows", most=MOST_BOXES)
_line = rule(
    "wanted: one line of up to 200 characters that can be printed",
    lambda value: (
        isinstance(value, str) and len(value) <= 200 and value.isprintable() and value.strip()
    ),
)
_moment = rule(
    "wanted: a time such as 2026-01-31T12:00:00Z",
    lambda value: (
        isinstance(value, str)
        and re.fullmatch("[0-9]{4}(-[0-9]{2}){2}T[0-9]{2}(:[0-9]{2}){2}Z", value)
    ),
)
_spent = rule(
    "wanted: a time, more than 0", lambda value: is_number(value) and 0 < value < 1e9, float
)


def _found(value, where):
    rows = _rows(value, where)
    numbers = np.array([row[1:] for row in rows], dtype=np.float32).astype(float).reshape(-1, 5)
    return voc.Found([row[0] for row in rows], numbers[:, 0], numbers[:, 1:])


class HandIn(NamedTuple):
    """What one file holds; the order of its times is that of the frames. An annotation is the check of its field."""

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
    detections: Dict[str, voc.Found]
    file: str

    @property
    def who(self):
        """The team, whatever the spelling of its name."""
        return unicodedata.normalize("NFKC", self.team).casefold()


HAND_IN_RULES: Rules = {
    "team": _line,
    "restructured": one_of(True, False),
    "other_model": one_of(*OTHER_POINTS),
    "model": _line,
    "engine": _line,
    "precision": _line,
    "machine": each(_line),
    "created": _moment,
    "run": _line,
    "seconds": _spent,
    "model_sha256": _line,
    "data_sha256": _line,
    "video_sha256": _line,
    "frame_ms": listed(
        _spent, f"wanted: the times of at least {LEAST_FRAMES} frames", LEAST_FRAMES
    ),
    "image_ms": each(_spent),
    "detections": each(_found),
}


def pack(ssd, team, data, video, out="out", restructured=False, other_model=None):
    """Detect in data/images and in every frame of the video, once; write out/TEAM.json and return its path."""
    declared = {"team": team, "restructured": restructured, "other_model": other_model}
    read_fields(declared, HAND_IN_RULES, HandIn._fields, "contest pack")
    paths, video = pictures_of(kit_path(data)), kit_path(video)
    warn_of_threshold(ssd, CONF_TH)
    started = time.perf_counter()
    value = dict(declared, **_run(ssd, paths, video))
    value.update(
        schema=SCHEMA,
        model=ssd.spec.name,
        engine=ssd.engine.name,
        precision=ssd.engine.precision,
        machine={key: clean(text)[:200] for key, text in machine.facts().items()},
        run=uuid.uuid4().hex,
        seconds=time.perf_counter() - started,
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        model_sha256=sha256(ssd.spec.onnx),
        data_sha256=data_digest(paths),
        video_sha256=sha256(video),
    )
    value["seal"] = _seal(value)
    target = Path(str(out)) / ((re.sub(r"[^\w-]+", "_", team).strip("_")[:60] or "team") + ".json")
    with whole_file(target) as temporary:
        temporary.write_text(json.dumps(value, sort_keys=True), encoding="utf-8")
        read_hand_in(temporary)  # what the organiser would refuse is not handed in
    return target


def data_digest(paths):
    """One digest over the names and the contents of pictures."""
    rows = sorted(f"{path.name} {sha256(path)}\n" for path in paths)
    return hashlib.sha256("".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def _run(ssd, paths, video):
    rows, image_ms = {}, {}
    with VideoFile(video) as clip:
        if clip.frames and clip.frames < LEAST_FRAMES:
            raise CourseError(
                f"{video} has {clip.frames} frames; a speed wants at least {LEAST_FRAMES} frames."
            )
        pictures = progress(paths, desc="pictures", unit="picture")
        for (found, spent), path in zip(_timed(ssd, map(read_image, pictures)), paths):
            rows[path.stem], image_ms[path.stem] = _as_rows(found, ssd.spec.labels), spent
        frames = progress(
            (frame.image for frame in clip), total=clip.frames, desc="video", unit="frame"
        )
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


def _as_rows(found, labels):
    """Nine digits bring a float32 back exactly."""
    return [
        [labels[c]] + [float(f"{v:.9g}") for v in [conf] + box]
        for box, conf, c in zip(found.boxes.tolist(), found.confs.tolist(), found.clss.tolist())
    ]


def _seal(value):
    """Digests of the detections, of the times, and of the whole, which ties them to each other and to the team."""
    parts = {
        "detections": value.get("detections"),
        "times": [value.get("frame_ms"), value.get("image_ms")],
        "whole": value,
    }
    return {
        name: hashlib.sha256(json.dumps(part, sort_keys=True).encode("ascii")).hexdigest()
        for name, part in parts.items()
    }


def read_hand_in(path):
    """The HandIn in a file; whatever else is in the file, the answer is a CourseError."""
    try:
        value = _unsealed(json_object(_json(path), "hand-in"))
        entry = record_of(HandIn, HAND_IN_RULES, file=clean(path.name))(value, "hand-in")
    except RecursionError:
        raise CourseError("It is no hand-in: its JSON is nested too deeply.") from None
    if np.median(entry.frame_ms) < LEAST_MS:
        raise CourseError(f"Half its frames took less than {LEAST_MS} ms, which no machine does.")
    if sum(entry.frame_ms) + sum(entry.image_ms.values()) > entry.seconds * 1e3:
        raise CourseError(
            f"Its times add up to more than the {entry.seconds:.1f} s that the run took."
        )
    return entry


def _unsealed(value):
    if value.get("schema") != SCHEMA:
        raise CourseError(f"It is not a hand-in of this contest: its schema is not '{SCHEMA}'.")
    seal = json_object(value.pop("seal", None), "hand-in: seal")
    for part, digest in _seal(value).items():
        if seal.get(part) != digest:
            raise CourseError(
                "Its seal is broken: {} changed after the run. Pack again.".format(
                    "something" if part == "whole" else "the " + part
                )
            )
    del value["schema"]
    return value


def _json(path):
    if path.is_symlink() or not path.is_file():
        raise CourseError("It is not a plain file.")
    if not path.name.endswith((".json", ".json.gz")):
        raise CourseError(
            "A hand-in is a file TEAM.json, as `contest pack` writes it, or TEAM.json.gz."
        )
    try:
        with (gzip.open if path.suffix == ".gz" else open)(str(path), "rb") as stream:
            data = stream.read(LIMIT + 1) if path.stat().st_size <= LIMIT else b" " * (LIMIT + 1)
        if len(data) > LIMIT:
            raise CourseError(f"It is larger than {LIMIT // 10**6} MB.")
        return json.loads(data.decode("utf-8"), parse_int=_integer, object_pairs_hook=_once)
    except (OSError, EOFError, zlib.error) as err:
        raise CourseError(
            "It cannot be read: {}.".format(getattr(err, "strerror", None) or err)
        ) from None
    except ValueError as err:
        raise CourseError(f"It is not a hand-in's JSON: {err}.") from None


def _integer(digits):
    if len(digits) > 15:
        raise ValueError(f"a number has {len(digits)} digits")
    return int(digits)


def _once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return dict(pairs)


def clean(text):
    return "".join(c if c.isprintable() else "?" for c in text)
