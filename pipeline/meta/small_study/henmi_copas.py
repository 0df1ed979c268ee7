"""Henmi-Copas interval: the common-effect mean, less swayed by small studies, with an interval for random effects.

Henmi & Copas 2010, Stat Med 29:2969. The mean takes the weights 1 / vi; heterogeneity enters its error only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, probability
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(80)
_RANGE = 10.0  # standard normal deviates beyond the start that still count
_BISECTIONS = 60


@dataclass(frozen=True, slots=True)
class HenmiCopas:
    """A pooled effect; every field has the batch's shape (...).

    Attributes
    ----------
    estimate, se : inverse-variance mean and its standard error under heterogeneity tau2
    ci_lb, ci_ub : interval
    critical : its half width in standard errors
    p : two-sided test of no effect
    tau2 : DerSimonian-Laird estimate
    k : studies
    """

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    critical: FloatArray
    p: FloatArray
    tau2: FloatArray
    k: IntArray


def henmi_copas(yi: ArrayLike, vi: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None) -> HenmiCopas:
    """Pooled effect with the interval of Henmi and Copas.

    With R the standardised error of the mean and Q Cochran's statistic, the estimate's error in units of its estimated
    standard error is a function of R and Q. Q given R is taken as gamma with its exact mean and variance.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    level : of the interval, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        See `studies`; fewer than two studies.

    Examples
    --------
    >>> m = henmi_copas([0.2, 0.5, -0.1, 0.4], [0.02, 0.05, 0.03, 0.08])
    >>> round(float(m.ci_ub), 4)
    0.4953
    """
    tail = probability(level) / 2
    s = studies(yi, vi, None, mask)
    if s.k.min() < 2:
        raise InvalidInput("the interval of Henmi and Copas needs at least 2 studies")
    tau2, _ = TAU2_ESTIMATORS["DL"](s)
    w = s.present / s.v
    total = w.sum(-1)
    estimate = (w * s.y).sum(-1) / total
    se = np.sqrt((1 + tau2 * (w**2).sum(-1) / total) / total)
    critical = _critical(s, tau2, np.full(tau2.shape, tail))
    half = critical * se
    p = np.minimum(1, 2 * _tail(s, tau2, np.abs(estimate) / se))
    return HenmiCopas(
        estimate=estimate[()],
        se=se[()],
        ci_lb=(estimate - half)[()],
        ci_ub=(estimate + half)[()],
        critical=critical[()],
        p=p[()],
        tau2=tau2[()],
        k=s.k[()],
    )


def _critical(s: Studies, tau2: FloatArray, tail: FloatArray) -> FloatArray:
    """The u with P(U > u) = tail, by bisection of a decreasing function."""
    low, high = np.zeros(tau2.shape), np.full(tau2.shape, 4.0)
    for _ in range(_BISECTIONS):
        if np.all(_tail(s, tau2, high) < tail):
            break
        high = np.where(_tail(s, tau2, high) < tail, high, 2 * high)
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2
        above = _tail(s, tau2, middle) > tail
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.asarray((low + high) / 2)


def _tail(s: Studies, tau2: FloatArray, u: FloatArray) -> FloatArray:
    """P(U > u) for u >= 0, U = (estimate - mean) / estimated standard error.

    U > u asks for R >= u / sqrt(1 + tau2 c), as the estimated tau2 is at least 0, and for a Q small enough.
    """
    w = s.present / s.v
    w1, w2 = w.sum(-1), (w**2).sum(-1)
    c = w2 / w1
    inflation = 1 + tau2 * c
    start = u / np.sqrt(inflation)
    r = start[..., None] + _RANGE / 2 * (1 + _NODES)
    density = np.exp(-0.5 * r**2) / np.sqrt(2 * np.pi)
    with np.errstate(divide="ignore", over="ignore"):
        excess = r**2 * (inflation / np.maximum(u, 1e-150) ** 2)[..., None] - 1
    largest = (s.k - 1)[..., None] + excess * ((w1 - c) / c)[..., None]
    mean, variance = _moments_of_q(w, tau2, r)
    below = special.gammainc(mean**2 / variance, largest * mean / variance)
    return np.asarray(_RANGE / 2 * (_NODE_WEIGHTS * density * below).sum(-1))


def _moments_of_q(w: FloatArray, tau2: FloatArray, r: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of Q given R = r, (..., nodes).

    The errors e have variances d = (1 + tau2 w) / w and, given R = r, mean g r and covariance diag(d) - gg' with
    g = (1 + tau2 w) / sqrt(sum w (1 + tau2 w)); Q = sum w e^2 - r^2 sum w (1 + tau2 w) / sum w.
    """
    a = np.where(w > 0, 1 + tau2[..., None] * w, 0.0)
    v = (w * a).sum(-1)
    share = w * a**2
    wgg = share.sum(-1) / v
    mean = (a.sum(-1) - wgg)[..., None] + r**2 * (wgg - v / w.sum(-1))[..., None]
    a2gg = (share * a).sum(-1) / v
    spread = (a**2).sum(-1) - 2 * a2gg + wgg**2
    variance = 2 * spread[..., None] + 4 * r**2 * (a2gg - wgg**2)[..., None]
    return mean, variance
