"""The networks: a width-pruned ResNet-18 or MobileNetV2, a light top-down neck, and one SSD head a feature map.

The neck is a small feature pyramid (1x1 laterals, nearest upsampling, addition), which the SSD paper does not have:
small objects need it. All parts map one to one to ONNX operators (see export.py). No weights are downloaded.
"""

import math

import torch
from torch import nn

from .priors import map_sizes


def conv_bn(cin, cout, kernel=3, stride=1, groups=1, act=nn.ReLU):
    conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(cout), act() if act else nn.Identity())


def separable(cin, cout, stride=1):
    return nn.Sequential(
        conv_bn(cin, cin, 3, stride, cin, nn.ReLU6), conv_bn(cin, cout, 1, act=nn.ReLU6)
    )


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = conv_bn(cin, cout, 3, stride)
        self.conv2 = conv_bn(cout, cout, 3, act=None)
        same = cin == cout and stride == 1
        self.shortcut = nn.Identity() if same else conv_bn(cin, cout, 1, stride, act=None)
        self.relu = nn.ReLU()

    def forward(self, x):
        return self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


class ResNet18(nn.Module):
    """The standard ResNet-18 with fewer channels: widths = stem and four stages (64, 64, 128,
    256, 512 unpruned).
    """

    def __init__(self, widths):
        super().__init__()
        self.stem = nn.Sequential(conv_bn(3, widths[0], 7, 2), nn.MaxPool2d(3, 2, 1))
        pairs = list(zip(widths, widths[1:]))
        self.stages = nn.ModuleList(
            nn.Sequential(BasicBlock(a, b, 1 if i == 0 else 2), BasicBlock(b, b, 1))
            for i, (a, b) in enumerate(pairs)
        )
        self.channels = widths[2:]

    def forward(self, x):
        x = self.stages[0](self.stem(x))
        maps = []
        for stage in list(self.stages)[1:]:
            x = stage(x)
            maps.append(x)
        return maps


class InvertedResidual(nn.Module):
    def __init__(self, cin, cout, stride, expand):
        super().__init__()
        hidden = cin * expand
        self.expand = conv_bn(cin, hidden, 1, act=nn.ReLU6) if expand > 1 else nn.Identity()
        self.reduce = nn.Sequential(
            conv_bn(hidden, hidden, 3, stride, hidden, nn.ReLU6), conv_bn(hidden, cout, 1, act=None)
        )
        self.same = stride == 1 and cin == cout

    def forward(self, x):
        y = self.reduce(self.expand(x))
        return x + y if self.same else y


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


class MobileNetV2(nn.Module):
    """MobileNetV2 without its classifier.

    Strides 8 and 16 are tapped at the expansion, as SSDLite does.
    """

    TAPS = (6, 13)  # the blocks that leave stride 8 and stride 16

    def __init__(self, widths):
        super().__init__()
        self.stem = conv_bn(3, 32, 3, 2, act=nn.ReLU6)
        blocks = []
        cin = 32
        for expand, channels, count, stride in MOBILENET_V2:
            cout = int(channels * widths[0] + 4) // 8 * 8
            for i in range(count):
                blocks.append(InvertedResidual(cin, cout, stride if i == 0 else 1, expand))
                cin = cout
        self.blocks = nn.ModuleList(blocks)
        self.channels = tuple(blocks[i].expand[0].out_channels for i in self.TAPS) + (cin,)

    def forward(self, x):
        x = self.stem(x)
        maps = []
        for i, block in enumerate(self.blocks):
            if i in self.TAPS:
                maps.append(block.expand(x))
                x = block.reduce(maps[-1])
            else:
                x = block(x)
        return maps + [x]


class UpTo(nn.Module):
    """Nearest upsampling by two, cut to (height, width): what ONNX writes as Resize and Slice."""

    def __init__(self, height, width):
        super().__init__()
        self.height = height
        self.width = width

    def forward(self, x):
        x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
        return x[:, :, : self.height, : self.width]


class Neck(nn.Module):
    def __init__(self, channels, width, sizes, block):
        super().__init__()
        self.lateral = nn.ModuleList(conv_bn(c, width, 1, act=None) for c in channels)
        self.up = nn.ModuleList(UpTo(h, w) for w, h in sizes[: len(channels) - 1])
        self.smooth = nn.ModuleList(block(width, width) for _ in channels)
        self.extra = nn.ModuleList(block(width, width, stride=2) for _ in sizes[len(channels) :])

    def forward(self, maps):
        maps = [lateral(x) for lateral, x in zip(self.lateral, maps)]
        for i in range(len(maps) - 2, -1, -1):
            maps[i] = maps[i] + self.up[i](maps[i + 1])
        maps = [smooth(x) for smooth, x in zip(self.smooth, maps)]
        for extra in self.extra:
            maps.append(extra(maps[-1]))
        return maps


class Head(nn.Module):
    """Scores and box offsets of every prior of one feature map."""

    def __init__(self, width, priors, columns, block, lite):
        super().__init__()
        kernel = 1 if lite else 3
        self.hidden = block(width, width)
        self.scores = nn.Conv2d(width, priors * columns, kernel, padding=kernel // 2)
        self.boxes = nn.Conv2d(width, priors * 4, kernel, padding=kernel // 2)
        self.start(priors, columns)

    def start(self, priors, columns, foreground=0.01):
        """Begin with every prior sure to be background,
        or the first steps are spent on learning just that.
        """
        for conv in (self.scores, self.boxes):
            nn.init.normal_(conv.weight, std=0.01)
            nn.init.zeros_(conv.bias)
        log_odds = math.log((1 - foreground) / (foreground / (columns - 1)))
        with torch.no_grad():
            self.scores.bias.view(priors, columns)[:, 0] = log_odds

    def forward(self, x):
        x = self.hidden(x)
        return self.scores(x), self.boxes(x)


BACKBONES = {"resnet18": ResNet18, "mobilenet_v2": MobileNetV2}


class SSD(nn.Module):
    """image (n, 3, h, w) -> class logits (n, priors, classes + 1), offsets (n, priors, 4).

    Column 0 is background.
    """

    def __init__(self, recipe, classes):
        super().__init__()
        self.columns = classes + 1
        block = separable if recipe.separable else conv_bn_block
        self.backbone = BACKBONES[recipe.backbone](recipe.widths)
        self.neck = Neck(self.backbone.channels, recipe.neck, map_sizes(recipe), block)
        self.heads = nn.ModuleList(
            Head(recipe.neck, len(level.priors), self.columns, block, recipe.separable)
            for level in recipe.levels
        )
        self.backbone.apply(init_conv)
        self.neck.apply(init_conv)

    def maps(self, x):
        return [head(m) for head, m in zip(self.heads, self.neck(self.backbone(x)))]

    def forward(self, x):
        scores, boxes = zip(*self.maps(x))
        return self._rows(scores, self.columns), self._rows(boxes, 4)

    @staticmethod
    def _rows(maps, columns):
        return torch.cat([m.permute(0, 2, 3, 1).reshape(m.shape[0], -1, columns) for m in maps], 1)


def conv_bn_block(cin, cout, stride=1):
    return conv_bn(cin, cout, 3, stride)


def init_conv(module):
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def count_macs(model, size):
    """Multiply-accumulate operations of one image, and the parameters: convolutions only,
    as papers count.
    """
    macs = []

    def hook(conv, _, out):
        macs.append(out.shape[2] * out.shape[3] * conv.weight.numel())

    handles = [m.register_forward_hook(hook) for m in model.modules() if isinstance(m, nn.Conv2d)]
    with torch.no_grad():
        model(torch.zeros(1, 3, size[1], size[0]))
    for handle in handles:
        handle.remove()
    return sum(macs), sum(p.numel() for p in model.parameters())
