"""What single studies do to the pooled effect: each fit is one row of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.random_effects import Pooled, random_effects


def leave_one_out(
    yi: ArrayLike, vi: ArrayLike, *, estimator: str = "REML", interval: str = "hk_floored", level: float = 95
) -> Pooled:
    """Pooled effects without study 0, 1, ...; every field gains a last batch axis of length k.

    Raises
    ------
    InvalidInput
        As `random_effects`, and for a single study.
    """
    y, v, k = _pair(yi, vi)
    if k < 2:
        raise InvalidInput("leaving one out needs at least 2 studies")
    return _refit(y, v, ~np.eye(k, dtype=bool), estimator, interval, level)


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
    """
    y, v, k = _pair(yi, vi)
    place = np.arange(k) if order is None else np.asarray(order)
    if sorted(place.tolist()) != list(range(k)):
        raise InvalidInput(f"order must hold each of 0..{k - 1} once")
    rank = np.argsort(place)
    return _refit(y, v, rank <= np.arange(k)[:, None], estimator, interval, level)


def _pair(yi: ArrayLike, vi: ArrayLike) -> tuple[np.ndarray, np.ndarray, int]:
    y, v = np.asarray(yi, dtype=np.float64), np.asarray(vi, dtype=np.float64)
    if y.ndim == 0 or y.shape[-1:] != v.shape[-1:]:
        raise InvalidInput(f"yi and vi must be arrays with as many studies: yi {y.shape}, vi {v.shape}")
    return y, v, y.shape[-1]


def _refit(y: np.ndarray, v: np.ndarray, rows: np.ndarray, estimator: str, interval: str, level: float) -> Pooled:
    return random_effects(
        y[..., None, :], v[..., None, :], estimator=estimator, interval=interval, level=level, mask=rows
    )
