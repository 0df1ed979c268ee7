"""Likelihood of a mixed model for counts, the random effects integrated out by adaptive Gauss-Hermite quadrature.

The predictor of group j of study i is

    offset_ij + group_j t_i + a_i + (coding_j tau + loading) z1 + sigma z2,   z1, z2 standard normal,

with t_i = x_i'b the effect, a_i the level of the study (fixed, common or absent), tau the heterogeneity of the effect
and sigma that of the level. With counts of the exponential family the integrand is log-concave in z, so its mode is
found by Newton steps; the grid is centred there and scaled by the curvature (Liu & Pierce 1994, Biometrika 81:624).
Derivatives come from the same grid by Louis's formula (Louis 1982, J R Stat Soc B 44:226).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.rare_events.count_likelihood import CountLikelihood

SPREADS = ("tau", "sigma", "loading")


@dataclass(frozen=True, slots=True)
class CountModel:
    """A mixed model for counts of k studies with m groups each.

    Attributes
    ----------
    likelihood : of the counts in the predictor (k, m, q)
    offset : (k, m)
    group : coding of the groups in the effect, (m,)
    coding : coding of the groups in the random effect, (m,)
    level : the level of a study: "absent", "fixed" (one per study) or "random" (normal around a common one)
    nodes : quadrature points per axis
    """

    likelihood: CountLikelihood
    offset: FloatArray
    group: FloatArray
    coding: FloatArray
    level: str
    nodes: int

    @property
    def k(self) -> int:
        """Number of studies."""
        return self.offset.shape[0]


@dataclass(frozen=True, slots=True)
class Marginal:
    """Log-likelihood of each study with derivatives in (t_i, a_i, active spreads).

    Attributes
    ----------
    value : (k,)
    score : (k, 2 + spreads)
    hessian : (k, 2 + spreads, 2 + spreads)
    """

    value: FloatArray
    score: FloatArray
    hessian: FloatArray


def marginal(model: CountModel, t: FloatArray, a: FloatArray, spread: dict[str, float]) -> Marginal:
    """Evaluate at effects t (k,), levels a (k,) and the active spreads (keys of SPREADS, in that order)."""
    load = loadings(model, spread)
    base = (model.offset + model.group * t[:, None] + a[:, None])[:, :, None]
    z, volume = _grid(model, base, load)
    value, l1, l2 = model.likelihood(base + np.einsum("mr,krq->kmq", load, z))
    log_f = value.sum(1) - (z**2).sum(1) / 2 - 0.5 * load.shape[1] * np.log(2 * np.pi) + volume
    top = log_f.max(1, keepdims=True)
    weight = np.exp(log_f - top)
    total = weight.sum(1, keepdims=True)
    weight = weight / total
    d = directions(model, spread, z)
    each = np.einsum("kmqr,kmq->kqr", d, l1)
    score = np.einsum("kq,kqr->kr", weight, each)
    off = (each - score[:, None, :]) * np.sqrt(weight)[:, :, None]
    curved = (d * np.sqrt(-l2 * weight[:, None, :])[..., None]).reshape(model.k, -1, d.shape[-1])
    hessian = off.swapaxes(1, 2) @ off - curved.swapaxes(1, 2) @ curved
    return Marginal(top[:, 0] + np.log(total[:, 0]), score, hessian)


def loadings(model: CountModel, spread: dict[str, float]) -> FloatArray:
    """How the groups load on the standard normals, (m, r); r is 0, 1 or 2."""
    columns = []
    if "tau" in spread:
        columns.append(model.coding * spread["tau"] + spread.get("loading", 0.0))
    if "sigma" in spread:
        columns.append(np.full(len(model.coding), spread["sigma"]))
    return np.stack(columns, axis=1) if columns else np.zeros((len(model.coding), 0))


def directions(model: CountModel, spread: dict[str, float], z: FloatArray) -> FloatArray:
    """Derivative of the predictor in (t, a, spreads), (k, m, q, 2 + spreads)."""
    k, _, q = z.shape
    m = len(model.group)
    shape = (k, m, q)
    columns = [np.broadcast_to(model.group[None, :, None], shape), np.ones(shape)]
    for name in spread:
        if name == "tau":
            columns.append(model.coding[None, :, None] * z[:, None, 0, :])
        else:
            axis = 0 if name == "loading" else z.shape[1] - 1
            columns.append(np.broadcast_to(z[:, None, axis, :], shape))
    return np.stack(columns, axis=-1)


def _grid(model: CountModel, base: FloatArray, load: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Points (k, r, q) and the logarithms of their weights in the integral over z, (k, q)."""
    k, r = base.shape[0], load.shape[1]
    if r == 0:
        return np.zeros((k, 0, 1)), np.zeros((k, 1))
    centre, curvature = mode(model, base, load)
    scale = np.linalg.inv(np.linalg.cholesky(curvature)).swapaxes(-1, -2)
    points, log_weights = _hermite(model.nodes, r)
    z = centre[:, :, None] + np.einsum("krs,sq->krq", scale, np.sqrt(2) * points)
    log_size = np.log(np.abs(np.linalg.det(scale))) + 0.5 * r * np.log(2)
    return z, log_weights + log_size[:, None]


def mode(model: CountModel, base: FloatArray, load: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mode of the integrand over z (k, r) and its negative second derivative (k, r, r)."""
    r = load.shape[1]
    z = np.zeros((base.shape[0], r))

    def at(z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        value, l1, l2 = (x[..., 0] for x in model.likelihood(base + (z @ load.T)[:, :, None]))
        curvature = np.eye(r) - np.einsum("mr,km,ms->krs", load, l2, load)
        return value.sum(1) - (z**2).sum(1) / 2, l1 @ load - z, curvature

    value, gradient, curvature = at(z)
    for _ in range(100):
        step = np.linalg.solve(curvature, gradient[..., None])[..., 0]
        if np.all(np.abs(step) < 1e-9):
            break
        length = np.ones(len(z))
        for _ in range(30):
            new = at(z + length[:, None] * step)
            worse = new[0] < value - 1e-12 * np.abs(value)
            if not worse.any():
                break
            length = np.where(worse, length / 2, length)
        z = z + length[:, None] * step
        value, gradient, curvature = at(z)
    return z, curvature


def log_lik_at_modes(model: CountModel, t: FloatArray, a: FloatArray, spread: dict[str, float]) -> float:
    """Log-likelihood of the counts with the random effects at their modes; not a marginal likelihood."""
    load = loadings(model, spread)
    base = (model.offset + model.group * t[:, None] + a[:, None])[:, :, None]
    z, _ = mode(model, base, load)
    return float(model.likelihood(base + (z @ load.T)[:, :, None])[0].sum())


@cache
def _hermite(nodes: int, r: int) -> tuple[FloatArray, FloatArray]:
    """Product grid of Gauss-Hermite points (r, q) and log weights (q,), exp(-t't) divided out."""
    t, w = np.polynomial.hermite.hermgauss(nodes)
    grids = np.meshgrid(*[t] * r, indexing="ij")
    weights = np.meshgrid(*[np.log(w) + t**2] * r, indexing="ij")
    return np.stack([g.ravel() for g in grids]), np.sum([g.ravel() for g in weights], axis=0)
