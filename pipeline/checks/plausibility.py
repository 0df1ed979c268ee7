"""Gate 3, plausibility: numbers that could be true, but in published trials hardly ever are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.checks.delivery import Delivery, Finding, exclude_if, findings
from pipeline.checks.effects import is_smd, smd_se, smd_unit
from pipeline.meta.clusters import design_effect, partially_nested_design_effect
from pipeline.vocabulary import Severity

EXCLUDE, WARNING, NOTE = Severity.EXCLUDE, Severity.WARNING, Severity.NOTE


def smd_standard_error(d: Delivery) -> list[Finding]:
    """The SE of an SMD outside se_ratio_min to se_ratio_max of sqrt(1/n1 + 1/n2 + g^2/2N).

    A larger one has its reason, and is a note, where the row carries clustering and the stated ICC and cluster size
    account for it: in arm 1 only when the comparator is a control (nobody groups people who get usual care).
    """
    rows = d.reported[is_smd(d, d.reported["effect_type"]) & d.reported[["n_1", "n_2"]].ge(2).all(axis=1)]
    events = d.arm_rows.loc[d.arm_rows["value_kind"].eq("event"), ["source", "row_id"]].drop_duplicates()
    rows = rows.merge(events, how="left", indicator="kind")
    rows = rows[rows["kind"].eq("left_only") & rows["se"].gt(0)]
    rows["expected"] = smd_se(rows["effect"], rows["n_1"], rows["n_2"])
    rows["ratio"], rows["inflation"] = rows["se"] / rows["expected"], _stated_inflation(d, rows)
    p = d.params
    odd = rows[~rows["ratio"].between(p.se_ratio_min, p.se_ratio_max)]
    explained = odd["cluster_adjusted"] & odd["ratio"].between(
        p.se_ratio_max, p.se_ratio_max * np.sqrt(odd["inflation"])
    )
    return findings(
        odd[~explained], EXCLUDE, "reported", _se,
        "the SE has no reason in the row: use the arm values, or read it in the publication",
    ) + findings(
        odd[explained], NOTE, "reported",
        lambda r: f"{_se(r)}; the stated clustering inflates the variance {r.inflation:.2g}-fold", "used as delivered",
    )  # fmt: skip


def _se(r: Any) -> str:
    people = f"{r.n_1:g} v {r.n_2:g} people"
    return f"SE {r.se:.3g} is {r.ratio:.2f} times the {r.expected:.3g} of g {r.effect:.3g} with {people}"


def _stated_inflation(d: Delivery, rows: pd.DataFrame) -> pd.Series:
    """Variance inflation of a stated ICC and cluster size; 1 where none is stated."""
    kinds = {code: c.kind for code, c in d.codebook.conditions.items()}
    arms = d.pairs[["source", "row_id", "condition_2"]].drop_duplicates(["source", "row_id"])
    control = rows.merge(arms, how="left")["condition_2"].map(kinds).eq("control").to_numpy()
    out = pd.Series(1.0, index=rows.index)
    stated = (rows["icc"].between(0, 1) & rows["cluster_size"].ge(1)).to_numpy()
    for which, one_arm in ((stated & control, True), (stated & ~control, False)):
        part = rows[which]
        if len(part) and one_arm:
            out[which] = partially_nested_design_effect(part["cluster_size"], part["icc"], part["n_1"], part["n_2"])
        elif len(part):
            out[which] = design_effect(part["cluster_size"], part["icc"])
    return out


def sd_too_small(d: Delivery) -> list[Finding]:
    """End-point SDs far below the instrument's reference SD: standard errors, or another scale.

    Both arms: `exclude`, and with them the other instruments of that trial whose SDs are small; but only `warning`
    where the means too are close to the bottom of the scale (scores per item: a standardised effect is the same on that
    scale), and where the reference rests on few trials or on the score range. One arm: `warning`, if it is also small
    against the height of its own mean, for at the bottom of a scale people are alike.
    """
    rows, p = _with_reference(d), d.params
    ratio = rows[["sd_1", "sd_2"]].div(rows["reference"], axis=0)
    both, beside = (ratio.lt(limit).all(axis=1) for limit in (p.sd_ratio_min, p.sd_ratio_beside))
    height = rows[["mean_1", "mean_2"]].sub(rows["low"], axis=0).to_numpy() * p.sd_height_share
    one = (ratio.lt(p.sd_ratio_min) & rows[["sd_1", "sd_2"]].lt(height)).any(axis=1) | both
    per_item = both & _near_the_bottom(rows)
    sure = both & ~per_item & rows["measured"]
    trial = rows["source"] + "/" + rows["study_id"]
    beside = beside & ~sure & rows["measured"] & trial.isin(trial[sure])
    return (
        findings(rows[sure], EXCLUDE, "arms", _sds, "probably standard errors: read the SDs in the publication")
        + findings(rows[beside], EXCLUDE, "arms", lambda r: f"{_sds(r)}; smaller ones stand beside them in this trial",
                   "probably the same mistake: read the SDs in the publication")
        + findings(rows[per_item], WARNING, "arms", _sds,
                   "means and SDs look like scores per item: the standardised effect stands, scale points do not")
        + findings(rows[one & ~sure & ~beside & ~per_item], WARNING, "arms", _sds,
                   "used, but look at it: a standard error, or a very even group")
    )  # fmt: skip


def _near_the_bottom(rows: pd.DataFrame) -> pd.Series:
    """Are all means, at the end and at baseline, within half a reference SD of the lowest score?"""
    means = rows[["mean_1", "mean_2", "baseline_mean_1", "baseline_mean_2"]]
    height = means.sub(rows["low"], axis=0)
    return (height.lt(rows["reference"] / 2, axis=0) | means.isna()).all(axis=1)


def sd_too_large(d: Delivery) -> list[Finding]:
    """An end-point SD far above the instrument's reference SD: a variance, a misprint, or another version."""
    rows = _with_reference(d)
    limit = d.params.sd_ratio_max * rows["reference"]
    bad = rows[rows["measured"] & (rows["sd_1"].gt(limit) | rows["sd_2"].gt(limit))]
    return findings(bad, WARNING, "arms", _sds, "used, but look at it: another version of the scale, or a misprint")


def _with_reference(d: Delivery) -> pd.DataFrame:
    """End-point pairs with `reference` SD, if it was `measured` in enough trials, and the `low` end of the scale."""
    rows = d.pairs[d.pairs["value_kind"].eq("endpoint") & d.pairs[["sd_1", "sd_2"]].gt(0).all(axis=1)].copy()
    reference, low = d.instrument(rows["instrument"], "reference_sd"), d.instrument(rows["instrument"], "score_min")
    score_range = d.instrument(rows["instrument"], "score_max") - low
    rows["reference"] = reference.fillna(d.params.sd_share_of_range * score_range)
    trials = d.instrument(rows["instrument"], "reference_sd_k")
    rows["measured"], rows["low"] = trials.ge(d.params.reference_trials_min), low.fillna(0.0)
    return rows


def _sds(r: Any) -> str:
    arms = f"mean {r.mean_1:g} (SD {r.sd_1:g}) and {r.mean_2:g} (SD {r.sd_2:g})"
    usual = f"usual SD {r.reference:.3g}" + ("" if r.measured else " (from few trials or the score range)")
    if np.isnan(r.n_1 * r.n_2):
        return f"{r.instrument}: {arms}; {usual}"
    as_sd = f"{r.sd_1 * np.sqrt(r.n_1):.3g} and {r.sd_2 * np.sqrt(r.n_2):.3g}"
    return f"{r.instrument}: {arms}; {usual}; as standard errors they would be SDs of {as_sd}"


def sd_against_own_baseline(d: Delivery) -> list[Finding]:
    """Both end-point SDs far below or above the arms' own baseline SDs, where no reference SD can judge them."""
    rows = _with_reference(d)
    rows = rows[rows["reference"].isna()]
    own = pd.DataFrame({s: rows[f"sd_{s}"] / rows[f"baseline_sd_{s}"] for s in "12"})
    odd = own.lt(d.params.sd_own_min).all(axis=1) | own.gt(d.params.sd_own_max).all(axis=1)
    return findings(
        rows[odd], WARNING, "arms",
        lambda r: f"SD {r.sd_1:g} and {r.sd_2:g} after {r.baseline_sd_1:g} and {r.baseline_sd_2:g} at baseline",
        "used, but look at it: a standard error or a misprint at one of the two times",
    )  # fmt: skip


def pre_post_change(d: Delivery) -> list[Finding]:
    """Both arms, the comparator's too, changed by pre_post_max of their SDs: the SDs are likely standard errors.

    `exclude` where no reference SD can judge the SDs themselves.
    """
    rows = _with_reference(d)
    for s in "12":
        spread = np.sqrt((rows[f"sd_{s}"] ** 2 + rows[f"baseline_sd_{s}"] ** 2) / 2)
        rows[f"moved_{s}"] = (rows[f"mean_{s}"] - rows[f"baseline_mean_{s}"]).abs() / spread
    bad = rows[rows["moved_1"].gt(d.params.pre_post_max) & rows["moved_2"].gt(d.params.pre_post_max)]
    return findings(
        bad, exclude_if(bad["reference"].isna()), "arms",
        lambda r: f"change from baseline of {r.moved_1:.1f} and {r.moved_2:.1f} SDs in the two arms",
        "read the SDs in the publication: they look like standard errors",
    )  # fmt: skip


def count_dispersion(d: Delivery) -> list[Finding]:
    """Counts whose variance is far below their mean in both arms: the printed SD is a standard error.

    Visits, days and admissions of people vary more than Poisson counts, whose variance is the mean.
    """
    counts = {code for code, o in d.codebook.outcomes.items() if o.kind == "count"}
    rows = d.pairs[
        d.pairs["value_kind"].eq("count") | (d.pairs["outcome"].isin(counts) & d.pairs["value_kind"].eq("endpoint"))
    ]
    even = [(rows[f"sd_{s}"] ** 2).lt(d.params.count_dispersion_min * rows[f"mean_{s}"]) for s in "12"]
    return findings(
        rows[even[0] & even[1]], EXCLUDE, "arms",
        lambda r: f"mean {r.mean_1:g} (SD {r.sd_1:g}) and {r.mean_2:g} (SD {r.sd_2:g}): variance over mean "
        f"{r.sd_1**2 / r.mean_1:.2g} and {r.sd_2**2 / r.mean_2:.2g}, a Poisson count has 1",
        "the numbers look like standard errors: do not use them as SDs",
    )  # fmt: skip


def large_smd(d: Delivery) -> list[Finding]:
    """A standardised difference, delivered or from the means, beyond anything a psychological treatment does."""
    means = d.pairs[d.pairs["value_kind"].isin(["endpoint", "change"])]
    unit = smd_unit(means["n_1"], means["sd_1"], means["n_2"], means["sd_2"])
    from_means = means.assign(g=(means["mean_1"] - means["mean_2"]) / unit)
    printed = d.reported[is_smd(d, d.reported["effect_type"])]
    both = pd.concat([from_means, printed.assign(g=printed["effect"])])[["source", "row_id", "study_id", "g"]]
    both = both[both["g"].abs().gt(d.params.smd_max)].drop_duplicates(["source", "row_id"])
    return findings(
        both, WARNING, "row", lambda r: f"a standardised difference of {abs(r.g):.2f}",
        "used, but look at it: standard errors given as SDs, or very even groups",
    )  # fmt: skip
