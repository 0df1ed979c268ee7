"""Graphical display of study heterogeneity: the pooled effect of every subset of the studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose
from pipeline.meta.guards import instance
from pipeline.meta.pooling.heterogeneity import heterogeneity
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS

MOST = 2**20
AT_ONCE = 50_000  # subsets in one batch
FROM_Q = ("EE", "DL")  # estimators whose I2 and H2 are those of Q


@dataclass(frozen=True, slots=True)
class Gosh:
    """Pooled effects of n subsets; every field (n,) but `member` (n, k).

    Attributes
    ----------
    member : True where a study belongs to the subset
    k : studies in the subset
    estimate, tau2, Q, I2, H2 : of the subset; I2 in percent. For "EE" and "DL" H2 is Q / (k - 1), which may be below 1
    converged : did the estimator of tau2 converge
    """

    member: BoolArray
    k: IntArray
    estimate: FloatArray
    tau2: FloatArray
    Q: FloatArray
    I2: FloatArray
    H2: FloatArray
    converged: BoolArray


def gosh(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "REML",
    subsets: int | None = None,
    rng: np.random.Generator | None = None,
) -> Gosh:
    """Pool all subsets of the studies, or a random sample of them. Olkin, Dahabreh & Trikalinos 2012,
    Res Synth Methods 3:214.

    Parameters
    ----------
    yi, vi : (k,)
    estimator : key of TAU2_ESTIMATORS; "EE" for the common effect
    subsets : how many to draw, each study with probability 1/2; None for all 2^k - 1, in the order of the binary
        number whose bit i says that study i belongs to the subset
    rng : needed with `subsets`

    Raises
    ------
    InvalidInput
        More than 2^20 subsets, subsets that is no whole number, or a sample without rng; as `random_effects`.

    Examples
    --------
    >>> every = gosh([0.1, 0.3, 0.8], [0.02, 0.03, 0.05], estimator="EE")
    >>> len(every.estimate), int(every.k[-1]), round(float(every.estimate[2]), 3)
    (7, 3, 0.18)
    """
    choose("estimator", estimator, TAU2_ESTIMATORS)
    s = studies(yi, vi)
    if s.y.ndim != 1:
        raise InvalidInput(f"subsets are taken from studies on one axis (found yi {s.y.shape})")
    member = _members(len(s.y), subsets, rng)
    parts = [_pool(s, member[i : i + AT_ONCE], estimator) for i in range(0, len(member), AT_ONCE)]
    return Gosh(member, member.sum(-1), *(np.concatenate(field) for field in zip(*parts, strict=True)))


def _members(k: int, subsets: int | None, rng: np.random.Generator | None) -> BoolArray:
    n = 2**k - 1 if subsets is None else subsets
    instance("subsets", n, int, np.integer)
    if not 1 <= n <= MOST:
        raise InvalidInput(f"{n} subsets; at most {MOST}: draw some with subsets and rng")
    if subsets is None:
        return ((np.arange(1, n + 1)[:, None] >> np.arange(k)) & 1).astype(bool)
    if rng is None:
        raise InvalidInput("a sample of subsets needs rng, a numpy Generator")
    instance("rng", rng, np.random.Generator)
    member = rng.random((n, k)) < 0.5
    while not (full := member.any(-1)).all():  # the empty set is no subset to pool
        member[~full] = rng.random((int((~full).sum()), k)) < 0.5
    return np.asarray(member, dtype=bool)


def _pool(s: Studies, member: BoolArray, estimator: str) -> tuple[NDArray[Any], ...]:
    rows = Studies(np.where(member, s.y, 0.0), np.where(member, s.v, 1.0), s.x, member.astype(np.float64))
    tau2, converged = TAU2_ESTIMATORS[estimator](rows)
    h = heterogeneity(rows, None if estimator in FROM_Q else tau2)
    return rows.fit(tau2).coefficients(rows.y)[..., 0], tau2, h.Q, h.I2, h.H2, converged
