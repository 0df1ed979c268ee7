"""Kinds of cluster-robust variance: what is done to the residuals of a cluster before they are squared.

Liang & Zeger 1986, Biometrika 73:13 (CR0); Bell & McCaffrey 2002, Surv Methodol 28:169 (CR2, CR3); Pustejovsky & Tipton
2018, J Bus Econ Stat 36:672 (CR2 for any working covariance).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, IntArray
from pipeline.meta.dependence.whitening import Whitened, square, transpose

_SINGULAR = 1e-12  # share of the information on a direction that the other clusters hold: below it, none


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
    factor: Callable[[IntArray, int, IntArray], FloatArray]


def _one(m: IntArray, p: int, k: IntArray) -> FloatArray:
    return np.ones(np.shape(m))


# To add a kind: a row here, and its number from outside.
ADJUSTMENTS: dict[str, Adjustment] = {
    "CR0": Adjustment("no correction", _unadjusted, _one),
    "CR1": Adjustment("factor m / (m - 1)", _unadjusted, lambda m, p, k: m / (m - 1)),
    "CR1p": Adjustment("factor m / (m - p)", _unadjusted, lambda m, p, k: m / (m - p)),
    "CR1S": Adjustment(
        "factor m (k - 1) / ((m - 1) (k - p))", _unadjusted, lambda m, p, k: m * (k - 1) / ((m - 1) * (k - p))
    ),
    "CR2": Adjustment("bias reduced, exact under the working covariance", _bias_reduced, _one),
    "CR3": Adjustment("close to the jackknife over clusters", _jackknife, _one),
}
