"""Any video file as an MP4 that plays in a browser."""

import shutil

import cv2
import numpy as np
import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media.sources import open_source
from trt_course.media.transcode import transcode


def picture(i):
    image = np.full((48, 64, 3), (40, 80, 20 + 30 * i), np.uint8)
    image[:, 32:] = (200, 30, 10)
    return image


def read(path):
    with open_source(path) as source:
        return list(source)


@pytest.fixture
def avi(tmp_path):
    """Seven frames, as the original course wrote them."""
    path = tmp_path / "result.AVI"
    codec = cv2.VideoWriter_fourcc(*"XVID")
    writer = cv2.VideoWriter(str(path), codec, 12.5, (64, 48))
    for i in range(7):
        writer.write(picture(i))
    writer.release()
    return path


def test_transcode_the_avi_of_the_original_course(avi, tmp_path, capsys):
    target = tmp_path / "o/result.mp4"
    assert main(["transcode", str(avi), "--out", str(target.parent)]) == 0
    assert capsys.readouterr().out.strip() == str(target)

    times = [frame.time for frame in read(target)]
    assert len(times) == 7
    assert np.allclose(times, np.arange(7) / 12.5, atol=1e-4)
    with pytest.raises(CourseError, match="written over itself"):
        transcode(target, target.parent)


def test_names_with_a_colon(avi, tmp_path, monkeypatch):
    """FFmpeg would look for the protocol "take"."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(str(avi), "take:2.AVI")
    assert main(["transcode", "take:2.AVI", "--out", "out:1"]) == 0
    assert len(read(tmp_path / "out:1/take:2.mp4")) == 7
