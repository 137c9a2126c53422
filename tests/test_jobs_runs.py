"""What a job heeds and says: its options, times and speed, and what it could not read."""

import json
import re
import time

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD, detect_dir, detect_one, detect_video, video_run
from trt_course.media import captures
from trt_course.media.base import Frame
from trt_course.media.sources import open_source
from trt_course.media.transcode import transcode
from trt_course.media.writer import VideoWriter
from trt_course.support.files import is_hidden
from trt_course.support.outputs import Outputs
from trt_course.video_run import VideoRun

DEADLINE = 30.0  # seconds, that only a failure waits for


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


class Wrapped:
    """A detector that does something else first, with the pictures."""

    def __init__(self, ssd, first):
        self.spec = ssd.spec
        self.ssd = ssd
        self.first = first

    def detect(self, image, conf_th=None):
        self.first([image])
        return self.ssd.detect(image, conf_th)

    def detect_batch(self, images, conf_th=None):
        self.first(images)
        return self.ssd.detect_batch(images, conf_th)


@pytest.fixture
def clip(tmp_path, cell_picture):
    """20 frames, 10 a second."""
    path = tmp_path / "clip.mp4"
    with VideoWriter(path, 10) as writer:
        for _ in range(20):
            writer.write(cell_picture)
    return path


def rows_of(path):
    return json.loads(path.with_suffix(".json").read_text())


# Options


def test_a_videos_threshold_is_heeded(ssd, clip, tmp_path):
    target = detect_video(ssd, clip, tmp_path / "o", conf_th=0.9, end=0.35, save_json=True)
    red = ssd.spec.category_ids()[3]
    assert [row["category_id"] for row in rows_of(target)] == [red] * 4


def test_the_moments_taken_begin_at_0_and_their_rate_is_lower(ssd, clip, tmp_path):
    """In the new video and among the boxes; the frames keep the numbers of the old one."""
    target = detect_video(
        ssd, clip, tmp_path / "o", conf_th=0.9, stride=4, start=0.3, save_json=True
    )
    rows = rows_of(target)
    assert [row["frame"] for row in rows] == [3, 7, 11, 15, 19]
    assert [row["image_id"] for row in rows] == [4, 8, 12, 16, 20]
    assert [row["time"] for row in rows] == [0, 0.4, 0.8, 1.2, 1.6]
    with open_source(target) as video:
        assert video.fps == 2.5


def test_start_and_end_are_the_first_moment_and_the_one_behind_the_last(ssd, clip, tmp_path):
    target = detect_video(ssd, clip, tmp_path / "o", start=0.5, end=0.8, save_json=True)
    assert sorted({row["frame"] for row in rows_of(target)}) == [5, 6, 7]


def test_an_encoder_that_is_none_is_refused(ssd, clip, tmp_path):
    for job in (
        lambda: detect_video(ssd, clip, tmp_path / "o", encoder="nvenc"),
        lambda: transcode(clip, tmp_path / "o", encoder="nvenc"),
    ):
        with pytest.raises(CourseError, match="There is no encoder 'nvenc'"):
            job()


def test_one_picture_leaves_no_more_than_was_asked(ssd, picture_folder, tmp_path):
    def names_in(folder):
        return {path.name for path in folder.iterdir() if not is_hidden(path)}

    detect_one(ssd, picture_folder / "a.jpg", tmp_path / "o")
    assert names_in(tmp_path / "o") == {"a.jpg", "a.txt"}

    detect_one(ssd, picture_folder / "a.jpg", tmp_path / "p", save_json=True)
    assert names_in(tmp_path / "p") == {"a.jpg", "a.txt", "a.json"}
    rows = json.loads((tmp_path / "p" / "a.json").read_text())
    assert [row["image_id"] for row in rows] == [1, 1]
    assert np.allclose(rows[0]["bbox"], [64, 32, 32, 32], atol=0.01)


def test_by_force_a_folders_results_replace_the_readers_files(ssd, picture_folder, tmp_path):
    mine = tmp_path / "o" / "detection-results" / "a.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    with pytest.raises(CourseError, match="a.txt is in the way"):
        detect_dir(ssd, picture_folder, tmp_path / "o")
    assert detect_dir(ssd, picture_folder, tmp_path / "o", outputs=Outputs(force=True)) == []
    assert mine.read_text().startswith("red ")


@pytest.mark.parametrize(
    "options, promised, come",
    [
        ({}, 20, 20),
        ({"stride": 3}, 7, 7),
        ({"start": 0.3}, None, 17),
        ({"end": 0.3}, None, 3),
    ],
)
def test_the_bar_promises_no_frames_that_do_not_come(
    ssd, clip, tmp_path, monkeypatch, options, promised, come
):
    bars = []

    def bar(frames, total=None, **others):
        counted = list(frames)
        bars.append((total, len(counted)))
        return counted

    monkeypatch.setattr(video_run, "progress", bar)
    detect_video(ssd, clip, tmp_path / "o", write=False, **options)
    assert bars == [(promised, come)]


# What could not be read


def test_a_cut_video_is_no_success_but_what_could_be_read_is_kept(ssd, tmp_path, capsys):
    path = tmp_path / "cut.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 10, (64, 48))
    for number in range(20):
        writer.write(np.full((48, 64, 3), 10 * number, np.uint8))
    writer.release()
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])

    for job in (
        lambda out: detect_video(ssd, path, out),
        lambda out: transcode(path, out),
    ):
        out = tmp_path / "o"
        with pytest.raises(CourseError, match="cut.avi: not all of it could be read"):
            job(out)
        with open_source(out / "cut.mp4") as video:
            assert 5 < len(list(video)) < 20
        (out / "cut.mp4").unlink()
    assert capsys.readouterr().err.count("it is cut off or damaged") == 2


def test_a_video_without_any_frame_in_time_leaves_no_boxes(ssd, clip, tmp_path):
    with pytest.raises(CourseError, match="holds no frame that can be read after --start"):
        detect_video(ssd, clip, tmp_path / "o", start=9, save_json=True)
    assert not (tmp_path / "o").exists()

    with pytest.raises(CourseError, match=r"holds no frame that can be read\.$"):
        detect_video(ssd, clip, tmp_path / "o", end=0)


# Reading ahead


def test_a_file_is_read_on_while_the_network_works(ssd, clip, tmp_path, monkeypatch):
    from trt_course.media.video_file import VideoFile

    read = []
    real = VideoFile.read

    def counting(source, *_):
        frame = real(source)
        read.append(frame)
        return frame

    def until_more_are_read(_):
        limit = time.monotonic() + DEADLINE
        while len(read) < 5 and time.monotonic() < limit:
            time.sleep(0.01)
        seen.append(len(read))

    seen = []
    monkeypatch.setattr(VideoFile, "read", counting)
    detect_video(Wrapped(ssd, until_more_are_read), clip, tmp_path / "o", end=0.5)
    assert seen[0] >= 5


class Camera:
    """A picture whenever it is asked; its number is in all the pixels."""

    def __init__(self):
        self.taken = 0

    def read(self):
        time.sleep(0.002)
        self.taken += 1
        high, low = divmod(self.taken, 256)
        return True, np.full((48, 64, 3), (low, high, 0), np.uint8)

    def get(self, prop):
        return 25.0

    def release(self):
        pass


class Late:
    """Works until the camera has taken 20 more pictures, and counts how old its own was."""

    def __init__(self, camera):
        self.camera = camera
        self.newest = 0  # when it was done with the picture before
        self.ages = []

    def __call__(self, images):
        low, high, _ = images[0][0, 0].tolist()
        self.ages.append(self.newest - (256 * high + low))
        enough = self.camera.taken + 20
        limit = time.monotonic() + DEADLINE
        while self.camera.taken < enough and time.monotonic() < limit:
            time.sleep(0.001)
        self.newest = self.camera.taken


def test_each_frame_of_a_camera_is_new_when_the_network_gets_it(ssd, tmp_path, monkeypatch):
    """However long the network took for the one before: nothing old waits in a line."""
    camera = Camera()
    late = Late(camera)
    monkeypatch.setitem(captures.SCHEMES, "csi", lambda uri: camera)
    detect_video(
        Wrapped(ssd, late), "csi://0", tmp_path / "o", show=lambda picture: len(late.ages) < 6
    )
    assert len(late.ages) == 6
    assert max(late.ages) <= 1  # the newest may be on its way to the reader


# How fast it was


def test_one_picture_says_how_long_the_detector_took(ssd, picture_folder, tmp_path, capsys):
    slow = Wrapped(ssd, lambda images: time.sleep(0.1))
    began = time.perf_counter()
    detect_one(slow, picture_folder / "a.jpg", tmp_path / "o")
    all_of_it = (time.perf_counter() - began) * 1e3
    said = re.search(r"a\.jpg, ([0-9.]+) ms for", capsys.readouterr().out)
    assert 100 <= float(said.group(1)) <= all_of_it


def test_a_video_says_how_many_frames_how_fast_and_how_long_each_took(ssd, cell_picture):
    slow = Wrapped(ssd, lambda images: time.sleep(0.02))
    run = VideoRun(slow, None, 4, None)
    frames = (Frame(cell_picture, number, number / 10, "") for number in range(10))
    began = time.perf_counter()
    run.go(frames, live=False, total=None, writer=None)
    lasted = time.perf_counter() - began
    assert len(run.seconds) == 10  # in groups of 4, 4 and 2
    assert 0.06 <= sum(run.seconds) <= lasted
    assert run.seconds[9] * 2 >= 0.02

    run.seconds = [0.001, 0.002, 0.009, 0.002]
    assert run.report(2.0) == (
        "4 frames, 2.0 FPS over all; median 2.0 ms a frame for preprocessing, network and decoding."
    )
