"""The house keeps its plan: arrows point one way, no files import each other, the map is true."""

import ast
import re
from pathlib import Path

import pytest

KIT = Path(__file__).resolve().parent.parent
PACKAGE = KIT / "trt_course"

# A room may import the rooms of lower floors, and those of its own floor that its plan allows.
FLOORS = [
    {"support"},
    {"model", "detections"},
    {"engine"},
    {"ssd", "draw", "media", "measure", "builder"},
    {"jobs", "camera", "throughput", "contest"},
    {"lesson", "commands"},
]
# Who may import whom on one floor.
BESIDE = {
    "model": {"detections"},
    "builder": {"media"},
    "measure": {"ssd", "draw", "media"},
    "commands": set(),
}
# Files that belong to the room of another file.
ANNEXES = {"camera_counts": "camera", "draw_labels": "draw", "video_run": "jobs"}
ENTRANCES = {"__init__", "__main__"}


def modules():
    """The dotted name of every file in the package, without the package's own name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE).with_suffix("").parts)
        if parts[-1] == "__init__" and len(parts) > 1:
            parts.pop()
        found[".".join(parts)] = path
    return found


def imported(name, path, known):
    """The package's modules that a file imports, at its top or inside its functions."""
    folder = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    if name == "__init__":
        folder = []
    targets = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or node.level == 0:
            continue
        base = folder[: len(folder) - node.level + 1]
        if node.module:
            base = base + node.module.split(".")
        for alias in node.names:
            whole = ".".join([*base, alias.name])
            targets.add(whole if whole in known else ".".join(base) or "__init__")
    return targets - {name}


@pytest.fixture(scope="module")
def arrows():
    known = modules()
    return {name: imported(name, path, known) for name, path in known.items()}


def room(name):
    """The room that a module is in."""
    first = name.split(".")[0]
    return ANNEXES.get(first, first)


def floor(name):
    for number, rooms in enumerate(FLOORS):
        if room(name) in rooms:
            return number
    raise AssertionError(f"{name} stands on no floor: give it one, in docs/architecture.md too")


def test_arrows_point_one_way(arrows):
    wrong = []
    for name, targets in arrows.items():
        if name in ENTRANCES:
            continue
        for target in targets:
            same_room = room(target) == room(name)
            below = floor(target) < floor(name)
            beside = room(target) in BESIDE.get(room(name), set())
            if not (same_room or below or beside):
                wrong.append(f"{name} imports {target}")
    assert not wrong, "\n".join(wrong)


def test_no_two_files_import_each_other(arrows):
    """Nor three or more in a circle."""
    done = set()

    def visit(name, way):
        assert name not in way, " -> ".join([*way[way.index(name) :], name])
        if name in done:
            return
        for target in sorted(arrows[name]):
            visit(target, [*way, name])
        done.add(name)

    for name in arrows:
        visit(name, [])


def test_a_test_sees_a_wrong_arrow():
    """The reader of imports finds them at the top, in functions, and of whole modules."""
    known = modules()
    assert "support.errors" in imported("ssd", PACKAGE / "ssd.py", known)
    assert "model.decode" in imported("ssd", PACKAGE / "ssd.py", known)
    assert "support.trace" in imported("ssd", PACKAGE / "ssd.py", known)


def test_no_two_modules_share_a_confusing_name():
    names = [path.name for path in modules().values() if path.name != "__init__.py"]
    for name in ("fast.py", "detect.py"):
        assert names.count(name) <= 1


def reading_order():
    page = (KIT / "docs/architecture.md").read_text(encoding="utf-8")
    part = page.partition("## The core, in reading order")[2].partition("\n## ")[0]
    return re.findall(r"^\d+\. \[`([^`]+)`\]", part, re.M)


def test_the_core_can_be_read_in_an_evening():
    order = reading_order()
    assert 12 <= len(order) <= 18 and len(set(order)) == len(order)
    for name in order:
        assert (PACKAGE / name).is_file(), name

    # All of the rooms that the page calls the core, so that nothing hides beside the list.
    core = {"ssd.py", "detections.py", "draw.py", "jobs.py", "camera.py"}
    core.update(f"engine/{name}.py" for name in ("base", "cpu", "trt", "choose"))
    assert core <= set(order)


def test_a_file_of_the_core_is_read_after_those_it_needs(arrows):
    """But for the first file, which shows the whole way, and what only support holds."""
    order = [name[:-3].replace("/", ".") for name in reading_order()]
    late = []
    for position, name in enumerate(order):
        for target in arrows[name] & set(order):
            if order.index(target) > position and position > 0:
                late.append(f"{name} is read before {target}, which it imports")
    assert not late, "\n".join(late)


def test_the_map_shows_every_room():
    drawn = (KIT / "docs/architecture.svg").read_text(encoding="utf-8")
    for name in sorted({room(name) for name in modules()} - ENTRANCES):
        assert f">{name}" in drawn, name


@pytest.mark.parametrize("name", ["support", "media"])
def test_a_table_has_every_file_of_a_large_room(name):
    page = (KIT / "docs/architecture.md").read_text(encoding="utf-8")
    part = re.split(r"\n##+ ", page.partition(f"### `{name}/`, file by file")[2])[0]
    rows = re.findall(r"^\| (`.*?) \|", part, re.M)
    named = [file for row in rows for file in re.findall(r"`([^`]+)`", row)]
    here = [path.name for path in (PACKAGE / name).glob("*.py") if path.name != "__init__.py"]
    assert sorted(named) == sorted(here)
