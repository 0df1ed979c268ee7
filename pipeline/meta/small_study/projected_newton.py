"""Maximum of many smooth functions at once, each within a box: damped Newton steps from each start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray

MAX_ITERATIONS = 200
_DONE = 1e-20  # Newton decrement: twice the gain in value that is still to be had
_CLOSE_ENOUGH = 1e-8
_LONGEST = 2.0

# rows and their points (n, m) to values (n), gradients (n, m) and Hessians (n, m, m)
Objective = Callable[[IntArray, FloatArray], tuple[FloatArray, FloatArray, FloatArray]]


@dataclass(frozen=True, slots=True)
class Maximum:
    """Where the search ended.

    Attributes
    ----------
    x, value : point (n, m) and value (n)
    converged : no free direction goes up any more
    """

    x: FloatArray
    value: FloatArray
    converged: BoolArray


def maximise(objective: Objective, start: FloatArray, lower: FloatArray, upper: FloatArray) -> Maximum:
    """Maximise `objective` from `start` (n, m) within bounds (m).

    A coordinate at a bound whose gradient points outwards is held there (Bertsekas 1982, SIAM J Control Optim 20:221);
    curvature of the wrong sign is turned; a step that does not gain is cut to a quarter.
    """
    x = np.clip(start, lower, upper)
    value, gradient, hessian = objective(np.arange(len(x)), x)
    length = np.ones(len(x))
    left = np.full(len(x), np.inf)
    todo = np.flatnonzero(np.isfinite(value))
    for _ in range(MAX_ITERATIONS):
        step, left[todo] = _step(x[todo], gradient[todo], hessian[todo], lower, upper)
        going = (left[todo] > _DONE) & (length[todo] > 1e-12)
        todo, step = todo[going], step[going]
        if not len(todo):
            break
        trial = np.clip(x[todo] + length[todo, None] * step, lower, upper)
        found = objective(todo, trial)
        with np.errstate(invalid="ignore"):
            better = found[0] >= value[todo] - 1e-13 * (1 + np.abs(value[todo]))
        better &= np.isfinite(found[1]).all(-1) & np.isfinite(found[2]).all((-1, -2))
        kept = todo[better]
        x[kept], value[kept] = trial[better], found[0][better]
        gradient[kept], hessian[kept] = found[1][better], found[2][better]
        length[todo] = np.where(better, np.minimum(1, 4 * length[todo]), length[todo] / 4)
    return Maximum(x, value, left < _CLOSE_ENOUGH)


def _step(
    x: FloatArray, gradient: FloatArray, hessian: FloatArray, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Uphill Newton step of the coordinates that are free, and the Newton decrement."""
    held = ((x <= lower) & (gradient <= 0)) | ((x >= upper) & (gradient >= 0))
    free = ~held
    h = np.where(free[:, :, None] & free[:, None, :], -hessian, 0.0)
    size = 1 / np.sqrt(np.maximum(np.abs(np.diagonal(h, axis1=1, axis2=2)), 1e-12))
    values, vectors = np.linalg.eigh(h * size[:, :, None] * size[:, None, :])
    scaled = np.einsum("nij,ni->nj", vectors, np.where(free, gradient, 0.0) * size)
    turned = scaled / np.maximum(np.abs(values), 1e-9)
    step = np.einsum("nij,nj->ni", vectors, turned) * size
    step = np.where(free, step, 0.0)
    decrement = np.sum(scaled * turned, -1)
    longest = np.max(np.abs(step), axis=-1, keepdims=True)
    return step * np.minimum(1, _LONGEST / np.maximum(longest, 1e-300)), decrement
