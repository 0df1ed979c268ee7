"""What was found wrong in the data of the trials shown, and what came of it in this report."""

from __future__ import annotations

import re
from typing import Any

from pipeline.report import format as f
from pipeline.report import phrases
from pipeline.report.book import Block, Column, DataTable, Heading, Paragraph, Run
from pipeline.report.evidence_words import check_name, in_words
from pipeline.report.results import Evidence

_STATUS_IN_ADVICE = re.compile(
    r"^(used; the report says so|kept out until the publication settles it"
    r"|(used|not kept out), but look at it: |(used|not kept out); )"
)
"""The advice is written before a question decides; what was done is read from its result instead."""
_PRINTED = ("reported", "reported_adjusted")


def data_issues(e: Evidence) -> list[Block]:
    """Defects found in the data of the trials shown, and what was done."""
    heading = Heading("Issues found in the data")
    if e.issues.empty:
        none = Paragraph("The checks found nothing to report in the rows of the trials shown here.")
        return [heading, none] if len(e.studies) else []
    columns = (
        Column("Trial and row", 1.6),
        Column("Check", 1.2),
        Column("What was found", 2.6),
        Column("What was done", 2.2),
    )
    rows = tuple(
        (
            (Run(r.study or r.study_id, bold=True), f" row {r.row_id}"),
            check_name(r.check),
            phrases.sentence(in_words(r.evidence, e.labels)),
            outcome(e, r),
        )
        for r in e.issues.sort_values(["study", "row_id", "check"], kind="stable").itertuples()
    )
    return [heading, DataTable(columns, rows, "Issues found in the data of these trials")]


def outcome(e: Evidence, issue: Any) -> str:
    """What came of the row, read from the trials used and not used; with what could settle it."""
    grave = issue.severity in ("error", "exclude")
    hint = _STATUS_IN_ADVICE.sub("", issue.advice)
    hint = f" {phrases.sentence(f.tidy_numbers(hint))}" if hint else ""
    used = [r for r in e.used.itertuples() if reads(r.effect_id, issue.source, issue.row_id)]
    if used:
        if grave and issue.applies_to == "reported" and used[0].basis not in _PRINTED:
            return f"Its printed effect is kept out; the values of its arms are used.{hint}"
        if grave and issue.applies_to == "arms" and used[0].basis in _PRINTED:
            return f"The values of its arms are kept out; its printed effect is used.{hint}"
        return f"Used with this caution.{hint}"
    elsewhere = " The trial enters by another row." if issue.study in set(e.used["study"]) else ""
    if grave:
        return f"Kept out.{elsewhere}{hint}"
    if elsewhere:
        return f"This row is not used.{elsewhere}"
    listed = any(reads(r.effect_id, issue.source, issue.row_id) for r in e.unused.itertuples())
    return "Not used; the reason stands with the trials not used." if listed else "Not used."


def reads(effect_id: str, source: str, row: str) -> bool:
    """Was an effect ('source:rows:measure:basis', several joined by '+') read from this row?"""
    parts = (part.split(":") for part in effect_id.split("+"))
    return any(part[0] == source and row in re.split(r"[|,]", part[1]) for part in parts if len(part) > 1)
