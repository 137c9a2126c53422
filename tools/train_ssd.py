#!/usr/bin/env python3
"""Trains the kit's SSD models on rendered scenes and writes their ONNX files.

docs/training.md tells how to run it. It needs PyTorch, and a GPU for more than a few steps.
Learners need neither: the trained models are in models/.
"""

import argparse
import dataclasses
import os
import sys
from typing import List, NamedTuple, Optional, Tuple

# each worker renders in one thread; numpy's libraries read this when they are imported
os.environ.setdefault("OMP_NUM_THREADS", "1")

from training.loop import Trainer
from training.pool import Sampler
from training.recipes import RECIPES
from training.schedule import Options


class Scenes(NamedTuple):
    """Where a task's pictures come from."""

    sample: Sampler  # the renderer
    labels: Tuple[str, ...]
    size: Tuple[int, int]  # width, height


def sources(task: str) -> Scenes:
    """The renderer, the class names and the size of the scenes of a task."""
    import scenes

    return Scenes(scenes.sample, scenes.LABELS[task], scenes.SIZES[task])


def train(args: argparse.Namespace) -> int:
    """Train until the budget or this command's time is used up; always status 0."""
    # the options of the command line
    names = [field.name for field in dataclasses.fields(Options)]
    values = {name: getattr(args, name) for name in names}
    values["out"] = args.out or os.path.join("runs", args.model)
    options = Options(**values)

    # the training
    recipe = RECIPES[args.model]
    sample, labels, size = sources(recipe.task)
    trainer = Trainer(recipe, labels, size, sample, options)
    if not trainer.run():
        print("stopped early: go on with --resume", flush=True)
        return 0

    # how good it has become
    result = trainer.finish()
    for split in trainer.feed.held:
        print(split, {key: result[split][key] for key in ("mAP", "AP")})
    print("complete", flush=True)
    return 0


def export(args: argparse.Namespace) -> int:
    """Write a model's folder from the weights of a run."""
    from training.record import write_model

    folder = args.out or os.path.join("models", args.model)
    path = write_model(args.weights, folder, half=not args.fp32, confidence=args.confidence)
    megabytes = os.path.getsize(path) / 1e6
    print(f"{path}: {megabytes:.2f} MB")
    return 0


def priors(args: argparse.Namespace) -> int:
    """Print prior sizes that suit the rendered scenes."""
    from training.survey import prior_table

    recipe = RECIPES[args.model]
    sample, _, size = sources(recipe.task)
    print(prior_table(recipe, sample, size, args.images))
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each field of Options; a boolean that is on gets --no-NAME."""
    for field in dataclasses.fields(Options):
        flag = "--" + field.name.replace("_", "-")
        if field.name == "out":
            parser.add_argument(flag, default="")
        elif isinstance(field.default, bool):
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=field.default)
        else:
            parser.add_argument(flag, type=type(field.default), default=field.default)


def parse(argv: Optional[List[str]]) -> argparse.Namespace:
    """The command line; `action` is the command's function."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)

    # what all commands share
    made = {}
    for action in (train, export, priors):
        command = commands.add_parser(action.__name__)
        command.add_argument("model", choices=sorted(RECIPES))
        command.set_defaults(action=action)
        made[action.__name__] = command

    # what each has of its own
    add_options(made["train"])
    made["export"].add_argument("weights", help="weights.pt or checkpoint.pt of a run")
    made["export"].add_argument("--out", default="", help="folder (models/NAME)")
    made["export"].add_argument("--fp32", action="store_true", help="do not halve the weights")
    made["export"].add_argument("--confidence", type=float, default=0.3)
    made["priors"].add_argument("--images", type=int, default=200)
    return parser.parse_args(argv)


def main(argv: Optional[List[str]] = None) -> int:
    """Run a command; the exit status."""
    args = parse(argv)
    return args.action(args)


if __name__ == "__main__":
    sys.exit(main())
