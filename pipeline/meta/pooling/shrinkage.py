"""The true effect of each study as the model sees it: its own estimate drawn towards the mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
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
    yi, vi : the effects and variances the model was fitted to, (..., k)
    model : from `meta_regression`

    Examples
    --------
    >>> from pipeline.meta.pooling.meta_regression import meta_regression
    >>> y, v = [0.1, 0.9, 0.4, 1.2], [0.04, 0.05, 0.03, 0.06]
    >>> shrunken_effects(y, v, meta_regression(y, v)).estimate.round(2).tolist()
    [0.19, 0.84, 0.43, 1.06]
    """
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    share = v / (v + np.asarray(model.tau2)[..., None])
    estimate = share * model.fitted + (1 - share) * y
    se = np.sqrt((share * model.fitted_se) ** 2 + share * np.asarray(model.tau2)[..., None])
    half = quantile(level, model.df)[..., None] * se
    return Shrunken(estimate, se, estimate - half, estimate + half, share)
