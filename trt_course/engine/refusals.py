"""What a library says when it does not open a file, and what that means in the reader's words."""

from typing import NamedTuple, Sequence, Tuple


class Refusal(NamedTuple):
    """A reason not to open a file: any of the signs in the library's message, and its meaning."""

    signs: Tuple[str, ...]
    meaning: str


def meaning_of(message: str, refusals: Sequence[Refusal], otherwise: str) -> str:
    """The meaning of the first refusal that has a sign in the message; `otherwise` if none has."""
    for refusal in refusals:
        if any(sign in message for sign in refusal.signs):
            return refusal.meaning
    return otherwise


def one_line(message: str) -> str:
    """The message with all its white space made single spaces."""
    return " ".join(message.split())
