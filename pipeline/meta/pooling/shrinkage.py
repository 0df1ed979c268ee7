"""The true effect of each study as the model sees it: its own estimate drawn towards the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.guards import fitting, instance
from pipeline.meta.pooling.meta_regression import Regression
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class Shrunken:
    """Empirical Bayes estimates, each field (..., k).

    Attributes
    ----------
    estimate, se : best linear unbiased prediction of the study's true effect, and its standard error
    lb, ub : its interval, with the reference distribution of the model's coefficients
    shrinkage : share taken from the fitted value instead of the study's own estimate, v / (v + tau2)
    """

    estimate: FloatArray
    se: FloatArray
    lb: FloatArray
    ub: FloatArray
    shrinkage: FloatArray


def shrunken_effects(yi: ArrayLike, vi: ArrayLike, model: Regression, *, level: float = 95) -> Shrunken:
    """Empirical Bayes estimates under a fitted model. Raudenbush & Bryk 1985, J Educ Stat 10:75; Morris 1983.

    Parameters
    ----------
    yi, vi : the effects and variances the model was fitted to, (..., k). Those of a study that takes no part in the
        model are not looked at; if they are NaN, so is its result
    model : from `meta_regression`

    Raises
    ------
    InvalidInput
        NaN, a variance <= 0, another shape than the model's studies, or no model.

    Examples
    --------
    >>> from pipeline.meta.pooling.meta_regression import meta_regression
    >>> y, v = [0.1, 0.9, 0.4, 1.2], [0.04, 0.05, 0.03, 0.06]
    >>> shrunken_effects(y, v, meta_regression(y, v)).estimate.round(2).tolist()
    [0.19, 0.84, 0.43, 1.06]
    """
    instance("model", model, Regression)
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    y, v, fitted = fitting({"yi": y, "vi": v, "the model's studies": model.fitted})
    if fitted.shape != model.fitted.shape:
        raise InvalidInput(f"the model has studies {model.fitted.shape}: found yi {np.shape(yi)}, vi {np.shape(vi)}")
    absent = model.weights == 0
    numbers("yi", np.where(absent, 0.0, y))
    numbers("vi", np.where(absent, 1.0, v), gt=0)
    share = v / (v + np.asarray(model.tau2)[..., None])
    estimate = share * model.fitted + (1 - share) * y
    se = np.sqrt((share * model.fitted_se) ** 2 + share * np.asarray(model.tau2)[..., None])
    half = quantile(level, model.df)[..., None] * se
    return Shrunken(estimate, se, estimate - half, estimate + half, share)
