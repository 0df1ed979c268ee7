"""Best linear unbiased predictions of the random effects of a fitted model.

u = G Z'P y with prediction variance G - G Z'P Z G. Robinson 1991, Stat Sci 6:15; Harville 1976, Ann Stat 4:384.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.dependence.multivariate import Multivariate
from pipeline.meta.dependence.random_terms import ready
from pipeline.meta.guards import instance
from pipeline.meta.reference import quantile


@dataclass(frozen=True, slots=True)
class RandomEffects:
    """Predicted random effects of one term, J groups by m levels.

    Attributes
    ----------
    groups : labels of the groups, (J,)
    levels : labels of the levels, (m,); one for a term of intercepts
    u : predictions, (..., J, m); a level that a group has not is predicted from those it has
    se : standard errors of u less the true effect, (..., J, m)
    pi_lb, pi_ub : normal prediction intervals
    seen : True for a level that the group has, (J, m)
    """

    groups: tuple[object, ...]
    levels: tuple[object, ...]
    u: FloatArray
    se: FloatArray
    pi_lb: FloatArray
    pi_ub: FloatArray
    seen: FloatArray


def random_effects_of(fit: Multivariate, level: float = 95) -> tuple[RandomEffects, ...]:
    """Predictions for every random term, in the order of the model's terms.

    Parameters
    ----------
    fit : a fitted model, or a batch
    level : of the intervals, percent

    Raises
    ------
    InvalidInput
        No `Multivariate`.

    Examples
    --------
    >>> from pipeline.meta.dependence.multivariate import multivariate
    >>> from pipeline.meta.dependence.random_terms import Intercepts
    >>> fit = multivariate([0.1, 0.5, 0.2, 0.9], [0.02] * 4, random=[Intercepts([1, 2, 3, 4])])
    >>> random_effects_of(fit)[0].u[:, 0].round(4).tolist()
    [-0.2747, 0.0634, -0.1902, 0.4015]
    """
    instance("fit", fit, Multivariate)
    a = np.linalg.inv(fit.marginal)
    ax = a @ fit.x
    p = a - ax @ fit.vb @ np.swapaxes(ax, -1, -2)
    r = (p @ fit.y[..., None])[..., 0]
    crit = quantile(level, np.nan)
    out = []
    for t, g in zip(ready(fit.random, fit.y.shape[-1]), fit.covariances, strict=True):
        groups, m = int(t.group.max()) + 1, t.z.shape[1]
        z = np.zeros((len(t.group), groups, m))
        z[np.arange(len(t.group)), t.group] = t.z
        u = np.einsum("kjm,...k->...jm", z, r) @ g
        zg = z @ g[..., None, None, :, :] if g.ndim > 2 else z @ g
        flat = zg.reshape(*zg.shape[:-2], -1)
        known = np.sum(flat * (p @ flat), -2).reshape(u.shape)
        se = np.sqrt(np.maximum(np.diagonal(g, axis1=-2, axis2=-1)[..., None, :] - known, 0))
        seen = np.abs(z).sum(0) > 0
        out.append(RandomEffects(t.groups, t.labels, u, se, u - crit * se, u + crit * se, seen))
    return tuple(out)
