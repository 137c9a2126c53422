"""detect_one, detect_dir, detect_video: the files they leave, also when something is wrong or Ctrl-C comes."""
import json

import cv2
import numpy as np
import pytest

from trt_course import CourseError, TrtSSD, detect_dir, detect_one, detect_video
from trt_course.media.sources import images_in, kind_of, open_source
from trt_course.media.writer import VideoWriter


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


def write_video(path, frames, fps=10):
    with VideoWriter(path, fps) as writer:
        for frame in frames:
            writer.write(frame)
    return path


def test_one_picture(ssd, picture_folder, tmp_path, capsys):
    found = detect_one(ssd, picture_folder / "b.PNG", tmp_path / "out")
    assert len(found) == 2
    drawn = cv2.imread(str(tmp_path / "out" / "b.jpg"))
    assert drawn.shape == (192, 256, 3) and drawn.any()
    assert (tmp_path / "out" / "b.txt").read_text().startswith("red 1 64.000 32.000 96.000 64.000\n")
    said = capsys.readouterr().out
    assert "red 1 64" in said and "2 objects in b.PNG" in said and "b.jpg" in said


def test_folder(ssd, picture_folder, tmp_path):
    out = tmp_path / "out"
    assert detect_dir(ssd, picture_folder, out) == []
    texts = sorted(p.name for p in (out / "detection-results").iterdir())
    assert texts == ["a.txt", "b.txt", "c.txt", "d.txt", "e.txt", "f.txt"]
    assert (out / "detection-results" / "f.txt").read_text() == ""
    assert (out / "detection-results" / "c.txt").read_text().count("\n") == 2
    rows = json.loads((out / "detections.json").read_text())
    assert len(rows) == 10 and rows[0]["file_name"] == "a.jpg" and rows[0]["image_id"] == 1
    assert {r["category_id"] for r in rows} == {2, 3}
    assert len(list((out / "pictures").iterdir())) == 6
    assert not [p for p in out.rglob(".*")]


def test_folder_formats_and_faint_boxes(ssd, picture_folder, tmp_path):
    detect_dir(ssd, picture_folder, tmp_path / "t", formats=["voc"])
    detect_dir(ssd, picture_folder, tmp_path / "j", formats=["coco"])
    assert not (tmp_path / "t" / "detections.json").exists() and (tmp_path / "t" / "detection-results").is_dir()
    assert (tmp_path / "j" / "detections.json").exists() and not (tmp_path / "j" / "detection-results").exists()
    detect_dir(ssd, picture_folder, tmp_path / "f", draw_th=1.0)
    drawn = cv2.imread(str(tmp_path / "f/pictures/c.jpg"))
    assert (tmp_path / "f/detection-results/c.txt").read_text().count("\n") == 2
    assert not (drawn[128:160, 190:194] > 220).any()


def test_unreadable_pictures_are_listed_and_the_rest_is_done(ssd, picture_folder, tmp_path):
    (picture_folder / "bad.jpg").write_bytes(b"no picture")
    (picture_folder / "empty.png").write_bytes(b"")
    failed = detect_dir(ssd, picture_folder, tmp_path / "out")
    assert len(failed) == 2 and "bad.jpg cannot be read as a picture" in failed[0]
    assert len(list((tmp_path / "out" / "detection-results").iterdir())) == 6


def test_ctrl_c_keeps_what_is_done(ssd, picture_folder, tmp_path):
    class Interrupting:
        spec = ssd.spec
        left = 3

        def detect(self, image, conf_th):
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return ssd.detect(image, conf_th)

    with pytest.raises(KeyboardInterrupt):
        detect_dir(Interrupting(), picture_folder, tmp_path / "out")
    assert len(list((tmp_path / "out" / "detection-results").iterdir())) == 3
    assert len(json.loads((tmp_path / "out" / "detections.json").read_text())) == 6


def test_same_name_twice(ssd, picture_folder, tmp_path):
    (picture_folder / "a.png").write_bytes((picture_folder / "a.jpg").read_bytes())
    with pytest.raises(CourseError, match="1 pictures .* share their name"):
        detect_dir(ssd, picture_folder, tmp_path / "out")


def test_sources_are_told_apart(picture_folder, tmp_path):
    assert kind_of(picture_folder) == "folder" and kind_of(picture_folder / "b.PNG") == "image"
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
    assert len(frames) == 7 and video.fps == 12.5 and frames[0].image.shape == cell_picture.shape
    assert frames[3].image[34, 66, 2] > 128 and not [p for p in (tmp_path / "out").iterdir() if p != target]


def test_video_that_is_none(ssd, tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"nothing to see" * 100)
    with pytest.raises(CourseError, match="cannot be read as a video"):
        detect_video(ssd, tmp_path / "bad.mp4", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_video_leaves_no_half_file(ssd, cell_picture, tmp_path):
    with pytest.raises(ZeroDivisionError), VideoWriter(tmp_path / "out" / "x.mp4", 10) as writer:
        writer.write(cell_picture)
        raise ZeroDivisionError
    assert list((tmp_path / "out").iterdir()) == []


def test_video_of_odd_size_and_of_two_sizes(tmp_path):
    odd = np.full((33, 51, 3), 90, np.uint8)
    with open_source(write_video(tmp_path / "odd.mp4", [odd] * 3)) as video:
        assert video.size == (52, 34) and len(list(video)) == 3
    with pytest.raises(CourseError, match="frame 2 has size 50 x 33; the video began with 51 x 33"):
        write_video(tmp_path / "two.mp4", [odd, odd[:, :50]])
    assert not (tmp_path / "two.mp4").exists()
