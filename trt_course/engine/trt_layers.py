"""What is inside an engine: TensorRT's description of its layers, and the time that each takes."""

import json
from typing import Any, Dict, List, Sequence, Union

import numpy as np

Row = Dict[str, Any]


def new_profiler(trt: Any) -> Any:
    """An object for a context's `profiler`: TensorRT tells it the time of each layer in each run.

    Its `spent` holds them, in microseconds, by the layer's name.
    """

    class Profiler(trt.IProfiler):
        def __init__(self) -> None:
            super().__init__()
            self.spent: Dict[str, List[float]] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.spent.setdefault(layer_name, []).append(ms * 1e3)

    return Profiler()


def described_layers(trt: Any, engine: Any) -> List[Row]:
    """What TensorRT's inspector tells of each layer; nothing until 8.2, which has none."""
    if not hasattr(engine, "create_engine_inspector"):
        return []
    inspector = engine.create_engine_inspector()
    text = inspector.get_engine_information(trt.LayerInformationFormat.JSON)
    layers = json.loads(text, strict=False)["Layers"]  # names hold line ends
    return [_as_row(layer) for layer in layers]


def _as_row(layer: Union[str, Row]) -> Row:
    """A layer that was built without its description is only a name."""
    if isinstance(layer, str):
        return {"Name": layer}
    return layer


def timed_layers(described: Sequence[Row], spent: Dict[str, Sequence[float]]) -> List[Row]:
    """A row for each layer that was described or timed, with its mean microseconds.

    The first run is left out of the mean, for it is slower than the others.
    """
    rows: Dict[str, Row] = {name: {"Name": name} for name in spent}
    for layer in described:
        rows[layer["Name"]] = layer

    timed = []
    for name, row in rows.items():
        later = spent.get(name, [])[1:]
        microseconds = float(np.mean(later)) if later else 0.0
        timed.append(dict(row, microseconds=microseconds))
    return timed
