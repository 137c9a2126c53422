"""Command lines that are a little wrong."""

from pathlib import Path
from typing import NamedTuple

KIT = Path(__file__).resolve().parent.parent.parent

# One picture with one object, in COCO's form.
_COCO = """{"images": [{"id": 7, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "red"}],
"annotations": [{"id": 1, "image_id": 7, "category_id": 1, "bbox": [64, 32, 32, 32]}]}"""


class Place(NamedTuple):
    """What commands can be given."""

    folder: Path
    model: Path
    pictures: Path
    clip: Path


NUMBERS = ("0", "1", "2", "-1", "0.5", "1e9", "999999999999", "nan", "inf", "-inf", "", "x", "1,2")
NAMES = ("", ".", "..", "no-such", "n" * 300, "a\nb", "caf\udce9", "~nobody/x", "*", "-", "a\x1bb")


def command(random, place):
    """A random command with random options."""
    name = random.choice(sorted(_COMMANDS))
    words, options = _COMMANDS[name](random, place)
    for option in random.sample(sorted(options), random.randrange(min(4, len(options)) + 1)):
        values = options[option]
        words += [option] if values is None else [option, random.choice(values)]
    return [str(word) for word in words]


def _sources(random, place):
    """A source, mostly a good one."""
    good = [place.pictures, place.pictures / "a.jpg", place.clip, place.pictures / "*.bmp"]
    if random.random() < 0.7:
        return random.choice(good)
    return random.choice(NAMES + (str(place.model / "model.json"), "rtsp://", "http://", "gst:"))


def _models(place):
    return [place.model, place.model, place.model / "model.onnx", place.pictures] + list(NAMES)


def _outputs(place):
    (place.folder / "file").write_text("in the way")
    return [place.folder / "out", place.folder / "file", place.folder / "file" / "x"]


def _detect(random, place):
    words = ["detect", _sources(random, place), "--model", place.model, "--out", place.folder / "o"]
    options = {
        "--model": _models(place),
        "--out": _outputs(place),
        "--conf": NUMBERS,
        "--stride": NUMBERS,
        "--start": NUMBERS,
        "--end": NUMBERS,
        "--batch": ("0", "1", "3", "-1", "x"),
        "--threads": NUMBERS,
        "--format": ("voc", "coco", "x"),
        "--backend": ("cpu", "tensorrt", "x"),
        "--engine": NAMES,
        "--trace": _outputs(place),
        "--no-write": None,
        "--save-json": None,
        "--force": None,
    }
    return words, options


def _fast(random, place):
    words = ["detect", "--fast", _sources(random, place), _sources(random, place)]
    words += ["--model", place.model, "--out", place.folder / "tables", "--threads", "1"]
    options = {
        "--conf": NUMBERS,
        "--batch": ("0", "1", "3", "-1", "x"),
        "--deadline": NUMBERS,
        "--threads": ("1", "2", "-1", "100000", "x"),
        "--gpus": ("0", "1", "-1", "x"),
        "--out": _outputs(place),
        "--force": None,
    }
    return words, options


def _evaluate(random, place):
    truth = KIT / "data" / "signs" / "ground-truth"
    coco = place.folder / "coco.json"
    coco.write_text(random.choice(["{}", "[]", "[", _COCO, _COCO.replace("7", "8", 1)]))
    words = ["evaluate", "--gt", truth, "--det", random.choice([truth, place.pictures, ""])]
    options = {
        "--gt": (coco, coco, truth, place.pictures, place.clip) + NAMES,
        "--det": (coco, truth, place.pictures, place.clip) + NAMES,
        "--images": (place.pictures, place.clip) + NAMES,
        "--classes": ("mandatory=x", "other,mandatory=stop sign", "x=y", "=", ",=x", "") + NAMES,
        "--metric": ("voc", "coco", "x"),
        "--set-class-iou": ("mandatory", "0.5", "x"),
        "--ignore": ("mandatory", "x", ""),
        "--json": _outputs(place),
        "--plots": (place.folder / "plots", place.folder / "file"),
    }
    return words, options


def _bench(random, place):
    words = ["bench", place.model, "--source", _sources(random, place), "--frames", "3"]
    options = {
        "--frames": ("0", "1", "-1", "x", "nan"),
        "--scope": ("infer", "detect", "video", "x"),
        "--json": _outputs(place),
        "--threads": NUMBERS,
        "--out": _outputs(place),
    }
    return words, options


def _camera(random, place):
    words = ["camera", random.choice([place.clip, *NAMES]), "--model", place.model]
    words += ["--seconds", "0.3"]
    options = {
        "--mode": ("sync", "async", "child", "x"),
        "--every": NUMBERS,
        "--conf": NUMBERS,
        "--json": _outputs(place),
    }
    return words, options


def _rank(random, place):
    folders = (place.pictures, place.model, place.clip) + NAMES
    words = ["contest", "rank", random.choice(folders), "--gt", random.choice(folders)]
    return words, {"--out": _outputs(place), "--data": folders, "--video": folders}


def _others(random, place):
    words = random.choice(
        [
            ["models"],
            ["inspect", random.choice(NAMES)],
            ["transcode", _sources(random, place), "--out", place.folder / "t"],
            ["compare", place.model, "--engine", random.choice(NAMES)],
            ["build", random.choice(_models(place)), "--out", place.folder / "file"],
            [random.choice(NAMES)],
        ]
    )
    return words, {"--json": _outputs(place), "--out": _outputs(place), "--help": None}


_COMMANDS = {
    "detect": _detect,
    "fast": _fast,
    "evaluate": _evaluate,
    "bench": _bench,
    "camera": _camera,
    "rank": _rank,
    "others": _others,
}
