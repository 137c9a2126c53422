"""What tao-converter and tlt-converter are told, and what is said where they fail.

The converter is a real child process, played by tests/stand_ins/tlt_converter.py.
"""

from pathlib import Path

import pytest

from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from stand_ins.tlt_desk import SECRET, STAND_IN, TLT_SSD, desk_in
from trt_course import CourseError
from trt_course.__main__ import main
from trt_course.builder import tlt
from trt_course.engine import manifest, plan


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return desk_in(tmp_path, monkeypatch)


def test_the_arguments_of_the_original_course(desk):
    told = desk.build(precision="fp32")
    assert Path(told.pop("e")).parent == desk.out.parent
    assert told == {"d": "3,384,1248", "i": "nchw", "o": "NMS", "m": "1", "t": "fp32"}
    assert [path.name for path in desk.out.parent.glob("[!.]*")] == ["ssd.engine"]


def test_every_argument(desk):
    cache = desk.folder / "cal.bin"
    cache.write_text("TRT-7103-EntropyCalibration2")
    told = desk.build(
        precision="int8",
        batch=[1, 8, 16],
        workspace_mib=256,
        calibration_cache=cache,
        calibration_batch=4,
        dla=0,
        strict=True,
    )
    del told["e"]
    assert told == {
        "d": "3,384,1248",
        "i": "nchw",
        "o": "NMS",
        "m": "16",
        "t": "int8",
        "w": "268435456",
        "u": "0",
        "s": "",
        "p": "Input,1x3x384x1248,8x3x384x1248,16x3x384x1248",
        "c": str(cache),
        "b": "4",
    }


def test_the_command_line_and_the_record_beside_the_engine(desk, monkeypatch, capsys):
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 8.2, cuda_stand_in.install(monkeypatch, "pycuda"))
    words = ["build", str(desk.folder), "--from-etlt", str(desk.etlt)]
    words += ["--key-env", "TLT_KEY", "--precision", "fp32"]
    assert main(words) == 0

    made = manifest.read(desk.folder / "engines" / "fp32-b1-etlt.engine")
    assert (made.route, made.nms, made.preprocess) == ("etlt", "host", "host")
    assert made.command == (
        f"python -m trt_course build {desk.folder} --precision fp32 --batch 1,1,1 --nms host "
        f"--from-etlt {desk.folder}/ssd.etlt --key-env TLT_KEY"
    )
    assert main(made.command.split()[3:]) == 0
    assert SECRET not in capsys.readouterr().out

    for more, said in (
        (["--nms", "engine"], "an .etlt file is taken as it is"),
        (["--preprocess", "engine"], "an .etlt file is taken as it is"),
        (["--out", str(desk.folder / "model.engine")], "so not model.engine"),
    ):
        assert main(words + more) == 2
        assert said in capsys.readouterr().err


def test_layout_and_outputs_follow_the_record(desk):
    changes = {
        "input": dict(TLT_SSD["input"], layout="nhwc"),
        "output": {"layout": "boxes_scores", "tensors": {"scores": "s", "boxes": "b/out"}},
    }
    desk.write(dims="384,1248,3", outputs=("s", "b/out"), **changes)
    told = desk.build(batch=(2, 2, 4))
    assert (told["d"], told["i"], told["o"]) == ("384,1248,3", "nhwc", "b/out,s")
    assert told["p"] == "Input,2x384x1248x3,2x384x1248x3,4x384x1248x3"


def test_an_old_engine_is_replaced_only_by_a_whole_one(desk, monkeypatch):
    desk.build()
    before = desk.out.read_text()
    monkeypatch.setenv("STAND_IN", "wrong_key")
    with pytest.raises(CourseError, match="key is wrong"):
        desk.build(workspace_mib=64)
    assert desk.out.read_text() == before
    monkeypatch.delenv("STAND_IN")
    assert desk.build(workspace_mib=64)["w"] == "67108864"


def test_a_file_of_somebody_else_is_asked_about_before_the_converter_starts(desk, capfd):
    desk.out.parent.mkdir()
    desk.out.write_text("my notes")
    with pytest.raises(CourseError, match="ssd.engine is in the way"):
        desk.build()
    assert desk.out.read_text() == "my notes"
    assert "Reading the model" not in capfd.readouterr().out


LAST_WORDS = "See docs/tlt.md.\nIts last words: [INFO] Reading the model | [ERROR] the moon is"


@pytest.mark.parametrize(
    "replay, advice, how",
    [
        ("plugin_trt7", "plugin BatchTilePlugin_TRT is missing (the key may be right)", "SIGSEGV"),
        ("plugin_trt8", "plugin BatchTilePlugin_TRT is missing (the key may be right)", "SIGSEGV"),
        ("wrong_key", "As a rule the key is wrong", "SIGSEGV"),
        ("stoi", "As a rule the key is wrong", "SIGABRT"),
        ("no_dims", "As a rule the key is wrong", "exit status 1"),
        ("dynamic", "give a range of batches such as 1,8,16", "SIGABRT"),
        ("libcrypto", "sudo apt install libssl1.1", "exit status 127"),
        ("libnvinfer", "made for another TensorRT or JetPack", "exit status 127"),
        ("libcudnn", "Install the library libcudnn.so.8", "exit status 127"),
        ("symbol", "made for another TensorRT or JetPack", "exit status 127"),
        ("memory", "ran out of memory: workspace 256 MiB", "SIGSEGV"),
        ("bad_alloc", "ran out of memory", "SIGABRT"),
        ("killed", "ran out of memory", "SIGKILL"),
        ("killed_in_shell", "ran out of memory", "exit status 137"),
        ("no_kernel", "raise the workspace", "SIGSEGV"),
        ("unknown", LAST_WORDS, "exit status 3"),
        ("silent", "See docs/tlt.md.", "exit status 4"),
        ("empty", "made no engine (exit status 0)", "exit status 0"),
        ("late", "See docs/tlt.md.", "exit status 1"),
        ("nothing", "made no engine (exit status 0)", "exit status 0"),
    ],
)
def test_failures_are_explained(desk, monkeypatch, replay, advice, how):
    monkeypatch.setenv("STAND_IN", replay)
    said = desk.fails()
    assert advice in said
    assert how in said
    assert "tao-converter made no engine" in said


def test_wrong_key_and_dynamic_model_for_real(desk, monkeypatch):
    monkeypatch.setenv("TLT_KEY", "another")
    assert "As a rule the key is wrong" in desk.fails()
    monkeypatch.setenv("TLT_KEY", SECRET)
    desk.write(dynamic=True)
    assert "give a range of batches such as 1,8,16, or 1,1,2" in desk.fails()
    assert "p" in desk.build(batch=(1, 1, 2))


def test_a_converter_too_old_for_profiles(desk, monkeypatch):
    monkeypatch.setenv("STAND_IN", "tlt2")
    assert "does not know -p" in desk.fails(batch=(1, 8, 16))
    assert desk.build(batch=(16, 16, 16))["m"] == "16"


def test_the_key_is_never_shown(desk, monkeypatch, capfd):
    monkeypatch.setenv("STAND_IN", "echo")
    said = desk.fails() + "".join(capfd.readouterr())
    assert "-k ***" in said
    assert "key=***" in said
    assert SECRET not in said


@pytest.mark.parametrize("key", [None, "", "  ", "two\nlines"])
def test_no_key(desk, monkeypatch, key):
    monkeypatch.delenv("TLT_KEY")
    if key is not None:
        monkeypatch.setenv("TLT_KEY", key)
    said = desk.fails()
    assert "environment variable TLT_KEY, which is not set, empty, or not one line" in said
    assert "two" not in said


@pytest.mark.parametrize(
    "options, said",
    [
        ({"precision": "fp8"}, "no precision 'fp8'; allowed: fp32, fp16, int8"),
        ({"batch": (1, 8)}, "Batches are three numbers"),
        ({"batch": (4, 2, 8)}, "Batches are three numbers"),
        ({"batch": (0, 1, 1)}, "Batches are three numbers"),
        ({"precision": "int8"}, "calibration cache go together; found: int8, None"),
        ({"precision": "int8", "calibration_cache": "none.bin"}, "found: int8, none.bin"),
        ({"calibration_cache": STAND_IN}, "found: fp16, "),
        ({"program": "no-such-converter"}, "There is no no-such-converter here"),
    ],
)
def test_wishes_that_cannot_be(desk, options, said):
    assert said in desk.fails(**options)


@pytest.mark.parametrize("name", ["none.etlt", "model.onnx", "model.tlt"])
def test_not_an_etlt(desk, name):
    desk.etlt = desk.folder / name
    if "none" not in name:
        desk.etlt.write_text("x")
    assert name + " is no .etlt file" in desk.fails()


def test_which_program(desk, monkeypatch):
    tao = desk.folder / "bin" / "tao-converter"
    old = desk.put("bin", "tlt-converter")
    usual = desk.put("usual", "tlt-converter")
    assert tlt.find_program() == str(tao)
    assert tlt.find_program("tlt-converter") == str(old)
    assert tlt.find_program(usual) == str(usual)
    tao.unlink()
    assert tlt.find_program() == str(old)
    old.unlink()
    assert tlt.find_program() == str(usual)

    usual.unlink()
    said = r"There is no tao-converter or tlt-converter here.*catalog.ngc.*chmod \+x"
    with pytest.raises(CourseError, match=said):
        tlt.find_program()

    here = desk.put("usual", "tao-converter", 0o644)
    said = f"is not executable. Make it so with: chmod .x {here}"
    for program in (None, here):
        with pytest.raises(CourseError, match=said):
            tlt.find_program(program)

    monkeypatch.chdir(here.parent)
    here.chmod(0o755)
    assert tlt.find_program("tao-converter") == str(here)


def test_a_converter_that_says_nothing_at_all(desk):
    (desk.folder / "bin" / "tao-converter").write_text("#!/bin/sh\nexit 5\n")
    assert desk.fails().endswith("(exit status 5). See docs/tlt.md.\nIts last words: none")


def test_the_last_three_lines_are_told_whatever_their_bytes(desk):
    lines = "one\\ntwo\\n\\nthree\\ncaf\\351\\nfive\\n"
    (desk.folder / "bin" / "tao-converter").write_text(f"#!/bin/sh\nprintf '{lines}'\nexit 5\n")
    assert desk.fails().endswith("last words: three | caf\N{REPLACEMENT CHARACTER} | five")


def test_a_program_for_another_processor(desk):
    (desk.folder / "bin" / "tao-converter").write_bytes(b"\x7fELF" + bytes(60))
    said = desk.fails()
    assert "no program for this processor" in said
    assert "Exec format error" in said
    assert SECRET not in said
