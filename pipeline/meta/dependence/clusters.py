"""Groups that were randomised or treated together: how much less a person tells."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, numbers, together
from pipeline.meta.guards import fitting


def design_effect(m: ArrayLike, icc: ArrayLike, *, cv: float = 0.0) -> FloatArray:
    """Variance inflation 1 + ((cv^2 + 1) m - 1) icc.

    Cochrane Handbook 23.1.4 (cv = 0); Eldridge, Ashby & Kerry 2006, Int J Epidemiol 35:1292 (unequal clusters).

    Parameters
    ----------
    m : average cluster size, >= 1
    icc : intracluster correlation, 0 to 1
    cv : coefficient of variation of the cluster sizes
    """
    size, rho = together({"m": numbers("m", m, ge=1), "icc": numbers("icc", icc, ge=0, le=1)})
    spread = fitting({"m": size, "cv": numbers("cv", cv, ge=0)})[1]
    return np.asarray(1 + ((spread**2 + 1) * size - 1) * rho)[()]


def effective_sample_size(n: ArrayLike, deff: ArrayLike) -> FloatArray:
    """People (or events) divided by the design effect."""
    people, inflation = together({"n": numbers("n", n, ge=0), "deff": numbers("deff", deff, gt=0)})
    return np.asarray(people / inflation)[()]


def inflated_se(se: ArrayLike, deff: ArrayLike) -> FloatArray:
    """Standard error times the square root of the design effect."""
    plain, inflation = together({"se": numbers("se", se, gt=0), "deff": numbers("deff", deff, gt=0)})
    return np.asarray(plain * np.sqrt(inflation))[()]


def partially_nested_design_effect(
    m: ArrayLike, icc: ArrayLike, n_clustered: ArrayLike, n_free: ArrayLike
) -> FloatArray:
    """Inflation of the variance of a mean difference when only one arm is grouped.

    The clustered arm's variance s^2/n1 is multiplied by 1 + (m - 1) icc, the other arm's is not; the result is the
    ratio of the two variances of the difference for a common s^2 (Roberts & Roberts 2005, Clin Trials 2:152).
    """
    n1, n2 = together(
        {"n_clustered": numbers("n_clustered", n_clustered, gt=0), "n_free": numbers("n_free", n_free, gt=0)}
    )
    deff = design_effect(m, icc)
    if np.ndim(deff) and np.ndim(n1) and np.shape(deff) != np.shape(n1):
        raise InvalidInput(f"shapes differ: m {np.shape(deff)}, n_clustered {np.shape(n1)}")
    return np.asarray((deff / n1 + 1 / n2) / (1 / n1 + 1 / n2))[()]
