"""The contour-enhanced funnel plot (Peters 2008): effect against standard error, with bands of the trials' own p."""

from __future__ import annotations

import itertools
import math

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.figures.canvas import ACCENT, INK, MUTED, WIDTH, Canvas
from pipeline.report.figures.scale import Scale, direction_height, draw_axis, draw_null, scale
from pipeline.report.results import Evidence

MIN_TRIALS = 10
_LEFT, _RIGHT, _TOP, _BOTTOM = 0.62, WIDTH - 1.45, 0.12, 2.85
_BANDS = (
    (2.5758293, "#ffffff", "p < .01"),
    (1.9599640, "#d5e0e5", ".01 to .05"),
    (1.6448536, "#b3c6cf", ".05 to .10"),
    (0.0, "#eef1f3", "p > .10"),
)
"""Normal quantiles of two-sided p .01, .05 and .10, outermost first."""


def funnel(e: Evidence) -> bytes | None:
    """SVG, or None below ten trials."""
    used, est = e.used, e.estimate
    used = used[used["vi"].notna()]
    if est is None or est.kind != "mean" or len(used) < MIN_TRIALS:
        return None
    se = [math.sqrt(v) for v in used["vi"]]
    lowest = max(se) * 1.06
    points = used["shown_yi"].tolist()
    axis = scale([*points, est.value], [], e.question.is_ratio, _LEFT, _RIGHT)
    left, right = phrases.axis_labels(e.question)
    c = Canvas.of(_BOTTOM + direction_height(axis, WIDTH, left, right))
    _bands(c, axis, lowest)
    draw_null(c, axis, _TOP, _BOTTOM)
    c.line(axis.x(est.value), _TOP, axis.x(est.value), _BOTTOM, 1.2, ACCENT, dash=True)
    for x, s in zip(points, se, strict=True):
        c.marker(axis.x(x), _y(s, lowest), "o", 20, INK, hollow=True)
    _vertical_axis(c, lowest)
    draw_axis(c, axis, _BOTTOM, left, right)
    _key(c)
    return c.svg()


def _y(se: float, lowest: float) -> float:
    return _TOP + se / lowest * (_BOTTOM - _TOP)


def _bands(c: Canvas, axis: Scale, lowest: float) -> None:
    """Wedges from the top of the null line; what lies outside the axis is cut off."""
    c.polygon([(_LEFT, _TOP), (_RIGHT, _TOP), (_RIGHT, _BOTTOM), (_LEFT, _BOTTOM)], _BANDS[0][1], edge=False)
    for (outer, _, _), (_, color, _) in itertools.pairwise(_BANDS):
        sides = []
        for sign in (-1, 1):
            steps = [lowest * i / 40 for i in range(41)]
            sides.append([(axis.x(_shown(sign * outer * s, axis.log)), _y(s, lowest)) for s in steps])
        c.polygon([*sides[0], *reversed(sides[1])], color, edge=False)


def _shown(value: float, log: bool) -> float:
    return math.exp(value) if log else value


def _vertical_axis(c: Canvas, lowest: float) -> None:
    c.line(_LEFT, _TOP, _LEFT, _BOTTOM, 0.9, INK)
    step = next(s for s in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 1e9) if lowest / s <= 6)
    for i in range(int(lowest / step) + 1):
        y = _y(i * step, lowest)
        c.line(_LEFT - 0.05, y, _LEFT, y, 0.9, INK)
        c.text(_LEFT - 0.09, y, f.number(i * step, 2 if step < 0.1 else 1), "right")
    c.text(0.08, (_TOP + _BOTTOM) / 2, "Standard error", "center", color=MUTED, upright=True)


def _key(c: Canvas) -> None:
    """What the bands and the dashed line mean, beside the plot."""
    x = _RIGHT + 0.18
    c.text(x, _TOP + 0.08, "p of a single trial", bold=True)
    for i, (_, color, label) in enumerate(_BANDS):
        y = _TOP + 0.3 + 0.2 * i
        box = [(x, y - 0.06), (x + 0.2, y - 0.06), (x + 0.2, y + 0.06), (x, y + 0.06)]
        c.polygon(box, color, edge=False)
        for (x0, y0), (x1, y1) in zip(box, [*box[1:], box[0]], strict=True):
            c.line(x0, y0, x1, y1, 0.5, MUTED)
        c.text(x + 0.28, y, label)
    y = _TOP + 0.3 + 0.2 * len(_BANDS) + 0.06
    c.line(x, y, x + 0.2, y, 1.2, ACCENT, dash=True)
    c.text(x + 0.28, y, "pooled mean")
    y += 0.2
    c.marker(x + 0.1, y, "o", 20, INK, hollow=True)
    c.text(x + 0.28, y, "one trial")
