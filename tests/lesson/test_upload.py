"""A picture from the reader's own computer, as the browser sends it."""

from datetime import datetime, timezone

import cv2
import numpy as np
import pytest

from trt_course.lesson.upload import PictureUpload, files_of

PICTURE = np.zeros((4, 6, 3), np.uint8)


@pytest.fixture
def png():
    done, data = cv2.imencode(".png", PICTURE)
    assert done
    return data.tobytes()


@pytest.fixture
def upload():
    """The button, and the pictures that it was given, by name."""
    seen = {}

    def look(picture, name):
        seen[name] = picture

    return PictureUpload(look), seen


def chosen(name, content):
    """What the button holds once a file is chosen."""
    return {
        "name": name,
        "type": "image/png",
        "size": len(content),
        "content": memoryview(content),
        "last_modified": datetime(2026, 1, 1, tzinfo=timezone.utc),
    }


def test_a_picture_is_looked_at(upload, png):
    button, seen = upload
    button.button.value = [chosen("my photo.png", png)]
    assert list(seen) == ["my photo.png"]
    assert (seen["my photo.png"] == PICTURE).all()


def test_what_is_no_picture_is_told_and_the_next_one_looked_at(upload, png, capsys):
    button, seen = upload
    button.button.value = [chosen("notes.txt", b"no picture")]
    assert seen == {}
    assert "notes.txt" in capsys.readouterr().out

    button.button.value = [chosen("a.png", png)]
    assert list(seen) == ["a.png"]


def test_files_are_read_as_older_widgets_have_them(png):
    value = {"a.png": {"metadata": {"name": "a.png"}, "content": png}}
    assert files_of(value) == [("a.png", png)]
    assert files_of(()) == []
