"""What single clusters do to a three-level model: every refit without one cluster, as one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import FloatArray, InvalidInput, floats
from pipeline.meta.dependence.cluster_stacks import codes
from pipeline.meta.dependence.multilevel import ThreeLevel, coefficient_covariance, three_level


@dataclass(frozen=True, slots=True)
class ClusterDeletion:
    """Refits without one cluster, m clusters.

    Attributes
    ----------
    labels : of the clusters, in order of first appearance, (m,)
    full : the fit with all clusters
    without : the fits without each, batch (m,)
    cooks : Cook's distance of the coefficients in units of their covariance, (m,)
    dfbetas : change of each coefficient in units of its standard error, at the variances without the cluster, (m, p)
    """

    labels: tuple[object, ...]
    full: ThreeLevel
    without: ThreeLevel
    cooks: FloatArray
    dfbetas: FloatArray


def leave_one_cluster_out(
    yi: ArrayLike,
    v: ArrayLike,
    cluster: ArrayLike,
    *,
    design: ArrayLike | None = None,
    estimator: str = "REML",
    test: str = "contain",
    level: float = 95,
) -> ClusterDeletion:
    """Refit the three-level model without each cluster in turn, its variances estimated anew.

    Cook 1977, Technometrics 19:15; Viechtbauer & Cheung 2010, Res Synth Methods 1:112. Arguments as in `three_level`.

    Raises
    ------
    InvalidInput
        See `three_level`; fewer than three clusters; or a moderator that without some cluster cannot be estimated.

    Examples
    --------
    >>> y, study = [0.1, 0.4, 0.3, 0.9, 0.8, 0.2, 0.1], ["a", "a", "b", "b", "c", "c", "d"]
    >>> leave_one_cluster_out(y, [0.02] * 7, study).without.beta[:, 0].round(4).tolist()
    [0.46, 0.32, 0.3599, 0.45]
    """
    y = floats("yi", yi)
    if y.ndim != 1:
        raise InvalidInput(f"clusters are left out of one data set at a time (found yi of shape {y.shape})")
    if design is not None and np.ndim(design) != 2:
        raise InvalidInput(f"clusters are left out of one data set at a time (found design {np.shape(design)})")
    labels, of = codes("cluster", cluster, len(y))
    if len(labels) < 3:
        raise InvalidInput(f"{len(labels)} clusters: without one of them there must be two")
    full = three_level(y, v, cluster, design=design, estimator=estimator, test=test, level=level)
    without = three_level(
        y, v, cluster, design=design, estimator=estimator, test=test, level=level,
        mask=of != np.arange(len(labels))[:, None],
    )  # fmt: skip
    change = full.beta - without.beta
    scale = np.sqrt(np.diagonal(coefficient_covariance(full, without.sigma2), axis1=-2, axis2=-1))
    cooks = np.einsum("mp,mp->m", change, np.linalg.solve(full.vb, change.T).T)
    return ClusterDeletion(labels, full, without, cooks, change / scale)
