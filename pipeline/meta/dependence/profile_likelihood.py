"""Profile likelihood of variance and correlation components, and intervals from it.

The log-likelihood is maximised over everything else with one component kept at a value. The interval holds the values
whose profile is at most half a chi-square(1) quantile below the maximum. Venzon & Moolgavkar 1988, Appl Stat 37:87;
Viechtbauer 2007, Stat Med 26:37.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray, InvalidInput, numbers, probability
from pipeline.meta.dependence import block_likelihood as blocks
from pipeline.meta.dependence.component_coordinates import Coordinate, coordinate
from pipeline.meta.dependence.multivariate import Multivariate, prepared, starting_points
from pipeline.meta.dependence.newton import Slopes, best_start, maximise
from pipeline.meta.dependence.random_terms import ready
from pipeline.meta.guards import MOST_NUMBERS, affordable, instance

_DOUBLINGS = 100
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Component:
    """One variance or correlation component of a model.

    Attributes
    ----------
    term : number of its random term
    kind : "sigma2" (variance of intercepts), "tau2" (variance of levels) or "rho" (correlation)
    index : which of the term's variances or correlations
    estimate : its value
    """

    term: int
    kind: str
    index: int
    estimate: float


@dataclass(frozen=True, slots=True)
class ComponentInterval:
    """Profile likelihood interval of a component.

    Attributes
    ----------
    component : which
    ci_lb, ci_ub : limits; the end of the component's range where the profile does not fall far enough on that side
    at_low, at_high : is a limit the end of the range
    """

    component: Component
    ci_lb: float
    ci_ub: float
    at_low: bool
    at_high: bool


def components(fit: Multivariate) -> list[Component]:
    """Every component of a single fit, term by term, variances before correlations."""
    _single(fit)
    out, intercepts, others = [], iter(fit.sigma2), iter(zip(fit.tau2, fit.rho, strict=True))
    for n, t in enumerate(ready(fit.random, len(fit.y))):
        if t.intercepts:
            out.append(Component(n, "sigma2", 0, float(next(intercepts))))
            continue
        tau2, rho = next(others)
        out += [Component(n, "tau2", i, float(x)) for i, x in enumerate(tau2)]
        out += [Component(n, "rho", i, float(x)) for i, x in enumerate(rho)]
    return out


def profile_log_likelihood(fit: Multivariate, component: Component, values: ArrayLike) -> FloatArray:
    """Highest log-likelihood with the component at each of `values`, (n,): as many at once as fit into 1 GiB.

    Raises
    ------
    InvalidInput
        No `Multivariate` or a batch of fits, a component that is not one of `components(fit)`, or a value that it
        cannot have.

    Examples
    --------
    >>> from pipeline.meta.dependence.multivariate import multivariate
    >>> from pipeline.meta.dependence.random_terms import Intercepts
    >>> fit = multivariate([0.1, 0.5, 0.2, 0.9], [0.02] * 4, random=[Intercepts([1, 2, 3, 4])])
    >>> profile_log_likelihood(fit, components(fit)[0], [0.1, 0.2]).round(4).tolist()
    [-1.191, -1.3663]
    """
    at, axis = _axis(fit, component)
    x = numbers("values", values, ge=axis.low, le=axis.high)
    each = _numbers_of_one(fit)
    affordable("one value of the profile", each)
    every, size = x.reshape(-1), max(MOST_NUMBERS // each, 1)
    parts = [at(every[i : i + size], None)[0] for i in range(0, len(every), size)]
    return np.concatenate([np.zeros(0), *parts]).reshape(x.shape)


def component_interval(fit: Multivariate, component: Component, level: float = 95) -> ComponentInterval:
    """Profile likelihood interval of one component.

    Raises
    ------
    InvalidInput
        A batch of fits.
    """
    at, axis = _axis(fit, component)
    depth = np.sqrt(special.chdtri(1, probability(level)))

    def below(x: FloatArray, warm: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        """Signed root of the likelihood ratio beyond the quantile's: nearly straight, 0 at a limit."""
        value, free = at(x, warm)
        return np.sqrt(np.maximum(2 * (fit.log_lik - value), 0)) - depth, free

    lower, at_low = _limit(below, component.estimate, axis.low, depth, first=axis.low)
    first = axis.high if np.isfinite(axis.high) else 2 * component.estimate + float(np.mean(np.diagonal(fit.v)))
    upper, at_high = _limit(below, component.estimate, axis.high, depth, first=first)
    return ComponentInterval(component, lower, upper, at_low, at_high)


def component_intervals(fit: Multivariate, level: float = 95) -> list[ComponentInterval]:
    """Profile likelihood intervals of every component of a single fit."""
    return [component_interval(fit, c, level) for c in components(fit)]


Below = Callable[[FloatArray, FloatArray | None], tuple[FloatArray, FloatArray]]


def _limit(below: Below, estimate: float, end: float, depth: float, *, first: float) -> tuple[float, bool]:
    """Where `below` crosses 0 between the estimate and `end`, by regula falsi (Illinois: Dowell & Jarratt 1971)."""
    a, fa = estimate, -depth
    if a == end:
        return end, True
    b, (f, warm) = first, below(np.array([first]), None)
    for _ in range(_DOUBLINGS):
        if f[0] > 0 or b == end:
            break
        a, fa, b = b, f[0], 2 * b
        f, warm = below(np.array([b]), warm)
    fb = f[0]
    if not fb > 0:
        return end, True
    for _ in range(_STEPS):
        x = b - fb * (b - a) / (fb - fa)
        f, warm = below(np.array([x]), warm)
        if abs(f[0]) < 1e-13 or not min(a, b) < x < max(a, b):
            break
        if (f[0] > 0) == (fb > 0):
            fa = fa / 2
        else:
            a, fa = b, fb
        b, fb = x, f[0]
        if abs(b - a) <= 1e-14 * abs(b):
            break
    return float(x), False


Profile = Callable[[FloatArray, FloatArray | None], tuple[FloatArray, FloatArray]]


def _numbers_of_one(fit: Multivariate) -> int:
    """Numbers that one value of a profile takes: covariances of the blocks for each parameter and start."""
    starts = len(starting_points(ready(fit.random, len(fit.y)), np.ones(())))
    return int(np.count_nonzero(fit.marginal)) * (len(fit.parameters) + 4) * (starts + 1)


def _axis(fit: Multivariate, component: Component) -> tuple[Profile, Coordinate]:
    """Values (n,) and free parameters to begin with -> profile (n,) and free parameters (n, q - 1)."""
    own_components = components(fit)
    instance("component", component, Component)
    if (component.term, component.kind, component.index) not in [(c.term, c.kind, c.index) for c in own_components]:
        raise InvalidInput(f"{component} is no component of this fit: take one of components(fit)")
    terms = ready(fit.random, len(fit.y))
    own = terms[component.term]
    if own.name == "known":
        axis = Coordinate(own.structure, 0, np.asarray, 0.0, np.inf)
    else:
        kind = "rho" if component.kind == "rho" else "tau2"
        axis = coordinate(own.name, own.levels, kind, component.index)
    terms[component.term] = replace(own, structure=axis.structure)
    model, scale, _ = prepared(fit.y, fit.v, fit.x, terms, restricted=fit.restricted)
    lower = np.concatenate([t.structure.lower for t in terms])
    kept = model.places[component.term].start + axis.place
    free = np.delete(np.arange(len(lower)), kept)
    cold = starting_points(terms, scale)[:, None, free]

    def at(values: FloatArray, warm: FloatArray | None) -> tuple[FloatArray, FloatArray]:
        fixed = axis.parameter(values)

        def evaluate(t: FloatArray, who: IntArray) -> Slopes:
            s = blocks.slopes(model, np.insert(t, kept, fixed[who], axis=-1))
            return Slopes(
                s.value, s.score[..., free], s.hessian[..., free, :][..., free], s.fisher[..., free, :][..., free]
            )

        if not free.size:
            return evaluate(np.zeros((len(values), 0)), np.arange(len(values))).value, np.zeros((len(values), 0))
        starts = np.broadcast_to(cold, (len(cold), len(values), len(free)))
        starts = starts if warm is None else np.concatenate([warm[None], starts])
        found = best_start(maximise(evaluate, starts, lower[free]))
        return found.slopes.value, found.at

    return at, axis


def _single(fit: Multivariate) -> None:
    instance("fit", fit, Multivariate)
    if fit.y.ndim != 1:
        raise InvalidInput(f"profiles are made for one fit at a time (found a batch of shape {fit.y.shape[:-1]})")
