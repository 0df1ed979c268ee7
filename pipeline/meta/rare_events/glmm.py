"""Generalised linear mixed models for counts: odds ratios, rate ratios, proportions and rates with rare events.

The counts keep their own distribution, so that no variance per study is taken as known and zero cells need no
correction. Jackson et al. 2018, Stat Med 37:1059. One fit at a time: vectorised over studies and quadrature points, a
batch of data sets is a loop of the caller.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers, together
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.rates import incidence_rate_ratio
from pipeline.meta.effect_sizes.two_by_two import CELLS, TwoByTwo, cells_of, refuse_empty_groups
from pipeline.meta.rare_events.count_likelihood import binomial, poisson
from pipeline.meta.rare_events.glmm_inference import Glmm, GlmmOptions, infer
from pipeline.meta.rare_events.glmm_models import GLMM_ODDS_RATIO, GLMM_RATE_RATIO, one_group
from pipeline.meta.rare_events.mantel_haenszel import rates, refuse_no_events
from pipeline.meta.rare_events.proportions import logit_proportion

_FEWEST_NODES, _MOST_NODES = 15, 300  # from about 370 on the outermost weights are no longer above 0
_CODINGS = {0.5: (0.5, -0.5), 1.0: (1.0, 0.0), 0.0: (0.0, 1.0)}


def glmm_odds_ratio(
    table: TwoByTwo,
    design: ArrayLike | None = None,
    *,
    model: str = "UM.FS",
    estimator: str = "ML",
    interval: str = "wald",
    level: float = 95,
    coding: float = 0.5,
    correlated: bool = False,
    drop00: bool = True,
    nodes: int | None = None,
) -> Glmm:
    """Log odds ratio of two-by-two tables by a mixed logistic model.

    Parameters
    ----------
    table : cells, (k,), whole numbers
    design : (k, p), the intercept's column of ones included; None for an intercept only
    model : key of GLMM_ODDS_RATIO: "UM.FS", "UM.RS", "CM.EL", "CM.AL"
    estimator : "ML", or "EE" for the common-effect model
    interval : "wald", or "t" with k - p degrees of freedom
    level : of the intervals, percent
    coding : of the groups in the random effect (UM): 0.5 is +1/2 and -1/2, 1 only group 1, 0 only group 2
    correlated : let random effect and random level correlate (UM.RS)
    drop00 : leave out studies in which nobody or everybody had the event; they say nothing about the effect, but in
        UM.RS something about the levels (UM.FS always leaves them out)
    nodes : quadrature points per axis, 15 to 300 (default 41, in UM.RS 21); 1 for Laplace's approximation

    Raises
    ------
    InvalidInput
        Counts that are not whole, no events (or only events) in a group over all studies, fewer studies than
        coefficients, collinear moderators, an unknown option.

    Examples
    --------
    >>> from pipeline.meta.effect_sizes.two_by_two import from_cells
    >>> a, b = [2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143]
    >>> c, d = [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142]
    >>> m = glmm_odds_ratio(from_cells(a, b, c, d), model="CM.EL")
    >>> round(float(m.beta[0]), 4), round(float(m.se[0]), 4), m.tau2_at_boundary
    (0.5784, 0.2798, True)
    """
    choose("model", model, GLMM_ODDS_RATIO)
    cells = [_whole(name, x) for name, x in zip(CELLS, cells_of(table), strict=True)]
    refuse_empty_groups(table)
    a, b, c, d = cells
    keep = ((a + c > 0) & (b + d > 0)) | (not drop00 and model != "UM.FS")
    a, b, c, d = (x[_some(keep)] for x in cells)
    refuse_no_events(a, c)
    refuse_no_events(b, d, "only events in one of the groups")
    built = GLMM_ODDS_RATIO[model](a, b, c, d, _coding(coding), _nodes(nodes))
    effects = odds_ratio(TwoByTwo(a, b, c, d), drop00=drop00)
    return infer(built, effects, keep, GlmmOptions(design, estimator, interval, level, correlated), f"{model}, OR")


def glmm_rate_ratio(
    x1i: ArrayLike,
    t1i: ArrayLike,
    x2i: ArrayLike,
    t2i: ArrayLike,
    design: ArrayLike | None = None,
    *,
    model: str = "UM.FS",
    estimator: str = "ML",
    interval: str = "wald",
    level: float = 95,
    coding: float = 0.5,
    correlated: bool = False,
    drop00: bool = True,
    nodes: int | None = None,
) -> Glmm:
    """Log incidence rate ratio of events `x1i, x2i` in person-time `t1i, t2i` by a mixed Poisson model.

    Parameters
    ----------
    model : key of GLMM_RATE_RATIO: "UM.FS", "UM.RS", "CM.EL"

    Other arguments and errors as `glmm_odds_ratio`.

    Examples
    --------
    >>> x1, t1 = [7, 8, 3, 6, 1, 1, 17, 3, 2], [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320]
    >>> x2, t2 = [11, 8, 14, 10, 1, 8, 15, 7, 3], [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440]
    >>> m = glmm_rate_ratio(x1, t1, x2, t2, model="UM.FS")
    >>> round(float(m.beta[0]), 4), round(float(m.se[0]), 4), round(m.tau2, 4)
    (-0.4587, 0.2248, 0.0956)
    """
    choose("model", model, GLMM_RATE_RATIO)
    given = rates(x1i, t1i, x2i, t2i)
    x1, t1, x2, t2 = _whole("x1i", given[0]), given[1], _whole("x2i", given[2]), given[3]
    keep = (x1 + x2 > 0) | (not drop00 and model != "UM.FS")
    x1, t1, x2, t2 = (x[_some(keep)] for x in (x1, t1, x2, t2))
    refuse_no_events(x1, x2)
    built = GLMM_RATE_RATIO[model](x1, t1, x2, t2, _coding(coding), _nodes(nodes))
    effects = incidence_rate_ratio(x1, t1, x2, t2, drop00=drop00)
    return infer(built, effects, keep, GlmmOptions(design, estimator, interval, level, correlated), f"{model}, IRR")


def glmm_proportion(
    xi: ArrayLike,
    ni: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "ML",
    interval: str = "wald",
    level: float = 95,
    nodes: int | None = None,
) -> Glmm:
    """Logit of a proportion, `xi` of `ni` people, by the binomial-normal model.

    Hamza, van Houwelingen & Stijnen 2008, J Clin Epidemiol 61:41. Other arguments and errors as `glmm_odds_ratio`.

    Examples
    --------
    >>> m = glmm_proportion([11, 24, 179, 82, 3], [29, 33, 326, 240, 60])
    >>> round(float(m.beta[0]), 3), round(m.tau2, 3)
    (-0.548, 1.482)
    """
    x, n = together({"xi": _whole("xi", xi), "ni": numbers("ni", ni, gt=0)})
    if (x > n).any():
        raise InvalidInput(f"xi[{int(np.argmax(x > n))}] has more events than people")
    refuse_no_events(x, n - x, "no event or only events")
    built = one_group(binomial(x[:, None], n[:, None]), np.zeros(len(x)), _nodes(nodes))
    options = GlmmOptions(design, estimator, interval, level)
    return infer(built, logit_proportion(x, n), np.ones(len(x), dtype=bool), options, "PLO")


def glmm_rate(
    xi: ArrayLike,
    ti: ArrayLike,
    design: ArrayLike | None = None,
    *,
    estimator: str = "ML",
    interval: str = "wald",
    level: float = 95,
    nodes: int | None = None,
) -> Glmm:
    """Log of an incidence rate, `xi` events in person-time `ti`, by the Poisson-normal model.

    Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046. Other arguments and errors as `glmm_odds_ratio`.

    Examples
    --------
    >>> m = glmm_rate([7, 8, 3, 6, 1], [1344, 1600, 12012, 1536, 370])
    >>> round(float(m.beta[0]), 3), round(m.tau2, 3)
    (-6.133, 1.144)
    """
    x, t = together({"xi": _whole("xi", xi), "ti": numbers("ti", ti, gt=0)})
    refuse_no_events(x, x, "no event")
    built = one_group(poisson(x[:, None]), np.log(t), _nodes(nodes))
    corrected = np.where(x == 0, 0.5, x)
    effects = EffectSize(np.log(corrected / t), 1 / corrected)
    options = GlmmOptions(design, estimator, interval, level)
    return infer(built, effects, np.ones(len(x), dtype=bool), options, "IRLN")


def _whole(name: str, value: ArrayLike) -> FloatArray:
    x = numbers(name, value, ge=0)
    if x.ndim != 1:
        raise InvalidInput(f"{name} must have shape (k,), found {x.shape}: one data set at a time")
    if (x != np.round(x)).any():
        raise InvalidInput(f"{name}[{int(np.argmax(x != np.round(x)))}] must be a whole number")
    return x


def _some(keep: BoolArray) -> BoolArray:
    if not keep.any():
        raise InvalidInput("no study with an event (and without only events): there is nothing to pool")
    return keep


def _coding(coding: float) -> FloatArray:
    value = numbers("coding", coding)
    if value.ndim or value.item() not in _CODINGS:
        raise InvalidInput(f"coding must be 0.5, 1 or 0 (found {coding!r})")
    return np.array(_CODINGS[value.item()])


def _nodes(nodes: int | None) -> int | None:
    if nodes is None:
        return None
    n = numbers("nodes", nodes)
    if n.ndim or (n != 1 and not _FEWEST_NODES <= n <= _MOST_NODES) or n % 1:
        limits = f"{_FEWEST_NODES} to {_MOST_NODES}"
        raise InvalidInput(f"nodes must be 1 (Laplace) or a whole number from {limits} (found {nodes!r})")
    return int(n)
