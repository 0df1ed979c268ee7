"""The mean with each trial left out in turn, beside the mean of all."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.figures.canvas import ACCENT, MUTED, WIDTH, Canvas, fit, text_width
from pipeline.report.figures.scale import direction_height, draw_axis, draw_interval, draw_null, scale
from pipeline.report.results import Evidence

ROWS_MAX = 16
"""With more trials the extremes are shown in a table instead."""
_ROW, _TOP, _GAP = 0.215, 0.32, 0.16


def leave_one_out_figure(e: Evidence) -> bytes:
    """SVG; the dashed line is the mean of all trials."""
    q, est, rows = e.question, e.estimate, list(e.analysis("leave_one_out").itertuples())
    if est is None or not rows:
        raise ValueError("leaving one trial out needs rows of that analysis and a pooled mean")
    texts = [f.with_interval(r.shown_estimate, r.shown_ci_lb, r.shown_ci_ub, q.measure, e.places) for r in rows]
    head = f"Mean {q.measure} [95% CI]"
    effect_w = max(text_width(t, True) for t in [head, *texts])
    label_w = min(max(text_width(r.label) for r in rows), 2.3)
    limits = [v for r in rows for v in (r.shown_ci_lb, r.shown_ci_ub)] + [est.ci_lb, est.ci_ub]
    axis = scale([r.shown_estimate for r in rows], limits, q.is_ratio, label_w + _GAP, WIDTH - effect_w - _GAP)
    left, right = phrases.axis_labels(q)
    bottom = _TOP + _ROW * (len(rows) + 1) + 0.04
    c = Canvas.of(bottom + direction_height(axis, WIDTH, left, right))
    c.text(0, 0.12, "Trial left out", bold=True)
    c.text(WIDTH, 0.12, head, "right", bold=True)
    c.line(0, 0.25, WIDTH, 0.25, 0.9, ACCENT)
    draw_null(c, axis, 0.27, bottom)
    c.line(axis.x(est.value), 0.27, axis.x(est.value), bottom, 1.2, ACCENT, dash=True)
    for i, (row, text) in enumerate(zip(rows, texts, strict=True)):
        y = _TOP + _ROW * (i + 0.5)
        c.text(0, y, fit(row.label, label_w))
        draw_interval(c, axis, y, row.shown_ci_lb, row.shown_ci_ub, MUTED)
        c.marker(axis.x(row.shown_estimate), y, "o", 24)
        c.text(WIDTH, y, text, "right")
    y = _TOP + _ROW * (len(rows) + 0.5)
    c.text(0, y, "None (all trials, dashed line)", bold=True)
    points = [
        (axis.x(est.ci_lb), y),
        (axis.x(est.value), y - 0.075),
        (axis.x(est.ci_ub), y),
        (axis.x(est.value), y + 0.075),
    ]
    c.polygon(points)
    c.text(WIDTH, y, f.with_interval(est.value, est.ci_lb, est.ci_ub, q.measure, e.places), "right", bold=True)
    draw_axis(c, axis, bottom, left, right)
    return c.svg()
