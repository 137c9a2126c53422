"""Texts that came from outside, made fit to be shown: on one line, and without passwords."""

import re
import unicodedata

# A user and a password before the host of an address. A password may hold anything but blanks and
# quotes, an @ and a / too; digits and a slash are a port and a path.
_CREDENTIALS = re.compile(
    r"""(?P<user>\b[A-Za-z][A-Za-z0-9+.-]*://[^\s'"/?#:@]*:)(?!\d+/)[^\s'"]+(?=@)"""
)

# What is often secret among the words behind an address's question mark.
_SECRET_WORDS = re.compile(
    r"""(?P<word>[?&;](?:\w*(?:pass|passwd|password|pwd|secret|token|signature|auth|key))=)"""
    r"""[^\s&;#'"]+""",
    re.IGNORECASE,
)

_BLOT = "***"

# Kinds of characters that no terminal or page may get: controls, directions of writing, lone
# surrogates, ends of lines and paragraphs.
_UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def without_secrets(text: str) -> str:
    """The same text, with the passwords in its addresses blotted out.

    >>> without_secrets("rtsp://ann:s3cr@t@10.0.0.7/live does not answer")
    'rtsp://ann:***@10.0.0.7/live does not answer'
    >>> without_secrets("http://10.0.0.7/shot.jpg?user=ann&password=s3cret")
    'http://10.0.0.7/shot.jpg?user=ann&password=***'
    """
    text = _CREDENTIALS.sub(r"\g<user>" + _BLOT, text)
    return _SECRET_WORDS.sub(r"\g<word>" + _BLOT, text)


def printable(text: object, keep: str = "") -> str:
    r"""A text on one line that no terminal obeys; what cannot be shown is written as its code.

    A byte of a file's name that is no UTF-8 becomes \xNN. The characters of `keep` stay as they
    are.

    >>> printable("a\x1b[2J\nb")
    'a\\x1b[2J\\nb'
    >>> printable("caf\udce9.jpg")
    'caf\\xe9.jpg'
    """
    shown = []
    for character in str(text):
        unfit = unicodedata.category(character) in _UNSHOWN and character not in keep
        shown.append(_as_code(character) if unfit else character)
    return "".join(shown)


def _as_code(character: str) -> str:
    """A character as Python would write it in a string."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # how Python carries a byte that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
