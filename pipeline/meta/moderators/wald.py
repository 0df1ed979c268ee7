"""Wald tests of linear hypotheses L b = c: of single contrasts, of sets of coefficients, of whole terms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput, floats, numbers
from pipeline.meta.guards import affordable, covariance, fitting, instance, spread
from pipeline.meta.moderators.design import Design
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class WaldTest:
    """Test of L b = c, each field of the batch's shape (...).

    Attributes
    ----------
    statistic : chi-square, or F = chi-square / df1 where there are denominator degrees of freedom
    df1 : rows of L
    df2 : denominator degrees of freedom of F; NaN for chi-square
    p : upper tail
    """

    statistic: FloatArray
    df1: FloatArray
    df2: FloatArray
    p: FloatArray


@dataclass(frozen=True, slots=True)
class Contrasts:
    """Linear combinations of coefficients, shape (..., m).

    Attributes
    ----------
    estimate, se : L b and its standard error
    statistic, df, p : test of L b = c; t with df degrees of freedom, or z where df is NaN
    ci_lb, ci_ub : confidence interval of L b
    """

    estimate: FloatArray
    se: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray


def wald_test(
    beta: ArrayLike, vb: ArrayLike, hypothesis: ArrayLike, value: ArrayLike = 0.0, *, df: ArrayLike = np.nan
) -> WaldTest:
    """Test L b = c by (Lb - c)' (L V L')^-1 (Lb - c): chi-square, or F where `df` is given.

    With one row and `df`, F is the square of t. Wald 1943, Trans Am Math Soc 54:426.

    Parameters
    ----------
    beta : coefficients, (..., p)
    vb : their covariance, (..., p, p)
    hypothesis : L, (m, p) or one row (p,)
    value : c, (m,) or one number
    df : denominator degrees of freedom, (...); NaN for chi-square

    Raises
    ------
    InvalidInput
        Shapes that do not fit; rows of L that are combinations of one another, or that the covariance makes so
        (singular, or not a covariance); df <= 0.

    Examples
    --------
    >>> t = wald_test([0.5, 1.0], [[0.04, 0.0], [0.0, 0.25]], [[1, 0], [0, 1]])
    >>> float(t.statistic), round(float(t.p), 4)
    (10.25, 0.0059)
    """
    b, v, rows = _fitting(beta, vb, hypothesis)
    if len(rows) > rows.shape[-1] or np.linalg.matrix_rank(rows) < len(rows):
        raise InvalidInput("the rows of the hypothesis are combinations of one another (or zero): leave one out")
    estimate = np.einsum("mp,...p->...m", rows, b)
    gap = estimate - spread("value", numbers("value", value), estimate.shape)
    middle = covariance("the covariance of the hypothesis, L vb L',", rows @ v @ rows.T)
    half = 1 / np.sqrt(np.diagonal(middle, axis1=-2, axis2=-1))
    scaled = gap * half
    inner = middle * half[..., None, :] * half[..., :, None]
    chi2 = np.einsum("...m,...m->...", scaled, np.linalg.solve(inner, scaled[..., None])[..., 0])
    m = float(len(rows))
    d = _freedoms(df, chi2.shape)
    f = np.isfinite(d)
    p = np.where(f, special.fdtrc(m, np.where(f, d, 1.0), chi2 / m), special.chdtrc(m, chi2))
    return WaldTest(np.where(f, chi2 / m, chi2)[()], np.full(chi2.shape, m)[()], d[()], p[()])


def omnibus(beta: FloatArray, vb: FloatArray, columns: ArrayLike, *, df: ArrayLike = np.nan) -> WaldTest:
    """Test that the coefficients in `columns` (0-based) are all zero; NaN throughout if there are none.

    Examples
    --------
    >>> round(float(omnibus([0.5, 1.0], [[0.04, 0.0], [0.0, 0.25]], [1]).p), 4)
    0.0455
    """
    b = floats("beta", beta)
    which = np.asarray(columns).reshape(-1)
    if which.size and which.dtype.kind not in "iu":
        raise InvalidInput(f"columns must be whole numbers (found {columns!r})")
    which = which.astype(np.int64)
    if which.size == 0:
        empty = np.full(b.shape[:-1], np.nan)[()]
        return WaldTest(empty, empty, empty, empty)
    if which.min() < 0 or which.max() >= b.shape[-1]:
        raise InvalidInput(f"columns must be between 0 and {b.shape[-1] - 1} (found {which.tolist()})")
    return wald_test(b, vb, np.eye(b.shape[-1])[which], df=df)


def term_tests(made: Design, beta: FloatArray, vb: FloatArray, *, df: ArrayLike = np.nan) -> dict[str, WaldTest]:
    """Omnibus test of each term of a design but the intercept (each adjusted for all the others), by name.

    Raises
    ------
    InvalidInput
        No `Design`, and as `wald_test`.

    Examples
    --------
    >>> from pipeline.meta.moderators.design import design
    >>> d = design("~ kind", {"kind": ["a", "b", "c", "c"]})
    >>> tests = term_tests(d, [0.1, 0.2, 0.3], np.eye(3) * 0.01)
    >>> {name: round(float(t.statistic), 6) for name, t in tests.items()}
    {'kind': 13.0}
    """
    instance("made", made, Design)
    return {t: omnibus(beta, vb, made.columns_of(t), df=df) for t in made.terms if t != "intrcpt"}


def contrasts(
    beta: ArrayLike,
    vb: ArrayLike,
    hypothesis: ArrayLike,
    value: ArrayLike = 0.0,
    *,
    df: ArrayLike = np.nan,
    level: float = 95,
) -> Contrasts:
    """Estimate each row of L b with its interval, and test it against c.

    Parameters
    ----------
    beta, vb, hypothesis, value : as `wald_test`; the rows of L may depend on one another
    df : degrees of freedom of t, (...); NaN for the standard normal. p and limits are NaN where df < 1
    level : of the intervals, percent

    Raises
    ------
    InvalidInput
        Shapes that do not fit; a row of zeros; a contrast whose variance is not positive; df <= 0.

    Examples
    --------
    >>> c = contrasts([0.5, 1.0], [[0.04, 0.0], [0.0, 0.05]], [-1, 1])
    >>> round(float(c.estimate[0]), 4), round(float(c.se[0]), 4)
    (0.5, 0.3)
    """
    b, v, rows = _fitting(beta, vb, hypothesis)
    estimate = np.einsum("mp,...p->...m", rows, b)
    if not rows.any(-1).all():
        raise InvalidInput("a row of the hypothesis is zero: there is nothing to estimate")
    variance = np.einsum("mp,...pq,mq->...m", rows, v, rows)
    se = np.sqrt(numbers("variance of the contrasts, L vb L',", variance, gt=0))
    d = _freedoms(df, estimate.shape[:-1])
    statistic = (estimate - spread("value", numbers("value", value), estimate.shape)) / se
    half = quantile(level, d)[..., None] * se
    return Contrasts(
        estimate, se, statistic, d[()], two_sided_p(statistic, d[..., None]), estimate - half, estimate + half
    )


def _fitting(beta: ArrayLike, vb: ArrayLike, hypothesis: ArrayLike) -> tuple[FloatArray, FloatArray, FloatArray]:
    b, v = numbers("beta", beta), numbers("vb", vb)
    rows = np.atleast_2d(numbers("hypothesis", hypothesis))
    p = b.shape[-1] if b.ndim else 0
    if rows.ndim != 2 or not len(rows) or rows.shape[-1] != p or v.shape[-2:] != (p, p):
        raise InvalidInput(f"shapes differ: beta {b.shape}, vb {v.shape}, hypothesis {rows.shape}")
    fits = fitting({"beta without its last axis": b[..., 0], "vb without its last two": v[..., 0, 0]})[0].size
    affordable(f"{len(rows)} rows of the hypothesis", fits * len(rows) * p)
    return b, v, rows


def _freedoms(df: ArrayLike, shape: tuple[int, ...]) -> FloatArray:
    """Degrees of freedom in the batch's shape; NaN and infinity stand for the limit."""
    try:
        d = np.asarray(df, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidInput("df is not numeric") from None
    numbers("df", np.where(np.isfinite(d), d, np.where(d == -np.inf, d, 1.0)), gt=0)
    return spread("df", d, shape)
