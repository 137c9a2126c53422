"""Random crops, flips, cuts, colours, blur and noise on whole batches, on the device that trains.

Images come as uint8 BGR of the scene's size and leave as the network's input tensor; boxes leave
in pixels of that input. Evaluation uses none of this but `plain`, which leaves the batch as it is.
"""

from typing import NamedTuple, Tuple

import torch
from torch.nn import functional

from .recipes import Recipe
from .targets import Targets, clip_boxes, join, keep_real, move_boxes, roll

# how strongly colours change: fully, and in the last part of the training
STRONG = 1.0
GENTLE = 0.4


def plain(recipe: Recipe, images: torch.Tensor, targets: Targets) -> Tuple[torch.Tensor, Targets]:
    """The network's input of images (b, h, w, 3), and the targets in its pixels.

    Pictures are resized as cv2.resize does it; nothing is drawn at random.
    """
    height, width = images.shape[1:3]
    wide, high = recipe.size

    channels_first = images.permute(0, 3, 1, 2).float()  # (b, 3, h, w)
    x = functional.interpolate(channels_first, size=(high, wide), mode="bilinear")

    across = wide / width
    down = high / height
    factor = images.new_tensor([across, down, across, down], dtype=torch.float32)
    return normalise(recipe, x), targets._replace(boxes=targets.boxes * factor)


def normalise(recipe: Recipe, x: torch.Tensor) -> torch.Tensor:
    """BGR pixels in 0..255, (b, 3, h, w), as the values the network is fed with."""
    if recipe.color == "RGB":
        x = x.flip(1)
    mean = x.new_tensor(recipe.mean).view(1, 3, 1, 1)
    scale = x.new_tensor(recipe.scale).view(1, 3, 1, 1)
    return ((x - mean) / scale).contiguous(memory_format=torch.channels_last)


class Tones(NamedTuple):
    """The colour changes of a batch, each (b, 1 or 3, 1, 1)."""

    saturation: torch.Tensor
    contrast: torch.Tensor
    gain: torch.Tensor
    lift: torch.Tensor
    gamma: torch.Tensor
    noise: torch.Tensor


class Windows(NamedTuple):
    """What each image of a batch shows of its source."""

    window: torch.Tensor  # (b, 4) x, y, width, height in 0..1 of the source
    flip: torch.Tensor  # (b,) whether it is mirrored


class Augment:
    """Called with a batch, it gives the network's input and the targets in that input's pixels.

    `gentle` leaves only flips and light colours, for the last part of the training. All draws but
    the noise come from a generator of its own, so that equal seeds give equal crops.
    """

    def __init__(self, recipe: Recipe, device: torch.device, seed: int = 0) -> None:
        self.recipe = recipe
        self.device = device
        self.random = torch.Generator(device).manual_seed(seed)

        # the function that colours; a compiled one may take its place
        self.paint = paint

    def __call__(
        self, images: torch.Tensor, targets: Targets, gentle: bool = False
    ) -> Tuple[torch.Tensor, Targets]:
        height, width = images.shape[1:3]
        source_size = images.new_tensor([width, height] * 2, dtype=torch.float32)
        input_size = images.new_tensor(self.recipe.size * 2, dtype=torch.float32)

        # every image shows a window of its source, and the boxes follow
        window, flip = self._windows(len(images), gentle)
        x = self._warp(images, window, flip)
        boxes = move_boxes(targets.boxes / source_size, window, flip)
        targets = clip_boxes(targets._replace(boxes=boxes))

        # some go on with another image's right side
        if not gentle:
            x, targets = self._splice(x, targets)

        # the network has room for so many objects
        targets = targets._replace(boxes=targets.boxes * input_size)
        targets = keep_real(targets, self.recipe.max_boxes, self.recipe.min_height)

        # colours, and on some images blur and flat patches
        strength = STRONG
        if gentle:
            strength = GENTLE
        x = self.paint(x / 255, self._tones(len(x), strength))
        if not gentle:
            x = self._cutout(blur(x))
        return normalise(self.recipe, x * 255), targets

    def _uniform(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        drawn = torch.rand(*shape, generator=self.random, device=self.device)
        return drawn * (high - low) + low

    def _around_zero(self, most: float, count: int, channels: int = 1) -> torch.Tensor:
        """A value in -most..most for each image, (count, channels, 1, 1)."""
        return self._uniform(count, channels, 1, 1, low=-most, high=most)

    def _chance(self, count: int, probability: float) -> torch.Tensor:
        return self._uniform(count) < probability

    def _windows(self, count: int, gentle: bool) -> Windows:
        # a common zoom, even on a logarithmic scale, then a little for each side
        low, high = torch.tensor(self.recipe.zoom).log().tolist()
        zoom = self._uniform(count, 1, low=low, high=high).exp()
        zoom = zoom * self._uniform(count, 2, low=-0.15, high=0.15).exp()

        # some images keep their size: a quarter, and all when gentle
        keep = 0.25
        if gentle:
            keep = 1.0
        untouched = self._chance(count, keep)[:, None]
        share = torch.where(untouched, torch.ones_like(zoom), 1 / zoom)

        # the window lies anywhere
        corner = self._uniform(count, 2) * (1 - share)
        window = torch.cat([corner, share], 1)
        return Windows(window, flip=self._chance(count, 0.5))

    def _warp(self, images: torch.Tensor, window: torch.Tensor, flip: torch.Tensor) -> torch.Tensor:
        """The windows of the images in the network's size, (b, 3, h, w)."""
        # where the input's pixels lie in the window, in 0..1
        width, height = self.recipe.size
        u = (torch.arange(width, device=self.device) + 0.5) / width
        v = (torch.arange(height, device=self.device) + 0.5) / height
        u = torch.where(flip[:, None], 1 - u, u[None])  # (b, w)

        # where that is in the source, in -1..1
        left, top, wide, high = window.split(1, dim=1)  # each (b, 1)
        x = (left + u * wide) * 2 - 1
        y = (top + v * high) * 2 - 1
        points = torch.broadcast_tensors(x[:, None], y[:, :, None])
        grid = torch.stack(points, -1)  # (b, h, w, 2)

        # what lies outside the source gets one random colour, neither dark nor bright
        fill = self._uniform(len(images), 3, 1, 1, low=-60, high=60) + 114
        source = images.permute(0, 3, 1, 2).float() - fill
        warped = functional.grid_sample(
            source, grid, mode="bilinear", padding_mode="zeros", align_corners=False
        )
        return warped + fill

    def _splice(
        self, x: torch.Tensor, targets: Targets, share: float = 0.3
    ) -> Tuple[torch.Tensor, Targets]:
        """End the last images at a random column, where another image of the batch goes on.

        So a pool of limited size shows more different pictures.
        """
        # the share of its width that each image keeps
        first = int(len(x) * (1 - share))
        whole = torch.ones(first, device=self.device)
        cut = self._uniform(len(x) - first, low=0.25, high=0.75)
        kept = torch.cat([whole, cut])

        # the pixels
        width = x.shape[3]
        column = (torch.arange(width, device=self.device) + 0.5) / width
        left = (column < cut[:, None])[:, None, None]  # (n, 1, 1, w)
        spliced = torch.where(left, x[first:], x.roll(1, 0)[first:])

        # the objects of both sides
        own = clip_boxes(targets, right=kept)
        other = clip_boxes(roll(targets), left=kept)
        return torch.cat([x[:first], spliced]), join(own, other)

    def _tones(self, count: int, strength: float) -> Tones:
        """What `paint` needs, drawn for each image."""
        # a few images are grey altogether
        saturation = 1 + self._around_zero(0.6 * strength, count)
        grey = self._chance(count, 0.03).view(-1, 1, 1, 1)
        saturation = torch.where(grey, torch.zeros_like(saturation), saturation)

        # half of the images have no noise
        noise = self._uniform(count, 1, 1, 1, low=-0.04, high=0.04)
        noise = noise.clamp(min=0) * strength

        # brightness, and a tint
        gain = 1 + self._around_zero(0.35 * strength, count)
        gain = gain * (1 + self._around_zero(0.12 * strength, count, channels=3))

        contrast = 1 + self._around_zero(0.4 * strength, count)
        lift = self._around_zero(0.06 * strength, count)
        gamma = self._around_zero(0.4 * strength, count).exp()
        return Tones(saturation, contrast, gain, lift, gamma, noise)

    def _cutout(self, x: torch.Tensor, rectangles: int = 3, share: float = 0.3) -> torch.Tensor:
        """Put flat rectangles on the first images: an object half hidden is still that object."""
        width, height = self.recipe.size
        count = int(len(x) * share)
        column = (torch.arange(width, device=self.device) + 0.5).view(1, 1, 1, -1)
        row = (torch.arange(height, device=self.device) + 0.5).view(1, 1, -1, 1)

        for _ in range(rectangles):
            # one rectangle an image: its middle, and half its sides
            draw = self._uniform(count, 4, 1, 1)
            middle_x = draw[:, :1] * width
            middle_y = draw[:, 1:2] * height
            half = (draw[:, 2:] ** 2 + 0.05) * height / 12  # (n, 2, 1, 1)

            # the pixels it covers
            hit_x = (column - middle_x).abs() < half[:, :1]
            hit_y = (row - middle_y).abs() < half[:, 1:]
            color = self._uniform(count, 3, 1, 1)
            x[:count] = torch.where(hit_x & hit_y, color, x[:count])
        return x


def paint(x: torch.Tensor, tones: Tones) -> torch.Tensor:
    """Change the colours of a BGR batch in 0..1 and add noise.

    Nothing but the noise is drawn here, so that torch.compile can fuse it.
    """
    # saturation: towards each pixel's grey or away from it
    weights = x.new_tensor([0.114, 0.587, 0.299]).view(1, 3, 1, 1)
    grey = (x * weights).sum(1, keepdim=True)
    x = grey + (x - grey) * tones.saturation

    # contrast: towards the mean or away from it
    mean = grey.mean((2, 3), keepdim=True)
    x = mean + (x - mean) * tones.contrast

    # brightness, gamma and noise
    x = x * tones.gain + tones.lift
    x = x.clamp(1e-4, 1).pow(tones.gamma)
    x = x + torch.randn_like(x) * tones.noise
    return x.clamp(0, 1)


def blur(x: torch.Tensor, share: float = 0.15) -> torch.Tensor:
    """Blur the first images with a five by five binomial kernel."""
    count = int(len(x) * share)
    line = x.new_tensor([1, 4, 6, 4, 1]) / 16
    kernel = (line[:, None] * line).expand(3, 1, 5, 5)
    x[:count] = functional.conv2d(x[:count], kernel, padding=2, groups=3)
    return x
