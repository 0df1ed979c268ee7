"""The summary over all questions, for someone who decides on support: one page, sometimes four."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pandas as pd

from pipeline.report import format as f
from pipeline.report import phrases, units, wording
from pipeline.report.book import (
    Block,
    Bullets,
    Column,
    DataTable,
    Figure,
    Heading,
    KeyFindings,
    Paragraph,
    Run,
    Text,
    Title,
)
from pipeline.report.figures.overview import KEY, draw_panel, effect_text, panels, row_label
from pipeline.report.results import Evidence
from pipeline.report.sections.context import equivalence_sentences, published_table
from pipeline.report.sections.opening import IS_PEER
from pipeline.report.sections.provenance import reproducing

All = Sequence[Evidence]
NAME = "Peer support: what the trials show"


def title(every: All) -> list[Block]:
    return [
        Title(
            NAME,
            f"A summary over {phrases.count_word(len(_peer(every)))} questions, for funders",
            "Funder summary",
            " ".join(_sentences(every)),
        )
    ]


def key_findings(every: All) -> list[Block]:
    return [KeyFindings("In five sentences", tuple(_sentences(every)))]


def overview_figures(every: All) -> list[Block]:
    """Every peer-support question with a trial, one figure per kind of effect and good end."""
    shown = panels(_peer(every))
    if not shown:
        return [Paragraph("No question has a trial, so there is nothing to draw.")]
    figures = [
        Figure(
            draw_panel(p, shown),
            f"{p.title}. " + " ".join(_alt(e) for e in p.evidence),
            f"{p.title}.",
            KEY if i == 0 else "",
        )
        for i, p in enumerate(shown)
    ]
    return [Heading("All answers at a glance"), *figures]


def findings_table(every: All) -> list[Block]:
    """Summary of findings: one row per peer-support question with a trial."""
    answered = [e for e in _peer(every) if e.estimate is not None]
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
    none = [e for e in _peer(every) if e.estimate is None]
    if not none:
        return [Heading("Questions without evidence"), Paragraph("Every question asked has at least one trial.")]
    columns = (
        Column("Question", 3.2),
        Column("Usable trials", 1.0, "right"),
        Column("Trials near it, not used", 1.4, "right"),
    )
    rows = tuple(((Run(row_label(e), bold=True),), f.count(e.question.k), f.count(len(e.unused))) for e in none)
    return [
        Heading("Questions without evidence"),
        Paragraph(
            "No trial is not the same as no effect: these outcomes may improve or not; nobody has "
            "measured it in a way that can be used here. The technical reports list the trials that "
            "came near, each with the reason why it is not used."
        ),
        DataTable(columns, rows, "Questions that no trial answers"),
    ]


def group_cbt(every: All) -> list[Block]:
    """The comparison with group CBT, which readers ask for first."""
    rows = _published(every)
    cbt = rows[rows["comparison"].str.contains("cbt", case=False)] if len(rows) else rows
    context = [e for e in every if e.question.kind != IS_PEER and e.estimate is not None]
    blocks: list[Block] = [Heading("Is peer support as good as group CBT?")]
    blocks += [Paragraph(s) for s in equivalence_sentences(cbt)]
    if cbt.empty:
        blocks.append(Paragraph("No published comparison of peer support with group CBT is quoted here."))
    blocks.append(
        Paragraph(
            "To say that one is as good as the other, someone has to fix beforehand how much worse "
            "would still be acceptable (a margin), and give a "
            "source for it. No such margin has been entered, so no verdict is given."
        )
    )
    if context:
        blocks += [
            Paragraph(
                "For context only, the trials of group CBT without peer support. Their participants and "
                "comparators differ, so the numbers must not be set against those of peer support."
            ),
            _findings(context, "Context: what other support shows"),
        ]
    if len(rows):
        blocks.append(published_table(rows))
    return blocks


def how_sure(every: All) -> list[Block]:
    """What is known about the certainty, and the limits."""
    answered = [e for e in _peer(every) if e.estimate is not None]
    used = sum(e.question.k for e in answered)
    unrated = sum(int((e.used["rob"] == "not_assessed").sum()) for e in answered)
    few = sum(e.question.k <= 2 for e in answered)
    items: list[Text] = [
        wording.CERTAINTY.replace("this evidence", "the evidence"),
        (
            f"{phrases.sentence(phrases.count_word(few)).rstrip('.')} of the "
            f"{phrases.count_word(len(answered))} answered questions rest{'s' if few == 1 else ''} on "
            "one or two trials: nobody can tell from these whether a result repeats elsewhere."
        ),
        f"For {f.count(unrated)} of {f.count(used)} results used, no judgement of the risk of bias was available.",
        (
            "Many numbers were read in abstracts and review tables, not in full reports. Each "
            "technical report lists the issues found in its data."
        ),
        (
            "Only supporters who share the lived experience count as peers. Lay workers, volunteers "
            "and mentors without it are left out, also where that leaves no trial."
        ),
        "A change from before to after without a comparison group is not evidence of an effect and is not used.",
    ]
    return [Heading("How sure are we, and what are the limits?"), Bullets(tuple(items))]


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
    "overview_figures": overview_figures,
    "findings_table": findings_table,
    "unanswered": unanswered,
    "group_cbt": group_cbt,
    "how_sure": how_sure,
    "where_to_read": where_to_read,
}


def _peer(every: All) -> list[Evidence]:
    return [e for e in every if e.question.kind == IS_PEER]


def _sentences(every: All) -> list[str]:
    """Five sentences, each derived from the results."""
    peer = _peer(every)
    answered = [e for e in peer if e.estimate is not None]
    sides = [_side(e) for e in answered]
    open_ones = len(answered) - sides.count("intervention") - sides.count("comparator")
    many = [e for e in answered if e.question.k >= 3]
    first = (
        f"Of {phrases.count_word(len(peer))} questions about peer support, "
        f"{phrases.count_word(len(answered))} {_have(len(answered))} at least one usable trial, "
        f"and {phrases.count_word(len(many))} {_have(len(many))} three or more"
    )
    second = _wholly(answered, sides, "intervention", "the interval lies", "does the interval lie", "peer support")
    third = _wholly(answered, sides, "comparator", "it lies", "does it lie", "the comparator")
    fourth = (
        f"In {phrases.count_word(open_ones)} the trials cannot tell which is better, which is not the same as no effect"
    )
    return [
        phrases.sentence(s)
        for s in (first, second, third, fourth, wording.CERTAINTY.replace("this evidence", "the evidence"))
    ]


def _side(e: Evidence) -> str:
    """Which side the whole interval lies on, or ''."""
    est, q = e.estimate, e.question
    if (
        est is None
        or not (f.known(est.ci_lb) and f.known(est.ci_ub))
        or not phrases.excludes_null(q, est.ci_lb, est.ci_ub)
    ):
        return ""
    return phrases.side(q, est.value)


def _wholly(answered: list[Evidence], sides: list[str], which: str, verb: str, question: str, side: str) -> str:
    """How many intervals lie wholly on one side, and of which outcomes."""
    named = [
        f"{phrases.inner(row_label(e))} ({phrases.trials(e.question.k)}{_just(e)})"
        for e, s in zip(answered, sides, strict=True)
        if s == which
    ]
    if not named:
        return f"In none {question} wholly in favour of {side}"
    return f"In {phrases.count_word(len(named))} {verb} wholly in favour of {side}: {'; '.join(named)}"


def _just(e: Evidence) -> str:
    return ", only just" if e.estimate is not None and phrases.only_just(e.question, e.estimate, e.places) else ""


def _have(n: int) -> str:
    return "has" if n == 1 else "have"


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
    return DataTable(columns, rows, caption, f"{f.NOT_GIVEN}: not known, or no translation. CI: confidence interval.")


def _unit(e: Evidence) -> str:
    row = units.telling_unit(e)
    return f.NOT_GIVEN if row is None else units.unit_phrase(e.question, row)


def _alt(e: Evidence) -> str:
    return f"{row_label(e)}, {phrases.trials(e.question.k)}: {effect_text(e)}, {phrases.inner(wording.meaning(e))}."


def _published(every: All) -> pd.DataFrame:
    frames = [e.published for e in every if len(e.published)]
    return pd.concat(frames, ignore_index=True).drop_duplicates("id") if frames else pd.DataFrame({"comparison": []})
