"""Likelihood of effects that are seen with a chance that depends on their p values.

On the scale z = y / sqrt(v) a study is N(m, q) with m = mu / sqrt(v) and q = 1 + tau2 / v, and its p value depends on
z alone. The chance A(m, q) of being seen is a sum of weights over *cells* of the z axis: intervals of constant weight,
whose normal mass is known, and the nodes of a quadrature. Because the normal density solves the heat equation
(d/dq = 1/2 d2/dm2), all derivatives of a cell follow from its first four by m.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray
from pipeline.meta.small_study.selection_cells import Cells
from pipeline.meta.small_study.selection_functions import LogWeight, PValues, SelectionFunction, relative_log_weight

_LARGEST_BLOCK = 300_000  # numbers in one array: what a processor's cache holds


@dataclass(frozen=True, slots=True)
class Problem:
    """Data sets to fit, one a row, turned so that small p values have large z.

    Attributes
    ----------
    z, root : y / sqrt(v) and sqrt(v), (n, k)
    x : design, (n, k, p)
    present : 1 for a study that takes part, (n, k)
    strength : factor on the strength of selection, (n, k); None for 1
    p : observed p values, (n, k)
    cells, function : of the selection
    intervals : number of intervals of the steps
    threshold : the p value up to which every study is seen alike; None for none
    """

    z: FloatArray
    root: FloatArray
    x: FloatArray
    present: FloatArray
    strength: FloatArray | None
    p: PValues
    cells: Cells
    function: SelectionFunction
    intervals: int
    threshold: PValues | None


@dataclass(frozen=True, slots=True)
class Derivatives:
    """Log-likelihood with its gradient and Hessian by (beta, tau2, delta).

    Attributes
    ----------
    value, gradient, hessian : shapes (n), (n, m), (n, m, m)
    """

    value: FloatArray
    gradient: FloatArray
    hessian: FloatArray


def likelihood(problem: Problem, rows: IntArray, theta: FloatArray) -> Derivatives:
    """Log-likelihood and derivatives of data sets `rows` at parameters theta (n, p + 1 + d)."""
    width = problem.z.shape[1] * max(1, len(problem.cells.p.p)) * 6
    size = max(1, _LARGEST_BLOCK // width)
    blocks = [_block(problem, rows[i : i + size], theta[i : i + size]) for i in range(0, len(rows), size)]
    if len(blocks) == 1:
        return blocks[0]
    return Derivatives(*(np.concatenate([getattr(b, n) for b in blocks]) for n in ("value", "gradient", "hessian")))


def _block(problem: Problem, rows: IntArray, theta: FloatArray) -> Derivatives:
    p = problem.x.shape[-1]
    z, root, x, on = (a[rows] for a in (problem.z, problem.root, problem.x, problem.present))
    delta = theta[:, p + 1 :]
    m = np.einsum("nkp,np->nk", x, theta[:, :p]) / root
    q = 1 + theta[:, p, None] / root**2
    strength = 1.0 if problem.strength is None else problem.strength[rows]
    f, threshold = problem.function, problem.threshold
    across = strength if isinstance(strength, float) else strength[..., None]
    seen = relative_log_weight(f, problem.p.rows(rows), threshold, delta[:, None, :], strength)
    cell = relative_log_weight(f, problem.cells.p, threshold, delta[:, None, None, :], across)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value, first, second = _by_study(z - m, q, seen, cell, _cell_derivatives(problem.cells, m, q))
    value = (on * (value - np.log(root) - 0.5 * np.log(2 * np.pi))).sum(-1)
    return Derivatives(value, *_collect(on, root, x, first, second))


def _by_study(
    r: FloatArray, q: FloatArray, seen: LogWeight, cell: LogWeight, b: list[FloatArray]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Each study's log-likelihood, its gradient and Hessian by (m, q, delta)."""
    largest = cell.value.max(-1, keepdims=True)
    w = np.exp(cell.value - largest)
    weighted = w[..., None] * cell.first
    inner = weighted[..., None] * cell.first[..., None, :]
    if cell.second is not None:
        inner = inner + w[..., None, None] * cell.second
    a = [_over_cells(c, w) for c in b]
    total, root = a[0], np.sqrt(q)
    a = [c / (total * root**i) for i, c in enumerate(a)]
    e = [_over_cells(c, weighted) / (total * root**i)[..., None] for i, c in enumerate(b[:3])]
    ee = _over_cells(b[0], inner) / total[..., None, None]
    value = -0.5 * np.log(q) - r**2 / (2 * q) + seen.value - np.log(total) - largest[..., 0]
    d = e[0].shape[-1]
    first = np.empty((*r.shape, 2 + d))
    first[..., 0] = r / q - a[1]
    first[..., 1] = (r**2 / q - 1) / (2 * q) - a[2] / 2
    first[..., 2:] = seen.first - e[0]
    second = np.empty((*r.shape, 2 + d, 2 + d))
    second[..., 0, 0] = -1 / q - a[2] + a[1] ** 2
    second[..., 0, 1] = second[..., 1, 0] = -r / q**2 - (a[3] - a[1] * a[2]) / 2
    second[..., 1, 1] = (0.5 - r**2 / q) / q**2 - (a[4] - a[2] ** 2) / 4
    for row, n in ((0, 1), (1, 2)):
        cross = -(e[n] - e[0] * a[n][..., None]) / n
        second[..., row, 2:] = second[..., 2:, row] = cross
    second[..., 2:, 2:] = e[0][..., None] * e[0][..., None, :] - ee
    if seen.second is not None:
        second[..., 2:, 2:] += seen.second
    return value, first, second


def _over_cells(mass: FloatArray, weight: FloatArray) -> FloatArray:
    """Sum over cells of mass (n, k, cells) times weight (n, k or 1, cells, ...)."""
    n, k, cells = mass.shape
    kind = weight.shape[3:]
    if weight.shape[1] == 1:  # the same weights for every study: one matrix product
        return np.asarray(mass @ weight.reshape(weight.shape[0], cells, -1)).reshape(n, k, *kind)
    flat = weight.reshape(*weight.shape[:3], -1)
    return np.asarray(np.einsum("nkr,nkrd->nkd", mass, np.broadcast_to(flat, (n, k, cells, flat.shape[-1])))).reshape(
        n, k, *kind
    )


def _collect(
    on: FloatArray, root: FloatArray, x: FloatArray, first: FloatArray, second: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Sum over studies, from (m, q, delta) to (beta, tau2, delta)."""
    p, unit = x.shape[-1], (on / root)[..., None]
    scale = np.ones(first[..., 1:].shape)
    scale[..., 0] = 1 / root**2
    turned = np.swapaxes(x, -1, -2)
    tau_delta = on[..., None] * scale
    gradient = np.concatenate(
        ((turned @ (unit * first[..., :1]))[..., 0], (tau_delta * first[..., 1:]).sum(1)), axis=-1
    )
    hessian = np.empty((*gradient.shape, gradient.shape[-1]))
    hessian[:, :p, :p] = turned @ (unit / root[..., None] * second[..., :1, 0] * x)
    hessian[:, :p, p:] = turned @ (unit * scale * second[..., 0, 1:])
    hessian[:, p:, :p] = np.swapaxes(hessian[:, :p, p:], -1, -2)
    hessian[:, p:, p:] = (tau_delta[..., None] * second[..., 1:, 1:] * scale[..., None, :]).sum(1)
    return gradient, hessian


def _cell_derivatives(cells: Cells, m: FloatArray, q: FloatArray) -> list[FloatArray]:
    """Mass of each cell under N(m, q) and its first four derivatives by m / sqrt(q), each (n, k, cells)."""
    root = np.sqrt(q)[..., None]
    h = (cells.nodes - m[..., None]) / root
    density = cells.node_weights * np.exp(-0.5 * h**2) / (np.sqrt(2 * np.pi) * root)
    nodes = [density * c for c in _hermite(h, 4)]
    edges, place = np.unique(np.concatenate((cells.lower, cells.upper)), return_inverse=True)
    u = np.clip((edges - m[..., None]) / root, -40, 40)
    low, high = np.split(place, 2)
    below, above = special.ndtr(u), special.ndtr(-u)
    flip = u[..., low] > 0  # the smaller of the two tails keeps the digits
    mass = np.where(flip, above[..., low] - above[..., high], below[..., high] - below[..., low])
    slopes = [np.exp(-0.5 * u**2) / np.sqrt(2 * np.pi) * c for c in _hermite(u, 3)]
    pieces = [mass, *(a[..., low] - a[..., high] for a in slopes)]
    return [np.concatenate(pair, -1) for pair in zip(nodes, pieces, strict=True)]


def _hermite(u: FloatArray, order: int) -> list[FloatArray]:
    """Hermite polynomials He_0 ... He_order: (-1)^n He_n(u) phi(u) is the nth derivative of phi."""
    out = [np.ones_like(u), u]
    for n in range(1, order):
        out.append(u * out[n] - n * out[n - 1])
    return out[: order + 1]
