"""Tests for stratified tables: no effect in any (Cochran-Mantel-Haenszel), one odds ratio in all (Breslow-Day)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, numbers
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.rare_events.mantel_haenszel import masked, masked_table, rates
from pipeline.meta.rare_events.peto import observed_minus_expected


@dataclass(frozen=True, slots=True)
class ChiSquareTest:
    """A chi-square test, each field of the batch's shape (...).

    Attributes
    ----------
    statistic : chi-square; NaN where no stratum tells anything
    df : degrees of freedom
    p : upper tail; 1 where df is 0
    """

    statistic: FloatArray
    df: IntArray
    p: FloatArray


def cochran_mantel_haenszel(table: TwoByTwo, *, correct: bool = True, mask: ArrayLike | None = None) -> ChiSquareTest:
    """Test of no effect in any stratum. Mantel & Haenszel 1959, J Natl Cancer Inst 22:719.

    Parameters
    ----------
    table : cells, (..., k)
    correct : take 1/2 off the difference of observed and expected events
    mask : True where a study takes part

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> a, b = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143]
    >>> c, d = [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
    >>> table = from_cells(a, b, c, d)
    >>> t = cochran_mantel_haenszel(table)
    >>> round(float(t.statistic), 4)
    3.8297
    """
    counts, _ = masked_table(table, mask)
    difference, variance = observed_minus_expected(counts)
    return _one_df(difference.sum(-1), variance.sum(-1), correct)


def mantel_haenszel_rate_test(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    correct: bool = True,
    mask: ArrayLike | None = None,
) -> ChiSquareTest:
    """Test of equal rates in every stratum, given its events. Rothman, Greenland & Lash 2008, Modern Epidemiology.

    Examples
    --------
    >>> x1, t1 = [7, 8, 3, 6, 1, 1, 17, 3, 2], [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320]
    >>> x2, t2 = [11, 8, 14, 10, 1, 8, 15, 7, 3], [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440]
    >>> t = mantel_haenszel_rate_test(x1, t1, x2, t2)
    >>> round(float(t.statistic), 4)
    4.795
    """
    (x1, t1, x2, t2), on = masked(rates(x1i, t1i, x2i, t2i), mask)
    share = t1 / np.where(on, t1 + t2, 1.0)
    events = x1 + x2
    return _one_df((x1 - events * share).sum(-1), (events * share * (1 - share)).sum(-1), correct)


def breslow_day(
    table: TwoByTwo, log_odds_ratio: ArrayLike, *, tarone: bool = True, mask: ArrayLike | None = None
) -> ChiSquareTest:
    """Test of one odds ratio in all strata.

    Breslow & Day 1980, Statistical Methods in Cancer Research I, eq. 4.30; with Tarone's correction, which makes it
    efficient at the Mantel-Haenszel estimate (Tarone 1985, Biometrika 72:91). Strata in which nobody or everybody had
    the event count neither in the statistic nor in its degrees of freedom.

    Parameters
    ----------
    log_odds_ratio : the common odds ratio, shape (...); the Mantel-Haenszel estimate
    tarone : with the correction

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> a, b = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143]
    >>> c, d = [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
    >>> table = from_cells(a, b, c, d)
    >>> t = breslow_day(table, 0.58181989709669)
    >>> round(float(t.statistic), 4), int(t.df)
    (1.5371, 5)
    """
    theta = numbers("log_odds_ratio", log_odds_ratio)
    t, on = masked_table(table, mask)
    try:
        np.broadcast_shapes(theta.shape, on.shape[:-1])
    except ValueError:
        raise InvalidInput(f"shapes differ: log_odds_ratio {theta.shape}, batch of tables {on.shape[:-1]}") from None
    events = t.ai + t.ci
    telling = on & (events > 0) & (events < t.n1i + t.n2i)
    expected = expected_events(np.exp(theta)[..., None], t.n1i, t.n2i, events)
    others = (expected, t.n1i - expected, events - expected, t.n2i - events + expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = 1 / sum(1 / x for x in others)
        off = np.where(telling, t.ai - expected, 0.0)
        statistic = np.where(telling, off**2 / variance, 0.0).sum(-1)
        if tarone:
            statistic = statistic - off.sum(-1) ** 2 / np.where(telling, variance, 0.0).sum(-1)
    df = np.maximum(telling.sum(-1) - 1, 0)
    p = np.where(df > 0, special.chdtrc(np.maximum(df, 1), statistic), 1.0)
    return ChiSquareTest(statistic[()], df.astype(np.int64)[()], p[()])


def expected_events(odds_ratio: FloatArray, n1: FloatArray, n2: FloatArray, events: FloatArray) -> FloatArray:
    """Events of group 1 whose table, with the given margins, has the odds ratio: the root within the margins.

    Of (psi - 1) x^2 - b x + psi n1 m = 0 with b = psi (n1 + m) + n2 - m, written so that psi = 1 loses no digit.
    """
    b = odds_ratio * (n1 + events) + (n2 - events)
    product = odds_ratio * n1 * events
    root = np.sqrt(np.maximum(b**2 - 4 * (odds_ratio - 1) * product, 0.0))
    return 2 * product / np.where(b + root > 0, b + root, 1.0)


def _one_df(difference: FloatArray, variance: FloatArray, correct: bool) -> ChiSquareTest:
    gap = np.abs(difference) - (0.5 if correct else 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = gap**2 / variance
    p = special.chdtrc(1, statistic)
    return ChiSquareTest(statistic[()], np.ones(np.shape(statistic), dtype=np.int64)[()], p[()])
