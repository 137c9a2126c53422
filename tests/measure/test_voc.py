"""The printed mAP against a slow, separate reading of its rules, cases by hand, malformed files."""

import doctest

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_voc import slow_area_under, slow_mean, slow_points, slow_total, slow_verdicts

from measure.rows import as_found, as_truth
from trt_course.measure import voc

CLASSES = ("car", "stop sign", "van")


def test_the_examples():
    result = doctest.testmod(voc)
    assert result.attempted
    assert not result.failed


def require_slow_score(result, truths, founds, min_iou):
    """Each class of the ground truth has the AP, the curve and the counts of the slow reading."""
    assert set(result.classes) == {label for rows in truths.values() for label, _, _ in rows}
    for name, found in result.classes.items():
        verdicts = slow_verdicts(name, truths, founds, min_iou)
        assert found.truths == slow_total(name, truths)
        assert found.hits == verdicts.count("right")
        assert found.false_alarms == verdicts.count("wrong")

        points = slow_points(verdicts, found.truths)
        assert np.allclose(found.recall, [recall for recall, _ in points], atol=1e-12)
        assert np.allclose(found.precision, [precision for _, precision in points], atol=1e-12)
        assert abs(found.ap - slow_area_under(points)) < 1e-12
    assert abs(result.mean - slow_mean(truths, founds, min_iou)) < 1e-12


# Boxes so small and so near to each other that equal confidences and overlaps are common.
SIDES = st.integers(0, 4)
SMALL_BOXES = st.builds(
    lambda left, top, width, height: (left, top, left + width, top + height),
    *(SIDES, SIDES, SIDES, SIDES),
)
TRUTH_ROWS = st.lists(
    st.tuples(st.sampled_from(CLASSES), SMALL_BOXES, st.sampled_from([False, False, True])),
    max_size=5,
)
FOUND_ROWS = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.sampled_from([0.0, 0.5, 0.9]), SMALL_BOXES),
    max_size=6,
)
IMAGES = st.lists(st.tuples(TRUTH_ROWS, FOUND_ROWS), min_size=1, max_size=3)


@settings(deadline=None, max_examples=150)
@given(IMAGES, st.sampled_from([None, 0.25, 1.0]))
def test_ties_are_scored_as_the_slow_reading_says(images, min_iou):
    names = ["b", "a", "c"]
    truths = {name: rows for name, (rows, _) in zip(names, images)}
    founds = {name: rows for name, (_, rows) in zip(names, images)}
    own_limits = None
    if min_iou is not None:
        own_limits = dict.fromkeys(CLASSES, min_iou)
    result = voc.score(
        {name: as_truth(rows) for name, rows in truths.items()},
        {name: as_found(rows) for name, rows in founds.items()},
        class_iou=own_limits,
    )
    require_slow_score(result, truths, founds, min_iou or 0.5)


def moved(rng, box):
    x1, y1, x2, y2 = (int(side + rng.randint(-3, 4)) for side in box)
    return [x1, y1, max(x1, x2), max(y1, y2)]


def random_box(rng):
    x1, y1 = (int(side) for side in rng.randint(0, 60, 2))
    width, height = (int(side) for side in rng.randint(0, 30, 2))
    return [x1, y1, x1 + width, y1 + height]


def random_class(rng):
    return CLASSES[rng.randint(3)]


def random_confidence(rng):
    return float(rng.randint(1, 10)) / 10


def random_truth(rng):
    rows = []
    for _ in range(rng.randint(0, 6)):
        rows.append((random_class(rng), random_box(rng), rng.rand() < 0.2))
    return rows


def random_found(rng, truth):
    """Most of the objects, a little off, and some boxes anywhere."""
    rows = []
    for label, box, _ in truth:
        if rng.rand() < 0.8:
            rows.append((label, random_confidence(rng), moved(rng, box)))
    for _ in range(rng.randint(0, 4)):
        rows.append((random_class(rng), random_confidence(rng), random_box(rng)))
    return rows


def random_case(rng, images=4):
    truths = {}
    founds = {}
    for number in range(images):
        truth = random_truth(rng)
        truths[str(number)] = truth
        founds[str(number)] = random_found(rng, truth)
    return truths, founds


def as_field(value):
    text = str(value)
    if " " in text:
        return f'"{text}"'
    return text


def write(folder, files):
    """A text file for each image, a line for each row of fields."""
    folder.mkdir(exist_ok=True)
    for name, rows in files.items():
        lines = [" ".join(map(as_field, row)) + "\n" for row in rows]
        (folder / (name + ".txt")).write_text("".join(lines))
    return folder


def truth_fields(label, box, difficult):
    fields = [label, *box]
    if difficult:
        fields.append("difficult")
    return fields


def to_files(folder, truths, founds):
    gt = {}
    for image, rows in truths.items():
        gt[image] = [truth_fields(*row) for row in rows]
    det = {}
    for image, rows in founds.items():
        det[image] = [[label, conf, *box] for label, conf, box in rows]
    return write(folder / "gt", gt), write(folder / "det", det)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**31 - 1), st.sampled_from([0.3, 0.5, 0.75]))
def test_files_are_scored_as_the_slow_reading_says(tmp_path_factory, seed, min_iou):
    truths, founds = random_case(np.random.RandomState(seed))
    files = to_files(tmp_path_factory.mktemp("case"), truths, founds)
    read_truths, read_founds, missing = voc.read_folders(*files)
    result = voc.score(read_truths, read_founds, class_iou=dict.fromkeys(CLASSES, min_iou))
    assert missing == []
    require_slow_score(result, truths, founds, min_iou)


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


def test_the_report_is_in_order_and_controls_no_terminal():
    curve = np.array([1.0])
    score = voc.ClassScore(0.5, curve, curve, truths=2, hits=1, false_alarms=3)
    result = voc.Score({"van": score._replace(ap=1.0), "a\x1b[2J": score})
    assert result.report() == "a\\x1b[2J AP  = 50.00%\nvan AP  = 100.00%\nmAP = 75.00%"
    assert result.as_dict()["mAP"] == 0.75
    van = {"AP": 1.0, "truths": 2, "hits": 1, "false_alarms": 3}
    assert result.as_dict()["classes"]["van"] == van
    assert voc.Score({}).mean == 0.0


def test_pixels_count_with_plus_one(tmp_path):
    gt = {"a": [["car", 0, 0, 9, 0]]}
    det = {"a": [["car", 0.9, 0, 0, 4, 0]]}
    # 5 of 10 pixels; without +1 the boxes have no area.
    assert score_rows(tmp_path, gt, det).mean == 1.0


def test_of_equally_sure_detections_the_first_comes_first(tmp_path):
    """However many there are: figures that change with the sorting cannot be compared."""
    hit = ["car", 0.5, 0, 0, 9, 9]
    elsewhere = ["car", 0.5, 50, 50, 59, 59]
    gt = {"a": [["car", 0, 0, 9, 9]]}
    assert score_rows(tmp_path, gt, {"a": [hit] + [elsewhere] * 99}).mean == 1.0

    # The same over images, which go by their names.
    names = [f"b{number:02}" for number in range(99)]
    gt.update((name, []) for name in names)
    det = {"a": [hit], **{name: [elsewhere] for name in names}}
    assert score_rows(tmp_path, gt, det).mean == 1.0


def test_classes_stand_in_the_order_of_their_names():
    labels = list("hgfedcba")
    truth = voc.Truth(labels, np.zeros((8, 4)), np.zeros(8, bool))
    found = voc.Found([], np.zeros(0), np.zeros((0, 4)))
    assert list(voc.score({"a": truth}, {"a": found}).classes) == sorted(labels)


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
    assert set(result.classes) == {"car"}
    assert result.classes["car"].truths == 1


def test_class_only_in_detections_does_not_count(tmp_path):
    gt = {"a": [["car", 0, 0, 9, 9]]}
    det = {"a": [["van", 0.9, 0, 0, 9, 9]]}
    result = score_rows(tmp_path, gt, det)
    assert set(result.classes) == {"car"}
    assert result.mean == 0.0
