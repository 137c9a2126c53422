"""A stand-in for TensorRT's module as 7.1 to 11 have it: strict about names and types.

It computes with ONNX Runtime: an engine here is the ONNX file that it was built from. Nothing is
optimised; flags and types are only written down. The files tensorrt_*.py beside this one have the
classes, tensorrt_parts.py what they all need.
"""

import sys
import types

from .cuda import module
from .tensorrt_build import add_builder
from .tensorrt_network import add_network
from .tensorrt_parts import VERSIONS, Stage, Version, add_types, plan
from .tensorrt_run import add_plugins, add_runtime

__all__ = ["VERSIONS", "install", "plan", "tensorrt"]

_OLD = (0, 10)
_NAMED = (8.5, 99)
# What some versions lack: the first version that has it, the first that has it no more
_EXISTS = {
    "BuilderFlag.FP16": (0, 11),
    "BuilderFlag.INT8": (0, 11),
    "BuilderFlag.STRICT_TYPES": _OLD,
    "BuilderFlag.OBEY_PRECISION_CONSTRAINTS": (8.2, 11),
    "NetworkDefinitionCreationFlag.EXPLICIT_BATCH": (0, 11),
    "NetworkDefinitionCreationFlag.STRONGLY_TYPED": (10, 99),
    "DataType.UINT8": _NAMED,
    "DataType.INT64": (10, 99),
    "IQuantizeLayer": (8, 99),
    "IInt8EntropyCalibrator2": (0, 11),
    "IProgressMonitor": (10, 99),
    "ProfilingVerbosity": (8.2, 99),
    "LayerInformationFormat": (8.2, 99),
    "TensorIOMode": _NAMED,
    "PreviewFeature": (8.5, 99),
    "PreviewFeature.PROFILE_SHARING_0806": (8.6, 11),
    "MemoryPoolType": (8.4, 99),
    "IBuilderConfig.set_preview_feature": (8.5, 99),
    "Builder.build_engine": _OLD,
    "Builder.build_serialized_network": (8, 99),
    "IBuilderConfig.max_workspace_size": _OLD,
    "IBuilderConfig.set_memory_pool_limit": (8.4, 99),
    "IBuilderConfig.builder_optimization_level": (8.6, 99),
    "IBuilderConfig.int8_calibrator": (0, 11),
    "IBuilderConfig.profiling_verbosity": (8.2, 99),
    "IBuilderConfig.progress_monitor": (10, 99),
    "IBuilderConfig.create_timing_cache": (8, 99),
    "IBuilderConfig.set_timing_cache": (8, 99),
    "IBuilderConfig.get_timing_cache": (8, 99),
    "ILayer.precision": (0, 11),
    "ILayer.set_output_type": (0, 11),
    "IPluginRegistry.plugin_creator_list": (0, 11),
    "IPluginRegistry.all_creators": (10, 99),
    "ICudaEngine.create_engine_inspector": (8.2, 99),
    # The numbered bindings
    "ICudaEngine.num_bindings": _OLD,
    "ICudaEngine.get_binding_name": _OLD,
    "ICudaEngine.binding_is_input": _OLD,
    "ICudaEngine.get_binding_shape": _OLD,
    "ICudaEngine.get_binding_dtype": _OLD,
    "ICudaEngine.get_profile_shape": _OLD,
    "ICudaEngine.has_implicit_batch_dimension": (0, 11),
    "ICudaEngine.max_batch_size": _OLD,
    "IExecutionContext.set_binding_shape": _OLD,
    "IExecutionContext.execute_async": _OLD,
    "IExecutionContext.execute_async_v2": _OLD,
    # The named tensors
    "ICudaEngine.num_io_tensors": _NAMED,
    "ICudaEngine.get_tensor_name": _NAMED,
    "ICudaEngine.get_tensor_mode": _NAMED,
    "ICudaEngine.get_tensor_shape": _NAMED,
    "ICudaEngine.get_tensor_dtype": _NAMED,
    "ICudaEngine.get_tensor_profile_shape": _NAMED,
    "IExecutionContext.set_input_shape": _NAMED,
    "IExecutionContext.set_tensor_address": _NAMED,
    "IExecutionContext.execute_async_v3": _NAMED,
}


def tensorrt(number, card):
    """The module; its `_stage` holds what the real one keeps to itself."""
    trt = module("tensorrt")
    trt.__version__ = VERSIONS[number]
    trt._stage = Stage()

    version = Version(number, _EXISTS)
    add_types(trt, version)
    add_plugins(trt, version)
    add_network(trt, version)
    add_builder(trt, version, card)
    add_runtime(trt, version, card)
    _remove_what_is_missing(trt, version)
    return trt


def _remove_what_is_missing(trt, version):
    for path, span in _EXISTS.items():
        owner, _, name = path.rpartition(".")
        holder = getattr(trt, owner, None) if owner else trt
        missing = not version.has(span)
        if missing and isinstance(holder, (type, types.ModuleType)) and name in vars(holder):
            delattr(holder, name)


def install(monkeypatch, number, card):
    """Make it what `import tensorrt` finds."""
    trt = tensorrt(number, card)
    monkeypatch.setitem(sys.modules, "tensorrt", trt)
    return trt
