"""Small-study effects: is the effect larger where the study is smaller? Regressions of effects on a measure of size.

Studies are on the last axis, any batch on the leading axes; `mask` is True where a study takes part. Tests for counts
of events are in `event_tests`, the rank correlation in `rank_test`, the choice by measure in `choice`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, numbers, together
from pipeline.meta.guards import fitting
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class RegressionTest:
    """Regression test for funnel plot asymmetry; every field has the batch's shape (...).

    Attributes
    ----------
    slope, se : coefficient of the predictor and its standard error
    statistic, df, p : test of slope = 0; t, or z where df is NaN; p two-sided. statistic and p are NaN where model
        "lm" has all studies exactly on one line
    limit, limit_se, limit_lb, limit_ub : effect where the predictor is 0, its standard error and interval: an estimate
        for an infinitely large study only if the predictor shrinks with size
    tau2 : residual between-study variance; 0 for model "lm"
    k : studies
    """

    slope: FloatArray
    se: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    limit: FloatArray
    limit_se: FloatArray
    limit_lb: FloatArray
    limit_ub: FloatArray
    tau2: FloatArray
    k: IntArray


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
    mask: ArrayLike | None = None,
) -> RegressionTest:
    """Regress effects on a measure of study size.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    x : the measure of size, (..., k), see `predictor` and `smd_size`
    model : "lm" weights 1/vi with multiplicative dispersion, t(k - 2) (Egger et al. 1997, BMJ 315:629, in the form of
        Sterne & Egger 2005); "rma" a mixed-effects meta-regression with `estimator` and `interval`
    level : of the interval of the limit, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        Fewer than 3 studies, a predictor that does not vary, unequal lengths.

    Examples
    --------
    >>> t = regression_test([0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01], [0.45, 0.32, 0.22, 0.10])
    >>> round(float(t.slope), 4), round(float(t.limit), 4), int(t.df)
    (2.0169, 0.0034, 2)
    """
    s = _studies(yi, vi, x, mask)
    if model == "lm":
        return _dispersion_regression(s, level)
    if model != "rma":
        raise InvalidInput(f"model {model!r} is not known; choose from lm, rma")
    m = meta_regression(s.y, s.v, s.x, estimator=estimator, interval=interval, level=level, mask=s.present > 0)
    slope = {name: getattr(m, name)[..., 1][()] for name in ("se", "statistic", "p")}
    limit, se, lb, ub = (a[..., 0][()] for a in (m.beta, m.se, m.ci_lb, m.ci_ub))
    return RegressionTest(
        slope=m.beta[..., 1][()], **slope, df=m.df,
        limit=limit, limit_se=se, limit_lb=lb, limit_ub=ub, tau2=m.tau2, k=m.k,
    )  # fmt: skip


def egger(yi: ArrayLike, vi: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None) -> RegressionTest:
    """Egger's test: regression on the standard error. Not for an SMD, whose standard error holds the effect.

    Examples
    --------
    >>> round(float(egger([0.9, 0.6, 0.5, 0.2], [0.20, 0.10, 0.05, 0.01]).p), 4)
    0.0068
    """
    s = studies(yi, vi, mask=mask)
    return regression_test(s.y, s.v, np.sqrt(s.v), level=level, mask=s.present > 0)


def pustejovsky_rodgers(
    yi: ArrayLike, vi: ArrayLike, n1i: ArrayLike, n2i: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None
) -> RegressionTest:
    """Egger's test for a standardised mean difference: predictor `smd_size`, weights 1/vi.

    Pustejovsky & Rodgers 2019, Res Synth Methods 10:57.
    """
    return regression_test(yi, vi, smd_size(n1i, n2i), level=level, mask=mask)


def thompson(
    yi: ArrayLike, vi: ArrayLike, *, estimator: str = "REML", level: float = 95, mask: ArrayLike | None = None
) -> RegressionTest:
    """Meta-regression on the standard error, additive tau2, t(k - 2). Thompson & Sharp 1999, Stat Med 18:2693."""
    s = studies(yi, vi, mask=mask)
    size, on = np.sqrt(s.v), s.present > 0
    return regression_test(s.y, s.v, size, model="rma", estimator=estimator, interval="t", level=level, mask=on)


def macaskill(
    yi: ArrayLike, vi: ArrayLike, ni: ArrayLike, *, level: float = 95, mask: ArrayLike | None = None
) -> RegressionTest:
    """Macaskill's test: predictor N, weights 1/vi. Macaskill, Walter & Irwig 2001, Stat Med 20:641."""
    return regression_test(yi, vi, numbers("ni", ni, gt=0), level=level, mask=mask)


def _studies(yi: ArrayLike, vi: ArrayLike, x: ArrayLike, mask: ArrayLike | None) -> Studies:
    """Studies with the design [1, x]."""
    plain = studies(yi, vi, mask=mask)
    on = plain.present > 0
    try:
        size = np.asarray(x, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("x is not numeric") from None
    if size.ndim and size.shape[-1] != on.shape[-1]:
        raise InvalidInput(f"x must have one value per study: shapes differ, yi {on.shape}, x {size.shape}")
    fitting({"yi": plain.y, "x": size})
    size = numbers("x", np.where(on, size, 0.0))
    if plain.k.min() < 3:
        raise InvalidInput(f"a regression test needs at least 3 studies (found {plain.k.min()})")
    largest, smallest = (f(np.where(on, size, end), -1) for f, end in ((np.max, -np.inf), (np.min, np.inf)))
    if np.any(largest - smallest <= 1e-12 * np.maximum(np.abs(largest), np.abs(smallest))):
        raise InvalidInput("the measure of size (standard error, people) is the same in all studies: no trend to see")
    return studies(plain.y, plain.v, np.stack([np.ones(size.shape), size], -1), on)


def _dispersion_regression(s: Studies, level: float) -> RegressionTest:
    f = s.fit()
    beta = f.coefficients(s.y)
    left = np.sum(f.residuals(s.y) ** 2, -1)
    rounding = (1e-14 * np.sqrt(np.sum((f.root * s.y) ** 2, -1))) ** 2
    dispersion = np.where(left > rounding, left, 0.0) / s.df
    se = np.sqrt(np.diagonal(f.inverse_information(), axis1=-2, axis2=-1) * dispersion[..., None])
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(se > 0, beta / se, np.nan)[..., 1]
    half = quantile(level, s.df) * se[..., 0]
    limit = beta[..., 0]
    return RegressionTest(
        slope=beta[..., 1][()], se=se[..., 1][()], statistic=t[()], df=s.df.astype(np.float64)[()],
        p=np.where(np.isnan(t), np.nan, two_sided_p(t, s.df))[()],
        limit=limit[()], limit_se=se[..., 0][()], limit_lb=(limit - half)[()], limit_ub=(limit + half)[()],
        tau2=np.zeros(s.k.shape)[()], k=s.k[()],
    )  # fmt: skip
