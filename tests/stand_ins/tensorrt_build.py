"""Of TensorRT's stand-in: what builds an engine. The plan is the ONNX file."""

import json
import time
import types

import numpy as np

from .tensorrt_parts import Strict, part_of, plan, typed


def add_builder(trt, version, card):  # noqa: C901
    """The builder, and how it is told what to build."""
    stage = trt._stage

    @part_of(trt)
    class IOptimizationProfile(Strict):
        def __init__(self):
            self._shapes = {}

        @typed
        def set_shape(self, input: str, min: tuple, opt: tuple, max: tuple):
            if any(not least <= usual <= most for least, usual, most in zip(min, opt, max)):
                raise RuntimeError("Shape provided for max is inconsistent with other shapes.")
            self._shapes[input] = (min, opt, max)

    @part_of(trt)
    class ITimingCache(Strict):
        def __init__(self, known):
            self._known = set(known)

        def serialize(self):
            return memoryview(json.dumps(sorted(self._known)).encode())

    @part_of(trt)
    class IBuilderConfig(Strict):
        max_workspace_size = 0
        builder_optimization_level = 3
        DLA_core = -1
        default_device_type = trt.DeviceType.GPU
        int8_calibrator = None
        profiling_verbosity = None
        progress_monitor = None

        def __init__(self):
            self._flags = {trt.BuilderFlag.TF32}
            self._pools = {}
            self._preview = {}
            self._profiles = []
            self._cache = None

        @typed
        def set_flag(self, flag: trt.BuilderFlag):
            self._flags.add(flag)

        @typed
        def clear_flag(self, flag: trt.BuilderFlag):
            self._flags.discard(flag)

        @typed
        def set_memory_pool_limit(self, pool: trt.MemoryPoolType, pool_size: int):
            self._pools[pool] = pool_size

        @typed
        def set_preview_feature(self, feature: trt.PreviewFeature, enable: bool):
            self._preview[feature] = enable

        @typed
        def add_optimization_profile(self, profile: IOptimizationProfile):
            self._profiles.append(profile)

        @typed
        def create_timing_cache(self, serialized_timing_cache: bytes):
            try:
                return ITimingCache(json.loads(serialized_timing_cache))
            except ValueError:  # none, or one that cannot be read
                return ITimingCache([])

        @typed
        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool):
            assert not ignore_mismatch, "times of another card"
            self._cache = cache
            return True

        def get_timing_cache(self):
            return self._cache

    @part_of(trt)
    class Builder(Strict):
        @typed
        def __init__(self, logger: trt.ILogger):
            self._log = logger

        @typed
        def create_network(self, flags: int = 0):
            return trt.INetworkDefinition(flags)

        def create_builder_config(self):
            return IBuilderConfig()

        def create_optimization_profile(self):
            return IOptimizationProfile()

        @typed
        def build_serialized_network(self, network: trt.INetworkDefinition, config: IBuilderConfig):
            return self._build(network, config)

        @typed
        def build_engine(self, network: trt.INetworkDefinition, config: IBuilderConfig):
            made = self._build(network, config)
            if made is None:
                return None
            return types.SimpleNamespace(serialize=lambda: made)

        def _build(self, network, config):
            # The layers whose times are not in the cache are measured
            measured = {layer.name for layer in network._layers}
            if config._cache:
                measured -= config._cache._known
            stage.builds.append(
                types.SimpleNamespace(network=network, config=config, measured=len(measured))
            )

            # What keeps it from building
            entry = network._inputs[0]
            for tensor in network._inputs:
                ranges = [profile._shapes for profile in config._profiles]
                if -1 in tensor.shape and not any(tensor.name in shapes for shapes in ranges):
                    stage.refuse.append(
                        f"{tensor.name} is dynamic, but no optimization profile has been defined."
                    )
            for text in stage.refuse:
                self._log.log(trt.ILogger.ERROR, text)
            if stage.refuse or not self._all_steps(getattr(config, "progress_monitor", None)):
                return None

            shapes = [entry.shape] * 3
            if config._profiles:
                shapes = config._profiles[0]._shapes[entry.name]
            calibrator = getattr(config, "int8_calibrator", None)
            if calibrator is not None and trt.BuilderFlag.INT8 in config._flags:
                self._calibrate(calibrator, shapes[1])
            if config._cache:
                config._cache._known |= measured
            batch = [shape[0] for shape in shapes]
            shared = any(config._preview.values())
            return memoryview(plan(network._model, version.number, batch, shared=shared))

        @staticmethod
        def _all_steps(monitor):
            """Take the time of all steps; False where the monitor stops it."""
            for step in range(stage.steps):
                time.sleep(0.02)
                if monitor is not None and not monitor.step_complete("Building", step):
                    return False
            return True

        @staticmethod
        def _calibrate(source, shape):
            """Reads batches of the profile's usual shape, and swallows what a callback raises."""
            assert source._made
            if source.read_calibration_cache() is not None:
                return
            nbytes = int(np.prod(shape)) * 4
            stage.seen = []
            while True:
                batch = source.get_batch(["input"])
                if batch is None:
                    break
                shown = card.view(batch[0], nbytes).copy()
                stage.seen.append(shown.view(np.float32))
            source.write_calibration_cache(memoryview(b"scales"))
