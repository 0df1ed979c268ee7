"""What single studies do to a result: each fit without a study is one row of a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, InvalidInput
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.random_effects import Pooled, random_effects
from pipeline.meta.pooling.studies import Studies, studies


def leave_one_out(
    yi: ArrayLike,
    vi: ArrayLike,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Pooled:
    """Pooled effects without study 0, 1, ...; every field gains a last batch axis of length k.

    Parameters
    ----------
    yi, vi, estimator, interval, level, mask : as in `random_effects`. Without a study that takes no part, the result
        is that of all.

    Raises
    ------
    InvalidInput
        As `random_effects`, and for a single study.

    Examples
    --------
    >>> leave_one_out([0.2, 0.4, 0.9], [0.05, 0.04, 0.08], estimator="EE").estimate.round(4).tolist()
    [0.5667, 0.4692, 0.3111]
    """
    s = studies(yi, vi, mask=mask)
    return random_effects(
        *_repeated(s), estimator=estimator, interval=interval, level=level, mask=without_each(s, coefficients=1)
    )


def leave_one_out_regression(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike,
    *,
    estimator: str = "REML",
    interval: str = "hk_floored",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> Regression:
    """Meta-regressions without study 0, 1, ...; the batch gains a last axis of length k.

    Parameters
    ----------
    yi, vi, design, estimator, interval, level, mask : as in `meta_regression`

    Raises
    ------
    InvalidInput
        As `meta_regression`, and where a study alone carries a coefficient, so that the rest cannot be fitted.

    Examples
    --------
    >>> m = leave_one_out_regression([0.2, 0.4, 0.9, 0.7], [0.05, 0.04, 0.08, 0.06],
    ...                              [[1, 0], [1, 1], [1, 2], [1, 3]], estimator="EE")
    >>> m.beta[:, 1].round(4).tolist()
    [0.1667, 0.1921, 0.1645, 0.3345]
    """
    s = studies(yi, vi, design, mask)
    rows = without_each(s, coefficients=s.p)
    alone = indispensable(s)
    if alone.any():
        at = ", ".join(map(str, np.argwhere(alone)[0]))
        raise InvalidInput(f"without study [{at}] a coefficient cannot be estimated: it alone carries it")
    return meta_regression(
        *_repeated(s), s.x[..., None, :, :], estimator=estimator, interval=interval, level=level, mask=rows
    )


def without_each(s: Studies, *, coefficients: int) -> BoolArray:
    """Masks (..., k, k): row i is without study i."""
    if s.k.min() <= coefficients:
        raise InvalidInput(f"leaving one out needs at least {coefficients + 1} studies (found {s.k.min()})")
    return (s.present[..., None, :] > 0) & ~np.eye(s.present.shape[-1], dtype=bool)


def indispensable(s: Studies) -> BoolArray:
    """Studies without which the design has no full rank: those of leverage 1, (..., k)."""
    return (s.present > 0) & (s.weighted(np.ones(s.v.shape)).leverages() > 1 - 1e-10)


def _repeated(s: Studies) -> tuple[np.ndarray, np.ndarray]:
    return s.y[..., None, :], s.v[..., None, :]
