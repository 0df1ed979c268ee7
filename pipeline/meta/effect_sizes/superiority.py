"""The probability that a person of one group scores higher than a person of the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.means import two_means


def common_language_effect(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> EffectSize:
    """Common language effect size of two normal groups of any spread, Phi((m1 - m2) / sqrt(sd1^2 + sd2^2)).

    McGraw & Wong 1992, Psychol Bull 111:361; variance by the delta method, with n - 1 for each group.

    >>> common_language_effect(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.6554
    """
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    square = s1**2 + s2**2
    z = (m1 - m2) / np.sqrt(square)
    of_means = (s1**2 / (n1 - 1) + s2**2 / (n2 - 1)) / square
    of_spread = z**2 * (s1**4 / (n1 - 1) + s2**4 / (n2 - 1)) / (2 * square**2)
    density = np.exp(-(z**2)) / (2 * np.pi)
    return EffectSize(special.ndtr(z), density * (of_means + of_spread))
