"""Effects from the test statistic or p-value that a paper prints instead.

A p is two-sided; it carries no sign, so a negative p says that the effect is negative.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, numbers, together


def statistic_from_p(p: ArrayLike, df: ArrayLike | None = None) -> FloatArray:
    """The t (or z, without `df`) behind a two-sided p, with the sign of p.

    >>> statistic_from_p(-0.05, 20).round(4).item()
    -2.086
    """
    signed = numbers("p", p)
    tail = numbers("|p|" if (signed < 0).any() else "p", np.abs(signed), gt=0, le=1) / 2
    size = -special.ndtri(tail) if df is None else -special.stdtrit(numbers("df", df, gt=0), tail)
    return np.asarray(np.sign(signed) * size)[()]


def d_from_t(t: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Cohen's d from a two-sample t statistic: t sqrt(1/n1 + 1/n2). Rosenthal 1991.

    >>> d_from_t(2.1, 25, 30).round(4).item()
    0.5687
    """
    x = {"t": numbers("t", t), "n1i": numbers("n1i", n1i, ge=2), "n2i": numbers("n2i", n2i, ge=2)}
    statistic, n1, n2 = together(x)
    return np.asarray(statistic * np.sqrt(1 / n1 + 1 / n2))[()]


def d_from_p(p: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Cohen's d from the two-sided p of a two-sample t-test; a negative p says that d is negative.

    >>> d_from_p(-0.018, 20, 20).round(4).item()
    -0.7819
    """
    df = numbers("n1i", n1i, ge=2) + numbers("n2i", n2i, ge=2) - 2
    return d_from_t(statistic_from_p(p, df), n1i, n2i)


def paired_d_from_t(t: ArrayLike, ni: ArrayLike) -> FloatArray:
    """Standardised change (over the SD of the changes) from a paired t statistic: t / sqrt(n).

    >>> paired_d_from_t(2.0, 25).item()
    0.4
    """
    statistic, n = together({"t": numbers("t", t), "ni": numbers("ni", ni, ge=2)})
    return np.asarray(statistic / np.sqrt(n))[()]


def paired_d_from_p(p: ArrayLike, ni: ArrayLike) -> FloatArray:
    """Standardised change from the signed two-sided p of a paired t-test.

    >>> paired_d_from_p(-0.018, 50).round(4).item()
    -0.3462
    """
    return paired_d_from_t(statistic_from_p(p, numbers("ni", ni, ge=2) - 1), ni)


def r_from_t(t: ArrayLike, df: ArrayLike) -> FloatArray:
    """Correlation from its t statistic, t / sqrt(t^2 + df); df = n - 2, or n - m - 1 for a partial correlation.

    >>> r_from_t(2.1, 38).round(4).item()
    0.3225
    """
    statistic, d = together({"t": numbers("t", t), "df": numbers("df", df, gt=0)})
    return np.asarray(statistic / np.sqrt(statistic**2 + d))[()]


def r_from_p(p: ArrayLike, df: ArrayLike) -> FloatArray:
    """Correlation from the signed two-sided p of its t-test; `df` as in `r_from_t`.

    >>> r_from_p(-0.07, 28).round(4).item()
    -0.3354
    """
    return r_from_t(statistic_from_p(p, df), df)


def semipartial_from_t(t: ArrayLike, r2i: ArrayLike, df: ArrayLike) -> FloatArray:
    """Semi-partial correlation from the t of a coefficient in a regression that explains `r2i`: t sqrt((1 - R2) / df).

    >>> semipartial_from_t(2.1, 0.3, 26).round(4).item()
    0.3446
    """
    given = {"t": numbers("t", t), "r2i": numbers("r2i", r2i, ge=0, le=1), "df": numbers("df", df, gt=0)}
    statistic, r2, d = together(given)
    return np.asarray(statistic * np.sqrt((1 - r2) / d))[()]


def r_squared_from_f(f: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> FloatArray:
    """R2 of a regression with `mi` predictors from its omnibus F: m F / (m F + n - m - 1).

    >>> r_squared_from_f(5.0, 2, 43).item()
    0.2
    """
    given = {"f": numbers("f", f, ge=0), "mi": numbers("mi", mi, ge=1), "ni": numbers("ni", ni, ge=3)}
    statistic, m, n = together(given)
    rest = numbers("ni - mi - 1", n - m - 1, gt=0)
    return np.asarray(m * statistic / (m * statistic + rest))[()]


def r_squared_from_p(p: ArrayLike, mi: ArrayLike, ni: ArrayLike) -> FloatArray:
    """R2 of a regression from the p of its omnibus F-test.

    >>> r_squared_from_p(0.05, 2, 43).round(4).item()
    0.1391
    """
    m, n = numbers("mi", mi, ge=1), numbers("ni", ni, ge=3)
    rest = numbers("ni - mi - 1", n - m - 1, gt=0)
    tail = numbers("p", p, gt=0, le=1)
    return r_squared_from_f(special.fdtri(m, rest, 1 - tail), m, n)
