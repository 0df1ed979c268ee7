"""Mixed-effects meta-regression; with an intercept only it is the random-effects model.

y_i = x_i'b + u_i + e_i, u_i ~ N(0, tau2), e_i ~ N(0, v_i). Raudenbush 2009, in Handbook of Research Synthesis, ch. 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, choose, floats
from pipeline.meta.pooling.heterogeneity import heterogeneity
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.likelihood import FitStatistics, fit_statistics
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.pooling.tau2_precision import tau2_se
from pipeline.meta.pooling.weighted_fit import WeightedFit
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class Regression:
    """A fitted model. Shapes: (..., p) for coefficients, (..., k) for studies, else (...).

    Attributes
    ----------
    beta, se, statistic, p, ci_lb, ci_ub : coefficients with tests and intervals
    vb : covariance of the coefficients, (..., p, p)
    df : degrees of freedom of t; NaN where the reference is the standard normal
    tau2, tau2_se : residual between-study variance and its standard error
    I2, H2 : residual heterogeneity, from tau2 (percent; ratio)
    Q, Q_df, Q_p : test of residual heterogeneity
    QM, QM_df, QM_df2, QM_p : omnibus test of all coefficients but the intercept: chi-square, or F with QM_df2
        (QM_df2 NaN for chi-square; NaN throughout without moderators)
    scale : q = y'Py / (k - p) after the interval's floor; 1 where not used
    fitted, fitted_se : Xb and its standard error, (..., k)
    weights : share of each study in percent, (..., k)
    k : studies
    converged : did the estimator of tau2 converge
    ml, reml : fit statistics under both likelihoods
    method : estimator and interval in words
    """

    beta: FloatArray
    se: FloatArray
    vb: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    tau2: FloatArray
    tau2_se: FloatArray
    I2: FloatArray
    H2: FloatArray
    Q: FloatArray
    Q_df: IntArray
    Q_p: FloatArray
    QM: FloatArray
    QM_df: FloatArray
    QM_df2: FloatArray
    QM_p: FloatArray
    scale: FloatArray
    fitted: FloatArray
    fitted_se: FloatArray
    weights: FloatArray
    k: IntArray
    converged: BoolArray
    ml: FitStatistics
    reml: FitStatistics
    method: str


def meta_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
    mask: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Regression:
    """Fit the mixed-effects model.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design : (k, p) or (..., k, p), the intercept's column of ones included; None for an intercept only
    estimator : key of TAU2_ESTIMATORS; "EE" for the common-effect model
    interval : key of INTERVALS. A model without residual degrees of freedom (one study) gets the Wald interval.
    level : of the intervals, percent
    mask : True where a study takes part
    weights : weights of the coefficients instead of 1 / (vi + tau2); the variance stays model based

    Raises
    ------
    InvalidInput
        See `studies`; an unknown estimator or interval.
    """
    choose("estimator", estimator, TAU2_ESTIMATORS)
    choose("interval", interval, INTERVALS)
    s = studies(yi, vi, design, mask, weights)
    tau2, converged, f, beta, vb, scale, df = coefficients(s, estimator, interval)
    se, statistic = wald(beta, vb)
    half = quantile(level, df)[..., None] * se
    h = heterogeneity(s, None if estimator == "EE" else tau2)
    qm = omnibus(s, beta, vb, df)
    ml, reml = fit_statistics(s, f, tau2, None if s.a is None else beta, s.p + (estimator != "EE"))
    return Regression(
        beta=beta,
        se=se,
        vb=vb,
        statistic=statistic,
        df=df[()],
        p=two_sided_p(statistic, df[..., None]),
        ci_lb=beta - half,
        ci_ub=beta + half,
        tau2=tau2[()],
        tau2_se=tau2_se(s, tau2, estimator)[()],
        I2=h.I2[()],
        H2=h.H2[()],
        Q=h.Q[()],
        Q_df=h.Q_df[()],
        Q_p=h.Q_p[()],
        QM=qm[0],
        QM_df=qm[1],
        QM_df2=qm[2],
        QM_p=qm[3],
        scale=scale[()],
        fitted=np.einsum("...kp,...p->...k", s.x, beta),
        fitted_se=_fitted_se(s, f, tau2, scale, vb),
        weights=_shares(s, tau2),
        k=s.k[()],
        converged=converged[()],
        ml=ml,
        reml=reml,
        method=f"{estimator}; {INTERVALS[interval].label}",
    )


def proportion_explained(tau2: ArrayLike, tau2_without: ArrayLike) -> FloatArray:
    """R2 in percent: share of tau2 that moderators take away, cut at 0; NaN where there was none. Raudenbush 2009."""
    t, t0 = floats("tau2", tau2), floats("tau2_without", tau2_without)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(t0 > 0, np.maximum(0, 100 * (t0 - t) / t0), np.nan)[()]


def residual_variance_explained(with_moderators: Regression, without: Regression) -> FloatArray:
    """R2 in percent of a common-effect regression: 1 - (Q/df with) / (Q/df without), cut at 0 (adjusted R2)."""
    ratio = (with_moderators.Q / with_moderators.Q_df) / (without.Q / without.Q_df)
    return np.maximum(0, 100 * (1 - ratio))[()]


class Coefficients(NamedTuple):
    """Coefficients of a fit and what their tests need; shapes as in `Regression`, `f` the weighted fit at tau2."""

    tau2: FloatArray
    converged: BoolArray
    f: WeightedFit
    beta: FloatArray
    vb: FloatArray
    scale: FloatArray
    df: FloatArray


def coefficients(s: Studies, estimator: str, interval: str) -> Coefficients:
    """The part of a fit that a test of the coefficients needs, for batches of which only the tests are used."""
    tau2, converged = TAU2_ESTIMATORS[estimator](s)
    f = s.fit(tau2)
    if s.a is None:
        beta, vb = f.coefficients(s.y), f.inverse_information()
    else:
        own = s.weighted(s.a)
        maker = own.coefficient_maker()
        beta = own.coefficients(s.y)
        vb = np.einsum("...pk,...k,...qk->...pq", maker, s.v + tau2[..., None], maker)
    scale, df = _uncertainty(s, f, interval)
    return Coefficients(tau2, converged, f, beta, vb * scale[..., None, None], scale, df)


def wald(beta: FloatArray, vb: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Standard errors and statistics of coefficients; identical studies have no plain Hartung-Knapp error."""
    se = np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        return se, beta / se


def omnibus(
    s: Studies, beta: FloatArray, vb: FloatArray, df: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """QM, its degrees of freedom and p: all coefficients but the intercept. See `Regression`."""
    tested = ~np.asarray(
        np.all(s.x.reshape(-1, s.p) == 1, axis=0)
    )  # all columns but the intercept's, wherever it stands
    at = np.flatnonzero(tested)
    b, v = beta[..., at], vb[..., at[:, None], at]
    m = b.shape[-1]
    if m == 0:
        empty = np.full(s.k.shape, np.nan)[()]
        return empty, empty, empty, empty
    scale = np.sqrt(np.diagonal(v, axis1=-2, axis2=-1))
    known = np.asarray((scale > 0).all(-1))  # identical effects have no plain Hartung-Knapp error
    scale = np.where(known[..., None], scale, 1.0)
    correlation = np.where(known[..., None, None], v / scale[..., :, None] / scale[..., None, :], np.eye(m))
    z = b / scale
    chi2 = np.vecdot(z, np.linalg.solve(correlation, z[..., None])[..., 0] if m > 1 else z)
    chi2 = np.where(known, chi2, np.nan)
    f = np.isfinite(df)
    p = np.where(f, special.fdtrc(m, np.where(f, df, 1.0), chi2 / m), special.chdtrc(m, chi2))
    return np.where(f, chi2 / m, chi2)[()], np.full(s.k.shape, float(m))[()], df[()], p[()]


def _uncertainty(s: Studies, f: WeightedFit, interval: str) -> tuple[FloatArray, FloatArray]:
    """Factor on the covariance and degrees of freedom (NaN: normal)."""
    method = INTERVALS[interval]
    z = f.residuals(s.y)
    q = np.vecdot(z, z) / np.maximum(s.df, 1)
    scale = np.where(s.df > 0, method.inflation(q), 1.0)
    df = np.where((s.df > 0) & method.uses_t, s.df, np.nan)
    return scale, df


def _fitted_se(s: Studies, f: WeightedFit, tau2: FloatArray, scale: FloatArray, vb: FloatArray) -> FloatArray:
    """Standard errors of the fitted values, from the orthonormal columns: x vb x' loses its digits where moderators are
    far from their mean. For a study that takes no part, x vb x'."""
    own = f if s.a is None else s.weighted(s.a)
    root = np.where(s.present > 0, own.root, 1.0)
    if s.a is None:
        squares = f.leverages() / root**2
    else:  # fitted = H y with H = W^(-1/2) QQ' W^(1/2), whose rows meet the variances
        spread = own.q * own.root[..., None] * np.sqrt(s.v + tau2[..., None])[..., None]
        middle = np.swapaxes(spread, -1, -2) @ spread
        squares = np.einsum("...kp,...pq,...kq->...k", own.q, middle, own.q) / root**2
    elsewhere = np.einsum("...kp,...pq,...kq->...k", s.x, vb, s.x)
    return np.sqrt(np.where(s.present > 0, squares * scale[..., None], np.maximum(elsewhere, 0)))


def _shares(s: Studies, tau2: FloatArray) -> FloatArray:
    w = s.present / (s.v + tau2[..., None]) if s.a is None else s.present * s.a
    return w * (100 / np.vecdot(w, s.present))[..., None]
