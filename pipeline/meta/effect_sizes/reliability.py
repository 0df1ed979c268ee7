"""Cronbach's alpha as a study's outcome (reliability generalisation): `ai` alpha, `mi` items, `ni` people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize


def alpha_raw(ai: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """Alpha itself. Bonett 2010, Psychol Methods 15:368.

    >>> alpha_raw(0.8, 10, 102).vi.round(6).item()
    0.000889
    """
    alpha, m, n = _scale(ai, mi, ni)
    return EffectSize(alpha, 2 * m * (1 - alpha) ** 2 / ((m - 1) * (n - 2)))


def alpha_hakstian_whalen(ai: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """1 - (1 - alpha)^(1/3), which grows with alpha. Hakstian & Whalen 1976, Psychometrika 41:219.

    >>> alpha_hakstian_whalen(0.8, 10, 102).yi.round(4).item()
    0.4152
    """
    alpha, m, n = _scale(ai, mi, ni)
    vi = 18 * m * (n - 1) * (1 - alpha) ** (2 / 3) / ((m - 1) * (9 * n - 11) ** 2)
    return EffectSize(1 - np.cbrt(1 - alpha), vi)


def alpha_bonett(ai: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> EffectSize:
    """-log(1 - alpha), which grows with alpha. Bonett 2002, J Educ Behav Stat 27:335.

    >>> alpha_bonett(0.8, 10, 102).yi.round(4).item()
    1.6094
    """
    alpha, m, n = _scale(ai, mi, ni)
    return EffectSize(-np.log1p(-alpha), 2 * m / ((m - 1) * (n - 2)))


def _scale(ai: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> list[FloatArray]:
    alpha, m, n = together({"ai": numbers("ai", ai), "mi": numbers("mi", mi, ge=2), "ni": numbers("ni", ni, ge=3)})
    if (alpha >= 1).any():
        raise InvalidInput("ai: Cronbach's alpha must be < 1")
    return [alpha, m, n]
