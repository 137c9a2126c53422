"""Pictures for the sign classes: the same streets, seen with a narrower lens aimed at signs beside the road.

Only mandatory, prohibitory and warning faces are labelled; every other board is a look-alike.
"""

import numpy as np

from . import light, world
from .kerbside import FACE, POLE
from .scene import photograph
from .street import Street

KINDS = ("mandatory", "prohibitory", "warning")
SMALLEST, LARGEST = 14, 150  # pixels of a sign's height


class SignStreet(Street):
    """A street whose own signs are replaced by ones of chosen size in the picture."""

    def __init__(self, rng, split, weather, focal):
        self.focal, self.aim, self.seen = focal, None, []
        super().__init__(rng, split, weather, length=110.0)

    def _signs(self):
        rng = self.rng
        if rng.random() < 0.5:
            self.own = self.plan.edge(1) + rng.uniform(-1.2, self.plan.pavement * 0.7)
        for _ in range(int(rng.integers(2, 6))):
            self._aimed(str(rng.choice(KINDS)))
        for _ in range(int(rng.integers(1, 5))):
            self._look_alike()

    def _place(self, pixels, size):
        """(s, lateral) of a pole beside the road at which a face of `size` metres is `pixels` high."""
        rng, plan = self.rng, self.plan
        far = max(3.0, self.focal * size / pixels)
        lateral, gap = 0.0, size / far
        for _ in range(8):
            side = 1 if rng.random() < 0.75 else -1
            if far < 9:
                side = 1 if self.own > 0 else -1
            lateral = plan.edge(side) + side * rng.uniform(
                0.35, max(min(2.4, plan.pavement), far * 0.12)
            )
            slope = (lateral - self.own) / far
            if all(abs(slope - other) > gap + width for other, width in self.seen):
                break
        self.seen.append(((lateral - self.own) / far, gap * 0.5))
        if self.aim is None:
            self.aim = (
                np.arctan2(self.own - lateral, far) + rng.uniform(-0.7, 0.7) * 320 / self.focal
            )
        return far, lateral

    def _aimed(self, kind):
        rng = self.rng
        size = rng.uniform(0.6, 0.9)
        pixels = SMALLEST * (LARGEST / SMALLEST) ** rng.beta(1.6, 1.25)
        far, lateral = self._place(pixels, size)
        high = rng.uniform(1.7, 2.5) if far > 6 else rng.uniform(1.2, 2.0)
        turn = rng.normal(0, 0.16) + 0.5 * np.arctan2(self.own - lateral, far)
        self.sign(far, lateral, kind, high, size, turn=turn, label=KINDS.index(kind))
        if rng.random() < 0.3:
            other = str(rng.choice(KINDS))
            self.sign(
                far,
                lateral,
                other,
                high - size * 1.04,
                size,
                turn=turn,
                label=KINDS.index(other),
                post=False,
            )

    def _look_alike(self):
        rng = self.rng
        pixels = SMALLEST * (LARGEST / SMALLEST) ** rng.uniform(0.1, 0.9)
        far, lateral = self._place(pixels, 0.8)
        if rng.random() < 0.35:
            self.sign(far, lateral, "other", rng.uniform(1.6, 2.5), label=-1)
        else:
            self.advert(far, lateral, rng.normal(0, 0.2))


def signs_sample(rng, split, size, tries=4):
    """A 640 x 480 picture with a few signs from 14 to 150 pixels; another try where every sign is hidden."""
    focal = size[0] * rng.uniform(0.75, 1.7)
    street = SignStreet(rng, split, light.pick(rng), focal)
    tidy(street)
    tall = rng.uniform(1.2, 1.9) + street.plan.height(street.own)
    at = street.road.at(0.0, street.own, tall)
    camera = world.aimed(
        at,
        street.aim,
        rng.normal(0.03, 0.03),
        rng.normal(0, 0.012),
        focal,
        *size,
        rng.uniform(0.48, 0.60),
    )
    found = photograph(street, camera, rng)
    return found if len(found.classes) or tries <= 1 else signs_sample(rng, split, size, tries - 1)


def tidy(street):
    """Drop the labels of what is no sign, and what would stand right before the lens."""
    keep = []
    for item in street.items:
        beside = abs(item.lateral - street.own)
        close = item.s < 9 and beside < (3.2 if item.size[1] > 0 else 1.8)
        if item.record == FACE:
            keep.append(item)
        elif item.record == POLE or not close:
            keep.append(item._replace(label=-1))
    street.items = keep
