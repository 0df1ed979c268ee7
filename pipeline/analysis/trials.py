"""The one effect a trial gives to a question: chosen by time, instrument and basis; arms and strata combined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.questions import Question, judge
from pipeline.codebook import Codebook
from pipeline.meta.shared_arms import combine_correlated, shared_arm_covariance

# an adjusted effect before the raw values, a bare printed effect last
BASIS_ORDER = {
    "reported_adjusted": 0,
    "means": 1,
    "events": 1,
    "counts": 1,
    "change": 2,
    "reported": 3,
    "reference_sd": 4,
}


def trials_for(
    found: pd.DataFrame, question: Question, book: Codebook, keep: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """One row per trial that qualifies: EFFECTS columns, arms and strata of a trial combined."""
    qualified = found[judge(found, question, book, keep).eq("")]
    chosen = one_per_trial(qualified, question)
    return pd.DataFrame([_combined(rows) for _, rows in chosen.groupby("trial_id", sort=True)], columns=chosen.columns)


def _combined(rows: pd.DataFrame) -> pd.Series:
    first = rows.iloc[0].copy()
    if len(rows) == 1:
        return first
    arm_1, arm_2 = (rows["stratum"] + ":" + rows[name] for name in ("arm_1", "arm_2"))
    covariance = shared_arm_covariance(
        rows["vi"].to_numpy(), rows["vi_arm_2"].to_numpy(), arm_1.to_numpy(), arm_2.to_numpy()
    )
    first["yi"], first["vi"] = combine_correlated(rows["yi"].to_numpy(), covariance)
    first["effect_id"] = "+".join(rows["effect_id"])
    for name, arm in (("n_1", arm_1), ("n_2", arm_2)):
        first[name] = rows.groupby(arm)[name].first().sum(min_count=arm.nunique())
    first["n"] = first["n_1"] + first["n_2"]
    strata = len(set(rows["stratum"])) > 1
    what = "separately reported groups of people" if strata else "contrasts with an arm in common"
    first["note"] = "; ".join(p for p in (f"{len(rows)} {what} combined", first["note"]) if p)
    first["arm_data"] = "; ".join(dict.fromkeys(d for d in rows["arm_data"] if d))
    return first


def one_per_trial(qualified: pd.DataFrame, question: Question) -> pd.DataFrame:
    """The rows that stand for each trial: of its first report, nearest in time, then by instrument and basis.

    Ties that remain are arms or strata of one trial (and are combined later); repeated prints of one contrast are not.
    """
    ranked = qualified.copy()
    distance = (ranked["time_weeks"] - question.target_weeks).abs()
    ranked["_time"] = distance.fillna(np.inf)
    ranked["_instrument"] = instrument_rank(ranked["instrument"], question)
    ranked["_basis"] = ranked["basis"].map(BASIS_ORDER)
    measured = ["report_rank", "_time", "_instrument", "instrument", "_rater"]
    ranked["_rater"] = ranked["rating"].ne("clinician")
    best = ranked.sort_values(["trial_id", *measured, "_basis", "effect_id"], kind="stable")
    keep = []
    for _, rows in best.groupby("trial_id", sort=True):
        first = rows.iloc[0]
        same = rows[(rows[measured] == first[measured]).all(axis=1) & rows["detail"].eq(first["detail"])]
        same = same[same["study_id"].eq(first["study_id"]) & same["source"].eq(first["source"])]
        keep.append(same.drop_duplicates(["stratum", "arm_1", "arm_2"]))
    out = pd.concat(keep) if keep else ranked
    return out.drop(columns=[c for c in out.columns if c.startswith("_")])


def instrument_rank(instrument: pd.Series, question: Question) -> pd.Series:
    """Place in the question's pre-ranked list; unlisted instruments come after all listed ones."""
    place = {code: i for i, code in enumerate(question.instruments)}
    return instrument.map(lambda c: place.get(c, len(place))).astype(int)
