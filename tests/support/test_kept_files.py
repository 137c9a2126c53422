"""What becomes of the list of the kit's own files, and of the files: readable, and known again."""

import os

import pytest

from trt_course import CourseError
from trt_course.support import outputs as outputs_module
from trt_course.support.files import as_json, sha256, whole_file, write_text
from trt_course.support.noted import LIST, Noted
from trt_course.support.outputs import Outputs


def write(folder, name, text="text"):
    path = folder / name
    path.write_text(text)
    return path


def note(noted, path):
    noted.add(path.name, sha256(path))


# The list


def test_two_runs_know_what_the_other_wrote_however_they_take_turns(tmp_path):
    first = Noted(tmp_path)
    second = Noted(tmp_path)
    paths = []
    for turn in range(6):
        for noted in (first, second) if turn % 2 else (second, first, first):
            paths.append(write(tmp_path, "n" * (len(paths) + 1), str(len(paths))))
            note(noted, paths[-1])
            assert all(first.has(path) and second.has(path) for path in paths)
    lines = (tmp_path / LIST).read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == [path.name for path in paths]


@pytest.mark.parametrize("longer", [False, True])
def test_what_another_list_does_not_name_is_not_the_kits(tmp_path, longer):
    """Somebody has put it in the place of the one that was read."""
    noted = Noted(tmp_path)
    path = write(tmp_path, "a.txt")
    note(noted, path)
    assert noted.has(path)

    old = (tmp_path / LIST).read_text()
    other = tmp_path / "other"
    other.write_text(old.replace("a.txt", "b.txt") * (3 if longer else 1))
    os.replace(str(other), str(tmp_path / LIST))
    assert not noted.has(path)
    assert noted.has(write(tmp_path, "b.txt"))


def test_what_a_list_that_was_cut_does_not_name_any_more_is_not_the_kits(tmp_path):
    noted = Noted(tmp_path)
    paths = [write(tmp_path, name) for name in ("a.txt", "b.txt")]
    for path in paths:
        note(noted, path)
    with (tmp_path / LIST).open("r+") as stream:
        stream.truncate(len(stream.readline()))
    assert noted.has(paths[0])
    assert not noted.has(paths[1])


# The files


def test_a_file_whose_digest_nobody_said_is_known_again(tmp_path):
    """As videos are written: by another program, under the temporary name."""
    for text in ("one", "two"):
        with Outputs().whole_file(tmp_path / "a.mp4") as temporary:
            temporary.write_text(text)
    assert (tmp_path / "a.mp4").read_text() == "two"
    assert Noted(tmp_path).has(tmp_path / "a.mp4")


def test_a_file_counts_even_where_it_cannot_be_noted(tmp_path, monkeypatch):
    def full(noted, name, digest):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Noted, "add", full)
    Outputs().write_text(tmp_path / "a.txt", "text")
    assert (tmp_path / "a.txt").read_text() == "text"


def test_results_have_the_permissions_of_other_new_files(tmp_path):
    """Others in a lab may read them."""
    plain = write(tmp_path, "plain.txt")
    Outputs().write_text(tmp_path / "a" / "b" / "result.txt", "text")
    write_text(tmp_path / "c" / "d" / "result.txt", "text")
    for path in (tmp_path / "a/b/result.txt", tmp_path / "c/d/result.txt"):
        assert path.stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize("mode", [0o500, 0o600])
def test_a_folder_that_may_not_be_written_to_is_told_before_the_work(tmp_path, monkeypatch, mode):
    """Neither without the permission to write nor without that to enter."""
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(mode)
    if os.getuid() == 0:  # nothing is forbidden to root, so the owner's bits are asked here

        def access(path, wanted):
            return os.stat(path).st_mode >> 6 & wanted == wanted

        monkeypatch.setattr(outputs_module.os, "access", access)
    message = "Nothing can be written to .*new: you have no permission to write to .*closed"
    with pytest.raises(CourseError, match=message):
        Outputs().claim(closed / "new" / "a.txt")


def test_an_error_within_the_block_leaves_the_old_file_and_no_other(tmp_path):
    path = tmp_path / "a.txt"
    Outputs().write_text(path, "old")
    for write_whole in (Outputs().whole_file, whole_file):
        with pytest.raises(ZeroDivisionError), write_whole(path) as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError
        assert path.read_text() == "old"
        assert sorted(os.listdir(str(tmp_path))) == [LIST, "a.txt"]
    Outputs().write_text(path, "new")


def test_json_can_be_compared_line_by_line():
    assert as_json({"b": [1, 2], "a": None}) == '{\n "a": null,\n "b": [\n  1,\n  2\n ]\n}\n'
    assert as_json([{"b": 1, "a": 2}, 3]) == '[\n{"a": 2, "b": 1},\n3\n]\n'
    assert as_json([]) == "[]\n"
