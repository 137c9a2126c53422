"""The training loop: schedule, mixed precision, average of the weights, checkpoints, validation.

The schedule runs over a budget of seconds or of steps, whichever ends first, so that rented GPU
time is used up exactly. A run that is stopped (by a signal or --max-seconds) saves a checkpoint,
and goes on from it with `resume`.
"""

import contextlib
import math
import signal
import time
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import torch

from .detect import Detected, detect
from .evaluate import average_precision, report
from .feed import Feed, Held
from .forward import ForwardPass
from .journal import Journal
from .nets import SSD
from .pool import Pool, PoolFile, Sampler, Source
from .recipes import Recipe
from .run_folder import RunFolder
from .schedule import Average, Clock, Options, State, learning_rate

GENTLE_FROM = 0.88  # share of the budget after which strong augmentation ends
GRADIENT_LIMIT = 10.0  # norm to which the gradients are clipped


class Trainer:
    """One command's part of a training: make it, `run` it, and `finish` when the budget is used up.

    `sample` renders the scenes, as pool.Sampler describes it, in `size` (width, height).
    """

    def __init__(
        self,
        recipe: Recipe,
        labels: Sequence[str],
        size: Tuple[int, int],
        sample: Sampler,
        options: Options,
    ) -> None:
        # what is trained, and how long
        self.recipe = recipe
        self.labels = labels
        self.options = options
        self.batch = options.batch or recipe.batch

        # what is kept of it
        self.folder = RunFolder(options.out, recipe, labels)
        self.journal = Journal(options.out)
        self.state = State()
        saved = None
        if options.resume:
            saved = self.folder.load_checkpoint()
            self.state = State(**saved["state"])
            self.journal.restore(self.state.history)

        # how far it is, and when it last did what it does now and then
        self.stopped = False
        self.clock = Clock(options, self.state)
        self.logged_step = self.state.step
        self.logged_at = self.clock.start
        self.validated_at = self.clock.start
        self.saved_at = self.clock.start

        # where images come from; the workers are forked here, before CUDA starts
        self.source = Source(sample, recipe.task, size, recipe.max_boxes, options.seed)
        self.recorder: Optional[PoolFile] = None
        self.loaded = 0  # images that the recorder's file brought
        self.first = self.state.rendered  # the first training image that is new
        if options.pool_file:
            self.recorder = PoolFile(options.pool_file, self.source, options.pool_file_limit)
            self.first = max(self.first, self.recorder.count)
        splits = {"val": options.validate, "test": options.test}
        held = {split: count for split, count in splits.items() if count}
        self.feed = Feed(self.source, held, options.workers, self.first)

        # the network
        seed = options.seed + self.state.step
        torch.manual_seed(seed)
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        self.device = torch.device(options.device)
        model = SSD(recipe, len(labels))
        self.model = model.to(self.device, memory_format=torch.channels_last)

        # what moves its weights
        self.average = Average(self.model)
        self.optimizer = torch.optim.AdamW(
            self._parameter_groups(), lr=recipe.lr, betas=(0.9, 0.99), foreach=True
        )
        if saved:
            self.model.load_state_dict(saved["model"])
            self.average.model.load_state_dict(saved["average"])
            self.optimizer.load_state_dict(saved["optimizer"])

        # what a step needs: its losses, images, and the sums of the losses for the log
        self.forward = ForwardPass(recipe, self.model, self.device, seed)
        self.pool = Pool(self.source, options.pool, self.device)
        self.sums = torch.zeros(2, device=self.device)

    def _parameter_groups(self) -> List[Dict[str, object]]:
        """Weights decay; biases and the factors of batch normalisation do not."""
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        others = [p for p in self.model.parameters() if p.ndim <= 1]
        return [
            {"params": decayed, "weight_decay": self.recipe.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]

    def run(self) -> bool:
        """Train until the budget, this command's time, or a signal ends it.

        True when the budget is used up.
        """
        self._fill()
        self._stop_on_signals()

        # time counts from when there are images
        self.clock.restart()
        self.logged_at = self.clock.start
        self.validated_at = self.clock.start
        self.saved_at = self.clock.start

        self.model.train()
        while self._goes_on():
            self._step()
            self._housekeeping()
        complete = self.clock.progress() >= 1

        self.validate()
        self.save()
        self.feed.close()
        return complete

    def _fill(self) -> None:
        """Wait for the first images; the network is compiled meanwhile."""
        began = time.monotonic()
        if self.recorder:
            self.loaded = self.recorder.load(self.pool)
        self.feed.start(self.pool, self.recorder)

        compiled: Tuple[str, ...] = ()
        if self.options.compile and self.device.type == "cuda":
            compiled = self.forward.compile(self.batch, self.source.size)
        print(f"compiled: {', '.join(compiled) or 'nothing'}", flush=True)

        self.feed.wait(self.options.pool_start)
        waited = time.monotonic() - began
        images = f"{len(self.pool)} images ({self.loaded} from a file)"
        print(f"pool of {images} after {waited:.0f} s", flush=True)

    def _stop_on_signals(self) -> None:
        # only the main thread may set handlers; elsewhere a run goes without
        with contextlib.suppress(ValueError):
            signal.signal(signal.SIGTERM, self._stop)
            signal.signal(signal.SIGINT, self._stop)

    def _stop(self, *_: object) -> None:
        self.stopped = True

    def _goes_on(self) -> bool:
        if self.stopped or self.clock.progress() >= 1:
            return False
        return self.clock.spent() < self.options.max_seconds

    def rendered(self) -> int:
        """Training images that all commands together have rendered."""
        return self.first + self.pool.added - self.loaded

    def _step(self) -> None:
        progress = self.clock.progress()
        step = self.state.step

        # the schedule
        rate = self.recipe.lr * learning_rate(progress, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate

        # forward
        images, targets = self.pool.draw(self.batch)
        losses = self.forward(images, targets, gentle=progress > GENTLE_FROM)

        # backward
        self.optimizer.zero_grad(set_to_none=True)
        (losses.score + losses.box).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_LIMIT)
        self.optimizer.step()

        # what is kept of the step; the sums stay on the device, so that nothing waits for it
        self.average.update(step)
        self.sums += torch.stack([losses.score.detach(), losses.box.detach()])
        self.state.step += 1

    def _housekeeping(self) -> None:
        """What is due now and then: log, validate, save."""
        now = time.monotonic()
        if self.state.step % self.options.log_every == 0:
            self._log(now)
        if now - self.validated_at > self.options.validate_every:
            self.validate()
            self.validated_at = time.monotonic()
        if now - self.saved_at > self.options.save_every:
            self.save()
            self.saved_at = time.monotonic()

    def _log(self, now: float) -> None:
        # the means since the last line
        count = max(self.state.step - self.logged_step, 1)
        score, box = (self.sums / count).tolist()
        if not math.isfinite(score + box):
            raise FloatingPointError(
                f"the loss is {score} + {box} at step {self.state.step}: go on with --resume"
            )
        images_per_second = count * self.batch / max(now - self.logged_at, 1e-9)

        # begin anew
        self.sums.zero_()
        self.logged_step = self.state.step
        self.logged_at = time.monotonic()

        self.journal.write(
            step=self.state.step,
            seconds=self.clock.seconds(),
            score_loss=score,
            box_loss=box,
            rate=self.optimizer.param_groups[0]["lr"],
            images_per_second=images_per_second,
            rendered=self.rendered(),
        )
        if self.feed.failure:
            print(f"warning: {self.feed.failure}", flush=True)

    def validate(self) -> None:
        """Measure the averaged weights on the validation split and log the mAP."""
        if not self.options.validate:
            return
        held = self.feed.held["val"]
        ap = average_precision(self.detect(held), held.rows, len(self.labels))
        score = float(np.nanmean(ap))
        self.state.best = max(self.state.best, score)
        self.journal.write(step=self.state.step, seconds=self.clock.seconds(), mAP=score)

    def measure(self, split: str) -> Dict[str, object]:
        """The report of the averaged weights on a held split."""
        held = self.feed.held[split]
        return report(self.detect(held), held.rows, self.labels)

    def detect(self, held: Held) -> List[Detected]:
        """What the averaged weights find on a held split."""
        return detect(self.average.model, self.recipe, self.forward.priors, held.images)

    def save(self) -> None:
        """Write the checkpoint, the weights, the log and the curve."""
        self.state.seconds = self.clock.seconds()
        self.state.history = self.journal.rows
        self.state.rendered = self.rendered()
        self.folder.save_checkpoint(
            state=vars(self.state),
            model=self.model.state_dict(),
            average=self.average.model.state_dict(),
            optimizer=self.optimizer.state_dict(),
        )
        self._save_weights({"training": self._facts()})
        self.journal.save()
        self.journal.draw(self.recipe.title)

    def _save_weights(self, result: Dict[str, Dict[str, object]]) -> None:
        self.folder.save_weights(self.average.model.state_dict(), result)

    def _facts(self) -> Dict[str, object]:
        """What the training took."""
        device = "CPU"
        if self.device.type == "cuda":
            device = torch.cuda.get_device_name()
        return {
            "steps": self.state.step,
            "seconds": round(self.state.seconds),
            "rendered": self.state.rendered,
            "batch": self.batch,
            "device": device,
        }

    def finish(self) -> Dict[str, Dict[str, object]]:
        """Measure the averaged weights on every held split and keep that with them."""
        result = {split: self.measure(split) for split in self.feed.held}
        result["training"] = self._facts()
        self._save_weights(result)
        self.folder.save_result(result)
        return result
