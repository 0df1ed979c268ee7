"""The numbers: forest plot, pooled results, plain units."""

from __future__ import annotations

import pandas as pd

from pipeline.report import cautions, phrases, units, wording
from pipeline.report import format as f
from pipeline.report.book import Block, Column, DataTable, Figure, Heading, Paragraph
from pipeline.report.figures.alt import forest_alt
from pipeline.report.figures.forest import forest
from pipeline.report.results import Evidence

FLOATS_FROM = 3
"""From this many rows a figure floats to where it fits, and text fills the page before it."""


def result(e: Evidence) -> list[Block]:
    """The result in words, the trials one by one, the mean with its intervals, and how far the trials differ."""
    est = e.estimate
    if est is None:
        return []
    q, places = e.question, e.places
    blocks: list[Block] = [
        Heading("The result"),
        Paragraph(wording.effect_sentence(e)),
        Paragraph(f"{wording.interval_sentence(q, est, places)} {cautions.fragility(e)}".strip()),
    ]
    if est.kind != "mean":
        blocks.append(Paragraph(wording.single_caution(est)))
    blocks += [Paragraph(s) for s in (cautions.tested(e), cautions.clusters(e)) if s]
    blocks += forest_figures(e)
    if est.kind == "single":
        return blocks
    rows = e.pooled[e.pooled["analysis"].isin(["main", "common_effect"])].sort_values("analysis", ascending=False)
    blocks.append(analysis_table(e, rows, "Pooled results", prediction=est.kind == "mean"))
    if est.kind == "common":
        return blocks
    prediction = wording.prediction_sentence(q, est, places)
    blocks += [Paragraph(prediction)] if prediction else []
    return [*blocks, Heading("How far the trials differ", 2), Paragraph(wording.heterogeneity_sentence(e))]


def forest_figures(e: Evidence) -> list[Block]:
    """The forest plot, in parts where there are many trials; the key stands under the last part."""
    parts = forest(e)
    last = len(parts) - 1
    return [
        Figure(
            svg,
            forest_alt(e, i, len(parts)),
            _caption(e) + (f" (part {i + 1} of {len(parts)})." if last else "."),
            _legend(e) if i == last else "",
            floats=e.question.k >= FLOATS_FROM,
        )
        for i, svg in enumerate(parts)
    ]


def analysis_table(e: Evidence, rows: pd.DataFrame, caption: str, prediction: bool = True) -> DataTable:
    """Rows of POOLED, each with its effect, intervals, p and tau2; prediction intervals of fewer than five trials
    marked."""
    q = e.question
    columns = [
        Column("Analysis", 2.6),
        Column("Trials", 0.6, "right"),
        Column(q.measure, 0.8, "right"),
        Column("95% CI", 1.4, "right"),
    ]
    columns += [Column("95% prediction interval", 1.5, "right")] if prediction else []
    columns += [Column("p", 0.65, "right"), Column("tau\u00b2", 0.65, "right")]
    cells = []
    for r in rows.itertuples():
        cell = [
            f.true_minus(r.label),
            f.count(r.k),
            f.effect(r.shown_estimate, q.measure, e.places),
            f.interval(r.shown_ci_lb, r.shown_ci_ub, q.measure, e.places),
        ]
        cell += [f.interval(r.shown_pi_lb, r.shown_pi_ub, q.measure, e.places)] if prediction else []
        tau2 = f.NOT_GIVEN if r.analysis == "common_effect" or r.k < 3 else f.variance(r.tau2)
        cells.append((*cell, f.p_cell(r.p), tau2))
    strong = tuple(i for i, name in enumerate(rows["analysis"]) if name == "main")
    few = (
        " With fewer than five trials the prediction interval is only a warning."
        if prediction and q.k < q.headline_prediction_from_k
        else ""
    )
    scale = " tau\u00b2 is on the log scale." if q.is_ratio and (rows["k"] >= 3).any() else ""
    dash = f"{f.NOT_GIVEN}: does not apply." if any(f.NOT_GIVEN in row for row in cells) else ""
    return DataTable(tuple(columns), tuple(cells), caption, f"{dash}{scale}{few}".strip(), strong)


def plain_units(e: Evidence) -> list[Block]:
    """The pooled effect in units that people know; a mean difference stands in its own unit already."""
    translated = e.translated[e.translated["unit"] != "scale"]
    if translated.empty:
        return []
    columns = (
        Column("Unit", 2.3),
        Column("Trials", 0.6, "right"),
        Column("Result", 0.8, "right"),
        Column("95% CI", 1.3, "right"),
        Column("Reference value", 0.9, "right"),
        Column("How it was translated", 2.4),
    )
    rows = []
    for r in translated.itertuples():
        places = units.unit_places(r)
        rows.append(
            (
                phrases.sentence(r.label).rstrip("."),
                f.count(r.k),
                f.number(r.estimate, places),
                f.interval(r.ci_lb, r.ci_ub, "", places),
                f.significant(r.reference),
                f.tidy_numbers(r.basis),
            )
        )
    return [
        Heading("In plain units"),
        *(Paragraph(units.unit_sentence(e.question, r)) for r in translated.itertuples()),
        DataTable(
            columns,
            tuple(rows),
            "The result in other units",
            "A translation adds no certainty: it rests on the reference value named beside it.",
        ),
    ]


def _caption(e: Evidence) -> str:
    q = e.question
    return f"Forest plot. {q.outcome_label}: {phrases.intervention(q)} compared with {phrases.comparator(q)}"


def _legend(e: Evidence) -> str:
    est, used = e.estimate, e.used
    text = f"* People analysed: {phrases.intervention(e.question)} / {phrases.versus(e.question)}. "
    one = used["instrument"].unique()
    if len(one) == 1 and one[0]:
        text += f"All measured with: {e.labels.of('instrument', one[0])}. "
    elif len(one) > 1:
        text += "Scales are abbreviated; the table of trials has their names. "
    text += "Lines: 95% confidence intervals; an arrow marks one that goes on beyond the axis. "
    if e.together:
        effects = f.count(e.analysis("main")["effects"].iloc[0])
        text += f"Each trial is shown with its measurement nearest in time; the mean takes in all {effects} effects. "
    if est is not None and est.kind == "mean":
        text += (
            "The area of a marker grows with the trial's weight. Filled diamond: mean and its 95% confidence interval."
        )
    elif est is not None and est.kind == "common":
        text += "Open diamond: the common-effect line, which assumes that both trials share one true effect."
    return text
