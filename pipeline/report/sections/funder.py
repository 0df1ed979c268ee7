"""The summary over all questions, for someone who decides on support: the answers on the first page."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pipeline.report import format as f
from pipeline.report import phrases, units, wording
from pipeline.report.book import Block, Column, DataTable, Figure, Heading, KeyFindings, Paragraph, Run, Title, plain
from pipeline.report.figures.overview import KEY, draw_overview, effect_text, panels, row_label
from pipeline.report.results import Evidence
from pipeline.report.sections.answers import answers, group_cbt, how_sure, of_peers, published_rows
from pipeline.report.sections.context import published_table
from pipeline.report.sections.provenance import reproducing

All = Sequence[Evidence]
NAME = "Peer support: what the trials show"


def title(every: All) -> list[Block]:
    peer = of_peers(every)
    answered = sum(e.estimate is not None for e in peer)
    return [
        Title(
            NAME,
            f"{len(peer)} questions, {answered} with a usable trial; compared with usual care unless named otherwise",
            "Funder summary",
            " ".join(plain(text) for text in answers(every)),
        )
    ]


def key_findings(every: All) -> list[Block]:
    return [KeyFindings("The answers in short", answers(every))]


def overview_figure(every: All) -> list[Block]:
    """Every peer-support question with a trial in one figure, a panel per kind of effect and good end."""
    shown = panels(of_peers(every))
    if not shown:
        return [Paragraph("No question has a trial, so there is nothing to draw.")]
    alt = " ".join(f"{p.title}. " + " ".join(_alt(e) for e in p.evidence) for p in shown)
    caption = "Peer support: all questions with a usable trial."
    return [Heading("All answers at a glance"), Figure(draw_overview(shown), alt, caption, KEY)]


def findings_table(every: All) -> list[Block]:
    """Summary of findings: one row per peer-support question with a trial."""
    answered = [e for e in of_peers(every) if e.estimate is not None]
    if not answered:
        return []
    return [
        Heading("Summary of findings"),
        Paragraph(
            "Each row is one question; each has its own technical report. The effects of different "
            "outcomes may not be added up or averaged."
        ),
        _findings(answered, "What the trials of peer support show"),
    ]


def unanswered(every: All) -> list[Block]:
    """The questions without a trial."""
    none = [e for e in of_peers(every) if e.estimate is None]
    if not none:
        return [Heading("Questions without evidence"), Paragraph("Every question asked has at least one trial.")]
    columns = (Column("Question", 3.2), Column("Trials near it, not used", 1.4, "right"))
    rows = tuple(((Run(row_label(e), bold=True),), f.count(e.unused["trial_id"].nunique())) for e in none)
    return [
        Heading("Questions without evidence"),
        Paragraph(
            "No trial is not the same as no effect: these outcomes may improve or not; nobody has "
            "measured it in a way that can be used here. The technical reports list the trials that "
            "came near, each with the reason why it is not used."
        ),
        DataTable(columns, rows, "Questions that no usable trial answers"),
    ]


def published(every: All) -> list[Block]:
    """What reviews by others found."""
    rows = published_rows(every)
    if rows.empty:
        return []
    return [Heading("What published reviews found"), published_table(rows)]


def where_to_read(every: All) -> list[Block]:
    """The technical reports, and what the numbers were made from."""
    columns = (Column("Question", 4.7), Column("Trials", 0.5, "right"), Column("Report", 2.8))
    rows = tuple((e.question.title, f.count(e.question.k), f"{e.question.key}.pdf") for e in every)
    return [
        Heading("Where to read more"),
        DataTable(columns, rows, "The technical reports, one per question"),
        *(reproducing(every[0].provenance) if every else []),
    ]


SUMMARY_SECTIONS: dict[str, Callable[[All], list[Block]]] = {
    "title": title,
    "key_findings": key_findings,
    "group_cbt": group_cbt,
    "how_sure": how_sure,
    "overview_figure": overview_figure,
    "findings_table": findings_table,
    "unanswered": unanswered,
    "published": published,
    "where_to_read": where_to_read,
}


def _findings(evidence: list[Evidence], caption: str) -> DataTable:
    columns = (
        Column("Outcome and comparator", 1.6),
        Column("Trials", 0.5, "right"),
        Column("People", 0.6, "right"),
        Column("Effect [95% CI]", 1.95, "right"),
        Column("In plain units", 2.1),
        Column("What it means", 1.8),
    )
    rows = tuple(
        (
            (Run(row_label(e), bold=True),),
            f.count(e.question.k),
            f.count(e.question.n),
            effect_text(e),
            _unit(e),
            wording.meaning(e),
        )
        for e in evidence
    )
    return DataTable(
        columns, rows, caption, f"{f.NOT_GIVEN}: not known. CI: confidence interval. {_measures(evidence)}"
    )


def _measures(evidence: list[Evidence]) -> str:
    """Each abbreviation of a measure once."""
    names = dict.fromkeys((e.question.measure, phrases.inner(e.question.measure_label)) for e in evidence)
    return "; ".join(f"{short}: {name}" for short, name in names) + "."


def _unit(e: Evidence) -> str:
    row = units.telling_unit(e)
    return f.NOT_GIVEN if row is None else units.unit_phrase(e.question, row)


def _alt(e: Evidence) -> str:
    q = e.question
    return (
        f"{q.outcome_label} versus {phrases.comparator(q)}, {phrases.trials(q.k)}: {effect_text(e)}, "
        f"{phrases.inner(wording.meaning(e))}."
    )
