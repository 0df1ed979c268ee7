"""Distribution of a weighted sum of chi-square variables, such as Cochran's Q between heterogeneous studies.

Q = sum_i weights_i X_i^2 with X_i standard normal has the cumulant function K(s) = -1/2 sum log(1 - 2 weights_i s).
A tail is the integral of exp(K(s) - s q) / s along a path from below to above the real axis (Daniels 1987, Int Stat Rev
55:37). The path is a parabola through the saddle point that opens around the branch cut, where the integrand falls off
like a Gaussian, so that the trapezoid rule gains digits with every node (Trefethen & Weideman 2014, SIAM Rev 56:385).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers
from pipeline.meta.guards import fitting

NODES = 500
REACH = 30.0  # standard deviations of the saddle point's Gaussian that the nodes cover


def quadratic_form_tail(q: ArrayLike, weights: ArrayLike) -> FloatArray:
    """P(Q > q).

    Parameters
    ----------
    q : > 0, shape (...)
    weights : >= 0, (..., m), at least one of them positive; the leading axes fit q

    Raises
    ------
    InvalidInput
        q <= 0, a weight < 0, all of them 0, shapes that do not fit.

    Returns
    -------
    Upper tail, shape (...), with an absolute error around 1e-14

    Examples
    --------
    >>> round(float(quadratic_form_tail(3.841458820694124, [1.0])), 9)
    0.05
    """
    x, w = numbers("q", q, gt=0), numbers("weights", weights, ge=0)
    if w.ndim == 0 or w.shape[-1] == 0:
        raise InvalidInput(f"weights must have shape (..., m), m > 0: found {w.shape}")
    fitting({"q": x, "weights without their last axis": w[..., 0]})
    top = w.max(-1)
    numbers("the largest weight", top, gt=0)
    w, x = w / top[..., None], x / top  # the cut now starts at 1/2
    s0 = _saddle_point(x, w)
    spread = 1 / np.sqrt(np.sum((w / (1 - 2 * w * s0[..., None])) ** 2, -1) * 2 + 1 / s0**2)
    t = np.linspace(0, REACH, NODES)  # the other half of the path is its mirror image
    step = spread[..., None] * t
    bend = 1 / (4 * (0.5 - s0)[..., None])
    s = s0[..., None] + bend * step**2 + 1j * step
    path = 2 * bend * step + 1j  # ds / dstep
    k = -0.5 * np.sum(np.log(1 - 2 * w[..., None, :] * s[..., None]), -1)
    values = (np.exp(k - s * x[..., None]) / s * path).imag
    integral = (values.sum(-1) - values[..., 0] / 2) * spread * t[1] / np.pi
    return np.where(s0 > 0, integral, 1 + integral)[()]


def _saddle_point(x: FloatArray, w: FloatArray) -> FloatArray:
    """Root of K'(s) = x + 1/s on the side of 0 where the tail beyond x is the smaller one, by bisection."""
    upper = x > w.sum(-1)
    lo = np.where(upper, 0.0, -(w.shape[-1] + 2) / x)
    hi = np.where(upper, 0.5, 0.0)
    for _ in range(60):
        s = (lo + hi) / 2
        slope = np.sum(w / (1 - 2 * w * s[..., None]), -1) - x - 1 / s
        lo, hi = np.where(slope < 0, s, lo), np.where(slope < 0, hi, s)
    return (lo + hi) / 2
