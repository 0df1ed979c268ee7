"""Design matrices from one-sided formulas: `~ year`, `~ 0 + alloc`, `~ alloc * year`, `~ I(weeks^2) + factor(wave)`.

The coding is R's (`terms`, `model.matrix`), so that coefficients carry the names and the order of metafor's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, switches
from pipeline.meta.guards import instance
from pipeline.meta.moderators.formula import Terms, factor_of, names_in, parse, value

Moderators = Mapping[str, Sequence[object]]
Columns = list[tuple[str, FloatArray]]


@dataclass(frozen=True, slots=True)
class Design:
    """A design matrix.

    Attributes
    ----------
    names : of the p columns; "intrcpt" first unless the formula takes it away
    x : (k, p); a row of zeros for a study outside the mask
    terms : names of the terms, "intrcpt" first if there is one
    term_of : place in `terms` of each column, p values
    levels : levels of each factor, the reference level first
    formula : as it was given
    dropped : names of redundant columns that were left out
    """

    names: tuple[str, ...]
    x: FloatArray
    terms: tuple[str, ...]
    term_of: tuple[int, ...]
    levels: Mapping[str, tuple[str, ...]]
    formula: str
    dropped: tuple[str, ...] = ()

    def columns_of(self, term: str) -> tuple[int, ...]:
        """Columns that belong to a term, for a test of the term as a whole.

        Raises
        ------
        InvalidInput
            No such term; the message lists them.
        """
        if term not in self.terms:
            raise InvalidInput(f"term {term!r} is not in the model; choose from {', '.join(self.terms)}")
        place = self.terms.index(term)
        return tuple(j for j, t in enumerate(self.term_of) if t == place)


def design(
    formula: str, moderators: Moderators, *, mask: ArrayLike | None = None, drop_redundant: bool = False
) -> Design:
    """Columns of a formula over moderators, in the order and under the names of R's model.matrix.

    Text, True/False and `factor(x)` are coded by treatment contrasts against the first level (alphabetical whatever
    the case; numbers by size; FALSE). A factor keeps all its levels where its margin is not in the model: the first
    one without an intercept, or `b` in `a:b` without `a`.

    Parameters
    ----------
    formula : `+ - : * ^`, parentheses, `0 +` or `- 1` for no intercept, `I(x^2)`, `sqrt log log2 log10 log1p exp abs`
        of arithmetic, `factor(x)`; names with spaces between backquotes
    moderators : values by name, k each; None, NaN and "" are missing
    mask : True where a study takes part, (k,); the others are not looked at. Without it a missing value is an error
    drop_redundant : leave out a column that is a combination of columns before it, as metafor does with a warning, and
        list it in `dropped`; else it is an error

    Raises
    ------
    InvalidInput
        A formula that is no text, moderators that are no mapping to sequences, an unknown moderator or form, a missing
        value (with its row), a factor of one level, columns that are combinations of others (with their names).

    Examples
    --------
    >>> d = design("~ kind * weeks", {"kind": ["a", "b", "a", "b"], "weeks": [4, 8, 12, 20]})
    >>> d.names
    ('intrcpt', 'kindb', 'weeks', 'kindb:weeks')
    >>> d.columns_of("kind:weeks")
    (3,)
    """
    terms = parse(formula)
    k = _length(moderators)
    on = np.ones(k, dtype=bool) if mask is None else switches("mask", mask)
    if on.shape != (k,):
        raise InvalidInput(f"mask must have one value per study: {k}, mask {on.shape}")
    levels = {v: _levels(v, moderators, on) for term in terms.terms for v in term if _is_factor(v, moderators)}
    return _independent(_build(formula, terms, moderators, on, levels), on, drop_redundant)


def new_rows(made: Design, moderators: Moderators) -> FloatArray:
    """Rows of a design at other values of the moderators, coded as the design was, (m, p).

    Raises
    ------
    InvalidInput
        No `Design`; as `design`; a level that the design does not have.

    Examples
    --------
    >>> d = design("~ kind", {"kind": ["a", "b", "b"]})
    >>> new_rows(d, {"kind": ["b"]}).tolist()
    [[1.0, 1.0]]
    """
    instance("made", made, Design)
    instance("moderators", moderators, Mapping)
    k = _length(moderators) if moderators else 1
    full = _build(made.formula, parse(made.formula), moderators, np.ones(k, dtype=bool), made.levels)
    return full.x[:, [full.names.index(name) for name in made.names]]


def _build(
    formula: str, terms: Terms, moderators: Moderators, on: BoolArray, levels: Mapping[str, tuple[str, ...]]
) -> Design:
    columns: Columns = [("intrcpt", np.ones(len(on)))] if terms.intercept else []
    names = ["intrcpt"] if terms.intercept else []
    term_of = [0] * len(columns)
    margins = {frozenset[str]()} | {frozenset(t) for t in terms.terms}
    first = next(((t, v) for t in terms.terms for v in t if v in levels), None)
    for term in terms.terms:
        parts = []
        for v in term:
            full = frozenset(term) - {v} not in margins or (not terms.intercept and first == (term, v))
            parts.append(_variable(v, moderators, on, levels, full))
        block = _interaction(parts)
        names.append(":".join(term))
        term_of += [len(names) - 1] * len(block)
        columns += block
    if not columns:
        raise InvalidInput(f"formula {formula!r} has no term and no intercept")
    x = np.column_stack([c for _, c in columns])
    return Design(
        tuple(n for n, _ in columns), np.where(on[:, None], x, 0.0), tuple(names), tuple(term_of), levels, formula
    )


def _variable(
    name: str, moderators: Moderators, on: BoolArray, levels: Mapping[str, tuple[str, ...]], full: bool
) -> Columns:
    if name in levels:
        base = factor_of(name) or name.strip("`")
        values = _present(base, moderators, on)
        labels = [_label(v) if ok else "" for v, ok in zip(values, on, strict=True)]
        for row, (label, ok) in enumerate(zip(labels, on, strict=True)):
            if ok and label not in levels[name]:
                raise InvalidInput(f"{base}[{row}] {label!r} is not a level; choose from {', '.join(levels[name])}")
        if len(levels[name]) < 2 and not full:
            raise InvalidInput(f"moderator {base!r} has one level only ({levels[name][0]!r}): nothing to compare")
        return [(name + lev, np.array([float(v == lev) for v in labels])) for lev in levels[name][0 if full else 1 :]]
    found = {base: _numeric(base, moderators, on) for base in names_in(name)}
    x = np.broadcast_to(value(name, found), on.shape)
    bad = on & ~np.isfinite(x)
    if bad.any():
        row = int(np.argmax(bad))
        first = next(iter(found))
        raise InvalidInput(f"{name} is not a finite number in row {row} ({first} {found[first][row]:g})")
    return [(name, x)]


def _numeric(base: str, moderators: Moderators, on: BoolArray) -> FloatArray:
    values = _present(base, moderators, on)
    try:
        return np.array([float(v) if ok else 1.0 for v, ok in zip(values, on, strict=True)])  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidInput(f"moderator {base!r} is text: arithmetic needs numbers") from None


def _present(base: str, moderators: Moderators, on: BoolArray) -> Sequence[object]:
    if base not in moderators:
        raise InvalidInput(f"moderator {base!r} is not known; there are {', '.join(moderators)}")
    values = moderators[base]
    for row, (v, ok) in enumerate(zip(values, on, strict=True)):
        if ok and _is_missing(v):
            raise InvalidInput(f"{base}[{row}] is missing: give a value, or leave the study out by `mask`")
    return values


def _levels(name: str, moderators: Moderators, on: BoolArray) -> tuple[str, ...]:
    values = _present(factor_of(name) or name.strip("`"), moderators, on)
    found = [v for v, ok in zip(values, on, strict=True) if ok]
    if not found:
        raise InvalidInput(f"moderator {name!r}: no study takes part")
    if any(isinstance(v, str) for v in found):
        return tuple(sorted({_label(v) for v in found}, key=lambda s: (s.casefold(), s.swapcase())))
    return tuple(_label(v) for v in sorted(set(found)))  # type: ignore[type-var]


def _is_factor(name: str, moderators: Moderators) -> bool:
    plain = name.strip("`")
    if factor_of(name) is not None:
        return True
    return plain in moderators and any(isinstance(v, (str, bool, np.bool_)) for v in moderators[plain])


def _label(v: object) -> str:
    if isinstance(v, (bool, np.bool_)):
        return str(bool(v)).upper()
    return f"{v:.15g}" if isinstance(v, (int, float, np.number)) else str(v)


def _is_missing(v: object) -> bool:
    return v is None or v == "" or (isinstance(v, (float, np.floating)) and math.isnan(v))


def _length(moderators: Moderators) -> int:
    instance("moderators", moderators, Mapping)
    for name, values in moderators.items():
        if isinstance(values, str) or not hasattr(values, "__len__") or getattr(values, "ndim", 1) != 1:
            raise InvalidInput(f"moderator {name!r} must hold one value per study (found {values!r})")
    lengths = {name: len(values) for name, values in moderators.items()}
    if len(set(lengths.values())) > 1:
        raise InvalidInput(f"moderators differ in length: {', '.join(f'{n} {k}' for n, k in lengths.items())}")
    return next(iter(lengths.values()), 0)


def _interaction(parts: list[Columns]) -> Columns:
    """Products of the parts' columns, the first part varying fastest."""
    rows = product(*reversed(parts))
    return [(":".join(n for n, _ in reversed(row)), np.prod([x for _, x in row], axis=0)) for row in rows]


def _independent(made: Design, on: BoolArray, drop: bool) -> Design:
    """The design without its redundant columns, or an error that names the first one."""
    x = made.x[on]
    if len(x) < x.shape[1] and not drop:
        return made  # too few studies: the model says so
    size = np.sqrt(np.sum(x**2, axis=0))
    kept: list[int] = []
    for j, name in enumerate(made.names):
        before = x[:, kept] / size[kept]
        column = x[:, j] / (size[j] or 1.0)
        share = np.linalg.lstsq(before, column, rcond=None)[0]
        if size[j] > 0 and np.sqrt(np.sum((column - before @ share) ** 2)) > 1e-11:
            kept.append(j)
        elif not drop and size[j] == 0:
            raise InvalidInput(f"column {name!r} is zero in every study: no study has this combination")
        elif not drop:
            others = [made.names[i] for i, c in zip(kept, share, strict=True) if abs(c) > 1e-8]
            raise InvalidInput(f"column {name!r} is a combination of {', '.join(others)}: leave one of them out")
    return replace(
        made,
        names=tuple(made.names[j] for j in kept),
        x=made.x[:, kept],
        term_of=tuple(made.term_of[j] for j in kept),
        dropped=tuple(name for j, name in enumerate(made.names) if j not in kept),
    )
