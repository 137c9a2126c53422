"""Makes a hand-in: `pack` detects in pictures and in a video, once, and writes what came out.

No mAP and no FPS is computed here: raw boxes and times are handed in (handin.py).
"""

import json
import re
import time
import uuid
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Union

import numpy as np

from ..detections import Detections
from ..measure.evaluate import CONF_TH, pictures_of, warn_of_threshold
from ..media.pictures import read_image
from ..media.video_file import VideoFile
from ..model.fields import read_fields
from ..ssd import TrtSSD
from ..support import machine
from ..support.errors import CourseError
from ..support.files import kit_path, sha256, whole_file
from ..support.progress import progress
from .digests import data_digest, seal_of
from .handin import HAND_IN_RULES, LEAST_FRAMES, SCHEMA, HandIn, clean, read_hand_in

WARM_UP = 10  # runs that are not counted


def pack(
    ssd: TrtSSD,
    team: str,
    data: Union[str, Path],
    video: Union[str, Path],
    out: Union[str, Path] = "out",
    restructured: bool = False,
    other_model: Optional[str] = None,
) -> Path:
    """Detect in data/images and in every frame of the video, once; write out/TEAM.json.

    Returns the path of that file. `restructured` and `other_model` are what the team claims.
    """
    # What can be wrong is better known before the run.
    claims = {"team": team, "restructured": restructured, "other_model": other_model}
    read_fields(claims, HAND_IN_RULES, HandIn._fields, "contest pack")
    paths = pictures_of(kit_path(data))
    clip = kit_path(video)
    warn_of_threshold(ssd, CONF_TH)

    started = time.perf_counter()
    value = _run(ssd, paths, clip)
    seconds = time.perf_counter() - started

    value.update(claims)
    value.update(
        schema=SCHEMA,
        model=ssd.spec.name,
        engine=ssd.engine.name,
        precision=ssd.engine.precision,
        machine={name: clean(fact)[:200] for name, fact in machine.facts().items()},
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        run=uuid.uuid4().hex,
        seconds=seconds,
        model_sha256=sha256(ssd.spec.onnx),
        data_sha256=data_digest(paths),
        video_sha256=sha256(clip),
    )
    value["seal"] = seal_of(value)

    target = Path(str(out)) / (_file_name(team) + ".json")
    with whole_file(target) as temporary:
        temporary.write_text(json.dumps(value, sort_keys=True), encoding="utf-8")
        read_hand_in(temporary)  # what the organiser would refuse is not handed in
    return target


def _file_name(team: str) -> str:
    """A team's name as a file may have it."""
    words = re.sub(r"[^\w-]+", "_", team).strip("_")
    return words[:60] or "team"


def _run(ssd: TrtSSD, paths: Sequence[Path], video: Path) -> Dict[str, Any]:
    """What the detector finds in pictures, and how long it takes for each picture and frame."""
    with VideoFile(video) as clip:
        if clip.frames and clip.frames < LEAST_FRAMES:
            raise CourseError(
                f"{video} has {clip.frames} frames; a speed wants at least {LEAST_FRAMES} frames."
            )

        detections = {}
        image_ms = {}
        pictures = map(read_image, progress(paths, desc="pictures", unit="picture"))
        for timed, path in zip(_timed(ssd, pictures), paths):
            detections[path.stem] = _rows_of(timed.found, ssd.spec.labels)
            image_ms[path.stem] = timed.ms

        frames = progress(clip, total=clip.frames, desc="video", unit="frame")
        images = (frame.image for frame in frames)
        frame_ms = [timed.ms for timed in _timed(ssd, images)]

    return {"detections": detections, "image_ms": image_ms, "frame_ms": frame_ms}


class _Timed(NamedTuple):
    """What was found in one picture, and the milliseconds that it took."""

    found: Detections
    ms: float


def _timed(ssd: TrtSSD, images: Iterable[np.ndarray]) -> Iterator[_Timed]:
    """The detections and the time of each picture; warm-up, with the first one, is not counted."""
    is_first = True
    for image in images:
        if is_first:
            for _ in range(WARM_UP):
                ssd.detect(image, CONF_TH)
            is_first = False

        started = time.perf_counter()
        found = ssd.detect(image, CONF_TH)
        seconds = time.perf_counter() - started
        yield _Timed(found, round(seconds * 1e3, 6))


def _rows_of(found: Detections, labels: Sequence[str]) -> List[List[Any]]:
    """A row a box: class, confidence, x1, y1, x2, y2. Nine digits bring a float32 back exactly."""
    rows = []
    for box, conf, cls in zip(found.boxes.tolist(), found.confs.tolist(), found.clss.tolist()):
        numbers = [float(f"{number:.9g}") for number in [conf] + box]
        rows.append([labels[cls]] + numbers)
    return rows
