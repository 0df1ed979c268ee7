"""A weighted fit cluster by cluster, in the basis where its design is orthonormal.

With Phi the working covariance of the effects, Phi = L L' within each cluster, and W the weights, the whitened design
(L^-1 X, or W^(1/2) X for weights of the caller's) is Q R. In the basis X R^-1 the matrix (X'WX)^-1 is the identity,
so a year as a moderator costs no digits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput
from pipeline.meta.dependence.cluster_stacks import Stack, padded
from pipeline.meta.dependence.robust_inputs import WorkingModel
from pipeline.meta.pooling.weighted_fit import fit


@dataclass(frozen=True, slots=True)
class Whitened:
    """One stack of n clusters, padded to s effects, with the variance of a cluster's last effect for the padding.

    Attributes
    ----------
    stack : which clusters and effects
    present : True for an effect that takes part, (..., n, s)
    root : L, (..., n, s, s)
    q : whitened design, orthonormal over all clusters, (..., n, s, p)
    basis : X R^-1, (..., n, s, p)
    weighted : W X R^-1, (..., n, s, p)
    """

    stack: Stack
    present: BoolArray
    root: FloatArray
    q: FloatArray
    basis: FloatArray
    weighted: FloatArray

    def of(self, y: FloatArray) -> FloatArray:
        """Values (..., k) of the stack's effects, (..., n, s)."""
        return np.where(self.present, y[..., self.stack.index], 0.0)


def transpose(x: FloatArray) -> FloatArray:
    """Last two axes exchanged."""
    return np.swapaxes(x, -1, -2)


def square(x: FloatArray) -> FloatArray:
    """x'x of the last two axes."""
    return transpose(x) @ x


def whiten(w: WorkingModel) -> tuple[list[Whitened], FloatArray]:
    """Stacks of whitened clusters, and R^-1, (..., p, p).

    Raises
    ------
    InvalidInput
        A collinear design, or a covariance that is not positive definite.
    """
    stacks = padded(w.who)
    there = [s.present if w.on is None else s.present & w.on[..., s.index] for s in stacks]
    pairs = list(zip(stacks, there, strict=True))
    roots = [_root(w.covariance, s, on) if w.variance is None else _diagonal_root(w.variance, s, on) for s, on in pairs]
    halves = [None if w.weights is None else np.sqrt(np.where(on, w.weights[..., s.index], 1.0)) for s, on in pairs]
    rows = [np.where(on[..., None], w.x[..., s.index, :], 0.0) for s, on in pairs]
    turn, ortho = _orthonormal([_whitened(*each) for each in zip(rows, roots, halves, strict=True)])
    parts = zip(stacks, there, roots, ortho, halves, strict=True)
    return [Whitened(s, on, root, q, *_sides(root, q, half)) for s, on, root, q, half in parts], turn


def _diagonal_root(variance: FloatArray, s: Stack, on: BoolArray) -> FloatArray:
    v = variance[..., s.index]
    root = np.sqrt(np.where(on, v, _smallest(v, on)))
    return root[..., None] * np.eye(s.index.shape[1])


def _smallest(v: FloatArray, on: BoolArray) -> FloatArray:
    """Smallest variance of each cluster, (..., n, 1); 1 where it takes no part."""
    least = np.where(on, v, np.inf).min(-1, keepdims=True)
    return np.where(np.isfinite(least), least, 1.0)


def _root(covariance: FloatArray | None, s: Stack, on: BoolArray) -> FloatArray:
    if covariance is None:
        raise InvalidInput("give either variance or covariance")
    block = covariance[..., s.index[:, :, None], s.index[:, None, :]]
    own = np.diagonal(block, axis1=-2, axis2=-1)
    padding = _smallest(own, on)[..., None] * np.eye(s.index.shape[1])
    block = np.where(on[..., :, None] & on[..., None, :], block, padding)
    try:
        return np.asarray(np.linalg.cholesky(block), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise InvalidInput("the working covariance is not positive definite within a cluster") from None


def _whitened(rows: FloatArray, root: FloatArray, half: FloatArray | None) -> FloatArray:
    return np.asarray(np.linalg.solve(root, rows) if half is None else half[..., None] * rows, dtype=np.float64)


def _orthonormal(tall: list[FloatArray]) -> tuple[FloatArray, list[FloatArray]]:
    """R^-1 and the orthonormal columns of each stack."""
    shape = np.broadcast_shapes(*(x.shape[:-3] for x in tall))
    p = tall[0].shape[-1]
    flat = [np.broadcast_to(x, (*shape, *x.shape[-3:])).reshape(*shape, -1, p) for x in tall]
    rows = np.concatenate(flat, axis=-2)
    made = fit(np.ones(rows.shape[:-1]), rows)
    pieces = np.split(made.q, np.cumsum([f.shape[-2] for f in flat])[:-1], axis=-2)
    turn = np.asarray(np.linalg.inv(made.r), dtype=np.float64)
    return turn, [q.reshape(*shape, *x.shape[-3:]) for q, x in zip(pieces, tall, strict=True)]


def _sides(root: FloatArray, q: FloatArray, half: FloatArray | None) -> tuple[FloatArray, FloatArray]:
    """X R^-1 and W X R^-1."""
    if half is None:
        return root @ q, np.asarray(np.linalg.solve(transpose(root), q), dtype=np.float64)
    return q / half[..., None], half[..., None] * q
