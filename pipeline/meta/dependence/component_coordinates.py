"""Structures in other parameters, so that one variance or correlation is one parameter and can be kept at a value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.dependence.covariance_structure import Levels, Matrix, Structure, correlations
from pipeline.meta.dependence.structures import STRUCTURES, exchangeable


@dataclass(frozen=True, slots=True)
class Coordinate:
    """A structure in which one component is one parameter, so that it can be kept at a value.

    Attributes
    ----------
    structure : the same covariances in other parameters
    place : which parameter
    parameter : value of the component to the parameter
    low, high : values that the component can have
    """

    structure: Structure
    place: int
    parameter: Matrix
    low: float
    high: float


def coordinate(name: str, levels: Levels, kind: str, index: int) -> Coordinate:
    """The structure `name` with its variance ("tau2") or correlation ("rho") number `index` as a parameter."""
    if name == "UN" and not (kind == "tau2" and not levels.together.all()):
        return _leading(levels, kind, index)
    same = exchangeable(levels, heteroscedastic=False) if name == "CS" else STRUCTURES[name](levels)
    if kind == "rho" and same.angle is not None:
        return Coordinate(same, len(same.lower) - 1, same.angle, same.lowest, 1.0)
    place = int(np.flatnonzero(same.power > 0)[0]) + index if name != "UN" else _diagonal_entry(levels, index)
    root = same.power[place] == 0.5
    return Coordinate(same, place, np.sqrt if root else np.asarray, 0.0, np.inf)


def _diagonal_entry(levels: Levels, index: int) -> int:
    i, j = np.nonzero(np.tril(levels.together | np.eye(levels.m, dtype=bool)))
    return int(np.flatnonzero((i == index) & (j == index))[0])


def _leading(levels: Levels, kind: str, index: int) -> Coordinate:
    """Unstructured, the level or pair of levels in front: s_1, s_2, the angle between them, further rows of L."""
    m = levels.m
    if not levels.together.all():
        raise InvalidInput("levels that never meet in a group: their correlations have no profile")
    j, i = np.triu_indices(m, 1)
    front = [index] if kind == "tau2" else [int(j[index]), int(i[index])]
    order = np.array(front + [n for n in range(m) if n not in front])
    back = np.argsort(order)
    rows, columns = (a[3:] for a in np.tril_indices(m))
    head = min(m, 2) * 2 - 1
    count = head + len(rows)

    def root(t: FloatArray) -> tuple[FloatArray, FloatArray]:
        low, d = np.zeros((*t.shape[:-1], m, m)), np.zeros((*t.shape[:-1], count, m, m))
        low[..., 0, 0], d[..., 0, 0, 0] = t[..., 0], 1
        if m > 1:
            s, c, size = np.sin(t[..., 2]), np.cos(t[..., 2]), t[..., 1]
            low[..., 1, 0], low[..., 1, 1] = size * s, size * c
            d[..., 1, 1, 0], d[..., 1, 1, 1] = s, c
            d[..., 2, 1, 0], d[..., 2, 1, 1] = size * c, -size * s
        low[..., rows, columns] = t[..., 3:]
        d[..., 3 + np.arange(len(rows)), rows, columns] = 1
        return low, d

    def covariance(t: FloatArray) -> FloatArray:
        low = root(t)[0]
        return (low @ np.swapaxes(low, -1, -2))[..., back, :][..., back]

    def slopes(t: FloatArray) -> FloatArray:
        low, d = root(t)
        half = d @ np.swapaxes(low, -1, -2)[..., None, :, :]
        return (half + np.swapaxes(half, -1, -2))[..., back, :][..., back]

    power = np.full(count, 0.5)
    power[2:head] = 0
    starts = np.array(
        [[1.0, 1.0, a][:head] + [float(r == c) for r, c in zip(rows, columns, strict=True)] for a in (0.5, -0.5)]
    )
    lower = np.full(count, -np.inf)
    lower[: min(m, 2)] = 0
    plain = Structure(
        covariance, slopes, lower, starts, power, lambda t: np.zeros(t.shape[:-1], dtype=bool), False, False,
        lambda t: correlations(covariance(t)),
    )  # fmt: skip
    return Coordinate(plain, 0, np.sqrt, 0.0, np.inf) if kind == "tau2" else Coordinate(plain, 2, np.arcsin, -1.0, 1.0)
