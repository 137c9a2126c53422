"""What a build is asked before it begins, what goes into the network's file, and what is written.

TensorRT's versions are stand-ins.
"""

import shutil
import time

import cv2
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from builder.played import played_tensorrt
from conftest import HEIGHT, WIDTH
from onnx_nets import small_model
from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest


@pytest.fixture(params=[7.1, 8.6, 11.0])
def version(request):
    return request.param


@pytest.fixture
def trt(monkeypatch, version):
    with played_tensorrt(monkeypatch, version) as module:
        yield module


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture
def spec(tmp_path):
    return small_model(tmp_path)


@pytest.fixture
def pictures(tmp_path):
    """A folder to calibrate on, with two pictures."""
    folder = tmp_path / "two" / "images"
    folder.mkdir(parents=True)
    rng = np.random.RandomState(0)
    for name in ("0.png", "1.png"):
        noise = rng.randint(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
        cv2.imwrite(str(folder / name), cv2.GaussianBlur(noise, (9, 9), 3))
    return folder.parent


def network_of(trt):
    """The network of the last build, as TensorRT got it."""
    return onnx.load_model_from_string(trt._stage.builds[-1].network._model)


def scales_in(model):
    """The scales of all pairs, by their names."""
    return {
        tensor.name: numpy_helper.to_array(tensor).tolist()
        for tensor in model.graph.initializer
        if tensor.name.endswith("_scale")
    }


# Files


@pytest.mark.parametrize("name", ["x.engine", "x.json"])
@only(8.6)
def test_a_file_of_somebody_else_is_asked_about_before_the_build(trt, spec, tmp_path, name):
    """The build may take an hour."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text("my notes")
    with pytest.raises(CourseError, match=f"{name} is in the way"):
        engine_from_onnx(spec, Options("fp32"), folder / "x.engine")
    assert trt._stage.builds == []
    assert (folder / name).read_text() == "my notes"

    engine_from_onnx(spec, Options("fp32", force=True), folder / "x.engine")
    assert manifest.read(folder / "x.engine").precision == "fp32"
    engine_from_onnx(spec, Options("fp32"), folder / "x.engine")  # the kit's own by now


@only(8.6)
def test_the_model_s_own_folder_of_engines_is_the_kit_s(trt, spec):
    """An engine may have come there with the folder, copied from another machine."""
    (spec.folder / "engines").mkdir()
    old = spec.folder / "engines" / "fp32-b1.engine"
    old.write_text("copied")
    assert engine_from_onnx(spec, Options("fp32")) == old
    assert manifest.read(old).precision == "fp32"


@only(8.6)
def test_the_record_says_how_long_it_took_and_how_to_do_it_again(trt, spec, tmp_path):
    started = time.time()
    path = engine_from_onnx(spec, Options("fp32"), tmp_path / "x.engine")
    record = manifest.read(path)
    assert 0 <= int(record.built["seconds"]) <= time.time() - started + 1
    assert record.command.endswith(f"--out {tmp_path}/x.engine")
    assert record.route == "onnx"


# What goes into the network's file


@only(8.6, 11.0)
def test_each_method_finds_ranges_of_its_own(trt, spec, pictures):
    scales = []
    for method in ("percentile", "entropy"):
        options = Options("int8", calibration=str(pictures), method=method, force=True)
        engine_from_onnx(spec, options)
        scales.append(scales_in(network_of(trt)))
    assert scales[0].keys() == scales[1].keys() != set()
    assert scales[0] != scales[1]


@only(8.6, 11.0)
def test_kept_layers_get_no_pairs(trt, spec, pictures):
    options = Options("int8", calibration=str(pictures), keep_float=("conf",))
    engine_from_onnx(spec, options)
    readers = {node.name: list(node.input) for node in network_of(trt).graph.node}
    assert not any("Dequantize" in name for name in readers["conf"])
    assert any("Dequantize" in name for name in readers["move"])


def test_scored_pictures_calibrate_only_by_force(trt, spec, pictures):
    (pictures / "ground-truth").mkdir()
    options = Options("int8", calibration=str(pictures))
    with pytest.raises(CourseError, match="ground truth beside them"):
        engine_from_onnx(spec, options)
    assert not list(spec.folder.glob("engines/*.engine"))
    assert engine_from_onnx(spec, options._replace(force=True)).is_file()


@only(7.1)
def test_scales_hold_for_one_network_and_one_folder_of_pictures(trt, spec, pictures, tmp_path):
    """The calibrator keeps them, and shows no picture the next time."""
    other = tmp_path / "others"
    shutil.copytree(str(pictures), str(other))
    options = Options("int8", calibration=str(pictures))
    engine_from_onnx(spec, options)
    del trt._stage.seen
    engine_from_onnx(spec, options._replace(calibration=str(other)))
    assert len(trt._stage.seen) == 2
    del trt._stage.seen

    network = onnx.load(str(spec.onnx))
    network.doc_string = "another one"
    onnx.save(network, str(spec.onnx))
    engine_from_onnx(spec, options)
    assert len(trt._stage.seen) == 2
    assert len(list(spec.folder.glob("engines/int8-*.cache"))) == 3


@only(8.6)
def test_the_engine_is_fed_with_what_was_asked_for(trt, spec):
    inside = dict(precision="fp32", preprocess="engine", source=(64, 48))
    engine_from_onnx(spec, Options(**inside))
    assert trt._stage.builds[-1].network.get_input(0).shape == (1, 48, 64, 3)
    engine_from_onnx(spec, Options(**inside, pixels="nv12"))
    assert trt._stage.builds[-1].network.get_input(0).shape == (1, 72, 64, 1)


@only(8.6, 11.0)
def test_where_nvidia_s_suppression_is_missing_it_is_told(trt, version, spec, capsys):
    engine_from_onnx(spec, Options("fp32", nms="engine"))
    said = capsys.readouterr().out
    assert ("has no EfficientNMS" in said) == (version > 10)


@only(8.6)
def test_a_failure_that_suppression_is_not_to_blame_for_is_no_reason_to_try_without(trt, spec):
    trt._stage.refuse = ["Error Code 2: out of memory"]
    with pytest.raises(CourseError, match="out of memory"):
        engine_from_onnx(spec, Options("fp32", nms="engine"))
    assert len(trt._stage.builds) == 1


@only(8.6)
def test_the_command_builds_what_its_words_say_and_tells_how_large_it_is(trt, spec, capsys):
    words = ["build", str(spec.folder), "--precision", "fp32", "--batch", "1,2,4"]
    words += ["--nms", "engine", "--nms-threshold", "0.2", "--keep-float", "stem", "--level", "2"]
    words += ["--preprocess", "engine", "--source-size", "64x48", "--workspace", "300"]
    capsys.readouterr()
    assert main(words) == 0
    path = spec.folder / "engines" / "fp32-b1-2-4-nms-64x48.engine"
    megabytes = path.stat().st_size / 1e6
    assert f"{path}: {megabytes:.1f} MB in " in capsys.readouterr().out
    record = manifest.read(path)
    assert (record.batch, record.source, record.threshold) == ((1, 2, 4), (64, 48), 0.2)
    config = trt._stage.builds[-1].config
    assert config.builder_optimization_level == 2
    assert config._pools[trt.MemoryPoolType.WORKSPACE] == 300 << 20

    assert main(["build", str(spec.folder), "--keep-float", "no such*"]) == 2
    assert "no node's whole name matches" in capsys.readouterr().err
