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
from pipeline.vocabulary import PooledModel

_SHOWN_ELSEWHERE = ("main", "common_effect", "leave_one_out")
_ONE_EACH = (
    " Where a row does not say otherwise, it takes one effect per trial; compare it with the row \u201cOne effect per "
    "trial\u201d."
)
_OF_ONE_EACH = " (mean of one effect per trial)"
_MOST_INFLUENTIAL = 8
"""Trials shown in the table of influence."""
_INLINE = 6
"""Up to this many rows the figure stays where it is told of."""
_EXTREMES = 4
"""Rows shown at each end when there are too many trials for a figure."""


def sensitivity(e: Evidence) -> list[Block]:
    """Every other analysis beside the main one."""
    names = e.pooled["analysis"]
    adjusted = e.pooled["model"].eq(PooledModel.ADJUSTED)
    elsewhere = names.isin(_SHOWN_ELSEWHERE) | names.str.startswith("subgroup_") | adjusted
    others = e.pooled[~elsewhere]
    if others.empty:
        return []
    reference = "main" if (names == "main").any() else "common_effect"
    both = e.pooled[(names == reference) | e.pooled.index.isin(others.index)]
    both = both.sort_values("analysis", key=lambda s: s.where(s != reference, ""), kind="stable")
    return [
        Heading("Other choices"),
        Paragraph(
            "The main analysis follows the project's rules (see the table of choices). The other rows show what "
            "other defensible choices give." + (_ONE_EACH if e.together else "")
        ),
        analysis_table(e, both, "Sensitivity of the result", prediction=bool(both["shown_pi_lb"].notna().any())),
    ]


def influence(e: Evidence) -> list[Block]:
    """What single trials do to the mean: the trials with the largest pull."""
    rows = e.influence.sort_values(["cook_d", "trial_id"], ascending=[False, True], kind="stable")
    if rows.empty:
        return []
    shown = rows.head(_MOST_INFLUENTIAL)
    columns = (
        Column("Trial", 2.4),
        Column("Weight", 0.7, "right"),
        Column("Residual", 0.8, "right"),
        Column("Cook\u2019s distance", 0.9, "right"),
        Column("Share of Q", 0.8, "right"),
        Column("tau\u00b2 without it", 0.9, "right"),
    )
    total = rows["baujat_x"].sum()
    cells = tuple(
        (
            r.study,
            f.percent(r.weight, 1),
            f.number(r.rstudent, 2),
            f.number(r.cook_d, 2),
            f.percent(100 * r.baujat_x / total if total else 0.0),
            f.variance(r.tau2_del),
        )
        for r in shown.itertuples()
    )
    which = "The trials" if len(shown) == len(rows) else f"The {f.count(len(shown))} trials with the largest pull"
    which += _OF_ONE_EACH if e.together else ""
    note = (
        "Residual: distance from the mean of the other trials, in standard errors (beyond 2 is unusual). Cook\u2019s "
        "distance: how far the mean moves without the trial, squared, in its variance. Share of Q: the trial\u2019s "
        "part of the disagreement."
    )
    return [
        Heading("Influence of single trials", 2),
        Paragraph(wording.influence_sentence(e)),
        DataTable(columns, cells, f"{which}, by Cook\u2019s distance", note),
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


def moderators(e: Evidence) -> list[Block]:
    """Meta-regression on one variable at a time, where there are trials enough."""
    tests = e.tests[e.tests["test"].str.startswith("moderator_")]
    done = tests[tests["done"]]
    if done.empty or e.estimate is None:
        return []
    columns = (
        Column("Variable", 2.6),
        Column("Trials", 0.6, "right"),
        Column("Slope", 0.7, "right"),
        Column("95% CI", 1.4, "right"),
        Column("p", 0.7, "right"),
        Column("p by permutation", 0.9, "right"),
        Column("R\u00b2", 0.6, "right"),
    )
    cells = tuple(
        (
            t.label,
            f.count(t.k),
            f.number(t.estimate, 2),
            f.interval(t.ci_lb, t.ci_ub, "", 2),
            f.p_cell(t.p),
            f.p_cell(t.p_permutation),
            f.percent(t.R2),
        )
        for t in done.itertuples()
    )
    note = (
        "Slope: change of the effect for the step named. p by permutation: share of random re-orderings of the "
        "variable among the trials that give a slope as large. R\u00b2: share of tau\u00b2 that goes with the variable."
    )
    return [
        Heading("Do characteristics of the trials explain the spread?"),
        DataTable(
            columns, cells, "Meta-regression, one variable at a time" + (_OF_ONE_EACH if e.together else ""), note
        ),
        Paragraph(
            "These compare trials, not randomised people; the trials that differ in one thing differ in others too."
        ),
        *_not_done(tests),
    ]


def subgroups(e: Evidence) -> list[Block]:
    """Subgroups with their test, or the reason why there are none."""
    tests = e.tests[e.tests["test"].str.startswith("subgroup_")]
    if tests.empty or e.estimate is None or not tests["done"].any():
        return []
    blocks: list[Block] = [Heading("Subgroups"), *_not_done(tests)]
    for t in tests[tests["done"]].itertuples():
        rows = e.analysis(t.test)
        df = f" on {degrees(t.df)}" if f.known(t.df) else ""
        left_out = f"; {t.reason}" if t.reason else ""
        test = (
            f"Test for a difference between the subgroups: chi-square {f.number(t.statistic, 2)}{df}, "
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
    tests = e.tests[~e.tests["test"].str.match("subgroup_|moderator_")]
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
        blocks.append(DataTable(columns, cells, "Tests for small-study effects", _note(done)))
        blocks.append(
            Paragraph(
                "Small trials may differ from large ones because results were withheld, but also because "
                "they were done differently; the tests cannot tell which."
            )
        )
    blocks += _adjusted(e)
    blocks += _not_done(tests)
    return blocks


def _note(done: pd.DataFrame) -> str:
    """What the statistics of the tests are, in numbers where they are counts."""
    excess = done[done["test"].eq("excess")]
    selection = done[done["test"].eq("selection")]
    named = {"egger": "t of the slope", "rank": "Kendall\u2019s tau", "selection": "chi-square of the selection model"}
    parts = [f"Statistics: {'; '.join(words for test, words in named.items() if done['test'].eq(test).any())}."]
    if len(excess):
        r = excess.iloc[0]
        parts.append(
            f"Trials with p < .05: {f.count(r.statistic)} seen, {f.number(r.estimate, 1)} expected at the mean "
            "and spread of these "
            "trials."
        )
    if len(selection):
        r = selection.iloc[0]
        parts.append(
            "Estimated chance of a trial without p < .025 in the good direction to be seen, relative to one with it: "
            f"{f.number(r.estimate, 2)}."
        )
    return " ".join(parts)


def _adjusted(e: Evidence) -> list[Block]:
    """The mean under four ideas of how small-study effects come about."""
    rows = e.pooled[e.pooled["model"].eq(PooledModel.ADJUSTED)]
    main = e.analysis("one_per_trial") if e.together else e.analysis("main")
    if rows.empty:
        return []
    table = pd.concat([main, rows], ignore_index=True)
    return [
        Paragraph(
            "If small-study effects are there, the mean may look better than it is. The rows below allow for them "
            "under different ideas of how they come about; none of them is a correction that can be trusted by itself"
            + (", least of all when the trials differ as much as these." if _spread(e) else ".")
        ),
        analysis_table(e, table, "The mean with small-study effects allowed for", prediction=False),
    ]


def _spread(e: Evidence) -> bool:
    """Is half or more of the visible spread not chance? (Stanley 2017; Terrin 2003: the methods fail there.)"""
    i2 = e.analysis("main")["I2"]
    return bool(len(i2) and f.known(i2.iloc[0]) and i2.iloc[0] >= 50)


def _not_done(tests: pd.DataFrame) -> list[Block]:
    """One sentence per reason, with every test that it stopped."""
    stopped = tests[~tests["done"]]
    return [
        Paragraph(f"Not tested ({reason or 'too few trials'}): {'; '.join(part['label'])}.")
        for reason, part in stopped.groupby("reason", sort=True)
    ]
