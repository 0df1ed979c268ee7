"""A probability density on the half line by Gauss-Legendre panels that follow it, for a whole batch at once.

The half line is mapped to 0 <= z < 1 by x = scale (z / (1 - z))^2, in which densities like x^(-1/2) at 0 and like a
power of 1 / x at infinity become smooth. The edges of the panels share out the variation of the log density evenly, so
that a peak a thousand times narrower than its tails costs no more than a broad one. Within a panel the density is the
polynomial through its nodes, which gives the distribution function and its inverse to the accuracy of the integral.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray

PANELS = 56
NODES = 16
REACH = 56.0  # the first look at the density goes from scale e^-56 to scale e^56
DEPTH = 42.0  # what lies e^-42 below the peak gets no panels of its own
TOLERANCE = 1e-8
T, W = legendre.leggauss(NODES)
TO_LEGENDRE = np.linalg.inv(legendre.legvander(T, NODES - 1))


@dataclass(frozen=True, slots=True)
class HalfLine:
    """A normalised density on x >= 0; B is the shape of the batch.

    Attributes
    ----------
    scale : unit of x, shape B
    edges : edges of the panels in z, B + (panels + 1,)
    nodes : nodes in x, B + (panels * nodes,)
    weights : their probabilities, which sum to 1
    log_total : logarithm of the integral of the density as it was given, shape B
    below : probability below each edge, B + (panels + 1,)
    coefficients : Legendre coefficients of the density in z, B + (panels, nodes)
    converged : is the part that the polynomials cannot see below 1e-8 of the whole
    """

    scale: FloatArray
    edges: FloatArray
    nodes: FloatArray
    weights: FloatArray
    log_total: FloatArray
    below: FloatArray
    coefficients: FloatArray
    converged: np.ndarray

    def mean(self, values: FloatArray) -> FloatArray:
        """Expectation of values at the nodes, B + (nodes,)."""
        return np.sum(self.weights * values, axis=-1)

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(X <= x) at B + (m,)."""
        root = np.sqrt(np.asarray(x, dtype=np.float64) / self.scale[..., None])
        z = np.clip(root / (1 + root), 0, self.edges[..., -1:])
        panel = np.clip(np.sum(self.edges[..., None, :] <= z[..., None], axis=-1) - 1, 0, self.edges.shape[-1] - 2)
        return self._below(z, panel)[0]

    def quantile(self, p: ArrayLike) -> FloatArray:
        """x with P(X <= x) = p, for p of shape B + (m,): Newton's method inside the panel, halved where it leaves."""
        q = np.broadcast_to(p, np.broadcast_shapes(np.shape(p), (*self.scale.shape, 1)))
        panel = np.sum(self.below[..., None, :] <= q[..., None], axis=-1) - 1
        panel = np.clip(panel, 0, self.edges.shape[-1] - 2)
        lo, hi = (np.take_along_axis(self.edges, panel + i, -1) for i in (0, 1))
        z = (lo + hi) / 2
        for _ in range(60):
            below, density = self._below(z, panel)
            lo, hi = np.where(below < q, z, lo), np.where(below < q, hi, z)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                new = z - (below - q) / density
            new = np.where((new > lo) & (new < hi), new, (lo + hi) / 2)
            near = np.abs(new - z) <= 1e-10 * new
            z = new
            if np.all(near):
                break
        with np.errstate(divide="ignore"):
            return np.where(q <= 0, 0.0, self.scale[..., None] * (z / (1 - z)) ** 2)

    def _below(self, z: FloatArray, panel: np.ndarray) -> tuple[FloatArray, FloatArray]:
        """Distribution function and density in z, inside the panel."""
        lo, hi = (np.take_along_axis(self.edges, panel + i, -1) for i in (0, 1))
        half = (hi - lo) / 2
        t = np.clip((z - lo) / half - 1, -1, 1)
        c = np.take_along_axis(self.coefficients, panel[..., None], -2)
        vander = legendre.legvander(t, NODES)
        n = np.arange(1, NODES)
        integral = (vander[..., 2:] - vander[..., :-2]) / (2 * n + 1)  # of P_n from -1, n >= 1
        inside = c[..., 0] * (t + 1) + np.sum(c[..., 1:] * integral, axis=-1)
        start = np.take_along_axis(self.below, panel, -1)
        return start + half * inside, np.sum(c * vander[..., :-1], axis=-1)


def half_line(log_density: Callable[[FloatArray], FloatArray], scale: FloatArray, upper: float = np.inf) -> HalfLine:
    """Integrate exp(log_density(x)) over 0 <= x < upper.

    Parameters
    ----------
    log_density : x of shape B + (n,) to the log density, -inf where it is 0; any constant factor
    scale : a typical x, shape B
    upper : end of the support

    >>> exponential = half_line(lambda x: -2 * x, np.array(1.0))
    >>> round(float(np.exp(exponential.log_total)), 12), round(float(exponential.quantile([0.5])[0]), 6)
    (0.5, 0.346574)
    """
    unit = np.asarray(scale, dtype=np.float64)
    edges = _edges(log_density, unit, upper)
    half = np.diff(edges, axis=-1) / 2
    z = edges[..., :-1, None] + half[..., None] * (T + 1)
    flat = z.reshape(*unit.shape, -1)
    x = unit[..., None] * (flat / (1 - flat)) ** 2
    log_z = _finite(log_density(x)) + np.log(2 * unit[..., None] * flat) - 3 * np.log1p(-flat)
    peak = log_z.max(-1)
    density = np.exp(log_z - peak[..., None]).reshape(z.shape)
    panels = half * np.sum(W * density, axis=-1)
    total = panels.sum(-1)
    coefficients = np.einsum("ij,...j->...i", TO_LEGENDRE, density) / total[..., None, None]
    weights = half[..., None] * W * density / total[..., None, None]
    below = np.concatenate([np.zeros((*unit.shape, 1)), np.cumsum(panels / total[..., None], -1)], axis=-1)
    unseen = np.sum(half * np.abs(coefficients[..., -2:]).sum(-1), axis=-1)
    return HalfLine(
        unit, edges, x, weights.reshape(x.shape), peak + np.log(total), below, coefficients, unseen <= TOLERANCE
    )


def _edges(log_density: Callable[[FloatArray], FloatArray], unit: FloatArray, upper: float) -> FloatArray:
    """Edges in z that share out the variation of the log density over log x, found on finer and finer meshes."""
    last = np.minimum(np.log(np.minimum(upper, np.finfo(float).max)) - np.log(unit), REACH)
    u = -REACH + (last[..., None] + REACH) * np.linspace(0, 1, 801)
    for size in (601, 601, PANELS + 1):
        level = _finite(log_density(unit[..., None] * np.exp(u))) + u
        top = level.max(-1, keepdims=True)
        clipped = np.maximum(level, top - DEPTH)
        active = (clipped[..., 1:] > top - DEPTH) | (clipped[..., :-1] > top - DEPTH)
        near = np.exp(clipped[..., 1:] - top)  # finer panels where most of the probability is
        step = np.abs(np.diff(clipped)) * (0.5 + 3 * near) + np.diff(u) * np.where(active, 1 + 3 * near, 1e-3)
        u = _share_out(u, step, size)
    z = special.expit(u / 2)
    root = np.sqrt(upper / unit) if np.isfinite(upper) else None
    z[..., 0], z[..., -1] = 0.0, 1.0 if root is None else root / (1 + root)
    return z


def _share_out(u: FloatArray, step: FloatArray, size: int) -> FloatArray:
    """`size` points from u[0] to u[-1] with equal parts of the sum of `step` between them."""
    total = np.concatenate([np.zeros((*step.shape[:-1], 1)), np.cumsum(step, -1)], axis=-1)
    aim = total[..., -1:] * np.linspace(0, 1, size)
    rows = zip(aim.reshape(-1, size), total.reshape(-1, u.shape[-1]), u.reshape(-1, u.shape[-1]), strict=True)
    return np.array([np.interp(*row) for row in rows]).reshape(*u.shape[:-1], size)


def _finite(log_density: FloatArray) -> FloatArray:
    return np.maximum(np.nan_to_num(log_density, nan=-1e300, neginf=-1e300), -1e300)
