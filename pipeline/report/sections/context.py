"""Published pooled results beside ours: quoted, never recomputed."""

from __future__ import annotations

import pandas as pd

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph
from pipeline.report.results import Evidence


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
    return [*blocks, *(Paragraph(s) for s in equivalence_sentences(rows))]


def published_table(rows: pd.DataFrame) -> DataTable:
    columns = (
        Column("Review", 1.3),
        Column("Comparison and outcome", 2.2),
        Column("Trials", 0.55, "right"),
        Column("People", 0.65, "right"),
        Column("Effect [95% CI]", 1.9, "right"),
        Column("Note", 2.1),
    )
    cells = tuple(
        (
            _review(r),
            f"{_words(r.comparison)}; {r.outcome.replace('_', ' ')}",
            f.count(r.k),
            f.count(r.n),
            f"{r.measure} {f.with_interval(r.estimate, r.ci_lb, r.ci_ub, r.measure, 2)}",
            r.note,
        )
        for r in rows.itertuples()
    )
    dash = f"{f.NOT_GIVEN}: not given in the source read." if any(f.NOT_GIVEN in row for row in cells) else ""
    return DataTable(columns, cells, "Published, not recomputed", dash)


def equivalence_sentences(rows: pd.DataFrame) -> list[str]:
    """For comparisons with another treatment: what the interval does and does not show."""
    return [
        not_equivalent(r)
        for r in rows.itertuples()
        if "cbt" in r.comparison.lower() and f.known(r.ci_lb) and f.known(r.ci_ub)
    ]


def not_equivalent(r: pd.Series) -> str:
    """Two treatments are not comparable because an interval includes no difference."""
    negative = bool(r.better_is_negative)
    worst = r.ci_ub if negative else r.ci_lb
    null = 1.0 if r.measure in ("RR", "OR", "IRR", "HR", "ROM") else 0.0
    includes = r.ci_lb <= null <= r.ci_ub
    against = (worst > null) == negative and worst != null
    text = (
        f"{_review(r)}, {_words(r.comparison)}: {r.measure} "
        f"{f.with_interval(r.estimate, r.ci_lb, r.ci_ub, r.measure, 2)}. "
    )
    if includes:
        text += (
            "The interval includes no difference, but that does not show that the two are "
            "equivalent: no margin was set beforehand"
        )
    else:
        text += "No margin was set beforehand, so equivalence or non-inferiority was not tested"
    return phrases.sentence(
        text + (f", and the interval reaches {f.effect(worst, r.measure, 2)} against peer support" if against else "")
    )


def _words(comparison: str) -> str:
    """'peer support vs group_cbt' as it is said."""
    return comparison.replace("_", " ").replace("cbt", "CBT")


def _review(r: pd.Series) -> str:
    year = f"{int(r.year)}" if f.known(r.year) else ""
    return r.review if year in r.review else f"{r.review} {year}"
