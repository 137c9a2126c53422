"""Names of teams: which characters draw nothing, which letters are easily confused, how long."""

import pytest

from trt_course.contest.names import is_name, looks_of, who_is


@pytest.mark.parametrize(
    "letters, twins",
    [
        ("АВЕЅІЈКМНОРСТХУ", "ABESIJKMHOPCTXY"),
        ("аеѕіјорсхуһԁԛԝ", "aesijopcxyhdqw"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("αικνορυχ", "aikvopux"),
        ("ıɑɡ", "iag"),
    ],
)
def test_every_letter_with_a_latin_twin_looks_like_it(letters, twins):
    assert [looks_of(letter) for letter in letters] == [looks_of(twin) for twin in twins]
    assert not set(map(who_is, letters)) & set(map(who_is, twins))


# The first and the last of each row of characters that draw nothing.
INVISIBLE = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180e\u2800\u3164\ufe00\ufe0f\uffa0"
INVISIBLE += "\U000e0100\U000e01ef"


@pytest.mark.parametrize("character", INVISIBLE)
def test_a_character_that_draws_nothing_makes_no_other_name(character):
    assert who_is("Go" + character + "od") == who_is("Good")
    assert not is_name(character)


@pytest.mark.parametrize("character", "\u034e\u1161\u17b3\u180a\u2801\u3163\ufe10\uff9f")
def test_a_character_beside_those_is_part_of_a_name(character):
    assert who_is("Go" + character + "od") != who_is("Good")


@pytest.mark.parametrize("length", [1, 100, 101])
def test_a_name_has_up_to_a_hundred_characters(length):
    assert is_name("a" * length) == (length <= 100)


def test_the_length_is_that_of_the_name_as_it_is_shown():
    assert is_name("\ufdfa" * 5)  # 18 characters each once they are written out
    assert not is_name("\ufdfa" * 6)
    assert not is_name("   ")
    assert not is_name(5)
    assert not is_name(None)
