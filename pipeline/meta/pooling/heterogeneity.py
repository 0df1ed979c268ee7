"""How much the studies differ beyond chance: Cochran's Q, I2 and H2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray
from pipeline.meta.pooling.studies import Studies


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Heterogeneity of a set of studies, each field of the batch's shape (...).

    Attributes
    ----------
    Q : Cochran's Q, residual after the moderators
    Q_df : its degrees of freedom, k - p
    Q_p : upper tail of chi-square; 1 where Q_df is 0
    I2 : percent of the variance that is between studies
    H2 : total over sampling variance
    """

    Q: FloatArray
    Q_df: IntArray
    Q_p: FloatArray
    I2: FloatArray
    H2: FloatArray


def typical_variance(s: Studies) -> FloatArray:
    """Sampling variance of a typical study, (k - p) / tr(P). Higgins & Thompson 2002, Stat Med 21:1539."""
    return s.df / s.fit().trace()


def heterogeneity(s: Studies, tau2: FloatArray | None) -> Heterogeneity:
    """Q, and I2 = 100 tau2 / (tau2 + s2), H2 = 1 + tau2 / s2 with the typical variance s2.

    `tau2` None (common effect): I2 = 100 max(0, 1 - df/Q) and H2 = Q / df. Higgins & Thompson 2002. One study
    has I2 = 0 and H2 = 1.
    """
    f, df = s.fit(), s.df
    z = f.residuals(s.y)
    q = np.where(df > 0, np.vecdot(z, z), 0.0)
    p = np.where(df > 0, special.chdtrc(np.maximum(df, 1), q), 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        if tau2 is None:
            i2, h2 = 100 * np.maximum(0, 1 - df / q), q / df
            i2 = np.where(q > 0, i2, 0.0)
        else:
            i2, h2 = i2_h2(tau2, df / f.trace())
    return Heterogeneity(q, df, p, np.where(df > 0, i2, 0.0), np.where(df > 0, h2, 1.0))


def i2_h2(tau2: FloatArray, typical: FloatArray) -> tuple[FloatArray, FloatArray]:
    """I2 (percent) and H2 at a between-study variance."""
    return 100 * tau2 / (tau2 + typical), 1 + tau2 / typical
