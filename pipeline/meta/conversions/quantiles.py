"""Printed quantiles of a sample, checked, and which of them there are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, numbers, together
from pipeline.meta.effect_sizes.effect import maybe_numbers


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Quantiles of samples, all of one shape; NaN where not printed.

    Attributes
    ----------
    n : people
    minimum, q1, median, q3, maximum : in ascending order
    """

    n: FloatArray
    minimum: FloatArray
    q1: FloatArray
    median: FloatArray
    q3: FloatArray
    maximum: FloatArray

    @property
    def has_range(self) -> BoolArray:
        """Minimum and maximum are printed."""
        return ~np.isnan(self.minimum)

    @property
    def has_quartiles(self) -> BoolArray:
        """First and third quartile are printed."""
        return ~np.isnan(self.q1)

    def by_pattern(self, of_range: FloatArray | None, of_quartiles: FloatArray | None, of_all: FloatArray | None
                   ) -> FloatArray:  # fmt: skip
        """The value for what is printed: only the range, only the quartiles, or both; NaN for None or neither."""
        nothing = np.full(self.n.shape, np.nan)
        one, two, three = (nothing if x is None else x for x in (of_range, of_quartiles, of_all))
        r, q = self.has_range, self.has_quartiles
        return np.where(r & q, three, np.where(r, one, np.where(q, two, np.nan)))

    def values(self) -> FloatArray:
        """The five on a new last axis."""
        return np.stack([self.minimum, self.q1, self.median, self.q3, self.maximum], axis=-1)


def printed_quantiles(
    n: ArrayLike, minimum: ArrayLike, q1: ArrayLike, median: ArrayLike, q3: ArrayLike, maximum: ArrayLike
) -> Quantiles:
    """Checked quantiles; NaN is read as "not printed".

    Raises
    ------
    InvalidInput
        Infinite, out of order or of unequal shapes, one quartile or one extreme without the other, or no people.

    >>> printed_quantiles(40, np.nan, 3, 5, 8, np.nan).has_range.item()
    False
    """
    given = {"minimum": minimum, "q1": q1, "median": median, "q3": q3, "maximum": maximum}
    people, *values = together(
        {"n": numbers("n", n, ge=1)} | {name: maybe_numbers(name, x) for name, x in given.items()}
    )
    q = Quantiles(people, *values)
    for name, a, b in (("minimum and maximum", q.minimum, q.maximum), ("q1 and q3", q.q1, q.q3)):
        if (np.isnan(a) != np.isnan(b)).any():
            raise InvalidInput(f"{name} go together: one of them is missing")
    _ascending(q, list(given))
    return q


def _ascending(q: Quantiles, names: list[str]) -> None:
    x = q.values()
    seen = np.fmax.accumulate(x, axis=-1)
    wrong = (x[..., 1:] < seen[..., :-1]).reshape(-1, len(names) - 1)
    if wrong.any():
        at = np.argwhere(wrong)[0]
        raise InvalidInput(
            f"{names[at[1] + 1]} is below a lower quantile in study {at[0]}: minimum to maximum must ascend"
        )
