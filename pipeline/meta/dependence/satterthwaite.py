"""Tests and intervals of single coefficients with a cluster-robust variance.

The degrees of freedom match the first two moments of the robust variance under the working covariance. Bell & McCaffrey
2002, Surv Methodol 28:169; Tipton 2015, Psychol Methods 20:375; Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, probability
from pipeline.meta.dependence.robust_variance import RobustFit
from pipeline.meta.guards import instance

RELIABLE_DF = 4.0  # Tipton 2015: below this the approximation fails


@dataclass(frozen=True, slots=True)
class RobustTests:
    """Tests of coefficients, each field (..., p).

    Attributes
    ----------
    beta, se : coefficient and robust standard error
    statistic : beta / se
    df : degrees of freedom of t; NaN where the reference is the standard normal
    p : two-sided
    ci_lb, ci_ub : confidence interval
    reliable : df of at least 4; below that p and interval are not to be trusted (Tipton 2015)
    """

    beta: FloatArray
    se: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    reliable: BoolArray


def satterthwaite_df(fit: RobustFit) -> FloatArray:
    """Degrees of freedom of each coefficient's robust variance, (..., p): 2 E(v)^2 / var(v).

    NaN where the variance is zero under the working covariance (a coefficient that a single cluster decides).
    """
    instance("fit", fit, RobustFit)
    own = np.moveaxis(np.diagonal(fit.own, axis1=-2, axis2=-1), -1, -2)
    left, right = (np.moveaxis(x, -1, -3) for x in (fit.left, fit.right))
    shared = left @ np.swapaxes(right, -1, -2)
    joint = -shared - np.swapaxes(shared, -1, -2)
    each = np.arange(fit.own.shape[-3])
    scale = np.maximum(own.sum(-1), np.finfo(float).tiny)
    joint[..., each, each] += own
    total = joint[..., each, each].sum(-1)
    gone = total <= 1e-12 * scale
    return np.where(gone, np.nan, total**2 / np.where(gone, 1.0, np.sum(joint**2, (-2, -1))))


def linear_contrast(fit: RobustFit, contrast: ArrayLike) -> RobustFit:
    """The same fit for q linear combinations C beta of its coefficients, to be tested one by one or together.

    Parameters
    ----------
    contrast : C, (q, p)

    Examples
    --------
    >>> from pipeline.meta.dependence.robust_variance import robust_variance
    >>> x = [[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1]]
    >>> fit = robust_variance([0.1, 0.3, 0.5, 0.2, 0.4, 0.6], x, ["A", "A", "B", "C", "D", "E"], variance=[0.1] * 6)
    >>> difference = coefficient_tests(linear_contrast(fit, [[-1, 1]]))
    >>> round(float(difference.beta[0]), 4), round(float(difference.df[0]), 3)
    (0.1667, 2.667)
    """
    instance("fit", fit, RobustFit)
    c, p = numbers("contrast", contrast), fit.beta.shape[-1]
    if c.ndim != 2 or c.shape[1] != p or not c.shape[0]:
        raise InvalidInput(f"contrast must have shape (q, {p}), q > 0: found {c.shape}")
    vb = c @ fit.vb @ c.T
    return replace(
        fit,
        beta=fit.beta @ c.T,
        vb=vb,
        se=np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1)),
        scores=fit.scores @ c.T,
        bread=c @ fit.bread @ c.T,
        model_vb=c @ fit.model_vb @ c.T,
        own=c @ fit.own @ c.T,
        left=fit.left @ c.T,
        right=fit.right @ c.T,
    )


def spare_clusters(fit: RobustFit, lost: int) -> FloatArray:
    """Clusters less `lost`, shape (...); refused where none is left."""
    if np.any(fit.m <= lost):
        raise InvalidInput(f"this test needs more than {lost} clusters (found {np.min(fit.m)})")
    return np.asarray(fit.m - lost, dtype=np.float64)


# degrees of freedom; naive_t: clusters - 1; naive_tp: clusters - coefficients; z: the standard normal
COEFFICIENT_TESTS: dict[str, Callable[[RobustFit], FloatArray]] = {
    "satterthwaite": satterthwaite_df,
    "naive_t": lambda fit: spare_clusters(fit, 1)[..., None],
    "naive_tp": lambda fit: spare_clusters(fit, fit.p)[..., None],
    "z": lambda fit: np.full(1, np.nan),
}


def coefficient_tests(fit: RobustFit, *, test: str = "satterthwaite", level: float = 95) -> RobustTests:
    """Test each coefficient of a robust fit.

    Parameters
    ----------
    test : key of COEFFICIENT_TESTS
    level : of the intervals, percent

    Examples
    --------
    >>> from pipeline.meta.dependence.robust_variance import robust_variance
    >>> fit = robust_variance([0.1, 0.3, 0.5, 0.2], None, ["A", "A", "B", "C"], variance=[0.1, 0.1, 0.2, 0.1])
    >>> t = coefficient_tests(fit)
    >>> round(float(t.df[0]), 3), bool(t.reliable[0])
    (1.552, False)
    """
    choose("test", test, COEFFICIENT_TESTS)
    instance("fit", fit, RobustFit)
    df = np.broadcast_to(COEFFICIENT_TESTS[test](fit), fit.beta.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = fit.beta / fit.se
    if test == "z":
        p = 2 * special.ndtr(-np.abs(statistic))
        half = -special.ndtri(probability(level) / 2) * fit.se
        reliable = np.ones(df.shape, dtype=bool)
    else:
        p = 2 * special.stdtr(df, -np.abs(statistic))
        half = -special.stdtrit(df, probability(level) / 2) * fit.se
        reliable = df >= RELIABLE_DF
    return RobustTests(fit.beta, fit.se, statistic, df, p, fit.beta - half, fit.beta + half, reliable)
