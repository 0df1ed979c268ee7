"""Several reports of one trial: which comes first, and what they tell about one another."""

from __future__ import annotations

import pandas as pd

ROB_CAUTION = ("high", "some", "low", "not_assessed")
IDENTITY = ["n_1", "mean_1", "events_1"]


def rank_reports(rows: pd.DataFrame, order: dict[str, int]) -> pd.Series:
    """Order of the reports of a trial: certain links before uncertain ones, then the deliveries by preference.

    Parameters
    ----------
    rows : contrasts with `source` and `certain`
    order : delivery -> place
    """
    return rows["source"].map(order) + len(order) * (~rows["certain"]).astype(int)


def share_facts(rows: pd.DataFrame) -> pd.DataFrame:
    """What one report of a trial knows, its certain other reports know too.

    Risk of bias: the most cautious judgement. Who gave the intervention, and what: where a report does not say, the
    arm of the preferred report with the same numbers, or its only role.

    Parameters
    ----------
    rows : contrasts with trial_id, certain, report_rank, rob, role_1, condition_1 and IDENTITY
    """
    out = rows.copy()
    certain = out["certain"]
    worst = out[certain].groupby("trial_id")["rob"].agg(_cautious)
    out.loc[certain, "rob"] = out.loc[certain, "trial_id"].map(worst)
    several = out[certain].groupby("trial_id")["report_rank"].transform("nunique").reindex(out.index).gt(1)
    silent = several & certain & out["role_1"].eq("unclear")
    for _, group in out[several & certain].groupby("trial_id"):
        first = group[group["report_rank"].eq(group["report_rank"].min())]
        for i in group.index[silent[group.index] & ~group.index.isin(first.index)]:
            if (arm := _same_arm(out.loc[i], first)) is not None:
                out.loc[i, ["role_1", "condition_1"]] = arm.to_numpy()
    return out


def _same_arm(row: pd.Series, first: pd.DataFrame) -> pd.Series | None:
    alike = first[(first[IDENTITY].eq(row[IDENTITY]) | (first[IDENTITY].isna() & row[IDENTITY].isna())).all(axis=1)]
    if row[IDENTITY].notna().any() and len(alike):
        return alike.iloc[0][["role_1", "condition_1"]]
    return first.iloc[0][["role_1", "condition_1"]] if len(set(first["role_1"])) == 1 else None


def _cautious(words: pd.Series) -> str:
    return next((w for w in ROB_CAUTION if (words == w).any()), "not_assessed")
