"""The kinds of streets: how wide each is, how busy, and what stands along it. Tables only.

`street` draws one street from a kind's ranges and chances.
"""

from typing import Dict, Tuple, TypedDict

Range = Tuple[float, float]


class Habit(TypedDict):
    """What is usual in one kind of street. Ranges are in metres, counts are for a whole street."""

    # the road
    lanes: int  # each way
    lane: Range
    parking: float  # chance of parking bays, each side
    kerbs: bool
    junction: float  # chance
    zebra: float  # chance

    # what is beside it
    pavement: Range
    garden: Range
    soil: str  # beyond the pavement: grass or paving
    town: str  # the houses' style
    trees: Range  # gap between two

    # who and what is on it
    gap: Range  # between two vehicles in a lane
    parked: float  # share of the parking bays that are taken
    people: int
    riders: int
    idle: int  # two-wheelers without riders
    signs: int
    small: int  # bins, bollards and the like


STREETS: Dict[str, Habit] = {
    "city": {
        "lanes": 1,
        "lane": (2.9, 3.3),
        "parking": 0.85,
        "kerbs": True,
        "junction": 0.65,
        "zebra": 0.5,
        "pavement": (2.4, 4.2),
        "garden": (0, 0.5),
        "soil": "paving",
        "town": "blocks",
        "trees": (10, 30),
        "gap": (8, 40),
        "parked": 0.75,
        "people": 22,
        "riders": 4,
        "idle": 6,
        "signs": 9,
        "small": 14,
    },
    "avenue": {
        "lanes": 2,
        "lane": (3.0, 3.3),
        "parking": 0.5,
        "kerbs": True,
        "junction": 0.6,
        "zebra": 0.5,
        "pavement": (3.0, 5.0),
        "garden": (0, 1.5),
        "soil": "paving",
        "town": "blocks",
        "trees": (7, 14),
        "gap": (7, 32),
        "parked": 0.7,
        "people": 20,
        "riders": 5,
        "idle": 4,
        "signs": 10,
        "small": 14,
    },
    "suburb": {
        "lanes": 1,
        "lane": (2.8, 3.2),
        "parking": 0.55,
        "kerbs": True,
        "junction": 0.5,
        "zebra": 0.3,
        "pavement": (1.5, 2.2),
        "garden": (3, 7),
        "soil": "grass",
        "town": "houses",
        "trees": (8, 22),
        "gap": (14, 60),
        "parked": 0.5,
        "people": 12,
        "riders": 4,
        "idle": 3,
        "signs": 7,
        "small": 8,
    },
    "country": {
        "lanes": 1,
        "lane": (3.2, 3.6),
        "parking": 0,
        "kerbs": False,
        "junction": 0.25,
        "zebra": 0,
        "pavement": (1.5, 2.5),
        "garden": (6, 14),
        "soil": "grass",
        "town": "farms",
        "trees": (6, 25),
        "gap": (18, 70),
        "parked": 0,
        "people": 3,
        "riders": 4,
        "idle": 0,
        "signs": 7,
        "small": 2,
    },
    "arterial": {
        "lanes": 2,
        "lane": (3.3, 3.6),
        "parking": 0,
        "kerbs": True,
        "junction": 0.3,
        "zebra": 0.2,
        "pavement": (1.8, 3.0),
        "garden": (4, 9),
        "soil": "grass",
        "town": "sheds",
        "trees": (10, 35),
        "gap": (8, 40),
        "parked": 0,
        "people": 6,
        "riders": 3,
        "idle": 1,
        "signs": 9,
        "small": 6,
    },
}
STREET_ODDS = {"city": 0.34, "avenue": 0.24, "suburb": 0.22, "country": 0.08, "arterial": 0.12}
