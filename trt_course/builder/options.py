"""Options: how an engine is to be built, the name it gets, and the command that builds it again.

This module only describes and checks what is asked for; onnx.py builds it.
"""

import shlex
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence, Tuple, Union

from ..detections import CONFIDENCE
from ..engine.choose import BATCH
from ..model.spec import ModelSpec
from ..support.errors import CourseError
from ..support.ranges import whole

PRECISIONS = ("fp32", "fp16", "int8")
PLACES = ("host", "engine")
PIXELS = ("bgr", "nv12")

WORKSPACE = whole(1, 1 << 20)  # MiB
LEVEL = whole(0, 5)
DLA = whole(0, 7)
SIDE = whole(1, 16384)  # pixels


class Options(NamedTuple):
    """How to build an engine. None means: whatever fits this TensorRT and this machine.

    An Options does not check itself, since a command or a lesson may fill it in steps;
    `require_buildable` does, before a build begins.

    >>> options = Options("int8", batch=(1, 4, 16), calibration="data/calibration/traffic")
    >>> options.name()
    'int8-b1-4-16'
    >>> options._replace(precision="fp16", preprocess="engine", source=(1280, 720)).name()
    'fp16-b1-4-16-1280x720'
    """

    # one of PRECISIONS
    precision: str = "fp16"
    # pictures a run: the fewest, the usual number (the one it is tuned for), the most
    batch: Tuple[int, int, int] = (1, 1, 1)
    # where suppression happens, and where pictures become tensors: each one of PLACES
    nms: str = "host"
    preprocess: str = "host"
    # width and height of the pictures, for preprocessing inside the engine
    source: Optional[Tuple[int, int]] = None
    # suppression inside the engine drops boxes below this confidence
    threshold: float = 0.01
    # memory that the builder may lend to a layer while it tries and runs it
    workspace_mib: Optional[int] = None
    # for INT8: a folder of pictures, and how ranges follow from them (one of precision.METHODS)
    calibration: Optional[str] = None
    method: str = "percentile"
    # patterns for names of nodes that stay FP32
    keep_float: Tuple[str, ...] = ()
    # 0 to 5: how long the builder searches for fast kernels
    level: Optional[int] = None
    # the core of a Jetson's deep-learning accelerator (DLA) to run on
    dla: Optional[int] = None
    # calibrate on scored pictures all the same
    force: bool = False
    # print everything TensorRT says
    verbose: bool = False
    # what preprocessing inside the engine is fed with: one of PIXELS
    pixels: str = "bgr"

    def name(self) -> str:
        """A file name, without its ending, that tells engines of one model apart."""
        fewest, _, most = self.batch
        parts = [self.precision]
        if fewest == most:
            parts.append(f"b{most}")
        else:
            parts.append("b" + _joined(self.batch, "-"))
        if self.nms == "engine":
            parts.append("nms")
        if self.preprocess == "engine":
            parts.append(_size(self.source))
        if self.pixels != "bgr":
            parts.append(self.pixels)
        return "-".join(parts)

    def command(self, spec: ModelSpec, out: Union[str, Path, None] = None) -> str:
        """The command that builds the same engine again."""
        words = ["python", "-m", "trt_course", "build", spec.reference]
        words += ["--precision", self.precision]
        words += ["--batch", _joined(self.batch, ",")]
        words += self._words_of_places()
        words += self._words_of_precision()
        if self.workspace_mib:
            words += ["--workspace", str(self.workspace_mib)]
        if out:
            words += ["--out", str(out)]
        words += self._words_of_tuning()
        return " ".join(shlex.quote(word) for word in words)

    def _words_of_places(self) -> List[str]:
        """What happens inside the engine, as words of the command line."""
        words = ["--nms", self.nms]
        if self.preprocess == "engine":
            words += ["--preprocess", "engine", "--source-size", _size(self.source)]
        if self.pixels != "bgr":
            words += ["--pixels", self.pixels]
        if self.nms == "engine":
            words += ["--nms-threshold", str(self.threshold)]
        return words

    def _words_of_precision(self) -> List[str]:
        """How INT8 is calibrated, as words of the command line."""
        words = []
        if self.precision == "int8":
            if self.calibration:
                words += ["--calibration", str(self.calibration)]
            words += ["--method", self.method]
        return words

    def _words_of_tuning(self) -> List[str]:
        """Single layers, DLA, level and force, as words of the command line."""
        words = []
        for pattern in self.keep_float:
            words += ["--keep-float", pattern]
        if self.dla is not None:
            words += ["--dla", str(self.dla)]
        if self.level is not None:
            words += ["--level", str(self.level)]
        if self.force:
            words.append("--force")
        return words


def require_buildable(options: Options, out: Union[str, Path, None] = None) -> None:
    """Refuse what no engine can be built with, before anything is begun."""
    _require_batch(options)
    _require_calibration(options)
    _require_source(options)
    _require_pixels(options)
    _require_limits(options)
    if out:
        _require_engine_name(Path(str(out)))


def _require_batch(options: Options) -> None:
    for pictures in options.batch:
        BATCH.require(pictures, "--batch")
    fewest, usual, most = options.batch
    if not fewest <= usual <= most:
        raise CourseError(
            f"--batch {_joined(options.batch, ',')}: wanted: one number, or the smallest, "
            "the usual and the largest in this order."
        )


def _require_calibration(options: Options) -> None:
    if options.precision == "int8" and not options.calibration:
        raise CourseError(
            "INT8 needs pictures that show it the range of values: --calibration DIR, such as "
            "data/calibration/traffic. Never the pictures that are scored."
        )


def _require_source(options: Options) -> None:
    if options.source is None:
        if options.preprocess == "engine":
            raise CourseError(
                "Preprocessing inside the engine needs the size of the pictures: "
                "--source-size 1280x720."
            )
        return
    for side in options.source:
        SIDE.require(side, f"A side of --source-size {_size(options.source)}")


def _require_pixels(options: Options) -> None:
    if options.pixels != "nv12":
        return
    source = options.source
    if options.preprocess == "host" or source is None or any(side % 2 for side in source):
        raise CourseError(
            "--pixels nv12 needs --preprocess engine, and a --source-size of even numbers."
        )


def _require_limits(options: Options) -> None:
    CONFIDENCE.require(options.threshold, "--nms-threshold")
    if options.workspace_mib is not None:
        WORKSPACE.require(options.workspace_mib, "--workspace")
    if options.level is not None:
        LEVEL.require(options.level, "--level")
    if options.dla is not None:
        DLA.require(options.dla, "--dla")


def _require_engine_name(out: Path) -> None:
    if out.suffix != ".engine" or out.stem == "model":
        raise CourseError(
            f"--out {out}: wanted: NAME.engine; its record goes beside it as NAME.json, "
            "so not model.engine."
        )


def _joined(numbers: Sequence[int], separator: str) -> str:
    return separator.join(str(number) for number in numbers)


def _size(source: Optional[Tuple[int, int]]) -> str:
    """1280x720, as the command line takes it; empty where no size was given."""
    if source is None:
        return ""
    return _joined(source, "x")
