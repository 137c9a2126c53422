"""What the commands make of their words: the bounds of numbers, and what counts without a word."""

import pytest

from trt_course.__main__ import _parser

PACK = "contest pack --team a"
RANK = "contest rank in --gt truth"

# The least and the most that an option takes, and numbers just beyond.
BOUNDS = {
    "detect a.mp4 --conf": ("0", "1", ["-0.001", "1.001"]),
    "camera 0 --conf": ("0", "1", ["-0.001", "1.001"]),
    "detect a.mp4 --stride": ("1", "10000", ["0", "10001"]),
    "detect a.mp4 --start": ("0", "10000000", ["-0.001", "10000001"]),
    "detect a.mp4 --end": ("0", "10000000", ["-0.001", "10000001"]),
    "detect a.mp4 --batch": ("1", "256", ["0", "257"]),
    "detect a.mp4 --deadline": ("0", "3600000", ["-0.001", "3600001"]),
    "detect a.mp4 --gpus": ("1", "64", ["0", "65"]),
    "detect a.mp4 --threads": ("0", "1024", ["-1", "1025"]),
    "camera 0 --every": ("0", "1000000", ["-1", "1000001"]),
    "camera 0 --seconds": ("0.001", "10000000", ["0.0009", "10000001"]),
    "bench --frames": ("12", "1000000", ["11", "1000001"]),
    "build --batch": ("1", "256", ["0", "257", "1,8,257"]),
    "build --nms-threshold": ("0", "1", ["-0.001", "1.001"]),
    "build --workspace": ("1", "1048576", ["0", "1048577"]),
    "build --level": ("0", "5", ["-1", "6"]),
    "build --dla": ("0", "7", ["-1", "8"]),
    "build --source-size": ("1x1", "16384x16384", ["1x0", "16385x1", "1x16385", "1x1x1"]),
}


def parsed(words):
    return _parser().parse_args(words)


@pytest.mark.parametrize("words", list(BOUNDS))
def test_the_bounds_are_taken_and_nothing_beyond(words, capsys):
    least, most, beyond = BOUNDS[words]
    *before, option = words.split()
    parsed([*before, f"{option}={least}"])
    parsed([*before, f"{option}={most}"])
    for value in beyond:
        with pytest.raises(SystemExit):
            parsed([*before, f"{option}={value}"])
        assert f"argument {option}: wanted: " in capsys.readouterr().err, value


# What a command does where nothing is said.
DEFAULTS = {
    "detect a.mp4": dict(
        model="ssd_resnet18_traffic",
        conf=None,  # the model's own
        out="out",
        encoder="auto",
        format=None,  # both
        stride=1,
        start=0.0,
        end=None,
        batch=None,
        deadline=20,
        gpus=1,
        backend="auto",
        engine=None,
        threads=0,
        no_write=False,
        save_json=False,
        fast=False,
        show=False,
        force=False,
    ),
    "camera 0": dict(
        model="ssd_resnet18_traffic", conf=None, mode="async", every=3, seconds=None, json=None
    ),
    "evaluate": dict(data="data/traffic", metric="voc", ignore=[], names=[], set_class_iou=[]),
    "bench": dict(
        model="ssd_resnet18_traffic", scope="detect", source="data/street.mp4", frames=None
    ),
    PACK: dict(
        model="ssd_resnet18_traffic",
        data="data/traffic",
        video="data/street.mp4",
        out="out",
        restructured=False,
        other_model=None,
    ),
    RANK: dict(data=None, video=None, out="out/board", ignore=[], force=False),
    "build": dict(
        model="ssd_resnet18_traffic",
        precision="fp16",
        batch=(1, 1, 1),
        nms="host",
        preprocess="host",
        pixels="bgr",
        method="percentile",
        threshold=0.01,
        workspace_mib=None,
        level=None,
        dla=None,
        keep_float=[],
        force=False,
    ),
    "compare": dict(model="ssd_resnet18_traffic", data="data/traffic", engine=None),
}


@pytest.mark.parametrize("words", list(DEFAULTS))
def test_what_counts_without_a_word(words):
    args = vars(parsed(words.split()))
    assert {name: args[name] for name in DEFAULTS[words]} == DEFAULTS[words]


# Words, and what they become.
MEANINGS = [
    ("build --batch 8", "batch", (8, 8, 8)),
    ("build --batch 1,4,16", "batch", (1, 4, 16)),
    ("build --source-size 1280x720", "source", (1280, 720)),
    ("build --nms-threshold 0.2", "threshold", 0.2),
    ("build --workspace 256", "workspace_mib", 256),
    ("build --keep-float a* --keep-float b", "keep_float", ["a*", "b"]),
    ("build --verbose", "verbose", True),
    ("build --force", "force", True),
    ("build --calibration here", "calibration", "here"),
    ("build --method entropy", "method", "entropy"),
    ("build --out x.engine", "out", "x.engine"),
    (PACK + " --other-model detector", "other_model", "detector"),
    (PACK + " --restructured", "restructured", True),
    ("detect a.jpg b.jpg", "source", ["a.jpg", "b.jpg"]),
    ("evaluate --ignore car van --metric coco", "ignore", ["car", "van"]),
    ("detect a.jpg --ignore-nothing", None, None),
    ("camera 0 --mode thread", None, None),
    ("detect a.jpg --format yolo", None, None),
    ("build --precision fp8", None, None),
    ("build --nms gpu", None, None),
    ("build --preprocess gpu", None, None),
    ("build --pixels rgb", None, None),
    ("build --method minmax", None, None),
    ("bench --scope gpu", None, None),
    ("evaluate --metric f1", None, None),
    (PACK + " --other-model yolo", None, None),
    ("contest pack", None, None),
    ("contest rank in", None, None),
    ("contest", None, None),
    ("", None, None),
]


@pytest.mark.parametrize("words, name, value", MEANINGS)
def test_what_a_word_becomes(words, name, value):
    """None stands for a refusal."""
    if name is None:
        with pytest.raises(SystemExit, match="2"):
            parsed(words.split())
    else:
        assert getattr(parsed(words.split()), name) == value
