"""Two groups' spreads: ratios of standard deviations and of coefficients of variation.

Nakagawa et al. 2015, Methods Ecol Evol 6:143. Logarithms; normal data, so that mean and spread are independent.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.means import ratio_of_means, two_spreads


def variability_ratio(
    sd1i: ArrayLike, n1i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike, *, corrected: bool = True
) -> EffectSize:
    """Log ratio of two standard deviations. Nakagawa et al. 2015, eq. 5-6.

    `corrected` takes off the small-sample bias of each logarithm, 1 / (2 (n - 1)).

    >>> variability_ratio(3, 30, 4, 40).yi.round(4).item()
    -0.2833
    """
    s1, n1, s2, n2 = two_spreads(sd1i, n1i, sd2i, n2i)
    half1, half2 = 1 / (2 * (n1 - 1)), 1 / (2 * (n2 - 1))
    return EffectSize(np.log(s1 / s2) + (half1 - half2 if corrected else 0.0), half1 + half2)


def coefficient_of_variation_ratio(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    corrected: bool = True,
) -> EffectSize:
    """Log ratio of two coefficients of variation, sd over a positive mean.

    Nakagawa et al. 2015, eq. 11-12 with rho = 0. `corrected` takes off the small-sample bias of the standard
    deviations and of the means.

    >>> coefficient_of_variation_ratio(12, 3, 30, 10, 4, 40).yi.round(4).item()
    -0.4646
    """
    spread = variability_ratio(sd1i, n1i, sd2i, n2i, corrected=corrected)
    level = ratio_of_means(m1i, sd1i, n1i, m2i, sd2i, n2i, corrected=corrected)
    return EffectSize(spread.yi - level.yi, spread.vi + level.vi)
