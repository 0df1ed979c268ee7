"""Fail-safe N: how many studies averaging no effect would overturn a result? (file drawer analysis)

It does not estimate how many studies are missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, probability
from pipeline.meta.pooling.random_effects import common_effect
from pipeline.meta.pooling.studies import studies
from pipeline.meta.reference import two_sided_p


@dataclass(frozen=True, slots=True)
class FailSafeN:
    """Fail-safe N; shapes (...).

    Attributes
    ----------
    n : number of studies, whole; 0 where the result is already as asked; infinity where no number is enough
    p : p of the observed studies (one-sided for Rosenthal); NaN for Orwin
    estimate : mean of the observed studies; NaN for Rosenthal
    target : mean that the studies should be reduced to; NaN where significance is asked for
    """

    n: FloatArray
    p: FloatArray
    estimate: FloatArray
    target: FloatArray


def rosenthal(yi: ArrayLike, vi: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None) -> FailSafeN:
    """Studies with z = 0 until Stouffer's one-sided combined test is not significant. Rosenthal 1979, Psychol Bull 86.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    level : 95 is alpha = .05, one-sided
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`.

    Examples
    --------
    >>> int(rosenthal([0.5, 0.6, 0.7], [0.05, 0.06, 0.09]).n)
    15
    """
    s = studies(yi, vi, mask=mask)
    total = np.abs(np.sum(s.present * s.y / np.sqrt(s.v), -1))
    p = special.ndtr(-total / np.sqrt(s.k))
    n = _whole((total / special.ndtri(probability(level))) ** 2 - s.k, 1e-9 * s.k)
    nothing = np.full(s.k.shape, np.nan)
    return FailSafeN(n[()], p[()], nothing[()], nothing[()])


def orwin(
    yi: ArrayLike,
    vi: ArrayLike | None = None,
    *,
    target: ArrayLike | None = None,
    mask: ArrayLike | None = None,
) -> FailSafeN:
    """Studies with effect 0 until the mean falls to a target. Orwin 1983, J Educ Stat 8:157.

    Parameters
    ----------
    yi : effects, (..., k)
    vi : sampling variances for inverse-variance weights; None for the plain mean
    target : mean that would not matter in practice, (...); its sign is that of the observed mean. None takes half of the
        observed mean, which says nothing: the answer is then k
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`; a target of 0, which no number of studies reaches.

    Examples
    --------
    >>> int(orwin([0.5, 0.6, 0.7], [0.05, 0.06, 0.09], target=0.2).n)
    6
    """
    s = studies(yi, np.ones(np.shape(yi)) if vi is None else vi, mask=mask)
    mean = s.fit().coefficients(s.y)[..., 0]
    goal = mean / 2 if target is None else np.copysign(np.broadcast_to(np.asarray(target, float), mean.shape), mean)
    if not np.isfinite(goal).all() or ((goal == 0).any() and target is not None):
        raise InvalidInput("target must be finite and not 0: no number of studies without effect makes a mean of 0")
    with np.errstate(invalid="ignore"):  # a mean of exactly 0 needs none
        n = np.where(mean == 0, 0.0, s.k * (mean - goal) / goal)
    return FailSafeN(_whole(n, 1e-9 * s.k)[()], np.full(mean.shape, np.nan)[()], mean[()], goal[()])


def rosenberg(yi: ArrayLike, vi: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None) -> FailSafeN:
    """Studies with effect 0 and average weight until the common effect is not significant. Rosenberg 2005, Evolution.

    The reference distribution is the standard normal, not the t of the paper.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    level : 95 is alpha = .05, two-sided
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `studies`.

    Examples
    --------
    >>> int(rosenberg([0.5, 0.6, 0.7], [0.05, 0.06, 0.09]).n)
    12
    """
    s = studies(yi, vi, mask=mask)
    pooled = common_effect(s.y, s.v, mask=s.present > 0)
    z = np.asarray(pooled.statistic) / special.ndtri(probability(level) / 2)
    n = _whole(s.k * (z**2 - 1), 1e-9 * s.k)
    return FailSafeN(n[()], two_sided_p(pooled.statistic, np.nan)[()], pooled.estimate, np.full(n.shape, np.nan)[()])


FAIL_SAFE: dict[str, Callable[..., FailSafeN]] = {"Rosenthal": rosenthal, "Orwin": orwin, "Rosenberg": rosenberg}


def _whole(n: FloatArray, rounding: FloatArray) -> FloatArray:
    """Next whole number from 0 on; an excess within `rounding` of a whole number is no study."""
    return np.asarray(np.maximum(0.0, np.ceil(n - rounding)))
