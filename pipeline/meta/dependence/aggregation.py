"""Several effects of one trial made one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.dependence.cluster_stacks import clusters


@dataclass(frozen=True, slots=True)
class Aggregated:
    """One effect per cluster.

    Attributes
    ----------
    cluster : labels, in order of first appearance, (m,)
    yi, vi : combined effect and variance, (..., m)
    ki : effects behind each, (m,)
    """

    cluster: tuple[object, ...]
    yi: FloatArray
    vi: FloatArray
    ki: FloatArray


def aggregate_dependent(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: ArrayLike | None = None,
    covariance: ArrayLike | None = None,
    weighted: bool = True,
) -> Aggregated:
    """Combine the effects of each cluster by generalised least squares, or as their plain mean.

    With V the covariance of a cluster's effects, yi = (1'V^-1 y) / (1'V^-1 1) and vi = 1 / (1'V^-1 1), the maximum of
    the likelihood. Hedges & Olkin 1985, ch. 10; Gleser & Olkin 2009, in Handbook of Research Synthesis, ch. 19. The
    plain mean of n effects has variance 1'V1 / n^2.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    cluster : label of each effect, (k,)
    rho : correlation of any two effects of a cluster, one for all or one for each cluster in order of first appearance;
        -1 < rho < 1 and V positive definite. 0: independent strata under a common effect
    covariance : V itself, (k, k) or (..., k, k), instead of rho and vi (see `sampling_covariance`); entries between
        clusters are not read
    weighted : False for the plain mean

    Raises
    ------
    InvalidInput
        Unequal lengths, NaN, a variance <= 0, rho outside its range, both or neither of rho and covariance, or a
        cluster whose V is not positive definite.

    Examples
    --------
    >>> a = aggregate_dependent([0.2, 0.4, 0.1], [0.04, 0.04, 0.05], ["A", "A", "B"], rho=0.5)
    >>> a.yi.round(3).tolist(), a.vi.round(3).tolist()
    ([0.3, 0.1], [0.03, 0.05])
    """
    y, v = numbers("yi", yi), numbers("vi", vi, gt=0)
    if y.ndim == 0 or v.ndim == 0 or y.shape[-1] != v.shape[-1]:
        raise InvalidInput(f"yi and vi must be arrays with as many effects: yi {y.shape}, vi {v.shape}")
    y, v = np.broadcast_arrays(y, v)
    if (rho is None) == (covariance is None):
        raise InvalidInput("give either rho or covariance")
    k = y.shape[-1]
    who = clusters(cluster, k)
    r = None if rho is None else _correlations(rho, who.m)
    given = None if covariance is None else _covariance(covariance, k)
    mean, variance = np.empty((*y.shape[:-1], who.m)), np.empty((*y.shape[:-1], who.m))
    for stack, members in zip(who.stacks, who.members, strict=True):
        if given is not None:
            block = given[..., stack[:, :, None], stack[:, None, :]]
        else:
            s = np.sqrt(v[..., stack])
            flat = np.where(np.eye(stack.shape[1], dtype=bool), 1.0, r[members, None, None])  # type: ignore[index]
            block = s[..., :, None] * s[..., None, :] * flat
        names = [who.labels[i] for i in members]
        mean[..., members], variance[..., members] = _combine(y[..., stack], block, names, weighted)
    return Aggregated(who.labels, mean, variance, who.sizes.astype(np.float64))


def combine_strata(yi: ArrayLike, vi: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Effect and variance of independent strata of one trial under a common effect; strata on the last axis."""
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    if y.ndim == 0 or y.shape[-1] == 0:
        raise InvalidInput("no stratum: there is nothing to combine")
    information = np.sum(1 / v, axis=-1)
    return (np.sum(y / v, axis=-1) / information)[()], (1 / information)[()]


def _correlations(rho: ArrayLike, m: int) -> FloatArray:
    r = numbers("rho", rho)
    if np.any((r <= -1) | (r >= 1)):
        raise InvalidInput(f"rho must lie between -1 and 1 (found {rho!r})")
    if r.ndim and r.shape != (m,):
        raise InvalidInput(f"rho must be one number, or one for each of the {m} clusters (found shape {r.shape})")
    return np.broadcast_to(r, (m,))


def _covariance(covariance: ArrayLike, k: int) -> FloatArray:
    matrix = numbers("covariance", covariance)
    if matrix.shape[-2:] != (k, k):
        raise InvalidInput(f"covariance must have shape (..., {k}, {k}): found {matrix.shape}")
    return matrix


def _combine(y: FloatArray, v: FloatArray, names: list[object], weighted: bool) -> tuple[FloatArray, FloatArray]:
    """Effects (..., n, s) with covariances (..., n, s, s) of n clusters."""
    try:
        np.linalg.cholesky(v)
    except np.linalg.LinAlgError:
        smallest = np.linalg.eigvalsh(v)[..., 0]
        worst = names[int(np.argwhere(smallest == smallest.min())[0][-1])]
        raise InvalidInput(
            f"the covariance of the {v.shape[-1]} effects of cluster {worst!r} is not positive definite: rho is "
            "impossible for so many effects, or covariance is no covariance"
        ) from None
    ones = np.ones((*v.shape[:-1], 1))
    w = np.linalg.solve(v, ones)[..., 0] if weighted else ones[..., 0]
    total = w.sum(-1)
    variance = 1 / total if weighted else v.sum((-2, -1)) / total**2
    return np.sum(w * y, -1) / total, variance
