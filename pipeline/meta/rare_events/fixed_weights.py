"""What the Mantel-Haenszel and the Peto method share: test, interval and heterogeneity around a common effect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.reference import quantile, two_sided_p


@dataclass(frozen=True, slots=True)
class FixedWeightPool:
    """A common effect. Every field has the batch's shape (...), `weights` (..., k).

    Attributes
    ----------
    estimate, se : pooled effect and its standard error; natural logarithm for ratios
    ci_lb, ci_ub : interval, normal
    statistic, p : z test of no effect, two-sided
    Q, Q_df, Q_p : heterogeneity around the estimate, over the studies with an effect of their own; p is 1 where df is 0
    I2, H2 : 100 max(0, 1 - df/Q) percent and Q/df; 0 and 1 where df is 0
    k : studies behind the estimate
    weights : percent; 0 for a study that takes no part
    method : in words
    """

    estimate: FloatArray
    se: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    statistic: FloatArray
    p: FloatArray
    Q: FloatArray
    Q_df: IntArray
    Q_p: FloatArray
    I2: FloatArray
    H2: FloatArray
    k: IntArray
    weights: FloatArray
    method: str


def pool(
    estimate: FloatArray,
    se: FloatArray,
    effects: EffectSize,
    weights: FloatArray,
    on: BoolArray,
    k: IntArray,
    level: float,
    method: str,
) -> FixedWeightPool:
    """Complete a common effect: `effects` of single studies may be NaN and then take no part in Q."""
    half = quantile(level, np.nan) * se
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / se
        own = on & np.isfinite(effects.yi) & np.isfinite(effects.vi) & (effects.vi > 0)
        apart = np.where(own, (effects.yi - estimate[..., None]) ** 2 / np.where(own, effects.vi, 1.0), 0.0)
        q, df = apart.sum(-1), np.maximum(own.sum(-1) - 1, 0)
        q = np.where(df > 0, q, 0.0)
        i2 = np.where((df > 0) & (q > 0), 100 * np.maximum(0, 1 - df / q), 0.0)
        h2 = np.where(df > 0, q / df, 1.0)
    return FixedWeightPool(
        estimate=estimate[()],
        se=se[()],
        ci_lb=(estimate - half)[()],
        ci_ub=(estimate + half)[()],
        statistic=statistic[()],
        p=two_sided_p(statistic, np.nan)[()],
        Q=q[()],
        Q_df=df.astype(np.int64)[()],
        Q_p=np.where(df > 0, special.chdtrc(np.maximum(df, 1), q), 1.0)[()],
        I2=i2[()],
        H2=h2[()],
        k=np.asarray(k, dtype=np.int64)[()],
        weights=100 * weights / weights.sum(-1, keepdims=True),
        method=method,
    )
