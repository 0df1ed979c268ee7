"""Meta-regression of dependent effects with moment weights and robust variances: no covariance needs to be known.

The weights come from a rough working model; the robust variance is valid whether or not it is right. Hedges, Tipton &
Johnson 2010, Res Synth Methods 1:39; small-sample corrections of Tipton 2015, Psychol Methods 20:375.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.cluster_stacks import Clusters, clusters
from pipeline.meta.dependence.robust_variance import RobustFit, robust_variance
from pipeline.meta.dependence.satterthwaite import RobustTests, coefficient_tests
from pipeline.meta.pooling.studies import Studies, studies


@dataclass(frozen=True, slots=True)
class Weighting:
    """Weights of a working model, shape (...) unless said.

    Attributes
    ----------
    weights : of the effects, (..., k)
    tau2 : between-cluster variance
    omega2 : within-cluster variance; NaN for correlated effects
    I2 : percent; NaN for hierarchical effects
    Q : weighted residual sum of squares at the starting weights
    """

    weights: FloatArray
    tau2: FloatArray
    omega2: FloatArray
    I2: FloatArray
    Q: FloatArray


@dataclass(frozen=True, slots=True)
class RobustRegression:
    """A robust meta-regression.

    Attributes
    ----------
    tests : coefficients with tests and intervals, each (..., p)
    fit : the robust fit, for Wald tests
    weighting : weights and variance components
    k, m : effects and clusters that take part, (...)
    """

    tests: RobustTests
    fit: RobustFit
    weighting: Weighting
    k: IntArray
    m: IntArray


def correlated_effects(s: Studies, who: Clusters, rho: FloatArray) -> Weighting:
    """Weights 1 / (k_j (vbar_j + tau2)), the same for all effects of a cluster.

    tau2 equates Q at tau2 = 0 with its expectation where effects of a cluster correlate by rho (Hedges et al. 2010,
    section 4); I2 is the share of Q beyond that expectation.
    """
    member = _membership(who)
    sizes = np.maximum(s.present @ member.T, 1)
    by_cluster = np.where(s.present > 0, s.v, 0.0) @ member.T / sizes
    size = sizes[..., who.of]
    mean = np.where(s.present > 0, by_cluster[..., who.of], 1.0)
    f = s.weighted(1 / (size * mean))
    q = np.sum(f.residuals(s.y) ** 2, -1)
    each = (f.root**2) @ member.T - np.sum((member @ (f.root[..., None] * f.q)) ** 2, -1)
    slope = each.sum(-1)
    _refuse_flat(slope, np.sum(f.root**2, -1))
    chance = (1 - rho) * f.trace(mean) + rho * np.sum(by_cluster * each, -1)
    tau2 = np.maximum((q - chance) / slope, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        i2 = np.where(q > 0, 100 * np.maximum(1 - chance / q, 0), 0.0)
    nothing = np.full(np.shape(tau2), np.nan)
    return Weighting(1 / (size * (mean + tau2[..., None])), tau2[()], nothing[()], i2[()], q[()])


def hierarchical_effects(s: Studies, who: Clusters, rho: FloatArray) -> Weighting:
    """Weights 1 / (vi + tau2 + omega2), for effects of different people within a cluster; rho plays no part.

    omega2 and tau2 equate Q and the squared cluster sums of residuals, sum_j (1'e_j)^2, with their expectations; a
    negative omega2 is set to 0 and tau2 found from Q; then a negative tau2 is set to 0 (Hedges et al. 2010, section 5).
    """
    member = _membership(who)
    if np.any((s.present @ member.T).max(-1) < 2):
        raise InvalidInput("hierarchical weights need a cluster with several effects: every cluster has one")
    f = s.weighted(1 / s.v)
    z = f.residuals(s.y)
    flat = np.where(s.present > 0, 1 / np.where(s.present > 0, f.root, 1.0), 0.0)
    q, sums = np.sum(z**2, -1), np.sum(((z * flat) @ member.T) ** 2, -1)
    rooted, here = f.root[..., None] * f.q, member * s.present[..., None, :]
    reach = here - (member @ (f.q * flat[..., None])) @ np.swapaxes(rooted, -1, -2)
    between = np.sum(f.root**2, -1) - np.sum((member @ rooted) ** 2, (-2, -1))
    within, squares = f.trace(), np.sum(reach**2, -2) * s.present
    sums_between, sums_within = np.sum((reach @ member.T) ** 2, (-2, -1)), squares.sum(-1)
    extra, extra_sums = q - s.df, sums - np.sum(squares * s.v, -1)
    determinant = between * sums_within - within * sums_between
    _refuse_flat(between, np.sum(f.root**2, -1))
    _refuse_flat(determinant, between * sums_within)
    omega2 = np.maximum((between * extra_sums - sums_between * extra) / determinant, 0.0)
    tau2 = np.maximum((extra - omega2 * within) / between, 0.0)
    nothing = np.full(np.shape(tau2), np.nan)
    return Weighting(1 / (s.v + (tau2 + omega2)[..., None]), tau2[()], omega2[()], nothing[()], q[()])


# To add a working model: a function and a row here, and its number from outside.
WEIGHTINGS: dict[str, Callable[[Studies, Clusters, FloatArray], Weighting]] = {
    "CORR": correlated_effects,
    "HIER": hierarchical_effects,
}


def robust_meta_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    design: ArrayLike | None = None,
    *,
    weighting: str = "CORR",
    rho: ArrayLike = 0.8,
    small: bool = True,
    level: float = 95,
    mask: ArrayLike | None = None,
) -> RobustRegression:
    """Robust variance estimation as in the package robumeta.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    cluster : label of each effect, (k,); at least 2 clusters
    design : (k, p) or (..., k, p), the intercept's column of ones included; None for an intercept only
    weighting : key of WEIGHTINGS: "CORR" for several effects of the same people, "HIER" for effects of different people
        within one trial, laboratory or author
    rho : correlation of the effects of a cluster under "CORR", 0 to 1, broadcast over the batch: several values make
        the usual sensitivity table
    small : CR2 and Satterthwaite degrees of freedom; else CR1p with t on m - p degrees of freedom
    level : of the intervals, percent
    mask : True where an effect takes part, broadcast with yi

    Raises
    ------
    InvalidInput
        See `studies` and `robust_variance`; rho outside 0 to 1; a design that leaves no residual variation.

    Examples
    --------
    >>> y, v, trial = [0.1, 0.3, 0.9, 0.2, 0.4], [0.05, 0.05, 0.04, 0.06, 0.05], ["A", "A", "B", "C", "C"]
    >>> fit = robust_meta_regression(y, v, trial)
    >>> round(float(fit.tests.beta[0]), 4), round(float(fit.weighting.tau2), 4)
    (0.4774, 0.1162)
    """
    choose("weighting", weighting, WEIGHTINGS)
    correlation = numbers("rho", rho, ge=0, le=1)
    s = studies(yi, vi, design, mask)
    k = s.y.shape[-1]
    who = clusters(cluster, k, fewest=2)
    on = None if mask is None else s.present > 0
    made = WEIGHTINGS[weighting](s, who, correlation)
    fit = robust_variance(s.y, s.x, cluster, variance=1 / made.weights, kind="CR2" if small else "CR1p", mask=on)
    tests = coefficient_tests(fit, test="satterthwaite" if small else "naive_tp", level=level)
    return RobustRegression(tests, fit, made, fit.k, fit.m)


def _membership(who: Clusters) -> FloatArray:
    """1 where a cluster holds an effect, (m, k)."""
    return (np.arange(who.m)[:, None] == who.of).astype(np.float64)


def _refuse_flat(slope: FloatArray, scale: FloatArray) -> None:
    if np.any(np.abs(slope) <= 1e-12 * np.max(np.abs(scale))):
        raise InvalidInput("the moderators leave no variation between clusters: tau2 cannot be estimated")
