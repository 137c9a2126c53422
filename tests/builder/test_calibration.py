"""Calibration: no scored picture, batches as the detector sees them, TensorRT 7's calibrator."""

import shutil

import numpy as np
import pytest

from conftest import KIT
from onnx_nets import small_model
from trt_course import CourseError, TrtSSD
from trt_course.builder import precision
from trt_course.media.pictures import images_in, read_image


@pytest.fixture
def small(tmp_path):
    return small_model(tmp_path)


@pytest.mark.parametrize(
    "folder", ["data/traffic", "data/traffic/images", KIT / "data/calibration/../signs"]
)
def test_scored_pictures_are_refused(folder):
    with pytest.raises(CourseError, match="ground truth beside them, for scoring.*--force"):
        precision.calibration_pictures(folder)
    assert len(precision.calibration_pictures(folder, force=True)) == 60


def test_a_scored_picture_is_known_by_its_content(tmp_path):
    shutil.copy(str(KIT / "data/calibration/signs/images/000000.jpg"), str(tmp_path / "a.jpg"))
    assert len(precision.calibration_pictures(tmp_path)) == 1
    shutil.copy(str(KIT / "data/signs/images/000007.jpg"), str(tmp_path / "mine.jpg"))
    said = "mine.jpg is .*data/signs/images/000007.jpg, which is scored"
    with pytest.raises(CourseError, match=said):
        precision.calibration_pictures(tmp_path)


def test_ground_truth_is_fine_below_a_calibration_folder(small):
    assert len(precision.calibration_pictures("data/calibration/traffic")) == 16
    (small.folder / "ground-truth").mkdir()
    with pytest.raises(CourseError, match="ground truth beside them"):
        precision.calibration_pictures(small.folder / "pictures")


def test_a_calibration_folder_far_above_makes_no_exam_one_of_calibration(tmp_path):
    """Somebody may keep all his data below a folder of that name."""
    exam = tmp_path / "calibration" / "mine" / "exam"
    shutil.copytree(str(KIT / "data/calibration/traffic/images"), str(exam / "images"))
    (exam / "ground-truth").mkdir()
    with pytest.raises(CourseError, match="ground truth beside them"):
        precision.calibration_pictures(exam)
    (exam / "ground-truth").rmdir()
    assert len(precision.calibration_pictures(exam)) == 16


def test_batches_are_what_the_detector_sees(small):
    folder = small.folder / "pictures"
    got = np.concatenate(list(precision.calibration_batches(small, folder, batch=2)))
    assert len(got) == 6
    pictures = [read_image(path) for path in images_in(folder)]
    with TrtSSD(small, backend="cpu", verbose=False) as ssd:
        wanted = ssd.prepare(pictures).request.inputs["input"]
    assert np.array_equal(got[:5], wanted)
    assert np.array_equal(got[5], wanted[0])


class StandInTensorRT:
    """What a calibrator takes of TensorRT's module; its base must be initialised by name."""

    class IInt8EntropyCalibrator2:
        ready = False

        def __init__(self):
            type(self).ready = True


class StandInCuda:
    """One block of memory that remembers what was copied to it."""

    def __init__(self):
        self.copies = []
        self.size = None

    def __int__(self):
        return 4096

    def alloc(self, size):
        self.size = size
        return self

    def upload(self, memory, array):
        assert memory is self
        assert array.flags.c_contiguous
        assert array.nbytes == self.size
        self.copies.append(array.copy())


def test_calibrator_gives_each_batch_once_and_keeps_its_cache(small, tmp_path):
    cuda = StandInCuda()
    cache = tmp_path / "made" / "small.cache"
    batches = list(precision.calibration_batches(small, small.folder / "pictures", batch=2))
    made = precision.calibrator(StandInTensorRT, cuda, batches, cache)
    assert isinstance(made, StandInTensorRT.IInt8EntropyCalibrator2)
    assert made.ready
    assert made.get_batch_size() == 2
    assert made.read_calibration_cache() is None

    given = [made.get_batch(["input"]) for _ in range(4)]
    assert given == [[4096], [4096], [4096], None]
    assert np.array_equal(np.stack(cuda.copies), np.stack(batches))
    assert made.failure is None

    made.write_calibration_cache(memoryview(b"scales"))
    assert made.read_calibration_cache() == b"scales"
    assert [path.name for path in cache.parent.iterdir()] == ["small.cache"]


def test_calibrator_keeps_the_failure_that_tensorrt_would_swallow(small):
    (small.folder / "pictures" / "1.png").write_bytes(b"no picture")
    batches = precision.calibration_batches(small, small.folder / "pictures")
    made = precision.calibrator(StandInTensorRT, StandInCuda(), batches, "unused.cache")
    assert made.get_batch(["input"]) == [4096]
    assert made.get_batch(["input"]) is None
    assert "1.png cannot be read" in str(made.failure)
