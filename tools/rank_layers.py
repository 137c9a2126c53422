"""Which layers INT8 hurts: each quantised alone, everything else in FP32, on the CPU.

    python tools/rank_layers.py MODEL --calibration DIR --data DIR [--top N] [--images N] [--method NAME] [--force]

The damage of a layer is the change that it makes to the network's outputs, root mean square, in per cent of the
output's own spread over the pictures of DATA/images. The last lines give the mAP in FP32, in INT8, and in INT8 with the
--top layers kept float, and the options that tell the build so. Ctrl-C ends the ranking and keeps what is done.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np

from trt_course import CourseError, TrtSSD, find_model
from trt_course.builder.graph import load_plain
from trt_course.builder.precision import METHODS, QUANTISED, int8, split_pairs
from trt_course.measure import voc
from trt_course.measure.evaluate import detect_folder
from trt_course.media.pictures import images_in, read_image
from trt_course.support.errors import need
from trt_course.support.files import kit_path
from trt_course.support.progress import progress


def with_float(model, names):
    """A copy of the INT8 model in which these nodes read what they read before it was quantised."""
    variant = type(model)()
    variant.CopyFrom(model)
    return split_pairs(variant, names)


def quantised_layers(model):
    dequantised = {
        node.output[0] for node in model.graph.node if node.op_type == "DequantizeLinear"
    }
    return [
        node.name
        for node in model.graph.node
        if node.op_type in QUANTISED and dequantised & set(node.input)
    ]


class Bench:
    """Variants of one model on the same pictures."""

    def __init__(self, spec, folder, pictures):
        self.spec = spec
        self.path = Path(folder) / "variant.onnx"
        self.pictures = pictures

    def open(self, model):
        need("onnx").save(model, str(self.path))
        return TrtSSD(self.spec._replace(onnx=self.path), backend="cpu", verbose=False)

    def outputs(self, model):
        """{name: (pictures, ...)} of the outputs that the record names."""
        rows = {name: [] for name in self.spec.output.tensors.values()}
        with self.open(model) as ssd:
            for picture in self.pictures:
                found = ssd.engine.infer(ssd.prepare([picture]).request)
                for name, values in rows.items():
                    values.append(np.array(found[name], np.float64))
        return {name: np.stack(values) for name, values in rows.items()}

    def mean_ap(self, model, data):
        with self.open(model) as ssd:
            return voc.score(*detect_folder(ssd, data)).mean


def damage(outputs, wanted):
    """Per cent of its spread by which each output is off."""
    return {
        name: 100 * np.sqrt(np.mean((outputs[name] - values) ** 2)) / max(values.std(), 1e-12)
        for name, values in wanted.items()
    }


def rank(bench, plain, quantised):
    """[(layer, damage by output)], the worst first; as far as it came when Ctrl-C is pressed."""
    layers = quantised_layers(quantised)
    wanted = bench.outputs(plain)
    done = []
    nodes = {node.name for node in plain.graph.node}
    try:
        for layer in progress(layers, desc="rank", unit="layer"):
            alone = with_float(quantised, nodes - {layer})
            done.append((layer, damage(bench.outputs(alone), wanted)))
    except KeyboardInterrupt:
        print(f"Stopped: {len(done)} of {len(layers)} layers are ranked.", file=sys.stderr)
    return sorted(done, key=lambda entry: -sum(entry[1].values()))


def table(ranked):
    names = list(ranked[0][1])
    width = max(len(layer) for layer, _ in ranked)
    lines = ["{:<{}}  {}".format("layer", width, "  ".join(f"{name:>12}" for name in names))]
    lines += [
        "{:<{}}  {}".format(layer, width, "  ".join(f"{values[name]:>10.3f} %" for name in names))
        for layer, values in ranked
    ]
    return "\n".join(lines)


def escaped(name):
    """A pattern that matches this name alone."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)


def run(args):
    spec = find_model(args.model)
    data = kit_path(args.data)
    if not (data / "images").is_dir():
        raise CourseError(
            f"There is no folder {data}/images. A data folder holds images/ and ground-truth/."
        )
    pictures = [read_image(path) for path in images_in(data / "images")[: args.images]]
    plain = load_plain(spec.onnx)
    quantised = int8(spec, plain, args.calibration, args.method, force=args.force)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(spec, folder, pictures)
        ranked = rank(bench, plain, quantised)
        if not ranked:
            raise CourseError("No layer was ranked.")
        print(table(ranked))
        worst = [layer for layer, _ in ranked[: args.top]]
        if (data / "ground-truth").is_dir():
            for title, model in (
                ("FP32", plain),
                ("INT8", quantised),
                (f"INT8, {len(worst)} layers float", with_float(quantised, worst)),
            ):
                print(f"{title:<24} mAP {100 * bench.mean_ap(model, data):.2f} %")
    print(" ".join(f"--keep-float '{escaped(name)}'" for name in worst))


def main():
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
