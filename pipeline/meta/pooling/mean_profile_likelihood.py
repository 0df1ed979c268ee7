"""Profile likelihood interval of the mean effect. Hardy & Thompson 1996, Stat Med 15:619."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, probability
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS

GRID_SIZE = 25


@dataclass(frozen=True, slots=True)
class ProfileInterval:
    """Mean effect with its profile likelihood interval, shape (...).

    Attributes
    ----------
    estimate, tau2 : maximum likelihood estimates
    ci_lb, ci_ub : where twice the log-likelihood is a chi-square(1) quantile, times `factor`, below its maximum
    statistic, p : likelihood ratio test of a mean of 0, chi-square(1) after division by the factor
    factor : 1, or 1 + 2 c of the Bartlett-type correction
    tau2_lb, tau2_ub : the between-study variances at the two limits
    converged : did the maximum and both limits converge
    """

    estimate: FloatArray
    tau2: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    statistic: FloatArray
    p: FloatArray
    factor: FloatArray
    tau2_lb: FloatArray
    tau2_ub: FloatArray
    converged: BoolArray


def no_correction(s: Studies, tau2: FloatArray) -> FloatArray:
    """The likelihood ratio as it is."""
    return np.ones(s.k.shape)


def bartlett(s: Studies, tau2: FloatArray) -> FloatArray:
    """Expectation of the likelihood ratio to order 1 / k: 1 + 2 S3 / (S1 S2) - S2 / (2 S1^2), Sj = sum of w^j.

    Lawley's expansion (1956, Biometrika 43:295) for the normal model with two parameters; for a correction of this kind
    in meta-analysis see Noma 2011, Stat Med 30:3304. With equal variances it is the 1 + 3 / (2 k) of a normal sample.
    """
    w = s.present / (s.v + tau2[..., None])
    s1, s2, s3 = (np.sum(w**j, axis=-1) for j in (1, 2, 3))
    return 1 + 2 * s3 / (s1 * s2) - s2 / (2 * s1**2)


LR_CORRECTIONS: dict[str, Callable[[Studies, FloatArray], FloatArray]] = {"none": no_correction, "bartlett": bartlett}


def profile_interval(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    null: ArrayLike = 0.0,
    correction: str = "none",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> ProfileInterval:
    """Mean effect of studies on the last axis with its profile likelihood interval.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    null : mean that `statistic` tests
    correction : key of LR_CORRECTIONS: "none" or "bartlett"
    level : percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`; fewer than 2 studies.

    >>> i = profile_interval([-0.42, -0.10, 0.05, 0.3], [0.03, 0.05, 0.02, 0.04])
    >>> round(float(i.ci_lb), 4), round(float(i.ci_ub), 4)
    (-0.3758, 0.2872)
    """
    choose("correction", correction, LR_CORRECTIONS)
    s = studies(yi, vi, mask=mask)
    if s.k.min() < 2:
        raise InvalidInput("the profile likelihood of a mean needs at least 2 studies")
    tau2, done = TAU2_ESTIMATORS["ML"](s)
    tau2 = np.asarray(tau2)
    f = s.fit(tau2)
    mean, se = f.coefficients(s.y)[..., 0], np.sqrt(f.inverse_information()[..., 0, 0])
    factor = LR_CORRECTIONS[correction](s, tau2)
    top = _log_likelihood(s, mean, tau2)
    drop = factor * special.chdtri(1, probability(level))
    lb, ub = (_limit(s, mean, sign * se, top, drop) for sign in (-1, 1))
    zero = np.broadcast_to(numbers("null", null), mean.shape)
    statistic = np.maximum(2 * (top - _log_likelihood(s, zero, _tau2_at(s, zero))), 0) / factor
    fields = (mean, tau2, lb[0], ub[0], statistic, special.chdtrc(1, statistic), factor)
    ends = (_tau2_at(s, lb[0]), _tau2_at(s, ub[0]), done & lb[1] & ub[1])
    return ProfileInterval(*(np.asarray(x)[()] for x in (*fields, *ends)))


def _log_likelihood(s: Studies, mean: FloatArray, tau2: FloatArray) -> FloatArray:
    total = s.v + tau2[..., None]
    return -0.5 * np.sum(s.present * (np.log(total) + (s.y - mean[..., None]) ** 2 / total), axis=-1)


def _limit(
    s: Studies, mean: FloatArray, step: FloatArray, top: FloatArray, drop: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """Where the likelihood ratio reaches `drop`: doubled steps outwards, then Illinois steps on its square root."""

    def gap(x: FloatArray) -> FloatArray:
        return np.sqrt(np.maximum(2 * (top - _log_likelihood(s, x, _tau2_at(s, x))), 0)) - np.sqrt(drop)

    far = 2 * step
    while np.any(short := gap(mean + far) < 0):
        far = np.where(short, 2 * far, far)
    a, b = mean, mean + far
    fa, fb = gap(a), gap(b)
    done = np.zeros(mean.shape, dtype=bool)
    for i in range(200):
        with np.errstate(divide="ignore", invalid="ignore"):
            x = b - fb * (b - a) / (fb - fa)
        inside = (x - a) * (x - b) < 0
        x = np.where(inside & (i % 4 != 3), x, (a + b) / 2)
        fx = gap(x)
        low = fx < 0
        a, fa, fb = np.where(low, x, a), np.where(low, fx, fa), np.where(low, fb / 2, fb)
        b, fb, fa = np.where(low, b, x), np.where(low, fb, fx), np.where(low, fa, fa / 2)
        done |= np.abs(b - a) <= 4e-16 * (np.abs(a) + np.abs(b)) + 1e-14 * np.abs(step)
        if done.all():
            break
    return (a + b) / 2, done


def _tau2_at(s: Studies, mean: FloatArray) -> FloatArray:
    """tau2 of the highest likelihood at a given mean: the best of a grid, then Newton steps held in a bracket.

    Beyond the largest (y - mean)^2 - v the likelihood falls.
    """
    e2 = s.present * (s.y - mean[..., None]) ** 2
    upper = np.maximum(np.max(np.where(s.present > 0, e2 - s.v, 0.0), axis=-1), 0.0)
    grid = upper * (np.linspace(0, 1, GRID_SIZE) ** 3).reshape(-1, *[1] * upper.ndim)
    best = np.argmax([_log_likelihood(s, mean, t) for t in grid], axis=0)[None]
    lo, hi = (np.take_along_axis(grid, np.clip(best + i, 0, GRID_SIZE - 1), 0)[0] for i in (-1, 1))
    tau2 = np.take_along_axis(grid, best, 0)[0]
    for _ in range(200):
        w = s.present / (s.v + tau2[..., None])
        score = np.sum(w**2 * e2 - w, axis=-1)
        curve = np.sum(2 * w**3 * e2 - w**2, axis=-1)
        lo, hi = np.where(score > 0, tau2, lo), np.where(score > 0, hi, tau2)
        with np.errstate(divide="ignore", invalid="ignore"):
            new = tau2 + score / curve
        new = np.where((new > lo) & (new < hi), new, (lo + hi) / 2)
        new = np.where((score <= 0) & (tau2 == 0), 0.0, new)
        near = np.abs(new - tau2) <= 4e-16 * new
        tau2 = new
        if np.all(near):
            break
    return tau2
