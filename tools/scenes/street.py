"""Fills a street: what stands and moves where, by tables of how busy each kind of street is.

It places; `scene` photographs. All chances come from one generator, so a street is a function of its seed.
"""

import numpy as np

from . import artwork, cycles, people, vehicles
from .kerbside import Item, Kerbside, still
from .road import Plan, Road, ground, joined, marks_of, zebra_of
from .town import Town

VEHICLE, PEDESTRIAN, BICYCLE = 1, 2, 3

# lanes, lane metres, chance of parking, pavement, garden, soil, kerbs, chance of a junction, chance of a zebra, town,
# traffic gap, parked share, people, riders, idle two-wheelers, signs, small things, tree gap
STREETS = {
    "city": (
        1,
        (2.9, 3.3),
        0.85,
        (2.4, 4.2),
        (0, 0.5),
        "paving",
        True,
        0.65,
        0.5,
        "blocks",
        (8, 40),
        0.75,
        22,
        4,
        6,
        9,
        14,
        (10, 30),
    ),
    "avenue": (
        2,
        (3.0, 3.3),
        0.5,
        (3.0, 5.0),
        (0, 1.5),
        "paving",
        True,
        0.6,
        0.5,
        "blocks",
        (7, 32),
        0.7,
        20,
        5,
        4,
        10,
        14,
        (7, 14),
    ),
    "suburb": (
        1,
        (2.8, 3.2),
        0.55,
        (1.5, 2.2),
        (3, 7),
        "grass",
        True,
        0.5,
        0.3,
        "houses",
        (14, 60),
        0.5,
        12,
        4,
        3,
        7,
        8,
        (8, 22),
    ),
    "country": (
        1,
        (3.2, 3.6),
        0,
        (1.5, 2.5),
        (6, 14),
        "grass",
        False,
        0.25,
        0,
        "farms",
        (18, 70),
        0,
        3,
        4,
        0,
        7,
        2,
        (6, 25),
    ),
    "arterial": (
        2,
        (3.3, 3.6),
        0,
        (1.8, 3.0),
        (4, 9),
        "grass",
        True,
        0.3,
        0.2,
        "sheds",
        (8, 40),
        0,
        6,
        3,
        1,
        9,
        6,
        (10, 35),
    ),
}
STREET_FIELDS = (
    "lanes",
    "lane",
    "parking",
    "pavement",
    "garden",
    "soil",
    "kerbs",
    "junction",
    "zebra",
    "town",
    "gap",
    "parked",
    "people",
    "riders",
    "idle",
    "signs",
    "small",
    "trees",
)
STREET_ODDS = {"city": 0.34, "avenue": 0.24, "suburb": 0.22, "country": 0.08, "arterial": 0.12}


class Street(Kerbside):
    """One street with everything on it."""

    def __init__(self, rng, split, weather, length=165.0, kind=None, journey=0.0):
        self.rng, self.split, self.weather, self.length = rng, split, weather, length
        kind = kind or str(rng.choice(list(STREET_ODDS), p=list(STREET_ODDS.values())))
        self.habit = habit = dict(zip(STREET_FIELDS, STREETS[kind]))
        self.busy = rng.uniform(0.5, 1.25)
        self.journey = journey  # speed of the own car where the whole street is seen, else 0
        self.repeat = length / 90 if journey else 1.0
        bend = 0 if rng.random() < 0.45 else rng.choice((-1, 1)) * rng.uniform(0.001, 0.007)
        self.road = Road(length + 60, bend, rng.uniform(0, 50))
        self.plan = self._plan(habit)
        self.items, self.lamps, self.taken = [], [], []
        self.own = self.plan.lane * (0.5 if self.plan.lanes == 1 or rng.random() < 0.5 else 1.5)
        self.town = Town(rng, self.road, self.plan, habit["town"], length, weather["night"])
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
        self.marks, self.zebra = marks_of(self.plan), zebra_of(self.plan)
        self.ground = joined(ground(self.road, self.plan, -14, length + 50))

    def _plan(self, habit):
        rng = self.rng
        parking = tuple(2.2 if rng.random() < habit["parking"] else 0.0 for _ in range(2))
        junction = rng.uniform(22, 75) if rng.random() < habit["junction"] else 0.0
        mouth = rng.uniform(10.5, 14)
        at = junction - mouth / 2 - 5.5 if junction and rng.random() < 0.6 else rng.uniform(14, 50)
        zebra = (at, at + 3.4) if rng.random() < habit["zebra"] and at > 8 else ()
        if junction and zebra and abs(at + 2 - junction) < mouth / 2 + 3.5:
            zebra = (junction - mouth / 2 - 5.5, junction - mouth / 2 - 2.1)
        return Plan(
            habit["lanes"],
            rng.uniform(*habit["lane"]),
            parking,
            rng.uniform(*habit["pavement"]),
            rng.uniform(*habit["garden"]),
            habit["soil"],
            habit["kerbs"],
            junction,
            mouth,
            zebra,
            rng.random() < 0.15,
        )

    def somewhere(self, near, depth, crowd):
        """A place along the street; the larger `crowd`, the more of them are near the camera."""
        if self.journey:
            return self.rng.uniform(near, self.length * 0.9)
        return near + self.rng.beta(1.0, crowd) * depth

    def pick(self, kind):
        return int(self.rng.choice(artwork.designs(kind, self.split)))

    def room(self, s, lateral, size, turn):
        """Whether nothing labelled stands within a hand's breadth; sizes are (width, length)."""
        slant = abs(np.sin(turn))
        wide, long = size[0] + (size[1] - size[0]) * slant, size[1] + (size[0] - size[1]) * slant
        for at, beside, half_wide, half_long in self.taken:
            if (
                abs(at - s) < half_long + long / 2 + 0.1
                and abs(beside - lateral) < half_wide + wide / 2
            ):
                return False
        self.taken.append((s, lateral, wide / 2, long / 2))
        return True

    def add(self, shape, s, lateral, **more):
        """Put something down, unless it would stand inside something else."""
        if (
            more.get("label", -1) > 0
            and "size" in more
            and not self.room(s, lateral, more["size"], more.get("turn", 0.0))
        ):
            return
        more.setdefault("z", self.plan.height(lateral))
        self.items.append(Item(shape, float(s), float(lateral), track=len(self.items), **more))

    def vehicle(self, s, lateral, turn, number, parked=False, speed=0.0):
        rng = self.rng
        mesh, size, spec = vehicles.design(number)
        night = self.weather["night"]
        glow = 0.0 if parked else 1.5 + 9 * night if night > 0 else rng.choice((0.0, 0.5, 1.0))
        self.add(
            still(mesh),
            s,
            lateral,
            turn=turn,
            palette=(vehicles.colour(spec, rng),),
            label=VEHICLE,
            speed=speed,
            glow=glow,
            size=size[:2],
        )

    def _traffic(self):
        """Vehicles in the lanes: ahead, and coming the other way."""
        plan, rng = self.plan, self.rng
        for lane in range(plan.lanes):
            for way in (1, -1):
                lateral = way * (lane + 0.5) * plan.lane
                own = abs(lateral - self.own) < 0.5
                s = rng.uniform(7.5, 26) if own else rng.uniform(1, 25)
                speed = self.journey if own and way > 0 else way * rng.uniform(6, 9)
                while s < self.length:
                    number = self.pick("vehicle")
                    half = vehicles.design(number)[1][1] / 2
                    if rng.random() < 0.8 * min(1, self.busy + 0.2):
                        wobble = rng.normal(0, 0.012)
                        self.vehicle(
                            s + half,
                            lateral + rng.normal(0, 0.15),
                            (0 if way > 0 else np.pi) + wobble,
                            number,
                            speed=speed,
                        )
                    s += 2 * half + 2.5 + rng.uniform(*self.habit["gap"]) / self.busy

    def _parked(self):
        plan, rng = self.plan, self.rng
        for side in (-1, 1):
            if not plan.parking[0 if side < 0 else 1]:
                continue
            s = rng.uniform(0, 9)
            lateral = plan.edge(side) - side * 1.08
            while s < self.length * 0.8:
                free = plan.in_mouth(s, 5) or (
                    plan.zebra and plan.zebra[0] - 5 < s < plan.zebra[1] + 5
                )
                if not free and rng.random() < self.habit["parked"]:
                    self.vehicle(
                        s,
                        lateral + rng.normal(0, 0.06),
                        (0 if (side > 0) == (rng.random() < 0.92) else np.pi) + rng.normal(0, 0.02),
                        self._small_vehicle(),
                        parked=True,
                    )
                s += rng.uniform(5.6, 7.2)

    def _small_vehicle(self):
        """A design that fits a parking bay."""
        while True:
            number = self.pick("vehicle")
            if vehicles.ORDER[number % len(vehicles.ORDER)] not in ("bus", "truck"):
                return number

    def _crossing(self):
        """Vehicles of the crossing street, waiting or passing."""
        plan, rng = self.plan, self.rng
        if not plan.junction:
            return
        for side in (-1, 1):
            lateral = side * (abs(plan.edge(side)) + rng.uniform(3, 9))
            for _ in range(rng.integers(0, 4)):
                way = rng.choice((-1, 1))
                self.vehicle(
                    plan.junction - way * 1.8,
                    lateral,
                    -way * np.pi / 2 + rng.normal(0, 0.03),
                    self._small_vehicle(),
                )
                lateral += side * rng.uniform(7, 16)

    def person(self, s, lateral, turn, pose=None, speed=0.0, sideways=0.0):
        rng = self.rng
        number = self.pick("person")
        pose = int(rng.integers(people.PHASES + 4)) if pose is None else pose
        walks = pose < people.PHASES
        tempo = 1.0 if walks else 0.0

        def shape(t, pose=pose):
            return people.design(
                number, int(pose + t * 7.5 * tempo) % people.PHASES if walks and t else pose
            )

        speed, sideways = speed * tempo, sideways * tempo
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
        plan, rng = self.plan, self.rng
        for _ in range(rng.poisson(self.habit["people"] * self.busy * self.repeat)):
            side = rng.choice((-1, 1))
            s = self.somewhere(5, 85, 1.8)
            if plan.in_mouth(s, 1):
                continue
            width = max(plan.pavement, 1.5)
            lateral = plan.edge(side) + side * rng.uniform(0.5, width - 0.3)
            way = rng.choice((-1, 1))
            turn = (0 if way > 0 else np.pi) + rng.normal(0, 0.15)
            if rng.random() < 0.15:
                turn = rng.uniform(0, 2 * np.pi)
            for k in range(1 if rng.random() < 0.7 else int(rng.integers(2, 4))):
                self.person(
                    s + rng.normal(0, 0.25) * k,
                    lateral + side * 0.6 * k,
                    turn + rng.normal(0, 0.06),
                    speed=way * 1.25,
                )
        self._crossers()

    def _crossers(self):
        """People on the zebra, or crossing somewhere else; on a journey they are gone when the own car comes."""
        plan, rng = self.plan, self.rng
        count = (
            rng.integers(1, 6)
            if plan.zebra and rng.random() < 0.7 + bool(self.journey)
            else int(rng.random() < 0.25)
        )
        for _ in range(count):
            s = (
                rng.uniform(plan.zebra[0] + 0.4, plan.zebra[1] - 0.4)
                if plan.zebra
                else rng.uniform(14, 60)
            )
            way = rng.choice((-1, 1))
            lateral = rng.uniform(plan.edge(-1), plan.edge(1))
            if self.journey:
                lateral = plan.edge(way) - way * 1.2 * (s / self.journey + rng.uniform(-1.5, 0.8))
            self.person(
                s,
                lateral,
                -way * np.pi / 2 + rng.normal(0, 0.12 * (not self.journey)),
                int(rng.integers(people.PHASES)),
                sideways=way * 1.2,
            )

    def cycle(self, s, lateral, turn, rider, speed=0.0, number=None):
        rng = self.rng
        number = self.pick("cycle") if number is None else number
        pose = int(rng.integers(8))
        frame = tuple(
            np.clip(people.TOPS[rng.integers(len(people.TOPS))] * rng.uniform(0.7, 1.2), 0.01, 0.7)
        )

        def shape(t):
            return cycles.design(
                number,
                rider,
                int(pose + t * 5) % 4 if rider and speed else pose % 4 if rider else 0,
            )

        glow = 2 + 5 * self.weather["night"] if rider and self.weather["night"] else 0.0
        self.add(
            shape,
            s,
            lateral,
            turn=turn,
            palette=(*people.palette(rng), frame),
            label=BICYCLE,
            speed=speed,
            glow=glow,
            size=(0.5, 1.7),
        )

    def _riders(self):
        plan, rng = self.plan, self.rng
        for _ in range(rng.poisson(self.habit["riders"] * self.busy * self.repeat)):
            number = self.pick("cycle")
            motor = cycles.Ride(number).motor
            way = 1 if rng.random() < 0.6 else -1
            s = self.somewhere(7, 70, 1.8)
            between = motor and not self.journey
            beside = plan.half - rng.uniform(0.30, 0.40 if self.journey else 0.80)
            lateral = way * (rng.uniform(0.3, plan.half - 0.4) if between else beside)
            if abs(lateral - self.own) < 1.2 and s < 9:
                continue
            self.cycle(
                s,
                lateral,
                (0 if way > 0 else np.pi) + rng.normal(0, 0.05),
                True,
                way * (7 if motor else 4.5),
                number,
            )

    def _idle(self):
        """Bicycles and motorcycles left on the pavement, some in rows."""
        plan, rng = self.plan, self.rng
        for _ in range(rng.poisson(self.habit["idle"] * 0.6 * self.repeat)):
            side = rng.choice((-1, 1))
            s = self.somewhere(6, 55, 1.7)
            if plan.in_mouth(s, 2):
                continue
            near = rng.random() < 0.5
            lateral = plan.edge(side) + side * (
                rng.uniform(0.5, 1.0) if near else plan.pavement - 0.4
            )
            across = rng.random() < 0.6
            turn = rng.choice((-0.5, 0.5) if across else (0, 1)) * np.pi + rng.normal(0, 0.2)
            for k in range(int(rng.integers(1, 4))):
                self.cycle(
                    s + (0.8 if across else 2.1) * k, lateral, turn + rng.normal(0, 0.06), False
                )
