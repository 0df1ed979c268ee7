"""Small-study effects where events are counted in two groups: the variance of a log odds ratio holds the effect.

These tests regress on measures of size that do not. All take `TwoByTwo` tables of shape (..., k).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, numbers, switches
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.guards import instance
from pipeline.meta.small_study.regression_tests import RegressionTest, egger, regression_test, thompson


def deeks(yi: ArrayLike, table: TwoByTwo, *, level: float = 95, mask: ArrayLike | None = None) -> RegressionTest:
    """Deeks's test: predictor and weights from the effective sample size 4 n1 n2 / N.

    Deeks, Macaskill & Irwig 2005, J Clin Epidemiol 58:882, for the diagnostic odds ratio.
    """
    instance("table", table, TwoByTwo)
    size = 4 * table.n1i * table.n2i / (table.n1i + table.n2i)
    return regression_test(yi, 1 / size, 1 / np.sqrt(size), level=level, mask=mask)


def peters(yi: ArrayLike, table: TwoByTwo, *, level: float = 95, mask: ArrayLike | None = None) -> RegressionTest:
    """Peters's test for log odds ratios: predictor 1/N, weights events x non-events / N. Peters 2006, JAMA 295:676."""
    instance("table", table, TwoByTwo)
    x = 1 / (table.n1i + table.n2i)
    return regression_test(yi, _marginal_variance(table), x, level=level, mask=mask)


def harbord(table: TwoByTwo, *, level: float = 95, mask: ArrayLike | None = None) -> RegressionTest:
    """Harbord's test for odds ratios, from score Z and information V. Harbord, Egger & Sterne 2006, Stat Med 25:3443.

    Z/V is regressed on 1/sqrt(V) with weights V. Tables without any event, or with events only, raise `InvalidInput`.

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_events
    >>> t = harbord(from_events([4, 6, 3, 62], [123, 306, 231, 13598], [11, 29, 11, 248], [139, 303, 220, 12867]))
    >>> round(float(t.statistic), 4)
    0.5742
    """
    instance("table", table, TwoByTwo)
    on = taking_part(table, mask)
    n, events = table.n1i + table.n2i, table.ai + table.ci
    z = np.where(on, table.ai - events * table.n1i / n, 0.0)
    information = table.n1i * table.n2i * events * (n - events) / (n**2 * np.maximum(n - 1, 1))
    refuse_uninformative(on & (information == 0))
    v = numbers("V", np.where(on, information, 1.0), gt=0)
    return regression_test(z / v, 1 / v, 1 / np.sqrt(v), level=level, mask=on)


def rucker(
    table: TwoByTwo,
    *,
    random: bool = False,
    estimator: str = "DL",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> RegressionTest:
    """Arcsine test: regression of asin(sqrt(p1)) - asin(sqrt(p2)) on its standard error, which holds no effect.

    Needs no continuity correction and keeps tables without an event. `random` adds between-study variance (the
    arcsine-Thompson test, with `estimator`), advised where heterogeneity is large. Ruecker, Schwarzer & Carpenter 2008,
    Stat Med 27:746. For the rank correlation pass `arcsine_difference` to `rank_test.begg`.
    """
    y, v = arcsine_difference(table)
    if random:
        return thompson(y, v, estimator=estimator, level=level, mask=mask)
    return egger(y, v, level=level, mask=mask)


def arcsine_difference(table: TwoByTwo) -> tuple[FloatArray, FloatArray]:
    """asin(sqrt(p1)) - asin(sqrt(p2)) and its variance 1/(4 n1) + 1/(4 n2). Ruecker et al. 2008."""
    instance("table", table, TwoByTwo)
    difference = np.arcsin(np.sqrt(table.ai / table.n1i)) - np.arcsin(np.sqrt(table.ci / table.n2i))
    return difference, 0.25 / table.n1i + 0.25 / table.n2i


def taking_part(table: TwoByTwo, mask: ArrayLike | None) -> BoolArray:
    """The mask in the shape of the tables; None for all."""
    on = np.ones(1, dtype=bool) if mask is None else switches("mask", mask)
    try:
        return np.broadcast_to(on, table.ai.shape)
    except ValueError:
        raise InvalidInput(f"shapes differ: tables {table.ai.shape}, mask {on.shape}") from None


def refuse_uninformative(bad: BoolArray) -> None:
    """Name the first table whose events have no variance given the margins."""
    if bad.any():
        place = ", ".join(map(str, np.argwhere(bad)[0]))
        raise InvalidInput(f"table[{place}] has no event or events only, so that its variance V is 0")


def _marginal_variance(table: TwoByTwo) -> FloatArray:
    """Variance of a log odds under no effect, 1/events + 1/non-events; a half is added where either is 0."""
    events, others = table.ai + table.ci, table.bi + table.di
    add = 0.5 * (events * others == 0)
    return 1 / (events + add) + 1 / (others + add)
