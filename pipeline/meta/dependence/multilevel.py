"""The three-level model: effects within studies, studies around a mean.

y_ij = x_ij'b + u_i + w_ij + e_ij, u ~ N(0, sigma2_1), w ~ N(0, sigma2_2), e ~ N(0, V). Konstantopoulos 2011, Res Synth
Methods 2:61; Van den Noortgate et al. 2013, Behav Res Methods 45:576. With a V that has covariances within studies it
is the working model of correlated and hierarchical effects (Pustejovsky & Tipton 2022, Prev Sci 23:425).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, floats, numbers, switches
from pipeline.meta.dependence.cluster_stacks import codes
from pipeline.meta.dependence.mixed_fit import MixedFit, coefficient_tests, heterogeneity_test
from pipeline.meta.dependence.newton import best_start, maximise
from pipeline.meta.dependence.three_level_likelihood import Axes, generalised_q, rotated, slopes
from pipeline.meta.guards import fitting, instance
from pipeline.meta.pooling.likelihood import criteria
from pipeline.meta.pooling.studies import SMALLEST

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
    test : key of DF_RULES: "z", "t" on k - p degrees of freedom, or "contain", on those of the level at which a
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
    axes, scale, r = rotated(y, vi, covariance, x, on, of, restricted)
    found = best_start(maximise(lambda t, who: slopes(axes.of_members(who), t)[0], _starts(axes, scale), np.zeros(2)))
    _, gamma, c = slopes(axes, found.at)
    back = np.linalg.inv(r)
    beta, vb = np.einsum("...pq,...q->...p", back, gamma), back @ c @ np.swapaxes(back, -1, -2)
    k, p = on.sum(-1), x.shape[-1]
    n = k - p if restricted else k
    q = generalised_q(axes)
    return ThreeLevel(
        **coefficient_tests(beta, vb, x, present=on, groupings=(of,), test=test, level=level),
        **heterogeneity_test(q, k - p),
        **asdict(criteria(found.slopes.value, n, p + 2)),
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
    instance("fit", fit, ThreeLevel)
    axes, _, r = rotated(fit.y, fit.vi, fit.covariance, fit.x, fit.present, fit.cluster, True)
    c = slopes(axes, numbers("sigma2", sigma2, ge=0))[2]
    back = np.linalg.inv(r)
    return np.asarray(back @ c @ np.swapaxes(back, -1, -2))


def _arrays(
    yi: ArrayLike, v: ArrayLike, design: ArrayLike | None, mask: ArrayLike | None
) -> tuple[FloatArray, FloatArray, FloatArray | None, BoolArray, FloatArray]:
    """Effects and variances (..., k), covariance (k, k) if there is one, who takes part, and the design."""
    y, w = floats("yi", yi), floats("v", v)
    if y.ndim == 0 or y.shape[-1] == 0 or w.ndim == 0 or w.shape[-1] != y.shape[-1]:
        raise InvalidInput(f"yi and v must be arrays with as many effects: yi {y.shape}, v {w.shape}")
    k = y.shape[-1]
    full = k > 1 and w.shape == (k, k) and bool(np.all(np.abs(w - w.T) <= 1e-10 * np.abs(w).max()))
    on = np.ones(1, dtype=bool) if mask is None else switches("mask", mask)
    try:
        y, on, w = np.broadcast_arrays(y, on, np.diagonal(w) if full else w)
    except ValueError:
        raise InvalidInput(f"shapes differ: yi {y.shape}, v {w.shape}, mask {on.shape}") from None
    y = np.where(on, y, 0.0)
    numbers("yi", y)
    numbers("v", np.where(on, w, 1.0), gt=0, ge=SMALLEST)
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.ndim < 2 or x.shape[-2] != k or x.shape[-1] == 0:
        raise InvalidInput(f"the design must have one row for each of the {k} effects, and a column (found {x.shape})")
    y, w, present, _ = fitting({"yi": y, "v": w, "mask": on.astype(np.float64), "a column of the design": x[..., 0]})
    on = present > 0
    fewest = int(on.sum(-1).min())
    if fewest <= x.shape[-1]:
        raise InvalidInput(f"{fewest} effects cannot carry {x.shape[-1]} coefficients and the variances")
    return y, np.where(on, w, 1.0), numbers("v", (np.asarray(v) + np.transpose(v)) / 2) if full else None, on, x


def _clusters(cluster: ArrayLike, on: BoolArray) -> tuple[IntArray, IntArray]:
    """Number of each effect's cluster in order of appearance, and how many take part in each fit."""
    _, of = codes("cluster", cluster, on.shape[-1])
    if of.max() == 0:
        raise InvalidInput("all effects are of one cluster: a variance between clusters needs two")
    if of.max() + 1 == len(of):
        raise InvalidInput("no cluster has two effects: the variances between and within clusters cannot be told apart")
    member = of == np.arange(of.max() + 1)[:, None]
    return of, (member & on[..., None, :]).any(-1).sum(-1)


def _starts(a: Axes, scale: FloatArray) -> FloatArray:
    """Splits of the spread over both levels, a small one, and none: the likelihood may have several tops."""
    small = np.minimum(scale, 0.1 * np.min(np.where(a.present > 0, a.d, np.inf), -1))
    splits = np.array([[0.5, 0.5], [0.95, 0.05], [0.05, 0.95]])
    shape = (len(splits), *(1,) * scale.ndim, 2)
    starts = splits.reshape(shape) * scale[..., None]
    level = np.broadcast_to(small[..., None], (1, *scale.shape, 2))
    return np.concatenate([starts, level, np.zeros(level.shape)])
