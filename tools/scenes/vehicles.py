"""Cars, vans, buses and trucks: bodies lofted from a table of measures, one design an id.

A design's shape, art and livery follow from its id alone; its colour and lights belong to the scene.
"""

from functools import lru_cache

import numpy as np

from . import surface as sf
from . import vehicle_art
from .mesh import (
    box,
    chaikin,
    circle,
    ellipsoid,
    faces_of,
    lathe,
    merge,
    moved,
    plate,
    surface,
    turn_z,
)
from .textures import Canvas
from .vehicle_kinds import FIELDS, KINDS, LIVERIES, ORDER, PAINT_ODDS, PAINTS, TAXI

DESIGNS = 120


class Spec:
    """One design: its measures, what is painted on it, and its rounded outline from the side."""

    def __init__(self, design):
        self.rng = rng = np.random.default_rng((design, 11))
        self.kind = ORDER[design % len(ORDER)]
        self.shape = b = dict(zip(FIELDS, KINDS[self.kind]))
        stretch = {
            "length": rng.uniform(0.95, 1.05),
            "height": rng.uniform(0.97, 1.04),
            "width": rng.uniform(0.97, 1.03),
        }
        for name in ("length", "cowl_y", "top_y", "roof_y", "rear_y"):
            b[name] *= stretch["length"]
        b["axles"] = tuple(y * stretch["length"] for y in b["axles"])
        for name in ("height", "belt", "hood", "nose", "cowl_z", "rear_z", "tail_z"):
            b[name] *= stretch["height"]
        b["width"] *= stretch["width"]
        b["lamp"] = b["hood"] - rng.uniform(0.08, 0.14)
        b["tail_lamp"] = b["belt"] - rng.uniform(0.02, 0.12)
        self.fine = {"bus": 36, "box": 60, "van": 62}.get(b["style"], 76)
        self.chrome = rng.random() < 0.4
        self.cladding = self.kind in ("suv", "offroad", "pickup", "city_van") and rng.random() < 0.8
        self.sunroof = rng.random() < 0.3
        self.grille = str(rng.choice(vehicle_art.GRILLES))
        self.lamps = str(rng.choice(list(vehicle_art.LAMPS)))
        self.tails = (
            "upright"
            if self.kind in ("van", "minibus", "city_van", "bus")
            else str(rng.choice(vehicle_art.TAILS))
        )
        self.livery = str(rng.choice(LIVERIES.get(self.kind, ("none",))))
        self.second = tuple(
            int(c)
            for c in rng.choice(
                [(190, 30, 30), (25, 60, 150), (30, 120, 60), (235, 150, 20), (40, 40, 45)]
            )
        )
        self.rims = int(rng.integers(5))
        self.top = _top_line(b)
        self.panes, self.seams = _panes(self)


def _top_line(b):
    h = b["height"]
    line = [(0, b["nose"]), (0.05, b["hood"] - 0.07), (0.22, b["hood"])]
    if b["cowl_y"] > 0.6:
        line += [(b["cowl_y"] * 0.55, b["hood"] * 0.35 + b["cowl_z"] * 0.65)]
    else:
        line = [(0, b["nose"])]
    line += [
        (b["cowl_y"], b["cowl_z"]),
        (b["top_y"], h - 0.05),
        ((b["top_y"] + b["roof_y"]) / 2, h + 0.01),
        (b["roof_y"], h - 0.06),
        (b["rear_y"], b["rear_z"]),
        (b["length"] - 0.07, b["tail_z"]),
        (b["length"], b["tail_z"] - 0.16),
    ]
    return chaikin(line, 2)


def _panes(s):
    """Side windows as spans along the car, and door seams."""
    b = s.shape
    front, back = b["cowl_y"], b["rear_y"]
    if s.kind in ("van", "city_van"):
        door = b["top_y"] + 0.75
        return [(front, door)], [front + 0.30, door + 0.04, door + 1.2]
    if s.kind == "minibus":
        cuts = np.linspace(b["top_y"] + 0.85, back, 4)
        return [(front, cuts[0])] + [(a + 0.06, c) for a, c in zip(cuts[:-1], cuts[1:])], [
            front + 0.30,
            cuts[0] + 0.03,
            cuts[1] + 0.03,
        ]
    if s.kind == "truck":
        return [(front, b["length"] - 0.35)], [front + 0.4, b["length"] - 0.3]
    middle = b["top_y"] + (b["roof_y"] - b["top_y"]) * (
        0.60 if s.kind in ("coupe", "compact") else 0.42
    )
    if s.kind in ("sedan", "coupe"):
        middle = b["top_y"] + (b["roof_y"] - b["top_y"]) * 0.50
    third = back - 0.42 if s.kind not in ("sedan", "coupe", "pickup", "compact") else back
    spans = [(front, middle), (middle + 0.09, third - 0.03)] + (
        [(third + 0.05, back)] if third < back else []
    )
    seams = [front + 0.22, middle + 0.04] + (
        [] if s.kind in ("coupe", "compact") else [b["axles"][-1] - 0.28]
    )
    return spans, seams


def _section(s, y):
    """Half a cross-section at y from the nose: (n, 2) of x and z, from the bottom's middle to the roof's."""
    b = s.shape
    ends = (
        (0, b["taper"]),
        (0.10, b["taper"] * 0.55 + 0.42),
        (0.45, 0.965),
        (1.1, 1),
        (b["length"] - 1.0, 1),
        (b["length"] - 0.35, 0.96),
        (b["length"] - 0.05, b["taper"] * 0.4 + 0.50),
        (b["length"], b["taper"] * 0.5 + 0.38),
    )
    w = np.interp(y, *zip(*ends)) * b["width"] / 2
    floor = (
        np.interp(y, (0, 0.35, 0.6, b["length"] - 0.7, b["length"]), (0.10, 0.02, 0, 0, 0.10))
        + b["clear"]
    )
    zt = np.interp(y, s.top[:, 0], s.top[:, 1])
    zb = min(b["belt"] + 0.04 * y / b["length"], zt - 0.03)
    g = np.clip((zt - zb) / (b["height"] - b["belt"]), 0, 1)
    edge = w * (0.955 - b["tumble"] * g)
    side = zb - floor
    return np.array(
        [
            (0, floor),
            (0.80 * w, floor),
            (0.94 * w, floor + 0.05),
            (0.99 * w, floor + 0.28 * side),
            (w, floor + 0.60 * side),
            (0.992 * w, zb - 0.06 * (side > 0.2)),
            (0.955 * w, zb),
            (0.5 * edge + 0.4775 * w, zb + (zt - zb) * 0.5 - 0.02 * g),
            (edge, zt - 0.10 * g - 0.008),
            (edge * 0.965, zt - 0.04 * g),
            (edge * 0.86, zt - 0.005),
            (0.5 * edge, zt + 0.012),
            (0, zt + 0.02),
        ]
    )


def _stations(s):
    b = s.shape
    keys = np.concatenate([s.top[:, 0], [0.03, 0.1, 0.2, b["length"] - 0.12, b["length"] - 0.03]])
    even = np.linspace(0, b["length"], max(8, round(b["length"] / 0.35)))
    points = np.unique(np.round(np.concatenate([keys, even]), 2))
    return points[np.concatenate([[True], np.diff(points) > 0.025])]


def _body(s, art):
    """The painted hull: one smooth sheet from nose to tail, each face given the view that sees it best."""
    b = s.shape
    stations = _stations(s)
    half = np.array([_section(s, y) for y in stations])
    points = np.concatenate([half, half[:, -2::-1] * (-1, 1)], axis=1)
    grid = np.stack(
        [points[..., 0], np.repeat(stations[:, None], points.shape[1], 1), points[..., 1]], -1
    )
    hull = surface(grid, sf.PAINTED, slot=1)
    caps = [_cap(grid[0]), _cap(grid[-1])]
    sheet = merge([hull, *caps])
    sheet = _assign_views(s, sheet, art)
    pos, nrm = sheet.pos.copy(), sheet.nrm.copy()
    pos[..., 1] = b["length"] / 2 - pos[..., 1]
    nrm[..., 1] *= -1
    return sheet._replace(pos=pos[:, ::-1], nrm=nrm[:, ::-1], uv=sheet.uv[:, ::-1])


def _cap(ring):
    centre = ring.mean(0, keepdims=True)
    verts = np.concatenate([centre, ring])
    fan = np.array([[0, k, k + 1] for k in range(1, len(ring))])
    return faces_of(verts, fan, np.zeros((len(verts), 2)), sf.PAINTED, slot=1, weld=False)


def _assign_views(s, sheet, art):
    b = s.shape
    face = np.cross(sheet.pos[:, 1] - sheet.pos[:, 0], sheet.pos[:, 2] - sheet.pos[:, 0])
    face /= np.maximum(np.linalg.norm(face, axis=1, keepdims=True), 1e-9)
    x, y, z = np.moveaxis(sheet.pos, -1, 0)
    middle = y.mean(1)
    steep = np.abs(face[:, 1])
    view = np.where(np.abs(face[:, 0]) > 0.42, 0, 3)
    view[(steep > 0.62) & (middle < b["length"] / 2)] = 1
    view[(steep > 0.62) & (middle >= b["length"] / 2)] = 2
    belly = (z.max(1) < b["clear"] + 0.12) & (np.abs(face[:, 2]) > 0.7)
    uv = np.select(
        [(view == k)[:, None, None] for k in range(4)],
        [
            np.stack([y / b["length"], 1 - z / b["height"]], -1),
            np.stack([0.5 - x / b["width"], 1 - z / b["height"]], -1),
            np.stack([0.5 + x / b["width"], 1 - z / b["height"]], -1),
            np.stack([y / b["length"], 0.5 - x / b["width"]], -1),
        ],
    )
    tag = sheet.tag.copy()
    tag[:, 2] = np.asarray(art)[view]
    tag[belly] = (sf.RUBBER, 0, -1)
    rgb = sheet.rgb.copy()
    rgb[belly] = 0.015
    return sheet._replace(uv=uv.astype(np.float32), tag=tag, rgb=rgb)


@lru_cache(maxsize=None)
def _rim(style):
    canvas = Canvas(1, 1, 48, (16, 16, 17), 0, 0.2, (-0.5, -0.5))
    canvas.circle(0, 0, 0.5, (120, 122, 126), 0, 0.5)
    canvas.circle(0, 0, 0.44, (18, 18, 19), 0, 0.1)
    count = (5, 7, 10, 6, 12)[style]
    shine = ((175, 178, 182), (150, 152, 156), (165, 167, 170), (60, 61, 64), (140, 142, 146))[
        style
    ]
    for k in range(count):
        a = k * 2 * np.pi / count
        wide = 1.2 / count
        out = [(0.46 * np.cos(a + d), 0.46 * np.sin(a + d)) for d in (-wide * 0.55, wide * 0.55)]
        mid = [(0.1 * np.cos(a + d), 0.1 * np.sin(a + d)) for d in (0.6, -0.6)]
        canvas.poly([*out, *mid], shine, 0, 0.5)
    canvas.circle(0, 0, 0.12, shine, 0, 0.5)
    canvas.circle(0, 0, 0.05, (40, 40, 42), 0, 0.5)
    return canvas.store()


def wheel(radius, width, rim):
    """A tyre and its rim facing +x."""
    profile = np.array(
        [
            (0.60, 0.30),
            (0.66, 0.48),
            (0.90, 0.50),
            (1, 0.36),
            (1, -0.36),
            (0.90, -0.50),
            (0.5, -0.45),
        ]
    ) * (radius, width)
    tyre = lathe(profile, sf.RUBBER, (0.022, 0.022, 0.023), cols=18)
    disc = plate(circle(radius * 0.66, 16), sf.PAINTED, (1, 1, 1), tex=_rim(rim))
    return merge([tyre, moved(disc, (width * 0.34, 0, 0), turn_z(np.pi / 2))])


def _wheels(s):
    b = s.shape
    wide = 0.30 if b["style"] in ("bus", "box") else 0.21
    parts = []
    one = wheel(b["wheel"], wide, s.rims)
    for y in b["axles"]:
        reach = b["width"] / 2 - wide / 2 + 0.012
        for sign in (-1, 1):
            parts.append(
                moved(
                    one,
                    (sign * reach, b["length"] / 2 - y, b["wheel"]),
                    turn_z(0 if sign > 0 else np.pi),
                )
            )
    return parts


def _mirrors(s):
    b = s.shape
    tall = b["style"] != "car"
    size = (0.09, 0.07, 0.17) if tall else (0.115, 0.065, 0.075)
    black = s.rng.random() < 0.5 or tall
    at = (
        b["width"] / 2 + (0.12 if tall else 0.06),
        b["length"] / 2 - b["cowl_y"] - (0.1 if tall else 0.38),
        b["belt"] + (0.25 if tall else 0.07),
    )
    return [
        ellipsoid(
            (sign * at[0], at[1], at[2]),
            size,
            sf.PLAIN if black else sf.METAL,
            (0.03, 0.03, 0.03) if black else (1, 1, 1),
            0 if black else 1,
            5,
            8,
        )
        for sign in (-1, 1)
    ]


def _box_art(s, wide, tall, end):
    canvas = Canvas(wide, tall, 36, (235, 235, 232), 0, 0.15)
    if end:
        canvas.line([(wide / 2, 0), (wide / 2, tall)], (60, 60, 60), 0.03)
        for x in (0.35, wide - 0.35):
            canvas.line([(x, 0.05), (x, tall - 0.05)], (120, 120, 122), 0.04)
        canvas.rect(0, 0, wide, 0.18, (190, 30, 30))
        for x in (0.12, wide - 0.4):
            canvas.rect(x, 0.03, x + 0.28, 0.16, vehicle_art.TAIL, 0, 0.6, 0.4)
    else:
        canvas.rect(0, 0, wide, tall * 0.22, s.second)
        canvas.circle(wide * 0.3, tall * 0.6, tall * 0.2, s.second)
        canvas.rect(wide * 0.45, tall * 0.52, wide * 0.85, tall * 0.68, s.second)
    return canvas.store()


def _cargo(s):
    """A truck's box behind its cab, with its own axles."""
    rng = np.random.default_rng((int(s.shape["length"] * 1e6), 3))
    length, tall, wide = rng.uniform(4.5, 7.5), rng.uniform(2.3, 2.7), s.shape["width"] + 0.16
    start = -s.shape["length"] / 2 - 0.12
    side, end = _box_art(s, length, tall, False), _box_art(s, wide, tall, True)
    shell = box(
        (0, start - length / 2, 1.0 + tall / 2), (wide, length, tall), sf.PAINTED, slot=1, tex=side
    )
    tag = shell.tag.copy()
    tag[4:8, 2] = end
    parts = [
        shell._replace(tag=tag),
        box(
            (0, start - length / 2 + 0.3, 0.82),
            (0.9, length + 0.6, 0.3),
            sf.RUBBER,
            (0.02, 0.02, 0.02),
        ),
    ]
    for y in (start - length * 0.72, start - length * 0.72 - 1.1):
        for sign in (-1, 1):
            parts.append(
                moved(
                    wheel(0.46, 0.34, s.rims),
                    (sign * (wide / 2 - 0.2), y, 0.46),
                    turn_z(0 if sign > 0 else np.pi),
                )
            )
    parts.append(
        box((0, start - length + 0.1, 0.52), (wide * 0.9, 0.08, 0.12), sf.PLAIN, (0.05, 0.05, 0.05))
    )
    return parts


def _extras(s):
    b, parts = s.shape, []
    roof = (b["length"] / 2 - (b["top_y"] + b["roof_y"]) / 2, b["height"])
    if s.kind == "truck":
        parts += _cargo(s)
    if s.livery == "check":
        parts.append(
            box((0, roof[0] + 0.3, roof[1] + 0.07), (0.40, 0.14, 0.13), sf.GLOW, (0.50, 0.42, 0.16))
        )
    if s.livery == "rescue":
        parts.append(
            box(
                (0, b["length"] / 2 - b["top_y"] - 0.25, b["height"] + 0.07),
                (1.3, 0.28, 0.14),
                sf.GLASS,
                (0.03, 0.08, 0.5),
            )
        )
    if s.kind in ("estate", "suv", "offroad") and s.rng.random() < 0.6:
        for sign in (-1, 1):
            x = sign * b["width"] / 2 * (0.90 - b["tumble"])
            parts.append(
                box(
                    (x, roof[0], roof[1] + 0.02),
                    (0.035, (b["roof_y"] - b["top_y"]) * 0.85, 0.04),
                    sf.METAL,
                    (0.35, 0.35, 0.36),
                )
            )
    if s.kind in ("estate", "people", "suv") and s.rng.random() < 0.15:
        parts.append(
            ellipsoid(
                (0, roof[0] - 0.1, roof[1] + 0.13),
                (0.36, 0.90, 0.16),
                sf.PLAIN,
                (0.03, 0.03, 0.03),
                0,
                8,
                14,
            )
        )
    if s.kind == "van" and s.rng.random() < 0.3:
        parts += [
            box((x, roof[0], roof[1] + 0.10), (0.05, 2.6, 0.05), sf.METAL, (0.5, 0.5, 0.5))
            for x in (-0.25, 0.25)
        ]
    return parts


@lru_cache(maxsize=None)
def design(number):
    """The finished mesh of a design and its (width, length, height) in metres."""
    s = Spec(number)
    art = (vehicle_art.side(s), vehicle_art.front(s), vehicle_art.rear(s), vehicle_art.top(s))
    whole = merge([_body(s, art), *_wheels(s), *_mirrors(s), *_extras(s)])
    middle = (whole.pos[..., 1].max() + whole.pos[..., 1].min()) / 2
    whole = moved(whole, (0, -middle, 0))
    low, high = whole.pos.reshape(-1, 3).min(0), whole.pos.reshape(-1, 3).max(0)
    return whole, tuple(high - low), s


def colour(spec, rng):
    if spec.livery == "check":
        return TAXI if rng.random() < 0.8 else (0.8, 0.78, 0.7)
    if spec.livery == "rescue":
        return (0.70, 0.70, 0.68)
    if spec.kind in ("van", "city_van", "minibus", "truck", "bus") and rng.random() < 0.55:
        return (0.68, 0.68, 0.66)
    base = PAINTS[rng.choice(len(PAINTS), p=PAINT_ODDS / PAINT_ODDS.sum())]
    return tuple(np.clip(base * rng.uniform(0.8, 1.2) + rng.uniform(-0.01, 0.01, 3), 0.008, 0.9))
