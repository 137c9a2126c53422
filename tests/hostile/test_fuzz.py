"""Some thousands of tries with files and words that are wrong: a good end or a sentence each.

Seeded: a try that ends badly ends so again, and its input is kept in the test's folder.
"""

import json
import os
import random
import shutil
import subprocess
import sys

import cv2
import imageio_ffmpeg
import numpy as np
import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contest.hand_ins import made_up, sealed
from fuzzing import arguments
from fuzzing.attempts import Attempts
from fuzzing.mutations import EVIL, changed, changed_value, cut
from trt_course import Detections, TrtSSD
from trt_course.contest.handin import read_hand_in
from trt_course.measure import voc
from trt_course.media.pictures import read_image
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.model.spec import read_spec
from trt_course.support.files import read_json

pytestmark = pytest.mark.long

SETTINGS = settings(
    max_examples=400,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture
def attempts(tmp_path):
    """Attempts that leave no thread, no child and no temporary file behind."""
    kept = tmp_path / "kept"
    kept.mkdir()
    here = psutil.Process()
    threads = here.num_threads()
    tries = Attempts(kept)
    yield tries
    assert not here.children(recursive=True)
    assert here.num_threads() < threads + 40  # the libraries' own pools
    assert not [path for path in tmp_path.rglob(".*~trt_course*")]
    print(f"{tries.count} tries: {tries.good} good, {tries.refused} refused")


# Models


def opened_and_used(record, picture):
    """A detector of a record, and what it finds; whatever it finds, it is Detections."""
    read_spec(record)
    with TrtSSD(record.parent, backend="cpu", verbose=False) as ssd:
        found = ssd.detect(picture)
    assert isinstance(found, Detections)
    assert np.isfinite(found.boxes).all()
    return found


def test_records(attempts, cells, cell_picture, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(str(cells), str(folder))
    record = folder / "model.json"
    value = json.loads(record.read_text())
    rng = random.Random(1)
    for number in range(1200):
        data = json.dumps(changed_value(rng, value)).encode()
        if number % 4 == 0:
            data = changed(rng, record_bytes(value))
        record.write_bytes(data)
        attempts.try_one(opened_and_used, record, cell_picture, kept=data)
    assert attempts.good > 5 and attempts.refused > 100


def record_bytes(value):
    return json.dumps(value, indent=1).encode()


def test_networks(attempts, cells, cell_picture, tmp_path):
    folder = tmp_path / "model"
    shutil.copytree(str(cells), str(folder))
    network = folder / "model.onnx"
    data = network.read_bytes()
    rng = random.Random(2)
    for number in range(1000):
        wrong = cut(rng, data) if number % 5 == 0 else changed(rng, data)
        network.write_bytes(wrong)
        attempts.try_one(opened_and_used, folder / "model.json", cell_picture, kept=wrong)
    assert attempts.good > 10 and attempts.refused > 50


# Pictures and videos


def a_picture():
    """Something with edges and noise, so that no stretch of its file is idle."""
    noise = np.random.RandomState(5).randint(0, 255, (60, 80, 3), np.uint8)
    noise[10:30, 20:60] = (0, 0, 255)
    return cv2.GaussianBlur(noise, (5, 5), 0)


@pytest.mark.parametrize("ending", ["jpg", "png", "webp", "bmp", "tiff", "ppm"])
def test_pictures(ending, attempts, tmp_path):
    encoded = cv2.imencode("." + ending, a_picture())[1].tobytes()
    path = tmp_path / ("a." + ending)
    path.write_bytes(encoded)
    whole = read_image(path)
    rng = random.Random(ending)
    for number in range(250):
        is_cut = number % 3 == 0
        wrong = cut(rng, encoded) if is_cut else changed(rng, encoded)
        path.write_bytes(wrong)
        image = attempts.try_one(read_image, path, kept=wrong)
        if image is None:
            continue
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        # What is cut is refused, or nothing of the picture was cut.
        assert not is_cut or np.array_equal(image, whole), f"{len(wrong)} of {len(encoded)} bytes"
    assert attempts.refused > 25


def write_clips(folder):
    """A clip of 12 frames as MP4, and by FFmpeg without change in other containers."""
    mp4 = folder / "a.mp4"
    with VideoWriter(mp4, 10) as writer:
        for number in range(12):
            image = a_picture()
            image[:, number * 5 : number * 5 + 5] = 255
            writer.write(image)

    clips = [mp4]
    for ending in ("mkv", "ts", "avi"):
        clips.append(folder / ("a." + ending))
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(mp4), "-c", "copy"]
        subprocess.run(command + [str(clips[-1])], check=True)
    return clips


def frames_of(path):
    """How many frames a video has, and whether it said that some are missing."""
    with open_source(path) as video:
        frames = 0
        for frame in video:
            assert frame.image.dtype == np.uint8 and frame.image.ndim == 3
            frames += 1
        return frames, video.short


def test_videos(attempts, tmp_path, capsys):
    rng = random.Random(4)
    for path in write_clips(tmp_path):
        data = path.read_bytes()
        assert frames_of(path) == (12, False)
        for number in range(120):
            is_cut = number % 3 == 0
            wrong = cut(rng, data) if is_cut else changed(rng, data)
            path.write_bytes(wrong)
            seen = attempts.try_one(frames_of, path, kept=wrong)
            if seen is None:
                continue
            frames, short = seen
            told = f"{path.name}: {frames} frames of {len(wrong)} of {len(data)} bytes"
            assert frames or short, told
            assert not is_cut or short or frames == 12, told
    assert attempts.refused > 10


# Text and JSON

LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            " ".join,
            st.lists(
                st.one_of(
                    st.sampled_from(["car", "0.5", "1", "-3", "1e300", "nan", "inf", "difficult"]),
                    st.floats(allow_nan=True).map(repr),
                    st.integers().map(str),
                ),
                max_size=8,
            ),
        ),
    ),
    max_size=6,
).map("\n".join)
GOOD = "car 0.9 1 1 20 20\ncar 0.8 30 30 50 60"


def test_texts(attempts, tmp_path):
    truth_path = tmp_path / "truth.txt"
    found_path = tmp_path / "found.txt"

    @SETTINGS
    @given(LINES, LINES)
    def scored(truth_text, found_text):
        truth_path.write_text(truth_text, encoding="utf-8", errors="replace")
        found_path.write_text(found_text or GOOD, encoding="utf-8", errors="replace")
        attempts.try_one(score_of, kept=repr((truth_text, found_text)))

    def score_of():
        truths = {"a": voc.read_truth(truth_path)}
        founds = {"a": voc.read_found(found_path)}
        mean = voc.score(truths, founds).mean
        assert 0 <= mean <= 1
        return mean

    scored()
    assert attempts.count >= 200


def test_json(attempts, tmp_path):
    path = tmp_path / "value.json"
    value = {"a": [1, 2.5, "b", {"c": None}], "d": {"e": [[True]]}}
    rng = random.Random(6)
    for _ in range(400):
        wrong = changed(rng, json.dumps(value).encode())
        path.write_bytes(wrong)
        attempts.try_one(read_json, path, "a test", kept=wrong)
    assert attempts.refused > 50


# The contest


def test_hand_ins(attempts, tmp_path):
    """A changed hand-in is refused; one that is sealed anew is refused or says something sane."""
    path = tmp_path / "team.json"
    honest = made_up("Ada")
    rng = random.Random(7)
    for number in range(1000):
        value = changed_value(rng, honest)
        is_resealed = number % 2 == 0
        if is_resealed:
            value = sealed(value)
        data = json.dumps(value).encode()
        path.write_bytes(data)
        entry = attempts.try_one(read_hand_in, path, kept=data)
        if entry is not None:
            assert is_resealed or value == honest, data
            assert min(entry.frame_ms) > 0
            assert isinstance(entry.restructured, bool)
    assert attempts.refused > 200


# Arguments


def test_arguments(attempts, cells, picture_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = arguments.Place(tmp_path, cells, picture_folder, write_clips(tmp_path)[0])
    rng = random.Random(8)
    for _ in range(400):
        attempts.run(*arguments.command(rng, place))
    assert attempts.count == 400


def test_arguments_of_processes(cells, picture_folder, tmp_path):
    """As typed: also the exit status and the words are the process's own."""
    place = arguments.Place(tmp_path, cells, picture_folder, write_clips(tmp_path)[0])
    rng = random.Random(9)
    for _ in range(50):
        words = [sys.executable, "-m", "trt_course"] + arguments.command(rng, place)
        job = subprocess.run(
            [os.fsencode(word) for word in words],
            cwd=str(tmp_path),
            env=dict(os.environ, PYTHONPATH=str(arguments.KIT), TQDM_DISABLE="1"),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=300,
        )
        said = f"{words}: {job.returncode}, {job.stderr!r}"
        assert job.returncode in (0, 1, 2), said
        assert b"Traceback" not in job.stderr, said
        assert job.returncode == 0 or job.stderr.strip(), said


def test_evil_values_are_all_tried():
    """In as many tries as the hand-ins get, from the same seed."""
    rng = random.Random(7)
    seen = set()
    for _ in range(1000):
        value = changed_value(rng, {"a": [1, 2], "b": {"c": 3}})
        seen.update(map(repr, parts_of(value)))
    assert {repr(evil) for evil in EVIL} <= seen


def parts_of(value):
    """The value, and all that it holds."""
    yield value
    parts = value
    if isinstance(value, dict):
        parts = value.values()
    if isinstance(value, (dict, list)):
        for part in parts:
            yield from parts_of(part)
