"""Prediction intervals for the effect in a new study. To add one: a row of PREDICTION or PREDICTION_METHODS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers, probability
from pipeline.meta.guards import fitting
from pipeline.meta.mixture import NormalMixture
from pipeline.meta.pooling.q_distribution import q_cdf, q_density_in_tau2
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.quadrature import half_line
from pipeline.meta.reference import quantile

BLOCK = 32  # fits of the confidence distribution held at once, some 40,000 components each


@dataclass(frozen=True, slots=True)
class Prediction:
    """Interval for the effect in a new study, shape (...).

    Attributes
    ----------
    pi_lb, pi_ub : limits; NaN where the method has no degrees of freedom
    df : degrees of freedom of t; NaN where the reference is the standard normal
    """

    pi_lb: FloatArray
    pi_ub: FloatArray
    df: FloatArray


# t_k1: the choice of metafor, with the interval's own standard error; t_k2: Higgins, Thompson &
# Spiegelhalter 2009, J R Stat Soc A 172:137, with the customary 1 where k - 2 is 0; normal: tau2 as if known.
PREDICTION: dict[str, Callable[[FloatArray], FloatArray]] = {
    "t_k1": lambda k: k - 1,
    "t_k2": lambda k: np.maximum(k - 2, 1),
    "normal": lambda k: np.full_like(k, np.nan),
}


def prediction_interval(
    estimate: ArrayLike, se: ArrayLike, tau2: ArrayLike, k: ArrayLike, *, method: str = "t_k1", level: float = 95
) -> Prediction:
    """estimate +/- quantile * sqrt(tau2 + se^2).

    Parameters
    ----------
    estimate, se, tau2, k : broadcast together
    se : standard error of the estimate as its own interval uses it, >= 0
    tau2 : between-study variance, >= 0
    k : studies behind the estimate, whole and >= 1; of one study the interval is NaN
    method : key of PREDICTION

    Raises
    ------
    InvalidInput
        NaN, se or tau2 < 0, k that is no number of studies, shapes that do not fit, an unknown method.

    Examples
    --------
    >>> pi = prediction_interval(0.3, 0.1, 0.04, 6)
    >>> round(float(pi.pi_lb), 4), round(float(pi.pi_ub), 4)
    (-0.2748, 0.8748)
    """
    choose("method", method, PREDICTION)
    given = {"estimate": numbers("estimate", estimate)}
    given |= {name: numbers(name, x, ge=0) for name, x in (("se", se), ("tau2", tau2))}
    mu, s, t2, n = fitting(given | {"k": numbers("k", k, ge=1)})
    if np.any(n % 1 != 0):
        raise InvalidInput(f"k must be a whole number of studies (found {n[n % 1 != 0].flat[0]:g})")
    df = PREDICTION[method](n)
    half = np.where(n >= 2, quantile(level, df), np.nan) * np.sqrt(t2 + s**2)
    return Prediction((mu - half)[()], (mu + half)[()], np.asarray(df)[()])


@dataclass(frozen=True, slots=True)
class StudyPrediction:
    """A published prediction interval computed from the studies, shape (...).

    Attributes
    ----------
    estimate, tau2 : mean effect and between-study variance of the method
    se : standard error of the estimate as the method defines it; NaN for the confidence distribution
    ci_lb, ci_ub : confidence interval of the mean that belongs to it; NaN for the confidence distribution
    pi_lb, pi_ub : prediction interval
    df : degrees of freedom of the t behind the prediction interval
    """

    estimate: FloatArray
    tau2: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    df: FloatArray


def higgins_thompson_spiegelhalter(s: Studies, level: float) -> StudyPrediction:
    """DerSimonian-Laird with its plain standard error and t(k - 2). Higgins et al. 2009, J R Stat Soc A 172:137."""
    return _with_t(s, level, "DL", lambda w, y, mean: 1 / w.sum(-1))


def partlett_riley_plain(s: Studies, level: float) -> StudyPrediction:
    """REML with its plain standard error and t(k - 2). Partlett & Riley 2017, Stat Med 36:301."""
    return _with_t(s, level, "REML", lambda w, y, mean: 1 / w.sum(-1))


def partlett_riley_hartung_knapp(s: Studies, level: float) -> StudyPrediction:
    """REML with the Hartung-Knapp variance (no floor) and t(k - 2). Partlett & Riley 2017."""
    return _with_t(s, level, "REML", _hartung_knapp)


def partlett_riley_sidik_jonkman(s: Studies, level: float) -> StudyPrediction:
    """REML with the bias-corrected robust variance of Sidik & Jonkman 2006, Comput Stat Data Anal 50:3681, t(k - 2)."""
    return _with_t(s, level, "REML", _sidik_jonkman)


def confidence_distribution(s: Studies, level: float) -> StudyPrediction:
    """The limit of the parametric bootstrap interval with ever more draws, by quadrature: it depends on no seed.

    Nagashima, Noma & Furukawa 2019, Stat Methods Med Res 28:1689: tau2 from its confidence distribution 1 - F_Q, with
    F_Q the exact distribution of Cochran's Q; given tau2 a new effect is mean + z tau - t(k - 1) SE_HK. As t is z over
    the root of chi-square / df, the whole is a mixture of normals over tau and chi. The estimate is that of
    DerSimonian & Laird.
    """
    shape, k = s.y.shape[:-1], s.y.shape[-1]
    y, v, on = (a.reshape(-1, k) for a in (s.y, s.v, s.present))
    parts = [
        _mixture_limits(Studies(y[rows], v[rows], np.ones((*y[rows].shape, 1)), on[rows]), level)
        for rows in (slice(i, i + BLOCK) for i in range(0, len(y), BLOCK))
    ]
    limits = np.concatenate(parts).reshape(*shape, 2)
    dl, nan = _with_t(s, level, "DL", lambda w, y, mean: 1 / w.sum(-1)), np.full(shape, np.nan)
    df = (s.k - 1).astype(np.float64)
    return StudyPrediction(dl.estimate, dl.tau2, nan, nan, nan, limits[..., 0], limits[..., 1], df)


PREDICTION_METHODS: dict[str, Callable[[Studies, float], StudyPrediction]] = {
    "HTS": higgins_thompson_spiegelhalter,
    "CL": partlett_riley_plain,
    "HK": partlett_riley_hartung_knapp,
    "SJ": partlett_riley_sidik_jonkman,
    "NNF": confidence_distribution,
}


def predict_new_study(
    yi: ArrayLike, vi: ArrayLike, *, method: str = "NNF", level: float = 95, mask: ArrayLike | None = None
) -> StudyPrediction:
    """A published prediction interval for studies on the last axis.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k), at least 3 studies
    method : key of PREDICTION_METHODS: "HTS", "CL", "HK", "SJ" (all with t on k - 2 degrees of freedom) or "NNF", the
        parametric bootstrap of Nagashima, Noma & Furukawa without its Monte Carlo error
    level : percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`; fewer than 3 studies; an unknown method.

    >>> p = predict_new_study([-0.42, -0.10, 0.05, 0.3], [0.03, 0.05, 0.02, 0.04], method="HTS")
    >>> round(float(p.pi_lb), 4), round(float(p.pi_ub), 4)
    (-1.2517, 1.1601)
    """
    choose("method", method, PREDICTION_METHODS)
    s = studies(yi, vi, mask=mask)
    if s.k.min() < 3:
        raise InvalidInput(f"these prediction intervals need at least 3 studies (found {s.k.min()})")
    fit = PREDICTION_METHODS[method](s, level)
    return StudyPrediction(*(np.asarray(getattr(fit, name))[()] for name in StudyPrediction.__slots__))


def _with_t(
    s: Studies, level: float, estimator: str, variance: Callable[[FloatArray, FloatArray, FloatArray], FloatArray]
) -> StudyPrediction:
    tau2 = np.asarray(TAU2_ESTIMATORS[estimator](s)[0])
    w = s.present / (s.v + tau2[..., None])
    mean = np.sum(w * s.y, axis=-1) / w.sum(-1)
    se = np.sqrt(variance(w, s.y, mean))
    half = quantile(level, s.k - 1) * se
    pi = prediction_interval(mean, se, tau2, s.k.astype(np.float64), method="t_k2", level=level)
    return StudyPrediction(mean, tau2, se, mean - half, mean + half, pi.pi_lb, pi.pi_ub, pi.df)


def _hartung_knapp(w: FloatArray, y: FloatArray, mean: FloatArray) -> FloatArray:
    q = np.sum(w * (y - mean[..., None]) ** 2, axis=-1)
    return q / (np.sum(w > 0, axis=-1) - 1) / w.sum(-1)


def _sidik_jonkman(w: FloatArray, y: FloatArray, mean: FloatArray) -> FloatArray:
    share = w / w.sum(-1, keepdims=True)
    return np.sum(share**2 * (y - mean[..., None]) ** 2 / (1 - share), axis=-1)


def _mixture_limits(s: Studies, level: float) -> FloatArray:
    """Limits of the mixture over tau and chi, (fits, 2)."""
    k, p0 = s.k, 1 - q_cdf(s, np.zeros((*s.k.shape, 1)))[..., 0]
    typical = np.sqrt(np.where(s.present > 0, s.v, 0).sum(-1) / k)

    def log_density(tau: FloatArray) -> FloatArray:
        h = q_density_in_tau2(s, tau**2) * 2 * tau
        with np.errstate(divide="ignore"):
            return np.log(np.maximum(h, 0.0))

    line = half_line(log_density, typical)
    tau = np.concatenate([np.zeros((*k.shape, 1)), line.nodes], axis=-1)
    weights = np.concatenate([p0[..., None], (1 - p0)[..., None] * line.weights], axis=-1)
    w = s.present[..., None, :] / (s.v[..., None, :] + tau[..., None] ** 2)
    y = s.y[..., None, :]
    mean = np.sum(w * y, axis=-1) / w.sum(-1)
    se2 = np.sum(w * (y - mean[..., None]) ** 2, axis=-1) / ((k - 1)[..., None] * w.sum(-1))
    chi, chance = _chi_nodes(k - 1)
    sd = np.sqrt(tau[..., None] ** 2 + se2[..., None] * ((k - 1)[..., None] / chi**2)[..., None, :])
    sd = np.maximum(sd, 1e-12 * typical[..., None, None])  # identical studies: all mass on their effect
    every = (*k.shape, -1)
    mixture = NormalMixture(
        np.broadcast_to(mean[..., None], sd.shape).reshape(every),
        sd.reshape(every),
        (weights[..., None] * chance[..., None, :]).reshape(every),
    )
    tail = probability(level) / 2
    return mixture.quantile(np.array([tail, 1 - tail]))


def _chi_nodes(df: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Nodes and probabilities of the chi distribution, (..., 40)."""
    t, w = np.polynomial.legendre.leggauss(40)
    d = np.asarray(df, dtype=np.float64)[..., None]
    low, high = np.maximum(np.sqrt(d) - 6.5, 0), np.sqrt(d) + 6.5
    x = low + (high - low) * (t + 1) / 2
    p = w * np.exp((d - 1) * np.log(x) - x**2 / 2 - special.gammaln(d / 2))
    return x, p / p.sum(-1, keepdims=True)
