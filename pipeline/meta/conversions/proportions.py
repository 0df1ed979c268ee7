"""Proportions to the scales on which they are pooled, and back."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, numbers, together


def logit(p: ArrayLike) -> FloatArray:
    """Log odds of a proportion; infinite at 0 and 1.

    >>> logit(0.3).round(4).item()
    -0.8473
    """
    return np.asarray(special.logit(numbers("p", p, ge=0, le=1)))[()]


def inverse_logit(x: ArrayLike) -> FloatArray:
    """Proportion from log odds.

    >>> inverse_logit(-0.8473).round(4).item()
    0.3
    """
    return np.asarray(special.expit(numbers("x", x)))[()]


def arcsine(p: ArrayLike) -> FloatArray:
    """Arcsine of the root of a proportion.

    >>> arcsine(0.3).round(4).item()
    0.5796
    """
    return np.asarray(np.arcsin(np.sqrt(numbers("p", p, ge=0, le=1))))[()]


def inverse_arcsine(x: ArrayLike) -> FloatArray:
    """Proportion from `arcsine`; what lies outside 0 to pi/2 is 0 or 1.

    >>> inverse_arcsine(0.5796).round(4).item()
    0.3
    """
    return np.asarray(np.sin(np.clip(numbers("x", x), 0, np.pi / 2)) ** 2)[()]


def double_arcsine(p: ArrayLike, n: ArrayLike) -> FloatArray:
    """Freeman-Tukey double arcsine of the proportion `p` of `n` people. Freeman & Tukey 1950, Ann Math Stat 21:607.

    >>> double_arcsine(0.3, 40).round(4).item()
    0.5849
    """
    share, people = together({"p": numbers("p", p, ge=0, le=1), "n": numbers("n", n, gt=0)})
    x = share * people
    return np.asarray((np.arcsin(np.sqrt(x / (people + 1))) + np.arcsin(np.sqrt((x + 1) / (people + 1)))) / 2)[()]


def inverse_double_arcsine(x: ArrayLike, n: ArrayLike) -> FloatArray:
    """Proportion from `double_arcsine` at `n` people. Miller 1978, Am Stat 32:138.

    A value below that of no event, or above that of all people, gives 0 or 1.

    >>> inverse_double_arcsine(double_arcsine(0.3, 40), 40).round(4).item()
    0.3
    """
    y, people = together({"x": numbers("x", x), "n": numbers("n", n, gt=0)})
    low, high = double_arcsine(np.zeros_like(people), people), double_arcsine(np.ones_like(people), people)
    y = np.clip(y, low, high)
    sine, cosine = np.sin(2 * y), np.cos(2 * y)
    with np.errstate(divide="ignore", invalid="ignore"):
        root = np.sqrt(np.maximum(1 - (sine + (sine - 1 / sine) / people) ** 2, 0))
    share = np.where(y <= low, 0.0, np.where(y >= high, 1.0, (1 - np.sign(cosine) * root) / 2))
    return np.asarray(share)[()]


def inverse_double_arcsine_pooled(x: ArrayLike, ni: ArrayLike) -> FloatArray:
    """`inverse_double_arcsine` at the harmonic mean of the studies' sizes, for a pooled value. Miller 1978.

    Parameters
    ----------
    x : pooled values, any shape
    ni : people of the studies, one axis

    >>> inverse_double_arcsine_pooled(0.58, [20, 50, 100]).round(4).item()
    0.2951
    """
    people = numbers("ni", ni, gt=0)
    return inverse_double_arcsine(x, people.size / np.sum(1 / people))
