"""Log-likelihoods of the normal mixed-effects model and the information criteria made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
from pipeline.meta.pooling.studies import Studies
from pipeline.meta.pooling.weighted_fit import WeightedFit


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """How well a model fits, shape (...).

    Attributes
    ----------
    log_lik : log-likelihood at the estimates
    AIC, BIC, AICc : information criteria; smaller is better
    """

    log_lik: FloatArray
    AIC: FloatArray
    BIC: FloatArray
    AICc: FloatArray


def log_likelihood_ml(s: Studies, tau2: FloatArray) -> FloatArray:
    """Log-likelihood at tau2, (...), and its weighted least squares coefficients."""
    return _log_likelihoods(s, s.fit(tau2), tau2, None)[0]


def log_likelihood_reml(s: Studies, tau2: FloatArray) -> FloatArray:
    """Restricted log-likelihood of k - p error contrasts. Harville 1974, Biometrika 61:383."""
    return _log_likelihoods(s, s.fit(tau2), tau2, None)[1]


def fit_statistics(
    s: Studies, f: WeightedFit, tau2: FloatArray, beta: FloatArray | None, parameters: int
) -> tuple[FitStatistics, FitStatistics]:
    """Fit statistics under the full and the restricted likelihood, with `parameters` estimated.

    n of the criteria is k, or k - p for the restricted likelihood.

    Parameters
    ----------
    f : the fit at tau2
    beta : coefficients that are not those of `f`, (..., p); else None
    """
    ml, reml = _log_likelihoods(s, f, tau2, beta)
    return criteria(ml, s.k, parameters), criteria(reml, s.df, parameters)


def _log_likelihoods(
    s: Studies, f: WeightedFit, tau2: FloatArray, beta: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Full and restricted log-likelihood."""
    z = f.residuals(s.y) if beta is None else f.root * (s.y - np.einsum("...kp,...p->...k", s.x, beta))
    log_total = np.vecdot(s.present, np.log(s.v + np.asarray(tau2)[..., None]))
    ml = -0.5 * (s.k * np.log(2 * np.pi) + log_total + np.vecdot(z, z))
    plain = s.weighted(np.ones(s.v.shape))
    determinants = plain.log_det_information() - f.log_det_information()
    return ml, ml + 0.5 * (s.p * np.log(2 * np.pi) + determinants)


def criteria(log_lik: ArrayLike, n: ArrayLike, parameters: int) -> FitStatistics:
    """Information criteria of a log-likelihood of n observations, both (...), with `parameters` estimated.

    AICc as Hurvich & Tsai 1989, Biometrika 76:297, with n at least parameters + 2; BIC is -inf where n is 0.
    """
    log_lik = np.asarray(log_lik, dtype=np.float64)
    with np.errstate(divide="ignore"):
        bic = -2 * log_lik + parameters * np.log(n)
    large = np.maximum(n, parameters + 2)
    penalty = 2 * parameters * large / (large - parameters - 1)
    return FitStatistics(log_lik[()], -2 * log_lik + 2 * parameters, bic, -2 * log_lik + penalty)
