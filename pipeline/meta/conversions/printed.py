"""What a paper prints, turned into an effect and its standard error.

Ratios come in on their own scale and leave as natural logarithms. Bad numbers raise `InvalidInput`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, probability, together
from pipeline.meta.conversions.from_tests import d_from_t, statistic_from_p
from pipeline.meta.effect_sizes.effect import EffectSize, maybe_numbers
from pipeline.meta.effect_sizes.standardized import hedges_g


@dataclass(frozen=True, slots=True)
class Reported:
    """An estimate with its limits, on the scale it was printed.

    Attributes
    ----------
    estimate : the effect
    ci_lb, ci_ub : limits of its confidence interval
    """

    estimate: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


def critical_value(level: float = 95, df: ArrayLike | None = None) -> FloatArray:
    """Two-sided quantile of the standard normal, or of t with `df` degrees of freedom.

    >>> critical_value(95).round(4).item(), critical_value(95, 20).round(4).item()
    (1.96, 2.086)
    """
    upper = 1 - probability(level) / 2
    if df is None:
        return np.asarray(special.ndtri(upper))[()]
    return np.asarray(special.stdtrit(numbers("df", df, gt=0), upper))[()]


def se_from_ci(ci_lb: ArrayLike, ci_ub: ArrayLike, *, level: float = 95, df: ArrayLike | None = None) -> FloatArray:
    """Half the width of an interval over its critical value (normal, or t if `df` is given). Handbook 6.3.1.

    >>> se_from_ci(-0.98, -0.21).round(4).item()
    0.1964
    """
    lb, ub = together({"ci_lb": numbers("ci_lb", ci_lb), "ci_ub": numbers("ci_ub", ci_ub)})
    width = numbers("ci_ub - ci_lb", ub - lb, gt=0)
    return np.asarray(width / (2 * critical_value(level, df)))[()]


def se_from_t(estimate: ArrayLike, statistic: ArrayLike) -> FloatArray:
    """|estimate / statistic|, for a t or z statistic. Raises `InvalidInput` where either is 0.

    >>> se_from_t(0.5, 2.5).item()
    0.2
    """
    y, t = together({"estimate": numbers("estimate", estimate), "statistic": numbers("statistic", statistic)})
    numbers("|statistic|", np.abs(t), gt=0)
    numbers("|estimate|", np.abs(y), gt=0)
    return np.asarray(np.abs(y / t))[()]


def se_from_p(estimate: ArrayLike, p: ArrayLike, *, df: ArrayLike | None = None) -> FloatArray:
    """Standard error from an estimate and its two-sided p (normal, or t if `df` is given). Handbook 6.3.2.

    >>> se_from_p(0.5, 0.04).round(4).item()
    0.2435
    """
    return se_from_t(estimate, statistic_from_p(numbers("p", p, gt=0), df))


def sd_from_se(se: ArrayLike, n: ArrayLike) -> FloatArray:
    """Standard deviation of people from the standard error of their mean.

    >>> sd_from_se(0.8, 25).item()
    4.0
    """
    s, people = together({"se": numbers("se", se, gt=0), "n": numbers("n", n, ge=2)})
    return np.asarray(s * np.sqrt(people))[()]


def sd_from_ci(ci_lb: ArrayLike, ci_ub: ArrayLike, n: ArrayLike, *, level: float = 95, t: bool = True) -> FloatArray:
    """Standard deviation from the interval of one arm's mean, t(n - 1) or normal. Handbook 6.5.2.2.

    >>> sd_from_ci(30, 34.2, 25).round(4).item()
    5.0875
    """
    people = numbers("n", n, ge=2)
    return sd_from_se(se_from_ci(ci_lb, ci_ub, level=level, df=people - 1 if t else None), people)


def log_ratio_from_ci(ratio: ArrayLike, ci_lb: ArrayLike, ci_ub: ArrayLike, *, level: float = 95) -> EffectSize:
    """Log of a reported ratio (risk, odds, rate, hazard) with the variance its interval implies.

    >>> log_ratio_from_ci(0.66, 0.44, 0.99).vi.round(4).item()
    0.0428
    """
    r = {"ratio": ratio, "ci_lb": ci_lb, "ci_ub": ci_ub}
    y, lb, ub = together({name: np.log(numbers(name, x, gt=0)) for name, x in r.items()})
    return EffectSize(y, se_from_ci(lb, ub, level=level) ** 2)


def ratio_limits(effect: EffectSize, *, level: float = 95) -> Reported:
    """A log ratio back on its own scale with Wald limits.

    >>> ratio_limits(EffectSize(np.log(0.66), 0.0428)).ci_ub.round(3).item()
    0.99
    """
    half = critical_value(level) * np.sqrt(effect.vi)
    return Reported(np.exp(effect.yi), np.exp(effect.yi - half), np.exp(effect.yi + half))


def ratio_from_reduction(reduction: ArrayLike, ci_lb: ArrayLike, ci_ub: ArrayLike) -> Reported:
    """Ratio 1 - r of a relative reduction r (0.46 = 46 %); the limits change places.

    >>> ratio_from_reduction(0.46, 0.24, 0.62).ci_lb.item()
    0.38
    """
    given = {"reduction": reduction, "ci_lb": ci_lb, "ci_ub": ci_ub}
    r, lb, ub = together({name: numbers(name, x) for name, x in given.items()})
    for name, x in (("reduction", r), ("ci_lb", lb), ("ci_ub", ub)):
        if (x >= 1).any():
            raise InvalidInput(f"{name} must be < 1, as a proportion (46 % is 0.46)")
    return Reported(np.asarray(1 - r)[()], np.asarray(1 - ub)[()], np.asarray(1 - lb)[()])


def smd_from_mean_difference(
    md: ArrayLike, se: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, correction: str = "exact", vtype: str = "LS"
) -> EffectSize:
    """Hedges' g from a raw mean difference through the pooled SD its standard error implies, se / sqrt(1/n1 + 1/n2).

    Right for an unadjusted difference only: an adjusted standard error is smaller than the people's spread
    (Cochrane Handbook 6.5.2.3).

    >>> smd_from_mean_difference(-2.0, 0.8, 30, 26).yi.round(4).item()
    -0.6605
    """
    y, s = together({"md": numbers("md", md), "se": numbers("se", se, gt=0)})
    return hedges_g(d_from_t(y / s, n1i, n2i), n1i, n2i, correction=correction, vtype=vtype)


def wald_effect(
    estimate: ArrayLike,
    *,
    ci_lb: ArrayLike = np.nan,
    ci_ub: ArrayLike = np.nan,
    statistic: ArrayLike = np.nan,
    p: ArrayLike = np.nan,
    level: ArrayLike = 95,
    transform: Callable[[FloatArray], FloatArray] | None = None,
) -> EffectSize:
    """Effects whose variance stands behind a Wald interval, a z statistic or a two-sided p, each study its own way.

    Parameters
    ----------
    estimate : effects as printed
    ci_lb, ci_ub, statistic, p : NaN where not printed. The interval is preferred, then the statistic, then p.
    level : percent, one for all intervals or one each
    transform : from the printed scale to that of the analysis (`np.log` for ratios), for the estimate and its limits

    Returns
    -------
    transformed effects; a variance of NaN where nothing is printed to compute it from

    Raises
    ------
    InvalidInput
        Limits out of order, a statistic of 0, p outside (0, 1], a level outside (0, 100), unequal shapes, or a number
        that `transform` does not take (the logarithm of 0).

    >>> wald_effect(0.64, ci_lb=0.33, ci_ub=1.22, transform=np.log).vi.round(4).item()
    0.1113
    """
    turn = transform or (lambda x: x)
    names = {"ci_lb": ci_lb, "ci_ub": ci_ub, "statistic": statistic, "p": p, "level": level}
    given = {name: maybe_numbers(name, x) for name, x in names.items()}
    raw, lb, ub, z, prob, percent = together({"estimate": numbers("estimate", estimate)} | given)
    if not ((percent > 0) & (percent < 100)).all():
        raise InvalidInput("level is a percentage between 0 and 100")
    interval, has_z, has_p = ~(np.isnan(lb) | np.isnan(ub)), ~np.isnan(z), ~np.isnan(prob)
    # values stand in where nothing is printed: what is computed from them is not used
    behind_p = statistic_from_p(numbers("p", np.where(has_p, prob, 0.5), gt=0, le=1))
    size = numbers("|statistic|", np.where(has_z, np.abs(np.where(has_z, z, 1.0)), behind_p), gt=0)
    printed = {"estimate": raw, "ci_lb": np.where(interval, lb, raw), "ci_ub": np.where(interval, ub, raw)}
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turned = {name: turn(x) for name, x in printed.items()}
    y, low, high = (numbers(f"transformed {name}", x) for name, x in turned.items())
    width = numbers("ci_ub - ci_lb", np.where(interval, high - low, 1.0), gt=0)
    from_test = np.where(has_z | has_p, (y / size) ** 2, np.nan)
    vi = np.where(interval, (width / (2 * special.ndtri((1 + percent / 100) / 2))) ** 2, from_test)
    return EffectSize(np.array(y)[()], vi[()])
