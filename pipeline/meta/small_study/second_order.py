"""Numbers that carry their first and second derivatives by a few parameters (forward mode)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class SecondOrder:
    """A value with derivatives by m parameters.

    Attributes
    ----------
    value, first, second : shapes (...), (m, ...), (m, m, ...)
    """

    value: FloatArray
    first: FloatArray
    second: FloatArray

    def __add__(self, other: SecondOrder | FloatArray | float) -> SecondOrder:
        if isinstance(other, SecondOrder):
            return SecondOrder(self.value + other.value, self.first + other.first, self.second + other.second)
        return SecondOrder(self.value + other, self.first, self.second)

    def __mul__(self, other: SecondOrder | FloatArray | float) -> SecondOrder:
        if not isinstance(other, SecondOrder):
            return SecondOrder(self.value * other, self.first * other, self.second * other)
        cross = self.first[:, None] * other.first[None]
        second = self.second * other.value + other.second * self.value + cross + np.swapaxes(cross, 0, 1)
        return SecondOrder(self.value * other.value, self.first * other.value + other.first * self.value, second)

    def map(self, value: FloatArray, first: FloatArray, second: FloatArray) -> SecondOrder:
        """f of this number, from f and its first two derivatives there."""
        outer = self.first[:, None] * self.first[None]
        return SecondOrder(value, first * self.first, first * self.second + second * outer)

    def inverse(self) -> SecondOrder:
        """1 / x."""
        r = 1 / self.value
        return self.map(r, -(r**2), 2 * r**3)

    def root(self) -> SecondOrder:
        """sqrt(x)."""
        r = np.sqrt(self.value)
        return self.map(r, 0.5 / r, -0.25 / r**3)

    def log(self) -> SecondOrder:
        """log(x)."""
        r = 1 / self.value
        return self.map(np.log(self.value), r, -(r**2))


def variable(value: FloatArray, which: int, of: int, scale: FloatArray | float = 1.0) -> SecondOrder:
    """Parameter number `which` of `of`, times `scale`."""
    first = np.zeros((of, *np.shape(value)))
    first[which] = scale
    return SecondOrder(np.asarray(value * scale), first, np.zeros((of, of, *np.shape(value))))
