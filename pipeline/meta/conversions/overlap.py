"""A standardised difference in plain words: how far two normal groups of equal spread and size overlap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, numbers


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a standardised difference says about two normal groups, shape of `d`.

    Attributes
    ----------
    u1 : share of the two groups taken together that do not overlap; the same for d and -d
    u2 : share of the higher group above the same share of the lower group, Phi(d / 2)
    u3 : share of group 2 below the mean of group 1, Phi(d)
    overlap : overlapping coefficient, 2 Phi(-|d| / 2)
    superiority : probability that a person of group 1 is above a person of group 2, Phi(d / sqrt 2)
    success : binomial effect size display, success rate of group 1 of which group 2's is the complement
    """

    u1: FloatArray
    u2: FloatArray
    u3: FloatArray
    overlap: FloatArray
    superiority: FloatArray
    success: FloatArray


def overlap_from_d(d: ArrayLike) -> Overlap:
    """What a standardised difference says about the overlap of two groups.

    U1, U2, U3: Cohen 1988, table 2.2.1. Superiority: McGraw & Wong 1992. Success: Rosenthal & Rubin 1982.

    >>> overlap_from_d(0.5).u3.round(4).item()
    0.6915
    """
    y = numbers("d", d)
    half = special.ndtr(np.abs(y) / 2)
    display = 0.5 + y / np.sqrt(y**2 + 4) / 2
    out = ((2 * half - 1) / half, special.ndtr(y / 2), special.ndtr(y), 2 * (1 - half))
    return Overlap(*(np.asarray(x)[()] for x in (*out, special.ndtr(y / np.sqrt(2)), display)))
