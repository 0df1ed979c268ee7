"""Corrections to a delivery, kept as data beside it: `decisions.csv` (row_id, column, value, reason).

The delivery itself stays as it came. `column` is a column of the tidy contrast row; `value` a codebook code. The
column `use` with the value `no` keeps a row out of every pool and gives the reason.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.codebook import Codebook
from pipeline.errors import BadInput, Problem, nearest
from pipeline.ingest.cells import numbers, require_columns
from pipeline.ingest.tidy import ReadingReport
from pipeline.tables import read_csv

FILE = "decisions.csv"
REGISTRY = {
    "outcome": "outcome", "instrument": "instrument", "rating": "rating", "time_basis": "timepoint_basis",
    "condition_1": "condition", "condition_2": "condition", "role_1": "role", "modality_1": "modality",
    "effect_type": "effect_type", "claimed_sign": "effect_sign", "rob": "rob",
}  # fmt: skip


def apply_decisions(rows: pd.DataFrame, folder: Path, book: Codebook, report: ReadingReport) -> None:
    """Change `rows` (one per contrast, with `row_id`) in place as `decisions.csv` says; log each change.

    Raises
    ------
    BadInput
        A row or column that does not exist, a value the column cannot hold, or a decision without a reason.
    """
    path = folder / FILE
    if not path.exists():
        return
    decisions = read_csv(path)
    require_columns(decisions, ("row_id", "column", "value", "reason"), FILE)
    place = {row: i for i, row in rows["row_id"].items()}
    problems = []
    for line, d in enumerate(decisions.itertuples(index=False), start=2):
        if d.row_id not in place:
            problems.append(
                Problem(FILE, "no such row", nearest(d.row_id, place) or "correct the row id", line, "row_id", d.row_id)
            )
        elif d.column != "use" and d.column not in rows.columns:
            hint = nearest(d.column, rows.columns) or "correct the column"
            problems.append(Problem(FILE, "no such column", hint, line, "column", d.column))
        elif not d.reason:
            problems.append(Problem(FILE, "a decision needs a reason", "say why, with the source", line, "reason"))
        else:
            try:
                _apply(rows, place[d.row_id], d.column, _value(rows, d.column, d.value, line, book), d.reason, report)
            except BadInput as e:
                problems += e.problems
    if problems:
        raise BadInput(problems)


def _value(rows: pd.DataFrame, column: str, value: str, line: int, book: Codebook) -> object:
    """The value as the column holds it. Raises `BadInput` for an unknown code or word, or text for a number."""
    if column in REGISTRY:
        return book.resolve(REGISTRY[column], value, file=FILE, row=line, column="value")
    if column == "use" or pd.api.types.is_bool_dtype(rows[column]):
        words = {"no": "no"} if column == "use" else {"yes": True, "no": False}
        if value not in words:
            raise BadInput(Problem(FILE, "is not allowed here", "correct it", line, "value", value, ", ".join(words)))
        return words[value]
    if pd.api.types.is_numeric_dtype(rows[column]):
        cell = pd.DataFrame({"value": [value]}, dtype=str)
        return float(numbers(cell, ("value",), FILE, pd.Series([line]))["value"].iloc[0])
    return value


def _apply(rows: pd.DataFrame, i: int, column: str, value: object, reason: str, report: ReadingReport) -> None:
    if column == "use":
        rows.loc[i, "flag"] = f"SUSPECT: {reason}"
        report.add("left_out", reason, rows.loc[i, "row_id"], "use", "yes", value)
        return
    before = rows.loc[i, column]
    rows.loc[i, column] = value
    report.add("changed", reason, rows.loc[i, "row_id"], column, before, value)
