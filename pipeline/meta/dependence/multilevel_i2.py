"""How much of the variance of dependent effects is heterogeneity, and at which level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.dependence.multilevel import ThreeLevel
from pipeline.meta.dependence.multivariate import Multivariate
from pipeline.meta.guards import instance


@dataclass(frozen=True, slots=True)
class MultilevelI2:
    """Shares of the total variance in percent.

    Attributes
    ----------
    total : of all random effects, (...)
    levels : of each variance component, (..., s)
    sampling : of sampling error, (...)
    typical_variance : the sampling variance against which they are set, (...)
    """

    total: FloatArray
    levels: FloatArray
    sampling: FloatArray
    typical_variance: FloatArray


def typical_sampling_variance(fit: ThreeLevel | Multivariate) -> FloatArray:
    """(k - p) / tr P with P the residual maker by the sampling covariance alone.

    It is Higgins & Thompson's (2002, Stat Med 21:1539, eq. 9) typical variance where V is diagonal and the design an
    intercept.
    """
    instance("fit", fit, ThreeLevel, Multivariate)
    v, x = fit.v, fit.x
    if isinstance(fit, ThreeLevel):
        on = fit.present[..., :, None] & fit.present[..., None, :]
        v, x = np.where(on, v, np.eye(v.shape[-1])), np.where(fit.present[..., None], x, 0.0)
    w = np.linalg.inv(v)
    wx = w @ x
    c = np.linalg.inv(np.swapaxes(x, -1, -2) @ wx)
    trace = np.trace(w, axis1=-2, axis2=-1) - np.trace(c @ np.swapaxes(wx, -1, -2) @ wx, axis1=-2, axis2=-1)
    absent = fit.y.shape[-1] - fit.k
    return np.asarray((fit.k - x.shape[-1]) / (trace - absent))[()]


def multilevel_i2(fit: ThreeLevel | Multivariate) -> MultilevelI2:
    """I2 in total and of each level: 100 sigma2 / (sum of sigma2 + typical sampling variance).

    Cheung 2014, Psychol Methods 19:211; Nakagawa & Santos 2012, Evol Ecol 26:1253.

    Parameters
    ----------
    fit : a three-level model, or one whose random terms are all `Intercepts`

    Raises
    ------
    InvalidInput
        The model has a correlated term: its variances add up to no total.

    Examples
    --------
    >>> from pipeline.meta.dependence.multilevel import three_level
    >>> i2 = multilevel_i2(three_level([0.1, 0.4, 0.3, 0.9, 0.8, 0.2], [0.02] * 6, ["a", "a", "b", "b", "c", "c"]))
    >>> round(float(i2.total), 2)
    81.31
    """
    instance("fit", fit, ThreeLevel, Multivariate)
    if isinstance(fit, Multivariate) and (fit.tau2 or not fit.sigma2.shape[-1]):
        raise InvalidInput("I2 by level needs a model whose random terms are all intercepts of groups")
    typical = typical_sampling_variance(fit)
    everything = fit.sigma2.sum(-1) + typical
    levels = 100 * fit.sigma2 / np.asarray(everything)[..., None]
    return MultilevelI2(levels.sum(-1), levels, 100 * typical / everything, typical)
