"""Change of the same people between two times, or matched pairs, on a scale.

`m1i, sd1i` at time 1, `m2i, sd2i` at time 2, `ri` the correlation of the two, `ni` people. The effect is time 1 minus
time 2, as the field's software has it. A change without a control is not an effect of a programme. Where only
the change and its SD are printed: `m2i = sd2i = ri = 0` with the change as `m1i` and its SD as `sd1i`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, choose, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.small_sample import CORRECTIONS

_VTYPES = {"LS": 0, "LS2": 1}


def mean_change(
    m1i: ArrayLike, sd1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, ri: ArrayLike, ni: ArrayLike
) -> EffectSize:
    """Change in scale points.

    >>> mean_change(10, 3, 8, 4, 0.5, 30).vi.round(4).item()
    0.4333
    """
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni, least=2)
    return EffectSize(m1 - m2, (s1**2 + s2**2 - 2 * r * s1 * s2) / n)


def change_score_standardized(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    correction: str = "exact",
    vtype: str = "LS",
) -> EffectSize:
    """Change over the SD of the changes. Gibbons, Hedeker & Davis 1993, J Educ Stat 18:271.

    See `change_standardized_from_d` for the options.

    >>> change_score_standardized(10, 3, 8, 4, 0.5, 30).yi.round(4).item()
    0.5402
    """
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni)
    spread = numbers("SD of the changes", np.sqrt(s1**2 + s2**2 - 2 * r * s1 * s2), gt=0)
    return change_standardized_from_d((m1 - m2) / spread, n, correction=correction, vtype=vtype)


def change_standardized_from_d(
    d: ArrayLike, ni: ArrayLike, *, correction: str = "exact", vtype: str = "LS"
) -> EffectSize:
    """A change already divided by the SD of the changes (a paired t is d sqrt(n)), corrected, with its variance.

    Parameters
    ----------
    correction : key of CORRECTIONS
    vtype : "LS" 1/n + g^2 / 2n; "LS2" J^2 (1/n + d^2 / 2n) (Borenstein 2009)

    >>> change_standardized_from_d(0.5, 30).yi.round(4).item()
    0.4869
    """
    choose("vtype", vtype, _VTYPES)
    choose("correction", correction, CORRECTIONS)
    d, n = together({"d": numbers("d", d), "ni": numbers("ni", ni, ge=3)})
    j = CORRECTIONS[correction](n - 1)
    return _with_variance(d, j, 1 / n, n, vtype)


def raw_score_standardized(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    correction: str = "exact",
    vtype: str = "LS",
) -> EffectSize:
    """Change over the SD of time 1. Becker 1988, Br J Math Stat Psychol 41:257; Morris 2000, ibid. 53:17.

    See `change_standardized_from_d` for the options.

    >>> raw_score_standardized(10, 3, 8, 0.5, 30).yi.round(4).item()
    0.6492
    """
    choose("vtype", vtype, _VTYPES)
    choose("correction", correction, CORRECTIONS)
    m1, s1, m2, _, r, n = _times(m1i, sd1i, m2i, 0.0, ri, ni)
    return _with_variance((m1 - m2) / s1, CORRECTIONS[correction](n - 1), 2 * (1 - r) / n, n, vtype)


def raw_score_standardized_unequal_variances(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    correction: str = "exact",
) -> EffectSize:
    """`raw_score_standardized` whose variance lets the spread change. Bonett 2008, Psychol Methods 13:99.

    >>> raw_score_standardized_unequal_variances(10, 3, 8, 4, 0.5, 30).vi.round(4).item()
    0.0571
    """
    choose("correction", correction, CORRECTIONS)
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni)
    g = CORRECTIONS[correction](n - 1) * (m1 - m2) / s1
    return EffectSize(g, (s1**2 + s2**2 - 2 * r * s1 * s2) / (s1**2 * (n - 1)) + g**2 / (2 * (n - 1)))


def average_score_standardized(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    correction: str = "exact",
) -> EffectSize:
    """Change over the root of the two times' average variance, which has 2 (n - 1) / (1 + r^2) degrees of freedom.

    Cousineau 2020, Quant Meth Psychol 16:418.

    >>> average_score_standardized(10, 3, 8, 4, 0.5, 30).yi.round(4).item()
    0.5565
    """
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni)
    g = _over_average(m1, s1, m2, s2, r, n, correction)
    return EffectSize(g, 2 * (1 - r) / n + g**2 * (1 + r**2) / (4 * n))


def average_score_standardized_unequal_variances(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    correction: str = "exact",
) -> EffectSize:
    """`average_score_standardized` whose variance lets the spread change. Bonett 2008, Psychol Methods 13:99.

    >>> average_score_standardized_unequal_variances(10, 3, 8, 4, 0.5, 30).vi.round(4).item()
    0.0394
    """
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni)
    g = _over_average(m1, s1, m2, s2, r, n, correction)
    square = (s1**2 + s2**2) / 2
    spread = g**2 * (s1**4 + s2**4 + 2 * r**2 * s1**2 * s2**2) / (8 * square**2)
    return EffectSize(g, (spread + (s1**2 + s2**2 - 2 * r * s1 * s2) / square) / (n - 1))


def change_ratio_of_means(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    ri: ArrayLike,
    ni: ArrayLike,
    *,
    corrected: bool = True,
) -> EffectSize:
    """Log ratio of the two times' positive means. Lajeunesse 2011, Ecology 92:2049.

    `corrected` takes off the small-sample bias of the logarithms (Lajeunesse 2015, Ecology 96:2056).

    >>> change_ratio_of_means(10, 3, 8, 4, 0.5, 30, corrected=False).yi.round(4).item()
    0.2231
    """
    m1, s1, m2, s2, r, n = _times(m1i, sd1i, m2i, sd2i, ri, ni, least=2)
    c1, c2 = s1 / numbers("m1i", m1, gt=0), s2 / numbers("m2i", m2, gt=0)
    bias = (c1**2 - c2**2) / (2 * n) if corrected else 0.0
    return EffectSize(np.log(m1 / m2) + bias, (c1**2 + c2**2 - 2 * r * c1 * c2) / n)


def change_variability_ratio(sd1i: ArrayLike, sd2i: ArrayLike, ri: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Log ratio of the two times' standard deviations. Nakagawa et al. 2015, Methods Ecol Evol 6:143.

    >>> change_variability_ratio(3, 4, 0.5, 30).yi.round(4).item()
    -0.2877
    """
    _, s1, _, s2, r, n = _times(0.0, sd1i, 0.0, sd2i, ri, ni, least=2)
    return EffectSize(np.log(s1 / numbers("sd2i", s2, gt=0)), (1 - r**2) / (n - 1))


def change_coefficient_of_variation_ratio(
    m1i: ArrayLike, sd1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, ri: ArrayLike, ni: ArrayLike
) -> EffectSize:
    """Log ratio of the two times' coefficients of variation, of positive means. Nakagawa et al. 2015.

    >>> change_coefficient_of_variation_ratio(10, 3, 8, 4, 0.5, 30).yi.round(4).item()
    -0.5108
    """
    spread = change_variability_ratio(sd1i, sd2i, ri, ni)
    level = change_ratio_of_means(m1i, sd1i, m2i, sd2i, ri, ni, corrected=False)
    return EffectSize(spread.yi - level.yi, spread.vi + level.vi)


def _times(
    m1i: ArrayLike, sd1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, ri: ArrayLike, ni: ArrayLike, least: int = 3
) -> list[FloatArray]:
    given = {"m1i": numbers("m1i", m1i), "sd1i": numbers("sd1i", sd1i, gt=0), "m2i": numbers("m2i", m2i)}
    given |= {"sd2i": numbers("sd2i", sd2i, ge=0), "ri": numbers("ri", ri, ge=-1, le=1)}
    return together(given | {"ni": numbers("ni", ni, ge=least)})


def _with_variance(d: FloatArray, j: FloatArray, base: FloatArray, n: FloatArray, vtype: str) -> EffectSize:
    g = j * d
    return EffectSize(g, base + g**2 / (2 * n) if vtype == "LS" else j**2 * (base + d**2 / (2 * n)))


def _over_average(
    m1: FloatArray, s1: FloatArray, m2: FloatArray, s2: FloatArray, r: FloatArray, n: FloatArray, correction: str
) -> FloatArray:
    choose("correction", correction, CORRECTIONS)
    return CORRECTIONS[correction](2 * (n - 1) / (1 + r**2)) * (m1 - m2) / np.sqrt((s1**2 + s2**2) / 2)
