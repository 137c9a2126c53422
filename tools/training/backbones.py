"""The backbones: a width-pruned ResNet-18 and MobileNetV2, and the blocks they are made of.

A backbone turns a picture into three feature maps, of strides 8, 16 and 32. No weights are
downloaded. Attributes are named as the weights in the files and the ONNX nodes are.
"""

from typing import Callable, Dict, List, Optional, Tuple

import torch
from torch import nn

Maps = List[torch.Tensor]


def conv_bn(
    before: int,
    after: int,
    kernel: int = 3,
    stride: int = 1,
    groups: int = 1,
    act: Optional[Callable[[], nn.Module]] = nn.ReLU,
) -> nn.Sequential:
    """A convolution from `before` to `after` channels, batch normalisation, and an activation."""
    conv = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    activation: nn.Module = nn.Identity()
    if act is not None:
        activation = act()
    return nn.Sequential(conv, nn.BatchNorm2d(after), activation)


def plain_block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """A full three by three convolution."""
    return conv_bn(before, after, 3, stride)


def separable_block(before: int, after: int, stride: int = 1) -> nn.Sequential:
    """A convolution in two steps: each channel by itself, then across the channels."""
    depthwise = conv_bn(before, before, 3, stride, groups=before, act=nn.ReLU6)
    pointwise = conv_bn(before, after, 1, act=nn.ReLU6)
    return nn.Sequential(depthwise, pointwise)


class BasicBlock(nn.Module):
    """ResNet's block: two convolutions and a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = conv_bn(before, after, 3, stride)
        self.conv2 = conv_bn(after, after, 3, act=None)

        # the way around changes nothing if it need not
        self.shortcut: nn.Module
        if before == after and stride == 1:
            self.shortcut = nn.Identity()
        else:
            self.shortcut = conv_bn(before, after, 1, stride, act=None)
        self.relu = nn.ReLU()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, before, h, w) -> (n, after, h / stride, w / stride)."""
        y = self.conv2(self.conv1(x))
        return self.relu(y + self.shortcut(x))


class Backbone(nn.Module):
    """What the detector needs of a backbone: three maps, of strides 8, 16 and 32."""

    channels: Tuple[int, ...]  # those of the three maps

    def forward(self, x: torch.Tensor) -> Maps:
        """Pictures (n, 3, h, w) -> the three maps, the finest first."""
        raise NotImplementedError


class ResNet18(Backbone):
    """The standard ResNet-18 with fewer channels.

    `widths` are those of the stem and the four stages; unpruned: 64, 64, 128, 256, 512.
    """

    def __init__(self, widths: Tuple[int, ...]) -> None:
        super().__init__()
        stem = conv_bn(3, widths[0], 7, 2)
        self.stem = nn.Sequential(stem, nn.MaxPool2d(3, 2, 1))

        # every stage but the first begins by halving the map
        stages = []
        stride = 1
        for before, after in zip(widths, widths[1:]):
            first = BasicBlock(before, after, stride)
            second = BasicBlock(after, after, 1)
            stages.append(nn.Sequential(first, second))
            stride = 2
        self.stages = nn.ModuleList(stages)
        self.channels = widths[2:]

    def forward(self, x: torch.Tensor) -> Maps:
        """What the last three stages leave."""
        x = self.stages[0](self.stem(x))
        maps = []
        for stage in list(self.stages)[1:]:
            x = stage(x)
            maps.append(x)
        return maps


class InvertedResidual(nn.Module):
    """MobileNetV2's block: widen, filter each channel by itself, narrow; and a way around."""

    def __init__(self, before: int, after: int, stride: int, expand: int) -> None:
        super().__init__()
        hidden = before * expand

        self.expand: nn.Module = nn.Identity()
        if expand > 1:
            self.expand = conv_bn(before, hidden, 1, act=nn.ReLU6)

        depthwise = conv_bn(hidden, hidden, 3, stride, groups=hidden, act=nn.ReLU6)
        pointwise = conv_bn(hidden, after, 1, act=None)
        self.reduce = nn.Sequential(depthwise, pointwise)

        # the way around exists only where the shapes agree
        self.same = stride == 1 and before == after

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, before, h, w) -> (n, after, h / stride, w / stride)."""
        y = self.reduce(self.expand(x))
        if self.same:
            return x + y
        return y


# expansion, channels, blocks, stride of the first block: table 2 of the MobileNetV2 paper
MOBILENET_V2 = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


class MobileNetV2(Backbone):
    """MobileNetV2 without its classifier; `widths` holds the factor of its channels.

    Strides 8 and 16 are tapped where a block has widened them, as SSDLite does.
    """

    TAPS = (6, 13)  # the blocks that leave stride 8 and stride 16

    def __init__(self, widths: Tuple[float, ...]) -> None:
        super().__init__()
        self.stem = conv_bn(3, 32, 3, 2, act=nn.ReLU6)

        blocks = []
        before = 32
        for expand, channels, count, stride in MOBILENET_V2:
            after = _in_eights(channels * widths[0])
            for _ in range(count):
                blocks.append(InvertedResidual(before, after, stride, expand))
                before = after
                stride = 1
        self.blocks = nn.ModuleList(blocks)

        tapped = [blocks[i].expand[0].out_channels for i in self.TAPS]
        self.channels = (*tapped, before)

    def forward(self, x: torch.Tensor) -> Maps:
        """The two tapped maps and the last one."""
        x = self.stem(x)
        maps = []
        for i, block in enumerate(self.blocks):
            if i in self.TAPS:
                wide = block.expand(x)
                maps.append(wide)
                x = block.reduce(wide)
            else:
                x = block(x)
        return maps + [x]


def _in_eights(channels: float) -> int:
    """The nearest multiple of eight, which suits the hardware."""
    return int(channels + 4) // 8 * 8


BACKBONES: Dict[str, Callable[..., Backbone]] = {"resnet18": ResNet18, "mobilenet_v2": MobileNetV2}
