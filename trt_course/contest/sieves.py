"""Which hand-ins may not be ranked, and why. Each sieve holds back one kind.

A sieve gets the hand-ins that are left, oldest first, and gives a reason for each one that it holds
back, by its place among them. Whether a file is a hand-in at all is decided in handin.py.
"""

from collections import Counter
from typing import Callable, Dict, Hashable, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..measure.boxes import Truths
from ..support.errors import CourseError
from .handin import HandIn, clean
from .names import looks_of


class Refused(NamedTuple):
    """A file that is not ranked."""

    file: str
    reason: str


class Wanted(NamedTuple):
    """The digests of the organiser's own files; where there is none, the majority's counts."""

    data_sha256: Optional[str] = None
    video_sha256: Optional[str] = None


Reasons = Dict[int, str]
Sieve = Callable[[Sequence[HandIn], Wanted], Reasons]


def require_complete(entry: HandIn, truths: Truths) -> None:
    """Raise a CourseError unless a hand-in has detections and a time for just the true pictures."""
    wanted = set(truths)
    detected = set(entry.detections)
    timed = set(entry.image_ms)
    _require_none(wanted - detected, "lacks the picture")
    _require_none(detected - wanted, "holds detections of a picture without ground truth:")
    _require_none(detected ^ timed, "has only a time or only detections for")


def _require_none(names: Set[str], fault: str) -> None:
    if names:
        raise CourseError(f"It {fault} {clean(min(names))} ({len(names)} in all).")


def sift(entries: Sequence[HandIn], wanted: Wanted) -> Tuple[List[HandIn], List[Refused]]:
    """The hand-ins that may be ranked, oldest first, and those that may not."""
    left = sorted(entries, key=lambda entry: (entry.created, entry.run, entry.file))
    refused = []
    for sieve in SIEVES:
        reasons = sieve(left, wanted)
        refused += [Refused(left[number].file, reason) for number, reason in reasons.items()]
        left = [entry for number, entry in enumerate(left) if number not in reasons]
    return left, refused


def _other_pictures(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    digests = [entry.data_sha256 for entry in entries]
    return _strange(digests, entries, wanted.data_sha256, what="set of pictures", cure="--data DIR")


def _other_video(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    digests = [entry.video_sha256 for entry in entries]
    return _strange(digests, entries, wanted.video_sha256, what="video", cure="--video FILE")


def _other_length(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    lengths = [len(entry.frame_ms) for entry in entries]
    return _strange(lengths, entries, None, what="number of frames", cure="fewer hand-ins")


def _strange(
    facts: Sequence[Hashable],
    entries: Sequence[HandIn],
    wanted: Optional[Hashable],
    what: str,
    cure: str,
) -> Reasons:
    """Those whose fact is not the wanted one or, where none is wanted, that of most teams."""
    if wanted is None:
        most_voted = _most_voted(facts, entries)
        if len(most_voted) > 1:
            reason = f"No {what} has the majority among the teams; rank again with {cure}."
            return {number: reason for number in range(len(entries))}
        wanted = next(iter(most_voted), None)

    reason = f"Its {what} is not that of the contest."
    return {number: reason for number, fact in enumerate(facts) if fact != wanted}


def _most_voted(facts: Sequence[Hashable], entries: Sequence[HandIn]) -> List[Hashable]:
    """The fact of most teams, or several where as many teams have each; a team's last counts."""
    votes = {entry.who: fact for entry, fact in zip(entries, facts)}
    counted = Counter(votes.values())
    most = max(counted.values(), default=0)
    return [fact for fact, number in counted.items() if number == most]


def _copies(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    """Times to the nanosecond do not come twice. Which of them is the copy, a person must say."""
    names_by_times: Dict[Tuple[float, ...], Dict[str, str]] = {}
    for entry in entries:
        names = names_by_times.setdefault(entry.frame_ms, {})
        names[entry.who] = entry.team

    reasons = {}
    for number, entry in enumerate(entries):
        names = names_by_times[entry.frame_ms]
        others = sorted(team for who, team in names.items() if who != entry.who)
        if others:
            reasons[number] = (
                f"Its times are also those of {', '.join(others)}: one is a copy. "
                "Take that out and rank again."
            )
    return reasons


def _look_alikes(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    """Names that look the same but are written in different alphabets."""
    files_by_looks: Dict[str, Dict[str, str]] = {}
    for entry in entries:
        files = files_by_looks.setdefault(looks_of(entry.team), {})
        files[entry.who] = entry.file

    reasons = {}
    for number, entry in enumerate(entries):
        files = files_by_looks[looks_of(entry.team)]
        others = sorted(file for who, file in files.items() if who != entry.who)
        if others:
            reasons[number] = (
                f"Its team's name looks like that in {', '.join(others)}, but is written with "
                "letters of another alphabet. Take one out and rank again."
            )
    return reasons


def _earlier(entries: Sequence[HandIn], wanted: Wanted) -> Reasons:
    """All of a team's hand-ins but the last."""
    last = {entry.who: entry.file for entry in entries}
    reasons = {}
    for number, entry in enumerate(entries):
        newest = last[entry.who]
        if newest != entry.file:
            reasons[number] = f"{entry.team} handed in again later: {newest} counts."
    return reasons


SIEVES: Tuple[Sieve, ...] = (
    _other_pictures,
    _other_video,
    _other_length,
    _copies,
    _look_alikes,
    _earlier,
)
