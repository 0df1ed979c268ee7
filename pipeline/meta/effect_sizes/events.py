"""Events in two groups of people (`TwoByTwo`): ratios and differences of risks and odds.

`add`, `to` and `drop00` are the continuity correction of `two_by_two.correct_zeros`. NaN is returned only where no
finite effect exists: a table that `drop00` drops, or a zero cell left in a ratio by `to="none"`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.meta.arrays import FloatArray, choose
from pipeline.meta.effect_sizes.effect import EffectSize, finite, row_average
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, correct_zeros


def risk_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log risk ratio (delta method, Katz et al. 1978, Biometrics 34:469).

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> risk_ratio(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.6931
    """
    t = correct_zeros(table, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(t.ai / t.n1i) - np.log(t.ci / t.n2i)
        return finite(yi, 1 / t.ai - 1 / t.n1i + 1 / t.ci - 1 / t.n2i)


def odds_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log odds ratio (Woolf 1955, Ann Hum Genet 19:251).

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> odds_ratio(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.9808
    """
    t = correct_zeros(table, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(t.ai / t.bi) - np.log(t.ci / t.di)
        return finite(yi, 1 / t.ai + 1 / t.bi + 1 / t.ci + 1 / t.di)


def risk_difference(
    table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False, vtype: str = "LS"
) -> EffectSize:
    """Difference of risks, as a proportion.

    Parameters
    ----------
    vtype : "LS" each group's p (1 - p) / n; "UB" with n - 1, unbiased; "AV" at each group's risk averaged over the
        batch row

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> risk_difference(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.2
    """
    choose("vtype", vtype, _RISK_VARIANCES)
    t = correct_zeros(table, add, to, drop00)
    p1, p2 = t.ai / t.n1i, t.ci / t.n2i
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(p1 - p2, _RISK_VARIANCES[vtype](p1, t.n1i) + _RISK_VARIANCES[vtype](p2, t.n2i))


def risk_variance(p: FloatArray, n: FloatArray, vtype: str) -> FloatArray:
    """Sampling variance of a proportion; `vtype` as in `risk_difference`.

    >>> risk_variance(np.array(0.3), np.array(40.0), "LS").round(5).item()
    0.00525
    """
    choose("vtype", vtype, _RISK_VARIANCES)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _RISK_VARIANCES[vtype](p, n)


def _average_risk(p: FloatArray, n: FloatArray) -> FloatArray:
    mean = row_average(p, n)
    return mean * (1 - mean) / n


_RISK_VARIANCES: dict[str, Callable[[FloatArray, FloatArray], FloatArray]] = {
    "LS": lambda p, n: p * (1 - p) / n,
    "UB": lambda p, n: p * (1 - p) / (n - 1),
    "AV": _average_risk,
}


def arcsine_difference(table: TwoByTwo, *, add: float = 0.0, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Difference of the arcsines of the root risks; twice it is Cohen's h. Rucker et al. 2009, Stat Med 28:721.

    Needs no correction of zeros.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> arcsine_difference(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.2211
    """
    t = correct_zeros(table, add, to, drop00)
    yi = np.arcsin(np.sqrt(t.ai / t.n1i)) - np.arcsin(np.sqrt(t.ci / t.n2i))
    return finite(yi, 1 / (4 * t.n1i) + 1 / (4 * t.n2i))


def peto_odds_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "none", drop00: bool = False) -> EffectSize:
    """Log odds ratio by Peto's one-step method. Yusuf et al. 1985, Prog Cardiovasc Dis 27:335, appendix.

    NaN where nobody or everybody had the event.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> peto_odds_ratio(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.9429
    """
    t = correct_zeros(table, add, to, drop00)
    n = t.n1i + t.n2i
    events = t.ai + t.ci
    with np.errstate(divide="ignore", invalid="ignore"):
        v = t.n1i * t.n2i * events * (n - events) / (n**2 * (n - 1))
        return finite((t.ai - events * t.n1i / n) / v, 1 / v)
