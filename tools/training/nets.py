"""The detector: a backbone, a light top-down neck, and one SSD head for each feature map.

The neck is a small feature pyramid (1x1 laterals, nearest upsampling, addition), which the SSD
paper does not have: small objects need it. Each part maps one to one to ONNX operators (see
export.py). Boxes leave as offsets; priors.py decodes them.
"""

import math
from typing import Callable, List, NamedTuple, Sequence, Tuple

import torch
from torch import nn

from .backbones import BACKBONES, Maps, conv_bn, plain_block, separable_block
from .priors import map_sizes
from .recipes import Recipe

Block = Callable[..., nn.Module]


class UpTo(nn.Module):
    """Nearest upsampling by two, cut to (height, width): what ONNX writes as Resize and Slice."""

    def __init__(self, height: int, width: int) -> None:
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) -> (n, c, height, width)."""
        x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return x[:, :, : self.height, : self.width]


class Neck(nn.Module):
    """Maps of equal width, in which fine maps know what coarse ones saw.

    `channels` are those of the backbone's maps and `sizes` the (width, height) of all levels;
    levels that the backbone lacks are made by further halving.
    """

    def __init__(
        self, channels: Sequence[int], width: int, sizes: Sequence[Tuple[int, int]], block: Block
    ) -> None:
        super().__init__()
        count = len(channels)
        finer = sizes[: count - 1]
        coarser = sizes[count:]

        self.lateral = nn.ModuleList(conv_bn(c, width, 1, act=None) for c in channels)
        self.up = nn.ModuleList(UpTo(rows, columns) for columns, rows in finer)
        self.smooth = nn.ModuleList(block(width, width) for _ in channels)
        self.extra = nn.ModuleList(block(width, width, stride=2) for _ in coarser)

    def forward(self, maps: Maps) -> Maps:
        """The backbone's maps -> one map for each level."""
        maps = [lateral(x) for lateral, x in zip(self.lateral, maps)]

        # from the coarsest map down to the finest
        for i in range(len(maps) - 2, -1, -1):
            coarse = self.up[i](maps[i + 1])
            maps[i] = maps[i] + coarse
        maps = [smooth(x) for smooth, x in zip(self.smooth, maps)]

        for extra in self.extra:
            maps.append(extra(maps[-1]))
        return maps


class Head(nn.Module):
    """Scores and box offsets of every prior of one feature map."""

    def __init__(self, width: int, priors: int, columns: int, block: Block, lite: bool) -> None:
        super().__init__()
        kernel = 3
        if lite:
            kernel = 1
        pad = kernel // 2

        self.hidden = block(width, width)
        self.scores = nn.Conv2d(width, priors * columns, kernel, padding=pad)
        self.boxes = nn.Conv2d(width, priors * 4, kernel, padding=pad)
        self.start(priors, columns)

    def start(self, priors: int, columns: int, foreground: float = 0.01) -> None:
        """Begin with every prior sure to be background.

        Otherwise the first steps are spent on learning just that.
        """
        for conv in (self.scores, self.boxes):
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)

        each_class = foreground / (columns - 1)
        log_odds = math.log((1 - foreground) / each_class)
        with torch.no_grad():
            self.scores.bias.view(priors, columns)[:, 0] = log_odds

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """A map (n, width, h, w) -> maps of scores and of offsets."""
        x = self.hidden(x)
        return self.scores(x), self.boxes(x)


class SSD(nn.Module):
    """Pictures (n, 3, h, w) -> class logits (n, p, classes + 1) and offsets (n, p, 4).

    Column 0 is background. The logits are no scores yet, and the offsets no boxes.
    """

    def __init__(self, recipe: Recipe, classes: int) -> None:
        super().__init__()
        self.columns = classes + 1
        block = plain_block
        if recipe.separable:
            block = separable_block

        self.backbone = BACKBONES[recipe.backbone](recipe.widths)
        self.neck = Neck(self.backbone.channels, recipe.neck, map_sizes(recipe), block)
        self.heads = nn.ModuleList(
            Head(recipe.neck, len(level.priors), self.columns, block, lite=recipe.separable)
            for level in recipe.levels
        )

        # the heads have begun in their own way
        self.backbone.apply(init_conv)
        self.neck.apply(init_conv)

    def maps(self, x: torch.Tensor) -> List[Tuple[torch.Tensor, torch.Tensor]]:
        """The heads' raw maps (n, k * columns, h, w) and (n, k * 4, h, w), level by level."""
        features = self.neck(self.backbone(x))
        return [head(feature) for head, feature in zip(self.heads, features)]

    def forward(self, x: torch.Tensor) -> Tuple[torch.Tensor, torch.Tensor]:
        """The logits and the offsets of all priors, ordered as priors.make_priors does."""
        logits = []
        offsets = []
        for score_map, box_map in self.maps(x):
            logits.append(_rows(score_map, self.columns))
            offsets.append(_rows(box_map, 4))
        return torch.cat(logits, 1), torch.cat(offsets, 1)


def _rows(feature: torch.Tensor, columns: int) -> torch.Tensor:
    """A map (n, k * columns, h, w) as rows (n, h * w * k, columns)."""
    channels_last = feature.permute(0, 2, 3, 1)
    return channels_last.reshape(feature.shape[0], -1, columns)


def init_conv(module: nn.Module) -> None:
    """Give a convolution the random weights that suit a ReLU; other modules are left alone."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


class Cost(NamedTuple):
    """What a network costs."""

    macs: int  # multiply-accumulate operations for one picture
    weights: int


def count_macs(model: nn.Module, size: Tuple[int, int]) -> Cost:
    """The cost of a network for pictures of this size.

    Operations are those of the convolutions alone, as papers count them.
    """
    macs = []

    def note(conv: nn.Conv2d, _: object, out: torch.Tensor) -> None:
        places = out.shape[2] * out.shape[3]
        macs.append(places * conv.weight.numel())

    convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d)]
    hooks = [conv.register_forward_hook(note) for conv in convolutions]
    width, height = size
    with torch.no_grad():
        model(torch.zeros(1, 3, height, width))
    for hook in hooks:
        hook.remove()
    weights = sum(weight.numel() for weight in model.parameters())
    return Cost(sum(macs), weights)
