"""Guards at the door that look at more than one array: shapes that must fit, objects, covariances, memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, numbers

MOST_NUMBERS = 2**27
"""Numbers in one array, 1 GiB."""


def fitting(arrays: Mapping[str, FloatArray]) -> list[FloatArray]:
    """Arrays broadcast together.

    Raises
    ------
    InvalidInput
        Shapes that do not broadcast, each with its name.

    Examples
    --------
    >>> [a.shape for a in fitting({"v": np.ones((2, 3)), "tau2": np.ones(3)})]
    [(2, 3), (2, 3)]
    """
    try:
        return list(np.broadcast_arrays(*arrays.values()))
    except ValueError:
        found = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise InvalidInput(f"shapes do not fit together: {found}") from None


def spread(name: str, values: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """`values` broadcast to a shape, refused where they do not fit it."""
    try:
        return np.broadcast_to(values, shape)
    except ValueError:
        rule = f"fit the shape {shape}" if shape else "be one number"
        raise InvalidInput(f"{name} must {rule}: found shape {values.shape}") from None


def instance(name: str, value: object, *kinds: type) -> None:
    """Refuse an object of another kind, naming both; True and False are no numbers."""
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise InvalidInput(f"{name} must be a {wanted} (found {type(value).__name__})")


def covariance(name: str, value: ArrayLike) -> FloatArray:
    """`value` as covariances (..., p, p).

    Raises
    ------
    InvalidInput
        Not square, a variance <= 0, or singular to the last digits.
    """
    v = numbers(name, value)
    if v.ndim < 2 or v.shape[-1] != v.shape[-2]:
        raise InvalidInput(f"{name} must have shape (..., p, p): found {v.shape}")
    numbers(f"the diagonal of {name}", np.diagonal(v, axis1=-2, axis2=-1), gt=0)
    if not definite(v).all():
        raise InvalidInput(f"{name} is not positive definite: some combination of its variables has no variance")
    return v


def definite(v: FloatArray) -> BoolArray:
    """Which of the finite matrices (..., p, p) are positive definite, beyond what rounding leaves of 0."""
    variances = np.diagonal(v, axis1=-2, axis2=-1)
    positive = (variances > 0).all(-1)
    sd = np.sqrt(np.where(variances > 0, variances, 1.0))
    correlation = v / sd[..., :, None] / sd[..., None, :]
    values = np.linalg.eigvalsh((correlation + np.swapaxes(correlation, -1, -2)) / 2)
    return np.asarray(positive & (values > v.shape[-1] * np.finfo(float).eps).all(-1))


def affordable(what: str, count: int) -> None:
    """Refuse an array of more numbers than MOST_NUMBERS."""
    if count > MOST_NUMBERS:
        raise InvalidInput(f"{what} would take {count:.2g} numbers (at most {MOST_NUMBERS}): ask for fewer at once")
