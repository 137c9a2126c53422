"""Times that are just possible and times that are not: an honest team is never refused for noise,
and a remark comes where a person should look, no sooner."""

import pytest
from hand_ins import made_up, put, spent

from trt_course import CourseError
from trt_course.contest.handin import read_hand_in
from trt_course.contest.times import machine_of, remarks_on, require_plausible

ENGINE_MS = 20.0


@pytest.fixture
def entry(tmp_path):
    """A function that makes a HandIn, by way of its file, with the sum of its times mended."""

    def make(team="Ada", **changes):
        value = made_up(team, **changes)
        put(tmp_path, "a.json", value)
        return read_hand_in(tmp_path / "a.json")

    return make


def refusal(entry):
    """The sentence with which a hand-in is refused; empty where it is not."""
    try:
        require_plausible(entry)
    except CourseError as err:
        return str(err)
    return ""


def off_by(entry, ms):
    """The hand-in where the clock says so much more than its times add up to."""
    return entry._replace(seconds=entry.seconds + ms / 1e3)


@pytest.mark.parametrize("direction", [1, -1])
def test_a_thousandth_of_the_run_and_a_millisecond_may_be_missing(entry, direction):
    """The clock's own rounding: a millisecond counts in a short run, a thousandth in a long one."""
    short = entry(ms=5.0, other_ms=136.0)
    assert spent(short._asdict()) == pytest.approx(540, abs=1)
    assert refusal(off_by(short, direction * 1.45)) == ""
    assert "add up to 0.54 s" in refusal(off_by(short, direction * 1.6))

    long = entry(ms=5.0, other_ms=100000.0)
    assert refusal(off_by(long, direction * 101)) == ""
    assert "add up to 100.40 s" in refusal(off_by(long, direction * 102))


def test_every_part_of_the_run_is_in_the_sum(entry):
    whole = entry()
    for part in ("frame_ms", "engine_ms"):
        doubled = whole._replace(**{part: tuple(2 * ms for ms in getattr(whole, part))})
        assert refusal(doubled) != ""
    doubled = {name: 2 * ms for name, ms in whole.image_ms.items()}
    assert "Its times add up to" in refusal(whole._replace(image_ms=doubled))
    assert "Its times add up to" in refusal(whole._replace(other_ms=2 * whole.other_ms))


def with_frames(make, *frame_ms):
    """A hand-in of such frames over and over, whose engine alone takes 20 ms at its quickest."""
    runs = [ENGINE_MS] + [ENGINE_MS + 5] * 11
    return make(frame_ms=list(frame_ms) * (60 // len(frame_ms)), engine_ms=runs)


def test_a_frame_may_be_quicker_than_the_engine_alone_but_not_by_half(entry):
    assert refusal(with_frames(entry, 10.0, 30.0, 30.0)) == ""
    assert refusal(with_frames(entry, 9.9, 30.0, 30.0)) == (
        "A frame took 9.9 ms, though its engine alone needs 20 ms at its quickest."
    )


def test_half_of_the_frames_may_be_a_little_quicker_than_the_engine_alone(entry):
    assert refusal(with_frames(entry, 16.0)) == ""
    assert refusal(with_frames(entry, 15.9)) == (
        "Half its frames took less than 15.9 ms, though its engine alone needs 20 ms at its "
        "quickest."
    )


def test_no_machine_is_quicker_than_this(entry):
    """0.05 ms for a frame or a picture, 0.001 ms for the engine alone."""
    quick = dict(frame_ms=[0.05] * 60, engine_ms=[0.001] * 12)
    assert refusal(entry(**quick, image_ms={"0": 0.05})) == ""
    assert "took 0.049 ms" in refusal(entry(**dict(quick, frame_ms=[0.05] * 59 + [0.049])))
    assert "took 0.049 ms" in refusal(entry(**quick, image_ms={"0": 1.0, "1": 0.049}))
    assert "engine took 0.0009 ms" in refusal(entry(**dict(quick, engine_ms=[0.0009] * 12)))


def test_the_engine_is_timed_for_every_fifth_frame(entry):
    assert refusal(entry(engine_ms=[9.0] * 12)) == ""
    assert "11 runs of the engine alone; `contest pack` makes 12 for 60 frames" in refusal(
        entry(engine_ms=[9.0] * 11)
    )
    assert refusal(entry(frame_ms=[30.0] * 64, engine_ms=[9.0] * 12)) == ""


@pytest.mark.parametrize("picture_ms, times", [(149.0, None), (151.0, 5)])
def test_slow_pictures_are_remarked_from_five_times_a_frame_on(entry, picture_ms, times):
    """Nothing keeps a team from using a better, slower model for the pictures."""
    slow = entry(ms=30.0, image_ms={str(number): picture_ms for number in range(10)})
    said = remarks_on(slow, [slow])
    if times is None:
        assert said == ""
    else:
        assert said == f"a picture took {times} times as long as a frame: the same model?"


def test_a_quick_engine_is_remarked_from_one_and_a_half_times_on(entry):
    usual = entry("Ada", ms=30.0)
    quick = entry("Bo", ms=30.0, engine_ms=[27.0 / 1.49] * 12)
    too_quick = entry("Bo", ms=30.0, engine_ms=[27.0 / 1.51] * 12)
    assert remarks_on(quick, [usual, quick]) == ""
    assert remarks_on(too_quick, [usual, too_quick]) == (
        "its engine is 1.5 times as fast as in 1 other hand-in with this model and machine: are "
        "its times true?"
    )
    assert remarks_on(usual, [usual, too_quick]) == ""


def test_only_the_same_engine_is_compared(entry):
    quick = entry("Bo", ms=30.0, engine_ms=[3.0] * 12)
    for change in (
        dict(model_sha256="f" * 64),
        dict(engine="other"),
        dict(precision="int8"),
        dict(machine={"jetson": "Orin"}),
        dict(machine={"jetson": "Nano", "power_mode": "5W"}),
    ):
        other = entry("Ada", ms=30.0, **change)
        assert remarks_on(quick, [other, quick]) == "", change


def test_two_remarks_are_both_told(entry):
    usual = entry("Ada", ms=30.0)
    both = entry("Bo", ms=30.0, engine_ms=[9.0] * 12, image_ms={"0": 300.0})
    picture, engine = remarks_on(both, [usual, both]).split("; ")
    assert picture.startswith("a picture took 10 times")
    assert engine.startswith("its engine is 3.0 times")


@pytest.mark.parametrize(
    "facts, words",
    [
        (dict(jetson="Nano", gpu="Some GPU", cpu="Arm", power_mode="5W"), "Nano, 5W, e, fp16"),
        (dict(gpu="Some GPU", cpu="Xeon"), "Some GPU, e, fp16"),
        (dict(cpu="Xeon"), "Xeon, e, fp16"),
        ({}, "e, fp16"),
    ],
)
def test_a_machine_is_called_by_what_computes(entry, facts, words):
    ada = entry()
    assert machine_of(ada._replace(machine=facts)) == words
