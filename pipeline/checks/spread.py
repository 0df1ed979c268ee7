"""What a standard deviation is held against: the instrument's reference SD, and the arms' own values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.checks.delivery import Delivery
from pipeline.checks.effects import smd_unit


def with_reference(d: Delivery) -> pd.DataFrame:
    """End-point pairs with `reference` SD, if it was `measured` in enough trials, the `low` end of the scale, |SMD|."""
    rows = d.pairs[d.pairs["value_kind"].eq("endpoint") & d.pairs[["sd_1", "sd_2"]].gt(0).all(axis=1)].copy()
    reference, low = d.instrument(rows["instrument"], "reference_sd"), d.instrument(rows["instrument"], "score_min")
    score_range = d.instrument(rows["instrument"], "score_max") - low
    rows["reference"] = reference.fillna(d.params.sd_share_of_range * score_range)
    trials = d.instrument(rows["instrument"], "reference_sd_k")
    rows["measured"], rows["low"] = trials.ge(d.params.reference_trials_min), low.fillna(0.0)
    unit = smd_unit(rows["n_1"], rows["sd_1"], rows["n_2"], rows["sd_2"])
    rows["smd"] = (rows["mean_1"] - rows["mean_2"]).abs() / unit
    return rows


def near_the_bottom(rows: pd.DataFrame) -> pd.Series:
    """Are all means, at the end and at baseline, within half a reference SD of the lowest score?"""
    means = rows[["mean_1", "mean_2", "baseline_mean_1", "baseline_mean_2"]]
    height = means.sub(rows["low"], axis=0)
    return (height.lt(rows["reference"] / 2, axis=0) | means.isna()).all(axis=1)


def with_usual_se(d: Delivery, rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of `effects.with_arms` with `expected`, sqrt(sd1^2/n1 + sd2^2/n2), and the SDs and people behind it.

    SDs (`spread_1`, `spread_2`) are the arms' own, else those at baseline, else the instrument's reference SD; `whose`
    names them. `sure` is false for a reference SD from few trials.
    """
    rows = rows.assign(whose="", usual=d.instrument(rows["instrument"], "reference_sd"), sure=True)
    rows["spread_1"] = rows["spread_2"] = np.nan
    for whose, one, two in (
        ("of the arms", "sd_1", "sd_2"),
        ("at baseline", "baseline_sd_1", "baseline_sd_2"),
        ("of the instrument", "usual", "usual"),
    ):
        use = rows["whose"].eq("") & rows[one].gt(0) & rows[two].gt(0)
        rows.loc[use, "spread_1"], rows.loc[use, "spread_2"], rows.loc[use, "whose"] = rows[one], rows[two], whose
    few = d.instrument(rows["instrument"], "reference_sd_k").lt(d.params.reference_trials_min)
    rows["sure"] = ~(rows["whose"].eq("of the instrument") & few)
    for s in "12":
        rows[f"people_{s}"] = rows[f"n_{s}"].fillna(rows[f"n_{s}_arm"]).fillna(rows["n_total"] / 2)
    people = rows[["people_1", "people_2"]].where(rows[["people_1", "people_2"]].ge(1))
    rows["expected"] = np.sqrt(rows["spread_1"] ** 2 / people["people_1"] + rows["spread_2"] ** 2 / people["people_2"])
    return rows


def sds(r: Any) -> str:
    """Means and SDs of a pair in words, with the usual SD, and what SDs they would be if they were standard errors."""
    arms = f"mean {r.mean_1:g} (SD {r.sd_1:g}) and {r.mean_2:g} (SD {r.sd_2:g})"
    usual = f"usual SD {r.reference:.3g}" + ("" if r.measured else " (from few trials or the score range)")
    if np.isnan(r.n_1 * r.n_2):
        return f"{r.instrument}: {arms}; {usual}"
    as_sd = f"{r.sd_1 * np.sqrt(r.n_1):.3g} and {r.sd_2 * np.sqrt(r.n_2):.3g}"
    return f"{r.instrument}: {arms}; {usual}; as standard errors they would be SDs of {as_sd}"
