"""The two models as records: what goes in, what the network looks like, how it is trained.

A new model is a new record here; no other module asks for a model by name.
"""

from typing import NamedTuple, Tuple


class Level(NamedTuple):
    """One feature map of the detector: its stride and the sizes (w, h) of its priors,
    in network pixels.
    """

    stride: int
    priors: Tuple[Tuple[float, float], ...]


class Recipe(NamedTuple):
    name: str
    title: str
    task: str  # which scenes: "traffic" or "signs"
    backbone: str  # a name in nets.BACKBONES
    widths: Tuple[
        int, ...
    ]  # channels of the backbone's stages (ResNet) or the width factor (MobileNet)
    neck: int  # channels of the neck and of the heads
    separable: bool  # depthwise separable convolutions in neck and heads (SSDLite)
    size: Tuple[int, int]  # network input, width and height
    color: str
    mean: Tuple[float, float, float]  # in the order of `color`; tensor = (pixel - mean) / scale
    scale: Tuple[float, float, float]
    levels: Tuple[Level, ...]
    min_height: float  # lower boxes (pixels of the network input) are ignored in the loss
    max_boxes: int  # boxes an image keeps while training
    batch: int
    lr: float
    weight_decay: float
    zoom: Tuple[float, float]  # range of the random scale


TRAFFIC = Recipe(
    name="ssd_resnet18_traffic",
    title="SSD, pruned ResNet-18, traffic",
    task="traffic",
    backbone="resnet18",
    widths=(24, 32, 64, 112, 160),
    neck=64,
    separable=False,
    size=(1248, 384),
    color="BGR",
    mean=(103.939, 116.779, 123.68),
    scale=(1.0, 1.0, 1.0),
    levels=(
        Level(8, ((10, 23), (24, 21))),
        Level(16, ((28, 70), (49, 39))),
        Level(32, ((52, 137), (113, 82))),
        Level(64, ((196, 136), (325, 223))),
    ),
    min_height=9,
    max_boxes=64,
    batch=64,
    lr=2e-3,
    weight_decay=0.02,
    zoom=(0.6, 2.4),
)

SIGNS = Recipe(
    name="ssd_mobilenet_v2_signs",
    title="SSDLite, MobileNetV2, traffic signs",
    task="signs",
    backbone="mobilenet_v2",
    widths=(1,),
    neck=96,
    separable=True,
    size=(300, 300),
    color="RGB",
    mean=(127.5, 127.5, 127.5),
    scale=(127.5, 127.5, 127.5),
    levels=(
        Level(8, ((10, 13), (20, 26))),
        Level(16, ((33, 44), (47, 62))),
        Level(32, ((66, 88), (90, 120))),
        Level(64, ((125, 165), (170, 225))),
    ),
    min_height=6,
    max_boxes=24,
    batch=128,
    lr=2e-3,
    weight_decay=0.02,
    zoom=(0.6, 1.8),
)

RECIPES = {r.name: r for r in (TRAFFIC, SIGNS)}
