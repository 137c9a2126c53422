"""Files of hand-ins: any change breaks the seal, and nonsense is refused with a sentence."""

import copy
import gzip
import json
import random
import tracemalloc

import pytest
from hand_ins import made_up, put, sealed, write_truth

from trt_course import CourseError
from trt_course.contest import board as contest
from trt_course.contest import handin


def read(folder, value):
    put(folder, "a.json", value)
    return handin.read_hand_in(folder / "a.json")


@pytest.mark.parametrize("field", sorted(set(made_up("a")) - {"schema"}))
def test_no_field_may_change_after_the_run(tmp_path, field):
    value = made_up("a")
    assert read(tmp_path, value).team == "a"
    with pytest.raises(CourseError, match="seal is broken: .* changed after the run. Pack again"):
        read(tmp_path, dict(value, **{field: "changed"}))


def change_a_box(value):
    value["detections"]["0"][0][2] += 1


def change_a_confidence(value):
    value["detections"]["0"][0][1] += 1e-9


def lose_a_box(value):
    value["detections"]["0"].pop()


def change_a_frame(value):
    value["frame_ms"][7] -= 1e-6


def change_a_picture(value):
    value["image_ms"]["3"] -= 1e-6


def change_the_machine(value):
    value["machine"]["jetson"] = "nano"


@pytest.mark.parametrize(
    "change",
    [
        change_a_box,
        change_a_confidence,
        lose_a_box,
        change_a_frame,
        change_a_picture,
        change_the_machine,
    ],
)
def test_the_smallest_change_breaks_the_seal(tmp_path, change):
    value = copy.deepcopy(made_up("a"))
    change(value)
    with pytest.raises(CourseError, match="seal is broken"):
        read(tmp_path, value)


ODD = [
    None,
    True,
    -1,
    0,
    1.5,
    10**14,
    "",
    "x" * 300,
    "\ud800",
    "\x00",
    [],
    [[]],
    [None] * 60,
    {},
    {"": {}},
    {"0": 1},
]


def with_an_odd_value(rng, value):
    """A hand-in with one odd value somewhere."""
    value = copy.deepcopy(value)
    place = value
    key = rng.choice(sorted(set(value) - {"seal"}))
    while isinstance(place[key], (dict, list)) and place[key] and rng.random() < 0.7:
        place = place[key]
        keys = range(len(place))
        if isinstance(place, dict):
            keys = sorted(place)
        key = rng.choice(keys)
    place[key] = rng.choice(ODD)
    return value


def damaged(rng, data):
    """Bytes of which some are others, and perhaps the end is missing."""
    data = bytearray(data)
    for _ in range(rng.randint(1, 5)):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data[: rng.choice([len(data), rng.randrange(len(data))])])


def mutated(rng, value):
    """A hand-in with an odd value, sealed again; or its bytes, damaged."""
    value = with_an_odd_value(rng, value)
    if rng.random() < 0.5:
        return json.dumps(sealed(value)).encode()
    return damaged(rng, json.dumps(value).encode())


def test_nonsense_is_listed_never_a_traceback(tmp_path):
    truth = tmp_path / "truth"
    truth.mkdir()
    write_truth(truth)
    folder = tmp_path / "in"
    rng = random.Random(4)
    for number in range(600):
        data = mutated(rng, made_up(f"t{number}"))
        packed = bytearray(gzip.compress(data))
        packed[rng.randrange(len(packed))] ^= rng.choice([0, 1, 64])
        if number % 2:
            put(folder, f"{number}.json.gz", bytes(packed))
        else:
            put(folder, f"{number}.json", data)
    put(folder, "fine.json", made_up("fine"))

    board = contest.rank(folder, truth)
    assert len(board.rows) + len(board.refused) == 601
    assert "fine" in [row.team for row in board.rows]
    assert len(board.refused) > 400
    assert all(reason.isprintable() for _, reason in board.refused)
    contest.write_board(board, tmp_path / "out")


def test_a_bomb_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(handin, "LIMIT", 10**5)
    (tmp_path / "bomb.json.gz").write_bytes(gzip.compress(b" " * (3 * 10**7)))
    tracemalloc.start()
    try:
        with pytest.raises(CourseError, match="larger than"):
            handin.read_hand_in(tmp_path / "bomb.json.gz")
        assert tracemalloc.get_traced_memory()[1] < 3 * 10**6
    finally:
        tracemalloc.stop()
