"""FP16 and INT8: which nodes stay float, ONNX files rewritten for builders that take their types from the file, and
calibration on pictures that nobody scores.

Nothing here needs TensorRT; the builder's own flags are onnx.py's.
"""
import contextlib
import difflib
import fnmatch
import io
import itertools
import logging
import tempfile
from pathlib import Path

import numpy as np

from ..errors import CourseError, need
from ..files import KIT, kit_path, sha256, whole_file
from ..media.sources import images_in, read_image
from ..preprocess import Preprocessor
from ..progress import progress

QUANTISED = ("Conv", "Gemm", "MatMul")
METHODS = {"percentile": "Percentile", "entropy": "Entropy"}
_HEADS = QUANTISED + ("ConvTranspose", "Shape")  # a shape is no number that rounding could hurt


def keep_patterns(model, patterns):
    """The names of the nodes that match one of the patterns (* ? [...]); each pattern must match."""
    names, found = [node.name for node in model.graph.node], set()
    for pattern in patterns:
        matched = fnmatch.filter(names, pattern)
        if not matched:
            near = difflib.get_close_matches(pattern.strip("*"), names, 5, 0.3)
            raise CourseError("--keep-float {}: no node has such a name. Near it: {}. Patterns such as heads_* must "
                              "match the whole name.".format(pattern, ", ".join(near) or "none"))
        found.update(matched)
    return found


def float_nodes(model, keep=()):
    """Names of the nodes that stay FP32: those that match `keep`, and all between the last weights and the outputs.

    The latter turn the heads' raw numbers into corners and confidences: a corner near 1.0 has a step of 1/2048 in FP16,
    0.6 pixels of a picture 1248 wide.
    """
    names, waiting = keep_patterns(model, keep), [output.name for output in model.graph.output]
    made = {name: node for node in model.graph.node for name in node.output}
    while waiting:
        node = made.pop(waiting.pop(), None)
        if node is not None and node.op_type not in _HEADS:
            names.add(node.name)
            waiting.extend(node.input)
    return names


def is_int8(model):
    return any(node.op_type in ("QuantizeLinear", "DequantizeLinear", "QLinearConv", "ConvInteger")
               for node in model.graph.node)


def _check_float(model):
    if is_int8(model):
        raise CourseError("This model is INT8 already (it holds QuantizeLinear nodes): build it as it is, or start from "
                          "the FP32 model.")


def fp16(model, keep=()):
    """A copy of the model that computes in FP16 but for `float_nodes`; its inputs and outputs stay FP32."""
    _check_float(model)
    need("onnx"), need("onnxruntime")
    floats, own = float_nodes(model, keep), {node.name for node in model.graph.node}
    half = need("onnxruntime.transformers.float16").convert_float_to_float16(
        model, keep_io_types=True, node_block_list=sorted(floats))
    return _without_round_trips(half, own)


def _without_round_trips(model, own):
    """The converter puts casts around every float node; two in a row would round to FP16 what is to stay FP32."""
    graph, floating, copies = model.graph, need("onnx").TensorProto.FLOAT, {}
    casts = {node.output[0]: node for node in graph.node if node.name not in own}
    for name, node in casts.items():
        before = casts.get(node.input[0])
        if before is not None and node.attribute[0].i == floating:
            copies[name] = before.input[0]
    final = {copies[output.name]: output.name for output in graph.output if output.name in copies}
    nodes = [node for node in graph.node if node.name in own]
    nodes += [node for name, node in casts.items() if name not in copies]
    for node in nodes:
        node.input[:] = [final.get(copies.get(name, name), copies.get(name, name)) for name in node.input]
        node.output[:] = [final.get(name, name) for name in node.output]
    used = {name for node in nodes for name in node.input} | {output.name for output in graph.output}
    kept = [node for node in nodes if used.intersection(node.output)]
    del graph.node[:], graph.value_info[:]
    graph.node.extend(kept)
    need("onnxruntime.quantization.onnx_model").ONNXModel(model).topological_sort()
    return model


def calibration_pictures(folder, force=False):
    """The pictures of a folder, or of its images/, unless they are scored ones."""
    folder = kit_path(folder)
    if not folder.is_dir():
        raise CourseError("There is no folder {} to calibrate on; the kit has data/calibration/traffic and "
                          "data/calibration/signs.".format(folder))
    folder = folder / "images" if (folder / "images").is_dir() else folder
    paths = images_in(folder)
    why = None if force else _leak(folder.resolve(), paths)
    if why:
        raise CourseError(
            "{}: {}. Scales fitted to the pictures of the exam make its result say how well they fit those pictures, "
            "not how well the model does on new ones. Take others (data/calibration holds some; your own belong below a "
            "folder named calibration), or --force and do not report the score.".format(folder, why))
    return paths


def _leak(folder, paths):
    truth = any((place / "ground-truth").is_dir() for place in (folder, folder.parent))
    if truth and "calibration" not in folder.parts[-3:]:
        return "these pictures have ground truth beside them, so they are there to be scored"
    scored = {sha256(path): path for path in (KIT / "data").glob("*/images/*")
              if (path.parent.parent / "ground-truth").is_dir()}
    for path in paths:
        twin = scored.get(sha256(path))
        if twin is not None:
            return "{} is the same picture as {}, which is scored".format(path.name, twin.relative_to(str(KIT)))
    return None


def calibration_batches(spec, folder, force=False, batch=1):
    """Input tensors, `batch` pictures each, as TrtSSD makes them; the last is filled up with the first pictures."""
    return _batches(spec, calibration_pictures(folder, force), batch)


def _batches(spec, paths, batch):
    prepare, filled = Preprocessor(spec), itertools.cycle(paths)
    for _ in progress(range(0, len(paths), batch), desc="calibrate", unit="batch"):
        tensor = np.empty((batch,) + prepare.shape, spec.input.dtype)  # (n, 3, h, w)
        prepare.batch([read_image(next(filled)) for _ in range(batch)], tensor)
        yield tensor


class _Reader:
    """The batches as ONNX Runtime asks for them: all, or in strides, so that one picture's maps are held at a time."""

    def __init__(self, name, batches, count):
        self._name, self._batches, self._count, self._left = name, batches, count, count

    def __len__(self):
        return self._count

    def set_range(self, start_index, end_index):
        self._left = end_index - start_index

    def get_next(self):
        self._left -= 1
        return {self._name: next(self._batches)} if self._left >= 0 else None


def int8(spec, model, folder, method="percentile", keep=(), force=False):
    """A copy of the model with Q/DQ pairs around the weights and inputs of its convolutions and matrix products.

    Symmetric, weights a scale a channel, biases float, no pair shared: what TensorRT 8 and later and the CPU take.
    """
    _check_float(model)
    if method not in METHODS:
        raise CourseError("There is no calibration method '{}'; allowed: {}".format(method, ", ".join(METHODS)))
    floats, paths = float_nodes(model, keep), calibration_pictures(folder, force)
    if not any(node.op_type in QUANTISED and node.name not in floats for node in model.graph.node):
        raise CourseError("Nothing is left to quantise: no {} outside of --keep-float.".format(" or ".join(QUANTISED)))
    batch = _batch_of(spec, model)
    reader = _Reader(spec.input.name, _batches(spec, paths, batch), -(-len(paths) // batch))
    need("onnxruntime")
    try:
        return _quantise(need("onnx"), _prepared(model), reader, METHODS[method], floats)
    except CourseError:
        raise
    except Exception as err:  # the quantiser's errors are of every kind
        raise CourseError("ONNX Runtime cannot quantise {}: {}. Where it names a node, --keep-float NODE leaves that "
                          "one out.".format(spec.name, " ".join(str(err).split())[:400])) from err


def _batch_of(spec, model):
    given = {entry.name: entry.type.tensor_type.shape.dim for entry in model.graph.input}
    if spec.input.name not in given:
        raise CourseError("{}: model.json calls the input '{}'; the network's inputs are: {}".format(
            spec.name, spec.input.name, ", ".join(given)))
    return max(1, given[spec.input.name][0].dim_value)


def _prepared(model):
    """The model in opset 13, which has scales a channel, batch normalisation folded into the weights to be quantised."""
    onnx, ort = need("onnx"), need("onnxruntime")
    if any(entry.version < 13 for entry in model.opset_import if entry.domain in ("", "ai.onnx")):
        model = onnx.version_converter.convert_version(model, 13)
    if any(node.op_type == "BatchNormalization" for node in model.graph.node):
        with tempfile.TemporaryDirectory() as folder:
            options = ort.SessionOptions()
            options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
            options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
            ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
            model = onnx.load(options.optimized_model_filepath)
    return model


def _quantise(onnx, model, reader, method, floats):
    q = need("onnxruntime.quantization")
    options = {"ActivationSymmetric": True, "WeightSymmetric": True, "QuantizeBias": False, "MatMulConstBOnly": True,
               "AddQDQPairToWeight": True, "DedicatedQDQPair": True, "CalibStridedMinMax": 1,
               "OpTypesToExcludeOutputQuantization": list(QUANTISED)}
    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, done = Path(folder) / "plain.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, str(plain))
        q.quantize_static(
            str(plain), str(done), reader, quant_format=q.QuantFormat.QDQ, op_types_to_quantize=list(QUANTISED),
            per_channel=True, activation_type=q.QuantType.QInt8, weight_type=q.QuantType.QInt8,
            nodes_to_exclude=sorted(floats), calibrate_method=getattr(q.CalibrationMethod, method),
            extra_options=options)
        return onnx.load(str(done))


@contextlib.contextmanager
def _quiet():
    """ONNX Runtime tells of its calibration by print and of its wishes by warnings."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


def calibrator(trt, cuda, batches, cache_path):
    """A calibrator for builders that know no Q/DQ (TensorRT 7), fed with `calibration_batches`.

    TensorRT swallows what its callbacks raise: look at `failure` after the build and raise what is there.
    """
    batches = iter(batches)
    first = next(batches)

    class Calibrator(trt.IInt8EntropyCalibrator2):
        failure = None

        def __init__(self):
            trt.IInt8EntropyCalibrator2.__init__(self)  # super() leaves TensorRT's half of the object unmade
            self._memory, self._batches = cuda.alloc(first.nbytes), itertools.chain([first], batches)

        def get_batch_size(self):
            return len(first)

        def get_batch(self, names):
            try:
                tensor = next(self._batches, None)
                if tensor is None:
                    return None
                cuda.upload(self._memory, tensor)
                return [self._memory.ptr]
            except Exception as err:
                self.failure = err
                return None

        def read_calibration_cache(self):
            return Path(str(cache_path)).read_bytes() if Path(str(cache_path)).is_file() else None

        def write_calibration_cache(self, cache):
            with whole_file(cache_path) as temporary:
                temporary.write_bytes(bytes(cache))

    return Calibrator()
