"""Cumulative meta-analysis: how a result grew as studies came in. Each fit is one row of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, InvalidInput
from pipeline.meta.guards import instance
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.random_effects import Pooled, random_effects
from pipeline.meta.pooling.studies import studies


def cumulative(
    yi: ArrayLike,
    vi: ArrayLike,
    order: ArrayLike | None = None,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
) -> Pooled:
    """Pooled effects of the first 1, 2, ..., k studies. Lau et al. 1992, N Engl J Med 327:248.

    Parameters
    ----------
    order : study indices, 0-based, in the order in which they enter; None as given. Weights stay in input order.

    Raises
    ------
    InvalidInput
        As `random_effects`; an order that does not hold each study once.

    Examples
    --------
    >>> cumulative([0.2, 0.4, 0.9], [0.05, 0.04, 0.08], order=[2, 0, 1], estimator="EE").estimate.round(4).tolist()
    [0.9, 0.4692, 0.4391]
    """
    s = studies(yi, vi)
    rows = _entered(order, s.y.shape[-1], 1)
    return random_effects(
        s.y[..., None, :], s.v[..., None, :], estimator=estimator, interval=interval, level=level, mask=rows
    )


def cumulative_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike,
    order: ArrayLike | None = None,
    *,
    first: int | None = None,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
) -> Regression:
    """Meta-regressions of the first `first`, `first` + 1, ..., k studies.

    Parameters
    ----------
    yi, vi, design, estimator, interval, level : as in `meta_regression`
    order : as in `cumulative`
    first : number of studies of the first fit; None for the number of coefficients

    Raises
    ------
    InvalidInput
        As `meta_regression`, also where the first studies do not carry all coefficients: begin with more of them.

    Examples
    --------
    >>> x = [[1, 0], [1, 1], [1, 2], [1, 3]]
    >>> m = cumulative_regression([0.2, 0.4, 0.9, 0.7], [0.05, 0.04, 0.08, 0.06], x, first=3, estimator="EE")
    >>> m.beta[:, 1].round(4).tolist()
    [0.3345, 0.1966]
    """
    s = studies(yi, vi, design)
    start = s.p if first is None else first
    instance("first", start, int, np.integer)
    if not s.p <= start <= s.y.shape[-1]:
        raise InvalidInput(f"first must be between {s.p} coefficients and {s.y.shape[-1]} studies (found {start})")
    return meta_regression(
        s.y[..., None, :],
        s.v[..., None, :],
        s.x[..., None, :, :],
        estimator=estimator,
        interval=interval,
        level=level,
        mask=_entered(order, s.y.shape[-1], start),
    )


def _entered(order: ArrayLike | None, k: int, first: int) -> BoolArray:
    """Masks (k - first + 1, k): row j holds the first `first` + j studies."""
    place = np.arange(k) if order is None else np.asarray(order)
    if place.shape != (k,) or place.dtype.kind not in "iuf" or sorted(place.tolist()) != list(range(k)):
        raise InvalidInput(f"order must hold each of 0..{k - 1} once (found {order!r})")
    return np.asarray(np.argsort(place) < np.arange(first, k + 1)[:, None])
