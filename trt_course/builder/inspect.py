"""What an engine consists of: its layers under their fused names, with format and time of each."""

from pathlib import Path
from typing import Any, Dict, List, Tuple, Union

from ..engine import manifest
from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt, product_of
from ..engine.trt import TrtEngine
from ..model.find import find_model
from ..support.errors import CourseError

# What TensorRT's inspector tells of a layer, under its own keys, and our "microseconds".
Layer = Dict[str, Any]

HEADER = "       us   share  output format                kind                name"


def inspect(plan: Union[str, Path]) -> Tuple[str, List[Layer]]:
    """A report on an engine file, slowest layers first, and the layers that it is made of.

    The engine must fit this machine, since its layers are timed.
    """
    path = Path(str(plan))
    if path.suffix != ".engine":
        raise CourseError(
            f"{path} is no .engine file. Build one: python -m trt_course build MODEL."
        )

    spec = find_model(manifest.read(path).model)
    tensorrt = product_of(load_tensorrt())
    record = manifest.require_fit(path, spec, tensorrt, open_cuda().device)

    with TrtEngine(path) as engine:
        layers = sorted(engine.layers(), key=_microseconds, reverse=True)

    total = sum(_microseconds(layer) for layer in layers)
    title = (
        f"{path.name}: {len(layers)} layers, {total / 1e3:.2f} ms "
        f"for a batch of {record.batch[2]}, {record.precision}, "
        f"TensorRT {record.tensorrt} on {record.gpu}"
    )
    lines = [title, HEADER]
    lines += [_line(layer, total) for layer in layers]
    return "\n".join(lines), layers


def _microseconds(layer: Layer) -> float:
    return layer["microseconds"]


def _line(layer: Layer, total: float) -> str:
    """One layer's line of the report."""
    microseconds = _microseconds(layer)
    share = 0.0
    if total > 0:
        share = 100 * microseconds / total
    kind = layer.get("LayerType", "")
    return (
        f"{microseconds:9.1f} {share:5.1f} %  {_output_format(layer):<28.28}  "
        f"{kind:<18.18}  {layer['Name']}"
    )


def _output_format(layer: Layer) -> str:
    """How the layer lays out its first output; empty where this TensorRT does not tell."""
    outputs = layer.get("Outputs")
    if not outputs or not isinstance(outputs[0], dict):
        return ""
    return outputs[0].get("Format/Datatype", "")
