"""Credible intervals of distributions given by their quantiles and density."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.meta.arrays import FloatArray, probability

Function = Callable[[FloatArray], FloatArray]
Limits = tuple[FloatArray, FloatArray]
SCAN = np.concatenate([[0.0], np.linspace(0, 1, 15)[1:-1], [1.0]])


def central(quantile: Function, density: Function, level: float, bounded: bool) -> Limits:
    """As much probability below the interval as above it."""
    tail = probability(level) / 2
    limits = quantile(np.array([tail, 1 - tail]))
    return limits[..., 0], limits[..., 1]


def shortest(quantile: Function, density: Function, level: float, bounded: bool) -> Limits:
    """Highest-density interval: the shortest that holds `level` percent.

    At its ends the density is the same, unless it starts at the bound 0. The best of 15 starts, then bracketed secant
    steps (Illinois) on the difference of the densities as a function of the probability below.
    """
    alpha = probability(level)
    tails = alpha * SCAN[0 if bounded else 1 : -1]
    length = quantile(tails + 1 - alpha) - quantile(tails)
    best = np.argmin(length, axis=-1)[..., None]
    edge = 0.0 if bounded else alpha * 1e-9
    lo = np.where(best == 0, edge, tails[np.maximum(best - 1, 0)])
    last = len(tails) - 1
    hi = np.where(best == last, alpha * (1 - 1e-9), tails[np.minimum(best + 1, last)])

    def gap(p: FloatArray) -> FloatArray:
        return density(quantile(p + 1 - alpha)) - density(quantile(p))

    p = _falls_through_zero(gap, lo, hi)
    return quantile(p)[..., 0], quantile(p + 1 - alpha)[..., 0]


CREDIBLE: dict[str, Callable[[Function, Function, float, bool], Limits]] = {"shortest": shortest, "central": central}


def _falls_through_zero(f: Function, lo: FloatArray, hi: FloatArray) -> FloatArray:
    """Where f falls from > 0 to < 0; `lo` where it is negative already there, `hi` where it is still positive."""
    with np.errstate(invalid="ignore"):
        f_lo, f_hi = f(lo), f(hi)
    fixed = np.where(f_lo <= 0, lo, np.where(f_hi >= 0, hi, np.nan))
    for i in range(100):
        with np.errstate(invalid="ignore", divide="ignore"):
            x = hi - f_hi * (hi - lo) / (f_hi - f_lo)
        x = np.where((x > lo) & (x < hi) & (i % 4 != 3), x, (lo + hi) / 2)
        x = np.where(np.isnan(fixed), x, fixed)
        y = f(x)
        low = y > 0
        lo, f_lo, f_hi = np.where(low, x, lo), np.where(low, y, f_lo), np.where(low, f_hi / 2, f_hi)
        hi, f_hi, f_lo = np.where(low, hi, x), np.where(low, f_hi, y), np.where(low, f_lo, f_lo / 2)
        done = (y == 0) | ~np.isnan(fixed) | (hi - lo <= 1e-11 * hi)
        fixed = np.where((y == 0) & np.isnan(fixed), x, fixed)
        if done.all():
            break
    return np.where(np.isnan(fixed), (lo + hi) / 2, fixed)
