"""The check on real pictures: its labels, its figures on tiny cases and on the real detector, the clip it fetches."""

import hashlib
import http.server
import socket
import sys
import threading
import time

import cv2
import numpy as np
import pytest

import check_real_world as check
import fetch
from trt_course import Detections, find_model
from trt_course.measure import voc

BODY = b"cars " * 40_000
ADAS = ["background", "vehicle", "pedestrian"]


def test_frame_labels_are_well_formed():
    rows, (width, height) = check.read_frame_labels()
    numbers = list(rows)
    assert (
        len(numbers) == 40
        and numbers == sorted(set(numbers))
        and numbers[0] >= 0
        and numbers[-1] < 377
    )
    gaps = np.diff(numbers)
    assert gaps.min() >= 9 and gaps.max() <= 10  # evenly spread
    objects = [o for frame in rows.values() for o in frame]
    assert len(objects) == 20 and sum(difficult for _, _, difficult in objects) == 8
    for name, (x1, y1, x2, y2), difficult in objects:
        assert name in ("vehicle", "pedestrian") and isinstance(difficult, bool)
        assert 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height
        assert (
            not difficult or y1 == 0 or y2 == height
        )  # in this clip only the frame's edge hides a car


@pytest.fixture(scope="module")
def frames(shared):
    return check.clip_frames(shared / "data/car-detection.mp4")


@pytest.fixture(scope="module")
def photographs(shared):
    return check.photographs(shared / "data/coco_ccby")


def test_labels_lie_on_the_cars(frames):
    """What is brighter than the empty car park lies inside the boxes, and fills a good part of each."""
    empty = np.median(np.stack(list(frames.pictures.values())), axis=0).astype(np.uint8)
    kernel = np.ones(
        (9, 9), np.uint8
    )  # grit and painted lines, which shake with the camera, are thinner
    for name, picture in frames.pictures.items():
        exposed = cv2.convertScaleAbs(picture, alpha=float(np.median(empty) / np.median(picture)))
        bright = (cv2.subtract(exposed, empty).max(axis=2) > 60).astype(np.uint8)
        for x1, y1, x2, y2 in frames.truths[name].boxes.astype(int):
            assert bright[y1:y2, x1:x2].mean() > 0.25, name
            bright[y1:y2, x1:x2] = 0
        assert cv2.morphologyEx(bright, cv2.MORPH_OPEN, kernel).sum() < 100, name


def test_photographs_are_the_ones_described(photographs):
    counts = {name: check.count(photographs, name) for name in check.CLASSES}
    assert len(photographs.pictures) == 29
    assert counts == {
        "vehicle": (21, 0),
        "pedestrian": (107, 3),
        "bicycle": (7, 0),
        "road_sign": (4, 0),
    }


def spec(labels=ADAS, conf_threshold=0.3):
    return find_model(check.REFERENCE)._replace(labels=tuple(labels), conf_threshold=conf_threshold)


def test_figures_on_tiny_cases():
    box, far, crowd = (10, 10, 60, 60), (200, 200, 260, 260), (100, 100, 190, 190)
    truths = {
        "a": check.truth(
            [
                ("vehicle", box, False),
                ("vehicle", far, False),
                ("vehicle", crowd, True),
                ("bicycle", far, False),
            ]
        ),
        "empty": check.truth([]),
    }

    def figure(confs, boxes, empty=()):
        found = {
            "a": Detections(boxes, confs, [1] * len(confs)),
            "empty": Detections([box] * len(empty), empty, [1] * len(empty)),
        }
        result = check.figures(truths, found, spec())
        assert set(result) == {"vehicle"}  # a class that the model does not know has no figure
        return result["vehicle"]

    assert figure([0.9, 0.8], [box, far]) == (1.0, 2, 0)
    assert figure([0.9, 0.2], [box, far]) == (1.0, 1, 0)  # faint: counts for the AP, is not drawn
    assert figure([0.9, 0.8, 0.7], [box, far, crowd]) == (
        1.0,
        2,
        0,
    )  # a difficult one counts neither way
    assert figure([0.9], [box], empty=[0.95]) == (0.25, 1, 1)
    assert figure([], []) == (0.0, 0, 0)


def test_table_has_a_dash_for_a_class_the_model_lacks():
    sets = [
        check.PictureSet(
            "photographs",
            {},
            {
                "a": check.truth(
                    [
                        ("vehicle", (0, 0, 9, 9), False),
                        ("vehicle", (0, 0, 9, 9), True),
                        ("road_sign", (0, 0, 9, 9), False),
                    ]
                )
            },
        )
    ]
    lines = check.table(
        sets, {"adas": {"photographs": {"vehicle": check.Figures(0.5, 3, 1)}}}
    ).splitlines()
    assert lines[0] == "| AP50 (found / false) | photographs: vehicle | photographs: road_sign |"
    assert lines[2:] == ["| objects | 1 (+1) | 1 |", "| adas | 50.0 (3 / 1) | - |"]


def test_wide_input_is_tried_with_the_proportions_kept_too(shared):
    (as_is, stretch), (kept, letterbox) = check.variants(check.REFERENCE, shared)
    assert as_is == "adas 672x384, stretch" and kept == "adas 672x384, letterbox"
    assert stretch.input.resize == "stretch" and letterbox.input.resize == "letterbox"
    assert letterbox._replace(input=stretch.input) == stretch


def test_real_detector_on_the_labelled_frames(shared, frames):
    """Measured: 70.8 as its record says. The bound leaves room for other versions of the video decoder."""
    _, stretch = check.variants(check.REFERENCE, shared)[0]
    with check.TrtSSD(stretch, verbose=False) as ssd:
        found = check.detect_all(ssd, frames.pictures)
    assert check.figures(frames.truths, found, stretch)["vehicle"].ap > 0.6
    shifted = {
        name: voc.Truth(t.labels, t.boxes + 150, t.difficult) for name, t in frames.truths.items()
    }
    assert check.figures(shifted, found, stretch)["vehicle"].ap < 0.1  # the check can fail


def test_pictures_are_written_for_eyes(shared, frames, tmp_path):
    title, stretch = check.variants(check.REFERENCE, shared)[0]
    one = frames._replace(
        pictures={"frame-096": frames.pictures["frame-096"]},
        truths={"frame-096": frames.truths["frame-096"]},
    )
    assert check.run(check.Variant(title, stretch), [one], tmp_path)["clip frames"]["vehicle"] == (
        1.0,
        1,
        0,
    )
    drawn = cv2.imread(str(tmp_path / "adas-672x384-stretch/frame-096.jpg"))
    assert (drawn != frames.pictures["frame-096"]).any(axis=2).sum() > 1000


def test_real_detector_on_the_photographs(shared, photographs):
    """Measured: vehicles 49.2, pedestrians 33.9."""
    title, stretch = check.variants(check.REFERENCE, shared)[0]
    result = check.run(check.Variant(title, stretch), [photographs])["photographs"]
    assert (
        result["vehicle"].ap > 0.44
        and result["pedestrian"].ap > 0.29
        and set(result) == {"vehicle", "pedestrian"}
    )


def main(monkeypatch, *args):
    monkeypatch.setattr(sys, "argv", ["check_real_world.py", *map(str, args)])
    return check.main()


def test_without_the_real_pictures_it_says_so(monkeypatch, tmp_path, capsys):
    assert main(monkeypatch, "--shared", tmp_path / "nowhere") == 2
    said = capsys.readouterr().err
    assert "nowhere is not here" in said and "--shared" in said and "Traceback" not in said


def test_another_clip_is_refused(tmp_path):
    (tmp_path / "car-detection.mp4").write_bytes(b"another")
    with pytest.raises(check.CourseError, match="not the clip whose frames were labelled"):
        check.clip_frames(tmp_path / "car-detection.mp4")


def test_missing_model_is_said_and_the_rest_runs(monkeypatch, shared, photographs, frames, capsys):
    few = {name: photographs.pictures[name] for name in list(photographs.pictures)[:2]}
    small = photographs._replace(
        pictures=few, truths={name: photographs.truths[name] for name in few}
    )
    monkeypatch.setattr(check, "photographs", lambda folder: small)
    monkeypatch.setattr(check, "clip_frames", lambda clip: frames._replace(pictures={}, truths={}))
    assert main(monkeypatch, "no_such_model", "--shared", shared) == 1
    done = capsys.readouterr()
    assert (
        "There is no model 'no_such_model'" in done.err
        and "| adas 672x384, letterbox |" in done.out
    )


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        getattr(self, self.path.strip("/"))()

    def start(self, length):
        self.send_response(200)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def good(self):
        self.start(len(BODY))
        self.wfile.write(BODY)

    def wrong(self):
        self.start(5)
        self.wfile.write(b"login")

    def truncated(self):
        self.start(len(BODY))
        self.wfile.write(BODY[:-1000])

    def hanging(self):
        self.server.stop.wait(20)

    def trickling(self):
        self.start(len(BODY))
        while not self.server.stop.wait(0.02):
            self.wfile.write(b"c")

    def missing(self):
        self.send_error(404)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """The address of a server on this machine that has the clip, as far as the hash goes."""
    monkeypatch.setattr(fetch, "CLIP_SHA256", hashlib.sha256(BODY).hexdigest())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.handle_error, server.stop = lambda *args: None, threading.Event()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.stop.set()
        server.shutdown()


def test_clip_is_fetched_once(server, tmp_path, capsys):
    path = fetch.real_clip(url=server + "/good", cache=tmp_path / "cache")
    assert path.read_bytes() == BODY and list(path.parent.iterdir()) == [path]
    assert fetch.real_clip(url=server + "/missing", cache=tmp_path / "cache") == path
    assert capsys.readouterr().out == ""
    path.write_bytes(b"damaged")
    assert fetch.real_clip(url=server + "/good", cache=tmp_path / "cache").read_bytes() == BODY


@pytest.mark.parametrize(
    "fault, reason",
    [
        ("wrong", "its sha256 differs"),
        ("truncated", "connection failed|its sha256 differs"),
        ("hanging", "connection failed: Read|no answer"),
        ("trickling", "only a part of it, in 0.8 seconds"),
        ("missing", "404"),
    ],
)
def test_bad_download_is_not_kept(server, tmp_path, capsys, fault, reason):
    started = time.monotonic()
    assert fetch.real_clip(timeout=0.4, url=server + "/" + fault, cache=tmp_path / "cache") is None
    assert time.monotonic() - started < 2
    said = capsys.readouterr().out
    assert said.count("\n") == 1 and said.endswith("the kit goes on without it.\n")
    assert any(part in said for part in reason.split("|"))
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_server_and_no_cache_folder(tmp_path, capsys):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/good"
        assert fetch.real_clip(url=url, cache=tmp_path) is None
    assert fetch.real_clip(url="http://name.invalid/good", cache=tmp_path) is None
    (tmp_path / "file").write_text("")
    assert fetch.real_clip(url=url, cache=tmp_path / "file") is None
    assert capsys.readouterr().out.count("goes on without it.\n") == 3
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
