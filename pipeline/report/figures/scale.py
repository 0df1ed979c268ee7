"""From effects to places on an axis, linear for differences and logarithmic for ratios."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from matplotlib.ticker import MaxNLocator

from pipeline.report import format as f
from pipeline.report.figures.canvas import INK, MUTED, PALE, Canvas, text_width, wrap

_RATIO_TICKS = tuple(2.0**i for i in range(-10, 11))


@dataclass(frozen=True)
class Scale:
    """`lo` to `hi` (shown scale) over `x0` to `x1` inches."""

    lo: float
    hi: float
    x0: float
    x1: float
    log: bool
    ticks: tuple[float, ...]
    null: float

    def x(self, value: float) -> float:
        """Inches, clipped to the axis."""
        if not self.log:
            share = (value - self.lo) / (self.hi - self.lo)
        elif value <= 0:
            share = 0.0
        else:
            share = math.log(value / self.lo) / math.log(self.hi / self.lo)
        return self.x0 + min(max(share, 0.0), 1.0) * (self.x1 - self.x0)

    def below(self, value: float) -> bool:
        return value < self.lo

    def above(self, value: float) -> bool:
        return value > self.hi


def scale(points: Sequence[float], limits: Sequence[float], log: bool, x0: float, x1: float) -> Scale:
    """An axis that shows every point and, as far as the points leave room, every limit; limits beyond it get arrows."""
    null = 1.0 if log else 0.0
    points = [p for p in points if f.known(p) and (p > 0 or not log)] + [null]
    limits = [v for v in limits if f.known(v) and (v > 0 or not log)] + points
    if log:
        inner = [math.log2(p) for p in points]
        reach = max(max(inner) - min(inner), 2.0)
        lo = max(min(math.log2(v) for v in limits), min(inner) - reach)
        hi = min(max(math.log2(v) for v in limits), max(inner) + reach)
        first, last = min(math.floor(lo), -1), max(math.ceil(hi), 1)
        ticks = tuple(t for t in _RATIO_TICKS if 2.0**first <= t <= 2.0**last)
        return Scale(2.0**first, 2.0**last, x0, x1, True, _thin(ticks, null), null)
    reach = max(max(points) - min(points), 2.0 * median(abs(v) for v in limits), 1e-9)
    lo, hi = max(min(limits), min(points) - reach), min(max(limits), max(points) + reach)
    pad = 0.04 * (hi - lo)
    ticks = tuple(float(t) for t in MaxNLocator(nbins=5, steps=[1, 2, 2.5, 5, 10]).tick_values(lo - pad, hi + pad))
    return Scale(ticks[0], ticks[-1], x0, x1, False, ticks, null)


def tick_labels(s: Scale) -> list[str]:
    """One number of decimals for all ticks; ratios as short as they are exact."""
    if s.log:
        return [f"{t:g}" for t in s.ticks]
    step = s.ticks[1] - s.ticks[0]
    places = next((d for d in range(5) if abs(round(step, d) - step) < 1e-9), 5)
    return [f.number(t, places) for t in s.ticks]


def draw_null(c: Canvas, s: Scale, top: float, bottom: float) -> None:
    c.line(s.x(s.null), top, s.x(s.null), bottom, 0.9, INK)


def spaced_labels(s: Scale) -> list[str]:
    """`tick_labels`, every second (or third ...) one blank where they would touch; the one at no difference stays."""
    labels = tick_labels(s)
    at = min(range(len(labels)), key=lambda i: abs(s.x(s.ticks[i]) - s.x(s.null)))
    for step in range(1, len(labels)):
        kept = [i for i in range(len(labels)) if (i - at) % step == 0]
        gaps = [
            s.x(s.ticks[b]) - s.x(s.ticks[a]) - (text_width(labels[a]) + text_width(labels[b])) / 2
            for a, b in pairwise(kept)
        ]
        if min(gaps, default=1.0) > 0.07:
            return [label if i in kept else "" for i, label in enumerate(labels)]
    return ["" if i != at else label for i, label in enumerate(labels)]


def draw_axis(c: Canvas, s: Scale, y: float, left: str, right: str) -> float:
    """The axis at height y with its ticks and the two directions below it. Returns the height where it ends."""
    c.line(s.x0, y, s.x1, y, 0.9, INK)
    for tick, label in zip(s.ticks, spaced_labels(s), strict=True):
        c.line(s.x(tick), y, s.x(tick), y + 0.05, 0.9, INK)
        c.text(s.x(tick), y + 0.14, label, "center")
    return draw_directions(c, s, y + 0.32, left, right)


def draw_directions(c: Canvas, s: Scale, y: float, left: str, right: str) -> float:
    """'<- favours ...' left and '... ->' right of the null line, wrapped; below each other if they would collide."""
    room = min(s.x(s.null), c.width - s.x(s.null)) - 0.08
    lines_left, lines_right = wrap(f"\u2190 {left}", max(room, 1.2)), wrap(f"{right} \u2192", max(room, 1.2))
    for i, line in enumerate(lines_left):
        c.text(max(s.x(s.null) - 0.08, text_width(line)), y + 0.16 * i, line, "right", color=MUTED)
    for i, line in enumerate(lines_right):
        c.text(min(s.x(s.null) + 0.08, c.width - text_width(line)), y + 0.16 * i, line, "left", color=MUTED)
    return y + 0.16 * max(len(lines_left), len(lines_right))


def direction_height(s: Scale, width: float, left: str, right: str) -> float:
    """Height that `draw_axis` will need."""
    room = max(min(s.x(s.null), width - s.x(s.null)) - 0.08, 1.2)
    return 0.26 + 0.16 * max(len(wrap(f"\u2190 {left}", room)), len(wrap(f"{right} \u2192", room)))


def draw_interval(c: Canvas, s: Scale, y: float, lb: float, ub: float, color: str = INK, width: float = 1.1) -> None:
    """A line from limit to limit; an arrow head where a limit lies beyond the axis."""
    if not (f.known(lb) and f.known(ub)):
        return
    c.line(s.x(lb), y, s.x(ub), y, width, color)
    for beyond, x, way in ((s.below(lb), s.x0, 1), (s.above(ub), s.x1, -1)):
        if beyond:
            c.polygon([(x, y), (x + way * 0.07, y - 0.035), (x + way * 0.07, y + 0.035)], color)


def draw_band(c: Canvas, s: Scale, y: float, lb: float, ub: float) -> None:
    """A prediction interval: a pale bar with end strokes."""
    if f.known(lb) and f.known(ub):
        c.polygon(
            [(s.x(lb), y - 0.035), (s.x(ub), y - 0.035), (s.x(ub), y + 0.035), (s.x(lb), y + 0.035)], PALE, edge=False
        )
        draw_interval(c, s, y, lb, ub, MUTED, 1.0)
        for limit, beyond in ((lb, s.below(lb)), (ub, s.above(ub))):
            if not beyond:
                c.line(s.x(limit), y - 0.05, s.x(limit), y + 0.05, 1.0, MUTED)


def _thin(ticks: tuple[float, ...], null: float) -> tuple[float, ...]:
    if len(ticks) <= 7:
        return ticks
    at = ticks.index(null)
    return tuple(t for i, t in enumerate(ticks) if (i - at) % 2 == 0)
