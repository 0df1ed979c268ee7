"""Events in person-time of two groups: `x1i, x2i` events in `t1i, t2i` units of time, Poisson variances.

Over-dispersed counts (hospital days) make these variances too small: use a ratio of means.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize, finite
from pipeline.meta.effect_sizes.two_by_two import correct_zero_rates


def _person_time(
    x1i: ArrayLike, t1i: ArrayLike, x2i: ArrayLike, t2i: ArrayLike, add: float, to: str, drop00: bool
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    x1, t1, x2, t2 = together(
        {
            "x1i": numbers("x1i", x1i, ge=0),
            "t1i": numbers("t1i", t1i, gt=0),
            "x2i": numbers("x2i", x2i, ge=0),
            "t2i": numbers("t2i", t2i, gt=0),
        }
    )
    x1, x2 = correct_zero_rates(x1, x2, add, to, drop00)
    return x1, t1, x2, t2


def incidence_rate_ratio(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
) -> EffectSize:
    """Log ratio of two incidence rates. Rothman, Greenland & Lash 2008, Modern Epidemiology.

    NaN where `drop00` drops the study or `to` leaves a zero.

    >>> incidence_rate_ratio(10, 100, 20, 110).yi.round(4).item()
    -0.5978
    """
    x1, t1, x2, t2 = _person_time(x1i, t1i, x2i, t2i, add, to, drop00)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.log(x1 / t1) - np.log(x2 / t2), 1 / x1 + 1 / x2)


def incidence_rate_difference(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    add: float = 0.5,
    to: str = "only0",
    drop00: bool = False,
) -> EffectSize:
    """Difference of two incidence rates, events per unit of time. NaN where `drop00` drops the study.

    >>> incidence_rate_difference(10, 100, 20, 110).yi.round(4).item()
    -0.0818
    """
    x1, t1, x2, t2 = _person_time(x1i, t1i, x2i, t2i, add, to, drop00)
    return finite(x1 / t1 - x2 / t2, x1 / t1**2 + x2 / t2**2)


def root_rate_difference(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    add: float = 0.0,
    to: str = "only0",
    drop00: bool = False,
) -> EffectSize:
    """Difference of the roots of two rates, of stable variance; needs no correction of zeros.

    >>> root_rate_difference(10, 100, 20, 110).yi.round(4).item()
    -0.1102
    """
    x1, t1, x2, t2 = _person_time(x1i, t1i, x2i, t2i, add, to, drop00)
    yi = np.sqrt(x1 / t1) - np.sqrt(x2 / t2)
    return finite(yi, np.where(np.isnan(yi), np.nan, 1 / (4 * t1) + 1 / (4 * t2)))
