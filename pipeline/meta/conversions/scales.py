"""One effect on another scale: standardised difference, log odds ratio, correlation, Fisher's z.

Borenstein, Hedges, Higgins & Rothstein 2009, Introduction to Meta-Analysis, chapter 7. A conversion assumes normal (or
logistic) latent scales; measures that were converted belong in a sensitivity analysis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.latent import LOGISTIC_FACTOR, NORMAL_FACTOR


def d_from_log_odds_ratio(yi: ArrayLike, vi: ArrayLike) -> EffectSize:
    """Standardised difference from a log odds ratio, logistic latent scale: yi sqrt(3)/pi. Hasselblad & Hedges 1995.

    >>> d_from_log_odds_ratio(0.9, 0.05).yi.round(4).item()
    0.4962
    """
    y, v = _effect(yi, vi)
    return EffectSize(y / LOGISTIC_FACTOR, v / LOGISTIC_FACTOR**2)


def d_from_log_odds_ratio_normal(yi: ArrayLike) -> FloatArray:
    """Standardised difference from a log odds ratio, normal latent scale: yi / 1.65. Cox & Snell 1989.

    >>> d_from_log_odds_ratio_normal(0.9).round(4).item()
    0.5455
    """
    return np.asarray(numbers("yi", yi) / NORMAL_FACTOR)[()]


def log_odds_ratio_from_d(yi: ArrayLike, vi: ArrayLike) -> EffectSize:
    """The way back of `d_from_log_odds_ratio`.

    >>> log_odds_ratio_from_d(0.5, 0.05).yi.round(4).item()
    0.9069
    """
    y, v = _effect(yi, vi)
    return EffectSize(y * LOGISTIC_FACTOR, v * LOGISTIC_FACTOR**2)


def d_from_r(ri: ArrayLike) -> FloatArray:
    """Standardised difference of two groups of equal size from a point-biserial correlation: 2r / sqrt(1 - r^2).

    >>> d_from_r(0.3).round(4).item()
    0.629
    """
    r = _correlation(ri)
    return np.asarray(2 * r / np.sqrt(1 - r**2))[()]


def d_effect_from_r(yi: ArrayLike, vi: ArrayLike) -> EffectSize:
    """`d_from_r` with the variance 4 v / (1 - r^2)^3. Borenstein et al. 2009, eq. 7.6.

    >>> d_effect_from_r(0.5, 0.0058).vi.round(4).item()
    0.055
    """
    r, v = together({"yi": _correlation(yi, "yi"), "vi": numbers("vi", vi, gt=0)})
    return EffectSize(d_from_r(r), 4 * v / (1 - r**2) ** 3)


def r_from_d(d: ArrayLike, n1i: ArrayLike | None = None, n2i: ArrayLike | None = None) -> FloatArray:
    """Correlation from a standardised difference: d / sqrt(d^2 + a), a = (n1 + n2)^2 / (n1 n2), or 4 without sizes.

    >>> r_from_d(1.1547).round(4).item()
    0.5
    """
    x = {"d": numbers("d", d)} | _sizes(n1i, n2i)
    y, *sizes = together(x)
    return np.asarray(y / np.sqrt(y**2 + _imbalance(*sizes)))[()]


def r_effect_from_d(
    yi: ArrayLike, vi: ArrayLike, n1i: ArrayLike | None = None, n2i: ArrayLike | None = None
) -> EffectSize:
    """`r_from_d` with the variance a^2 v / (d^2 + a)^3. Borenstein et al. 2009, eq. 7.9.

    >>> r_effect_from_d(1.1547, 0.055).vi.round(4).item()
    0.0058
    """
    y, v, *sizes = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)} | _sizes(n1i, n2i))
    a = _imbalance(*sizes)
    return EffectSize(y / np.sqrt(y**2 + a), a**2 * v / (y**2 + a) ** 3)


def fisher_z(ri: ArrayLike) -> FloatArray:
    """arctanh of a correlation.

    >>> fisher_z(0.5).round(4).item()
    0.5493
    """
    return np.asarray(np.arctanh(_correlation(ri)))[()]


def r_from_fisher_z(zi: ArrayLike) -> FloatArray:
    """The way back of `fisher_z`.

    >>> r_from_fisher_z(0.5493).round(4).item()
    0.5
    """
    return np.asarray(np.tanh(numbers("zi", zi)))[()]


def _effect(yi: ArrayLike, vi: ArrayLike) -> list[FloatArray]:
    return together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})


def _correlation(ri: ArrayLike, name: str = "ri") -> FloatArray:
    r = numbers(name, ri)
    wrong = np.argwhere(np.abs(r) >= 1)
    if len(wrong):
        place, value = list(map(int, wrong[0])) or "", r[tuple(wrong[0])]
        raise InvalidInput(f"{name}{place}: a correlation must be between -1 and 1, both excluded (found {value:g})")
    return r


def _sizes(n1i: ArrayLike | None, n2i: ArrayLike | None) -> dict[str, FloatArray]:
    if n1i is None and n2i is None:
        return {}
    if n1i is None or n2i is None:
        raise InvalidInput("n1i and n2i go together")
    return {"n1i": numbers("n1i", n1i, ge=1), "n2i": numbers("n2i", n2i, ge=1)}


def _imbalance(*sizes: FloatArray) -> FloatArray | float:
    if not sizes:
        return 4.0
    n1, n2 = sizes
    return (n1 + n2) ** 2 / (n1 * n2)
