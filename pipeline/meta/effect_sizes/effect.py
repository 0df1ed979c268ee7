"""What every measure returns, and two things that many of them need."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, floats, numbers


@dataclass(frozen=True, slots=True)
class EffectSize:
    """Effects and sampling variances, shape (..., k).

    Attributes
    ----------
    yi : effect, group 1 against group 2 (or time 1 against time 2); natural logarithm for ratios
    vi : sampling variance of yi
    """

    yi: FloatArray
    vi: FloatArray


def finite(yi: FloatArray, vi: FloatArray) -> EffectSize:
    """The effect, with NaN for both numbers where one of them is not finite.

    >>> finite(np.array([0.1, np.inf]), np.array([0.2, 0.3])).vi.tolist()
    [0.2, nan]
    """
    known = np.isfinite(yi) & np.isfinite(vi)
    return EffectSize(np.where(known, yi, np.nan)[()], np.where(known, vi, np.nan)[()])


def maybe_numbers(name: str, value: ArrayLike, *, gt: float | None = None, ge: float | None = None) -> FloatArray:
    """As `arrays.numbers`, but NaN passes: a number that is not known.

    >>> maybe_numbers("q1", [3, np.nan]).tolist()
    [3.0, nan]
    """
    x = floats(name, value)
    numbers(name, np.where(np.isnan(x), 1.0, x), gt=gt, ge=ge)
    return x


def row_average(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Weighted mean of each batch row (last axis), kept as an axis of length 1; studies that are NaN are left out.

    >>> row_average(np.array([1.0, 4.0]), np.array([1.0, 2.0])).tolist()
    [3.0]
    """
    x = floats("values", values)
    w = np.where(np.isnan(x), 0.0, weights)
    if not x.ndim:
        return x
    return np.sum(w * np.where(np.isnan(x), 0.0, x), axis=-1, keepdims=True) / np.sum(w, axis=-1, keepdims=True)
