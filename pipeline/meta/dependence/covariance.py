"""Covariance of the sampling errors of effects that come from the same people.

The correlation of two effects of one cluster is the product of what they share: instrument and construct (rho), the
time between them (phi), and the arms that both contrasts use. The model is that of the help page of `vcalc` in metafor
(Viechtbauer 2010, J Stat Softw 36(3)); Gleser & Olkin 2009, in Handbook of Research Synthesis, 2nd ed., ch. 19.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, floats, numbers
from pipeline.meta.dependence.cluster_stacks import clusters, codes

Rho = float | ArrayLike | Sequence[float | ArrayLike]
Pairwise = Callable[[IntArray, IntArray], FloatArray]
_SINGULAR = 1e-10


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of each contrast: group, time and variance of the arm (1 / weight), each (k,)."""

    group: IntArray
    time: FloatArray
    variance: FloatArray


def sampling_covariance(
    vi: ArrayLike,
    cluster: ArrayLike,
    *,
    subgroup: ArrayLike | None = None,
    obs: ArrayLike | None = None,
    type: ArrayLike | None = None,
    time1: ArrayLike | None = None,
    time2: ArrayLike | None = None,
    grp1: ArrayLike | None = None,
    grp2: ArrayLike | None = None,
    w1: ArrayLike | None = None,
    w2: ArrayLike | None = None,
    rho: Rho | None = None,
    phi: float | None = None,
    check: bool = True,
) -> FloatArray:
    """Covariance matrix V of dependent effects, zero between clusters.

    Two effects of one cluster (and subgroup) correlate by A x T, where A is 1 for the same instrument and construct and
    else the `rho` of the pair, and T is phi^|t - t'| for effects of one group. For contrasts (group 1 - group 2) T is

        cov(x1 - x2, x1' - x2') / sqrt(var(x1 - x2) var(x1' - x2')),   cov(x, x') = phi^|t - t'| / sqrt(w w')

    within a group and 0 between groups: a shared control arm correlates two contrasts by 1/2 when all arms are equal.

    Parameters
    ----------
    vi : sampling variances, (..., k)
    cluster : label of the study of each effect, (k,); effects of different clusters are independent
    subgroup : label within the study, (k,); effects of different people are independent
    obs : label of the instrument, (k,); needs `rho`
    type : label of the construct, (k,); needs `rho`
    time1, time2 : when each side of the contrast was measured, (k,); needs `phi`. `time2` None: as `time1`
    grp1, grp2 : labels of the two groups of each contrast, (k,). `grp1` alone: effects of different groups are
        independent
    w1, w2 : size (inverse variance) of each group, (k,), > 0; None for equal sizes
    rho : correlation of concurrent effects. With `obs` or `type`: one number, or a matrix for the distinct labels in
        sorted order. With both: a pair, within a construct (by obs) and between constructs (by type)
    phi : correlation of two measurements one unit of time apart
    check : refuse a matrix that is not positive definite

    Returns
    -------
    (..., k, k)

    Raises
    ------
    InvalidInput
        Unequal lengths, a missing label, a correlation outside -1 to 1, an argument without the one it needs, or a
        cluster whose matrix is not positive definite.

    Examples
    --------
    >>> V = sampling_covariance([0.04, 0.09, 0.05], ["A", "A", "B"], obs=["BDI", "HDRS", "BDI"], rho=0.6)
    >>> V.round(4).tolist()
    [[0.04, 0.036, 0.0], [0.036, 0.09, 0.0], [0.0, 0.0, 0.05]]
    """
    v = _variances(vi)
    k = v.shape[-1]
    parts = [_concurrent(k, obs, type, rho), _shared(k, time1, time2, grp1, grp2, w1, w2, phi)]
    who = clusters(cluster, k)
    if subgroup is not None:
        who = clusters(who.of * k + codes("subgroup", subgroup, k)[1], k)
    correlation = np.zeros((k, k))
    for stack in who.stacks:
        i, j = np.broadcast_arrays(stack[:, :, None], stack[:, None, :])
        block = np.where(i == j, 1.0, parts[0](i, j) * parts[1](i, j))
        if check:
            _positive_definite(block, cluster, stack)
        correlation[i, j] = block
    s = np.sqrt(v)
    return s[..., :, None] * s[..., None, :] * correlation


def covariance_from_rows(vi: ArrayLike, cluster: ArrayLike, rows: ArrayLike, *, check: bool = True) -> FloatArray:
    """Covariance matrix from correlations typed in beside the effects.

    The first k_i columns of the k_i rows of a cluster hold its correlation matrix, of which the lower triangle is read
    (the `rvars` of metafor's `vcalc`). With vi = 1 the rows may hold covariances.

    Parameters
    ----------
    vi : sampling variances, (..., k)
    cluster : labels, (k,)
    rows : (k, c), c at least the size of the largest cluster; NaN where a cluster has no such column

    Returns
    -------
    (..., k, k)

    Examples
    --------
    >>> covariance_from_rows([4, 9, 1], [1, 1, 2], [[1, np.nan], [0.5, 1], [1, np.nan]]).tolist()
    [[4.0, 3.0, 0.0], [3.0, 9.0, 0.0], [0.0, 0.0, 1.0]]
    """
    v, r = _variances(vi), floats("rows", rows)
    k = v.shape[-1]
    who = clusters(cluster, k)
    if r.ndim != 2 or r.shape[0] != k or r.shape[1] < who.sizes.max():
        raise InvalidInput(f"rows must have shape ({k}, {who.sizes.max()} or more): found {r.shape}")
    correlation = np.zeros((k, k))
    for stack in who.stacks:
        lower = np.tril(r[stack, : stack.shape[1]])
        if not np.isfinite(lower).all():
            place = np.argwhere(~np.isfinite(lower))[0]
            raise InvalidInput(f"rows[{stack[place[0], place[1]]}, {place[2]}] is missing")
        block = lower + np.swapaxes(np.tril(lower, -1), -1, -2)
        if check:
            _positive_definite(block, cluster, stack)
        correlation[stack[:, :, None], stack[:, None, :]] = block
    s = np.sqrt(v)
    return s[..., :, None] * s[..., None, :] * correlation


def _variances(vi: ArrayLike) -> FloatArray:
    v = numbers("vi", vi, gt=0)
    if v.ndim == 0 or v.shape[-1] == 0:
        raise InvalidInput("no effect: vi must have shape (..., k)")
    return v


def _concurrent(k: int, obs: ArrayLike | None, type: ArrayLike | None, rho: Rho | None) -> Pairwise:
    """Correlation of two effects by instrument and construct."""
    if obs is None and type is None:
        return lambda i, j: np.ones(i.shape)
    if rho is None:
        raise InvalidInput("obs and type need rho")
    if obs is None or type is None:
        name, labels = ("obs", obs) if type is None else ("type", type)
        return _by_label(name, labels, k, rho)
    if not isinstance(rho, Sequence | np.ndarray) or len(rho) != 2:
        raise InvalidInput("with obs and type, rho is a pair: within a construct, between constructs")
    within, between = _by_label("obs", obs, k, rho[0]), _by_label("type", type, k, rho[1])
    same = codes("type", type, k)[1]
    return lambda i, j: np.where(same[i] == same[j], within(i, j), between(i, j))


def _by_label(name: str, labels: ArrayLike | None, k: int, rho: Rho) -> Pairwise:
    found, of = codes(name, np.asarray(labels), k)
    r = numbers("rho", rho, ge=-1, le=1)  # type: ignore[arg-type]
    if r.ndim == 0:
        return lambda i, j: np.where(of[i] == of[j], 1.0, r)
    if r.shape != (len(found), len(found)) or np.any(r != r.T) or np.any(np.diagonal(r) != 1):
        raise InvalidInput(
            f"rho must be one number or a symmetric matrix with ones on its diagonal for the {len(found)} levels of "
            f"{name} (found shape {r.shape})"
        )
    rank = np.argsort(np.array(sorted(range(len(found)), key=lambda c: found[c])))  # type: ignore[arg-type, return-value]
    place = rank[of]
    return lambda i, j: r[place[i], place[j]]


def _shared(
    k: int,
    time1: ArrayLike | None,
    time2: ArrayLike | None,
    grp1: ArrayLike | None,
    grp2: ArrayLike | None,
    w1: ArrayLike | None,
    w2: ArrayLike | None,
    phi: float | None,
) -> Pairwise:
    """Correlation of two effects by the groups and times that they have in common."""
    for given, needed, rule in (
        (time1, phi, "time1 needs phi"),
        (time2, time1, "time2 needs time1"),
        (grp2, grp1, "grp2 needs grp1"),
        (w1, grp1, "w1 needs grp1"),
        (w2, grp2, "w2 needs grp2"),
    ):
        if given is not None and needed is None:
            raise InvalidInput(rule)
    t1 = _per_effect("time1", time1, k, 0.0)
    t2 = t1 if time2 is None else _per_effect("time2", time2, k, 0.0)
    decay = _decay(phi, t1, t2)
    g1, g2 = _groups(k, grp1, grp2)
    one = _Side(g1, t1, 1 / _per_effect("w1", w1, k, 1.0, gt=0))
    if grp2 is None:
        return lambda i, j: _overlap(one, one, decay, i, j) / np.sqrt(one.variance[i] * one.variance[j])
    two = _Side(g2, t2, 1 / _per_effect("w2", w2, k, 1.0, gt=0))

    def covariance(i: IntArray, j: IntArray) -> FloatArray:
        return (
            _overlap(one, one, decay, i, j)
            - _overlap(one, two, decay, i, j)
            - _overlap(two, one, decay, i, j)
            + _overlap(two, two, decay, i, j)
        )

    each = np.arange(k)
    variance = covariance(each, each)
    if np.any(variance <= 0):
        raise InvalidInput(f"effect {int(np.argmax(variance <= 0))} contrasts a group with itself at the same time")
    return lambda i, j: covariance(i, j) / np.sqrt(variance[i] * variance[j])


def _overlap(a: _Side, b: _Side, decay: Callable[[FloatArray], FloatArray], i: IntArray, j: IntArray) -> FloatArray:
    both = np.sqrt(a.variance[i] * b.variance[j]) * decay(np.abs(a.time[i] - b.time[j]))
    return np.where(a.group[i] == b.group[j], both, 0.0)


def _decay(phi: float | None, *times: FloatArray) -> Callable[[FloatArray], FloatArray]:
    if phi is None:
        return lambda gap: np.ones(gap.shape)
    r = float(numbers("phi", phi, ge=-1, le=1))
    if r < 0 and any(np.any(t != np.round(t)) for t in times):
        raise InvalidInput(f"phi below 0 needs whole units of time (found phi {r:g})")
    return lambda gap: np.power(r, gap)


def _per_effect(name: str, value: ArrayLike | None, k: int, default: float, gt: float | None = None) -> FloatArray:
    x = numbers(name, default if value is None else value, gt=gt)
    if x.ndim and x.shape != (k,):
        raise InvalidInput(f"{name} must have one value for each of the {k} effects (found shape {x.shape})")
    return np.broadcast_to(x, (k,))


def _groups(k: int, grp1: ArrayLike | None, grp2: ArrayLike | None) -> tuple[IntArray, IntArray]:
    """Numbers of the groups of both sides, on one scale."""
    if grp1 is None:
        return np.zeros(k, dtype=np.int64), np.zeros(k, dtype=np.int64)
    first = codes("grp1", grp1, k)[0:2]
    if grp2 is None:
        return first[1], first[1]
    second = codes("grp2", grp2, k)
    number = {label: n for n, label in enumerate(dict.fromkeys((*first[0], *second[0])))}
    one, two = (np.array([number[x] for x in names])[of] for names, of in (first, second))
    return one, two


def _positive_definite(block: FloatArray, cluster: ArrayLike, stack: IntArray) -> None:
    smallest = np.linalg.eigvalsh(block)[:, 0]
    bad = smallest <= _SINGULAR * np.abs(block).max(axis=(1, 2))
    if bad.any():
        first = int(np.argmax(bad))
        label = np.asarray(cluster).tolist()[stack[first, 0]]
        raise InvalidInput(
            f"the covariance of cluster {label!r} is not positive definite (smallest eigenvalue of its correlations "
            f"{smallest[first]:.3g}): two effects that nothing tells apart, or an impossible rho or phi"
        )
