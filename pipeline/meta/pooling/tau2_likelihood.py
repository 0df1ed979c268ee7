"""Maximum likelihood estimators of the between-study variance: the highest mode, to machine precision.

The score is y'PPy - tr P (restricted) or y'PPy - tr W, its curvature 2 y'PPPy - tr PP or 2 y'PPPy - tr WW: Harville
1977, J Am Stat Assoc 72:320; Viechtbauer 2005, J Educ Behav Stat 30:261. Every row of a batch is looked at over all
values tau2 can have, then climbs by Newton steps within a bracket; rows that have arrived leave the batch.
"""

from __future__ import annotations

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.pooling.likelihood import log_likelihood_ml, log_likelihood_reml
from pipeline.meta.pooling.studies import Studies

MAX_ITERATIONS = 200
GRID = np.linspace(0, 1, 17) ** 4  # denser near 0, where a second mode of the likelihood can hide
CHUNK = 20_000  # effects worked on at a time
SCORING_THRESHOLD = 1e-5
SCORING_ITERATIONS = 100
RESOLUTION = 4 * np.finfo(float).eps


def restricted_maximum_likelihood(s: Studies) -> tuple[FloatArray, BoolArray]:
    """REML. Patterson & Thompson 1971, Biometrika 58:545."""
    return _maximise(s, restricted=True)


def maximum_likelihood(s: Studies) -> tuple[FloatArray, BoolArray]:
    """ML. Hardy & Thompson 1996, Stat Med 15:619."""
    return _maximise(s, restricted=False)


def restricted_maximum_likelihood_by_scoring(s: Studies) -> tuple[FloatArray, BoolArray]:
    """REML by Fisher scoring with metafor's documented defaults, to reproduce a number printed by it.

    Starts at the Hedges estimate and stops once a step is no longer than 1e-5 (metafor 5.0, help page of `rma.uni`,
    control list), so the digits after the fourth or fifth are those of the stopping rule. Not for a new analysis.
    """
    return _score_steps(s, restricted=True)


def maximum_likelihood_by_scoring(s: Studies) -> tuple[FloatArray, BoolArray]:
    """ML in the manner of `restricted_maximum_likelihood_by_scoring`."""
    return _score_steps(s, restricted=False)


def _score_steps(s: Studies, restricted: bool) -> tuple[FloatArray, BoolArray]:
    f = s.weighted(np.ones(s.v.shape))
    z = f.residuals(s.y)
    with np.errstate(divide="ignore", invalid="ignore"):
        tau2 = np.where(s.df > 0, np.maximum((np.vecdot(z, z) - f.trace(s.v)) / f.trace(), 0), 0.0)
    done = s.df <= 0
    for _ in range(SCORING_ITERATIONS):
        f = s.fit(tau2)
        py, w = f.apply(s.y), f.root**2
        linear = f.trace() if restricted else w.sum(-1)
        information = f.trace_squared() if restricted else np.vecdot(w, w)
        step = (np.vecdot(py, py) - linear) / np.where(done, 1, information)
        while np.any(tau2 + step < 0):
            step = np.where(tau2 + step < 0, step / 2, step)
        tau2 = np.where(done, tau2, tau2 + step)
        done |= np.abs(step) <= SCORING_THRESHOLD
        if done.all():
            break
    return tau2, done


def _maximise(s: Studies, restricted: bool) -> tuple[FloatArray, BoolArray]:
    """Highest mode of the likelihood for each row of the batch, a chunk of rows that fits the cache at a time."""
    flat = s.flat()
    n, k = flat.y.shape
    rows = max(1, CHUNK // k)
    parts = [_highest(flat.rows(np.s_[i : i + rows]), restricted) for i in range(0, n, rows)]
    tau2, converged = (np.concatenate(part).reshape(s.k.shape) for part in zip(*parts, strict=True))
    return tau2, converged


def _highest(s: Studies, restricted: bool) -> tuple[FloatArray, BoolArray]:
    row, lo, hi, start = _brackets(s, restricted)
    several = len(row) > len(s.y)
    each = s.rows(row) if several else s
    tau2, converged = _climb(each, lo, hi, start, restricted)
    if several:
        loglik = (log_likelihood_reml if restricted else log_likelihood_ml)(each, tau2)
        order = np.lexsort((-loglik, row))
        best = order[np.searchsorted(row[order], np.arange(len(s.y)))]
        tau2, converged = tau2[best], converged[best]
    return tau2, converged


def _brackets(s: Studies, restricted: bool) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Every interval of the grid in which the score falls through 0: rows, lower and upper ends, a guess between.

    A score that is not positive at 0 makes the interval [0, 0].
    """
    grid = GRID[:, None] * _upper_bound(s)
    score = _scan(s, grid, restricted)
    score[-1] = np.minimum(score[-1], 0)
    rising = score > 0
    row, cell = np.nonzero(np.vstack([~rising[:1], rising[:-1] & ~rising[1:]]).T)
    before = np.maximum(cell - 1, 0)
    lo, hi, above, below = grid[before, row], grid[cell, row], score[before, row], score[cell, row]
    return row, lo, hi, np.where(lo < hi, lo + (hi - lo) * above / np.where(lo < hi, above - below, 1), lo)


def _scan(s: Studies, grid: FloatArray, restricted: bool) -> FloatArray:
    """Twice the score at every tau2 of `grid` (g, n): quick, by normal equations in an orthonormal basis."""
    basis = s.weighted(np.ones(s.v.shape)).columns
    p = len(basis)
    products = [[a * b for b in basis[: i + 1]] for i, a in enumerate(basis)]
    score = np.empty(grid.shape)
    for g, tau2 in enumerate(grid):
        w = s.present / (s.v + tau2[:, None])
        inverse = _inverse(_symmetric(w, products))
        wy = w * s.y
        right = [np.vecdot(wy, a) for a in basis]
        rest = s.y
        for i in range(p):
            rest = rest - basis[i] * sum(inverse[i, j] * right[j] for j in range(p))[:, None]
        rest = w * rest
        score[g] = np.vecdot(rest, rest) - np.vecdot(w, s.present)
        if restricted:
            score[g] += np.sum(inverse * _symmetric(w * w, products), axis=(0, 1))
    return score


def _symmetric(w: FloatArray, products: list[list[FloatArray]]) -> FloatArray:
    """Basis' diag(w) Basis, shape (p, p, n)."""
    half = [[np.vecdot(w, ab) for ab in row] for row in products]
    return np.array([[half[max(i, j)][min(i, j)] for j in range(len(half))] for i in range(len(half))])


def _inverse(a: FloatArray) -> FloatArray:
    """Inverse of positive definite matrices (p, p, n) by the sweep operator (Goodnight 1979, Am Stat 33:149)."""
    for k in range(len(a)):
        row, column, pivot = a[k] / a[k, k], a[:, k].copy(), a[k, k].copy()
        a = a - column[:, None] * row
        a[k], a[:, k], a[k, k] = row, -column / pivot, 1 / pivot
    return a


def _climb(
    s: Studies, lo: FloatArray, hi: FloatArray, start: FloatArray, restricted: bool
) -> tuple[FloatArray, BoolArray]:
    """The zero of the score between `lo` and `hi`: Newton steps, halving where a step leaves the bracket."""
    tau2 = start.copy()
    converged = lo == hi
    floor = np.where(s.present > 0, s.v, np.inf).min(-1)
    at, left = np.flatnonzero(~converged), s
    left = s.rows(at) if len(at) < len(lo) else s
    for _ in range(MAX_ITERATIONS):
        if not len(at):
            break
        t = tau2[at]
        score, slope, noise = _score(left, t, restricted)
        lo[at] = np.where(score > 0, t, lo[at])
        hi[at] = np.where(score > 0, hi[at], t)
        step = t + score / slope
        inside = (step > lo[at]) & (step < hi[at])
        new = np.where(inside, step, (lo[at] + hi[at]) / 2)
        there = (np.abs(score) <= noise) | (np.abs(new - t) <= RESOLUTION * (t + floor[at]))
        tau2[at] = np.where(np.abs(score) <= noise, t, new)
        converged[at] = there
        at, left = at[~there], left.rows(~there)
    return tau2, converged


def _score(s: Studies, tau2: FloatArray, restricted: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Twice the score; a positive curvature, observed where positive, else expected; the score's rounding error."""
    f = s.fit(tau2)
    py = f.apply(s.y)
    squares = np.vecdot(py, py)
    w = f.root**2
    linear = f.trace() if restricted else w.sum(-1)
    square = f.trace_squared() if restricted else np.vecdot(w, w)
    z = f.residuals(py)
    observed = 2 * np.vecdot(z, z) - square
    return squares - linear, np.where(observed > 0, observed, square), RESOLUTION * (squares + linear)


def _upper_bound(s: Studies) -> FloatArray:
    """A tau2 beyond which neither likelihood rises.

    With t = min(v) + tau2, d = max(v) - min(v) and S the mean square of the unweighted residuals,
    y'PPy <= (k-p) S / t^2 and tr(P) >= (k-p) / (t + d): the score is negative once t^2 > S (t + d).
    """
    z = s.weighted(np.ones(s.v.shape)).residuals(s.y)
    square = np.vecdot(z, z) / np.maximum(s.df, 1)
    low = np.where(s.present > 0, s.v, np.inf).min(-1)
    high = np.where(s.present > 0, s.v, -np.inf).max(-1)
    t = (square + np.sqrt(square**2 + 4 * square * (high - low))) / 2
    return np.where(s.df > 0, np.maximum(t - low, 0), 0.0)
