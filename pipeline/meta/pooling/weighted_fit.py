"""Weighted least squares by orthogonal columns, for a whole batch of weights at once.

With W = diag(weights) and Q the orthonormal columns of W^(1/2) X, the residual maker of the mixed-effects model is
P = W^(1/2) (I - QQ') W^(1/2) = W - WX (X'WX)^-1 X'W. A study of weight 0 takes no part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput

DEPENDENT = 1e-11  # a column that orthogonalisation shrinks below this share of its length is a combination of others
DOMINANT = 0.999  # a leverage from which on 1 - leverage is summed from the other studies instead of subtracted


@dataclass(frozen=True, slots=True)
class WeightedFit:
    """The geometry of one weighting; every array has the batch's leading axes.

    Attributes
    ----------
    root : square roots of the weights, (..., k)
    columns : the p orthonormal columns of W^(1/2) X, each (..., k)
    r : upper triangle with q r = W^(1/2) X, (..., p, p)
    """

    root: FloatArray
    columns: tuple[FloatArray, ...]
    r: FloatArray

    @property
    def q(self) -> FloatArray:
        """The orthonormal columns as one matrix, (..., k, p)."""
        return np.stack(self.columns, axis=-1)

    def coefficients(self, y: FloatArray) -> FloatArray:
        """(X'WX)^-1 X'Wy, shape (..., p)."""
        z = self.root * y
        right = np.stack([np.vecdot(q, z) for q in self.columns], axis=-1)
        if len(self.columns) == 1:
            return right / self.r[..., 0]
        return np.asarray(np.linalg.solve(self.r, right[..., None])[..., 0], dtype=np.float64)

    def coefficient_maker(self) -> FloatArray:
        """(X'WX)^-1 X'W, shape (..., p, k)."""
        maker = np.linalg.solve(self.r, np.stack(self.columns, axis=-2) * self.root[..., None, :])
        return np.asarray(maker, dtype=np.float64)

    def inverse_information(self) -> FloatArray:
        """(X'WX)^-1, shape (..., p, p)."""
        if len(self.columns) == 1:
            return 1 / self.r**2
        inverse = np.asarray(np.linalg.inv(self.r), dtype=np.float64)
        return inverse @ np.swapaxes(inverse, -1, -2)

    def log_det_information(self) -> FloatArray:
        """log |X'WX|."""
        return 2 * np.log(np.diagonal(self.r, axis1=-2, axis2=-1)).sum(-1)

    def residuals(self, y: FloatArray) -> FloatArray:
        """W^(1/2) (y - X b), shape (..., k); their squares sum to y'Py."""
        z = self.root * y
        for q in (*self.columns, *self.columns):  # the second round takes away what rounding left of the first
            z = z - q * np.vecdot(q, z)[..., None]
        return z

    def apply(self, y: FloatArray) -> FloatArray:
        """Py."""
        return self.root * self.residuals(y)

    def leverages(self) -> FloatArray:
        """Diagonal of QQ', shape (..., k)."""
        total = self.columns[0] ** 2
        for q in self.columns[1:]:
            total = total + q**2
        return total

    def freedoms(self) -> FloatArray:
        """1 - leverages, shape (..., k), without cancellation where one study dominates a pooled effect."""
        h = self.leverages()
        rows = h.max(-1) > DOMINANT
        if len(self.columns) > 1 or not rows.any():
            return 1 - h
        free, own = 1 - h, h[rows]
        largest = np.arange(own.shape[-1]) == own.argmax(-1)[..., None]
        others = np.where(largest, 0.0, own).sum(-1, keepdims=True)
        free[rows] = np.where(largest, others, free[rows])
        return free

    def trace(self, scale: FloatArray | float = 1.0) -> FloatArray:
        """tr(P diag(scale))."""
        return np.sum(self.root**2 * scale * self.freedoms(), axis=-1)

    def trace_squared(self, scale: FloatArray | float = 1.0) -> FloatArray:
        """tr(P diag(scale) P diag(scale))."""
        w = self.root**2 * scale
        total = np.sum(w**2 * (1 - 2 * self.leverages()), axis=-1)
        for i, a in enumerate(self.columns):
            for j, b in enumerate(self.columns[: i + 1]):
                total = total + (1 if i == j else 2) * np.vecdot(a * w, b) ** 2
        return total


def fit(weights: FloatArray, design: FloatArray) -> WeightedFit:
    """Gram-Schmidt, each column orthogonalised twice ("twice is enough", Giraud et al. 2005).

    Parameters
    ----------
    weights : (..., k), >= 0
    design : (..., k, p), broadcast with the weights

    Raises
    ------
    InvalidInput
        The columns of the design are linearly dependent among the studies that have weight.
    """
    root = np.sqrt(weights)
    p = design.shape[-1]
    q: list[FloatArray] = []
    r = np.zeros((*np.broadcast_shapes(root.shape, design.shape[:-1])[:-1], p, p))
    for j in range(p):
        column = root * design[..., j]
        size = np.sqrt(np.vecdot(column, column)) if j else 0.0
        for _ in range(2):
            for i, before in enumerate(q):
                part = np.vecdot(before, column)
                r[..., i, j] += part
                column = column - before * part[..., None]
        length = np.sqrt(np.vecdot(column, column))
        if np.any(length <= DEPENDENT * size):
            raise InvalidInput(f"column {j} of the design is a combination of the columns before it (or all zero)")
        r[..., j, j] = length
        q.append(column / length[..., None])
    return WeightedFit(root, tuple(q), r)
