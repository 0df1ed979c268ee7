"""The (restricted) likelihood of a location-scale model as a function of its scale coefficients.

The location coefficients are profiled out. With P = W - WX (X'WX)^-1 X'W and t_i = tau2_i, the restricted likelihood
has d/dt_i = ((Py)_i^2 - P_ii) / 2 and d2/dt_i dt_j = P_ij^2 / 2 - (Py)_i P_ij (Py)_j (Harville 1977, J Am Stat Assoc
72:320).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray
from pipeline.meta.pooling.studies import Studies
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


@dataclass(frozen=True, slots=True)
class Problem:
    """What is to be maximised, for n fits on one leading axis, in coordinates gamma with z'a = basis gamma.

    Attributes
    ----------
    s : studies with the location design, n fits
    basis : orthonormal columns of the scale design, (n, k, q)
    link : of tau2
    restricted : restricted likelihood, else the full one
    held : studies whose tau2 is held at 0, (n, k)
    free : projector on the directions that leave them there, (n, q, q)
    """

    s: Studies
    basis: FloatArray
    link: Link
    restricted: bool
    held: BoolArray | None = None
    free: FloatArray | None = None

    def eta(self, gamma: FloatArray) -> FloatArray:
        """Linear predictor of tau2, (n, k); a value that does no harm for a study that takes no part."""
        eta = np.einsum("...kq,...q->...k", self.basis, gamma)
        if self.held is not None:
            eta = np.where(self.held, 0.0, eta)
        return np.where(self.s.present > 0, eta, 1.0 if self.link.bounded else 0.0)

    def hold(self, gamma: FloatArray) -> Problem:
        """The problem along the edge: studies whose barrier still pushes are held at tau2 = 0."""
        eta = self.eta(gamma)
        held = (self.s.present > 0) & (eta < 3e-5 * np.maximum(eta.max(-1, keepdims=True), self.s.v))
        values, vectors = np.linalg.eigh(products(self.basis, held.astype(np.float64), self.basis))
        open_ = (values <= 1e-12)[..., None, :]
        free = (vectors * open_) @ np.swapaxes(vectors, -1, -2)
        return replace(self, basis=np.where(held[..., None], 0.0, self.basis @ free), held=held, free=free)

    def rows(self, rows: IntArray) -> Problem:
        """Some of the fits of a flat batch."""
        given = self.s
        s = Studies(y=given.y[rows], v=given.v[rows], x=given.x[rows], present=given.present[rows])
        held = None if self.held is None else self.held[rows]
        return Problem(
            s, self.basis[rows], self.link, self.restricted, held, None if self.free is None else self.free[rows]
        )

    @property
    def edge(self) -> BoolArray:
        """Is any study held?"""
        return np.zeros(1, dtype=bool) if self.held is None else np.asarray(self.held.any(-1))

    def project(self, direction: FloatArray) -> FloatArray:
        """The part of a direction that leaves the held studies at 0."""
        if self.free is None:
            return direction
        return np.einsum("...ij,...j->...i", self.free, direction)


def log_likelihood(problem: Problem, gamma: FloatArray, mu: float) -> FloatArray:
    """Log-likelihood, plus mu times the sum of log(tau2) as a barrier, (n,); -inf where tau2 is not allowed."""
    s, eta = problem.s, problem.eta(gamma)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        inside = eta > 0 if problem.held is None else eta >= 0
        allowed = np.all(inside, -1) if problem.link.bounded else np.all(eta < 600, -1)
        tau2 = problem.link.variance(np.where(allowed[..., None], eta, 1.0))
        total = s.v + tau2
        f = fit(s.present / total, s.x)
        out = np.sum(s.present * np.log(total) + f.residuals(s.y) ** 2, -1) + s.k * np.log(2 * np.pi)
        if problem.restricted:
            plain = s.weighted(np.ones(s.v.shape)).log_det_information()
            out = out + f.log_det_information() - plain - s.p * np.log(2 * np.pi)
        out = -0.5 * out + (mu * np.sum(s.present * np.log(tau2), -1) if mu else 0.0)
    return np.where(allowed, out, -np.inf)


def derivatives(problem: Problem, gamma: FloatArray, mu: float) -> tuple[FloatArray, FloatArray]:
    """Gradient (n, q) and minus the Hessian (n, q, q) in gamma of `log_likelihood`."""
    s, eta = problem.s, problem.eta(gamma)
    tau2 = problem.link.variance(eta)
    f = fit(s.present / (s.v + tau2), s.x)
    w, py = f.root**2, f.apply(s.y)
    h = f.leverages()
    first = 0.5 * (py**2 - w * (1 - h if problem.restricted else 1.0))
    a = problem.basis * (s.present * problem.link.slope(eta))[..., None]
    gradient = np.einsum("...kq,...k->...q", a, first)
    ay = a * py[..., None]
    across = products(f.q, f.root, ay)
    curvature = products(ay, w, ay) - np.swapaxes(across, -1, -2) @ across
    if problem.restricted:
        curvature -= 0.5 * products(a, w**2 * (1 - 2 * h), a)
        pairs = f.q[..., :, None] * f.q[..., None, :]
        m = products(pairs.reshape(*pairs.shape[:-2], -1), w, a)
        curvature -= 0.5 * np.swapaxes(m, -1, -2) @ m
    else:
        curvature -= 0.5 * products(a, w**2, a)
    bend = s.present * first * problem.link.curve(eta)
    if mu:
        gradient += mu * np.einsum("...kq,...k->...q", a, 1 / tau2)
        bend = bend - mu * s.present / tau2**2
    curvature = curvature - products(problem.basis, bend, problem.basis)
    if problem.free is None:
        return gradient, curvature
    closed = np.eye(gradient.shape[-1]) - problem.free
    size = np.abs(np.trace(curvature, axis1=-2, axis2=-1))[..., None, None]
    return gradient, curvature + np.where(size > 0, size, 1.0) * closed


def products(a: FloatArray, w: FloatArray, b: FloatArray) -> FloatArray:
    """a' diag(w) b.

    Examples
    --------
    >>> products(np.eye(2), np.array([2.0, 3.0]), np.eye(2)).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    return np.asarray(np.swapaxes(a, -1, -2) @ (w[..., None] * b), dtype=np.float64)
