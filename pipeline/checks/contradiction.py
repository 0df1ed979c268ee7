"""Gate 2, contradiction: numbers of one trial that cannot all be true."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipeline.checks.delivery import Delivery, Finding, exclude_if, findings
from pipeline.checks.effects import DIFFERENCE, RATIO, REDUCTION, interval_se, natural_effect, printed_scale, with_arms
from pipeline.checks.printed import BoolArray, decimals, half_units, off_centre, significant
from pipeline.meta.arrays import FloatArray
from pipeline.meta.effect_sizes.small_sample import exact_j
from pipeline.vocabulary import Severity

EXCLUDE, WARNING = Severity.EXCLUDE, Severity.WARNING


def mean_equals_sd(d: Delivery) -> list[Finding]:
    """Mean = SD in both arms: one column was copied into the other. In one arm it is chance (counts, skewed scales)."""
    rows = d.pairs
    same = [rows[f"mean_{s}"].eq(rows[f"sd_{s}"]) & rows[f"sd_{s}"].ne(0) for s in "12"]
    return findings(
        rows[same[0] & same[1]], EXCLUDE, "arms",
        lambda r: f"mean {r.mean_1:g} with SD {r.sd_1:g}, and mean {r.mean_2:g} with SD {r.sd_2:g}",
        "read the means again in the publication",
    )  # fmt: skip


def same_numbers_twice(d: Delivery) -> list[Finding]:
    """Two instruments or outcomes with one mean and one SD in the same arm at the same time: a copied cell."""
    rows = d.arm_rows[d.arm_rows["sd"].notna() & d.arm_rows["mean"].notna()]
    place = ["source", "study_id", "stratum", "base_arm", "time_weeks", "time_basis", "value_kind", "mean", "sd"]
    scale = rows["instrument"] + " (" + rows["outcome"] + ")"
    lines = rows.assign(scale=scale).drop_duplicates([*place, "scale"]).groupby(place, dropna=False)
    rows = rows.merge(lines["scale"].agg(n_scales="nunique", scales=" and ".join).reset_index(), on=place, how="left")
    rows = rows[rows["n_scales"].gt(1)]
    digits = rows["mean"].map(significant) + rows["sd"].map(significant)
    return findings(
        rows, exclude_if(digits.ge(d.params.equal_digits)), "row",
        lambda r: f"{r.arm}: mean {r.mean:g}, SD {r.sd:g} for both {r.scales}",
        "one of the two is a copy: read both in the publication",
    )  # fmt: skip


def interval_off_centre(d: Delivery) -> list[Finding]:
    """An interval that is not centred on its estimate, on the log scale for ratios, beyond what rounding can do.

    t against normal quantiles keep the centre; profile likelihoods and bootstraps move it a little, misprints far.
    """
    rows = d.reported.dropna(subset=["effect", "ci_lb", "ci_ub"])
    rows = rows[rows["ci_ub"].gt(rows["ci_lb"])].assign(scale=lambda f: printed_scale(d, f["effect_type"]))
    rows = rows[rows["scale"].ne("")].reset_index(drop=True)
    printed = rows[["effect", "ci_lb", "ci_ub"]]
    half = half_units(printed)
    read, half = _as_ratio(printed.to_numpy(dtype=float), half, rows["scale"].eq(REDUCTION).to_numpy())
    ratio = rows["scale"].isin([RATIO, REDUCTION]).to_numpy()
    rows["off"] = off_centre(read[:, 0], read[:, 1], read[:, 2], half, ratio)
    return findings(
        rows[rows["off"].gt(d.params.off_centre_warning)], exclude_if(rows["off"].gt(d.params.off_centre_exclude)),
        "reported",
        lambda r: f"{r.effect:g} [{r.ci_lb:g}, {r.ci_ub:g}] is off its centre by {r.off:.2g} of half the width, "
        "rounding allowed for",
        "one of the three numbers may be a misprint: read them again",
    )  # fmt: skip


def _as_ratio(printed: FloatArray, half: FloatArray, reduction: BoolArray) -> tuple[FloatArray, FloatArray]:
    """A relative reduction r as the ratio 1 - r, limits (and their rounding) swapped."""
    order = [0, 2, 1]
    return (
        np.where(reduction[:, None], 1 - printed[:, order], printed),
        np.where(reduction[:, None], half[:, order], half),
    )


def se_against_interval(d: Delivery) -> list[Finding]:
    """A printed SE that its interval does not imply."""
    rows = d.reported.assign(implied=interval_se(d, d.reported))
    ratio = rows["se"].where(rows["se"].gt(0)) / rows["implied"]
    off = ratio.where(ratio.ge(1), 1 / ratio)
    return findings(
        rows[off.gt(d.params.se_interval_warning)], exclude_if(off.gt(d.params.se_interval_exclude)), "reported",
        lambda r: f"SE {r.se:g}, but [{r.ci_lb:g}, {r.ci_ub:g}] implies {r.implied:.3g}",
        "check the level of the interval, and whether the number is an SD",
    )  # fmt: skip


def sign_against_means(d: Delivery) -> list[Finding]:
    """A reported effect that points away from its own arms, given the scale's direction and the claimed sign.

    An effect adjusted for baseline lies between the difference of the endpoints and the difference of the changes (the
    regression slope on baseline runs from 0 to 1). Where it does, the endpoint sign says nothing against it. Where it
    does not, but adjustment, the changes, or baselines that nobody printed may be the reason, the effect is kept out;
    otherwise, and for events always, the whole row: which of the two is wrong cannot be told.
    """
    rows = with_arms(d)
    rows = rows[(rows["natural"] * rows["endpoint"]).lt(0)]
    slack = d.params.adjustment_slack * rows["used_se"].fillna(np.inf)
    low, high = rows[["endpoint", "change"]].min(axis=1) - slack, rows[["endpoint", "change"]].max(axis=1) + slack
    with_change = (rows["natural"] * rows["change"]).gt(0)
    settled = (
        (rows["adjusted"] | rows["of_change"]) & with_change & (rows["of_change"] | rows["natural"].between(low, high))
    )
    unknown = rows["of_change"] & rows["change"].isna()
    either = ~settled & (rows["value_kind"].eq("event") | ~(rows["adjusted"] | with_change | unknown))
    return (
        findings(rows[settled], WARNING, "reported", lambda r: f"{_signs(r)}, in agreement with it",
                 "the effect has its sign from the changes; the end-point means alone would say the opposite")
        + findings(rows[~settled & ~either], EXCLUDE, "reported", _signs,
                   "nothing in the row settles it: use the arm values, or read the direction in the publication")
        + findings(rows[either], EXCLUDE, "row", _signs,
                   "the effect or the arms are wrong: read both, and the direction, in the publication")
    )  # fmt: skip


def sign_untestable(d: Delivery) -> list[Finding]:
    """An effect without arm values whose claimed sign says harm, and whose plain sign, arm 1 - arm 2, says benefit.

    Whoever converted it either turned the sign to the claimed convention or forgot to: without means nobody can tell. A
    source that says of this very number that it favours the comparator is believed.
    """
    rows = d.reported.merge(
        d.pairs[["source", "row_id", "value_kind", "mean_1", "mean_2", "events_1", "events_2"]], how="left"
    )
    rows["value_kind"] = rows["value_kind"].fillna("")
    bare = rows[["mean_1", "events_1"]].isna().all(axis=1) | rows[["mean_2", "events_2"]].isna().all(axis=1)
    rows["natural"], rows["better"] = natural_effect(d, rows), d.better(rows)
    plain = printed_scale(d, rows["effect_type"]).eq(DIFFERENCE)
    harm = (rows["natural"] * rows["better"]).lt(0) & rows["claimed_sign"].str.endswith("favours_int")
    turned = (rows["natural"] * rows["effect"]).lt(0)
    return findings(
        rows[bare & plain & harm & turned], EXCLUDE, "reported",
        lambda r: f"effect {r.effect:g} ({r.claimed_sign}) claims harm; read as intervention minus comparator it shows "
        "benefit, and there are no arm values to test it",
        "read the direction in the publication",
    )  # fmt: skip


def g_against_means(d: Delivery) -> list[Finding]:
    """An unadjusted SMD that the means, SDs and group sizes of its own row do not give, with or without Hedges' J."""
    rows = with_arms(d)
    rows = rows[rows["smd"] & ~rows["adjusted"] & ~rows["of_change"]]
    rows = rows[rows["endpoint"].notna() & rows["used_se"].notna()]
    signed = rows["natural"].where(rows["natural"].notna(), rows["effect"].abs() * np.sign(rows["endpoint"]))
    plain = rows["endpoint"] / exact_j(rows["n_1_arm"] + rows["n_2_arm"] - 2) if len(rows) else rows["endpoint"]
    rows["off"] = np.minimum((signed - rows["endpoint"]).abs(), (signed - plain).abs())
    rows["in_se"] = rows["off"] / rows["used_se"]
    p = d.params
    off = rows[rows["off"].gt(p.g_difference_warning + 0.5 * 10.0 ** -rows["effect"].map(decimals))]
    far = off["in_se"].gt(p.g_difference_exclude)
    return findings(
        off[far], EXCLUDE, "row", _both_g, "the effect or its means are wrong: read both in the publication"
    ) + findings(
        off[~far], WARNING, "reported", _both_g, "the effect computed from the means is used"
    )  # fmt: skip


def _both_g(r: Any) -> str:
    given = f"{r.effect:.3f} delivered ({r.claimed_sign})"
    return f"{given}, but {r.shown} gives {r.endpoint:.3f}, arm 1 - arm 2: {r.in_se:.1f} standard errors apart"


def mean_and_sd_beyond_range(d: Delivery) -> list[Finding]:
    """An SD that no scores between the lowest and the highest can have around their mean.

    sd^2 <= (max - mean)(mean - min) n/(n - 1). Bhatia & Davis 2000, Am Math Mon 107:353.
    """
    rows = d.arm_rows[d.arm_rows["value_kind"].eq("endpoint")]
    low, high = d.instrument(rows["instrument"], "score_min"), d.instrument(rows["instrument"], "score_max")
    most = np.sqrt(
        ((high - rows["mean"]) * (rows["mean"] - low)).clip(lower=0) * rows["n"] / (rows["n"] - 1).clip(lower=1)
    )
    rows = rows.assign(low=low, high=high, most=most, sure=d.range_is_verified(rows["instrument"]))
    bad = rows[rows["sd"].gt(most * (1 + d.params.sd_bound_slack)) & rows["mean"].between(low, high)]
    return findings(
        bad, exclude_if(rows["sure"]), "arms",
        lambda r: f"{r.arm}: SD {r.sd:g} around mean {r.mean:g}, but scores from {r.low:g} to {r.high:g} allow "
        f"{r.most:.3g} at most",
        "read the SD again: a variance, a misplaced decimal point, or another version of the scale",
    )  # fmt: skip


def _signs(r: Any) -> str:
    claim = f"the effect {r.effect:g} ({r.claimed_sign}) says {_word(r.natural)} values in arm 1"
    change = "" if np.isnan(r.change) else f"; the changes from baseline differ by {r.change:+.2g}"
    return f"{claim}, the arms show {_word(r.endpoint)} ones: {r.shown}{change}"


def _word(x: float) -> str:
    return "higher" if x > 0 else "lower"
