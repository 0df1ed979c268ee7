"""The rate of events in one group: `xi` events in `ti` units of person-time, Poisson variance.

With the expected number of events as `ti` the rate is a standardised incidence ratio. `add` and `to` as in
`two_by_two.add_to_zeros`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize, finite
from pipeline.meta.effect_sizes.two_by_two import add_to_zeros


def incidence_rate(xi: ArrayLike, ti: ArrayLike, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Events per unit of time.

    >>> incidence_rate(12, 100).yi.item()
    0.12
    """
    x, t = _events(xi, ti, add, to)
    return EffectSize(x / t, x / t**2)


def log_incidence_rate(xi: ArrayLike, ti: ArrayLike, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Log of the rate. NaN where `to` leaves a zero.

    >>> log_incidence_rate(12, 100).yi.round(4).item()
    -2.1203
    """
    x, t = _events(xi, ti, add, to)
    with np.errstate(divide="ignore"):
        return finite(np.log(x / t), 1 / x)


def root_incidence_rate(xi: ArrayLike, ti: ArrayLike, *, add: float = 0.0, to: str = "only0") -> EffectSize:
    """Root of the rate, of stable variance 1 / 4t.

    >>> root_incidence_rate(12, 100).yi.round(4).item()
    0.3464
    """
    x, t = _events(xi, ti, add, to)
    return EffectSize(np.sqrt(x / t), 1 / (4 * t))


def freeman_tukey_rate(xi: ArrayLike, ti: ArrayLike, *, add: float = 0.0, to: str = "only0") -> EffectSize:
    """Half the sum of the roots of x/t and (x + 1)/t. Freeman & Tukey 1950, Ann Math Stat 21:607.

    >>> freeman_tukey_rate(12, 100).yi.round(4).item()
    0.3535
    """
    x, t = _events(xi, ti, add, to)
    return EffectSize((np.sqrt(x / t) + np.sqrt((x + 1) / t)) / 2, 1 / (4 * t))


def _events(xi: ArrayLike, ti: ArrayLike, add: float, to: str) -> list[FloatArray]:
    x, t = together({"xi": numbers("xi", xi, ge=0), "ti": numbers("ti", ti, gt=0)})
    return [add_to_zeros(x[None], add, to)[0], t]
