"""The correlation of two normal variables of which only the crossings of two thresholds were counted.

The thresholds are set by the margins, so the correlation solves one equation: P(both crossed) = ai / n. The bivariate
normal probability is Owen's (1956, Ann Math Stat 27:1075). The variance is the delta method of the four multinomial
cells, which for this saturated model is the inverse information.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray

STEPS = 200
ROUNDING = 1e-15  # of the bivariate normal probability
LAST_STEP = 1e-13  # a Newton step this small leaves an error of its square


def bivariate_normal_cdf(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    """P(X <= h, Y <= k) for standard normals with correlation -1 < r < 1, any shape.

    >>> bivariate_normal_cdf(0.0, 0.0, 0.5).round(6).item()
    0.333333
    """
    h, k, r = (np.asarray(x, dtype=np.float64) for x in (h, k, r))
    root = np.sqrt(1 - r**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = special.owens_t(h, (k / h - r) / root) + special.owens_t(k, (h / k - r) / root)
    apart = (h * k < 0) | ((h * k == 0) & (h + k < 0))
    out = (special.ndtr(h) + special.ndtr(k)) / 2 - half - apart / 2
    return np.where((h == 0) & (k == 0), 0.25 + np.arcsin(r) / (2 * np.pi), out)


def tetrachoric(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Correlation, its variance and whether the iteration converged, from the four cells (any shape).

    1 or -1 with a variance of NaN where one cell of a diagonal is empty; NaN where a margin is empty.

    >>> r, vi, converged = tetrachoric(*(np.array(x) for x in (30.0, 20.0, 20.0, 30.0)))
    >>> r.round(4).item()
    0.309
    """
    n = a + b + c + d
    with np.errstate(divide="ignore", invalid="ignore"):
        h, k = special.ndtri((a + b) / n), special.ndtri((a + c) / n)
    open_ = np.isfinite(h) & np.isfinite(k) & (np.minimum(np.minimum(a, b), np.minimum(c, d)) > 0)
    h0, k0 = np.where(open_, h, 0.0), np.where(open_, k, 0.0)
    share = np.where(open_, a / np.where(n > 0, n, 1.0), 0.25)
    r, converged = _solve(h0, k0, share)
    vi = _variance(a, b, c, n, h0, k0, r)
    edge = np.where((b * c == 0) & (a * d > 0), 1.0, np.where((a * d == 0) & (b * c > 0), -1.0, np.nan))
    return np.where(open_, r, edge), np.where(open_, vi, np.nan), converged | ~open_


def _solve(h: FloatArray, k: FloatArray, share: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Newton steps, halved back into a bracket that always holds the root (near 1 the density can vanish)."""
    low, high = np.full(h.shape, -1.0), np.full(h.shape, 1.0)
    r = np.zeros(h.shape)
    moved = np.full(h.shape, np.inf)
    at_root = np.zeros(h.shape, dtype=bool)
    for _ in range(STEPS):
        gap = bivariate_normal_cdf(h, k, r) - share
        low, high = np.where(gap < 0, r, low), np.where(gap < 0, high, r)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            step = r - gap / _density(h, k, r)
        at_root = np.abs(gap) <= ROUNDING / 10
        inside = (step >= low) & (step <= high)
        new = np.where(at_root, r, np.where(inside, step, (low + high) / 2))
        moved, r = np.abs(new - r), new
        if (at_root | (moved <= LAST_STEP)).all():
            break
    return r, at_root | (moved <= LAST_STEP)


def _density(h: FloatArray, k: FloatArray, r: FloatArray) -> FloatArray:
    square = 1 - r**2
    return np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * square)) / (2 * np.pi * np.sqrt(square))


def _variance(
    a: FloatArray, b: FloatArray, c: FloatArray, n: FloatArray, h: FloatArray, k: FloatArray, r: FloatArray
) -> FloatArray:
    root = np.sqrt(1 - r**2)
    of_row, of_column = special.ndtr((k - r * h) / root), special.ndtr((h - r * k) / root)
    weights = (1 - of_row - of_column, -of_row, -of_column)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = sum(w * x for w, x in zip(weights, (a, b, c), strict=True)) / n
        square = sum(w**2 * x for w, x in zip(weights, (a, b, c), strict=True)) / n
        return (square - mean**2) / (n * _density(h, k, r) ** 2)
