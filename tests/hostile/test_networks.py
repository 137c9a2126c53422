"""Networks that do not fit their record: each is refused by name, or gives the right boxes.

Whatever the outputs' shapes, types, order and names: never an IndexError, never boxes that are only
broadcast. The networks are real ones, run by ONNX Runtime.
"""

import itertools
from collections import Counter

import numpy as np
import pytest
from onnx import TensorProto, helper, load, numpy_helper, save

from odd_nets import (
    BLACK,
    HEIGHT,
    LABELS,
    LAYOUTS,
    PIXELS,
    WIDTH,
    open_odd,
    right_outputs,
    write_constants,
    write_record,
)
from trt_course import CourseError, TrtSSD
from trt_course.engine import CpuEngine

# What can be wrong with one tensor ---------------------------------------------------------------


def changed_arrays(array):
    """Name and array of each way in which one output may be another than it should."""
    yield "no batch", array[0]
    yield "one axis more behind", array[..., None]
    yield "one axis more before", array[None]
    yield "flat", array.reshape(-1)
    yield "two pictures", np.concatenate([array, array])
    yield "no pictures", array[:0]
    yield "one number", array.reshape(-1)[0]
    for axis in range(1, array.ndim):
        length = array.shape[axis]
        yield f"axis {axis} longer", np.concatenate([array, array], axis)
        yield f"axis {axis} one longer", np.insert(array, length, 0, axis)
        yield f"axis {axis} shorter", np.take(array, range(length // 2), axis)
        yield f"axis {axis} of one", np.take(array, [0], axis)
        yield f"axis {axis} empty", np.take(array, [], axis)
    if array.ndim > 2:
        yield "turned", np.swapaxes(array, -1, -2)
    for kind in ("float16", "float64", "int32", "int64", "uint8", "bool"):
        if str(array.dtype) != kind:
            yield kind, array.astype(kind)


def tries():
    """Layout, what was done to it, the outputs, the roles, and whether the file states shapes."""
    for layout in LAYOUTS:
        right = right_outputs(layout)
        roles = {role: role for role in right}
        yield layout, "right", right, roles, True
        yield layout, "in another order", dict(reversed(list(right.items()))), roles, True
        yield layout, "one more output", {**right, "features": features()}, roles, True
        for role in right:
            without = {name: array for name, array in right.items() if name != role}
            if without:
                yield layout, f"without {role}", without, roles, True
            for stated, (what, array) in itertools.product(
                (True, False), changed_arrays(right[role])
            ):
                yield layout, f"{role}: {what}", {**right, role: array}, roles, stated
        for one, other in itertools.combinations(right, 2):
            swapped = {**roles, one: other, other: one}
            yield layout, f"{one} and {other} swapped", right, swapped, True
            yield layout, f"{one} in both roles", right, {**roles, other: one}, True


def features():
    """What a network may give besides."""
    return np.zeros((1, 8, 2, 2), np.float32)


TRIES = list(tries())


def expected(outputs):
    """How many boxes a network rightly gives: rows of seven numbers may come more than once."""
    rows = outputs.get("rows")
    if rows is None or rows.shape[-1:] != (7,):
        return 1
    filled = int(np.count_nonzero(rows[..., 2]))
    return min(filled, 1) if "count" in outputs else filled


def outcome(folder, layout, outputs, roles, stated):
    """ "right", or the sentence of the refusal."""
    write_record(folder, layout, roles)
    write_constants(folder, outputs, stated)
    try:
        with TrtSSD(folder, backend="cpu", threads=1, verbose=False) as ssd:
            found = ssd.detect(BLACK)
    except CourseError as err:
        return str(err)

    boxes, confs, clss = found
    wanted = np.float32([PIXELS] * expected(outputs)).reshape(-1, 4)
    close = boxes.shape == wanted.shape and np.allclose(boxes, wanted, atol=0.02)
    if close and (confs == 0.875).all() and (clss == 2).all():
        return "right"
    return f"accepted, with {boxes.tolist()} {confs.tolist()} {clss.tolist()}"


@pytest.mark.slow
def test_a_network_that_does_not_fit_is_refused_by_name_or_right(tmp_path):
    assert len(TRIES) >= 245
    wrong = []
    outcomes = Counter()
    for layout, what, outputs, roles, stated in TRIES:
        said = outcome(tmp_path, layout, outputs, roles, stated)
        names_tensor = any(name in said for name in (*outputs, *roles))
        refused = said.startswith("odd: ") and names_tensor and "model.json" in said
        outcomes["right" if said == "right" else "refused"] += 1

        must_be_right = what in ("right", "in another order", "one more output")
        if said != "right" and (must_be_right or not refused):
            wrong.append(f"{layout}, {what}, shapes stated {stated}: {said}")
    assert not wrong, f"{len(wrong)} of {len(TRIES)}:\n" + "\n".join(wrong[:40])
    assert outcomes["refused"] > 200


def test_the_sentence_says_model_tensor_field_found_and_wanted(tmp_path):
    right = right_outputs("boxes_scores")
    ten = np.zeros((1, 10, len(LABELS)), np.float32)
    roles = {"boxes": "corners", "scores": "confidences"}
    outputs = {"corners": right["boxes"], "confidences": ten}
    said = outcome(tmp_path, "boxes_scores", outputs, roles, stated=True)
    assert said == (
        "odd: the output confidences, output.tensors.scores of the layout boxes_scores in "
        "model.json, has shape (1, 10, 5); wanted: (pictures, places, classes) or (pictures, "
        "classes, places), with pictures = 1 (the network's batch), places = 6 (as in corners), "
        "classes = 5 (the labels in model.json, background included)"
    )


def test_what_a_run_gives_is_checked_each_time(tmp_path):
    with open_odd(tmp_path, "boxes_scores", right_outputs("boxes_scores"), stated=False) as ssd:
        prepared = ssd.prepare([BLACK])
        outputs = ssd.engine.infer(prepared.request)
        assert len(ssd.finish(prepared, outputs)[0]) == 1

        later = {**outputs, "scores": outputs["scores"][:, :3]}
        with pytest.raises(CourseError, match=r"scores, .* \(1, 3, 5\); .* places = 6"):
            ssd.finish(prepared, later)
        assert len(ssd.finish(prepared, outputs)[0]) == 1


def test_outputs_of_one_picture_for_a_batch_of_three(tmp_path):
    entry = ["n", 3, HEIGHT, WIDTH]
    outputs = right_outputs("boxes_scores")
    with open_odd(tmp_path, "boxes_scores", outputs, stated=False, entry=entry) as ssd:
        assert len(ssd.detect(BLACK)) == 1
        with pytest.raises(CourseError, match="boxes, .* pictures = 3 .the network's batch"):
            ssd.detect_batch([BLACK] * 3)


# Inputs ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "entry", [[1, 3, None, None], ["n", 3, "height", "width"], [None, None, None, None]]
)
def test_free_sides_are_the_records(tmp_path, entry):
    right = right_outputs("boxes_scores")
    with open_odd(tmp_path, "boxes_scores", right, entry=entry) as ssd:
        assert ssd.detect(BLACK).boxes.tolist() == [PIXELS]
        assert ssd.engine.inputs[0].shape[1:] == (3, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    "entry, kind, message",
    [
        ([], "float32", r"input input states the shape \(\)"),
        (None, "float32", r"input input states the shape \(\)"),
        ([0, 3, HEIGHT, WIDTH], "float32", r"the shape \(0, 3, 16, 32\); .* none of them 0"),
        ([1, 3, 0, WIDTH], "float32", "none of them 0"),
        ([1 << 40, 3, HEIGHT, WIDTH], "float32", "which takes .* GiB; at most 2 GiB"),
        (["n", 3, 1 << 20, 1 << 20], "float32", "which takes 12288.0 GiB"),
        ([1, 3, 1 << 40, 1 << 40], "float32", "GiB; at most"),
        ([1, 3, HEIGHT], "float32", "describes an input of float32"),
        ([1, 3, HEIGHT, WIDTH, 1], "float32", "describes an input of float32"),
        ([1, 3, WIDTH, HEIGHT], "float32", "describes an input of float32"),
        ([1, 3, HEIGHT, WIDTH], "uint8", "the network wants uint8"),
        ([1, 3, HEIGHT, WIDTH], "float64", "the network wants float64"),
        ([1, 3, HEIGHT, WIDTH], "float16", "the network wants float16"),
    ],
)
def test_inputs_that_cannot_be_are_refused(tmp_path, monkeypatch, entry, kind, message):
    """And an engine that was opened by then is closed again."""
    opened = []
    opens = CpuEngine.__init__

    def noting(engine, *arguments, **options):
        opens(engine, *arguments, **options)
        opened.append(engine)

    monkeypatch.setattr(CpuEngine, "__init__", noting)
    with pytest.raises(CourseError, match=message):
        open_odd(tmp_path, "boxes_scores", right_outputs("boxes_scores"), entry=entry, kind=kind)
    assert bool(opened) == ("describes" in message or "network wants" in message)
    assert all(engine._session is None for engine in opened)


def test_a_record_of_another_size_where_the_sides_are_free(tmp_path):
    """The network fails when it runs; that is told, too."""
    write_constants(tmp_path, right_outputs("boxes_scores"), entry=[1, 3, None, None])
    model = load(str(tmp_path / "model.onnx"))
    wanted = numpy_helper.from_array(np.zeros((1, 3, 9, 9), np.float32), "wanted")
    model.graph.initializer.append(wanted)
    model.graph.node[1].input[1] = "wanted"
    save(model, str(tmp_path / "model.onnx"))
    write_record(tmp_path, "boxes_scores", {"boxes": "boxes", "scores": "scores"})

    refusal = pytest.raises(CourseError, match=r"failed on the input input \(1, 3, 16, 32\)")
    with TrtSSD(tmp_path, backend="cpu", verbose=False) as ssd, refusal:
        ssd.detect(BLACK)


@pytest.mark.parametrize("inputs", [0, 2])
def test_a_network_without_input_or_with_two(tmp_path, inputs):
    write_constants(tmp_path, right_outputs("boxes_scores"))
    model = load(str(tmp_path / "model.onnx"))
    if inputs == 0:
        blank = np.zeros((1, 3, HEIGHT, WIDTH), np.float32)
        model.graph.initializer.append(numpy_helper.from_array(blank, "input"))
        del model.graph.input[:]
    else:
        model.graph.input.append(helper.make_tensor_value_info("size", TensorProto.INT64, [2]))
    save(model, str(tmp_path / "model.onnx"))
    write_record(tmp_path, "boxes_scores", {"boxes": "boxes", "scores": "scores"})
    with pytest.raises(CourseError, match="no input; wanted: one|inputs are: input, size"):
        TrtSSD(tmp_path, backend="cpu", verbose=False)


@pytest.mark.parametrize("error", [CourseError("no"), KeyboardInterrupt(), MemoryError()])
def test_the_engine_is_closed_when_the_opening_fails(tmp_path, monkeypatch, error):
    closed = []
    monkeypatch.setattr(CpuEngine, "close", lambda engine: closed.append(engine))

    def fail(*_):
        raise error

    monkeypatch.setattr(TrtSSD, "new_preprocessor", fail)
    with pytest.raises(type(error)):
        open_odd(tmp_path, "boxes_scores", right_outputs("boxes_scores"))
    assert len(closed) == 1


@pytest.mark.parametrize("layout", ["boxes_scores", "efficient_nms"])
def test_outputs_that_state_not_even_how_many_sides_they_have(tmp_path, layout):
    right = right_outputs(layout)
    write_constants(tmp_path, right)
    model = load(str(tmp_path / "model.onnx"))
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    save(model, str(tmp_path / "model.onnx"))
    write_record(tmp_path, layout, {role: role for role in right})
    with TrtSSD(tmp_path, backend="cpu", verbose=False) as ssd:
        assert ssd.engine.outputs[0].shape == ()
        assert ssd.detect(BLACK).boxes.tolist() == [PIXELS]
