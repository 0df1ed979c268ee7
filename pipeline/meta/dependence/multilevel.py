"""The three-level model: effects within studies, studies around a mean.

y_ij = x_ij'b + u_i + w_ij + e_ij, u ~ N(0, sigma2_1), w ~ N(0, sigma2_2), e ~ N(0, V). Konstantopoulos 2011, Res Synth
Methods 2:61; Van den Noortgate et al. 2013, Behav Res Methods 45:576. With a V that has covariances within studies it
is the working model of correlated and hierarchical effects (Pustejovsky & Tipton 2022, Prev Sci 23:425).

Each study's covariance is V_i + sigma2_2 I + sigma2_1 11'. In the axes of V_i it is a diagonal plus one vector times
itself, so that a fit costs k operations an iteration, and a batch of fits is one array.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.cluster_stacks import codes
from pipeline.meta.dependence.mixed_fit import MixedFit, coefficient_tests, heterogeneity_test, information
from pipeline.meta.dependence.newton import Slopes, best_start, maximise
from pipeline.meta.pooling import weighted_fit

_ESTIMATORS = {"REML": True, "ML": False}


@dataclass(frozen=True, slots=True)
class ThreeLevel(MixedFit):
    """A fitted three-level model.

    Attributes
    ----------
    sigma2 : variance between clusters and within clusters, (..., 2)
    cluster : number of each effect's cluster, (k,)
    clusters : clusters that take part, (...)
    vi : sampling variances, (..., k)
    covariance : sampling covariance, (k, k); None where only variances were given
    present : True for an effect that takes part, (..., k)
    """

    sigma2: FloatArray
    cluster: IntArray
    clusters: IntArray
    vi: FloatArray
    covariance: FloatArray | None
    present: BoolArray

    @property
    def v(self) -> FloatArray:
        """Sampling covariance of the effects, (k, k) or (..., k, k)."""
        return self.vi[..., None] * np.eye(len(self.cluster)) if self.covariance is None else self.covariance

    @property
    def marginal(self) -> FloatArray:
        """Covariance of the effects: V and both random effects, (..., k, k)."""
        between, within = self.sigma2[..., 0, None, None], self.sigma2[..., 1, None, None]
        same = self.cluster[:, None] == self.cluster[None, :]
        return self.v + between * same + within * np.eye(len(self.cluster))


@dataclass(frozen=True, slots=True)
class _Axes:
    """The data in the axes of V: effects sorted by cluster, `first` of each cluster, `of` each effect."""

    d: FloatArray
    u: FloatArray
    y: FloatArray
    q: FloatArray
    present: FloatArray
    first: IntArray
    of: IntArray
    log_det: FloatArray
    restricted: bool

    def of_members(self, who: IntArray) -> _Axes:
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


def three_level(
    yi: ArrayLike,
    v: ArrayLike,
    cluster: ArrayLike,
    *,
    design: ArrayLike | None = None,
    estimator: str = "REML",
    test: str = "contain",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> ThreeLevel:
    """Fit the three-level model, all fits of a batch at once.

    Parameters
    ----------
    yi : effects, (..., k)
    v : sampling variances, broadcast with yi, or their covariance, (k, k), 0 between clusters. A square symmetric
        array is taken for a covariance
    cluster : label of each effect's study, (k,)
    design : (k, p) or (..., k, p), the intercept's column of ones included; None for an intercept only
    estimator : "REML" or "ML"
    test : key of TESTS: "z", "t" on k - p degrees of freedom, or "contain", on those of the level at which a
        moderator varies (clusters less p for the intercept)
    level : of the intervals, percent
    mask : True where an effect takes part, broadcast with yi

    Raises
    ------
    InvalidInput
        Unequal lengths, NaN, a variance <= 0, a covariance that is not positive definite or links clusters, collinear
        moderators, fewer than two clusters, or no cluster with two effects: the two variances cannot be told apart.

    Examples
    --------
    >>> fit = three_level([0.1, 0.4, 0.3, 0.9, 0.8, 0.2], [0.02] * 6, ["a", "a", "b", "b", "c", "c"])
    >>> [round(float(s), 4) for s in fit.sigma2]
    [0.0, 0.087]
    """
    choose("estimator", estimator, _ESTIMATORS)
    restricted = _ESTIMATORS[estimator]
    y, vi, covariance, on, x = _arrays(yi, v, design, mask)
    of, clusters = _clusters(cluster, on)
    axes, scale, r = _rotate(y, vi, covariance, x, on, of, restricted)
    found = best_start(maximise(lambda t, who: _slopes(axes.of_members(who), t)[0], _starts(axes, scale), np.zeros(2)))
    _, gamma, c = _slopes(axes, found.at)
    back = np.linalg.inv(r)
    beta, vb = np.einsum("...pq,...q->...p", back, gamma), back @ c @ np.swapaxes(back, -1, -2)
    k, p = on.sum(-1), x.shape[-1]
    n = k - p if restricted else k
    q = _generalised_q(axes)
    units = np.arange(len(of))
    return ThreeLevel(
        **coefficient_tests(beta, vb, x, present=on, groupings=(of, units), test=test, level=level),
        **heterogeneity_test(q, k - p),
        **information(found.slopes.value, n, p + 2),
        k=k[()],
        x=x,
        y=y,
        converged=found.converged & (clusters > 1) & (clusters < k),
        boundary=np.asarray((found.at <= 0).any(-1))[()],
        method=f"{estimator}; {test}",
        sigma2=found.at,
        cluster=of,
        clusters=clusters[()],
        vi=vi,
        covariance=covariance,
        present=on,
    )


def coefficient_covariance(fit: ThreeLevel, sigma2: ArrayLike) -> FloatArray:
    """Covariance of the coefficients, (..., p, p), for the data of `fit` at other variances, (..., 2)."""
    axes, _, r = _rotate(fit.y, fit.vi, fit.covariance, fit.x, fit.present, fit.cluster, True)
    c = _slopes(axes, numbers("sigma2", sigma2, ge=0))[2]
    back = np.linalg.inv(r)
    return np.asarray(back @ c @ np.swapaxes(back, -1, -2))


def _arrays(
    yi: ArrayLike, v: ArrayLike, design: ArrayLike | None, mask: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray | None, BoolArray, FloatArray]:
    """Effects and variances (..., k), covariance (k, k) if there is one, who takes part, and the design."""
    y, w = np.asarray(yi, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if y.ndim == 0 or y.shape[-1] == 0 or w.ndim == 0 or w.shape[-1] != y.shape[-1]:
        raise InvalidInput(f"yi and v must be arrays with as many effects: yi {y.shape}, v {w.shape}")
    k = y.shape[-1]
    full = w.shape == (k, k) and bool(np.array_equal(w, w.T)) and k > 1
    on = np.ones(1, dtype=bool) if mask is None else np.asarray(mask, dtype=bool)
    try:
        y, on, w = np.broadcast_arrays(y, on, np.diagonal(w) if full else w)
    except ValueError:
        raise InvalidInput(f"shapes differ: yi {y.shape}, v {w.shape}, mask {on.shape}") from None
    y = np.where(on, y, 0.0)
    numbers("yi", y)
    numbers("v", np.where(on, w, 1.0), gt=0)
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.ndim < 2 or x.shape[-2] != k:
        raise InvalidInput(f"the design must have one row for each of the {k} effects (found {x.shape})")
    fewest = int(on.sum(-1).min())
    if fewest <= x.shape[-1]:
        raise InvalidInput(f"{fewest} effects cannot carry {x.shape[-1]} coefficients and the variances")
    return y, np.where(on, w, 1.0), numbers("v", v) if full else None, on, x


def _clusters(cluster: ArrayLike, on: BoolArray) -> tuple[IntArray, IntArray]:
    """Number of each effect's cluster in order of appearance, and how many take part in each fit."""
    _, of = codes("cluster", cluster, on.shape[-1])
    if of.max() == 0:
        raise InvalidInput("all effects are of one cluster: a variance between clusters needs two")
    if of.max() + 1 == len(of):
        raise InvalidInput("no cluster has two effects: the variances between and within clusters cannot be told apart")
    member = of == np.arange(of.max() + 1)[:, None]
    return of, (member & on[..., None, :]).any(-1).sum(-1)


def _rotate(
    y: FloatArray,
    variances: FloatArray,
    covariance: FloatArray | None,
    x: FloatArray,
    on: BoolArray,
    of: IntArray,
    restricted: bool,
) -> tuple[_Axes, FloatArray, FloatArray]:
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
        d, seen, z = _principal_axes(covariance[np.ix_(order, order)], z, on[..., order], of[order], first)
    log_det = plain.log_det_information() - base.log_det_information()
    axes = _Axes(d, z[..., -1], z[..., -2], z[..., :-2], seen, first, of[order], log_det, restricted)
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


def _starts(a: _Axes, scale: FloatArray) -> FloatArray:
    """Splits of the spread over both levels, a small one, and none: the likelihood may have several tops."""
    small = np.minimum(scale, 0.1 * np.min(np.where(a.present > 0, a.d, np.inf), -1))
    splits = np.array([[0.5, 0.5], [0.95, 0.05], [0.05, 0.95]])
    shape = (len(splits), *(1,) * scale.ndim, 2)
    starts = splits.reshape(shape) * scale[..., None]
    level = np.broadcast_to(small[..., None], (1, *scale.shape, 2))
    return np.concatenate([starts, level, np.zeros(level.shape)])


def _slopes(a: _Axes, theta: FloatArray) -> tuple[Slopes, FloatArray, FloatArray]:
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
    c = np.linalg.inv(rt @ a.q)
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
        ur, uar = a.total(u * r), a.total(u * solved[..., 2:])
        urt = np.swapaxes(ur, -1, -2)
        f1, f2 = c @ (urt @ ur), c @ (rt @ r)
        k11, k12, k22 = (urt * alpha[..., None, :]) @ ur, urt @ uar, rt @ solved[..., 2:]
        first = first - np.stack([_trace(f1), _trace(f2)], -1)
        t12 = _trace(f1 @ f2) - 2 * _trace(c @ k12)
        second = second + np.stack(
            [_trace(f1 @ f1) - 2 * _trace(c @ k11), t12, t12, _trace(f2 @ f2) - 2 * _trace(c @ k22)], -1
        )
    score = 0.5 * ((both * py).sum(-2) - first)
    fisher = 0.5 * second.reshape(*second.shape[:-1], 2, 2)
    return Slopes(value, score, fisher - quadratic, fisher), gamma, np.asarray(c, dtype=np.float64)


def _trace(a: FloatArray) -> FloatArray:
    return np.trace(a, axis1=-2, axis2=-1)


def _generalised_q(a: _Axes) -> FloatArray:
    """y'Py with P by the sampling covariance alone."""
    w = a.present / a.d
    wq = w[..., None] * a.q
    gamma = np.linalg.solve(np.swapaxes(wq, -1, -2) @ a.q, np.swapaxes(wq, -1, -2) @ a.y[..., None])
    return np.sum(w * (a.y - (a.q @ gamma)[..., 0]) ** 2, -1)
