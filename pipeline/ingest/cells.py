"""Text cells of a delivery to numbers and slugs, with every refused cell named."""

from __future__ import annotations

import re
import unicodedata

import numpy as np
import pandas as pd

from pipeline.errors import BadInput, Problem

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
LARGEST = 1e12  # nothing a trial counts or measures is larger; squares of it are still finite


def numbers(
    frame: pd.DataFrame, columns: tuple[str, ...], file: str, row_ids: pd.Series, decimal: str = "."
) -> dict[str, pd.Series]:
    """Columns of text as float64, NaN for ''. Raises `BadInput` with every cell that is not a number up to LARGEST."""
    problems, out = [], {}
    for name in columns:
        text = frame[name].str.strip()
        plain = text.str.replace(",", ".", regex=False) if decimal == "," else text
        number = plain.map(lambda t: _NUMBER.fullmatch(t) is not None and abs(float(t)) <= LARGEST)
        good = plain.eq("") | number.astype(bool)
        for i in np.flatnonzero(~good.to_numpy()):
            comma = decimal == "." and re.fullmatch(r"[+-]?\d+,\d+", text.iloc[i])
            fix = "write the decimals with a point, not a comma" if comma else "write a plain number, or leave it empty"
            problems.append(Problem(file, "is not a number", fix, row_ids.iloc[i], name, text.iloc[i]))
        out[name] = pd.to_numeric(plain.where(good & plain.ne("")), errors="coerce").astype("float64")
    if problems:
        raise BadInput(problems)
    return out


def slug(text: str, length: int = 80) -> str:
    """A lower-case ascii id: letters, digits and single hyphens."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:length].strip("-")


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], file: str) -> None:
    """Raise `BadInput` naming every missing column."""
    missing = [c for c in columns if c not in frame.columns]
    if missing:
        raise BadInput(
            Problem(file, f"column '{c}' is missing", "add it, or choose the reader that fits this file", 1)
            for c in missing
        )
