"""Pictures for the sign classes: the same streets, seen with a narrower lens.

The lens is aimed at signs beside the road. Only mandatory, prohibitory and warning faces are
labelled; every other board is a look-alike.
"""

from typing import Any, Dict, List, NamedTuple, Tuple

import numpy as np

from . import light, world
from .kerbside import FACE, POLE
from .scene import Sample, photograph
from .street import Street

KINDS = ("mandatory", "prohibitory", "warning")
SMALLEST = 14  # pixels of a sign's height
LARGEST = 150
HALF_WIDTH = 320  # of the picture, in pixels
NEAR = 9.0  # metres: what stands nearer than this needs care


class Seen(NamedTuple):
    """Where in the picture a sign already is."""

    slope: float  # metres to the right for each metre ahead
    half_width: float  # likewise


class SignStreet(Street):
    """A street whose own signs are replaced by ones of chosen size in the picture."""

    def __init__(
        self, rng: np.random.Generator, split: str, weather: Dict[str, Any], focal: float
    ) -> None:
        # of the lens: its focal length in pixels, and where it looks: the first sign says it
        self.focal = focal
        self.aim = 0.0
        self.seen: List[Seen] = []
        super().__init__(rng, split, weather, length=110.0)

    def _signs(self) -> None:
        rng = self.rng
        # some walk on the pavement, with a camera in hand
        if rng.random() < 0.5:
            kerb = self.plan.edge(1)
            self.own = kerb + rng.uniform(-1.2, self.plan.pavement * 0.7)

        for _ in range(int(rng.integers(2, 6))):
            kind = str(rng.choice(KINDS))
            self._aimed(kind)
        for _ in range(int(rng.integers(1, 5))):
            self._look_alike()

    def _place(self, pixels: float, size: float) -> Tuple[float, float]:
        """(s, lateral) of a pole beside the road where a face of `size` metres is `pixels` high."""
        far = max(3.0, self.focal * size / pixels)
        width = size / far
        lateral = self._free_lateral(far, width)

        # the first sign draws the lens
        if not self.seen:
            towards = np.arctan2(self.own - lateral, far)
            aside = self.rng.uniform(-0.7, 0.7) * HALF_WIDTH
            self.aim = towards + aside / self.focal

        slope = (lateral - self.own) / far
        self.seen.append(Seen(slope, width * 0.5))
        return far, lateral

    def _free_lateral(self, far: float, width: float) -> float:
        """A place beside the road where nothing is in front or behind; the last of eight tries."""
        lateral = 0.0
        for _ in range(8):
            side = self._pick_side(0.75)
            if far < NEAR:
                side = self._own_side()
            widest = max(min(2.4, self.plan.pavement), far * 0.12)
            lateral = self.plan.edge(side) + side * self.rng.uniform(0.35, widest)
            slope = (lateral - self.own) / far
            if self._is_clear(slope, width):
                break
        return lateral

    def _is_clear(self, slope: float, width: float) -> bool:
        """Whether a sign of this width in the picture would hide no other, nor be hidden."""
        for other in self.seen:
            least = width + other.half_width
            if abs(slope - other.slope) <= least:
                return False
        return True

    def _own_side(self) -> int:
        """The side of the road that the camera is on."""
        if self.own > 0:
            return 1
        return -1

    def _aimed(self, kind: str) -> None:
        """A labelled sign, some with a second one below it."""
        rng = self.rng
        size = rng.uniform(0.6, 0.9)
        far, lateral = self._place(_pixels(rng.beta(1.6, 1.25)), size)
        lowest = 1.2
        highest = 2.0
        if far > 6:
            lowest = 1.7
            highest = 2.5
        high = rng.uniform(lowest, highest)
        towards = np.arctan2(self.own - lateral, far)
        turn = rng.normal(0, 0.16) + 0.5 * towards
        self.sign(far, lateral, kind, high, size, turn=turn, label=KINDS.index(kind))

        if rng.random() < 0.3:
            other = str(rng.choice(KINDS))
            label = KINDS.index(other)
            below = high - size * 1.04
            self.sign(far, lateral, other, below, size, turn=turn, label=label, post=False)

    def _look_alike(self) -> None:
        """Another sign, or an advert."""
        rng = self.rng
        far, lateral = self._place(_pixels(rng.uniform(0.1, 0.9)), 0.8)
        if rng.random() < 0.35:
            self.sign(far, lateral, "other", rng.uniform(1.6, 2.5), label=-1)
        else:
            self.advert(far, lateral, rng.normal(0, 0.2))


def _pixels(share: float) -> float:
    """A height in the picture between the smallest and the largest, evenly in its logarithm."""
    return SMALLEST * (LARGEST / SMALLEST) ** share


def signs_sample(
    rng: np.random.Generator, split: str, size: Tuple[int, int], tries: int = 4
) -> Sample:
    """A picture with a few signs of 14 to 150 pixels; another try where every sign is hidden."""
    found = _attempt(rng, split, size)
    if len(found.classes) == 0 and tries > 1:
        return signs_sample(rng, split, size, tries - 1)
    return found


def _attempt(rng: np.random.Generator, split: str, size: Tuple[int, int]) -> Sample:
    width, height = size
    focal = width * rng.uniform(0.75, 1.7)
    street = SignStreet(rng, split, light.pick(rng), focal)
    tidy(street)

    tall = rng.uniform(1.2, 1.9) + street.plan.height(street.own)
    at = street.road.at(0.0, street.own, tall)
    pitch = rng.normal(0.03, 0.03)
    roll = rng.normal(0, 0.012)
    horizon = rng.uniform(0.48, 0.60)
    camera = world.aimed(at, street.aim, pitch, roll, focal, width, height, horizon)
    return photograph(street, camera, rng)


def tidy(street: SignStreet) -> None:
    """Drop the labels of what is no sign, and what would stand right before the lens."""
    kept = []
    for item in street.items:
        _, length = item.size
        clearance = 1.8
        if length > 0:
            clearance = 3.2
        beside = abs(item.lateral - street.own)
        close = item.s < NEAR and beside < clearance
        if item.record == FACE:
            kept.append(item)
        elif item.record == POLE or not close:
            kept.append(item._replace(label=-1))
    street.items = kept
