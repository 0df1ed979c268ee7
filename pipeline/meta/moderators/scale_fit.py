"""Maximum of the (restricted) likelihood of a location-scale model over its scale coefficients.

The location coefficients are profiled out. Newton's method with the exact gradient and Hessian; a direction of negative
curvature is turned uphill (Dauphin et al. 2014), a step that does not climb is halved, and several starts run side by
side. With P = W - WX (X'WX)^-1 X'W and t_i = tau2_i, the restricted likelihood has d/dt_i = ((Py)_i^2 - P_ii) / 2 and
d2/dt_i dt_j = P_ij^2 / 2 - (Py)_i P_ij (Py)_j (Harville 1977, J Am Stat Assoc 72:320).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput
from pipeline.meta.pooling.studies import Studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.pooling.weighted_fit import fit


@dataclass(frozen=True, slots=True)
class Link:
    """How scale coefficients make a between-study variance.

    Attributes
    ----------
    variance : tau2 of the linear predictor z'a
    slope, curve : first and second derivative of tau2, given the predictor
    start : predictor that gives a tau2
    bounded : must the predictor stay > 0
    """

    variance: Callable[[FloatArray], FloatArray]
    slope: Callable[[FloatArray], FloatArray]
    curve: Callable[[FloatArray], FloatArray]
    start: Callable[[FloatArray], FloatArray]
    bounded: bool


LINKS: dict[str, Link] = {
    "log": Link(np.exp, np.exp, np.exp, np.log, False),
    "identity": Link(lambda e: e, np.ones_like, np.zeros_like, lambda t: t, True),
}
_STARTS = (1.0, 0.05, 10.0)  # times the homogeneous tau2
_BARRIER = 10.0 ** np.arange(-1, -15, -1)


@dataclass(frozen=True, slots=True)
class ScaleFit:
    """The maximum, in the batch's shape.

    Attributes
    ----------
    alpha : scale coefficients, (..., q)
    information : minus the Hessian in alpha, (..., q, q)
    tau2 : (..., k)
    log_lik : log-likelihood
    converged : is it a maximum (on the edge: along it)
    on_edge : is some tau2 at 0, or running off to 0 or infinity
    """

    alpha: FloatArray
    information: FloatArray
    tau2: FloatArray
    log_lik: FloatArray
    converged: BoolArray
    on_edge: BoolArray


@dataclass(frozen=True, slots=True)
class _Problem:
    s: Studies
    basis: FloatArray  # orthonormal columns of Z
    link: Link
    restricted: bool

    def eta(self, gamma: FloatArray) -> FloatArray:
        eta = np.einsum("...kq,...q->...k", self.basis, gamma)
        return np.where(self.s.present > 0, eta, 1.0 if self.link.bounded else 0.0)


def maximise(s: Studies, z: FloatArray, link: Link, *, restricted: bool) -> ScaleFit:
    """Scale coefficients at the highest of the maxima found from several starts.

    Parameters
    ----------
    s : studies with the location design
    z : scale design, (..., k, q)
    restricted : restricted likelihood, else the full one

    Raises
    ------
    InvalidInput
        Collinear scale columns; under the identity link, columns that cannot give one tau2 for all studies.
    """
    geometry = fit(s.present, z)
    problem = _Problem(s, geometry.q, link, restricted)
    gamma = _starts(problem)
    if link.bounded:
        for mu in _BARRIER:
            gamma = _climb(problem, gamma, mu, 60)
        inner = _climb(problem, gamma, 0.0, 60)
        settled, _ = _settled(problem, inner, 0.0)
        gamma = np.where(settled[..., None], inner, gamma)
    else:
        gamma = _climb(problem, gamma, 0.0, 200)
    value = _log_lik(problem, gamma, 0.0)
    best = np.argmax(np.where(np.isfinite(value), value, -np.inf), axis=0)
    gamma = np.take_along_axis(gamma, best[None, ..., None], axis=0)[0]
    return _finished(problem, gamma, geometry.r)


def _finished(problem: _Problem, gamma: FloatArray, r: FloatArray) -> ScaleFit:
    eta, present = problem.eta(gamma), problem.s.present > 0
    settled, curvature = _settled(problem, gamma, 0.0)
    tau2 = problem.link.variance(eta)
    if problem.link.bounded:
        edge = ~settled
        settled = settled | _settled(problem, gamma, float(_BARRIER[-1]))[0]
    else:
        low = np.log(np.where(present, problem.s.v, np.inf).min(-1))
        edge = (np.where(present, eta, np.inf).min(-1) < low - 23) | (np.where(present, eta, -np.inf).max(-1) > 300)
        settled = settled & ~edge
    alpha = np.asarray(np.linalg.solve(r, gamma[..., None])[..., 0], dtype=np.float64)
    information = np.swapaxes(r, -1, -2) @ curvature @ r
    value = _log_lik(problem, gamma, 0.0)
    return ScaleFit(alpha, information, np.where(present, tau2, 0.0), value, settled, edge)


def _starts(problem: _Problem) -> FloatArray:
    """Homogeneous heterogeneity at several sizes, and a regression of the log squared residuals (Harvey 1976)."""
    s = problem.s
    typical = np.sum(s.present * s.v, -1) / s.k
    tau2 = np.maximum(TAU2_ESTIMATORS["HE"](s)[0], 0.02 * typical)
    levels = np.multiply.outer(np.array(_STARTS), tau2)
    eta = np.broadcast_to(problem.link.start(levels)[..., None], (*levels.shape, s.y.shape[-1]))
    gamma = np.einsum("...kq,...k->...q", problem.basis, s.present * eta)
    if problem.link.bounded:
        if np.any(problem.eta(gamma) <= 0):
            raise InvalidInput("the identity link needs scale columns that allow one tau2 for all: an intercept, say")
        return gamma
    square = s.weighted(np.ones(s.v.shape)).residuals(s.y) ** 2
    rough = np.log(np.maximum(square, 0.05 * (tau2 + typical)[..., None])) * s.present
    harvey = np.einsum("...kq,...k->...q", problem.basis, rough)
    return np.concatenate([gamma, harvey[None]])


def _climb(problem: _Problem, gamma: FloatArray, mu: float, limit: int) -> FloatArray:
    value = _log_lik(problem, gamma, mu)
    done = np.zeros(value.shape, dtype=bool)
    for _ in range(limit):
        gradient, curvature = _derivatives(problem, gamma, mu)
        step = _uphill(gradient, curvature)
        decrement = np.einsum("...q,...q->...", gradient, step)
        step = step * _reach(problem, gamma, step)[..., None]
        done |= (decrement <= 1e-26) | ~np.isfinite(decrement)
        size = np.where(done, 0.0, 1.0)
        for _ in range(45):
            new = gamma + size[..., None] * step
            there = _log_lik(problem, new, mu)
            worse = ~(there >= value - 1e-14 * (1 + np.abs(value))) & (size > 0)
            if not worse.any():
                break
            size = np.where(worse, size / 2, size)
        good = (size > 0) & ~worse
        still = np.max(np.abs(new - gamma), -1) <= 1e-15 * (1 + np.max(np.abs(gamma), -1))
        gamma = np.where(good[..., None], new, gamma)
        value = np.where(good, there, value)
        done |= ~good | still
        if done.all():
            break
    return gamma


def _uphill(gradient: FloatArray, curvature: FloatArray) -> FloatArray:
    clean = np.where(np.isfinite(curvature), curvature, 0.0)
    values, vectors = np.linalg.eigh(clean)
    size = np.abs(values)
    size = np.maximum(size, 1e-13 * size.max(-1, keepdims=True) + 1e-300)
    along = np.einsum("...ij,...i->...j", vectors, np.where(np.isfinite(gradient), gradient, 0.0)) / size
    return np.einsum("...ij,...j->...i", vectors, along)


def _reach(problem: _Problem, gamma: FloatArray, step: FloatArray) -> FloatArray:
    """Share of a step that changes no log(tau2) by more than 3, or uses up no more than 95 % of any tau2."""
    change = np.einsum("...kq,...q->...k", problem.basis, step)
    if problem.link.bounded:
        used = np.max(np.where(problem.s.present > 0, -change / problem.eta(gamma), 0.0), -1)
        return np.minimum(1.0, 0.95 / np.maximum(used, 1e-300))
    return np.minimum(1.0, 3 / np.maximum(np.max(np.abs(change), -1), 1e-300))


def _log_lik(problem: _Problem, gamma: FloatArray, mu: float) -> FloatArray:
    s, eta = problem.s, problem.eta(gamma)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        allowed = np.all(eta > 0, -1) if problem.link.bounded else np.all(eta < 600, -1)
        tau2 = problem.link.variance(np.where(allowed[..., None], eta, 1.0))
        total = s.v + tau2
        f = fit(s.present / total, s.x)
        out = np.sum(s.present * np.log(total) + f.residuals(s.y) ** 2, -1) + s.k * np.log(2 * np.pi)
        if problem.restricted:
            plain = s.weighted(np.ones(s.v.shape)).log_det_information()
            out = out + f.log_det_information() - plain - s.p * np.log(2 * np.pi)
        out = -0.5 * out + (mu * np.sum(s.present * np.log(tau2), -1) if mu else 0.0)
    return np.where(allowed, out, -np.inf)


def _derivatives(problem: _Problem, gamma: FloatArray, mu: float) -> tuple[FloatArray, FloatArray]:
    """Gradient and minus the Hessian in gamma."""
    s, eta = problem.s, problem.eta(gamma)
    tau2 = problem.link.variance(eta)
    f = fit(s.present / (s.v + tau2), s.x)
    w, py = f.root**2, f.apply(s.y)
    h = f.leverages()
    first = 0.5 * (py**2 - w * (1 - h if problem.restricted else 1.0))
    a = problem.basis * (s.present * problem.link.slope(eta))[..., None]
    gradient = np.einsum("...kq,...k->...q", a, first)
    ay = a * py[..., None]
    across = np.einsum("...kp,...k,...kq->...pq", f.q, f.root, ay)
    curvature = np.einsum("...kq,...k,...kr->...qr", ay, w, ay) - np.einsum("...pq,...pr->...qr", across, across)
    if problem.restricted:
        curvature -= 0.5 * np.einsum("...kq,...k,...kr->...qr", a, w**2 * (1 - 2 * h), a)
        m = np.einsum("...ka,...kb,...k,...kq->...abq", f.q, f.q, w, a)
        curvature -= 0.5 * np.einsum("...abq,...abr->...qr", m, m)
    else:
        curvature -= 0.5 * np.einsum("...kq,...k,...kr->...qr", a, w**2, a)
    bend = s.present * first * problem.link.curve(eta)
    if mu:
        gradient += mu * np.einsum("...kq,...k->...q", a, 1 / tau2)
        bend = bend - mu * s.present / tau2**2
    return gradient, curvature - np.einsum("...kq,...k,...kr->...qr", problem.basis, bend, problem.basis)


def _settled(problem: _Problem, gamma: FloatArray, mu: float) -> tuple[BoolArray, FloatArray]:
    """Is the gradient zero, in units of the curvature, where the curvature is that of a maximum?"""
    gradient, curvature = _derivatives(problem, gamma, mu)
    decrement = np.einsum("...q,...q->...", gradient, _uphill(gradient, curvature))
    values = np.linalg.eigvalsh(np.where(np.isfinite(curvature), curvature, 0.0))
    return (decrement <= 1e-16) & (values[..., 0] > 1e-12 * values[..., -1]), curvature
