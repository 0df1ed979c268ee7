"""What a paper prints, turned into an effect and its standard error.

Ratios come in on their own scale and leave as natural logarithms. Bad numbers raise `InvalidInput`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, probability, together
from pipeline.meta.effect_sizes.two_groups import EffectSize, hedges_g


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
    """Two-sided quantile of the standard normal, or of t with `df` degrees of freedom."""
    upper = 1 - probability(level) / 2
    if df is None:
        return np.asarray(special.ndtri(upper))[()]
    return np.asarray(special.stdtrit(numbers("df", df, gt=0), upper))[()]


def se_from_ci(ci_lb: ArrayLike, ci_ub: ArrayLike, *, level: float = 95, df: ArrayLike | None = None) -> FloatArray:
    """Half the width of an interval over its critical value (normal, or t if `df` is given). Handbook 6.3.1."""
    lb, ub = together({"ci_lb": numbers("ci_lb", ci_lb), "ci_ub": numbers("ci_ub", ci_ub)})
    width = numbers("ci_ub - ci_lb", ub - lb, gt=0)
    return np.asarray(width / (2 * critical_value(level, df)))[()]


def se_from_t(estimate: ArrayLike, statistic: ArrayLike) -> FloatArray:
    """|estimate / statistic|, for a t or z statistic. Raises `InvalidInput` where either is 0."""
    y, t = together({"estimate": numbers("estimate", estimate), "statistic": numbers("statistic", statistic)})
    numbers("|statistic|", np.abs(t), gt=0)
    numbers("|estimate|", np.abs(y), gt=0)
    return np.asarray(np.abs(y / t))[()]


def se_from_p(estimate: ArrayLike, p: ArrayLike, *, df: ArrayLike | None = None) -> FloatArray:
    """Standard error from an estimate and its two-sided p (normal, or t if `df` is given). Handbook 6.3.2."""
    return se_from_t(estimate, _statistic(p, df))


def sd_from_se(se: ArrayLike, n: ArrayLike) -> FloatArray:
    """Standard deviation of people from the standard error of their mean."""
    s, people = together({"se": numbers("se", se, gt=0), "n": numbers("n", n, ge=2)})
    return np.asarray(s * np.sqrt(people))[()]


def sd_from_ci(ci_lb: ArrayLike, ci_ub: ArrayLike, n: ArrayLike, *, level: float = 95, t: bool = True) -> FloatArray:
    """Standard deviation from the interval of one arm's mean, t(n - 1) or normal. Handbook 6.5.2.2."""
    people = numbers("n", n, ge=2)
    return sd_from_se(se_from_ci(ci_lb, ci_ub, level=level, df=people - 1 if t else None), people)


def log_ratio_from_ci(ratio: ArrayLike, ci_lb: ArrayLike, ci_ub: ArrayLike, *, level: float = 95) -> EffectSize:
    """Log of a reported ratio (risk, odds, rate, hazard) with the variance its interval implies."""
    r = {"ratio": ratio, "ci_lb": ci_lb, "ci_ub": ci_ub}
    y, lb, ub = together({name: np.log(numbers(name, x, gt=0)) for name, x in r.items()})
    return EffectSize(y, se_from_ci(lb, ub, level=level) ** 2)


def ratio_limits(effect: EffectSize, *, level: float = 95) -> Reported:
    """A log ratio back on its own scale with Wald limits."""
    half = critical_value(level) * np.sqrt(effect.vi)
    return Reported(np.exp(effect.yi), np.exp(effect.yi - half), np.exp(effect.yi + half))


def ratio_from_reduction(reduction: ArrayLike, ci_lb: ArrayLike, ci_ub: ArrayLike) -> Reported:
    """Ratio 1 - r of a relative reduction r (0.46 = 46 %); the limits change places."""
    given = {"reduction": reduction, "ci_lb": ci_lb, "ci_ub": ci_ub}
    r, lb, ub = together({name: numbers(name, x) for name, x in given.items()})
    for name, x in (("reduction", r), ("ci_lb", lb), ("ci_ub", ub)):
        if (x >= 1).any():
            raise InvalidInput(f"{name} must be < 1, as a proportion (46 % is 0.46)")
    return Reported(np.asarray(1 - r)[()], np.asarray(1 - ub)[()], np.asarray(1 - lb)[()])


def d_from_t(t: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Cohen's d from a two-sample t statistic: t sqrt(1/n1 + 1/n2). Rosenthal 1991."""
    x = {"t": numbers("t", t), "n1i": numbers("n1i", n1i, ge=2), "n2i": numbers("n2i", n2i, ge=2)}
    statistic, n1, n2 = together(x)
    return np.asarray(statistic * np.sqrt(1 / n1 + 1 / n2))[()]


def d_from_p(p: ArrayLike, n1i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """Cohen's d from the two-sided p of a two-sample t-test; a negative p says that d is negative."""
    signed = numbers("p", p)
    df = numbers("n1i", n1i, ge=2) + numbers("n2i", n2i, ge=2) - 2
    return d_from_t(np.sign(signed) * _statistic(np.abs(signed), df), n1i, n2i)


def smd_from_mean_difference(
    md: ArrayLike, se: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, correction: str = "exact", vtype: str = "LS"
) -> EffectSize:
    """Hedges' g from a raw mean difference through the pooled SD its standard error implies, se / sqrt(1/n1 + 1/n2).

    Right for an unadjusted difference only: an adjusted standard error is smaller than the people's spread
    (Cochrane Handbook 6.5.2.3).
    """
    y, s = together({"md": numbers("md", md), "se": numbers("se", se, gt=0)})
    return hedges_g(d_from_t(y / s, n1i, n2i), n1i, n2i, correction=correction, vtype=vtype)


def d_from_log_odds_ratio(yi: ArrayLike, vi: ArrayLike) -> EffectSize:
    """Standardised difference from a log odds ratio, logistic latent scale: yi sqrt(3)/pi. Hasselblad & Hedges 1995."""
    factor = np.sqrt(3) / np.pi
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    return EffectSize(y * factor, v * factor**2)


def d_from_log_odds_ratio_normal(yi: ArrayLike) -> FloatArray:
    """Standardised difference from a log odds ratio, normal latent scale: yi / 1.65. Cox & Snell 1989."""
    return np.asarray(numbers("yi", yi) / 1.65)[()]


def log_odds_ratio_from_d(yi: ArrayLike, vi: ArrayLike) -> EffectSize:
    """The way back of `d_from_log_odds_ratio`."""
    factor = np.pi / np.sqrt(3)
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    return EffectSize(y * factor, v * factor**2)


def number_needed_to_treat(risk_difference: ArrayLike) -> FloatArray:
    """1 / |risk difference|; infinite where the risks are equal. Cook & Sackett 1995, BMJ 310:452."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.abs(numbers("risk_difference", risk_difference, ge=-1, le=1)))[()]


def number_needed_to_treat_from_d(d: ArrayLike, control_risk: ArrayLike) -> FloatArray:
    """NNT of a standardised difference at a control group's event rate. Furukawa & Leucht 2011, PLoS One 6:e19070."""
    given = {"d": numbers("d", d), "control_risk": numbers("control_risk", control_risk, gt=0, le=1)}
    y, risk = together(given)
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (special.ndtr(np.abs(y) + special.ndtri(risk)) - risk))[()]


def number_needed_to_treat_kraemer(d: ArrayLike) -> FloatArray:
    """NNT from the probability of superiority, 1 / (2 Phi(|d| / sqrt 2) - 1). Kraemer & Kupfer 2006."""
    with np.errstate(divide="ignore"):
        return np.asarray(1 / (2 * special.ndtr(np.abs(numbers("d", d)) / np.sqrt(2)) - 1))[()]


def _statistic(p: ArrayLike, df: ArrayLike | None) -> FloatArray:
    """The positive t or z of a two-sided p."""
    tail = numbers("p", p, gt=0, le=1) / 2
    if df is None:
        return np.asarray(-special.ndtri(tail))
    return np.asarray(-special.stdtrit(numbers("df", df, gt=0), tail))
