#!/usr/bin/env python3
"""Trains the kit's SSD models on rendered scenes and writes their ONNX files; docs/training.md tells how to run it.

It needs PyTorch (and a GPU for more than a few steps). Learners need neither it nor PyTorch: the models are in models/.
"""

import argparse
import dataclasses
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

from training.loop import Trainer
from training.recipes import RECIPES
from training.schedule import Options


def sources(task):
    """The renderer, the class names and the size of the scenes of a task."""
    import scenes

    return scenes.sample, scenes.LABELS[task], scenes.SIZES[task]


def train(args):
    names = [f.name for f in dataclasses.fields(Options)]
    options = Options(
        **{name: getattr(args, name) for name in names if name != "out"},
        out=args.out or os.path.join("runs", args.model),
    )
    recipe = RECIPES[args.model]
    sample, labels, size = sources(recipe.task)
    trainer = Trainer(recipe, labels, size, sample, options)
    complete = trainer.run()
    if complete:
        result = trainer.finish()
        for split in trainer.feed.held:
            print(split, {key: result[split][key] for key in ("mAP", "AP")})
    print("complete" if complete else "stopped early: go on with --resume", flush=True)
    return 0


def export(args):
    from training.record import write_model

    folder = args.out or os.path.join("models", args.model)
    path = write_model(args.weights, folder, half=not args.fp32, confidence=args.confidence)
    print(f"{path}: {os.path.getsize(path) / 1e6:.2f} MB")
    return 0


def priors(args):
    from training.survey import prior_table

    recipe = RECIPES[args.model]
    sample, _, size = sources(recipe.task)
    print(prior_table(recipe, sample, size, args.images))
    return 0


def add_options(parser):
    """One option a field of Options; a boolean that is on gets --no-NAME."""
    for item in dataclasses.fields(Options):
        flag = "--" + item.name.replace("_", "-")
        if item.name == "out":
            parser.add_argument(flag, default="")
        elif item.type is bool or item.type == "bool":
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=item.default)
        else:
            parser.add_argument(flag, type=type(item.default), default=item.default)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.split(";")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    table = {"train": train, "export": export, "priors": priors}
    made = {name: commands.add_parser(name) for name in table}
    for name, command in made.items():
        command.add_argument("model", choices=sorted(RECIPES))
        command.set_defaults(action=table[name])
    add_options(made["train"])
    made["export"].add_argument("weights", help="weights.pt or checkpoint.pt of a run")
    made["export"].add_argument("--out", default="", help="folder (models/NAME)")
    made["export"].add_argument("--fp32", action="store_true", help="do not halve the weights")
    made["export"].add_argument("--confidence", type=float, default=0.3)
    made["priors"].add_argument("--images", type=int, default=200)
    return parser.parse_args(argv)


def main(argv=None):
    args = parse(argv)
    return args.action(args)


if __name__ == "__main__":
    sys.exit(main())
