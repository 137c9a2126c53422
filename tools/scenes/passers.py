"""The people and two-wheelers of a street: walking, crossing, riding, or left at the kerb.

A part of `street.Street`. It places them; their meshes are `people` and `cycles`.
"""

import numpy as np

from . import cycles, people
from .traffic import LEFT, RIGHT, heading_across, heading_along

PEDESTRIAN = 2  # classes
BICYCLE = 3

STANDING_POSES = 4
POSES_A_SECOND = 7.5
WALKING_SPEED = 1.25  # metres a second
CROSSING_SPEED = 1.2
CRANK_POSES = 4
CRANK_POSES_A_SECOND = 5
RIDING_SPEED = 4.5
MOTOR_SPEED = 7


class _Person:
    """The mesh of somebody at a time: walking poses go on, standing ones stay."""

    def __init__(self, number, pose):
        self.number = number
        self.pose = pose
        self.walks = pose < people.PHASES

    def __call__(self, t):
        pose = self.pose
        if self.walks and t:
            pose = int(self.pose + t * POSES_A_SECOND) % people.PHASES
        return people.design(self.number, pose)


class _Cycle:
    """The mesh of a two-wheeler at a time: the cranks of a moving rider turn."""

    def __init__(self, number, rider, pose, moving):
        self.number = number
        self.rider = rider
        self.pose = pose
        self.moving = moving

    def __call__(self, t):
        pose = 0
        if self.rider:
            pose = self.pose % CRANK_POSES
        if self.rider and self.moving:
            pose = int(self.pose + t * CRANK_POSES_A_SECOND) % CRANK_POSES
        return cycles.design(self.number, self.rider, pose)


class Passers:
    """People and two-wheelers; `Street` gives plan, habit, weather, the generator and `add`."""

    def _person(self, s, lateral, turn, pose=None, speed=0.0, sideways=0.0):
        """Put somebody down; who stands has no speed."""
        rng = self.rng
        number = self.pick("person")
        if pose is None:
            pose = int(rng.integers(people.PHASES + STANDING_POSES))
        shape = _Person(number, pose)
        if not shape.walks:
            speed = 0.0
            sideways = 0.0
        self.add(
            shape,
            s,
            lateral,
            turn=turn,
            palette=people.palette(rng),
            label=PEDESTRIAN,
            speed=speed,
            sideways=sideways,
            size=(0.45, 0.45),
        )

    def _walkers(self):
        """People on the pavements, alone or in company, and on the crossing."""
        count = self.rng.poisson(self.habit["people"] * self.busy * self.repeat)
        for _ in range(count):
            side = self.rng.choice((LEFT, RIGHT))
            s = self.somewhere(5, 85, 1.8)
            if not self.plan.in_mouth(s, 1):
                self._company(s, side)
        self._crossers()

    def _company(self, s, side):
        """One to three people side by side on a pavement."""
        rng = self.rng
        width = max(self.plan.pavement, 1.5)
        from_kerb = rng.uniform(0.5, width - 0.3)
        lateral = self.plan.edge(side) + side * from_kerb
        way = rng.choice((-1, 1))
        turn = heading_along(way) + rng.normal(0, 0.15)
        if rng.random() < 0.15:
            turn = rng.uniform(0, 2 * np.pi)

        count = 1
        if rng.random() >= 0.7:
            count = int(rng.integers(2, 4))
        for k in range(count):
            ahead = rng.normal(0, 0.25) * k
            beside = side * 0.6 * k
            own_turn = turn + rng.normal(0, 0.06)
            self._person(s + ahead, lateral + beside, own_turn, speed=way * WALKING_SPEED)

    def _crossers(self):
        """People on the zebra, or crossing somewhere else."""
        for _ in range(self._count_of_crossers()):
            self._crosser()

    def _count_of_crossers(self):
        rng = self.rng
        if self.plan.zebra:
            used = rng.random() < 0.7
            if used or self.journey:
                return rng.integers(1, 6)
        return int(rng.random() < 0.25)

    def _crosser(self):
        """Somebody on the road; on a journey they are gone when the own car comes."""
        plan = self.plan
        rng = self.rng
        if plan.zebra:
            start, end = plan.zebra
            s = rng.uniform(start + 0.4, end - 0.4)
        else:
            s = rng.uniform(14, 60)
        way = rng.choice((-1, 1))
        lateral = rng.uniform(plan.edge(LEFT), plan.edge(RIGHT))
        wobble = 0.12
        if self.journey:
            arrival = s / self.journey + rng.uniform(-1.5, 0.8)
            lateral = plan.edge(way) - way * CROSSING_SPEED * arrival
            wobble = 0.0
        turn = heading_across(way) + rng.normal(0, wobble)
        pose = int(rng.integers(people.PHASES))
        self._person(s, lateral, turn, pose, sideways=way * CROSSING_SPEED)

    def _cycle(self, s, lateral, turn, rider, speed=0.0, number=None):
        """Put a two-wheeler down, with or without its rider."""
        rng = self.rng
        if number is None:
            number = self.pick("cycle")
        pose = int(rng.integers(8))
        paint = people.TOPS[rng.integers(len(people.TOPS))]
        brightness = rng.uniform(0.7, 1.2)
        frame = tuple(np.clip(paint * brightness, 0.01, 0.7))

        night = self.weather["night"]
        lamps = 0.0
        if rider and night:
            lamps = 2 + 5 * night
        self.add(
            _Cycle(number, rider, pose, moving=bool(speed)),
            s,
            lateral,
            turn=turn,
            palette=(*people.palette(rng), frame),
            label=BICYCLE,
            speed=speed,
            glow=lamps,
            size=(0.5, 1.7),
        )

    def _riders(self):
        """Two-wheelers on the road, bicycles near the kerb."""
        count = self.rng.poisson(self.habit["riders"] * self.busy * self.repeat)
        for _ in range(count):
            self._rider()

    def _rider(self):
        rng = self.rng
        half = self.plan.half
        number = self.pick("cycle")
        motor = cycles.Ride(number).motor
        way = -1
        if rng.random() < 0.6:
            way = 1
        s = self.somewhere(7, 70, 1.8)

        # on a journey all keep to the edge, so that the own car drives into nobody
        widest = 0.40 if self.journey else 0.80
        from_middle = half - rng.uniform(0.30, widest)
        if motor and not self.journey:
            from_middle = rng.uniform(0.3, half - 0.4)
        lateral = way * from_middle
        before_lens = abs(lateral - self.own) < 1.2
        if before_lens and s < 9:
            return

        turn = heading_along(way) + rng.normal(0, 0.05)
        speed = MOTOR_SPEED if motor else RIDING_SPEED
        self._cycle(s, lateral, turn, rider=True, speed=way * speed, number=number)

    def _idle(self):
        """Bicycles and motorcycles left on the pavement, some in rows."""
        count = self.rng.poisson(self.habit["idle"] * 0.6 * self.repeat)
        for _ in range(count):
            side = self.rng.choice((LEFT, RIGHT))
            s = self.somewhere(6, 55, 1.7)
            if not self.plan.in_mouth(s, 2):
                self._row(s, side)

    def _row(self, s, side):
        """One to three two-wheelers, side by side or one behind the other."""
        rng = self.rng
        from_kerb = self.plan.pavement - 0.4
        if rng.random() < 0.5:
            from_kerb = rng.uniform(0.5, 1.0)
        lateral = self.plan.edge(side) + side * from_kerb

        if rng.random() < 0.6:
            half_turns = rng.choice((-0.5, 0.5))
            apart = 0.8
        else:
            half_turns = rng.choice((0, 1))
            apart = 2.1
        turn = half_turns * np.pi + rng.normal(0, 0.2)
        for k in range(int(rng.integers(1, 4))):
            own_turn = turn + rng.normal(0, 0.06)
            self._cycle(s + apart * k, lateral, own_turn, rider=False)
