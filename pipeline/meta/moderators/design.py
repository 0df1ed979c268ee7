"""Design matrices from one-sided formulas: `~ year`, `~ 0 + alloc`, `~ alloc * year`, `~ I(weeks^2) + weeks`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix.

    Attributes
    ----------
    names : of the columns; "intrcpt" first unless the formula says `0 +`
    x : (k, p)
    """

    names: tuple[str, ...]
    x: FloatArray


Columns = list[tuple[str, FloatArray]]
_POWER = re.compile(r"I\((\w+)\^(\d+)\)")


def design(formula: str, moderators: Mapping[str, Sequence[object]]) -> Design:
    """Columns of a formula over moderators. Text is coded by treatment contrasts, first level in sorted order.

    Knows `+`, `a:b`, `a*b`, `I(x^n)` and `0 +` (no intercept: the first text moderator keeps all its levels).

    Raises
    ------
    InvalidInput
        An unknown moderator or form.
    """
    terms = _terms(formula)
    intercept = "0" not in terms
    k = len(next(iter(moderators.values()), ()))
    columns: Columns = [("intrcpt", np.ones(k))] if intercept else []
    full = not intercept
    for term in (t for t in terms if t not in ("0", "1")):
        text = any(_is_text(moderators.get(v, ())) for v in term.split(":"))
        columns += _interaction([_variable(v, moderators, full) for v in term.split(":")])
        full = full and not text
    return Design(tuple(name for name, _ in columns), np.column_stack([x for _, x in columns]))


def _terms(formula: str) -> list[str]:
    """Terms of the formula with `*` written out, main effects before interactions."""
    found: list[str] = []
    for part in formula.replace(" ", "").removeprefix("~").split("+"):
        factors = part.split("*")
        found += [*factors, *([":".join(factors)] if len(factors) == 2 else [])]
        if len(factors) > 2 or not all(factors):
            raise InvalidInput(f"formula {formula!r}: {part!r} is not understood")
    return sorted(dict.fromkeys(found), key=lambda t: t.count(":"))


def _variable(name: str, moderators: Mapping[str, Sequence[object]], full: bool) -> Columns:
    power = _POWER.fullmatch(name)
    base = power[1] if power else name
    if base not in moderators:
        raise InvalidInput(f"moderator {base!r} is not known; there are {', '.join(moderators)}")
    values = moderators[base]
    if _is_text(values):
        levels = sorted({str(v) for v in values})
        return [(name + lev, np.array([float(str(v) == lev) for v in values])) for lev in levels[0 if full else 1 :]]
    x: ArrayLike = values  # type: ignore[assignment]
    return [(name, numbers(base, x) ** (int(power[2]) if power else 1))]


def _interaction(parts: list[Columns]) -> Columns:
    """Products of the parts' columns, the first part varying fastest."""
    rows = product(*reversed(parts))
    return [(":".join(n for n, _ in reversed(row)), np.prod([x for _, x in row], axis=0)) for row in rows]


def _is_text(values: Sequence[object]) -> bool:
    return any(isinstance(v, str) for v in values)
