"""Published pooled results beside ours: quoted, never recomputed."""

from __future__ import annotations

from typing import Any

import pandas as pd

from pipeline.report import format as f
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph
from pipeline.report.results import Evidence

_RATIOS = ("RR", "OR", "IRR", "HR", "ROM")
PEER = "peer support"
NO_MARGIN = "That does not show that the two are equivalent: no margin for calling them so has been set."


def published(e: Evidence) -> list[Block]:
    """The reviews that asked a neighbouring question."""
    rows = e.published
    if rows.empty:
        return []
    blocks: list[Block] = [
        Heading("Published results for context"),
        Paragraph(
            "These are quoted from published reviews and were not recomputed; their trials, measures "
            "and choices differ from ours."
        ),
        published_table(rows),
    ]
    return [*blocks, *(Paragraph(f"{not_equivalent(r)} {NO_MARGIN}") for r in rows.itertuples() if is_cbt(r))]


def published_table(rows: pd.DataFrame) -> DataTable:
    columns = (
        Column("Review", 1.2),
        Column("Comparison and outcome", 2.0),
        Column("Trials", 0.55, "right"),
        Column("People", 0.65, "right"),
        Column("Effect [95% CI]", 1.85, "right"),
        Column("Favours", 1.35),
        Column("Note", 1.9),
    )
    cells = tuple(
        (
            _review(r),
            f"{_words(r.comparison)}; {r.outcome.replace('_', ' ')}",
            f.count(r.k),
            f.count(r.n),
            f"{r.measure} {f.with_interval(r.estimate, r.ci_lb, r.ci_ub, r.measure, 2)}",
            favoured(r),
            r.note,
        )
        for r in rows.itertuples()
    )
    dash = f"{f.NOT_GIVEN}: not given in the source read." if any(f.NOT_GIVEN in row for row in cells) else ""
    return DataTable(columns, cells, "Published results, quoted and not recomputed", dash)


def favoured(r: Any) -> str:
    """Which side a published result favours, from its sign and from which sign is good; neither where its interval
    includes no difference."""
    null = _null(r)
    if r.estimate == null:
        return "neither shown"
    towards = PEER if (r.estimate < null) == bool(r.better_is_negative) else "the comparator"
    return f"neither shown (towards {towards})" if r.ci_lb <= null <= r.ci_ub else towards


def is_cbt(r: Any) -> bool:
    """Does this published result compare peer support with CBT?"""
    return "cbt" in r.comparison.lower() and f.known(r.ci_lb) and f.known(r.ci_ub)


def not_equivalent(r: Any) -> str:
    """Two treatments are not comparable because an interval includes no difference: what a review shows, plainly."""
    null, unit = (
        _null(r),
        {"SMD": " standard deviations", "d": " standard deviations"}.get(r.measure, f" ({r.measure})"),
    )
    worst = r.ci_ub if bool(r.better_is_negative) else r.ci_lb
    against = (worst > null) == bool(r.better_is_negative) and worst != null
    if r.ci_lb <= null <= r.ci_ub:
        shown = "found no clear difference"
    else:
        shown = f"found a difference in favour of {favoured(r)}"
    up_to = f.effect(worst if r.measure in _RATIOS else abs(worst), r.measure, 2)
    doubt = f", but could not rule out that {PEER} is worse by up to {up_to}{unit}" if against else ""
    return f"One review ({_review(r)}{_size(r)}) compared {_sides(r)} and {shown}{doubt}."


def _null(r: Any) -> float:
    return 1.0 if r.measure in _RATIOS else 0.0


def _size(r: Any) -> str:
    """': 7 trials, 301 people', as far as they are known."""
    parts = [f"{f.count(r.k)} trials"] if f.known(r.k) else []
    parts += [f"{f.count(r.n)} people"] if f.known(r.n) else []
    return f": {', '.join(parts)}" if parts else ""


def _sides(r: Any) -> str:
    """'peer support with group CBT'."""
    return _words(r.comparison).replace(" versus ", " with ")


def _words(comparison: str) -> str:
    """'peer support vs group_cbt' as it is said."""
    return comparison.replace("_", " ").replace("cbt", "CBT").replace(" vs ", " versus ")


def _review(r: Any) -> str:
    year = f"{int(r.year)}" if f.known(r.year) else ""
    return r.review if year in r.review else f"{r.review} {year}"
