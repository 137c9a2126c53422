"""Breaks the package on purpose, one line at a time, and counts what the tests notice.

    python tools/mutate.py --watch                       # once: which tests touch which line
    python tools/mutate.py --sample 200 --seed 1 core    # or: wings
    python tools/mutate.py model/decode.py measure       # all mutants of a file, of a room

A mutant is the package with one small change on one line: `<` becomes `<=`, `and` becomes `or`, a
number grows, a call is left out. If every test that touches the line still passes, nobody would
notice that mistake: the mutant has survived, and is listed. Some changes make no difference to
anybody; those are named, with the reason, in tools/mutation/equivalent.json and do not count.

The tests run in copies of the kit, never in the kit itself. Tests of browsers, of lessons and of
the training, and those that are marked as long, are left out. docs/reliability.md has the score.
"""

import argparse
import random
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Dict, List, Sequence

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tqdm import tqdm

from mutation.checkout import Checkout
from mutation.mutants import Mutant, mutants_of
from mutation.touched import Touched, watch
from mutation.trials import Result, Trials

KIT = Path(__file__).resolve().parent.parent
PACKAGE = KIT / "trt_course"
WATCHED = KIT / "out" / "mutation"

CORE_ROOM = "model"
CORE_FILES = (
    "ssd.py",
    "detections.py",
    "draw.py",
    "draw_labels.py",
    "jobs.py",
    "video_run.py",
    "camera.py",
    "camera_counts.py",
    "engine/base.py",
    "engine/cpu.py",
    "engine/trt.py",
    "engine/choose.py",
)
LEFT_OUT = (
    "tests/browser",
    "tests/lessons",
    "tests/tools/test_train.py",
    "tests/tools/test_train_parts.py",
    "tests/test_readme.py",  # it sets up an environment
)


def main() -> int:
    """The command line; status 1 if a mutant has survived."""
    args = arguments()
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        checkouts = [Checkout(KIT, Path(folder) / str(job)) for job in range(args.jobs)]
        if args.watch:
            ignored = [f"--ignore={path}" for path in LEFT_OUT]
            return watch(checkouts[0], WATCHED, [*ignored, "tests"])

        mutants = sample(files_in(args.what), args.sample, args.seed)
        trials = Trials(checkouts, Touched(WATCHED, KIT), args.budget)
        results = []
        for result in tqdm(trials.run(mutants), total=len(mutants), unit="mutant"):
            results.append(result)
            tqdm.write(f"{result.state}: {result.mutant.name()}  ({result.by})", file=sys.stderr)
        results = without_chance(results, trials)

    print_table(results)
    return int(any(result.state == "survived" for result in results))


def arguments() -> argparse.Namespace:
    """What the user asked for; without a watched run only --watch can be had."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", nargs="*", help="core, wings, or rooms and files of trt_course")
    parser.add_argument("--watch", action="store_true", help="learn which tests touch which lines")
    parser.add_argument("--sample", type=int, help="so many mutants, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--jobs", type=int, default=2, help="mutants tried at the same time")
    parser.add_argument(
        "--budget", type=float, default=60, help="seconds of tests for each mutant, at most"
    )
    args = parser.parse_args()
    if not args.watch and not args.what:
        parser.error("name what to break: core, wings, or rooms and files of trt_course")
    if not args.watch and not (WATCHED / "tests.json").is_file():
        parser.error("it is not known yet which tests touch which lines; run this with --watch")
    return args


def files_in(what: Sequence[str]) -> List[Path]:
    """The files that words stand for."""
    everything = sorted(PACKAGE.rglob("*.py"))
    core = [path for path in everything if is_core(path)]
    found = set()
    for word in what:
        if word == "core":
            found.update(core)
        elif word == "wings":
            found.update(path for path in everything if path not in core)
        elif (PACKAGE / word).is_dir():
            found.update((PACKAGE / word).rglob("*.py"))
        elif (PACKAGE / word).is_file():
            found.add(PACKAGE / word)
        else:
            raise SystemExit(f"trt_course has no room and no file {word}")
    return sorted(found)


def is_core(path: Path) -> bool:
    """Whether a file belongs to the part of the package that is read first."""
    name = path.relative_to(PACKAGE).as_posix()
    return name in CORE_FILES or room(name) == CORE_ROOM


def room(name: str) -> str:
    """The folder of a file; for those beside the rooms, the package itself."""
    folder = Path(name).parts[0]
    return folder if not folder.endswith(".py") else "trt_course"


def sample(files: Sequence[Path], count: int, seed: int) -> List[Mutant]:
    """All mutants of the files, or so many of them by chance; the same seed gives the same."""
    mutants = [mutant for path in files for mutant in mutants_of(path, KIT)]
    if count is None or count >= len(mutants):
        return mutants
    return sorted(random.Random(seed).sample(mutants, count))


def without_chance(results: Sequence[Result], trials: Trials) -> List[Result]:
    """A test that fails on the unchanged package too has killed nothing."""
    killers = sorted({result.by for result in results if "::" in result.by})
    unreliable = trials.fail_unchanged(killers)
    for test in unreliable:
        print(f"{test} fails without any change: what it killed counts as survived")
    return [
        result._replace(state="survived") if result.by in unreliable else result
        for result in results
    ]


def print_table(results: Sequence[Result]) -> None:
    """The survivors, and the score of each room and of all."""
    survivors = [result.mutant.name() for result in results if result.state == "survived"]
    print(f"{len(survivors)} survived:", *survivors, sep="\n  ")

    rooms: Dict[str, "Counter[str]"] = {}
    for result in results:
        name = str(Path(result.mutant.path).relative_to("trt_course"))
        for row in (room(name), "all"):
            rooms.setdefault(row, Counter())[result.state] += 1
    print("\n| room | mutants | equivalent | killed | survived | killed, % |")
    print("|---|---|---|---|---|---|")
    for name in sorted(rooms, key=lambda name: (name == "all", name)):
        states = rooms[name]
        counted = states["killed"] + states["survived"]
        share = 100 * states["killed"] / max(counted, 1)
        print(
            f"| {name} | {sum(states.values())} | {states['equivalent']} | {states['killed']} "
            f"| {states['survived']} | {share:.0f} |"
        )


if __name__ == "__main__":
    sys.exit(main())
