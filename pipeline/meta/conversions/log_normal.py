"""Mean and standard deviation of log-normal data from printed quantiles.

Shi, Tong, Wang & Genton 2020, Stat Interface 13:519: mean and variance of the logarithms from the logarithms of the
quantiles, then back to the scale of the data with a correction for the bias of that step.
"""

from __future__ import annotations

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.conversions.quantiles import Quantiles


def log_quantiles(q: Quantiles) -> Quantiles:
    """Logarithms of the quantiles; all NaN for a sample with a value that is not above 0.

    >>> from pipeline.meta.conversions.quantiles import printed_quantiles
    >>> log_quantiles(printed_quantiles(40, np.nan, 3, 5, 8, np.nan)).median.round(4).item()
    1.6094
    """
    values = q.values()
    usable = ~np.any(values <= 0, axis=-1)
    logs = np.where(usable[..., None], np.log(np.where(values > 0, values, 1.0)), np.nan)
    logs = np.where(np.isnan(values), np.nan, logs)
    return Quantiles(q.n, *np.moveaxis(logs, -1, 0))


def back_transformed(q: Quantiles, mean: FloatArray, sd: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and SD of the data.

    Parameters
    ----------
    q : quantiles of the logarithms, for the number of people and the pattern
    mean, sd : of the logarithms, as for normal data
    """
    n, unit, log_n = q.n, np.ones(q.n.shape), np.log(q.n)
    a, b = q.by_pattern(0.565 * unit, 0.57 * unit, 0.405 * unit), q.by_pattern(0.37 * unit, 0.75 * unit, 0.315 * unit)
    # the SD of normal data has no bias, its square and its fourth power have
    s2 = sd**2 / q.by_pattern(1.01 + 0.25 / log_n**2, 1 + 1.58 / n, 1 + 0.28 / log_n**2)
    s4 = sd**4 / q.by_pattern(1 + 2.23 / log_n**2, 1 + 19.2 / n**1.2, 1 + 3.93 / n)
    one, two = a * s2 / n, b * s4 / n
    center = np.exp(mean + s2 / 2) / (1 + one + two)
    square = np.exp(2 * mean + 2 * s2) / (1 + 4 * one + 16 * two) - np.exp(2 * mean + s2) / (1 + 4 * one + 4 * two)
    return center, np.sqrt(np.maximum(square, 0))
