"""What the three jobs draw: each box around its object, in its own picture, and nothing elsewhere.

All is seen on the written files, against the pictures that went in.
"""

import cv2
import numpy as np
import pytest

from trt_course import TrtSSD, detect_dir, detect_one, detect_video
from trt_course.media.pictures import read_image
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter

# left, top, right, bottom in cell_picture
RED = (64, 32, 96, 64)
GREEN = (192, 128, 224, 160)

# mean differences of a pixel's three colours: JPEG and H.264 stay below, lines are far above
SAME = 20
OTHER = 60


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


def edges(difference, box):
    """The strips of a difference where the box's four lines must be, two pixels wide."""
    left, top, right, bottom = box
    inside = slice(3, -3)  # without the corners
    return [
        difference[top : bottom + 1, left : left + 2][inside],
        difference[top : bottom + 1, right - 1 : right + 1][inside],
        difference[top : top + 2, left : right + 1][:, inside],
        difference[bottom - 1 : bottom + 1, left : right + 1][:, inside],
    ]


def outlined(drawn, plain, box):
    """Whether all four lines of the box are on the drawn picture, and its inside is as before."""
    difference = np.abs(drawn.astype(int) - plain).mean(axis=2)
    left, top, right, bottom = box
    inside = difference[top + 6 : bottom - 6, left + 6 : right - 6]
    lines = [edge.max(axis=edge.shape.index(2)).mean() for edge in edges(difference, box)]
    return min(lines) > OTHER and inside.mean() < SAME


def unchanged(drawn, plain, box):
    """Whether nothing was drawn where the box's lines would be."""
    difference = np.abs(drawn.astype(int) - plain).mean(axis=2)
    return max(edge.mean() for edge in edges(difference, box)) < SAME


def test_one_picture_is_written_with_its_boxes(ssd, picture_folder, cell_picture, tmp_path):
    detect_one(ssd, picture_folder / "b.PNG", tmp_path / "out")
    drawn = read_image(tmp_path / "out" / "b.jpg")
    assert outlined(drawn, cell_picture, RED)
    assert outlined(drawn, cell_picture, GREEN)

    detect_one(ssd, picture_folder / "b.PNG", tmp_path / "sure", conf_th=0.9)
    drawn = read_image(tmp_path / "sure" / "b.jpg")
    assert outlined(drawn, cell_picture, RED)
    assert unchanged(drawn, cell_picture, GREEN)


def test_each_picture_of_a_folder_is_written_with_its_own_boxes(ssd, cell_picture, tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    green_only = cell_picture.copy()
    green_only[:100] = 0
    black = np.zeros_like(cell_picture)
    pictures = {"a": cell_picture, "b": green_only, "c": black}
    boxes = {"a": [RED, GREEN], "b": [GREEN], "c": []}
    for name, picture in pictures.items():
        cv2.imwrite(str(folder / f"{name}.png"), picture)

    assert detect_dir(ssd, folder, tmp_path / "out") == []
    for name, plain in pictures.items():
        drawn = read_image(tmp_path / "out" / "pictures" / f"{name}.jpg")
        for box in (RED, GREEN):
            seen = outlined if box in boxes[name] else unchanged
            assert seen(drawn, plain, box), (name, box)


def test_draw_th_keeps_faint_boxes_out_of_the_picture_alone(ssd, cell_picture, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), cell_picture)
    detect_dir(ssd, tmp_path / "a.png", tmp_path / "out", draw_th=0.9)
    drawn = read_image(tmp_path / "out" / "pictures" / "a.jpg")
    assert outlined(drawn, cell_picture, RED)
    assert unchanged(drawn, cell_picture, GREEN)
    assert (tmp_path / "out" / "detection-results" / "a.txt").read_text().count("\n") == 2


def test_each_frame_of_a_video_is_written_with_its_own_boxes(ssd, tmp_path):
    """The object is somewhere else in every frame, its box too: written, and shown in a window."""
    places = [(32 * column, 64, 32 * column + 32, 96) for column in range(1, 7)]
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for left, top, right, bottom in places:
            frame = np.zeros((192, 256, 3), np.uint8)
            frame[top:bottom, left:right] = (0, 0, 255)
            writer.write(frame)
    with open_source(clip) as video:
        plain = [frame.image for frame in video]

    shown = []
    target = detect_video(
        ssd, clip, tmp_path / "out", batch=2, show=lambda picture: shown.append(picture) or True
    )
    with open_source(target) as video:
        written = [frame.image for frame in video]

    for pictures in (written, shown):
        assert len(pictures) == len(plain) == len(places)
        for number, (drawn, image) in enumerate(zip(pictures, plain)):
            assert outlined(drawn, image, places[number])
            others = places[: max(number - 1, 0)] + places[number + 2 :]  # that do not touch it
            assert all(unchanged(drawn, image, other) for other in others)
