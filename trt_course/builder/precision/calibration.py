"""Calibration: pictures that nobody scores, shown to the network so that INT8 finds its ranges.

Whether the ranges are good ones shows when the engine is measured, not here.
"""

import itertools
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Sequence, Union

import numpy as np

from ...media.pictures import images_in, read_image
from ...model.preprocess import Preprocessor
from ...model.spec import ModelSpec
from ...support.errors import CourseError
from ...support.files import KIT, kit_path, sha256, write_bytes
from ...support.progress import progress


def calibration_pictures(folder: Union[str, Path], force: bool = False) -> List[Path]:
    """The pictures in a folder, or in its images/, unless they are scored ones."""
    place = kit_path(folder)
    if not place.is_dir():
        raise CourseError(f"There is no folder {place} to calibrate on; see data/calibration.")
    if (place / "images").is_dir():
        place = place / "images"
    paths = images_in(place)

    if not force:
        why = _why_scored(place.resolve(), paths)
        if why:
            raise CourseError(
                f"{place}: {why}. With scales fitted to the exam's own pictures, its result says "
                "how well they fit those, not how the model does on new ones. Take others, below a "
                "folder named calibration (the kit has data/calibration), or --force, and report "
                "no score."
            )
    return paths


def _why_scored(folder: Path, paths: Sequence[Path]) -> str:
    """Why these pictures belong to an exam; empty where they do not."""
    if (folder.parent / "ground-truth").is_dir() and "calibration" not in folder.parts[-3:]:
        return "these pictures have ground truth beside them, for scoring"

    # A copy of one of the kit's scored pictures, under whatever name.
    scored = {sha256(path): path for path in (KIT / "data").glob("*/images/*")}
    for path in paths:
        original = scored.get(sha256(path))
        if original is not None:
            return f"{path.name} is {original}, which is scored"
    return ""


def calibration_batches(
    spec: ModelSpec, folder: Union[str, Path], force: bool = False, batch: int = 1
) -> Iterator[np.ndarray]:
    """Input tensors of `batch` pictures each, as TrtSSD makes them.

    The first pictures fill up the last batch.
    """
    paths = calibration_pictures(folder, force)
    prepare = Preprocessor(spec)
    endless = itertools.cycle(paths)
    for _ in progress(range(0, len(paths), batch), desc="calibrate", unit="batch"):
        tensor = np.empty((batch,) + spec.input.shape, spec.input.dtype)  # (n, 3, h, w)
        for slot in tensor:
            prepare(read_image(next(endless)), slot)
        yield tensor


class BatchReader:
    """Batches as ONNX Runtime asks for them: a stride at a time.

    It holds every map of a stride in memory, so it must not take all batches at once.
    """

    def __init__(self, entry: str, batches: Iterator[np.ndarray], count: int) -> None:
        self.entry = entry  # the name of the network's input
        self.batches = batches
        self.count = count
        self.stride = batches  # what is left of the stride it reads

    def __len__(self) -> int:
        return self.count

    def set_range(self, start_index: int, end_index: int) -> None:
        """Begin a stride of this many batches, wherever they start: they come in order."""
        self.stride = itertools.islice(self.batches, end_index - start_index)

    def get_next(self) -> Optional[Dict[str, np.ndarray]]:
        """The network's inputs for one run; None at the end of the stride."""
        tensor = next(self.stride, None)
        if tensor is None:
            return None
        return {self.entry: tensor}


class _Answers:
    """What a calibrator of TensorRT 7 is asked for, in TensorRT's words.

    TensorRT swallows what a callback raises. It is kept in `failure`.
    """

    def __init__(self, cuda: Any, batches: Iterable[np.ndarray], cache_path: Path) -> None:
        # the pictures
        remaining = iter(batches)
        first = next(remaining)
        self._batches = itertools.chain([first], remaining)
        self._batch_size = len(first)

        # where TensorRT finds a batch, on the GPU
        self._cuda = cuda
        self._memory = cuda.alloc(first.nbytes)

        # what comes of it
        self._cache_path = cache_path
        self.failure: Optional[Exception] = None

    def get_batch_size(self) -> int:
        """How many pictures a batch holds."""
        return self._batch_size

    def get_batch(self, names: Sequence[str]) -> Optional[List[int]]:
        """The address of the next batch; None after the last one, and where one fails."""
        try:
            tensor = next(self._batches, None)
            if tensor is None:
                return None
            self._cuda.upload(self._memory, tensor)
        except Exception as err:
            self.failure = err
            return None
        return [int(self._memory)]

    def read_calibration_cache(self) -> Optional[bytes]:
        """The scales that an earlier build found: with them no picture is shown."""
        if not self._cache_path.is_file():
            return None
        return self._cache_path.read_bytes()

    def write_calibration_cache(self, cache: bytes) -> None:
        """Keep the scales."""
        write_bytes(self._cache_path, cache)


def calibrator(
    trt: ModuleType, cuda: Any, batches: Iterable[np.ndarray], cache_path: Union[str, Path]
) -> Any:
    """A calibrator for builders that know no Q/DQ (TensorRT 7), with their `failure` if any."""

    base: Any = trt.IInt8EntropyCalibrator2

    class Calibrator(_Answers, base):
        """TensorRT's class with our answers."""

        def __init__(self) -> None:
            # By name: with super() TensorRT's half of the object would stay unmade.
            base.__init__(self)
            _Answers.__init__(self, cuda, batches, Path(str(cache_path)))

    return Calibrator()
