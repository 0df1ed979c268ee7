"""Corrections to a delivery, kept as data beside it: `decisions.csv` (row_id, column, value, reason).

The delivery itself stays as it came. `column` is a column of the tidy contrast row; `value` a codebook code. The
column `use` with the value `no` keeps a row out of every pool and gives the reason.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.errors import BadInput, Problem, nearest
from pipeline.ingest.cells import require_columns
from pipeline.ingest.tidy import ReadingReport
from pipeline.tables import read_csv

FILE = "decisions.csv"


def apply_decisions(rows: pd.DataFrame, folder: Path, report: ReadingReport) -> None:
    """Change `rows` (one per contrast, with `row_id`) in place as `decisions.csv` says; log each change.

    Raises
    ------
    BadInput
        A row or column that does not exist, or a decision without a reason.
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
            problems.append(Problem(FILE, "no such column", nearest(d.column, rows.columns), line, "column", d.column))
        elif not d.reason:
            problems.append(Problem(FILE, "a decision needs a reason", "say why, with the source", line, "reason"))
        else:
            _apply(rows, place[d.row_id], d.column, d.value, d.reason, report)
    if problems:
        raise BadInput(problems)


def _apply(rows: pd.DataFrame, i: int, column: str, value: str, reason: str, report: ReadingReport) -> None:
    if column == "use":
        rows.loc[i, "flag"] = f"SUSPECT: {reason}"
        report.add("left_out", reason, rows.loc[i, "row_id"], "use", "yes", value)
        return
    before = rows.loc[i, column]
    rows.loc[i, column] = float(value) if pd.api.types.is_float_dtype(rows[column]) else value
    report.add("changed", reason, rows.loc[i, "row_id"], column, before, value)
