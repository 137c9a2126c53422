"""Colours that vehicles share, a bus's side, and the stripes and emblems of firms. Drawn on a `Canvas`."""

DARK_GLASS = (26, 28, 32)
BLACK = (14, 14, 15)
SEAM = (92, 92, 94)
CHROME = (185, 188, 192)
HEAD = (225, 230, 235)
TAIL = (170, 12, 14)
AMBER = (205, 110, 20)


def bus_side(canvas, s):
    b = s.shape
    length, low, high = b["length"], b["belt"], b["height"] - 0.42
    canvas.rect(0.25, low, length - 0.2, high, DARK_GLASS, 0, 1.0, round_by=0.1)
    count = round(length / 1.5)
    for k in range(count + 1):
        y = 0.3 + (length - 0.6) * k / count
        canvas.line([(y, low), (y, high)], (12, 12, 12), 0.07)
        if k < count:
            canvas.rect(
                y + 0.25, low + 0.25, y + 1.0, high - 0.3, (58, 62, 66), 0, 1.0, round_by=0.1
            )
            canvas.rect(y + 0.35, low, y + 0.75, low + 0.35, (30, 30, 42), 0, 1.0, round_by=0.1)
    for y in (0.45, length * 0.5):
        canvas.rect(y, 0.35, y + 1.15, high, DARK_GLASS, 0, 1.0, round_by=0.05)
        canvas.line([(y + 0.57, 0.35), (y + 0.57, high)], (12, 12, 12), 0.06)
    canvas.rect(0, 0.25, length, 0.5, s.second, 0, 0.4)
    canvas.rect(length * 0.62, 0.6, length * 0.9, low - 0.1, s.second, 0, 0.4, round_by=0.05)


def livery(canvas, s):
    """Stripes and emblems of firms; nothing that reads differently mirrored."""
    b = s.shape
    end, mid = b["length"], b["belt"] - 0.32
    if s.livery == "stripe":
        canvas.rect(0.5, mid - 0.06, end - 0.3, mid + 0.08, s.second, 0, 0.5)
    elif s.livery == "check":
        for k in range(int((end - 1.0) / 0.12)):
            canvas.rect(
                0.6 + k * 0.12,
                mid + 0.06 * (k % 2),
                0.66 + k * 0.12,
                mid + 0.06 + 0.06 * (k % 2),
                BLACK,
            )
    elif s.livery == "firm":
        canvas.circle(end * 0.62, b["height"] * 0.62, 0.28, s.second, 0, 0.4)
        canvas.rect(
            end * 0.62 + 0.4,
            b["height"] * 0.62 - 0.1,
            end * 0.92,
            b["height"] * 0.62 + 0.1,
            s.second,
            0,
            0.4,
        )
        canvas.poly([(end * 0.4, 0.3), (end, 0.3), (end, 0.75)], s.second, 0, 0.4)
    elif s.livery == "rescue":
        canvas.rect(0.1, mid - 0.12, end, mid + 0.14, (200, 30, 25), 0, 0.5)
        for k in range(int(end / 0.5)):
            canvas.rect(k * 0.5, mid + 0.14, k * 0.5 + 0.25, mid + 0.30, (235, 220, 40), 0, 0.5)
