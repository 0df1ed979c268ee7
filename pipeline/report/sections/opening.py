"""The first page: title, key findings, what was compared."""

from __future__ import annotations

from pipeline.report import cautions, phrases, wording
from pipeline.report import format as f
from pipeline.report.book import Block, Bullets, Column, DataTable, Heading, KeyFindings, Paragraph, Title
from pipeline.report.results import Evidence

IS_PEER = "peer_support"
COUNT_AS_PEERS = (
    "People whom the source names as peers count as peers; lay workers, volunteers and mentors without stated lived "
    "experience do not."
)
_POPULATIONS = 6
"""Populations named one by one."""
CONTEXT = "This page gives context. It is not about peer support."


def title(e: Evidence) -> list[Block]:
    q = e.question
    kicker = "Evidence report" if q.kind == IS_PEER else "Evidence report for context"
    subtitle = phrases.sentence(phrases.trials(q.k)).rstrip(".") if q.k else "No usable trial"
    subtitle += f", {f.count(q.n)} people" if q.k and f.known(q.n) else ""
    description = " ".join(wording.key_findings(e))
    return [Title(q.title, subtitle, kicker, description)]


def key_findings(e: Evidence) -> list[Block]:
    """The box. Its sentences are derived from the numbers."""
    box: list[Block] = [KeyFindings("Key findings", wording.key_findings(e))]
    return box if e.question.kind == IS_PEER else [*box, Paragraph(CONTEXT)]


def compared(e: Evidence) -> list[Block]:
    """What the question asks, as a table."""
    q = e.question
    rows = [
        ("People", _people(e)),
        ("Intervention", _intervention(e)),
        ("Compared with", q.comparator_label),
        ("Outcome", q.outcome_label + phrases.counted(q)),
        ("Time window", _window(e)),
        ("Effect measure", f"{phrases.measure_name(q)}. {phrases.direction_note(q)}"),
    ]
    columns = (Column("Part of the question", 1.0), Column("In this report", 3.6))
    table = DataTable(columns, tuple(rows), "The question")
    wait = cautions.waitlist(e)
    return [Heading("What was compared"), table, *([Paragraph(wait)] if wait else [])]


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


def _people(e: Evidence) -> str:
    """How many, and the populations as printed, the most frequent first."""
    q = e.question
    if e.estimate is None:
        return "None: no trial could be used"
    missing = "the trial" if q.k == 1 else "every trial"
    total = f"{f.count(q.n)} people in {phrases.trials(q.k)}" if f.known(q.n) else f"Number not given by {missing}"
    printed = e.used.loc[e.used["population"] != "", "population"].value_counts(sort=False)
    kinds = sorted(printed.items(), key=lambda kind: -kind[1])
    named = [f"{f.tidy_numbers(str(name))} ({phrases.trials(n)})" for name, n in kinds[:_POPULATIONS]]
    rest = sum(n for _, n in kinds[_POPULATIONS:])
    named += [f"others ({phrases.trials(rest)})"] if rest else []
    return f"{total}: {'; '.join(named)}" if named else total


def _intervention(e: Evidence) -> str:
    """Who gave it, and what the trials used tested."""
    tested = cautions.contents(e)
    return f"{e.question.intervention_label}{_by_whom(e)}" + (f" Tested: {tested}." if tested else "")


def _by_whom(e: Evidence) -> str:
    q = e.question
    roles = [phrases.inner(e.labels.of("role", r)) for r in q.roles]
    return f", given by {' or '.join(roles)}. {COUNT_AS_PEERS if q.kind == IS_PEER else ''}" if roles else "."


def _window(e: Evidence) -> str:
    q = e.question
    target = (
        f"; of several times in it, the one nearest to {f.weeks_count(q.target_weeks)}"
        if q.target_weeks is not None
        else ""
    )
    return f"{f.weeks(*q.window_weeks)[:1].upper()}{f.weeks(*q.window_weeks)[1:]}{target}"
