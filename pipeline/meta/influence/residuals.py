"""Residuals of a pooled model or a meta-regression, and best linear unbiased predictions of the studies' effects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
from pipeline.meta.influence.leave_one_out import indispensable, without_each
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class Residuals:
    """Residuals of the studies, each (..., k); NaN for a study that takes no part.

    Attributes
    ----------
    raw : y - Xb
    pearson : raw / sqrt(v + tau2)
    standardised, standardised_se : raw over its own standard error (internally standardised), and that error; 0 where
        a study alone carries a coefficient, so that its residual cannot differ from 0
    deleted, deleted_se : y minus its prediction by the model without the study, and its standard error
    studentised : deleted / deleted_se (externally standardised); NaN, as the two before, where the model without the
        study cannot be fitted; without meaning where deleted_se is 0, as for identical effects with interval "hk"
    hat : leverage, diagonal of X (X'WX)^-1 X'W
    """

    raw: FloatArray
    pearson: FloatArray
    standardised: FloatArray
    standardised_se: FloatArray
    deleted: FloatArray
    deleted_se: FloatArray
    studentised: FloatArray
    hat: FloatArray


def residuals(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "wald",
    mask: ArrayLike | None = None,
) -> Residuals:
    """Residuals of the model. Hedges & Olkin 1985; Viechtbauer & Cheung 2010, Res Synth Methods 1:112.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design, estimator, interval, mask : as in `meta_regression`; a factor that the interval puts on the covariance of
        the coefficients (Hartung-Knapp) multiplies all variances behind the deleted residual

    Raises
    ------
    InvalidInput
        As `meta_regression`; no more studies than coefficients.

    Examples
    --------
    >>> r = residuals([0.2, 0.4, 0.9], [0.05, 0.04, 0.08], estimator="EE")
    >>> r.studentised.round(4).tolist()
    [-1.3242, -0.2602, 1.8419]
    """
    s = studies(yi, vi, design, mask)
    full, rest = with_and_without(s, estimator, interval)
    return _residuals(s, full, rest)


def with_and_without(s: Studies, estimator: str, interval: str) -> tuple[Regression, Regression]:
    """The model of all studies, and a batch (..., k) of models without each.

    Where a study cannot be left out, the row repeats the model of all; `possible` says which rows count.
    """
    rows = without_each(s, coefficients=s.p) | (indispensable(s)[..., None] & (s.present[..., None, :] > 0))
    full = meta_regression(s.y, s.v, s.x, estimator=estimator, interval=interval, mask=s.present > 0)
    rest = meta_regression(
        s.y[..., None, :], s.v[..., None, :], s.x[..., None, :, :], estimator=estimator, interval=interval, mask=rows
    )
    return full, rest


def possible(s: Studies) -> np.ndarray:
    """Studies that take part and can be left out."""
    return (s.present > 0) & ~indispensable(s)


def deleted(s: Studies, rest: Regression) -> tuple[FloatArray, FloatArray]:
    """y_i - x_i'b(-i) and its standard error sqrt(c (v_i + tau2(-i)) + x_i' V(-i) x_i).

    c is the factor that the interval puts on the covariance V(-i): Hartung-Knapp scales all variances alike.
    """
    residual = s.y - np.einsum("...kp,...kp->...k", s.x, rest.beta)
    spread = np.einsum("...kp,...kpq,...kq->...k", s.x, rest.vb, s.x)
    ok = possible(s)
    return np.where(ok, residual, np.nan), np.where(ok, np.sqrt(rest.scale * (s.v + rest.tau2) + spread), np.nan)


def _residuals(s: Studies, full: Regression, rest: Regression) -> Residuals:
    tau2 = np.asarray(full.tau2)[..., None]
    hat = s.fit(full.tau2).leverages()
    on = s.present > 0
    raw = np.where(on, s.y - full.fitted, np.nan)
    total = np.sqrt(s.v + tau2)
    # var(y - Xb) = (v + tau2) (1 - h) with inverse-variance weights
    error = np.where(on, total * np.sqrt(np.maximum(1 - hat, 0)), np.nan)
    gone, gone_se = deleted(s, rest)
    with np.errstate(divide="ignore", invalid="ignore"):
        standardised = np.where(indispensable(s), 0.0, raw / error)
        studentised = gone / gone_se
    return Residuals(raw, raw / total, standardised, error, gone, gone_se, studentised, np.where(on, hat, np.nan))


@dataclass(frozen=True, slots=True)
class BestPredictions:
    """Predictions of the studies' true effects, each (..., k); NaN for a study that takes no part.

    Attributes
    ----------
    estimate : tau2 / (tau2 + v) of the observed effect and the rest of the fitted one
    se : its standard error
    pi_lb, pi_ub : prediction interval, with the reference distribution of the model's interval
    """

    estimate: FloatArray
    se: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray


def best_predictions(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> BestPredictions:
    """Empirical Bayes (BLUP) estimates of the true effects of the studies. Raudenbush & Bryk 1985, J Educ Stat 10:75.

    Parameters
    ----------
    yi, vi, design, estimator, interval, level, mask : as in `meta_regression`

    Raises
    ------
    InvalidInput
        As `meta_regression`.

    Examples
    --------
    >>> best_predictions([0.0, 0.4, 1.2], [0.05, 0.04, 0.08], estimator="DL").estimate.round(4).tolist()
    [0.086, 0.4155, 1.0315]
    """
    s = studies(yi, vi, design, mask)
    m = meta_regression(s.y, s.v, s.x, estimator=estimator, interval=interval, level=level, mask=s.present > 0)
    tau2 = np.asarray(m.tau2)[..., None]
    trust = np.where(s.present > 0, tau2 / (tau2 + s.v), np.nan)
    estimate = trust * s.y + (1 - trust) * m.fitted
    se = np.sqrt(trust * s.v + (1 - trust) ** 2 * m.fitted_se**2)
    half = quantile(level, m.df)[..., None] * se
    return BestPredictions(estimate, se, estimate - half, estimate + half)
