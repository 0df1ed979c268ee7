"""Maximum likelihood for mixed models of counts by Newton steps with halving.

For given spreads the log-likelihood is concave in coefficients and levels (the integral of a log-concave function is
log-concave, Prekopa 1973), so that its maximum is found from anywhere: this is done on a coarse grid of spreads. From
the two best points all parameters move together. The spreads are standard deviations of either sign, in which the
boundary 0 is a point of symmetry, not of the search; a model whose maximum lies there is fitted again without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.rare_events.laplace import laplace
from pipeline.meta.rare_events.marginal_likelihood import CountModel, Marginal, marginal

_STARTS = {"tau": (0.1, 0.4, 1.2), "sigma": (0.3, 1.2), "loading": (0.0,)}
_ZERO = 1e-8  # a variance below this is taken for the boundary
_LARGEST_STEP = 1.0  # of a spread


@dataclass(frozen=True, slots=True)
class CountFit:
    """A fitted model.

    Attributes
    ----------
    beta : coefficients, (p,)
    level : levels of the studies, (k,); zeros where the model has none
    spread : standard deviations by name of SPREADS; those at the boundary 0 are not in it
    log_lik : maximised log-likelihood
    information : observed information of (beta, common level, active spreads), fixed levels eliminated
    spread_score : score of the active spreads
    score : largest absolute score over the square root of its information at the end
    converged : is the score 0 to the precision of the sums
    """

    beta: FloatArray
    level: FloatArray
    spread: dict[str, float]
    log_lik: float
    information: FloatArray
    spread_score: FloatArray
    score: float
    converged: bool

    @property
    def precision(self) -> FloatArray:
        """Information of the coefficients, everything else eliminated, (p, p)."""
        p = len(self.beta)
        b, c, o = self.information[:p, :p], self.information[:p, p:], self.information[p:, p:]
        return np.asarray(b - c @ np.linalg.solve(o, c.T) if o.size else b, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Point:
    beta: FloatArray
    level: FloatArray
    spread: dict[str, float]


def maximise(model: CountModel, x: FloatArray, spreads: tuple[str, ...]) -> CountFit:
    """Maximise over coefficients, levels and the named spreads (a subset of SPREADS in its order)."""
    start = _Point(np.zeros(x.shape[1]), np.zeros(model.k), {})
    if not spreads:
        return _newton(model, x, start, spreads=False)
    tries = (_newton(model, x, at, spreads=True) for at in _starts(model, x, start, spreads))
    fit = max(tries, key=lambda f: f.log_lik)
    at_zero = [n for n, s in fit.spread.items() if n != "loading" and s**2 < _ZERO]
    if at_zero:
        gone = set(at_zero) | ({"loading"} if "tau" in at_zero else set())
        return maximise(model, x, tuple(n for n in spreads if n not in gone))
    return fit


def _starts(model: CountModel, x: FloatArray, start: _Point, spreads: tuple[str, ...]) -> list[_Point]:
    """The two best points of a coarse grid of spreads."""
    grid = np.meshgrid(*(_STARTS[n] for n in spreads), indexing="ij")
    fits = []
    for values in np.stack([g.ravel() for g in grid], axis=1):
        fit = _newton(model, x, replace(start, spread=dict(zip(spreads, values.tolist(), strict=True))), spreads=False)
        fits.append(fit)
        start = _Point(fit.beta, fit.level, {})
    best = sorted(fits, key=lambda f: f.log_lik, reverse=True)[:2]
    return [_Point(f.beta, f.level, f.spread) for f in best]


def _newton(model: CountModel, x: FloatArray, at: _Point, *, spreads: bool) -> CountFit:
    """Newton steps with halving, to the precision of the sums."""
    here = _marginal(model, x, at)
    for _ in range(200):
        gradient, information = _system(model, x, here)
        free = slice(None) if spreads else slice(0, len(gradient) - len(at.spread))
        step = np.zeros_like(gradient)
        step[free] = _uphill(information[free, free], gradient[free])
        step /= max(1.0, float(np.abs(step[len(step) - len(at.spread) :]).max(initial=0.0)) / _LARGEST_STEP)
        gain = abs(float(gradient @ step))
        new, there, halvings = _halving(model, x, at, here, step, slack=1e-9 if gain < 1e-7 else 1e-14)
        if there is None:
            break
        at, here = new, there
        if halvings > 12:  # the rounding of the sums hides what is left
            break
        if gain <= 1e-12 * max(1.0, abs(float(here.value.sum()))):
            break
    gradient, information = _system(model, x, here)
    free = slice(None) if spreads else slice(0, len(gradient) - len(at.spread))
    scaled = np.abs(gradient[free]) / np.sqrt(np.maximum(np.diag(information)[free], 1e-300))
    largest = float(np.where(np.abs(gradient[free]) < 1e-9, 0.0, scaled).max(initial=0.0))
    spread = {n: (s if n == "loading" else abs(s)) for n, s in at.spread.items()}
    moved = here.score[:, 2:].sum(0)
    return CountFit(at.beta, at.level, spread, float(here.value.sum()), information, moved, largest, largest < 1e-6)


def _marginal(model: CountModel, x: FloatArray, at: _Point) -> Marginal:
    evaluate = laplace if model.nodes == 1 else marginal
    return evaluate(model, x @ at.beta, at.level, at.spread)


def _system(model: CountModel, x: FloatArray, here: Marginal) -> tuple[FloatArray, FloatArray]:
    """Score and information of (beta, common level, spreads); fixed levels are eliminated study by study."""
    g, h = here.score, -here.hessian
    if model.level == "fixed":
        out = h[:, 1, 1]
        g = g - h[:, :, 1] * (g[:, 1] / out)[:, None]
        h = h - h[:, :, 1, None] * h[:, None, 1, :] / out[:, None, None]
    others = [1] * (model.level == "random") + list(range(2, g.shape[1]))
    gradient = np.concatenate([x.T @ g[:, 0], g[:, others].sum(0)])
    cross = x.T @ h[:, 0, :][:, others]
    bottom = h[:, others][:, :, others].sum(0)
    return gradient, np.block([[x.T @ (h[:, :1, 0] * x), cross], [cross.T, bottom]])


def _uphill(information: FloatArray, gradient: FloatArray) -> FloatArray:
    """Newton step; with negative or no curvature in a direction, its size is used (a step uphill all the same)."""
    root = np.sqrt(np.maximum(np.abs(np.diag(information)), 1e-300))
    values, vectors = np.linalg.eigh(information / np.outer(root, root))
    size = np.maximum(np.abs(values), 1e-12)
    return np.asarray(vectors @ ((vectors.T @ (gradient / root)) / size) / root, dtype=np.float64)


def _halving(
    model: CountModel, x: FloatArray, at: _Point, here: Marginal, step: FloatArray, slack: float
) -> tuple[_Point, Marginal | None, int]:
    """The first of step, step/2, step/4, ... that does not lower the log-likelihood, and how often it was halved.

    `slack`, relative: close to the maximum the rounding of large counts exceeds the gain, and the step is trusted.
    """
    value = here.value.sum()
    for halvings in range(40):
        new = _moved(model, x, at, here, step / 2**halvings)
        there = _marginal(model, x, new)
        if there.value.sum() >= value - slack * max(1.0, abs(value)):
            return new, there, halvings
    return at, None, 40


def _moved(model: CountModel, x: FloatArray, at: _Point, here: Marginal, step: FloatArray) -> _Point:
    p = x.shape[1]
    level = at.level
    along = np.zeros((model.k, here.score.shape[1]))
    along[:, 0] = x @ step[:p]
    along[:, 2:] = step[len(step) - len(at.spread) :]
    if model.level == "fixed":
        h = here.hessian
        level = level - (here.score[:, 1] + np.einsum("kr,kr->k", h[:, 1, :], along)) / h[:, 1, 1]
    elif model.level == "random":
        level = level + step[p]
    spread = {n: s + float(d) for (n, s), d in zip(at.spread.items(), step[len(step) - len(at.spread) :], strict=True)}
    return _Point(at.beta + step[:p], level, spread)


def wald_heterogeneity(saturated: CountFit, x: FloatArray) -> float:
    """Wald statistic that the effects of the saturated model lie in the space of the design.

    A study without a finite effect (a zero cell) has no information there and adds nothing.
    """
    p = saturated.precision
    p = (p + p.T) / 2
    px = p @ x
    fitted = x @ np.linalg.solve(x.T @ px, px.T @ saturated.beta)
    off = saturated.beta - fitted
    return float(off @ p @ off)
