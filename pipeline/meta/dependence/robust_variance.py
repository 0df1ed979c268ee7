"""Cluster-robust variance of weighted least squares coefficients, with corrections for few clusters.

V = M [sum_j X_j'W_j A_j e_j e_j' A_j' W_j X_j] M,  M = (X'WX)^-1. The kinds differ in the matrices A_j (see
`adjustments`). Hedges, Tipton & Johnson 2010, Res Synth Methods 1:39; Pustejovsky & Tipton 2018.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, choose
from pipeline.meta.dependence.adjustments import ADJUSTMENTS
from pipeline.meta.dependence.robust_inputs import WorkingModel, working_model
from pipeline.meta.dependence.whitening import Whitened, square, transpose, whiten


@dataclass(frozen=True, slots=True)
class RobustFit:
    """Coefficients with a cluster-robust covariance. Leading axes are the batch's.

    Attributes
    ----------
    beta : coefficients, (..., p)
    vb : robust covariance of the coefficients, (..., p, p)
    se : robust standard errors, (..., p)
    kind : row of ADJUSTMENTS
    k, m, p : effects and clusters that take part, (...); coefficients
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
    k: IntArray
    m: IntArray
    p: int
    scores: FloatArray
    bread: FloatArray
    model_vb: FloatArray
    own: FloatArray
    left: FloatArray
    right: FloatArray


def robust_variance(
    yi: ArrayLike,
    design: ArrayLike | None,
    cluster: ArrayLike,
    *,
    variance: ArrayLike | None = None,
    covariance: ArrayLike | None = None,
    weights: ArrayLike | None = None,
    kind: str = "CR2",
    mask: ArrayLike | None = None,
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
    mask : True where an effect takes part, (..., k); leaving out each cluster in turn is one call

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
    w = working_model(yi, design, cluster, variance, covariance, weights, mask)
    p = w.x.shape[-1]
    if kind == "CR1p" and np.any(w.m <= p):
        raise InvalidInput(f"CR1p needs more clusters than coefficients: {w.m.min()} clusters, {p} coefficients")
    if kind == "CR1S" and np.any(w.k <= p):
        raise InvalidInput(f"CR1S needs more effects than coefficients: {w.k.min()} effects, {p} coefficients")
    return _sandwich(w, kind)


def _sandwich(w: WorkingModel, kind: str) -> RobustFit:
    """Coefficients first, then what each cluster adds."""
    parts, turn = whiten(w)
    p, k, m, row = turn.shape[-1], w.k, w.m, ADJUSTMENTS[kind]
    b = np.sum([_over(c.weighted, c.of(w.y)).sum(-2) for c in parts], axis=0)
    middle = None
    if w.weights is not None:
        middle = np.sum([square(transpose(c.root) @ c.weighted).sum(-3) for c in parts], axis=0)
    factor = np.sqrt(row.factor(m, p, k))[..., None, None, None]
    pieces = [_cluster_terms(c, w.y, b, factor * row.scores(c, middle), middle) for c in parts]
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
        k=k[()],
        m=m[()],
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
