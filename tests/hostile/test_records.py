"""A model's record, its labels, its priors, its network: whatever stands there, one sentence."""

import copy
import json
import os
import stat
import threading
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from conftest import RECORD, write_model
from trt_course import CourseError, TrtSSD, find_model
from trt_course.__main__ import main
from trt_course.engine import CpuEngine
from trt_course.model.find import get_cls_dict
from trt_course.model.priors import read_priors

PRIORS_OUTPUT = {"layout": "loc_conf_priors", "tensors": {"loc": "l", "conf": "c"}}


def refusal(call, *arguments):
    """The sentence with which a call refuses; it must be one, and short."""
    with pytest.raises(CourseError) as refused:
        call(*arguments)
    sentence = str(refused.value)
    assert 20 < len(sentence) < 700
    assert "\n" not in sentence
    return sentence


def in_time(call, *arguments):
    """What `refusal` gives, or a failure where the call waits for ever."""
    said = []
    thread = threading.Thread(target=lambda: said.append(refusal(call, *arguments)), daemon=True)
    thread.start()
    thread.join(60)
    assert said, "it waits for ever, or did not refuse"
    return said[0]


def node(path, major, minor):
    """A device of the test's own."""
    try:
        os.mknod(str(path), 0o666 | stat.S_IFCHR, os.makedev(major, minor))
    except (OSError, AttributeError):
        pytest.skip("only root may make a device here")


def pipe(path):
    os.mkfifo(str(path))


def zeros_without_end(path):
    node(path, 1, 5)


def link_to_zeros(path):
    path.symlink_to("/dev/zero")


def folder(path):
    path.mkdir()


ENDLESS = pytest.mark.parametrize("make", [pipe, zeros_without_end, link_to_zeros, folder])


def write_record(where, record=None, **changes):
    """A folder with only a record."""
    where.mkdir(exist_ok=True)
    text = record if isinstance(record, str) else json.dumps({**RECORD, **changes})
    (where / "model.json").write_text(text)
    return where


# The record as a file -----------------------------------------------------------------------------


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_a_record_of_200000_brackets(tmp_path, opening):
    where = write_record(tmp_path / "m", opening * 200000)
    assert "nested too deeply" in refusal(find_model, where)
    assert main(["detect", "x.jpg", "--model", str(where)]) == 2


@ENDLESS
def test_what_is_no_file_behind_a_record(tmp_path, make):
    make(tmp_path / "model.json")
    assert "model.json is not a regular file" in in_time(find_model, tmp_path)


def test_a_record_that_is_a_pipe_is_named_by_its_own_path_too(tmp_path):
    pipe(tmp_path / "model.json")
    assert "not a regular file" in in_time(find_model, tmp_path / "model.json")


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "is not JSON"),
        (b"\xff\xfe{", "not UTF-8"),
        (b"\x00" * 100, "is not JSON"),
        (b"[" + b"9" * 5000 + b"]", "model.json"),
        (b" " * (5 << 20), "more than 4 MiB long"),
        (b'{"name": "a", "name": "b"}', "has the field 'name' twice"),
    ],
)
def test_what_is_no_record(tmp_path, content, said):
    (tmp_path / "model.json").write_bytes(content)
    assert said in refusal(find_model, tmp_path)


@pytest.mark.parametrize("name", ["a" * 5000, "a/" * 3000, "x\x00y", "", "*", "\udce9"])
def test_names_that_no_model_has(name):
    assert refusal(find_model, name + "?")


@pytest.mark.parametrize("value", [None, 5, ["ssd"]])
def test_values_that_are_no_name(value):
    assert refusal(find_model, value).startswith("There is no model ")


# Its texts ----------------------------------------------------------------------------------------

UNFIT = [
    "a\nb",
    "a\u2028b",
    "a\u2029b",
    "a\x85b",
    "a\x1cb",
    "a\x0bb",
    "\ud800",
    "a\x1b[2J",
    "\u202ea",
]


@pytest.mark.parametrize("label", [*UNFIT, " ", "", "x" * 5000, 3, None, ["a"]])
def test_labels_that_cannot_stand_in_a_line(tmp_path, label):
    labels = ["background", "blue", label, "red"]
    said = refusal(find_model, write_record(tmp_path / "m", labels=labels))
    assert "model.json: labels[2] is" in said
    assert "wanted: a text on one line" in said


def test_labels_of_all_the_world_stay(tmp_path):
    labels = ["background", "路标", "می‌خواهم", "👩‍🚒 at work", "it's $a^{b$ #1"]
    spec = find_model(write_record(tmp_path / "m", labels=labels))
    assert list(get_cls_dict(tmp_path / "m").values()) == labels
    assert spec.labels == tuple(labels)


@pytest.mark.parametrize("field", ["name", "title"])
@pytest.mark.parametrize("value", UNFIT)
def test_other_texts_of_a_record(tmp_path, field, value):
    record = write_record(tmp_path / "m", **{field: value})
    assert f"model.json: {field}" in refusal(find_model, record)


def test_the_provenance_may_hold_a_whole_licence(tmp_path):
    provenance = {"license": "Permission is hereby granted ...\n" * 40, "source": ""}
    assert find_model(write_record(tmp_path / "m", provenance=provenance)).provenance == provenance


def test_labels_by_the_hundred_thousand(tmp_path):
    record = write_record(tmp_path / "m", labels=["x"] * 100000)
    assert "wanted: a list of texts, 1 to 20000" in refusal(find_model, record)


def test_a_field_with_an_endless_name(tmp_path):
    assert "is an unknown field" in refusal(
        find_model, write_record(tmp_path / "m", **{"y" * 1000000: 1})
    )


# Its numbers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, value",
    [
        ("input.width", 10**9),
        ("input.width", -1),
        ("input.width", 1e400),
        ("input.width", 64.0),
        ("input.height", True),
        ("input.height", "64"),
        ("input.mean", [0, float("nan"), 0]),
        ("input.mean", [0, 1e300, 0]),
        ("input.mean", [0, True, 0]),
        ("input.scale", [1, 1e-300, 1]),
        ("input.scale", [1, float("inf"), 1]),
        ("input.scale", [1] * 100000),
        ("output.variances", [0.1, 0.1, 0, 0.2]),
        ("output.variances", [0.1, 0.1, 1e200, 0.2]),
        ("output.threshold", float("nan")),
        ("conf_threshold", float("nan")),
        ("conf_threshold", float("-inf")),
        ("conf_threshold", [[[[[]]]]]),
        ("nms.candidates_per_class", 10**9),
        ("nms.max_detections", 0),
        ("background", 1e400),
        ("background", 10**30),
    ],
)
def test_numbers_that_no_model_has(tmp_path, path, value):
    record = copy.deepcopy(RECORD)
    *parents, last = path.split(".")
    part = record
    for parent in parents:
        part = part.setdefault(parent, {})
    part[last] = value
    said = refusal(find_model, write_record(tmp_path / "m", **record))
    assert f"model.json: {path}" in said
    assert "wanted: " in said


# Its files ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["../../etc/x", "/etc/passwd", "a/../../x", "..", "a\nb.npy"])
def test_files_outside_of_the_model(tmp_path, name):
    said = refusal(find_model, write_record(tmp_path / "m", file=name))
    assert "model.json: file is" in said
    assert "wanted: the name of a file in the record's own folder" in said

    output = dict(PRIORS_OUTPUT, priors=name)
    said = refusal(find_model, write_record(tmp_path / "m", output=output))
    assert "model.json: output.priors is" in said


@ENDLESS
def test_what_is_no_file_behind_priors(tmp_path, make):
    make(tmp_path / "priors.npy")
    assert "priors.npy is not a regular file" in in_time(read_priors, tmp_path / "priors.npy")


def header_of(shape, descr="<f4"):
    """A .npy file's head that promises an array."""
    text = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


class Pickled:
    def __reduce__(self):
        return os.mkdir, ("pickle-was-opened",)


def save_pickle(path):
    np.save(str(path), np.array([[Pickled()] * 4]), allow_pickle=True)


def save_npz(path):
    with path.open("wb") as stream:
        np.savez(stream, priors=np.ones((3, 4)))


PRIORS = {
    "empty": lambda path: path.write_bytes(b""),
    "npz": save_npz,
    "pickle": save_pickle,
    "huge": lambda path: path.write_bytes(header_of((10**12, 4)) + bytes(64)),
    "overflow": lambda path: path.write_bytes(header_of((2**62, 4)) + bytes(64)),
    "negative": lambda path: path.write_bytes(header_of((-4, 4)) + bytes(64)),
    "cut": lambda path: path.write_bytes(header_of((3, 4)) + bytes(40)),
    "longer": lambda path: path.write_bytes(header_of((3, 4)) + b"\x3f" * 50),
    "deep": lambda path: path.write_bytes(header_of("(" * 9000)),
    "no head": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00"),
    "version 9": lambda path: path.write_bytes(b"\x93NUMPY\x09\x00" + bytes(200)),
    "no rows": lambda path: np.save(str(path), np.ones((0, 4))),
    "texts": lambda path: np.save(str(path), np.array([["1", "2", "3", "4"]])),
    "complex": lambda path: np.save(str(path), np.ones((3, 4), complex)),
    "flat": lambda path: np.save(str(path), np.ones(12)),
    "no numbers": lambda path: np.save(str(path), np.full((3, 4), np.nan)),
    "too large": lambda path: np.save(str(path), np.full((3, 4), 1e300)),
    "no boxes": lambda path: np.save(str(path), np.zeros((3, 4))),
    "text": lambda path: path.write_text("0.5 0.5 0.1 0.1\n" * 100),
    "long": lambda path: path.write_bytes(bytes(17 << 20)),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", list(PRIORS))
def test_what_is_no_array_of_priors(tmp_path, kind, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "priors.npy"
    PRIORS[kind](path)
    assert "priors.npy" in refusal(read_priors, path)
    assert not (tmp_path / "pickle-was-opened").exists()


def test_priors_that_are_not_there(tmp_path):
    assert "There is no file" in refusal(read_priors, tmp_path / "priors.npy")


# The network --------------------------------------------------------------------------------------


def net_with_weights_in(path, location):
    """A network whose weights are in another file."""
    weights = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4])
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value=location)
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
    add = helper.make_node("Add", ["x", "w"], ["y"])
    graph = helper.make_graph([add], "g", ends[:1], ends[1:], [weights])
    opset = helper.make_opsetid("", 13)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=8)
    path.write_bytes(model.SerializeToString())


def three_gib(path):
    with path.open("wb") as stream:
        stream.truncate(3 << 30)


NETWORKS = {
    "gone": (lambda path: None, "There is no file"),
    "empty": (lambda path: path.write_bytes(b""), "is empty"),
    "text": (lambda path: path.write_text("hello"), "not an ONNX file"),
    "sparse": (three_gib, "3.0 GiB long"),
    "pipe": (pipe, "not a regular file"),
    "device": (zeros_without_end, "not a regular file"),
    "folder": (folder, "not a regular file"),
    "dangling": (lambda path: path.symlink_to("nowhere"), "There is no file"),
    "outside": (lambda path: net_with_weights_in(path, "../secret"), "weights are in another"),
    "absolute": (lambda path: net_with_weights_in(path, "/etc/passwd"), "onnx cannot run"),
    "missing": (lambda path: net_with_weights_in(path, "w.bin"), "weights are in another"),
}


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_what_is_no_network(tmp_path, kind):
    make, said = NETWORKS[kind]
    where = write_record(tmp_path / "m")
    (tmp_path / "secret").write_bytes(bytes(16))
    make(where / "model.onnx")
    sentence = in_time(lambda: TrtSSD(where, backend="cpu", verbose=False))
    assert "model.onnx" in sentence
    assert said in sentence
    assert main(["detect", "x.jpg", "--model", str(where), "--backend", "cpu"]) == 2


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_network_that_is_cut(tmp_path, share):
    whole = write_model(tmp_path / "m") / "model.onnx"
    data = whole.read_bytes()
    whole.write_bytes(data[: int(len(data) * share)])
    assert "model.onnx" in refusal(CpuEngine, whole)


def test_a_network_in_a_folder_whose_name_is_not_utf8(cells, tmp_path):
    where = os.path.join(os.fsencode(str(tmp_path)), b"caf\xe9")
    try:
        os.mkdir(where)
    except OSError:
        pytest.skip("this file system takes UTF-8 only")
    model = Path(os.fsdecode(where))
    for name in ("model.json", "model.onnx"):
        (model / name).write_bytes((cells / name).read_bytes())
    TrtSSD(model, backend="cpu", verbose=False).close()


def test_a_link_to_a_network_is_followed(cells, tmp_path):
    where = write_record(tmp_path / "m")
    (where / "model.onnx").symlink_to(cells / "model.onnx")
    TrtSSD(where, backend="cpu", verbose=False).close()
