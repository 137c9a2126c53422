"""The sample data: folders are written whole, and what differs between two makings is named."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

import make_data

TOOL = Path(make_data.__file__)
PARTS = ["ground-truth/000000.txt", "images/000000.jpg"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder of one picture."""
    folder = tmp_path_factory.mktemp("made")
    make_data.make_folder(folder, "signs", "val", 1)
    return folder


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.long
def test_a_folder_is_written_whole(tmp_path):
    make_data.make_folder(tmp_path, "signs", "val", 2, start=7)
    names = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert names == ["000007.jpg", "000008.jpg"]
    book = json.loads((tmp_path / "instances.json").read_text())
    assert [category["id"] for category in book["categories"]] == [1, 2, 3]
    assert [image["file_name"] for image in book["images"]] == names
    assert len(names_in(tmp_path)) == 2 + 2 + 1


def test_another_process_makes_the_same_folder_to_the_byte(made, tmp_path):
    words = ["--task", "signs", "--split", "val", "--count", "1", "--out", str(tmp_path)]
    environment = dict(os.environ, PYTHONHASHSEED="7", PYTHONPATH=str(TOOL.parent.parent))
    subprocess.run([sys.executable, str(TOOL), *words], env=environment, check=True)
    assert names_in(tmp_path) == names_in(made) == sorted([*PARTS, "instances.json"])
    for name in names_in(made):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name
    assert make_data.compare(made, tmp_path) == []


def test_another_seed_makes_other_pictures_with_other_truth(made, tmp_path):
    make_data.make_folder(tmp_path, "signs", "val", 1, seed=1)
    truth, picture, book = make_data.compare(made, tmp_path)
    assert truth == f"{made / PARTS[0]}: another text"
    assert picture.startswith(f"{made / PARTS[1]}: pixels differ by up to ")
    assert book == f"{made / 'instances.json'}: another text"


def test_the_smallest_difference_is_named(made, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(str(made), str(other))
    truth, picture = (other / part for part in PARTS)

    # One line less in the ground truth, one other pixel in the picture, one file too many.
    lines = truth.read_text().splitlines(keepends=True)
    truth.write_text("".join(lines[1:]))
    image = cv2.imread(str(picture))
    image[5, 5] ^= 255
    cv2.imwrite(str(picture), image)
    (made / "notes.txt").write_text("by hand")
    try:
        said = make_data.compare(made, other)
    finally:
        (made / "notes.txt").unlink()
    assert [line.rpartition(": ")[0] for line in said] == [
        *(str(made / part) for part in PARTS),
        str(made / "notes.txt"),
    ]
    assert "another text" in said[0]
    assert "pixels differ by up to " in said[1]
    assert "not made by this program" in said[2]


@pytest.mark.parametrize("part", PARTS)
def test_a_file_that_is_missing_is_named(made, tmp_path, part):
    shutil.copytree(str(made), str(tmp_path / "old"))
    (tmp_path / "old" / part).unlink()
    assert make_data.compare(tmp_path / "old", made) == [f"{tmp_path / 'old' / part}: missing"]


def test_wrong_use_is_told(capsys):
    with pytest.raises(SystemExit):
        make_data.main([])
    assert "--all" in capsys.readouterr().err
