"""A translated effect in words: scale points, people per 1000, pairs of people; directions are read from numbers."""

from __future__ import annotations

from typing import Any

from pipeline.report import format as f
from pipeline.report.phrases import comparator, counted, inner, intervention, subject
from pipeline.report.results import Evidence, Question

_UNIT_ORDER = {"points": 0, "scale": 0, "per": 1, "percent": 2, "share": 3}
_MORE = {"per_1000": ("fewer", "more")}


def telling_unit(e: Evidence) -> Any | None:
    """The row of TRANSLATED that says most to a lay reader: points, people per 1000, per cent, pairs of people."""
    order = sorted(e.translated.itertuples(), key=lambda r: _UNIT_ORDER[r.unit.split("_")[0]])
    return order[0] if order else None


def in_units(e: Evidence) -> str:
    """The most telling plain translation as a sentence, or ''."""
    row = telling_unit(e)
    return unit_sentence(e.question, row) if row is not None else ""


def unit_sentence(q: Question, row: Any) -> str:
    """One row of TRANSLATED in words; its direction is read from the number."""
    x, y = intervention(q), comparator(q)
    if row.unit == "share_better":
        limits = f" (95% CI {f.interval(row.ci_lb, row.ci_ub, '', 0)})" if f.known(row.ci_lb) else ""
        who = (
            f"someone assigned to {x} would be better off than someone assigned to {y} in "
            f"{f.number(row.estimate, 0)} of 100 pairs"
        )
        return f"Put plainly, {who}{limits}; 50 would be no difference."
    amount, limits = _amount(q, row), _limits(q, row, "95% CI ")
    if row.unit == "per_1000":
        base = f", where {f.number(row.reference, 0)} in 1000 have it with {y}" if f.known(row.reference) else ""
        return f"Among 1000 people with {x}, {amount} than with {y} have the event{limits}{base}."
    if row.unit.startswith("points_"):
        return f"In {inner(row.label)}, that is {amount} with {x} than with {y}{limits}."
    what = subject(q) + (counted(q) if row.unit == "percent" else "")
    return f"Put plainly, {what} is {amount} with {x} than with {y}{limits}."


def unit_phrase(q: Question, row: Any) -> str:
    """One row of TRANSLATED for a narrow cell."""
    if row.unit == "share_better":
        limits = f" ({f.interval(row.ci_lb, row.ci_ub, '', 0)})" if f.known(row.ci_lb) else ""
        return f"Better off in {f.number(row.estimate, 0)} of 100 pairs{limits}; 50 is no difference"
    amount, limits = _amount(q, row), _limits(q, row, "")
    if row.unit == "per_1000":
        base = f"; {f.number(row.reference, 0)} with {comparator(q)}" if f.known(row.reference) else ""
        return f"{amount} in 1000{limits}{base}"
    return f"{amount}{limits}, in {inner(row.label)}" if row.unit.startswith("points_") else f"{amount}{limits}"


def unit_places(row: Any) -> int:
    """Decimals of a row of TRANSLATED: one for points, those of a mean difference for its own scale, else none."""
    if row.unit == "scale":
        return f.decimals("MD", (row.estimate, row.ci_lb, row.ci_ub))
    return 1 if row.unit.startswith("points_") else 0


def _amount(q: Question, row: Any) -> str:
    """'1.8 lower', '0.62 percentage points lower', '56% lower'."""
    return _signed(row.estimate, row, f" {q.unit}" if row.unit == "scale" else "")


def _limits(q: Question, row: Any, name: str) -> str:
    if not (f.known(row.ci_lb) and f.known(row.ci_ub)):
        return ""
    return f" ({name}{_signed(row.ci_lb, row)} to {_signed(row.ci_ub, row)})"


def _signed(value: float, row: Any, unit: str = "") -> str:
    """'1.8 lower', from the sign."""
    less, more = _MORE.get(row.unit, ("lower", "higher"))
    shown = f.number(abs(value), unit_places(row)) + ("%" if row.unit == "percent" else "") + unit
    return f"{shown} {less if value < 0 else more}" if value != 0 else f"{shown} {less} or {more}"
