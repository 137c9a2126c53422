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
from ..measure.evaluate import CONF_TH, pictures_of, warn_of_threshold, whole_pictures
from ..media.video_file import VideoFile
from ..model.fields import read_fields
from ..ssd import TrtSSD
from ..support import machine
from ..support.errors import CourseError
from ..support.files import kit_path, sha256
from ..support.outputs import Outputs
from ..support.progress import progress
from .digests import data_digest, seal_of
from .handin import HAND_IN_RULES, LEAST_FRAMES, SCHEMA, HandIn, clean, read_hand_in
from .names import who_is
from .times import ENGINE_EVERY, require_plausible

WARM_UP = 10  # runs that are not counted


def pack(
    ssd: TrtSSD,
    team: str,
    data: Union[str, Path],
    video: Union[str, Path],
    out: Union[str, Path] = "out",
    restructured: bool = False,
    other_model: Optional[str] = None,
    outputs: Optional[Outputs] = None,
) -> Path:
    """Detect in data/images and in every frame of the video, once; write out/TEAM.json.

    Returns the path of that file. `restructured` and `other_model` are what the team claims.
    """
    # Whatever can be wrong should be known before the run.
    said = {"team": team, "restructured": restructured, "other_model": other_model}
    claims = read_fields(said, HAND_IN_RULES, HandIn._fields, "contest pack")
    paths = pictures_of(kit_path(data))
    clip = kit_path(video)
    warn_of_threshold(ssd, CONF_TH)
    target = Path(str(out)) / (_file_name(claims["team"]) + ".json")
    outputs = outputs or Outputs()
    outputs.claim(target)
    _require_same_team(target, claims["team"])

    value = _run(ssd, paths, clip)
    value.update(claims)
    value.update(
        schema=SCHEMA,
        model=ssd.spec.name,
        engine=ssd.engine.name,
        precision=ssd.engine.precision,
        machine={name: clean(fact)[:200] for name, fact in machine.facts().items()},
        created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        run=uuid.uuid4().hex,
        model_sha256=sha256(ssd.spec.onnx),
        data_sha256=data_digest(paths),
        video_sha256=sha256(clip),
    )
    value["seal"] = seal_of(value)

    with outputs.whole_file(target) as temporary:
        temporary.write_text(json.dumps(value, sort_keys=True), encoding="utf-8")
        require_plausible(read_hand_in(temporary))  # never hand in what would be refused
    return target


def _file_name(team: str) -> str:
    """A team's name as a file may have it."""
    words = re.sub(r"[^\w-]+", "_", team).strip("_")
    return words[:60] or "team"


def _require_same_team(target: Path, team: str) -> None:
    """Refuse to replace another team's hand-in: two names may become the same file name."""
    if not target.exists():
        return
    try:
        other = read_hand_in(target)
    except CourseError:  # not a hand-in that counts, so it may be replaced
        return
    if other.who != who_is(team):
        raise CourseError(
            f"{target} is the hand-in of the team {other.team}; choose another folder with --out."
        )


class _Clock:
    """Divides a run's time among what it does, so that the parts add up to the whole."""

    def __init__(self) -> None:
        self.other_ms = 0.0  # everything without a list of its own, such as reading and warm-up
        self._started = time.perf_counter()
        self._last = self._started

    def lap(self) -> float:
        """End a part: the milliseconds since the part before it ended."""
        now = time.perf_counter()
        spent = (now - self._last) * 1e3
        self._last = now
        return round(spent, 6)

    def other(self) -> None:
        """End a part that only counts in `other_ms`."""
        self.other_ms += self.lap()

    def seconds(self) -> float:
        """From the first moment to the end of the last part."""
        return self._last - self._started


def _run(ssd: TrtSSD, paths: Sequence[Path], video: Path) -> Dict[str, Any]:
    """What the detector finds in pictures, and how long everything takes."""
    with VideoFile(video) as clip:
        if clip.frames and clip.frames < LEAST_FRAMES:
            raise CourseError(
                f"{video} has {clip.frames} frames; a speed wants at least {LEAST_FRAMES} frames."
            )

        clock = _Clock()
        detections = {}
        image_ms = {}
        pictures = whole_pictures(progress(paths, desc="pictures", unit="picture"))
        for path, timed in zip(paths, _timed(ssd, pictures, clock)):
            detections[path.stem] = _rows_of(timed.found, ssd.spec.labels)
            image_ms[path.stem] = timed.ms

        frames = progress(clip, total=clip.frames, desc="video", unit="frame")
        images = (frame.image for frame in frames)
        frame_ms = []
        engine_ms = []
        for timed in _timed(ssd, images, clock):
            frame_ms.append(timed.ms)
            if len(frame_ms) % ENGINE_EVERY == 0:
                engine_ms.append(_engine_alone(ssd, timed.image, clock))
        clock.other()

    return {
        "detections": detections,
        "image_ms": image_ms,
        "frame_ms": frame_ms,
        "engine_ms": engine_ms,
        "other_ms": clock.other_ms,
        "seconds": clock.seconds(),
    }


class _Timed(NamedTuple):
    """What was found in one picture, and the milliseconds that it took."""

    image: np.ndarray
    found: Detections
    ms: float


def _timed(ssd: TrtSSD, images: Iterable[np.ndarray], clock: _Clock) -> Iterator[_Timed]:
    """The detections and the time of each picture; warm-up, with the first one, is not counted."""
    is_first = True
    for image in images:
        if is_first:
            for _ in range(WARM_UP):
                ssd.detect(image, CONF_TH)
            is_first = False

        clock.other()
        found = ssd.detect(image, CONF_TH)
        yield _Timed(image, found, clock.lap())


def _engine_alone(ssd: TrtSSD, image: np.ndarray, clock: _Clock) -> float:
    """The milliseconds of the network alone, which the time of each frame includes."""
    prepared = ssd.prepare([image])
    clock.other()
    ssd.engine.infer(prepared.request)
    return clock.lap()


def _rows_of(found: Detections, labels: Sequence[str]) -> List[List[Any]]:
    """A row a box: class, confidence, x1, y1, x2, y2. Nine digits bring a float32 back exactly."""
    rows = []
    for box, conf, cls in zip(found.boxes.tolist(), found.confs.tolist(), found.clss.tolist()):
        numbers = [float(f"{number:.9g}") for number in [conf] + box]
        rows.append([labels[cls]] + numbers)
    return rows
