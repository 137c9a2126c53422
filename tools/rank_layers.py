"""Which layers INT8 hurts: each is quantised alone, everything else in FP32, on the CPU.

    python tools/rank_layers.py MODEL --calibration DIR --data DIR [--top N] [--images N]
                                [--method NAME] [--force]

The damage of a layer is the change that it makes to the network's outputs: root mean square, in per
cent of the output's own spread over the pictures of DATA/images. The last lines give the mAP in
FP32, in INT8, and in INT8 with the --top layers kept float, and the options that tell the build so.
Ctrl-C ends the ranking and keeps what is done.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Dict, Iterable, List, NamedTuple, Sequence

import numpy as np

from trt_course import CourseError, ModelSpec, TrtSSD, find_model
from trt_course.builder.graph import load_plain
from trt_course.builder.precision import METHODS, QUANTISED, int8, split_pairs
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image
from trt_course.support.errors import need
from trt_course.support.files import kit_path
from trt_course.support.progress import progress

Model = Any  # onnx.ModelProto; onnx is asked for where it is needed
Outputs = Dict[str, np.ndarray]


def with_float(model: Model, names: Iterable[str]) -> Model:
    """A copy of the INT8 model in which these nodes read what they read before it was quantised."""
    variant = type(model)()
    variant.CopyFrom(model)
    return split_pairs(variant, names)


def quantised_layers(model: Model) -> List[str]:
    """The names of the nodes that read what was quantised."""
    nodes = model.graph.node
    dequantised = {node.output[0] for node in nodes if node.op_type == "DequantizeLinear"}
    return [
        node.name
        for node in nodes
        if node.op_type in QUANTISED and not dequantised.isdisjoint(node.input)
    ]


class Bench:
    """Variants of one model on the same pictures."""

    def __init__(self, spec: ModelSpec, folder: Path, pictures: Sequence[np.ndarray]) -> None:
        self.spec = spec
        self.path = Path(folder) / "variant.onnx"
        self.pictures = pictures

    def open(self, model: Model) -> TrtSSD:
        """A detector that runs this variant."""
        need("onnx").save(model, str(self.path))
        return TrtSSD(self.spec._replace(onnx=self.path), backend="cpu", verbose=False)

    def outputs(self, model: Model) -> Outputs:
        """The outputs that the record names, of all pictures: (pictures, ...) each."""
        rows: Dict[str, List[np.ndarray]] = {name: [] for name in self.spec.output.tensors()}
        with self.open(model) as ssd:
            for picture in self.pictures:
                found = ssd.engine.infer(ssd.prepare([picture]).request)
                for name, values in rows.items():
                    values.append(np.array(found[name], np.float64))
        return {name: np.stack(values) for name, values in rows.items()}

    def mean_ap(self, model: Model, data: Path) -> float:
        """The mAP of a variant on a data folder."""
        with self.open(model) as ssd:
            truths, founds = detect_folder(ssd, data)
        return voc.score(truths, founds).mean


class Ranked(NamedTuple):
    """A layer, and what quantising it alone does to each output."""

    layer: str
    damage: Dict[str, float]


def damage(outputs: Outputs, wanted: Outputs) -> Dict[str, float]:
    """Per cent of its spread by which each output is off."""
    off = {}
    for name, values in wanted.items():
        squares = np.mean((outputs[name] - values) ** 2)
        spread = max(values.std(), 1e-12)
        off[name] = 100 * np.sqrt(squares) / spread
    return off


def rank(bench: Bench, plain: Model, quantised: Model) -> List[Ranked]:
    """All layers, the worst first; as far as it came when Ctrl-C is pressed."""
    layers = quantised_layers(quantised)
    nodes = {node.name for node in plain.graph.node}
    wanted = bench.outputs(plain)
    done = []
    try:
        for layer in progress(layers, desc="rank", unit="layer"):
            alone = with_float(quantised, nodes - {layer})
            done.append(Ranked(layer, damage(bench.outputs(alone), wanted)))
    except KeyboardInterrupt:
        print(f"Stopped: {len(done)} of {len(layers)} layers are ranked.", file=sys.stderr)
    return sorted(done, key=lambda one: -sum(one.damage.values()))


def table(ranked: Sequence[Ranked]) -> str:
    """A line for each layer, a column for each output."""
    width = max(len(one.layer) for one in ranked)
    head = "  ".join(f"{name:>12}" for name in ranked[0].damage)
    lines = [f"{'layer':<{width}}  {head}"]
    for one in ranked:
        cells = "  ".join(f"{percent:>10.3f} %" for percent in one.damage.values())
        lines.append(f"{one.layer:<{width}}  {cells}")
    return "\n".join(lines)


def escaped(name: str) -> str:
    """A pattern that matches this name alone."""
    pattern = ""
    for character in name:
        pattern += f"[{character}]" if character in "*?[" else character
    return pattern


def run(args: argparse.Namespace) -> None:
    """Rank the layers, and print what it costs to keep the worst of them float."""
    spec = find_model(args.model)
    data = kit_path(args.data)
    if not (data / "images").is_dir():
        raise CourseError(
            f"There is no folder {data}/images. A data folder holds images/ and ground-truth/."
        )
    paths = images_in(data / "images")[: args.images]
    pictures = [read_image(path) for path in paths]
    plain = load_plain(spec.onnx)
    quantised = int8(spec, plain, args.calibration, args.method, force=args.force)

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(spec, Path(folder), pictures)
        ranked = rank(bench, plain, quantised)
        if not ranked:
            raise CourseError("No layer was ranked.")
        print(table(ranked))
        worst = [one.layer for one in ranked[: args.top]]
        if (data / "ground-truth").is_dir():
            print_accuracy(bench, data, plain, quantised, worst)
    print(" ".join(f"--keep-float '{escaped(name)}'" for name in worst))


def print_accuracy(
    bench: Bench, data: Path, plain: Model, quantised: Model, worst: Sequence[str]
) -> None:
    """The mAP without INT8, with it, and with it but for the worst layers."""
    variants = {
        "FP32": plain,
        "INT8": quantised,
        f"INT8, {len(worst)} layers float": with_float(quantised, worst),
    }
    for title, model in variants.items():
        print(f"{title:<24} mAP {100 * bench.mean_ap(model, data):.2f} %")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "model", help="a name in models/, a model folder, or an .onnx file beside a model.json"
    )
    parser.add_argument(
        "--calibration", required=True, help="folder of pictures that are not scored"
    )
    parser.add_argument(
        "--data", required=True, help="folder with images/, and ground-truth/ for the mAP"
    )
    parser.add_argument(
        "--top", type=int, default=3, help="how many layers to keep float (default: %(default)s)"
    )
    parser.add_argument(
        "--images", type=int, default=4, help="pictures a layer (default: %(default)s)"
    )
    parser.add_argument("--method", choices=sorted(METHODS), default="percentile")
    parser.add_argument("--force", action="store_true", help="calibrate even on scored pictures")
    try:
        run(parser.parse_args())
    except CourseError as err:
        sys.exit(f"rank_layers: {err}")
    except KeyboardInterrupt:
        sys.exit("rank_layers: stopped before anything was ranked")


if __name__ == "__main__":
    main()
