"""Laplace's approximation of the likelihood of a mixed model for counts: one point, at the mode of the random effects.

log L_i = F(z) - log|C| / 2 at the mode z of F(z) = sum_j l_j - z'z/2, with C = I - A' diag(l2) A the curvature and A
the loadings. The score is that of the approximation itself, so that its own maximum is found: z and C move with the
parameters. Tierney & Kadane 1986, J Am Stat Assoc 81:82.
"""

from __future__ import annotations

import numpy as np

from pipeline.meta.arrays import FloatArray
from pipeline.meta.rare_events.marginal_likelihood import CountModel, Marginal, directions, loadings, mode

_STEP = 1e-4


def laplace(model: CountModel, t: FloatArray, a: FloatArray, spread: dict[str, float]) -> Marginal:
    """As `marginal_likelihood.marginal`, with one point. The Hessian is the central difference of the score."""
    value, score = _value_and_score(model, t, a, spread)
    hessian = np.empty((model.k, score.shape[1], score.shape[1]))
    for r, name in enumerate(("t", "a", *spread)):
        ends = []
        for h in (_STEP, -_STEP):
            moved = {n: s + h * (n == name) for n, s in spread.items()}
            ends.append(_value_and_score(model, t + h * (name == "t"), a + h * (name == "a"), moved)[1])
        hessian[:, r] = (ends[0] - ends[1]) / (2 * _STEP)
    return Marginal(value, score, (hessian + hessian.swapaxes(1, 2)) / 2)


def _value_and_score(
    model: CountModel, t: FloatArray, a: FloatArray, spread: dict[str, float]
) -> tuple[FloatArray, FloatArray]:
    load = loadings(model, spread)
    base = (model.offset + model.group * t[:, None] + a[:, None])[:, :, None]
    z, curvature = mode(model, base, load)
    eta = base + (z @ load.T)[:, :, None]
    value, l1, l2 = (x[..., 0] for x in model.likelihood(eta))
    l3 = (model.likelihood(eta + _STEP)[2] - model.likelihood(eta - _STEP)[2])[..., 0] / (2 * _STEP)
    d = directions(model, spread, z[:, :, None])[:, :, 0, :]
    inverse = np.linalg.inv(curvature)
    log_lik = value.sum(1) - (z**2).sum(1) / 2 - np.log(np.linalg.det(curvature)) / 2
    score = np.empty((model.k, d.shape[2]))
    for s, name in enumerate(("t", "a", *spread)):
        turn = _turn(model, load, name)
        pull = np.einsum("mr,km->kr", load, l2 * d[:, :, s]) + l1 @ turn
        moved = d[:, :, s] + np.einsum("mr,krs,ks->km", load, inverse, pull)
        cross = np.einsum("mr,km,ms->krs", turn, l2, load)
        change = -(cross + cross.swapaxes(1, 2) + np.einsum("mr,km,ms->krs", load, l3 * moved, load))
        score[:, s] = (l1 * d[:, :, s]).sum(1) - np.einsum("krs,ksr->k", inverse, change) / 2
    return log_lik, score


def _turn(model: CountModel, load: FloatArray, name: str) -> FloatArray:
    """Derivative of the loadings in a parameter."""
    turn = np.zeros_like(load)
    if name in ("tau", "loading"):
        turn[:, 0] = model.coding if name == "tau" else 1.0
    elif name == "sigma":
        turn[:, -1] = 1.0
    return turn
