"""Small-study effects: is the effect larger where the study is smaller?

All tests take studies on one axis, (k,). Only unbatched: a test is done once per question.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.weighted_fit import fit
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class RegressionTest:
    """Regression test for funnel plot asymmetry.

    Attributes
    ----------
    slope, se : coefficient of the predictor and its standard error
    statistic, df, p : test of slope = 0; t, or z where df is NaN; p two-sided
    limit, limit_lb, limit_ub : effect where the predictor is 0, with its interval; an estimate for an infinitely large
        study only if the predictor shrinks with size
    k : studies
    """

    slope: float
    se: float
    statistic: float
    df: float
    p: float
    limit: float
    limit_lb: float
    limit_ub: float
    k: int


def predictor(name: str, vi: ArrayLike, ni: ArrayLike | None = None) -> FloatArray:
    """A measure of study size by name: a key of PREDICTORS. All but "sei" and "vi" need `ni`, people."""
    if name not in PREDICTORS:
        raise InvalidInput(f"predictor {name!r} is not known; choose from {', '.join(PREDICTORS)}")
    if name in ("sei", "vi"):
        return PREDICTORS[name](numbers("vi", vi, gt=0))
    if ni is None:
        raise InvalidInput(f"predictor {name!r} needs ni, the number of people per study")
    return PREDICTORS[name](numbers("ni", ni, gt=0))


PREDICTORS: dict[str, Callable[[FloatArray], FloatArray]] = {
    "sei": np.sqrt,
    "vi": lambda v: v,
    "ni": lambda n: n,
    "ninv": lambda n: 1 / n,
    "sqrtni": np.sqrt,
    "sqrtninv": lambda n: 1 / np.sqrt(n),
}


def smd_size(n1i: ArrayLike, n2i: ArrayLike) -> FloatArray:
    """sqrt(1/n1 + 1/n2): the part of an SMD's standard error that does not hold the effect itself.

    Pustejovsky & Rodgers 2019, Res Synth Methods 10:57.
    """
    n1, n2 = together({"n1i": numbers("n1i", n1i, gt=0), "n2i": numbers("n2i", n2i, gt=0)})
    return np.sqrt(1 / n1 + 1 / n2)


def regression_test(
    yi: ArrayLike,
    vi: ArrayLike,
    x: ArrayLike,
    *,
    model: str = "lm",
    estimator: str = "REML",
    interval: str = "wald",
    level: float = 95,
) -> RegressionTest:
    """Regress effects on a measure of study size.

    Parameters
    ----------
    x : the measure of size, see `predictor` and `smd_size`
    model : "lm" weights 1/vi with multiplicative dispersion, t(k - 2) (Egger et al. 1997, BMJ 315:629, in the form of
        Sterne & Egger 2005); "rma" a mixed-effects meta-regression with `estimator` and `interval`

    Raises
    ------
    InvalidInput
        Fewer than 3 studies, a predictor that does not vary, unequal lengths.
    """
    y, v, size = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0), "x": numbers("x", x)})
    if y.ndim != 1 or len(y) < 3:
        raise InvalidInput("a regression test needs at least 3 studies on one axis")
    design = np.column_stack([np.ones(len(y)), size])
    if model == "lm":
        return _dispersion_regression(y, 1 / v, design, level)
    if model != "rma":
        raise InvalidInput(f"model {model!r} is not known; choose from lm, rma")
    m = meta_regression(y, v, design, estimator=estimator, interval=interval, level=level)
    return RegressionTest(
        float(m.beta[1]), float(m.se[1]), float(m.statistic[1]), float(m.df), float(m.p[1]),
        float(m.beta[0]), float(m.ci_lb[0]), float(m.ci_ub[0]), len(y),
    )  # fmt: skip


def egger(yi: ArrayLike, vi: ArrayLike, *, level: float = 95) -> RegressionTest:
    """Egger's test: regression on the standard error. Not for an SMD, whose standard error holds the effect."""
    return regression_test(yi, vi, predictor("sei", vi), level=level)


def pustejovsky_rodgers(
    yi: ArrayLike, vi: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, level: float = 95
) -> RegressionTest:
    """Egger's test for a standardised mean difference: predictor `smd_size`, weights 1/vi.

    Pustejovsky & Rodgers 2019, Res Synth Methods 10:57.
    """
    return regression_test(yi, vi, smd_size(n1i, n2i), level=level)


def thompson(yi: ArrayLike, vi: ArrayLike, *, estimator: str = "REML", level: float = 95) -> RegressionTest:
    """Meta-regression on the standard error, additive tau2, t(k - 2). Thompson & Sharp 1999, Stat Med 18:2693."""
    return regression_test(yi, vi, predictor("sei", vi), model="rma", estimator=estimator, interval="t", level=level)


def deeks(yi: ArrayLike, table: TwoByTwo, *, level: float = 95) -> RegressionTest:
    """Deeks's test: predictor and weights from the effective sample size 4 n1 n2 / N.

    Deeks, Macaskill & Irwig 2005, J Clin Epidemiol 58:882.
    """
    size = 4 * table.n1i * table.n2i / (table.n1i + table.n2i)
    return regression_test(yi, 1 / size, 1 / np.sqrt(size), level=level)


def macaskill(yi: ArrayLike, vi: ArrayLike, ni: ArrayLike, *, level: float = 95) -> RegressionTest:
    """Macaskill's test: predictor N, weights 1/vi. Macaskill, Walter & Irwig 2001, Stat Med 20:641."""
    return regression_test(yi, vi, numbers("ni", ni, gt=0), level=level)


def peters(yi: ArrayLike, table: TwoByTwo, *, level: float = 95) -> RegressionTest:
    """Peters's test for log odds ratios: predictor 1/N, weights events x non-events / N. Peters 2006, JAMA 295:676."""
    return regression_test(yi, _marginal_variance(table), 1 / (table.n1i + table.n2i), level=level)


def harbord(table: TwoByTwo, *, level: float = 95) -> RegressionTest:
    """Harbord's test for odds ratios, from score Z and information V. Harbord, Egger & Sterne 2006, Stat Med 25:3443.

    Z/V is regressed on 1/sqrt(V) with weights V. Tables without any event, or with events only, raise `InvalidInput`.
    """
    n, events = table.n1i + table.n2i, table.ai + table.ci
    z = table.ai - events * table.n1i / n
    v = numbers("V", table.n1i * table.n2i * events * (n - events) / (n**2 * (n - 1)), gt=0)
    return regression_test(z / v, 1 / v, 1 / np.sqrt(v), level=level)


@dataclass(frozen=True, slots=True)
class RankTest:
    """Rank correlation test for funnel plot asymmetry.

    Attributes
    ----------
    tau : Kendall's tau-b between standardised effects and variances
    p : two-sided; exact where there are no ties and k < 50, else normal
    z : Kendall's score over its standard deviation without ties, for the normal approximation
    z_p : its two-sided p
    """

    tau: float
    p: float
    z: float
    z_p: float


def begg(yi: ArrayLike, vi: ArrayLike) -> RankTest:
    """Begg & Mazumdar 1994, Biometrics 50:1088: effects centred at the common effect over their own standard error."""
    y, v = together({"yi": numbers("yi", yi), "vi": numbers("vi", vi, gt=0)})
    if y.ndim != 1 or len(y) < 3:
        raise InvalidInput("a rank test needs at least 3 studies on one axis")
    centre = np.sum(y / v) / np.sum(1 / v)
    z = (y - centre) / np.sqrt(v - 1 / np.sum(1 / v))
    ties = len(set(z)) < len(z) or len(set(v)) < len(v)
    found = stats.kendalltau(z, v, method="asymptotic" if ties or len(y) >= 50 else "exact")
    k = len(y)
    score = np.sum(np.sign(z[:, None] - z) * np.sign(v[:, None] - v)) / 2
    normal = score / np.sqrt(k * (k - 1) * (2 * k + 5) / 18)
    return RankTest(float(found.statistic), float(found.pvalue), float(normal), float(two_sided_p(normal, np.nan)))


def _dispersion_regression(y: FloatArray, w: FloatArray, design: FloatArray, level: float) -> RegressionTest:
    f = fit(w, design)
    df = len(y) - design.shape[1]
    beta = f.coefficients(y)
    dispersion = np.sum(f.residuals(y) ** 2) / df
    se = np.sqrt(np.diagonal(f.inverse_information()) * dispersion)
    t = beta / se
    half = quantile(level, df) * se
    return RegressionTest(
        float(beta[1]), float(se[1]), float(t[1]), float(df), float(two_sided_p(t[1], df)),
        float(beta[0]), float(beta[0] - half[0]), float(beta[0] + half[0]), len(y),
    )  # fmt: skip


def _marginal_variance(table: TwoByTwo) -> FloatArray:
    """Variance of a log odds under no effect, 1/events + 1/non-events; a half is added where either is 0."""
    events, others = table.ai + table.ci, table.bi + table.di
    add = 0.5 * (events * others == 0)
    return 1 / (events + add) + 1 / (others + add)
