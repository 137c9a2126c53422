"""INT8 of a model: pairs of QuantizeLinear and DequantizeLinear (Q/DQ), put in by ONNX Runtime.

A pair rounds a tensor to 256 steps. TensorRT from 8 on reads the pairs as the wish for INT8.
"""

import contextlib
import copy
import io
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Collection, List, Sequence, Set, Union

from ...model.spec import ModelSpec
from ...support.errors import CourseError, need
from .calibration import BatchReader, calibration_batches, calibration_pictures
from .floats import QUANTISED, float_nodes, require_float

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# How ranges follow from the pictures: our name, and ONNX Runtime's.
METHODS = {"percentile": "Percentile", "entropy": "Entropy"}

# Q/DQ for each channel of the weights came with this version of ONNX's operators.
CHANNELS_OPSET = 13


def int8(
    spec: ModelSpec,
    model: "ModelProto",
    folder: Union[str, Path],
    method: str = "percentile",
    keep: Sequence[str] = (),
    force: bool = False,
) -> "ModelProto":
    """A copy of the model with Q/DQ pairs at the inputs of its convolutions and matrix products.

    Symmetric, one scale for each channel of the weights, float biases, no pair shared: this is
    what TensorRT 8 and the CPU take.
    """
    require_float(model)
    if method not in METHODS:
        allowed = ", ".join(METHODS)
        raise CourseError(f"There is no calibration method '{method}'; allowed: {allowed}")
    floats = float_nodes(model, keep)
    pictures = calibration_pictures(folder, force)
    _require_work(model, floats)

    # The pictures come in batches of the size that the network was exported for.
    batch = _fixed_batch(model, spec.input.name)
    batches = calibration_batches(spec, folder, force, batch=batch)
    reader = BatchReader(spec.input.name, batches, count=math.ceil(len(pictures) / batch))

    need("onnxruntime")
    try:
        return _quantise(model, reader, METHODS[method], floats=floats)
    except CourseError:
        raise
    except ImportError as err:  # entropy wants SciPy in older releases
        need(str(err.name))
        raise
    except Exception as err:  # of any kind, from the depths of the quantiser
        said = " ".join(str(err).split())[:400]
        raise CourseError(
            f"ONNX Runtime cannot quantise {spec.name}: {said}. "
            "--keep-float leaves out a node that it names."
        ) from err


def _require_work(model: "ModelProto", floats: Collection[str]) -> None:
    for node in model.graph.node:
        if node.op_type in QUANTISED and node.name not in floats:
            return
    kinds = ", ".join(QUANTISED)
    raise CourseError(f"Nothing is left to quantise: no {kinds} that may leave FP32.")


def _fixed_batch(model: "ModelProto", entry: str) -> int:
    """The batch that the network was exported for; 1 where it is open."""
    batch = 1
    for tensor in model.graph.input:
        if tensor.name == entry:
            exported = tensor.type.tensor_type.shape.dim[0].dim_value
            batch = max(batch, exported)
    return batch


def _quantise(
    model: "ModelProto", reader: BatchReader, method: str, floats: Collection[str]
) -> "ModelProto":
    """The model with ONNX Runtime's pairs, moved to where TensorRT wants them."""
    onnx = need("onnx")
    quantization = need("onnxruntime.quantization")
    plain = _ready_to_quantise(model)
    options = {
        "ActivationSymmetric": True,
        "QuantizeBias": False,
        "MatMulConstBOnly": True,
        "AddQDQPairToWeight": True,
        # CPU and TensorRT fuse what follows a convolution into it: a pair at its output would
        # round before the activation.
        "OpTypesToExcludeOutputQuantization": list(QUANTISED),
        # one batch a stride: BatchReader says why
        "CalibStridedMinMax": 1,
    }

    # The quantiser works on files, and talks.
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        source = str(Path(folder) / "plain.onnx")
        target = str(Path(folder) / "int8.onnx")
        onnx.save(plain, source)
        quantization.quantize_static(
            source,
            target,
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=list(QUANTISED),
            per_channel=True,
            activation_type=quantization.QuantType.QInt8,
            weight_type=quantization.QuantType.QInt8,
            nodes_to_exclude=sorted(floats),
            calibrate_method=getattr(quantization.CalibrationMethod, method),
            extra_options=options,
        )
        return split_pairs(onnx.load(target), floats)


def _ready_to_quantise(model: "ModelProto") -> "ModelProto":
    """A copy that the quantiser takes as it is."""
    onnx = need("onnx")
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if all(version >= CHANNELS_OPSET for version in versions):
        plain = copy.deepcopy(model)
    else:
        plain = onnx.version_converter.convert_version(model, CHANNELS_OPSET)
    # Without this mark it asks for its own step of preparation.
    plain.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    return plain


def split_pairs(model: "ModelProto", floats: Collection[str]) -> "ModelProto":
    """Give every reader of a quantised tensor a pair of its own, and float nodes none.

    The same model, changed. Shared pairs are what TensorRT does not take.
    """
    makers = {name: node for node in model.graph.node for name in node.output}
    taken: Set[str] = set()  # dequantised tensors that have a reader
    nodes: List["NodeProto"] = []
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            dequantise = makers.get(name)
            if dequantise is None or dequantise.op_type != "DequantizeLinear":
                continue
            quantise = makers[dequantise.input[0]]
            if node.name in floats:
                node.input[place] = quantise.input[0]
            elif name in taken:
                pair = _pair_of_its_own(quantise, dequantise, f"_{node.name}_{place}")
                node.input[place] = pair[-1].output[0]
                nodes += pair
            else:
                taken.add(name)
        nodes.append(node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


def _pair_of_its_own(
    quantise: "NodeProto", dequantise: "NodeProto", suffix: str
) -> List["NodeProto"]:
    """A copy of a pair for one more reader, told apart by the suffix of its names."""
    pair = [copy.deepcopy(quantise), copy.deepcopy(dequantise)]
    for node in pair:
        node.name += suffix
        node.output[0] += suffix
    pair[1].input[0] = pair[0].output[0]
    return pair
