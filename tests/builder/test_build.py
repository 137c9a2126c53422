"""Building: what each version of TensorRT is told, on stand-ins; real engines of both models by TensorRT-RTX.

TensorRT-RTX builds without a GPU and opens nothing without one, which is tested too.
"""

import contextlib
import inspect
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, load, save

from conftest import HEIGHT, WIDTH, write_conv_model, write_model
from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from trt_course import CourseError, find_model
from trt_course.__main__ import main
from trt_course.builder import onnx as builder
from trt_course.builder import worker
from trt_course.builder.onnx import Options, engine_from_onnx
from trt_course.engine import manifest, plan
from trt_course.engine.cuda import Device
from trt_course.engine.trt import TrtEngine
from trt_course.model.preprocess import Preprocessor

pytestmark = pytest.mark.filterwarnings("error::DeprecationWarning:trt_course")
KIT = Path(__file__).resolve().parent.parent.parent
TAIL = {
    "AveragePool_pooled",
    "Mul_background",
    "Concat_scores",
    "Add_boxes",
}  # some of what makes the outputs


@pytest.fixture
def card(monkeypatch, request):
    library = getattr(request, "param", "pycuda")
    card = cuda_stand_in.install(monkeypatch, library)
    yield card
    assert card.left() == [] and card.faults == [] and not getattr(card.stack, "depth", 0)


@pytest.fixture(params=sorted(stand_in.VERSIONS))
def version(request):
    return request.param


@pytest.fixture
def trt(monkeypatch, version, card):
    monkeypatch.setattr(plan, "_logs", {})
    module = stand_in.install(monkeypatch, version, card)
    yield module
    module._stage.builds.clear()


def only(*versions):
    return pytest.mark.parametrize("version", versions, indirect=True)


@pytest.fixture
def spec(tmp_path):
    return find_model(write_conv_model(tmp_path / "cells"))


@pytest.fixture
def calibration(tmp_path):
    folder = tmp_path / "calibration"
    folder.mkdir()
    rng = np.random.RandomState(0)
    for i in range(5):
        cv2.imwrite(str(folder / f"{i}.png"), rng.randint(0, 256, (HEIGHT, WIDTH, 3), np.uint8))
    return str(folder)


def build(trt, spec, **options):
    """What the stand-in was told by one build: its network and its configuration."""
    path = engine_from_onnx(spec, Options(**options))
    made = trt._stage.builds[-1]
    made.path, made.model = path, onnx.load_model_from_string(made.network._model)
    made.flags = {flag.name for flag in made.config._flags}
    made.held = {
        layer.name
        for layer in made.network._layers
        if getattr(layer, "precision", None) == trt.float32
    }
    return made


# What each version is told ------------------------------------------------------------------------------------------


def test_fp32_is_without_tf32(trt, spec):
    made = build(trt, spec, precision="fp32")
    assert made.flags == set() and made.held == set()


def test_fp16_by_flag_or_by_the_file(trt, version, spec):
    made = build(trt, spec, precision="fp16")
    halves = [t for t in made.model.graph.initializer if t.data_type == TensorProto.FLOAT16]
    if version < 11:
        obey = "STRICT_TYPES" if version < 8 else "OBEY_PRECISION_CONSTRAINTS"
        assert made.flags == {"FP16", obey} and not halves
        assert made.held >= TAIL and "eye" not in made.held
        assert all(
            layer._types == {0: trt.float32}
            for layer in made.network._layers
            if layer.name in made.held
        )
        assert made.network._flags == 1 << trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH
    else:
        assert made.flags == set() and [t.name for t in halves] == ["same"]
        assert made.network._flags == 1 << trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED
    assert manifest.read(made.path).precision == "fp16"


def test_kept_layers_stay_float(trt, version, spec):
    made = build(trt, spec, precision="fp16", keep_float=("ey*",))
    assert version >= 11 or "eye" in made.held
    assert not any(t.data_type == TensorProto.FLOAT16 for t in made.model.graph.initializer)


def test_int8_by_pairs_in_the_file_or_by_a_calibrator(trt, version, spec, calibration):
    made = build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    pairs = [node for node in made.model.graph.node if node.op_type == "QuantizeLinear"]
    flags = {"INT8", "FP16"} if version < 11 else set()
    assert made.flags - {"STRICT_TYPES", "OBEY_PRECISION_CONSTRAINTS"} == flags
    assert bool(pairs) == (version >= 8) and (made.held >= TAIL if version < 8 else not made.held)
    assert (getattr(made.config, "int8_calibrator", None) is not None) == (version < 8)


@only(7.1)
@pytest.mark.parametrize("card", ["pycuda", "cuda-python"], indirect=True)
def test_calibrator_shows_the_pictures_once_and_keeps_the_scales(trt, card, spec, calibration):
    build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    prepare, wanted = Preprocessor(spec), np.empty((3, HEIGHT, WIDTH), np.float32)
    assert len(trt._stage.seen) == 3  # five pictures in twos
    for i, shown in enumerate(np.concatenate(trt._stage.seen).reshape(6, 3, HEIGHT, WIDTH)):
        prepare(cv2.imread(f"{calibration}/{i % 5}.png"), wanted)
        assert np.array_equal(shown, wanted)
    del trt._stage.seen
    assert [p.read_bytes() for p in (spec.folder / "engines").glob("int8-*.cache")] == [b"scales"]
    build(trt, spec, precision="int8", calibration=calibration, batch=(1, 2, 4))
    assert not hasattr(trt._stage, "seen")


@only(7.1)
def test_a_picture_that_breaks_during_calibration_is_told(trt, spec, calibration):
    Path(calibration, "3.png").write_bytes(b"not a picture")
    with pytest.raises(CourseError, match="3.png"):
        engine_from_onnx(spec, Options("int8", calibration=calibration))
    assert not list(spec.folder.glob("engines/*.engine"))


def test_workspace(trt, version, spec, monkeypatch):
    def workspace(**options):
        config = build(trt, spec, precision="fp32", **options).config
        return (
            config._pools[trt.MemoryPoolType.WORKSPACE] >> 20
            if version > 8.4
            else config.max_workspace_size >> 20
        )

    assert workspace(workspace_mib=300) == 300 and workspace() == 2048
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert workspace() == 256


def test_profile_and_fixed_batch(trt, spec, tmp_path):
    made = build(trt, spec, precision="fp32", batch=(1, 2, 4))
    assert made.config._profiles[0]._shapes == {
        "input": tuple((n, 3, HEIGHT, WIDTH) for n in (1, 2, 4))
    }
    assert made.path.name == "fp32-b1-2-4.engine" and manifest.read(made.path).batch == (1, 2, 4)
    one_batch = build(trt, spec, precision="fp32", batch=(2, 2, 2), nms="engine")
    assert one_batch.config._profiles == [] and one_batch.network.get_input(0).shape == (
        2,
        3,
        HEIGHT,
        WIDTH,
    )
    fixed = find_model(write_model(tmp_path / "fixed", batch=3))
    assert build(trt, fixed, precision="fp32", batch=(3, 3, 3)).config._profiles == []
    with pytest.raises(CourseError, match="exported for batches of 3 only; wanted: 1,1,1"):
        engine_from_onnx(fixed, Options("fp32"))


def test_timing_cache_is_kept_and_used_again(trt, version, spec):
    first = build(trt, spec, precision="fp32")
    second = build(trt, spec, precision="fp32")
    caches = list(first.path.parent.glob("timing-*.cache"))
    if version < 8:
        assert not caches and second.measured == first.measured > 0
        return
    assert [c.name for c in caches] == [
        "timing-{}-Stand-in-fp32.cache".format(trt.__version__.replace(".", "-"))
    ]
    assert first.measured > 0 and second.measured == 0
    caches[0].write_bytes(b"damaged")
    assert build(trt, spec, precision="fp32").measured == first.measured


def test_level_dla_and_detail(trt, version, spec):
    made = build(trt, spec, precision="fp16", level=5, dla=1)
    assert getattr(made.config, "builder_optimization_level", 5) == 5
    assert made.config.default_device_type == trt.DeviceType.DLA and made.config.DLA_core == 1
    assert "GPU_FALLBACK" in made.flags
    assert version < 8.2 or made.config.profiling_verbosity == trt.ProfilingVerbosity.DETAILED


def test_suppression_inside_by_plugin_or_layer_or_not_at_all(trt, version, spec, capsys):
    made = build(trt, spec, precision="fp32", nms="engine")
    kinds = {node.op_type for node in made.model.graph.node}
    assert ("EfficientNMS_TRT" in kinds) == (8 <= version < 11) and (
        "NonMaxSuppression" in kinds
    ) == (version >= 11)
    note = "TensorRT 7.1.3 cannot run suppression inside the engine: it stays on the host."
    assert (note in capsys.readouterr().out) == (version < 8)
    assert manifest.read(made.path).nms == ("host" if version < 8 else "engine")
    assert made.path.name == ("fp32-b1.engine" if version < 8 else "fp32-b1-nms.engine")


def test_preprocessing_inside_takes_bytes_from_8_5_on(trt, version, spec):
    options = dict(precision="fp32", preprocess="engine", source=(64, 48))
    if version < 8.5:
        with pytest.raises(CourseError, match="takes no pictures as bytes.*--preprocess host"):
            engine_from_onnx(spec, Options(**options))
    else:
        entry = build(trt, spec, **options).network.get_input(0)
        assert (entry.name, entry.shape, entry.dtype) == (
            "pictures",
            (1, 48, 64, 3),
            trt.DataType.UINT8,
        )


# What goes wrong ----------------------------------------------------------------------------------------------------


def test_what_the_parser_lacks_is_told(trt, spec):
    model = load(str(spec.onnx))
    model.graph.node.append(helper.make_node("BatchTilePlugin_TRT", ["boxes"], ["tiled"]))
    save(model, str(spec.onnx))
    with pytest.raises(
        CourseError, match="this network: No importer registered for op: BatchTilePlugin_TRT"
    ):
        engine_from_onnx(spec, Options("fp32"))


@pytest.mark.parametrize(
    "text, memory",
    [
        (
            "Internal error: plugin node (Unnamed Layer* 62) [PluginV2DynamicExt]requires 1342177280 bytes of scratch space, "
            "but only 500000000 is available. Try increasing the workspace size with IBuilder::setMaxWorkspaceSize()",
            True,
        ),
        (
            "[optimizer.cpp::computeCosts::3867] Error Code 4: Internal Error (Could not find any implementation for node "
            "/patch_embed/Conv due to insufficient workspace. See verbose log for requested sizes.)",
            True,
        ),
        ("../builder/cudnnBuilder2.cpp (1597) - OutOfMemory Error in buildSingleLayer: 0", True),
        ("Error Code 4: Internal Error (Internal error: a type of layer is not supported)", False),
    ],
)
def test_no_engine_is_explained(trt, spec, text, memory):
    trt._stage.refuse = [text]
    with pytest.raises(CourseError, match="built no engine: ") as refused:
        engine_from_onnx(spec, Options("fp32"))
    assert text in str(refused.value) and ("--workspace 256" in str(refused.value)) == memory
    assert not (spec.folder / "engines").exists()
    trt._stage.refuse = ["another text"]
    with pytest.raises(CourseError) as again:
        engine_from_onnx(spec, Options("fp32"))
    assert text not in str(again.value) and "another text" in str(again.value)


@pytest.mark.parametrize(
    "options, said",
    [
        (dict(batch=(4, 2, 1)), "--batch 4,2,1"),
        (dict(precision="int8"), "--calibration DIR"),
        (dict(preprocess="engine"), "--source-size 1280x720"),
        (
            dict(preprocess="engine", source=(0, 48)),
            "--source-size 0x48: wanted: numbers from 1 up",
        ),
        (dict(preprocess="engine", source=(63, 48), pixels="nv12"), "of even numbers"),
        (dict(pixels="nv12"), "--pixels nv12"),
        (dict(threshold=float("nan")), "--nms-threshold nan: wanted: a number from 0 to 1"),
        (dict(workspace_mib=-5), "--workspace -5: wanted: MiB"),
        (dict(workspace_mib=1 << 40), "--workspace 1099511627776"),
        (dict(out="x.json"), "--out .*x.json: wanted: NAME.engine"),
        (dict(out="model.engine"), "so not model.engine"),
    ],
)
@only(10.0)
def test_options_that_do_not_fit_are_told_before_anything_is_done(
    trt, spec, tmp_path, options, said
):
    out = options.pop("out", None)
    with pytest.raises(CourseError, match=said):
        engine_from_onnx(spec, Options(**options), out and tmp_path / out)
    assert trt._stage.builds == [] and not list(tmp_path.glob("x.json"))


@only(10.0)
def test_names_of_the_record_that_the_network_lacks(trt, spec):
    wrong_input = spec._replace(input=spec.input._replace(name="picture"))
    wrong_output = spec._replace(
        output=spec.output._replace(tensors={"boxes": "boxes", "scores": "score"})
    )
    for wrong, options in (
        (wrong_input, dict(preprocess="engine", source=(64, 48))),
        (wrong_output, dict(nms="engine")),
    ):
        with pytest.raises(
            CourseError, match="model.json names the tensor '(picture|score)'; the network has: "
        ):
            engine_from_onnx(wrong, Options(**options))


@only(10.0)
def test_another_network_beside_the_record_s_has_engines_of_its_own(trt, spec):
    first = engine_from_onnx(spec, Options("fp32"))
    other = spec.folder / "pruned net.onnx"
    shutil.copy(str(spec.onnx), str(other))
    with other.open("ab") as file:
        file.write(b"\x72\x00")  # an empty metadata entry: other bytes, the same network
    pruned = find_model(other)
    second = engine_from_onnx(pruned, Options("fp32"))
    assert first.is_file() and second.name == "pruned net-" + first.name
    assert shlex.split(manifest.read(second).command)[4] == str(other)
    found = manifest.read(second).misfits(spec, second, "10.3.0", Device("Stand-in", "5.3"))
    assert found == [f"it was built from {other}, this is {spec.folder}"]


def test_ctrl_c_stops_the_builder_where_it_asks_and_leaves_nothing(trt, version, spec, monkeypatch):
    def seconds(thread):
        deadline = time.monotonic() + 30
        while not trt._stage.builds and time.monotonic() < deadline:
            time.sleep(0.005)
        raise KeyboardInterrupt
        yield

    trt._stage.steps = 10 if version < 10 else 1500  # a moment, half a minute
    monkeypatch.setattr(worker, "_seconds", seconds)
    with pytest.raises(KeyboardInterrupt):
        engine_from_onnx(spec, Options("fp32"))
    assert not any(thread.name.startswith("build ") for thread in threading.enumerate())
    assert not list(spec.folder.glob("engines/*.engine")) and not list(
        spec.folder.glob("engines/.*")
    )


BUSY = """
import os, signal, threading, time
from trt_course.builder.worker import in_thread
threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    in_thread(lambda cancelled: time.sleep(60), "busy")
except KeyboardInterrupt:
    print("stopped", "busy" in {thread.name for thread in threading.enumerate() if thread.is_alive()})
"""


@pytest.mark.slow
def test_ctrl_c_where_the_builder_does_not_ask_ends_the_process_without_it():
    done = subprocess.run(
        [sys.executable, "-c", BUSY],
        cwd=str(KIT),
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    assert done.returncode == 130 and done.stdout == "stopped True\n", done.stderr


# TensorRT-RTX, the real one -----------------------------------------------------------------------------------------


@pytest.fixture
def rtx(monkeypatch):
    module = pytest.importorskip("tensorrt_rtx_bindings")
    monkeypatch.setitem(sys.modules, "tensorrt", None)
    monkeypatch.setitem(sys.modules, "tensorrt_rtx", None)
    return module


def test_the_stand_in_of_11_has_nothing_that_the_real_one_lacks(rtx):
    ours, lacks = stand_in.tensorrt(11.0, None), []
    for name, thing in vars(ours).items():
        if name[0] != "_" and not hasattr(rtx, name):
            lacks.append(name)
        members = vars(thing) if inspect.isclass(thing) else ()
        lacks += [
            name + "." + m
            for m in members
            if m[0] != "_" and not hasattr(getattr(rtx, name, None), m)
        ]
    assert lacks == ["LayerType.OTHER"]
    gone = [path for path, span in stand_in._EXISTS.items() if span[1] <= 11]
    assert [
        path
        for path in gone
        if hasattr(getattr(rtx, path.split(".")[0], None), path.split(".")[-1])
    ] == []


REAL = [
    ("ssd_mobilenet_v2_signs", dict(precision="fp32")),
    (
        "ssd_mobilenet_v2_signs",
        dict(precision="fp16", batch=(1, 2, 4), preprocess="engine", source=(640, 480)),
    ),
    ("ssd_mobilenet_v2_signs", dict(precision="int8", batch=(1, 4, 4))),
    ("ssd_resnet18_traffic", dict(precision="fp32", batch=(1, 2, 4))),
    ("ssd_resnet18_traffic", dict(precision="fp16", preprocess="engine", source=(1280, 720))),
    ("ssd_resnet18_traffic", dict(precision="int8")),
]


@pytest.mark.slow
@pytest.mark.parametrize("name, options", REAL, ids=[f"{n}-{Options(**o).name()}" for n, o in REAL])
def test_both_models_in_every_precision(rtx, tmp_path, calibration, capsys, name, options):
    options = Options(**options)
    for number in "234":  # two pictures are enough to build
        Path(calibration, number + ".png").unlink()
    spec, out = find_model(name), str(tmp_path / "x.engine")
    words = ["build", name, "--precision", options.precision, "--out", out]
    words += ["--batch", ",".join(map(str, options.batch)), "--calibration", calibration]
    words += (
        ["--preprocess", "engine", "--source-size", "{}x{}".format(*options.source)]
        if options.source
        else []
    )
    assert main(words) == 0 and "x.engine: " in capsys.readouterr().out
    made = manifest.read(tmp_path / "x.engine")
    assert (made.model, made.model_sha256) == (name, spec.provenance["sha256"])
    assert (made.tensorrt, made.gpu, made.capability) == ("RTX " + rtx.__version__, "any", "any")
    assert made[6:9] + made[9:11] == (
        options.precision,
        options.batch,
        "host",
        options.preprocess,
        options.source,
    )
    assert made.plan_sha256 == manifest.sha256(tmp_path / "x.engine") and made.route == "onnx"
    assert set(made.built) == {"seconds", "date", "keep_float", "calibration"}
    assert f"python -m trt_course build {name} --precision {options.precision}" in made.command
    assert not list(tmp_path.glob(".*"))


@pytest.fixture
def real_engine(rtx, spec):
    return engine_from_onnx(spec, Options("fp32", (1, 2, 4)))


def test_suppression_falls_back_to_the_host_with_a_note(rtx, spec, capsys):
    path = engine_from_onnx(spec, Options("fp32", nms="engine"))
    assert (
        "cannot run suppression inside the engine: it stays on the host." in capsys.readouterr().out
    )
    assert manifest.read(path).nms == "host" and path.name == "fp32-b1.engine"


def test_a_network_that_rtx_cannot_read(rtx, spec):
    model = load(str(spec.onnx))
    model.graph.node.append(helper.make_node("BatchTilePlugin_TRT", ["boxes"], ["tiled"]))
    model.graph.output.append(helper.make_tensor_value_info("tiled", TensorProto.FLOAT, None))
    save(model, str(spec.onnx))
    with pytest.raises(
        CourseError, match="TensorRT RTX .* cannot read this network: .*Plugin not found"
    ):
        engine_from_onnx(spec, Options("fp32"))


@pytest.mark.parametrize(
    "words",
    [
        ("detect", "{picture}", "--model", "{cells}", "--engine", "{plan}"),
        ("inspect", "{plan}"),
        ("compare", "{cells}", "--engine", "{plan}"),
        ("detect", "{picture}", "--model", "{cells}", "--backend", "tensorrt"),
    ],
)
def test_without_a_gpu_every_command_says_so(real_engine, spec, picture_folder, capsys, words):
    with contextlib.suppress(CourseError):
        builder.open_cuda()
        pytest.skip("there is a GPU")
    words = [
        w.format(picture=picture_folder / "a.jpg", cells=spec.folder, plan=real_engine)
        for w in words
    ]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert (
        "No NVIDIA GPU can be used here" in said
        or "TensorRT needs it for memory and streams" in said
    )
    assert (
        said.startswith("trt_course: ")
        and "Traceback" not in said
        and len(said.strip().splitlines()) == 1
    )


@pytest.mark.parametrize(
    "change, said",
    [
        (lambda data: data, "CUDA driver version is insufficient"),
        (lambda data: b"", "it is not a TensorRT plan"),
        (lambda data: b"ONNX" + data, "it is not a TensorRT plan"),
        (lambda data: data[:500], "or is damaged"),
    ],
)
def test_what_rtx_itself_says_of_plans(real_engine, monkeypatch, change, said):
    """With a stand-in for CUDA the real TensorRT-RTX is asked to open real bytes."""
    cuda_stand_in.install(monkeypatch, "cuda-python")
    real_engine.write_bytes(change(real_engine.read_bytes()))
    with pytest.raises(CourseError, match="TensorRT RTX .* does not open .*" + said):
        TrtEngine(real_engine)


@pytest.mark.slow
def test_ctrl_c_leaves_no_half_file(rtx, tmp_path):
    for attempt in range(5):  # on a busy machine the build may be done before the signal comes
        out = tmp_path / str(attempt)
        status, said = interrupted_build(out)
        if status != 0:
            break
    assert status == 130 and "Stopped" in said and "Traceback" not in said
    assert not out.exists() or not os.listdir(str(out))


def interrupted_build(out):
    job = subprocess.Popen(
        [
            sys.executable,
            "-u",
            "-m",
            "trt_course",
            "build",
            "ssd_resnet18_traffic",
            "--precision",
            "fp32",
            "--out",
            str(out / "x.engine"),
            "--verbose",
        ],
        cwd=str(KIT),
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "TQDM_DISABLE": "1"},
    )
    job.stdout.readline()  # the builder speaks, so it is at work
    job.send_signal(signal.SIGINT)
    said = job.communicate(timeout=60)[0]
    return job.returncode, said


def test_command_of_the_record_builds_the_same_again(rtx, real_engine, spec):
    command = shlex.split(manifest.read(real_engine).command)
    assert command[:5] == ["python", "-m", "trt_course", "build", str(spec.folder)]
    record = json.loads(manifest.manifest_path(real_engine).read_text())
    real_engine.unlink()
    assert main(command[3:]) == 0
    again = json.loads(manifest.manifest_path(real_engine).read_text())
    assert {k: v for k, v in again.items() if k not in ("plan_sha256", "built")} == {
        k: v for k, v in record.items() if k not in ("plan_sha256", "built")
    }
