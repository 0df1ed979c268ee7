"""Priors of the between-study standard deviation tau. To add one: a function and a row of TAU_PRIORS.

Overview: Roever 2020, J Stat Softw 93(6); Roever et al. 2021, Res Synth Methods 12:448 (weakly informative priors).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers
from pipeline.meta.guards import spread
from pipeline.meta.pooling.studies import Studies

LogDensity = Callable[[FloatArray, Studies], FloatArray]


@dataclass(frozen=True, slots=True)
class TauPrior:
    """A prior of tau.

    Attributes
    ----------
    label : the prior in words
    log_density : tau of shape (..., n) and the studies to the log density; normalised where `proper`
    proper : does it integrate to 1
    tail : power with which it falls, p(tau) ~ tau^-tail for large tau; inf where faster than any power
    upper : end of its support
    fewest : studies that it needs to be defined
    """

    label: str
    log_density: LogDensity
    proper: bool = True
    tail: float = np.inf
    upper: float = np.inf
    fewest: int = 1


def half_normal(scale: float) -> TauPrior:
    """|N(0, scale^2)|."""
    s = _positive("scale", scale)
    constant = 0.5 * np.log(2 / np.pi) - np.log(s)
    return TauPrior(f"half-normal({scale:g})", lambda t, _: constant - (t / s) ** 2 / 2)


def half_t(scale: float, df: float) -> TauPrior:
    """|scale * t(df)|. Gelman 2006, Bayesian Anal 1:515."""
    s, d = _positive("scale", scale), _positive("df", df)
    constant = np.log(2) + special.gammaln((d + 1) / 2) - special.gammaln(d / 2) - 0.5 * np.log(d * np.pi) - np.log(s)
    with_tail: LogDensity = lambda t, _: constant - (d + 1) / 2 * _log1p_square(t / (s * np.sqrt(d)))  # noqa: E731
    return TauPrior(f"half-t({scale:g}, {df:g} df)", with_tail, tail=d + 1)


def half_cauchy(scale: float) -> TauPrior:
    """|scale * Cauchy|. Gelman 2006; Polson & Scott 2012, Bayesian Anal 7:887."""
    s = _positive("scale", scale)
    constant = np.log(2 / np.pi) - np.log(s)
    return TauPrior(f"half-Cauchy({scale:g})", lambda t, _: constant - _log1p_square(t / s), tail=2)


def exponential(rate: float) -> TauPrior:
    """Exponential with mean 1 / rate."""
    r = _positive("rate", rate)
    return TauPrior(f"exponential(rate {rate:g})", lambda t, _: np.log(r) - r * t)


def uniform(upper: float) -> TauPrior:
    """Uniform on 0..upper."""
    b = _positive("upper", upper)
    return TauPrior(f"uniform(0, {upper:g})", lambda t, _: np.where(t <= b, -np.log(b), -np.inf), upper=float(b))


def lognormal(meanlog: float, sdlog: float) -> TauPrior:
    """log tau ~ N(meanlog, sdlog^2). A prior log tau^2 ~ N(m, s^2) of the literature is lognormal(m / 2, s / 2)."""
    m, s = float(numbers("meanlog", meanlog)), _positive("sdlog", sdlog)

    def log_density(t: FloatArray, _: Studies) -> FloatArray:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_t = np.log(t)
            out = -log_t - np.log(s) - 0.5 * np.log(2 * np.pi) - ((log_t - m) / s) ** 2 / 2
        return np.where(t > 0, out, -np.inf)

    return TauPrior(f"lognormal({meanlog:g}, {sdlog:g})", log_density)


def flat() -> TauPrior:
    """Uniform on tau >= 0, improper. Gelman 2006."""
    return TauPrior("uniform in tau (improper)", lambda t, _: np.zeros_like(t), proper=False, tail=0)


def square_root() -> TauPrior:
    """Uniform in the square root of tau, p ~ tau^(-1/2), improper. Roever 2020, section 2.2."""
    return TauPrior("uniform in sqrt(tau) (improper)", lambda t, _: -_log(t) / 2, proper=False, tail=0.5)


def jeffreys() -> TauPrior:
    """Square root of the Fisher information of tau, p ~ sqrt(sum (tau / (v + tau^2))^2), improper. Roever 2020."""

    def log_density(t: FloatArray, s: Studies) -> FloatArray:
        w = s.present[..., None, :] / (s.v[..., None, :] + t[..., None] ** 2)
        return _log(t) + 0.5 * np.log(np.sum(w**2, axis=-1))

    return TauPrior("Jeffreys (improper)", log_density, proper=False, tail=1)


def berger_deely() -> TauPrior:
    """p ~ prod (tau / (v + tau^2))^(1/k), improper. Berger & Deely 1988, J Am Stat Assoc 83:364."""

    def log_density(t: FloatArray, s: Studies) -> FloatArray:
        total = np.log(s.v[..., None, :] + t[..., None] ** 2) * s.present[..., None, :]
        return _log(t) - total.sum(-1) / s.k[..., None]

    return TauPrior("Berger-Deely (improper)", log_density, proper=False, tail=1)


def dumouchel() -> TauPrior:
    """p = s / (s + tau)^2 with s^2 the harmonic mean of v. DuMouchel & Normand 2000."""

    def log_density(t: FloatArray, s: Studies) -> FloatArray:
        unit = np.sqrt(_harmonic(s))[..., None]
        return np.log(unit) - 2 * np.log(unit + t)

    return TauPrior("DuMouchel", log_density, tail=2)


def uniform_shrinkage() -> TauPrior:
    """p = 2 s^2 tau / (s^2 + tau^2)^2: s^2 / (s^2 + tau^2) is uniform, s^2 the harmonic mean of v. Daniels 1999."""
    return TauPrior("uniform shrinkage", lambda t, s: _share(t, _harmonic(s)), tail=3)


def uniform_i2() -> TauPrior:
    """Uniform in I2 = tau^2 / (s^2 + tau^2) with s^2 the typical variance of Higgins & Thompson 2002."""

    def log_density(t: FloatArray, s: Studies) -> FloatArray:
        w = s.present / s.v
        typical = (s.k - 1) * w.sum(-1) / (w.sum(-1) ** 2 - (w**2).sum(-1))
        return _share(t, typical)

    return TauPrior("uniform in I2", log_density, tail=3, fewest=2)


TAU_PRIORS: dict[str, Callable[..., TauPrior]] = {
    "halfnormal": half_normal,
    "halfcauchy": half_cauchy,
    "halft": half_t,
    "exponential": exponential,
    "uniform": uniform,
    "lognormal": lognormal,
    "flat": flat,
    "sqrt": square_root,
    "jeffreys": jeffreys,
    "berger_deely": berger_deely,
    "dumouchel": dumouchel,
    "shrinkage": uniform_shrinkage,
    "I2": uniform_i2,
}


def tau_prior(name: str, *parameters: float) -> TauPrior:
    """The prior `name` with its parameters, in the order of its function.

    Raises
    ------
    InvalidInput
        An unknown name, a wrong number of parameters, or a scale that is not positive.

    >>> tau_prior("halfnormal", 0.5).label
    'half-normal(0.5)'
    """
    choose("tau_prior", name, TAU_PRIORS)
    make = TAU_PRIORS[name]
    wanted = make.__code__.co_varnames[: make.__code__.co_argcount]
    if len(parameters) != len(wanted):
        raise InvalidInput(f"tau_prior {name!r} takes {len(wanted)} parameters ({', '.join(wanted) or 'none'})")
    return make(*parameters)


def _positive(name: str, value: float) -> float:
    return float(spread(name, numbers(name, value, gt=0), ()))


def _log(t: FloatArray) -> FloatArray:
    with np.errstate(divide="ignore"):
        return np.log(t)


def _log1p_square(x: FloatArray) -> FloatArray:
    """log(1 + x^2) without overflow."""
    return np.where(x > 1e8, 2 * np.log(np.maximum(x, 1.0)), np.log1p(np.minimum(x, 1e8) ** 2))


def _harmonic(s: Studies) -> FloatArray:
    return s.k / np.sum(s.present / s.v, axis=-1)


def _share(t: FloatArray, s2: FloatArray) -> FloatArray:
    unit = s2[..., None]
    return np.log(2 * unit) + _log(t) - 2 * np.log(unit + t**2)
