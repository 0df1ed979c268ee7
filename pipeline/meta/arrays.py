"""Arrays at the door of a formula: numbers, shapes and limits are checked here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


LARGEST = 1e100
"""Beyond it squares and products leave the range of a float; no measurement is that large."""


class InvalidInput(ValueError):
    """Numbers that a formula cannot use: the message names the argument, the place and the limit."""


def floats(name: str, value: ArrayLike) -> FloatArray:
    """`value` as floats, NaN and infinity among them; no text, no complex numbers, no dates.

    Raises
    ------
    InvalidInput
        Not numeric, or lists of unequal lengths.
    """
    try:
        given = np.asarray(value)
    except ValueError:
        raise InvalidInput(f"{name} must be one array of numbers: its rows have unequal lengths") from None
    if given.dtype.kind not in "biufO":
        raise InvalidInput(f"{name} is not numeric (found {given.dtype})")
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput(f"{name} is not numeric") from None


def switches(name: str, value: ArrayLike) -> BoolArray:
    """`value` as True and False; indices and text are refused, since every one but 0 and '' would pass for True.

    Raises
    ------
    InvalidInput
        Anything but booleans.
    """
    given = np.asarray(value)
    if given.dtype.kind != "b":
        raise InvalidInput(f"{name} must hold True and False (found {given.dtype})")
    return given


def labels(name: str, value: ArrayLike) -> list[object]:
    """One label for each row.

    Raises
    ------
    InvalidInput
        A missing label (None, NaN, an empty text), or more than one axis.
    """
    # an array made of the list would turn NaN beside text into the text 'nan'
    found = value.tolist() if isinstance(value, np.ndarray) else value
    if isinstance(found, (str, bytes)) or not isinstance(found, Iterable):
        raise InvalidInput(f"{name} must be one axis of labels (found {found!r})")
    listed: list[object] = list(found)
    if any(isinstance(label, (list, np.ndarray)) for label in listed):
        raise InvalidInput(f"{name} must be one axis of labels ")
    for place, label in enumerate(listed):
        if label is None or label != label or label == "":
            raise InvalidInput(f"{name}[{place}] is missing")
    return listed


def numbers(
    name: str, value: ArrayLike, *, gt: float | None = None, ge: float | None = None, le: float | None = None
) -> FloatArray:
    """`value` as finite floats within limits.

    Raises
    ------
    InvalidInput
        Not numeric, NaN or infinite, or outside a limit.
    """
    out = floats(name, value)
    _refuse(name, out, ~np.isfinite(out), "must be finite")
    _refuse(name, out, np.abs(out) > LARGEST, f"must be at most {LARGEST:g} in size")
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
    if isinstance(level, bool) or not isinstance(level, (int, float, np.integer, np.floating)) or not 0 < level < 100:
        raise InvalidInput(f"level is a percentage between 0 and 100 (found {level!r})")
    return 1 - level / 100


def choose(name: str, key: str, table: Mapping[str, object]) -> None:
    """Refuse a key that the table does not have, naming those it has."""
    if not isinstance(key, str) or key not in table:
        raise InvalidInput(f"{name} {key!r} is not known; choose from {', '.join(table)}")


def _refuse(name: str, values: FloatArray, bad: BoolArray, rule: str) -> None:
    if bad.any():
        place = np.argwhere(bad)[0]
        where = f"[{', '.join(map(str, place))}]" if len(place) else ""
        raise InvalidInput(f"{name}{where} {rule} (found {values[tuple(place)]:g})")
