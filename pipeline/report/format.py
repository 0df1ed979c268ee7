"""The only place that rounds. Numbers in, printable text out: true minus signs, one number of decimals per column."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import TypeGuard

MINUS = "\u2212"
NOT_GIVEN = "\u2013"
NBSP = "\u00a0"
_LONG = re.compile(r"(?<![\w.,/-])-?\d+\.\d{3,}(?![\w.]*[\w/])")
"""A number of three decimals or more, not part of a name, a version or an address."""
_FIXED_DECIMALS = {"SMD": 2, "ROM": 2, "RR": 2, "OR": 2, "IRR": 2, "HR": 2, "RD": 3}


def known(x: float | None) -> TypeGuard[float]:
    """Is there a number to print?"""
    return x is not None and math.isfinite(x)


def decimals(measure: str, values: Iterable[float] = ()) -> int:
    """Decimals of an effect: fixed by the measure; for mean differences by the size of the values in scale units."""
    if measure in _FIXED_DECIMALS:
        return _FIXED_DECIMALS[measure]
    largest = max((abs(v) for v in values if known(v)), default=1.0)
    return 0 if largest >= 100 else 1 if largest >= 10 else 2


def number(x: float | None, places: int) -> str:
    """A number with a true minus sign and thousands separators; never a negative zero."""
    if x is None or not math.isfinite(x):
        return NOT_GIVEN
    text = f"{abs(x):,.{places}f}"
    negative = x < 0 and any(c not in "0.," for c in text)
    return MINUS + text if negative else text


def ratio(x: float | None, places: int = 2) -> str:
    """A ratio; one that would print as zero says so as a bound."""
    if x is not None and 0 < x < 0.5 * 10**-places:
        return f"< {10**-places:.{places}f}"
    return number(x, places)


def effect(x: float | None, measure: str, places: int) -> str:
    return ratio(x, places) if measure in ("RR", "OR", "IRR", "HR", "ROM") else number(x, places)


def interval(lb: float | None, ub: float | None, measure: str, places: int) -> str:
    """Limits in words, '-0.98 to -0.21'; the dash when there is none."""
    if not (known(lb) and known(ub)):
        return NOT_GIVEN
    return f"{effect(lb, measure, places)} to {effect(ub, measure, places)}"


def bracket(lb: float | None, ub: float | None, measure: str, places: int) -> str:
    """Limits in brackets, '[-0.98, -0.21]'."""
    if not (known(lb) and known(ub)):
        return NOT_GIVEN
    return f"[{effect(lb, measure, places)},{NBSP}{effect(ub, measure, places)}]"


def with_interval(x: float | None, lb: float | None, ub: float | None, measure: str, places: int) -> str:
    """Estimate and limits, '-0.59 [-0.98, -0.21]'."""
    if not (known(lb) and known(ub)):
        return effect(x, measure, places)
    return f"{effect(x, measure, places)}{NBSP}{bracket(lb, ub, measure, places)}"


def count(n: float | int | None) -> str:
    return NOT_GIVEN if n is None or not math.isfinite(n) else f"{n:,.0f}"


def percent(x: float | None, places: int = 0) -> str:
    """Percent given as 0-100."""
    return NOT_GIVEN if not known(x) else f"{number(x, places)}%"


def p_value(p: float | None) -> str:
    """'p = .03', 'p < .001'; '' where there is none."""
    cell = p_cell(p)
    if cell == NOT_GIVEN:
        return ""
    return f"p {cell}".replace(" ", NBSP) if cell[0] in "<>" else f"p = {cell}".replace(" ", NBSP)


def p_cell(p: float | None) -> str:
    """p for a column: no leading zero, two decimals, three below .0995 unless the third is a zero."""
    if p is None or not math.isfinite(p):
        return NOT_GIVEN
    if p < 0.001:
        return "< .001"
    if p > 0.99:
        return "> .99"
    text = f"{p:.3f}" if p < 0.0995 else f"{p:.2f}"
    return text[1:-1] if len(text) == 5 and text.endswith("0") else text[1:]


def significant(x: float | None, digits: int = 3) -> str:
    """A number with so many significant digits, whole numbers in full: '5.02', '386', '0.0335'."""
    if x is None or not math.isfinite(x):
        return NOT_GIVEN
    places = 0 if x == 0 else max(digits - 1 - math.floor(math.log10(abs(x))), 0)
    return number(x, 0 if x == round(x) else places)


def tidy_numbers(text: str) -> str:
    """Printed text whose long decimal numbers are shortened to three significant digits, with true minus signs."""
    return true_minus(_LONG.sub(lambda m: significant(float(m.group())), text))


def variance(x: float | None) -> str:
    """tau2 and the like."""
    return number(x, 3)


def true_minus(text: str) -> str:
    """Printed text with its hyphens before numbers, and in 'k - 2', as minus signs; ranges such as '13-18' stay."""
    return re.sub(r"(?<=\bk )-(?= \d)|(?<![\w.,\u2013-])-(?=\.?\d)", MINUS, text)


def weeks(lo: float | None, hi: float | None) -> str:
    """A window of weeks in words."""
    if known(lo) and known(hi):
        return f"{_plain(lo)} to {_plain(hi)} weeks"
    if known(lo):
        return f"{_plain(lo)} weeks or later"
    return f"up to {_plain(hi)} weeks" if known(hi) else "any time"


def weeks_count(x: float) -> str:
    """'1 week', '12 weeks'."""
    return f"{_plain(x)} week" + ("" if x == 1 else "s")


def short_hash(digest: str) -> str:
    """The first 16 characters of a hash: enough to compare by eye."""
    return digest[:16]


def _plain(x: float | None) -> str:
    return number(x, 0) if x is not None and x == round(x) else number(x, 1)
