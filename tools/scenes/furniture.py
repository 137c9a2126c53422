"""What stands beside a road: trees, lamps, bins, shelters, fences, houses, and posts one may take for people.

Nothing here carries a label. Every design is a cached mesh with its foot at the origin, facing -y (the traffic).
"""

from functools import lru_cache

import numpy as np

from . import surface as sf
from .mesh import (
    box,
    circle,
    ellipsoid,
    faces_of,
    lathe,
    merge,
    moved,
    plate,
    rod,
    tube,
    turn_y,
    turn_z,
)

TREES = 10
GREENS = (
    (0.045, 0.085, 0.022),
    (0.060, 0.100, 0.026),
    (0.035, 0.070, 0.028),
    (0.085, 0.105, 0.030),
    (0.055, 0.085, 0.040),
)
AUTUMN = (0.150, 0.090, 0.022)


def _leaves(centres, radii, count, size, rgb, rng):
    """Small quads near the surface of the crown's balls; their normals point away from each ball's middle."""
    pick = rng.integers(len(centres), size=count)
    away = rng.normal(size=(count, 3))
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    at = centres[pick] + away * radii[pick] * rng.uniform(0.62, 1.05, (count, 1))
    a = rng.normal(size=(count, 3))
    a /= np.linalg.norm(a, axis=1, keepdims=True)
    b = np.cross(a, away + rng.normal(size=(count, 3)) * 0.4)
    b /= np.linalg.norm(b, axis=1, keepdims=True)
    a, b = (
        a * size * rng.uniform(0.6, 1.3, (count, 1)),
        b * size * rng.uniform(0.4, 0.9, (count, 1)),
    )
    corners = np.stack([at - a, at - 0.3 * a + b, at + a, at + 0.3 * a - b], 1)
    verts = corners.reshape(-1, 3)
    start = np.arange(count)[:, None] * 4
    faces = np.concatenate([start + (0, 1, 2), start + (0, 2, 3)])
    mesh = faces_of(verts, faces, verts[:, [0, 2]] * 0.5, sf.LEAF, rgb)
    normal = (away + (0, 0, 0.35)) / np.linalg.norm(away + (0, 0, 0.35), axis=1, keepdims=True)
    nrm = np.repeat(np.concatenate([normal, normal])[:, None], 3, axis=1)
    deep = np.linalg.norm(at - centres[pick], axis=1) / radii[pick].max(1)
    shade = (
        np.clip(0.45 + 0.6 * deep, 0.4, 1.1)
        * (0.8 + 0.2 * np.clip(away[:, 2], -1, 1))
        * rng.uniform(0.75, 1.25, count)
    )
    return mesh._replace(
        nrm=nrm.astype(np.float32), rgb=(mesh.rgb * np.tile(shade, 2)[:, None]).astype(np.float32)
    )


@lru_cache(maxsize=None)
def tree(number, far=False):
    """`far`: fewer, larger leaves."""
    rng = np.random.default_rng((number, 5))
    tall = rng.uniform(5.5, 10.0)
    slim = number % 5 == 4
    base = rng.uniform(1.9, 2.6)
    wide = tall * (0.15 if slim else rng.uniform(0.22, 0.30))
    count = 12 if slim else 9
    share = np.linspace(0.1, 0.85, count)
    centres = np.stack(
        [
            rng.normal(0, wide * 0.42, count) * (1 - share * 0.5),
            rng.normal(0, wide * 0.42, count) * (1 - share * 0.5),
            base + share * (tall - base),
        ],
        1,
    )
    radii = np.repeat(
        (wide * np.sin(np.pi * (share * 0.8 + 0.15)) * rng.uniform(0.55, 0.8, count))[:, None], 3, 1
    ) * (1, 1, 0.85)
    trunk = tube(
        [(0, 0, 0), (0.05, 0.03, base * 0.6), (0, 0.1, base * 1.1), (0.05, 0, tall * 0.7)],
        np.array([0.20, 0.15, 0.12, 0.05]) * tall / 8,
        sf.BARK,
        (0.10, 0.075, 0.05),
        sides=8,
    )
    arms = [
        tube(
            [(0, 0, base * 0.9), c * (0.6, 0.6, 1) - (0, 0, 0.3), c],
            [0.07, 0.05, 0.02],
            sf.BARK,
            (0.09, 0.07, 0.05),
            sides=5,
            side=(0, 1, 0),
        )
        for c in centres[1::2]
    ]
    size, count = (0.15, 2000 if slim else 3200) if not far else (0.34, 400 if slim else 600)
    return merge(
        [
            trunk,
            *arms,
            _leaves(
                centres, radii, count, size, AUTUMN if number == 7 else GREENS[number % 5], rng
            ),
        ]
    )


@lru_cache(maxsize=None)
def hedge(number):
    """Four metres of clipped hedge along y."""
    rng = np.random.default_rng((number, 8))
    centres = np.stack([np.zeros(9), np.linspace(-1.8, 1.8, 9), np.full(9, 0.65)], 1)
    core = box((0, 0, 0.6), (0.45, 3.9, 1.1), sf.LEAF, (0.02, 0.035, 0.012))
    return merge(
        [
            core,
            _leaves(
                centres, np.tile((0.45, 0.5, 0.72), (9, 1)), 900, 0.075, GREENS[number % 3], rng
            ),
        ]
    )


@lru_cache(maxsize=None)
def lamp(number):
    """A street lamp; its arm reaches towards -x, so that it hangs over a road on its left."""
    rgb = ((0.10, 0.11, 0.11), (0.30, 0.31, 0.32), (0.05, 0.08, 0.07))[number % 3]
    if number % 3 == 2:
        return merge(
            [
                rod((0, 0, 0), (0, 0, 4.1), 0.055, sf.METAL, rgb, sides=8),
                ellipsoid(
                    (0, 0, 4.35), (0.2, 0.2, 0.26), sf.GLOW, (0.9, 0.8, 0.55), rows=6, cols=8
                ),
                ellipsoid((0, 0, 4.62), (0.24, 0.24, 0.08), sf.METAL, rgb, rows=4, cols=8),
            ]
        )
    tall = 7.5
    return merge(
        [
            rod((0, 0, 0), (0, 0, tall), 0.075, sf.METAL, rgb, sides=8),
            rod((0, 0, 0.0), (0, 0, 1.0), 0.11, sf.METAL, rgb, sides=8),
            tube(
                [(0, 0, tall - 0.1), (-0.5, 0, tall + 0.25), (-1.5, 0, tall + 0.35)],
                0.045,
                sf.METAL,
                rgb,
                sides=6,
                side=(0, 1, 0),
            ),
            box((-1.7, 0, tall + 0.34), (0.62, 0.22, 0.09), sf.METAL, rgb),
            box((-1.7, 0, tall + 0.285), (0.5, 0.16, 0.03), sf.GLOW, (0.95, 0.85, 0.6)),
        ]
    )


def lamp_light(number):
    """Where a lamp's light comes from."""
    return (0, 0, 4.3) if number % 3 == 2 else (-1.7, 0, 7.6)


def _bin():
    return merge(
        [
            lathe(
                [(0, 1.0), (0.24, 1.0), (0.26, 0.9), (0.24, 0.15), (0.20, 0.1), (0, 0.1)],
                sf.PLAIN,
                (0.04, 0.07, 0.05),
                cols=12,
            )
        ]
    )


def _upright(mesh):
    """A lathe lies along x; stand it up."""
    return moved(mesh, turn=turn_y(-np.pi / 2))


def _hydrant():
    body = _upright(
        lathe(
            [
                (0, 0.78),
                (0.05, 0.76),
                (0.10, 0.68),
                (0.12, 0.60),
                (0.09, 0.57),
                (0.09, 0.2),
                (0.13, 0.18),
                (0.13, 0),
            ],
            sf.METAL,
            (0.50, 0.03, 0.03),
            cols=12,
        )
    )
    return merge(
        [
            body,
            rod((-0.17, 0, 0.45), (0.17, 0, 0.45), 0.05, sf.METAL, (0.5, 0.03, 0.03)),
            rod((0, -0.16, 0.42), (0, 0, 0.42), 0.06, sf.METAL, (0.5, 0.03, 0.03)),
        ]
    )


def _bollard():
    return merge(
        [
            rod((0, 0, 0), (0, 0, 0.95), 0.055, sf.METAL, (0.05, 0.05, 0.055), sides=8),
            rod((0, 0, 0.78), (0, 0, 0.86), 0.058, sf.PLAIN, (0.6, 0.6, 0.6), sides=8),
        ]
    )


def _post_box():
    return merge(
        [
            box((0, 0, 1.05), (0.46, 0.36, 0.70), sf.METAL, (0.62, 0.45, 0.03)),
            box((0, -0.19, 1.22), (0.30, 0.02, 0.05), sf.PLAIN, (0.02, 0.02, 0.02)),
            rod((0, 0, 0), (0, 0, 0.8), 0.05, sf.METAL, (0.2, 0.2, 0.2)),
        ]
    )


def _meter():
    return merge(
        [
            rod((0, 0, 0), (0, 0, 1.15), 0.04, sf.METAL, (0.25, 0.25, 0.26)),
            ellipsoid(
                (0, 0, 1.32), (0.12, 0.08, 0.21), sf.METAL, (0.14, 0.15, 0.17), rows=7, cols=10
            ),
            ellipsoid(
                (0, -0.06, 1.36), (0.08, 0.04, 0.07), sf.GLASS, (0.03, 0.03, 0.03), rows=5, cols=8
            ),
        ]
    )


def _dummy():
    """A post of a person's height with a ball on top."""
    return merge(
        [
            _upright(
                lathe(
                    [
                        (0, 1.38),
                        (0.07, 1.36),
                        (0.16, 1.25),
                        (0.17, 0.9),
                        (0.12, 0.5),
                        (0.14, 0.1),
                        (0.22, 0),
                    ],
                    sf.PLAIN,
                    (0.35, 0.33, 0.30),
                    cols=12,
                )
            ),
            ellipsoid(
                (0, 0, 1.52), (0.13, 0.13, 0.15), sf.PLAIN, (0.35, 0.33, 0.30), rows=7, cols=10
            ),
        ]
    )


def _column():
    """An advertising column."""
    return merge(
        [
            _upright(
                lathe(
                    [
                        (0, 3.1),
                        (0.35, 3.0),
                        (0.72, 2.75),
                        (0.75, 2.7),
                        (0.62, 2.68),
                        (0.62, 0.35),
                        (0.70, 0.3),
                        (0.70, 0),
                    ],
                    sf.PLAIN,
                    (0.10, 0.16, 0.12),
                    cols=20,
                )
            ),
            _upright(lathe([(0.63, 2.6), (0.63, 0.4)], sf.FACADE, (0.5, 0.45, 0.38), cols=20)),
        ]
    )


def _box():
    return merge(
        [
            box((0, 0, 0.62), (0.75, 0.35, 1.22), sf.METAL, (0.24, 0.26, 0.25)),
            box((0, -0.18, 0.62), (0.02, 0.01, 1.1), sf.PLAIN, (0.1, 0.1, 0.1)),
        ]
    )


def _wheelie_bin():
    return merge(
        [
            tube(
                [(0, 0, 0.08), (0, 0, 0.95)],
                np.array([(0.22, 0.26), (0.29, 0.34)]),
                sf.PLAIN,
                (0.03, 0.05, 0.04),
                sides=4,
            ),
            box((0, 0.02, 1.0), (0.48, 0.58, 0.07), sf.PLAIN, (0.03, 0.06, 0.14)),
            rod((-0.25, 0.28, 0.1), (0.25, 0.28, 0.1), 0.1, sf.RUBBER, (0.02, 0.02, 0.02)),
        ]
    )


def _bench():
    slats = [
        box((0, y, z), (1.7, 0.10, 0.04), sf.BARK, (0.16, 0.09, 0.04))
        for y, z in ((-0.2, 0.45), (-0.06, 0.45), (0.08, 0.45), (0.22, 0.62), (0.26, 0.78))
    ]
    legs = [
        box((x, 0.05, 0.28), (0.06, 0.4, 0.55), sf.METAL, (0.05, 0.05, 0.05)) for x in (-0.65, 0.65)
    ]
    return merge(slats + legs)


def _planter():
    rng = np.random.default_rng(9)
    return merge(
        [
            box((0, 0, 0.3), (1.1, 0.6, 0.6), sf.PLAIN, (0.34, 0.31, 0.28)),
            _leaves(
                np.array([(-0.3, 0, 0.7), (0, 0, 0.8), (0.3, 0, 0.7)]),
                np.full((3, 3), 0.3),
                130,
                0.10,
                GREENS[1],
                rng,
            ),
        ]
    )


def _shelter():
    parts = [box((0, 0.6, 2.45), (4.0, 1.6, 0.10), sf.METAL, (0.10, 0.11, 0.12))]
    parts += [
        rod((x, y, 0), (x, y, 2.45), 0.045, sf.METAL, (0.10, 0.11, 0.12))
        for x in (-1.9, 1.9)
        for y in (0.0, 1.3)
    ]
    parts += [
        box((x, 1.3, 1.3), (0.04, 0.03, 2.0), sf.METAL, (0.10, 0.11, 0.12)) for x in (-0.65, 0.65)
    ]
    parts += [box((0, 1.1, 0.48), (2.4, 0.35, 0.05), sf.BARK, (0.18, 0.11, 0.05))]
    return merge(parts)


def _traffic_light():
    parts = [
        rod((0, 0, 0), (0, 0, 3.3), 0.06, sf.METAL, (0.10, 0.11, 0.11), sides=8),
        box((0, -0.10, 2.85), (0.30, 0.22, 0.92), sf.PLAIN, (0.015, 0.015, 0.016)),
    ]
    lit = ((0.9, 0.05, 0.03), (0.10, 0.06, 0.01), (0.01, 0.06, 0.03))
    for z, rgb in zip((3.13, 2.85, 2.57), lit):
        parts.append(
            moved(
                plate(circle(0.10, 14), sf.GLOW if rgb[0] > 0.5 else sf.PLAIN, rgb), (0, -0.22, z)
            )
        )
        parts.append(
            moved(
                lathe([(0.12, 0), (0.12, 0.14)], sf.PLAIN, (0.012, 0.012, 0.012), cols=12),
                (0, -0.21, z),
                turn_z(-np.pi / 2),
            )
        )
    return merge(parts)


def _fence():
    """Four metres of railing along y."""
    bars = [
        box((0, y, 0.55), (0.02, 0.025, 0.9), sf.METAL, (0.03, 0.04, 0.035))
        for y in np.arange(-1.95, 2, 0.16)
    ]
    rails = [box((0, 0, z), (0.035, 4, 0.04), sf.METAL, (0.03, 0.04, 0.035)) for z in (0.15, 0.98)]
    return merge(bars + rails)


def _guard_rail():
    rail = tube(
        [(0, -2, 0.62), (0, 2, 0.62)],
        np.array([(0.025, 0.15), (0.025, 0.15)]),
        sf.METAL,
        (0.42, 0.43, 0.44),
        sides=8,
    )
    return merge(
        [rail]
        + [
            box((0.06, y, 0.33), (0.06, 0.10, 0.66), sf.METAL, (0.35, 0.36, 0.36))
            for y in (-1.0, 1.0)
        ]
    )


def _cone():
    return merge(
        [
            _upright(
                lathe(
                    [(0.02, 0.72), (0.05, 0.6), (0.085, 0.45), (0.12, 0.28), (0.155, 0.06)],
                    sf.PLAIN,
                    (0.75, 0.13, 0.02),
                    cols=12,
                )
            ),
            _upright(lathe([(0.076, 0.52), (0.112, 0.36)], sf.PLAIN, (0.75, 0.75, 0.72), cols=12)),
            box((0, 0, 0.03), (0.42, 0.42, 0.05), sf.RUBBER, (0.03, 0.03, 0.03)),
        ]
    )


SMALL = {
    "bin": _bin,
    "hydrant": _hydrant,
    "bollard": _bollard,
    "post_box": _post_box,
    "meter": _meter,
    "dummy": _dummy,
    "column": _column,
    "box": _box,
    "wheelie": _wheelie_bin,
    "bench": _bench,
    "planter": _planter,
    "shelter": _shelter,
    "light": _traffic_light,
    "fence": _fence,
    "guard": _guard_rail,
    "cone": _cone,
}


@lru_cache(maxsize=None)
def small(name):
    mesh = SMALL[name]()
    return _upright(mesh) if name == "bin" else mesh


def _wall(a, b, low, high, rgb, start=0.0, material=sf.FACADE):
    """A standing rectangle from ground point a to b; its texture is in metres from its lower left."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    verts = np.array([[*a, low], [*b, low], [*b, high], [*a, high]])
    wide = np.linalg.norm(b - a)
    uv = np.array([[start, low], [start + wide, low], [start + wide, high], [start, high]])
    return faces_of(verts, np.array([[0, 1, 2], [0, 2, 3]]), uv, material, rgb)


def house(width, depth, height, roof, rgb, roof_rgb):
    """A building whose street front lies on the x axis from -width/2 to width/2, its body behind it (+y)."""
    w = width / 2
    corners = [(-w, 0), (w, 0), (w, depth), (-w, depth)]
    parts = [_wall(corners[k], corners[(k + 1) % 4], 0, height, rgb) for k in range(4)]
    if roof <= 0:
        parts += [
            box((0, depth / 2, height + 0.15), (width + 0.3, depth + 0.3, 0.35), sf.PLAIN, roof_rgb)
        ]
    else:
        over = 0.35
        ridge = height + roof
        for y0, y1 in ((-over, depth / 2), (depth + over, depth / 2)):
            verts = np.array(
                [
                    (-w - over, y0, height - 0.1),
                    (w + over, y0, height - 0.1),
                    (w + over, y1, ridge),
                    (-w - over, y1, ridge),
                ]
            )
            uv = np.array([(0, 0), (width, 0), (width, depth / 2), (0, depth / 2)], float)
            parts.append(faces_of(verts, np.array([[0, 1, 2], [0, 2, 3]]), uv, sf.TILES, roof_rgb))
        for x in (-w, w):
            gable = np.array([(x, 0, height), (x, depth, height), (x, depth / 2, ridge)])
            parts.append(faces_of(gable, np.array([[0, 1, 2]]), gable[:, [1, 2]], sf.PLAIN, rgb))
        parts.append(
            box((w * 0.5, depth * 0.4, ridge + 0.1), (0.6, 0.6, 1.4), sf.BRICK, (0.25, 0.10, 0.07))
        )
    return merge(parts)


def awning(width, rgb):
    verts = np.array(
        [
            (-width / 2, 0, 0.6),
            (width / 2, 0, 0.6),
            (width / 2, -1.2, 0),
            (-width / 2, -1.2, 0),
            (width / 2, -1.2, -0.22),
            (-width / 2, -1.2, -0.22),
        ]
    )
    return faces_of(
        verts,
        np.array([[0, 1, 2], [0, 2, 3], [3, 2, 4], [3, 4, 5]]),
        verts[:, [0, 2]],
        sf.CLOTH,
        rgb,
        weld=False,
    )


@lru_cache(maxsize=None)
def balcony(rgb):
    rails = [
        box((x, -0.95, 0.5), (0.03, 0.03, 1.0), sf.METAL, rgb) for x in np.linspace(-1.2, 1.2, 9)
    ]
    return merge(
        [
            box((0, -0.5, 0), (2.5, 1.0, 0.14), sf.PLAIN, (0.5, 0.48, 0.45)),
            box((0, -0.95, 1.0), (2.5, 0.05, 0.06), sf.METAL, rgb),
            *rails,
        ]
    )
