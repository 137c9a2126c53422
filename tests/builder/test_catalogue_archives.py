"""From an archive only the named members are taken, and nothing that could do harm."""

import gzip
import io
import random
import tarfile
import zipfile

import pytest

from trt_course import CourseError
from trt_course.builder.catalogue import archives
from trt_course.builder.catalogue.archives import take

NAME = "model/graph.pb"
DATA = b"graph" * 1000


def tar(path, *members):
    """Write a .tar.gz of TarInfos, each perhaps with its bytes."""
    with tarfile.open(str(path), "w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def info(name, kind=tarfile.REGTYPE, link=""):
    made = tarfile.TarInfo(name)
    made.type = kind
    made.linkname = link
    return made


def zipped(path, name, data, mode=0):
    with zipfile.ZipFile(str(path), "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        archive.writestr(member, data, zipfile.ZIP_DEFLATED)
    return path


def refused(archive, tmp_path, name=NAME):
    """What is said of an archive; nothing is written outside the named file."""
    target = tmp_path / "out" / "graph.pb"
    target.parent.mkdir()
    with pytest.raises(CourseError) as caught:
        take(archive, {name: target})
    here = sorted(path.name for path in tmp_path.iterdir())
    assert here == sorted([archive.name, "out"])
    return str(caught.value)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_member_is_taken_and_no_other(kind, tmp_path):
    archive = tmp_path / "a"
    if kind == "tar":
        tar(archive, (info("model/x"), b"x"), (info(NAME), DATA), (info("model/y"), b"y"))
    else:
        zipped(archive, NAME, DATA)
    take(archive, {NAME: tmp_path / "taken"})
    assert (tmp_path / "taken").read_bytes() == DATA
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "taken"]


@pytest.mark.parametrize("name", ["../outside", "a/../../outside", "/tmp/outside", "..\\outside"])
@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_names_that_lead_out_of_the_folder(kind, name, tmp_path):
    archive = tmp_path / "a"
    if kind == "tar":
        tar(archive, (info(name), DATA), (info(NAME), DATA))
    else:
        zipped(archive, name, DATA)
    assert "leads out of its folder" in refused(archive, tmp_path)


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_and_devices(kind, tmp_path):
    archive = tar(tmp_path / "a", (info(NAME, kind, "/etc/passwd"), b""))
    assert f"{NAME} in a is no regular file" in refused(archive, tmp_path)


@pytest.mark.parametrize("mode", [0o120777, 0o020666, 0o010666])
def test_links_and_devices_in_a_zip(mode, tmp_path):
    archive = zipped(tmp_path / "a", NAME, "/etc/passwd", mode)
    assert f"{NAME} in a is no regular file" in refused(archive, tmp_path)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_bomb(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_BYTES", 4 << 20)
    archive = tmp_path / "a"
    nought = bytes(9 << 20)
    if kind == "tar":
        tar(archive, (info("model/other"), nought), (info(NAME), DATA))
    else:
        zipped(archive, NAME, nought)
    assert archive.stat().st_size < 100000
    assert "unpacks to more than 4 MiB" in refused(archive, tmp_path)


def test_too_many_members(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "_MOST_MEMBERS", 10)
    archive = tar(tmp_path / "a", *[(info(f"m{i}"), b"") for i in range(11)])
    assert "more than 10 members" in refused(archive, tmp_path)


def test_a_member_that_is_not_there(tmp_path):
    archive = tar(tmp_path / "a", (info("other"), DATA))
    assert f"a has no member {NAME}" in refused(archive, tmp_path)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "a").write_bytes(DATA)
    assert "a is neither a .tar.gz nor a .zip" in refused(tmp_path / "a", tmp_path)


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_a_damaged_archive(kind, tmp_path):
    archive = tmp_path / "a"
    if kind == "tar":
        tar(archive, (info(NAME), bytes(range(256)) * 300))
    else:
        zipped(archive, NAME, bytes(range(256)) * 300)
    archive.write_bytes(archive.read_bytes()[:-40])
    assert "a cannot be unpacked: " in refused(archive, tmp_path)


def damaged(chance, data):
    """The bytes with a few of them changed, left out or added."""
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(4, len(data))
        way = chance.choice(["change", "drop", "add"])
        if way == "change":
            data[place] = chance.randrange(256)
        elif way == "drop":
            del data[place : place + chance.randint(1, 40)]
        else:
            data[place:place] = bytes(chance.randrange(256) for _ in range(20))
    return bytes(data)


@pytest.mark.parametrize("kind", ["tar", "packed tar", "zip"])
def test_damage_at_random_ends_in_a_sentence_or_well(kind, tmp_path):
    if kind == "zip":
        whole = zipped(tmp_path / "whole", NAME, DATA).read_bytes()
    else:
        whole = tar(tmp_path / "whole", (info("model/" + "x" * 120), b""), (info(NAME), DATA))
        whole = whole.read_bytes()
    if kind == "tar":
        whole = gzip.decompress(whole)[:7000]

    chance = random.Random(kind)
    archive = tmp_path / "a"
    ends = set()
    for number in range(60):
        data = damaged(chance, whole)
        archive.write_bytes(gzip.compress(data) if kind == "tar" else data)
        try:
            take(archive, {NAME: tmp_path / f"taken{number}"})
            ends.add("well")
        except CourseError:
            ends.add("sentence")
    assert "sentence" in ends
