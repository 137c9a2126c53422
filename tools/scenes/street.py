"""Fills a street: what stands and moves where, by tables of how busy each kind of street is.

It places; `scene` photographs. All chances come from one generator, so a street is a function of
its seed.
"""

from typing import Callable, List, Optional

import numpy as np

from . import artwork
from .kerbside import Item, Kerbside
from .mesh import Mesh
from .passers import Passers
from .road import Plan, Road, ground, joined, marks_of, zebra_of
from .street_kinds import STREET_ODDS, STREETS
from .town import Town
from .traffic import Traffic

ZEBRA_WIDTH = 3.4
BAY_WIDTH = 2.2
SEEN_LENGTH = 90  # metres of a street that one picture shows; what is counted is meant for these


class Street(Traffic, Passers, Kerbside):
    """One street with everything on it.

    What is on it is placed by the three classes it is made of; they share its generator, and the
    order in which they draw is part of what a seed means.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        split: str,
        weather: dict,
        length: float = 165.0,
        kind: Optional[str] = None,
        journey: float = 0.0,
    ) -> None:
        self.rng = rng
        self.split = split
        self.weather = weather
        self.length = length
        self.journey = journey  # speed of the own car where the whole street is seen, else 0

        # what is usual here, and how much of it there is
        if kind is None:
            kinds = list(STREET_ODDS)
            kind = str(rng.choice(kinds, p=list(STREET_ODDS.values())))
        self.habit = STREETS[kind]
        self.busy = rng.uniform(0.5, 1.25)
        self.repeat = length / SEEN_LENGTH if journey else 1.0

        # the road, and where across it the own car is
        bend = self._bend()
        self.road = Road(length + 60, bend, rng.uniform(0, 50))
        self.plan = self._plan()
        self.own = self.plan.lane * self._own_lane()

        # what is on it
        self.items: List[Item] = []
        self.lamps: List[
            tuple
        ] = []  # (s, lateral, z, red, green, blue) of those that light the scene
        self.taken: List[
            tuple
        ] = []  # (s, lateral, half width, half length) of what nothing may stand in
        self.town = Town(rng, self.road, self.plan, self.habit["town"], length, weather["night"])
        self._fill()

        # what is drawn on the ground
        self.marks = marks_of(self.plan)
        self.zebra = zebra_of(self.plan)
        self.ground = joined(ground(self.road, self.plan, -14, length + 50))

    def _fill(self):
        """Put everything down; the order decides who finds room."""
        self._traffic()
        self._parked()
        self._crossing()
        self._walkers()
        self._riders()
        self._idle()
        self._signs()
        self._trees()
        self._lamps()
        self._small()

    def _bend(self):
        """How much the heading changes a metre, to the left or the right."""
        rng = self.rng
        if rng.random() < 0.45:
            return 0
        return rng.choice((-1, 1)) * rng.uniform(0.001, 0.007)

    def _own_lane(self):
        """Lanes from the middle of the road to the own car."""
        if self.plan.lanes == 1 or self.rng.random() < 0.5:
            return 0.5
        return 1.5

    def _plan(self):
        """The street's cross-section, and what crosses it where."""
        habit = self.habit
        rng = self.rng
        parking = tuple(self._bay_width() for _ in range(2))
        junction = 0.0
        if rng.random() < habit["junction"]:
            junction = rng.uniform(22, 75)
        mouth = rng.uniform(10.5, 14)
        zebra = self._zebra_place(junction, mouth)

        # the ranges are drawn in this order
        return Plan(
            lanes=habit["lanes"],
            lane=rng.uniform(*habit["lane"]),
            parking=parking,
            pavement=rng.uniform(*habit["pavement"]),
            garden=rng.uniform(*habit["garden"]),
            soil=habit["soil"],
            kerbs=habit["kerbs"],
            junction=junction,
            mouth=mouth,
            zebra=zebra,
            yellow=rng.random() < 0.15,
        )

    def _bay_width(self):
        """How wide the parking bays of one side are, 0 for none."""
        if self.rng.random() < self.habit["parking"]:
            return BAY_WIDTH
        return 0.0

    def _zebra_place(self, junction, mouth):
        """(from, to) along the road, or (): before the junction, or anywhere but in it."""
        rng = self.rng
        before_junction = junction - mouth / 2 - 5.5
        start = before_junction
        if not junction or rng.random() >= 0.6:
            start = rng.uniform(14, 50)
        wanted = rng.random() < self.habit["zebra"]
        if not wanted or start <= 8:
            return ()
        from_junction = abs(start + 2 - junction)
        if junction and from_junction < mouth / 2 + 3.5:
            return (before_junction, junction - mouth / 2 - 2.1)
        return (start, start + ZEBRA_WIDTH)

    def somewhere(self, near: float, depth: float, crowd: float) -> float:
        """A place along the street; the larger `crowd`, the more of them are near the camera."""
        if self.journey:
            return self.rng.uniform(near, self.length * 0.9)
        return near + self.rng.beta(1.0, crowd) * depth

    def pick(self, kind: str) -> int:
        """The number of a design that the street's split may draw."""
        return int(self.rng.choice(artwork.designs(kind, self.split)))

    def room(self, s: float, lateral: float, size: tuple, turn: float) -> bool:
        """Whether nothing labelled stands within a hand's breadth; if so, the place is taken now.

        `size` is (width, length).
        """
        width, length = size
        slant = abs(np.sin(turn))
        half_wide = (width + (length - width) * slant) / 2
        half_long = (length + (width - length) * slant) / 2
        for other_s, other_lateral, other_half_wide, other_half_long in self.taken:
            along = abs(other_s - s)
            across = abs(other_lateral - lateral)
            free_along = along >= other_half_long + half_long + 0.1
            free_across = across >= other_half_wide + half_wide
            if not free_along and not free_across:
                return False
        self.taken.append((s, lateral, half_wide, half_long))
        return True

    def add(self, shape: Callable[[float], Mesh], s: float, lateral: float, **more) -> None:
        """Put something down, unless it would stand inside something else.

        `shape(t)` gives its mesh at time t; `more` are fields of `Item`.
        """
        is_labelled = more.get("label", -1) > 0
        if is_labelled and "size" in more:
            turn = more.get("turn", 0.0)
            if not self.room(s, lateral, more["size"], turn):
                return
        more.setdefault("z", self.plan.height(lateral))
        track = len(self.items)
        self.items.append(Item(shape, float(s), float(lateral), track=track, **more))
