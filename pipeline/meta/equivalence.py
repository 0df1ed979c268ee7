"""Equivalence and non-inferiority against margins fixed beforehand: two one-sided tests.

Schuirmann 1987, J Pharmacokinet Biopharm 15:657; Lakens 2017, Soc Psychol Personal Sci 8:355 (also pooled effects);
verdicts of non-inferiority as CONSORT, Piaggio et al. 2012, JAMA 308:2594.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, floats, numbers, together
from pipeline.meta.reference import quantile, two_sided_p

EQUIVALENT = "equivalent"
OUTSIDE = "outside the margins"
NON_INFERIOR = "non-inferior"
INFERIOR = "inferior"
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests of low < effect < high, shape (...).

    Attributes
    ----------
    estimate, se, df : what was tested; df NaN where the reference is the standard normal
    t_low, t_high : distance from each margin in standard errors
    p_low : one-sided p against effect <= low
    p_high : one-sided p against effect >= high
    p : the larger of the two, the p of equivalence
    ci_lb, ci_ub : 100 (1 - 2 alpha) percent interval; inside the margins exactly where p < alpha
    smallest_margin : equivalence would have held for every symmetric margin above it. A description, never a margin
    verdict : "equivalent"; "outside the margins" where the whole interval is beyond one; else "undecided"
    alpha : of each one-sided test
    """

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    t_low: FloatArray
    t_high: FloatArray
    p_low: FloatArray
    p_high: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    smallest_margin: FloatArray
    verdict: np.ndarray
    alpha: float


@dataclass(frozen=True, slots=True)
class NonInferiority:
    """One-sided test that the effect is not worse than the margin, shape (...).

    Attributes
    ----------
    estimate, se, df : what was tested; df NaN where the reference is the standard normal
    statistic, p : against an effect as bad as the margin or worse; one-sided
    bound : one-sided 100 (1 - alpha) percent confidence bound on the worse side
    p_inferior : one-sided p against an effect better than the margin
    smallest_margin : non-inferiority would have held for every margin above it; 0 where it would hold for any. A
        description, never a margin
    verdict : "non-inferior", "inferior" (shown to be worse than the margin) or "undecided"
    alpha : of the test
    """

    estimate: FloatArray
    se: FloatArray
    df: FloatArray
    statistic: FloatArray
    p: FloatArray
    bound: FloatArray
    p_inferior: FloatArray
    smallest_margin: FloatArray
    verdict: np.ndarray
    alpha: float


@dataclass(frozen=True, slots=True)
class TwoSamples:
    """Difference of two means, shape (...).

    Attributes
    ----------
    difference, se, df : mean of x minus mean of y, with the degrees of freedom of its t
    statistic, p : test of no difference, two-sided
    ci_lb, ci_ub : confidence interval
    """

    difference: FloatArray
    se: FloatArray
    df: FloatArray
    statistic: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


def equivalence(
    estimate: ArrayLike, se: ArrayLike, low: ArrayLike, high: ArrayLike, *, df: ArrayLike = np.nan, alpha: float = 0.05
) -> Equivalence:
    """Two one-sided tests of an effect, as of `random_effects` with its `estimate, se, df`.

    Parameters
    ----------
    estimate, se : effect and standard error, (...)
    low, high : margins in the units of the effect, low < high, fixed beforehand
    df : degrees of freedom of t; NaN for the standard normal
    alpha : of each one-sided test; the interval is the two-sided 1 - 2 alpha one

    Raises
    ------
    InvalidInput
        se <= 0, low >= high, alpha outside 0..0.5, df below 1, shapes that differ.

    >>> e = equivalence(0.1, 0.1, -0.5, 0.5)
    >>> str(e.verdict), round(float(e.p), 6), round(float(e.smallest_margin), 3)
    ('equivalent', 3.2e-05, 0.264)
    """
    mu, s, d = _effect(estimate, se, df)
    lower, upper = numbers("low", low), numbers("high", high)
    if np.any(lower >= upper):
        raise InvalidInput(f"low must be below high (found {np.max(lower):g} and {np.min(upper):g})")
    q = _quantile(alpha, d)
    t_low, t_high = (mu - lower) / s, (mu - upper) / s
    p_low, p_high = _upper_tail(t_low, d), _upper_tail(-t_high, d)
    p = np.maximum(p_low, p_high)
    lb, ub = mu - q * s, mu + q * s
    verdict = np.select([p < alpha, (lb > upper) | (ub < lower)], [EQUIVALENT, OUTSIDE], UNDECIDED)
    margin = np.maximum(np.abs(lb), np.abs(ub))
    return Equivalence(
        estimate=mu[()],
        se=s[()],
        df=d[()],
        t_low=t_low,
        t_high=t_high,
        p_low=p_low[()],
        p_high=p_high[()],
        p=p,
        ci_lb=lb,
        ci_ub=ub,
        smallest_margin=margin,
        verdict=verdict[()],
        alpha=alpha,
    )


def non_inferiority(
    estimate: ArrayLike,
    se: ArrayLike,
    margin: ArrayLike,
    *,
    lower_is_better: bool,
    df: ArrayLike = np.nan,
    alpha: float = 0.025,
) -> NonInferiority:
    """Is the effect at most `margin` on the worse side?

    Parameters
    ----------
    estimate, se : effect (new against established) and standard error, (...)
    margin : > 0, in the units of the effect, fixed beforehand
    lower_is_better : True where a low value is good, as for symptoms
    df : degrees of freedom of t; NaN for the standard normal
    alpha : one-sided

    Raises
    ------
    InvalidInput
        se <= 0, margin <= 0, alpha outside 0..0.5, df below 1.

    >>> n = non_inferiority(0.10, 0.15, 0.5, lower_is_better=True)
    >>> str(n.verdict), round(float(n.bound), 3), round(float(n.p), 4)
    ('non-inferior', 0.394, 0.0038)
    """
    mu, s, d = _effect(estimate, se, df)
    m = numbers("margin", margin, gt=0)
    q = _quantile(alpha, d)
    worse = mu if lower_is_better else -mu  # how far on the worse side
    statistic = (worse - m) / s
    p, p_inferior = _upper_tail(-statistic, d), _upper_tail(statistic, d)
    limit = worse + q * s
    verdict = np.select([p < alpha, p_inferior < alpha], [NON_INFERIOR, INFERIOR], UNDECIDED)
    bound = limit if lower_is_better else -limit
    return NonInferiority(
        estimate=mu[()],
        se=s[()],
        df=d[()],
        statistic=statistic,
        p=p[()],
        bound=bound,
        p_inferior=p_inferior[()],
        smallest_margin=np.maximum(limit, 0.0),
        verdict=verdict[()],
        alpha=alpha,
    )


def two_samples(x: ArrayLike, y: ArrayLike, *, welch: bool = True, level: float = 95) -> TwoSamples:
    """Difference of the means of people on the last axis of x and y, (..., n) and (..., m).

    Parameters
    ----------
    welch : unequal variances with Satterthwaite's degrees of freedom (Welch 1947); else one pooled variance
    level : of the interval, percent

    Raises
    ------
    InvalidInput
        Fewer than two people in a group, NaN, or no spread at all.

    >>> round(float(two_samples([1, 2, 4, 5], [2, 3, 3, 7, 9]).df), 3)
    6.63
    """
    a, b = numbers("x", x), numbers("y", y)
    for name, group in (("x", a), ("y", b)):
        if group.ndim == 0 or group.shape[-1] < 2:
            raise InvalidInput(f"{name} needs at least 2 people (found shape {group.shape})")
    n, m = a.shape[-1], b.shape[-1]
    va, vb = a.var(-1, ddof=1), b.var(-1, ddof=1)
    if np.any(va + vb <= 0):
        raise InvalidInput("x and y have no spread: there is nothing to test against")
    if welch:
        ea, eb = va / n, vb / m
        df = (ea + eb) ** 2 / (ea**2 / (n - 1) + eb**2 / (m - 1))
        se = np.sqrt(ea + eb)
    else:
        df = np.full(np.broadcast_shapes(va.shape, vb.shape), n + m - 2.0)
        se = np.sqrt(((n - 1) * va + (m - 1) * vb) / df * (1 / n + 1 / m))
    difference = a.mean(-1) - b.mean(-1)
    half = quantile(level, df) * se
    t = difference / se
    fields = (difference, se, df, t, two_sided_p(t, df), difference - half, difference + half)
    return TwoSamples(*(np.asarray(v)[()] for v in fields))


def _effect(estimate: ArrayLike, se: ArrayLike, df: ArrayLike) -> list[FloatArray]:
    d = floats("df", df)
    if np.any(d < 1):
        raise InvalidInput(f"df must be at least 1, or NaN for the standard normal (found {np.nanmin(d):g})")
    return together({"estimate": numbers("estimate", estimate), "se": numbers("se", se, gt=0), "df": d})


def _quantile(alpha: float, df: FloatArray) -> FloatArray:
    if not isinstance(alpha, (float, np.floating)) or not 0 < alpha < 0.5:
        raise InvalidInput(f"alpha is one-sided, between 0 and 0.5 (found {alpha!r})")
    return quantile(100 * (1 - 2 * alpha), df)


def _upper_tail(t: FloatArray, df: FloatArray) -> FloatArray:
    return np.where(np.isnan(df), special.ndtr(-t), special.stdtr(np.where(df >= 1, df, 1.0), -t))
