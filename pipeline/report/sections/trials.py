"""The trials: used, not used, what was found wrong in their data, and where they were read."""

from __future__ import annotations

from typing import Any

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Bullets, Column, DataTable, Heading, Paragraph, References, Run, Text, linked
from pipeline.report.figures.forest import study_name
from pipeline.report.results import Evidence

_ROB = {"low": "low", "some": "some concerns", "high": "high", "not_assessed": "not assessed"}


def trials_used(e: Evidence) -> list[Block]:
    """One row per trial in the main analysis."""
    if e.used.empty:
        return []
    columns = (
        Column("Trial", 1.3),
        Column("People", 1.85),
        Column("Supporters and comparator", 1.45),
        Column("Measured with, when", 2.0),
        Column("Data of the two groups", 1.5),
        Column("Risk of bias", 0.85),
    )
    used = e.used.sort_values(["year", "study", "effect_id"], kind="stable")
    rows = tuple(
        (
            (Run(study_name(r.study, r.year), bold=True),),
            _joined(r.population, r.country),
            _arms(e, r),
            _measured(e, r),
            f.true_minus(r.arm_data)
            or f"as printed: {f.with_interval(r.shown_yi, r.shown_ci_lb, r.shown_ci_ub, r.measure, e.places)}",
            _ROB.get(r.rob, r.rob),
        )
        for r in used.itertuples()
    )
    blocks: list[Block] = [Heading("The trials used"), DataTable(columns, rows, "Trials used in the main analysis")]
    notes: dict[str, list[str]] = {}
    for r in used.itertuples():
        for text in (r.reason, r.note):
            if text:
                notes.setdefault(phrases.sentence(text), []).append(study_name(r.study, r.year))
    items: tuple[Text, ...] = tuple(
        (Run(_who(names, len(used)), bold=True), ": " + text) for text, names in notes.items()
    )
    return [*blocks, Heading("Notes on single trials", 2), Bullets(items)] if items else blocks


def trials_not_used(e: Evidence) -> list[Block]:
    """Every row found and set aside, by reason."""
    if e.unused.empty:
        return (
            [Heading("Found but not used"), Paragraph("Every trial found with this outcome is used.")]
            if e.question.k
            else []
        )
    rows = tuple(
        (
            (Run(study_name(r.study, r.year), bold=True),),
            _arms(e, r),
            _measured(e, r),
            phrases.sentence(r.reason or "no reason given"),
        )
        for r in e.unused.sort_values(["reason", "study", "effect_id"], kind="stable").itertuples()
    )
    columns = (
        Column("Trial", 1.5),
        Column("Supporters and comparator", 1.8),
        Column("Measured with, when", 1.9),
        Column("Why it is not used", 2.4),
    )
    return [
        Heading("Found but not used"),
        Paragraph(
            "No result is dropped silently. Each of these trials came near the question and stays "
            "out for the reason given."
        ),
        DataTable(columns, rows, "Trials found but not used, with the reason"),
    ]


def data_issues(e: Evidence) -> list[Block]:
    """Defects found in the data of the trials shown, and what was done."""
    heading = Heading("Issues found in the data")
    if e.issues.empty:
        return (
            [heading, Paragraph("The checks found nothing to report in the rows of the trials shown here.")]
            if len(e.studies)
            else []
        )
    columns = (
        Column("Trial and row", 1.6),
        Column("Check", 1.3),
        Column("What was found", 2.5),
        Column("What was or is to be done", 2.2),
    )
    rows = tuple(
        ((Run(r.study or r.study_id, bold=True), f" row {r.row_id}"), r.check.replace("_", " "), r.evidence, r.advice)
        for r in e.issues.sort_values(["study", "row_id", "check"], kind="stable").itertuples()
    )
    return [heading, DataTable(columns, rows, "Issues found in the data of these trials")]


def trial_references(e: Evidence) -> list[Block]:
    """Where the numbers of the trials used were read."""
    if e.used.empty:
        return []
    used = e.used.sort_values(["study", "reference"], kind="stable")
    items = dict.fromkeys((r.study, r.reference) for r in used.itertuples())
    return [
        Heading("Where the numbers were read"),
        References(tuple((Run(f"{study}. ", bold=True), *linked(reference)) for study, reference in items)),
    ]


def _joined(*parts: str) -> str:
    return "; ".join(p for p in parts if p) or "not given"


def _arms(e: Evidence, r: Any) -> str:
    how = e.labels.of("modality", r.modality_1) if r.modality_1 else ""
    first = ", ".join(p for p in (e.labels.of("role", r.role_1), phrases.inner(how)) if p)
    return f"{first} v {phrases.inner(e.labels.of('condition', r.condition_2))}"


def _measured(e: Evidence, r: Any) -> str:
    scale = (
        e.labels.of("instrument", r.instrument)
        if r.instrument
        else ("records or reported events" if r.basis == "events" else "")
    )
    rating = f" ({r.rating})" if r.rating else ""
    return _joined(f"{scale}{rating}".strip(), _when(e, r))


def _when(e: Evidence, r: Any) -> str:
    """'26 weeks after randomisation'; the codebook's words for what the weeks are counted from."""
    basis = e.labels.of("basis", r.time_basis)
    counted = basis.startswith("weeks")
    if not f.known(r.time_weeks):
        since = basis.removeprefix("weeks").split(",")[0]
        return f"time{since} not given" if counted or not basis else basis
    return f.weeks_count(r.time_weeks) + (basis.removeprefix("weeks") if counted else f", {basis}" if basis else "")


def _who(names: list[str], trials: int) -> str:
    return "All trials" if len(names) == trials > 1 else ", ".join(names)
