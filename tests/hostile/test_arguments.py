"""Numbers that cannot be: refused at parsing, and by the same sentence when called from Python."""

import numpy as np
import pytest

from trt_course import AsyncCamera, CourseError, Options, TrtSSD, detect_video
from trt_course.__main__ import main
from trt_course.builder.options import require_buildable
from trt_course.engine import CpuEngine
from trt_course.jobs import detect_dir
from trt_course.measure.fps import bench
from trt_course.throughput.fast import detect_fast
from trt_course.throughput.gpus import detect_on_gpus
from trt_course.throughput.many import detect_many

NOT_WHOLE = ["999999999999", "-1", "nan", "inf", "1e3", "2.5", "", "x", "9" * 5000, "1\n2\u2028"]
NO_NUMBER = ["nan", "inf", "-inf", "-1", "1e400", "", "x", "1,5", "9" * 5000]

WORDS = {
    "detect a.mp4 --stride": NOT_WHOLE + ["0"],
    "detect a.mp4 --batch": NOT_WHOLE + ["0"],
    "detect a.mp4 --threads": NOT_WHOLE + ["100000"],
    "detect a.mp4 --gpus": NOT_WHOLE + ["0"],
    "detect a.mp4 --start": NO_NUMBER,
    "detect a.mp4 --end": NO_NUMBER,
    "detect a.mp4 --conf": NO_NUMBER + ["30"],
    "detect a.mp4 --deadline": NO_NUMBER,
    "camera 0 --every": NOT_WHOLE,
    "camera 0 --seconds": NO_NUMBER + ["0"],
    "bench --frames": NOT_WHOLE + ["0", "11"],
    "bench --threads": ["100000"],
    "evaluate --threads": ["100000"],
    "contest pack --team a --threads": ["100000"],
    "build --batch": NOT_WHOLE + ["0", "1,2", "1,2,3,4", "1,2,x", "²"],
    "build --nms-threshold": NO_NUMBER + ["2"],
    "build --workspace": NOT_WHOLE + ["0"],
    "build --level": NOT_WHOLE + ["6"],
    "build --dla": NOT_WHOLE,
    "build --source-size": ["0x9", "99999x9", "9", "x", "9" * 5000 + "x9", "-1x9", "nanx9"],
}


@pytest.fixture(scope="module")
def ssd(cells):
    with TrtSSD(cells, backend="cpu", verbose=False) as opened:
        yield opened


@pytest.mark.parametrize("words", list(WORDS))
def test_an_argument_out_of_range_is_one_sentence(words, capsys):
    *before, option = words.split()
    for value in WORDS[words]:
        with pytest.raises(SystemExit) as ended:
            main([*before, f"{option}={value}"])
        said = capsys.readouterr().err.splitlines()[-1]
        assert ended.value.code == 2
        assert f"error: argument {option}: wanted: " in said, value
        assert len(said) < 300


@pytest.mark.parametrize("value", [0, -1, 10**12, True, 2.5, "3", None, float("nan")])
@pytest.mark.parametrize("name", ["stride", "batch"])
def test_detect_video(ssd, name, value):
    with pytest.raises(CourseError, match=f"^{name} is .*; wanted: a whole number from 1 to"):
        detect_video(ssd, "data/street.mp4", **{name: value})


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf"), "1", True, [1]])
@pytest.mark.parametrize("name", ["start", "end"])
def test_moments_of_a_video(ssd, name, value):
    with pytest.raises(CourseError, match=f"^{name} is .*; wanted: a number from 0 to"):
        detect_video(ssd, "data/street.mp4", **{name: value})


@pytest.mark.parametrize("value", [-1, 100000, 10**30, True, 1.5, "2", None])
def test_threads_and_lanes(cells, value):
    with pytest.raises(CourseError, match="^threads is .*; wanted: a whole number from 0 to 1024"):
        TrtSSD(cells, threads=value, verbose=False)
    with pytest.raises(CourseError, match="^lanes is .*; wanted: a whole number from 1 to 64"):
        TrtSSD(cells, lanes=value, verbose=False)
    with pytest.raises(CourseError, match="^threads is "):
        CpuEngine(cells / "model.onnx", threads=value)


@pytest.mark.parametrize("value", [float("nan"), 30, -0.1, "0.3", True, [0.3]])
def test_a_threshold_that_is_none_is_not_a_picture_without_boxes(
    ssd, cell_picture, picture_folder, tmp_path, value
):
    with pytest.raises(CourseError, match="^conf_th is .*; wanted: a number from 0 to 1"):
        ssd.detect(cell_picture, conf_th=value)
    with pytest.raises(CourseError, match="^draw_th is .*; wanted: a number from 0 to 1"):
        detect_dir(ssd, picture_folder, tmp_path / "o", draw_th=value)


def test_numbers_of_numpy_are_numbers(cells, cell_picture):
    with TrtSSD(cells, backend="cpu", threads=np.int64(1), verbose=False) as ssd:
        assert len(ssd.detect(cell_picture, conf_th=np.float32(0.3))) == 2
        assert len(ssd.detect(cell_picture, conf_th=0)) >= 2


def test_the_rest_of_the_functions(cells, ssd, tmp_path):
    out = tmp_path / "o"
    with pytest.raises(CourseError, match="^every is -1; wanted"):
        AsyncCamera("data/street.mp4", None, every=-1)
    for name, value in [("gpus", 0), ("batch", 10**9), ("deadline", -1), ("threads", 10**6)]:
        with pytest.raises(CourseError, match=f"^{name} is {value}; wanted"):
            detect_fast(cells, ["data/street.mp4"], out, **{name: value})
    with pytest.raises(CourseError, match="^count is 0; wanted"):
        detect_on_gpus(0, None, [], out)
    for name, value in [("deadline", float("nan")), ("batch", 0)]:
        with pytest.raises(CourseError, match=f"^{name} is {value}; wanted"):
            detect_many(ssd, [], None, **{name: value})
    with pytest.raises(CourseError, match="^frames is -5; wanted"):
        bench(ssd, "data/street.mp4", frames=-5)
    assert not out.exists()


@pytest.mark.parametrize(
    "options, said",
    [
        (dict(batch=(1, 1, 10**9)), "--batch is 1000000000"),
        (dict(preprocess="engine", source=(10**9, 2)), "1000000000x2 is 1000000000"),
        (dict(level=9), "--level is 9"),
        (dict(dla=-1), "--dla is -1"),
        (dict(threshold="x"), "--nms-threshold is 'x'"),
        (dict(workspace_mib=True), "--workspace is True"),
    ],
)
def test_options_of_an_engine(options, said):
    with pytest.raises(CourseError, match=said):
        require_buildable(Options(**options))
