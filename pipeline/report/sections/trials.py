"""The trials: used, not used, and where they were read."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Bullets, Column, DataTable, Heading, Paragraph, References, Run, Text
from pipeline.report.evidence_words import in_words
from pipeline.report.figures.forest import people, study_name
from pipeline.report.links import linked
from pipeline.report.results import Evidence

_NO_COUNTRY, _ONLY_ONE = "other country", "its only measurement"
_ROB = {"low": "low", "some": "some concerns", "high": "high", "not_assessed": "not assessed"}


def trials_used(e: Evidence) -> list[Block]:
    """One row per trial in the main analysis."""
    if e.used.empty:
        return []
    weighted = e.question.k > 1
    columns = [
        Column("Trial", 1.2),
        Column("People*", 0.85, "right"),
        Column("Intervention, given by; comparator", 1.6),
        Column("Measured with, when", 1.65),
        Column("Data of the two groups", 1.35),
        Column(f"{e.question.measure} [95%{f.NBSP}CI]", 1.1, "right"),
        *([Column("Weight", 0.65, "right")] if weighted else []),
        Column("Risk of bias", 0.8),
    ]
    used = e.used.sort_values(["year", "study", "effect_id"], kind="stable")
    rows = tuple(_used_row(e, r, weighted) for r in used.itertuples())
    note = f"* {e.question.intervention_label} / {phrases.versus(e.question)}. {f.NOT_GIVEN}: not given."
    table = DataTable(tuple(columns), rows, "Trials used in the main analysis", note)
    return [Heading("The trials used"), table, *_notes(used)]


def _used_row(e: Evidence, r: Any, weighted: bool) -> tuple[Text, ...]:
    country = f", {r.country}" if r.country not in ("", _NO_COUNTRY) else ""
    effect = f.effect(r.shown_yi, r.measure, e.places)
    return (
        (Run(study_name(r.study, r.year), bold=True), country),
        people(r),
        _arms(e, r),
        _measured(e, r),
        f.true_minus(r.arm_data) or f.NOT_GIVEN,
        f"{effect} {f.bracket(r.shown_ci_lb, r.shown_ci_ub, r.measure, e.places)}",
        *([f.percent(r.weight, 1)] if weighted else []),
        _ROB.get(r.rob, r.rob),
    )


def _notes(used: pd.DataFrame) -> list[Block]:
    """How one of several measurements was chosen, and what a reader should know, told once for all trials."""
    notes: dict[str, list[str]] = {}
    for r in used.itertuples():
        for text in (r.reason, r.note):
            if text and not text.startswith(_ONLY_ONE):
                notes.setdefault(phrases.sentence(text), []).append(study_name(r.study, r.year))
    items: tuple[Text, ...] = tuple(
        (Run(_who(names, len(used)), bold=True), ": " + text) for text, names in notes.items()
    )
    return [Heading("Notes on single trials", 2), Bullets(items)] if items else []


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
            phrases.sentence(in_words(r.reason, e.labels) or "no reason given"),
        )
        for r in e.unused.sort_values(["reason", "study", "effect_id"], kind="stable").itertuples()
    )
    columns = (
        Column("Trial", 1.5),
        Column("Intervention, given by; comparator", 1.9),
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


def trial_references(e: Evidence) -> list[Block]:
    """Where the numbers of the trials used were read."""
    if e.used.empty:
        return []
    used = e.used.sort_values(["study", "reference"], kind="stable")
    items = dict.fromkeys((r.study, r.reference) for r in used.itertuples())
    return [
        Heading("Where the numbers were read"),
        References(tuple((Run(f"{study}. ", bold=True), *linked(printed(reference))) for study, reference in items)),
    ]


def printed(reference: str) -> str:
    """A reference without ids of the delivery's own tools, its brackets closed."""
    text = re.sub(r"[;,]?\s*eppi_id\W*\d*", "", reference).replace("[]", "").replace("()", "").strip()
    for opening, closing in ("()", "[]"):
        text += closing * max(text.count(opening) - text.count(closing), 0)
    return text


def _joined(*parts: str) -> str:
    return "; ".join(p for p in parts if p) or "not given"


def _arms(e: Evidence, r: Any) -> str:
    how = e.labels.of("modality", r.modality_1) if r.modality_1 else ""
    given = ", ".join(phrases.inner(p) for p in (e.labels.of("role", r.role_1), how) if p)
    content = e.labels.of("condition", r.condition_1)
    return f"{content} ({given}); {phrases.inner(e.labels.of('condition', r.condition_2))}"


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
