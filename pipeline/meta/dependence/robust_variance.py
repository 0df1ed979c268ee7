"""Cluster-robust variance of weighted least squares coefficients, with corrections for few clusters.

V = M [sum_j X_j'W_j A_j e_j e_j' A_j' W_j X_j] M,  M = (X'WX)^-1. The kinds differ in the matrices A_j. Liang & Zeger
1986, Biometrika 73:13 (CR0); Bell & McCaffrey 2002, Surv Methodol 28:169 (CR2, CR3); Hedges, Tipton & Johnson 2010, Res
Synth Methods 1:39; Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672 (CR2 for any working covariance).

Everything is computed in the orthonormal basis of the whitened design (X = basis R), where M is the identity, and turned
back at the end; so a year as a moderator costs no digits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.blocks import Clusters, Stack, clusters, padded
from pipeline.meta.pooling.weighted_fit import fit

_SINGULAR = 1e-12


@dataclass(frozen=True, slots=True)
class RobustFit:
    """Coefficients with a cluster-robust covariance. Leading axes are the batch's.

    Attributes
    ----------
    beta : coefficients, (..., p)
    vb : robust covariance of the coefficients, (..., p, p)
    se : robust standard errors, (..., p)
    kind : row of ADJUSTMENTS
    k, m, p : effects, clusters, coefficients
    scores : what each cluster adds to the coefficients' error; vb is the sum of their squares, (..., m, p)
    model_vb : covariance of the coefficients under the working covariance, (..., p, p)
    own, left, right : under the working covariance, scores i and j have covariance
        [i = j] own_j - left_i'right_j - right_i'left_j; each (..., m, p, p)
    """

    beta: FloatArray
    vb: FloatArray
    se: FloatArray
    kind: str
    k: int
    m: int
    p: int
    scores: FloatArray
    model_vb: FloatArray
    own: FloatArray
    left: FloatArray
    right: FloatArray


@dataclass(frozen=True, slots=True)
class _Stacked:
    """One stack of n clusters in the orthonormal basis.

    Attributes
    ----------
    root : lower Cholesky factor of the working covariance, (..., n, s, s)
    q : whitened design, orthonormal over all clusters, (..., n, s, p)
    basis : the design in the basis, (..., n, s, p)
    weighted : W times basis, (..., n, s, p)
    middle : basis'W Phi W basis over all clusters, (..., p, p); None where W is the inverse of Phi: the identity
    """

    root: FloatArray
    q: FloatArray
    basis: FloatArray
    weighted: FloatArray
    middle: FloatArray | None


def _unadjusted(s: _Stacked) -> FloatArray:
    return s.weighted


def _bias_reduced(s: _Stacked) -> FloatArray:
    """A W X with A the symmetric root that makes V unbiased under the working covariance (generalised inverse)."""
    turned = np.swapaxes(s.root, -1, -2)
    left = s.q if s.middle is None else turned @ s.weighted
    if s.middle is None:
        inner = turned @ s.root
        seen = inner @ s.q
        variance = inner @ inner - seen @ np.swapaxes(seen, -1, -2)
    else:
        phi = s.root @ turned
        lost = s.basis @ np.swapaxes(phi @ s.weighted, -1, -2)
        held = s.basis @ s.middle[..., None, :, :] @ np.swapaxes(s.basis, -1, -2)
        variance = turned @ (phi - lost - np.swapaxes(lost, -1, -2) + held) @ s.root
    value, vector = np.linalg.eigh(variance)
    own = np.linalg.eigvalsh(np.swapaxes(s.q, -1, -2) @ s.q)
    nullity = np.sum(own > 1 - _SINGULAR, axis=-1)[..., None]
    gone = (np.arange(value.shape[-1]) < nullity) | (value <= 0)
    inverse_root = np.where(gone, 0.0, 1 / np.sqrt(np.where(gone, 1.0, value)))
    return s.root @ (vector @ (inverse_root[..., None] * (np.swapaxes(vector, -1, -2) @ left)))


def _jackknife(s: _Stacked) -> FloatArray:
    """(I - H_jj')^-1 W X: the residuals of a fit without the cluster (generalised inverse)."""
    inner = np.swapaxes(s.q, -1, -2) @ s.q
    value, vector = np.linalg.eigh(inner)
    gone = value > 1 - _SINGULAR
    inverse = np.where(gone, 0.0, 1 / np.where(gone, 1.0, 1 - value))
    return s.weighted @ vector @ (inverse[..., None] * np.swapaxes(vector, -1, -2))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A kind of robust variance.

    Attributes
    ----------
    label : in words
    scores : from a stack of clusters, A'W times the design
    factor : on the variance, from clusters m, coefficients p and effects k
    """

    label: str
    scores: Callable[[_Stacked], FloatArray]
    factor: Callable[[int, int, int], float]


# To add a kind: a row here, and its number from outside.
ADJUSTMENTS: dict[str, Adjustment] = {
    "CR0": Adjustment("no correction", _unadjusted, lambda m, p, k: 1.0),
    "CR1": Adjustment("factor m / (m - 1)", _unadjusted, lambda m, p, k: m / (m - 1)),
    "CR1p": Adjustment("factor m / (m - p)", _unadjusted, lambda m, p, k: m / (m - p)),
    "CR1S": Adjustment(
        "factor m (k - 1) / ((m - 1) (k - p))", _unadjusted, lambda m, p, k: m * (k - 1) / ((m - 1) * (k - p))
    ),
    "CR2": Adjustment("bias reduced, exact under the working covariance", _bias_reduced, lambda m, p, k: 1.0),
    "CR3": Adjustment("close to the jackknife over clusters", _jackknife, lambda m, p, k: 1.0),
}


def robust_variance(
    yi: ArrayLike,
    design: ArrayLike | None,
    cluster: ArrayLike,
    *,
    variance: ArrayLike | None = None,
    covariance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    kind: str = "CR2",
) -> RobustFit:
    """Weighted least squares with a cluster-robust covariance of the coefficients.

    The working covariance is that of a fitted model: vi + tau2 of a random-effects model, or the marginal covariance of
    a multilevel model. It gives the weights and, for CR2 and the degrees of freedom, the truth that the small-sample
    corrections assume; the robust variance itself stays valid in large samples where it is wrong.

    Parameters
    ----------
    yi : effects, (..., k)
    design : (k, p) or (..., k, p), the intercept's column of ones included; None for an intercept only
    cluster : label of each effect, (k,); at least 2 clusters
    variance : working variances, (..., k), of independent effects; either this or `covariance`
    covariance : working covariance, (..., k, k), zero between clusters
    weights : weights of the fit, (..., k), > 0; None for the inverse of the working covariance
    kind : key of ADJUSTMENTS

    Raises
    ------
    InvalidInput
        Unequal shapes, NaN, one cluster, a collinear design, a working covariance that is not positive definite or joins
        two clusters, CR1p with as many coefficients as clusters, an unknown kind.

    Examples
    --------
    >>> fit = robust_variance([0.1, 0.3, 0.5, 0.2], None, ["A", "A", "B", "C"], variance=[0.1, 0.1, 0.2, 0.1])
    >>> round(float(fit.beta[0]), 4), round(float(fit.se[0]), 4)
    (0.2429, 0.0806)
    """
    choose("kind", kind, ADJUSTMENTS)
    y = numbers("yi", yi)
    if y.ndim == 0 or y.shape[-1] == 0:
        raise InvalidInput(f"yi must have shape (..., k), k > 0: found {y.shape}")
    k = y.shape[-1]
    who = clusters(cluster, k, fewest=2)
    x = _design(design, k)
    p = x.shape[-1]
    if kind == "CR1p" and who.m <= p:
        raise InvalidInput(f"CR1p needs more clusters than coefficients: {who.m} clusters, {p} coefficients")
    if kind == "CR1S" and k <= p:
        raise InvalidInput(f"CR1S needs more effects than coefficients: {k} effects, {p} coefficients")
    if (variance is None) == (covariance is None):
        raise InvalidInput("give either variance or covariance")
    w = None if weights is None else _per_effect("weights", weights, k)
    stacks = padded(who)
    if covariance is None:
        v = _per_effect("variance", variance, k)  # type: ignore[arg-type]
        roots = [_diagonal_root(v, s) for s in stacks]
    else:
        v = _working(covariance, who)
        roots = [_root(v, s) for s in stacks]
    whitened = [_whitened(_rows(x, s), root, _taken(w, s)) for s, root in zip(stacks, roots, strict=True)]
    turn, ortho = _orthonormal(whitened)
    return _assemble(y, who, stacks, roots, ortho, turn, w, kind, k)


def _assemble(
    y: FloatArray,
    who: Clusters,
    stacks: list[Stack],
    roots: list[FloatArray],
    ortho: list[FloatArray],
    turn: FloatArray,
    w: FloatArray | None,
    kind: str,
    k: int,
) -> RobustFit:
    """From stacks to the fit: coefficients first, then the scores of each stack."""
    p = turn.shape[-1]
    parts = [_stacked(root, q, _taken(w, s)) for s, root, q in zip(stacks, roots, ortho, strict=True)]
    ys = [np.where(s.present, y[..., s.index], 0.0) for s in stacks]
    b = sum(_over(part.weighted, yj).sum(-2) for part, yj in zip(parts, ys, strict=True))
    middle = None
    if w is not None:
        middle = sum(_square(np.swapaxes(part.root, -1, -2) @ part.weighted).sum(-3) for part in parts)
        parts = [_Stacked(part.root, part.q, part.basis, part.weighted, middle) for part in parts]
    row = ADJUSTMENTS[kind]
    factor = np.sqrt(row.factor(who.m, p, k))
    scores, own, left, right = [], [], [], []
    for part, yj in zip(parts, ys, strict=True):
        g = row.scores(part) * factor
        residual = yj - (part.basis @ np.asarray(b)[..., None, :, None])[..., 0]
        scores.append(_over(g, residual))
        own.append(_square(np.swapaxes(part.root, -1, -2) @ g))
        seen = np.swapaxes(part.basis, -1, -2) @ g
        left.append(seen)
        right.append(seen / 2 if middle is None else _right(part, g, seen, middle))
    order = np.argsort(np.concatenate([s.members for s in stacks]))
    z = np.concatenate(scores, axis=-2)[..., order, :] @ np.swapaxes(turn, -1, -2)
    out, back = np.swapaxes(turn, -1, -2)[..., None, :, :], turn[..., None, :, :]
    d, f, h = (np.concatenate(part, axis=-3)[..., order, :, :] for part in (own, left, right))
    vb = np.swapaxes(z, -1, -2) @ z
    model = turn @ np.swapaxes(turn, -1, -2) if middle is None else turn @ middle @ np.swapaxes(turn, -1, -2)
    return RobustFit(
        beta=(turn @ np.asarray(b)[..., None])[..., 0],
        vb=vb,
        se=np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1)),
        kind=kind,
        k=k,
        m=who.m,
        p=p,
        scores=z,
        model_vb=model,
        own=back @ d @ out,
        left=f @ out,
        right=h @ out,
    )


def _right(part: _Stacked, g: FloatArray, seen: FloatArray, middle: FloatArray) -> FloatArray:
    turned = np.swapaxes(part.root, -1, -2)
    return np.swapaxes(turned @ part.weighted, -1, -2) @ (turned @ g) - middle[..., None, :, :] @ seen / 2


def _design(design: ArrayLike | None, k: int) -> FloatArray:
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.ndim < 2 or x.shape[-2] != k or x.shape[-1] == 0:
        raise InvalidInput(f"the design must have shape (..., {k}, p): found {x.shape}")
    if x.shape[-1] > k:
        raise InvalidInput(f"{k} effects cannot carry {x.shape[-1]} coefficients")
    return x


def _per_effect(name: str, value: ArrayLike, k: int) -> FloatArray:
    v = numbers(name, value, gt=0)
    if v.ndim == 0 or v.shape[-1] != k:
        raise InvalidInput(f"{name} must have shape (..., {k}): found {v.shape}")
    return v


def _working(covariance: ArrayLike, who: Clusters) -> FloatArray:
    v = numbers("covariance", covariance)
    k = len(who.of)
    if v.shape[-2:] != (k, k):
        raise InvalidInput(f"covariance must have shape (..., {k}, {k}): found {v.shape}")
    across = (v != 0) & (who.of[:, None] != who.of)
    if across.any():
        i, j = np.argwhere(across)[0][-2:]
        raise InvalidInput(
            f"covariance[{i}, {j}] joins clusters {who.labels[who.of[i]]!r} and {who.labels[who.of[j]]!r}: a cluster "
            "must hold all effects that depend on one another"
        )
    return v


def _rows(x: FloatArray, s: Stack) -> FloatArray:
    return np.where(s.present[..., None], x[..., s.index, :], 0.0)


def _taken(w: FloatArray | None, s: Stack) -> FloatArray | None:
    return None if w is None else np.where(s.present, w[..., s.index], 1.0)


def _diagonal_root(v: FloatArray, s: Stack) -> FloatArray:
    root = np.sqrt(np.where(s.present, v[..., s.index], 1.0))
    return root[..., None] * np.eye(s.index.shape[1])


def _root(v: FloatArray, s: Stack) -> FloatArray:
    both = s.present[:, :, None] & s.present[:, None, :]
    block = np.where(both, v[..., s.index[:, :, None], s.index[:, None, :]], np.eye(s.index.shape[1]))
    try:
        return np.linalg.cholesky(block)
    except np.linalg.LinAlgError:
        raise InvalidInput("the working covariance is not positive definite within a cluster") from None


def _whitened(x: FloatArray, root: FloatArray, w: FloatArray | None) -> FloatArray:
    return np.linalg.solve(root, x) if w is None else np.sqrt(w)[..., None] * x


def _orthonormal(whitened: list[FloatArray]) -> tuple[FloatArray, list[FloatArray]]:
    """Inverse of R, and the orthonormal columns of each stack."""
    shape = np.broadcast_shapes(*(x.shape[:-3] for x in whitened))
    p = whitened[0].shape[-1]
    flat = [np.broadcast_to(x, (*shape, *x.shape[-3:])).reshape(*shape, -1, p) for x in whitened]
    rows = np.concatenate(flat, axis=-2)
    made = fit(np.ones(rows.shape[:-1]), rows)
    ends = np.cumsum([f.shape[-2] for f in flat])[:-1]
    pieces = np.split(made.q, ends, axis=-2)
    return np.linalg.inv(made.r), [q.reshape(*shape, *x.shape[-3:]) for q, x in zip(pieces, whitened, strict=True)]


def _stacked(root: FloatArray, q: FloatArray, w: FloatArray | None) -> _Stacked:
    if w is None:
        return _Stacked(root, q, root @ q, np.linalg.solve(np.swapaxes(root, -1, -2), q), None)
    half = np.sqrt(w)[..., None]
    return _Stacked(root, q, q / half, half * q, None)


def _over(g: FloatArray, y: FloatArray) -> FloatArray:
    """g'y of each cluster, (..., n, p)."""
    return (np.swapaxes(g, -1, -2) @ y[..., None])[..., 0]


def _square(x: FloatArray) -> FloatArray:
    return np.swapaxes(x, -1, -2) @ x
