"""Nested and rival meta-regressions: likelihood-ratio tests and information criteria."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, numbers
from pipeline.meta.guards import fitting, instance
from pipeline.meta.pooling.likelihood import FitStatistics, criteria
from pipeline.meta.pooling.meta_regression import Regression, meta_regression, proportion_explained
from pipeline.meta.pooling.studies import Studies, studies


@dataclass(frozen=True, slots=True)
class Nested:
    """Two nested models, fitted by maximum likelihood. Shape (...).

    Attributes
    ----------
    LRT, df, p : likelihood ratio -2 (ll reduced - ll full), the coefficients left out, upper tail of chi-square
    full, reduced : log-likelihood, AIC, BIC and AICc of each model
    tau2_full, tau2_reduced : between-study variances
    R2 : percent of tau2 that the extra moderators take away; NaN where there was none
    converged : did both fits converge
    """

    LRT: FloatArray
    df: int
    p: FloatArray
    full: FitStatistics
    reduced: FitStatistics
    tau2_full: FloatArray
    tau2_reduced: FloatArray
    R2: FloatArray
    converged: BoolArray


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rival models on the same studies, one on each place of the last axis, (..., models).

    Attributes
    ----------
    names : of the models
    parameters : coefficients and tau2, (models,)
    fit : log-likelihood, AIC, BIC, AICc
    tau2 : between-study variance
    weight : Akaike weight, from AICc
    """

    names: tuple[str, ...]
    parameters: IntArray
    fit: FitStatistics
    tau2: FloatArray
    weight: FloatArray


def information_criteria(log_lik: ArrayLike, parameters: int, n: ArrayLike) -> FitStatistics:
    """AIC, BIC and AICc of a log-likelihood; n is k, or k - p for a restricted likelihood.

    AICc as Hurvich & Tsai 1989, Biometrika 76:297, with n at least parameters + 2.

    Parameters
    ----------
    log_lik : (...)
    parameters : how many were estimated, >= 0
    n : > 0, broadcast with log_lik

    Raises
    ------
    InvalidInput
        NaN or infinity, n <= 0, a negative number of parameters, shapes that do not fit.

    Examples
    --------
    >>> float(information_criteria(-10.0, 2, 20).AIC)
    24.0
    """
    numbers("parameters", parameters, ge=0)
    ll, size = fitting({"log_lik": numbers("log_lik", log_lik), "n": numbers("n", n, gt=0)})
    return criteria(ll, size, parameters)


def compare_nested(
    yi: ArrayLike,
    vi: ArrayLike,
    full: ArrayLike,
    reduced: ArrayLike | None = None,
    *,
    estimator: str = "ML",
    mask: ArrayLike | None = None,
) -> Nested:
    """Likelihood-ratio test of moderators. Chi-square with as many degrees of freedom as columns are left out.

    Parameters
    ----------
    yi, vi : (..., k)
    full, reduced : designs (k, p) or (..., k, p), the intercept included; None for an intercept only
    estimator : "ML", or "EE" for common-effect models. Restricted likelihoods of different designs do not compare

    Raises
    ------
    InvalidInput
        Another estimator; a reduced design outside the span of the full one, or as large.

    Examples
    --------
    >>> x = [[1, 1], [1, 2], [1, 3], [1, 4], [1, 5]]
    >>> n = compare_nested([0.1, 0.25, 0.3, 0.5, 0.45], [0.02] * 5, x)
    >>> n.df, round(float(n.LRT), 4)
    (1, 4.5103)
    """
    if estimator not in ("ML", "EE"):
        raise InvalidInput(f"nested models are compared by ML or EE, not by {estimator!r}")
    s = studies(yi, vi, full, mask)
    small = studies(yi, vi, reduced, mask)
    _refuse_not_nested(s, small)
    big, less = (meta_regression(yi, vi, x, estimator=estimator, interval="wald", mask=mask) for x in (full, reduced))
    df = s.p - small.p
    ratio = np.maximum(-2 * (less.ml.log_lik - big.ml.log_lik), 0.0)
    return Nested(
        LRT=ratio[()],
        df=df,
        p=special.chdtrc(df, ratio)[()],
        full=big.ml,
        reduced=less.ml,
        tau2_full=big.tau2,
        tau2_reduced=less.tau2,
        R2=proportion_explained(big.tau2, less.tau2),
        converged=big.converged & less.converged,
    )


def rank_models(
    yi: ArrayLike, vi: ArrayLike, designs: Mapping[str, ArrayLike | None], *, mask: ArrayLike | None = None
) -> Ranking:
    """Fit every design by maximum likelihood and weigh them by AICc. Burnham & Anderson 2002, ch. 2.

    Examples
    --------
    >>> x = [[1, 1], [1, 2], [1, 3], [1, 4], [1, 5], [1, 6]]
    >>> r = rank_models([0.1, 0.25, 0.3, 0.5, 0.45, 0.7], [0.01] * 6, {"none": None, "dose": x})
    >>> r.names[int(r.fit.AIC.argmin())]
    'dose'
    """
    instance("designs", designs, Mapping)
    if not designs:
        raise InvalidInput("no model to rank")
    fits: list[Regression] = [
        meta_regression(yi, vi, x, estimator="ML", interval="wald", mask=mask) for x in designs.values()
    ]
    columns = {
        name: np.stack([getattr(m.ml, name) for m in fits], axis=-1) for name in ("log_lik", "AIC", "BIC", "AICc")
    }
    gap = columns["AICc"] - columns["AICc"].min(-1, keepdims=True)
    share = np.exp(-gap / 2)
    parameters = np.array([m.beta.shape[-1] + 1 for m in fits], dtype=np.int64)
    tau2 = np.stack([m.tau2 for m in fits], axis=-1)
    return Ranking(tuple(designs), parameters, FitStatistics(**columns), tau2, share / share.sum(-1, keepdims=True))


def _refuse_not_nested(full: Studies, reduced: Studies) -> None:
    if reduced.p >= full.p:
        raise InvalidInput(f"the reduced model has {reduced.p} coefficients, the full one {full.p}: not fewer")
    f = full.weighted(np.ones(full.v.shape))
    for j in range(reduced.p):
        column = reduced.x[..., j] * full.present
        left = np.sum(f.residuals(column) ** 2, -1)
        if np.any(left > 1e-18 * np.sum(column**2, -1)):
            raise InvalidInput(f"column {j} of the reduced design is not in the full one: the models are not nested")
