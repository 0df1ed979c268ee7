"""Log-likelihoods of the normal mixed-effects model and the information criteria made from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.pooling.studies import Studies


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


def log_likelihood_ml(s: Studies, tau2: FloatArray, beta: FloatArray | None = None) -> FloatArray:
    """Log-likelihood at `beta`, (..., p), or at the weighted least squares coefficients."""
    f = s.fit(tau2)
    total = s.present * np.log(s.v + np.asarray(tau2)[..., None])
    if beta is None:
        squares = f.residuals(s.y) ** 2
    else:
        squares = (f.root * (s.y - np.einsum("...kp,...p->...k", s.x, beta))) ** 2
    return -0.5 * (s.k * np.log(2 * np.pi) + total.sum(-1) + squares.sum(-1))


def log_likelihood_reml(s: Studies, tau2: FloatArray, beta: FloatArray | None = None) -> FloatArray:
    """Restricted log-likelihood of k - p error contrasts. Harville 1974, Biometrika 61:383."""
    f = s.fit(tau2)
    plain = s.weighted(np.ones(s.v.shape))
    return (
        log_likelihood_ml(s, tau2, beta)
        + 0.5 * s.p * np.log(2 * np.pi)
        + 0.5 * plain.log_det_information()
        - 0.5 * f.log_det_information()
    )


def fit_statistics(
    s: Studies, tau2: FloatArray, beta: FloatArray | None = None, *, restricted: bool, parameters: int
) -> FitStatistics:
    """Information criteria with `parameters` estimated; n is k, or k - p for the restricted likelihood.

    AICc as Hurvich & Tsai 1989, Biometrika 76:297, with n at least parameters + 2.
    """
    ll = (log_likelihood_reml if restricted else log_likelihood_ml)(s, tau2, beta)
    n = s.df if restricted else s.k
    aic = -2 * ll + 2 * parameters
    with np.errstate(divide="ignore"):
        bic = -2 * ll + parameters * np.log(n)
    large = np.maximum(n, parameters + 2)
    return FitStatistics(ll, aic, bic, -2 * ll + 2 * parameters * large / (large - parameters - 1))
