"""Effects as a source prints them, turned to the project's measures and direction. What cannot be turned says why."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.analysis.direction import claim_fits, printed_sign
from pipeline.codebook import Codebook
from pipeline.meta.conversions.from_tests import d_from_p, d_from_t
from pipeline.meta.conversions.printed import (
    log_ratio_from_ci,
    ratio_from_reduction,
    se_from_ci,
    smd_from_mean_difference,
)
from pipeline.meta.effect_sizes.means import pooled_sd
from pipeline.meta.effect_sizes.small_sample import exact_j
from pipeline.meta.effect_sizes.standardized import hedges_g

RATIOS = ("RR", "OR", "HR", "IRR", "ROM")
FROM_TEST = {"t": d_from_t, "p": d_from_p}
NO_SIGN = "the source does not say which sign is good, so its direction is not settled"


@dataclass(frozen=True, slots=True)
class Printed:
    """One reading of a printed effect: a measure with yi and vi, or the reason why there is none."""

    measure: str
    basis: str
    yi: float = np.nan
    vi: float = np.nan
    reason: str = ""
    note: str = ""


def from_print(row: pd.Series, book: Codebook) -> list[Printed]:
    """Readings of one reported effect.

    Parameters
    ----------
    row : a row of REPORTED joined to its contrast (arm values with the endings _1 and _2)

    Returns
    -------
    one or two readings; a mean difference gives MD and, where an SD is known, SMD
    """
    kind = book.effect_types[row["effect_type"]]
    basis = "reported_adjusted" if row["adjusted"] else "reported"
    if not kind.measure:
        return [Printed("", basis, reason=f"printed only as {kind.label}: no effect measure follows from it")]
    inverted = kind.reading == "inverse" or book.effect_signs[row["claimed_sign"]].printed_as == "ctl_v_int"
    if kind.measure in RATIOS and kind.scale != "log":
        return [_ratio(row, kind.measure, kind.reading, basis, inverted, book)]
    scale = row["instrument"] if kind.measure in ("MD", "SMD") else ""  # an event does not run along a scale
    sign = printed_sign(row["outcome"], scale, row["claimed_sign"], inverted, book)
    if sign is None:
        return [Printed(kind.measure, basis, reason=NO_SIGN)]
    if kind.reading in FROM_TEST:
        return [_from_test(row, kind.reading, sign, basis)]
    if kind.measure == "SMD":
        return [_smd(row, sign, basis, kind.bias_corrected)]
    if kind.measure != "MD":
        return [_difference(row, sign / (100 if kind.reading == "percent" else 1), kind.measure, basis)]
    return _mean_difference(row, sign, basis, kind.is_difference_in_change, book)


def _ratio(row: pd.Series, measure: str, reading: str, basis: str, inverted: bool, book: Codebook) -> Printed:
    if np.isnan(row["ci_lb"]) or np.isnan(row["ci_ub"]):
        return Printed(measure, basis, reason="the ratio is printed without an interval")
    ratio, lb, ub = row["effect"], row["ci_lb"], row["ci_ub"]
    if reading == "one_minus":
        if max(ratio, lb, ub) >= 1:
            return Printed(
                measure, basis, reason="a relative reduction of 1 or more: printed as a percentage, or no ratio"
            )
        turned = ratio_from_reduction(ratio, lb, ub)
        ratio, lb, ub = float(turned.estimate), float(turned.ci_lb), float(turned.ci_ub)
    elif not claim_fits(row["outcome"], row["claimed_sign"], inverted, book):
        return Printed(measure, basis, reason="the ratio's stated direction does not fit its outcome: not settled")
    if min(ratio, lb, ub) <= 0:
        return Printed(measure, basis, reason="a printed limit of zero cannot be a limit of a ratio (rounded away)")
    if lb >= ub:
        return Printed(measure, basis, reason="the printed limits are equal or reversed: no standard error follows")
    effect = log_ratio_from_ci(ratio, lb, ub, level=_level(row))
    note = "read as one minus the printed relative risk reduction" if reading == "one_minus" else ""
    note = "printed as comparator v intervention; turned over" if inverted else note
    return Printed(measure, basis, float(effect.yi) * (-1 if inverted else 1), float(effect.vi), note=note)


def _from_test(row: pd.Series, reading: str, sign: float, basis: str) -> Printed:
    """Hedges' g from a two-sample t, or from its signed two-sided p. Only where the groups' sizes are printed."""
    if not (row["n_1"] >= 2 and row["n_2"] >= 2):
        return Printed("SMD", basis, reason=f"a two-sample {reading} is printed without the arms' sizes")
    if reading == "p" and not 0 < abs(row["effect"]) <= 1:
        return Printed("SMD", basis, reason="the printed p is not between 0 and 1")
    d = FROM_TEST[reading](row["effect"], row["n_1"], row["n_2"])
    effect = hedges_g(float(d) * sign, row["n_1"], row["n_2"])
    return Printed("SMD", basis, float(effect.yi), float(effect.vi), note=f"from the printed two-sample {reading}")


def _smd(row: pd.Series, sign: float, basis: str, corrected: bool) -> Printed:
    g, se = row["effect"] * sign, _se(row)
    sizes = row["n_1"] >= 2 and row["n_2"] >= 2
    if not corrected:
        if not sizes:
            return Printed("SMD", basis, reason="Cohen's d is printed without the arms' sizes")
        effect = hedges_g(g, row["n_1"], row["n_2"])
        if np.isnan(se):
            return Printed(
                "SMD", basis, float(effect.yi), float(effect.vi), note="from the printed d and the arms' sizes"
            )
        j = float(exact_j(row["n_1"] + row["n_2"] - 2))
        return Printed("SMD", basis, float(effect.yi), (se * j) ** 2)
    if np.isnan(se):
        if not sizes:
            return Printed("SMD", basis, reason="printed without standard error, interval or arm sizes")
        effect = hedges_g(g, row["n_1"], row["n_2"], correction="none")
        return Printed("SMD", basis, g, float(effect.vi))
    return Printed("SMD", basis, g, se**2)


def _difference(row: pd.Series, factor: float, measure: str, basis: str) -> Printed:
    se = _se(row)
    if np.isnan(se):
        return Printed(measure, basis, reason="the difference is printed without a standard error or interval")
    return Printed(measure, basis, row["effect"] * factor, (se * abs(factor)) ** 2)


def _mean_difference(row: pd.Series, sign: float, basis: str, in_change: bool, book: Codebook) -> list[Printed]:
    md = _difference(row, sign, "MD", basis)
    if md.reason:
        return [md]
    return [md, _standardised(row, md, basis, in_change, book)]


def _standardised(row: pd.Series, md: Printed, basis: str, in_change: bool, book: Codebook) -> Printed:
    """A mean difference over an SD: the arms' own, the SD its standard error implies, or the instrument's reference."""
    arms = row[["sd_1", "n_1", "sd_2", "n_2"]].notna().all() and row["value_kind"] == "endpoint"
    sizes = row["n_1"] >= 2 and row["n_2"] >= 2
    if arms and row["sd_1"] > 0 and row["sd_2"] > 0 and sizes:
        sd = float(pooled_sd(row["sd_1"], row["n_1"], row["sd_2"], row["n_2"]))
        factor = float(exact_j(row["n_1"] + row["n_2"] - 2)) / sd
        return Printed(
            "SMD", basis, md.yi * factor, md.vi * factor**2, note="printed mean difference over the arms' SD"
        )
    if sizes and not in_change and not row["adjusted"] and not row["cluster_adjusted"]:
        effect = smd_from_mean_difference(md.yi, np.sqrt(md.vi), row["n_1"], row["n_2"])
        return Printed(
            "SMD", basis, float(effect.yi), float(effect.vi), note="SD implied by the printed interval and arm sizes"
        )
    reference = book.instruments[row["instrument"]].reference_sd if row["instrument"] else None
    if reference:
        note = f"printed difference over the instrument's reference SD of {reference:g}"
        return Printed("SMD", "reference_sd", md.yi / reference, md.vi / reference**2, note=note)
    return Printed("SMD", basis, reason="printed in scale points without the SD that would standardise it")


def _se(row: pd.Series) -> float:
    if row["se"] > 0:
        return float(row["se"])
    if np.isnan(row["ci_lb"]) or np.isnan(row["ci_ub"]) or row["ci_ub"] <= row["ci_lb"]:
        return np.nan
    return float(se_from_ci(row["ci_lb"], row["ci_ub"], level=_level(row)))


def _level(row: pd.Series) -> float:
    return 95.0 if np.isnan(row["level"]) else float(row["level"])
