"""Permutation tests of a meta-regression: every permutation is one row of a batch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from math import factorial, prod

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.meta_regression import coefficients, omnibus, wald
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS

AT_ONCE = 20_000  # permutations in one batch
MOST_EXACT = 5_000_000
TIE = np.sqrt(np.finfo(float).eps)
"""Statistics nearer than this, relative or absolute, are counted as equal: equal data, other rounding."""


@dataclass(frozen=True, slots=True)
class PermutationTest:
    """Permutation p values of a model.

    Attributes
    ----------
    statistic : of each coefficient in the data as they are, (p,)
    p : two-sided share of permutations whose statistic is at least as far from 0, (p,)
    QM, QM_p : omnibus statistic of all coefficients but the intercept, and its p; NaN without moderators
    permutations : how many, the data as they are among them
    exact : were all different permutations used
    converged : did every fit converge
    """

    statistic: FloatArray
    p: FloatArray
    QM: float
    QM_p: float
    permutations: int
    exact: bool
    converged: bool


def permutation_test(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "wald",
    permutations: int = 10_000,
    exact: bool | None = None,
    rng: np.random.Generator | None = None,
) -> PermutationTest:
    """Test coefficients against all ways in which the studies could have got their moderators.

    A pooled effect is tested by changing the signs of the effects, moderators by permuting the rows of the design among
    the studies. Follmann & Proschan 1999, Biometrics 55:732; Higgins & Thompson 2004, Stat Med 23:1663.

    Parameters
    ----------
    yi, vi : (k,)
    design : (k, p), intercept included; None for a pooled effect
    estimator, interval : of the statistic, see `meta_regression`
    permutations : random ones, the data as they are among them
    exact : use all different permutations; None: where they are no more than `permutations`
    rng : needed unless exact

    Raises
    ------
    InvalidInput
        No generator for random permutations, more than 5 million exact ones, or as `meta_regression`.

    Examples
    --------
    >>> test = permutation_test([0.4, 0.2, 0.5, 0.3, 0.6], [0.04] * 5, exact=True)
    >>> test.permutations, float(test.p[0])
    (32, 0.0625)
    """
    choose("estimator", estimator, TAU2_ESTIMATORS)
    choose("interval", interval, INTERVALS)
    s = studies(yi, vi, design)
    if s.y.ndim != 1 or s.x.ndim != 2:
        raise InvalidInput(f"a permutation test needs studies on one axis: yi {s.y.shape}, design {s.x.shape}")
    total = _different(s)
    everything = total <= permutations if exact is None else exact
    if everything and total > MOST_EXACT:
        raise InvalidInput(f"{total} different permutations are too many: draw some, with exact=False and an rng")
    if not everything and (rng is None or permutations < 2):
        raise InvalidInput("random permutations need rng, a numpy Generator, and permutations >= 2")
    observed, qm, converged = _statistics(s, estimator, interval)
    if not np.isfinite(observed).all():
        raise InvalidInput(f"the statistic has no standard error with interval {interval!r}: the effects are all alike")
    beyond, beyond_qm, n = np.zeros(s.p), 0, 0
    batches = _all(s) if everything or rng is None else _random(s, permutations, rng)
    for batch in batches:
        found, q, fine = _statistics(batch, estimator, interval)
        beyond += np.sum(np.abs(found) >= _reach(np.abs(observed)), axis=0)
        beyond_qm += int(np.sum(q >= _reach(qm)))
        n, converged = n + len(found), converged & fine
    if not everything:  # the data as they are: one of the permutations
        beyond, beyond_qm, n = beyond + 1, beyond_qm + 1, n + 1
    none = bool(np.isnan(qm))
    return PermutationTest(
        observed, beyond / n, float(qm), np.nan if none else beyond_qm / n, n, everything, bool(converged)
    )


def _statistics(s: Studies, estimator: str, interval: str) -> tuple[FloatArray, FloatArray, bool]:
    c = coefficients(s, estimator, interval)
    return wald(c.beta, c.vb)[1], omnibus(s, c.beta, c.vb, c.df)[0], bool(np.all(c.converged))


def _reach(statistic: FloatArray) -> FloatArray:
    """The smallest statistic that counts as just as far from 0."""
    return statistic - TIE * np.maximum(1.0, statistic)


def _pooled(s: Studies) -> bool:
    return s.p == 1 and bool(np.all(s.x == 1))


def _different(s: Studies) -> int:
    """How many different permutations there are: equal rows of the design can change places unseen."""
    if _pooled(s):
        return 2 ** len(s.y)
    counts = np.unique(s.x, axis=0, return_counts=True)[1]
    return factorial(len(s.y)) // prod(factorial(int(c)) for c in counts)


def _all(s: Studies) -> Iterator[Studies]:
    k = len(s.y)
    if _pooled(s):
        for start in range(0, 2**k, AT_ONCE):
            number = np.arange(start, min(start + AT_ONCE, 2**k))
            signs = 1 - 2.0 * ((number[:, None] >> np.arange(k)) & 1)
            yield _batch(s, s.y * signs, s.x)
        return
    rows, label = np.unique(s.x, axis=0, return_inverse=True)
    orders = _arrangements(np.bincount(label.ravel()).tolist(), k)
    while block := list(islice(orders, AT_ONCE)):
        yield _batch(s, s.y, _columns_first(rows[np.array(block)]))


def _random(s: Studies, permutations: int, rng: np.random.Generator) -> Iterator[Studies]:
    k = len(s.y)
    for start in range(1, permutations, AT_ONCE):
        n = min(AT_ONCE, permutations - start)
        if _pooled(s):
            yield _batch(s, s.y * rng.choice([-1.0, 1.0], (n, k)), s.x)
        else:
            order = rng.permuted(np.broadcast_to(np.arange(k), (n, k)), axis=1)
            yield _batch(s, s.y, _columns_first(s.x[order]))


def _batch(s: Studies, y: FloatArray, x: FloatArray) -> Studies:
    n = len(x) if x.ndim == 3 else len(y)
    y, v, present = (np.broadcast_to(a, (n, len(s.v))) for a in (y, s.v, s.present))
    return Studies(y, v, x, present)


def _columns_first(x: FloatArray) -> FloatArray:
    """The same (n, k, p) design with each column in one piece of memory, as the weighted fit reads it."""
    return np.moveaxis(np.ascontiguousarray(np.moveaxis(x, -1, 0)), 0, -1)


def _arrangements(counts: list[int], k: int) -> Iterator[tuple[int, ...]]:
    """All different sequences of `counts[i]` times i, in order."""
    sequence = [i for i, c in enumerate(counts) for _ in range(c)]
    while True:
        yield tuple(sequence)
        i = k - 2
        while i >= 0 and sequence[i] >= sequence[i + 1]:
            i -= 1
        if i < 0:
            return
        j = k - 1
        while sequence[j] <= sequence[i]:
            j -= 1
        sequence[i], sequence[j] = sequence[j], sequence[i]
        sequence[i + 1 :] = reversed(sequence[i + 1 :])
