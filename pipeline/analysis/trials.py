"""The one effect a trial gives to a question: chosen by time, instrument and basis; arms and strata combined."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipeline.analysis.questions import Question, judge
from pipeline.codebook import Codebook
from pipeline.meta.dependence.shared_arms import combine_correlated, shared_arm_covariance

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
    several = chosen["trial_id"].duplicated(keep=False)
    combined = [_combined(rows) for _, rows in chosen[several].groupby("trial_id", sort=True)]
    if not combined:
        return chosen
    return pd.concat([chosen[~several], pd.DataFrame(combined)]).sort_values("trial_id", kind="stable")


def _combined(rows: pd.DataFrame) -> pd.Series:
    """Arms or strata of one trial as one effect."""
    first = rows.iloc[0].copy()
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
    ranked["_rater"] = ranked["rating"].ne("clinician")
    order = ["report_rank", "_time", "_instrument", "instrument", "_rater"]
    best = ranked.sort_values(["trial_id", *order, "_basis", "effect_id"], kind="stable")
    alike = [*order, "detail", "study_id", "source"]
    first = best.drop_duplicates("trial_id").set_index("trial_id")[alike].reindex(best["trial_id"])
    same = best[(best[alike].to_numpy() == first.to_numpy()).all(axis=1)]
    chosen = same.drop_duplicates(["trial_id", "stratum", "arm_1", "arm_2"])
    return chosen.drop(columns=[c for c in chosen.columns if c.startswith("_")])


def instrument_rank(instrument: pd.Series, question: Question) -> pd.Series:
    """Place in the question's pre-ranked list; unlisted instruments come after all listed ones."""
    place = {code: i for i, code in enumerate(question.instruments)}
    return instrument.map(lambda c: place.get(c, len(place))).astype(int)
