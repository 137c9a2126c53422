"""One build by TensorRT: a prepared ONNX model goes in, the bytes of a plan come out.

configure.py says what the builder is told. Where TensorRT's versions differ in the build itself,
its objects are asked, each in the one step it matters to. The engine's file is written by onnx.py.
"""

import contextlib
import re
import threading
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple, Set, Tuple

from ..engine.cuda import open_cuda
from ..engine.plan import log_of, product_of
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.files import sha256, write_bytes
from . import precision
from .configure import configure, watch
from .features import builds_for_any_gpu, chooses_types, reads_pairs
from .options import Options

if TYPE_CHECKING:
    from onnx import ModelProto

# Signs in TensorRT's errors that it lacked memory.
MEMORY_SIGNS = ("emory", "allocat", "workspace")


class Prepared(NamedTuple):
    """What the builder is given: a model it can read, and the names of nodes that stay FP32."""

    model: "ModelProto"
    floats: Set[str]


class Build:
    """One build, step by step. `run` does it, in the thread that calls it.

    It keeps nothing of TensorRT's between the steps but the module and its log.
    """

    def __init__(
        self,
        trt: ModuleType,
        spec: ModelSpec,
        options: Options,
        prepared: Prepared,
        timing_cache: Path,
    ) -> None:
        # what is built
        self.spec = spec
        self.options = options
        self.prepared = prepared

        # with what
        self.trt = trt
        self.log = log_of(trt)

        # what earlier builds measured; INT8's scales lie beside it
        self.timing_cache = timing_cache

    def run(self, cancelled: threading.Event) -> Any:
        """The plan, in TensorRT's own block of memory; a CourseError where it builds none.

        `cancelled` ends the build where this TensorRT asks whether to go on.
        """
        del self.log.errors[:]
        self.log.verbose = self.options.verbose

        builder = self.trt.Builder(self.log)
        # The parser is not used again, but the network needs it.
        network, _parser = self._parse(builder)
        config = configure(
            self.trt, builder, network, options=self.options, floats=self.prepared.floats
        )
        watch(self.trt, config, cancelled)

        self._load_timings(config)
        plan = self._plan(builder, network, config)
        if plan is None:
            raise self._failure()
        self._save_timings(config)
        return plan

    def _parse(self, builder: Any) -> Tuple[Any, Any]:
        """TensorRT's network of the model, and the parser that made it."""
        trt = self.trt
        kind = "EXPLICIT_BATCH" if chooses_types(trt) else "STRONGLY_TYPED"
        flag = getattr(trt.NetworkDefinitionCreationFlag, kind, None)
        flags = 0
        if flag is not None:
            flags = 1 << int(flag)

        network = builder.create_network(flags)
        parser = trt.OnnxParser(network, self.log)
        if not parser.parse(self.prepared.model.SerializeToString()):
            errors = [parser.get_error(number) for number in range(parser.num_errors)]
            said = "; ".join(str(error.desc()) for error in errors)
            raise CourseError(
                f"TensorRT {product_of(trt)} cannot read this network: {said[:400]}. "
                "Layers that it lacks need a plugin, or another export."
            )
        return network, parser

    def _plan(self, builder: Any, network: Any, config: Any) -> Any:
        """The plan; None where TensorRT builds none."""
        if self.options.precision != "int8" or reads_pairs(self.trt):
            return _serialized(builder, network, config)

        # This builder calibrates by itself: it shows the network the pictures.
        cuda = open_cuda()
        with contextlib.closing(cuda), cuda.active():
            calibrator = self._calibrator(cuda)
            config.int8_calibrator = calibrator
            plan = _serialized(builder, network, config)
        if calibrator.failure is not None:
            raise calibrator.failure
        return plan

    def _calibrator(self, cuda: Any) -> Any:
        """TensorRT's calibrator on the pictures; its scales are kept for the next build."""
        options = self.options
        assert options.calibration is not None  # require_buildable has seen to it
        batches = precision.calibration_batches(
            self.spec, options.calibration, force=options.force, batch=options.batch[1]
        )
        key = sha256(self.spec.onnx)[:8] + str(options.calibration)
        cache = self.timing_cache.with_name(f"int8-{as_file_name(key)}.cache")
        return precision.calibrator(self.trt, cuda, batches, cache)

    def _load_timings(self, config: Any) -> None:
        """Give the builder the kernels' times that earlier builds measured."""
        if not self._keeps_timings(config):
            return
        known = b""
        if self.timing_cache.is_file():
            known = self.timing_cache.read_bytes()
        config.set_timing_cache(config.create_timing_cache(known), ignore_mismatch=False)

    def _save_timings(self, config: Any) -> None:
        """Keep what this build measured."""
        if self._keeps_timings(config):
            write_bytes(self.timing_cache, config.get_timing_cache().serialize())

    def _keeps_timings(self, config: Any) -> bool:
        return hasattr(config, "create_timing_cache") and not builds_for_any_gpu(self.trt)

    def _failure(self) -> CourseError:
        """Why there is no plan, in TensorRT's words, and what may help."""
        said = " ".join(" ".join(self.log.errors).split())
        if not said:
            said = "nothing more"
        advice = ""
        if any(sign in said for sign in MEMORY_SIGNS):
            advice = (
                ". On a small machine: --workspace 256, a smaller batch, more swap, no desktop."
            )
        return CourseError(f"TensorRT {product_of(self.trt)} built no engine: {said[:500]}{advice}")


def _serialized(builder: Any, network: Any, config: Any) -> Any:
    """The finished plan's bytes: in one step from 8 on, by way of an engine before."""
    if hasattr(builder, "build_serialized_network"):
        return builder.build_serialized_network(network, config)
    engine = builder.build_engine(network, config)
    if engine is None:
        return None
    return engine.serialize()


def as_file_name(text: str) -> str:
    """The text with a hyphen for whatever a file's name should not hold."""
    return re.sub(r"\W+", "-", text)
