"""What a check of a record notices, one thing at a time: numbers, views, labels, its words."""

import numpy as np
import pytest

from odd_nets import BLACK, write_constants, write_record
from trt_course import Detections, find_model
from trt_course.measure.boxes import Truth
from trt_course.measure.check.labels import label_findings
from trt_course.measure.check.numbers import number_findings
from trt_course.measure.check.parts import MIRRORED, PLAIN, SMALLER, Finding, Looks
from trt_course.measure.check.record import Report, check
from trt_course.measure.check.report import told
from trt_course.measure.check.steady import steadiness
from trt_course.model.output_spec import BoxesSpec, OutputSpec, Part, ScoresSpec

PLACES = 100
LABELS = ("background", "a", "b")


class Numbers:
    """Looks at one picture, of which only the numbers are known."""

    pictures = [np.zeros((100, 200, 3), np.uint8)]

    def __init__(self, tables, tensor):
        self._tables = tables
        self._tensor = tensor

    def table(self, spec, role, picture):
        return self._tables[role]

    def outputs(self, spec, picture):
        return {"t": self._tensor}


def right_numbers():
    """Corners and scores of which few are sure."""
    rng = np.random.default_rng(0)
    middle = rng.random((PLACES, 2))
    half = 0.1 * rng.random((PLACES, 2)) + 0.01
    scores = np.tile(np.float32([0.88, 0.06, 0.06]), (PLACES, 1))
    scores[:2] = [0.1, 0.9, 0.0]
    return {"boxes": np.concatenate([middle - half, middle + half], axis=1), "scores": scores}


def spec_of(boxes=None, scores=None, **words):
    """A record of numbers in tensors of their own, with other words for them."""
    output = OutputSpec(
        boxes=BoxesSpec(Part(("b",), "output.boxes.tensor"), **(boxes or {})),
        scores=ScoresSpec(Part(("s",), "output.scores.tensor"), **(scores or {})),
    )
    spec = find_model("ssd_mobilenet_v2_signs")
    return spec._replace(output=output, **{"labels": LABELS, "background": 0, **words})


def fields_of(spec, tables, tensor=None):
    findings = number_findings(Numbers(tables, tensor), spec, [0])
    return [finding.fields[0] for finding in findings]


def test_right_numbers():
    assert fields_of(spec_of(), right_numbers()) == []
    assert fields_of(spec_of(conf_threshold=0.05), right_numbers()) == []


def logits(tables):
    return {**tables, "scores": np.log(tables["scores"] + 1e-3)}


def in_pixels(tables):
    return {**tables, "boxes": tables["boxes"] * [200, 100, 200, 100]}


def as_offsets(tables):
    return {**tables, "boxes": np.random.default_rng(1).normal(size=(PLACES, 4))}


def as_middles(tables):
    low, high = np.split(tables["boxes"], 2, axis=1)
    return {**tables, "boxes": np.concatenate([(low + high) / 2, high - low], axis=1)}


def same(tables):
    return tables


@pytest.mark.parametrize(
    ("words", "numbers", "field"),
    [
        ({}, logits, "output.scores.activation"),
        ({"scores": {"activation": "softmax"}}, same, "output.scores.activation"),
        ({}, in_pixels, "output.boxes.units"),
        ({"boxes": {"units": "pixels"}}, same, "output.boxes.units"),
        ({}, as_offsets, "output.boxes.form"),
        ({}, as_middles, "output.boxes.form"),
        ({"boxes": {"form": "distances"}}, as_offsets, "output.boxes.form"),
        ({"boxes": {"form": "centre_size"}}, same, "output.boxes.form"),
        ({"background": None}, same, "background"),
        ({"background": 2}, same, "background"),
    ],
)
def test_wrong_numbers(words, numbers, field):
    assert fields_of(spec_of(**words), numbers(right_numbers())) == [field]


def test_distances_where_nothing_is():
    """A third of them below 0: no network learns how far the sides of nothing are."""
    tables = right_numbers()
    tables["boxes"][: PLACES // 3] *= -1
    assert fields_of(spec_of(boxes={"form": "distances"}), tables) == []


@pytest.mark.parametrize(("factor", "said"), [(1, []), (300, ["output.boxes.units"])])
def test_priors_in_pixels(tmp_path, factor, said):
    """The priors, not the offsets from them, show the units."""
    path = tmp_path / "priors.npy"
    np.save(str(path), factor * as_middles(right_numbers())["boxes"].astype(np.float32))
    words = {"form": "offsets", "priors": path, "variances": (0.1, 0.1, 0.2, 0.2)}
    assert fields_of(spec_of(boxes=words), as_offsets(right_numbers())) == said


def table_spec(boxes, scores, labels=LABELS[1:]):
    """A record of columns of one tensor."""
    parts = [Part(("t",), "output.boxes.tensor", column=column) for column in (boxes, scores)]
    output = OutputSpec(boxes=BoxesSpec(parts[0]), scores=ScoresSpec(parts[1]))
    return spec_of()._replace(output=output, labels=labels, background=None)


def table_numbers(further=None):
    """The numbers of one tensor: boxes, scores without a background, and what comes further."""
    tables = right_numbers()
    tables["scores"] = tables["scores"][:, 1:]
    columns = list(tables.values())
    if further is not None:
        columns.append(further)
    return tables, np.concatenate(columns, axis=1)[None]


def test_a_class_that_nobody_reads():
    tables, tensor = table_numbers()
    read = {"boxes": tables["boxes"], "scores": tables["scores"][:, :1]}

    class OneMore(Numbers):
        def table(self, spec, role, picture):
            if spec.labels == ("?",):
                return tables["scores"][:, 1:]
            return super().table(spec, role, picture)

    findings = number_findings(OneMore(read, tensor), table_spec(0, 4, labels=("a",)), [0])
    assert [finding.fields[0] for finding in findings] == ["labels"]


def test_a_tensor_that_lies_the_other_way_round():
    tables = {"boxes": np.zeros((6, 4)), "scores": np.zeros((6, 2))}
    spec = table_spec(0, 4)
    assert fields_of(spec, tables, np.zeros((1, 6, 1000)))[0] == "output.boxes.values"
    assert fields_of(spec, tables, np.zeros((1, 6, 6))) == []  # rows of six


# Views -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", [PLAIN, MIRRORED, SMALLER], ids=lambda view: view.name)
def test_boxes_come_home_from_a_view(view):
    image = np.zeros((200, 400, 3), np.uint8)
    image[40:90, 100:260] = 255
    y, x = np.nonzero(view.show(image)[:, :, 0] > 127)
    shown = np.array([[x.min(), y.min(), x.max() + 1, y.max() + 1]], float)
    assert np.abs(view.back(shown, 400, 200) - [100, 40, 260, 90]).max() <= 2


class Found(Looks):
    """Looks of which the detections are known, by view."""

    def __init__(self, by_view):
        self.pictures = [np.zeros((200, 400, 3), np.uint8)]
        self._by_view = by_view

    def found(self, spec, picture, view=PLAIN):
        return self._by_view[view.name], None


def sure(*boxes):
    return Detections(boxes, [0.9 for _ in boxes], [1 for _ in boxes])


def share(here, there):
    looks = Found({"plain": here, "mirrored": there})
    return steadiness(looks, spec_of(), [0], [MIRRORED]).share


def test_steady_boxes():
    here = sure([0, 10, 40, 50])
    assert share(here, sure([360, 10, 400, 50])) == pytest.approx(1)
    assert share(here, here) == 0
    assert share(here, sure([355, 10, 395, 50])) == pytest.approx(26 / 46)  # 36 of 46 columns
    assert share(here, sure([360, 10, 400, 50], [0, 100, 50, 150])) == pytest.approx(2 / 3)


def test_boxes_that_prove_nothing():
    whole = sure([0, 0, 400, 200], [10, 10, 10.5, 60])
    assert share(whole, whole) == 0


# Labels ------------------------------------------------------------------------------------------


def test_labels_that_are_exchanged():
    boxes = [[x, 10, x + 20, 30] for x in (0, 50, 100)]
    truth = Truth(["a"] * 3, np.array(boxes, float), np.zeros(3, bool))
    spec = spec_of()
    assert label_findings(spec, [Detections(boxes, [0.9] * 3, [1] * 3)], [truth]) == []
    (finding,) = label_findings(spec, [Detections(boxes, [0.9] * 3, [2] * 3)], [truth])
    assert "Of 3 objects that are a and were found, 3 are called b" in finding.sentence
    assert label_findings(spec, [Detections(boxes[:2], [0.9] * 2, [2] * 2)], [truth]) == []


def test_many_classes_with_few_objects_each():
    """No class has three objects, but all together say enough."""
    labels = ("background", "a", "b", "c", "d", "e")
    boxes = np.array([[x, 10, x + 20, 30] for x in range(0, 250, 50)], float)
    truth = Truth(list("abcde"), boxes, np.zeros(5, bool))
    spec = spec_of(labels=labels)
    right = [1, 2, 3, 4, 5]
    shifted = [2, 3, 4, 5, 1]
    assert label_findings(spec, [Detections(boxes, [0.9] * 5, right)], [truth]) == []
    (finding,) = label_findings(spec, [Detections(boxes, [0.9] * 5, shifted)], [truth])
    assert "Only 0 of 5 objects" in finding.sentence


def test_labels_of_another_truth():
    truth = Truth(["zebra"], np.array([[0.0, 0, 9, 9]]), np.zeros(1, bool))
    (finding,) = label_findings(spec_of(), [Detections()], [truth])
    assert "names zebra" in finding.sentence
    empty = Truth([], np.zeros((0, 4)), np.zeros(0, bool))
    assert label_findings(spec_of(), [sure([0, 0, 9, 9])], [empty]) == []


# The whole check ---------------------------------------------------------------------------------


def test_nothing_found_may_be_the_pictures():
    black = np.zeros((300, 300, 3), np.uint8)
    report = check("ssd_mobilenet_v2_signs", [black])
    assert [finding.kind for finding in report.findings] == ["nothing"]
    assert report.fields() == []


def test_what_is_told():
    spec = find_model("ssd_mobilenet_v2_signs")
    findings = [Finding("units", ("output.boxes.units", "output.boxes.form"), "They are pixels.")]
    report = Report(findings, ("Is class 0 the background?",), [sure([0, 0, 9, 9]), Detections()])
    assert told(spec, report, with_truth=False).splitlines() == [
        "ssd_mobilenet_v2_signs: 1 box in 1 of 2 pictures, at a confidence of 0.3.",
        "They are pixels.",
        "    Probably wrong: output.boxes.units (or output.boxes.form)",
        "Change that, and check again: one mistake may hide another.",
        "Still open in the record: Is class 0 the background?",
    ]


def test_classes_beyond_the_labels(tmp_path):
    """Rows of a network that knows more classes than its record."""
    outputs = {
        "boxes": np.tile(np.float32([0.2, 0.3, 0.6, 0.7]), (1, 4, 1)),
        "scores": np.float32([[0.9, 0.8, 0.7, 0.6]]),
        "classes": np.float32([[7, 8, 9, 1]]),
    }
    write_constants(tmp_path, outputs)
    write_record(tmp_path, "tf_detection", {role: role for role in outputs})
    report = check(tmp_path, [BLACK])
    assert report.fields() == ["labels"]
    assert "3 rows" in report.findings[0].sentence
