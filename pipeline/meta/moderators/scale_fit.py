"""Maximum of the (restricted) likelihood of a location-scale model over its scale coefficients.

Newton's method with the exact gradient and Hessian; a direction of negative curvature is turned uphill (Dauphin et al.
2014), a step that does not climb is halved, and several starts run side by side. The identity link is kept at tau2 >= 0
by a logarithmic barrier that fades, and then along the edge itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput
from pipeline.meta.moderators.scale_likelihood import Link, Problem, derivatives, log_likelihood
from pipeline.meta.pooling.studies import Studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.pooling.weighted_fit import fit

_STARTS = (1.0, 0.05, 10.0)  # times the homogeneous tau2
_BARRIER = 10.0 ** np.arange(-1.0, -10.0, -1.0)


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

    Examples
    --------
    >>> from pipeline.meta.moderators.scale_likelihood import LINKS
    >>> from pipeline.meta.pooling.studies import studies
    >>> s = studies([0.1, 0.9, -0.6, 0.3], [0.01] * 4)
    >>> round(float(maximise(s, np.ones((4, 1)), LINKS["identity"], restricted=True).tau2[0]), 4)
    0.3725
    """
    geometry = fit(s.present, z)
    batch, k = s.y.shape[:-1], s.y.shape[-1]
    one = Problem(_flat(s), geometry.q.reshape(-1, k, z.shape[-1]), link, restricted)
    starts = _starts(one)
    count = len(starts)
    every = one.rows(np.tile(np.arange(one.s.y.shape[0]), count))
    gamma = starts.reshape(-1, z.shape[-1])
    if link.bounded:
        for mu in _BARRIER:
            gamma = _climb(every, gamma, mu, 60)
        gamma = _off_the_barrier(every, gamma)
    else:
        gamma = _climb(every, gamma, 0.0, 200)
    value = log_likelihood(every.hold(gamma) if link.bounded else every, gamma, 0.0).reshape(count, -1)
    best = np.argmax(np.where(np.isfinite(value), value, -np.inf), axis=0)
    gamma = gamma.reshape(count, -1, z.shape[-1])[best, np.arange(len(best))]
    found = _finished(one, gamma, geometry.r.reshape(-1, *geometry.r.shape[-2:]))
    return ScaleFit(
        found.alpha.reshape((*batch, -1)),
        found.information.reshape((*batch, *found.information.shape[1:])),
        found.tau2.reshape((*batch, k)),
        found.log_lik.reshape(batch),
        found.converged.reshape(batch),
        found.on_edge.reshape(batch),
    )


def _flat(s: Studies) -> Studies:
    """The batch on one leading axis."""
    k, p = s.x.shape[-2:]
    shape = (-1, k)
    return Studies(
        y=s.y.reshape(shape),
        v=s.v.reshape(shape),
        x=np.broadcast_to(s.x, (*s.y.shape, p)).reshape(-1, k, p),
        present=s.present.reshape(shape),
    )


def _off_the_barrier(problem: Problem, gamma: FloatArray) -> FloatArray:
    """From the last barrier to the maximum itself: inside, or along the edge with studies held at tau2 = 0."""
    inner = _climb(problem, gamma, 0.0, 60)
    gamma = np.where(_settled(problem, inner, 0.0)[0][..., None], inner, gamma)
    held = problem.hold(gamma)
    along = _climb(held, held.project(gamma), 0.0, 60)
    better = _settled(held, along, 0.0)[0] & held.edge & np.isfinite(log_likelihood(held, along, 0.0))
    return np.where(better[..., None], along, gamma)


def _finished(problem: Problem, gamma: FloatArray, r: FloatArray) -> ScaleFit:
    eta, present = problem.eta(gamma), problem.s.present > 0
    settled, curvature = _settled(problem, gamma, 0.0)
    tau2 = problem.link.variance(eta)
    if problem.link.bounded:
        held = problem.hold(gamma)
        edge = ~settled & held.edge
        settled = settled | (edge & _settled(held, gamma, 0.0)[0])
        tau2 = np.where(edge[..., None], problem.link.variance(held.eta(gamma)), tau2)
    else:
        share = np.where(present, tau2 / problem.s.v, np.inf).min(-1)
        edge = (share < 1e-10) & (~settled | (share < 1e-16))
        edge |= np.where(present, eta, -np.inf).max(-1) > 300
        settled = settled & ~edge
    alpha = np.asarray(np.linalg.solve(r, gamma[..., None])[..., 0], dtype=np.float64)
    information = np.swapaxes(r, -1, -2) @ curvature @ r
    value = log_likelihood(problem.hold(gamma) if problem.link.bounded else problem, gamma, 0.0)
    return ScaleFit(alpha, information, np.where(present, tau2, 0.0), value, settled, edge)


def _starts(problem: Problem) -> FloatArray:
    """Homogeneous heterogeneity at several sizes; for an unbounded link also a regression of the log squared residuals
    (Harvey 1976) and a steep rise and fall along each scale column: the likelihood can have several maxima.
    """
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
    tilt = 2 * np.sqrt(s.k)[:, None, None] * np.eye(gamma.shape[-1])
    tilted = gamma[0] + np.moveaxis(np.concatenate([tilt, -tilt], axis=1), 1, 0)
    return np.concatenate([gamma, harvey[None], tilted])


def _climb(problem: Problem, gamma: FloatArray, mu: float, limit: int) -> FloatArray:
    """Climb until no step helps; fits that have arrived leave the batch every ten steps."""
    out, rows = gamma.copy(), np.arange(len(gamma))
    for _ in range(0, limit, 10):
        out[rows], done = _climb_ten(problem.rows(rows), out[rows], mu)
        rows = rows[~done]
        if rows.size == 0:
            break
    return out


def _climb_ten(problem: Problem, gamma: FloatArray, mu: float) -> tuple[FloatArray, BoolArray]:
    value = log_likelihood(problem, gamma, mu)
    done = np.zeros(value.shape, dtype=bool)
    for _ in range(10):
        gradient, curvature = derivatives(problem, gamma, mu)
        step = _uphill(gradient, curvature)
        decrement = np.einsum("...q,...q->...", gradient, step)
        step = step * _reach(problem, gamma, step)[..., None]
        done |= (decrement <= 1e-26) | ~np.isfinite(decrement)
        size = np.where(done, 0.0, 1.0)
        for _ in range(45):
            new = gamma + size[..., None] * step
            there = log_likelihood(problem, new, mu)
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
    return gamma, done


def _uphill(gradient: FloatArray, curvature: FloatArray) -> FloatArray:
    clean = np.where(np.isfinite(curvature), curvature, 0.0)
    values, vectors = np.linalg.eigh(clean)
    size = np.abs(values)
    size = np.maximum(size, 1e-13 * size.max(-1, keepdims=True) + 1e-300)
    along = np.einsum("...ij,...i->...j", vectors, np.where(np.isfinite(gradient), gradient, 0.0)) / size
    return np.einsum("...ij,...j->...i", vectors, along)


def _reach(problem: Problem, gamma: FloatArray, step: FloatArray) -> FloatArray:
    """Share of a step that changes no log(tau2) by more than 3, or uses up no more than 95 % of any tau2."""
    change = np.einsum("...kq,...q->...k", problem.basis, step)
    if problem.link.bounded:
        eta = problem.eta(gamma)
        room = np.where((problem.s.present > 0) & (eta > 0), eta, np.inf)
        with np.errstate(over="ignore"):
            used = np.max(-change / room, -1)
        return np.minimum(1.0, 0.95 / np.maximum(used, 1e-300))
    return np.minimum(1.0, 3 / np.maximum(np.max(np.abs(change), -1), 1e-300))


def _settled(problem: Problem, gamma: FloatArray, mu: float) -> tuple[BoolArray, FloatArray]:
    """Is the gradient zero, in units of the curvature, where the curvature is that of a maximum?"""
    gradient, curvature = derivatives(problem, gamma, mu)
    decrement = np.einsum("...q,...q->...", gradient, _uphill(gradient, curvature))
    values = np.linalg.eigvalsh(np.where(np.isfinite(curvature), curvature, 0.0))
    return (decrement <= 1e-16) & (values[..., 0] > 1e-12 * values[..., -1]), curvature
