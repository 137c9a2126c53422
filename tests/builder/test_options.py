"""Options of an engine: which go together, the name, and the command that builds it again."""

import shlex

import pytest

from trt_course import CourseError, Options, find_model
from trt_course.__main__ import _parser
from trt_course.builder.options import require_buildable

INSIDE = dict(preprocess="engine", source=(1280, 720))

BUILDABLE = [
    {},
    dict(batch=(1, 4, 4)),
    dict(batch=(2, 2, 2)),
    dict(batch=(1, 1, 256)),
    dict(precision="int8", calibration="data/calibration/traffic"),
    dict(precision="fp32", calibration="data/calibration/traffic"),
    dict(source=(1280, 720)),
    dict(INSIDE, pixels="nv12"),
    dict(preprocess="engine", source=(63, 47)),
    dict(threshold=0.0),
    dict(workspace_mib=1, level=0, dla=0),
]


@pytest.mark.parametrize("options", BUILDABLE)
def test_what_goes_together(options):
    require_buildable(Options(**options))


NOT_BUILDABLE = [
    (dict(batch=(1, 8, 4)), "--batch 1,8,4: wanted: one number, or the smallest, the usual and"),
    (dict(batch=(4, 2, 8)), "--batch 4,2,8: wanted"),
    (dict(batch=(8, 4, 1)), "--batch 8,4,1: wanted"),
    (dict(batch=(0, 1, 2)), "--batch is 0"),
    (dict(precision="int8", calibration=""), "INT8 needs pictures"),
    (dict(INSIDE, source=(1280, 0)), "A side of --source-size 1280x0 is 0"),
    (dict(source=(0, 720)), "A side of --source-size 0x720 is 0"),
    (dict(source=(1280, 720), pixels="nv12"), "--pixels nv12 needs --preprocess engine"),
    (dict(INSIDE, source=(1279, 720), pixels="nv12"), "even numbers"),
    (dict(INSIDE, source=(1280, 719), pixels="nv12"), "even numbers"),
    (dict(level=-1), "--level is -1"),
    (dict(dla=8), "--dla is 8"),
    (dict(workspace_mib=0), "--workspace is 0"),
]


@pytest.mark.parametrize("options, said", NOT_BUILDABLE)
def test_what_does_not(options, said):
    with pytest.raises(CourseError, match=said):
        require_buildable(Options(**options))


@pytest.mark.parametrize(
    "out, fits",
    [
        ("x.engine", True),
        ("models.engine", True),
        ("model.engine", False),
        ("x.plan", False),
        ("x", False),
    ],
)
def test_an_engine_s_record_has_room_beside_it(tmp_path, out, fits):
    if fits:
        require_buildable(Options(), tmp_path / out)
    else:
        with pytest.raises(CourseError, match="wanted: NAME.engine"):
            require_buildable(Options(), tmp_path / out)


NAMES = [
    (Options(), "fp16-b1"),
    (Options("fp32", (4, 4, 4)), "fp32-b4"),
    (Options("int8", (1, 4, 16)), "int8-b1-4-16"),
    (Options("int8", (1, 1, 16)), "int8-b1-1-16"),
    (Options(nms="engine"), "fp16-b1-nms"),
    (Options(**INSIDE), "fp16-b1-1280x720"),
    (Options(source=(1280, 720)), "fp16-b1"),
    (Options(**INSIDE, pixels="nv12"), "fp16-b1-1280x720-nv12"),
    (Options("fp32", (1, 2, 4), nms="engine", **INSIDE), "fp32-b1-2-4-nms-1280x720"),
]


@pytest.mark.parametrize("options, name", NAMES)
def test_the_name_tells_engines_of_a_model_apart(options, name):
    assert options.name() == name


AGAIN = [
    Options(),
    Options("fp32", (1, 4, 16)),
    Options("int8", calibration="my pictures", method="entropy"),
    Options(nms="engine", threshold=0.2),
    Options(**INSIDE),
    Options(**INSIDE, pixels="nv12"),
    Options(keep_float=("a*", "it's")),
    Options(workspace_mib=256, level=0, dla=0),
    Options(level=5, dla=1, force=True),
]


@pytest.mark.parametrize("options", AGAIN)
@pytest.mark.parametrize("out", [None, "a folder/x.engine"])
def test_the_command_of_the_record_asks_for_the_same_again(cells, options, out):
    words = shlex.split(options.command(find_model(cells), out))
    assert words[:3] == ["python", "-m", "trt_course"]
    args = vars(_parser().parse_args(words[3:]))
    args["keep_float"] = tuple(args["keep_float"])
    assert Options(**{name: args[name] for name in Options._fields}) == options
    assert (args["model"], args["out"]) == (str(cells), out)


def test_the_command_says_nothing_that_does_not_count(cells):
    spec = find_model(cells)
    plain = Options().command(spec)
    assert plain.endswith("--precision fp16 --batch 1,1,1 --nms host")
    unused = Options(method="entropy", calibration="x", threshold=0.5, source=(640, 480))
    assert unused.command(spec) == plain
