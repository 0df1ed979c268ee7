"""Baujat plot: which studies make the heterogeneity, and which move the result?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray
from pipeline.meta.influence.residuals import possible, with_and_without
from pipeline.meta.pooling.studies import studies


@dataclass(frozen=True, slots=True)
class Baujat:
    """Points of the plot, (..., k); NaN for a study that takes no part or cannot be left out.

    Attributes
    ----------
    x : squared Pearson residual; the share of Cochran's Q under a common effect
    y : squared change of the study's fitted effect without it, over the variance of the fitted effect without it
    """

    x: FloatArray
    y: FloatArray


def baujat(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "EE",
    interval: str = "wald",
    mask: ArrayLike | None = None,
) -> Baujat:
    """Baujat, Mahe, Pignon & Hill 2002, Stat Med 21:2641; other models than "EE": Viechtbauer 2021.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design, estimator, interval, mask : as in `meta_regression`

    Raises
    ------
    InvalidInput
        As `meta_regression`; no more studies than coefficients.

    Examples
    --------
    >>> b = baujat([0.2, 0.4, 0.9], [0.05, 0.04, 0.08])
    >>> b.x.round(4).tolist(), b.y.round(4).tolist()
    ([1.1437, 0.0383, 2.655], [0.61, 0.0294, 0.7375])
    """
    s = studies(yi, vi, design, mask)
    full, rest = with_and_without(s, estimator, interval)
    ok = possible(s)
    gone = np.einsum("...kp,...kp->...k", s.x, rest.beta)
    variance = np.einsum("...kp,...kpq,...kq->...k", s.x, rest.vb, s.x)
    x = (s.y - full.fitted) ** 2 / (s.v + np.asarray(full.tau2)[..., None])
    return Baujat(np.where(s.present > 0, x, np.nan), np.where(ok, (full.fitted - gone) ** 2 / variance, np.nan))
