"""--classes: which names become which, and what is refused."""

import numpy as np
import pytest

from measure.rows import as_found, as_truth
from trt_course import CourseError
from trt_course.measure import class_map
from trt_course.measure.class_map import read_class_map

BOX = [0.0, 0, 9, 9]


@pytest.mark.parametrize(
    "words, wanted",
    [
        ([], {}),
        (["car=vehicle"], {"car": "vehicle"}),
        (
            ["car,bus=vehicle", "person=pedestrian"],
            {"car": "vehicle", "bus": "vehicle", "person": "pedestrian"},
        ),
        (["traffic light=light"], {"traffic light": "light"}),
        (["car, stop sign = road thing"], {"car": "road thing", "stop sign": "road thing"}),
    ],
)
def test_words_that_say_something(words, wanted):
    assert read_class_map(words) == wanted


@pytest.mark.parametrize(
    "words, said",
    [
        (["car"], "'car' does not say which class gets which name; wanted: OLD=NEW"),
        (["car="], "'car=' does not say"),
        (["car= "], "'car= ' does not say"),
        (["car=bus=van"], "'car=bus=van' does not say"),
        (["car,", "bus=vehicle"], "'car,' does not say"),
        (["=vehicle"], "a name is missing before '=vehicle'"),
        (["car,,bus=vehicle"], "a name is missing before '=vehicle'"),
        (["car,bus=vehicle", "car=auto"], "names 'car' twice"),
        (["car,car=vehicle"], "names 'car' twice"),
    ],
)
def test_words_that_do_not(words, said):
    with pytest.raises(CourseError) as refused:
        read_class_map(words)
    assert str(refused.value).startswith("--classes")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "name, said",
    [
        ("buss", "did you mean bus?"),
        ("Car", "did you mean car?"),
        ("traficlight", "did you mean traffic light?"),
        ("zebra", "the classes are: bus, car, traffic light."),
    ],
)
def test_an_unknown_name_is_refused_with_those_like_it(name, said):
    known = {"traffic light", "car", "bus"}
    class_map.require_known({"car": name}, known)
    with pytest.raises(CourseError) as refused:
        class_map.require_known({"car": "x", name: "y"}, known)
    sentence = str(refused.value)
    assert f"there is no class '{name}', neither in the ground truth nor among what is" in sentence
    assert sentence.endswith(said)


def test_of_many_classes_ten_are_named():
    with pytest.raises(CourseError, match="c00, .*c09 and 70 more.$"):
        class_map.require_known({"zebra": "y"}, {f"c{number:02}" for number in range(80)})


def test_names_change_once_and_everything_else_stays():
    """Two names may be exchanged: the new one of the first is not the old one of the second."""
    new_names = {"car": "bus", "bus": "car"}
    truths = {"a": as_truth([("car", BOX, True), ("bus", BOX, False), ("van", BOX, False)])}
    truths["a"] = truths["a"]._replace(areas=np.array([1.0, 2, 3]))
    founds = {"a": as_found([("bus", 0.5, BOX), ("dog", 0.4, BOX)])}

    renamed = class_map.rename_truths(truths, new_names)["a"]
    assert renamed.labels == ["bus", "car", "van"]
    assert renamed._replace(labels=0)[1:] == truths["a"][1:]
    assert class_map.rename_founds(founds, new_names)["a"].labels == ["car", "dog"]
    assert truths["a"].labels == ["car", "bus", "van"]


def test_classes_are_those_that_have_a_box():
    truths = {"a": as_truth([("car", BOX, True)]), "b": as_truth([("bus", BOX, False)])}
    assert class_map.classes_of(truths) == {"car", "bus"}
    assert class_map.classes_of({"a": as_found([])}) == set()
