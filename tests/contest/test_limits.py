"""What a hand-in may just hold, and what is too much: no honest one is refused for a bound."""

import gzip
import json

import pytest
from hand_ins import digest, made_up, put, sealed

from trt_course import CourseError
from trt_course.contest import handin
from trt_course.contest.digests import data_digest
from trt_course.measure.boxes import FARTHEST


def read(folder, value, name="a.json"):
    put(folder, name, value)
    return handin.read_hand_in(folder / name)


def with_row(*row):
    value = made_up("a")
    value["detections"]["0"] = [list(row)]
    return sealed(value)


@pytest.mark.parametrize(
    "row",
    [
        ("red", 0, 1, 1, 2, 2),
        ("red", 1, 1, 1, 2, 2),
        ("red", 0.5, 5, 1, 5, 2),  # a box without a width, at the edge of a picture
        ("red", 0.5, 1, 5, 2, 5),
        ("red", 0.5, -FARTHEST, -FARTHEST, FARTHEST, FARTHEST),
        ("r" * 200, 0.5, 1, 1, 2, 2),
        ("traffic light", 0.5, 1, 1, 2, 2),
    ],
)
def test_rows_that_just_fit(tmp_path, row):
    found = read(tmp_path, with_row(*row)).detections["0"]
    assert found.labels == [row[0]]
    assert found.confs.tolist() == [row[1]]
    assert found.boxes.tolist() == [list(row[2:])]


BEYOND = FARTHEST + 1


@pytest.mark.parametrize(
    "row",
    [
        ("red", -0.001, 1, 1, 2, 2),
        ("red", 1.001, 1, 1, 2, 2),
        ("red", 0.5, 2.001, 1, 2, 2),
        ("red", 0.5, 1, 2.001, 2, 2),
        ("red", 0.5, -BEYOND, 1, 2, 2),
        ("red", 0.5, 1, -BEYOND, 2, 2),
        ("red", 0.5, 1, 1, BEYOND, 2),
        ("red", 0.5, 1, 1, 2, BEYOND),
        ("red", 0.5, 1, 1, 2, 2, 3),
        ("red", 0.5, 1, 1, 2),
        ("r" * 201, 0.5, 1, 1, 2, 2),
        (" ", 0.5, 1, 1, 2, 2),
        ("", 0.5, 1, 1, 2, 2),
        ("r\x1bd", 0.5, 1, 1, 2, 2),
        (None, 0.5, 1, 1, 2, 2),
    ],
)
def test_rows_that_just_do_not_fit(tmp_path, row):
    with pytest.raises(CourseError, match=r"detections.0\[0\] is .*; wanted: class, confidence"):
        read(tmp_path, with_row(*row))


@pytest.mark.parametrize("row", ["abcdef", {"a": 1}, None, 6])
def test_rows_that_are_no_lists(tmp_path, row):
    value = made_up("a")
    value["detections"]["0"] = [row]
    with pytest.raises(CourseError, match=r"detections.0\[0\] is .*; wanted: class, confidence"):
        read(tmp_path, sealed(value))


def test_a_picture_may_have_a_thousand_boxes(tmp_path):
    value = made_up("a")
    value["detections"]["0"] = [["red", 0.5, 1, 1, 2, 2]] * 1000
    assert len(read(tmp_path, sealed(value)).detections["0"].labels) == 1000
    assert read(tmp_path, made_up("a", hits=0)).detections["0"].boxes.shape == (0, 4)


@pytest.mark.parametrize(
    "field, fits, beyond",
    [
        ("team", "a" * 100, "a" * 101),
        ("model", "m" * 200, "m" * 201),
        ("machine", {"cpu": "c" * 200}, {"cpu": "c" * 201}),
        ("machine", {}, {"cpu": 5}),
        ("frame_ms", [30.0] * 50, [30.0] * 49),
        ("engine_ms", [9.0] * 10, [9.0] * 9),
        ("seconds", 999999999.0, 1e9),
        ("other_ms", 1e-9, 0.0),
        ("other_ms", 1, True),
        ("model_sha256", digest(15), digest(15)[1:]),
        ("data_sha256", digest(15), digest(15) + "0"),
        ("video_sha256", digest(15), 15),
        ("created", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+01:00"),
        ("created", "2026-01-31T12:00:00Z", 20260131),
        ("other_model", "detector", "Detector"),
        ("restructured", False, 0),
    ],
)
def test_fields_that_just_fit(tmp_path, field, fits, beyond):
    read(tmp_path, sealed(dict(made_up("a"), **{field: fits})))
    odd = sealed(dict(made_up("a"), **{field: beyond}))
    with pytest.raises(CourseError, match=f"hand-in: {field}.* is .*; (wanted|allowed): "):
        read(tmp_path, odd)


@pytest.mark.parametrize("name", ["a.json", "a.json.gz"])
def test_a_file_may_be_as_large_as_the_limit_unpacked(tmp_path, monkeypatch, name):
    plain = json.dumps(made_up("a")).encode()
    data = plain
    if name.endswith(".gz"):
        data = gzip.compress(plain)

    monkeypatch.setattr(handin, "LIMIT", len(plain))
    assert read(tmp_path, data, name).team == "a"
    monkeypatch.setattr(handin, "LIMIT", len(plain) - 1)
    with pytest.raises(CourseError, match="larger than"):
        read(tmp_path, data, name)


def test_whole_numbers_have_up_to_fifteen_digits(tmp_path):
    """More than a float holds; a million of them would keep Python busy for minutes."""
    text = json.dumps(made_up("a"))
    with pytest.raises(CourseError, match="a number has 16 digits"):
        read(tmp_path, text.replace("20]", "1234567890123456]", 1).encode())
    with pytest.raises(CourseError, match="Its seal is broken"):
        read(tmp_path, text.replace("20]", "123456789012345]", 1).encode())


def test_why_a_file_cannot_be_read_is_told(tmp_path, monkeypatch):
    packed = gzip.compress(json.dumps(made_up("a")).encode())
    with pytest.raises(CourseError, match="It cannot be read: Compressed file ended before"):
        read(tmp_path, packed[:-30], "a.json.gz")

    def failing(path):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(handin, "_bytes_of", failing)
    with pytest.raises(CourseError, match="^It cannot be read: Input/output error.$"):
        read(tmp_path, packed, "a.json.gz")


def test_a_set_of_pictures_is_the_same_in_any_order_but_not_under_other_names(tmp_path):
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path in paths:
        path.write_bytes(path.stem.encode())
    digest_of_all = data_digest(paths)
    assert data_digest(reversed(paths)) == digest_of_all
    assert data_digest(paths[:2]) != digest_of_all

    paths[2].rename(tmp_path / "d.png")
    assert data_digest([*paths[:2], tmp_path / "d.png"]) != digest_of_all
    paths[2].write_bytes(b"other")
    assert data_digest(paths) != digest_of_all
