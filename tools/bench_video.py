"""A video from file to file: the kit's pipeline against its stages alone, and against the original course's loop.

    python tools/bench_video.py [--clip FILE] [--frames N] [--wait MS] [--model NAME] [--rounds N]

First with a detector that only waits, as for a GPU, and takes no CPU: there the pipeline should take as long as its
slowest stage, the loop the sum of its steps. Then with the network on this CPU, where all stages share the cores. The
runs take turns and each one's best round counts: read the ratios. The loop is the original's: cv2.VideoCapture,
detect, draw, cv2.VideoWriter (XVID), one after the other; its file does not play in a browser.
"""

import argparse
import contextlib
import io
import os
import sys
import tempfile
import time
from pathlib import Path

import cv2

from trt_course import BBoxVisualization, CourseError, TrtSSD, detect_video
from trt_course.media.sources import open_source
from trt_course.media.writer import VideoWriter
from trt_course.support.files import KIT

os.environ.setdefault("TQDM_DISABLE", "1")


class Waiting:
    """A detector of known time: it sleeps, and finds the same in every picture."""

    def __init__(self, spec, found, seconds):
        self.spec = spec
        self.found = found
        self.seconds = seconds

    def detect(self, image, conf_th=None):
        time.sleep(self.seconds)
        return self.found

    def detect_batch(self, images, conf_th=None):
        return [self.detect(image) for image in images]


def read(clip):
    with open_source(clip) as video:
        return sum(1 for _ in video)


def detect(ssd, clip, frames):
    image = first_frame(clip)
    for _ in range(frames):
        ssd.detect(image)


def write(ssd, clip, out, found, frames):
    """Drawing and writing of one picture that changes a little,
    the time for the file's end included.
    """
    image = first_frame(clip)
    vis = BBoxVisualization(ssd.spec.cls_dict())
    moving = [image[:, shift:] for shift in range(0, 64, 4)]
    moving = [
        cv2.copyMakeBorder(m, 0, 0, 0, image.shape[1] - m.shape[1], cv2.BORDER_REPLICATE)
        for m in moving
    ]
    with VideoWriter(out / "stage.mp4", 30) as writer:
        for i in range(frames):
            writer.write(vis.annotate(moving[i % len(moving)], found))


def pipeline(ssd, clip, out):
    with contextlib.redirect_stdout(io.StringIO()):
        detect_video(ssd, clip, out)


def original_loop(ssd, clip, out):
    capture = cv2.VideoCapture(str(clip))
    vis = BBoxVisualization(ssd.spec.cls_dict())
    size = int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)), int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
    writer = cv2.VideoWriter(str(out / "result.AVI"), cv2.VideoWriter_fourcc(*"XVID"), 30, size)
    while True:
        good, image = capture.read()
        if not good:
            break
        writer.write(vis.draw_bboxes(image, *ssd.detect(image, 0.3)))
    writer.release()


def first_frame(clip):
    with open_source(clip) as video:
        return video.read().image


def shortened(clip, frames, out):
    """The first frames of a clip, as a file of its own."""
    with open_source(clip) as video, VideoWriter(out / "clip.mp4", video.fps) as writer:
        for frame, _ in zip(video, range(frames)):
            writer.write(frame.image, frame.time)
    return out / "clip.mp4"


def take_turns(rivals, rounds):
    best = dict.fromkeys(rivals, float("inf"))
    for _ in range(rounds):
        for name, call in rivals.items():
            started = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - started)
    return best


STAGES = "read alone", "detect alone", "draw and write alone"


def rivals_of(ssd, clip, out, found, frames):
    return {
        STAGES[0]: lambda: read(clip),
        STAGES[1]: lambda: detect(ssd, clip, frames),
        STAGES[2]: lambda: write(ssd, clip, out, found, frames),
        "pipeline": lambda: pipeline(ssd, clip, out),
        "original loop": lambda: original_loop(ssd, clip, out),
    }


def compare(ssd, clip, out, found, rounds):
    """Seconds of each, and the two ratios: the pipeline and the loop against the slowest stage."""
    frames = read(clip)
    best = take_turns(rivals_of(ssd, clip, out, found, frames), rounds)
    slowest = max(best[name] for name in STAGES)
    return (
        {name: seconds / frames for name, seconds in best.items()},
        best["pipeline"] / slowest,
        best["original loop"] / best["pipeline"],
    )


def table(title, times, to_slowest, to_loop):
    print("\n{}\n{:<24}{:>10}".format(title, "", "ms a frame"))
    for name, seconds in times.items():
        print(f"{name:<24}{seconds * 1e3:>10.2f}")
    print(
        f"pipeline to its slowest stage alone: {to_slowest:.3f}; original loop to pipeline: "
        f"{to_loop:.3f}"
    )


def bench(args, out):
    clip = shortened(args.clip, args.frames, out)
    with TrtSSD(args.model, backend="cpu") as ssd:
        found = ssd.detect(first_frame(clip))
        waiting = Waiting(ssd.spec, found, args.wait / 1e3)
        table(
            f"A detector that waits {args.wait:g} ms",
            *compare(waiting, clip, out, found, args.rounds),
        )
        table(
            f"{ssd.spec.name} on the CPU, {len(os.sched_getaffinity(0))} cores",
            *compare(ssd, clip, out, found, max(1, args.rounds // 2)),
        )


def main():
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
