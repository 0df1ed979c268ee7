"""Reported effects beside their arms, in natural direction (positive = higher values in arm 1)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipeline.checks.delivery import Delivery
from pipeline.meta.conversions.printed import critical_value
from pipeline.meta.effect_sizes.means import pooled_sd
from pipeline.meta.effect_sizes.small_sample import exact_j
from pipeline.vocabulary import Measure

DIFFERENCE, RATIO, REDUCTION = "difference", "ratio", "reduction"


def printed_scale(d: Delivery, effect_types: pd.Series) -> pd.Series:
    """How to read a printed number: DIFFERENCE (no effect 0), RATIO (1), REDUCTION (0; the ratio is 1 - r), or ''."""

    def scale(code: str) -> str:
        kind = d.codebook.effect_types.get(code)
        if kind is None or not kind.measure:
            return ""
        if kind.reading == "one_minus":
            return REDUCTION
        return RATIO if Measure(kind.measure).is_ratio and kind.scale == "natural" else DIFFERENCE

    return effect_types.map({code: scale(code) for code in effect_types.unique()}).astype(object)


def has_measure(d: Delivery, effect_types: pd.Series, measure: Measure) -> pd.Series:
    """Which types are of a measure, as SMD."""
    kinds = d.codebook.effect_types
    return effect_types.map({c: c in kinds and kinds[c].measure == measure for c in effect_types.unique()}).eq(True)


def is_of_change(d: Delivery, effect_types: pd.Series) -> pd.Series:
    """Which types are differences of changes from baseline."""
    kinds = d.codebook.effect_types
    codes = effect_types.unique()
    return effect_types.map({c: c in kinds and kinds[c].is_difference_in_change for c in codes}).eq(True)


def interval_se(d: Delivery, reported: pd.DataFrame) -> pd.Series:
    """Standard error that the printed interval implies, log scale for ratios. Cochrane Handbook 6.3.1-2."""
    lb, ub = reported["ci_lb"], reported["ci_ub"]
    scale = printed_scale(d, reported["effect_type"])
    with np.errstate(divide="ignore", invalid="ignore"):
        width = np.select(
            [scale.eq(DIFFERENCE), scale.eq(RATIO), scale.eq(REDUCTION)],
            [ub - lb, np.log(ub / lb), np.log((1 - lb) / (1 - ub))],
            np.nan,
        )
    level = reported["level"].fillna(95.0)
    z = level.map({x: float(critical_value(x)) for x in level.unique()})
    return pd.Series(width / (2 * z), index=reported.index).where(lambda se: np.isfinite(se) & se.gt(0))


def natural_effect(d: Delivery, rows: pd.DataFrame) -> pd.Series:
    """Effects in natural direction as the claimed sign has it; NaN where the claim or the scale's direction is unknown.

    `rows` : REPORTED with `value_kind`. Ratios come back as logarithms.
    """
    favours = rows["claimed_sign"].map({c: s.favours_int or "" for c, s in d.codebook.effect_signs.items()}).fillna("")
    ratio = printed_scale(d, rows["effect_type"]).eq(RATIO) | favours.isin(["above_1", "below_1"])
    with np.errstate(divide="ignore", invalid="ignore"):
        size = pd.Series(
            np.where(ratio, np.log(rows["effect"].where(rows["effect"].gt(0))), rows["effect"]), index=rows.index
        )
    benefit = favours.map({"above_0": 1.0, "above_1": 1.0, "below_0": -1.0, "below_1": -1.0})
    natural = size * benefit * d.better(rows)
    return natural.mask(rows["claimed_sign"].eq("int_minus_ctl"), size)


def with_arms(d: Delivery) -> pd.DataFrame:
    """REPORTED rows that have both arms, with

    natural  the effect in natural direction
    endpoint, change  the arms' difference at the end, and of the changes from baseline: in SD units (with Hedges' J)
        for standardised effects, risks for events, else scale units
    used_se  standard error, printed or implied; NaN where it is not on the scale of `endpoint`
    shown    the arms in words
    """
    pairs = d.pairs.drop(columns=["study_id", "outcome", "instrument"])
    rows = d.reported.merge(pairs.drop_duplicates(["source", "row_id"]), on=["source", "row_id"], suffixes=("", "_arm"))
    smd = has_measure(d, rows["effect_type"], Measure.SMD)
    rows["smd"], rows["of_change"] = smd, is_of_change(d, rows["effect_type"])
    rows["natural"] = natural_effect(d, rows)
    risk = rows["events_1"] / rows["total_1"] - rows["events_2"] / rows["total_2"]
    unit = smd_unit(rows["n_1_arm"], rows["sd_1"], rows["n_2_arm"], rows["sd_2"]).where(smd, 1.0)
    difference = rows["mean_1"] - rows["mean_2"]
    baseline = (rows["baseline_mean_1"] - rows["baseline_mean_2"]).mask(rows["value_kind"].eq("change"), 0.0)
    event = rows["value_kind"].eq("event")
    rows["endpoint"] = (difference / unit.fillna(1.0)).where(~event, risk)
    rows["change"] = ((difference - baseline) / unit.fillna(1.0)).mask(event)
    same_scale = printed_scale(d, rows["effect_type"]).eq(DIFFERENCE) & unit.notna() & ~event
    rows["used_se"] = rows["se"].fillna(interval_se(d, rows)).where(same_scale)
    rows["shown"] = [_shown(r) for r in rows.itertuples(index=False)]
    return rows


def smd_unit(n1: pd.Series, sd1: pd.Series, n2: pd.Series, sd2: pd.Series) -> pd.Series:
    """What a difference of means is divided by to give Hedges' g: pooled SD over exact J. NaN if it cannot be had."""
    ok = sd1.gt(0) & sd2.gt(0) & n1.ge(2) & n2.ge(2)
    unit = pd.Series(np.nan, index=n1.index)
    if ok.any():
        n1, sd1, n2, sd2 = n1[ok], sd1[ok], n2[ok], sd2[ok]
        unit[ok] = pooled_sd(sd1, n1, sd2, n2) / exact_j(n1 + n2 - 2)
    return unit


def smd_se(g: pd.Series, n1: pd.Series, n2: pd.Series) -> pd.Series:
    """sqrt(1/n1 + 1/n2 + g^2 / 2N), large-sample SE of g. Hedges 1982, Psychol Bull 92:490, eq. 8."""
    return pd.Series(np.sqrt(1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))), index=g.index)


def _shown(r: Any) -> str:
    if r.value_kind == "event":
        return f"{r.events_1:g}/{r.total_1:g} v {r.events_2:g}/{r.total_2:g}"
    return f"{r.mean_1:g} (SD {r.sd_1:g}) v {r.mean_2:g} (SD {r.sd_2:g})"
