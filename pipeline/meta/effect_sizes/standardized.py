"""Standardised differences of two groups' means: over the pooled SD, the average SD or one group's SD.

All arguments are arrays of one shape (..., k) or scalars. NaN, n < 2 and sd <= 0 raise `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, choose, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize, row_average
from pipeline.meta.effect_sizes.means import pooled_sd, two_means
from pipeline.meta.effect_sizes.small_sample import CORRECTIONS, exact_j


def _vtype_ls(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray, m: FloatArray,
              behind: FloatArray) -> FloatArray:  # fmt: skip
    return 1 / n1 + 1 / n2 + g**2 / (2 * behind)


def _vtype_ls2(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray, m: FloatArray,
               behind: FloatArray) -> FloatArray:  # fmt: skip
    return j**2 * (1 / n1 + 1 / n2 + d**2 / (2 * behind))


def _vtype_ub(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray, m: FloatArray,
              behind: FloatArray) -> FloatArray:  # fmt: skip
    return 1 / n1 + 1 / n2 + (1 - (m - 2) / (m * exact_j(m) ** 2)) * g**2


def _vtype_av(d: FloatArray, g: FloatArray, j: FloatArray, n1: FloatArray, n2: FloatArray, m: FloatArray,
              behind: FloatArray) -> FloatArray:  # fmt: skip
    return 1 / n1 + 1 / n2 + row_average(g, n1 + n2) ** 2 / (2 * behind)


# LS: Hedges 1982, Psychol Bull 92:490, eq. 8 at g. LS2: Borenstein 2009, eq. 12.17-18. UB: Hedges 1983, Psychol Bull
# 93:388. AV: LS at the n-weighted average effect of the batch row (Hunter & Schmidt 2004). `m`: degrees of freedom of
# the SD that standardises, `behind`: the people behind it.
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

    >>> hedges_g(0.5, 20, 22).yi.round(4).item()
    0.4906
    """
    d, n1, n2 = together({"d": numbers("d", d), "n1i": numbers("n1i", n1i, ge=2), "n2i": numbers("n2i", n2i, ge=2)})
    return _corrected(d, n1, n2, n1 + n2 - 2, n1 + n2, correction, vtype)


def _corrected(
    d: FloatArray, n1: FloatArray, n2: FloatArray, df: FloatArray, behind: FloatArray, correction: str, vtype: str
) -> EffectSize:
    choose("correction", correction, CORRECTIONS)
    choose("vtype", vtype, VTYPES)
    j = CORRECTIONS[correction](df)
    g = j * d
    return EffectSize(g, VTYPES[vtype](d, g, j, n1, n2, df, behind))


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
    """Hedges' g from means, standard deviations and group sizes. See `hedges_g` for the options.

    >>> standardized_mean_difference(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.5482
    """
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return hedges_g((m1 - m2) / pooled_sd(s1, n1, s2, n2), n1, n2, correction=correction, vtype=vtype)


def standardized_mean_difference_unequal_variances(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    correction: str = "exact",
) -> EffectSize:
    """Difference over the root of the average variance, for groups of unequal spread.

    Bonett 2008, Psychol Methods 13:99. The correction takes n1 + n2 - 2 degrees of freedom (Bonett 2009, Psychol
    Methods 14:225).

    >>> standardized_mean_difference_unequal_variances(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.5594
    """
    choose("correction", correction, CORRECTIONS)
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    square = (s1**2 + s2**2) / 2
    g = CORRECTIONS[correction](n1 + n2 - 2) * (m1 - m2) / np.sqrt(square)
    spread = g**2 * (s1**4 / (n1 - 1) + s2**4 / (n2 - 1)) / (8 * square**2)
    return EffectSize(g, spread + (s1**2 / (n1 - 1) + s2**2 / (n2 - 1)) / square)


def glass_delta(
    m1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    correction: str = "exact",
    vtype: str = "LS",
) -> EffectSize:
    """Difference over the standard deviation of group 2 alone. Hedges 1981, J Educ Stat 6:107.

    >>> glass_delta(12, 30, 10, 4, 40).yi.round(4).item()
    0.4903
    """
    given = {"m1i": numbers("m1i", m1i), "n1i": numbers("n1i", n1i, ge=2), "m2i": numbers("m2i", m2i)}
    given |= {"sd2i": numbers("sd2i", sd2i, gt=0), "n2i": numbers("n2i", n2i, ge=3)}
    m1, n1, m2, s2, n2 = together(given)
    return _corrected((m1 - m2) / s2, n1, n2, n2 - 1, n2, correction, vtype)


def glass_delta_unequal_variances(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    correction: str = "exact",
) -> EffectSize:
    """`glass_delta` whose variance lets the groups' spreads differ. Bonett 2008, Psychol Methods 13:99.

    >>> glass_delta_unequal_variances(12, 3, 30, 10, 4, 40).vi.round(4).item()
    0.0481
    """
    choose("correction", correction, CORRECTIONS)
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    numbers("n2i", n2, ge=3)
    g = CORRECTIONS[correction](n2 - 1) * (m1 - m2) / s2
    return EffectSize(g, (s1 / s2) ** 2 / (n1 - 1) + 1 / (n2 - 1) + g**2 / (2 * (n2 - 1)))
