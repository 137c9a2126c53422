"""What TensorRT's builder is told: memory, types, batches, and how hard to search.

Where its versions differ, the module or its objects are asked, each in the one step it matters to.
"""

import platform
import threading
from types import ModuleType
from typing import Any, Collection, Dict, List, Optional, Set, Tuple

from ..support.errors import CourseError
from .features import reads_pairs
from .options import Options

# The builder's flags for each precision, by their names in trt.BuilderFlag, where it has them.
FLAGS: Dict[str, Tuple[str, ...]] = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8", "FP16")}

# Workspace where none is asked for. A Jetson's memory is shared with everything else on it.
PC_MIB = 2048
JETSON_MIB = 256

# Layers that only move data about, by their names in trt.LayerType.
MOVES = ("SHUFFLE", "SLICE", "CONCATENATION")


def configure(
    trt: ModuleType, builder: Any, network: Any, options: Options, floats: Collection[str]
) -> Any:
    """The builder's configuration for these options; the nodes named in `floats` stay FP32."""
    config = builder.create_builder_config()
    _set_workspace(trt, config, options.workspace_mib)
    _set_types(trt, network, config, precision=options.precision, floats=floats)
    _set_search(trt, config, options.level)
    _set_dla(trt, config, options.dla)
    _set_batch(builder, network, config, batch=options.batch)
    return config


def _set_workspace(trt: ModuleType, config: Any, mib: Optional[int]) -> None:
    """The memory that the builder may lend to layers."""
    if not mib:
        mib = JETSON_MIB if platform.machine() == "aarch64" else PC_MIB
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, mib << 20)
    else:
        config.max_workspace_size = mib << 20


def _set_types(
    trt: ModuleType, network: Any, config: Any, precision: str, floats: Collection[str]
) -> None:
    """Allow FP16 and INT8 where the builder chooses types; elsewhere the file has said it all."""
    # TF32 would round what was asked for as FP32.
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)

    names = [name for name in FLAGS[precision] if hasattr(trt.BuilderFlag, name)]
    for name in names:
        config.set_flag(getattr(trt.BuilderFlag, name))

    # With Q/DQ pairs in the file, too, types are not the builder's to choose.
    types_in_file = precision == "int8" and reads_pairs(trt)
    if names and not types_in_file:
        _obey_types(trt, config)
        hold_floats(trt, network, floats)


def _obey_types(trt: ModuleType, config: Any) -> None:
    """Make the builder keep to the types that layers are held to."""
    if hasattr(trt.BuilderFlag, "OBEY_PRECISION_CONSTRAINTS"):
        config.set_flag(trt.BuilderFlag.OBEY_PRECISION_CONSTRAINTS)
    else:
        config.set_flag(trt.BuilderFlag.STRICT_TYPES)


def hold_floats(trt: ModuleType, network: Any, floats: Collection[str]) -> None:
    """Hold layers to FP32 where types are the builder's to choose.

    A layer that only moves data is held where it moves the result of a held one. Held right
    behind a convolution, it would keep that from running in INT8.
    """
    moves = [getattr(trt.LayerType, name) for name in MOVES]
    held: Set[str] = set()  # the tensors that held layers make
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if not _is_ours(layer.name, floats) or layer.type == trt.LayerType.CONSTANT:
            continue
        if layer.type in moves and not held.intersection(_input_names(layer)):
            continue
        outputs = [layer.get_output(number) for number in range(layer.num_outputs)]
        if any(tensor.dtype != trt.float32 for tensor in outputs):
            continue

        layer.precision = trt.float32
        for number in range(layer.num_outputs):
            layer.set_output_type(number, trt.float32)
        held.update(tensor.name for tensor in outputs)


def _is_ours(layer: str, floats: Collection[str]) -> bool:
    """Whether a layer was named to stay float, or was put around the network by inside.py."""
    return layer in floats or layer.startswith(("nms/", "preprocess/"))


def _input_names(layer: Any) -> List[str]:
    inputs = [layer.get_input(number) for number in range(layer.num_inputs)]
    return [tensor.name for tensor in inputs if tensor is not None]


def _set_search(trt: ModuleType, config: Any, level: Optional[int]) -> None:
    """How long to search, and what the engine can tell of itself afterwards."""
    if level is not None and hasattr(config, "builder_optimization_level"):
        config.builder_optimization_level = level

    # Several contexts at a time may then use the one range of batches.
    preview: Any = getattr(trt, "PreviewFeature", None)
    if hasattr(preview, "PROFILE_SHARING_0806"):
        config.set_preview_feature(preview.PROFILE_SHARING_0806, True)

    if hasattr(trt, "ProfilingVerbosity"):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED


def _set_dla(trt: ModuleType, config: Any, core: Optional[int]) -> None:
    """Run on a Jetson's accelerator; what it cannot do runs on the GPU."""
    if core is None:
        return
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)


def _set_batch(builder: Any, network: Any, config: Any, batch: Tuple[int, int, int]) -> None:
    """The range of batches, where the network leaves its batch open."""
    entries = [network.get_input(number) for number in range(network.num_inputs)]
    exported = entries[0].shape[0]
    if exported == -1:
        profile = builder.create_optimization_profile()
        for entry in entries:
            one = tuple(entry.shape)[1:]
            shapes = [(pictures,) + one for pictures in batch]  # 3 x (n, 3, h, w)
            profile.set_shape(entry.name, *shapes)
        config.add_optimization_profile(profile)
    elif set(batch) != {exported}:
        wanted = ",".join(str(pictures) for pictures in batch)
        raise CourseError(
            f"The ONNX file was exported for batches of {exported} only; wanted: {wanted}"
        )


def watch(trt: ModuleType, config: Any, cancelled: threading.Event) -> None:
    """Let a TensorRT that asks whether to go on (10 and later) hear of `cancelled`."""
    if not hasattr(trt, "IProgressMonitor"):
        return

    base: Any = trt.IProgressMonitor

    class Monitor(base):
        """Is asked by TensorRT after every step."""

        def phase_start(self, name: str, parent: Optional[str], steps: int) -> None:
            """Nothing to do."""

        def phase_finish(self, name: str) -> None:
            """Nothing to do."""

        def step_complete(self, name: str, step: int) -> bool:
            return not cancelled.is_set()

    config.progress_monitor = Monitor()
