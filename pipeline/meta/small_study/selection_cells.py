"""The z axis in cells of constant or sampled weight, and the p values of z."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray
from pipeline.meta.small_study.selection_functions import PValues

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(10)
_PANEL = 1.25  # length of a quadrature panel on the z scale
_LIMIT = 8.3  # beyond it p is 0 or 1 to machine precision
_FAR = 38.0  # beyond it p is 0 even for the function of a root of p
_NEAR = (1e-4, 1e-3, 0.004, 0.015, 0.05, 0.15, 0.5)  # panels close to z = 0, where 1 - p of a two-sided test has a root


@dataclass(frozen=True, slots=True)
class Cells:
    """The z axis in pieces: first `nodes` with their quadrature weights, then intervals (lower, upper).

    Attributes
    ----------
    nodes, node_weights, lower, upper : z values; quadrature weights
    p : the p value of each cell
    """

    nodes: FloatArray
    node_weights: FloatArray
    lower: FloatArray
    upper: FloatArray
    p: PValues


def p_values(z: FloatArray, steps: FloatArray, two_sided: bool, censor: float) -> PValues:
    """p values of z, one-sided upper or two-sided."""
    u = np.abs(z) if two_sided else z
    p = special.ndtr(-u) * (2 if two_sided else 1)
    log_p = special.log_ndtr(-u) + (np.log(2.0) if two_sided else 0.0)
    with np.errstate(divide="ignore"):
        log_1mp = np.log(special.erf(u / np.sqrt(2.0))) if two_sided else special.log_ndtr(u)
    if censor:
        log_p = np.clip(log_p, np.log(censor), np.log1p(-censor))
        log_1mp = np.clip(log_1mp, np.log(censor), np.log1p(-censor))
        p = np.clip(p, censor, 1 - censor)
    return PValues(p, log_p, log_1mp, np.searchsorted(steps, p, side="left"))


def step_cells(steps: FloatArray, two_sided: bool) -> Cells:
    """Cells of a step function: only intervals. `steps` end with 1."""
    edge = np.maximum(-special.ndtri(steps / (2 if two_sided else 1)), 0.0 if two_sided else -np.inf)
    lower, upper = edge, np.concatenate(([np.inf], edge[:-1]))
    interval = np.arange(len(steps))
    if two_sided:
        lower, upper, interval = np.append(lower, -upper), np.append(upper, -lower), np.append(interval, interval)
    blank = np.zeros(len(interval))
    return Cells(np.empty(0), np.empty(0), lower, upper, PValues(blank, blank, blank, interval))


def smooth_cells(steps: FloatArray, two_sided: bool, censor: float, *, far: bool = False) -> Cells:
    """Cells of a smooth function: nodes where p varies, one interval at each end where it is 0 or 1.

    `steps` are (threshold, 1), the threshold 0 for none.
    """
    end = -special.ndtri(censor / (2 if two_sided else 1)) if censor else _FAR if far else _LIMIT
    top = min(-special.ndtri(steps[0] / (2 if two_sided else 1)), end)
    if two_sided:
        near = [-special.ndtri((1 - censor) / 2)] if censor else []
        nodes, weights = _panels(np.concatenate(([0.0], near, _NEAR, [top])))
        nodes, weights = np.append(nodes, -nodes), np.append(weights, weights)
        lower, upper = np.array([top, -np.inf]), np.array([np.inf, -top])
    else:
        bottom = special.ndtri(censor) if censor else -_LIMIT
        nodes, weights = _panels(np.array([bottom, min(0.0, top), top]))
        lower, upper = np.array([top, -np.inf]), np.array([np.inf, bottom])
    ends = [60.0, 60.0 if two_sided else -60.0]
    return Cells(nodes, weights, lower, upper, p_values(np.append(nodes, ends), steps, two_sided, censor))


def _panels(edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Gauss-Legendre nodes and weights on panels of at most _PANEL between the edges."""
    edges = np.unique(edges)
    parts = [np.linspace(a, b, int(np.ceil((b - a) / _PANEL)) + 1) for a, b in pairwise(edges)]
    grid = np.unique(np.concatenate(parts))
    half, centre = np.diff(grid)[:, None] / 2, (grid[1:] + grid[:-1])[:, None] / 2
    return (centre + half * _NODES).ravel(), (half * _NODE_WEIGHTS).ravel()
