"""From contrast rows (two arms and perhaps a reported effect in one row) to the tidy tables.

Every published table prints contrasts; the project keeps arms, so that a control group shared by two contrasts is one
arm and three-arm trials are natural.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipeline.errors import BadInput, Problem
from pipeline.tables import READING, REPORTED, STUDIES, STUDY_ARMS, conform

STUDY_COLUMNS = tuple(c for c in STUDIES.columns if c not in STUDIES.key)
SHARED_COLUMNS = tuple(c for c in STUDY_ARMS.key if c not in ("value_kind", "arm"))
ARM_COLUMNS = (
    "arm",
    "condition",
    "role",
    "modality",
    "n",
    "mean",
    "sd",
    "events",
    "total",
    "person_time",
    "baseline_mean",
    "baseline_sd",
)
REPORTED_COLUMNS = tuple(c for c in REPORTED.columns if c not in SHARED_COLUMNS)
ARM_KEY = [c for c in STUDY_ARMS.key if c != "arm"] + ["arm"]


@dataclass(slots=True)
class ReadingReport:
    """What a reader did to a delivery: rows in and out, every value mapped, changed or refused."""

    source: str
    file: str
    entries: list[dict[str, str]] = field(default_factory=list)

    def add(
        self, what: str, why: str, row: str = "", column: str = "", before: object = "", after: object = ""
    ) -> None:
        self.entries.append(
            {
                "source": self.source,
                "file": self.file,
                "row": row,
                "column": column,
                "what": what,
                "before": _plain(before),
                "after": _plain(after),
                "why": why,
            }
        )

    def table(self) -> pd.DataFrame:
        frame = pd.DataFrame(self.entries, columns=list(READING.columns))
        return conform(frame.drop_duplicates(list(READING.key)), READING, self.file)


@dataclass(frozen=True, slots=True)
class Tidy:
    """One delivery, read: tables of the schemas of the same names."""

    studies: pd.DataFrame
    arms: pd.DataFrame
    reported: pd.DataFrame
    reading: pd.DataFrame


def assemble(contrasts: pd.DataFrame, report: ReadingReport) -> Tidy:
    """Contrast rows to `Tidy`.

    Parameters
    ----------
    contrasts : one row per contrast, with STUDY_COLUMNS, SHARED_COLUMNS, REPORTED_COLUMNS, `value_kind`, and the
        ARM_COLUMNS with the endings _1 (intervention) and _2 (comparator).
    report : receives the row counts.

    Raises
    ------
    BadInput
        When there is no row, a table does not satisfy its schema, a row id stands twice, or a study label cannot name
        one study.
    """
    if contrasts.empty:
        raise BadInput(Problem(report.file, "has no rows below the header", "deliver at least one row"))
    if problems := [*_bad_row_ids(contrasts, report.file), *_bad_labels(contrasts, report.file)]:
        raise BadInput(problems)
    arms = _arms(contrasts, report)
    reported = contrasts.loc[contrasts["effect"].notna(), [*SHARED_COLUMNS, *REPORTED_COLUMNS]]
    report.add("read", f"{len(contrasts)} rows in, {len(contrasts)} contrasts kept, none dropped", column="rows")
    report.add("read", f"{len(arms)} arms and {len(reported)} reported effects out", column="tables")
    first_rows = contrasts.groupby(["source", "study_id"], sort=True)["row_id"].first()
    return Tidy(
        conform(_studies(contrasts, report), STUDIES, report.file, list(first_rows)),
        conform(arms, STUDY_ARMS, report.file, list(arms["source_rows"])),
        conform(reported, REPORTED, report.file, list(reported["row_id"])),
        report.table(),
    )


def _bad_row_ids(contrasts: pd.DataFrame, file: str) -> Iterator[Problem]:
    ids = contrasts["row_id"]
    for row in ids[ids.duplicated()]:
        yield Problem(file, "the row id stands twice", "give every row its own id", row, "row_id", row)
    for i, row in enumerate(ids):
        if not row.strip() or "|" in row:
            yield Problem(file, "is not a row id", "use letters, digits, '-' and '_'", i + 2, "row_id", row)


def _bad_labels(contrasts: pd.DataFrame, file: str) -> Iterator[Problem]:
    """Labels without an id, with the id of another label, or that a spreadsheet would run as a formula."""
    seen: dict[str, str] = {}
    for row in contrasts.drop_duplicates("study").itertuples():
        if row.study.startswith(("=", "+", "-", "@")):
            fix = "take the sign away from its start: a spreadsheet would read a formula"
            yield Problem(file, "is not a study label", fix, row.row_id, "study", row.study)
        elif not row.study_id:
            yield Problem(
                file, "holds no letter or digit of the Latin script", "name the study", row.row_id, "study", row.study
            )
        elif row.study_id in seen:
            fix = f"write it as {seen[row.study_id]!r} if it is the same study, or tell the two apart"
            yield Problem(file, "cannot be told from another study", fix, row.row_id, "study", row.study)
        seen.setdefault(row.study_id, row.study)


def _studies(contrasts: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    key = ["source", "study_id"]
    varying = contrasts.groupby(key)[["setting", "country", "population", "rob", "randomised"]].agg(_distinct)
    first = contrasts.groupby(key, sort=True)[list(STUDY_COLUMNS)].first()
    for name in ("setting", "country", "population"):
        first[name] = varying[name]
    for name in ("rob", "randomised"):
        for place in varying.index[varying[name].str.contains("; ")]:
            report.add(
                "kept",
                f"the rows of {first.loc[place, 'study']} differ in {name}: the most cautious one is used",
                column=name,
                before=varying.loc[place, name],
                after=_cautious(varying.loc[place, name]),
            )
        first[name] = varying[name].map(_cautious)
    return first.reset_index()


def _arms(contrasts: pd.DataFrame, report: ReadingReport) -> pd.DataFrame:
    sides = []
    for side in ("1", "2"):
        part = contrasts[[*SHARED_COLUMNS, "value_kind", "reference", "note", "flag"]].copy()
        for name in ARM_COLUMNS:
            part[name] = contrasts[f"{name}_{side}"]
        part["source_rows"] = contrasts["row_id"]
        sides.append(part)
    arms = pd.concat(sides, ignore_index=True)
    same = [c for c in arms.columns if c not in ("source_rows", "reference", "note", "flag")]
    arms = arms.groupby(same, sort=False, dropna=False, as_index=False).agg(
        source_rows=("source_rows", "|".join),
        reference=("reference", _first_word),
        note=("note", _first_word),
        flag=("flag", _common_word),
    )
    nth = arms.groupby(ARM_KEY, dropna=False).cumcount()
    for i in np.flatnonzero(nth.to_numpy() > 0):
        new = f"{arms.loc[i, 'arm']}.{nth[i] + 1}"
        report.add(
            "changed",
            "same arm, outcome and time as another row but other numbers: kept as an arm of its own",
            arms.loc[i, "source_rows"],
            "arm",
            arms.loc[i, "arm"],
            new,
        )
        arms.loc[i, "arm"] = new
    return arms


def _distinct(values: pd.Series) -> str:
    return "; ".join(sorted({v for v in values if v}))


def _cautious(words: str) -> str:
    for word in ("high", "some", "no", "unclear", "low", "yes", "not_assessed"):
        if word in words.split("; "):
            return word
    return words


def _first_word(values: pd.Series) -> str:
    return next((v for v in values if v), "")


def _common_word(values: pd.Series) -> str:
    """What all rows of a shared arm say: a defect of one of them is not a defect of the others."""
    return values.iloc[0] if len(set(values)) == 1 else ""


def _plain(value: object) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)
