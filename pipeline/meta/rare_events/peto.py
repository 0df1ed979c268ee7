"""Peto's one-step odds ratio: observed minus expected events over their hypergeometric variance.

Yusuf, Peto, Lewis, Collins & Sleight 1985, Prog Cardiovasc Dis 27:335. Good where events are rare, groups of similar
size and the effect small; biased otherwise (Greenland & Salvan 1990, Stat Med 9:247).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, cells_of, correct_zeros
from pipeline.meta.rare_events.fixed_weights import FixedWeightPool, pool
from pipeline.meta.rare_events.mantel_haenszel import masked_table, refuse_no_events


def peto(
    table: TwoByTwo,
    *,
    add: float = 0.0,
    to: str = "none",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> FixedWeightPool:
    """Pooled log odds ratio by Peto's method, studies on the last axis.

    Parameters
    ----------
    table : cells, (..., k)
    add, to : treatment of zero cells as in `two_by_two.correct_zeros`; the method needs none. A table in which nobody
        or everybody had the event has no weight.
    level : of the interval, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        No study, a count that is NaN, an empty group, or nobody (everybody) had the event in every study.

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> a, b = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143]
    >>> c, d = [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
    >>> m = peto(from_cells(a, b, c, d))
    >>> round(float(m.estimate), 4), round(float(m.se), 4)
    (0.5638, 0.2695)
    """
    cells, on = masked_table(table, mask, fill=1.0)
    fixed = correct_zeros(cells, add, to, drop00=False)
    counts = TwoByTwo(*(np.where(on, x, 0.0) for x in cells_of(fixed)))
    difference, variance = observed_minus_expected(counts)
    refuse_no_events(variance, variance, "nobody or everybody had the event")
    total = variance.sum(-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = EffectSize(difference / variance, 1 / variance)
    estimate, se = difference.sum(-1) / total, 1 / np.sqrt(total)
    return pool(estimate, se, effects, variance, on, on.sum(-1), level, "Peto, OR")


def observed_minus_expected(table: TwoByTwo) -> tuple[FloatArray, FloatArray]:
    """Events of group 1 minus those expected without an effect, and their hypergeometric variance, (..., k).

    0 and 0 for a table of fewer than two people.
    """
    n1, n2 = table.n1i, table.n2i
    n = n1 + n2
    events = table.ai + table.ci
    some = n > 1
    size = np.where(some, n, 2.0)
    variance = n1 * n2 * events * (n - events) / (size**2 * (size - 1))
    return np.where(some, table.ai - events * n1 / size, 0.0), np.where(some, variance, 0.0)
