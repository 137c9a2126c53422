"""Names of teams: which spellings are the same name, and which names are easily confused."""

import unicodedata
from typing import Any

LONGEST_NAME = 100

# Characters that count as printable but draw nothing: joiners, fillers, the blank of Braille, and
# variation selectors.
_INVISIBLE = frozenset(
    map(
        chr,
        [0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0]
        + list(range(0x180B, 0x180F))
        + list(range(0xFE00, 0xFE10))
        + list(range(0xE0100, 0xE01F0)),
    )
)

# Letters of other alphabets, upper and lower case, that look like Latin ones.
_TWINS = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсхуһԁԛԝ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχ" + "ıɑɡ",
    "ABESIJKMHOPCTXYaesijopcxyhdqw" + "ABEZHIKMNOPTYXaikvopux" + "iag",
)


def is_name(value: Any) -> bool:
    """Whether a value is a team's name: one line that is not too long and that can be seen."""
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        return False
    if not all(_is_shown(character) for character in value):
        return False
    name = clean_name(value)
    return 0 < len(name) <= LONGEST_NAME and bool(who_is(name))


def _is_shown(character: str) -> bool:
    """Whether it can be printed, or is a space of any width. Control characters are neither."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


def clean_name(name: str) -> str:
    """A name as it is shown: one form for each character, and single spaces between its words.

    >>> clean_name(" Ｇｏｏｄ  team ")
    'Good team'
    """
    return " ".join(unicodedata.normalize("NFKC", name).split())


def who_is(name: str) -> str:
    """What all spellings of one name have in common.

    >>> who_is("Good ") == who_is("good") == who_is("ＧＯＯＤ")
    True
    """
    visible = "".join(character for character in name if character not in _INVISIBLE)
    return clean_name(clean_name(visible).casefold())


def looks_of(name: str) -> str:
    """What names that look alike have in common, such as Ada with a Latin or a Cyrillic A.

    >>> looks_of("\\u0410da") == looks_of("Ada"), who_is("\\u0410da") == who_is("Ada")
    (True, False)
    """
    return who_is(clean_name(name).translate(_TWINS))
