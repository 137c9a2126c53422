"""What an engine consists of: its layers under their fused names, the formats they work in, the time each takes."""

from pathlib import Path

from ..engine import manifest
from ..engine.cuda import open_cuda
from ..engine.plan import load_tensorrt, product_of
from ..engine.trt import TrtEngine
from ..model.find import find_model
from ..support.errors import CourseError


def _row(layer, total):
    made = layer.get("Outputs") or [{}]
    kind = made[0].get("Format/Datatype", "") if isinstance(made[0], dict) else ""
    return "{:9.1f} {:5.1f} %  {:<28.28}  {:<18.18}  {}".format(
        layer["microseconds"],
        100 * layer["microseconds"] / total,
        kind,
        layer.get("LayerType", ""),
        layer["Name"],
    )


def inspect(plan):
    """A report, slowest layers first, and the rows behind it."""
    plan = Path(str(plan))
    if plan.suffix != ".engine":
        raise CourseError(
            f"{plan} is no .engine file. Build one: python -m trt_course build MODEL."
        )
    record = manifest.require_fit(
        plan, find_model(manifest.read(plan).model), product_of(load_tensorrt()), open_cuda().device
    )
    with TrtEngine(plan) as engine:
        rows = sorted(engine.layers(), key=lambda layer: -layer["microseconds"])
    total = sum(layer["microseconds"] for layer in rows) or 1.0
    head = f"{plan.name}: {len(rows)} layers, {total / 1e3:.2f} ms for a batch of {record.batch[2]}, {record.precision}, TensorRT {record.tensorrt} on {record.gpu}"
    return "\n".join(
        [head, "       us   share  output format                kind                name"]
        + [_row(layer, total) for layer in rows]
    ), rows
