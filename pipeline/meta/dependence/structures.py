"""Covariance of correlated random effects over the levels of a factor, as functions of a few parameters.

A structure maps parameters (..., q) to a covariance G (..., m, m) and its first derivatives (..., q, m, m). The
parameters are chosen so that the edge of what is possible is reached: variances and standard deviations end at 0, a
correlation is the sine of an angle and ends at 1 with a slope of 0, an unstructured G is LL'. Pinheiro & Bates 1996,
Stat Comput 6:289; Pinheiro & Bates 2000, Mixed-Effects Models in S and S-PLUS, ch. 5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray
from pipeline.meta.dependence.covariance_structure import Levels, Structure, correlations, linear


def _identity(levels: Levels) -> Structure:
    return linear(np.eye(levels.m)[None], np.ones((1, 1)), common_variance=True)


def _diagonal(levels: Levels) -> Structure:
    m = levels.m
    bases = np.einsum("qi,qj->qij", np.eye(m), np.eye(m))
    return linear(bases, np.ones((1, m)), common_variance=False)


def _compound_symmetry(levels: Levels) -> Structure:
    """a (I - J/m) + b J/m: both eigenvalues are parameters, so that rho runs from -1/(m - 1) to 1."""
    m = levels.m
    mean = np.full((m, m), 1 / m)
    starts = np.array([[0.5, 1 + (m - 1) * 0.5], [1.0, 1.0]])
    both = linear(np.stack([np.eye(m) - mean, mean]), starts, common_variance=True)
    return replace(both, rho=lambda t: correlations(both.covariance(t))[..., :1])


def _unstructured(levels: Levels) -> Structure:
    m = levels.m
    if not levels.together.all():
        return _entries(levels)
    i, j = np.tril_indices(m)
    place = np.zeros((len(i), m, m))
    place[np.arange(len(i)), i, j] = 1

    def root(t: FloatArray) -> FloatArray:
        return np.einsum("...q,qij->...ij", t, place)

    def slopes(t: FloatArray) -> FloatArray:
        half = place @ np.swapaxes(root(t), -1, -2)[..., None, :, :]
        return half + np.swapaxes(half, -1, -2)

    def edge(t: FloatArray) -> BoolArray:
        size = np.sqrt(np.sum(root(t) ** 2, -1))
        return (np.abs(np.diagonal(root(t), axis1=-2, axis2=-1)) <= 1e-6 * size + 1e-7).any(-1)

    related = np.linalg.cholesky(np.full((m, m), 0.5) + 0.5 * np.eye(m))

    def covariance(t: FloatArray) -> FloatArray:
        return root(t) @ np.swapaxes(root(t), -1, -2)

    return Structure(
        covariance=covariance,
        slopes=slopes,
        lower=np.full(len(i), -np.inf),
        starts=np.stack([related[i, j], np.eye(m)[i, j]]),
        power=np.full(len(i), 0.5),
        edge=edge,
        linear=False,
        common_variance=False,
        rho=lambda t: correlations(covariance(t)),
    )


def _entries(levels: Levels) -> Structure:
    """The entries of G themselves, 0 for levels that never meet.

    The levels of each group must have a covariance; that of all levels together, which the data do not show, may be
    indefinite.
    """
    i, j = np.nonzero(np.tril(levels.together | np.eye(levels.m, dtype=bool)))
    bases = np.zeros((len(i), levels.m, levels.m))
    bases[np.arange(len(i)), i, j] = bases[np.arange(len(i)), j, i] = 1
    plain = linear(bases, (i == j).astype(float)[None], common_variance=False)

    def lowest(t: FloatArray) -> FloatArray:
        """Smallest eigenvalue of a group's covariance, in units of the largest variance."""
        g = plain.covariance(np.where(np.isfinite(t), t, -1.0))
        size = np.abs(g).max((-2, -1)) + 1e-300
        own = [np.linalg.eigvalsh(g[..., row, :][..., row])[..., 0] for row in np.unique(levels.met, axis=0)]
        return np.asarray(np.min(own, axis=0) / size)

    def bounded(t: FloatArray) -> BoolArray:
        return lowest(t) >= -1e-12

    return Structure(
        covariance=plain.covariance,
        slopes=plain.slopes,
        lower=np.where(i == j, 0.0, -np.inf),
        starts=plain.starts,
        power=plain.power,
        edge=lambda t: lowest(t) <= 1e-9,
        linear=True,
        common_variance=False,
        rho=lambda t: correlations(plain.covariance(t)),
        bounded=bounded,
    )


def _scaled(
    m: int,
    correlation: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    angles: list[float],
    low: float,
    *,
    heteroscedastic: bool,
    unit: float = 1.0,
) -> Structure:
    """One angle, last; before it one variance, or a standard deviation for each level.

    `correlation` gives R (..., m, m) and dR for an angle (...). `unit` is the lag to which the angle's correlation
    belongs: the one reported is that of lag 1.
    """
    q = m if heteroscedastic else 1
    own = np.eye(m)
    spreads = [np.ones(q), *(0.2 + 1.2 * own if heteroscedastic else [])]

    def covariance(t: FloatArray) -> FloatArray:
        r = correlation(t[..., -1])[0]
        s = t[..., :q]
        return s[..., :, None] * s[..., None, :] * r if heteroscedastic else s[..., None] * r

    def slopes(t: FloatArray) -> FloatArray:
        r, dr = correlation(t[..., -1])
        s = t[..., :q]
        if not heteroscedastic:
            return np.stack([r, s[..., None] * dr], -3)
        half = own[:, :, None] * (r * s[..., None, :])[..., None, :, :]
        last = (s[..., :, None] * s[..., None, :] * dr)[..., None, :, :]
        return np.concatenate([half + np.swapaxes(half, -1, -2), last], -3)

    def at_edge(t: FloatArray) -> BoolArray:
        return np.asarray((t[..., :q] <= 0).any(-1) | (np.abs(np.cos(t[..., -1])) < 1e-5))

    def rho(t: FloatArray) -> FloatArray:
        r = _turned(low, t[..., -1:])[0]
        return r if unit == 1 else r ** (1 / unit)

    def angle(r: FloatArray) -> FloatArray:
        return np.arcsin(np.clip(2 * ((r if unit == 1 else r**unit) - low) / (1 - low) - 1, -1, 1))

    return Structure(
        covariance=covariance,
        slopes=slopes,
        lower=np.append(np.zeros(q), -np.inf),
        starts=np.array([[*s, a] for s in spreads for a in angles]),
        power=np.append(np.full(q, 0.5 if heteroscedastic else 1.0), 0.0),
        edge=at_edge,
        linear=False,
        common_variance=not heteroscedastic,
        rho=rho,
        angle=angle,
        lowest=low,
    )


def _turned(low: float, a: FloatArray) -> tuple[FloatArray, FloatArray]:
    """rho and its derivative for an angle: rho runs from `low` to 1."""
    half = (1 - low) / 2
    return low + half * (1 + np.sin(a)), half * np.cos(a)


def exchangeable(levels: Levels, *, heteroscedastic: bool) -> Structure:
    m = levels.m
    low = -1 / (m - 1)
    apart = 1 - np.eye(m)

    def correlation(a: FloatArray) -> tuple[FloatArray, FloatArray]:
        r, dr = _turned(low, a[..., None, None])
        return np.eye(m) + r * apart, dr * apart

    return _scaled(m, correlation, [0.3, -0.5], low, heteroscedastic=heteroscedastic)


def _autoregressive(levels: Levels, lags: FloatArray, low: float, *, heteroscedastic: bool) -> Structure:
    """rho to the power of the lag; lags are measured in the smallest, so that no power is below 1."""
    shortest = lags[lags > 0].min()
    unit = lags / shortest

    def correlation(a: FloatArray) -> tuple[FloatArray, FloatArray]:
        r, dr = _turned(low, a[..., None, None])
        return r**unit, np.where(unit > 0, unit * r ** np.maximum(unit - 1, 0), 0.0) * dr

    return _scaled(levels.m, correlation, [0.7, 0.0, -0.4], low, heteroscedastic=heteroscedastic, unit=float(shortest))


def _by_order(levels: Levels) -> FloatArray:
    order = np.arange(levels.m, dtype=np.float64)
    return np.abs(order[:, None] - order)


def _by_time(levels: Levels) -> FloatArray:
    return np.abs(levels.times[:, None] - levels.times)


# the covariance of the levels of the inner factor: its name to a structure for given levels
STRUCTURES: Mapping[str, Callable[[Levels], Structure]] = {
    "CS": _compound_symmetry,
    "HCS": lambda levels: exchangeable(levels, heteroscedastic=True),
    "UN": _unstructured,
    "ID": _identity,
    "DIAG": _diagonal,
    "AR": lambda levels: _autoregressive(levels, _by_order(levels), -1.0, heteroscedastic=False),
    "HAR": lambda levels: _autoregressive(levels, _by_order(levels), -1.0, heteroscedastic=True),
    "CAR": lambda levels: _autoregressive(levels, _by_time(levels), 0.0, heteroscedastic=False),
}
