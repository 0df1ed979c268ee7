"""Weighted least squares by orthogonal columns, for a whole batch of weights at once.

With W = diag(weights) and Q the orthonormal columns of W^(1/2) X, the residual maker of the mixed-effects model is
P = W^(1/2) (I - QQ') W^(1/2) = W - WX (X'WX)^-1 X'W. A study of weight 0 takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput


@dataclass(frozen=True, slots=True)
class WeightedFit:
    """The geometry of one weighting; every array has the batch's leading axes.

    Attributes
    ----------
    root : square roots of the weights, (..., k)
    q : orthonormal columns of W^(1/2) X, (..., k, p)
    r : upper triangle with q r = W^(1/2) X, (..., p, p)
    """

    root: FloatArray
    q: FloatArray
    r: FloatArray

    def coefficients(self, y: FloatArray) -> FloatArray:
        """(X'WX)^-1 X'Wy, shape (..., p)."""
        b = np.linalg.solve(self.r, _columns(self.q, self.root * y)[..., None])[..., 0]
        return np.asarray(b, dtype=np.float64)

    def coefficient_maker(self) -> FloatArray:
        """(X'WX)^-1 X'W, shape (..., p, k)."""
        maker = np.linalg.solve(self.r, np.swapaxes(self.q, -1, -2) * self.root[..., None, :])
        return np.asarray(maker, dtype=np.float64)

    def inverse_information(self) -> FloatArray:
        """(X'WX)^-1, shape (..., p, p)."""
        inverse = np.asarray(np.linalg.inv(self.r), dtype=np.float64)
        return inverse @ np.swapaxes(inverse, -1, -2)

    def log_det_information(self) -> FloatArray:
        """log |X'WX|."""
        return 2 * np.log(np.diagonal(self.r, axis1=-2, axis2=-1)).sum(-1)

    def residuals(self, y: FloatArray) -> FloatArray:
        """W^(1/2) (y - X b), shape (..., k); their squares sum to y'Py."""
        z = self.root * y
        z = z - np.einsum("...kp,...p->...k", self.q, _columns(self.q, z))
        return z - np.einsum("...kp,...p->...k", self.q, _columns(self.q, z))

    def apply(self, y: FloatArray) -> FloatArray:
        """Py."""
        return self.root * self.residuals(y)

    def leverages(self) -> FloatArray:
        """Diagonal of QQ', shape (..., k)."""
        return np.einsum("...kp,...kp->...k", self.q, self.q)

    def trace(self, scale: FloatArray | float = 1.0) -> FloatArray:
        """tr(P diag(scale))."""
        return np.sum(self.root**2 * scale * (1 - self.leverages()), axis=-1)

    def trace_squared(self, scale: FloatArray | float = 1.0) -> FloatArray:
        """tr(P diag(scale) P diag(scale))."""
        w = self.root**2 * scale
        inner = np.einsum("...kp,...k,...kq->...pq", self.q, w, self.q)
        return np.sum(w**2 * (1 - 2 * self.leverages()), axis=-1) + np.sum(inner**2, axis=(-2, -1))


def fit(weights: FloatArray, design: FloatArray) -> WeightedFit:
    """Gram-Schmidt, each column orthogonalised twice ("twice is enough", Giraud et al. 2005).

    Raises
    ------
    InvalidInput
        The columns of the design are linearly dependent among the studies that have weight.
    """
    root = np.sqrt(weights)
    x = root[..., None] * design
    p = x.shape[-1]
    q = np.zeros(x.shape)
    r = np.zeros((*x.shape[:-2], p, p))
    for j in range(p):
        column = x[..., j]
        size = np.sqrt(np.sum(column**2, axis=-1))
        for _ in range(2 if j else 0):
            part = _columns(q[..., :j], column)
            r[..., :j, j] += part
            column = column - np.einsum("...kp,...p->...k", q[..., :j], part)
        length = np.sqrt(np.sum(column**2, axis=-1))
        if np.any(length <= 1e-11 * size):
            raise InvalidInput(f"column {j} of the design is a combination of the columns before it (or all zero)")
        r[..., j, j] = length
        q[..., j] = column / length[..., None]
    return WeightedFit(root, q, r)


def _columns(q: FloatArray, z: FloatArray) -> FloatArray:
    return np.einsum("...kp,...k->...p", q, z)
