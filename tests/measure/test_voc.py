"""The printed mAP against a slow, separate reading of its rules, hand-worked cases, and malformed files."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trt_course import CourseError
from trt_course.measure import voc

CLASSES = ("car", "stop sign", "van")


def slow_overlap(a, b):
    w = min(a[2], b[2]) - max(a[0], b[0]) + 1
    h = min(a[3], b[3]) - max(a[1], b[1]) + 1
    if w <= 0 or h <= 0:
        return 0.0
    area = [(r[2] - r[0] + 1) * (r[3] - r[1] + 1) for r in (a, b)]
    return w * h / (sum(area) - w * h)


def slow_ap(name, truths, founds, min_iou=0.5):
    """One class, rule by rule. truths: {image: [(label, box, difficult)]}; founds: {image: [(label, conf, box)]}."""
    rows = [
        (conf, image, box)
        for image in sorted(founds)
        for label, conf, box in founds[image]
        if label == name
    ]
    rows.sort(key=lambda row: -row[0])
    total = sum(not d for boxes in truths.values() for label, _, d in boxes if label == name)
    used, points, tp, fp = set(), [], 0, 0
    for _, image, box in rows:
        best, where = -1.0, None
        for i, (label, other, _) in enumerate(truths[image]):
            if label == name and slow_overlap(box, other) > best:
                best, where = slow_overlap(box, other), i
        if where is not None and best >= min_iou:
            if truths[image][where][2]:
                pass
            elif (image, where) in used:
                fp += 1
            else:
                used.add((image, where))
                tp += 1
        else:
            fp += 1
        points.append((tp / total if total else 0.0, tp / (tp + fp) if tp + fp else 0.0))
    area, before = 0.0, 0.0
    for i, (recall, _) in enumerate(points):
        if recall != before:
            area += (recall - before) * max(p for _, p in points[i:])
            before = recall
    return area


def moved(rng, box):
    x1, y1, x2, y2 = (int(b + rng.randint(-3, 4)) for b in box)
    return [x1, y1, max(x1, x2), max(y1, y2)]


def random_case(rng, images=4):
    def box():
        corner = rng.randint(0, 60, 2)
        return [int(v) for v in (*corner, *(corner + rng.randint(0, 30, 2)))]

    truths, founds = {}, {}
    for i in range(images):
        truths[str(i)] = [
            (CLASSES[rng.randint(3)], box(), rng.rand() < 0.2) for _ in range(rng.randint(0, 6))
        ]
        near = [
            (label, float(rng.randint(1, 10)) / 10, moved(rng, other))
            for label, other, _ in truths[str(i)]
            if rng.rand() < 0.8
        ]
        founds[str(i)] = near + [
            (CLASSES[rng.randint(3)], float(rng.randint(1, 10)) / 10, box())
            for _ in range(rng.randint(0, 4))
        ]
    return truths, founds


def write(folder, files):
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        (folder / (name + ".txt")).write_text(
            "".join(
                " ".join('"%s"' % f if " " in str(f) else str(f) for f in row) + "\n"
                for row in rows
            )
        )
    return folder


def to_files(tmp, truths, founds):
    gt = {
        i: [[la, *b] + (["difficult"] if d else []) for la, b, d in rows]
        for i, rows in truths.items()
    }
    det = {i: [[la, c, *b] for la, c, b in rows] for i, rows in founds.items()}
    return write(tmp / "gt", gt), write(tmp / "det", det)


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 2**31 - 1), st.sampled_from([0.3, 0.5, 0.75]))
def test_equals_the_slow_reading(tmp_path_factory, seed, min_iou):
    truths, founds = random_case(np.random.RandomState(seed))
    files = to_files(tmp_path_factory.mktemp("case"), truths, founds)
    read_truths, read_founds, missing = voc.read_folders(*files)
    result = voc.score(read_truths, read_founds, class_iou=dict.fromkeys(CLASSES, min_iou))
    present = {label for rows in truths.values() for label, _, _ in rows}
    assert set(result.classes) == present and missing == []
    for name, found in result.classes.items():
        assert abs(found.ap - slow_ap(name, truths, founds, min_iou)) < 1e-12


def score_rows(tmp_path, gt, det, **options):
    truths, founds, _ = voc.read_folders(write(tmp_path / "gt", gt), write(tmp_path / "det", det))
    return voc.score(truths, founds, **options)


def test_by_hand(tmp_path):
    gt = {"a": [["car", 0, 0, 9, 9], ["car", 20, 0, 29, 9]], "b": [["car", 0, 0, 9, 9]]}
    det = {
        "a": [["car", 0.9, 0, 0, 9, 9], ["car", 0.8, 0, 0, 9, 9], ["car", 0.6, 20, 0, 29, 9]],
        "b": [],
    }
    result = score_rows(tmp_path, gt, det)
    # right, wrong (used up), right: recall 1/3, 1/3, 2/3 at precision 1, 1/2, 2/3
    assert abs(result.mean - (1 / 3 + 1 / 3 * 2 / 3)) < 1e-12
    car = result.classes["car"]
    assert (car.truths, car.hits, car.false_alarms) == (3, 2, 1)
    assert result.report() == "car AP  = 55.56%\nmAP = 55.56%"


def test_pixels_count_with_plus_one(tmp_path):
    gt, det = {"a": [["car", 0, 0, 9, 0]]}, {"a": [["car", 0.9, 0, 0, 4, 0]]}
    assert (
        score_rows(tmp_path, gt, det).mean == 1.0
    )  # 5 of 10 pixels; without +1 the boxes have no area


def test_no_second_best_box(tmp_path):
    gt = {"a": [["car", 0, 0, 9, 9], ["car", 0, 0, 9, 8]]}
    det = {"a": [["car", 0.9, 0, 0, 9, 9], ["car", 0.8, 0, 0, 9, 9]]}
    assert score_rows(tmp_path, gt, det).mean == 0.5


def test_difficult_first_does_not_divide_by_zero(tmp_path):
    gt = {"a": [["car", 0, 0, 9, 9, "difficult"], ["car", 20, 20, 29, 29]]}
    det = {"a": [["car", 0.9, 0, 0, 9, 9], ["car", 0.8, 20, 20, 29, 29]]}
    assert score_rows(tmp_path, gt, det).mean == 1.0


def test_ignore_leaves_no_difficult_flag_behind(tmp_path):
    gt = {"a": [["van", 0, 0, 9, 9, "difficult"], ["car", 20, 20, 29, 29]]}
    result = score_rows(tmp_path, gt, {"a": []}, ignore=["van"])
    assert result.classes["car"].truths == 1 and set(result.classes) == {"car"}


def test_class_only_in_detections_does_not_count(tmp_path):
    result = score_rows(tmp_path, {"a": [["car", 0, 0, 9, 9]]}, {"a": [["van", 0.9, 0, 0, 9, 9]]})
    assert set(result.classes) == {"car"} and result.mean == 0.0


def test_missing_file_counts_as_empty_and_is_listed(tmp_path):
    files = to_files(tmp_path, {"a": [("car", [0, 0, 9, 9], False)], "b": []}, {"b": []})
    assert voc.read_folders(*files)[2] == ["a"]


def test_detections_of_an_unknown_picture(tmp_path):
    files = to_files(tmp_path, {"a": [("car", [0, 0, 9, 9], False)]}, {"z": []})
    with pytest.raises(CourseError, match="z.txt has no ground truth: .*gt holds no z.txt"):
        voc.read_folders(*files)


@pytest.mark.parametrize(
    "line, message",
    [
        (
            "car 1 2 3",
            "line 3: 4 fields; wanted: class left top right bottom .difficult.*: car 1 2 3",
        ),
        ("stop sign 1 2 3 4 5", "line 3: 7 fields"),
        ("car 1 2 3 four", "line 3: could not convert string to float: 'four'"),
        ("car 1 2 3 nan", "line 3: a number is not finite"),
        ("car 1 2 3 4 hard", "line 3: the last field is 'hard'; allowed: difficult"),
        ("car 5 2 3 4", "line 3: the box ends before it begins, in left top right bottom: car 5"),
        ('"car 1 2 3 4', "line 3: No closing quotation"),
    ],
)
def test_mistakes_name_file_and_line(tmp_path, line, message):
    (tmp_path / "x.txt").write_text("car 1 2 3 4\n\n" + line + "\n")
    with pytest.raises(CourseError, match="x.txt, " + message):
        voc.read_truth(tmp_path / "x.txt")


def test_names_with_blanks(tmp_path):
    (tmp_path / "x.txt").write_text(
        "stop sign 1 2 3 4 difficult\n'stop sign' 1 2 3 4\ncar 1 2 3 4\n"
    )
    assert voc.read_truth(tmp_path / "x.txt", ["stop sign"]).labels == [
        "stop sign",
        "stop sign",
        "car",
    ]
    with pytest.raises(CourseError, match="line 1: 7 fields.* quoted, or listed"):
        voc.read_truth(tmp_path / "x.txt")


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_rubbish_never_escapes_as_a_traceback(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("fuzz") / "x.txt"
    path.write_bytes(content)
    for read in (voc.read_truth, voc.read_found):
        try:
            read(path)
        except CourseError as err:
            assert "x.txt" in str(err)


def test_heights_in_play():
    truths = {
        "a": voc.Truth(
            ["car", "car"], np.array([[0.0, 0, 50, 10], [0, 100, 50, 200]]), np.zeros(2, bool)
        )
    }
    founds = {
        "a": voc.Found(
            ["car"] * 4,
            np.array([0.9, 0.8, 0.7, 0.6]),
            np.array([[0.0, 0, 50, 10], [0, 100, 50, 200], [200, 0, 250, 10], [0, 0, 50, 13]]),
        )
    }
    small = voc.score(*voc.of_height(truths, founds, 0, 12)).classes["car"]
    assert (small.truths, small.hits, small.false_alarms) == (1, 1, 2)
    large = voc.score(*voc.of_height(truths, founds, 12, 1000)).classes["car"]
    assert (large.truths, large.hits, large.false_alarms, large.ap) == (1, 1, 0, 1.0)
    assert voc.score(*voc.of_height(truths, founds, 0, 1000)).mean == voc.score(truths, founds).mean


@pytest.mark.slow
def test_five_thousand_images_in_five_seconds(tmp_path):
    rng = np.random.RandomState(0)
    for folder in ("gt", "det"):
        (tmp_path / folder).mkdir()
    for i in range(5000):
        corner = rng.randint(0, 1000, (20, 2))
        boxes = np.concatenate([corner, corner + rng.randint(10, 200, (20, 2))], axis=1)
        names = rng.choice(["car", "van", "bus", "sign"], 20)
        (tmp_path / "gt" / f"{i}.txt").write_text(
            "".join("{} {} {} {} {}\n".format(n, *b) for n, b in zip(names[:8], boxes))
        )
        (tmp_path / "det" / f"{i}.txt").write_text(
            "".join(
                "{} {:.4f} {} {} {} {}\n".format(n, p, *b)
                for n, p, b in zip(names, rng.rand(20), boxes + 2)
            )
        )
    started = time.perf_counter()
    truths, founds, _ = voc.read_folders(tmp_path / "gt", tmp_path / "det")
    result = voc.score(truths, founds)
    spent = time.perf_counter() - started
    assert sum(c.hits + c.false_alarms for c in result.classes.values()) == 100_000
    assert spent < 5, spent
