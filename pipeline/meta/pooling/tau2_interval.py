"""Confidence intervals of the between-study variance, and of I2 and H2 through it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, choose, probability
from pipeline.meta.pooling.heterogeneity import i2_h2, typical_variance
from pipeline.meta.pooling.likelihood import log_likelihood_ml, log_likelihood_reml
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS, generalised_q_profile, q_profile


@dataclass(frozen=True, slots=True)
class Tau2Interval:
    """Limits of shape (...); NaN for one study.

    Attributes
    ----------
    tau2 : the estimate
    tau2_lb, tau2_ub : limits; both 0 where the studies differ less than chance makes likely
    I2, I2_lb, I2_ub : the same as I2, percent
    H2, H2_lb, H2_ub : the same as H2
    """

    tau2: FloatArray
    tau2_lb: FloatArray
    tau2_ub: FloatArray
    I2: FloatArray
    I2_lb: FloatArray
    I2_ub: FloatArray
    H2: FloatArray
    H2_lb: FloatArray
    H2_ub: FloatArray

    @property
    def tau_lb(self) -> FloatArray:
        """Lower limit of the between-study standard deviation."""
        return np.sqrt(self.tau2_lb)

    @property
    def tau_ub(self) -> FloatArray:
        """Upper limit of the between-study standard deviation."""
        return np.sqrt(self.tau2_ub)


def q_profile_limits(s: Studies, tau2: FloatArray, estimator: str, alpha: float) -> tuple[FloatArray, FloatArray]:
    """tau2 at which y'Py meets the chi-square(k - p) quantiles. Viechtbauer 2007, Stat Med 26:37."""
    df = np.maximum(s.df, 1)
    return q_profile(s, special.chdtri(df, alpha / 2))[0], q_profile(s, special.chdtri(df, 1 - alpha / 2))[0]


def q_profile_limits_by_brent(
    s: Studies, tau2: FloatArray, estimator: str, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """Q-profile limits stopped where R's `uniroot` stops, to reproduce what metafor and meta print at their defaults.

    Brent's method (Brent 1973, Algorithms for Minimization without Derivatives, ch. 4) between 0 and 100 with the
    tolerance eps^(1/4), 1.2e-4: digits beyond the fourth decimal are those of the stopping rule. For no new analysis.
    """
    flat, df = s.flat(), np.maximum(s.df, 1).ravel()
    targets = special.chdtri(df, alpha / 2), special.chdtri(df, 1 - alpha / 2)
    limits = np.array([[_brent(flat.rows(np.s_[i : i + 1]), float(t[i])) for i in range(len(df))] for t in targets])
    return limits[0].reshape(s.k.shape), limits[1].reshape(s.k.shape)


def profile_likelihood_limits(
    s: Studies, tau2: FloatArray, estimator: str, alpha: float
) -> tuple[FloatArray, FloatArray]:
    """tau2 whose log-likelihood is half a chi-square(1) quantile below the maximum. Hardy & Thompson 1996.

    The restricted likelihood, but for the estimator "ML". Bisection: 200 halvings reach the precision of a float.
    """
    loglik = log_likelihood_ml if estimator == "ML" else log_likelihood_reml
    floor = loglik(s, tau2) - special.chdtri(1, alpha) / 2
    inside, outside = tau2, 2 * tau2 + np.where(s.present > 0, s.v, 0.0).max(-1)
    while np.any(loglik(s, outside) > floor):
        outside = np.where(loglik(s, outside) > floor, 2 * outside, outside)
    upper = _halve(s, loglik, floor, inside, outside)
    lower = _halve(s, loglik, floor, tau2, np.zeros_like(tau2))
    return np.where(loglik(s, np.zeros_like(tau2)) >= floor, 0.0, lower), upper


def generalised_q_limits(s: Studies, tau2: FloatArray, estimator: str, alpha: float) -> tuple[FloatArray, FloatArray]:
    """tau2 at which the exact tail of the generalised Q meets alpha/2. Jackson 2013, Res Synth Methods 4:220."""
    lower, upper = (np.full(s.k.shape, p) for p in (alpha / 2, 1 - alpha / 2))
    return generalised_q_profile(s, lower)[0], generalised_q_profile(s, upper)[0]


TAU2_INTERVALS: dict[str, Callable[[Studies, FloatArray, str, float], tuple[FloatArray, FloatArray]]] = {
    "QP": q_profile_limits,
    "QP_BRENT": q_profile_limits_by_brent,
    "PL": profile_likelihood_limits,
    "GENQ": generalised_q_limits,
}


def tau2_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    method: str = "QP",
    level: float = 95,
    mask: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Tau2Interval:
    """Interval of tau2 for studies on the last axis.

    Parameters
    ----------
    yi, vi, design, mask, weights : as `meta_regression`; the generalised Q needs the weights
    estimator : key of TAU2_ESTIMATORS, for the estimate itself
    method : key of TAU2_INTERVALS: "QP" Q-profile, "QP_BRENT" the same as R's defaults stop, "PL" profile likelihood,
        "GENQ" generalised Q with `weights`
    level : percent

    Raises
    ------
    InvalidInput
        As `meta_regression`; an unknown method; a generalised Q without weights.

    Examples
    --------
    >>> found = tau2_interval([0.1, 0.9, 0.4, 1.2], [0.04, 0.05, 0.03, 0.06])
    >>> round(float(found.tau2_lb), 3), round(float(found.tau2_ub), 3)
    (0.03, 3.335)
    """
    choose("estimator", estimator, TAU2_ESTIMATORS)
    choose("method", method, TAU2_INTERVALS)
    s = studies(yi, vi, design, mask, weights)
    tau2 = TAU2_ESTIMATORS[estimator](s)[0]
    lb, ub = TAU2_INTERVALS[method](s, tau2, estimator, probability(level))
    fields: list[FloatArray] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        typical = typical_variance(s)
        lb, ub = (np.where(s.df > 0, x, np.nan) for x in (lb, ub))
        i2, h2 = zip(*(i2_h2(x, typical) for x in (tau2, lb, ub)), strict=True)
    fields += [tau2, lb, ub, np.where(s.df > 0, i2[0], 0.0), *i2[1:], np.where(s.df > 0, h2[0], 1.0), *h2[1:]]
    return Tau2Interval(*(x[()] for x in fields))


def _halve(
    s: Studies,
    loglik: Callable[[Studies, FloatArray], FloatArray],
    floor: FloatArray,
    inside: FloatArray,
    outside: FloatArray,
) -> FloatArray:
    """Where the log-likelihood crosses `floor` between a value above it and one below."""
    for _ in range(200):
        middle = (inside + outside) / 2
        if np.all((middle == inside) | (middle == outside)):
            break
        above = loglik(s, middle) > floor
        inside, outside = np.where(above, middle, inside), np.where(above, outside, middle)
    return (inside + outside) / 2


def _brent(one: Studies, target: float, upper: float = 100.0) -> float:
    """Where y'Py of one row meets the target; an end of [0, `upper`] where it does not between them."""

    def gap(tau2: float) -> float:
        z = one.fit(np.array([tau2])).residuals(one.y)
        return float(np.vecdot(z, z)[0]) - target

    tolerance = float(np.finfo(float).eps ** 0.25)
    a, b = 0.0, upper
    fa, fb = gap(a), gap(b)
    if fa <= 0 or fb >= 0:
        return a if fa <= 0 else b
    c, fc = a, fa
    while True:
        before = b - a
        if abs(fc) < abs(fb):
            a, b, c, fa, fb, fc = b, c, b, fb, fc, fb
        near = 2 * np.finfo(float).eps * abs(b) + tolerance / 2
        step = (c - b) / 2
        if abs(step) <= near or fb == 0:
            return b
        if abs(before) >= near and abs(fa) > abs(fb):
            step = _interpolate(a, b, c, fa, fb, fc, near, before, step)
        step = step if abs(step) >= near else float(np.copysign(near, step))
        a, fa, b = b, fb, b + step
        fb = gap(b)
        if (fb > 0) == (fc > 0):
            c, fc = a, fa


def _interpolate(
    a: float, b: float, c: float, fa: float, fb: float, fc: float, near: float, before: float, half: float
) -> float:
    """Secant or inverse quadratic step, where it is not too long; else the halving step."""
    width, s = c - b, fb / fa
    if a == c:
        p, q = width * s, 1 - s
    else:
        t, r = fa / fc, fb / fc
        p, q = s * (width * t * (t - r) - (b - a) * (r - 1)), (t - 1) * (r - 1) * (s - 1)
    p, q = (p, -q) if p > 0 else (-p, q)
    return p / q if p < 0.75 * width * q - abs(near * q) / 2 and p < abs(before * q / 2) else half
