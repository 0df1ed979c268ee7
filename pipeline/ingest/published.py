"""Pooled results as other reviews published them: shown as context, never recomputed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipeline.errors import BadInput, Problem
from pipeline.ingest.cells import numbers, require_columns
from pipeline.tables import PUBLISHED, conform, read_csv

RESULTS, CONTEXT = "pooled.csv", "context.csv"
NUMBERS = ("year", "k", "n_participants", "pooled", "ci_low", "ci_high")
MATCH = ["review", "year", "comparison", "outcome"]


def read_published(folder: Path) -> pd.DataFrame:
    """PUBLISHED: the rows of `pooled.csv` that `context.csv` gives an id.

    Raises
    ------
    BadInput
        An id whose review, year, comparison and outcome fit no row or several.
    """
    raw, chosen = read_csv(folder / RESULTS), read_csv(folder / CONTEXT)
    require_columns(
        raw,
        ("review", "doi_or_pmid", "population", "comparison", "outcome", "effect_type", "source_ref", *NUMBERS),
        RESULTS,
    )
    require_columns(chosen, ("id", "better_is_negative", "note", *MATCH), CONTEXT)
    num = numbers(raw, NUMBERS, RESULTS, raw["review"])
    raw = raw.assign(year=num["year"].map(lambda y: f"{y:.0f}"), **{n: num[n] for n in NUMBERS if n != "year"})
    problems = []
    for line, row in enumerate(chosen.itertuples(index=False), start=2):
        fits = int(
            (raw[MATCH] == list(map(str, (row.review, row.year, row.comparison, row.outcome)))).all(axis=1).sum()
        )
        if fits != 1:
            problems.append(
                Problem(
                    CONTEXT,
                    f"fits {fits} rows of {RESULTS}, not one",
                    "correct review, year, comparison and outcome",
                    line,
                    "id",
                    row.id,
                )
            )
        if row.better_is_negative not in ("yes", "no"):
            found = row.better_is_negative
            problems.append(
                Problem(CONTEXT, "is not allowed here", "say it", line, "better_is_negative", found, "yes, no")
            )
    if problems:
        raise BadInput(problems)
    rows = chosen.merge(raw, on=MATCH, validate="many_to_one", suffixes=("", "_delivered"))
    return conform(
        pd.DataFrame(
            {
                "id": rows["id"],
                "review": rows["review"],
                "year": rows["year"],
                "reference": rows["source_ref"] + " [" + rows["doi_or_pmid"] + "]",
                "comparison": rows["comparison"],
                "outcome": rows["outcome"],
                "population": rows["population"],
                "measure": rows["effect_type"],
                "k": rows["k"],
                "n": rows["n_participants"],
                "estimate": rows["pooled"],
                "ci_lb": rows["ci_low"],
                "ci_ub": rows["ci_high"],
                "better_is_negative": rows["better_is_negative"].eq("yes"),
                "note": rows["note"],
            }
        ),
        PUBLISHED,
        RESULTS,
    )
