"""What a meta-regression expects at given values of the moderators: mean effects and effects in new studies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.guards import instance, spread
from pipeline.meta.moderators.location_scale import LocationScale
from pipeline.meta.pooling.meta_regression import Regression
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class Predicted:
    """Predictions at m rows of moderators, shape (..., m).

    Attributes
    ----------
    estimate : mean effect, transformed if so asked
    se : its standard error before any transformation
    ci_lb, ci_ub : confidence interval of the mean effect
    pi_lb, pi_ub : prediction interval of the effect in a new study; NaN in a common-effect model
    """

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray


def predict(
    fit: Regression | LocationScale,
    rows: ArrayLike | None = None,
    *,
    level: float = 95,
    method: str | None = None,
    tau2: ArrayLike | None = None,
    transform: Callable[[FloatArray], FloatArray] | None = None,
) -> Predicted:
    """Mean effect at each row, with a confidence interval and a prediction interval.

    Both intervals use the reference distribution of the fit (normal, or t on k - p). Riley, Higgins & Deeks 2011, BMJ
    342:d549, for the prediction interval.

    Parameters
    ----------
    fit : of `meta_regression` or `location_scale`
    rows : (m, p), the intercept's 1 included, as `design.new_rows` makes them; None for one row of an intercept-only
        model
    level : of the intervals, percent
    method : key of PREDICTION for the prediction interval, with p - 1 degrees of freedom fewer than it takes for a
        mean; None for the reference distribution of the fit
    tau2 : between-study variance of new studies, one number or (m,). A location-scale model needs it (its own at the
        new values of the scale moderators)
    transform : monotone function of estimates and limits, as np.exp; limits that it turns round are swapped

    Raises
    ------
    InvalidInput
        No fitted model, rows of another width than the model, a tau2 for another number of rows, a location-scale model
        without tau2.

    Examples
    --------
    >>> from pipeline.meta.pooling.meta_regression import meta_regression
    >>> m = meta_regression([0.1, 0.3, 0.2, 0.6], [0.02] * 4, [[1, 1], [1, 2], [1, 3], [1, 4]], interval="wald")
    >>> p = predict(m, [[1, 5]])
    >>> round(float(p.estimate[0]), 4), round(float(p.pi_ub[0]), 4)
    (0.65, 1.0033)
    """
    instance("fit", fit, Regression, LocationScale)
    x = _rows(fit, rows)
    estimate = np.einsum("mp,...p->...m", x, fit.beta)
    between = spread("tau2", _between(fit, tau2), estimate.shape)
    se = np.sqrt(np.einsum("mp,...pq,mq->...m", x, fit.vb, x))
    df = np.asarray(fit.df, dtype=np.float64)[..., None]
    half = quantile(level, df) * se
    if method is None:
        wide = quantile(level, df) * np.sqrt(between + se**2)
        lower, upper = estimate - wide, estimate + wide
    else:
        carried = np.asarray(fit.k)[..., None] - (x.shape[-1] - 1)
        known = np.where(np.isnan(between), 0.0, between)  # NaN: a common effect has no prediction interval
        pi = prediction_interval(estimate, se, known, carried, method=method, level=level)
        lower, upper = (np.where(np.isnan(between), np.nan, limit) for limit in (pi.pi_lb, pi.pi_ub))
    pair = [estimate - half, estimate + half, lower, upper]
    if transform is not None:
        estimate, *pair = (np.asarray(transform(z), dtype=np.float64) for z in (estimate, *pair))
    ci, new = pair[:2], pair[2:]
    return Predicted(estimate, se, np.minimum(*ci), np.maximum(*ci), np.minimum(*new), np.maximum(*new))


def _rows(fit: Regression | LocationScale, rows: ArrayLike | None) -> FloatArray:
    p = fit.beta.shape[-1]
    if rows is None:
        if p != 1:
            raise InvalidInput(f"rows are needed: the model has {p} coefficients")
        return np.ones((1, 1))
    x = np.atleast_2d(numbers("rows", rows))
    if x.ndim != 2 or x.shape[-1] != p:
        raise InvalidInput(f"rows must have one value per coefficient: {p}, rows {x.shape}")
    return x


def _between(fit: Regression | LocationScale, tau2: ArrayLike | None) -> FloatArray:
    if tau2 is not None:
        return numbers("tau2", tau2, ge=0)
    if isinstance(fit, LocationScale):
        raise InvalidInput("tau2 is needed: a location-scale model has one for every value of the scale moderators")
    common = fit.method.startswith("EE;")
    return np.asarray(np.nan if common else fit.tau2, dtype=np.float64)[..., None]
