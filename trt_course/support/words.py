"""Texts that came from outside, made fit to be shown: on one line, and without passwords."""

import re
import reprlib
import unicodedata

# A user, perhaps by an e-mail address, and a password before the host of an address. A password may
# hold anything, a few blanks too where it has no slash, and ends at the last @. What is taken for a
# password and is none (an @ far behind a port) is hidden too, which does no harm. A path has lost
# one of the two slashes. The bounds keep a long text fast.
_CREDENTIALS = re.compile(
    r"""(?P<user>\b[A-Za-z][A-Za-z0-9+.-]{1,30}:/{1,3}[^\s'"/?#:]{0,300}:)"""
    r"""(?:\S{1,600}|[^\s/]{1,300}(?:\s[^\s'"/@]{1,300}){1,3})(?=@)"""
)

# What is often secret among the words behind an address's question mark, or in its path; and the
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

# How much of a value that was refused is shown: it may be a list of a million numbers.
_ABRIDGED = reprlib.Repr()
_ABRIDGED.maxlevel = 3
_ABRIDGED.maxstring = 60
_ABRIDGED.maxother = 60

# Kinds of characters that no terminal or page may get: controls, directions of writing, lone
# surrogates, ends of lines and paragraphs.
_UNSHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def without_secrets(text: str) -> str:
    """The same text, with the passwords in its addresses blotted out.

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


def shown(value: object) -> str:
    """A value for the sentence that refuses it, as Python writes it, and cut where it is long.

    >>> shown("bgr"), shown([0] * 1000)
    ("'bgr'", '[0, 0, 0, 0, 0, 0, ...]')
    """
    try:
        return _ABRIDGED.repr(value)
    except ValueError:  # Python writes no whole number of more than 4300 digits
        return "a number of thousands of digits"


def _as_code(character: str) -> str:
    """A character as Python would write it in a string."""
    number = ord(character)
    if 0xDC80 <= number <= 0xDCFF:  # how Python carries a byte that is no UTF-8
        return f"\\x{number - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
