"""Tests of several coefficients at once with a cluster-robust variance.

The approximate Hotelling test HTZ takes the robust covariance of the q contrasts, standardised by its expectation under
the working covariance, for a Wishart matrix whose degrees of freedom match the total variance of its entries. Tipton &
Pustejovsky 2015, J Educ Behav Stat 40:604; Pustejovsky & Tipton 2018, J Bus Econ Stat 36:672.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers
from pipeline.meta.dependence.robust_variance import RobustFit
from pipeline.meta.dependence.satterthwaite import RELIABLE_DF, linear_contrast, spare_clusters
from pipeline.meta.guards import instance


@dataclass(frozen=True, slots=True)
class RobustWald:
    """Test that every contrast is zero, each field (...).

    Attributes
    ----------
    F : Q times a factor (Q / q for the naive tests and "chi2"); 0 where df_denom is not positive
    Q : Wald statistic (C beta)'(C V C')^-1 (C beta)
    df_num : contrasts tested
    df_denom : denominator degrees of freedom; infinite for "chi2"
    p : NaN where df_denom is not positive: too few clusters for so many contrasts
    reliable : df_denom of at least 4
    """

    F: FloatArray
    Q: FloatArray
    df_num: int
    df_denom: FloatArray
    p: FloatArray
    reliable: BoolArray


def hotelling_df(fit: RobustFit) -> FloatArray:
    """Degrees of freedom eta of the Wishart matrix that approximates the covariance V of q coefficients, shape (...).

    eta = q (q + 1) / sum_st var(d_st), D = omega^-1/2 V omega^-1/2 with omega its expectation under the working
    covariance. For one coefficient it is the Satterthwaite value.

    Parameters
    ----------
    fit : of the coefficients to be tested (see `linear_contrast`)
    """
    instance("fit", fit, RobustFit)
    expected = (fit.own - _both(fit.left, fit.right)).sum(-3)
    try:
        turn = np.linalg.inv(np.linalg.cholesky(expected))
    except np.linalg.LinAlgError:
        raise InvalidInput("contrast: some combination of these coefficients has no robust variance") from None
    out = np.swapaxes(turn, -1, -2)[..., None, :, :]
    own, left, right = turn[..., None, :, :] @ fit.own @ out, fit.left @ out, fit.right @ out
    q = fit.beta.shape[-1]
    return q * (q + 1) / _total_variance(own, left, right)


def _total_variance(own: FloatArray, left: FloatArray, right: FloatArray) -> FloatArray:
    """Sum over entries of the variances of D = sum_j t_j t_j', from cov(t_i, t_j) = T_ij: sum (tr T)^2 + tr(T T)."""
    q, m = own.shape[-1], own.shape[-3]
    each = np.arange(m)

    def entry(s: int, t: int) -> FloatArray:
        shared = left[..., s] @ np.swapaxes(right[..., t], -1, -2) + right[..., s] @ np.swapaxes(left[..., t], -1, -2)
        shared = -shared
        shared[..., each, each] += own[..., s, t]
        return shared

    trace: FloatArray = np.zeros((m, m))
    total: FloatArray = np.zeros(())
    for s in range(q):
        diagonal = entry(s, s)
        trace = trace + diagonal
        total = total + np.sum(diagonal**2, (-2, -1))
        for t in range(s):
            total = total + 2 * np.sum(entry(s, t) * entry(t, s), (-2, -1))
    return total + np.sum(trace**2, (-2, -1))


def _both(left: FloatArray, right: FloatArray) -> FloatArray:
    part = np.swapaxes(left, -1, -2) @ right
    return part + np.swapaxes(part, -1, -2)


def _htz(fit: RobustFit) -> tuple[FloatArray, FloatArray]:
    eta, q = hotelling_df(fit), fit.beta.shape[-1]
    return (eta - q + 1) / (eta * q), eta - q + 1


def _plain(fit: RobustFit, df: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.asarray(1 / fit.beta.shape[-1]), df


# factor on Q and denominator degrees of freedom for the coefficients tested; naive_f: clusters - 1; naive_fp: clusters
# less the coefficients of the model
WALD_TESTS: dict[str, Callable[[RobustFit], tuple[FloatArray, FloatArray]]] = {
    "HTZ": _htz,
    "naive_f": lambda fit: _plain(fit, spare_clusters(fit, 1)),
    "naive_fp": lambda fit: _plain(fit, spare_clusters(fit, fit.p)),
    "chi2": lambda fit: _plain(fit, np.asarray(np.inf)),
}


def robust_wald_test(fit: RobustFit, contrast: ArrayLike | None = None, *, test: str = "HTZ") -> RobustWald:
    """Test C beta = 0.

    Parameters
    ----------
    contrast : C, (q, p), of full row rank; None: every coefficient after the first
    test : key of WALD_TESTS

    Raises
    ------
    InvalidInput
        No `RobustFit`, a contrast of another width or without full rank, an unknown test, too few clusters for a naive
        test.

    Examples
    --------
    >>> from pipeline.meta.dependence.robust_variance import robust_variance
    >>> x = [[1, 0], [1, 0], [1, 1], [1, 1], [1, 0], [1, 1]]
    >>> y, clusters = [0.1, 0.3, 0.5, 0.2, 0.4, 0.6], ["A", "A", "B", "C", "D", "E"]
    >>> w = robust_wald_test(robust_variance(y, x, clusters, variance=[0.1] * 6))
    >>> round(float(w.F), 4), w.df_num, round(float(w.df_denom), 3)
    (1.1905, 1, 2.667)
    """
    choose("test", test, WALD_TESTS)
    instance("fit", fit, RobustFit)
    c = np.eye(fit.p)[1:] if contrast is None else numbers("contrast", contrast)
    tested = linear_contrast(fit, c)
    if np.linalg.matrix_rank(c) < c.shape[0]:
        raise InvalidInput("contrast: its rows are linearly dependent")
    factor, df = WALD_TESTS[test](tested)
    try:
        solved = np.linalg.solve(tested.vb, tested.beta[..., None])[..., 0]
    except np.linalg.LinAlgError:
        raise InvalidInput("contrast: the robust covariance of these coefficients is singular") from None
    q_stat, q = np.sum(tested.beta * solved, -1), c.shape[0]
    f = np.where(df > 0, factor * q_stat, 0.0)[()]
    finite = np.where((df > 0) & np.isfinite(df), df, np.nan)
    p = np.where(np.isinf(df), special.chdtrc(q, q_stat), special.fdtrc(q, finite, f))
    df = np.broadcast_to(df, q_stat.shape)[()]
    return RobustWald(f, q_stat, q, df, p[()], df >= RELIABLE_DF)
