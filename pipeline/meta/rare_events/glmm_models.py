"""Mixed models for two groups of counts: how events become a likelihood. To add one: a function and a row of the table.

UM: unconditional, events of both groups, with fixed (FS) or random (RS) levels of the studies. CM: conditional on the
number of events of a study, which takes its level away; exact (EL) or, where events are rare, approximate (AL).
Turner, Omar, Yang, Goldstein & Thompson 2000, Stat Med 19:3417 (UM); Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046
(CM); Jackson, Law, Stijnen, Viechtbauer & White 2018, Stat Med 37:1059 compares them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.rare_events.count_likelihood import CountLikelihood, binomial, noncentral_hypergeometric, poisson
from pipeline.meta.rare_events.marginal_likelihood import CountModel

NODES_ONE_AXIS, NODES_TWO_AXES = 41, 21
_ONE = np.ones(1)


def odds_ratio_fixed_levels(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """UM.FS: logistic regression of both groups, one level per study."""
    return _two_groups(_binomials(a, b, c, d), np.zeros((len(a), 2)), coding, "fixed", nodes)


def odds_ratio_random_levels(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """UM.RS: logistic regression of both groups, normal levels."""
    return _two_groups(_binomials(a, b, c, d), np.zeros((len(a), 2)), coding, "random", nodes)


def odds_ratio_exact(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """CM.EL: non-central hypergeometric events of group 1."""
    likelihood = noncentral_hypergeometric(a, a + b, c + d, a + c)
    return one_group(likelihood, np.zeros(len(a)), nodes)


def odds_ratio_approximate(
    a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """CM.AL: binomial events of group 1 among all events, offset by the log ratio of the group sizes."""
    return one_group(binomial(a[:, None], (a + c)[:, None]), np.log((a + b) / (c + d)), nodes)


def rate_ratio_fixed_levels(
    x1: FloatArray, t1: FloatArray, x2: FloatArray, t2: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """UM.FS: Poisson regression of both groups, one level per study."""
    return _two_groups(poisson(np.stack([x1, x2], 1)), np.log(np.stack([t1, t2], 1)), coding, "fixed", nodes)


def rate_ratio_random_levels(
    x1: FloatArray, t1: FloatArray, x2: FloatArray, t2: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """UM.RS: Poisson regression of both groups, normal levels."""
    return _two_groups(poisson(np.stack([x1, x2], 1)), np.log(np.stack([t1, t2], 1)), coding, "random", nodes)


def rate_ratio_exact(
    x1: FloatArray, t1: FloatArray, x2: FloatArray, t2: FloatArray, coding: FloatArray, nodes: int | None
) -> CountModel:
    """CM.EL: binomial events of group 1 among all events, offset by the log ratio of the person-times."""
    return one_group(binomial(x1[:, None], (x1 + x2)[:, None]), np.log(t1 / t2), nodes)


GLMM_ODDS_RATIO: dict[str, Callable[..., CountModel]] = {
    "UM.FS": odds_ratio_fixed_levels,
    "UM.RS": odds_ratio_random_levels,
    "CM.EL": odds_ratio_exact,
    "CM.AL": odds_ratio_approximate,
}
GLMM_RATE_RATIO: dict[str, Callable[..., CountModel]] = {
    "UM.FS": rate_ratio_fixed_levels,
    "UM.RS": rate_ratio_random_levels,
    "CM.EL": rate_ratio_exact,
}


def one_group(likelihood: CountLikelihood, offset: FloatArray, nodes: int | None) -> CountModel:
    """One count per study whose predictor is offset + effect."""
    return CountModel(likelihood, offset[:, None], _ONE, _ONE, "absent", nodes or NODES_ONE_AXIS)


def _two_groups(
    likelihood: CountLikelihood, offset: FloatArray, coding: FloatArray, level: str, nodes: int | None
) -> CountModel:
    default = NODES_TWO_AXES if level == "random" else NODES_ONE_AXIS
    return CountModel(likelihood, offset, np.array([1.0, 0.0]), coding, level, nodes or default)


def _binomials(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> CountLikelihood:
    return binomial(np.stack([a, c], 1), np.stack([a + b, c + d], 1))
