"""The first page: title, key findings, what was compared."""

from __future__ import annotations

from pipeline.report import format as f
from pipeline.report import phrases, wording
from pipeline.report.book import Block, Bullets, Column, DataTable, Heading, KeyFindings, Paragraph, Title
from pipeline.report.results import Evidence

IS_PEER = "peer_support"
CONTEXT = "This page gives context. It is not about peer support."


def title(e: Evidence) -> list[Block]:
    q = e.question
    kicker = "Evidence report" if q.kind == IS_PEER else "Evidence report for context"
    subtitle = f"{q.intervention_label} compared with {phrases.comparator(q)}: {phrases.inner(q.outcome_label)}"
    description = " ".join(wording.key_findings(e))
    return [Title(q.title, subtitle, kicker, description)]


def key_findings(e: Evidence) -> list[Block]:
    """The box. Its sentences are derived from the numbers."""
    box: list[Block] = [KeyFindings("Key findings", wording.key_findings(e))]
    return box if e.question.kind == IS_PEER else [*box, Paragraph(CONTEXT)]


def compared(e: Evidence) -> list[Block]:
    """What the question asks, as a table."""
    q, used = e.question, e.used
    populations = used["population"][used["population"] != ""].nunique()
    rows = [
        ("People", _people(e, populations)),
        ("Intervention", f"{q.intervention_label}{_by_whom(e)}"),
        ("Compared with", q.comparator_label),
        ("Outcome", q.outcome_label + phrases.counted(q)),
        ("Time window", _window(e)),
        ("Effect measure", f"{phrases.measure_name(q)}. {phrases.direction_note(q)}"),
    ]
    columns = (Column("Part of the question", 1.0), Column("In this report", 3.6))
    return [Heading("What was compared"), DataTable(columns, tuple(rows), "The question")]


def no_trial(e: Evidence) -> list[Block]:
    """For a question without a trial: what that means and what would answer it."""
    if e.estimate is not None:
        return []
    q = e.question
    asked = (
        f"a randomised trial of {phrases.intervention(q)} compared with {phrases.comparator(q)}",
        f"that reports {phrases.inner(q.outcome_label)}" + phrases.counted(q) + " for both groups",
        f"measured within the time window: {f.weeks(*q.window_weeks)}",
        "with the number of people in each group, and either means and standard deviations, the "
        "numbers with the event, "
        "or an effect with its standard error or interval",
    )
    return [
        Heading("No trial gives this"),
        Paragraph(
            "No pooled number, no forest plot and no test stand in this report, because there is "
            f"nothing to pool. {wording.not_used(e)} "
            "Results that answer a neighbouring question are not put in their place: other "
            "supporters, other comparators, other "
            "outcomes or other times would give a number, but not an answer to this question."
        ),
        Heading("What would answer it", 2),
        Bullets(asked),
    ]


def _people(e: Evidence, populations: int) -> str:
    if e.estimate is None:
        return "None: no trial could be used"
    total = f"{f.count(e.question.n)} people" if f.known(e.question.n) else "Number of people not given by every trial"
    kinds = (
        (
            f", {phrases.count_word(populations)} kind{'s' if populations != 1 else ''} of population "
            "as printed by the trials"
        )
        if populations
        else ""
    )
    return f"{total} in {phrases.trials(e.question.k)}{kinds}; see the table of trials"


def _by_whom(e: Evidence) -> str:
    roles = [phrases.inner(e.labels.of("role", r)) for r in e.question.roles]
    return f", given by {' or '.join(roles)}" if roles else ""


def _window(e: Evidence) -> str:
    q = e.question
    target = (
        f"; of several times in it, the one nearest to {f.weeks_count(q.target_weeks)}"
        if q.target_weeks is not None
        else ""
    )
    return f"{f.weeks(*q.window_weeks)[:1].upper()}{f.weeks(*q.window_weeks)[1:]}{target}"
