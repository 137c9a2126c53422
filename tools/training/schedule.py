"""What steers a training: the options of a command, the state a checkpoint holds, the rate,
the averaged weights.
"""

import copy
import math
from dataclasses import dataclass, field

import torch

WARM_UP = 400  # steps in which the learning rate rises


@dataclass
class Options:
    """What one command may do; the recipe says what is trained."""

    out: str
    device: str = "cuda"
    budget: float = (
        1400.0  # seconds of training the schedule is planned over, all commands together
    )
    max_seconds: float = 1e9  # this command ends after so many seconds of training
    steps: int = 10**9  # the schedule ends here at the latest
    batch: int = 0  # 0: the recipe's
    workers: int = 14
    pool: int = 40000
    pool_start: int = 600
    pool_file: str = ""
    pool_file_limit: int = 20000
    validate: int = 250
    test: int = 300
    validate_every: float = 90.0
    save_every: float = 120.0
    log_every: int = 100
    compile: bool = True
    resume: bool = False
    seed: int = 0


@dataclass
class State:
    """What a checkpoint holds."""

    step: int = 0
    seconds: float = 0.0
    rendered: int = 0
    best: float = 0.0
    history: list = field(default_factory=list)


def learning_rate(progress, step):
    """Factor of the base rate: linear warm-up, then a cosine to one fiftieth."""
    cosine = 0.02 + 0.98 * (1 + math.cos(math.pi * min(progress, 1.0))) / 2
    return min(1.0, (step + 1) / WARM_UP) * cosine


class Average:
    """Exponential moving average of the weights; it follows quickly at first."""

    def __init__(self, model, decay=0.9995):
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.decay = decay
        self.mine, self.theirs = (
            [v for v in m.state_dict().values() if v.is_floating_point()]
            for m in (self.model, model)
        )

    @torch.no_grad()
    def update(self, step):
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.mine, self.theirs, 1 - decay)
