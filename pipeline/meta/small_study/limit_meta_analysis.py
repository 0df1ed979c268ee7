"""Limit meta-analysis: the effect that studies without any error of their own would show.

The random-effects model is widened by a bias alpha in units of the study's standard deviation,
y_i = beta + sqrt(v_i + tau2) (alpha + e_i), e_i ~ N(0, 1). Rücker, Schwarzer, Carpenter, Binder & Schumacher 2011,
Biostatistics 12:122.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, choose
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.pooling.weighted_fit import fit
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class LimitMetaAnalysis:
    """Effect adjusted for small-study effects. Shapes (...), `limits` (..., k).

    Attributes
    ----------
    estimate, se : beta + tau alpha, the expected effect of a study of infinite precision, and its standard error
    statistic, p, ci_lb, ci_ub : normal test of no effect and interval
    alpha, alpha_se : bias: intercept of the generalised radial plot
    beta, beta_se : its slope
    tau2 : between-study variance of the model without bias
    Q, Q_p : Cochran's heterogeneity, k - 1 degrees of freedom
    Q_small, Q_small_p : the part that small-study effects explain, 1 degree of freedom
    Q_resid, Q_resid_p : the rest, k - 2 degrees of freedom
    G2 : share, 0 to 1, of the variation among limit effects on the radial plot that small-study effects leave
        unexplained; 0 where tau2 is 0
    limits : shrunken effects of the studies at infinite precision (0 for a study that takes no part)
    k : studies
    """

    estimate: FloatArray
    se: FloatArray
    statistic: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    alpha: FloatArray
    alpha_se: FloatArray
    beta: FloatArray
    beta_se: FloatArray
    tau2: FloatArray
    Q: FloatArray
    Q_p: FloatArray
    Q_small: FloatArray
    Q_small_p: FloatArray
    Q_resid: FloatArray
    Q_resid_p: FloatArray
    G2: FloatArray
    limits: FloatArray
    k: IntArray


def limit_meta_analysis(
    yi: ArrayLike, vi: ArrayLike, *, estimator: str = "DL", level: float = 95, mask: ArrayLike | None = None
) -> LimitMetaAnalysis:
    """Effect adjusted for small-study effects, from the extended random-effects model.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    estimator : of tau2, key of TAU2_ESTIMATORS
    level : of the interval, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        See `studies`; fewer than three studies; all variances of a data set equal.

    Examples
    --------
    >>> m = limit_meta_analysis([0.1, 0.2, 0.3, 0.8, 0.9], [0.01, 0.02, 0.03, 0.1, 0.2])
    >>> round(float(m.estimate), 4)
    0.0318
    """
    choose("estimator", estimator, TAU2_ESTIMATORS)
    s = studies(yi, vi, None, mask)
    _refuse(s)
    tau2, _ = TAU2_ESTIMATORS[estimator](s)
    tau = np.sqrt(tau2)
    sd = np.sqrt(s.v + tau2[..., None])
    b, covariance, _ = _radial(s, sd, s.y)
    at = np.stack((np.ones_like(tau), tau), -1)
    estimate = (at * b).sum(-1)
    se = np.sqrt(np.einsum("...i,...ij,...j->...", at, covariance, at))
    limits = s.present * (b[..., :1] + tau[..., None] * (s.y - b[..., :1]) / sd)
    q = np.sum(s.fit().residuals(s.y) ** 2, -1)
    q_resid = _radial(s, np.sqrt(s.v), s.y)[2]
    half = quantile(level, np.nan) * se
    errors = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    values = {
        "estimate": estimate, "se": se, "statistic": estimate / se, "p": two_sided_p(estimate / se, np.nan),
        "ci_lb": estimate - half, "ci_ub": estimate + half, "alpha": b[..., 1], "alpha_se": errors[..., 1],
        "beta": b[..., 0], "beta_se": errors[..., 0], "tau2": tau2, "Q": q, "Q_p": special.chdtrc(s.k - 1, q),
        "Q_small": q - q_resid, "Q_small_p": special.chdtrc(1, q - q_resid),
        "Q_resid": q_resid, "Q_resid_p": special.chdtrc(s.k - 2, q_resid), "G2": _unexplained(s, limits, tau2),
    }  # fmt: skip
    return LimitMetaAnalysis(**{name: np.asarray(x)[()] for name, x in values.items()}, limits=limits, k=s.k[()])


def _refuse(s: Studies) -> None:
    if s.k.min() < 3:
        raise InvalidInput("a limit meta-analysis needs at least 3 studies")
    largest = np.where(s.present > 0, s.v, -np.inf).max(-1)
    smallest = np.where(s.present > 0, s.v, np.inf).min(-1)
    if np.any(largest <= smallest * (1 + 1e-9)):
        raise InvalidInput("all vi are equal: an effect of study size cannot be told from the mean")


def _radial(s: Studies, sd: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Line through the radial plot, y = b_0 + b_1 sd with weights 1 / sd^2: b, its covariance, residual squares."""
    f = fit(s.present / sd**2, np.stack((np.ones_like(sd), sd), -1))
    return f.coefficients(y), f.inverse_information(), np.sum(f.residuals(y) ** 2, -1)


def _unexplained(s: Studies, limits: FloatArray, tau2: FloatArray) -> FloatArray:
    """1 - R2 of the limit effects' radial plot, limit / sqrt(v) on 1 / sqrt(v)."""
    z = s.present * limits / np.sqrt(s.v)
    centred = s.present * (z - (z.sum(-1) / s.k)[..., None])
    rest = _radial(s, np.sqrt(s.v), limits)[2]
    return np.where(tau2 > 0, rest / np.maximum((centred**2).sum(-1), 1e-300), 0.0)
