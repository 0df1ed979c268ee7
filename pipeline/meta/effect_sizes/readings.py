"""What a measure can be computed from when its own columns are not printed: d, t, p, F, or people without the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.meta.arrays import numbers
from pipeline.meta.conversions import from_tests
from pipeline.meta.effect_sizes import biserial, change, latent, standardized
from pipeline.meta.effect_sizes.effect import EffectSize

Columns = tuple[str, ...]
Turn = Callable[[Mapping[str, Any]], dict[str, Any]]
Function = Callable[..., EffectSize]


def instead(measure: str) -> dict[Columns, tuple[Function | None, Columns, Turn]]:
    """Other columns that will do for a measure.

    Returns
    -------
    for each set of columns: the function to call (None = the measure's own), the columns it takes as they are, and what
    turns the others into its remaining arguments

    >>> list(instead("ZCOR"))
    [('ti', 'ni'), ('pi', 'ni')]
    """
    function, readings = _INSTEAD.get(measure, (None, {}))
    return {given: (function, target, turn) for given, (target, turn) in readings.items()}


def _rest(x: Mapping[str, Any]) -> Any:
    """Degrees of freedom of a coefficient in a regression with mi predictors."""
    return numbers("ni - mi - 1", np.asarray(numbers("ni", x["ni"])) - numbers("mi", x["mi"]) - 1, gt=0)


_TWO = ("n1i", "n2i")
_D_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("di", *_TWO): (_TWO, lambda x: {"d": x["di"]}),
    ("ti", *_TWO): (_TWO, lambda x: {"d": from_tests.d_from_t(x["ti"], x["n1i"], x["n2i"])}),
    ("pi", *_TWO): (_TWO, lambda x: {"d": from_tests.d_from_p(x["pi"], x["n1i"], x["n2i"])}),
}
_CHANGE_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("di", "ni"): (("ni",), lambda x: {"d": x["di"]}),
    ("ti", "ni"): (("ni",), lambda x: {"d": from_tests.paired_d_from_t(x["ti"], x["ni"])}),
    ("pi", "ni"): (("ni",), lambda x: {"d": from_tests.paired_d_from_p(x["pi"], x["ni"])}),
}
_R_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("ti", "ni"): (("ni",), lambda x: {"ri": from_tests.r_from_t(x["ti"], numbers("ni", x["ni"], ge=3) - 2)}),
    ("pi", "ni"): (("ni",), lambda x: {"ri": from_tests.r_from_p(x["pi"], numbers("ni", x["ni"], ge=3) - 2)}),
}
_REGRESSION = ("mi", "ni")
_PARTIAL_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("ti", *_REGRESSION): (_REGRESSION, lambda x: {"ri": from_tests.r_from_t(x["ti"], _rest(x))}),
    ("pi", *_REGRESSION): (_REGRESSION, lambda x: {"ri": from_tests.r_from_p(x["pi"], _rest(x))}),
}
_EXPLAINED = ("r2i", *_REGRESSION)


def _semipartial_of_p(x: Mapping[str, Any]) -> dict[str, Any]:
    return {"ri": from_tests.semipartial_from_t(from_tests.statistic_from_p(x["pi"], _rest(x)), x["r2i"], _rest(x))}


_SEMIPARTIAL_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("ti", *_EXPLAINED): (_EXPLAINED, lambda x: {"ri": from_tests.semipartial_from_t(x["ti"], x["r2i"], _rest(x))}),
    ("pi", *_EXPLAINED): (_EXPLAINED, _semipartial_of_p),
}
_R_SQUARED_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("fi", *_REGRESSION): (_REGRESSION, lambda x: {"r2i": from_tests.r_squared_from_f(x["fi"], x["mi"], x["ni"])}),
    ("pi", *_REGRESSION): (_REGRESSION, lambda x: {"r2i": from_tests.r_squared_from_p(x["pi"], x["mi"], x["ni"])}),
}
_PEOPLE_READINGS: dict[Columns, tuple[Columns, Turn]] = {
    ("xi", "mi"): (("xi",), lambda x: {"ni": numbers("xi", x["xi"], ge=0) + numbers("mi", x["mi"], ge=0)}),
}


_INSTEAD: dict[str, tuple[Function | None, dict[Columns, tuple[Columns, Turn]]]] = {
    "SMD": (standardized.hedges_g, _D_READINGS),
    "D2ORN": (latent.log_odds_ratio_from_groups_normal, _D_READINGS),
    "D2ORL": (latent.log_odds_ratio_from_groups_logistic, _D_READINGS),
    "RPB": (biserial.point_biserial_from_d, _D_READINGS),
    "RBIS": (biserial.biserial_from_d, _D_READINGS),
    "SMCC": (change.change_standardized_from_d, _CHANGE_READINGS),
}
_INSTEAD |= dict.fromkeys(("COR", "UCOR", "ZCOR"), (None, _R_READINGS))
_INSTEAD |= dict.fromkeys(("PCOR", "ZPCOR"), (None, _PARTIAL_READINGS))
_INSTEAD |= dict.fromkeys(("SPCOR", "ZSPCOR"), (None, _SEMIPARTIAL_READINGS))
_INSTEAD |= dict.fromkeys(("R2", "ZR2"), (None, _R_SQUARED_READINGS))
_INSTEAD |= dict.fromkeys(("PR", "PLN", "PLO", "PRZ", "PAS", "PFT"), (None, _PEOPLE_READINGS))
