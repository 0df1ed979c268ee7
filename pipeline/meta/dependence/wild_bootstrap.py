"""Cluster wild bootstrap of a test of coefficients, for few clusters and for several coefficients at once.

Residuals of the model under the hypothesis are multiplied, cluster by cluster, by random signs, and the test is
repeated with the same weights. Joshi, Pustejovsky & Beretvas 2022, Res Synth Methods 13:457; Cameron, Gelbach & Miller
2008, Rev Econ Stat 90:414.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, floats, numbers
from pipeline.meta.dependence.cluster_stacks import clusters
from pipeline.meta.dependence.robust_variance import RobustFit, robust_variance
from pipeline.meta.dependence.wald_htz import robust_wald_test
from pipeline.meta.guards import affordable, instance

_MOST_SIGNS = 14


def _rademacher(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    return rng.choice(np.array([-1.0, 1.0]), size=shape)


def _mammen(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    root = np.sqrt(5)
    low = rng.random(shape) < (root + 1) / (2 * root)
    return np.where(low, (1 - root) / 2, (1 + root) / 2)


def _webb(rng: np.random.Generator, shape: tuple[int, int]) -> FloatArray:
    steps = np.sqrt(np.array([0.5, 1.0, 1.5]))
    return rng.choice(np.concatenate([-steps, steps]), size=shape)


_MULTIPLIERS: dict[str, Callable[[np.random.Generator, tuple[int, int]], FloatArray]] = {
    "rademacher": _rademacher,
    "mammen": _mammen,
    "webb": _webb,
}


@dataclass(frozen=True, slots=True)
class WildBootstrap:
    """A bootstrap test.

    Attributes
    ----------
    F : the statistic in the data
    p : share of replicates with a statistic at least as large
    replicates : statistic of each replicate, (b,)
    exact : True where the replicates are all sign patterns, each once
    fit : robust fit to the data
    """

    F: float
    p: float
    replicates: FloatArray
    exact: bool
    fit: RobustFit


def cluster_wild_bootstrap(
    yi: ArrayLike,
    design: ArrayLike | None,
    cluster: ArrayLike,
    *,
    contrast: ArrayLike | None = None,
    variance: ArrayLike | None = None,
    covariance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    kind: str = "CR0",
    test: str = "naive_f",
    multipliers: str = "rademacher",
    replicates: int = 1999,
    rng: np.random.Generator | None = None,
) -> WildBootstrap:
    """Test C beta = 0 by the cluster wild bootstrap; all replicates are one array.

    Parameters
    ----------
    yi, design, cluster, variance, covariance, weights, kind : as `robust_variance`; yi (k,)
    contrast : C, (q, p); None: every coefficient after the first, or the only one
    test : key of WALD_TESTS for the statistic
    multipliers : "rademacher" (signs), "mammen" or "webb" (six points: for fewer than about 10 clusters)
    replicates : number of random replicates
    rng : source of the multipliers. None: every pattern of signs once, for at most 14 clusters: p does not depend on
        chance, and its smallest possible value is 2 / 2^m

    Raises
    ------
    InvalidInput
        See `robust_variance` and `robust_wald_test`; a batch of designs or weights; fewer than one replicate; more
        clusters than the full set of signs allows.

    Examples
    --------
    >>> y, clusters = [0.5, 0.3, 0.9, 0.2, 0.4, 0.7], ["A", "A", "B", "C", "D", "E"]
    >>> b = cluster_wild_bootstrap(y, None, clusters, variance=[0.1] * 6)
    >>> len(b.replicates), b.p
    (32, 0.0625)
    """
    choose("multipliers", multipliers, _MULTIPLIERS)
    y = numbers("yi", yi)
    if y.ndim != 1:
        raise InvalidInput(f"yi must have shape (k,): found {y.shape}")
    working = {"variance": variance, "covariance": covariance, "weights": weights}
    if rng is not None:
        instance("rng", rng, np.random.Generator)
        instance("replicates", replicates, int, np.integer)
        numbers("replicates", replicates, ge=1)
    fit = robust_variance(y, design, cluster, kind=kind, **working)
    if fit.beta.ndim != 1:
        raise InvalidInput(f"one data set at a time: design, variance or weights make {fit.beta.shape[:-1]} fits")
    c = numbers("contrast", (np.eye(fit.p)[1:] if fit.p > 1 else np.eye(1)) if contrast is None else contrast)
    found = robust_wald_test(fit, c, test=test)
    x = np.ones((len(y), 1)) if design is None else floats("design", design)
    expected = x @ (fit.beta - _departure(fit, c))
    who = clusters(cluster, len(y))
    affordable(f"{replicates} replicates", 0 if rng is None else replicates * len(y) * (fit.p + 1))
    signs = _signs(who.m, multipliers, replicates, rng)
    again = robust_variance(expected + signs[:, who.of] * (y - expected), design, cluster, kind=kind, **working)
    drawn = robust_wald_test(again, c, test=test).F
    p = float(np.mean(drawn >= found.F * (1 - 1e-9)))
    return WildBootstrap(float(found.F), p, np.asarray(drawn), rng is None, fit)


def _departure(fit: RobustFit, c: FloatArray) -> FloatArray:
    """What the hypothesis takes from the coefficients: M C' (C M C')^-1 C beta, M = (X'WX)^-1."""
    m = fit.bread
    return np.asarray(m @ c.T @ np.linalg.solve(c @ m @ c.T, c @ fit.beta), dtype=np.float64)


def _signs(m: int, multipliers: str, replicates: int, rng: np.random.Generator | None) -> FloatArray:
    if rng is not None:
        return _MULTIPLIERS[multipliers](rng, (replicates, m))
    if multipliers != "rademacher" or m > _MOST_SIGNS:
        raise InvalidInput(f"without rng all 2^m signs are tried: {multipliers}, {m} clusters (at most {_MOST_SIGNS})")
    return np.asarray(1.0 - 2.0 * ((np.arange(2**m)[:, None] >> np.arange(m)) & 1), dtype=np.float64)
