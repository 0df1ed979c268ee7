"""Correlations and coefficients of determination: `ri` of `ni` people, `mi` predictors behind a regression."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers, together
from pipeline.meta.effect_sizes.association import to_fisher_z
from pipeline.meta.effect_sizes.effect import EffectSize, finite, row_average

SERIES_FROM = 50.0
SERIES_TERMS = 80


def correlation(ri: ArrayLike, ni: ArrayLike, *, vtype: str = "LS") -> EffectSize:
    """Pearson's correlation.

    Parameters
    ----------
    vtype : "LS" (1 - r^2)^2 / (n - 1), Borenstein 2009, eq. 12.27; "AV" at the n-weighted average of the batch row

    >>> correlation(0.5, 30).vi.round(5).item()
    0.0194
    """
    r, n = _pairs(ri, ni)
    return EffectSize(r, _variance(r, n, n - 1, vtype))


def unbiased_correlation(ri: ArrayLike, ni: ArrayLike, *, vtype: str = "LS") -> EffectSize:
    """Correlation with its small negative bias taken off. Olkin & Pratt 1958, Ann Math Stat 29:201, eq. 2.3.

    Parameters
    ----------
    vtype : "LS" and "AV" as in `correlation`, at the corrected values; "UB" unbiased (Hedges 1989, J Appl Psychol
        74:469, exact; NaN at r = 0 of 4 people, where it is infinite)

    >>> unbiased_correlation(0.5, 30).yi.round(4).item()
    0.5071
    """
    r, n = _pairs(ri, ni)
    u = np.where(r == 0, 0.0, r * hypergeometric(0.5, 0.5, (n - 2) / 2, np.where(r == 0, 0.0, 1 - r**2)))[()]
    if vtype == "UB":
        return finite(u, u**2 - 1 + (n - 3) / (n - 2) * (1 - r**2) * hypergeometric(1.0, 1.0, n / 2, 1 - r**2))
    return EffectSize(u, _variance(u, n, n - 1, vtype))


def hypergeometric(a: float, b: float, c: FloatArray, x: FloatArray) -> FloatArray:
    """Gauss's 2F1(a, b; c; x) for small a, b and 0 <= x <= 1.

    From c = 50 on by its short series: scipy's function fails there near x = 1.

    >>> hypergeometric(0.5, 0.5, np.array([10.0, 300.0]), np.array([0.9, 0.9])).round(6).tolist()
    [1.02499, 1.000753]
    """
    large = c >= SERIES_FROM
    term = total = np.ones(np.broadcast_shapes(np.shape(c), np.shape(x)))
    for k in range(SERIES_TERMS):
        term = term * (a + k) * (b + k) / ((np.where(large, c, SERIES_FROM) + k) * (k + 1)) * x
        total = total + term
    return np.where(large, total, special.hyp2f1(a, b, np.where(large, SERIES_FROM, c), x))


def fisher_z_correlation(ri: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Fisher's z, arctanh r, with variance 1 / (n - 3). Fisher 1921, Metron 1:3. NaN where r is 1 or -1.

    >>> fisher_z_correlation(0.5, 30).yi.round(4).item()
    0.5493
    """
    r, n = _pairs(ri, ni)
    with np.errstate(divide="ignore"):
        return finite(np.arctanh(r), 1 / (n - 3))


def partial_correlation(ri: ArrayLike, mi: ArrayLike, ni: ArrayLike, *, vtype: str = "LS") -> EffectSize:
    """Partial correlation from a regression with `mi` predictors, the one of interest among them. Aloe & Becker 2012.

    `vtype` as in `correlation`; the variance takes off the m - 1 predictors that are held constant.

    >>> partial_correlation(0.5, 3, 30).vi.round(5).item()
    0.02083
    """
    r, m, n = _regression("ri", ri, mi, ni)
    return EffectSize(r, _variance(r, n, n - m, vtype))


def fisher_z_partial_correlation(ri: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Fisher's z of a partial correlation, variance 1 / (n - m - 2). NaN where r is 1 or -1.

    >>> fisher_z_partial_correlation(0.5, 3, 30).vi.round(5).item()
    0.04
    """
    r, m, n = _regression("ri", ri, mi, ni)
    with np.errstate(divide="ignore"):
        return finite(np.arctanh(r), 1 / numbers("ni - mi - 2", n - m - 2, gt=0))


def semipartial_correlation(
    ri: ArrayLike, r2i: ArrayLike, mi: ArrayLike, ni: ArrayLike, *, vtype: str = "LS"
) -> EffectSize:
    """Semi-partial correlation of a predictor in a regression that explains `r2i`.

    Aloe & Becker 2012, J Educ Behav Stat 37:277.
    `vtype` as in `correlation` ("AV" averages the semi-partial correlations, not r2i).

    >>> semipartial_correlation(0.4, 0.5, 3, 30).vi.round(5).item()
    0.01581
    """
    choose("vtype", vtype, _AVERAGED)
    r, _, n = _regression("ri", ri, mi, ni)
    r2, r, n = together({"r2i": numbers("r2i", r2i, ge=0, le=1), "ri": r, "ni": n})
    rest = r2 - (row_average(r, n) if _AVERAGED[vtype] else r) ** 2
    return EffectSize(r, (r2**2 - 2 * r2 + rest + 1 - rest**2) / n)


def fisher_z_semipartial_correlation(ri: ArrayLike, r2i: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Fisher's z of a semi-partial correlation, NaN at -1 and 1; it does not stabilise the variance here.

    >>> fisher_z_semipartial_correlation(0.4, 0.5, 3, 30).yi.round(4).item()
    0.4236
    """
    return to_fisher_z(semipartial_correlation(ri, r2i, mi, ni))


def r_squared(r2i: ArrayLike, mi: ArrayLike, ni: ArrayLike, *, vtype: str = "LS") -> EffectSize:
    """Coefficient of determination of a regression with `mi` predictors.

    Parameters
    ----------
    vtype : "LS" and "LS2" Kendall & Stuart 1979, eq. 27.88 and 27.87; "AV" and "AV2" the same at the n-weighted
        average of the batch row. All fail near R2 = 0, where the variance goes to 0.

    >>> r_squared(0.3, 3, 60).vi.round(5).item()
    0.0098
    """
    choose("vtype", vtype, _R_SQUARED_VARIANCES)
    r2, m, n = _regression("r2i", numbers("r2i", r2i, ge=0), mi, ni)
    at = row_average(r2, n) if vtype.startswith("AV") else r2
    return EffectSize(r2, _R_SQUARED_VARIANCES[vtype](at, m, n))


def fisher_z_r_squared(r2i: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Fisher's z of the multiple correlation sqrt(R2), variance 1 / n. Olkin & Finn 1995, Psychol Bull 118:155.

    NaN where R2 is 1: its z is infinite.

    >>> fisher_z_r_squared(0.3, 3, 60).yi.round(4).item()
    0.6151
    """
    r2, _, n = _regression("r2i", numbers("r2i", r2i, ge=0), mi, ni)
    with np.errstate(divide="ignore"):
        return finite(np.arctanh(np.sqrt(r2)), 1 / n)


def _large_sample(r2: FloatArray, m: FloatArray, n: FloatArray) -> FloatArray:
    return 4 * r2 * (1 - r2) ** 2 / n


def _small_sample(r2: FloatArray, m: FloatArray, n: FloatArray) -> FloatArray:
    return 4 * r2 * (1 - r2) ** 2 * (n - m - 1) ** 2 / ((n**2 - 1) * (n + 3))


_R_SQUARED_VARIANCES: dict[str, Callable[[FloatArray, FloatArray, FloatArray], FloatArray]] = {
    "LS": _large_sample,
    "LS2": _small_sample,
    "AV": _large_sample,
    "AV2": _small_sample,
}
_AVERAGED = {"LS": False, "AV": True}


def _variance(r: FloatArray, n: FloatArray, df: FloatArray, vtype: str) -> FloatArray:
    choose("vtype", vtype, _AVERAGED)
    return (1 - (row_average(r, n) if _AVERAGED[vtype] else r) ** 2) ** 2 / df


def _pairs(ri: ArrayLike, ni: ArrayLike) -> list[FloatArray]:
    return together({"ri": numbers("ri", ri, ge=-1, le=1), "ni": numbers("ni", ni, ge=4)})


def _regression(name: str, value: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> list[FloatArray]:
    given = {name: numbers(name, value, ge=-1, le=1), "mi": numbers("mi", mi, ge=1), "ni": numbers("ni", ni, ge=3)}
    x, m, n = together(given)
    if (n - m - 1 <= 0).any():
        raise InvalidInput("ni must be above mi + 1: a regression needs more people than coefficients")
    return [x, m, n]
