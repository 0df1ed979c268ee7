"""Confidence intervals of coefficients and prediction intervals. To add one: a row of INTERVALS or PREDICTION."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, choose
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class IntervalMethod:
    """How the uncertainty of a coefficient is computed.

    Attributes
    ----------
    label : the method in words
    inflation : factor on the variance, from q = y'Py / (k - p)
    uses_t : reference t(k - p); else the standard normal
    """

    label: str
    inflation: Callable[[FloatArray], FloatArray]
    uses_t: bool


# hk: Hartung 1999, Biom J 41:901; Sidik & Jonkman 2002, Stat Med 21:3153; Knapp & Hartung 2003, Stat Med 22:2693.
# hk_floored: the factor never below 1, Knapp & Hartung 2003; Roever, Knapp & Friede 2015, BMC Med Res Methodol 15:99.
INTERVALS: dict[str, IntervalMethod] = {
    "hk_floored": IntervalMethod(
        "Hartung-Knapp, factor at least 1, t distribution", lambda q: np.maximum(q, 1.0), True
    ),
    "hk": IntervalMethod("Hartung-Knapp, t distribution", lambda q: q, True),
    "t": IntervalMethod("Wald, t distribution", lambda q: np.ones_like(q), True),
    "wald": IntervalMethod("Wald, normal", lambda q: np.ones_like(q), False),
}


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
    se : standard error of the estimate as its own interval uses it
    k : studies behind the estimate; below 2 there is no interval
    method : key of PREDICTION
    """
    choose("method", method, PREDICTION)
    mu, s, t2, n = (np.asarray(x, dtype=np.float64) for x in (estimate, se, tau2, k))
    df = PREDICTION[method](n)
    half = np.where(n >= 2, quantile(level, df), np.nan) * np.sqrt(t2 + s**2)
    return Prediction((mu - half)[()], (mu + half)[()], np.asarray(df)[()])
