"""Two groups' means on their own scale: differences and ratios.

All arguments are arrays of one shape (..., k) or scalars: means `m1i, m2i`, standard deviations `sd1i, sd2i`, people
`n1i, n2i`. NaN, n < 2, sd <= 0 and unequal shapes raise `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, choose, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize, row_average


def two_spreads(sd1i: ArrayLike, n1i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike) -> list[FloatArray]:
    """Standard deviations and sizes of two groups, checked and brought to one shape.

    >>> [x.shape for x in two_spreads([3, 4], 10, 5, 20)]
    [(2,), (2,), (2,), (2,)]
    """
    return together(
        {
            "sd1i": numbers("sd1i", sd1i, gt=0),
            "n1i": numbers("n1i", n1i, ge=2),
            "sd2i": numbers("sd2i", sd2i, gt=0),
            "n2i": numbers("n2i", n2i, ge=2),
        }
    )


def two_means(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> list[FloatArray]:
    """Means, standard deviations and sizes of two groups, checked and brought to one shape.

    >>> two_means(1, 3, 10, 2, 5, 20)[0].item()
    1.0
    """
    s1, n1, s2, n2 = two_spreads(sd1i, n1i, sd2i, n2i)
    given = {"m1i": numbers("m1i", m1i), "sd1i": s1, "n1i": n1, "m2i": numbers("m2i", m2i), "sd2i": s2, "n2i": n2}
    return together(given)


def pooled_sd(sd1i: ArrayLike, n1i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Standard deviation pooled over two groups, weighted by their degrees of freedom.

    >>> round(float(pooled_sd(3, 10, 4, 20)), 4)
    3.7081
    """
    s1, n1, s2, n2 = two_spreads(sd1i, n1i, sd2i, n2i)
    return np.sqrt(((n1 - 1) * s1**2 + (n2 - 1) * s2**2) / (n1 + n2 - 2))


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
    """Difference of means in scale points; variance sd1^2/n1 + sd2^2/n2, or from the pooled SD if `pooled`.

    Borenstein 2009, eq. 12.5 and 12.3.

    >>> mean_difference(12, 3, 30, 10, 4, 40).vi.round(4).item()
    0.7
    """
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
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
    vtype: str = "LS",
) -> EffectSize:
    """Log ratio of two means of the same sign. Hedges, Gurevitch & Curtis 1999, Ecology 80:1150.

    Parameters
    ----------
    corrected : take off the small-sample bias of the logarithms (Lajeunesse 2015, Ecology 96:2056). Without it the
        effect is the log of the ratio a reader computes from the printed means.
    vtype : "LS" (eq. 1 of the source); "HO" from the pooled SD; "AV" with each group's coefficient of variation
        averaged over the batch row; "AVHO" with one coefficient for both groups (Nakagawa et al. 2023, Ecol Lett
        26:232)

    Raises
    ------
    InvalidInput
        A mean that is not above 0, which has no logarithm.

    >>> ratio_of_means(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.1823
    """
    choose("vtype", vtype, _RATIO_SQUARED_CVS)
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    numbers("m1i", m1, gt=0)
    numbers("m2i", m2, gt=0)
    bias = 0.5 * ((s1 / m1) ** 2 / n1 - (s2 / m2) ** 2 / n2) if corrected else 0.0
    c1, c2 = _RATIO_SQUARED_CVS[vtype](m1, s1, n1, m2, s2, n2)
    return EffectSize(np.log(m1) - np.log(m2) + bias, c1 / n1 + c2 / n2)


def _own_cv(*groups: FloatArray) -> tuple[FloatArray, FloatArray]:
    m1, s1, _, m2, s2, _ = groups
    return (s1 / m1) ** 2, (s2 / m2) ** 2


def _cv_of_pooled_sd(*groups: FloatArray) -> tuple[FloatArray, FloatArray]:
    m1, s1, n1, m2, s2, n2 = groups
    s = pooled_sd(s1, n1, s2, n2)
    return (s / m1) ** 2, (s / m2) ** 2


def _average_cv(*groups: FloatArray) -> tuple[FloatArray, FloatArray]:
    m1, s1, n1, m2, s2, n2 = groups
    return row_average(s1 / m1, n1) ** 2, row_average(s2 / m2, n2) ** 2


def _one_average_cv(*groups: FloatArray) -> tuple[FloatArray, FloatArray]:
    m1, s1, n1, m2, s2, n2 = groups
    both = row_average((n1 * s1 / m1 + n2 * s2 / m2) / (n1 + n2), n1 + n2) ** 2
    return both, both


_RATIO_SQUARED_CVS: dict[str, Callable[..., tuple[FloatArray, FloatArray]]] = {
    "LS": _own_cv,
    "HO": _cv_of_pooled_sd,
    "AV": _average_cv,
    "AVHO": _one_average_cv,
}
