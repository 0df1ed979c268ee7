"""Radial (Galbraith) plot: standardised effects against precision. Galbraith 1988, Stat Med 7:889."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.studies import studies
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class Radial:
    """Points of a radial plot; a line through the origin has an effect as its slope.

    Attributes
    ----------
    x : precision 1 / sqrt(v + tau2), (..., k); 0 where a study takes no part
    z : standardised effect (y - centre) / sqrt(v + tau2), (..., k); 0 where a study takes no part
    slope : pooled effect, less the centre; slope of the line, (...)
    ci_lb, ci_ub : its Wald interval, less the centre
    half_width : half of the vertical band around the line that holds `level` percent of the points
    """

    x: FloatArray
    z: FloatArray
    slope: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    half_width: float


def radial(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "REML",
    center: bool = False,
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Radial:
    """Points and line of a radial plot.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    estimator : of the between-study variance; "EE" for the common effect, as Galbraith has it
    center : take the pooled effect as the origin, so that the line is horizontal
    level : of band and interval, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `random_effects`.

    Examples
    --------
    >>> r = radial([0.5, 0.1, 0.3], [0.04, 0.01, 0.02], estimator="EE")
    >>> r.x.round(3).tolist(), r.z.round(3).tolist()
    ([5.0, 10.0, 7.071], [2.5, 1.0, 2.121])
    """
    s = studies(yi, vi, mask=mask)
    m = random_effects(s.y, s.v, estimator=estimator, interval="wald", level=level, mask=s.present > 0)
    centre = np.asarray(m.estimate) if center else np.zeros(s.k.shape)
    x = s.present / np.sqrt(s.v + np.asarray(m.tau2)[..., None])
    slope, lb, ub = (np.asarray(a - centre)[()] for a in (m.estimate, m.ci_lb, m.ci_ub))
    return Radial(x, (s.y - centre[..., None]) * x, slope, lb, ub, float(quantile(level, np.nan)))
