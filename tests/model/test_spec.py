"""Records: what is read, and what a mistake's message says.

Every mistake names the file, the field, what was found and what is allowed.
"""

import copy
import json

import pytest

from conftest import RECORD
from trt_course import CourseError, find_model
from trt_course.model.input_spec import InputSpec
from trt_course.model.output_spec import BoxesSpec, OutputSpec, Part, ScoresSpec
from trt_course.model.spec import ModelSpec, NmsSpec, read_spec
from trt_course.support.files import sha256


def write(folder, record):
    folder.mkdir(exist_ok=True)
    (folder / "model.json").write_text(json.dumps(record))
    return folder


# Only what a record must say
SHORT = {
    "name": "short",
    "title": "a short record",
    "input": {"name": "x", "width": 40, "height": 30, "layout": "nhwc", "color": "RGB"},
    "output": {"layout": "boxes_scores", "tensors": {"boxes": "b", "scores": "s"}},
    "labels": ["nothing", "cat", "dog"],
    "background": 0,
}


def old_part(layout, **tensor):
    """The Part of a role that a layout names by this tensor."""
    ((role, name),) = tensor.items()
    return Part((name,), f"output.tensors.{role} of the layout {layout}")


def test_what_a_record_leaves_out_is_what_the_page_says(tmp_path):
    """The defaults in docs/model_json.md."""
    folder = write(tmp_path / "m", SHORT)
    assert find_model(folder) == ModelSpec(
        name="short",
        title="a short record",
        input=InputSpec(
            name="x",
            width=40,
            height=30,
            layout="nhwc",
            color="RGB",
            dtype="float32",
            mean=(0.0, 0.0, 0.0),
            scale=(1.0, 1.0, 1.0),
            resize="stretch",
            pad=(0.0, 0.0, 0.0),
            size=None,
        ),
        output=OutputSpec(
            boxes=BoxesSpec(
                old_part("boxes_scores", boxes="b"),
                form="corners",
                order="xy",
                units="normalized",
                priors=None,
                variances=(0.1, 0.1, 0.2, 0.2),
            ),
            scores=ScoresSpec(
                old_part("boxes_scores", scores="s"), activation="none", each_box="all_classes"
            ),
            objectness=None,
            classes=None,
            row_count=None,
            picture=None,
            suppression="each_class",
            threshold=0.0,
        ),
        labels=("nothing", "cat", "dog"),
        background=0,
        task="detection",
        file="model.onnx",
        conf_threshold=0.3,
        nms=NmsSpec(iou_threshold=0.45, candidates_per_class=200, max_detections=100),
        knows="",
        questions=(),
        provenance={},
        folder=folder,
        onnx=folder / "model.onnx",
    )


def test_what_a_record_says_is_kept(tmp_path):
    entry = {
        "dtype": "float32",
        "mean": [1, 2.5, 3],
        "scale": [4, 5, -6],
        "resize": "crop",
        "pad": [7, 8, 9],
    }
    output = {
        "layout": "loc_conf_priors",
        "tensors": {"loc": "l", "conf": "c"},
        "units": "pixels",
        "activation": "softmax",
        "priors": "boxes/priors.npy",
        "variances": [0.3, 0.4, 0.5, 0.6],
        "threshold": 0.2,
    }
    rest = {
        "task": "detection",
        "file": "nets/a.onnx",
        "conf_threshold": 0.7,
        "nms": {"iou_threshold": 0.6, "candidates_per_class": 10, "max_detections": 20},
        "knows": "cats",
        "questions": ["labels: is that all?"],
        "provenance": {"source": "here"},
    }
    record = {**SHORT, **rest, "input": {**SHORT["input"], **entry}, "output": output}
    folder = write(tmp_path / "m", record)
    spec = read_spec(str(folder / "model.json"))
    assert spec.input == InputSpec(
        *("x", 40, 30, "nhwc", "RGB", "float32"),
        mean=(1, 2.5, 3),
        scale=(4, 5, -6),
        resize="crop",
        pad=(7, 8, 9),
    )
    assert spec.output == OutputSpec(
        BoxesSpec(
            old_part("loc_conf_priors", loc="l"),
            form="offsets",
            units="pixels",
            priors=folder / "boxes" / "priors.npy",
            variances=(0.3, 0.4, 0.5, 0.6),
        ),
        ScoresSpec(old_part("loc_conf_priors", conf="c"), activation="softmax"),
        threshold=0.2,
    )
    assert spec.nms == NmsSpec(0.6, 10, 20)
    assert (spec.conf_threshold, spec.provenance) == (0.7, {"source": "here"})
    assert (spec.knows, spec.questions) == ("cats", ("labels: is that all?",))
    assert spec.onnx == folder / "nets" / "a.onnx"


@pytest.mark.parametrize(
    "said, pad",
    [
        ({"mean": [1, 20.5, 3]}, (1, 20.5, 3)),
        ({"mean": [1, 20.5, 3], "pad": [0, 0, 0]}, (0, 0, 0)),
        ({"pad": [114, 115, 116]}, (114, 115, 116)),
        ({"dtype": "uint8"}, (0, 0, 0)),
    ],
)
def test_borders_are_the_mean_where_a_record_names_no_colour(tmp_path, said, pad):
    record = {**SHORT, "input": {**SHORT["input"], **said}}
    assert find_model(write(tmp_path / "m", record)).input.pad == pad


@pytest.mark.parametrize(
    "background, ids, categories",
    [
        (0, [1, 2], {1: 1, 2: 2}),
        (1, [0, 2], {0: 1, 2: 3}),
        (2, [0, 1], {0: 1, 1: 2}),
        (None, [0, 1, 2], {0: 1, 1: 2, 2: 3}),
    ],
)
def test_the_background_is_no_class_and_coco_counts_the_others(
    tmp_path, background, ids, categories
):
    spec = find_model(write(tmp_path / "m", {**SHORT, "background": background}))
    assert spec.cls_dict() == {0: "nothing", 1: "cat", 2: "dog"}
    assert spec.class_ids() == ids
    assert spec.category_ids() == categories


def test_a_shared_list_of_labels_is_called_by_its_name(tmp_path):
    spec = find_model(write(tmp_path / "m", {**RECORD, "labels": "coco90", "background": None}))
    assert spec.labels[0] == "person"
    assert spec.category_ids()[89] == 90


@pytest.mark.parametrize(
    "path, value, message",
    [
        ("input.color", "bgr", "input.color is 'bgr'; allowed: BGR, RGB"),
        ("input.width", 0, "input.width is 0; wanted: a whole number from 1 to 8192"),
        ("input.width", 8193, "input.width is 8193; wanted: a whole number from 1 to 8192"),
        ("input.height", 0, "input.height is 0; wanted: a whole number from 1 to 8192"),
        ("input.height", 8193, "input.height is 8193"),
        ("input.width", True, "input.width is True"),
        ("input.layout", "nv12", "input.layout is 'nv12'; allowed: nchw, nhwc"),
        ("input.dtype", "int8", "input.dtype is 'int8'; allowed: float32, float16, uint8"),
        ("input.pad", [1, 2], "input.pad has 2 numbers; wanted: 3, as input.color is BGR"),
        ("input.pad", [], "input.pad is .*wanted: a list of 3 numbers, or of 1 where input.color"),
        ("input.pad", [1, 2, 1000001], "input.pad.2. is 1000001; wanted: a number from -1000000"),
        ("input.mean", [1, 2], "input.mean has 2 numbers; wanted: 3, as input.color is BGR"),
        ("input.scale", [1, 0, 1], "input.scale.1. is 0; wanted: a number that is not 0"),
        ("input.resize", "squash", "allowed: stretch, letterbox, crop"),
        (
            "input.wide",
            3,
            "model.json: input.wide is an unknown field; did you mean width",
        ),
        ("output.layout", "nms8", "allowed: nms7, efficient_nms"),
        ("output.layout", "nms7", "output.tensors.rows is missing"),
        ("output.layout", ["nms7"], "output.layout is"),
        (
            "output.tensors.box",
            "b",
            "output.tensors.box is an unknown field; did you mean boxes",
        ),
        ("output.units", "px", "output.units is 'px'; allowed: normalized, pixels"),
        ("output.activation", "relu", "allowed: none, softmax, sigmoid"),
        ("output.variances", [0.1, 0.1, 0.2], "wanted: a list of 4 numbers"),
        ("output.variances", [0.1, 0.1, 0.2, 0.0009], "wanted: a number from 0.001 to 100"),
        ("output.variances", [0.1, 101, 0.2, 0.2], "wanted: a number from 0.001 to 100"),
        ("output.threshold", 1.01, "output.threshold is 1.01; wanted: a number from 0 to 1"),
        ("output", [], "output is .*wanted: a JSON object"),
        ("labels", [], "labels is .*wanted: a list of texts"),
        ("labels", "coco17", "labels is 'coco17'; allowed: a list of names, or one of coco"),
        ("labels", ["background"], "labels names only the background, so nothing can be found"),
        ("background", 4, "background is 4; wanted: null .* 4 entries"),
        ("background", -1, "background is -1; wanted: null"),
        ("background", True, "background is True; wanted: null"),
        ("background", 0.0, "background is 0.0; wanted: null"),
        ("task", "segmentation", "task is 'segmentation'; allowed: detection"),
        ("conf_threshold", 30, "conf_threshold is 30; wanted: a number from 0 to 1"),
        ("nms.iou_threshold", -1, "nms.iou_threshold is -1"),
        ("nms.candidates_per_class", 0, "wanted: a whole number from 1 to 10000"),
        ("nms.candidates_per_class", 10001, "wanted: a whole number from 1 to 10000"),
        ("nms.max_detections", 0, "wanted: a whole number from 1 to 10000"),
        ("nms.max_detections", 10001, "wanted: a whole number from 1 to 10000"),
        ("provenance.license", 3, "provenance.license is 3; wanted: a text"),
    ],
)
def test_mistakes_are_named(tmp_path, path, value, message):
    record = copy.deepcopy(RECORD)
    *parents, last = path.split(".")
    part = record
    for parent in parents:
        part = part.setdefault(parent, {})
    part[last] = value

    with pytest.raises(CourseError, match=message) as err:
        find_model(write(tmp_path / "m", record))
    assert "model.json" in str(err.value)


@pytest.mark.parametrize("key", ["name", "title", "input", "output", "labels", "background"])
def test_missing_field(tmp_path, key):
    record = dict(RECORD)
    del record[key]
    with pytest.raises(CourseError, match="model.json: " + key + " is missing"):
        find_model(write(tmp_path / "m", record))


# The roles of each layout, in docs/model_json.md: those a record must name, and those it may
ROLES = {
    "nms7": ("rows", "count"),
    "efficient_nms": ("count boxes scores classes", ""),
    "tf_detection": ("boxes scores classes", "count"),
    "boxes_scores": ("boxes scores", ""),
    "loc_conf_priors": ("loc conf", ""),
}


@pytest.mark.parametrize("layout", ROLES)
def test_the_roles_of_a_layout_are_those_on_the_page(tmp_path, layout):
    must = ROLES[layout][0].split()
    may = ROLES[layout][1].split()

    def read(roles):
        tensors = {role: f"the {role}" for role in roles}
        output = {"layout": layout, "tensors": tensors}
        if layout == "loc_conf_priors":
            output["priors"] = "p.npy"
        return find_model(write(tmp_path / "m", {**SHORT, "output": output}))

    for roles in (must, must + may):
        names = set(read(roles).output.tensors())
        assert names == {f"the {role}" for role in roles}
    for role in must:
        with pytest.raises(CourseError, match=f"output.tensors.{role} is missing"):
            read([other for other in must if other != role])
    with pytest.raises(CourseError, match="output.tensors.masks is an unknown field"):
        read([*must, "masks"])


def test_softmax_wants_more_than_one_label(tmp_path):
    scores = {"tensor": "s", "activation": "softmax"}
    record = {**SHORT, "output": {"boxes": {"tensor": "b"}, "scores": scores}}
    assert find_model(write(tmp_path / "m", record)).output.scores.activation == "softmax"
    with pytest.raises(CourseError, match="softmax, which makes 1 of any single score"):
        find_model(write(tmp_path / "m", {**record, "labels": ["cat"], "background": None}))


def test_priors_are_asked_for(tmp_path):
    output = {"layout": "loc_conf_priors", "tensors": {"loc": "l", "conf": "c"}}
    with pytest.raises(CourseError, match="needs output.priors"):
        find_model(write(tmp_path / "m", {**RECORD, "output": output}))


@pytest.mark.parametrize(
    "said", [{"mean": [0, 0, 5]}, {"mean": [-5, 0, 0]}, {"scale": [1, 1, 2]}, {"scale": [-1, 1, 1]}]
)
def test_uint8_takes_no_mean_and_no_scale(tmp_path, said):
    """Bytes go in as they are: a mean would be left out in silence."""
    entry = {**SHORT["input"], "dtype": "uint8"}
    assert find_model(write(tmp_path / "m", {**SHORT, "input": entry})).input.dtype == "uint8"
    with pytest.raises(CourseError, match="uint8, which takes pixels as they are"):
        find_model(write(tmp_path / "m", {**SHORT, "input": {**entry, **said}}))


def test_not_json(tmp_path):
    (tmp_path / "model.json").write_text("{]")
    with pytest.raises(CourseError, match="model.json is not JSON"):
        find_model(tmp_path)

    (tmp_path / "model.json").unlink()
    with pytest.raises(CourseError, match="There is no file .*model.json"):
        find_model(tmp_path)


def test_changed_file_is_seen(cells, tmp_path):
    record = {**RECORD, "provenance": {"sha256": sha256(cells / "model.onnx")}}
    folder = write(tmp_path / "m", record)
    (folder / "model.onnx").write_bytes((cells / "model.onnx").read_bytes())
    assert not find_model(cells).changed()  # its record does not say
    assert not find_model(folder).changed()

    (folder / "model.onnx").write_bytes(b"other")
    assert find_model(folder).changed()
