"""The proportion of one group that had an event: `xi` of `ni` people, raw or on a scale that is kinder to pooling.

`add` and `to` as in `two_by_two.add_to_zeros`, on the people with and without the event. NaN only where `to` leaves a
zero that the scale cannot take.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers, together
from pipeline.meta.conversions import proportions as scales
from pipeline.meta.effect_sizes.effect import EffectSize, finite, row_average
from pipeline.meta.effect_sizes.events import risk_variance
from pipeline.meta.effect_sizes.two_by_two import add_to_zeros

_VTYPES = {"LS": 0, "AV": 1}


def proportion(xi: ArrayLike, ni: ArrayLike, *, add: float = 0.5, to: str = "only0", vtype: str = "LS") -> EffectSize:
    """The proportion itself; `vtype` as in `events.risk_difference`.

    >>> proportion(12, 40).vi.round(5).item()
    0.00525
    """
    x, n = _people(xi, ni, add, to)
    return finite(x / n, risk_variance(x / n, n, vtype))


def log_proportion(
    xi: ArrayLike, ni: ArrayLike, *, add: float = 0.5, to: str = "only0", vtype: str = "LS"
) -> EffectSize:
    """Log of the proportion; `vtype` "LS", or "AV" at the proportion averaged over the batch row.

    >>> log_proportion(12, 40).yi.round(4).item()
    -1.204
    """
    x, n = _people(xi, ni, add, to)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.log(x / n), 1 / (n * _at(x, n, vtype)) - 1 / n)


def logit_proportion(
    xi: ArrayLike, ni: ArrayLike, *, add: float = 0.5, to: str = "only0", vtype: str = "LS"
) -> EffectSize:
    """Log odds of the event; `vtype` as in `log_proportion`.

    >>> logit_proportion(12, 40).yi.round(4).item()
    -0.8473
    """
    x, n = _people(xi, ni, add, to)
    p = _at(x, n, vtype)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.log(x / (n - x)), 1 / (n * p) + 1 / (n * (1 - p)))


def probit_proportion(xi: ArrayLike, ni: ArrayLike, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Normal quantile of the proportion, variance by the delta method.

    >>> probit_proportion(12, 40).yi.round(4).item()
    -0.5244
    """
    x, n = _people(xi, ni, add, to)
    z = special.ndtri(x / n)
    with np.errstate(invalid="ignore", over="ignore"):
        return finite(z, 2 * np.pi * np.exp(z**2) * x * (n - x) / n**3)


def arcsine_proportion(xi: ArrayLike, ni: ArrayLike, *, add: float = 0.0, to: str = "only0") -> EffectSize:
    """Arcsine of the root proportion, of stable variance 1 / 4n; needs no correction of zeros.

    >>> arcsine_proportion(12, 40).yi.round(4).item()
    0.5796
    """
    x, n = _people(xi, ni, add, to)
    return EffectSize(scales.arcsine(x / n), 1 / (4 * n))


def double_arcsine_proportion(xi: ArrayLike, ni: ArrayLike, *, add: float = 0.0, to: str = "only0") -> EffectSize:
    """Freeman-Tukey double arcsine (half the sum of the two arcsines). Freeman & Tukey 1950, Ann Math Stat 21:607.

    >>> double_arcsine_proportion(12, 40).yi.round(4).item()
    0.5849
    """
    x, n = _people(xi, ni, add, to)
    return EffectSize(scales.double_arcsine(x / n, n), 1 / (4 * n + 2))


def _people(xi: ArrayLike, ni: ArrayLike, add: float, to: str) -> list[FloatArray]:
    x, n = together({"xi": numbers("xi", xi, ge=0), "ni": numbers("ni", ni, gt=0)})
    if (x > n).any():
        raise InvalidInput(f"xi{list(map(int, np.argwhere(x > n)[0])) or ''} has more events than people")
    with_event, without = add_to_zeros(np.stack([x, n - x]), add, to)
    return [with_event, with_event + without]


def _at(x: FloatArray, n: FloatArray, vtype: str) -> FloatArray:
    choose("vtype", vtype, _VTYPES)
    return x / n if vtype == "LS" else row_average(x / n, n)
