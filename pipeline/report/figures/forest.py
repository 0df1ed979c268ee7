"""The forest plot: one row per trial, the mean as a diamond, the prediction interval as a bar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.figures.canvas import ACCENT, INK, MUTED, SIZE, WIDTH, Canvas, fit, text_width
from pipeline.report.figures.scale import Scale, direction_height, draw_axis, draw_band, draw_interval, draw_null, scale
from pipeline.report.results import Evidence

ROWS_PER_PART = 30
"""Rows that fit a page with the heading and the caption."""
ROW = 0.215
_GAP = 0.14
_PLOT_MIN = 1.75
_MARKER_MAX = 62.0


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the plot, its texts formatted. `role` is '' where roles need no marker."""

    study: str
    people: str
    instrument: str
    value: float
    lb: float
    ub: float
    weight: float | None
    effect: str
    role: str


@dataclass(frozen=True, slots=True)
class Summary:
    label: str
    value: float
    lb: float
    ub: float
    effect: str
    kind: str


def forest(e: Evidence) -> list[bytes]:
    """The plot as SVG, in parts of at most `ROWS_PER_PART` trials; empty when no trial is used."""
    rows, summaries = study_rows(e), summary_rows(e)
    if not rows:
        return []
    chunks = in_parts(rows)
    columns = _Columns.of(e, rows, summaries)
    return [_draw(e, columns, chunk, summaries if chunk is chunks[-1] else []) for chunk in chunks]


def in_parts(rows: list[Row]) -> list[list[Row]]:
    """The rows of each part of the figure, evenly."""
    parts = math.ceil(len(rows) / ROWS_PER_PART)
    size = math.ceil(len(rows) / parts)
    return [rows[i * size : (i + 1) * size] for i in range(parts)]


def study_rows(e: Evidence) -> list[Row]:
    """One row per trial used, in the order of year and name."""
    q, used = e.question, e.used.sort_values(["year", "study", "effect_id"], kind="stable")
    several_roles = used["role_1"].nunique() > 1
    several_instruments = used["instrument"].nunique() > 1
    return [
        Row(
            study_name(r.study, r.year),
            people(r),
            e.labels.short(r.instrument) if several_instruments else "",
            r.shown_yi,
            r.shown_ci_lb,
            r.shown_ci_ub,
            r.weight if f.known(r.weight) and len(used) > 1 else None,
            f.with_interval(r.shown_yi, r.shown_ci_lb, r.shown_ci_ub, q.measure, e.places),
            r.role_1 if several_roles else "",
        )
        for r in used.itertuples()
    ]


def people(r: Any) -> str:
    """'41 / 39'; '80 in all' where the split is not known."""
    if f.known(r.n_1) and f.known(r.n_2):
        return f"{f.count(r.n_1)} / {f.count(r.n_2)}"
    return f"{f.count(r.n)} in all" if f.known(r.n) else f.NOT_GIVEN


def study_name(study: str, year: float | None) -> str:
    """'Dennis 2009': the year is added only where the label lacks it."""
    if not f.known(year) or f"{year:.0f}" in study:
        return study
    return f"{study} {year:.0f}"


def summary_rows(e: Evidence) -> list[Summary]:
    """The mean (or the common-effect line) and the prediction interval."""
    q, est = e.question, e.estimate
    if est is None or est.kind == "single":
        return []
    name = "Mean (random effects)" if est.kind == "mean" else "Common-effect line"
    text = f.with_interval(est.value, est.ci_lb, est.ci_ub, q.measure, e.places)
    rows = [Summary(name, est.value, est.ci_lb, est.ci_ub, text, "diamond" if est.kind == "mean" else "hollow")]
    if est.pi_lb is not None and est.pi_ub is not None and f.known(est.pi_lb) and f.known(est.pi_ub):
        limits = f.bracket(est.pi_lb, est.pi_ub, q.measure, e.places)
        rows.append(Summary("95% prediction interval", est.value, est.pi_lb, est.pi_ub, limits, "band"))
    return rows


@dataclass(frozen=True)
class _Columns:
    """Where each column stands, in inches; x of right-aligned columns is their right edge."""

    people: float
    instrument: float
    effect: float
    weight: float
    study_width: float
    instrument_width: float
    scale: Scale
    headings: tuple[str, str, str, str, str]

    @classmethod
    def of(cls, e: Evidence, rows: list[Row], summaries: list[Summary]) -> _Columns:
        drawn: list[Row | Summary] = [*rows, *summaries]
        heads = (
            "Trial",
            "People*",
            "Scale" if any(r.instrument for r in rows) else "",
            f"{e.question.measure} [95% CI]",
            "Weight" if any(r.weight is not None for r in rows) else "",
        )
        effect_w = max([text_width(heads[3], True)] + [text_width(x.effect, True) for x in drawn])
        weight_w = text_width(heads[4], True) + _GAP if heads[4] else 0.0
        people_w = max([text_width(heads[1], True)] + [text_width(r.people) for r in rows])
        labels = [text_width(r.study) for r in rows] + [text_width(s.label, True) - people_w for s in summaries]
        room = WIDTH - effect_w - weight_w - people_w - 3 * _GAP - _PLOT_MIN
        study_w = min(max(labels), room - (0.75 if heads[2] else 0.0))
        wanted = max([text_width(heads[2], True)] + [text_width(r.instrument) for r in rows]) if heads[2] else 0.0
        instrument_w = min(wanted, max(room - study_w - _GAP, 0.0))
        people = study_w + _GAP + people_w
        instrument = people + _GAP
        x0 = instrument + (instrument_w + _GAP if heads[2] else 0.0)
        effect = WIDTH - weight_w
        points = [r.value for r in rows] + [s.value for s in summaries]
        limits = [v for r in drawn for v in (r.lb, r.ub)]
        axis = scale(points, limits, e.question.is_ratio, x0 + 0.05, effect - effect_w - _GAP - 0.05)
        return cls(people, instrument, effect, WIDTH, study_w, instrument_w, axis, heads)


def _draw(e: Evidence, k: _Columns, rows: list[Row], summaries: list[Summary]) -> bytes:
    left, right = phrases.axis_labels(e.question)
    roles = sorted({r.role for r in rows} - {""})
    axis = direction_height(k.scale, WIDTH, left, right)
    height = 0.32 + ROW * (len(rows) + len(summaries)) + (0.1 if summaries else 0.0) + axis + 0.22 * bool(roles)
    c = Canvas.of(height)
    _headings(c, k)
    heaviest = max((r.weight or 0.0 for r in study_rows(e)), default=0.0)
    bottom = 0.32 + ROW * (len(rows) + len(summaries)) + (0.1 if summaries else 0.0)
    draw_null(c, k.scale, 0.27, bottom)
    for i, row in enumerate(rows):
        _study(c, k, e, row, 0.32 + ROW * (i + 0.5), heaviest)
    for i, summary in enumerate(summaries):
        _summary(c, k, summary, 0.42 + ROW * (len(rows) + i + 0.5))
    if summaries:
        y = 0.37 + ROW * len(rows)
        c.line(0, y, k.scale.x0 - 0.05, y, 0.6, MUTED)
        c.line(k.scale.x1 + 0.05, y, WIDTH, y, 0.6, MUTED)
    draw_axis(c, k.scale, bottom, left, right)
    if roles:
        _legend(c, e, roles, height - 0.1)
    return c.svg()


def _headings(c: Canvas, k: _Columns) -> None:
    c.text(0, 0.12, k.headings[0], bold=True)
    c.text(k.people, 0.12, k.headings[1], "right", bold=True)
    c.text(k.instrument, 0.12, fit(k.headings[2], max(k.instrument_width, 0.3)) if k.headings[2] else "", bold=True)
    c.text(k.effect, 0.12, k.headings[3], "right", bold=True)
    if k.headings[4]:
        c.text(k.weight, 0.12, k.headings[4], "right", bold=True)
    c.line(0, 0.25, WIDTH, 0.25, 0.9, ACCENT)


def _study(c: Canvas, k: _Columns, e: Evidence, row: Row, y: float, heaviest: float) -> None:
    c.text(0, y, fit(row.study, k.study_width))
    c.text(k.people, y, row.people, "right")
    if row.instrument:
        c.text(k.instrument, y, fit(row.instrument, k.instrument_width))
    draw_interval(c, k.scale, y, row.lb, row.ub)
    share = row.weight / heaviest if row.weight and heaviest else 0.4
    c.marker(k.scale.x(row.value), y, marker_of(e, row.role), max(_MARKER_MAX * share, 9.0))
    c.text(k.effect, y, row.effect, "right")
    if row.weight is not None:
        c.text(k.weight, y, f.percent(row.weight, 1), "right")


def _summary(c: Canvas, k: _Columns, s: Summary, y: float) -> None:
    c.text(0, y, s.label, bold=True)
    c.text(k.effect, y, s.effect, "right", bold=True)
    if s.kind == "band":
        draw_band(c, k.scale, y, s.lb, s.ub)
        return
    x = k.scale
    c.polygon(
        [(x.x(s.lb), y), (x.x(s.value), y - 0.075), (x.x(s.ub), y), (x.x(s.value), y + 0.075)],
        hollow=s.kind == "hollow",
    )


def marker_of(e: Evidence, role: str) -> str:
    """A square, unless several roles need to be told apart."""
    return e.labels.markers.get(role, "s") if role else "s"


def _legend(c: Canvas, e: Evidence, roles: list[str], y: float) -> None:
    x = 0.0
    for role in roles:
        c.marker(x + 0.06, y, marker_of(e, role), SIZE * 4, INK)
        label = e.labels.of("role", role)
        c.text(x + 0.16, y, label)
        x += 0.16 + text_width(label) + 0.25
