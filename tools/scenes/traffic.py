"""The vehicles of a street: in the lanes, in parking bays, on the crossing street.

A part of `street.Street`. It places them; their meshes are `vehicles`.
"""

import numpy as np

from . import vehicles
from .kerbside import still

VEHICLE = 1  # class
LEFT = -1
RIGHT = 1

TOO_LONG_TO_PARK = ("bus", "truck")
ZEBRA_CLEARANCE = 5  # metres before and behind a zebra in which nobody parks
LAMPS_BY_DAY = (0.0, 0.5, 1.0)


def heading_along(way: int) -> float:
    """The heading, relative to the road's, of what goes along it (1) or comes towards one (-1)."""
    if way > 0:
        return 0
    return np.pi


def heading_across(way: int) -> float:
    """The heading, relative to the road's, of what crosses it to the right (1) or the left (-1)."""
    return -way * np.pi / 2


class Traffic:
    """The vehicles of a street; `Street` gives plan, habit, weather, the generator and `add`."""

    def _vehicle(self, s, lateral, turn, number, parked=False, speed=0.0):
        """Put a design down; its front is turned from the road's direction."""
        design = vehicles.design(number)
        lamps = 0.0 if parked else self._lamps_of_traffic()
        colour = vehicles.colour(design.spec, self.rng)
        self.add(
            still(design.mesh),
            s,
            lateral,
            turn=turn,
            palette=(colour,),
            label=VEHICLE,
            speed=speed,
            glow=lamps,
            size=design.size[:2],
        )

    def _lamps_of_traffic(self):
        """How strongly a vehicle's lamps shine."""
        night = self.weather["night"]
        if night > 0:
            return 1.5 + 9 * night
        return self.rng.choice(LAMPS_BY_DAY)

    def _traffic(self):
        """Vehicles in the lanes: ahead, and coming the other way."""
        for lane in range(self.plan.lanes):
            for way in (1, -1):
                self._fill_lane(way * (lane + 0.5) * self.plan.lane, way)

    def _fill_lane(self, lateral, way):
        """Vehicles one behind the other; in a journey's own lane they keep the own car's speed."""
        rng = self.rng
        own = abs(lateral - self.own) < 0.5
        s = rng.uniform(7.5, 26) if own else rng.uniform(1, 25)
        speed = self._speed(own, way)
        while s < self.length:
            number = self.pick("vehicle")
            length = vehicles.design(number).size[1]
            half = length / 2
            share = 0.8 * min(1, self.busy + 0.2)
            if rng.random() < share:
                wobble = rng.normal(0, 0.012)
                beside = lateral + rng.normal(0, 0.15)
                turn = heading_along(way) + wobble
                self._vehicle(s + half, beside, turn, number, speed=speed)
            gap = rng.uniform(*self.habit["gap"]) / self.busy
            s += 2 * half + 2.5 + gap

    def _speed(self, own, way):
        if own and way > 0:
            return self.journey
        return way * self.rng.uniform(6, 9)

    def _parked(self):
        """Vehicles in the bays along the kerbs."""
        for side, width in zip((LEFT, RIGHT), self.plan.parking):
            if width:
                self._fill_bays(side)

    def _fill_bays(self, side):
        rng = self.rng
        s = rng.uniform(0, 9)
        lateral = self.plan.edge(side) - side * 1.08
        while s < self.length * 0.8:
            if self._may_park(s) and rng.random() < self.habit["parked"]:
                self._park(s, lateral, side)
            s += rng.uniform(5.6, 7.2)

    def _park(self, s, lateral, side):
        """Put a vehicle into a bay; nearly all look along their side of the road."""
        rng = self.rng
        beside = lateral + rng.normal(0, 0.06)
        way = side
        if rng.random() >= 0.92:
            way = -side
        turn = heading_along(way) + rng.normal(0, 0.02)
        self._vehicle(s, beside, turn, self._small_vehicle(), parked=True)

    def _may_park(self, s):
        """Neither in the mouth of a side street nor near a zebra."""
        if self.plan.in_mouth(s, 5):
            return False
        if not self.plan.zebra:
            return True
        start, end = self.plan.zebra
        return not start - ZEBRA_CLEARANCE < s < end + ZEBRA_CLEARANCE

    def _small_vehicle(self):
        """A design that fits a parking bay."""
        while True:
            number = self.pick("vehicle")
            kind = vehicles.ORDER[number % len(vehicles.ORDER)]
            if kind not in TOO_LONG_TO_PARK:
                return number

    def _crossing(self):
        """Vehicles of the crossing street, waiting or passing."""
        rng = self.rng
        junction = self.plan.junction
        if not junction:
            return
        for side in (LEFT, RIGHT):
            from_kerb = rng.uniform(3, 9)
            lateral = side * (abs(self.plan.edge(side)) + from_kerb)
            for _ in range(rng.integers(0, 4)):
                way = rng.choice((-1, 1))
                turn = heading_across(way) + rng.normal(0, 0.03)
                self._vehicle(junction - way * 1.8, lateral, turn, self._small_vehicle())
                lateral += side * rng.uniform(7, 16)
