"""Contrasts rebuilt from arms: the two arms that one source row compares, side by side."""

from __future__ import annotations

import pandas as pd

from pipeline.codebook import Codebook
from pipeline.tables import STUDY_ARMS

ARM_VALUES = (
    "arm", "condition", "role", "modality", "n", "mean", "sd", "events", "total", "person_time", "baseline_mean",
    "baseline_sd",
)  # fmt: skip
SHARED = [c for c in STUDY_ARMS.columns if c not in (*ARM_VALUES, "source_rows")]


def contrasts(arms: pd.DataFrame, book: Codebook) -> pd.DataFrame:
    """One row per source row that compares two arms.

    Arm 1 is the arm whose condition ranks first in the codebook (interventions before controls).

    Parameters
    ----------
    arms : STUDY_ARMS
    book : gives the conditions' ranks

    Returns
    -------
    frame with `row_id`, the shared columns, and ARM_VALUES with the endings _1 and _2
    """
    single = arms.assign(row_id=arms["source_rows"].str.split("|")).explode("row_id", ignore_index=True)
    single["rank"] = single["condition"].map(lambda c: book.conditions[c].rank)
    single = single.sort_values(["source", "row_id", "rank", "arm"], kind="stable")
    side = single.groupby(["source", "row_id"]).cumcount()
    key = ["source", "row_id"]
    left = single.loc[side.eq(0), [*key, *(c for c in SHARED if c != "source"), *ARM_VALUES]]
    right = single.loc[side.eq(1), [*key, *ARM_VALUES]]
    names = {c: f"{c}_1" for c in ARM_VALUES}
    merged = left.rename(columns=names).merge(
        right.rename(columns={c: f"{c}_2" for c in ARM_VALUES}), on=key, validate="one_to_one"
    )
    return merged.reset_index(drop=True)
