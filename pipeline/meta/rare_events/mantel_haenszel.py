"""Mantel-Haenszel pooling: one common effect from the counts themselves, without a variance per study.

Zero cells need no correction as long as both groups had events somewhere. Mantel & Haenszel 1959, J Natl Cancer Inst
22:719. To add a measure: a function of the cells and a row of MANTEL_HAENSZEL or MANTEL_HAENSZEL_RATES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, switches, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.measures import MEASURES
from pipeline.meta.effect_sizes.two_by_two import CELLS, TwoByTwo, cells_of, correct_zero_rates, correct_zeros
from pipeline.meta.rare_events.fixed_weights import FixedWeightPool, pool


@dataclass(frozen=True, slots=True)
class Summary:
    """What a Mantel-Haenszel estimator makes of the cells; shape (...), weights (..., k).

    Attributes
    ----------
    estimate : pooled effect; natural logarithm for ratios
    variance : of the estimate
    weights : what each study weighs, not yet shares; the weights of the ratios are those of the ratio itself
    """

    estimate: FloatArray
    variance: FloatArray
    weights: FloatArray


def odds_ratio(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Summary:
    """Log odds ratio; variance of Robins, Breslow & Greenland 1986, Biometrics 42:311."""
    n = _divisor(a + b + c + d)
    p, q, r, s = (a + d) / n, (b + c) / n, a * d / n, b * c / n
    big_r, big_s = r.sum(-1), s.sum(-1)
    variance = ((p * r).sum(-1) / big_r**2 + (p * s + q * r).sum(-1) / (big_r * big_s) + (q * s).sum(-1) / big_s**2) / 2
    return Summary(np.log(big_r / big_s), variance, s)


def risk_ratio(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Summary:
    """Log risk ratio; variance of Greenland & Robins 1985, Biometrics 41:55."""
    n1, n2 = a + b, c + d
    n = _divisor(n1 + n2)
    r, s = a * n2 / n, c * n1 / n
    top = (n1 * n2 * (a + c) - a * c * n) / n**2
    return Summary(np.log(r.sum(-1) / s.sum(-1)), top.sum(-1) / (r.sum(-1) * s.sum(-1)), s)


def risk_difference(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> Summary:
    """Risk difference; variance of Sato, Greenland & Robins 1989, Biometrics 45:1323.

    It holds for few large and for many small studies.
    """
    n1, n2 = a + b, c + d
    n = _divisor(n1 + n2)
    w = n1 * n2 / n
    total = w.sum(-1)
    estimate = ((a * n2 - c * n1) / n).sum(-1) / total
    p = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (a * d + c * b) / (2 * n)
    return Summary(estimate, (estimate * p.sum(-1) + q.sum(-1)) / total**2, w)


def rate_ratio(x1: FloatArray, t1: FloatArray, x2: FloatArray, t2: FloatArray) -> Summary:
    """Log incidence rate ratio; variance of Greenland & Robins 1985, Biometrics 41:55."""
    t = _divisor(t1 + t2)
    r, s = x1 * t2 / t, x2 * t1 / t
    top = (x1 + x2) * t1 * t2 / t**2
    return Summary(np.log(r.sum(-1) / s.sum(-1)), top.sum(-1) / (r.sum(-1) * s.sum(-1)), s)


def rate_difference(x1: FloatArray, t1: FloatArray, x2: FloatArray, t2: FloatArray) -> Summary:
    """Incidence rate difference; Greenland & Robins 1985, Biometrics 41:55."""
    t = _divisor(t1 + t2)
    w = t1 * t2 / t
    total = w.sum(-1)
    top = (x1 * t2**2 + x2 * t1**2) / t**2
    return Summary(((x1 * t2 - x2 * t1) / t).sum(-1) / total, top.sum(-1) / total**2, w)


MANTEL_HAENSZEL: dict[str, Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Summary]] = {
    "OR": odds_ratio,
    "RR": risk_ratio,
    "RD": risk_difference,
}
MANTEL_HAENSZEL_RATES: dict[str, Callable[[FloatArray, FloatArray, FloatArray, FloatArray], Summary]] = {
    "IRR": rate_ratio,
    "IRD": rate_difference,
}


def mantel_haenszel(
    table: TwoByTwo,
    *,
    measure: str = "OR",
    add: tuple[float, float] = (0.5, 0.0),
    to: tuple[str, str] = ("only0", "none"),
    drop00: tuple[bool, bool] = (True, False),
    level: float = 95,
    mask: ArrayLike | None = None,
) -> FixedWeightPool:
    """Pool two-by-two tables, studies on the last axis.

    Parameters
    ----------
    table : cells, (..., k); see `two_by_two.from_cells` and `from_events`
    measure : key of MANTEL_HAENSZEL: "OR", "RR" (both as natural logarithms) or "RD"
    add, to, drop00 : treatment of zero cells as in `two_by_two.correct_zeros`; the first of each pair for the effects
        of single studies (behind Q only), the second for the pooled effect, where by default nothing is added
    level : of the interval, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        No study, a count that is NaN, an empty group, an unknown measure, an option that is no pair, no event (or only
        events) in a group over all studies where a ratio is asked.

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> a, b = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143]
    >>> c, d = [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
    >>> m = mantel_haenszel(from_cells(a, b, c, d))
    >>> round(float(m.estimate), 4), round(float(m.se), 4)
    (0.5818, 0.2808)
    """
    choose("measure", measure, MANTEL_HAENSZEL)
    _refuse_no_pair(add=add, to=to, drop00=drop00)
    cells, on = masked_table(table, mask, fill=1.0)
    fixed = correct_zeros(cells, add[1], to[1], drop00[1])
    used = on & np.isfinite(fixed.ai)
    a, b, c, d = (np.where(used, x, 0.0) for x in cells_of(fixed))
    if measure != "RD":
        refuse_no_events(a, c)
    if measure == "OR":
        refuse_no_events(a + c, b + d, "nobody or everybody had the event in every study")
        _refuse_zero((a * d).sum(-1) * (b * c).sum(-1))
    with np.errstate(divide="ignore", invalid="ignore"):
        effects = MEASURES[measure](cells, add=add[0], to=to[0], drop00=drop00[0])
    return _pool(MANTEL_HAENSZEL[measure](a, b, c, d), effects, used, on, level, measure)


def mantel_haenszel_rates(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    *,
    measure: str = "IRR",
    add: tuple[float, float] = (0.5, 0.0),
    to: tuple[str, str] = ("only0", "none"),
    drop00: tuple[bool, bool] = (True, False),
    level: float = 95,
    mask: ArrayLike | None = None,
) -> FixedWeightPool:
    """Pool events `x1i, x2i` in person-time `t1i, t2i`; options and errors as `mantel_haenszel`.

    Parameters
    ----------
    measure : key of MANTEL_HAENSZEL_RATES: "IRR" (natural logarithm) or "IRD" (events per unit of person-time)

    Examples
    --------
    >>> x1, t1 = [7, 8, 3, 6, 1, 1, 17, 3, 2], [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320]
    >>> x2, t2 = [11, 8, 14, 10, 1, 8, 15, 7, 3], [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440]
    >>> m = mantel_haenszel_rates(x1, t1, x2, t2)
    >>> round(float(m.estimate), 4), round(float(m.se), 4)
    (-0.4152, 0.1834)
    """
    choose("measure", measure, MANTEL_HAENSZEL_RATES)
    _refuse_no_pair(add=add, to=to, drop00=drop00)
    (x1, t1, x2, t2), on = masked(rates(x1i, t1i, x2i, t2i), mask, fill=1.0)
    f1, f2 = correct_zero_rates(x1, x2, add[1], to[1], drop00[1])
    used = on & np.isfinite(f1)
    f1, f2 = (np.where(used, x, 0.0) for x in (f1, f2))
    if measure == "IRR":
        refuse_no_events(f1, f2)
    y1, y2 = correct_zero_rates(x1, x2, add[0], to[0], drop00[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        if measure == "IRR":
            effects = EffectSize(np.log(y1 / t1) - np.log(y2 / t2), 1 / y1 + 1 / y2)
        else:
            effects = EffectSize(y1 / t1 - y2 / t2, y1 / t1**2 + y2 / t2**2)
    w1, w2 = (np.where(used, t, 0.0) for t in (t1, t2))
    return _pool(MANTEL_HAENSZEL_RATES[measure](f1, w1, f2, w2), effects, used, on, level, measure)


def rates(x1i: ArrayLike, t1i: ArrayLike, x2i: ArrayLike, t2i: ArrayLike) -> tuple[FloatArray, ...]:
    """Events and person-time of two groups, checked and of one shape."""
    given = {"x1i": numbers("x1i", x1i, ge=0), "t1i": numbers("t1i", t1i, gt=0)}
    given |= {"x2i": numbers("x2i", x2i, ge=0), "t2i": numbers("t2i", t2i, gt=0)}
    return tuple(together(given))


def masked(
    cells: tuple[FloatArray, ...], mask: ArrayLike | None, fill: float = 0.0
) -> tuple[tuple[FloatArray, ...], BoolArray]:
    """Cells, with `fill` where a study takes no part, and who takes part, all of the shape (..., k).

    Raises
    ------
    InvalidInput
        No study, or a mask of another shape.
    """
    on: BoolArray = np.ones(1, dtype=bool) if mask is None else switches("mask", mask)
    try:
        shape = np.broadcast_shapes(np.shape(cells[0]), on.shape)
    except ValueError:
        raise InvalidInput(f"shapes differ: counts {np.shape(cells[0])}, mask {on.shape}") from None
    on = np.broadcast_to(on, shape)
    if shape[-1] == 0 or not on.any(-1).all():
        raise InvalidInput("no study: there is nothing to pool")
    return tuple(np.where(on, np.broadcast_to(x, shape), fill) for x in cells), on


def masked_table(table: TwoByTwo, mask: ArrayLike | None, fill: float = 0.0) -> tuple[TwoByTwo, BoolArray]:
    """`masked` for a table, whose counts must be known, and groups not empty, in the studies that take part."""
    cells, on = masked(cells_of(table), mask, fill)
    out = TwoByTwo(*(numbers(name, x) for name, x in zip(CELLS, cells, strict=True)))
    numbers("n1i", np.where(on, out.n1i, 1.0), gt=0)
    numbers("n2i", np.where(on, out.n2i, 1.0), gt=0)
    return out, on


def _refuse_no_pair(**options: object) -> None:
    for name, value in options.items():
        if not isinstance(value, (tuple, list)) or len(value) != 2:
            raise InvalidInput(f"{name} is a pair, for single studies and for the pooled effect (found {value!r})")


def refuse_no_events(first: FloatArray, second: FloatArray, rule: str = "no event in one of the groups") -> None:
    """Refuse a batch row in which one of two counts is 0 over all studies: a ratio would be 0 or infinite."""
    bad = (first.sum(-1) <= 0) | (second.sum(-1) <= 0)
    if bad.any():
        raise InvalidInput(f"{rule} over all studies{_row(bad)}: the ratio is 0, infinite or undefined")


def _refuse_zero(product: FloatArray) -> None:
    bad = product <= 0
    if bad.any():
        raise InvalidInput(
            f"every study's table has a zero on the same diagonal{_row(bad)}: the ratio is 0 or infinite"
        )


def _row(bad: BoolArray) -> str:
    place = np.argwhere(bad)[0]
    return f" (batch row {', '.join(map(str, place))})" if len(place) else ""


def _divisor(n: FloatArray) -> FloatArray:
    """Totals, with 1 where a study takes no part."""
    return np.where(n > 0, n, 1.0)


def _pool(
    s: Summary, effects: EffectSize, used: BoolArray, on: BoolArray, level: float, measure: str
) -> FixedWeightPool:
    label = f"Mantel-Haenszel, {measure}"
    return pool(s.estimate, np.sqrt(s.variance), effects, s.weights, on, used.sum(-1), level, label)
