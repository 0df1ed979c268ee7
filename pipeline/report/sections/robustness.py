"""Would another choice change the reading? Sensitivity, leaving trials out, subgroups, small-study effects."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd

from pipeline.report import format as f
from pipeline.report import wording
from pipeline.report.book import Block, Column, DataTable, Figure, Heading, Paragraph
from pipeline.report.figures.alt import funnel_alt, leave_one_out_alt
from pipeline.report.figures.funnel import funnel
from pipeline.report.figures.leave_one_out import ROWS_MAX, leave_one_out_figure
from pipeline.report.phrases import degrees
from pipeline.report.results import Evidence
from pipeline.report.sections.evidence import analysis_table

_SHOWN_ELSEWHERE = ("main", "common_effect", "leave_one_out")
_INLINE = 6
"""Up to this many rows the figure stays where it is told of."""
_EXTREMES = 4
"""Rows shown at each end when there are too many trials for a figure."""


def sensitivity(e: Evidence) -> list[Block]:
    """Every other analysis beside the main one."""
    names = e.pooled["analysis"]
    others = e.pooled[~names.isin(_SHOWN_ELSEWHERE) & ~names.str.startswith("subgroup_")]
    if others.empty:
        return []
    reference = "main" if (names == "main").any() else "common_effect"
    both = e.pooled[(names == reference) | e.pooled.index.isin(others.index)]
    both = both.sort_values("analysis", key=lambda s: s.where(s != reference, ""), kind="stable")
    return [
        Heading("Other choices"),
        Paragraph(
            "The main analysis follows the project's rules (see the table of choices). The other rows show what "
            "other defensible choices give."
        ),
        analysis_table(e, both, "Sensitivity of the result", prediction=bool(both["shown_pi_lb"].notna().any())),
    ]


def leave_one_out(e: Evidence) -> list[Block]:
    """The mean without each trial in turn: a figure, or the extremes as a table when there are many trials."""
    rows = e.analysis("leave_one_out")
    if len(rows) < 3:
        return []
    blocks: list[Block] = [Heading("Leaving out one trial at a time"), Paragraph(wording.leave_one_out_sentence(e))]
    if len(rows) <= ROWS_MAX:
        return [
            *blocks,
            Figure(
                leave_one_out_figure(e),
                leave_one_out_alt(e),
                "The mean when each trial is left out in turn.",
                floats=len(rows) > _INLINE,
            ),
        ]
    ordered = rows.sort_values(["shown_estimate", "level"], kind="stable")
    picked = list(ordered.head(_EXTREMES).itertuples()) + list(ordered.tail(_EXTREMES).itertuples())
    q = e.question
    cells = tuple(
        (
            r.label,
            f.effect(r.shown_estimate, q.measure, e.places),
            f.interval(r.shown_ci_lb, r.shown_ci_ub, q.measure, e.places),
            f.variance(r.tau2),
        )
        for r in picked
    )
    columns = (
        Column("Trial left out", 3),
        Column(f"Mean {q.measure}", 1, "right"),
        Column("95% CI", 1.4, "right"),
        Column("tau\u00b2", 0.8, "right"),
    )
    note = f"The other {f.count(len(rows) - 2 * _EXTREMES)} means lie between these two groups."
    return [
        *blocks,
        DataTable(
            columns, cells, f"The {_EXTREMES} lowest and the {_EXTREMES} highest means with one trial left out", note
        ),
    ]


def subgroups(e: Evidence) -> list[Block]:
    """Subgroups with their test, or the reason why there are none."""
    tests = e.tests[e.tests["test"].str.startswith("subgroup_")]
    if tests.empty or e.estimate is None or not e.tests["done"].any():
        return []
    blocks: list[Block] = [Heading("Subgroups"), *_not_done(tests)]
    for t in tests[tests["done"]].itertuples():
        rows = e.analysis(t.test)
        df = f" on {degrees(t.df)}" if f.known(t.df) else ""
        left_out = f"; {t.reason}" if t.reason else ""
        test = (
            f"Test for a difference between the subgroups: statistic {f.number(t.statistic, 2)}{df}, "
            f"{f.p_value(t.p)}{left_out}."
        )
        blocks.append(
            replace(analysis_table(e, rows, t.label, prediction=bool(rows["shown_pi_lb"].notna().any())), note=test)
        )
    if tests["done"].any():
        blocks.append(
            Paragraph(
                "Subgroups compare trials, not randomised people; a difference between them may have other reasons."
            )
        )
    return blocks


def small_study_effects(e: Evidence) -> list[Block]:
    """Funnel plot and tests from ten trials, else one sentence on all that could not be examined."""
    if e.estimate is None:
        return []
    if not e.tests["done"].any():
        also = ", small-study and leave-one-out" if e.analysis("leave_one_out").empty else " and small-study"
        return [Paragraph(f"Too few trials for subgroup{also} analyses.")]
    tests = e.tests[~e.tests["test"].str.startswith("subgroup_")]
    blocks: list[Block] = [Heading("Small-study effects")]
    svg = funnel(e)
    if svg is not None:
        blocks.append(
            Figure(svg, funnel_alt(e), "Funnel plot: each trial's effect against its standard error.", floats=True)
        )
    done = tests[tests["done"]]
    if not done.empty:
        columns = (
            Column("Test", 3.4),
            Column("Trials", 0.7, "right"),
            Column("Statistic", 0.9, "right"),
            Column("df", 0.7, "right"),
            Column("p", 0.8, "right"),
        )
        cells = tuple(
            (t.label, f.count(t.k), f.number(t.statistic, 2), f.number(t.df, 1), f.p_cell(t.p))
            for t in done.itertuples()
        )
        blocks.append(DataTable(columns, cells, "Tests for small-study effects"))
        blocks.append(
            Paragraph(
                "Small trials may differ from large ones because results were withheld, but also because "
                "they were done differently; the test cannot tell which."
            )
        )
    blocks += _not_done(tests)
    return blocks


def _not_done(tests: pd.DataFrame) -> list[Block]:
    """One sentence per reason, with every test that it stopped."""
    stopped = tests[~tests["done"]]
    return [
        Paragraph(f"Not tested ({reason or 'too few trials'}): {'; '.join(part['label'])}.")
        for reason, part in stopped.groupby("reason", sort=True)
    ]
