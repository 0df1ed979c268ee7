"""Hedges' correction of standardised differences for small samples."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, numbers


def exact_j(df: ArrayLike) -> FloatArray:
    """Hedges' correction J = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)). Hedges 1981, J Educ Stat 6:107, eq. 6e.

    >>> round(float(exact_j(10)), 6)
    0.922746
    """
    m = numbers("df", df, gt=1)
    return np.exp(special.gammaln(m / 2) - special.gammaln((m - 1) / 2) - 0.5 * np.log(m / 2))


def approximate_j(df: ArrayLike) -> FloatArray:
    """J = 1 - 3 / (4 m - 1). Hedges 1981, p. 114.

    >>> round(float(approximate_j(10)), 6)
    0.923077
    """
    return np.asarray(1 - 3 / (4 * numbers("df", df, gt=1) - 1))


CORRECTIONS: dict[str, Callable[[ArrayLike], FloatArray]] = {
    "exact": exact_j,
    "approximate": approximate_j,
    "none": lambda df: np.ones_like(np.asarray(df, dtype=np.float64)),
}
