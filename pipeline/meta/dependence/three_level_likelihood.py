"""Likelihood of the three-level model in the axes of the sampling covariance.

Each cluster's covariance is V_i + sigma2_2 I + sigma2_1 11'. In the axes of V_i it is a diagonal plus one vector times
itself (Sherman & Morrison 1950, Ann Math Stat 21:124), so that an evaluation costs k operations, for a whole batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput
from pipeline.meta.dependence.newton import Slopes
from pipeline.meta.pooling import weighted_fit


@dataclass(frozen=True, slots=True)
class Axes:
    """The data in the axes of V, sorted by cluster.

    Attributes
    ----------
    d : eigenvalues of V, (..., k)
    u, y, q : ones, effects, (..., k), and orthonormal design, (..., k, p), in these axes
    present : 1 for an axis that takes part, (..., k)
    first : where each cluster begins
    of : cluster of each axis, (k,)
    log_det : log |X'X| less what the orthonormal design leaves out
    restricted : REML, else ML
    """

    d: FloatArray
    u: FloatArray
    y: FloatArray
    q: FloatArray
    present: FloatArray
    first: IntArray
    of: IntArray
    log_det: FloatArray
    restricted: bool

    def of_members(self, who: IntArray) -> Axes:
        """The data of numbered members of the batch; the same for all where there is no batch."""
        if self.y.ndim == 1:
            return self
        rest = {n: getattr(self, n) for n in ("d", "u", "y", "q", "present", "log_det")}
        behind = {"q": 2, "log_det": 0}
        taken = {n: a.reshape(-1, *a.shape[a.ndim - behind.get(n, 1) :])[who] for n, a in rest.items()}
        return replace(self, **taken)

    def total(self, a: FloatArray) -> FloatArray:
        """Sums over each cluster of (..., k, c)."""
        return np.add.reduceat(a, self.first, axis=-2)


def rotated(
    y: FloatArray,
    variances: FloatArray,
    covariance: FloatArray | None,
    x: FloatArray,
    on: BoolArray,
    of: IntArray,
    restricted: bool,
) -> tuple[Axes, FloatArray, FloatArray]:
    """Data in the axes of V with an orthonormal design, the spread of y, and R of design = orthonormal times R."""
    order = np.argsort(of, kind="stable")
    first = np.searchsorted(of[order], np.arange(of.max() + 1))
    present = on.astype(np.float64)
    plain = weighted_fit.fit(present, np.broadcast_to(x, (*on.shape, x.shape[-1])))
    raw = np.sum(plain.residuals(y) ** 2, -1) / np.maximum(on.sum(-1) - x.shape[-1], 1)
    mean = np.mean(variances, where=on, axis=-1)
    scale = np.maximum(np.maximum(raw - mean, 0.05 * raw), 1e-4 * mean)
    base = weighted_fit.fit(present / (variances + scale[..., None]), np.broadcast_to(x, (*on.shape, x.shape[-1])))
    q = np.linalg.solve(np.swapaxes(base.r, -1, -2), np.swapaxes(x, -1, -2) * present[..., None, :])
    z = np.concatenate([np.swapaxes(q, -1, -2), (present * y)[..., None], present[..., None]], -1)[..., order, :]
    d = variances[..., order]
    seen = present[..., order]
    if covariance is not None:
        own = np.ones(len(of), dtype=bool) if on.all() else on[..., order]
        d, seen, z = _principal_axes(covariance[np.ix_(order, order)], z, own, of[order], first)
        d, seen = np.broadcast_to(d, on.shape), np.broadcast_to(seen, on.shape)
    log_det = plain.log_det_information() - base.log_det_information()
    axes = Axes(d, z[..., -1], z[..., -2], z[..., :-2], seen, first, of[order], log_det, restricted)
    return axes, scale, base.r


def _principal_axes(
    v: FloatArray, z: FloatArray, on: BoolArray, of: IntArray, first: IntArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Eigenvalues of each cluster's block, which of them are real, and z (..., k, c) in their axes."""
    if np.any(v[of[:, None] != of[None, :]]):
        raise InvalidInput("v has covariances between clusters: use `multivariate`")
    m, n = len(first), int(np.bincount(of).max())
    slot = n - np.bincount(of)[of] + np.arange(len(of)) - first[of]
    blocks = np.zeros((*on.shape[:-1], m, n, n))
    taken = v * (on[..., :, None] & on[..., None, :]) - np.where(on, 0.0, v.max())[..., None] * np.eye(len(of))
    i, j = np.nonzero(of[:, None] == of[None, :])
    blocks[...] = -np.eye(n) * v.max()
    blocks[..., of[i], slot[i], slot[j]] = taken[..., i, j]
    values, vectors = np.linalg.eigh(blocks)
    padded = np.zeros((*z.shape[:-2], m, n, z.shape[-1]))
    padded[..., of, slot, :] = z
    turned = np.swapaxes(vectors, -1, -2) @ padded
    d = values[..., of, slot]
    real = d > 0
    if np.any(real.sum(-1) != on.sum(-1)):
        raise InvalidInput("v is not positive definite")
    return np.where(real, d, 1.0), real.astype(np.float64), turned[..., of, slot, :] * real[..., None]


def slopes(a: Axes, theta: FloatArray) -> tuple[Slopes, FloatArray, FloatArray]:
    """Log-likelihood with derivatives, coefficients of the orthonormal design and their covariance.

    With A the inverse covariance, D_1 and D_2 its derivatives and P = A - AX(X'AX)^-1 X'A, the score is
    (y'P D_i P y - tr P D_i) / 2 and the Hessian tr(P D_i P D_j) / 2 - y'P D_i P D_j P y (Harville 1977, JASA 72:320).
    """
    s1, s2 = theta[..., 0, None], theta[..., 1, None]
    w = a.present / (a.d + s2)
    wu = w * a.u
    sums = a.total(np.stack(np.broadcast_arrays(wu * a.u, wu**2, w, w**2, w * wu**2), -1))
    a1, a2 = sums[..., 0], sums[..., 1]
    h = 1 / (1 + s1 * a1)
    g = s1 * h

    def solve(z: FloatArray) -> FloatArray:
        inner = a.total(wu[..., None] * z) * g[..., None]
        return w[..., None] * z - wu[..., None] * inner[..., a.of, :]

    r = solve(a.q)
    rt = np.swapaxes(r, -1, -2)
    c = np.asarray(np.linalg.inv(rt @ a.q), dtype=np.float64)
    gamma = (c @ (rt @ a.y[..., None]))[..., 0]
    e = a.y - (a.q @ gamma[..., None])[..., 0]
    py = solve(e[..., None])
    value = -0.5 * (
        np.log(2 * np.pi) * a.present.sum(-1)
        + np.sum(a.present * np.log(a.d + s2), -1)
        - np.sum(np.log(h), -1)
        + np.sum(e * py[..., 0], -1)
    )
    u = a.u[..., None]
    turned = u * a.total(u * py)[..., a.of, :]
    both = np.concatenate([turned, py], -1)
    p = r.shape[-1]
    solved = solve(np.concatenate([both, r], -1))
    cross = rt @ both
    quadratic = np.swapaxes(both, -1, -2) @ solved[..., :2] - np.swapaxes(cross, -1, -2) @ c @ cross
    alpha, b2 = a1 * h, a2 * h**2
    diagonal = sums[..., 2] - g * a2
    squared = sums[..., 3] - 2 * g * sums[..., 4] + (g * a2) ** 2
    first = np.stack([alpha.sum(-1), diagonal.sum(-1)], -1)
    second = np.stack([(alpha**2).sum(-1), b2.sum(-1), b2.sum(-1), squared.sum(-1)], -1)
    if a.restricted:
        value = value + 0.5 * (p * np.log(2 * np.pi) + a.log_det + np.linalg.slogdet(c)[1])
        less, more = _by_coefficients(a, c, r, solved[..., 2:], alpha)
        first, second = first - less, second + more
    score = 0.5 * ((both * py).sum(-2) - first)
    fisher = 0.5 * second.reshape(*second.shape[:-1], 2, 2)
    return Slopes(value, score, fisher - quadratic, fisher), gamma, c


def _by_coefficients(
    a: Axes, c: FloatArray, ax: FloatArray, aax: FloatArray, alpha: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What the estimated coefficients take from tr A D_i, (..., 2), and add to tr A D_i A D_j, (..., 4)."""
    u = a.u[..., None]
    xt, ux = np.swapaxes(ax, -1, -2), a.total(u * ax)
    uxt = np.swapaxes(ux, -1, -2)
    f1, f2 = c @ (uxt @ ux), c @ (xt @ ax)
    k11, k12, k22 = (uxt * alpha[..., None, :]) @ ux, uxt @ a.total(u * aax), xt @ aax
    both = _trace(f1 @ f2) - 2 * _trace(c @ k12)
    more = [_trace(f1 @ f1) - 2 * _trace(c @ k11), both, both, _trace(f2 @ f2) - 2 * _trace(c @ k22)]
    return np.stack([_trace(f1), _trace(f2)], -1), np.stack(more, -1)


def _trace(a: FloatArray) -> FloatArray:
    return np.trace(a, axis1=-2, axis2=-1)


def generalised_q(a: Axes) -> FloatArray:
    """y'Py with P by the sampling covariance alone."""
    w = a.present / a.d
    wq = w[..., None] * a.q
    gamma = np.linalg.solve(np.swapaxes(wq, -1, -2) @ a.q, np.swapaxes(wq, -1, -2) @ a.y[..., None])
    return np.sum(w * (a.y - (a.q @ gamma)[..., 0]) ** 2, -1)
