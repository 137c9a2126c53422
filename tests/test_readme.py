"""What the README says is run: its commands as typed, its Python, its links, its claims."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trt_course import find_model
from trt_course.model.input_spec import INPUT_RULES, SIZE_RULES
from trt_course.model.old_layouts import LAYOUTS
from trt_course.model.output_rules import (
    BOXES_RULES,
    OBJECTNESS_RULES,
    OUTPUT_RULES,
    PART_RULES,
    PRIOR_RULES,
    SCORES_RULES,
)
from trt_course.model.spec import MODEL_RULES, NMS_RULES

KIT = Path(__file__).resolve().parent.parent
README = (KIT / "README.md").read_text(encoding="utf-8")
# tried by what calls this test: `make test` is running it, the clean set-up is the CI script's
ELSEWHERE = {"make test"}


def blocks(language):
    return re.findall(r"```" + language + r"\n(.*?)```", README, re.S)


def commands():
    return [line for block in blocks("sh") for line in block.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """Runs a line in the kit's folder.

    `python` is this environment's, and what the line writes to out/mine goes elsewhere: to one
    folder for all lines, for some go on with what those before them made.
    """
    programs = os.path.dirname(sys.executable)
    path = os.pathsep.join([programs, os.environ["PATH"]])
    env = dict(os.environ, PATH=path, TQDM_DISABLE="1")
    out = shlex.quote(str(tmp_path_factory.mktemp("readme") / "out"))

    def run(line):
        return subprocess.run(
            line.replace("out/mine", out),
            shell=True,
            cwd=str(KIT),
            env=env,
            capture_output=True,
            text=True,
        )

    return run


def test_the_two_commands_are_there_and_ci_types_them():
    assert commands()[:2] == ["make demo", "make test"]
    steps = re.findall(r"^step (.*)$", (KIT / ".ci/run").read_text(), re.M)
    assert [step for step in steps if step in commands()] == ["make demo", "make test"]


def as_case(line):
    """A command of the README; the one that sets everything up takes longest."""
    mark = pytest.mark.slow
    if line == "make demo":
        mark = pytest.mark.long
    return pytest.param(line, marks=mark)


@pytest.mark.parametrize("line", [as_case(line) for line in commands() if line not in ELSEWHERE])
def test_command(shell, line):
    ready = (KIT / ".venv/stamp").exists()
    done = shell(line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    if line == "make demo":
        assert re.search(r"mAP = \d+\.\d\d%", done.stdout)
        found = [KIT / path for path in re.findall(r"^  \w+ +(out\S+)$", done.stdout, re.M)]
        assert len(found) == 4
        assert all(path.exists() for path in found)
        assert not (ready and "installing" in done.stdout)


@pytest.mark.slow
def test_python(shell, tmp_path):
    code = blocks("python")[0].replace("out/result.jpg", str(tmp_path / "result.jpg"))
    (tmp_path / "readme.py").write_text(code)
    done = shell("python " + shlex.quote(str(tmp_path / "readme.py")))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "result.jpg").stat().st_size > 10_000


@pytest.mark.parametrize(
    "page",
    [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/architecture.md",
        "docs/throughput.md",
        "docs/jetson.md",
        "docs/model_json.md",
        "docs/training.md",
        "docs/contest.md",
        "docs/evaluate.md",
        "docs/measured.md",
        "docs/video.md",
        "docs/camera.md",
        "docs/tensorrt.md",
        "docs/tlt.md",
        "docs/precision.md",
        "docs/glossary.md",
        "docs/writing_lessons.md",
        "notebooks/README.md",
    ],
)
def test_links_lead_somewhere(page):
    path = KIT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (path.parent / target).exists(), target


def test_every_field_of_the_record_is_explained():
    """model_json.md names each field that a record can have, and each word of its output."""
    fields = set(MODEL_RULES) - {"input", "output", "nms"}
    for part, rules in (("input", INPUT_RULES), ("output", OUTPUT_RULES), ("nms", NMS_RULES)):
        fields.update(f"{part}.{name}" for name in rules)
    for part, rules in (("scores", SCORES_RULES), ("objectness", OBJECTNESS_RULES)):
        fields.update(f"output.{part}.{name}" for name in rules)
    for rules in (BOXES_RULES, PART_RULES, PRIOR_RULES, SIZE_RULES, LAYOUTS):
        fields.update(rules)
    page = (KIT / "docs/model_json.md").read_text()
    assert {"input.color", "output.count", "bins", "nms7"} <= fields
    assert not [field for field in sorted(fields) if f"`{field}`" not in page]


def records_on_the_page():
    """The records in model_json.md, by their names."""
    page = (KIT / "docs/model_json.md").read_text()
    blocks = re.findall(r"^```json\n(.*?)^```$", page, re.M | re.S)
    return {json.loads(block)["name"]: block for block in blocks}


def test_the_records_on_the_page_are_those_that_are_tried():
    """Each is that of a family in tests/foreign; the two that are not there are read here."""
    page = records_on_the_page()
    tried = {
        path.parent.name: path for path in (KIT / "tests/foreign/records").glob("*/model.json")
    }
    for name in sorted(set(page) & set(tried)):
        assert page[name] == tried[name].read_text(), name
    assert len(set(page) & set(tried)) >= 20
    assert set(page) - set(tried) == {"tlt_ssd_resnet18", "with_efficient_nms"}

    linked = set(re.findall(r"records/(\w+)/model.json", (KIT / "docs/model_json.md").read_text()))
    assert set(tried) == (set(page) & set(tried)) | linked


@pytest.mark.parametrize("name, whole", [("tlt_ssd_resnet18", False), ("with_efficient_nms", True)])
def test_the_other_records_on_the_page_are_read(tmp_path, name, whole):
    (tmp_path / "model.json").write_text(records_on_the_page()[name])
    spec = find_model(tmp_path)
    assert spec.output.suppression == "inside"
    assert spec.output.is_whole_rows() is whole


def test_help_lists_every_target():
    done = subprocess.run(["make", "-s", "help"], cwd=str(KIT), capture_output=True, text=True)
    for target in (
        "demo",
        "test",
        "test-fast",
        "test-lessons",
        "test-train",
        "lab",
        "lint",
        "data",
    ):
        assert re.search("^" + target + " ", done.stdout, re.M), target
