"""Contrasts that share an arm: their covariance, and one effect from several."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers


def shared_arm_covariance(vi: ArrayLike, vi_arm_2: ArrayLike, arm_1: ArrayLike, arm_2: ArrayLike) -> FloatArray:
    """Covariance matrix of contrasts of which some have an arm in common.

    Two contrasts covary by the variance which a common arm contributes to each. Gleser & Olkin 2009, in Handbook of
    Research Synthesis, 2nd ed., ch. 19 (leading term for standardised differences).

    Parameters
    ----------
    vi : sampling variances, (m,)
    vi_arm_2 : the part of vi that arm 2 contributes, (m,); NaN where unknown: half of vi. The rest is arm 1's
    arm_1, arm_2 : labels of the arms, (m,)

    Returns
    -------
    (m, m), positive definite
    """
    v, part_2 = numbers("vi", vi, gt=0), np.asarray(vi_arm_2, dtype=np.float64)
    first, second = np.asarray(arm_1).astype(str), np.asarray(arm_2).astype(str)
    if not v.shape == part_2.shape == first.shape == second.shape or v.ndim != 1:
        raise InvalidInput(f"shapes differ: vi {v.shape}, vi_arm_2 {part_2.shape}, arms {first.shape}, {second.shape}")
    part_2 = np.where(np.isfinite(part_2), np.minimum(part_2, 0.99 * v), v / 2)
    covariance = np.zeros((len(v), len(v)))
    for part, arm in ((v - part_2, first), (part_2, second)):
        covariance += np.where(arm[:, None] == arm[None, :], np.minimum(part[:, None], part[None, :]), 0.0)
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
