"""What every fitted model of dependent effects reports: coefficients, tests, likelihood."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, choose
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class MixedFit:
    """A fitted model of dependent effects. Shapes: (..., p) for coefficients, (..., k) for effects, else (...).

    Attributes
    ----------
    beta, se, statistic, p, ci_lb, ci_ub : coefficients with tests and intervals
    vb : covariance of the coefficients, (..., p, p)
    df : degrees of freedom of t, (..., p); NaN where the reference is the standard normal
    QM, QM_df, QM_df2, QM_p : omnibus test of all coefficients but the intercept: chi-square, or F with QM_df2
        (QM_df2 NaN for chi-square; NaN throughout without moderators)
    Q, Q_df, Q_p : test of residual heterogeneity, by the sampling covariance alone
    log_lik, AIC, BIC, AICc : log-likelihood and information criteria of the estimator used
    k : effects
    x : design, (k, p) or (..., k, p)
    y : effects, (..., k)
    converged : did the search end at a maximum
    boundary : is a component at the edge of what it may be (a variance 0, a correlation 1 or its lowest)
    method : estimator and reference distribution in words
    """

    beta: FloatArray
    se: FloatArray
    vb: FloatArray
    statistic: FloatArray
    df: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    QM: FloatArray
    QM_df: FloatArray
    QM_df2: FloatArray
    QM_p: FloatArray
    Q: FloatArray
    Q_df: IntArray
    Q_p: FloatArray
    log_lik: FloatArray
    AIC: FloatArray
    BIC: FloatArray
    AICc: FloatArray
    k: IntArray
    x: FloatArray
    y: FloatArray
    converged: BoolArray
    boundary: BoolArray
    method: str


Groupings = Sequence[IntArray]


def _normal(x: FloatArray, present: BoolArray, groupings: Groupings) -> FloatArray:
    return np.full((*present.shape[:-1], x.shape[-1]), np.nan)


def _residual(x: FloatArray, present: BoolArray, groupings: Groupings) -> FloatArray:
    df = present.sum(-1) - x.shape[-1]
    return np.repeat(np.where(df > 0, df, np.nan)[..., None], x.shape[-1], axis=-1)


def _contained(x: FloatArray, present: BoolArray, groupings: Groupings) -> FloatArray:
    """Units less p of the smallest grouping within which a column of the design does not vary, else k - p."""
    df = _residual(x, present, groupings)
    on = present[..., None]
    for of in groupings:
        order = np.argsort(of, kind="stable")
        first = np.flatnonzero(np.diff(of[order], prepend=-1))
        top = np.maximum.reduceat(np.where(on, x, -np.inf)[..., order, :], first, axis=-2)
        low = np.minimum.reduceat(np.where(on, x, np.inf)[..., order, :], first, axis=-2)
        units = np.maximum.reduceat(present[..., order], first, axis=-1).sum(-1)
        constant = (top <= low + 1e-12 * np.abs(low)).all(-2)
        df = np.where(constant, np.fmin(df, units[..., None] - x.shape[-1]), df)
    return np.where(df > 0, df, np.nan)


# degrees of freedom of each coefficient's t: none (normal), k - p, or those of the level that holds the moderator
DF_RULES: Mapping[str, Callable[[FloatArray, BoolArray, Groupings], FloatArray]] = {
    "z": _normal,
    "t": _residual,
    "contain": _contained,
}


def coefficient_tests(
    beta: FloatArray,
    vb: FloatArray,
    x: FloatArray,
    *,
    present: BoolArray,
    groupings: Groupings,
    test: str,
    level: float,
) -> dict[str, Any]:
    """The fields of `MixedFit` that follow from the coefficients and their covariance."""
    choose("test", test, DF_RULES)
    df = np.broadcast_to(DF_RULES[test](x, present, groupings), beta.shape)
    se = np.sqrt(np.diagonal(vb, axis1=-2, axis2=-1))
    half = quantile(level, df) * se
    statistic = beta / se
    return {
        "beta": beta, "vb": vb, "se": se, "statistic": statistic, "df": df, "p": two_sided_p(statistic, df),
        "ci_lb": beta - half, "ci_ub": beta + half, **_omnibus(beta, vb, x, df),
    }  # fmt: skip


def heterogeneity_test(q: FloatArray, df: IntArray) -> dict[str, Any]:
    """Q with its chi-square p; p is 1 without degrees of freedom."""
    return {"Q": q, "Q_df": df, "Q_p": np.where(df > 0, special.chdtrc(np.maximum(df, 1), np.maximum(q, 0)), 1.0)[()]}


def _omnibus(beta: FloatArray, vb: FloatArray, x: FloatArray, df: FloatArray) -> dict[str, FloatArray]:
    tested = ~np.all(x == 1, axis=tuple(range(x.ndim - 1)))
    m = int(tested.sum())
    if m == 0:
        return dict.fromkeys(("QM", "QM_df", "QM_df2", "QM_p"), np.full(beta.shape[:-1], np.nan)[()])
    b, v = beta[..., tested], vb[..., tested, :][..., tested]
    chi2 = np.einsum("...p,...p->...", b, np.linalg.solve(v, b[..., None])[..., 0])
    df2 = df[..., tested].min(-1)
    f = np.isfinite(df2)
    p = np.where(f, special.fdtrc(m, np.where(f, df2, 1.0), chi2 / m), special.chdtrc(m, chi2))
    size = np.full(beta.shape[:-1], float(m))
    return {"QM": np.where(f, chi2 / m, chi2)[()], "QM_df": size[()], "QM_df2": df2[()], "QM_p": p[()]}
