"""Two-by-two tables: `ai, bi` with and without the event in group 1, `ci, di` in group 2; and events in person-time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.effect_sizes.effect import maybe_numbers

CELLS = ("ai", "bi", "ci", "di")
ZERO_RULES = ("only0", "all", "if0all", "none")


@dataclass(frozen=True, slots=True)
class TwoByTwo:
    """Counts of one or more tables, all of one shape (..., k); a scalar stands for every study.

    NaN in a cell says that a study's table is not known: its effect is NaN, and it cannot be pooled unless masked.

    Attributes
    ----------
    ai, bi : people of group 1 with and without the event
    ci, di : people of group 2 with and without the event

    Raises
    ------
    InvalidInput
        A negative or infinite count, or cells of unequal shapes.
    """

    ai: FloatArray
    bi: FloatArray
    ci: FloatArray
    di: FloatArray

    def __post_init__(self) -> None:
        given = {name: maybe_numbers(name, getattr(self, name), ge=0) for name in CELLS}
        for name, x in zip(CELLS, together(given), strict=True):
            object.__setattr__(self, name, x[()])

    @property
    def n1i(self) -> FloatArray:
        """People in group 1."""
        return self.ai + self.bi

    @property
    def n2i(self) -> FloatArray:
        """People in group 2."""
        return self.ci + self.di


def cells_of(table: TwoByTwo) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """The four cells. Raises `InvalidInput` for anything but a table.

    >>> [x.item() for x in cells_of(from_cells(3, 7, 5, 5))]
    [3.0, 7.0, 5.0, 5.0]
    """
    if not isinstance(table, TwoByTwo):
        raise InvalidInput(f"table must be a TwoByTwo, from from_cells or from_events (found {type(table).__name__})")
    return table.ai, table.bi, table.ci, table.di


def refuse_empty_groups(table: TwoByTwo) -> None:
    """Raises `InvalidInput` where a group has nobody; a group that is NaN passes.

    >>> refuse_empty_groups(from_cells(3, 7, 5, 5))
    """
    maybe_numbers("n1i", table.n1i, gt=0)
    maybe_numbers("n2i", table.n2i, gt=0)


def from_cells(ai: ArrayLike, bi: ArrayLike, ci: ArrayLike, di: ArrayLike) -> TwoByTwo:
    """Table from its four cells. Raises `InvalidInput` for negative counts, an empty group or unequal shapes.

    >>> from_cells(3, 7, 5, 5).n1i.item()
    10.0
    """
    table = TwoByTwo(*(numbers(name, x, ge=0) for name, x in zip(CELLS, (ai, bi, ci, di), strict=True)))
    refuse_empty_groups(table)
    return table


def from_events(ai: ArrayLike, n1i: ArrayLike, ci: ArrayLike, n2i: ArrayLike) -> TwoByTwo:
    """Table from events and group sizes. Raises `InvalidInput`, also where events exceed the group.

    >>> from_events(3, 10, 5, 10).bi.item()
    7.0
    """
    sizes = {"ai": numbers("ai", ai, ge=0), "n1i": numbers("n1i", n1i, gt=0)}
    sizes |= {"ci": numbers("ci", ci, ge=0), "n2i": numbers("n2i", n2i, gt=0)}
    a, n1, c, n2 = together(sizes)
    for events, total, name in ((a, n1, "ai"), (c, n2, "ci")):
        if (events > total).any():
            at = np.argwhere(events > total)[0]
            raise InvalidInput(f"{name}{list(map(int, at)) or ''} has more events than people")
    return TwoByTwo(a, n1 - a, c, n2 - c)


def add_to_zeros(counts: FloatArray, add: float, to: str) -> FloatArray:
    """Counts with `add` put to every count of the studies that `to` chooses.

    Parameters
    ----------
    counts : shape (number of counts of a study, ..., k)
    add : not negative; one number, or one for each study
    to : "only0" studies with a zero; "if0all" all studies of a batch row as soon as one has a zero; "all"; "none"

    >>> add_to_zeros(np.array([[0.0, 3.0], [9.0, 6.0]]), 0.5, "only0").tolist()
    [[0.5, 3.0], [9.5, 6.0]]
    """
    amount = numbers("add", add, ge=0)
    if amount.ndim and amount.shape != counts.shape[1:]:
        raise InvalidInput(f"add must be one number, or one for each study {counts.shape[1:]} (found {amount.shape})")
    return counts + amount * _corrected(np.any(counts == 0, axis=0), to)


def correct_zeros(table: TwoByTwo, add: float, to: str, drop00: bool, *, paired: bool = False) -> TwoByTwo:
    """Continuity correction (Cox 1970; Sweeting, Sutton & Lambert 2004, Stat Med 23:1351).

    `to`: "only0" adds `add` to every cell of tables with a zero cell; "if0all" to all tables of a batch row as soon as
    one has a zero cell; "all" to all tables; "none" to none. `drop00` gives NaN where neither group or both groups had
    only events, or none. An empty group is refused, unless the table is of pairs (`paired`).

    >>> correct_zeros(from_cells(0, 10, 5, 5), 0.5, "only0", False).ai.item()
    0.5
    """
    counts = np.stack(cells_of(table))
    if not paired:
        refuse_empty_groups(table)
    cells = add_to_zeros(counts, add, to)
    if drop00:
        empty = ((table.ai == 0) & (table.ci == 0)) | ((table.bi == 0) & (table.di == 0))
        cells = np.where(empty, np.nan, cells)
    return TwoByTwo(*cells)


def correct_zero_rates(
    x1i: FloatArray, x2i: FloatArray, add: float, to: str, drop00: bool
) -> tuple[FloatArray, FloatArray]:
    """As `correct_zeros`, for events counted in person-time (only events are corrected).

    >>> correct_zero_rates(np.array(0.0), np.array(5.0), 0.5, "only0", False)[1].item()
    5.5
    """
    cells = add_to_zeros(np.stack([x1i, x2i]), add, to)
    if drop00:
        cells = np.where((x1i == 0) & (x2i == 0), np.nan, cells)
    return cells[0], cells[1]


def _corrected(zero: np.ndarray, to: str) -> np.ndarray:
    if to not in ZERO_RULES:
        raise InvalidInput(f"to {to!r} is not known; choose from {', '.join(ZERO_RULES)}")
    if to == "only0":
        return zero
    if to == "if0all":
        return np.broadcast_to(zero.any(axis=-1, keepdims=True) if zero.ndim else zero, zero.shape)
    return np.full(zero.shape, to == "all")


@dataclass(frozen=True, slots=True)
class ChiSquare:
    """Pearson's test of a two-by-two table.

    Attributes
    ----------
    statistic : chi-square on one degree of freedom
    p : its upper tail
    """

    statistic: FloatArray
    p: FloatArray


def pearson_chi_square(table: TwoByTwo, *, continuity: bool = False) -> ChiSquare:
    """Pearson's chi-square of a two-by-two table, with Yates's correction (1934) if `continuity`.

    NaN where nobody or everybody had the event.

    >>> pearson_chi_square(from_cells(10, 40, 20, 30)).p.round(4).item()
    0.0291
    """
    cells_of(table)
    n = table.n1i + table.n2i
    gap = np.abs(table.ai * table.di - table.bi * table.ci)
    if continuity:
        gap = np.maximum(gap - n / 2, 0)
    margins = table.n1i * table.n2i * (table.ai + table.ci) * (table.bi + table.di)
    with np.errstate(invalid="ignore", divide="ignore"):
        statistic = n * gap**2 / margins
    return ChiSquare(statistic, special.chdtrc(1, statistic))
