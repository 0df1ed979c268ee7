"""The grammar of one-sided formulas: which terms a formula has, and the value of an arithmetic expression.

`+` joins terms, `-` takes them away, `a:b` is an interaction, `a*b` is `a + b + a:b`, `(a + b)^2` all pairs as well;
`0` and `-1` take away the intercept. Chambers & Hastie 1992, Statistical Models in S, ch. 2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.guards import instance

Term = frozenset[str]
_TOKEN = re.compile(r"\s*(`[^`]+`|[A-Za-z_.][\w.]*|\d+\.?\d*(?:[eE][-+]?\d+)?|\*\*|[-+*/^:(),])")
_CALL: dict[str, Callable[[FloatArray], FloatArray]] = {
    "I": lambda x: x,
    "sqrt": np.sqrt,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
    "log1p": np.log1p,
    "exp": np.exp,
    "abs": np.abs,
}
_FACTORS = ("factor", "as.factor")


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a formula.

    Attributes
    ----------
    intercept : does the model have one
    terms : variables of each term; terms of fewer variables first, variables in their order in the formula
    """

    intercept: bool
    terms: tuple[tuple[str, ...], ...]


class _Reader:
    def __init__(self, text: str) -> None:
        self.text, self.tokens, place = text, [], 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if not found:
                raise self.error(text[place:].strip()[0])
            self.tokens.append("^" if found[1] == "**" else found[1])
            place = found.end()
        self.at = 0

    def error(self, what: str) -> InvalidInput:
        return InvalidInput(f"formula {self.text!r}: {what!r} is not understood here")

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, *expected: str) -> str:
        symbol = self.peek()
        if not symbol or (expected and symbol not in expected):
            raise self.error(symbol or "the end")
        self.at += 1
        return symbol


def parse(formula: str) -> Terms:
    """Terms of a one-sided formula; the `~` may be left out.

    Raises
    ------
    InvalidInput
        The formula is not understood.

    Examples
    --------
    >>> parse("~ a*x - 1").terms
    (('a',), ('x',), ('a', 'x'))
    """
    instance("formula", formula, str)
    reader = _Reader(formula.strip().removeprefix("~"))
    found = _sum(reader) if reader.tokens else [_EMPTY]
    if reader.peek():
        raise reader.error(reader.peek())
    order: list[str] = [t for t in _variables(reader) if any(t in term for term in found)]
    plain = [tuple(sorted(t, key=order.index)) for t in found if t not in (_EMPTY, _NONE)]
    return Terms(_NONE not in found, tuple(sorted(dict.fromkeys(plain), key=len)))


_EMPTY: Term = frozenset()
_NONE: Term = frozenset({"0"})


def _sum(reader: _Reader) -> list[Term]:
    sign = reader.take() if reader.peek() in ("+", "-") else "+"
    out: list[Term] = []
    while True:
        part = _product(reader)
        if sign == "+":
            out = [t for t in out if not (t == _NONE and _EMPTY in part)] + part
        elif _EMPTY in part or _NONE in part:
            out = [t for t in out if t not in (_EMPTY, _NONE)] + ([_NONE] if _EMPTY in part else [])
        else:
            out = [t for t in out if t not in part]
        if reader.peek() not in ("+", "-"):
            return list(dict.fromkeys(out))
        sign = reader.take()


def _product(reader: _Reader) -> list[Term]:
    left = _interaction(reader)
    while reader.peek() == "*":
        reader.take()
        right = _interaction(reader)
        left = left + right + [a | b for a in left for b in right]
    return left


def _interaction(reader: _Reader) -> list[Term]:
    left = _power(reader)
    while reader.peek() == ":":
        reader.take()
        right = _power(reader)
        left = [a | b for a in left for b in right]
    return left


def _power(reader: _Reader) -> list[Term]:
    base = _atom(reader)
    if reader.peek() == "^":
        reader.take()
        degree = reader.take()
        if not degree.isdigit() or int(degree) < 1:
            raise reader.error(degree)
        out = base
        for _ in range(int(degree) - 1):
            out = list(dict.fromkeys(out + [a | b for a in out for b in base]))
        return out
    return base


def _atom(reader: _Reader) -> list[Term]:
    symbol = reader.take()
    if symbol == "(":
        inside = _sum(reader)
        reader.take(")")
        return inside
    if symbol in ("0", "1"):
        return [_NONE if symbol == "0" else _EMPTY]
    if not re.match(r"[`A-Za-z_.]", symbol):
        raise reader.error(symbol)
    return [frozenset({_call(reader, symbol)})]


def _call(reader: _Reader, name: str) -> str:
    """The variable that begins at a name, spelled as R spells it: spaces around `+ - *` only."""
    if reader.peek() != "(":
        return name
    if name not in _CALL and name not in _FACTORS:
        raise InvalidInput(f"function {name!r} is not known; choose from {', '.join([*_CALL, *_FACTORS])}")
    start, depth = reader.at, 0
    while True:
        depth += {"(": 1, ")": -1}.get(reader.take(), 0)
        if depth == 0:
            return name + _spell(reader.tokens[start : reader.at])


def _spell(tokens: list[str]) -> str:
    spaced = [
        f" {t} " if t in ("+", "-", "*") and i and tokens[i - 1] not in ("(", "+", "-", "*", "/", "^") else t
        for i, t in enumerate(tokens)
    ]
    return "".join(spaced)


def _variables(reader: _Reader) -> list[str]:
    """Variables in the order in which the formula names them."""
    reader.at, out = 0, []
    while reader.peek():
        symbol = reader.take()
        if re.match(r"[`A-Za-z_.]", symbol):
            out.append(_call(reader, symbol))
    return list(dict.fromkeys(out))


def factor_of(variable: str) -> str | None:
    """Name of the moderator inside `factor(...)`; None for any other variable."""
    found = re.fullmatch(r"(?:as\.)?factor\((`[^`]+`|[\w.]+)\)", variable)
    return found[1].strip("`") if found else None


def names_in(variable: str) -> list[str]:
    """Moderators that an expression needs, in order."""
    tokens = _Reader(variable).tokens
    called = [t for t, after in zip(tokens, [*tokens[1:], ""], strict=True) if after != "("]
    return list(dict.fromkeys(t.strip("`") for t in called if re.match(r"[`A-Za-z_.]", t)))


def value(variable: str, numbers: Mapping[str, FloatArray]) -> FloatArray:
    """Value of an arithmetic expression such as `I((x - 10)^2)` or `sqrt(x)` over numeric moderators.

    Examples
    --------
    >>> import numpy as np
    >>> value("I((x - 1)^2)", {"x": np.array([0.0, 3.0])}).tolist()
    [1.0, 4.0]
    """
    instance("variable", variable, str)
    reader = _Reader(variable)
    with np.errstate(all="ignore"):
        out = _add(reader, numbers)
    if reader.peek():
        raise reader.error(reader.peek())
    return np.asarray(out, dtype=np.float64)


def _add(reader: _Reader, x: Mapping[str, FloatArray]) -> FloatArray:
    left = _multiply(reader, x)
    while reader.peek() in ("+", "-"):
        left = left + _multiply(reader, x) if reader.take() == "+" else left - _multiply(reader, x)
    return left


def _multiply(reader: _Reader, x: Mapping[str, FloatArray]) -> FloatArray:
    left = _signed(reader, x)
    while reader.peek() in ("*", "/"):
        left = left * _signed(reader, x) if reader.take() == "*" else left / _signed(reader, x)
    return left


def _signed(reader: _Reader, x: Mapping[str, FloatArray]) -> FloatArray:
    if reader.peek() in ("+", "-"):
        return _signed(reader, x) if reader.take() == "+" else -_signed(reader, x)
    base = _number(reader, x)
    if reader.peek() == "^":
        reader.take()
        return np.asarray(base ** _signed(reader, x))
    return base


def _number(reader: _Reader, x: Mapping[str, FloatArray]) -> FloatArray:
    symbol = reader.take()
    if symbol == "(":
        inside = _add(reader, x)
        reader.take(")")
        return inside
    if symbol[0].isdigit():
        return np.asarray(float(symbol))
    name = symbol.strip("`")
    if reader.peek() == "(" and symbol in _CALL:
        return _CALL[symbol](_number(reader, x))
    if name not in x or reader.peek() == "(":
        raise reader.error(symbol)
    return x[name]
