"""Numbers behind a funnel plot: the pseudo interval around an estimate and contours of significance.

Contour-enhanced funnel plots: Peters, Sutton, Jones, Abrams & Rushton 2008, J Clin Epidemiol 61:991.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, numbers, probability
from pipeline.meta.guards import fitting
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.studies import studies
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class Funnel:
    """Lines and regions of a funnel plot; m points on the axis of standard errors.

    Attributes
    ----------
    estimate : pooled effect at the centre, (...)
    sei : grid of standard errors from 0 to the largest of the studies, (..., m)
    lb, ub : pseudo interval at each of them, (..., m)
    region : region of significance of each study, (..., k), see `contour_region`; 0 where a study takes no part
    """

    estimate: FloatArray
    sei: FloatArray
    lb: FloatArray
    ub: FloatArray
    region: IntArray


def funnel(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "REML",
    points: int = 5,
    level: float = 95,
    levels: tuple[float, ...] = (90, 95, 99),
    null: float = 0.0,
    add_tau2: bool = False,
    mask: ArrayLike | None = None,
) -> Funnel:
    """Funnel of effects against standard errors.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    estimator : of the between-study variance behind the centre; "EE" for the common effect
    points : length m of the grid, at least 2
    level : of the pseudo interval, percent
    levels, null : of the contours, as in `contour_region`
    add_tau2 : widen the pseudo interval by the between-study variance
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        As `random_effects`; fewer than 2 points.

    Examples
    --------
    >>> f = funnel([0.5, 0.1, 0.3], [0.04, 0.01, 0.02], estimator="EE", points=3)
    >>> f.lb.round(4).tolist(), f.region.tolist()
    ([0.2143, 0.0183, -0.1777], [2, 4, 2])
    """
    if not isinstance(points, (int, np.integer)) or points < 2:
        raise InvalidInput(f"points must be a whole number, at least 2 (found {points!r})")
    s = studies(yi, vi, mask=mask)
    on = s.present > 0
    pooled = random_effects(s.y, s.v, estimator=estimator, interval="wald", mask=on)
    largest = np.sqrt(np.where(on, s.v, 0).max(-1, keepdims=True))
    sei = largest * np.linspace(0, 1, points)
    centre = np.asarray(pooled.estimate)[..., None]
    tau2 = np.asarray(pooled.tau2)[..., None] if add_tau2 else 0.0
    lb, ub = pseudo_interval(centre, sei, tau2, level=level)
    return Funnel(pooled.estimate, sei, lb, ub, np.where(on, contour_region(s.y, s.v, levels, null=null), 0))


def pseudo_interval(
    estimate: ArrayLike, sei: ArrayLike, tau2: ArrayLike = 0.0, *, level: float = 95
) -> tuple[FloatArray, FloatArray]:
    """Where `level` percent of studies with standard error `sei` fall: estimate -/+ z sqrt(sei^2 + tau2)."""
    given = {"estimate": numbers("estimate", estimate)}
    centre, se, between = fitting(given | {"sei": numbers("sei", sei, ge=0), "tau2": numbers("tau2", tau2, ge=0)})
    half = quantile(level, np.nan) * np.sqrt(se**2 + between)
    return centre - half, centre + half


def significance_contours(
    sei: ArrayLike, levels: tuple[float, ...] = (90, 95, 99), *, null: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest effect that is not significant at each level, (levels, ...): null -/+ z sei."""
    z = np.array([float(quantile(level, np.nan)) for level in levels])
    se = numbers("sei", sei, ge=0)
    half = z.reshape(-1, *[1] * se.ndim) * se
    numbers("null", null)
    return null - half, null + half


def contour_region(
    yi: ArrayLike, vi: ArrayLike, levels: tuple[float, ...] = (90, 95, 99), *, null: float = 0.0
) -> IntArray:
    """Region of each effect: 1 inside p < .01, then p < .05, p < .10, last not significant (with the usual levels)."""
    y, v = fitting({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    p = two_sided_p((y - numbers("null", null)) / np.sqrt(v), np.nan)
    alphas = np.array([probability(level) for level in levels])
    return np.asarray(1 + np.sum(p[..., None] >= alphas, -1), dtype=np.int64)
