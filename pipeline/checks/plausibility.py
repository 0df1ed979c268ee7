"""Gate 3, plausibility: numbers that could be true, but in published trials hardly ever are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.checks.clusters import is_clustered, named_in_title, stated_inflation
from pipeline.checks.delivery import Delivery, Finding, exclude_if, findings
from pipeline.checks.effects import has_measure, smd_se, smd_unit, with_arms
from pipeline.checks.spread import near_the_bottom, sds, with_reference, with_usual_se
from pipeline.vocabulary import Measure, Severity

EXCLUDE, WARNING, NOTE = Severity.EXCLUDE, Severity.WARNING, Severity.NOTE


def smd_standard_error(d: Delivery) -> list[Finding]:
    """The SE of an SMD outside se_ratio_min to se_ratio_max of sqrt(1/n1 + 1/n2 + g^2/2N).

    A larger one has its reason, and is a note, where the row carries clustering and the stated ICC and cluster size
    account for it: in arm 1 only when the comparator is a control (nobody groups people who get usual care).
    """
    rows = d.reported[has_measure(d, d.reported["effect_type"], Measure.SMD)]
    rows = rows[rows[["n_1", "n_2"]].ge(2).all(axis=1)]
    events = d.arm_rows.loc[d.arm_rows["value_kind"].eq("event"), ["source", "row_id"]].drop_duplicates()
    rows = rows.merge(events, how="left", indicator="kind")
    rows = rows[rows["kind"].eq("left_only") & rows["se"].gt(0)]
    rows["expected"] = smd_se(rows["effect"], rows["n_1"], rows["n_2"])
    rows["ratio"], rows["inflation"] = rows["se"] / rows["expected"], stated_inflation(d, rows)
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


def md_standard_error(d: Delivery) -> list[Finding]:
    """The SE of a mean difference far from sqrt(sd1^2/n1 + sd2^2/n2), with the arms' SDs, at the end or at baseline,
    or the instrument's reference SD.

    Adjustment for baseline makes it smaller, sqrt(1 - r^2) of it; clusters make it larger. Far above what the arms' own
    SDs give, those may be standard errors: the whole row is kept out. A reference SD from few trials only warns.
    """
    rows = with_arms(d)
    rows = rows[has_measure(d, rows["effect_type"], Measure.MD) & rows["used_se"].gt(0)]
    rows = with_usual_se(d, rows)
    rows["ratio"], p = rows["used_se"] / rows["expected"], d.params
    small, large = rows["ratio"].lt(p.md_se_ratio_min), rows["ratio"].gt(p.md_se_ratio_max)
    near = ~small & rows["ratio"].lt(p.md_se_ratio_warning)
    reason, own = is_clustered(d, rows), rows["whose"].eq("of the arms")
    severity, advice = exclude_if(rows["sure"]), "read the interval and the SDs in the publication"
    return (
        findings(rows[small], severity, "reported", _md_se, f"more precise than its people allow: {advice}")
        + findings(rows[near], WARNING, "reported", _md_se, "not kept out, but look at it: a very strong adjustment")
        + findings(rows[large & ~reason & own], severity, "row", _md_se, f"one of them is wrong: {advice}")
        + findings(rows[large & ~reason & ~own], severity, "reported", _md_se, f"wider than its people allow: {advice}")
        + findings(rows[large & reason], NOTE, "reported", _md_se, "randomised or treated in clusters: look at it")
    )


def _md_se(r: Any) -> str:
    people = f"{r.people_1:g} v {r.people_2:g} people"
    return (
        f"SE {r.used_se:.3g} of the mean difference {r.effect:g} is {r.ratio:.2f} times the {r.expected:.3g} of SDs "
        f"{r.spread_1:g} and {r.spread_2:g} ({r.whose}) with {people}"
    )


def cluster_not_named(d: Delivery) -> list[Finding]:
    """A study whose title says that clusters were randomised, in a delivery that names none and adjusts no row."""
    studies, place = d.studies.assign(words=named_in_title(d.studies)), ["source", "study_id"]
    carried = d.reported.loc[d.reported["cluster_adjusted"], place].drop_duplicates()
    studies = studies.merge(carried, on=place, how="left", indicator="carried")
    bare = studies[studies["words"].notna() & studies["cluster"].eq("") & studies["carried"].eq("left_only")]
    rows = pd.concat([t[["source", "row_id", "study_id"]] for t in (d.arm_rows, d.reported)]).drop_duplicates()
    return findings(
        rows.merge(bare[[*place, "words"]], on=place), WARNING, "row",
        lambda r: f"randomised by cluster by its title ('{r.words}'); its interval may not account for it",
        "deliver the number and size of the clusters and the ICC, or say that the SE carries them",
    )  # fmt: skip


def sd_too_small(d: Delivery) -> list[Finding]:
    """End-point SDs far below the instrument's reference SD: standard errors, or another scale.

    Both arms: `exclude`, and with them the other instruments of that trial whose SDs are small; but only `warning`
    where the means too are close to the bottom of the scale (scores per item: a standardised effect is the same on that
    scale), and where the reference rests on few trials or on the score range. One arm: `warning`, if it is also small
    against the height of its own mean, for at the bottom of a scale people are alike.
    """
    rows, p = with_reference(d), d.params
    ratio = rows[["sd_1", "sd_2"]].div(rows["reference"], axis=0)
    both, beside = (ratio.lt(limit).all(axis=1) for limit in (p.sd_ratio_min, p.sd_ratio_beside))
    height = rows[["mean_1", "mean_2"]].sub(rows["low"], axis=0).to_numpy() * p.sd_height_share
    one = (ratio.lt(p.sd_ratio_min) & rows[["sd_1", "sd_2"]].lt(height)).any(axis=1) | both
    per_item = both & near_the_bottom(rows)
    sure = both & ~per_item & rows["measured"]
    trial = rows["source"] + "/" + rows["study_id"]
    beside = beside & ~sure & rows["measured"] & trial.isin(trial[sure])
    return (
        findings(rows[sure], EXCLUDE, "arms", sds, "probably standard errors: read the SDs in the publication")
        + findings(rows[beside], EXCLUDE, "arms", lambda r: f"{sds(r)}; smaller ones stand beside them in this trial",
                   "probably the same mistake: read the SDs in the publication")
        + findings(rows[per_item], WARNING, "arms", sds,
                   "means and SDs look like scores per item: the standardised effect stands, scale points do not")
        + findings(rows[one & ~sure & ~beside & ~per_item], WARNING, "arms", sds,
                   "not kept out, but look at it: a standard error, or a very even group")
    )  # fmt: skip


def sd_too_large(d: Delivery) -> list[Finding]:
    """An end-point SD far above the instrument's reference SD: a variance, a misprint, or another version."""
    rows = with_reference(d)
    limit = d.params.sd_ratio_max * rows["reference"]
    bad = rows[rows["measured"] & (rows["sd_1"].gt(limit) | rows["sd_2"].gt(limit))]
    return findings(bad, WARNING, "arms", sds, "not kept out, but look at it: another version, or a misprint")


def sd_against_own_baseline(d: Delivery) -> list[Finding]:
    """Both end-point SDs far below or above the arms' own baseline SDs: a standard error, or a misprint.

    `exclude` where both are small, beside their baseline or a reference SD from few trials, and the standardised
    difference is large: the two have one cause. Without that, `warning` where no reference SD speaks of them.
    """
    rows, p = with_reference(d), d.params
    sd = rows[["sd_1", "sd_2"]]
    own = sd / rows[["baseline_sd_1", "baseline_sd_2"]].where(rows[["baseline_sd_1", "baseline_sd_2"]].gt(0)).to_numpy()
    low, high = own.lt(p.sd_own_min).all(axis=1), own.gt(p.sd_own_max).all(axis=1)
    small = sd.div(rows["reference"], axis=0).lt(p.sd_ratio_min).all(axis=1)
    sure = (low | (small & ~rows["measured"] & ~near_the_bottom(rows))) & rows["smd"].gt(p.sd_low_smd)
    odd = (low & ~small) | (high & rows["reference"].isna())
    return findings(
        rows[sure], EXCLUDE, "arms", lambda r: f"{_own(r)}, and a standardised difference of {r.smd:.2f}",
        "probably standard errors: read the SDs in the publication",
    ) + findings(
        rows[odd & ~sure], WARNING, "arms", _own,
        "not kept out, but look at it: a standard error or a misprint at one of the two times",
    )  # fmt: skip


def _own(r: Any) -> str:
    unknown = np.isnan(r.baseline_sd_1 * r.baseline_sd_2)
    before = "" if unknown else f" after {r.baseline_sd_1:g} and {r.baseline_sd_2:g} at baseline"
    usual = "" if np.isnan(r.reference) else f", usual SD {r.reference:.3g}"
    return f"SD {r.sd_1:g} and {r.sd_2:g}{before}{usual}"


def pre_post_change(d: Delivery) -> list[Finding]:
    """Both arms, the comparator's too, changed by pre_post_max of their SDs: the SDs are likely standard errors.

    `exclude` where no reference SD can judge the SDs themselves.
    """
    rows = with_reference(d)
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
    """Counts whose variance is below their mean in both arms: the printed SD is a standard error.

    Visits, days and admissions of people vary more than Poisson counts, whose variance is the mean m. A mean below 1
    can have less, but not less than an event that happens once at most: m(1 - m).
    """
    counts = {code for code, o in d.codebook.outcomes.items() if o.kind == "count"}
    rows = d.pairs[
        d.pairs["value_kind"].eq("count") | (d.pairs["outcome"].isin(counts) & d.pairs["value_kind"].eq("endpoint"))
    ]
    even = []
    for s in "12":
        m = rows[f"mean_{s}"]
        least = (d.params.count_dispersion_min * m).where(m.ge(1), m * (1 - m))
        even.append((rows[f"sd_{s}"] ** 2).lt(least))
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
    printed = d.reported[has_measure(d, d.reported["effect_type"], Measure.SMD)]
    both = pd.concat([from_means, printed.assign(g=printed["effect"])])[["source", "row_id", "study_id", "g"]]
    both = both[both["g"].abs().gt(d.params.smd_max)].drop_duplicates(["source", "row_id"])
    return findings(
        both, WARNING, "row", lambda r: f"a standardised difference of {abs(r.g):.2f}",
        "not kept out, but look at it: standard errors given as SDs, or very even groups",
    )  # fmt: skip
