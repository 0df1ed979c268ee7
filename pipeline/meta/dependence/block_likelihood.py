"""Likelihood of a normal model whose covariance is block diagonal: V plus random terms.

With A the inverse covariance, D_i its derivatives, P = A - AX(X'AX)^-1 X'A and r = Py, the score is
(r'D_i r - tr P D_i) / 2 and the Hessian tr(P D_i P D_j) / 2 - r'D_i P D_j r, plus (r'D_ij r - tr P D_ij) / 2 where the
covariance is not linear in the parameters; maximum likelihood has A for P in the traces. Harville 1977, JASA 72:320.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.meta.arrays import FloatArray, IntArray
from pipeline.meta.dependence.newton import Slopes
from pipeline.meta.dependence.random_terms import Term

_DIFFERENCE = 1e-6


@dataclass(frozen=True, slots=True)
class Bucket:
    """Blocks of about one size, padded: an effect that is not real has its own variance 1 and loads on nothing.

    Attributes
    ----------
    rows : effects of each block, (b, n)
    real : 1 for an effect, 0 for padding, (b, n)
    v : sampling covariance, (b, n, n)
    y : effects, (..., b, n)
    x : design, (b, n, p)
    fixed : for each term with a linear structure the derivatives of the covariance, (q, b, n, n); None for another
    """

    rows: IntArray
    real: FloatArray
    v: FloatArray
    y: FloatArray
    x: FloatArray
    fixed: tuple[FloatArray | None, ...]

    @property
    def pairs(self) -> FloatArray:
        """1 for two effects that are real, (b, n, n)."""
        return self.real[:, :, None] * self.real[:, None, :]


@dataclass(frozen=True, slots=True)
class Model:
    """Everything that the likelihood needs.

    Attributes
    ----------
    buckets : the data
    terms : random terms
    places : where each term's parameters are
    k, p : effects and coefficients
    log_det : log |X'X|
    restricted : REML, else ML
    """

    buckets: tuple[Bucket, ...]
    terms: tuple[Term, ...]
    places: tuple[slice, ...]
    k: int
    p: int
    log_det: float
    restricted: bool

    def of_members(self, who: IntArray) -> Model:
        """The data of numbered members of the batch; the same for all where there is no batch."""
        if self.buckets[0].y.ndim == 2:
            return self
        taken = (replace(b, y=b.y.reshape(-1, *b.y.shape[-2:])[who]) for b in self.buckets)
        return replace(self, buckets=tuple(taken))

    def covariances(self, theta: FloatArray) -> list[FloatArray]:
        """G of each term."""
        return [t.structure.covariance(theta[..., at]) for t, at in zip(self.terms, self.places, strict=True)]


def places(terms: Sequence[Term]) -> tuple[slice, ...]:
    """Where the parameters of each term are in the parameters of all."""
    ends = np.cumsum([0, *(len(t.structure.lower) for t in terms)]).tolist()
    return tuple(slice(a, b) for a, b in pairwise(ends))


def buckets(y: FloatArray, v: FloatArray, x: FloatArray, terms: Sequence[Term]) -> tuple[Bucket, ...]:
    """Effects linked by V or by a term are one block; blocks of like size are one array."""
    k = len(v)
    i, j = np.nonzero(v)
    links = [(i, j)]
    for t in terms:
        first = np.full(int(t.group.max()) + 1, -1)
        first[t.group[::-1]] = np.arange(k)[::-1]
        links.append((np.arange(k), first[t.group]))
    a, b = (np.concatenate([pair[n] for pair in links]) for n in (0, 1))
    _, block = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(k, k)), directed=False)
    size = np.bincount(block)
    bound = np.where(size.max() <= 12, size.max(), 2 ** np.ceil(np.log2(size))).astype(np.int64)
    return tuple(_bucket(y, v, x, terms, block, np.flatnonzero(bound == n)) for n in np.unique(bound))


def _bucket(
    y: FloatArray, v: FloatArray, x: FloatArray, terms: Sequence[Term], block: IntArray, chosen: IntArray
) -> Bucket:
    members = [np.flatnonzero(block == c) for c in chosen]
    n = max(map(len, members))
    real = (np.arange(n) < np.array([len(m) for m in members])[:, None]).astype(np.float64)
    rows = np.zeros(real.shape, dtype=np.int64)
    rows[real > 0] = np.concatenate(members)
    both = real[:, :, None] * real[:, None, :]
    padded = v[rows[:, :, None], rows[:, None, :]] * both + np.eye(n) * (1 - real)[:, :, None]
    fixed = tuple(
        t.spread(t.structure.slopes(t.structure.starts[0]), rows) * both if t.structure.linear else None for t in terms
    )
    return Bucket(rows, real, padded, y[..., rows] * real, x[rows] * real[..., None], fixed)


@dataclass(frozen=True, slots=True)
class _Solved:
    """One bucket at given parameters: A and AX."""

    a: FloatArray
    ax: FloatArray


def coefficients(model: Model, theta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, list[_Solved]]:
    """Coefficients (..., p), their covariance, log |M| and the inverses."""
    solved, log_det = [], np.zeros(theta.shape[:-1])
    information = np.zeros((*theta.shape[:-1], model.p, model.p))
    right = np.zeros((*theta.shape[:-1], model.p))
    for b in model.buckets:
        a, log_size = _inverse(_marginal(model, b, theta))
        ax = a @ b.x
        log_det = log_det + log_size.sum(-1)
        information = information + (np.swapaxes(b.x, -1, -2) @ ax).sum(-3)
        right = right + np.einsum("...bnp,...bn->...p", ax, b.y)
        solved.append(_Solved(a, ax))
    usable = np.asarray(np.isfinite(information).all((-2, -1), keepdims=True))
    c = np.linalg.inv(np.where(usable, information, np.eye(model.p)))
    return (c @ right[..., None])[..., 0], np.asarray(c), np.where(usable[..., 0, 0], log_det, np.nan), solved


def slopes(model: Model, theta: FloatArray) -> Slopes:
    """Log-likelihood at parameters (..., q), with derivatives; NaN where the covariance is not positive definite."""
    q, p = theta.shape[-1], model.p
    lead = theta.shape[:-1]
    gamma, c, log_det, solved = coefficients(model, theta)
    squares = np.zeros(lead)
    trace, force = np.zeros((*lead, q)), np.zeros((*lead, q))
    second, quadratic = np.zeros((*lead, q, q)), np.zeros((*lead, q, q))
    f, cross = np.zeros((*lead, q, p, p)), np.zeros((*lead, q, p))
    pulls = [np.zeros((*lead, t.z.shape[1], t.z.shape[1])) for t in model.terms]
    for b, s in zip(model.buckets, solved, strict=True):
        e = b.y - np.einsum("bnp,...p->...bn", b.x, gamma)
        r = (s.a @ e[..., None])[..., 0]
        squares = squares + np.sum(e * r, (-2, -1))
        d = _derivatives(model, b, theta)
        a = s.a[..., None, :, :, :]
        ad = a @ d
        dr = d @ np.concatenate([s.ax, r[..., None]], -1)[..., None, :, :, :]
        dx, dy = dr[..., :-1], dr[..., -1]
        adr = a @ dr
        trace = trace + np.trace(ad, axis1=-2, axis2=-1).sum(-1)
        force = force + np.einsum("...qbn,...bn->...q", dy, r)
        second = second + _pairs(ad, np.swapaxes(ad, -1, -2), len(lead))
        quadratic = quadratic + _pairs(dy, adr[..., -1], len(lead))
        cross = cross + np.einsum("...bnp,...qbn->...qp", s.ax, dy)
        if model.restricted:
            f = f + (np.swapaxes(s.ax, -1, -2)[..., None, :, :, :] @ dx).sum(-3)
            second = second - 2 * _pairs(dx @ c[..., None, None, :, :], adr[..., :-1], len(lead))
        curved = [n for n, t in enumerate(model.terms) if not t.structure.linear]
        if curved:
            pull = r[..., :, None] * r[..., None, :] - s.a
            if model.restricted:
                pull = pull + s.ax @ c[..., None, :, :] @ np.swapaxes(s.ax, -1, -2)
            pull = pull * b.pairs
            for n in curved:
                pulls[n] = pulls[n] + model.terms[n].gather(pull, b.rows)
    quadratic = quadratic - cross @ c @ np.swapaxes(cross, -1, -2)
    value = -0.5 * (model.k * np.log(2 * np.pi) + log_det + squares)
    if model.restricted:
        value = value + 0.5 * (p * np.log(2 * np.pi) + model.log_det + np.linalg.slogdet(c)[1])
        cf = c[..., None, :, :] @ f
        trace = trace - np.trace(cf, axis1=-2, axis2=-1)
        second = second + _pairs(cf, np.swapaxes(cf, -1, -2), len(lead))
    fisher = 0.5 * second
    return Slopes(value, 0.5 * (force - trace), fisher - quadratic + _curvature(model, theta, pulls), fisher)


def generalised_q(model: Model) -> FloatArray:
    """y'Py with P by the sampling covariance alone, (...)."""
    bare = Model(tuple(replace(b, fixed=()) for b in model.buckets), (), (), model.k, model.p, model.log_det, False)
    nothing = np.zeros((*model.buckets[0].y.shape[:-2], 0))
    gamma, _, _, solved = coefficients(bare, nothing)
    q = np.zeros(nothing.shape[:-1])
    for b, s in zip(model.buckets, solved, strict=True):
        e = b.y - np.einsum("bnp,...p->...bn", b.x, gamma)
        q = q + np.einsum("...bn,...bnm,...bm->...", e, s.a, e)
    return q


def _marginal(model: Model, b: Bucket, theta: FloatArray) -> FloatArray:
    m = np.broadcast_to(b.v, (*theta.shape[:-1], *b.v.shape))
    for t, at, fixed in zip(model.terms, model.places, b.fixed, strict=True):
        own = theta[..., at]
        if fixed is None:
            m = m + t.spread(t.structure.covariance(own), b.rows) * b.pairs
        else:
            m = m + np.tensordot(own, fixed, 1)
            if t.structure.bounded is not None:
                m = np.where(t.structure.bounded(own)[..., None, None, None], m, np.nan)
    return m


def _derivatives(model: Model, b: Bucket, theta: FloatArray) -> FloatArray:
    """Derivatives of the covariance, (..., q, b, n, n)."""
    lead, behind = theta.shape[:-1], b.v.shape
    if all(f is not None for f in b.fixed):
        every = np.concatenate([np.zeros((0, *behind)), *(f for f in b.fixed if f is not None)])
        return np.broadcast_to(every, (*lead, *every.shape))
    parts = [
        np.broadcast_to(fixed, (*lead, *fixed.shape))
        if fixed is not None
        else t.spread(t.structure.slopes(theta[..., at]), b.rows) * b.pairs
        for t, at, fixed in zip(model.terms, model.places, b.fixed, strict=True)
    ]
    return np.concatenate(parts, -4)


def _curvature(model: Model, theta: FloatArray, pulls: Sequence[FloatArray]) -> FloatArray:
    """Part of the Hessian from the second derivatives of G, by central differences of its first: it steers the
    search and does not enter where the search ends."""
    out = np.zeros((*theta.shape, theta.shape[-1]))
    for t, at, pull in zip(model.terms, model.places, pulls, strict=True):
        if t.structure.linear:
            continue
        own = theta[..., at]
        for j in range(own.shape[-1]):
            h = _DIFFERENCE * np.maximum(np.abs(own[..., j, None]), 1e-3) * np.eye(own.shape[-1])[j]
            change = t.structure.slopes(own + h) - t.structure.slopes(own - h)
            slope = np.einsum("...qij,...ij->...q", change, pull) / (2 * h[..., j, None])
            out[..., at.start + j, at] = 0.5 * slope
    return 0.5 * (out + np.swapaxes(out, -1, -2))


def _inverse(m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Inverse and log determinant; NaN where m is not positive definite."""
    try:
        root = np.linalg.cholesky(m)
    except np.linalg.LinAlgError:
        finite = np.isfinite(m).all((-2, -1), keepdims=True)
        m = np.where(finite, m, np.eye(m.shape[-1]))
        good = finite & (np.linalg.eigvalsh(m)[..., :1, None] > 1e-15 * np.abs(m).max((-2, -1), keepdims=True))
        root = np.where(good, np.linalg.cholesky(np.where(good, m, np.eye(m.shape[-1]))), np.nan)
    with np.errstate(invalid="ignore"):
        log_det = 2 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(-1)
    inverse = np.linalg.inv(root)
    return np.asarray(np.swapaxes(inverse, -1, -2) @ inverse), np.asarray(log_det)


def _pairs(a: FloatArray, b: FloatArray, lead: int) -> FloatArray:
    """Sums of products over the axes behind the leading ones and that of the parameters: (..., q, q)."""
    size = math.prod(a.shape[lead + 1 :])
    left, right = (x.reshape(*x.shape[: lead + 1], size) for x in (a, b))
    return left @ np.swapaxes(right, -1, -2)
