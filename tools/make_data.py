"""Makes the kit's sample data: pictures with ground truth, and the clip.

    python tools/make_data.py --all       everything that is committed in data/
    python tools/make_data.py --check     make it again and prove that it is the same
    python tools/make_data.py --task traffic --split val --count 500 --out /tmp/val

The scenes are drawn by tools/scenes; nothing is trained here.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

import cv2
import numpy as np
from tqdm import tqdm

import scenes
from sample_data.clip import DataError, make_clip
from sample_data.compare import compare, compare_clip
from sample_data.truth import Pictured, coco, compact, read_truth, truth_text, write

__all__ = ["compare", "encode", "main", "make_folder", "read_truth", "truth_text"]

DATA = Path(__file__).resolve().parents[1] / "data"
JPEG = (
    *(cv2.IMWRITE_JPEG_QUALITY, 66),
    *(cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    *(cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
)
NO_PIXELS = np.empty((0, 0, 3), np.uint8)


class Folder(NamedTuple):
    """A folder of pictures that is committed in data/."""

    name: str
    task: str
    split: str
    count: int


COMMITTED = (
    Folder("traffic", "traffic", "test", 60),
    Folder("signs", "signs", "test", 60),
    Folder("calibration/traffic", "traffic", "calibration", 16),
    Folder("calibration/signs", "signs", "calibration", 16),
)


def encode(sample: scenes.Sample) -> bytes:
    """The picture as JPEG."""
    _, packed = cv2.imencode(".jpg", sample.image, JPEG)
    return packed.tobytes()


def make_folder(
    out: Path, task: str, split: str, count: int, seed: int = 0, start: int = 0
) -> None:
    """Write `count` pictures with their ground truth into a folder."""
    done = []
    numbers = range(start, start + count)
    for index in tqdm(numbers, desc=f"{task} {split}", unit="picture"):
        sample = scenes.sample(task, split, index, seed)
        name = f"{index:06d}"
        write(out / "images" / f"{name}.jpg", encode(sample))
        write(out / "ground-truth" / f"{name}.txt", truth_text(sample, scenes.LABELS[task]))

        # Of the pixels only the size is kept: there may be many pictures.
        height, width = sample.image.shape[:2]
        truth = sample._replace(image=NO_PIXELS)
        done.append(Pictured(f"{name}.jpg", width, height, truth))

    write(out / "instances.json", compact(coco(done, task)))


def make_all(out: Path, clip: bool = True) -> None:
    """Everything that is committed in data/."""
    for folder in COMMITTED:
        make_folder(out / folder.name, folder.task, folder.split, folder.count)
    if clip:
        make_clip(out)


def check(clip: bool = True) -> List[str]:
    """Make the committed data again in a temporary folder; what differs."""
    with tempfile.TemporaryDirectory() as name:
        new = Path(name)
        make_all(new, clip)

        problems = []
        for folder in COMMITTED:
            problems += compare(DATA / folder.name, new / folder.name)
        if clip:
            problems += compare_clip(DATA, new)
        return problems


def _arguments(argv: Optional[Sequence[str]]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--all", action="store_true", help="make everything that is committed")
    parser.add_argument(
        "--check",
        action="store_true",
        help="make it again and compare; exit status 1 if anything differs",
    )
    parser.add_argument(
        "--no-clip", action="store_true", help="with --all or --check: leave the clip out"
    )
    parser.add_argument("--clip", action="store_true", help="make the clip only")
    parser.add_argument("--task", choices=tuple(scenes.LABELS))
    parser.add_argument("--split", choices=scenes.SPLITS, default="train")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--start", type=int, default=0, help="number of the first picture")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="folder to write to")

    args = parser.parse_args(argv)
    if not (args.all or args.check or args.clip or args.task):
        parser.error("say what to make: --all, --check, --clip, or --task TASK --out FOLDER")
    if args.task and not args.out:
        parser.error("--task needs --out FOLDER")
    return args


def run(args: argparse.Namespace) -> int:
    """Do what the command line asks for; the exit status."""
    if args.check:
        problems = check(not args.no_clip)
        print("\n".join(problems) or "the committed data is what this program makes")
        return int(bool(problems))
    if args.all:
        make_all(args.out or DATA, not args.no_clip)
    elif args.clip:
        make_clip(args.out or DATA)
    else:
        make_folder(args.out, args.task, args.split, args.count, args.seed, args.start)
    return 0


def main(argv: Optional[Sequence[str]] = None) -> int:
    """The command; what the user can mend is told without a traceback."""
    try:
        return run(_arguments(argv))
    except (DataError, OSError) as problem:
        print(f"make_data: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nmake_data: stopped; what was written is whole", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
