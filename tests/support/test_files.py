"""Which file a path names, that no source is written over, and what is read with care."""

import os
import subprocess

import cv2
import pytest

from trt_course import CourseError, TrtSSD, detect_dir, detect_one, detect_video
from trt_course.media.transcode import transcode
from trt_course.media.writer import VideoWriter
from trt_course.support.files import (
    KIT,
    kit_path,
    read_json,
    read_small,
    read_text,
    require_apart,
    sha256,
)
from trt_course.support.outputs import Outputs


@pytest.fixture
def ssd(cells):
    with TrtSSD(cells, verbose=False) as opened:
        yield opened


# Which file is meant


def test_the_readers_own_file_comes_before_the_kits(ssd, cell_picture, tmp_path, monkeypatch):
    name = "data/signs/images/000008.jpg"
    monkeypatch.chdir(tmp_path)
    assert kit_path(name) == KIT / name

    own = tmp_path / name
    own.parent.mkdir(parents=True)
    cv2.imwrite(str(own), cell_picture)
    assert kit_path(name).resolve() == own
    assert len(detect_one(ssd, name, tmp_path / "out")) == 2  # of the kit's picture more
    assert kit_path("data").resolve() == tmp_path / "data"


def test_only_a_relative_name_is_looked_for_in_the_kit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert kit_path("data/nothing.jpg").resolve() == tmp_path / "data/nothing.jpg"
    assert kit_path(tmp_path / "README.md") == tmp_path / "README.md"


def test_a_tilde_is_the_home_folder_and_may_be_a_name(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert kit_path("~/a.jpg") == tmp_path / "a.jpg"
    assert str(kit_path("~nobody-of-this-name/a.jpg")) == "~nobody-of-this-name/a.jpg"


# No source is written over


def relative(path):
    """From the folder in which the tests run."""
    return os.path.relpath(str(path))


def with_detour(path):
    """Through a folder that is there."""
    detour = path.parent / "detour"
    detour.mkdir(exist_ok=True)
    return detour / ".." / path.name


def in_linked_folder(path):
    link = path.parent.parent / "linked-folder"
    if not link.exists():
        link.symlink_to(path.parent)
    return link / path.name


def linked(path):
    link = path.parent.parent / "elsewhere" / path.name
    link.parent.mkdir(exist_ok=True)
    if not link.exists():
        link.symlink_to(path)
    return link


def hard_linked(path):
    """As on a disk where A.JPG and a.jpg are one file, too."""
    link = path.parent.parent / "other-name" / path.name
    link.parent.mkdir(exist_ok=True)
    if not link.exists():
        os.link(str(path), str(link))
    return link


SPELLINGS = [str, relative, with_detour, in_linked_folder, linked, hard_linked]


@pytest.fixture
def sources(tmp_path, cell_picture):
    """A picture and a video by the names of their own results, in one folder."""
    folder = tmp_path / "in" / "pictures"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "a.jpg"), cell_picture)
    with VideoWriter(folder / "clip.mp4", 10, outputs=Outputs(force=True)) as writer:
        writer.write(cell_picture)
    return folder


@pytest.mark.parametrize("spell", SPELLINGS)
def test_no_job_writes_over_its_source_however_it_is_spelled(ssd, sources, spell):
    """Not even by force."""
    picture = sources / "a.jpg"
    clip = sources / "clip.mp4"
    before = (picture.read_bytes(), clip.read_bytes())
    force = Outputs(force=True)
    jobs = [
        lambda: detect_one(ssd, spell(picture), sources, outputs=force),
        lambda: detect_dir(ssd, spell(picture), sources.parent, outputs=force),
        lambda: detect_video(ssd, spell(clip), sources, outputs=force),
        lambda: transcode(spell(clip), sources, outputs=force),
    ]
    for job in jobs:
        with pytest.raises(CourseError, match="would be written over itself; choose another"):
            job()
    assert (picture.read_bytes(), clip.read_bytes()) == before


@pytest.mark.parametrize("ending", ["txt", "json"])
def test_nor_does_a_text_replace_a_picture_of_its_name(ssd, sources, ending):
    """What a file is does not hang on its ending, and force is no permission for that."""
    force = Outputs(force=True)
    picture = sources / f"a.{ending}"
    (sources / "a.jpg").rename(picture)
    before = picture.read_bytes()
    with pytest.raises(CourseError, match="written over itself"):
        detect_one(ssd, picture, sources, save_json=True, write=False, outputs=force)

    folder = sources.parent / "detection-results"
    sources.rename(folder)
    name = {"txt": "a.txt", "json": "../detections.json"}[ending]
    place = folder / name
    (folder / picture.name).rename(place)
    with pytest.raises(CourseError, match="written over itself"):
        detect_dir(ssd, place, folder.parent, write=False, outputs=force)
    assert place.read_bytes() == before


def test_nor_do_boxes_replace_a_video_of_their_name(ssd, sources):
    clip = sources / "clip.json"
    (sources / "clip.mp4").rename(clip)
    before = clip.read_bytes()
    with pytest.raises(CourseError, match="written over itself"):
        detect_video(ssd, clip, sources, save_json=True, write=False, outputs=Outputs(force=True))
    assert clip.read_bytes() == before


def test_a_result_beside_its_source_is_fine(tmp_path):
    (tmp_path / "a.png").touch()
    (tmp_path / "a.jpg").touch()
    require_apart(tmp_path / "a.png", tmp_path / "a.jpg", tmp_path / "a.txt")
    require_apart(tmp_path / "gone.png", tmp_path / "a.jpg")


@pytest.mark.parametrize("spell", [relative, with_detour, in_linked_folder])
def test_one_result_is_not_written_over_another_of_the_run(tmp_path, spell):
    path = tmp_path / "in" / "a.json"
    path.parent.mkdir()
    outputs = Outputs()
    outputs.write_json(path, {"rows": 1})
    with pytest.raises(CourseError, match="a.json holds another result of this run"):
        outputs.write_json(spell(path), {"rows": 2})
    assert read_json(path, "rows") == {"rows": 1}


# What is read


def test_a_small_file_is_read_up_to_its_bound_and_no_further(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"1" * 100)
    assert read_small(path, "figures", most=100) == b"1" * 100
    with pytest.raises(CourseError, match="a.json is more than .* MiB long, too much for figures"):
        read_small(path, "figures", most=99)

    path.write_bytes(b"")
    assert read_small(path, "figures") == b""


def test_a_file_that_grows_while_it_is_read_is_read_to_its_end(tmp_path):
    """As files of /proc, which say that they are empty; up to the bound."""
    long_name = "x" * 100
    child = subprocess.Popen(["sleep", "60"], env={long_name: "y" * 3_000})
    try:
        place = f"/proc/{child.pid}/environ"
        if not os.path.exists(place):
            pytest.skip("no /proc here")
        while not read_small(place, "an environment").startswith(long_name.encode()):
            assert child.poll() is None
        assert len(read_small(place, "an environment")) == 100 + 1 + 3_000 + 1
        with pytest.raises(CourseError, match="too much for an environment"):
            read_small(place, "an environment", most=3_000)
    finally:
        child.kill()
        child.wait()


def test_a_text_may_begin_with_a_mark_and_must_be_utf8(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_bytes("größe\n".encode("utf-8-sig"))
    assert read_text(path, "labels") == "größe\n"
    path.write_bytes(b"one\ntwo\ncaf\xe9\n")
    with pytest.raises(CourseError, match="labels.txt, line 3: not UTF-8; wanted: labels. Save"):
        read_text(path, "labels")


def test_what_cannot_be_opened_says_why(tmp_path):
    with pytest.raises(CourseError, match="There is no file .*none; wanted: figures"):
        read_small(tmp_path / "none", "figures")
    with pytest.raises(CourseError, match="is not a regular file; wanted: figures"):
        read_small(tmp_path, "figures")
    with pytest.raises(CourseError, match="cannot be opened as figures: .*null"):
        read_small("a\0b", "figures")
    with pytest.raises(CourseError, match="cannot be opened as figures: .*[Nn]ame too long"):
        read_small(tmp_path / ("x" * 300), "figures")


def test_a_refused_folder_leaves_nothing_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        with pytest.raises(CourseError):
            read_small(tmp_path, "figures")
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_digest_is_of_the_whole_file(tmp_path):
    """Also of one that is read in several pieces: sha256sum says what is right."""
    path = tmp_path / "a.bin"
    path.write_bytes(os.urandom((2 << 20) + 5))
    said = subprocess.run(["sha256sum", str(path)], stdout=subprocess.PIPE, check=True).stdout
    assert sha256(path) == said.split()[0].decode()
