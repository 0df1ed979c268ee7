"""The quantile estimation method: the distribution whose quantiles come nearest to the printed ones.

McGrath et al. 2020, Stat Methods Med Res 29:2520. Normal, log-normal, Weibull and gamma distributions are fitted by
least squares of the quantiles at 1/n, 1/4, 1/2, 3/4 and 1 - 1/n; the best of them gives mean and SD. With a value below
zero only the normal is fitted. The beta distribution, for values within 0 and 1, is not among them. Each of the three
positive families has a scale that enters linearly, so one shape is searched: over a grid, then by golden section.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray
from pipeline.meta.conversions.quantiles import Quantiles

GRID = np.linspace(np.log(0.005), np.log(8.0), 80)
GOLDEN = (np.sqrt(5) - 1) / 2
STEPS = 45

Shape = FloatArray
Moments = tuple[FloatArray, FloatArray]


def quantile_matching(q: Quantiles) -> Moments:
    """Mean and SD of the best family for each study; NaN where neither range nor quartiles and median are printed.

    >>> from pipeline.meta.conversions.quantiles import printed_quantiles
    >>> quantile_matching(printed_quantiles(40, np.nan, 3, 5, 8, np.nan))[0].round(4).item()
    5.9539
    """
    x = q.values()
    known = ~np.isnan(x)
    usable = known[..., 2] & (known.sum(axis=-1) >= 3) & (q.n > 2)
    x = np.where(known & usable[..., None], x, 0.0)
    weight = (known & usable[..., None]).astype(float)
    n = np.where(usable, q.n, 4.0)
    p = np.stack([1 / n, np.full(n.shape, 0.25), np.full(n.shape, 0.5), np.full(n.shape, 0.75), 1 - 1 / n], axis=-1)
    fits = [_normal(x, p, weight)]
    positive = usable & (np.min(np.where(weight > 0, x, 0.0), axis=-1) >= 0)
    for curve, moments in _FAMILIES:
        loss, mean, sd = _fit(x, p, weight, curve, moments)
        fits.append((np.where(positive & np.isfinite(loss), loss, np.inf), mean, sd))
    loss, mean, sd = (np.stack(part) for part in zip(*fits, strict=True))
    best = np.argmin(loss, axis=0)[None]
    mean, sd = np.take_along_axis(mean, best, 0)[0], np.take_along_axis(sd, best, 0)[0]
    return np.where(usable, mean, np.nan), np.where(usable, sd, np.nan)


def _normal(x: FloatArray, p: FloatArray, weight: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    z = special.ndtri(p)
    total = np.maximum(weight.sum(axis=-1), 1)
    center_z, center_x = (np.sum(weight * y, axis=-1) / total for y in (z, x))
    dz, dx = z - center_z[..., None], x - center_x[..., None]
    sd = np.sum(weight * dz * dx, axis=-1) / np.maximum(np.sum(weight * dz**2, axis=-1), 1e-300)
    mean = center_x - sd * center_z
    return np.sum(weight * (x - mean[..., None] - sd[..., None] * z) ** 2, axis=-1), mean, sd


def _fit(
    x: FloatArray,
    p: FloatArray,
    weight: FloatArray,
    curve: Callable[[FloatArray, Shape], FloatArray],
    moments: Callable[[Shape, FloatArray], Moments],
) -> tuple[FloatArray, FloatArray, FloatArray]:
    def profile(log_shape: Shape) -> tuple[FloatArray, FloatArray]:
        g = curve(p, np.exp(log_shape)[..., None])
        scale = np.sum(weight * x * g, axis=-1) / np.sum(weight * g**2, axis=-1)
        return np.sum(weight * (x - scale[..., None] * g) ** 2, axis=-1), scale

    with np.errstate(all="ignore"):
        start = np.stack([profile(np.full(x.shape[:-1], s))[0] for s in GRID])
        at = np.nanargmin(np.where(np.isfinite(start), start, np.inf), axis=0)
        low, high = GRID[np.maximum(at - 1, 0)], GRID[np.minimum(at + 1, len(GRID) - 1)]
        for _ in range(STEPS):
            a, b = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
            left = profile(a)[0] < profile(b)[0]
            low, high = np.where(left, low, a), np.where(left, b, high)
        shape = (low + high) / 2
        loss, scale = profile(shape)
        return loss, *moments(np.exp(shape), scale)


def _lognormal(p: FloatArray, s: Shape) -> FloatArray:
    return np.exp(s * special.ndtri(p))


def _lognormal_moments(s: Shape, scale: FloatArray) -> Moments:
    mean = scale * np.exp(s**2 / 2)
    return mean, mean * np.sqrt(np.expm1(s**2))


def _weibull(p: FloatArray, s: Shape) -> FloatArray:
    return (-np.log1p(-p)) ** s


def _weibull_moments(s: Shape, scale: FloatArray) -> Moments:
    first = special.gamma(1 + s)
    return scale * first, scale * np.sqrt(special.gamma(1 + 2 * s) - first**2)


def _gamma(p: FloatArray, s: Shape) -> FloatArray:
    return special.gammaincinv(1 / s**2, p) * s**2


def _gamma_moments(s: Shape, scale: FloatArray) -> Moments:
    return scale, scale * s


# the shape `s` is the SD of the logarithm, the inverse of Weibull's exponent, and gamma's coefficient of variation
_FAMILIES = ((_lognormal, _lognormal_moments), (_weibull, _weibull_moments), (_gamma, _gamma_moments))
