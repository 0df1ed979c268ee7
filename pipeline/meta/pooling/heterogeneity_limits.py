"""Test-based limits of H and I2 from Cochran's Q alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class HeterogeneityLimits:
    """H and I2 from Q with their intervals, each field of the batch's shape (...).

    Attributes
    ----------
    H, H_lb, H_ub : sqrt(Q / df) and limits, none below 1; NaN where df is 0, limits NaN also where df is 1 and Q <= 2
    I2, I2_lb, I2_ub : (H^2 - 1) / H^2 of these, as percent
    """

    H: FloatArray
    H_lb: FloatArray
    H_ub: FloatArray
    I2: FloatArray
    I2_lb: FloatArray
    I2_ub: FloatArray


def heterogeneity_limits(Q: ArrayLike, df: ArrayLike, *, level: float = 95) -> HeterogeneityLimits:
    """Normal interval of log H. Higgins & Thompson 2002, Stat Med 21:1539, appendix A2.

    With k = df + 1 studies the standard error of log H is (log Q - log(k - 1)) / (2 (sqrt(2Q) - sqrt(2k - 3))) where
    Q > k, and else sqrt((1 - 1 / (3 (k - 2)^2)) / (2 (k - 2))).

    Parameters
    ----------
    Q : Cochran's Q, (...)
    df : its degrees of freedom, whole numbers, (...)
    level : of the intervals, percent

    Examples
    --------
    >>> h = heterogeneity_limits(152.233, 12)
    >>> round(float(h.H), 3), round(float(h.H_lb), 3), round(float(h.I2_ub), 2)
    (3.562, 2.926, 94.68)
    """
    q, d = numbers("Q", Q, ge=0), numbers("df", df, ge=0)
    try:
        q, d = np.broadcast_arrays(q, d)
    except ValueError:
        raise InvalidInput(f"shapes differ: Q {q.shape}, df {d.shape}") from None
    k = d + 1
    with np.errstate(divide="ignore", invalid="ignore"):
        large = (np.log(q) - np.log(d)) / (2 * (np.sqrt(2 * q) - np.sqrt(2 * k - 3)))
        small = np.sqrt((1 - 1 / (3 * (k - 2) ** 2)) / (2 * (k - 2)))
        se = np.where(q > k, large, np.where(k > 2, small, np.nan))
        log_h = np.where(d > 0, np.log(np.sqrt(q / d)), np.nan)
    log_h = np.maximum(log_h, 0.0)
    half = quantile(level, np.nan) * se
    h = [np.exp(np.maximum(x, 0.0)) for x in (log_h, log_h - half, log_h + half)]
    i2 = [100 * (x**2 - 1) / x**2 for x in h]
    return HeterogeneityLimits(*(x[()] for x in (*h, *i2)))
