"""Pooled effects: the random-effects and the common-effect model."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.pooling.meta_regression import Regression, meta_regression


@dataclass(frozen=True, slots=True)
class Pooled:
    """A pooled effect. Every field has the batch's shape (...), `weights` (..., k).

    Attributes
    ----------
    estimate, se : pooled effect and its standard error as the interval uses it
    ci_lb, ci_ub : confidence interval
    statistic, df, p : test of no effect; t with df degrees of freedom, or z where df is NaN; p two-sided
    tau2 : between-study variance
    I2, H2 : heterogeneity from tau2 (percent; ratio); from Q in the common-effect model
    Q, Q_df, Q_p : Cochran's test
    k : studies
    weights : percent; 0 for a study that takes no part
    converged : did the estimator of tau2 converge
    method : estimator and interval in words
    """

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    tau2: FloatArray
    I2: FloatArray
    H2: FloatArray
    Q: FloatArray
    Q_df: IntArray
    Q_p: FloatArray
    k: IntArray
    weights: FloatArray
    converged: BoolArray
    method: str


def random_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Pooled:
    """Random-effects pooled effect of studies on the last axis.

    One study is returned as it stands, with its Wald interval and tau2 = 0.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    estimator : key of TAU2_ESTIMATORS
    interval : key of INTERVALS: "hk_floored", "hk", "t", "wald"
    level : of the interval, percent
    mask : True where a study takes part; fields keep the shape of the batch

    Raises
    ------
    InvalidInput
        No study, unequal lengths, NaN, a variance <= 0, an unknown estimator or interval.
    """
    return _intercept(meta_regression(yi, vi, estimator=estimator, interval=interval, level=level, mask=mask))


def common_effect(
    yi: ArrayLike, vi: ArrayLike, *, interval: str = "wald", level: float = 95, mask: ArrayLike | None = None
) -> Pooled:
    """Inverse-variance pooled effect under one common effect. Arguments and errors as `random_effects`."""
    return _intercept(meta_regression(yi, vi, estimator="EE", interval=interval, level=level, mask=mask))


def _intercept(fit: Regression) -> Pooled:
    first = {name: getattr(fit, name)[..., 0][()] for name in ("se", "ci_lb", "ci_ub", "statistic", "p")}
    same = ("df", "tau2", "I2", "H2", "Q", "Q_df", "Q_p", "k", "weights", "converged", "method")
    return Pooled(estimate=fit.beta[..., 0][()], **first, **{name: getattr(fit, name) for name in same})
