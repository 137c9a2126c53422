"""How people are built and dressed: tables of outfits and colours, the size and outfit of a design.

No meshes here: `people` makes them.
"""

from typing import NamedTuple, Tuple

import numpy as np

# palette slots of a person's mesh
TOP = 1
LEGS = 2
SHOES = 3
SKIN = 4
HAIR = 5
BAG = 6

OUTFITS = ("shirt", "jacket", "coat", "dress", "skirt", "hoodie", "suit", "shorts")
HAIRCUTS = ("short", "long", "bun", "cap", "bald", "bob")  # and "hood", "helmet", "motor"
BAGS = ("none", "none", "backpack", "shoulder", "hand")

BARE_LEGS = ("dress", "skirt", "shorts")
BARE_ARMS = ("dress", "shorts")

SKINS = np.array(
    [
        (0.60, 0.38, 0.28),
        (0.52, 0.31, 0.21),
        (0.42, 0.24, 0.15),
        (0.30, 0.16, 0.09),
        (0.16, 0.08, 0.05),
        (0.64, 0.43, 0.33),
    ]
)
HAIRS = np.array(
    [
        (0.015, 0.012, 0.01),
        (0.05, 0.03, 0.018),
        (0.12, 0.07, 0.035),
        (0.32, 0.22, 0.10),
        (0.30, 0.29, 0.28),
        (0.20, 0.06, 0.025),
    ]
)
TOPS = np.array(
    [
        (0.02, 0.02, 0.025),
        (0.03, 0.03, 0.035),
        (0.05, 0.06, 0.12),
        (0.04, 0.05, 0.09),
        (0.60, 0.58, 0.55),
        (0.28, 0.04, 0.04),
        (0.08, 0.18, 0.32),
        (0.10, 0.15, 0.09),
        (0.38, 0.27, 0.12),
        (0.22, 0.22, 0.23),
        (0.12, 0.12, 0.13),
        (0.26, 0.20, 0.15),
        (0.42, 0.33, 0.34),
        (0.55, 0.38, 0.10),
        (0.11, 0.06, 0.12),
        (0.10, 0.24, 0.25),
        (0.72, 0.71, 0.68),
        (0.16, 0.15, 0.11),
    ]
)
BOTTOMS = np.array(
    [
        (0.02, 0.02, 0.025),
        (0.05, 0.08, 0.16),
        (0.09, 0.13, 0.24),
        (0.20, 0.17, 0.12),
        (0.12, 0.12, 0.13),
        (0.35, 0.30, 0.22),
        (0.03, 0.03, 0.05),
    ]
)
SHOE = np.array([(0.02, 0.02, 0.02), (0.55, 0.54, 0.52), (0.10, 0.05, 0.025), (0.06, 0.06, 0.07)])


class Odds(NamedTuple):
    """Usual height in metres, and chances by the order of `OUTFITS` and `HAIRCUTS`."""

    height: float
    outfits: Tuple[float, ...]
    haircuts: Tuple[float, ...]


WOMEN = Odds(
    height=1.66,
    outfits=(0.2, 0.25, 0.1, 0.09, 0.06, 0.14, 0.08, 0.08),
    haircuts=(0.12, 0.42, 0.16, 0.05, 0, 0.25),
)
MEN = Odds(
    height=1.78,
    outfits=(0.24, 0.28, 0.1, 0, 0, 0.18, 0.1, 0.1),
    haircuts=(0.66, 0.04, 0, 0.18, 0.12, 0),
)


def palette(rng: np.random.Generator) -> tuple:
    """Colours for one person, in the order of the slots: clothes are mostly muted."""
    return (
        _colour(TOPS, rng, fade=1.0),
        _colour(BOTTOMS, rng, fade=0.6),
        _colour(SHOE, rng),
        _colour(SKINS, rng),
        _colour(HAIRS, rng),
        _colour(TOPS * 0.6, rng, fade=1.0),
    )


def _colour(table, rng, fade=0.0):
    """One of a table's colours, a little darker or lighter, and greyer by up to `fade`."""
    row = rng.integers(len(table))
    rgb = table[row] * rng.uniform(0.75, 1.25)
    towards_grey = rgb.mean() - rgb
    faded = rgb + towards_grey * rng.uniform(0, fade)
    return tuple(np.clip(faded, 0.008, 0.8))


class Build:
    """Size and outfit of one design. It says what is worn, not in which colours."""

    def __init__(self, design: int) -> None:
        rng = np.random.default_rng((design, 23))
        child = design % 9 == 8
        self.woman = bool(design % 2)
        odds = WOMEN if self.woman else MEN

        # size, in metres; `wide` is a factor
        if child:
            self.height = rng.uniform(1.15, 1.45)
            self.head = self.height * 0.078
        else:
            self.height = rng.normal(odds.height, 0.06)
            self.head = self.height * 0.067
        self.wide = rng.uniform(0.92, 1.22)

        # outfit
        self.outfit = str(rng.choice(OUTFITS, p=odds.outfits))
        self.hair = str(rng.choice(HAIRCUTS, p=odds.haircuts))
        if self.outfit == "hoodie" and rng.random() < 0.3:
            self.hair = "hood"
        self.bag = str(rng.choice(BAGS))

    @property
    def bare_legs(self) -> bool:
        """Whether the legs below the knee are seen."""
        return self.outfit in BARE_LEGS

    @property
    def bare_arms(self) -> bool:
        """Whether the arms below the elbow are seen; half of the shirts have short sleeves."""
        if self.outfit == "shirt":
            millimetres = self.height * 1000
            return millimetres % 2 < 1
        return self.outfit in BARE_ARMS
