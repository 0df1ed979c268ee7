"""The only code that reads or writes a table; the schemas are in `pipeline.schemas`.

Tables are CSV: UTF-8, comma, line feeds, `%.12g`, rows sorted by key, empty cell = unknown. The same content is the
same bytes.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.errors import BadInput, Problem, nearest
from pipeline.schemas import TABLES
from pipeline.schemas.answers import EFFECTS, INFLUENCE, OVERVIEW, POOLED, PUBLISHED, STUDIES_USED, TESTS, TRANSLATED
from pipeline.schemas.columns import FLAG, INTEGER, NUMBER, TEXT, Column, Table
from pipeline.schemas.evidence import ISSUES, LINKS, READING, REPORTED, STUDIES, STUDY_ARMS

__all__ = [
    "EFFECTS",
    "INFLUENCE",
    "ISSUES",
    "LINKS",
    "OVERVIEW",
    "POOLED",
    "PUBLISHED",
    "READING",
    "REPORTED",
    "STUDIES",
    "STUDIES_USED",
    "STUDY_ARMS",
    "TABLES",
    "TESTS",
    "TRANSLATED",
    "Column",
    "Table",
    "conform",
    "empty",
    "read",
    "read_csv",
    "write",
    "write_bytes",
    "write_text",
]


def empty(table: Table) -> pd.DataFrame:
    """A frame with the table's columns and no rows."""
    return conform(pd.DataFrame(columns=list(table.columns)), table, table.name)


def conform(frame: pd.DataFrame, table: Table, file: str, rows: Sequence[int | str] | None = None) -> pd.DataFrame:
    """Columns in the table's order, typed and checked, rows sorted by key.

    Text is `str` with '' for unknown, numbers are float64 with NaN, flags are bool. `rows` name the rows in messages
    (default: the lines of a file with this content).

    Raises
    ------
    BadInput
        Every wrong column and cell, by row.
    """
    problems: list[Problem] = []
    missing = [c for c in table.columns if c not in frame.columns]
    for name in missing:
        problems.append(Problem(file, f"column '{name}' is missing", f"add it: {table.columns[name].meaning}"))
    for name in frame.columns:
        if name not in table.columns:
            hint = nearest(str(name), table.columns)
            problems.append(Problem(file, f"column '{name}' is not known", hint or "remove it or correct its name"))
    if problems:
        raise BadInput(problems)
    out = pd.DataFrame(index=range(len(frame)))
    lines = list(rows) if rows is not None else [i + 2 for i in range(len(frame))]
    for name, column in table.columns.items():
        values, bad = _CONVERT[column.kind](frame[name].reset_index(drop=True))
        bad = bad | _breaks(values, column)
        problems += [
            Problem(
                file,
                f"not a {column.kind}" if column.kind != TEXT else "not an allowed word",
                column.meaning,
                lines[i],
                name,
                str(frame[name].iloc[i]),
                _allowed(column),
            )
            for i in np.flatnonzero(bad)
        ]
        out[name] = values
    if not problems and out.duplicated(list(table.key)).any():
        for i in np.flatnonzero(out.duplicated(list(table.key)).to_numpy()):
            found = ", ".join(f"{c}={out[c].iloc[i]}" for c in table.key)
            problems.append(Problem(file, "the row stands twice", "keep one of the two rows", lines[i], None, found))
    if problems:
        raise BadInput(problems)
    return out.sort_values(list(table.key), kind="stable", ignore_index=True)


def read(path: str | Path, table: Table) -> pd.DataFrame:
    """Read a table written by `write`. Raises `BadInput` for anything else."""
    return conform(read_csv(path), table, Path(path).name)


def read_csv(path: str | Path, sep: str = ",") -> pd.DataFrame:
    """A CSV file as text cells; '' for empty. Raises `BadInput` for a file that is empty, ragged or not UTF-8."""
    path = Path(path)
    lines = _lines(path, sep)
    if not lines:
        raise BadInput(Problem(path.name, "is empty", "put back the header line and the rows"))
    header = lines[0][1]
    problems = [
        Problem(path.name, "the column stands twice", "remove or rename one of the two", 1, name)
        for name in dict.fromkeys(header)
        if header.count(name) > 1
    ]
    fix = f"give the row {len(header)} cells, as the header has; quote a cell that holds '{sep}'"
    problems += [
        Problem(path.name, f"has {len(cells)} cells, the header {len(header)}", fix, line)
        for line, cells in lines
        if len(cells) != len(header)
    ]
    if problems:
        raise BadInput(problems)
    return pd.DataFrame([cells for _, cells in lines[1:]], columns=header, dtype=str)


def _lines(path: Path, sep: str) -> list[tuple[int, list[str]]]:
    """The rows of a CSV file as cells, each with the line where it starts; blank lines are left out."""
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as e:
        line = data[: e.start].count(b"\n") + 1
        raise BadInput(Problem(path.name, "is not UTF-8 text", "save it as 'CSV UTF-8'", line)) from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise BadInput(Problem(path.name, "holds a NUL character: it is not text", "save it as 'CSV UTF-8'", line))
    rows, start = [], 1
    reader = csv.reader(io.StringIO(text, newline=None), delimiter=sep, strict=True)
    try:
        for cells in reader:
            if len(cells) > 1 or (cells and cells[0].strip()):
                rows.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as e:
        fix = "look for a quote that is not closed, or not doubled inside a quoted cell"
        raise BadInput(Problem(path.name, f"is not regular CSV: {e}", fix, start)) from None
    return rows


def write(frame: pd.DataFrame, table: Table, path: str | Path) -> None:
    """Check and write a table atomically: the old file stays until the new one is whole."""
    checked = conform(frame, table, table.name)
    write_text(path, checked.to_csv(index=False, float_format="%.12g", lineterminator="\n"))


def write_text(path: str | Path, text: str) -> None:
    """Write text atomically, creating the folder."""
    write_bytes(path, text.encode())


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write a file atomically: to a neighbour first, synced, then renamed over the old one.

    The neighbour's name is fixed, so what a killed run left is taken over by the next one.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as f:
            f.write(data)
            f.flush()
            os.fsync(f.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _to_text(s: pd.Series) -> tuple[pd.Series, np.ndarray]:
    return s.astype(object).where(s.notna(), "").astype(str).astype(object), np.zeros(len(s), bool)


def _to_number(s: pd.Series) -> tuple[pd.Series, np.ndarray]:
    if s.dtype == np.float64:
        return s, np.isinf(s.to_numpy())
    blank = s.isna() | (s.astype(str) == "")
    values = pd.to_numeric(s.where(~blank), errors="coerce").astype("float64")
    return values, (~blank & ~np.isfinite(values)).to_numpy()


def _to_integer(s: pd.Series) -> tuple[pd.Series, np.ndarray]:
    values, bad = _to_number(s)
    whole = values.isna() | ((values == values.round()) & values.abs().lt(2**53))
    bad = bad | ~whole.to_numpy()
    return values.mask(bad).astype("Int64"), bad


def _to_flag(s: pd.Series) -> tuple[pd.Series, np.ndarray]:
    words = s.astype(str).str.lower().map({"true": True, "false": False})
    return words.eq(True).astype(bool), words.isna().to_numpy()


_CONVERT: dict[str, Callable[[pd.Series], tuple[pd.Series, np.ndarray]]] = {
    TEXT: _to_text,
    NUMBER: _to_number,
    INTEGER: _to_integer,
    FLAG: _to_flag,
}


def _breaks(values: pd.Series, column: Column) -> np.ndarray:
    bad = np.zeros(len(values), bool)
    if column.kind in (NUMBER, INTEGER):
        x = values.astype("float64").to_numpy(na_value=np.nan)
        for limit, test in ((column.ge, np.less), (column.gt, np.less_equal), (column.le, np.greater)):
            if limit is not None:
                bad |= test(x, limit, where=np.isfinite(x), out=np.zeros(len(x), bool))
        if column.required:
            bad |= np.isnan(x)
    elif column.kind == TEXT:
        if column.required:
            bad |= (values == "").to_numpy()
        if column.allowed is not None:
            bad |= ~(values.isin(column.allowed) | ((values == "") & (not column.required))).to_numpy()
    return bad


def _allowed(column: Column) -> str | None:
    if column.allowed is not None:
        return ", ".join(a or "(empty)" for a in column.allowed)
    limits = [
        f"{sign} {limit:g}"
        for sign, limit in ((">=", column.ge), (">", column.gt), ("<=", column.le))
        if limit is not None
    ]
    return " and ".join(limits) or ("not empty" if column.required else None)
