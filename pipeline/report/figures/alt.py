"""Alternative texts: what a figure shows, said with its numbers."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report import phrases, wording
from pipeline.report.figures.forest import in_parts, study_rows
from pipeline.report.results import Evidence

_ONE_BY_ONE = 12
"""Up to this many trials left out are read out one by one."""


def forest_alt(e: Evidence, part: int = 0, parts: int = 1) -> str:
    """Every trial of this part with its effect; with the last part, the mean and what the intervals include."""
    q, est, rows = e.question, e.estimate, study_rows(e)
    if est is None:
        return ""
    left, right = phrases.axis_labels(q)
    which = f", part {part + 1} of {parts}" if parts > 1 else ""
    text = [
        f"Forest plot{which}: {phrases.trials(q.k)}, {phrases.inner(q.measure_label)}, {q.measure}, with 95% "
        f"confidence intervals, {phrases.intervention(q)} versus {phrases.comparator(q)}; left of "
        f"{f.effect(q.null, q.measure, 0)} {left}, right {right}."
    ]
    text += [f"{r.study}: {r.effect}." for r in in_parts(rows)[part]]
    if part < parts - 1:
        return " ".join(text)
    text += [wording.effect_sentence(e)] if est.kind != "single" else []
    text += [wording.interval_sentence(q, est, e.places), wording.prediction_sentence(q, est, e.places)]
    return " ".join(t for t in text if t)


def funnel_alt(e: Evidence) -> str:
    """How many trials stand on each side of the mean, among the less precise half and overall."""
    est, used = e.estimate, e.used
    if est is None:
        return ""
    half = used.sort_values("vi").iloc[len(used) // 2 :]
    below, small_below = int((used["shown_yi"] < est.value).sum()), int((half["shown_yi"] < est.value).sum())
    return (
        f"Funnel plot of {phrases.trials(len(used))}: effect across, standard error down, with "
        "bands for p below .10, .05 and .01. "
        f"{below} of {len(used)} trials lie left of the mean of {f.effect(est.value, e.question.measure, e.places)}; "
        f"of the {len(half)} least precise, {small_below} do."
    )


def leave_one_out_alt(e: Evidence) -> str:
    rows = e.analysis("leave_one_out")
    q = e.question
    listed = " ".join(
        f"{r.label}: {f.with_interval(r.shown_estimate, r.shown_ci_lb, r.shown_ci_ub, q.measure, e.places)}."
        for r in rows.itertuples()
    )
    return (
        f"Means with one trial left out at a time. {wording.leave_one_out_sentence(e)} "
        f"{listed if len(rows) <= _ONE_BY_ONE else ''}"
    ).strip()
