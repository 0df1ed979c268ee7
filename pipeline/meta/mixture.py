"""Mixtures of normal distributions, many at once: probabilities, quantiles, mode."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray


@dataclass(frozen=True, slots=True)
class NormalMixture:
    """Mixtures with n components each; B is the shape of the batch.

    Attributes
    ----------
    means, sds, weights : of the components, B + (n,); the weights sum to 1

    >>> both = NormalMixture(np.array([-1.0, 1.0]), np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    >>> round(float(both.mean()), 4), round(float(both.above([0.0])[0]), 4)
    (0.5, 0.7386)
    """

    means: FloatArray
    sds: FloatArray
    weights: FloatArray

    def mean(self) -> FloatArray:
        """Expectation, shape B."""
        return np.sum(self.weights * self.means, axis=-1)

    def sd(self) -> FloatArray:
        """Standard deviation, shape B."""
        apart = self.means - self.mean()[..., None]
        return np.sqrt(np.sum(self.weights * (self.sds**2 + apart**2), axis=-1))

    def cdf(self, x: ArrayLike) -> FloatArray:
        """P(X <= x) for x of shape B + (m,)."""
        return self._sum(special.ndtr(self._standard(x)))

    def above(self, x: ArrayLike) -> FloatArray:
        """P(X > x) for x of shape B + (m,), exact in the far tail."""
        return self._sum(special.ndtr(-self._standard(x)))

    def density(self, x: ArrayLike) -> FloatArray:
        """Density at x of shape B + (m,)."""
        return self._sum(np.exp(-(self._standard(x) ** 2) / 2) / self.sds[..., None, :]) / np.sqrt(2 * np.pi)

    def slope(self, x: ArrayLike) -> FloatArray:
        """Derivative of the density, but for a factor."""
        z = self._standard(x)
        return -self._sum(z * np.exp(-(z**2) / 2) / self.sds[..., None, :] ** 2)

    def quantile(self, p: ArrayLike) -> FloatArray:
        """x with P(X <= x) = p for p of shape B + (m,): bracketed Newton steps on the normal scale, where
        a mixture is nearly a line."""
        q = np.broadcast_to(p, np.broadcast_shapes(np.shape(p), (*self.means.shape[:-1], 1)))
        z = special.ndtri(q)
        reach = self.means[..., None, :] + self.sds[..., None, :] * z[..., None]
        used = self.weights[..., None, :] > 0
        lo, hi = np.where(used, reach, np.inf).min(-1), np.where(used, reach, -np.inf).max(-1)
        # a typical component, not the sd: tails may be so heavy that the sd means nothing. The score is concave
        # outwards, so that steps from the middle do not pass the root
        typical = np.exp(np.sum(self.weights * np.log(self.sds), axis=-1))[..., None]
        x = np.clip(self.mean()[..., None] + typical * z, lo, hi)
        small = 1e-10 * typical  # the error left is of the order of its square
        for _ in range(200):
            below, above = self.cdf(x), self.above(x)
            score = np.where(below < 0.5, special.ndtri(below), -special.ndtri(above))
            gap = score - z
            lo, hi = np.where(gap < 0, x, lo), np.where(gap < 0, hi, x)
            with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
                new = x - gap * np.exp(-(score**2) / 2) / np.sqrt(2 * np.pi) / self.density(x)
            new = np.where((new >= lo) & (new <= hi), new, (lo + hi) / 2)
            near = np.abs(new - x) <= 4e-16 * np.abs(new) + small
            x = new
            if np.all(near):
                break
        return x

    def mode(self) -> FloatArray:
        """Place of the highest density, shape B: the best of 65 quantiles, then halvings of the slope's sign change."""
        at = self.quantile(np.linspace(0.001, 0.999, 65))
        best = np.argmax(self.density(at), axis=-1)[..., None]
        lo = np.take_along_axis(at, np.maximum(best - 1, 0), -1)
        hi = np.take_along_axis(at, np.minimum(best + 1, at.shape[-1] - 1), -1)
        for _ in range(100):
            middle = (lo + hi) / 2
            if np.all((middle == lo) | (middle == hi)):
                break
            rises = self.slope(middle) > 0
            lo, hi = np.where(rises, middle, lo), np.where(rises, hi, middle)
        return ((lo + hi) / 2)[..., 0]

    def _standard(self, x: ArrayLike) -> FloatArray:
        return (np.asarray(x, dtype=np.float64)[..., None] - self.means[..., None, :]) / self.sds[..., None, :]

    def _sum(self, values: FloatArray) -> FloatArray:
        return np.sum(self.weights[..., None, :] * values, axis=-1)
