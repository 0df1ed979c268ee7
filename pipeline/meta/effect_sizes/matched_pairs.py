"""Events in matched pairs, or at two times in the same people: the paired table `ai bi / ci di`.

`ai` both times, `bi` only the first, `ci` only the second, `di` neither. Marginal measures compare the two margins;
conditional ones use the discordant pairs only. Curtin, Elbourne & Altman 2002, Stat Med 21:2145; Zou 2007, Clin Trials
4:25.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize, finite
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, correct_zeros


def from_pairs(ai: ArrayLike, bi: ArrayLike, ci: ArrayLike, di: ArrayLike) -> TwoByTwo:
    """Paired table from its four cells; unlike two groups, a row may be empty.

    Raises
    ------
    InvalidInput
        Negative counts, no pairs, or unequal shapes.

    >>> from_pairs(0, 0, 2, 8).n2i.item()
    10.0
    """
    cells = {name: numbers(name, x, ge=0) for name, x in (("ai", ai), ("bi", bi), ("ci", ci), ("di", di))}
    table = TwoByTwo(*together(cells))
    numbers("ai + bi + ci + di", table.n1i + table.n2i, gt=0)
    return table


def paired_risk_difference(pairs: TwoByTwo, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Marginal risk difference. Newcombe 1998, Stat Med 17:2635.

    >>> paired_risk_difference(from_pairs(20, 8, 5, 33)).yi.round(4).item()
    0.0455
    """
    t = correct_zeros(pairs, add, to, False, paired=True)
    n = t.n1i + t.n2i
    yi = (t.bi - t.ci) / n
    return EffectSize(yi, ((t.bi + t.ci) / n - yi**2) / n)


def paired_risk_ratio(pairs: TwoByTwo, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Log ratio of the marginal risks. NaN where a margin is empty.

    >>> paired_risk_ratio(from_pairs(20, 8, 5, 33)).yi.round(4).item()
    0.1133
    """
    t = correct_zeros(pairs, add, to, False, paired=True)
    first, second = t.ai + t.bi, t.ai + t.ci
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.log(first / second), (t.bi + t.ci) / (first * second))


def paired_odds_ratio(pairs: TwoByTwo, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Log ratio of the marginal odds, variance with the covariance of the margins.

    Becker & Balagtas 1993, Biometrics 49:997. NaN where a margin is empty.

    >>> paired_odds_ratio(from_pairs(20, 8, 5, 33)).yi.round(4).item()
    0.1893
    """
    t = correct_zeros(pairs, add, to, False, paired=True)
    n = t.n1i + t.n2i
    first, second = t.ai + t.bi, t.ai + t.ci
    v1, v2 = first * (n - first), second * (n - second)
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(first / (n - first)) - np.log(second / (n - second))
        return finite(yi, n / v1 + n / v2 - 2 * n * (t.ai * t.di - t.bi * t.ci) / (v1 * v2))


def paired_odds_ratio_from_margins(
    table: TwoByTwo, ri: ArrayLike, *, add: float = 0.5, to: str = "only0", drop00: bool = False
) -> EffectSize:
    """`paired_odds_ratio` where only the two margins are printed, and a phi coefficient of the paired table is known.

    Parameters
    ----------
    table : the marginal table: `ai, bi` with and without the event under treatment 1, `ci, di` under treatment 2
    ri : phi coefficient of the pairs, in the shape of the table

    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> paired_odds_ratio_from_margins(from_cells(28, 38, 25, 41), 0.5923).yi.round(4).item()
    0.1893
    """
    t = correct_zeros(table, add, to, drop00)
    r = together({"ri": numbers("ri", ri, ge=-1, le=1), "table": np.asarray(t.ai)})[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        yi = np.log(t.ai / t.bi) - np.log(t.ci / t.di)
        v1, v2 = 1 / t.ai + 1 / t.bi, 1 / t.ci + 1 / t.di
        return finite(yi, v1 + v2 - 2 * r * np.sqrt(v1 * v2))


def conditional_odds_ratio(pairs: TwoByTwo, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Log odds ratio within the pairs, log(b / c). NaN where `to` leaves one of them 0.

    >>> conditional_odds_ratio(from_pairs(20, 8, 5, 33)).yi.round(4).item()
    0.47
    """
    t = correct_zeros(pairs, add, to, False, paired=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(np.log(t.bi / t.ci), 1 / t.bi + 1 / t.ci)


def conditional_peto_odds_ratio(pairs: TwoByTwo, *, add: float = 0.5, to: str = "only0") -> EffectSize:
    """Log odds ratio within the pairs by Peto's method, 2 (b - c) / (b + c). NaN without discordant pairs.

    >>> conditional_peto_odds_ratio(from_pairs(20, 8, 5, 33)).yi.round(4).item()
    0.4615
    """
    t = correct_zeros(pairs, add, to, False, paired=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return finite(2 * (t.bi - t.ci) / (t.bi + t.ci), 4 / (t.bi + t.ci))
