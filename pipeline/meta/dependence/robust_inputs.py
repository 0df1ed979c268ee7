"""What a robust variance needs, checked: effects, design, clusters and a working covariance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, numbers, switches
from pipeline.meta.dependence.cluster_stacks import Clusters, clusters


@dataclass(frozen=True, slots=True)
class WorkingModel:
    """Data and working covariance of a weighted fit. An effect that takes no part has y 0, design 0 and variance 1.

    Attributes
    ----------
    y : effects, (..., k)
    x : design, (..., k, p)
    who : the clusters, the effects of each by falling variance
    variance : working variances, (..., k); None where there is a covariance
    covariance : working covariance, (..., k, k), or None
    weights : weights of the fit, (..., k); None for the inverse of the working covariance
    on : True for an effect that takes part, (..., k); None: all
    """

    y: FloatArray
    x: FloatArray
    who: Clusters
    variance: FloatArray | None
    covariance: FloatArray | None
    weights: FloatArray | None
    on: BoolArray | None

    @property
    def k(self) -> IntArray:
        """Effects that take part, (...)."""
        return np.asarray(len(self.who.of) if self.on is None else self.on.sum(-1))

    @property
    def m(self) -> IntArray:
        """Clusters that take part, (...)."""
        if self.on is None:
            return np.asarray(self.who.m)
        return (self.on[..., None, :] & (self.who.of == np.arange(self.who.m)[:, None])).any(-1).sum(-1)


def working_model(
    yi: ArrayLike,
    design: ArrayLike | None,
    cluster: ArrayLike,
    variance: ArrayLike | None,
    covariance: ArrayLike | None,
    weights: ArrayLike | None,
    mask: ArrayLike | None,
) -> WorkingModel:
    """Check everything once (see `robust_variance` for the arguments and errors)."""
    k = np.shape(yi)[-1] if np.ndim(yi) else 0
    if k == 0:
        raise InvalidInput(f"yi must have shape (..., k), k > 0: found {np.shape(yi)}")
    on = None if mask is None else _mask(mask, k)
    y = _taken("yi", yi, on, 0.0)
    x = _design(design, k)
    if (variance is None) == (covariance is None):
        raise InvalidInput("give either variance or covariance")
    v = None if variance is None else _per_effect("variance", variance, k, on)
    matrix = None if covariance is None else _square("covariance", covariance, k, on)
    diagonal = np.diagonal(matrix, axis1=-2, axis2=-1) if v is None and matrix is not None else v
    who = clusters(cluster, k, fewest=2, largest_first=np.mean(np.reshape(np.asarray(diagonal), (-1, k)), axis=0))
    _refuse_joined(matrix, who)
    w = None if weights is None else _per_effect("weights", weights, k, on)
    found = WorkingModel(y, x if on is None else np.where(on[..., None], x, 0.0), who, v, matrix, w, on)
    _refuse_other_batches(found)
    if np.any(found.m < 2):
        raise InvalidInput("mask: a fit has effects of fewer than 2 clusters")
    if np.any(found.k < x.shape[-1]):
        raise InvalidInput(f"{found.k.min()} effects cannot carry {x.shape[-1]} coefficients")
    return found


def _mask(mask: ArrayLike, k: int) -> BoolArray:
    on = switches("mask", mask)
    if on.ndim == 0 or on.shape[-1] != k:
        raise InvalidInput(f"mask must have shape (..., {k}): found {on.shape}")
    return on


def _design(design: ArrayLike | None, k: int) -> FloatArray:
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.ndim < 2 or x.shape[-2] != k or x.shape[-1] == 0:
        raise InvalidInput(f"the design must have shape (..., {k}, p): found {x.shape}")
    return x


def _per_effect(name: str, value: ArrayLike, k: int, on: BoolArray | None) -> FloatArray:
    if np.ndim(value) == 0 or np.shape(value)[-1] != k:
        raise InvalidInput(f"{name} must have shape (..., {k}): found {np.shape(value)}")
    return numbers(name, _taken(name, value, on, 1.0), gt=0)


def _square(name: str, covariance: ArrayLike, k: int, on: BoolArray | None) -> FloatArray:
    if np.shape(covariance)[-2:] != (k, k):
        raise InvalidInput(f"{name} must have shape (..., {k}, {k}): found {np.shape(covariance)}")
    return _taken(name, covariance, None if on is None else on[..., :, None] & on[..., None, :], np.eye(k))


def _taken(name: str, value: ArrayLike, on: BoolArray | None, neutral: float | FloatArray) -> FloatArray:
    """Finite numbers, `neutral` where an effect takes no part."""
    if on is None:
        return numbers(name, value)
    try:
        return numbers(name, np.where(on, np.asarray(value, dtype=np.float64), neutral))
    except InvalidInput:
        raise
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is not numeric, or mask {on.shape} does not fit it") from None


def _refuse_other_batches(w: WorkingModel) -> None:
    rows = {"yi": w.y.shape[:-1], "design": w.x.shape[:-2]}
    for name, a in (("variance", w.variance), ("weights", w.weights), ("mask", w.on)):
        rows |= {} if a is None else {name: a.shape[:-1]}
    rows |= {} if w.covariance is None else {"covariance": w.covariance.shape[:-2]}
    try:
        np.broadcast_shapes(*rows.values())
    except ValueError:
        found = ", ".join(f"{name} {shape}" for name, shape in rows.items())
        raise InvalidInput(f"leading shapes differ: {found}") from None


def _refuse_joined(covariance: FloatArray | None, who: Clusters) -> None:
    if covariance is None:
        return
    across = (covariance != 0) & (who.of[:, None] != who.of)
    if across.any():
        i, j = np.argwhere(across)[0][-2:]
        raise InvalidInput(
            f"covariance[{i}, {j}] joins clusters {who.labels[who.of[i]]!r} and {who.labels[who.of[j]]!r}: a cluster "
            "must hold all effects that depend on one another"
        )
