"""Makes texts from outside fit to be shown: on one line, and without passwords."""

import re
import reprlib
import unicodedata
from typing import Collection

# A user, who may be an e-mail address, and a password before the host of an address. A password may
# contain anything, even a few blanks if it has no slash; it ends at the last @. An @ further on may
# hide more than the password, which does no harm. After the colon there may be one slash only:
# pathlib drops the other. The bounds keep long texts fast.
_CREDENTIALS = re.compile(
    r"""(?P<user>\b[A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,3}[^\s'"/?#:]{0,300}:)"""
    r"""(?:\S{1,600}|[^\s/]{1,300}(?:\s[^\s'"/@]{1,300}){1,3})(?=@)"""
)

# Words whose values are secrets: after the question mark of an address, in its path, and among the
# properties of GStreamer's elements.
_SECRET_WORDS = re.compile(
    r"""(?P<word>[?&;#][\w.-]{0,100}?"""
    r"""(?:pas\w{0,10}|pwd|psw|pw|secret|token|jwt|signature|sig|auth|key)="""
    r"""|/[\w.=-]{0,100}?(?:passwd|password)="""
    r"""|\b(?:(?:user|proxy)-pw|\w{0,30}(?:passwd|password|passphrase))\s{0,9}=\s{0,9})"""
    r"""(?:"[^"]*"|[^\s&;#'"]+)""",
    re.IGNORECASE,
)

_BLOT = "***"

# How much of a refused value is shown, which may be a list of a million numbers.
_ABRIDGED = reprlib.Repr()
_ABRIDGED.maxlevel = 3
_ABRIDGED.maxstring = 60
_ABRIDGED.maxother = 60

# Unicode's categories of characters that must not reach a terminal or a page: controls, changes of
# the writing direction, lone surrogates, ends of lines and paragraphs.
_UNFIT = ("Cc", "Cf", "Cs", "Zl", "Zp")


def without_secrets(text: str) -> str:
    """A text with the passwords in its addresses blotted out.

    >>> without_secrets("rtsp://ann:s3cr@t@10.0.0.7/live does not answer")
    'rtsp://ann:***@10.0.0.7/live does not answer'
    >>> without_secrets("http://10.0.0.7/shot.jpg?user=ann&password=s3cret")
    'http://10.0.0.7/shot.jpg?user=ann&password=***'
    >>> without_secrets("rtspsrc location=rtsp://10.0.0.7/live user-id=ann user-pw=s3cret")
    'rtspsrc location=rtsp://10.0.0.7/live user-id=ann user-pw=***'
    """
    text = _CREDENTIALS.sub(r"\g<user>" + _BLOT, text)
    return _SECRET_WORDS.sub(r"\g<word>" + _BLOT, text)


def printable(text: object, keep: str = "") -> str:
    r"""A text on one line that cannot control a terminal: unfit characters become their codes.

    A byte of a file name that is not UTF-8 becomes \xNN. Characters in `keep` stay as they are.

    >>> printable("a\x1b[2J\nb")
    'a\\x1b[2J\\nb'
    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    characters = []
    for character in str(text):
        is_unfit = unicodedata.category(character) in _UNFIT and character not in keep
        characters.append(_as_code(character) if is_unfit else character)
    return "".join(characters)


def abridged(value: object) -> str:
    """A value for the sentence that refuses it: as Python writes it, and cut short if it is long.

    >>> abridged("bgr"), abridged([0] * 1000)
    ("'bgr'", '[0, 0, 0, 0, 0, 0, ...]')
    """
    try:
        return _ABRIDGED.repr(value)
    except ValueError:  # Python does not write whole numbers of more than 4300 digits
        return "a number of thousands of digits"


def list_of(names: Collection[str], most: int) -> str:
    """The first names in a sentence; of more than `most`, how many are left out.

    >>> list_of(["bus", "car", "van"], 2)
    'bus, car and 1 more'
    """
    some = ", ".join(printable(name) for name in list(names)[:most])
    if len(names) > most:
        some += f" and {len(names) - most} more"
    return some


def _as_code(character: str) -> str:
    """A character as Python would write it in a string."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # Python's stand-in for a byte that is not UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
