"""Do pooled effects differ between groups of studies?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, InvalidInput
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.random_effects import Pooled, common_effect, random_effects


@dataclass(frozen=True, slots=True)
class Subgroups:
    """Pooled effects by subgroup, with the test of a difference.

    Attributes
    ----------
    levels : names of the G subgroups, sorted
    separate : each subgroup with its own tau2; fields of shape (G,)
    common : each subgroup with one tau2 for all: estimates in `beta`, (G,)
    Qb_separate, Qb_separate_p : Q between, from the estimates with their own tau2
    Qb_common, Qb_common_p : Q between, with the common tau2
    Qb_df : its degrees of freedom, G - 1
    """

    levels: tuple[str, ...]
    separate: Pooled
    common: Regression
    Qb_separate: FloatArray
    Qb_separate_p: FloatArray
    Qb_common: FloatArray
    Qb_common_p: FloatArray
    Qb_df: int


def subgroup_analysis(
    yi: ArrayLike,
    vi: ArrayLike,
    group: ArrayLike,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
) -> Subgroups:
    """Pool each subgroup and test whether they differ. Borenstein et al. 2009, ch. 19; Cochrane Handbook 10.11.3.1.

    The Q between uses Wald standard errors whatever the interval, and is compared with chi-square on G - 1.

    Parameters
    ----------
    yi, vi : (k,)
    group : label of each study, (k,)

    Raises
    ------
    InvalidInput
        Fewer than two subgroups, a label count other than k, or as `random_effects`.
    """
    labels = np.asarray(group).astype(str)
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if labels.shape != y.shape or y.shape != v.shape or y.ndim != 1:
        raise InvalidInput(f"shapes differ: yi {y.shape}, vi {v.shape}, group {labels.shape}")
    levels = tuple(sorted(set(labels.tolist())))
    if len(levels) < 2:
        raise InvalidInput("a subgroup analysis needs at least 2 subgroups")
    members = np.array([labels == name for name in levels])
    separate = random_effects(y, v, estimator=estimator, interval=interval, level=level, mask=members)
    wald = random_effects(y, v, estimator=estimator, interval="wald", mask=members)
    common, common_wald = (
        meta_regression(y, v, members.T.astype(float), estimator=estimator, interval=way, level=level)
        for way in (interval, "wald")
    )
    df = len(levels) - 1
    q = [
        np.asarray(common_effect(mu, se**2).Q)[()]
        for mu, se in ((wald.estimate, wald.se), (common_wald.beta, common_wald.se))
    ]
    p = [special.chdtrc(df, x) for x in q]
    return Subgroups(levels, separate, common, q[0], p[0], q[1], p[1], df)
