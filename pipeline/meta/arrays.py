"""Arrays at the door of a formula: numbers, shapes and limits are checked here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


class InvalidInput(ValueError):
    """Numbers that a formula cannot use: the message names the argument, the place and the limit."""


def numbers(
    name: str, value: ArrayLike, *, gt: float | None = None, ge: float | None = None, le: float | None = None
) -> FloatArray:
    """`value` as finite floats within limits.

    Raises
    ------
    InvalidInput
        Not numeric, NaN or infinite, or outside a limit.
    """
    try:
        out = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is not numeric") from None
    _refuse(name, out, ~np.isfinite(out), "must be finite")
    if gt is not None:
        _refuse(name, out, out <= gt, f"must be > {gt:g}")
    if ge is not None:
        _refuse(name, out, out < ge, f"must be >= {ge:g}")
    if le is not None:
        _refuse(name, out, out > le, f"must be <= {le:g}")
    return out


def together(arrays: Mapping[str, FloatArray]) -> list[FloatArray]:
    """Arrays brought to one shape; a scalar stands for every study.

    Raises
    ------
    InvalidInput
        The shapes differ.
    """
    shapes = {a.shape for a in arrays.values() if a.ndim}
    if len(shapes) > 1:
        found = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise InvalidInput(f"shapes differ: {found}")
    return list(np.broadcast_arrays(*arrays.values()))


def probability(level: float) -> float:
    """Two-sided error probability of a `level` percent interval."""
    if not 0 < level < 100:
        raise InvalidInput(f"level is a percentage between 0 and 100 (found {level!r})")
    return 1 - level / 100


def choose(name: str, key: str, table: Mapping[str, object]) -> None:
    """Refuse a key that the table does not have, naming those it has."""
    if key not in table:
        raise InvalidInput(f"{name} {key!r} is not known; choose from {', '.join(table)}")


def _refuse(name: str, values: FloatArray, bad: BoolArray, rule: str) -> None:
    if bad.any():
        place = np.argwhere(bad)[0]
        where = f"[{', '.join(map(str, place))}]" if len(place) else ""
        raise InvalidInput(f"{name}{where} {rule} (found {values[tuple(place)]:g})")
