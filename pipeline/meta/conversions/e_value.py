"""How strong unmeasured confounding would have to be to explain an effect away.

VanderWeele & Ding 2017, Ann Intern Med 167:268.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, choose, numbers, together


@dataclass(frozen=True, slots=True)
class EValue:
    """E-values, shape of the estimate.

    Attributes
    ----------
    estimate : smallest risk ratio that a confounder needs with treatment and with outcome to move the effect to `true`
    limit : the same for the confidence limit nearer to `true`; 1 where the interval holds it, NaN without an interval
    """

    estimate: FloatArray
    limit: FloatArray


def e_value(
    estimate: ArrayLike,
    ci_lb: ArrayLike | None = None,
    ci_ub: ArrayLike | None = None,
    *,
    measure: str = "RR",
    true: ArrayLike = 1.0,
) -> EValue:
    """E-value of a ratio and of its confidence limit.

    Parameters
    ----------
    estimate, ci_lb, ci_ub : a ratio with its limits, on its own scale (not the logarithm); the limits may be absent
    measure : "RR" risk ratio; of odds and hazards "OR_rare", "HR_rare" (outcome under 15 %, taken as risk ratios) and
        "OR", "HR" (common outcome; square root, and the paper's formula)
    true : risk ratio to which the effect would be moved

    Raises
    ------
    InvalidInput
        Not above 0, limits that do not enclose the estimate, or only one of them.

    >>> e_value(1.8, 1.2, 2.7)
    EValue(estimate=np.float64(3.0), limit=np.float64(1.6898979485566354))
    """
    choose("measure", measure, _TO_RISK_RATIO)
    turn = _TO_RISK_RATIO[measure]
    target = numbers("true", true, gt=0)
    point = turn(numbers("estimate", estimate, gt=0)) / target
    if ci_lb is None and ci_ub is None:
        return EValue(_bound(point), np.full(np.shape(point), np.nan)[()])
    if ci_lb is None or ci_ub is None:
        raise InvalidInput("ci_lb and ci_ub go together")
    lb, ub = (turn(numbers(name, x, gt=0)) / target for name, x in (("ci_lb", ci_lb), ("ci_ub", ci_ub)))
    y, lb, ub = together({"estimate": point, "ci_lb": lb, "ci_ub": ub})
    if ((y < lb) | (y > ub)).any():
        raise InvalidInput("estimate must lie between ci_lb and ci_ub")
    near = np.where(y >= 1, np.maximum(lb, 1), np.minimum(ub, 1))
    return EValue(_bound(y), _bound(near))


def e_value_from_d(d: ArrayLike, se: ArrayLike | None = None, *, true: ArrayLike = 1.0) -> EValue:
    """E-value of a standardised difference, taken as the risk ratio exp(0.91 d), limits exp(0.91 d +- 1.78 se).

    >>> e_value_from_d(0.5, 0.1).limit.round(4).item()
    1.968
    """
    y = numbers("d", d)
    if se is None:
        return e_value(np.exp(0.91 * y), true=true)
    y, s = together({"d": y, "se": numbers("se", se, gt=0)})
    return e_value(*(np.exp(0.91 * y + 1.78 * side * s) for side in (0, -1, 1)), true=true)


def _bound(ratio: FloatArray) -> FloatArray:
    strong = np.maximum(ratio, 1 / ratio)
    return np.asarray(strong + np.sqrt(strong * (strong - 1)))[()]


def _hazard(ratio: FloatArray) -> FloatArray:
    return np.asarray((1 - 0.5 ** np.sqrt(ratio)) / (1 - 0.5 ** np.sqrt(1 / ratio)))


_TO_RISK_RATIO: dict[str, Callable[[FloatArray], FloatArray]] = {
    "RR": lambda x: x,
    "OR_rare": lambda x: x,
    "HR_rare": lambda x: x,
    "OR": np.sqrt,
    "HR": _hazard,
}
