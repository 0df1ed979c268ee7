"""Do pooled effects differ between groups of studies?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, floats, labels, switches
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.prediction import Prediction, prediction_interval
from pipeline.meta.pooling.random_effects import Pooled, common_effect, random_effects


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pooled effects by subgroup, with the test of a difference. `...` is the batch's shape.

    Attributes
    ----------
    levels : names of the G subgroups, in alphabetical order whatever the case
    separate : each subgroup with its own tau2; fields of shape (..., G)
    common : each subgroup with one tau2 for all: estimates in `beta`, (..., G)
    Qb_separate, Qb_separate_p : Q between, from the estimates with their own tau2
    Qb_common, Qb_common_p : Q between, with the common tau2
    Qb_df : its degrees of freedom, G - 1
    F, F_df2, F_p : test of a difference with the common tau2 and the interval's own standard errors, F on G - 1 and
        k - G degrees of freedom; NaN for an interval of the normal distribution, and where all effects of a subgroup
        are alike and the interval is "hk", which then has no standard error
    prediction_separate : for a new study of each subgroup, tau2 and k of the subgroup, (..., G)
    prediction_common : the same with the common tau2, and t on k - G degrees of freedom where the method is "t_k1"
    """

    levels: tuple[str, ...]
    separate: Pooled
    common: Regression
    Qb_separate: FloatArray
    Qb_separate_p: FloatArray
    Qb_common: FloatArray
    Qb_common_p: FloatArray
    Qb_df: int
    F: FloatArray
    F_df2: FloatArray
    F_p: FloatArray
    prediction_separate: Prediction
    prediction_common: Prediction


def subgroup_analysis(
    yi: ArrayLike,
    vi: ArrayLike,
    group: ArrayLike,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    prediction: str = "t_k1",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Subgroups:
    """Pool each subgroup and test whether they differ. Borenstein et al. 2009, ch. 19; Cochrane Handbook 10.11.3.1.

    The Q between uses Wald standard errors whatever the interval, and is compared with chi-square on G - 1.

    Parameters
    ----------
    yi, vi : (..., k)
    group : label of each study, (k,)
    prediction : key of PREDICTION; an interval needs 2 studies in the subgroup
    mask : True where a study takes part, (..., k); every subgroup keeps a study in every row of the batch

    Raises
    ------
    InvalidInput
        Fewer than two subgroups, a missing label or a count of labels other than k, a subgroup without a study, or as
        `random_effects`.

    Examples
    --------
    >>> s = subgroup_analysis([0.1, 0.2, 0.6, 0.9], [0.02] * 4, ["a", "a", "b", "b"], interval="wald")
    >>> s.levels, round(float(s.Qb_common), 4)
    (('a', 'b'), 14.4)
    """
    y, v, on = _studies(yi, vi, None if mask is None else np.atleast_1d(mask))
    levels, members = _members(group, y.shape[-1])
    inside = members & on[..., None, :]
    empty = ~inside.any(-1)
    if empty.any():
        raise InvalidInput(f"subgroup {levels[int(np.argwhere(empty)[0][-1])]!r} has no study")
    rows = (y[..., None, :], v[..., None, :])
    separate = random_effects(*rows, estimator=estimator, interval=interval, level=level, mask=inside)
    wald = random_effects(*rows, estimator=estimator, interval="wald", mask=inside)
    x = members.T.astype(float)
    common, common_wald = (
        meta_regression(y, v, x, estimator=estimator, interval=way, level=level, mask=on) for way in (interval, "wald")
    )
    df = len(levels) - 1
    q = [_between(wald.estimate, wald.se), _between(common_wald.beta, common_wald.se)]
    f, f_df2, f_p = _f_test(common, df)
    shared = _common_prediction(common, separate.k, prediction, level)
    return Subgroups(
        levels=levels,
        separate=separate,
        common=common,
        Qb_separate=q[0],
        Qb_separate_p=special.chdtrc(df, q[0]),
        Qb_common=q[1],
        Qb_common_p=special.chdtrc(df, q[1]),
        Qb_df=df,
        F=f,
        F_df2=f_df2,
        F_p=f_p,
        prediction_separate=prediction_interval(
            separate.estimate, separate.se, separate.tau2, separate.k, method=prediction, level=level
        ),
        prediction_common=shared,
    )


def _studies(yi: ArrayLike, vi: ArrayLike, mask: ArrayLike | None) -> tuple[FloatArray, FloatArray, BoolArray]:
    y, v = floats("yi", yi), floats("vi", vi)
    on = np.ones(y.shape[-1:], dtype=bool) if mask is None else switches("mask", mask)
    if y.ndim == 0 or v.ndim == 0 or not y.shape[-1] == v.shape[-1] == on.shape[-1]:
        raise InvalidInput(f"shapes differ: yi {y.shape}, vi {v.shape}, mask {on.shape}")
    try:
        shape = np.broadcast_shapes(y.shape, v.shape, on.shape)
    except ValueError:
        raise InvalidInput(f"shapes do not fit together: yi {y.shape}, vi {v.shape}, mask {on.shape}") from None
    return np.broadcast_to(y, shape), np.broadcast_to(v, shape), np.broadcast_to(on, shape)


def _members(group: ArrayLike, k: int) -> tuple[tuple[str, ...], BoolArray]:
    """Names of the subgroups, and for each whether a study belongs to it, (G, k)."""
    given = np.array([str(label) for label in labels("group", group)])
    if given.shape != (k,):
        raise InvalidInput(f"shapes differ: yi has {k} studies, group {given.shape}")
    levels = tuple(sorted(set(given.tolist()), key=lambda name: (name.casefold(), name.swapcase())))
    if len(levels) < 2:
        raise InvalidInput("a subgroup analysis needs at least 2 subgroups")
    return levels, np.array([given == name for name in levels])


def _between(estimate: FloatArray, se: FloatArray) -> FloatArray:
    return np.asarray(common_effect(estimate, se**2).Q)[()]


def _f_test(common: Regression, df: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """F of a difference: Q between over the factor of the interval and the degrees of freedom."""
    t = np.isfinite(common.df) & np.all(common.se > 0, axis=-1)
    se = np.where(t[..., None], common.se, 1.0)
    f = np.where(t, _between(common.beta, se) / df, np.nan)
    df2 = np.where(t, common.df, np.nan)
    return f[()], df2[()], np.where(t, special.fdtrc(df, np.where(t, df2, 1.0), f), np.nan)[()]


def _common_prediction(common: Regression, inside: IntArray, method: str, level: float) -> Prediction:
    """Prediction intervals with the common tau2; its k - G degrees of freedom take the place of k - 1."""
    groups = common.beta.shape[-1]
    carried = np.broadcast_to(np.asarray(common.k - (groups - 1))[..., None], inside.shape)
    tau2 = np.asarray(common.tau2)[..., None]
    return prediction_interval(common.beta, common.se, tau2, carried, method=method, level=level)
