"""Maximum of a log-likelihood in a few parameters, for a whole batch at once.

Fisher scoring far away, where the likelihood may not be concave, Newton steps near the
maximum (they end at machine precision), both damped as by Levenberg (1944) and Marquardt (1963) and projected on
lower bounds (Bertsekas 1982, SIAM J Control Optim 20:221). Steps are taken in units of the Fisher information.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray

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
    evaluate: Callable[[FloatArray, IntArray], Slopes],
    start: FloatArray,
    lower: FloatArray,
    unit: FloatArray | float = 1.0,
) -> Maximum:
    """Climb from several starts of each member of a batch.

    A start that has come within reach of a better one of the same member stops there; only what still climbs is
    evaluated.

    Parameters
    ----------
    evaluate : parameters (n, q) and the members (n,) that they belong to -> slopes with a leading axis n; the value
        must be -inf or NaN where the model does not exist
    start : (s, ..., q), the starts on the first axis; members are numbered over the other leading axes
    lower : bounds of the parameters, (q,), -inf where there is none
    unit : order of size of the parameters, broadcast with `start`: one on which the likelihood does not depend stays
        where it is
    """
    lead, q = start.shape[:-1], start.shape[-1]
    starts, members = lead[0], math.prod(lead[1:])
    at = np.maximum(start, lower).reshape(starts * members, q)
    size = np.broadcast_to(unit, start.shape).reshape(starts * members, q)
    who = np.tile(np.arange(members), starts)
    now = list(_parts(evaluate(at, who)))
    damping, done = np.zeros(len(at)), np.full(len(at), q == 0)
    reached, iteration = done.copy(), 0
    while not done.all() and iteration < ITERATIONS_AT_MOST:
        iteration += 1
        on = np.flatnonzero(~done)
        here = Slopes(*(a[on] for a in now))
        step, gain = _step(here, at[on] <= lower, damping[on], size[on], newton=iteration > _FISHER_FIRST)
        there = np.maximum(at[on] + step, lower)
        trial = evaluate(there, who[on])
        with np.errstate(invalid="ignore"):
            # close to the top a value is all rounding and the promised gain is the better witness
            slack = np.where(gain < 1e-8, 1e-10, _ROUNDING) * (1 + np.abs(here.value))
            better = np.isfinite(trial.value) & ~(trial.value < here.value - slack)
        up = on[better]
        at[up] = there[better]
        for a, b in zip(now, _parts(trial), strict=True):
            a[up] = b[better]
        small = (gain < _SMALL_GAIN) & (damping[on] < 1e-2) & better
        calm = np.where(damping[on] > 1e-3, damping[on] / 8, 0.0)
        damping[on] = np.where(better, calm, np.maximum(damping[on] * 6, 0.1))
        reached[on[small]] = True
        done = reached | (damping > _STUCK)
        if starts > 1 and iteration > _FISHER_FIRST:
            done = done | _follows(at, now, starts)
    return Maximum(
        at.reshape(start.shape),
        Slopes(*(a.reshape(*lead, *a.shape[1:]) for a in now)),
        reached.reshape(lead),
        iteration,
    )


def _parts(s: Slopes) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    return np.array(s.value), np.array(s.score), np.array(s.hessian), np.array(s.fisher)


def _follows(at: FloatArray, now: list[FloatArray], starts: int) -> BoolArray:
    """Starts within a thousandth of a standard error of the best of their member, where the likelihood is concave."""
    value = np.where(np.isfinite(now[0]), now[0], -np.inf).reshape(starts, -1)
    best = np.argmax(value, 0) * value.shape[1] + np.arange(value.shape[1])
    spread = np.sqrt(np.abs(np.diagonal(now[3], axis1=-2, axis2=-1)))[best]
    apart = np.abs(at.reshape(starts, value.shape[1], -1) - at[best]) * spread
    near = (apart.max(-1) < 1e-3) & (value > value.max(0) - 1e-5)
    near.reshape(-1)[best] = False
    return near.reshape(-1)


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
    here: Slopes, at_bound: BoolArray, damping: FloatArray, unit: FloatArray, *, newton: bool
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
        value, vector = np.linalg.eigh(np.where(np.isfinite(observed), observed, -1.0))
        # a direction without curvature is one in which the data say nothing: small steps there, Newton in the others
        lifted = (vector * np.where(value > 1e-7, value, 1e-3)[..., None, :]) @ np.swapaxes(vector, -1, -2)
        curvature = np.where((value[..., 0] > -1e-5)[..., None, None], lifted, curvature)
    curvature = curvature + (damping + 1e-9)[..., None, None] * identity
    score = np.where(held, 0.0, here.score) / spread
    scaled = np.linalg.solve(curvature, score[..., None])[..., 0]
    return scaled / spread, 0.5 * np.sum(scaled * score, -1)
