"""FP16 and INT8 of an ONNX model: which nodes stay float, and calibration on pictures that nobody scores.

It rewrites models for builders that take their types from the file; the flags of those that do not are onnx.py's.
"""

import contextlib
import copy
import difflib
import fnmatch
import io
import itertools
import tempfile
from pathlib import Path

import numpy as np

from ..media.pictures import images_in, read_image
from ..model.preprocess import Preprocessor
from ..support.errors import CourseError, need
from ..support.files import KIT, kit_path, sha256, write_bytes
from ..support.progress import progress

QUANTISED = ("Conv", "Gemm", "MatMul")
METHODS = {"percentile": "Percentile", "entropy": "Entropy"}


def keep_patterns(model, patterns):
    """The names of the nodes that match one of the patterns (* ? [...]), each of which must match."""
    names, found = [node.name for node in model.graph.node], set()
    for pattern in patterns:
        matched = fnmatch.filter(names, pattern)
        if not matched:
            near = difflib.get_close_matches(pattern.strip("*"), names, 5, 0.3)
            raise CourseError(
                "--keep-float {}: no node's whole name matches. Near it: {}".format(
                    pattern, ", ".join(near) or "none"
                )
            )
        found.update(matched)
    return found


def float_nodes(model, keep=()):
    """Names of the nodes that stay FP32: those that `keep` matches, and all between the last weights and the outputs.

    The latter make corners of the heads' raw numbers, and just below 1.0 FP16 has steps of 1/2048 of the picture.
    """
    names, waiting = keep_patterns(model, keep), [output.name for output in model.graph.output]
    made = {name: node for node in model.graph.node for name in node.output}
    while waiting:
        node = made.pop(waiting.pop(), None)
        if node is not None and node.op_type not in QUANTISED + ("ConvTranspose", "Shape"):
            names.add(node.name)
            waiting.extend(node.input)
    return names


def _check_float(model):
    if {"QuantizeLinear", "DequantizeLinear", "QLinearConv"}.intersection(
        node.op_type for node in model.graph.node
    ):
        raise CourseError(
            "This model is INT8 already: it holds nodes such as QuantizeLinear. Build it as it is, or "
            "start from its FP32 original."
        )


def fp16(model, keep=()):
    """A copy of the model that computes in FP16 but for `float_nodes`; inputs and outputs stay FP32."""
    _check_float(model)
    need("onnxruntime")
    floats, own = float_nodes(model, keep), {node.name for node in model.graph.node}
    half = need("onnxruntime.transformers.float16").convert_float_to_float16(
        model, keep_io_types=True, node_block_list=sorted(floats)
    )
    _drop_round_trips(
        half.graph, {node.output[0]: node for node in half.graph.node if node.name not in own}
    )
    need("onnxruntime.quantization.onnx_model").ONNXModel(half).topological_sort()
    return half


def _drop_round_trips(graph, casts):
    """The converter rounds to FP16 and back between two float nodes, and before an output: all that was to be kept."""
    copies = {
        name: casts[node.input[0]].input[0]
        for name, node in casts.items()
        if node.input[0] in casts
    }
    results = {output.name for output in graph.output}
    final = {copies[name]: name for name in results if name in copies}
    nodes = [node for node in graph.node if node.output[0] not in casts]
    nodes += [node for name, node in casts.items() if name not in copies]
    for node in nodes:
        node.input[:] = [
            final.get(name, name) for name in (copies.get(name, name) for name in node.input)
        ]
        node.output[:] = [final.get(name, name) for name in node.output]
    used = results.union(*(node.input for node in nodes))
    kept = [node for node in nodes if used.intersection(node.output)]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)


def calibration_pictures(folder, force=False):
    """The pictures in a folder, or in its images/, unless they are scored ones."""
    folder = kit_path(folder)
    if not folder.is_dir():
        raise CourseError(f"There is no folder {folder} to calibrate on; see data/calibration.")
    folder = folder / "images" if (folder / "images").is_dir() else folder
    paths = images_in(folder)
    why = "" if force else _leak(folder.resolve(), paths)
    if why:
        raise CourseError(
            f"{folder}: {why}. With scales fitted to the exam's own pictures, its result says how well they fit those, not how "
            "the model does on new ones. Take others, below a folder named calibration (the kit has data/calibration), "
            "or --force, and report no score."
        )
    return paths


def _leak(folder, paths):
    if (folder.parent / "ground-truth").is_dir() and "calibration" not in folder.parts[-3:]:
        return "these pictures have ground truth beside them, for scoring"
    scored = {sha256(path): path for path in (KIT / "data").glob("*/images/*")}
    return next(
        (
            f"{path.name} is {scored[sha256(path)]}, which is scored"
            for path in paths
            if sha256(path) in scored
        ),
        "",
    )


def calibration_batches(spec, folder, force=False, batch=1):
    """Input tensors of `batch` pictures each, as TrtSSD makes them; the first pictures fill up the last batch."""
    paths, prepare = calibration_pictures(folder, force), Preprocessor(spec)
    files = itertools.cycle(paths)
    for _ in progress(range(0, len(paths), batch), desc="calibrate", unit="batch"):
        tensor = np.empty((batch,) + spec.input.shape, spec.input.dtype)  # (n, 3, h, w)
        for slot in tensor:
            prepare(read_image(next(files)), slot)
        yield tensor


class _Reader:
    """Batches as ONNX Runtime asks for them: a stride at a time, since it holds every map of a stride in memory."""

    def __init__(self, batches, count):
        self.batches, self.stride, self.count = batches, batches, count

    def __len__(self):
        return self.count

    def set_range(self, start_index, end_index):
        self.stride = itertools.islice(self.batches, end_index - start_index)

    def get_next(self):
        return next(self.stride, None)


def int8(spec, model, folder, method="percentile", keep=(), force=False):
    """A copy of the model with Q/DQ pairs at the inputs of its convolutions and matrix products.

    Symmetric, one scale a channel of the weights, float biases, no pair shared: what TensorRT 8 and the CPU take.
    """
    _check_float(model)
    if method not in METHODS:
        raise CourseError(
            "There is no calibration method '{}'; allowed: {}".format(method, ", ".join(METHODS))
        )
    floats, count = float_nodes(model, keep), len(calibration_pictures(folder, force))
    if not any(node.op_type in QUANTISED and node.name not in floats for node in model.graph.node):
        raise CourseError(
            "Nothing is left to quantise: no {} that may leave FP32.".format(", ".join(QUANTISED))
        )
    shapes = [i.type.tensor_type.shape.dim for i in model.graph.input if i.name == spec.input.name]
    batch = max([1] + [shape[0].dim_value for shape in shapes])
    batches = (
        {spec.input.name: tensor} for tensor in calibration_batches(spec, folder, force, batch)
    )
    need("onnxruntime")
    try:
        return _quantise(
            model, _Reader(batches, -(-count // batch)), METHODS[method], sorted(floats)
        )
    except CourseError:
        raise
    except ImportError as err:  # entropy wants SciPy in older releases
        need(err.name)
    except Exception as err:  # of any kind, from the quantiser's depths
        raise CourseError(
            "ONNX Runtime cannot quantise {}: {}. --keep-float leaves out a node that it names.".format(
                spec.name, " ".join(str(err).split())[:400]
            )
        ) from err


def _quantise(model, reader, method, floats):
    onnx, q = need("onnx"), need("onnxruntime.quantization")
    per_channel = all(
        entry.version >= 13 for entry in model.opset_import if entry.domain in ("", "ai.onnx")
    )
    plain = (
        copy.deepcopy(model) if per_channel else onnx.version_converter.convert_version(model, 13)
    )
    plain.metadata_props.add(
        key="onnx.quant.pre_process", value="onnxruntime.quant"
    )  # else it calls for that step
    # CPU and TensorRT fuse what follows a convolution into it: a pair at its output would round before the activation.
    options = {
        "ActivationSymmetric": True,
        "QuantizeBias": False,
        "MatMulConstBOnly": True,
        "AddQDQPairToWeight": True,
        "OpTypesToExcludeOutputQuantization": list(QUANTISED),
        "CalibStridedMinMax": 1,
    }
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source, target = str(Path(folder) / "plain.onnx"), str(Path(folder) / "int8.onnx")
        onnx.save(plain, source)
        q.quantize_static(
            source,
            target,
            reader,
            quant_format=q.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=q.QuantType.QInt8,
            weight_type=q.QuantType.QInt8,
            nodes_to_exclude=floats,
            calibrate_method=getattr(q.CalibrationMethod, method),
            extra_options=options,
        )
        return split_pairs(onnx.load(target), floats)


def split_pairs(model, floats):
    """Give every reader of a quantised tensor a Q/DQ pair of its own, as TensorRT wants it, and float nodes none."""
    made, taken, nodes = (
        {name: node for node in model.graph.node for name in node.output},
        set(),
        [],
    )
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name not in made or made[name].op_type != "DequantizeLinear":
                continue
            quantise, dequantise = (
                copy.deepcopy(part) for part in (made[made[name].input[0]], made[name])
            )
            if node.name in floats:
                node.input[i] = quantise.input[0]
            elif name in taken:
                for part in (quantise, dequantise):
                    part.name += f"_{node.name}_{i}"
                    part.output[0] += f"_{node.name}_{i}"
                dequantise.input[0], node.input[i] = quantise.output[0], dequantise.output[0]
                nodes += [quantise, dequantise]
            else:
                taken.add(name)
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def calibrator(trt, cuda, batches, cache_path):
    """For builders that know no Q/DQ (TensorRT 7). They swallow what a callback raises: then it is in `failure`."""
    batches, cache_path = iter(batches), Path(str(cache_path))
    first = next(batches)

    class Calibrator(trt.IInt8EntropyCalibrator2):
        failure = None

        def __init__(self):
            trt.IInt8EntropyCalibrator2.__init__(
                self
            )  # with super() TensorRT's half of the object stays unmade
            self._memory, self._batches = (
                cuda.alloc(first.nbytes),
                itertools.chain([first], batches),
            )

        def get_batch_size(self):
            return len(first)

        def get_batch(self, names):
            try:
                for tensor in self._batches:
                    cuda.upload(self._memory, tensor)
                    return [int(self._memory)]
            except Exception as err:
                self.failure = err

        def read_calibration_cache(self):
            return cache_path.read_bytes() if cache_path.is_file() else None

        def write_calibration_cache(self, cache):
            write_bytes(cache_path, cache)

    return Calibrator()
