"""Random crops, flips, cuts, colours, blur and noise on whole batches, on the device that trains.

Images come as uint8 BGR of the scene's size and leave as the network's input tensor; boxes leave in pixels of that
input. Not for evaluation: `plain` gives the untouched batch there.
"""

from typing import NamedTuple

import torch
from torch.nn import functional

# share of a box that a crop must leave: less is dropped, less is ignored
VISIBLE_KEEP = 0.3
VISIBLE_TRUST = 0.6


class Targets(NamedTuple):
    boxes: torch.Tensor  # (b, m, 4) corners
    labels: torch.Tensor  # (b, m) 0-based class, -1 where there is no object
    ignore: torch.Tensor  # (b, m) difficult: neither right nor wrong


def plain(recipe, images, targets):
    """uint8 (b, h, w, 3) resized to the network input, as cv2.resize does it, and boxes with it."""
    height, width = images.shape[1:3]
    x = functional.interpolate(
        images.permute(0, 3, 1, 2).float(), size=recipe.size[::-1], mode="bilinear"
    )
    factor = images.new_tensor(
        [recipe.size[0] / width, recipe.size[1] / height] * 2, dtype=torch.float32
    )
    return normalise(recipe, x), targets._replace(boxes=targets.boxes * factor)


def normalise(recipe, x):
    if recipe.color == "RGB":
        x = x.flip(1)
    mean, scale = (x.new_tensor(v).view(1, 3, 1, 1) for v in (recipe.mean, recipe.scale))
    return ((x - mean) / scale).contiguous(memory_format=torch.channels_last)


class Augment:
    """Call with a batch.

    `gentle` leaves only flips and light colour, for the last part of the training.
    """

    def __init__(self, recipe, device, seed=0):
        self.recipe = recipe
        self.paint = paint
        self.random = torch.Generator(device).manual_seed(seed)
        self.device = device

    def __call__(self, images, targets, gentle=False):
        height, width = images.shape[1:3]
        unit = targets.boxes / images.new_tensor([width, height] * 2, dtype=torch.float32)
        window, flip = self._windows(len(images), gentle)
        x = self._warp(images, window, flip)
        targets = clip_boxes(targets._replace(boxes=move_boxes(unit, window, flip)))
        if not gentle:
            x, targets = self._splice(x, targets)
        scale = images.new_tensor(self.recipe.size * 2, dtype=torch.float32)
        targets = self._sort(targets._replace(boxes=targets.boxes * scale))
        x = self.paint(x / 255, self._tones(len(x), 0.4 if gentle else 1.0))
        if not gentle:
            x = self._cutout(blur(x))
        return normalise(self.recipe, x * 255), targets

    def _uniform(self, *shape, low=0.0, high=1.0):
        return torch.rand(*shape, generator=self.random, device=self.device) * (high - low) + low

    def _chance(self, count, probability):
        return self._uniform(count) < probability

    def _windows(self, count, gentle):
        """What each image shows of its source, (b, 4) as x, y, width, height in 0..1,
        and whether it is mirrored.
        """
        low, high = (torch.tensor(v).log().item() for v in self.recipe.zoom)
        zoom = (
            self._uniform(count, 1, low=low, high=high).exp()
            * self._uniform(count, 2, low=-0.15, high=0.15).exp()
        )
        untouched = self._chance(count, 1.0 if gentle else 0.25)[:, None]
        share = torch.where(untouched, torch.ones_like(zoom), 1 / zoom)
        return torch.cat([self._uniform(count, 2) * (1 - share), share], 1), self._chance(
            count, 0.5
        )

    def _warp(self, images, window, flip):
        width, height = self.recipe.size
        u = (torch.arange(width, device=self.device) + 0.5) / width
        v = (torch.arange(height, device=self.device) + 0.5) / height
        u = torch.where(flip[:, None], 1 - u, u[None])  # (b, w)
        x = (window[:, :1] + u * window[:, 2:3]) * 2 - 1
        y = (window[:, 1:2] + v * window[:, 3:]) * 2 - 1
        grid = torch.stack(torch.broadcast_tensors(x[:, None], y[:, :, None]), -1)  # (b, h, w, 2)
        fill = self._uniform(len(images), 3, 1, 1, low=-60, high=60) + 114
        source = images.permute(0, 3, 1, 2).float() - fill
        return (
            functional.grid_sample(
                source, grid, mode="bilinear", padding_mode="zeros", align_corners=False
            )
            + fill
        )

    def _splice(self, x, targets, share=0.3):
        """The last images end at a random column, where another image of the batch goes on:
        variety from a pool.
        """
        first = int(len(x) * (1 - share))
        cut = torch.cat(
            [
                torch.ones(first, device=self.device),
                self._uniform(len(x) - first, low=0.25, high=0.75),
            ]
        )
        column = (torch.arange(x.shape[3], device=self.device) + 0.5) / x.shape[3]
        left = (column < cut[first:, None])[:, None, None]
        other = Targets(*(t.roll(1, 0) for t in targets))
        both = [clip_boxes(targets, right=cut), clip_boxes(other, left=cut)]
        spliced = torch.where(left, x[first:], x.roll(1, 0)[first:])
        return torch.cat([x[:first], spliced]), Targets(*(torch.cat(t, 1) for t in zip(*both)))

    def _sort(self, targets):
        """Real objects first, at most `max_boxes`; those too low for the network are ignored."""
        real = (targets.labels >= 0).float()
        order = real.sort(dim=1, descending=True, stable=True).indices[:, : self.recipe.max_boxes]
        boxes = targets.boxes.gather(1, order[..., None].expand(-1, -1, 4))
        low = boxes[..., 3] - boxes[..., 1] < self.recipe.min_height
        return Targets(
            boxes, targets.labels.gather(1, order), targets.ignore.gather(1, order) | low
        )

    def _tones(self, count, strength):
        """What `paint` needs, drawn per image."""

        def draw(size, channels=1):
            return self._uniform(count, channels, 1, 1, low=-size * strength, high=size * strength)

        saturation = (1 + draw(0.6)) * ~self._chance(count, 0.03).view(-1, 1, 1, 1)
        noise = self._uniform(count, 1, 1, 1, low=-0.04, high=0.04).clamp(min=0) * strength
        gain = (1 + draw(0.35)) * (1 + draw(0.12, 3))
        return Tones(saturation, 1 + draw(0.4), gain, draw(0.06), draw(0.4).exp(), noise)

    def _cutout(self, x, rectangles=3, share=0.3):
        """Flat rectangles on the first images: an object half hidden is still that object."""
        width, height = self.recipe.size
        count = int(len(x) * share)
        column = (torch.arange(width, device=self.device) + 0.5).view(1, 1, 1, -1)
        row = (torch.arange(height, device=self.device) + 0.5).view(1, 1, -1, 1)
        for _ in range(rectangles):
            draw = self._uniform(count, 4, 1, 1)
            half = (draw[:, 2:] ** 2 + 0.05) * height / 12  # (b, 2, 1, 1)
            hit = ((column - draw[:, :1] * width).abs() < half[:, :1]) & (
                (row - draw[:, 1:2] * height).abs() < half[:, 1:]
            )
            x[:count] = torch.where(hit, self._uniform(count, 3, 1, 1), x[:count])
        return x


class Tones(NamedTuple):
    """Colour changes, each (b, 1 or 3, 1, 1)."""

    saturation: torch.Tensor
    contrast: torch.Tensor
    gain: torch.Tensor
    lift: torch.Tensor
    gamma: torch.Tensor
    noise: torch.Tensor


def paint(x, tones):
    """Colours and noise of a BGR batch in 0..1.

    No random draw but the noise, so that torch.compile can fuse it.
    """
    grey = (x * x.new_tensor([0.114, 0.587, 0.299]).view(1, 3, 1, 1)).sum(1, keepdim=True)
    x = grey + (x - grey) * tones.saturation
    mean = grey.mean((2, 3), keepdim=True)
    x = (mean + (x - mean) * tones.contrast) * tones.gain + tones.lift
    return (x.clamp(1e-4, 1).pow(tones.gamma) + torch.randn_like(x) * tones.noise).clamp(0, 1)


def blur(x, share=0.15):
    """Five by five binomial blur of the first images."""
    count = int(len(x) * share)
    line = x.new_tensor([1, 4, 6, 4, 1]) / 16
    kernel = (line[:, None] * line).expand(3, 1, 5, 5)
    x[:count] = functional.conv2d(x[:count], kernel, padding=2, groups=3)
    return x


def move_boxes(boxes, window, flip):
    """Boxes in 0..1 of the source as boxes in 0..1 of the window."""
    moved = (boxes - window[:, None, [0, 1, 0, 1]]) / window[:, None, [2, 3, 2, 3]]
    mirrored = torch.stack([1 - moved[..., 2], moved[..., 1], 1 - moved[..., 0], moved[..., 3]], -1)
    return torch.where(flip[:, None, None], mirrored, moved)


def clip_boxes(targets, left=None, right=None):
    """Clip to the image, or to the columns between `left` and `right` (each (b,)),
    dropping what is cut off.
    """
    boxes = targets.boxes
    low = torch.zeros_like(boxes[:, :, 0])
    high = torch.ones_like(boxes[:, :, 0])
    first = low if left is None else low + left[:, None]
    last = high if right is None else low + right[:, None]
    clipped = torch.stack(
        [
            boxes[..., 0].maximum(first).minimum(last),
            boxes[..., 1].clamp(0, 1),
            boxes[..., 2].maximum(first).minimum(last),
            boxes[..., 3].clamp(0, 1),
        ],
        -1,
    )
    visible = _area(clipped) / _area(boxes).clamp(min=1e-9)
    labels = torch.where(visible > VISIBLE_KEEP, targets.labels, -1)
    return Targets(clipped, labels, targets.ignore | (visible < VISIBLE_TRUST))


def _area(boxes):
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
