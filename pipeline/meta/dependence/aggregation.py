"""Several effects of one trial made one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together


@dataclass(frozen=True, slots=True)
class Aggregated:
    """One effect per cluster.

    Attributes
    ----------
    cluster : labels, in order of first appearance, (m,)
    yi, vi : combined effect and variance, (m,)
    """

    cluster: tuple[object, ...]
    yi: FloatArray
    vi: FloatArray


def aggregate_dependent(yi: ArrayLike, vi: ArrayLike, cluster: ArrayLike, *, rho: float) -> Aggregated:
    """Combine the effects of each cluster by generalised least squares, one correlation `rho` between any two.

    With V the covariance of a cluster's effects, yi = (1'V^-1 y) / (1'V^-1 1) and vi = 1 / (1'V^-1 1). Hedges & Olkin
    1985, ch. 10; Gleser & Olkin 2009, in Handbook of Research Synthesis, ch. 19. `rho = 0` combines independent strata
    under a common effect.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (k,)
    cluster : label of each effect, (k,)
    rho : -1 < rho < 1; V must be positive definite

    Raises
    ------
    InvalidInput
        Unequal lengths, NaN, a variance <= 0, rho outside its range.
    """
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    labels = list(np.asarray(cluster).tolist())
    if y.ndim != 1 or len(labels) != len(y):
        raise InvalidInput(f"shapes differ: yi {y.shape}, vi {v.shape}, cluster ({len(labels)},)")
    if not -1 < rho < 1:
        raise InvalidInput(f"rho must lie between -1 and 1 (found {rho!r})")
    names = tuple(dict.fromkeys(labels))
    of = np.array([names.index(x) for x in labels])
    combined = [_combine(y[of == i], v[of == i], rho) for i in range(len(names))]
    return Aggregated(names, np.array([c[0] for c in combined]), np.array([c[1] for c in combined]))


def combine_strata(yi: ArrayLike, vi: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effect and variance of independent strata of one trial under a common effect; strata on the last axis."""
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    if y.ndim == 0 or y.shape[-1] == 0:
        raise InvalidInput("no stratum: there is nothing to combine")
    information = np.sum(1 / v, axis=-1)
    return (np.sum(y / v, axis=-1) / information)[()], (1 / information)[()]


def _combine(y: FloatArray, v: FloatArray, rho: float) -> tuple[float, float]:
    s = np.sqrt(v)
    covariance = np.outer(s, s) * np.where(np.eye(len(v), dtype=bool), 1.0, rho)
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise InvalidInput(f"rho {rho:g} is impossible for {len(v)} effects of one cluster") from None
    weight = np.linalg.solve(covariance, np.ones(len(v)))
    return float(weight @ y / weight.sum()), float(1 / weight.sum())
