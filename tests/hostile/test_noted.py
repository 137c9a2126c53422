"""What the kit wrote stays its own: whatever becomes of the folder, the disk or other runs."""

import json
import os
import shutil
import stat
import subprocess

import pytest

from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.media.writer import VideoWriter
from trt_course.support import noted, temporary
from trt_course.support.files import as_json
from trt_course.support.noted import LIST
from trt_course.support.outputs import Outputs

NAMES = ["a.txt", "b.txt", "c.txt"]


def texts_in(folder):
    return [(folder / name).read_text() for name in NAMES]


def write_all(folder, text="one", between=lambda: None):
    """A run of three files; `between` happens after the first of them."""
    outputs = Outputs()
    outputs.claim(*(folder / name for name in NAMES))
    for number, name in enumerate(NAMES):
        outputs.write_text(folder / name, text)
        if number == 0:
            between()


def test_a_folder_that_goes_while_a_run_writes_into_it(tmp_path):
    out = tmp_path / "o"
    write_all(out)
    write_all(out, between=lambda: shutil.rmtree(str(out)))  # the same texts as before
    assert not (out / "a.txt").exists()
    write_all(out)
    assert texts_in(out) == ["one"] * 3


def test_a_folder_that_is_copied_or_linked(tmp_path):
    write_all(tmp_path / "o")
    shutil.copytree(str(tmp_path / "o"), str(tmp_path / "copy"))
    write_all(tmp_path / "copy", "two")
    (tmp_path / "link").symlink_to(tmp_path / "copy")
    write_all(tmp_path / "link", "three")
    assert texts_in(tmp_path / "copy") == ["three"] * 3
    write_all(tmp_path / "copy", "four")
    assert texts_in(tmp_path / "link") == ["four"] * 3
    assert texts_in(tmp_path / "o") == ["one"] * 3


def test_a_file_that_another_run_wrote_after_the_first_look(tmp_path):
    """Two runs into one folder: --trace is claimed first, the rest when the model is open."""
    Outputs().write_text(tmp_path / "trace.json", "of yesterday")
    first = Outputs()
    first.claim(tmp_path / "trace.json")
    write_all(tmp_path)
    first.claim(tmp_path / "a.txt")
    first.write_text(tmp_path / "a.txt", "two")
    assert texts_in(tmp_path) == ["two", "one", "one"]


def test_two_runs_that_take_turns(tmp_path):
    first = Outputs()
    second = Outputs()
    for number in range(20):
        for name, outputs in (("first", first), ("second", second)):
            outputs.write_text(tmp_path / f"{name}{number}.txt", name)
    lines = (tmp_path / LIST).read_text().splitlines()
    assert len(lines) == len(set(lines)) == 40


def test_a_line_that_a_full_disk_has_cut_off_spoils_no_other(tmp_path):
    write_all(tmp_path)
    with (tmp_path / LIST).open("a") as stream:
        stream.write("0123456789abcdef  d.t")
    write_all(tmp_path, "two")
    write_all(tmp_path, "three")
    assert texts_in(tmp_path) == ["three"] * 3


def test_a_full_disk_leaves_nothing_foreign(tmp_path):
    """A real one: 64 KiB in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(disk)]
    try:
        mounted = subprocess.run(mount, stderr=subprocess.DEVNULL).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("no file system may be mounted here")
    try:
        with pytest.raises(OSError, match="No space left"):
            write_all(disk, "x" * 30000)
        assert not list(disk.glob(".*~*"))
        (disk / "a.txt").unlink()
        write_all(disk, "small")
        write_all(disk, "smaller")
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_list_that_is_no_file_is_said_before_the_work(tmp_path):
    os.mkfifo(str(tmp_path / LIST))
    with pytest.raises(CourseError, match="not a regular file"):
        Outputs().claim(tmp_path / "new.txt")


def test_a_list_without_end_is_refused(tmp_path):
    with (tmp_path / LIST).open("wb") as stream:
        stream.truncate(noted._LONGEST + 1)
    with pytest.raises(CourseError, match="is more than 64 MiB long"):
        Outputs().claim(tmp_path / "new.txt")


def test_a_list_of_somebody_else_is_said_before_the_work(tmp_path, monkeypatch):
    """A folder that a group shares: all may write into it, but the list is one person's."""
    (tmp_path / LIST).touch()
    (tmp_path / LIST).chmod(0o444)
    if os.access(str(tmp_path / LIST), os.W_OK):  # by root, whom nothing is forbidden
        monkeypatch.setattr(noted.os, "access", lambda path, mode: LIST not in path)
    with pytest.raises(CourseError, match="belongs to somebody else"):
        Outputs().claim(tmp_path / "new.txt")


def test_two_results_of_one_name_are_no_silent_loss(cells, cell_picture, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    with VideoWriter(clip, 10) as writer:
        for _ in range(4):
            writer.write(cell_picture)
    out = tmp_path / "o"
    words = ["detect", clip, "--model", cells, "--out", out, "--save-json", "--trace"]
    assert main([str(word) for word in words + [out / "clip.json"]]) == 2
    assert "clip.json holds another result of this run" in capsys.readouterr().err
    assert json.loads((out / "clip.json").read_text())[0]["bbox"]  # the boxes, not the trace


def test_a_file_system_that_counts_no_names_does_not_hang(tmp_path, monkeypatch):
    """A stand-in for it: some that live in user space say 0 for every file."""

    real = os.fstat

    def no_names(descriptor):
        fields = list(real(descriptor))
        fields[stat.ST_NLINK] = 0
        return os.stat_result(fields)

    monkeypatch.setattr(temporary.os, "fstat", no_names)
    with temporary.temporary_beside(tmp_path / "a.txt") as path:
        path.write_text("text")
        assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [[], [{}], [{"b": 1.5, "a": "ü\n"}, [1, 2]], {"rows": [1]}])
def test_json_says_what_it_was_made_of(value):
    assert json.loads(as_json(value)) == value
    assert len(as_json([{"b": [1, 2]}] * 3).splitlines()) == 5
