"""The four cells of a two-by-two table from its margins and one printed statistic."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, numbers, together
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo


def cells_from_odds_ratio(
    ratio: ArrayLike, ni: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, whole: bool = True
) -> TwoByTwo:
    """Cells from the odds ratio. Bonett 2007, Am Psychol 62:254.

    Parameters
    ----------
    ratio : odds ratio, not its logarithm
    ni : people in all
    n1i : people in row 1 (`ai + bi`)
    n2i : people in column 1 (`ai + ci`), those with the event: not the size of the second group
    whole : round to whole people, as counts are and printed statistics are not exact

    Returns
    -------
    table; NaN in the cells of a study whose margins do not allow the statistic

    >>> cells_from_odds_ratio(1.8, 100, 45, 30).ai.item()
    17.0
    """
    r, n, row, column = _margins("ratio", numbers("ratio", ratio, gt=0), ni, n1i, n2i)
    # (r - 1) a^2 - s a + r row column = 0: the root between the limits, in the form that holds at r = 1
    s = (r - 1) * (row + column) + n
    root = np.sqrt(np.maximum(s**2 - 4 * r * (r - 1) * row * column, 0))
    return _table(2 * r * row * column / (s + root), n, row, column, whole)


def cells_from_phi(ri: ArrayLike, ni: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, whole: bool = True) -> TwoByTwo:
    """Cells from the phi coefficient `ri`; the margins as in `cells_from_odds_ratio`.

    NaN in the cells of a study whose margins do not allow the coefficient.

    >>> cells_from_phi(0.19, 240, 122, 56).ai.item()
    38.0
    """
    r, n, row, column = _margins("ri", numbers("ri", ri, ge=-1, le=1), ni, n1i, n2i)
    cross = r * np.sqrt(row * (n - row) * column * (n - column))
    return _table((cross + row * column) / n, n, row, column, whole)


def cells_from_chi_square(
    x2i: ArrayLike,
    ni: ArrayLike,
    n1i: ArrayLike,
    n2i: ArrayLike,
    *,
    continuity: ArrayLike = True,
    whole: bool = True,
) -> TwoByTwo:
    """Cells from Pearson's chi-square `x2i`, negative where the association is; the margins as above.

    `continuity`: computed with Yates's correction, for all tables or each. NaN in the cells of a study whose margins
    do not allow the statistic.

    >>> cells_from_chi_square(4.7, 240, 122, 56).ai.item()
    36.0
    """
    x2, n, row, column = _margins("x2i", numbers("x2i", x2i), ni, n1i, n2i)
    margins = row * (n - row) * column * (n - column)
    cross = np.sqrt(np.abs(x2) * margins / n) + np.where(np.asarray(continuity, dtype=bool), n / 2, 0.0)
    return _table((np.sign(x2) * cross + row * column) / n, n, row, column, whole)


def _margins(name: str, value: FloatArray, ni: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> list[FloatArray]:
    given = {name: value, "ni": numbers("ni", ni, gt=0), "n1i": numbers("n1i", n1i, gt=0)}
    x, n, row, column = together(given | {"n2i": numbers("n2i", n2i, gt=0)})
    numbers("ni - n1i", n - row, gt=0)
    numbers("ni - n2i", n - column, gt=0)
    return [x, n, row, column]


def _table(a: FloatArray, n: FloatArray, row: FloatArray, column: FloatArray, whole: bool) -> TwoByTwo:
    cells = np.stack([a, row - a, column - a, n - row - column + a])
    if whole:
        cells = np.round(cells)
    possible = np.all(cells >= 0, axis=0)
    return TwoByTwo(*(np.where(possible, x, np.nan)[()] for x in cells))
