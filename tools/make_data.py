"""Makes the kit's sample data: pictures with ground truth, and the clip. It draws through `scenes` and trains nothing.

python tools/make_data.py --all                              everything that is committed in data/
python tools/make_data.py --check                            make it again and prove that it is the same
python tools/make_data.py --task traffic --split val --count 500 --out /tmp/val
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

import scenes

DATA = Path(__file__).resolve().parents[1] / "data"
JPEG = [cv2.IMWRITE_JPEG_QUALITY, 66, cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
# folder, task, split, pictures
COMMITTED = (
    ("traffic", "traffic", "test", 60),
    ("signs", "signs", "test", 60),
    ("calibration/traffic", "traffic", "calibration", 16),
    ("calibration/signs", "signs", "calibration", 16),
)
CLIP = {"seed": 5, "frames": 450, "fps": 30, "size": (1280, 720)}


class DataError(Exception):
    """Something the user can mend; shown without a traceback."""


def write(path, content):
    """Write bytes or text whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(content if isinstance(content, bytes) else content.encode())
    part.replace(path)


def truth_text(sample, labels):
    """One line an object: class left top right bottom [difficult]."""
    lines = []
    for box, label, hard in zip(sample.boxes, sample.classes, sample.difficult):
        lines.append(
            " ".join([labels[label], *(f"{v:.2f}" for v in box)]) + (" difficult" if hard else "")
        )
    return "".join(line + "\n" for line in lines)


def read_truth(text, labels):
    """The inverse of truth_text: boxes, classes, difficult."""
    rows = [line.split() for line in text.splitlines() if line.strip()]
    boxes = np.array([[float(v) for v in row[1:5]] for row in rows], np.float32).reshape(-1, 4)
    return (
        boxes,
        np.array([labels.index(row[0]) for row in rows], np.int64),
        np.array([row[5:] == ["difficult"] for row in rows], bool),
    )


def encode(sample):
    return cv2.imencode(".jpg", sample.image, JPEG)[1].tobytes()


def annotation(number, image, box, label, **more):
    x1, y1, x2, y2 = (round(float(v), 2) for v in box)
    wide = round(x2 - x1, 2)
    high = round(y2 - y1, 2)
    return {
        "id": number,
        "image_id": image,
        "category_id": int(label) + 1,
        "bbox": [x1, y1, wide, high],
        "area": round(wide * high, 2),
        "iscrowd": 0,
        **more,
    }


def coco(samples, task):
    """COCO instances: categories count from 1; `difficult` and `visible` are extra."""
    images = []
    annotations = []
    for number, (name, s) in enumerate(samples, 1):
        images.append(
            {"id": number, "file_name": name, "width": s.image.shape[1], "height": s.image.shape[0]}
        )
        for box, label, visible, hard in zip(s.boxes, s.classes, s.visible, s.difficult):
            annotations.append(
                annotation(
                    len(annotations) + 1,
                    number,
                    box,
                    label,
                    difficult=int(hard),
                    visible=round(float(visible), 3),
                )
            )
    return {
        "info": {"description": f"trt-course sample data, {task}", "license": "CC0-1.0"},
        "images": images,
        "annotations": annotations,
        "categories": [{"id": k + 1, "name": name} for k, name in enumerate(scenes.LABELS[task])],
    }


def make_folder(out, task, split, count, seed=0, start=0):
    """Write `count` pictures with their ground truth into a folder."""
    done = []
    for index in tqdm(range(start, start + count), desc=f"{task} {split}", unit="picture"):
        s = scenes.sample(task, split, index, seed)
        name = f"{index:06d}"
        write(out / "images" / f"{name}.jpg", encode(s))
        write(out / "ground-truth" / f"{name}.txt", truth_text(s, scenes.LABELS[task]))
        done.append((f"{name}.jpg", s._replace(image=s.image[:, :, :0])))
    write(out / "instances.json", json.dumps(coco(done, task), separators=(",", ":")) + "\n")


class ClipTruth:
    """Collects the clip's ground truth: images with frame numbers, annotations with track_id."""

    def __init__(self):
        self.images = []
        self.annotations = []

    def add(self, number, s):
        self.images.append({"id": number + 1, "frame": number})
        for box, label, hard, track in zip(s.boxes, s.classes, s.difficult, s.tracks):
            x1, y1, x2, y2 = (round(float(v), 1) for v in box)
            one = {
                "id": len(self.annotations) + 1,
                "image_id": number + 1,
                "track_id": int(track),
                "category_id": int(label) + 1,
                "bbox": [x1, y1, round(x2 - x1, 1), round(y2 - y1, 1)],
            }
            if hard:
                one["difficult"] = 1
            self.annotations.append(one)

    def text(self):
        wide, high = CLIP["size"]
        info = {
            "description": "trt-course sample clip",
            "license": "CC0-1.0",
            "video": "street.mp4",
            "fps": CLIP["fps"],
            "width": wide,
            "height": high,
        }
        names = [{"id": k + 1, "name": name} for k, name in enumerate(scenes.LABELS["traffic"])]
        whole = {
            "info": info,
            "images": self.images,
            "annotations": self.annotations,
            "categories": names,
        }
        return json.dumps(whole, separators=(",", ":")) + "\n"


def _clip_frames(frames, truth):
    for number, s in enumerate(
        tqdm(
            scenes.drive(CLIP["seed"], frames, CLIP["fps"], CLIP["size"]),
            total=frames,
            desc="clip",
            unit="frame",
        )
    ):
        truth.add(number, s)
        yield s.image


def make_clip(out, frames=CLIP["frames"], rate="1020k"):
    """Write street.mp4 (H.264, plays in a browser) and street.json."""
    try:
        import imageio_ffmpeg
    except ImportError as problem:
        raise DataError("the clip needs imageio-ffmpeg: pip install imageio-ffmpeg") from problem
    out.mkdir(parents=True, exist_ok=True)
    part = out / "street.part.mp4"
    options = [
        "-preset",
        "slow",
        "-maxrate",
        "3M",
        "-bufsize",
        "4M",
        "-movflags",
        "+faststart",
        "-threads",
        "1",
        "-map_metadata",
        "-1",
        "-fflags",
        "+bitexact",
    ]
    pipe = imageio_ffmpeg.write_frames(
        str(part),
        CLIP["size"],
        pix_fmt_in="bgr24",
        fps=CLIP["fps"],
        codec="libx264",
        pix_fmt_out="yuv420p",
        quality=None,
        bitrate=rate,
        macro_block_size=8,
        output_params=options,
    )
    pipe.send(None)
    truth = ClipTruth()
    try:
        for image in _clip_frames(frames, truth):
            pipe.send(np.ascontiguousarray(image))
        pipe.close()
        part.replace(out / "street.mp4")
        write(out / "street.json", truth.text())
    finally:
        pipe.close()
        part.unlink(missing_ok=True)


def same_picture(old, new):
    """None where two JPEG files decode to the same pixels, else what differs."""
    if old.read_bytes() == new.read_bytes():
        return None
    a = cv2.imread(str(old))
    b = cv2.imread(str(new))
    if a is None or a.shape != b.shape:
        return "another size, or unreadable"
    gap = int(np.abs(a.astype(int) - b).max())
    return f"pixels differ by up to {gap}" if gap else None


def compare(old, new):
    """Every difference between two folders as made by make_folder."""
    problems = []
    for path in sorted(p for p in new.rglob("*") if p.is_file()):
        twin = old / path.relative_to(new)
        if not twin.is_file():
            problems.append(f"{twin}: missing")
        elif path.suffix == ".jpg":
            found = same_picture(twin, path)
            problems += [f"{twin}: {found}"] if found else []
        elif twin.read_bytes() != path.read_bytes():
            problems.append(f"{twin}: another text")
    made = {p.relative_to(new) for p in new.rglob("*") if p.is_file()}
    extra = {p.relative_to(old) for p in old.rglob("*") if p.is_file()} - made
    return problems + [f"{old / p}: not made by this program" for p in sorted(extra)]


def compare_clip(old, new):
    """The ground truth must be equal; frames may differ as far as encoders do."""
    problems = []
    if (old / "street.json").read_bytes() != (new / "street.json").read_bytes():
        problems.append(f"{old / 'street.json'}: another text")
    a = cv2.VideoCapture(str(old / "street.mp4"))
    b = cv2.VideoCapture(str(new / "street.mp4"))
    for number in range(CLIP["frames"]):
        x = a.read()[1]
        y = b.read()[1]
        if x is None or y is None or x.shape != y.shape:
            return [*problems, f"{old / 'street.mp4'}: no frame {number}, or another size"]
        if number % 30 == 0 and np.abs(x.astype(int) - y).mean() > 4:
            problems.append(f"{old / 'street.mp4'}: frame {number} shows something else")
    return problems


def make_all(out, clip=True):
    for folder, task, split, count in COMMITTED:
        make_folder(out / folder, task, split, count)
    if clip:
        make_clip(out)


def check(clip=True):
    """Make the committed data again in a temporary folder; returns what differs."""
    with tempfile.TemporaryDirectory() as name:
        new = Path(name)
        make_all(new, clip)
        problems = [p for folder, *_ in COMMITTED for p in compare(DATA / folder, new / folder)]
        return problems + (compare_clip(DATA, new) if clip else [])


def _arguments(argv):
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


def run(args):
    if args.check:
        problems = check(not args.no_clip)
        print("\n".join(problems) or "the committed data is what this program makes")
        return 1 if problems else 0
    if args.all:
        make_all(args.out or DATA, not args.no_clip)
    elif args.clip:
        make_clip(args.out or DATA)
    else:
        make_folder(args.out, args.task, args.split, args.count, args.seed, args.start)
    return 0


def main(argv=None):
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
