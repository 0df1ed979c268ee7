"""Confidence intervals of coefficients. To add one: a row of INTERVALS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class IntervalMethod:
    """How the uncertainty of a coefficient is computed.

    Attributes
    ----------
    label : the method in words
    inflation : factor on the variance, from q = y'Py / (k - p)
    uses_t : reference t(k - p); else the standard normal
    """

    label: str
    inflation: Callable[[FloatArray], FloatArray]
    uses_t: bool


# hk: Hartung 1999, Biom J 41:901; Sidik & Jonkman 2002, Stat Med 21:3153; Knapp & Hartung 2003, Stat Med 22:2693.
# hk_floored: the factor never below 1, Knapp & Hartung 2003; Roever, Knapp & Friede 2015, BMC Med Res Methodol 15:99.
INTERVALS: dict[str, IntervalMethod] = {
    "hk_floored": IntervalMethod(
        "Hartung-Knapp, factor at least 1, t distribution", lambda q: np.maximum(q, 1.0), True
    ),
    "hk": IntervalMethod("Hartung-Knapp, t distribution", lambda q: q, True),
    "t": IntervalMethod("Wald, t distribution", lambda q: np.ones_like(q), True),
    "wald": IntervalMethod("Wald, normal", lambda q: np.ones_like(q), False),
}
