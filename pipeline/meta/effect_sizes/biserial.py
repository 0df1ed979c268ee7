"""Correlation of a scale with the membership of two groups: the groups real (point-biserial) or cut (biserial).

Jacobs & Viechtbauer 2017, Res Synth Methods 8:161. Every function takes Cohen's `d` or the groups' means.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, numbers, together
from pipeline.meta.effect_sizes.association import stratified, to_fisher_z
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.means import pooled_sd, two_means


def point_biserial_from_d(
    d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, vtype: str | Sequence[str] = "ST"
) -> EffectSize:
    """Point-biserial correlation from Cohen's d and the groups' sizes.

    Parameters
    ----------
    vtype : "ST" sizes of the groups fixed (delta method from d), "CS" sizes random (Tate 1954, Ann Math Stat 25:603);
        one for all studies or one each

    >>> point_biserial_from_d(0.5, 20, 22).yi.round(4).item()
    0.2479
    """
    d, n1, n2 = _groups(d, n1i, n2i)
    n, odds = n1 + n2, (n1 + n2 - 2) * (1 / n1 + 1 / n2)
    r = d / np.sqrt(d**2 + odds)
    fixed = odds**2 / (d**2 + odds) ** 3 * (1 / n1 + 1 / n2 + d**2 / (2 * n))
    crossed = (1 - r**2) ** 2 * (1 - 1.5 * r**2 + r**2 * n**2 / (4 * n1 * n2)) / n
    return EffectSize(r, np.where(stratified(vtype), fixed, crossed)[()])


def biserial_from_d(d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> EffectSize:
    """Biserial correlation from Cohen's d; Soper's variance (1914, Biometrika 10:384).

    >>> biserial_from_d(0.5, 20, 22).yi.round(4).item()
    0.3109
    """
    d, n1, n2 = _groups(d, n1i, n2i)
    n = n1 + n2
    p, q = n1 / n, n2 / n
    z = special.ndtri(q)
    height = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    r = np.sqrt(p * q) / height * point_biserial_from_d(d, n1, n2).yi
    bend = 1.5 + (1 - p * z / height) * (1 + q * z / height)
    return EffectSize(r, (p * q / height**2 - bend * r**2 + r**4) / (n - 1))


def point_biserial_correlation(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    vtype: str | Sequence[str] = "ST",
) -> EffectSize:
    """`point_biserial_from_d` from means, standard deviations and sizes.

    >>> point_biserial_correlation(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.2682
    """
    return point_biserial_from_d(*_standardised(m1i, sd1i, n1i, m2i, sd2i, n2i), vtype=vtype)


def biserial_correlation(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> EffectSize:
    """`biserial_from_d` from means, standard deviations and sizes.

    >>> biserial_correlation(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.3381
    """
    return biserial_from_d(*_standardised(m1i, sd1i, n1i, m2i, sd2i, n2i))


def fisher_z_point_biserial(
    m1i: ArrayLike,
    sd1i: ArrayLike,
    n1i: ArrayLike,
    m2i: ArrayLike,
    sd2i: ArrayLike,
    n2i: ArrayLike,
    *,
    vtype: str | Sequence[str] = "ST",
) -> EffectSize:
    """Fisher's z of `point_biserial_correlation`; it does not stabilise the variance here.

    >>> fisher_z_point_biserial(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.2749
    """
    return to_fisher_z(point_biserial_correlation(m1i, sd1i, n1i, m2i, sd2i, n2i, vtype=vtype))


def fisher_z_biserial(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> EffectSize:
    """Fisher's z of `biserial_correlation`. NaN where that is beyond 1.

    >>> fisher_z_biserial(12, 3, 30, 10, 4, 40).yi.round(4).item()
    0.3519
    """
    return to_fisher_z(biserial_correlation(m1i, sd1i, n1i, m2i, sd2i, n2i))


def _groups(d: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> list[FloatArray]:
    return together({"d": numbers("d", d), "n1i": numbers("n1i", n1i, ge=2), "n2i": numbers("n2i", n2i, ge=2)})


def _standardised(
    m1i: ArrayLike, sd1i: ArrayLike, n1i: ArrayLike, m2i: ArrayLike, sd2i: ArrayLike, n2i: ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    m1, s1, n1, m2, s2, n2 = two_means(m1i, sd1i, n1i, m2i, sd2i, n2i)
    return (m1 - m2) / pooled_sd(s1, n1, s2, n2), n1, n2
