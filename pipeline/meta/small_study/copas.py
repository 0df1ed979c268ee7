"""Copas selection model: a study is seen if z = gamma0 + gamma1 / s + d > 0, and d goes with the study's error.

y = mu + b + sigma e with b ~ N(0, tau2) and corr(e, d) = rho. Copas & Shi 2000, Biostatistics 1:247; 2001, Stat Methods
Med Res 10:251. gamma cannot be estimated: the model is fitted over a range of it, from hardly any selection to strong
selection, until what is left of the funnel plot's asymmetry could be chance (Carpenter, Schwarzer, Rücker & Künstler
2009, J Clin Epidemiol 62:624). One meta-analysis at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput
from pipeline.meta.pooling.studies import studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.reference import quantile, two_sided_p
from pipeline.meta.small_study.projected_newton import maximise
from pipeline.meta.small_study.second_order import SecondOrder, variable

RHO_MAX = 0.9999
_STARTS = (-0.6, 0.1, 0.6)  # of rho
_GRID = 20
_LINE = 41
# The default range has no derivation: 2 and -0.25 are read off ranges that metasens prints, 1 makes the one case with a
# known answer (Bangert-Drowns) agree. Largest gamma0; probits of the least and the most precise study's chance
# to be seen at the smallest gamma0 and the largest gamma1.
_WEAKEST, _LEAST, _MOST = 2.0, -0.25, 1.0


@dataclass(frozen=True, slots=True)
class Copas:
    """A Copas analysis. `path_...` are arrays over points of falling chances to be seen.

    Attributes
    ----------
    estimate, se, statistic, p, ci_lb, ci_ub : effect at the weakest selection that leaves no significant asymmetry,
        with a normal test and interval; NaN where no point of the path gets there
    p_residual : test of residual asymmetry there
    publication_probability : chance that the study with the largest standard error is seen, there
    unpublished : studies that the model misses, there
    path_gamma0, path_gamma1, path_publication_probability : the selections of the path
    path_mu, path_se, path_tau2, path_rho, path_p_residual, path_unpublished : the fits of the path
    grid_gamma0, grid_gamma1 : axes of the grid
    grid_mu : effect over the grid, (gamma0, gamma1), for a contour plot
    converged : did every fit of the path converge
    k : studies
    """

    estimate: float
    se: float
    statistic: float
    p: float
    ci_lb: float
    ci_ub: float
    p_residual: float
    publication_probability: float
    unpublished: float
    path_gamma0: FloatArray
    path_gamma1: FloatArray
    path_publication_probability: FloatArray
    path_mu: FloatArray
    path_se: FloatArray
    path_tau2: FloatArray
    path_rho: FloatArray
    path_p_residual: FloatArray
    path_unpublished: FloatArray
    grid_gamma0: FloatArray
    grid_gamma1: FloatArray
    grid_mu: FloatArray
    converged: bool
    k: int


@dataclass(frozen=True, slots=True)
class Fits:
    """The model at several selections, each of shape (n).

    Attributes
    ----------
    mu, se, tau2, rho : estimates; the error is from the observed information, with what lies at a bound held, NaN where
        the likelihood has no proper peak
    log_lik : maximised log-likelihood
    converged : bool
    """

    mu: FloatArray
    se: FloatArray
    tau2: FloatArray
    rho: FloatArray
    log_lik: FloatArray
    converged: BoolArray


def copas(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    gamma0: tuple[float, float] | None = None,
    gamma1: tuple[float, float] | None = None,
    significance: float = 0.1,
    level: float = 95,
) -> Copas:
    """Effect adjusted for selection by the Copas model.

    The path starts at the weakest selection of the range and goes down the effect's slope over (gamma0, gamma1), each
    scaled to its range. Its points are the start, the crossings with about ten contours of round numbers, and the end.
    The adjusted effect is the first point whose test of residual asymmetry (a slope on the standard error, likelihood
    ratio, 1 degree of freedom) has p > `significance`.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (k,)
    gamma0, gamma1 : ranges; None for ranges from the standard errors: gamma1 from 0 to where the smallest gamma0 gives
        the least precise study a chance of Phi(-0.25) and the most precise one Phi(1); gamma0 goes up to 2
    significance : of the residual asymmetry
    level : of the interval, percent

    Raises
    ------
    InvalidInput
        See `studies`; fewer than four studies; all variances equal; more than one axis; an empty range.

    Examples
    --------
    >>> y = [0.1, 0.05, 0.2, 0.3, 0.5, 0.7]
    >>> c = copas(y, [0.01, 0.01, 0.02, 0.04, 0.09, 0.16])
    >>> bool(c.estimate < c.path_mu[0]), c.k
    (True, 6)
    """
    d = studies(yi, vi)
    if d.y.ndim != 1:
        raise InvalidInput(f"a Copas analysis takes one meta-analysis at a time: yi {d.y.shape}")
    if d.k < 4:
        raise InvalidInput(f"a Copas analysis needs at least 4 studies (found {d.k})")
    s = np.sqrt(d.v)
    low, high = _ranges(s, gamma0, gamma1)
    tau2 = float(TAU2_ESTIMATORS["ML"](d)[0])
    mu = float(d.fit(tau2).coefficients(d.y)[0])
    axes = np.linspace(low, high, _GRID)
    grid = np.stack(np.meshgrid(axes[:, 0], axes[:, 1], indexing="ij"), -1)
    grid_mu = fit_selections(d.y, s, grid.reshape(-1, 2), mu, tau2).mu.reshape(_GRID, _GRID)
    path = _path(d.y, s, low, high, grid_mu, mu, tau2)
    fits = fit_selections(d.y, s, path, mu, tau2)
    wider = fit_selections(d.y, s, path, mu, tau2, residual=True)
    p_residual = special.chdtrc(1, np.maximum(2 * (wider.log_lik - fits.log_lik), 0.0))
    seen = special.ndtr(path[:, :1] + path[:, 1:] / s)
    missed, smallest = ((1 - seen) / seen).sum(-1), seen[:, np.argmax(s)]
    enough = np.flatnonzero(p_residual > significance)
    chosen = [float(a[enough[0]]) if len(enough) else np.nan for a in (fits.mu, fits.se, p_residual, smallest, missed)]
    half = float(quantile(level, np.nan)) * chosen[1]
    return Copas(
        estimate=chosen[0],
        se=chosen[1],
        statistic=chosen[0] / chosen[1],
        p=float(two_sided_p(chosen[0] / chosen[1], np.nan)),
        ci_lb=chosen[0] - half,
        ci_ub=chosen[0] + half,
        p_residual=chosen[2],
        publication_probability=chosen[3],
        unpublished=chosen[4],
        path_gamma0=path[:, 0],
        path_gamma1=path[:, 1],
        path_publication_probability=smallest,
        path_mu=fits.mu,
        path_se=fits.se,
        path_tau2=fits.tau2,
        path_rho=fits.rho,
        path_p_residual=p_residual,
        path_unpublished=missed,
        grid_gamma0=axes[:, 0],
        grid_gamma1=axes[:, 1],
        grid_mu=grid_mu,
        converged=bool(fits.converged.all() and wider.converged.all()),
        k=int(d.k),
    )


def _ranges(
    s: FloatArray, gamma0: tuple[float, float] | None, gamma1: tuple[float, float] | None
) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest (gamma0, gamma1)."""
    precision = 1 / s.min() - 1 / s.max()
    if precision <= 1e-9 / s.min():
        raise InvalidInput("all vi are equal: selection by precision cannot be told from the mean")
    top = (_MOST - _LEAST) / precision
    first = gamma0 or (_LEAST - top / s.max(), _WEAKEST)
    second = gamma1 or (0.0, top)
    for name, ends in (("gamma0", first), ("gamma1", second)):
        if np.shape(ends) != (2,) or not (np.isfinite(ends).all() and ends[0] < ends[1]):
            raise InvalidInput(f"{name} must be a range (low, high) with low < high (found {ends})")
    return np.array([first[0], second[0]]), np.array([first[1], second[1]])


def _path(
    y: FloatArray, s: FloatArray, low: FloatArray, high: FloatArray, grid_mu: FloatArray, mu: float, tau2: float
) -> FloatArray:
    """Points (m, 2) on the line of steepest slope from the weakest selection: start, contours in order, end."""
    slope = np.abs([np.ptp(grid_mu.mean(1)), np.ptp(grid_mu.mean(0))])
    direction = slope / max(slope.max(), 1e-300)
    w = np.linspace(0, 1, _LINE)
    line = high - w[:, None] * direction * (high - low)
    at = fit_selections(y, s, line, mu, tau2).mu
    cuts = [0.0, 1.0]
    for contour in _round_numbers(float(grid_mu.min()), float(grid_mu.max()), 10):
        crossed = np.flatnonzero((at[:-1] - contour) * (at[1:] - contour) < 0)
        if len(crossed):
            i = crossed[0]
            cuts.append(w[i] + (contour - at[i]) / (at[i + 1] - at[i]) * (w[i + 1] - w[i]))
    cut = np.unique(cuts)
    return high - cut[:, None] * direction * (high - low)


def _round_numbers(low: float, high: float, about: int) -> FloatArray:
    """Multiples of 1, 2 or 5 times a power of ten between the ends, about so many."""
    if high <= low:
        return np.empty(0)
    cell = (high - low) / about
    base = 10.0 ** np.floor(np.log10(cell))
    unit = next(f * base for f, most in ((1, 1.4), (2, 2.8), (5, 7.0), (10, np.inf)) if cell / base <= most)
    return np.asarray(np.arange(np.ceil(low / unit), np.floor(high / unit) + 1) * unit)


def fit_selections(
    y: FloatArray, s: FloatArray, gamma: FloatArray, mu: float, tau2: float, *, residual: bool = False
) -> Fits:
    """Maximum likelihood at each gamma (n, 2), from a start (mu, tau2); `residual` adds a slope on s to the mean."""
    n, unit = len(gamma), float(np.sqrt(np.mean(s**2) + tau2))
    centre = float(1 / np.mean(1 / s**2))
    u = gamma[:, :1] + gamma[:, 1:] / s
    ratio = np.exp(-0.5 * u**2 - special.log_ndtr(u)) / np.sqrt(2 * np.pi)
    shrink, log_seen = ratio * (ratio + u), special.log_ndtr(u).sum(-1)
    point = [mu / unit, np.log1p(tau2 / centre), 0.0] + [0.0] * residual
    start = np.tile(point, (len(_STARTS) * n, 1))
    start[:, 2] = np.repeat(_STARTS, n)
    which = np.tile(np.arange(n), len(_STARTS))

    def objective(rows: IntArray, t: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        i = which[rows]
        at = _log_likelihood(y, s, u[i], shrink[i], t, unit, centre)
        return at.value - log_seen[i], np.moveaxis(at.first, 0, -1), np.moveaxis(at.second, (0, 1), (-2, -1))

    lower = np.array([-1e6, 0.0, -RHO_MAX, -1e6][: start.shape[1]])
    upper = np.array([1e6, 30.0, RHO_MAX, 1e6][: start.shape[1]])
    peak = maximise(objective, start, lower, upper)
    value = np.where(np.isfinite(peak.value), peak.value, -np.inf).reshape(-1, n)
    best = np.argmax(value, axis=0) * n + np.arange(n)
    x = peak.x[best]
    information = -objective(best, x)[2]
    held = (x <= lower) | (x >= upper)
    information = np.where(held[:, :, None] | held[:, None, :], np.eye(x.shape[1]), information)
    with np.errstate(invalid="ignore"):
        se = unit * np.sqrt(np.linalg.inv(information)[:, 0, 0])
    return Fits(unit * x[:, 0], se, centre * np.expm1(x[:, 1]), x[:, 2], peak.value[best], peak.converged[best])


def _log_likelihood(
    y: FloatArray, s: FloatArray, u: FloatArray, shrink: FloatArray, t: FloatArray, unit: float, centre: float
) -> SecondOrder:
    """log p(y | seen) without -log Phi(u), summed over studies.

    sigma^2 is s^2 / (1 - rho^2 lambda(u) (u + lambda(u))): s is the standard error of a study that was selected.
    """
    m = t.shape[1]
    ones = np.ones((1, len(s)))
    mean = variable(t[:, :1] * ones, 0, m, unit)
    if m > 3:
        mean = mean + variable(t[:, 3:] * ones, 3, m, s)
    log_tau = variable(t[:, 1:2] * ones, 1, m)
    grown = centre * np.exp(log_tau.value)
    tau2 = log_tau.map(grown - centre, grown, grown)
    rho = variable(t[:, 2:3] * ones, 2, m)
    sigma2 = (rho * rho * (-shrink) + 1.0).inverse() * s**2
    total = tau2 + sigma2
    e = mean * -1.0 + y
    pull = rho * sigma2.root()
    per = total.inverse()
    v = (pull * e * per + u) * (pull * pull * per * -1.0 + 1.0).root().inverse()
    log_phi = special.log_ndtr(v.value)
    hazard = np.exp(-0.5 * v.value**2 - log_phi) / np.sqrt(2 * np.pi)
    out = (total.log() + e * e * per + np.log(2 * np.pi)) * -0.5 + v.map(log_phi, hazard, -hazard * (v.value + hazard))
    return SecondOrder(out.value.sum(-1), out.first.sum(-1), out.second.sum(-1))
