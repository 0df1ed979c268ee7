"""One group of people on a scale: mean `mi`, standard deviation `sdi`, people `ni`.

Logarithms need positive means. Nakagawa et al. 2015, Methods Ecol Evol 6:143.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, choose, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.small_sample import CORRECTIONS


def group_mean(mi: ArrayLike, sdi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Mean in scale points.

    >>> group_mean(12, 3, 30).vi.round(4).item()
    0.3
    """
    m, s, n = _group(mi, sdi, ni)
    return EffectSize(m, s**2 / n)


def standardized_group_mean(mi: ArrayLike, sdi: ArrayLike, ni: ArrayLike, *, correction: str = "exact") -> EffectSize:
    """Mean over the standard deviation, corrected as Hedges' g (key of CORRECTIONS).

    >>> standardized_group_mean(12, 3, 30).yi.round(4).item()
    3.8955
    """
    choose("correction", correction, CORRECTIONS)
    m, s, n = _group(mi, sdi, numbers("ni", ni, ge=3))
    g = CORRECTIONS[correction](n - 1) * m / s
    return EffectSize(g, 1 / n + g**2 / (2 * n))


def log_group_mean(mi: ArrayLike, sdi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Log of a positive mean.

    >>> log_group_mean(12, 3, 30).yi.round(4).item()
    2.4849
    """
    m, s, n = _group(numbers("mi", mi, gt=0), sdi, ni)
    return EffectSize(np.log(m), (s / m) ** 2 / n)


def log_group_sd(sdi: ArrayLike, ni: ArrayLike, *, corrected: bool = True) -> EffectSize:
    """Log of the standard deviation; `corrected` adds 1 / (2 (n - 1)). Raudenbush & Bryk 1987, J Educ Stat 12:241.

    >>> log_group_sd(3, 30).yi.round(4).item()
    1.1159
    """
    _, s, n = _group(0.0, sdi, ni)
    half = 1 / (2 * (n - 1))
    return EffectSize(np.log(s) + (half if corrected else 0.0), half)


def log_group_cv(mi: ArrayLike, sdi: ArrayLike, ni: ArrayLike, *, corrected: bool = True) -> EffectSize:
    """Log of the coefficient of variation of a positive mean. Nakagawa et al. 2015, eq. 27 with rho = 0.

    >>> log_group_cv(12, 3, 30).yi.round(4).item()
    -1.3691
    """
    spread, level = log_group_sd(sdi, ni, corrected=corrected), log_group_mean(mi, sdi, ni)
    return EffectSize(spread.yi - level.yi, spread.vi + level.vi)


def _group(mi: ArrayLike, sdi: ArrayLike, ni: ArrayLike) -> list[FloatArray]:
    given = {"mi": numbers("mi", mi), "sdi": numbers("sdi", sdi, gt=0), "ni": numbers("ni", ni, ge=2)}
    return together(given)
