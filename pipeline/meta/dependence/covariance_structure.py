"""What a structure of correlated random effects is: a covariance as a function of a few parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray

Matrix = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure for the levels at hand.

    Attributes
    ----------
    covariance : parameters (..., q) to G, (..., m, m)
    slopes : parameters (..., q) to dG, (..., q, m, m)
    lower : smallest value of each parameter, (q,)
    starts : parameters to begin with for a variance of 1, (s, q)
    power : parameters grow as the variance to this power, (q,): 1 variance, 0.5 standard deviation, 0 angle
    edge : parameters (..., q) in units of the data's spread to True at the edge of what is possible
    linear : do the derivatives not depend on the parameters
    common_variance : is there one variance for all levels
    rho : parameters (..., q) to the correlations that define the structure, (..., r), by columns of the lower triangle
    bounded : parameters (..., q) to True where G is a covariance; None where every G is
    angle : a correlation to the parameter that has it; None where no parameter is a correlation
    lowest : the lowest correlation
    """

    covariance: Matrix
    slopes: Matrix
    lower: FloatArray
    starts: FloatArray
    power: FloatArray
    edge: Callable[[FloatArray], BoolArray]
    linear: bool
    common_variance: bool
    rho: Matrix
    bounded: Callable[[FloatArray], BoolArray] | None = None
    angle: Matrix | None = None
    lowest: float = -1.0


@dataclass(frozen=True, slots=True)
class Levels:
    """The levels of a factor.

    Attributes
    ----------
    times : value of each level (or coordinates, (m, c)), for structures in time or space
    met : for each set of levels that a group has, True for those levels, (n, m)
    """

    times: FloatArray
    met: BoolArray

    @property
    def m(self) -> int:
        """Number of levels."""
        return self.met.shape[1]

    @property
    def together(self) -> BoolArray:
        """True where two levels ever meet in one group, (m, m)."""
        return np.asarray((self.met[:, :, None] & self.met[:, None, :]).any(0))


def linear(bases: FloatArray, starts: FloatArray, *, common_variance: bool, rho: Matrix | None = None) -> Structure:
    """G = sum of parameters >= 0 times fixed matrices (q, m, m)."""
    q = len(bases)

    def none(t: FloatArray) -> FloatArray:
        return np.zeros((*t.shape[:-1], 0))

    return Structure(
        covariance=lambda t: np.einsum("...q,qij->...ij", t, bases),
        slopes=lambda t: np.broadcast_to(bases, (*t.shape[:-1], *bases.shape)),
        lower=np.zeros(q),
        starts=starts,
        power=np.ones(q),
        edge=lambda t: np.asarray((t <= 0).any(-1)),
        linear=True,
        common_variance=common_variance,
        rho=rho or none,
    )


def correlations(g: FloatArray) -> FloatArray:
    """Correlations of a covariance (..., m, m), by columns of the lower triangle; 0 where a variance is 0."""
    s = np.sqrt(np.diagonal(g, axis1=-2, axis2=-1))
    j, i = np.triu_indices(g.shape[-1], 1)
    size = s[..., i] * s[..., j]
    return np.where(size > 0, g[..., i, j] / np.where(size > 0, size, 1.0), 0.0)
