"""A video from file to file: the kit's pipeline, its stages alone, and the original course's loop.

    python tools/bench_video.py [--clip FILE] [--frames N] [--wait MS] [--model NAME] [--rounds N]

First with a detector that only waits, as for a GPU, and takes no CPU: there the pipeline should
take as long as its slowest stage, and the loop the sum of its steps. Then with the network on this
CPU, where all stages share the cores. The runs take turns, and each one's best round counts: read
the ratios. The loop is the original's: cv2.VideoCapture, detect, draw, cv2.VideoWriter (XVID), one
after the other; its file does not play in a browser.
"""

import argparse
import contextlib
import io
import itertools
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Union

import cv2
import numpy as np

from trt_course import BBoxVisualization, CourseError, Detections, ModelSpec, TrtSSD, detect_video
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import KIT

os.environ.setdefault("TQDM_DISABLE", "1")

STAGES = ("read alone", "detect alone", "draw and write alone")

Call = Callable[[], Any]
PathLike = Union[str, Path]


class Waiting:
    """A detector of known time: it sleeps, and finds the same in every picture."""

    def __init__(self, spec: ModelSpec, found: Detections, seconds: float) -> None:
        self.spec = spec
        self.found = found
        self.seconds = seconds

    def detect(self, image: np.ndarray, conf_th: Optional[float] = None) -> Detections:
        """The same for every picture, after the known time."""
        time.sleep(self.seconds)
        return self.found

    def detect_batch(
        self, images: Sequence[np.ndarray], conf_th: Optional[float] = None
    ) -> List[Detections]:
        """One after the other."""
        return [self.detect(image) for image in images]


Detector = Union[TrtSSD, Waiting]


def read(clip: PathLike) -> int:
    """Read all frames; how many they are."""
    with open_source(clip) as video:
        return sum(1 for _ in video)


def detect(ssd: Detector, clip: PathLike, frames: int) -> None:
    """Detect in one picture again and again."""
    image = first_frame(clip)
    for _ in range(frames):
        ssd.detect(image)


def write(ssd: Detector, clip: PathLike, out: Path, found: Detections, frames: int) -> None:
    """Draw and write one picture that changes a little, the file's end included."""
    image = first_frame(clip)
    vis = BBoxVisualization(ssd.spec.cls_dict())

    # The picture moves to the left, and its last column fills the gap.
    moving = []
    for shift in range(0, 64, 4):
        rest = image[:, shift:]
        moving.append(cv2.copyMakeBorder(rest, 0, 0, 0, shift, cv2.BORDER_REPLICATE))

    with VideoWriter(out / "stage.mp4", 30) as writer:
        for i in range(frames):
            writer.write(vis.annotate(moving[i % len(moving)], found))


def pipeline(ssd: Detector, clip: PathLike, out: Path) -> None:
    """The kit's way, silently."""
    with contextlib.redirect_stdout(io.StringIO()):
        detect_video(ssd, clip, out)


def original_loop(ssd: Detector, clip: PathLike, out: Path) -> None:
    """The original course's way: one step after the other."""
    capture = cv2.VideoCapture(str(clip))
    vis = BBoxVisualization(ssd.spec.cls_dict())
    width = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH))
    height = int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    codec = cv2.VideoWriter_fourcc(*"XVID")
    writer = cv2.VideoWriter(str(out / "result.AVI"), codec, 30, (width, height))
    while True:
        good, image = capture.read()
        if not good:
            break
        boxes, confs, clss = ssd.detect(image, 0.3)
        writer.write(vis.draw_bboxes(image, boxes, confs, clss))
    writer.release()


def first_frame(clip: PathLike) -> np.ndarray:
    """The clip's first picture."""
    with open_source(clip) as video:
        return video.read().image


def shortened(clip: PathLike, frames: int, out: Path) -> Path:
    """The first frames of a clip, as a file of its own."""
    target = out / "source" / "clip.mp4"
    with open_source(clip) as video, VideoWriter(target, video.fps) as writer:
        for frame in itertools.islice(video, frames):
            writer.write(frame.image, frame.time)
    return target


def take_turns(rivals: Dict[str, Call], rounds: int) -> Dict[str, float]:
    """Seconds of each rival's best round."""
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(rounds):
        for name, call in rivals.items():
            started = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


def rivals_of(
    ssd: Detector, clip: PathLike, out: Path, found: Optional[Detections], frames: int
) -> Dict[str, Call]:
    """What takes turns: the stages alone, the pipeline, the loop."""
    return {
        STAGES[0]: lambda: read(clip),
        STAGES[1]: lambda: detect(ssd, clip, frames),
        STAGES[2]: lambda: write(ssd, clip, out, found, frames),
        "pipeline": lambda: pipeline(ssd, clip, out),
        "original loop": lambda: original_loop(ssd, clip, out),
    }


class Comparison(NamedTuple):
    """Seconds a frame of each rival, and two ratios."""

    times: Dict[str, float]
    to_slowest: float  # the pipeline to its slowest stage alone
    to_loop: float  # the original loop to the pipeline


def compare(ssd: Detector, clip: PathLike, out: Path, found: Detections, rounds: int) -> Comparison:
    """Let all rivals take turns."""
    frames = read(clip)
    best = take_turns(rivals_of(ssd, clip, out, found, frames), rounds)
    slowest = max(best[name] for name in STAGES)
    return Comparison(
        times={name: seconds / frames for name, seconds in best.items()},
        to_slowest=best["pipeline"] / slowest,
        to_loop=best["original loop"] / best["pipeline"],
    )


def print_table(title: str, comparison: Comparison) -> None:
    """Milliseconds a frame, and the ratios below."""
    print("\n{}\n{:<24}{:>10}".format(title, "", "ms a frame"))
    for name, seconds in comparison.times.items():
        print(f"{name:<24}{seconds * 1e3:>10.2f}")
    print(
        f"pipeline to its slowest stage alone: {comparison.to_slowest:.3f}; "
        f"original loop to pipeline: {comparison.to_loop:.3f}"
    )


def bench(args: argparse.Namespace, out: Path) -> None:
    """With a detector that only waits, then with the network on this CPU."""
    clip = shortened(args.clip, args.frames, out)
    with TrtSSD(args.model, backend="cpu") as ssd:
        found = ssd.detect(first_frame(clip))
        waiting = Waiting(ssd.spec, found, args.wait / 1e3)
        comparison = compare(waiting, clip, out, found, args.rounds)
        print_table(f"A detector that waits {args.wait:g} ms", comparison)

        cores = len(os.sched_getaffinity(0))
        comparison = compare(ssd, clip, out, found, max(1, args.rounds // 2))
        print_table(f"{ssd.spec.name} on the CPU, {cores} cores", comparison)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clip", default=str(KIT / "data/street.mp4"))
    parser.add_argument("--frames", type=int, default=450)
    parser.add_argument("--wait", type=float, default=15.0)
    parser.add_argument("--model", default="ssd_resnet18_traffic")
    parser.add_argument("--rounds", type=int, default=4)
    args = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as out:
            bench(args, Path(out))
    except CourseError as err:
        sys.exit(f"bench_video: {err}")


if __name__ == "__main__":
    main()
