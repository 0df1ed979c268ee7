"""Standardised differences behind two-by-two tables, and odds ratios behind standardised differences.

The event is taken for the crossing of a threshold on a latent scale, normal or logistic. Chinn 2000, Stat Med 19:3127;
Sanchez-Meca, Marin-Martinez & Chacon-Moscoso 2003, Psychol Methods 8:448.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.effect_sizes.effect import EffectSize, finite
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.means import pooled_sd, two_means
from pipeline.meta.effect_sizes.standardized import hedges_g
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, correct_zeros

NORMAL_FACTOR = 1.65  # log odds per standard deviation, Cox & Snell 1989
LOGISTIC_FACTOR = np.pi / np.sqrt(3)


def probit_difference(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Difference of the normal quantiles of two risks, an SMD on a normal latent scale.

    Delta-method variance. NaN where `drop00` drops the table or `to` leaves a zero.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> probit_difference(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.5883
    """
    t = correct_zeros(table, add, to, drop00)
    p1, p2 = t.ai / t.n1i, t.ci / t.n2i
    z1, z2 = special.ndtri(p1), special.ndtri(p2)
    with np.errstate(invalid="ignore", over="ignore"):
        v1, v2 = (2 * np.pi * np.exp(z**2) * p * (1 - p) / n for z, p, n in ((z1, p1, t.n1i), (z2, p2, t.n2i)))
        return finite(z1 - z2, v1 + v2)


def d_from_table_normal(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log odds ratio over 1.65, an SMD on a normal latent scale. Cox & Snell 1989.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> d_from_table_normal(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.5944
    """
    return _scaled(odds_ratio(table, add=add, to=to, drop00=drop00), 1 / NORMAL_FACTOR)


def d_from_table_logistic(table: TwoByTwo, *, add: float = 0.5, to: str = "only0", drop00: bool = False) -> EffectSize:
    """Log odds ratio times sqrt(3) / pi, an SMD on a logistic latent scale. Hasselblad & Hedges 1995.

    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> d_from_table_logistic(from_events(10, 50, 20, 50)).yi.round(4).item()
    -0.5408
    """
    return _scaled(odds_ratio(table, add=add, to=to, drop00=drop00), 1 / LOGISTIC_FACTOR)


def log_odds_ratio_from_groups_normal(d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> EffectSize:
    """Log odds ratio of two groups that are Cohen's `d` (uncorrected) apart, times 1.65.

    >>> log_odds_ratio_from_groups_normal(0.5, 20, 22).yi.round(4).item()
    0.825
    """
    return _scaled(hedges_g(d, n1i, n2i, correction="none"), NORMAL_FACTOR)


def log_odds_ratio_from_groups_logistic(d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> EffectSize:
    """Log odds ratio of two groups that are Cohen's `d` (uncorrected) apart, times pi / sqrt(3).

    >>> log_odds_ratio_from_groups_logistic(0.5, 20, 22).yi.round(4).item()
    0.9069
    """
    return _scaled(hedges_g(d, n1i, n2i, correction="none"), LOGISTIC_FACTOR)


def log_odds_ratio_from_means_normal(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> EffectSize:
    """`log_odds_ratio_from_groups_normal` from means, standard deviations and sizes.

    >>> log_odds_ratio_from_means_normal(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.9147
    """
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return log_odds_ratio_from_groups_normal((m1 - m2) / pooled_sd(s1, n1, s2, n2), n1, n2)


def log_odds_ratio_from_means_logistic(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> EffectSize:
    """`log_odds_ratio_from_groups_logistic` from means, standard deviations and sizes.

    >>> log_odds_ratio_from_means_logistic(12, 3, 30, 10, 4, 40).yi.round(4).item()
    1.0055
    """
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return log_odds_ratio_from_groups_logistic((m1 - m2) / pooled_sd(s1, n1, s2, n2), n1, n2)


def _scaled(effect: EffectSize, factor: float) -> EffectSize:
    return EffectSize(effect.yi * factor, effect.vi * factor**2)
