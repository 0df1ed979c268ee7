"""Effect sizes of two groups with their sampling variances. To add one: a function and a row of MEASURES.

All arguments are arrays of one shape (..., k) or scalars. Bad numbers (NaN, n < 2, sd <= 0, negative counts, events
beyond the group, a mean <= 0 where a ratio is asked) raise `InvalidInput`. NaN is returned only where no finite effect
exists: a table that `drop00` drops, or a zero cell left in a ratio by `to="none"`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, choose, numbers, together
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, correct_zero_rates, correct_zeros


@dataclass(frozen=True, slots=True)
class EffectSize:
    """Effects and sampling variances, shape (..., k).

    Attributes
    ----------
    yi : effect, group 1 against group 2; natural logarithm for ratios
    vi : sampling variance of yi
    """

    yi: FloatArray
    vi: FloatArray


def exact_j(df: ArrayLike) -> FloatArray:
    """Hedges' correction J = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)). Hedges 1981, J Educ Stat 6:107, eq. 6e."""
    m = numbers("df", df, gt=1)
    return np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - 0.5 * np.log(m / 2))


def approximate_j(df: ArrayLike) -> FloatArray:
    """J = 1 - 3 / (4 m - 1). Hedges 1981, p. 114."""
    return np.asarray(1 - 3 / (4 * numbers("df", df, gt=1) - 1))


CORRECTIONS: dict[str, Callable[[ArrayLike], FloatArray]] = {
    "exact": exact_j,
    "approximate": approximate_j,
    "none": lambda df: np.ones_like(np.asarray(df, dtype=np.float64)),
}


def _vtype_ls(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    return 1 / n1 + 1 / n2 + g**2 / (2 * (n1 + n2))


def _vtype_ls2(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    return j**2 * (1 / n1 + 1 / n2 + d**2 / (2 * (n1 + n2)))


def _vtype_ub(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    m = n1 + n2 - 2
    return 1 / n1 + 1 / n2 + (1 - (m - 2) / (m * exact_j(m) ** 2)) * g**2


def _vtype_av(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray) -> FloatArray:
    n = n1 + n2
    average = np.sum(n * g, axis=-1, keepdims=True) / np.sum(n, axis=-1, keepdims=True)
    return 1 / n1 + 1 / n2 + average**2 / (2 * n)


# LS: Hedges 1982, Psychol Bull 92:490, eq. 8 at g. LS2: Borenstein 2009, eq. 12.17-18. UB: Hedges 1983, Psychol Bull
# 93:388. AV: LS at the n-weighted average effect of the batch row (Hunter & Schmidt 2004).
VTYPES: dict[str, Callable[..., FloatArray]] = {
    "LS": _vtype_ls,
    "LS2": _vtype_ls2,
    "UB": _vtype_ub,
    "AV": _vtype_av,
}


def hedges_g(
    d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, correction: str = "exact", vtype: str = "LS"
) -> EffectSize:
    """Cohen's d (pooled SD) corrected to Hedges' g, with its sampling variance.

    Parameters
    ----------
    d : difference of means over the pooled standard deviation
    n1i, n2i : people in the groups
    correction : key of CORRECTIONS: "exact" J, "approximate" J, "none"
    vtype : key of VTYPES
    """
    choose("correction", correction, CORRECTIONS)
    choose("vtype", vtype, VTYPES)
    d, n1, n2 = together({"d": numbers("d", d), "n1i": numbers("n1i", n1i, ge=2), "n2i": numbers("n2i", n2i, ge=2)})
    j = CORRECTIONS[correction](n1 + n2 - 2)
    g = j * d
    return EffectSize(g, VTYPES[vtype](d, g, j, n1, n2))


def pooled_sd(sd1i: ArrayLike, n1i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Standard deviation pooled over two groups, weighted by their degrees of freedom."""
    s1, n1, s2, n2 = _groups(sd1i, n1i, sd2i, n2i)
    return np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2))


def standardized_mean_difference(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    correction: str = "exact",
    vtype: str = "LS",
) -> EffectSize:
    """Hedges' g from means, standard deviations and group sizes. See `hedges_g` for the options."""
    m1, s1, n1, m2, s2, n2 = _means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return hedges_g((m1 - m2) / pooled_sd(s1, n1, s2, n2), n1, n2, correction=correction, vtype=vtype)


def mean_difference(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    pooled: bool = False,
) -> EffectSize:
    """Difference of means in scale points; variance sd1^2/n1 + sd2^2/n2, or from the pooled SD if `pooled`."""
    m1, s1, n1, m2, s2, n2 = _means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    if pooled:
        s1 = s2 = pooled_sd(s1, n1, s2, n2)
    return EffectSize(m1 - m2, s1**2 / n1 + s2**2 / n2)


def ratio_of_means(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    corrected: bool = False,
) -> EffectSize:
    """Log ratio of two positive means. Hedges, Gurevitch & Curtis 1999, Ecology 80:1150.

    `corrected` takes off the small-sample bias of the logarithms (Lajeunesse 2015, Ecology 96:2056); the
    variance stays. Without it the effect is the log of the ratio a reader computes from the printed means.
    """
    m1, s1, n1, m2, s2, n2 = _means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    numbers("m1i", m1, gt=0)
    numbers("m2i", m2, gt=0)
    v1, v2 = s1**2 / (n1 * m1**2), s2**2 / (n2 * m2**2)
    return EffectSize(np.log(m1) - np.log(m2) + (0.5 * (v1 - v2) if corrected else 0.0), v1 + v2)


def risk_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log risk ratio (delta method, Katz et al. 1978, Biometrics 34:469)."""
    t = correct_zeros(table, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(t.ai / t.n1i) - np.log(t.ci / t.n2i)
        return _finite(yi, 1 / t.ai - 1 / t.n1i + 1 / t.ci - 1 / t.n2i)


def odds_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log odds ratio (Woolf 1955, Ann Hum Genet 19:251)."""
    t = correct_zeros(table, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(t.ai / t.bi) - np.log(t.ci / t.di)
        return _finite(yi, 1 / t.ai + 1 / t.bi + 1 / t.ci + 1 / t.di)


def risk_difference(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Difference of risks, as a proportion."""
    t = correct_zeros(table, add, to, drop00)
    return EffectSize(t.ai / t.n1i - t.ci / t.n2i, t.ai * t.bi / t.n1i**3 + t.ci * t.di / t.n2i**3)


def peto_odds_ratio(table: TwoByTwo, *, add: float = 0.5, to: str = "none", drop00: bool = False) -> EffectSize:
    """Log odds ratio by Peto's one-step method. Yusuf et al. 1985, Prog Cardiovasc Dis 27:335, appendix."""
    t = correct_zeros(table, add, to, drop00)
    n = t.n1i + t.n2i
    events = t.ai + t.ci
    with np.errstate(divide="ignore", invalid="ignore"):
        v = t.n1i * t.n2i * events * (n - events) / (n**2 * (n - 1))
        return _finite((t.ai - events * t.n1i / n) / v, 1 / v)


def incidence_rate_ratio(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
) -> EffectSize:
    """Log ratio of two incidence rates: events `x1i, x2i` in person-time `t1i, t2i`, Poisson variance.

    Over-dispersed counts (hospital days) make this variance too small: use a ratio of means.
    """
    x1, t1, x2, t2 = together(
        {
            "x1i": numbers("x1i", x1i, ge=0),
            "t1i": numbers("t1i", t1i, gt=0),
            "x2i": numbers("x2i", x2i, ge=0),
            "t2i": numbers("t2i", t2i, gt=0),
        }
    )
    x1, x2 = correct_zero_rates(x1, x2, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _finite(np.log(x1 / t1) - np.log(x2 / t2), 1 / x1 + 1 / x2)


MEASURES: dict[str, Callable[..., EffectSize]] = {
    "SMD": standardized_mean_difference,
    "MD": mean_difference,
    "ROM": ratio_of_means,
    "RR": risk_ratio,
    "OR": odds_ratio,
    "RD": risk_difference,
    "PETO": peto_odds_ratio,
    "IRR": incidence_rate_ratio,
}


def _groups(sd1i: ArrayLike, n1i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike) -> list[FloatArray]:
    return together(
        {
            "sd1i": numbers("sd1i", sd1i, gt=0),
            "n1i": numbers("n1i", n1i, ge=2),
            "sd2i": numbers("sd2i", sd2i, gt=0),
            "n2i": numbers("n2i", n2i, ge=2),
        }
    )


def _means(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> list[FloatArray]:
    s1, n1, s2, n2 = _groups(sd1i, n1i, sd2i, n2i)
    given = {"m1i": numbers("m1i", m1i), "sd1i": s1, "n1i": n1, "m2i": numbers("m2i", m2i), "sd2i": s2, "n2i": n2}
    return together(given)


def _finite(yi: FloatArray, vi: FloatArray) -> EffectSize:
    known = np.isfinite(yi) & np.isfinite(vi)
    return EffectSize(np.where(known, yi, np.nan)[()], np.where(known, vi, np.nan)[()])
