"""Combination of independent p values into one test of "no effect in any study". To add one: a row of P_COMBINATIONS.

A small combined p says that some study has an effect, not how large or in how many; it is no substitute for a pooled
effect. All p values must be one-sided in the same direction, or the directions are lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special, stats

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, floats, numbers, switches


@dataclass(frozen=True, slots=True)
class CombinedP:
    """A combined test, each field of the batch's shape (...).

    Attributes
    ----------
    statistic : chi-square (fisher), z (stouffer), smallest p (tippett), the reversed chi-square (pearson), t (logit),
        sum (edgington); infinite where a p value of 0 or 1 makes it so
    p : combined p value
    k : p values
    method : in words
    """

    statistic: FloatArray
    p: FloatArray
    k: FloatArray
    method: str


def fisher(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """-2 sum log p, chi-square on 2k. Fisher 1932, Statistical Methods for Research Workers, section 21.1."""
    with np.errstate(divide="ignore"):
        statistic = -2 * np.where(on, np.log(p), 0.0).sum(-1)
    return statistic, special.chdtrc(2 * on.sum(-1), statistic)


def stouffer(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted sum of z over the root of the sum of squared weights. Stouffer et al. 1949; Liptak 1958."""
    w = np.where(on, weights, 0.0)
    z = np.where(on, -special.ndtri(p), 0.0)
    statistic = (w * z).sum(-1) / np.sqrt((w**2).sum(-1))
    return statistic, special.ndtr(-statistic)


def tippett(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Smallest p, 1 - (1 - p)^k. Tippett 1931, The Methods of Statistics."""
    smallest = np.where(on, p, np.inf).min(-1)
    with np.errstate(divide="ignore"):
        return smallest, -np.expm1(on.sum(-1) * np.log1p(-smallest))


def pearson(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """-2 sum log(1 - p), lower tail of chi-square on 2k. Pearson 1933, Biometrika 25:379."""
    with np.errstate(divide="ignore"):
        statistic = -2 * np.where(on, np.log1p(-p), 0.0).sum(-1)
    return statistic, special.chdtr(2 * on.sum(-1), statistic)


def logit(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum of logits against t on 5k + 4. Mudholkar & George 1979, in Optimizing Methods in Statistics."""
    k = on.sum(-1)
    total = -np.where(on, special.logit(p), 0.0).sum(-1)
    df = 5 * k + 4
    statistic = total * np.sqrt(3 * df / (k * np.pi**2 * (5 * k + 2)))
    return statistic, special.stdtr(df, -statistic)


def edgington(p: FloatArray, on: BoolArray, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sum of the p values against the sum of as many uniform numbers. Edgington 1972, J Psychol 80:351."""
    total = np.where(on, p, 0.0).sum(-1)
    return total, np.asarray(stats.irwinhall.cdf(total, on.sum(-1)))


P_COMBINATIONS: dict[str, Callable[[FloatArray, BoolArray, FloatArray], tuple[FloatArray, FloatArray]]] = {
    "fisher": fisher,
    "stouffer": stouffer,
    "tippett": tippett,
    "pearson": pearson,
    "logit": logit,
    "edgington": edgington,
}


def combine_p(
    p: ArrayLike, *, method: str = "fisher", weights: ArrayLike | None = None, mask: ArrayLike | None = None
) -> CombinedP:
    """Combine independent p values on the last axis.

    Parameters
    ----------
    p : one-sided p values in [0, 1], (..., k)
    method : key of P_COMBINATIONS
    weights : > 0, broadcast with p, for "stouffer" only; None for equal weights
    mask : True where a p value takes part; the others are not looked at

    Raises
    ------
    InvalidInput
        A p outside [0, 1], none at all, an unknown method, weights where the method has none, both 0 and 1 among the
        p values of "stouffer" or "logit".

    Examples
    --------
    >>> r = combine_p([0.01, 0.2, 0.03], method="stouffer")
    >>> round(float(r.statistic), 4), round(float(r.p), 4)
    (2.9149, 0.0018)
    """
    choose("method", method, P_COMBINATIONS)
    given = floats("p", p)
    if given.ndim == 0:
        raise InvalidInput("p must be an array with the p values on its last axis")
    on: BoolArray = np.ones(1, dtype=bool) if mask is None else switches("mask", mask)
    try:
        given, on = np.broadcast_arrays(given, on)
    except ValueError:
        raise InvalidInput(f"shapes differ: p {given.shape}, mask {on.shape}") from None
    if given.shape[-1] == 0 or not on.any(-1).all():
        raise InvalidInput("no p value: there is nothing to combine")
    values = numbers("p", np.where(on, given, 0.5), ge=0, le=1)
    if weights is not None and method != "stouffer":
        raise InvalidInput(f"weights: only stouffer has weights, not {method}")
    w = np.broadcast_to(numbers("weights", 1.0 if weights is None else weights, gt=0), values.shape)
    both = (on & (values == 0)).any(-1) & (on & (values == 1)).any(-1)
    if method in ("stouffer", "logit") and both.any():
        raise InvalidInput(f"p has both 0 and 1: {method} is not defined")
    statistic, combined = P_COMBINATIONS[method](values, on, w)
    return CombinedP(np.asarray(statistic)[()], np.asarray(combined)[()], on.sum(-1)[()], method)
