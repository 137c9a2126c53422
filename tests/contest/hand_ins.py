"""Hand-ins of made-up teams: honest ones, their places worked out by hand, and parts of cheats."""

import hashlib
import json
import random
from pathlib import Path
from typing import NamedTuple, Optional

PICTURES = 10
FRAMES = 60


class Team(NamedTuple):
    """A team as it hands in, and where the rules put it."""

    name: str
    hits: int  # pictures of ten in which it finds the object
    ms: float  # a frame
    restructured: bool
    other_model: Optional[str]
    accuracy_rank: int
    fps_rank: int
    final: float
    place: int


HONEST = [
    Team("Ada", 10, 50, False, None, 1, 11, 85, 5),
    Team("Bo", 9, 20, False, None, 3, 5, 86, 3),
    Team("Cy", 9, 20, False, None, 3, 5, 86, 3),
    Team("Di", 8, 100, False, None, 5, 14, 79.5, 10),
    Team("Ed", 8, 10, False, None, 5, 3, 85, 5),
    Team("Fay", 8, 20, False, None, 5, 5, 84, 7),
    Team("Gus", 5, 5, False, None, 10, 2, 80.5, 9),
    Team("Hu", 5, 40, True, "detector", 10, 9, 87, 2),
    Team("Ida", 3, 25, False, "backbone", 12, 8, 78.5, 11),
    Team("Jo", 0, 4, False, None, 15, 1, 76, 13),
    Team("李雷", 10, 50, True, None, 1, 11, 90, 1),
    Team("<b>Li|ly</b>", 7, 12.5, False, None, 8, 4, 81.5, 8),
    Team("=1+1", 6, 40, False, None, 9, 9, 78, 12),
    Team("../../x", 2, 200, False, None, 13, 15, 71, 15),
    Team("Ma", 1, 80, False, "detector", 14, 13, 76, 13),
    Team("No", 0, 1000, False, None, 15, 16, 68.5, 16),
]


def digest(number):
    """Something that looks like a SHA-256."""
    return f"{number:064x}"


def sealed(value):
    """The hand-in with a seal that fits, as docs/contest.md says it; a cheat can do this too."""
    body = {name: part for name, part in value.items() if name != "seal"}
    text = json.dumps(body, sort_keys=True)
    return dict(body, seal=hashlib.sha256(text.encode()).hexdigest())


def made_up(team, hits=5, ms=30.0, restructured=False, other=None, **changes):
    """A hand-in that finds `hits` of ten red objects; each team has times of its own."""
    shake = random.Random(team).uniform(1e-6, 1e-4)
    found = [["red", 0.9, 10, 10, 20, 20]]
    detections = {}
    for number in range(PICTURES):
        detections[str(number)] = []
        if number < hits:
            detections[str(number)] = found

    value = {
        "schema": "trt_course contest 3",
        "team": team,
        "restructured": restructured,
        "other_model": other,
        "model": "m",
        "engine": "e",
        "precision": "fp16",
        "machine": {"jetson": "Nano"},
        "run": digest(len(team)),
        "created": "2026-03-01T10:00:00Z",
        "model_sha256": digest(1),
        "data_sha256": digest(2),
        "video_sha256": digest(3),
        "frame_ms": [ms - shake, ms + shake] * (FRAMES // 2),
        "image_ms": {str(number): float(ms) for number in range(PICTURES)},
        "engine_ms": [ms * 0.9] * (FRAMES // 5),
        "other_ms": 2000.0,
        "detections": detections,
    }
    value.update(changes)
    if "seconds" not in changes:
        value["seconds"] = spent(value) / 1e3
    return sealed(value)


def spent(value):
    """The milliseconds of everything that a hand-in accounts for."""
    lists = list(value["frame_ms"]) + list(value["image_ms"].values()) + list(value["engine_ms"])
    return sum(lists) + value["other_ms"]


def of_team(team):
    """The hand-in of one of the honest teams."""
    return made_up(team.name, team.hits, team.ms, team.restructured, team.other_model)


def put(folder: Path, name, value):
    """A file in the folder of hand-ins: bytes as they are, anything else as JSON."""
    folder.mkdir(exist_ok=True)
    if not isinstance(value, bytes):
        value = json.dumps(value).encode()
    (folder / name).write_bytes(value)


def put_honest(folder):
    for number, team in enumerate(HONEST):
        put(folder, f"{number:02d}.json", of_team(team))


def write_truth(folder):
    """The ground truth that the made-up teams are scored against: one red object a picture."""
    for number in range(PICTURES):
        (folder / f"{number}.txt").write_text("red 10 10 20 20\n")
