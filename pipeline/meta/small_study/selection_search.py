"""Maximum of a selection likelihood, from several starts, on scales where steps cannot leave the parameter space.

beta is searched in units of a typical standard deviation, tau2 as log(1 + tau2 / v) with a typical v (0 is a point like
any other), delta as log(delta + shift).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.small_study.projected_newton import maximise
from pipeline.meta.small_study.selection_likelihood import Problem, likelihood

# mean and tau2 of the model without selection are multiplied by the first two, typical variances are added to tau2
_STARTS = ((1.0, 1.0, 0.0), (0.3, 0.5, 0.1), (2.5, 4.0, 1.0))
_SAME = 1e-5  # log-likelihoods closer than this are the same maximum
_LARGEST_LOG = 30.0
_LARGEST_BETA = 1e6


@dataclass(frozen=True, slots=True)
class Peak:
    """The best point found for each data set.

    Attributes
    ----------
    theta : beta, tau2 and delta, (n, p + 1 + d)
    value : log-likelihood, (n)
    runner_up : value of the next best local maximum that was met; NaN for none
    converged : (n)
    at_bound : free parameters at an end of their range, (n, p + 1 + d)
    """

    theta: FloatArray
    value: FloatArray
    runner_up: FloatArray
    converged: BoolArray
    at_bound: BoolArray


def search(
    problem: Problem,
    beta: FloatArray,
    tau2: FloatArray,
    free: BoolArray,
    fixed: FloatArray,
    delta_max: float,
    *,
    several: bool,
) -> Peak:
    """Climb from all starts and keep the highest peak; a converged search is preferred.

    Parameters
    ----------
    beta, tau2 : estimates without selection, (n, p) and (n)
    free : parameters to estimate, (p + 1 + d)
    fixed : fixed delta, (d); NaN for one to be estimated
    several : from several starts, or from the model without selection only
    """
    n, p = beta.shape
    unit, centre = _scales(problem, tau2)
    shift = problem.function.shift
    starts = _starts(problem, beta, tau2, fixed, centre, heterogeneous=bool(free[p]), several=several)
    per_set = len(starts) // n
    set_of = np.tile(np.arange(n), per_set)

    def natural(rows: IntArray, t: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Parameters and their derivatives by t; what is fixed stays as in the starts."""
        theta, slope = starts[rows].copy(), np.ones((len(rows), starts.shape[1]))
        full = np.zeros_like(theta)
        full[:, free] = t
        i = set_of[rows]
        theta[:, :p], slope[:, :p] = full[:, :p] * unit[i, None], unit[i, None]
        if free[p]:
            theta[:, p] = centre[i] * np.expm1(full[:, p])
            slope[:, p] = theta[:, p] + centre[i]
        d = np.flatnonzero(free[p + 1 :]) + p + 1
        theta[:, d] = shift * np.expm1(full[:, d]) if shift else np.exp(full[:, d])
        slope[:, d] = theta[:, d] + shift
        return theta, slope

    def objective(rows: IntArray, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        theta, slope = natural(rows, t)
        at = likelihood(problem, set_of[rows], theta)
        gradient = at.gradient * slope
        hessian = at.hessian * slope[:, :, None] * slope[:, None, :]
        curved = np.arange(p, theta.shape[1])
        hessian[:, curved, curved] += gradient[:, curved]  # of exp(t): its second derivative is its first
        return at.value, gradient[:, free], hessian[:, free][:, :, free]

    lower, upper = (b[free] for b in _bounds(problem, p, len(fixed), delta_max))
    t = np.empty_like(starts)
    t[:, :p] = starts[:, :p] / np.tile(unit, per_set)[:, None]
    t[:, p] = np.log1p(starts[:, p] / np.tile(centre, per_set))
    t[:, p + 1 :] = np.log1p(starts[:, p + 1 :] / shift) if shift else np.log(starts[:, p + 1 :])
    peak = maximise(objective, t[:, free], lower, upper)
    rank = np.where(peak.converged, peak.value, -1e300 + np.nan_to_num(peak.value, nan=-1e300)).reshape(per_set, n)
    best = np.argmax(rank, axis=0) * n + np.arange(n)
    others = np.where(peak.converged.reshape(rank.shape) & (rank < rank.max(0) - _SAME), rank, -np.inf).max(0)
    at_bound = np.zeros((n, starts.shape[1]), dtype=bool)
    at_bound[:, free] = (peak.x[best] <= lower) | (peak.x[best] >= upper)
    runner_up = np.where(np.isfinite(others), others, np.nan)
    return Peak(natural(best, peak.x[best])[0], peak.value[best], runner_up, peak.converged[best], at_bound)


def _scales(problem: Problem, tau2: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Typical standard deviation of an effect, and the harmonic mean of the variances."""
    on, v = problem.present, problem.root**2
    k = on.sum(-1)
    return np.sqrt((on * v).sum(-1) / k + tau2), k / (on / v).sum(-1)


def _starts(
    problem: Problem,
    beta: FloatArray,
    tau2: FloatArray,
    fixed: FloatArray,
    centre: FloatArray,
    *,
    heterogeneous: bool,
    several: bool,
) -> FloatArray:
    """Every start of the mean with every start of delta, one block of all data sets after the other."""
    blocks = []
    d = len(fixed)
    deltas = problem.function.starts if several and np.isnan(fixed).any() else problem.function.starts[:1]
    for mean, times, plus in _STARTS if several else _STARTS[:1]:
        for delta in deltas:
            guess = np.where(np.isnan(fixed), np.resize(delta, d), fixed)
            variance = times * tau2 + plus * centre if heterogeneous else tau2
            blocks.append(np.column_stack((mean * beta, variance, np.tile(guess, (len(beta), 1)))))
    return np.concatenate(blocks)


def _bounds(problem: Problem, p: int, d: int, delta_max: float) -> tuple[FloatArray, FloatArray]:
    shift = problem.function.shift
    ends = np.array([problem.function.lowest, delta_max])
    low, high = np.log1p(ends / shift) if shift else np.log(ends)
    lower = np.concatenate((np.full(p, -_LARGEST_BETA), [0.0], np.full(d, low)))
    upper = np.concatenate((np.full(p, _LARGEST_BETA), [_LARGEST_LOG], np.full(d, high)))
    return lower, upper
