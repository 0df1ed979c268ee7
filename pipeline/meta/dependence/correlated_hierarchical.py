"""Trials that give several effects: a working model with a guessed correlation, and robust inference on top.

Pustejovsky & Tipton 2022, Prev Sci 23:425. The model need not be right: the correlation rho is a guess, and the robust
variance guards against its being wrong; a model near the truth makes the estimate precise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, numbers
from pipeline.meta.dependence.cluster_stacks import clusters, codes
from pipeline.meta.dependence.covariance import sampling_covariance
from pipeline.meta.dependence.multilevel import ThreeLevel, three_level
from pipeline.meta.dependence.multivariate import Multivariate, multivariate
from pipeline.meta.dependence.random_terms import Correlated
from pipeline.meta.dependence.robust_variance import RobustFit, robust_variance
from pipeline.meta.dependence.satterthwaite import coefficient_tests
from pipeline.meta.dependence.wald_htz import RobustWald, robust_wald_test
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class WorkingModelFit:
    """Coefficients of a working model with CR2 errors. Shapes: (..., p) for coefficients, else (...) unless said.

    Attributes
    ----------
    beta, se, statistic, df, ci_lb, ci_ub : coefficients, CR2 errors, t on Satterthwaite degrees of freedom
    p : two-sided; NaN where `reliable` is False, unless they were asked for
    reliable : df of at least 4
    few_clusters : True where a coefficient is not reliable
    sigma2 : variance components, (..., c), named by `components`
    components : their names
    tau2 : variance of true effects: the sum of both levels, (...), or one for each subgroup, (..., c)
    pi_lb, pi_ub : interval for the effect in a new trial; NaN where the design is the caller's
    pi_df : its degrees of freedom: clusters (of the subgroup) less one
    wald : joint HTZ test of the moderators, or of equal subgroup means; None without
    k, clusters : effects and clusters that take part, (...)
    rho : correlation assumed
    converged : did the fit converge
    fit : the robust fit, for other contrasts
    model : the working model itself: likelihood, Q, marginal covariance
    method : in words
    """

    beta: FloatArray
    se: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    reliable: BoolArray
    few_clusters: BoolArray
    sigma2: FloatArray
    components: tuple[str, ...]
    tau2: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    pi_df: FloatArray
    wald: RobustWald | None
    k: IntArray
    clusters: IntArray
    rho: float
    converged: BoolArray
    fit: RobustFit
    model: ThreeLevel | Multivariate
    method: str


def correlated_hierarchical_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    *,
    rho: float = 0.6,
    people: ArrayLike | None = None,
    design: ArrayLike | None = None,
    estimator: str = "REML",
    level: float = 95,
    show_unreliable: bool = False,
    mask: ArrayLike | None = None,
) -> WorkingModelFit:
    """CHE: sampling errors of a cluster correlate by rho, true effects vary between and within clusters.

    `rho = 0` is the hierarchical-effects model.

    Parameters
    ----------
    yi : effects, (..., k)
    vi : sampling variances, (k,)
    cluster : label of each effect's trial, (k,)
    rho : correlation of the sampling errors of two effects of one trial
    people : label of the people behind each effect, (k,): errors of different people of one trial (separately reported
        groups) are independent; None where all effects of a trial are of the same people
    design : (k, p), the intercept's column of ones included; None for an intercept only
    estimator : "REML" or "ML"
    level : of the intervals, percent
    show_unreliable : give p also where df is below 4
    mask : True where an effect takes part, (..., k)

    Raises
    ------
    InvalidInput
        See `sampling_covariance` and `three_level`: one cluster, or no cluster with two effects, among others.

    Examples
    --------
    >>> y, trial = [0.1, 0.3, 0.9, 0.2, 0.4, 0.5], ["A", "A", "B", "C", "C", "D"]
    >>> m = correlated_hierarchical_effects(y, [0.05] * 6, trial)
    >>> round(float(m.beta[0]), 4), round(float(m.se[0]), 4), bool(m.few_clusters)
    (0.4626, 0.152, True)
    """
    v = _variances(vi)
    covariance = sampling_covariance(v, cluster, subgroup=people, obs=np.arange(v.shape[0]), rho=rho)
    model = three_level(yi, covariance, cluster, design=design, estimator=estimator, mask=mask)
    fit = robust_variance(model.y, model.x, cluster, covariance=model.marginal, mask=mask)
    contrast = np.eye(fit.p)[1:] if design is not None and fit.p > 1 else None
    return _report(
        fit,
        model,
        contrast,
        sigma2=model.sigma2,
        components=("between clusters", "within clusters"),
        tau2=model.sigma2.sum(-1),
        new=None if design is not None else model.sigma2.sum(-1)[..., None],
        new_df=np.asarray(fit.m - 1.0),
        rho=rho,
        converged=model.converged,
        level=level,
        show=show_unreliable,
        method=f"correlated and hierarchical effects, rho {rho:g}, {estimator}; CR2",
    )


def subgroup_correlated_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    cluster: ArrayLike,
    subgroup: ArrayLike,
    *,
    rho: float = 0.6,
    design: ArrayLike | None = None,
    estimator: str = "REML",
    level: float = 95,
    show_unreliable: bool = False,
) -> WorkingModelFit:
    """SCE: each subgroup of effects has its own between-trial variance; effects of one trial and subgroup correlate.

    Effects of one trial in different subgroups are independent under the working model; the robust variance covers
    what dependence there is.

    Parameters
    ----------
    subgroup : label of each effect's subgroup, (k,)
    design : (k, p); None for the mean of each subgroup, in order of first appearance: their equality is tested
    yi, vi, cluster, rho, estimator, level, show_unreliable : as `correlated_hierarchical_effects`

    Raises
    ------
    InvalidInput
        A subgroup in one cluster only, and see `sampling_covariance` and `multivariate`.

    Examples
    --------
    >>> y, trial = [0.1, 0.3, 0.9, 0.2, 0.4, 0.5, 0.6, 0.1], ["A", "A", "B", "C", "C", "D", "E", "E"]
    >>> m = subgroup_correlated_effects(y, [0.05] * 8, trial, ["x", "x", "y", "x", "y", "y", "y", "x"])
    >>> m.components, m.beta.round(3).tolist()
    (('x', 'y'), [0.169, 0.6])
    """
    v = _variances(vi)
    covariance = sampling_covariance(v, cluster, subgroup=subgroup, obs=np.arange(v.shape[0]), rho=rho)
    labels, of = codes("subgroup", subgroup, v.shape[0])
    who = clusters(cluster, v.shape[0])
    for number, label in enumerate(labels):
        if len(np.unique(who.of[of == number])) < 2:
            raise InvalidInput(f"subgroup {label!r} is in one cluster only: its variance between clusters is unknown")
    x = (of[:, None] == np.arange(len(labels))).astype(np.float64) if design is None else np.asarray(design)
    model = multivariate(yi, covariance, x, random=[Correlated(of, cluster, "DIAG")], estimator=estimator)
    fit = robust_variance(model.y, model.x, cluster, covariance=model.marginal)
    several = np.eye(fit.p)[1:] - (0 if design is not None else np.eye(fit.p)[:1])
    order = np.argsort(np.asarray(model.levels[0], dtype=np.int64))
    tau2 = np.broadcast_to(model.tau2[0], (*model.y.shape[:-1], len(labels)))[..., order]
    return _report(
        fit,
        model,
        several if fit.p > 1 else None,
        sigma2=tau2,
        components=tuple(map(str, labels)),
        tau2=tau2,
        new=None if design is not None else tau2,
        new_df=np.array([len(np.unique(who.of[of == number])) - 1.0 for number in range(len(labels))]),
        rho=rho,
        converged=model.converged,
        level=level,
        show=show_unreliable,
        method=f"subgroup correlated effects, rho {rho:g}, {estimator}; CR2",
    )


def _variances(vi: ArrayLike) -> FloatArray:
    v = numbers("vi", vi, gt=0)
    if v.ndim != 1 or not len(v):
        raise InvalidInput(f"vi must have shape (k,), k > 0: found {v.shape}")
    return v


def _report(
    fit: RobustFit,
    model: ThreeLevel | Multivariate,
    contrast: FloatArray | None,
    *,
    sigma2: FloatArray,
    components: tuple[str, ...],
    tau2: FloatArray,
    new: FloatArray | None,
    new_df: FloatArray,
    rho: float,
    converged: BoolArray,
    level: float,
    show: bool,
    method: str,
) -> WorkingModelFit:
    t = coefficient_tests(fit, level=level)
    spread = np.full(t.beta.shape, np.nan) if new is None else new
    # Satterthwaite's degrees of freedom are those of the mean's error alone; the spread is known from all clusters
    df = np.broadcast_to(new_df[..., None] if new_df.ndim == t.se.ndim - 1 else new_df, t.se.shape)
    half = quantile(level, df) * np.sqrt(spread + t.se**2)
    return WorkingModelFit(
        beta=t.beta,
        se=t.se,
        statistic=t.statistic,
        df=t.df,
        p=t.p if show else np.where(t.reliable, t.p, np.nan),
        ci_lb=t.ci_lb,
        ci_ub=t.ci_ub,
        reliable=t.reliable,
        few_clusters=np.asarray(~t.reliable.all(-1))[()],
        sigma2=sigma2,
        components=components,
        tau2=tau2,
        pi_lb=t.beta - half,
        pi_ub=t.beta + half,
        pi_df=df,
        wald=None if contrast is None else robust_wald_test(fit, contrast),
        k=fit.k,
        clusters=fit.m,
        rho=rho,
        converged=converged,
        fit=fit,
        model=model,
        method=method,
    )
