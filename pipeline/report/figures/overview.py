"""All questions at a glance in one figure: one row per question, a panel per kind of effect and good end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.figures.canvas import ACCENT, WIDTH, Canvas, fit, text_width
from pipeline.report.figures.scale import Scale, direction_height, draw_axis, draw_band, draw_interval, draw_null, scale
from pipeline.report.results import Estimate, Evidence

_ROW, _HEAD, _GAP = 0.215, 0.32, 0.15
_TITLE, _BETWEEN = 0.22, 0.1
_LABEL = "Outcome and comparator"
_MARKERS = {"mean": ("s", False), "common": ("D", True), "single": ("o", True)}
KEY = (
    "Filled square: random-effects mean of three trials or more. Open diamond: common-effect "
    "line of two trials. Open circle: one trial. "
    "Lines: 95% confidence intervals; an arrow marks one that goes on beyond the axis. Pale "
    "bar: prediction interval, where there are trials enough."
)
"""What the markers mean, for a caption."""


@dataclass(frozen=True, slots=True)
class Panel:
    """Questions that share an axis. `title` names the measure and the good end."""

    title: str
    evidence: tuple[Evidence, ...]


def panels(all_evidence: Sequence[Evidence]) -> list[Panel]:
    """Questions with a trial, by kind of effect; differences in scale units share no axis and get one each."""
    groups: dict[tuple[str, str, str], list[Evidence]] = {}
    for e in all_evidence:
        q = e.question
        if q.k >= 1:
            family = "SMD" if q.measure == "SMD" else "ratio" if q.is_ratio else f"{q.measure}:{q.outcome}"
            groups.setdefault((family, q.better_is, q.intervention_label), []).append(e)
    return [Panel(_title(family, better, members), tuple(members)) for (family, better, _), members in groups.items()]


def draw_overview(shown: Sequence[Panel]) -> bytes:
    """All panels below each other as one SVG, their columns aligned."""
    columns = _Columns.of([e for p in shown for e in p.evidence])
    axes = [_axis(p, columns) for p in shown]
    heights = [_height(p, axis) for p, axis in zip(shown, axes, strict=True)]
    c = Canvas.of(_HEAD + sum(heights))
    _headings(c, columns)
    top = _HEAD
    for panel, axis, height in zip(shown, axes, heights, strict=True):
        _panel(c, panel, axis, columns, top)
        top += height
    return c.svg()


def directions(panel: Panel) -> tuple[str, str]:
    """What left and right mean; the comparator by its name only where all rows share it."""
    first = panel.evidence[0].question
    one = len({e.question.comparator for e in panel.evidence}) == 1
    return phrases.axis_directions(
        first.better_is, phrases.intervention(first), phrases.versus(first) if one else "comparator"
    )


def _height(panel: Panel, axis: Scale) -> float:
    rows = _TITLE + _ROW * len(panel.evidence) + 0.03
    return rows + direction_height(axis, WIDTH, *directions(panel)) + _BETWEEN


def _panel(c: Canvas, panel: Panel, axis: Scale, columns: _Columns, top: float) -> None:
    c.text(0, top + 0.1, fit(panel.title, WIDTH), bold=True, color=ACCENT)
    first = top + _TITLE
    bottom = first + _ROW * len(panel.evidence) + 0.03
    draw_null(c, axis, first - 0.02, bottom)
    for i, e in enumerate(panel.evidence):
        _row(c, e, axis, columns, first + _ROW * (i + 0.5))
    draw_axis(c, axis, bottom, *directions(panel))


@dataclass(frozen=True, slots=True)
class _Columns:
    label: float
    trials: float
    effect: float

    @classmethod
    def of(cls, evidence: Sequence[Evidence]) -> _Columns:
        return cls(
            min(max(text_width(_LABEL, True), *(text_width(row_label(e)) for e in evidence)), 2.7),
            max(text_width("Trials", True), *(text_width(f.count(e.question.k)) for e in evidence)),
            max(text_width("Effect [95% CI]", True), *(text_width(_effect(e)) for e in evidence)),
        )


def row_label(e: Evidence) -> str:
    return f"{e.question.outcome_label} v {phrases.versus(e.question)}"


def _effect(e: Evidence) -> str:
    """The effect; its measure only where a panel holds several."""
    return effect_text(e) if e.question.is_ratio else effect_text(e).removeprefix(f"{e.question.measure} ")


def effect_text(e: Evidence) -> str:
    est = _estimate(e)
    measure = e.question.measure
    return f"{measure} {f.with_interval(est.value, est.ci_lb, est.ci_ub, measure, e.places)}"


def _estimate(e: Evidence) -> Estimate:
    if e.estimate is None:
        raise ValueError(f"question '{e.question.key}' has no trial to draw")
    return e.estimate


def _title(family: str, better: str, members: Sequence[Evidence]) -> str:
    q = members[0].question
    measures = " and ".join(dict.fromkeys(e.question.measure for e in members))
    names = {"SMD": "Standardised mean differences (SMD)", "ratio": f"Ratios ({measures})"}
    what = names.get(family, f"{phrases.measure_name(q)}, {phrases.inner(q.outcome_label)}, in {q.unit}")
    good = {"lower": "lower is better", "higher": "higher is better"}.get(better, "neither end is better in itself")
    return f"{what}: {good}"


def _axis(panel: Panel, k: _Columns) -> Scale:
    estimates = [_estimate(e) for e in panel.evidence]
    limits = [v for x in estimates for v in (x.ci_lb, x.ci_ub)] + [v for e in panel.evidence for v in _prediction(e)]
    x0 = k.label + _GAP + k.trials + _GAP + 0.05
    return scale(
        [x.value for x in estimates], limits, panel.evidence[0].question.is_ratio, x0, WIDTH - k.effect - _GAP - 0.05
    )


def _prediction(e: Evidence) -> tuple[float, ...]:
    """Limits of the prediction interval where it is a headline."""
    est = _estimate(e)
    if (
        est.k < e.question.headline_prediction_from_k
        or est.pi_lb is None
        or est.pi_ub is None
        or not f.known(est.pi_lb)
    ):
        return ()
    return est.pi_lb, est.pi_ub


def _headings(c: Canvas, k: _Columns) -> None:
    c.text(0, 0.12, _LABEL, bold=True)
    c.text(k.label + _GAP + k.trials, 0.12, "Trials", "right", bold=True)
    c.text(WIDTH, 0.12, "Effect [95% CI]", "right", bold=True)
    c.line(0, 0.25, WIDTH, 0.25, 0.9, ACCENT)


def _row(c: Canvas, e: Evidence, axis: Scale, k: _Columns, y: float) -> None:
    est, limits = _estimate(e), _prediction(e)
    c.text(0, y, fit(row_label(e), k.label))
    c.text(k.label + _GAP + k.trials, y, f.count(e.question.k), "right")
    if limits:
        draw_band(c, axis, y, *limits)
    draw_interval(c, axis, y, est.ci_lb, est.ci_ub)
    shape, hollow = _MARKERS[est.kind]
    c.marker(axis.x(est.value), y, shape, 30, ACCENT, hollow)
    c.text(WIDTH, y, _effect(e), "right")
