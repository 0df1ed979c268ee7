"""Pooled proportions of single groups on the logit or Freeman-Tukey scale. A new scale: a row of PROPORTION_SCALES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers, switches, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import Pooled, random_effects


@dataclass(frozen=True, slots=True)
class ProportionScale:
    """A scale on which proportions are pooled.

    Attributes
    ----------
    label : in words
    to : events and people of each study to effects and variances
    back : a value of the scale and a group size to a proportion
    """

    label: str
    to: Callable[[FloatArray, FloatArray], EffectSize]
    back: Callable[[FloatArray, FloatArray], FloatArray]


def logit_proportion(xi: FloatArray, ni: FloatArray) -> EffectSize:
    """Log odds of the event; 1/2 is added to both cells of a study in which nobody or everybody had it."""
    zero = 0.5 * ((xi == 0) | (xi == ni))
    x, rest = xi + zero, ni - xi + zero
    return EffectSize(np.log(x / rest), 1 / x + 1 / rest)


def freeman_tukey(xi: FloatArray, ni: FloatArray) -> EffectSize:
    """Double arcsine, half the sum of two; variance 1 / (4n + 2). Freeman & Tukey 1950, Ann Math Stat 21:607."""
    y = (np.arcsin(np.sqrt(xi / (ni + 1))) + np.arcsin(np.sqrt((xi + 1) / (ni + 1)))) / 2
    return EffectSize(y, 1 / (4 * ni + 2))


def inverse_freeman_tukey(y: FloatArray, n: FloatArray) -> FloatArray:
    """Proportion of a double arcsine at group size n. Miller 1978, Am Stat 32:138.

    0 or 1 beyond the values that 0 or n events of n people have.
    """
    lowest, highest = freeman_tukey(np.zeros_like(n), n).yi, freeman_tukey(n, n).yi
    inside = np.clip(y, lowest, highest)
    sine = np.sin(2 * inside)
    root = np.sqrt(np.maximum(0.0, 1 - (sine + (sine - 1 / sine) / n) ** 2))
    p = (1 - np.sign(np.cos(2 * inside)) * root) / 2
    return np.where(y <= lowest, 0.0, np.where(y >= highest, 1.0, p))


def _logit_back(y: FloatArray, n: FloatArray) -> FloatArray:
    return np.asarray(special.expit(y), dtype=np.float64)


PROPORTION_SCALES: dict[str, ProportionScale] = {
    "PLO": ProportionScale("logit", logit_proportion, _logit_back),
    "PFT": ProportionScale("Freeman-Tukey double arcsine", freeman_tukey, inverse_freeman_tukey),
}


@dataclass(frozen=True, slots=True)
class PooledProportion:
    """A pooled proportion, each field of the batch's shape (...).

    Attributes
    ----------
    estimate, ci_lb, ci_ub : pooled proportion with its interval
    pi_lb, pi_ub : prediction interval for the proportion of a new study; NaN with a single study
    n : group size used on the way back, the harmonic mean (matters on the Freeman-Tukey scale only)
    pooled : the random-effects model on the scale
    """

    estimate: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    n: FloatArray
    pooled: Pooled


def pool_proportions(
    xi: ArrayLike,
    ni: ArrayLike,
    *,
    scale: str = "PLO",
    estimator: str = "REML",
    interval: str = "wald",
    prediction: str = "normal",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> PooledProportion:
    """Random-effects proportion of `xi` events of `ni` people, studies on the last axis.

    The Freeman-Tukey scale needs one group size on the way back and can mislead where sizes differ widely (Schwarzer
    et al. 2019, Res Synth Methods 10:476); `glmm.glmm_proportion` needs no scale's variance.

    Parameters
    ----------
    xi, ni : events and people, (..., k)
    scale : key of PROPORTION_SCALES
    estimator, interval, level, mask : as `random_effects`
    prediction : key of PREDICTION

    Raises
    ------
    InvalidInput
        More events than people, no study, unequal lengths, an unknown key.

    Examples
    --------
    >>> m = pool_proportions([11, 24, 179, 82], [29, 33, 326, 240])
    >>> round(float(m.estimate), 3)
    0.494
    """
    choose("scale", scale, PROPORTION_SCALES)
    x, n = together({"xi": numbers("xi", xi, ge=0), "ni": numbers("ni", ni, gt=0)})
    if (x > n).any():
        raise InvalidInput(f"xi[{', '.join(map(str, np.argwhere(x > n)[0]))}] has more events than people")
    method = PROPORTION_SCALES[scale]
    es = method.to(x, n)
    m = random_effects(es.yi, es.vi, estimator=estimator, interval=interval, level=level, mask=mask)
    on = np.broadcast_to(np.ones(1, dtype=bool) if mask is None else switches("mask", mask), x.shape)
    size = np.asarray(on.sum(-1) / np.where(on, 1 / n, 0.0).sum(-1))
    pi = prediction_interval(m.estimate, m.se, m.tau2, m.k, method=prediction, level=level)
    values = (m.estimate, m.ci_lb, m.ci_ub, pi.pi_lb, pi.pi_ub)
    estimate, lb, ub, pi_lb, pi_ub = (method.back(np.asarray(v), size)[()] for v in values)
    return PooledProportion(estimate, lb, ub, pi_lb, pi_ub, size[()], m)
