"""Selection functions: the relative chance w(p) that a study with p value p is seen. To add one: a function and a row.

Each takes p values, the parameters delta (..., d) and a factor on the strength for each study (see `selection_model`)
and returns log w with its first and second derivatives by delta.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray

_LOG_TINY = -1e4  # stands for the logarithm of a p value of 0


@dataclass(frozen=True, slots=True)
class PValues:
    """p values in the forms that selection functions use, all of one shape.

    Attributes
    ----------
    p, log_p, log_1mp : the p value, its logarithm and log(1 - p), censored where the function needs it
    interval : interval of the steps that p lies in; 0 is the most significant
    """

    p: FloatArray
    log_p: FloatArray
    log_1mp: FloatArray
    interval: IntArray

    def rows(self, index: IntArray) -> PValues:
        """The data sets of `index` on the first axis."""
        return PValues(self.p[index], self.log_p[index], self.log_1mp[index], self.interval[index])


@dataclass(frozen=True, slots=True)
class LogWeight:
    """log w and its derivatives by delta; `second` is None where log w is linear in delta.

    Attributes
    ----------
    value, first, second : shapes (...), (..., d), (..., d, d)
    """

    value: FloatArray
    first: FloatArray
    second: FloatArray | None


@dataclass(frozen=True, slots=True)
class SelectionFunction:
    """A row of SELECTION_FUNCTIONS.

    Attributes
    ----------
    label : in words
    log_weight : (p values, delta, strength) to LogWeight
    neutral : the delta of no selection
    lowest : smallest delta
    shift : delta is searched as log(delta + shift)
    starts : values of each delta that the search starts from
    censor : p values are kept this far from 0 and 1
    strength : may the strength depend on the study
    """

    label: str
    log_weight: Callable[[PValues, FloatArray, FloatArray | float], LogWeight]
    neutral: tuple[float, ...]
    lowest: float
    shift: float
    starts: tuple[tuple[float, ...], ...]
    censor: float = 0.0
    strength: bool = True


def step_function(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """delta_j in interval j of the steps. Hedges 1992, Stat Sci 7:246; Vevea & Hedges 1995, Psychometrika 60:419."""
    inside = (v.interval[..., None] == np.arange(delta.shape[-1])).astype(np.float64)
    first = inside / delta
    second = -first[..., None] * first[..., None, :]
    return LogWeight((inside * np.log(delta)).sum(-1), first, second)


def beta(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """p^(delta_1 - 1) (1 - p)^(delta_2 - 1). Citkowicz & Vevea 2017, Psychol Methods 22:28."""
    return _linear(np.stack((v.log_p, v.log_1mp), -1), delta, 1.0)


def half_normal(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """exp(-delta p^2). Preston, Ashby & Smyth 2004, J Eval Clin Pract 10:313."""
    return _linear((-strength * v.p**2)[..., None], delta)


def negative_exponential(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """exp(-delta p). Preston, Ashby & Smyth 2004."""
    return _linear((-strength * v.p)[..., None], delta)


def power(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """(1 - p)^delta."""
    return _linear((strength * v.log_1mp)[..., None], delta)


def logistic(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """2 exp(-delta p) / (1 + exp(-delta p)). Preston, Ashby & Smyth 2004."""
    factor = strength * v.p
    x = factor * delta[..., 0]
    s = special.expit(x)
    value = np.log(2.0) + np.where(x > 0, -x - np.log1p(np.exp(-np.abs(x))), -np.log1p(np.exp(-np.abs(x))))
    first, second = -s * factor, -s * (1 - s) * factor**2
    return LogWeight(value, first[..., None], second[..., None, None])


def negative_exponential_power(v: PValues, delta: FloatArray, strength: FloatArray | float = 1.0) -> LogWeight:
    """exp(-delta_1 p^(1 / delta_2)). After Begg & Mazumdar 1994, Biometrics 50:1088."""
    d1, d2 = delta[..., 0], np.maximum(delta[..., 1], 1e-8)
    log_p = np.maximum(v.log_p, _LOG_TINY)
    u = strength * np.exp(log_p / d2)
    slope = -log_p / d2**2  # of log u
    cross = -u * slope
    bend = -d1 * u * (slope**2 + 2 * log_p / d2**3)
    first = np.stack((-u * np.ones_like(d1), d1 * cross), -1)
    second = np.stack((np.stack((np.zeros_like(cross), cross), -1), np.stack((cross, bend), -1)), -1)
    return LogWeight(-d1 * u, first, second)


def _linear(basis: FloatArray, delta: FloatArray, neutral: float = 0.0) -> LogWeight:
    return LogWeight((basis * (delta - neutral)).sum(-1), basis, None)


def relative_log_weight(
    function: SelectionFunction,
    v: PValues,
    threshold: PValues | None,
    delta: FloatArray,
    strength: FloatArray | float,
) -> LogWeight:
    """log w, or with a threshold log w(p) / w(threshold) beyond it and 0 up to it: all significant studies are seen."""
    w = function.log_weight(v, delta, strength)
    if threshold is None:
        return w
    least = function.log_weight(threshold, delta, strength)
    on = (v.interval > 0).astype(np.float64)
    second = None
    if w.second is not None and least.second is not None:
        second = on[..., None, None] * (w.second - least.second)
    return LogWeight(on * (w.value - least.value), on[..., None] * (w.first - least.first), second)


_ONE = ((0.0,), (1.0,), (5.0,), (20.0,))
SELECTION_FUNCTIONS = {
    "stepfun": SelectionFunction(
        "step function", step_function, (1.0,), 1e-10, 0.0, ((1.0,), (0.3,), (0.03,), (4.0,)), strength=False
    ),
    "beta": SelectionFunction(
        "beta",
        beta,
        (1.0, 1.0),
        1e-5,
        0.0,
        ((1.0, 1.0), (0.7, 1.0), (1.5, 1.0), (1.5, 1.5), (0.5, 3.0)),
        1e-5,
        strength=False,
    ),
    "halfnorm": SelectionFunction("half-normal", half_normal, (0.0,), 0.0, 1.0, _ONE),
    "negexp": SelectionFunction("negative exponential", negative_exponential, (0.0,), 0.0, 1.0, _ONE),
    "logistic": SelectionFunction("logistic", logistic, (0.0,), 0.0, 1.0, _ONE),
    "power": SelectionFunction("power", power, (0.0,), 0.0, 1.0, _ONE, 1e-5),
    "negexppow": SelectionFunction(
        "negative exponential power",
        negative_exponential_power,
        (0.0, 0.0),
        0.0,
        1.0,
        ((1.0, 1.0), (5.0, 1.0), (2.0, 0.4), (5.0, 5.0), (20.0, 0.5)),
    ),
}
