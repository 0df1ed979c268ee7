"""Effects, variances and moderators of a set of studies, checked once and shared by every model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import LARGEST, BoolArray, FloatArray, IntArray, InvalidInput, floats, numbers, switches
from pipeline.meta.pooling.weighted_fit import WeightedFit, fit

SMALLEST = 1e-100  # of a variance; its square is still a float


@dataclass(frozen=True, slots=True)
class Studies:
    """Studies ready for a model. A study that takes no part has `present` 0, effect 0 and variance 1.

    Attributes
    ----------
    y : effects, (..., k)
    v : sampling variances, (..., k)
    x : design, (k, p) shared by the batch or (..., k, p); a column of ones for a pooled effect
    present : 1 for a study that takes part, else 0, (..., k)
    a : weights chosen by the caller, (..., k); None for inverse-variance weights
    """

    y: FloatArray
    v: FloatArray
    x: FloatArray
    present: FloatArray
    a: FloatArray | None = None

    @property
    def k(self) -> IntArray:
        """Number of studies, shape (...)."""
        return self.present.sum(-1).astype(np.int64)

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return self.x.shape[-1]

    @property
    def df(self) -> IntArray:
        """Residual degrees of freedom k - p, shape (...)."""
        return self.k - self.p

    def fit(self, tau2: ArrayLike = 0.0) -> WeightedFit:
        """Inverse-variance weighted fit at a between-study variance of shape (...)."""
        return fit(self.present / (self.v + np.asarray(tau2)[..., None]), self.x)

    def rows(self, at: BoolArray | IntArray | slice) -> Studies:
        """Some rows of a batch with one leading axis."""
        x = self.x[at] if self.x.ndim > 2 else self.x
        return Studies(self.y[at], self.v[at], x, self.present[at], None if self.a is None else self.a[at])

    def flat(self) -> Studies:
        """The same studies with one leading axis."""
        k = self.y.shape[-1]
        y, v, present = (a.reshape(-1, k) for a in (self.y, self.v, self.present))
        x = self.x if self.x.ndim == 2 else np.broadcast_to(self.x, (*self.y.shape, self.p)).reshape(-1, k, self.p)
        return Studies(y, v, x, present, None if self.a is None else self.a.reshape(-1, k))

    def weighted(self, weights: FloatArray) -> WeightedFit:
        """Fit with given weights."""
        return fit(self.present * weights, self.x)


def studies(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    weights: ArrayLike | None = None,
) -> Studies:
    """Check effects and variances (..., k) and bring them to one shape with the design and the mask.

    Parameters
    ----------
    design : (k, p) or (..., k, p); None for an intercept
    mask : True where a study takes part, broadcast with yi; values elsewhere are not looked at
    weights : > 0, broadcast with yi; None for inverse-variance weights

    Raises
    ------
    InvalidInput
        Unequal lengths, NaN, a variance <= 0, no study, or fewer studies than coefficients.
    """
    y, v = floats("yi", yi), floats("vi", vi)
    if y.ndim == 0 or v.ndim == 0 or y.shape[-1] != v.shape[-1]:
        raise InvalidInput(f"yi and vi must be arrays with as many studies: yi {y.shape}, vi {v.shape}")
    on: BoolArray = np.ones(1, dtype=bool) if mask is None else switches("mask", mask)
    x = np.ones((y.shape[-1], 1)) if design is None else _seen("design", design, on[..., None])
    if x.ndim < 2 or x.shape[-2] != y.shape[-1] or x.shape[-1] == 0:
        raise InvalidInput(f"the design must have shape (k, p), p > 0: k {y.shape[-1]}, design {x.shape}")
    try:
        y, v, on, _ = np.broadcast_arrays(y, v, on, x[..., 0])
    except ValueError:
        raise InvalidInput(f"shapes differ: yi {y.shape}, vi {v.shape}, mask {on.shape}, design {x.shape}") from None
    _check(y, v, on)
    fewest = int(on.sum(-1).min())
    if fewest < x.shape[-1]:
        raise InvalidInput(f"{fewest} studies cannot carry {x.shape[-1]} coefficients")
    if x.ndim > 2:
        x = np.broadcast_to(x, (*y.shape, x.shape[-1]))
    a = None if weights is None else _weights(weights, y.shape, on)
    return Studies(np.where(on, y, 0.0), np.where(on, v, 1.0), x, on.astype(np.float64), a)


def _check(y: FloatArray, v: FloatArray, on: BoolArray) -> None:
    if y.shape[-1] == 0 or not on.any(-1).all():
        raise InvalidInput("no study: there is nothing to pool")
    for name, bad, values, limits in (
        ("yi", ~(np.abs(y) <= LARGEST), y, f"be at most {LARGEST:g} in size"),
        ("vi", ~((v >= SMALLEST) & (v <= LARGEST)), v, f"be > 0, from {SMALLEST:g} to {LARGEST:g}"),
    ):
        bad = bad & on
        if bad.any():
            at = tuple(np.argwhere(bad)[0])
            rule = f"must {limits}" if np.isfinite(values[at]) else "must be finite"
            raise InvalidInput(f"{name}[{', '.join(map(str, at))}] {rule} (found {values[at]:g})")


def _weights(weights: ArrayLike, shape: tuple[int, ...], on: BoolArray) -> FloatArray:
    a = numbers("weights", _seen("weights", weights, on, 1.0), gt=0)
    try:
        return np.broadcast_to(a, shape)
    except ValueError:
        raise InvalidInput(f"shapes differ: yi {shape}, weights {a.shape}") from None


def _seen(name: str, value: ArrayLike, on: BoolArray, blank: float = 0.0) -> FloatArray:
    """Numbers where a study takes part in any row of the batch, `blank` elsewhere."""
    given = floats(name, value)
    try:
        absent = ~on if on.ndim <= given.ndim else ~on.any(axis=tuple(range(on.ndim - given.ndim)))
        given = np.where(absent & ~np.isfinite(given), blank, given)
    except ValueError:  # shapes that do not fit are named by the caller
        pass
    return numbers(name, given)
