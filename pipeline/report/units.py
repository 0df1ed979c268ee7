"""A translated effect in words: scale points, people per 1000, pairs of people; directions are read from numbers."""

from __future__ import annotations

from typing import Any

from pipeline.report import format as f
from pipeline.report.phrases import comparator, inner, intervention
from pipeline.report.results import Evidence, Question

_UNIT_ORDER = {"points": 0, "per": 1, "share": 2}


def telling_unit(e: Evidence) -> Any | None:
    """The row of TRANSLATED that says most to a lay reader: points, then people per 1000, then pairs."""
    order = sorted(e.translated.itertuples(), key=lambda r: _UNIT_ORDER.get(r.unit.split("_")[0], 1))
    return order[0] if order else None


def in_units(e: Evidence) -> str:
    """The most telling plain translation as a sentence, or ''."""
    row = telling_unit(e)
    return unit_sentence(e.question, row) if row is not None else ""


def unit_sentence(q: Question, row: Any) -> str:
    """One row of TRANSLATED in words; its direction is read from the number."""
    x, y, places = intervention(q), comparator(q), unit_places(row.unit)
    if row.unit == "share_better":
        limits = f" (95% CI {f.interval(row.ci_lb, row.ci_ub, '', 0)})" if f.known(row.ci_lb) else ""
        who = (
            f"someone assigned to {x} would be better off than someone assigned to {y} in "
            f"{f.number(row.estimate, 0)} of 100 pairs"
        )
        return f"Put plainly, {who}{limits}; 50 would be no difference."
    less, more = ("fewer", "more") if row.unit == "per_1000" else ("lower", "higher")
    limits = (
        f" (95% CI {_signed(row.ci_lb, places, less, more)} to {_signed(row.ci_ub, places, less, more)})"
        if f.known(row.ci_lb)
        else ""
    )
    amount = _signed(row.estimate, places, less, more)
    if row.unit == "per_1000":
        base = f", where {f.number(row.reference, 0)} in 1000 have it with {y}" if f.known(row.reference) else ""
        return f"Among 1000 people with {x}, {amount} than with {y} have the event{limits}{base}."
    return f"In {inner(row.label)}, that is {amount} with {x} than with {y}{limits}."


def unit_phrase(q: Question, row: Any) -> str:
    """One row of TRANSLATED for a narrow cell."""
    places = unit_places(row.unit)
    if row.unit == "share_better":
        limits = f" ({f.interval(row.ci_lb, row.ci_ub, '', 0)})" if f.known(row.ci_lb) else ""
        return f"Better off in {f.number(row.estimate, 0)} of 100 pairs{limits}; 50 is no difference"
    less, more = ("fewer", "more") if row.unit == "per_1000" else ("lower", "higher")
    limits = (
        f" ({_signed(row.ci_lb, places, less, more)} to {_signed(row.ci_ub, places, less, more)})"
        if f.known(row.ci_lb)
        else ""
    )
    amount = _signed(row.estimate, places, less, more)
    if row.unit == "per_1000":
        return f"{amount} in 1000{limits}" + (
            f"; {f.number(row.reference, 0)} with {comparator(q)}" if f.known(row.reference) else ""
        )
    return f"{amount}{limits}, in {inner(row.label)}"


def _signed(value: float, places: int, less: str, more: str) -> str:
    """'1.8 lower', from the sign."""
    shown = f.number(abs(value), places)
    return f"{shown} {less if value < 0 else more}" if value != 0 else f"{shown} {less} or {more}"


def unit_places(unit: str) -> int:
    return 1 if unit.startswith("points_") else 0
