"""Weather and time of day as a table of ranges, and the Light record that a scene is shaded with."""
import cv2
import numpy as np

from . import shade, textures, world

# sun height (degrees), sun colour, zenith, horizon, cloud cover, fog a metre, wetness, night, exposure target,
# most gain, noise, rain drops
WEATHER = {
    "clear": ((28, 60), (3.4, 3.15, 2.75), (.16, .32, .72), (.50, .66, .90), (.15, .45), (.0004, .0015), 0, 0, .30, 3,
              2.2, 0),
    "bright": ((18, 40), (3.2, 2.85, 2.35), (.26, .42, .75), (.75, .82, .90), (.35, .6), (.0008, .0025), 0, 0, .32, 3,
               2.2, 0),
    "overcast": ((40, 60), (.25, .25, .25), (.62, .66, .72), (.80, .83, .87), (.75, .95), (.001, .004), 0, 0, .30, 4,
                 3.0, 0),
    "low_sun": ((8, 16), (3.3, 2.3, 1.3), (.28, .38, .62), (.95, .80, .62), (.25, .5), (.001, .003), 0, 0, .28, 4, 2.6,
                0),
    "mist": ((30, 45), (.4, .4, .38), (.62, .66, .70), (.78, .80, .82), (.8, .95), (.006, .012), 0, 0, .32, 4, 3.0, 0),
    "dusk": ((4, 7), (.25, .14, .08), (.05, .08, .17), (.26, .21, .22), (.35, .6), (.001, .003), 0, .6, .125, 6, 4.5,
             0),
    "night": ((40, 60), (.010, .011, .015), (.006, .008, .014), (.020, .020, .024), (.3, .6), (.001, .003), 0, 1, .085,
              8, 6.0, 0),
    "rain": ((40, 60), (.12, .12, .12), (.42, .45, .48), (.52, .54, .56), (.85, 1.0), (.004, .009), 1, .12, .25, 5, 3.5,
             1),
    "wet": ((25, 50), (.5, .48, .44), (.48, .54, .62), (.66, .70, .75), (.7, .9), (.002, .004), .8, 0, .28, 4, 3.0, 0),
    "rain_night": ((40, 60), (.008, .009, .012), (.008, .009, .013), (.026, .025, .027), (.85, 1), (.004, .008), 1, 1,
                   .085, 8, 6.0, .7),
}
ODDS = {"clear": .22, "bright": .18, "overcast": .20, "low_sun": .07, "mist": .04, "dusk": .07, "night": .06,
        "rain": .07, "wet": .05,
        "rain_night": .04}


def pick(rng, name=None):
    """One weather record: every range settled."""
    name = name or str(rng.choice(list(ODDS), p=np.array(list(ODDS.values())) / sum(ODDS.values())))
    height, sun, zenith, horizon, cloud, fog, wet, night, target, gain, noise, drops = WEATHER[name]
    tint = rng.uniform(.92, 1.08, 3)
    rise, turn = np.radians(rng.uniform(*height)), rng.uniform(0, 2 * np.pi)
    blurred = rng.random() < (.75 if night > .5 else .25)
    return {"name": name, "sun": np.array([np.cos(rise) * np.sin(turn), np.cos(rise) * np.cos(turn), np.sin(rise)]),
            "sun_rgb": np.array(sun) * tint * rng.uniform(.85, 1.1), "zenith": np.array(zenith) * tint,
            "horizon": np.array(horizon) * tint,
            "cloud": rng.uniform(*cloud), "shift": rng.uniform(0, 50), "fog": rng.uniform(*fog),
            "wet": wet * rng.uniform(.7, 1),
            "night": night, "target": target, "gain": gain, "noise": noise * .5, "drops": drops * rng.uniform(.5, 1.2),
            "travel": rng.uniform(.05, .35) * blurred, "turn": rng.uniform(-.004, .004) * blurred}


LAMP_RGB = np.array([(9.0, 6.3, 3.0), (8.5, 8.0, 6.8), (10, 5.4, 1.8)])


def under_map(outlines, focus, span=(70, 120), cells=4.0):
    """Seen from above: how open the sky is over the ground. outlines: (polygon (n, 2), openness 0..255)."""
    origin = np.array([focus[0] - span[0] / 2, focus[1] - 10.0])
    grid = np.full((int(span[1] * cells), int(span[0] * cells)), 255, np.uint8)
    for polygon, open_share in outlines:
        points = np.round((np.asarray(polygon) - origin) * cells * 16).astype(np.int32)
        cv2.fillConvexPoly(grid, points, int(open_share), cv2.LINE_AA, 4)
    near = cv2.GaussianBlur(grid, (0, 0), .22 * cells)
    wide = cv2.GaussianBlur(grid, (0, 0), 1.1 * cells)
    return cv2.addWeighted(near, .6, wide, .4, 0), np.array([*origin, cells])


def make(weather, soup, spans, bounds, focus, lamps, outlines, records, beam=True):
    """The Light for a scene; spans and bounds are of what throws shadows. records: (facades, marks, zebra)."""
    night = weather["night"]
    lit = weather["sun_rgb"][1] > .05
    key, view, scale = np.zeros((1, 1), np.float32), np.zeros((3, 4)), np.ones(3)
    if lit:
        key, view, scale = world.shadow_map(soup, spans, bounds, weather["sun"], focus, 84.0)
    under, under_map_at = under_map(outlines, focus)
    high = .5 * weather["zenith"] + .5 * weather["horizon"]
    bounce = .16 * (high + weather["sun_rgb"] * max(weather["sun"][2], 0) * .8)
    sky = np.array([weather["cloud"], weather["shift"], 1.05, weather["fog"], weather["wet"], night, .05,
                    .9 * night if beam else 0.0])
    store = textures.STORE
    return shade.Light(weather["sun"], weather["sun_rgb"], weather["zenith"], weather["horizon"], bounce, sky,
                       np.asarray(lamps, float).reshape(-1, 6) if night > 0 else np.zeros((0, 6)), key, view, scale,
                       under, under_map_at,
                       records[0], records[1], records[2], textures.NOISE, store.texels, store.levels, store.metres)
