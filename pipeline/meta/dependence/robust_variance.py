"""Cluster-robust variance of weighted least squares coefficients, with corrections for few clusters.

V = M [sum_j X_j'W_j A_j e_j e_j' A_j' W_j X_j] M,  M = (X'WX)^-1. The kinds differ in the matrices A_j. Liang & Zeger
1986, Biometrika 73:13 (CR0); Bell & McCaffrey 2002, Surv Methodol 28:169 (CR2, CR3); Hedges, Tipton & Johnson 2010, Res
Synth Methods 1:39; Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672 (CR2 for any working covariance).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.cluster_stacks import Clusters, clusters
from pipeline.meta.dependence.whitening import Whitened, square, transpose, whiten

_SINGULAR = 1e-12  # share of the information on a direction that the other clusters hold: below it, none


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
    bread : (X'WX)^-1, (..., p, p)
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
    bread: FloatArray
    model_vb: FloatArray
    own: FloatArray
    left: FloatArray
    right: FloatArray


def _unadjusted(c: Whitened, middle: FloatArray | None) -> FloatArray:
    return c.weighted


def _bias_reduced(c: Whitened, middle: FloatArray | None) -> FloatArray:
    """A W X with A the symmetric root that makes V unbiased under the working covariance (generalised inverse).

    A = L B^(-1/2) L' with B = L' var(e_j) L for Phi_j = L L'. B is never formed: its root C, B = C'C, has columns of
    falling size, from which a singular value decomposition keeps the digits of variances far apart.
    """
    turned = transpose(c.root)
    own, axes = np.linalg.eigh(square(c.q))
    decided = own > 1 - _SINGULAR
    if middle is None:
        left = np.sqrt(np.where(decided, 0.0, 1 - own))  # (I - qq')^(1/2) = I - q V 1 / (1 + left) V'q'
        along, inner, side = transpose(c.q @ axes), turned @ c.root, c.q
        root = inner - (transpose(along) / (1 + left)[..., None, :]) @ (along @ inner)
    else:
        side = turned @ c.weighted
        size, across = np.linalg.eigh(middle[..., None, :, :] - square(side))
        others = np.sqrt(np.maximum(size, 0.0))[..., None] * (transpose(across) @ transpose(c.basis) @ c.root)
        root = np.concatenate([turned @ c.root - side @ (transpose(c.basis) @ c.root), others], axis=-2)
    _, value, vector = np.linalg.svd(root, full_matrices=False)
    kept = value.shape[-1] - decided.sum(-1)[..., None]
    gone = (np.arange(value.shape[-1]) >= kept) | (value <= 0)
    inverse_root = np.where(gone, 0.0, 1 / np.where(gone, 1.0, value))
    return np.asarray(c.root @ (transpose(vector) @ (inverse_root[..., None] * (vector @ side))), dtype=np.float64)


def _jackknife(c: Whitened, middle: FloatArray | None) -> FloatArray:
    """(I - H_jj')^-1 W X: the residuals of a fit without the cluster (generalised inverse)."""
    own, vector = np.linalg.eigh(square(c.q))
    gone = own > 1 - _SINGULAR
    inverse = np.where(gone, 0.0, 1 / np.where(gone, 1.0, 1 - own))
    return c.weighted @ vector @ (inverse[..., None] * transpose(vector))


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A kind of robust variance.

    Attributes
    ----------
    label : in words
    scores : from a stack of clusters, A'W times the design in the orthonormal basis; the second argument is
        X'W Phi W X in that basis, None where W is the inverse of the working covariance Phi: the identity
    factor : on the variance, from clusters m, coefficients p and effects k
    """

    label: str
    scores: Callable[[Whitened, FloatArray | None], FloatArray]
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
        Unequal shapes, NaN, one cluster, a collinear design, a working covariance that is not positive definite or
        joins two clusters, CR1p with as many coefficients as clusters, an unknown kind.

    Examples
    --------
    >>> fit = robust_variance([0.1, 0.3, 0.5, 0.2], None, ["A", "A", "B", "C"], variance=[0.1, 0.1, 0.2, 0.1])
    >>> round(float(fit.beta[0]), 4), round(float(fit.se[0]), 4)
    (0.2429, 0.0564)
    """
    choose("kind", kind, ADJUSTMENTS)
    y = numbers("yi", yi)
    if y.ndim == 0 or y.shape[-1] == 0:
        raise InvalidInput(f"yi must have shape (..., k), k > 0: found {y.shape}")
    k = y.shape[-1]
    x = _design(design, k)
    p = x.shape[-1]
    if (variance is None) == (covariance is None):
        raise InvalidInput("give either variance or covariance")
    w = None if weights is None else _per_effect("weights", weights, k)
    v = None if variance is None else _per_effect("variance", variance, k)
    matrix = None if covariance is None else _square("covariance", covariance, k)
    each = v if matrix is None else np.diagonal(matrix, axis1=-2, axis2=-1)
    who = clusters(cluster, k, fewest=2, largest_first=np.mean(np.reshape(each, (-1, k)), axis=0))  # type: ignore[arg-type]
    _refuse_joined(matrix, who)
    if kind == "CR1p" and who.m <= p:
        raise InvalidInput(f"CR1p needs more clusters than coefficients: {who.m} clusters, {p} coefficients")
    if kind == "CR1S" and k <= p:
        raise InvalidInput(f"CR1S needs more effects than coefficients: {k} effects, {p} coefficients")
    parts, turn = whiten(x, who, v, matrix, w)
    return _sandwich(y, who, parts, turn, kind, own_weights=w is not None)


def _sandwich(
    y: FloatArray, who: Clusters, parts: list[Whitened], turn: FloatArray, kind: str, *, own_weights: bool
) -> RobustFit:
    """Coefficients first, then what each cluster adds."""
    p, k, row = turn.shape[-1], len(who.of), ADJUSTMENTS[kind]
    b = np.sum([_over(c.weighted, c.of(y)).sum(-2) for c in parts], axis=0)
    middle = np.sum([square(transpose(c.root) @ c.weighted).sum(-3) for c in parts], axis=0) if own_weights else None
    factor = np.sqrt(row.factor(who.m, p, k))
    pieces = [_cluster_terms(c, y, b, factor * row.scores(c, middle), middle) for c in parts]
    order = np.argsort(np.concatenate([c.stack.members for c in parts]))
    z, own, left, right = (np.concatenate(x, axis=-3)[..., order, :, :] for x in zip(*pieces, strict=True))
    back, out = turn[..., None, :, :], transpose(turn)[..., None, :, :]
    scores = (back @ z)[..., 0]
    vb = square(scores)
    return RobustFit(
        beta=(turn @ b[..., None])[..., 0],
        vb=vb,
        se=np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1)),
        kind=kind,
        k=k,
        m=who.m,
        p=p,
        scores=scores,
        bread=turn @ transpose(turn),
        model_vb=turn @ transpose(turn) if middle is None else turn @ middle @ transpose(turn),
        own=back @ own @ out,
        left=left @ out,
        right=right @ out,
    )


def _cluster_terms(
    c: Whitened, y: FloatArray, b: FloatArray, g: FloatArray, middle: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Score (..., n, p, 1), own, left and right of each cluster of a stack (see RobustFit)."""
    residual = c.of(y) - (c.basis @ b[..., None, :, None])[..., 0]
    turned = transpose(c.root)
    left = transpose(c.basis) @ g
    if middle is None:
        right = left / 2
    else:
        right = transpose(turned @ c.weighted) @ (turned @ g) - middle[..., None, :, :] @ left / 2
    return _over(g, residual)[..., None], square(turned @ g), left, right


def _over(g: FloatArray, y: FloatArray) -> FloatArray:
    """g'y of each cluster, (..., n, p)."""
    return (transpose(g) @ y[..., None])[..., 0]


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


def _square(name: str, covariance: ArrayLike, k: int) -> FloatArray:
    v = numbers(name, covariance)
    if v.shape[-2:] != (k, k):
        raise InvalidInput(f"{name} must have shape (..., {k}, {k}): found {v.shape}")
    return v


def _refuse_joined(covariance: FloatArray | None, who: Clusters) -> None:
    if covariance is None:
        return
    across = (covariance != 0) & (who.of[:, None] != who.of)
    if across.any():
        i, j = np.argwhere(across)[0][-2:]
        raise InvalidInput(
            f"covariance[{i}, {j}] joins clusters {who.labels[who.of[i]]!r} and {who.labels[who.of[j]]!r}: a cluster "
            "must hold all effects that depend on one another"
        )
