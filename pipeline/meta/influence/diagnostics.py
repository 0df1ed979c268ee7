"""Influence diagnostics: what changes in a model when one study is left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray
from pipeline.meta.influence.residuals import deleted, possible, with_and_without
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.weighted_fit import fit


@dataclass(frozen=True, slots=True)
class Influence:
    """Diagnostics of the studies, (..., k); NaN for a study that takes no part or cannot be left out.

    Attributes
    ----------
    rstudent : externally standardised residual
    dffits : change of the study's fitted effect, in standard errors
    cook_d : Cook's distance: squared change of all fitted effects, in standard errors
    cov_r : determinant of the coefficients' covariance without the study over that with it; below 1: without is sharper
    tau2_del, QE_del : between-study variance and Cochran's Q without the study
    hat : leverage
    weight : share in percent
    dfbs : change of each coefficient, in standard errors, (..., k, p)
    is_infl : past a customary cut: |dffits| > 3 sqrt(p / (k - p)), Cook's distance past the median of
        chi-square(p), hat > 3 p / k or |dfbs| > 1; a NaN passes none of them

    Identical effects have no standard error with interval "hk": what is measured in them is then NaN.
    """

    rstudent: FloatArray
    dffits: FloatArray
    cook_d: FloatArray
    cov_r: FloatArray
    tau2_del: FloatArray
    QE_del: FloatArray
    hat: FloatArray
    weight: FloatArray
    dfbs: FloatArray
    is_infl: BoolArray


def influence(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "wald",
    mask: ArrayLike | None = None,
) -> Influence:
    """Outlier and influence diagnostics. Viechtbauer & Cheung 2010, Res Synth Methods 1:112.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design, estimator, interval, mask : as in `meta_regression`; a factor that the interval puts on the covariance
        (Hartung-Knapp) is that of the model without the study, and of the whole model for Cook's distance

    Raises
    ------
    InvalidInput
        As `meta_regression`; no more studies than coefficients.

    Examples
    --------
    >>> d = influence([0.2, 0.4, 0.3, 0.1, 1.9], [0.05, 0.04, 0.08, 0.06, 0.05])
    >>> d.rstudent.round(2).tolist(), d.is_infl.tolist()
    ([-0.52, -0.24, -0.37, -0.67, 6.5], [False, False, False, False, True])
    """
    s = studies(yi, vi, design, mask)
    full, rest = with_and_without(s, estimator, interval)
    ok = possible(s)
    gone, gone_se = deleted(s, rest)
    change = full.beta[..., None, :] - rest.beta
    hat = s.fit(full.tau2).leverages()
    fitted_change = np.einsum("...kp,...kp->...k", s.x, change)
    with np.errstate(divide="ignore", invalid="ignore"):
        dffits = fitted_change / np.sqrt(rest.scale * hat * (rest.tau2 + s.v))
    known = np.all(np.diagonal(full.vb, axis1=-2, axis2=-1) > 0, axis=-1)  # else identical effects under plain hk
    information = np.linalg.inv(np.where(known[..., None, None], full.vb, np.eye(s.p)))[..., None, :, :]
    cook = np.einsum("...kp,...kpq,...kq->...k", change, np.broadcast_to(information, rest.vb.shape), change)
    with np.errstate(divide="ignore", invalid="ignore"):
        dfbs = change / np.sqrt(np.asarray(rest.scale)[..., None] * _without_its_tau2(s, rest.tau2))
        rstudent, cov_r = gone / gone_se, np.linalg.det(rest.vb) / np.linalg.det(full.vb)[..., None]
    weight = full.weights
    named = {
        "rstudent": rstudent,
        "dffits": dffits,
        "cook_d": np.where(known[..., None], cook, np.nan),
        "cov_r": cov_r,
        "tau2_del": np.asarray(rest.tau2),
        "QE_del": np.asarray(rest.Q),
    }
    named = {name: np.where(ok, value, np.nan) for name, value in named.items()}
    hat, weight = (np.where(s.present > 0, a, np.nan) for a in (hat, weight))
    dfbs = np.where(ok[..., None], dfbs, np.nan)
    k, p = s.k[..., None], s.p
    past = (
        (np.abs(named["dffits"]) > 3 * np.sqrt(p / (k - p)))
        | (special.chdtr(p, np.maximum(named["cook_d"], 0)) > 0.5)
        | (hat > 3 * p / k)
        | (np.abs(dfbs) > 1).any(-1)
    )
    return Influence(**named, hat=hat, weight=weight, dfbs=dfbs, is_infl=(s.present > 0) & past)


def _without_its_tau2(s: Studies, tau2: FloatArray) -> FloatArray:
    """Variances of the coefficients of all studies at the between-study variance without each, (..., k, p)."""
    weights = s.present[..., None, :] / (s.v[..., None, :] + np.asarray(tau2)[..., None])
    covariance = fit(weights, s.x[..., None, :, :]).inverse_information()
    return np.diagonal(covariance, axis1=-2, axis2=-1)
