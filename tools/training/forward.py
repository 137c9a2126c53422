"""The way from a batch of images to its losses: augmentation, network and loss.

On a GPU as much of it is compiled as works there. Gradients, weights and the schedule are the
trainer's (loop.py).
"""

import copy
from typing import Callable, NamedTuple, Tuple

import torch

from .augment import Augment, paint
from .losses import DetectionLoss
from .nets import SSD
from .priors import level_table, make_priors
from .recipes import Recipe
from .targets import Targets, to_targets

# the network, or the loss: a module, or what torch.compile makes of it
Part = Callable[..., Tuple[torch.Tensor, torch.Tensor]]

# which parts are compiled together, tried in this order
COMPILED = (
    ("network", "loss", "colours"),
    ("network", "colours"),
    ("network",),
)


class Losses(NamedTuple):
    """What a batch costs; the training lowers the sum."""

    score: torch.Tensor
    box: torch.Tensor


class ForwardPass:
    """Called with a batch of the pool, it gives the losses."""

    def __init__(self, recipe: Recipe, model: SSD, device: torch.device, seed: int) -> None:
        self.recipe = recipe
        self.model = model
        self.device = device
        self.priors = torch.from_numpy(make_priors(recipe)).to(device)

        # the parts that run: as they are written, or compiled
        self.augment = Augment(recipe, device, seed)
        self.network: Part = model
        self.loss: Part = self._plain_loss()

    def __call__(self, images: torch.Tensor, targets: Targets, gentle: bool) -> Losses:
        with torch.no_grad():
            tensor, targets = self.augment(images, targets, gentle)
        on_gpu = self.device.type == "cuda"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=on_gpu):
            logits, offsets = self.network(tensor)
        score, box = self.loss(logits, offsets, *targets)
        return Losses(score, box)

    def compile(self, batch: int, size: Tuple[int, int]) -> Tuple[str, ...]:
        """Use torch.compile for as much as works here; the names of the compiled parts.

        It is tried on noise, in batches and scenes of the size that will come. The weights stay
        as they are.
        """
        before = copy.deepcopy(self.model.state_dict())
        compiled = self._compile_most(batch, size)
        self.model.load_state_dict(before)
        return compiled

    def _compile_most(self, batch: int, size: Tuple[int, int]) -> Tuple[str, ...]:
        for parts in COMPILED:
            self._use(parts)
            try:
                self._rehearse(batch, size)
                return parts
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                print(f"compiling {', '.join(parts)} failed: {what}", flush=True)
        self._use(())
        return ()

    def _use(self, parts: Tuple[str, ...]) -> None:
        """Compile these parts and take the others as they are written."""
        self.network = self.model
        if "network" in parts:
            self.network = torch.compile(self.model)

        self.loss = self._plain_loss()
        if "loss" in parts:
            self.loss = torch.compile(self.loss)

        self.augment.paint = paint
        if "colours" in parts:
            self.augment.paint = torch.compile(paint)

    def _plain_loss(self) -> DetectionLoss:
        return DetectionLoss(self.priors, level_table(self.recipe))

    def _rehearse(self, batch: int, size: Tuple[int, int]) -> None:
        """A step on noise, without its consequences."""
        # pictures, and boxes of class 0 that are at least ten pixels wide and high
        width, height = size
        shape = (batch, height, width, 3)
        images = torch.randint(256, shape, dtype=torch.uint8, device=self.device)
        rows = torch.rand(batch, self.recipe.max_boxes, 6, device=self.device) * 100
        rows[..., 2:4] += rows[..., :2] + 10
        rows[..., 4:] = 0

        self.model.train()
        losses = self(images, to_targets(rows), gentle=False)
        loss = losses.score + losses.box
        loss.backward()
        loss.item()  # wait: errors of the GPU come late
        self.model.zero_grad(set_to_none=True)
