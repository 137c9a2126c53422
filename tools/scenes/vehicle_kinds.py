"""Tables of vehicles: the measures of every kind, shapes of lamps, paints, liveries of firms.

`vehicle_design` varies the measures from design to design; `vehicle_body` lofts a body from them.
"""

from typing import Dict, NamedTuple, Tuple

import numpy as np


class Measures(NamedTuple):
    """One kind of vehicle in metres: y from the nose to the tail, z from the ground up."""

    # the whole
    style: str  # car, van, bus or box: how it is glazed
    length: float
    width: float
    height: float
    clear: float  # of the floor above the ground
    belt: float  # lower edge of the windows
    wheel: float  # radius
    axles: Tuple[float, ...]
    tumble: float  # how much narrower the roof is than the belt, as a share
    taper: float  # width of the nose and the tail, as a share
    bed: bool  # open behind the cab

    # the outline from the side, from the nose to the tail
    nose: float  # z
    hood: float  # z
    cowl_y: float  # where the windscreen begins
    cowl_z: float
    top_y: float  # where the windscreen meets the roof
    roof_y: float  # where the roof ends
    rear_y: float  # where the rear window ends
    rear_z: float
    tail_z: float

    def stretched(self, length: float, height: float, width: float) -> "Measures":
        """The same kind, longer, higher and wider by factors; wheels and clearance stay."""
        lengths = {name: getattr(self, name) * length for name in LENGTHS}
        heights = {name: getattr(self, name) * height for name in HEIGHTS}
        axles = tuple(y * length for y in self.axles)
        return self._replace(**lengths, **heights, axles=axles, width=self.width * width)


LENGTHS = ("length", "cowl_y", "top_y", "roof_y", "rear_y")
HEIGHTS = ("height", "belt", "hood", "nose", "cowl_z", "rear_z", "tail_z")

BODIES = """
kind      style  length  width  height  clear  belt  wheel  axles      tumble  taper  bed
sedan     car      4.65   1.82    1.45   0.17  0.93  0.325  0.90,3.62    0.20   0.74    0
hatch     car      4.10   1.78    1.48   0.17  0.94  0.315  0.82,3.38    0.19   0.74    0
estate    car      4.72   1.82    1.49   0.17  0.94  0.325  0.90,3.65    0.19   0.74    0
suv       car      4.55   1.88    1.69   0.22  1.08  0.365  0.90,3.57    0.18   0.80    0
compact   car      3.62   1.65    1.50   0.16  0.95  0.29   0.68,3.02    0.19   0.74    0
coupe     car      4.45   1.84    1.34   0.14  0.90  0.335  0.88,3.54    0.22   0.72    0
people    car      4.60   1.85    1.68   0.17  1.02  0.325  0.92,3.72    0.17   0.76    0
offroad   car      4.60   1.92    1.85   0.26  1.15  0.385  0.85,3.65    0.10   0.88    0
pickup    car      5.30   1.90    1.80   0.25  1.06  0.38   0.92,4.10    0.17   0.82    1
van       van      5.40   2.02    2.20   0.20  1.18  0.345  0.95,4.25    0.10   0.84    0
minibus   van      5.60   2.02    2.35   0.20  1.15  0.345  0.95,4.45    0.09   0.84    0
city_van  van      4.40   1.83    1.83   0.17  1.06  0.32   0.88,3.60    0.12   0.80    0
bus       bus     11.8    2.52    3.05   0.28  1.10  0.48   2.6,8.5      0.04   0.95    0
truck     box      2.20   2.30    2.55   0.40  1.45  0.46   1.2          0.07   0.92    0
"""
OUTLINES = """
kind      nose  hood  cowl_y  cowl_z  top_y  roof_y  rear_y  rear_z  tail_z
sedan     0.62  0.76    1.40    0.98   2.15    3.35    4.05    1.10    1.02
hatch     0.60  0.78    1.10    0.99   1.85    3.45    3.95    1.06    0.92
estate    0.62  0.77    1.38    0.99   2.12    4.10    4.58    1.08    0.92
suv       0.74  0.97    1.25    1.16   1.92    3.92    4.40    1.22    1.02
compact   0.60  0.80    0.85    1.00   1.50    3.10    3.50    1.04    0.90
coupe     0.56  0.70    1.55    0.92   2.30    2.95    3.95    1.02    0.98
people    0.66  0.88    1.00    1.10   1.85    4.05    4.50    1.14    0.95
offroad   0.80  1.05    1.35    1.20   1.72    4.40    4.55    1.22    1.10
pickup    0.78  1.02    1.45    1.18   2.05    3.30    3.50    1.16    1.10
van       0.80  1.02    0.75    1.22   1.50    5.15    5.33    1.25    0.80
minibus   0.80  1.02    0.70    1.22   1.42    5.35    5.52    1.25    0.80
city_van  0.68  0.92    0.95    1.10   1.68    4.15    4.34    1.12    0.80
bus       1.00  1.05    0.06    1.15   0.22   11.55   11.7     1.50    1.0
truck     1.10  1.20    0.10    1.35   0.45    2.00    2.12    1.60    1.2
"""


def _rows(table):
    """The rows of a table as {column: cell} by their first cell, the kind."""
    header, *lines = table.strip().splitlines()
    _, *names = header.split()
    rows = {}
    for line in lines:
        kind, *cells = line.split()
        rows[kind] = dict(zip(names, cells))
    return rows


def _measures(body, outline):
    """One kind's measures from its cells."""
    cells = {**body, **outline}
    style = cells.pop("style")
    axles = tuple(float(y) for y in cells.pop("axles").split(","))
    bed = cells.pop("bed") == "1"
    lengths = {name: float(cell) for name, cell in cells.items()}
    return Measures(style=style, axles=axles, bed=bed, **lengths)


def _read_kinds() -> Dict[str, Measures]:
    bodies = _rows(BODIES)
    outlines = _rows(OUTLINES)
    return {kind: _measures(bodies[kind], outlines[kind]) for kind in bodies}


KINDS = _read_kinds()

# the kind of each design, over and over
ORDER = (
    "sedan",
    "hatch",
    "suv",
    "estate",
    "van",
    "compact",
    "hatch",
    "people",
    "bus",
    "suv",
    "sedan",
    "coupe",
    "city_van",
    "pickup",
    "truck",
    "hatch",
    "offroad",
    "minibus",
    "sedan",
    "suv",
)

# shapes that designs choose from
GRILLES = ("bars", "mesh", "slim", "shield", "none")
HEADLAMPS = {  # outlines: x as a share of the half width, z from the lamp's middle; None: round
    "swept": ((0.47, -0.05), (0.52, 0.03), (0.97, 0.13), (1.0, 0.02), (0.92, -0.07)),
    "round": None,
    "slim": ((0.50, -0.02), (0.50, 0.04), (1.0, 0.09), (1.0, 0.01)),
    "block": ((0.62, -0.08), (0.62, 0.08), (0.98, 0.09), (1.0, -0.06)),
}
TAIL_LAMPS = {"upright": 0.24, "wide": 0.095, "round": 0.1, "bar": 0.07}  # half the height

LIVERIES = {
    "van": ("none", "firm", "stripe", "none", "rescue"),
    "city_van": ("none", "firm"),
    "sedan": ("none", "none", "check"),
    "minibus": ("none", "stripe", "rescue"),
}
LIVERY_COLOURS = ((190, 30, 30), (25, 60, 150), (30, 120, 60), (235, 150, 20), (40, 40, 45))

# paints in linear colours, and how common each is
PAINTS = np.array(
    [
        (0.68, 0.68, 0.66),
        (0.58, 0.58, 0.58),
        (0.38, 0.39, 0.41),
        (0.30, 0.31, 0.33),
        (0.14, 0.145, 0.15),
        (0.03, 0.03, 0.032),
        (0.02, 0.02, 0.024),
        (0.05, 0.09, 0.25),
        (0.09, 0.20, 0.42),
        (0.42, 0.03, 0.03),
        (0.25, 0.02, 0.03),
        (0.06, 0.16, 0.09),
        (0.45, 0.36, 0.22),
        (0.70, 0.32, 0.05),
        (0.20, 0.28, 0.30),
        (0.55, 0.55, 0.50),
        (0.12, 0.10, 0.08),
        (0.65, 0.50, 0.08),
    ]
)
PAINT_ODDS = np.array([13, 9, 12, 10, 10, 10, 6, 5, 4, 5, 2, 2, 2, 1, 2, 2, 1, 1.0])
TAXI_YELLOW = (0.80, 0.52, 0.04)
TAXI_IVORY = (0.8, 0.78, 0.7)
RESCUE_WHITE = (0.70, 0.70, 0.68)
FIRM_WHITE = (0.68, 0.68, 0.66)
