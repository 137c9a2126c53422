"""`build --from-etlt`: each option reaches the converter, and nobody's file is replaced unasked.

The converter is a real child process, played by tests/stand_ins/tlt_converter.py.
"""

import json
import time

import pytest

from stand_ins import cuda as cuda_stand_in
from stand_ins import tensorrt as stand_in
from stand_ins.tlt_desk import desk_in
from trt_course.__main__ import main
from trt_course.engine import manifest, plan


@pytest.fixture
def desk(tmp_path, monkeypatch):
    monkeypatch.setattr(plan, "_logs", {})
    stand_in.install(monkeypatch, 8.2, cuda_stand_in.install(monkeypatch, "pycuda"))
    return desk_in(tmp_path, monkeypatch)


def build(desk, *words):
    """The exit status of the command for the desk's .etlt file."""
    given = ["build", desk.folder, "--from-etlt", desk.etlt, "--key-env", "TLT_KEY", *words]
    return main([str(word) for word in given])


def test_each_option_reaches_the_converter_and_the_record(desk):
    cache = desk.folder / "cal.bin"
    cache.write_text("TRT-7103-EntropyCalibration2")
    words = ["--precision", "int8", "--calibration", cache, "--batch", "1,8,16"]
    words += ["--workspace", 256, "--dla", 1]
    started = time.time()
    assert build(desk, *words) == 0

    path = desk.folder / "engines" / "int8-b1-8-16-etlt.engine"
    told = json.loads(path.read_text())
    del told["e"]
    assert told == {
        "d": "3,384,1248",
        "i": "nchw",
        "o": "NMS",
        "m": "16",
        "t": "int8",
        "c": str(cache),
        "b": "8",
        "w": "268435456",
        "u": "1",
        "p": "Input,1x3x384x1248,8x3x384x1248,16x3x384x1248",
    }
    record = manifest.read(path)
    assert (record.precision, record.batch) == ("int8", (1, 8, 16))
    assert (record.tensorrt, record.gpu) == ("8.2.1", "Stand-in")
    assert 0 <= int(record.built["seconds"]) <= time.time() - started + 1


@pytest.mark.parametrize("name", ["x.engine", "x.json"])
def test_a_file_of_somebody_else_stays(desk, tmp_path, capsys, name):
    out = tmp_path / "mine"
    out.mkdir()
    (out / name).write_text("my notes")
    assert build(desk, "--out", out / "x.engine") == 2
    assert f"{name} is in the way" in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == [name]
    assert (out / name).read_text() == "my notes"

    assert build(desk, "--out", out / "x.engine", "--force") == 0
    assert manifest.read(out / "x.engine").route == "etlt"
    assert json.loads((out / "x.engine").read_text())["t"] == "fp16"


@pytest.mark.parametrize(
    "words, said",
    [
        (["--precision", "int8"], "calibration cache go together; found: int8, None"),
        (["--keep-float", "a*"], "an .etlt file is taken as it is: leave them out"),
        (["--nms", "engine"], "taken as it is"),
        (["--preprocess", "engine", "--source-size", "64x48"], "taken as it is"),
        (["--batch", "1,8,4"], "--batch 1,8,4: wanted"),
        (["--key-env", ""], "An .etlt file is opened with its key: put the key into an env"),
        (["--key-env", "NO_SUCH_KEY"], "environment variable NO_SUCH_KEY, which is not set"),
    ],
)
def test_what_the_converter_cannot_do_is_told(desk, capsys, words, said):
    assert build(desk, *words) == 2
    assert said in capsys.readouterr().err
    assert not list(desk.folder.glob("engines/*.engine"))
