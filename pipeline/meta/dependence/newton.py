"""Maximum of a log-likelihood in a few parameters, for a whole batch at once.

Fisher scoring far away, where the likelihood may not be concave, Newton steps near the
maximum (they end at machine precision), both damped as by Levenberg (1944) and Marquardt (1963) and projected on
lower bounds (Bertsekas 1982, SIAM J Control Optim 20:221). Steps are taken in units of the Fisher information.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray

ITERATIONS_AT_MOST = 200
_FISHER_FIRST = 2
_SMALL_GAIN = 1e-16
_STUCK = 1e10
_FLAT = 1e-5
_ROUNDING = 1e-13


@dataclass(frozen=True, slots=True)
class Slopes:
    """A log-likelihood with its derivatives at parameters of shape (..., q).

    Attributes
    ----------
    value : log-likelihood, (...)
    score : first derivatives, (..., q)
    hessian : second derivatives, (..., q, q)
    fisher : expected information, (..., q, q), positive semidefinite
    """

    value: FloatArray
    score: FloatArray
    hessian: FloatArray
    fisher: FloatArray


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the search ended.

    Attributes
    ----------
    at : parameters, (..., q)
    slopes : log-likelihood and derivatives there
    converged : the next step would be too small to matter, (...)
    iterations : of the slowest member of the batch
    """

    at: FloatArray
    slopes: Slopes
    converged: BoolArray
    iterations: int


def maximise(
    evaluate: Callable[[FloatArray], Slopes], start: FloatArray, lower: FloatArray, unit: FloatArray | float = 1.0
) -> Maximum:
    """Climb from `start`, (..., q), within `lower`, (q,), -inf where there is no bound.

    `evaluate` must give -inf or NaN as the value where the model does not exist. `unit`, broadcast with `start`, is the
    order of size of the parameters: one on which the likelihood does not depend stays where it is.
    """
    at = np.maximum(start, lower)
    here = evaluate(at)
    if not at.shape[-1]:
        return Maximum(at, here, np.ones(at.shape[:-1], dtype=bool), 0)
    damping = np.zeros(at.shape[:-1])
    done = np.zeros(at.shape[:-1], dtype=bool)
    for iteration in range(1, ITERATIONS_AT_MOST + 1):
        step, gain = _step(here, at <= lower, damping, unit, newton=iteration > _FISHER_FIRST)
        there = np.maximum(at + np.where(done[..., None], 0.0, step), lower)
        small = (gain < _SMALL_GAIN) & (damping < 1e-2)
        trial = evaluate(there)
        slack = _ROUNDING * (1 + np.abs(here.value))
        with np.errstate(invalid="ignore"):
            better = np.isfinite(trial.value) & (trial.value >= here.value - slack)
        at = np.where(better[..., None], there, at)
        here = Slopes(*(_pick(better, getattr(trial, n), getattr(here, n)) for n in Slopes.__dataclass_fields__))
        damping = np.where(better, np.where(damping > 1e-3, damping / 8, 0.0), np.maximum(damping * 6, 0.1))
        done = done | (small & better) | (damping > _STUCK)
        if done.all():
            break
    return Maximum(at, here, done & (damping < _STUCK), iteration)


def best_start(found: Maximum) -> Maximum:
    """The highest of several starts, which lie on the first axis."""
    value = np.where(np.isfinite(found.slopes.value), found.slopes.value, -np.inf)
    top = value >= value.max(0) - 1e-10 * (1 + np.abs(value.max(0)))
    best = np.argmax(top * (1 + found.converged), axis=0)[None]
    take = [
        np.take_along_axis(a, best.reshape(best.shape + (1,) * (a.ndim - best.ndim)), axis=0)[0]
        for a in (found.at, *(getattr(found.slopes, n) for n in Slopes.__dataclass_fields__), found.converged)
    ]
    return Maximum(take[0], Slopes(*take[1:5]), take[5], found.iterations)


def _step(
    here: Slopes, at_bound: BoolArray, damping: FloatArray, unit: FloatArray | float, *, newton: bool
) -> tuple[FloatArray, FloatArray]:
    """Step, and the gain that it promises."""
    curved = [np.abs(np.diagonal(a, axis1=-2, axis2=-1)) for a in (here.fisher, here.hessian)]
    spread = np.sqrt(np.maximum(*curved))
    flat = (spread * unit < _FLAT) & (np.abs(here.score) * unit < _FLAT)
    held = flat | (at_bound & (here.score <= 0))
    spread = np.where(spread > 0, spread, 1.0)
    scale = spread[..., :, None] * spread[..., None, :]
    free = ~(held[..., :, None] | held[..., None, :])
    identity = np.eye(spread.shape[-1])
    curvature = np.where(free, here.fisher / scale, identity)
    if newton:
        observed = np.where(free, -here.hessian / scale, identity)
        usable = np.linalg.eigvalsh(np.where(np.isfinite(observed), observed, -1.0))[..., 0] > 1e-6
        curvature = np.where(usable[..., None, None], observed, curvature)
    curvature = curvature + (damping + 1e-9)[..., None, None] * identity
    score = np.where(held, 0.0, here.score) / spread
    scaled = np.linalg.solve(curvature, score[..., None])[..., 0]
    return scaled / spread, 0.5 * np.sum(scaled * score, -1)


def _pick(which: BoolArray, a: FloatArray, b: FloatArray) -> FloatArray:
    return np.where(which.reshape(which.shape + (1,) * (a.ndim - which.ndim)), a, b)
