"""What steers a training: options, state, clock, learning rate, and the average of the weights.

The loop itself is in loop.py; what is trained, a recipe says.
"""

import copy
import math
import time
from dataclasses import dataclass, field
from typing import List

import torch

from .journal import Row

WARM_UP = 400  # steps in which the learning rate rises


@dataclass
class Options:
    """What one command may do; the recipe says what is trained."""

    out: str
    device: str = "cuda"

    # how long: the schedule is planned over a budget of seconds, all commands together, and ends
    # after `steps` at the latest; this command ends after `max_seconds` of training
    budget: float = 1400.0
    max_seconds: float = 1e9
    steps: int = 10**9
    batch: int = 0  # 0: the recipe's

    # the feed: processes, images in the pool, images to begin with, and a file that keeps some
    workers: int = 14
    pool: int = 40000
    pool_start: int = 600
    pool_file: str = ""
    pool_file_limit: int = 20000

    # images of the held splits
    validate: int = 250
    test: int = 300

    # how often: seconds, seconds, steps
    validate_every: float = 90.0
    save_every: float = 120.0
    log_every: int = 100

    compile: bool = True
    resume: bool = False
    seed: int = 0


@dataclass
class State:
    """What a checkpoint holds beside the weights."""

    step: int = 0
    seconds: float = 0.0
    rendered: int = 0
    best: float = 0.0
    history: List[Row] = field(default_factory=list)


class Clock:
    """How far a training is: its seconds in all commands, and the share of its budget."""

    def __init__(self, options: Options, state: State) -> None:
        self.options = options
        self.state = state
        self.before = state.seconds  # those of earlier commands
        self.start = time.monotonic()

    def restart(self) -> None:
        """Begin to count this command's seconds now."""
        self.start = time.monotonic()

    def spent(self) -> float:
        """Seconds of training in this command."""
        return time.monotonic() - self.start

    def seconds(self) -> float:
        """Seconds of training in all commands together."""
        return self.before + self.spent()

    def progress(self) -> float:
        """The share of the budget that is used up, of seconds or of steps; 1 is the end."""
        of_seconds = self.seconds() / self.options.budget
        of_steps = self.state.step / self.options.steps
        return max(of_seconds, of_steps)


def learning_rate(progress: float, step: int) -> float:
    """The factor of the base rate: a linear warm-up, then a cosine down to one fiftieth.

    `progress` is the share of the budget that is used up.
    """
    angle = math.pi * min(progress, 1.0)
    fall = 1 + math.cos(angle)  # from 2 down to 0
    cosine = 0.02 + 0.98 * fall / 2
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * cosine


class Average:
    """The exponential moving average of a model's weights; it follows quickly at first.

    `model` is the averaged copy: it is measured and shipped, but never trained.
    """

    def __init__(self, model: torch.nn.Module, decay: float = 0.9995) -> None:
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay

        # the same tensors of both, in the same order
        self.mine = _floats(self.model)
        self.theirs = _floats(model)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Follow the model after a step."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.mine, self.theirs, 1 - decay)


def _floats(model: torch.nn.Module) -> List[torch.Tensor]:
    """The weights and statistics that can be averaged: counters cannot."""
    return [value for value in model.state_dict().values() if value.is_floating_point()]
