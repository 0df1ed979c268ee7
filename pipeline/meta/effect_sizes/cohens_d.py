"""The standardised difference of two groups of people, with an exact interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from pipeline.meta.arrays import InvalidInput, numbers, probability
from pipeline.meta.effect_sizes.means import pooled_sd
from pipeline.meta.effect_sizes.small_sample import approximate_j, exact_j


@dataclass(frozen=True, slots=True)
class CohensD:
    """Standardised difference of two independent groups.

    Attributes
    ----------
    d : difference of means over the pooled standard deviation
    d_lb, d_ub : limits from the noncentral t distribution
    j, j_approximate : Hedges' correction, exact and 1 - 3 / (4 m - 1)
    g : j d
    """

    d: float
    d_lb: float
    d_ub: float
    j: float
    j_approximate: float
    g: float


def cohens_d(x: ArrayLike, y: ArrayLike, *, level: float = 95) -> CohensD:
    """Cohen's d of two groups' values. Interval: Hedges & Olkin 1985; Cumming & Finch 2001.

    Raises
    ------
    InvalidInput
        Fewer than two values in a group, NaN, or no spread.

    >>> round(cohens_d([5, 7, 9, 8], [3, 4, 6]).d, 4)
    1.7805
    """
    a, b = numbers("x", x), numbers("y", y)
    if a.ndim != 1 or b.ndim != 1 or min(len(a), len(b)) < 2:
        raise InvalidInput("each group needs at least 2 values on one axis")
    n1, n2 = len(a), len(b)
    m = n1 + n2 - 2
    d = float((a.mean() - b.mean()) / pooled_sd(a.std(ddof=1), n1, b.std(ddof=1), n2))
    unit = float(np.sqrt(1 / n1 + 1 / n2))
    tail = probability(level) / 2
    lb, ub = (unit * _noncentrality(d / unit, m, p) for p in (1 - tail, tail))
    j = float(exact_j(m))
    return CohensD(d, lb, ub, j, float(approximate_j(m)), j * d)


def _noncentrality(t: float, df: int, p: float) -> float:
    """Noncentrality at which P(T <= t) = p."""
    reach = 10 + abs(t)
    return float(optimize.brentq(lambda nc: special.nctdtr(df, nc, t) - p, t - reach, t + reach, xtol=1e-13))
