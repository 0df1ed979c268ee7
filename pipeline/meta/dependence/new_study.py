"""What a model of dependent effects says about a new study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.dependence.mixed_fit import MixedFit
from pipeline.meta.dependence.multilevel import ThreeLevel
from pipeline.meta.dependence.multivariate import Multivariate
from pipeline.meta.guards import instance
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class NewStudy:
    """Mean and prediction for r rows of a design, (..., r).

    Attributes
    ----------
    estimate, se : of the mean
    ci_lb, ci_ub : confidence interval of the mean
    pi_lb, pi_ub : prediction interval of a true effect in a new study
    heterogeneity : variance of that effect around the mean
    """

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    heterogeneity: FloatArray


def predict_new_study(
    fit: ThreeLevel | Multivariate,
    design: ArrayLike | None = None,
    *,
    levels: Mapping[int, ArrayLike] | None = None,
    level: float = 95,
) -> NewStudy:
    """Mean b'x with its interval, and b'x +/- crit sqrt(se^2 + sum of the variances of all random effects).

    Higgins, Thompson & Spiegelhalter 2009, JRSS A 172:137, with every level's variance. The quantile is that of the
    model's test; with "contain" the fewest degrees of freedom of the coefficients that take part.

    Parameters
    ----------
    design : rows for which to predict, (r, p); None for a model with an intercept only
    levels : for the number of each term with a variance for each level: its level (one for all rows, or (r,))
    level : percent

    Raises
    ------
    InvalidInput
        No fitted model, rows of another width, a term whose variances differ without a level, or an unknown level.

    Examples
    --------
    >>> from pipeline.meta.dependence.multilevel import three_level
    >>> fit = three_level([0.1, 0.4, 0.3, 0.9, 0.8, 0.2], [0.02] * 6, ["a", "a", "b", "b", "c", "c"], test="z")
    >>> new = predict_new_study(fit)
    >>> round(float(new.pi_lb[0]), 4), round(float(new.pi_ub[0]), 4)
    (-0.1846, 1.0846)
    """
    instance("fit", fit, ThreeLevel, Multivariate)
    p = fit.beta.shape[-1]
    if design is None and p > 1:
        raise InvalidInput("a model with moderators predicts for given rows of its design")
    x = np.ones((1, 1)) if design is None else np.atleast_2d(numbers("design", design))
    if x.ndim != 2 or x.shape[-1] != p:
        raise InvalidInput(f"the design must have shape (r, {p}): found {x.shape}")
    variance = fit.sigma2.sum(-1)[..., None] + np.zeros(len(x))
    if isinstance(fit, Multivariate):
        variance = variance + _of_levels(fit, levels or {}, len(x))
    estimate = np.einsum("rp,...p->...r", x, fit.beta)
    se = np.sqrt(np.einsum("rp,...pq,rq->...r", x, fit.vb, x))
    crit = quantile(level, _fewest(fit, x))
    spread = crit * np.sqrt(se**2 + variance)
    return NewStudy(
        estimate, se, estimate - crit * se, estimate + crit * se, estimate - spread, estimate + spread, variance
    )


def _of_levels(fit: Multivariate, levels: Mapping[int, ArrayLike], rows: int) -> FloatArray:
    """Variance of the terms that are not intercepts, at the wanted levels, (..., r)."""
    total = np.zeros((*fit.sigma2.shape[:-1], rows))
    tau2 = iter(fit.tau2)
    for n, (labels, one) in enumerate(zip(fit.levels, fit.intercepts, strict=True)):
        if one:
            continue
        own = next(tau2)
        if own.shape[-1] == 1:
            total = total + own
            continue
        wanted = np.broadcast_to(np.asarray(levels[n]), (rows,)).tolist() if n in levels else []
        if not wanted or any(w not in labels for w in wanted):
            raise InvalidInput(f"term {n} has a variance for each level: give one of {', '.join(map(str, labels))}")
        total = total + own[..., [labels.index(w) for w in wanted]]
    return total


def _fewest(fit: MixedFit, x: FloatArray) -> FloatArray:
    every = np.broadcast_to(fit.df[..., None, :], (*fit.df.shape[:-1], *x.shape))
    lowest = np.where(x != 0, every, np.inf).min(-1)
    return np.where(np.isfinite(lowest), lowest, np.nan)
