"""Location-scale models: moderators of the mean and of the amount of heterogeneity.

y_i = x_i'b + u_i + e_i, u_i ~ N(0, tau2_i), e_i ~ N(0, v_i), with log(tau2_i) = z_i'a or tau2_i = z_i'a.
Viechtbauer & Lopez-Lopez 2022, Res Synth Methods 13:697.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, floats
from pipeline.meta.guards import definite, fitting
from pipeline.meta.moderators.model_comparison import information_criteria
from pipeline.meta.moderators.scale_fit import maximise
from pipeline.meta.moderators.scale_likelihood import LINKS
from pipeline.meta.moderators.wald import Contrasts, WaldTest, omnibus
from pipeline.meta.pooling.heterogeneity import heterogeneity
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.weighted_fit import fit
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class LocationScale:
    """A fitted location-scale model. Shapes: (..., p) location, (..., q) scale, (..., k) studies, else (...).

    Attributes
    ----------
    beta, se, statistic, p, ci_lb, ci_ub : location coefficients
    vb : their covariance, (..., p, p)
    df : degrees of freedom of t for the location, k - p; NaN for the standard normal
    alpha, se_alpha, statistic_alpha, p_alpha, ci_lb_alpha, ci_ub_alpha : scale coefficients; standard errors from the
        observed information. NaN for coefficients that run off to infinity under the log link, and for all of them
        where some tau2 is 0 under the identity link: the maximum is then on the edge and Wald tests do not hold
    va : covariance of the scale coefficients, (..., q, q)
    df_alpha : degrees of freedom of t for the scale, k - q; NaN for the standard normal
    tau2 : between-study variance of each study, (..., k)
    log_lik : maximised (restricted) log-likelihood
    AIC, BIC, AICc : information criteria of that likelihood
    QE, QE_df, QE_p : test of residual heterogeneity
    QM : omnibus test of the location coefficients but the intercept; NaN where they have no standard error, as those
        of identical effects with interval "hk"
    QS : omnibus test of the scale coefficients but the intercept; NaN where some standard error is
    scale : Hartung-Knapp factor on `vb`; 1 where not used
    k : studies
    converged : is the gradient zero at a maximum (on the edge: zero along it)
    on_edge : is some tau2 at 0, or running off to 0 or infinity
    """

    beta: FloatArray
    se: FloatArray
    statistic: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    vb: FloatArray
    df: FloatArray
    alpha: FloatArray
    se_alpha: FloatArray
    statistic_alpha: FloatArray
    p_alpha: FloatArray
    ci_lb_alpha: FloatArray
    ci_ub_alpha: FloatArray
    va: FloatArray
    df_alpha: FloatArray
    tau2: FloatArray
    log_lik: FloatArray
    AIC: FloatArray
    BIC: FloatArray
    AICc: FloatArray
    QE: FloatArray
    QE_df: IntArray
    QE_p: FloatArray
    QM: WaldTest
    QS: WaldTest
    scale: FloatArray
    k: IntArray
    converged: BoolArray
    on_edge: BoolArray


def location_scale(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    scale_design: ArrayLike | None = None,
    *,
    link: str = "log",
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> LocationScale:
    """Fit a location-scale model by maximum or restricted maximum likelihood.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design : location columns, (k, p) or (..., k, p), the intercept included; None for an intercept only
    scale_design : scale columns, (k, q) or (..., k, q), the intercept included; None for an intercept only
    link : key of LINKS; "identity" keeps every tau2 >= 0
    estimator : "REML" or "ML"
    interval : key of INTERVALS. With "wald" both parts use the standard normal, else t with k - p and k - q degrees of
        freedom; the Hartung-Knapp factor bears on the location
    level : of the intervals, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        See `studies`; an unknown link, estimator or interval; no more studies than location or scale coefficients;
        collinear scale columns.

    Examples
    --------
    >>> y = [0.1, 0.2, 0.15, 0.9, -0.6, 0.3, 1.2, 0.18]
    >>> z = [[1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [1, 1], [1, 1], [1, 0]]
    >>> m = location_scale(y, [0.01] * 8, scale_design=z, link="identity", estimator="ML")
    >>> bool(m.tau2[0] < 1e-9), round(float(m.tau2[3]), 4)
    (True, 0.5451)
    """
    choose("link", link, LINKS)
    choose("interval", interval, INTERVALS)
    if estimator not in ("REML", "ML"):
        raise InvalidInput(f"estimator of a location-scale model is REML or ML (found {estimator!r})")
    s = studies(yi, vi, design, mask)
    z = _scale_columns(s, scale_design)
    q = z.shape[-1]
    restricted = estimator == "REML"
    m = maximise(s, z, LINKS[link], restricted=restricted)
    f = fit(s.present / (s.v + m.tau2), s.x)
    way = INTERVALS[interval]
    factor = way.inflation(np.sum(f.residuals(s.y) ** 2, -1) / s.df)
    beta, vb = f.coefficients(s.y), f.inverse_information() * factor[..., None, None]
    df, df_alpha = (np.where(way.uses_t, n, np.nan) for n in (s.df, s.k - q))
    va = _covariance(m.information, ~m.on_edge | (link == "log"))
    b, a = _tested(beta, vb, df, level), _tested(m.alpha, va, df_alpha, level)
    criteria = information_criteria(m.log_lik, s.p + q, s.df if restricted else s.k)
    h = heterogeneity(s, None)
    return LocationScale(
        beta=beta,
        se=b.se,
        statistic=b.statistic,
        p=b.p,
        ci_lb=b.ci_lb,
        ci_ub=b.ci_ub,
        vb=vb,
        df=df[()],
        alpha=m.alpha,
        se_alpha=a.se,
        statistic_alpha=a.statistic,
        p_alpha=a.p,
        ci_lb_alpha=a.ci_lb,
        ci_ub_alpha=a.ci_ub,
        va=va,
        df_alpha=df_alpha[()],
        tau2=m.tau2,
        log_lik=m.log_lik[()],
        AIC=criteria.AIC,
        BIC=criteria.BIC,
        AICc=criteria.AICc,
        QE=h.Q[()],
        QE_df=h.Q_df[()],
        QE_p=h.Q_p[()],
        QM=_omnibus(beta, vb, _but_constant(s.x), df),
        QS=_omnibus(m.alpha, va, _but_constant(z), df_alpha),
        scale=factor[()],
        k=s.k[()],
        converged=m.converged[()],
        on_edge=m.on_edge[()],
    )


def _scale_columns(s: Studies, scale_design: ArrayLike | None) -> FloatArray:
    """The scale design as (..., k, q), its studies enough for both parts of the model."""
    k = s.y.shape[-1]
    z = np.ones((k, 1)) if scale_design is None else floats("scale_design", scale_design)
    if z.ndim < 2 or z.shape[-2] != k or z.shape[-1] == 0 or not np.isfinite(z).all():
        raise InvalidInput(f"the scale design must be finite, (k, q), q > 0: k {k}, scale design {z.shape}")
    if fitting({"yi": s.y, "a column of the scale design": z[..., 0]})[0].shape != s.y.shape:
        raise InvalidInput(f"the scale design {z.shape} has more rows of a batch than yi {s.y.shape}")
    if int(s.k.min()) <= max(s.p, z.shape[-1]):
        raise InvalidInput(f"{s.k.min()} studies cannot carry {s.p} location and {z.shape[-1]} scale coefficients")
    return np.broadcast_to(z, (*s.y.shape, z.shape[-1]))


def _covariance(information: FloatArray, known: BoolArray) -> FloatArray:
    """Inverse of the observed information; NaN where not `known` and for coefficients that the data leave open."""
    size = np.sqrt(np.abs(np.diagonal(information, axis1=-2, axis2=-1)))
    size = np.where(size > 0, size, 1.0)
    outer = size[..., :, None] * size[..., None, :]
    values, vectors = np.linalg.eigh(np.where(np.isfinite(information), information, 0.0) / outer)
    flat = values <= 1e-12
    inverse = np.einsum(
        "...ij,...j,...kj->...ik", vectors, np.where(flat, 0.0, 1 / np.where(flat, 1.0, values)), vectors
    )
    covariance = inverse / outer
    endless = np.diagonal(covariance, axis1=-2, axis2=-1) > 1e6  # a standard error of 1000 on a log scale
    unknown = np.any(flat[..., None, :] & (np.abs(vectors) > 1e-6), axis=-1) | endless | ~known[..., None]
    return np.where(unknown[..., :, None] | unknown[..., None, :], np.nan, covariance)


def _tested(b: FloatArray, v: FloatArray, df: FloatArray, level: float) -> Contrasts:
    """Standard error, statistic, p and interval of coefficients; NaN where the variance is."""
    se = np.sqrt(np.diagonal(v, axis1=-2, axis2=-1))
    half = quantile(level, df)[..., None] * se
    with np.errstate(divide="ignore", invalid="ignore"):  # identical effects have no plain Hartung-Knapp error
        statistic = b / se
    return Contrasts(b, se, statistic, df, two_sided_p(statistic, df[..., None]), b - half, b + half)


def _but_constant(x: FloatArray) -> list[int]:
    """Columns of a design but a first column of ones."""
    return list(range(int(np.all(x[..., 0] == 1)), x.shape[-1]))


def _omnibus(b: FloatArray, v: FloatArray, columns: list[int], df: FloatArray) -> WaldTest:
    """Omnibus test; NaN where the coefficients have no covariance."""
    known = np.asarray(np.isfinite(v).all((-1, -2)))
    filled = np.where(known[..., None, None], v, np.eye(v.shape[-1]))
    known = known & definite(filled[..., columns, :][..., columns])
    test = omnibus(b, np.where(known[..., None, None], filled, np.eye(v.shape[-1])), columns, df=df)
    statistic, p = np.where(known, test.statistic, np.nan), np.where(known, test.p, np.nan)
    return WaldTest(statistic[()], test.df1, test.df2, p[()])
