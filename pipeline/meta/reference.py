"""Intervals and tests from an estimate, its standard error and a reference distribution.

`df` is NaN where the reference is the standard normal.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, floats, probability


def quantile(level: float, df: ArrayLike) -> FloatArray:
    """Two-sided critical value at `level` percent; NaN where df < 1."""
    tail = probability(level) / 2
    d = np.asarray(df, dtype=np.float64)
    t = -special.stdtrit(np.where(d >= 1, d, 1.0), tail)
    return np.where(np.isnan(d), -special.ndtri(tail), np.where(d >= 1, t, np.nan))


def two_sided_p(statistic: ArrayLike, df: ArrayLike) -> FloatArray:
    """Two-sided p of a t (df >= 1) or z (df NaN) statistic."""
    x, d = np.abs(floats("statistic", statistic)), floats("df", df)
    t = 2 * special.stdtr(np.where(d >= 1, d, 1.0), -x)
    return np.where(np.isnan(d), 2 * special.ndtr(-x), np.where(d >= 1, t, np.nan))
