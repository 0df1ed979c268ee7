"""Contrasts that share an arm: their covariance, and one effect from several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers


def shared_arm_covariance(vi: ArrayLike, shared: ArrayLike, arm: ArrayLike) -> FloatArray:
    """Covariance matrix of contrasts of which some use the same arm.

    Two contrasts with one arm in common covary by the variance which that arm contributes to each; others do not.
    Gleser & Olkin 2009, in Handbook of Research Synthesis, 2nd ed., ch. 19, eq. 19.19 (leading term for SMDs).

    Parameters
    ----------
    vi : sampling variances, (m,)
    shared : variance contributed by the arm that may be shared, (m,); NaN where unknown: half of vi
    arm : label of that arm, (m,)

    Returns
    -------
    (m, m), positive definite
    """
    v = numbers("vi", vi, gt=0)
    part = np.asarray(shared, dtype=np.float64)
    part = np.where(np.isfinite(part), np.minimum(part, 0.99 * v), v / 2)
    labels = np.asarray(arm).astype(str)
    if not v.shape == part.shape == labels.shape or v.ndim != 1:
        raise InvalidInput(f"shapes differ: vi {v.shape}, shared {part.shape}, arm {labels.shape}")
    same = labels[:, None] == labels[None, :]
    covariance = np.where(same, np.minimum(part[:, None], part[None, :]), 0.0)
    np.fill_diagonal(covariance, v)
    return covariance


def combine_correlated(yi: ArrayLike, covariance: ArrayLike) -> tuple[float, float]:
    """Effect and variance of several effects of one trial by generalised least squares.

    (1'V^-1 y) / (1'V^-1 1) with variance 1 / (1'V^-1 1). With a diagonal V: independent strata, common effect.
    Hedges & Olkin 1985, Statistical Methods for Meta-Analysis, ch. 10.

    Parameters
    ----------
    yi : (m,)
    covariance : (m, m), positive definite

    Raises
    ------
    InvalidInput
        NaN, shapes that differ, or a matrix that is not positive definite.
    """
    y, v = numbers("yi", yi), numbers("covariance", covariance)
    if y.ndim != 1 or v.shape != (len(y), len(y)) or not len(y):
        raise InvalidInput(f"shapes differ: yi {y.shape}, covariance {v.shape}")
    try:
        np.linalg.cholesky(v)
    except np.linalg.LinAlgError:
        raise InvalidInput("the covariance is not positive definite") from None
    weight = np.linalg.solve(v, np.ones(len(y)))
    return float(weight @ y / weight.sum()), float(1 / weight.sum())
