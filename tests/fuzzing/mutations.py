"""Files and values that are a little wrong: bytes cut, flipped or moved, fields that lie."""

import copy

NUMBERS = (0, -1, 1, 2, 255, 65536, 10**9, 10**20, -(10**20), 0.5, -0.0, 1e308, 5e-324)
NOT_NUMBERS = (float("nan"), float("inf"), float("-inf"))
TEXTS = (
    "",
    " ",
    "x" * 3000,
    "a\nb",
    "a\u2028b",
    "\x00",
    "\x1b[2J",
    "\ud800",
    "\u202eabc",
    "../../x",
    "/dev/zero",
    "<img src=x onerror=alert(1)>",
    "$a^{b$",
    "=1+1",
    "nan",
    "%s%n{0}",
)
OTHERS = (None, True, False, [], {}, [[]], [None], {"": {}}, [1, "a"])
EVIL = NUMBERS + NOT_NUMBERS + TEXTS + OTHERS


def cut(random, data):
    """The beginning of it."""
    return data[: random.randrange(len(data))]


def _flipped(random, data):
    """Single bits are other ones."""
    changed = bytearray(data)
    for _ in range(random.choice((1, 3, 20))):
        changed[random.randrange(len(data))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _overwritten(random, data):
    """A stretch of it is something else."""
    start, end = _stretch(random, data)
    filler = random.choice((b"\x00", b"\xff", b"\x7f", None))
    if filler is None:
        middle = bytes(random.randrange(256) for _ in range(end - start))
    else:
        middle = filler * (end - start)
    return data[:start] + middle + data[end:]


def _without_a_stretch(random, data):
    start, end = _stretch(random, data)
    return data[:start] + data[end:]


def _with_a_stretch_twice(random, data):
    start, end = _stretch(random, data)
    return data[:end] + data[start:]


def _with_more(random, data):
    """Something stands behind it, or in front."""
    more = bytes(random.randrange(256) for _ in range(random.randrange(1, 40)))
    if random.random() < 0.5:
        return data + more
    return more + data


def _stretch(random, data):
    start = random.randrange(len(data))
    return start, min(len(data), start + random.choice((1, 4, 4, 16, 200)))


CHANGES = (
    _flipped,
    _overwritten,
    _without_a_stretch,
    _with_a_stretch_twice,
    _with_more,
)


def changed(random, data):
    """The bytes, changed in one way or another, mostly where files have their heads."""
    change = random.choice(CHANGES)
    if random.random() < 0.5 and len(data) > 600:
        return change(random, data[:300]) + data[300:]
    return change(random, data)


def changed_value(random, value):
    """A copy of what a JSON file holds, with one to three of its parts replaced, gone or added."""
    value = copy.deepcopy(value)
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        place = random.choice(list(_containers(value)))
        _change_one(random, place)
    return value


def _containers(value):
    """All objects and lists in it that hold something."""
    if not isinstance(value, (dict, list)) or not value:
        return
    yield value
    for part in value.values() if isinstance(value, dict) else value:
        yield from _containers(part)


def _change_one(random, place):
    if isinstance(place, list):
        key = random.randrange(len(place))
    else:
        key = random.choice(sorted(place, key=str))
    way = random.random()
    if way < 0.7:
        place[key] = copy.deepcopy(random.choice(EVIL))
    elif way < 0.85 and len(place) > 1:
        del place[key]
    elif isinstance(place, list):
        place.insert(key, copy.deepcopy(random.choice(EVIL)))
    else:
        place[str(random.choice(TEXTS))] = copy.deepcopy(random.choice(EVIL))
