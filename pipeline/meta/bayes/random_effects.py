"""Bayesian random-effects meta-analysis without simulation.

Given tau, everything is normal; the posterior of tau is a one-dimensional integral. So the posterior of the mean, of a
new study and of each study's own effect are mixtures of normals over the nodes of that integral.
Roever 2020, J Stat Softw 93(6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, probability
from pipeline.meta.bayes.credible import CREDIBLE
from pipeline.meta.bayes.posterior import Posterior, joined
from pipeline.meta.bayes.priors import TauPrior, tau_prior
from pipeline.meta.mixture import NormalMixture
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.quadrature import NODES, PANELS, HalfLine, half_line

_PARTS = ("mean", "sd", "median", "mode", "lb", "ub")
BLOCK = 500_000  # numbers held at once: (fits, nodes, studies)


def bayes_random_effects(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    tau: Sequence[str | float] = ("halfnormal", 0.5),
    mu: tuple[float, float] | None = (0.0, 4.0),
    interval: str = "shortest",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Posterior:
    """Posterior for studies on the last axis, by quadrature: about 0.1 s for each row of a batch of ten studies or so.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    tau : key of TAU_PRIORS and its parameters in the units of yi, as ("halfcauchy", 0.3) or ("lognormal", -2, 0.9)
    mu : mean and standard deviation, two numbers, of the normal prior of the mean; None for the improper uniform prior
    interval : key of CREDIBLE: "shortest" (highest density) or "central"
    level : of the credible intervals, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`; an unknown prior; a prior of the mean that is not two numbers, the second > 0; a posterior that
        cannot be normalised, because an improper prior meets too few studies.

    >>> post = bayes_random_effects([-0.42, -0.10, 0.05], [0.03, 0.05, 0.02], tau=("halfnormal", 1))
    >>> round(float(post.mu_mean), 4), round(float(post.tau_median), 4), round(float(post.p_mu_gt0), 4)
    (-0.1491, 0.3087, 0.2362)
    """
    if isinstance(tau, str) or not isinstance(tau, Sequence) or not tau or not isinstance(tau[0], str):
        raise InvalidInput(f"tau is the name of a prior and its parameters, as ('halfnormal', 0.5) (found {tau!r})")
    prior = tau_prior(tau[0], *(float(numbers("tau", x)) for x in tau[1:]))
    choose("interval", interval, CREDIBLE)
    probability(level)
    if mu is not None:
        given = numbers("mu", mu)
        if given.shape != (2,):
            raise InvalidInput(f"mu must be two numbers, mean and standard deviation (found shape {given.shape})")
        numbers("mu sd", mu[1], gt=0)
    s = studies(yi, vi, mask=mask)
    _refuse_improper(s, prior, mu is None)
    shape, k = s.y.shape[:-1], s.y.shape[-1]
    y, v, on = (a.reshape(-1, k) for a in (s.y, s.v, s.present))
    size = max(BLOCK // (PANELS * NODES * k), 1)
    starts = range(0, len(y), size)
    blocks = [
        _posterior(y[i : i + size], v[i : i + size], on[i : i + size], prior, mu, interval, level) for i in starts
    ]
    return joined(blocks, shape)


def _refuse_improper(s: Studies, prior: TauPrior, flat_mean: bool) -> None:
    fewest = int(s.k.min())
    if fewest < prior.fewest:
        raise InvalidInput(f"the prior {prior.label} needs at least {prior.fewest} studies (found {fewest})")
    power = fewest - flat_mean + prior.tail
    if not prior.proper and power <= 1:
        needed = int(np.floor(1 + flat_mean - prior.tail)) + 1
        raise InvalidInput(
            f"the posterior is improper: the prior {prior.label} needs at least {needed} studies (found {fewest})"
        )


def _posterior(
    y: FloatArray,
    v: FloatArray,
    present: FloatArray,
    prior: TauPrior,
    mu: tuple[float, float] | None,
    interval: str,
    level: float,
) -> Posterior:
    s = Studies(y, v, np.ones((*y.shape, 1)), present)

    def log_posterior(t: FloatArray) -> FloatArray:
        return _given_tau(s, t, mu)[2] + prior.log_density(t, s)

    line = half_line(log_posterior, _scale(s), prior.upper)
    m, sd, _ = _given_tau(s, line.nodes, mu)
    mean = NormalMixture(m, sd, line.weights)
    new = NormalMixture(m, np.sqrt(sd**2 + line.nodes**2), line.weights)
    own = _own_effects(s, line, m, sd)
    exists = _moments(s, prior, mu is None)
    proper = np.where(prior.proper and mu is not None, 1.0, np.nan)
    log_zero = _given_tau(s, np.zeros((len(y), 1)), mu)[2][:, 0]
    with np.errstate(over="ignore"):
        bf_tau0 = np.exp(log_zero - line.log_total) * proper
    bf_mu0 = (mean.density([0.0])[:, 0] / _normal_density(mu)) * proper
    own_limits = CREDIBLE[interval](own.quantile, own.density, level, False)
    gone = np.where(present > 0, 0.0, np.nan)
    every: dict[str, FloatArray] = {}
    for name, values in (
        ("mu", _summary(mean, exists, mu is None, interval, level)),
        ("tau", _summary_of_tau(line, log_posterior, exists, interval, level)),
        ("theta", _summary(new, exists, True, interval, level)),
    ):
        every |= {f"{name}_{part}": x for part, x in zip(_PARTS, values, strict=True)}
    return Posterior(
        **every,
        p_mu_gt0=mean.above([0.0])[:, 0],
        p_theta_gt0=new.above([0.0])[:, 0],
        shrink_mean=own.mean() + gone,
        shrink_sd=own.sd() + gone,
        shrink_lb=own_limits[0] + gone,
        shrink_ub=own_limits[1] + gone,
        log_marginal=line.log_total * proper,
        bf_mu0=bf_mu0,
        bf_tau0=bf_tau0,
        k=s.k,
        converged=line.converged,
        tau_prior=prior.label,
        mu_given_tau=mean,
        theta_given_tau=new,
    )


def _given_tau(s: Studies, t: FloatArray, mu: tuple[float, float] | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Mean and sd of mu given tau (..., n), and the log likelihood of tau with mu integrated out. Roever 2020, 2.4."""
    total = s.v[..., None, :] + t[..., None] ** 2
    w = s.present[..., None, :] / total
    m0, precision0 = (0.0, 0.0) if mu is None else (mu[0], mu[1] ** -2)
    precision = w.sum(-1) + precision0
    y = s.y - m0  # around the prior mean, so that its own term drops out
    shift = np.sum(w * y[..., None, :], axis=-1) / precision
    squares = np.sum(w * (y[..., None, :] - shift[..., None]) ** 2, axis=-1) + precision0 * shift**2
    log_sizes = np.sum(np.log(total) * s.present[..., None, :], axis=-1) + np.log(precision)
    constant = s.k[..., None] * np.log(2 * np.pi) - (np.log(2 * np.pi) if mu is None else np.log(precision0))
    return m0 + shift, precision**-0.5, -0.5 * (log_sizes + squares + constant)


def _scale(s: Studies) -> FloatArray:
    """A typical tau: the geometric mean of the smallest standard error and the spread of everything."""
    on = s.present > 0
    low = np.sqrt(np.where(on, s.v, np.inf).min(-1))
    y = np.where(on, s.y, np.nan)
    return np.sqrt(low * (np.sqrt(np.where(on, s.v, 0).max(-1)) + np.nanmax(y, -1) - np.nanmin(y, -1)))


def _own_effects(s: Studies, line: HalfLine, m: FloatArray, sd: FloatArray) -> NormalMixture:
    """Each study's effect given tau: its estimate drawn towards the mean by b = v / (v + tau^2). Roever 2020, 2.6."""
    t2 = line.nodes[:, None, :] ** 2
    v = s.v[..., None]
    b = v / (v + t2)
    means = b * m[:, None, :] + (1 - b) * s.y[..., None]
    variances = (1 - b) * v + (b * sd[:, None, :]) ** 2
    return NormalMixture(means, np.sqrt(variances), np.broadcast_to(line.weights[:, None, :], means.shape))


def _moments(s: Studies, prior: TauPrior, flat_mean: bool) -> tuple[BoolArray, BoolArray]:
    """Has tau a mean, a variance: the posterior falls like tau^-(k - flat + tail)."""
    power = s.k - flat_mean + (np.inf if np.isfinite(prior.upper) else prior.tail)
    return power > 2, power > 3


def _summary(
    x: NormalMixture, exists: tuple[BoolArray, BoolArray], heavy: bool, interval: str, level: float
) -> list[FloatArray]:
    """Mean, sd, median, mode and limits; `heavy` where its moments exist only as far as those of tau."""
    first, second = exists if heavy else (True, True)
    limits = CREDIBLE[interval](x.quantile, x.density, level, False)
    mean, sd = np.where(first, x.mean(), np.nan), np.where(second, x.sd(), np.inf)
    return [mean, sd, x.quantile(np.array([0.5]))[:, 0], x.mode(), *limits]


def _summary_of_tau(
    line: HalfLine,
    log_posterior: Callable[[FloatArray], FloatArray],
    exists: tuple[BoolArray, BoolArray],
    interval: str,
    level: float,
) -> list[FloatArray]:
    def density(t: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            return np.exp(log_posterior(t) - line.log_total[:, None])

    limits = CREDIBLE[interval](line.quantile, density, level, True)
    mean = line.mean(line.nodes)
    sd = np.sqrt(line.mean((line.nodes - mean[:, None]) ** 2))
    first, second = exists
    median = line.quantile(np.array([0.5]))[:, 0]
    return [np.where(first, mean, np.inf), np.where(second, sd, np.inf), median, _mode(line, log_posterior), *limits]


def _mode(line: HalfLine, log_posterior: Callable[[FloatArray], FloatArray]) -> FloatArray:
    """tau of the highest density, 0 where it falls from the start: the best node, then golden sections."""
    at = np.concatenate([np.zeros((len(line.nodes), 1)), line.nodes], axis=-1)
    best = np.argmax(log_posterior(at), axis=-1)[:, None]
    lo = np.take_along_axis(at, np.maximum(best - 1, 0), -1)
    hi = np.take_along_axis(at, np.minimum(best + 1, at.shape[-1] - 1), -1)
    ratio = (np.sqrt(5) - 1) / 2
    for _ in range(60):
        a, b = hi - ratio * (hi - lo), lo + ratio * (hi - lo)
        left = log_posterior(a) >= log_posterior(b)
        lo, hi = np.where(left, lo, a), np.where(left, b, hi)
    return np.where(best == 0, 0.0, (lo + hi) / 2)[:, 0]


def _normal_density(mu: tuple[float, float] | None) -> float:
    return np.nan if mu is None else float(np.exp(-((mu[0] / mu[1]) ** 2) / 2) / (mu[1] * np.sqrt(2 * np.pi)))
