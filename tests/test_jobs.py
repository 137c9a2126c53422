"""detect_one, detect_dir, detect_video: the files they leave, also after errors and Ctrl-C."""

import json
import threading
import time

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD, detect_dir, detect_one, detect_video
from trt_course.media.pictures import images_in
from trt_course.media.sources import kind_of, open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import is_hidden


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


def outlined(image, left, top, right, bottom):
    """Whether something is drawn along the left edge of a box, where the plain picture is black."""
    beside = image[top + 4 : bottom - 4, left - 1].max(axis=-1)
    return bool((beside > 60).mean() > 0.8)


def write_video(path, frames, fps=10):
    with VideoWriter(path, fps) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def test_one_picture(ssd, picture_folder, tmp_path, capsys):
    found = detect_one(ssd, picture_folder / "b.PNG", tmp_path / "out")
    assert len(found) == 2
    drawn = cv2.imread(str(tmp_path / "out" / "b.jpg"))
    assert drawn.shape == (192, 256, 3)
    for box in ((64, 32, 96, 64), (192, 128, 224, 160)):
        assert outlined(drawn, *box)
        assert not outlined(cv2.imread(str(picture_folder / "b.PNG")), *box)
    rows = (tmp_path / "out" / "b.txt").read_text()
    assert rows.startswith("red 1 64.000 32.000 96.000 64.000\n")
    said = capsys.readouterr().out
    assert "red 1 64" in said
    assert "2 objects in b.PNG" in said
    assert "b.jpg" in said


def test_folder(ssd, picture_folder, tmp_path):
    out = tmp_path / "out"
    assert detect_dir(ssd, picture_folder, out) == []
    texts = out / "detection-results"
    names = sorted(path.name for path in texts.glob("*.txt"))
    assert names == ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt"]
    assert (texts / "f.txt").read_text() == ""
    assert (texts / "c.txt").read_text().count("\n") == 2
    rows = json.loads((out / "detections.json").read_text())
    assert len(rows) == 10
    assert rows[0]["file_name"] == "a.jpg"
    assert rows[0]["image_id"] == 1
    assert {row["category_id"] for row in rows} == {2, 3}
    assert len(list((out / "pictures").glob("*.jpg"))) == 6
    assert {path.name for path in out.rglob(".*")} == {".trt_course"}


def test_folder_formats_and_faint_boxes(ssd, picture_folder, tmp_path):
    as_text = tmp_path / "t"
    detect_dir(ssd, picture_folder, as_text, formats=["voc"])
    assert not (as_text / "detections.json").exists()
    assert (as_text / "detection-results").is_dir()

    as_json = tmp_path / "j"
    detect_dir(ssd, picture_folder, as_json, formats=["coco"])
    assert (as_json / "detections.json").exists()
    assert not (as_json / "detection-results").exists()

    faint = tmp_path / "f"
    detect_dir(ssd, picture_folder, faint, draw_th=1.0)
    drawn = cv2.imread(str(faint / "pictures/c.jpg"))
    assert (faint / "detection-results/c.txt").read_text().count("\n") == 2
    assert outlined(drawn, 64, 32, 96, 64)
    assert not outlined(drawn, 192, 128, 224, 160)


def test_unreadable_pictures_are_listed_and_the_rest_is_done(ssd, picture_folder, tmp_path):
    (picture_folder / "bad.jpg").write_bytes(b"no picture")
    (picture_folder / "empty.png").write_bytes(b"")
    failed = detect_dir(ssd, picture_folder, tmp_path / "out")
    assert len(failed) == 2
    assert "bad.jpg cannot be read as a picture" in failed[0]
    assert len(list((tmp_path / "out" / "detection-results").glob("*.txt"))) == 6


def test_ctrl_c_keeps_what_is_done(ssd, picture_folder, tmp_path):
    class Interrupting:
        def __init__(self):
            self.spec = ssd.spec
            self.left = 3

        def detect(self, image, conf_th):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return ssd.detect(image, conf_th)

    with pytest.raises(KeyboardInterrupt):
        detect_dir(Interrupting(), picture_folder, tmp_path / "out")
    assert len(list((tmp_path / "out" / "detection-results").glob("*.txt"))) == 3
    assert len(json.loads((tmp_path / "out" / "detections.json").read_text())) == 6


def test_without_pictures_but_with_numbers(ssd, picture_folder, tmp_path):
    def names_in(folder):
        return sorted(path.name for path in folder.iterdir() if not is_hidden(path))

    out = tmp_path / "o"
    detect_dir(ssd, picture_folder / "[a-c]*", out, write=False)
    assert names_in(out) == ["detection-results", "detections.json"]
    assert len(json.loads((out / "detections.json").read_text())) == 6

    out = tmp_path / "p"
    detect_one(ssd, picture_folder / "a.jpg", out, write=False, save_json=True)
    assert names_in(out) == ["a.json", "a.txt"]


def test_a_source_is_never_written_over(ssd, picture_folder, moving, tmp_path):
    pictures = {path: path.read_bytes() for path in picture_folder.iterdir()}
    jpg = next(path for path in pictures if path.suffix == ".jpg")
    for call in (
        lambda: detect_one(ssd, jpg, picture_folder),
        lambda: detect_video(ssd, moving, moving.parent),
        lambda: detect_dir(ssd, picture_folder, picture_folder.parent),
    ):
        before = moving.read_bytes()
        said = "would be written over itself; choose another folder with --out"
        with pytest.raises(CourseError, match=said):
            call()
        assert moving.read_bytes() == before
        assert {path: path.read_bytes() for path in pictures} == pictures
    detect_one(ssd, jpg, picture_folder, write=False)


def test_same_name_twice(ssd, picture_folder, tmp_path):
    (picture_folder / "a.png").write_bytes((picture_folder / "a.jpg").read_bytes())
    with pytest.raises(CourseError, match="1 pictures .* share their name"):
        detect_dir(ssd, picture_folder, tmp_path / "out")


def test_sources_are_told_apart(picture_folder, tmp_path):
    assert kind_of(picture_folder) == "folder"
    assert kind_of(picture_folder / "b.PNG") == "image"
    with pytest.raises(CourseError, match="neither a picture"):
        kind_of(picture_folder / "notes.md")
    with pytest.raises(CourseError, match="no file or folder"):
        kind_of(tmp_path / "nothing")
    (tmp_path / "hollow").mkdir()
    with pytest.raises(CourseError, match="holds no pictures"):
        images_in(tmp_path / "hollow")


def test_video(ssd, cell_picture, tmp_path):
    clip = write_video(tmp_path / "clip.mp4", [cell_picture] * 7, fps=12.5)
    target = detect_video(ssd, clip, tmp_path / "out")
    with open_source(target) as video:
        frames = list(video)
    assert len(frames) == 7
    assert video.fps == 12.5
    assert frames[0].image.shape == cell_picture.shape
    assert outlined(frames[3].image, 64, 32, 96, 64)
    assert list((tmp_path / "out").glob("[!.]*")) == [target]


@pytest.fixture
def moving(tmp_path):
    """A clip of 20 frames, 10 a second; a red cell steps from left to right, a green one stays."""
    frames = []
    for i in range(20):
        frame = np.zeros((192, 256, 3), np.uint8)
        left = 32 * (i % 8)
        frame[32:64, left : left + 32] = (0, 0, 255)
        frame[128:160, 192:224] = (0, 220, 0)
        frames.append(frame)
    return write_video(tmp_path / "moving.mp4", frames)


def rows_of(out, name="moving"):
    return json.loads((out / (name + ".json")).read_text())


def test_video_boxes_belong_to_their_frames(ssd, moving, tmp_path):
    """With reading ahead, batches and writing behind, boxes still have their frame's time."""
    red_id = ssd.spec.category_ids()[3]
    lefts = [32 * (i % 8) for i in range(20)]
    for batch in (1, 3, 8):
        out = tmp_path / str(batch)
        target = detect_video(ssd, moving, out, save_json=True, batch=batch)
        red = [row for row in rows_of(out) if row["category_id"] == red_id]
        assert [row["frame"] for row in red] == list(range(20))
        assert [row["image_id"] for row in red] == list(range(1, 21))
        assert [row["time"] for row in red] == [i / 10 for i in range(20)]
        assert np.allclose([row["bbox"][0] for row in red], lefts, atol=1)
        with open_source(target) as video:
            assert len(list(video)) == 20


def test_video_stride_start_and_end(ssd, moving, tmp_path):
    out = tmp_path / "o"
    detect_video(ssd, moving, out, stride=4, start=0.3, end=1.55, save_json=True)
    assert sorted({row["frame"] for row in rows_of(out)}) == [3, 7, 11, 15]
    with open_source(out / "moving.mp4") as video:
        assert np.allclose([frame.time for frame in video], [0, 0.4, 0.8, 1.2])

    with pytest.raises(CourseError, match="holds no frame that can be read after --start"):
        detect_video(ssd, moving, out, start=5)
    with pytest.raises(CourseError, match="stride is 0; wanted: a whole number from 1 to 10000"):
        detect_video(ssd, moving, out, stride=0)


def test_video_without_writing(ssd, moving, tmp_path, capsys):
    detect_video(ssd, moving, tmp_path / "o", write=False)
    assert not (tmp_path / "o").exists()
    assert "No video written" in capsys.readouterr().out


def test_video_of_variable_rate_keeps_it(ssd, cell_picture, tmp_path):
    moments = [0, 0.5, 0.6, 1.7]
    with VideoWriter(tmp_path / "v.mp4", 10) as writer:
        for moment in moments:
            writer.write(cell_picture, moment)
    target = detect_video(ssd, tmp_path / "v.mp4", tmp_path / "o")
    with open_source(target) as video:
        assert np.allclose([frame.time for frame in video], moments, atol=1e-5)


class Wrapped:
    """A detector that does something else first."""

    def __init__(self, ssd, first):
        self.spec = ssd.spec
        self.ssd = ssd
        self.first = first
        self.calls = 0

    def detect_batch(self, images, conf_th):
        self.first(self.calls)
        self.calls += 1
        return self.ssd.detect_batch(images, conf_th)


def test_the_detector_stays_in_the_callers_thread(ssd, moving, tmp_path):
    seen = set()
    detector = Wrapped(ssd, lambda calls: seen.add(threading.current_thread()))
    detect_video(detector, moving, tmp_path / "o")
    assert seen == {threading.main_thread()}


@pytest.mark.parametrize("place", ["read", "detect", "draw", "write"])
def test_an_exception_anywhere_is_raised_once_and_nothing_hangs(
    ssd, moving, tmp_path, monkeypatch, place
):
    def fail(*_):
        raise ZeroDivisionError

    before = threading.active_count()
    detector = ssd
    if place == "read":
        from trt_course.media.video_file import VideoFile

        real = VideoFile.read
        monkeypatch.setattr(
            VideoFile, "read", lambda self: fail() if self._number == 6 else real(self)
        )
    elif place == "detect":
        detector = Wrapped(ssd, lambda calls: calls == 6 and fail())
    elif place == "draw":
        monkeypatch.setattr("trt_course.draw.BBoxVisualization.annotate", fail)
    else:
        monkeypatch.setattr("trt_course.media.writer.VideoWriter.write", fail)
    began = time.monotonic()
    with pytest.raises(ZeroDivisionError) as seen:
        detect_video(detector, moving, tmp_path / "o")
    assert seen.value.__context__ is None
    assert time.monotonic() - began < 60
    assert threading.active_count() == before
    assert list((tmp_path / "o").glob("**/*")) == []


def test_ctrl_c_keeps_the_video_so_far(ssd, moving, tmp_path):
    def stop(calls):
        if calls == 12:
            raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        detect_video(Wrapped(ssd, stop), moving, tmp_path / "o", save_json=True)
    with open_source(tmp_path / "o/moving.mp4") as video:
        assert len(list(video)) == 12
    assert rows_of(tmp_path / "o")[-1]["frame"] == 11
    assert threading.active_count() == before


def test_live_source_until_its_end(ssd, monkeypatch, tmp_path):
    """A camera of 100 pictures a second, a detector of 30 ms: newest frames, at their own times."""
    from trt_course.media import captures

    class Camera:
        def read(self):
            time.sleep(0.01)
            return True, np.full((192, 256, 3), 90, np.uint8)

        def get(self, prop):
            return 100.0

        def release(self):
            pass

    monkeypatch.setitem(captures.SCHEMES, "csi", lambda uri: Camera())
    detector = Wrapped(ssd, lambda calls: time.sleep(0.03))
    began = time.monotonic()
    target = detect_video(detector, "csi://0", tmp_path / "o", end=1)
    assert time.monotonic() - began >= 1
    with open_source(target) as video:
        times = [frame.time for frame in video]
    assert target.name == "live.mp4"
    assert 1 < len(times) < 36  # a queue of all that it shows would have given 100
    assert times[-1] <= 1.0


def test_video_that_is_none(ssd, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"nothing to see" * 100)
    with pytest.raises(CourseError, match="cannot be read as a video"):
        detect_video(ssd, tmp_path / "bad.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_video_leaves_no_half_file(ssd, cell_picture, tmp_path):
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "out" / "x.mp4", 10) as writer:
        writer.write(cell_picture)
        raise ZeroDivisionError
    assert list((tmp_path / "out").glob("[!.]*")) == []


def test_video_of_odd_size_and_of_two_sizes(tmp_path):
    odd = np.full((33, 51, 3), 90, np.uint8)
    with open_source(write_video(tmp_path / "odd.mp4", [odd] * 3)) as video:
        assert video.size == (52, 34)
        assert len(list(video)) == 3
    with pytest.raises(CourseError, match="frame 2 has size 50 x 33; the video began with 51 x 33"):
        write_video(tmp_path / "two.mp4", [odd, odd[:, :50]])
    assert not (tmp_path / "two.mp4").exists()


def test_show_sees_every_picture_with_its_boxes_and_may_end_it(ssd, moving, tmp_path):
    seen = []

    def show(picture):
        seen.append(picture)
        return True

    detect_video(ssd, moving, tmp_path / "all", show=show)
    with open_source(moving) as video:
        plain = [frame.image for frame in video]
    assert len(seen) == len(plain)
    assert all((drawn != image).any() for drawn, image in zip(seen, plain))

    answers = iter([True, True, False])
    detect_video(ssd, moving, tmp_path / "part", show=lambda picture: next(answers))
    with open_source(tmp_path / "part" / "moving.mp4") as video:
        assert len(list(video)) == 3
