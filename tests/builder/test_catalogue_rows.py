"""The catalogue: every row is read, and says of its file what the facts say."""

import json

import pytest

import catalogue_parts
from catalogue_parts import add_row
from conftest import KIT, RECORD
from trt_course import CourseError, find_model
from trt_course.builder.catalogue import catalogue, find_row, rows
from trt_course.builder.catalogue.card import Got, card, licence, table
from trt_course.builder.catalogue.conversions import CONVERSIONS

ROWS = {row.name: row for row in catalogue()}
UNKNOWN = ["ssd_mobilenet_v1_egohands", "ssd_mobilenet_v2_egohands", "ssd_mobilenet_v2_face"]


def test_the_models_that_there_are():
    assert sorted(ROWS) == sorted(
        [
            "ssd_mobilenet_v1_coco",
            "ssd_mobilenet_v2_coco",
            "ssdlite_mobilenet_v2_coco",
            *UNKNOWN,
            "ssdlite320_mobilenet_v3",
            "ssd300_vgg16",
            "resnet34_ssd1200",
            "ssd_mobilenet_v1_12",
            "yolox_nano",
            "yolox_tiny",
            "yolox_s",
            "nanodet",
            "yunet",
            "rfb_320",
            "pedestrian_ssdlite",
        ]
    )


@pytest.mark.parametrize("name", ROWS)
def test_a_row_is_whole(name):
    source = ROWS[name].source
    assert source.conversion in CONVERSIONS
    assert (source.bytes > 0) == (source.sha256 != "") == (name not in UNKNOWN)
    is_archive = source.url.endswith((".tar.gz", ".whl"))
    assert is_archive == (source.member != "")
    assert (source.conversion == "torchvision") == (source.network != "")
    assert licence(source).startswith("code ")
    page = card(ROWS[name], Got(1, "0" * 64, "2026-12-01"), "1" * 64)
    assert source.url in page and "**Not tried**" in page
    assert len(ROWS[name].spec.class_ids()) > 0


@pytest.mark.parametrize("name", [name for name in ROWS if name not in UNKNOWN])
def test_a_row_agrees_with_the_facts(name, shared):
    """Length and digest stand in one line of the page that they were taken from."""
    source = ROWS[name].source
    length = source.member_bytes or source.bytes
    digest = source.member_sha256 or source.sha256
    facts = (shared / "SPEC.md").read_text()
    lines = [line for line in facts.splitlines() if digest in line]
    assert len(lines) == 1
    assert f"{length:,}" in lines[0]


def test_the_table_has_a_line_for_each():
    lines = table(list(ROWS.values())).splitlines()
    assert len(lines) == len(ROWS) + 1
    (yolox,) = [line for line in lines if line.startswith("yolox_s ")]
    assert " ".join(yolox.split()) == "yolox_s 35.9 80 640 x 640 Apache-2.0 not stated as it is"


@pytest.mark.parametrize("name", ROWS)
def test_the_readme_has_a_line_for_each(name):
    row = ROWS[name]
    lines = (KIT / "README.md").read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if line.startswith(f"| {name} | ") and "x" in line]
    length = f"{row.source.bytes / 1e6:.1f}" if row.source.bytes else "unknown"
    entry = row.spec.input
    licences = f"{row.source.code_license}, {row.source.weights_license}"
    assert f" | {entry.width} x {entry.height} | {length} | {licences} | " in line


def test_a_name_that_is_not_there():
    with pytest.raises(CourseError, match="no model 'yolox_nan' in .*Did you mean yolox_nano?"):
        find_row("yolox_nan")
    with pytest.raises(CourseError, match="in the catalogue. It has: nanodet, "):
        find_row("../ssd_resnet18_traffic/model")


def test_whoever_names_a_model_is_told_how_to_get_it():
    with pytest.raises(CourseError, match="To get it: python -m trt_course models fetch yolox_s"):
        find_model("yolox_s")
    with pytest.raises(CourseError, match="A path to a folder with model.json works too"):
        find_model("yolox_l")


@pytest.mark.parametrize(
    "word, value, message",
    [
        ("url", "file:///etc/passwd", "fetch.url .* wanted: an address that begins with https://"),
        ("url", 3, "fetch.url is 3"),
        ("sha256", "0" * 63, "fetch.sha256 .* wanted: a SHA-256"),
        ("sha256", "0" * 64 + "\n", "fetch.sha256 .* wanted: a SHA-256"),
        ("bytes", 0, "fetch.bytes is 0"),
        ("member", "../x", "fetch.member .* wanted: the name of a file"),
        ("conversion", "magic", "fetch.conversion .* allowed: none, tf_graph, torchvision"),
        ("beside", {"a": "/b"}, "fetch.beside.a"),
        ("sha", "", "fetch.sha is an unknown field"),
    ],
)
def test_a_wrong_word_is_refused(word, value, message, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "CATALOGUE", tmp_path / "catalogue")
    with pytest.raises(CourseError, match=message):
        add_row(tmp_path, **dict({"url": "https://a/b"}, **{word: value}))


def test_a_row_without_an_address_or_of_another_name(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(RECORD))
    with pytest.raises(CourseError, match="a.json: fetch is missing"):
        rows.read_row(tmp_path / "a.json")
    fetch = dict(catalogue_parts.SOURCE, url="https://a/b")
    (tmp_path / "a.json").write_text(json.dumps(dict(RECORD, fetch=fetch)))
    with pytest.raises(CourseError, match="a.json: name is 'cells'; wanted: the file's own name"):
        rows.read_row(tmp_path / "a.json")
