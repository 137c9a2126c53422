"""COCO's files with wrong values and broken bytes: a score that is one, or a sentence.

Seeded, as test_fuzz.py is.
"""

import json
import random

import numpy as np

from fuzzing.attempts import Attempts
from fuzzing.mutations import changed, changed_value
from measure.coco_files import near_results, random_document, small_document
from trt_course.measure import coco, voc
from trt_course.measure.cases import without_mere_crowds
from trt_course.measure.instances import read_instances, read_results


def scores_of(truth_path, results_path):
    """Both scores of two files; each is from 0 to 1, or COCO's -1 for nothing there."""
    instances = read_instances(truth_path)
    founds = read_results(results_path, instances)
    truths = without_mere_crowds(instances.truths)
    numbers = coco.score(*coco.from_voc(truths, founds, list(truths))).numbers
    assert all(value == -1 or 0 <= value <= 1 for value in numbers.values()), numbers
    assert 0 <= voc.score(truths, founds).mean <= 1
    return numbers


def broken(rng, value):
    """The bytes of a file in which a value or some bytes are others."""
    if rng.random() < 0.7:
        return json.dumps(changed_value(rng, value)).encode()
    return changed(rng, json.dumps(value).encode())


def test_files_that_are_a_little_wrong(tmp_path):
    attempts = Attempts(tmp_path)
    truth_path = tmp_path / "truth.json"
    results_path = tmp_path / "results.json"
    rng = random.Random(11)
    pairs = []
    for document in (small_document(), random_document(np.random.RandomState(3), images=3)):
        pairs.append([document, near_results(np.random.RandomState(1), document)])
    for number in range(500):
        files = [json.dumps(value).encode() for value in pairs[number % 2]]
        wrong = rng.randrange(2)
        files[wrong] = broken(rng, pairs[number % 2][wrong])
        truth_path.write_bytes(files[0])
        results_path.write_bytes(files[1])
        attempts.try_one(scores_of, truth_path, results_path, kept=b"\n".join(files))
    assert attempts.refused > 150
    assert attempts.good > 50
