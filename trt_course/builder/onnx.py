"""engine_from_onnx: a model's ONNX file becomes an engine for this machine, with TensorRT 7 to 11 or TensorRT-RTX.

What a TensorRT can do is asked of its module, never read off its version. Engines, their records and the timing cache
lie in the model's folder, under engines/.
"""

import contextlib
import platform
import re
import shlex
import time
from pathlib import Path
from typing import NamedTuple, Optional, Tuple

from ..engine import manifest
from ..engine.cuda import Device, open_cuda
from ..engine.plan import load_tensorrt, log_of, plugins, product_of
from ..support.errors import CourseError
from ..support.files import sha256, write_bytes
from . import graph, inside, precision
from .worker import in_thread

PRECISIONS = ("fp32", "fp16", "int8")
PLACES = ("host", "engine")
PIXELS = ("bgr", "nv12")


class Options(NamedTuple):
    """How to build. None means: what fits this TensorRT and this machine."""

    precision: str = "fp16"
    batch: Tuple[int, int, int] = (1, 1, 1)
    nms: str = "host"
    preprocess: str = "host"
    source: Optional[Tuple[int, int]] = None
    threshold: float = 0.01
    workspace_mib: Optional[int] = None
    calibration: Optional[str] = None
    method: str = "percentile"
    keep_float: Tuple[str, ...] = ()
    level: Optional[int] = None
    dla: Optional[int] = None
    force: bool = False
    verbose: bool = False
    pixels: str = "bgr"

    def name(self):
        low, _, high = self.batch
        parts = [self.precision, f"b{high}" if low == high else "b{}-{}-{}".format(*self.batch)]
        parts += ["nms"] * (self.nms == "engine")
        parts += ["{}x{}".format(*self.source)] if self.preprocess == "engine" else []
        parts += [self.pixels] * (self.pixels != "bgr")
        return "-".join(parts)

    def command(self, spec, out=None):
        """The command that builds the same engine again."""
        inside, int8 = self.preprocess == "engine", self.precision == "int8"
        options = [
            ("--precision", self.precision),
            ("--batch", ",".join(map(str, self.batch))),
            ("--nms", self.nms),
            ("--preprocess", inside and "engine"),
            ("--source-size", inside and "{}x{}".format(*self.source)),
            ("--pixels", self.pixels != "bgr" and self.pixels),
            ("--nms-threshold", self.nms == "engine" and str(self.threshold)),
            ("--calibration", int8 and self.calibration),
            ("--method", int8 and self.method),
            ("--workspace", self.workspace_mib),
            ("--out", out),
        ]
        options += [("--keep-float", pattern) for pattern in self.keep_float]
        options += [
            (name, str(n))
            for name, n in (("--dla", self.dla), ("--level", self.level))
            if n is not None
        ]
        words = [f"{name} {shlex.quote(str(value))}" for name, value in options if value]
        return " ".join(
            ["python -m trt_course build", shlex.quote(spec.reference)]
            + words
            + ["--force"] * self.force
        )


def require_buildable(options, out=None):
    """Refuse what no engine can be built with, before anything is begun."""
    (low, best, high), source, path = options.batch, options.source, Path(str(out))
    nv12 = options.pixels == "nv12"
    for bad, said in (
        (
            not 1 <= low <= best <= high,
            "--batch {2}: wanted: one number, or smallest, usual and largest in this order.",
        ),
        (
            options.precision == "int8" and not options.calibration,
            "INT8 needs pictures that show it the range of values: --calibration DIR, such as "
            "data/calibration/traffic. Never the pictures that are scored.",
        ),
        (
            options.preprocess == "engine" and source is None,
            "Preprocessing inside the engine needs the size of the pictures: --source-size 1280x720.",
        ),
        (source and not all(source), "--source-size {3}: wanted: numbers from 1 up."),
        (
            nv12 and (options.preprocess == "host" or any(side % 2 for side in source or ())),
            "--pixels nv12 needs --preprocess engine, and a --source-size of even numbers.",
        ),
        (
            not 0 <= options.threshold <= 1,
            "--nms-threshold {0.threshold}: wanted: a number from 0 to 1.",
        ),
        (
            not 0 < (1 if options.workspace_mib is None else options.workspace_mib) < 1 << 30,
            "--workspace {0.workspace_mib}: wanted: MiB, from 1 up.",
        ),
        (
            out and (path.suffix != ".engine" or path.stem == "model"),
            "--out {1}: wanted: NAME.engine; its record goes beside it as NAME.json, so not model.engine.",
        ),
    ):
        if bad:
            raise CourseError(
                said.format(
                    options,
                    out,
                    ",".join(map(str, options.batch)),
                    "x".join(map(str, source or ())),
                )
            )


def _prepare(trt, spec, options):
    """The ONNX model to be built, and the names of its nodes that stay FP32."""
    model = graph.load_plain(spec.onnx)
    if options.precision == "int8" and hasattr(trt, "IQuantizeLayer"):
        model = precision.int8(
            spec, model, options.calibration, options.method, options.keep_float, options.force
        )
    floats = precision.float_nodes(model, options.keep_float)
    if options.precision == "fp16" and not hasattr(trt.BuilderFlag, "FP16"):
        model = precision.fp16(model, options.keep_float)
    if options.nms == "engine":
        plugin = "EfficientNMS_TRT" in plugins(trt)
        if not plugin:
            print(
                f"TensorRT {product_of(trt)} has no EfficientNMS. Its own NMS layer goes in, at which the host has to wait: "
                "where many pictures count, compare --nms host."
            )
        model = inside.add_nms(model, spec, options.threshold, plugin)
    if options.preprocess == "engine":
        if not hasattr(trt.DataType, "UINT8"):
            raise CourseError(
                f"TensorRT {product_of(trt)} takes no pictures as bytes, 8.5 and later do: --preprocess host."
            )
        model = inside.add_preprocess(model, spec, options.source, options.pixels)
    if options.batch[0] == options.batch[2]:
        graph.fix_batch(model, options.batch[0])
    return model, floats


def _parse(trt, builder, model):
    kind = "EXPLICIT_BATCH" if hasattr(trt.BuilderFlag, "FP16") else "STRONGLY_TYPED"
    flag = getattr(trt.NetworkDefinitionCreationFlag, kind, None)
    network = builder.create_network(0 if flag is None else 1 << int(flag))
    parser = trt.OnnxParser(network, log_of(trt))
    if not parser.parse(model.SerializeToString()):
        said = "; ".join(str(parser.get_error(i).desc()) for i in range(parser.num_errors))
        raise CourseError(
            f"TensorRT {product_of(trt)} cannot read this network: {said[:400]}. Layers that it lacks need a plugin, or another "
            "export."
        )
    return network, parser


def _keep_floats(trt, network, config, floats):
    """Where types are the builder's to choose, hold these layers to FP32.

    One that only moves data is held where it moves the result of such a layer: held right behind a convolution it
    would keep that from running in INT8.
    """
    obey = (
        "OBEY_PRECISION_CONSTRAINTS"
        if hasattr(trt.BuilderFlag, "OBEY_PRECISION_CONSTRAINTS")
        else "STRICT_TYPES"
    )
    config.set_flag(getattr(trt.BuilderFlag, obey))
    moves, held = (trt.LayerType.SHUFFLE, trt.LayerType.SLICE, trt.LayerType.CONCATENATION), set()
    for layer in (network.get_layer(i) for i in range(network.num_layers)):
        ours = layer.name in floats or layer.name.startswith(("nms/", "preprocess/"))
        outputs = [layer.get_output(k) for k in range(layer.num_outputs)]
        if layer.type in moves:
            inputs = (layer.get_input(k) for k in range(layer.num_inputs))
            ours = ours and any(tensor is not None and tensor.name in held for tensor in inputs)
        if (
            ours
            and layer.type != trt.LayerType.CONSTANT
            and all(t.dtype == trt.float32 for t in outputs)
        ):
            layer.precision = trt.float32
            for k in range(layer.num_outputs):
                layer.set_output_type(k, trt.float32)
            held.update(tensor.name for tensor in outputs)


def _configure(trt, builder, network, options, floats):
    config = builder.create_builder_config()
    mib = options.workspace_mib or (256 if platform.machine() == "aarch64" else 2048)
    if hasattr(config, "set_memory_pool_limit"):
        config.set_memory_pool_limit(trt.MemoryPoolType.WORKSPACE, mib << 20)
    else:
        config.max_workspace_size = mib << 20
    wanted = {"fp32": (), "fp16": ("FP16",), "int8": ("INT8", "FP16")}[options.precision]
    flags = [getattr(trt.BuilderFlag, name) for name in wanted if hasattr(trt.BuilderFlag, name)]
    for flag in flags:
        config.set_flag(flag)
    if flags and not (
        options.precision == "int8" and hasattr(trt, "IQuantizeLayer")
    ):  # there the file says it all
        _keep_floats(trt, network, config, floats)
    if hasattr(trt.BuilderFlag, "TF32"):
        config.clear_flag(trt.BuilderFlag.TF32)
    if options.level is not None and hasattr(config, "builder_optimization_level"):
        config.builder_optimization_level = options.level
    if hasattr(
        getattr(trt, "PreviewFeature", None), "PROFILE_SHARING_0806"
    ):  # several contexts, one range of batches
        config.set_preview_feature(trt.PreviewFeature.PROFILE_SHARING_0806, True)
    if hasattr(trt, "ProfilingVerbosity"):
        config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if options.dla is not None:
        config.default_device_type, config.DLA_core = trt.DeviceType.DLA, options.dla
        config.set_flag(trt.BuilderFlag.GPU_FALLBACK)
    return config


def _set_batch(builder, network, config, options):
    entry = network.get_input(0)
    if entry.shape[0] == -1:
        profile = builder.create_optimization_profile()
        profile.set_shape(entry.name, *((n,) + tuple(entry.shape)[1:] for n in options.batch))
        config.add_optimization_profile(profile)
    elif set(options.batch) != {entry.shape[0]}:
        raise CourseError(
            "The ONNX file was exported for batches of {} only; wanted: {}".format(
                entry.shape[0], ",".join(map(str, options.batch))
            )
        )


def _watch(trt, config, cancelled):
    """Let TensorRT, where it can, ask whether to go on."""
    if hasattr(trt, "IProgressMonitor"):

        class Monitor(trt.IProgressMonitor):
            phase_start = phase_finish = lambda *_: None

            def step_complete(self, *_):
                return not cancelled.is_set()

        config.progress_monitor = Monitor()


def _build(trt, spec, options, cache, model, floats, cancelled):
    """The plan; a CourseError where TensorRT builds none."""
    log = log_of(trt)
    log.errors[:], log.verbose = [], options.verbose
    builder = trt.Builder(log)
    network, _parser = _parse(trt, builder, model)  # the network needs its parser
    config = _configure(trt, builder, network, options, floats)
    _set_batch(builder, network, config, options)
    _watch(trt, config, cancelled)
    timed = hasattr(config, "create_timing_cache") and not product_of(trt).startswith("RTX")
    if timed:
        known = config.create_timing_cache(cache.read_bytes() if cache.is_file() else b"")
        config.set_timing_cache(known, ignore_mismatch=False)
    by_pictures = options.precision == "int8" and not hasattr(trt, "IQuantizeLayer")
    with _calibrator(trt, spec, options, cache, config) if by_pictures else contextlib.ExitStack():
        if hasattr(builder, "build_serialized_network"):
            plan = builder.build_serialized_network(network, config)
        else:
            engine = builder.build_engine(network, config)
            plan = engine and engine.serialize()
    if plan is None:
        said = " ".join(" ".join(log.errors).split()) or "nothing more"
        memory = any(sign in said for sign in ("emory", "allocat", "workspace"))
        raise CourseError(
            "TensorRT {} built no engine: {}{}".format(
                product_of(trt),
                said[:500],
                (
                    ". On a small machine: --workspace 256, a smaller batch, more swap, no desktop."
                    if memory
                    else ""
                ),
            )
        )
    if timed:
        write_bytes(cache, config.get_timing_cache().serialize())
    return plan


@contextlib.contextmanager
def _calibrator(trt, spec, options, cache, config):
    """INT8 where the builder shows the network the pictures itself."""
    name = "int8-{}.cache".format(re.sub(r"\W+", "-", sha256(spec.onnx)[:8] + options.calibration))
    batches = precision.calibration_batches(
        spec, options.calibration, options.force, options.batch[1]
    )
    cuda = open_cuda()
    with contextlib.closing(cuda), cuda.active():
        config.int8_calibrator = calibrator = precision.calibrator(
            trt, cuda, batches, cache.with_name(name)
        )
        yield
    if calibrator.failure is not None:
        raise calibrator.failure


def engine_from_onnx(spec, options, out=None):
    """Build the engine; its path. Beside it stand its record and the timing cache that makes the next build fast."""
    require_buildable(options, out)
    trt = load_tensorrt()
    travels = product_of(trt).startswith("RTX")
    device = Device(manifest.ANY_GPU, manifest.ANY_GPU) if travels else open_cuda().device
    other = "" if spec.onnx.name == spec.file else spec.onnx.stem + "-"
    path = Path(str(out)) if out else spec.folder / "engines" / (other + options.name() + ".engine")
    cache = path.parent / "timing-{}.cache".format(
        re.sub(r"\W+", "-", " ".join((product_of(trt), device.name, options.precision)))
    )
    started = time.time()
    try:
        prepared = _prepare(trt, spec, options)
        plan = in_thread(
            lambda cancelled: _build(trt, spec, options, cache, *prepared, cancelled),
            "build " + path.name,
        )
    except CourseError as err:
        if options.nms == "host" or not any(
            "NonMaxSuppression" in text for text in log_of(trt).errors + [str(err)]
        ):
            raise
        print(
            f"TensorRT {product_of(trt)} cannot run suppression inside the engine: it stays on the host."
        )
        return engine_from_onnx(spec, options._replace(nms="host"), out)
    write_bytes(path, plan)
    manifest.write(
        spec,
        options,
        path,
        product_of(trt),
        device,
        "onnx",
        time.time() - started,
        options.command(spec, out),
    )
    return path
