"""The training loop: schedule, mixed precision, average of the weights, checkpoints, validation.

The schedule runs over a budget of seconds or of steps, whichever ends first: rented GPU time is used up exactly.
A run that is stopped (signal, --max-seconds) saves a checkpoint and goes on from it with `resume`.
"""

import contextlib
import copy
import json
import math
import os
import signal
import time

import numpy as np
import torch

from .augment import Augment, paint
from .evaluate import average_precision, detect, report
from .feed import Feed, Pool, PoolFile, Source, to_targets
from .journal import Journal
from .losses import DetectionLoss
from .nets import SSD
from .priors import level_table, make_priors
from .schedule import Average, State, learning_rate

GENTLE_FROM = 0.88  # share of the budget after which strong augmentation ends
COMPILED = (
    ("network", "loss", "colours"),
    ("network", "colours"),
    ("network",),
    (),
)  # tried in this order


class Trainer:
    def __init__(self, recipe, labels, size, sample, options):
        self.recipe = recipe
        self.labels = labels
        self.options = options
        self.batch = options.batch or recipe.batch
        os.makedirs(options.out, exist_ok=True)
        self.state = State()
        self.journal = Journal(options.out)
        self.stopped = False
        saved = self._load()
        self.source = Source(sample, recipe.task, size, recipe.max_boxes, options.seed)
        held = {
            split: count
            for split, count in (("val", options.validate), ("test", options.test))
            if count
        }
        self.recorder = None
        if options.pool_file:
            self.recorder = PoolFile(options.pool_file, self.source, options.pool_file_limit)
        self.first = max(self.state.rendered, self.recorder.count if self.recorder else 0)
        self.feed = Feed(self.source, held, options.workers, self.first)  # forks: before CUDA
        self._build(saved)

    @property
    def checkpoint(self):
        return os.path.join(self.options.out, "checkpoint.pt")

    def _load(self):
        if not self.options.resume:
            return None
        saved = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        self.state = State(**saved["state"])
        self.journal.restore(self.state.history)
        return saved

    def _build(self, saved):
        options = self.options
        torch.manual_seed(options.seed + self.state.step)
        self.device = torch.device(options.device)
        torch.backends.cudnn.benchmark = True
        torch.set_float32_matmul_precision("high")
        self.model = SSD(self.recipe, len(self.labels)).to(
            self.device, memory_format=torch.channels_last
        )
        self.average = Average(self.model)
        self.optimizer = torch.optim.AdamW(
            self._groups(), lr=self.recipe.lr, betas=(0.9, 0.99), foreach=True
        )
        if saved:
            self.model.load_state_dict(saved["model"])
            self.average.model.load_state_dict(saved["average"])
            self.optimizer.load_state_dict(saved["optimizer"])
        self.priors = torch.from_numpy(make_priors(self.recipe)).to(self.device)
        self.augment = Augment(self.recipe, self.device, options.seed + self.state.step)
        self.pool = Pool(self.source, options.pool, self.device)

    def _groups(self):
        decayed = [p for p in self.model.parameters() if p.ndim > 1]
        plain = [p for p in self.model.parameters() if p.ndim <= 1]
        return [
            {"params": decayed, "weight_decay": self.recipe.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]

    def run(self):
        """Train until the budget, this command's time, or a signal ends it.

        True when the budget is used up.
        """
        self._fill()
        self._on_signal()
        self.start = time.monotonic()
        self.before = self.state.seconds
        self.marks = {
            "log": (self.state.step, time.monotonic()),
            "save": time.monotonic(),
            "check": time.monotonic(),
        }
        self.sums = torch.zeros(2, device=self.device)
        self.model.train()
        while not self.stopped and self.progress() < 1 and self.spent() < self.options.max_seconds:
            self._step()
            self._housekeeping()
        complete = self.progress() >= 1
        self.validate()
        self.save()
        self.feed.close()
        return complete

    def _fill(self):
        began = time.monotonic()
        self.loaded = self.recorder.load(self.pool) if self.recorder else 0
        self.feed.start(self.pool, self.recorder)
        self._compile()
        self.feed.wait(self.options.pool_start)
        print(
            f"pool of {len(self.pool)} images ({self.loaded} from a file) after "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )

    def _compile(self):
        """torch.compile as much as works here, tried on noise while the pool fills.

        The weights stay as they are.
        """
        before = copy.deepcopy(self.model.state_dict())
        wanted = self.options.compile and self.device.type == "cuda"
        for parts in COMPILED if wanted else COMPILED[-1:]:
            self._use(parts)
            try:
                self._rehearse() if parts else None
                break
            except Exception as error:
                print(
                    f"compiling {', '.join(parts)} failed: {type(error).__name__}: {error}",
                    flush=True,
                )
        self.model.load_state_dict(before)
        print(f"compiled: {', '.join(parts) or 'nothing'}", flush=True)

    def _use(self, parts):
        pieces = {
            "network": self.model,
            "loss": DetectionLoss(self.priors, level_table(self.recipe)),
            "colours": paint,
        }
        made = {
            name: torch.compile(piece) if name in parts else piece for name, piece in pieces.items()
        }
        self.forward = made["network"]
        self.loss = made["loss"]
        self.augment.paint = made["colours"]

    def _rehearse(self):
        """A step on noise, without its consequences."""
        count = self.batch
        width, height = self.source.size
        images = torch.randint(
            256, (count, height, width, 3), dtype=torch.uint8, device=self.device
        )
        rows = torch.rand(count, self.recipe.max_boxes, 6, device=self.device) * 100
        rows[..., 2:4] += rows[..., :2] + 10
        rows[..., 4:] = 0
        self.model.train()
        loss = sum(self._losses(images, to_targets(rows), gentle=False))
        loss.backward()
        loss.item()  # wait: errors of the GPU come late
        self.model.zero_grad(set_to_none=True)

    def rendered(self):
        return self.first + self.pool.added - self.loaded

    def _on_signal(self):
        def stop(*_):
            self.stopped = True

        with contextlib.suppress(ValueError):  # not in the main thread: a test
            signal.signal(signal.SIGTERM, stop)
            signal.signal(signal.SIGINT, stop)

    def spent(self):
        return time.monotonic() - self.start

    def progress(self):
        seconds = self.before + self.spent()
        return max(seconds / self.options.budget, self.state.step / self.options.steps)

    def _step(self):
        progress = self.progress()
        step = self.state.step
        rate = self.recipe.lr * learning_rate(progress, step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        score, box = self._losses(*self.pool.draw(self.batch), gentle=progress > GENTLE_FROM)
        self.optimizer.zero_grad(set_to_none=True)
        (score + box).backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 10.0)
        self.optimizer.step()
        self.average.update(step)
        self.sums += torch.stack([score.detach(), box.detach()])
        self.state.step += 1

    def _losses(self, images, targets, gentle):
        with torch.no_grad():
            tensor, targets = self.augment(images, targets, gentle)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.device.type == "cuda"):
            logits, offsets = self.forward(tensor)
        return self.loss(logits, offsets, *targets)

    def _housekeeping(self):
        now = time.monotonic()
        options = self.options
        if self.state.step % options.log_every == 0:
            self._log(now)
        if now - self.marks["check"] > options.validate_every:
            self.validate()
            self.marks["check"] = time.monotonic()
        if now - self.marks["save"] > options.save_every:
            self.save()
            self.marks["save"] = time.monotonic()

    def _log(self, now):
        step, when = self.marks["log"]
        count = max(self.state.step - step, 1)
        score, box = (self.sums / count).tolist()
        if not math.isfinite(score + box):
            raise FloatingPointError(
                f"the loss is {score} + {box} at step {self.state.step}: go on with --resume"
            )
        rate = count * self.batch / max(now - when, 1e-9)
        self.sums.zero_()
        self.marks["log"] = (self.state.step, time.monotonic())
        self.journal.write(
            step=self.state.step,
            seconds=self.before + self.spent(),
            score_loss=score,
            box_loss=box,
            rate=self.optimizer.param_groups[0]["lr"],
            images_per_second=rate,
            rendered=self.rendered(),
        )
        if self.feed.failure:
            print(f"warning: {self.feed.failure}", flush=True)

    def validate(self):
        if not self.options.validate:
            return
        held = self.feed.held["val"]
        score = float(np.nanmean(average_precision(self.detect(held), held.rows, len(self.labels))))
        self.state.best = max(self.state.best, score)
        self.journal.write(step=self.state.step, seconds=self.before + self.spent(), mAP=score)

    def measure(self, split):
        """The report of the averaged weights on a held split."""
        held = self.feed.held[split]
        return report(self.detect(held), held.rows, self.labels)

    def detect(self, held):
        return detect(self.average.model, self.recipe, self.priors, held.images)

    def save(self):
        self.state.seconds = self.before + self.spent()
        self.state.history = self.journal.rows
        self.state.rendered = self.rendered()
        torch.save(
            {
                "recipe": self.recipe.name,
                "labels": list(self.labels),
                "state": vars(self.state),
                "model": self.model.state_dict(),
                "average": self.average.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
            },
            self.checkpoint + ".part",
        )
        os.replace(self.checkpoint + ".part", self.checkpoint)
        self._write_weights({"training": self._facts()})
        self.journal.save()
        self.journal.draw(self.recipe.title)

    def _write_weights(self, result):
        """The averaged weights alone, small enough to bring home."""
        path = os.path.join(self.options.out, "weights.pt")
        torch.save(
            {
                "recipe": self.recipe.name,
                "labels": list(self.labels),
                "result": json.dumps(result),
                "average": self.average.model.state_dict(),
            },
            path + ".part",
        )
        os.replace(path + ".part", path)

    def _facts(self):
        return {
            "steps": self.state.step,
            "seconds": round(self.state.seconds),
            "rendered": self.state.rendered,
            "batch": self.batch,
            "device": torch.cuda.get_device_name() if self.device.type == "cuda" else "CPU",
        }

    def finish(self):
        """Measure the averaged weights on every held split and keep that with them."""
        result = {split: self.measure(split) for split in self.feed.held}
        result["training"] = self._facts()
        self._write_weights(result)
        with open(os.path.join(self.options.out, "result.json"), "w") as file:
            json.dump(result, file, indent=1)
        return result
