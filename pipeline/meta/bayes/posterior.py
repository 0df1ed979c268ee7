"""What a Bayesian random-effects meta-analysis answers."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.mixture import NormalMixture


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior of a random-effects meta-analysis; fields have the batch's shape (...), `shrink_*` (..., k).

    A moment that does not exist is inf (tau_mean, *_sd) or NaN (a mean).

    Attributes
    ----------
    mu_mean, mu_sd, mu_median, mu_mode, mu_lb, mu_ub : the mean effect and its credible interval
    tau_mean, tau_sd, tau_median, tau_mode, tau_lb, tau_ub : the between-study standard deviation
    theta_mean, theta_sd, theta_median, theta_mode, theta_lb, theta_ub : the effect in a new study (predictive)
    p_mu_gt0, p_theta_gt0 : probability that the mean, a new study's effect, is above 0
    shrink_mean, shrink_sd, shrink_lb, shrink_ub : each study's own effect; NaN for a study that takes no part
    log_marginal : log density of the data under the model; NaN if a prior is improper, where it has no meaning
    bf_mu0, bf_tau0 : Bayes factor for mu = 0 against mu free, for tau = 0 against tau free; NaN as log_marginal
    k : studies
    converged : did the quadrature see all of the posterior, to 1e-8
    tau_prior : the prior in words
    mu_given_tau : posterior of the mean as a mixture, for further questions
    theta_given_tau : the same for the effect in a new study
    """

    mu_mean: FloatArray
    mu_sd: FloatArray
    mu_median: FloatArray
    mu_mode: FloatArray
    mu_lb: FloatArray
    mu_ub: FloatArray
    tau_mean: FloatArray
    tau_sd: FloatArray
    tau_median: FloatArray
    tau_mode: FloatArray
    tau_lb: FloatArray
    tau_ub: FloatArray
    theta_mean: FloatArray
    theta_sd: FloatArray
    theta_median: FloatArray
    theta_mode: FloatArray
    theta_lb: FloatArray
    theta_ub: FloatArray
    p_mu_gt0: FloatArray
    p_theta_gt0: FloatArray
    shrink_mean: FloatArray
    shrink_sd: FloatArray
    shrink_lb: FloatArray
    shrink_ub: FloatArray
    log_marginal: FloatArray
    bf_mu0: FloatArray
    bf_tau0: FloatArray
    k: IntArray
    converged: BoolArray
    tau_prior: str
    mu_given_tau: NormalMixture
    theta_given_tau: NormalMixture

    def p_mu_above(self, x: float) -> FloatArray:
        """P(mu > x), shape (...)."""
        return self.mu_given_tau.above(np.array([x]))[..., 0]

    def p_theta_above(self, x: float) -> FloatArray:
        """P(effect in a new study > x), shape (...)."""
        return self.theta_given_tau.above(np.array([x]))[..., 0]


def joined(blocks: list[Posterior], shape: tuple[int, ...]) -> Posterior:
    """The blocks in one, with the batch's own shape."""

    def whole(parts: list[FloatArray]) -> FloatArray:
        one = np.concatenate(parts)
        return np.asarray(one.reshape((*shape, *one.shape[1:])))[()]

    def mixture(parts: list[NormalMixture]) -> NormalMixture:
        return NormalMixture(*(whole([getattr(p, f) for p in parts]) for f in ("means", "sds", "weights")))

    made: dict[str, Any] = {}
    for field in fields(Posterior):
        parts: list[Any] = [getattr(b, field.name) for b in blocks]
        if field.name == "tau_prior":
            made[field.name] = parts[0]
        else:
            made[field.name] = mixture(parts) if isinstance(parts[0], NormalMixture) else whole(parts)
    return Posterior(**made)
