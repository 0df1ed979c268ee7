"""Log-likelihoods of counts in a linear predictor, with two derivatives: binomial, Poisson, non-central hypergeometric.

Each function here takes the counts and gives a function of the predictor `eta`, shape (k, m, q): study, group, point.
That function answers with the log-likelihood and its first two derivatives in eta, all of the shape of eta.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from pipeline.meta.arrays import FloatArray, IntArray

Derivatives = tuple[FloatArray, FloatArray, FloatArray]
CountLikelihood = Callable[[FloatArray], Derivatives]

_LARGEST_BLOCK = 4_000_000  # numbers held at once by the sums over tables


def binomial(events: FloatArray, size: FloatArray) -> CountLikelihood:
    """Binomial counts (k, m) with logit eta; `size` 0 says nothing."""
    y, n = events[..., None], size[..., None]
    constant = log_choose(n, y)

    def evaluate(eta: FloatArray) -> Derivatives:
        p, q = special.expit(eta), special.expit(-eta)
        return y * eta - n * np.logaddexp(0.0, eta) + constant, y * q - (n - y) * p, -n * p * q

    return evaluate


def poisson(events: FloatArray) -> CountLikelihood:
    """Poisson counts (k, m) with log mean eta."""
    y = events[..., None]
    constant = special.gammaln(y + 1)

    def evaluate(eta: FloatArray) -> Derivatives:
        mean = np.exp(np.minimum(eta, 700.0))
        return y * eta - mean - constant, y - mean, -mean

    return evaluate


def noncentral_hypergeometric(a: FloatArray, n1: FloatArray, n2: FloatArray, events: FloatArray) -> CountLikelihood:
    """Events of group 1 given all margins, (k,), with log odds ratio eta of shape (k, 1, q).

    p(a) is proportional to C(n1, a) C(n2, events - a) exp(a eta). Summed over all tables of the margins on the log
    scale, so that neither large groups nor large odds ratios overflow. Stijnen, Hamza & Ozdemir 2010, Stat Med 29:3046.
    """
    lowest = np.maximum(0.0, events - n2)
    size = (np.minimum(n1, events) - lowest + 1).astype(np.int64)
    first = np.concatenate([[0], np.cumsum(size)[:-1]])
    study = np.repeat(np.arange(len(size)), size)
    x = np.arange(size.sum()) - first[study] + lowest[study]
    log_tables = log_choose(n1[study], x) + log_choose(n2[study], events[study] - x)
    observed = log_choose(n1, a) + log_choose(n2, events - a)

    def evaluate(eta: FloatArray) -> Derivatives:
        points = eta[:, 0, :]
        at_once = max(1, _LARGEST_BLOCK // max(len(x), 1))
        blocks = [
            _cumulants(points[:, s : s + at_once], x, log_tables, study, first)
            for s in range(0, points.shape[1], at_once)
        ]
        total, mean, variance = (np.concatenate(part, axis=1) for part in zip(*blocks, strict=True))
        value = a[:, None] * points + observed[:, None] - total
        return value[:, None, :], (a[:, None] - mean)[:, None, :], -variance[:, None, :]

    return evaluate


def log_choose(n: FloatArray, y: FloatArray) -> FloatArray:
    """Log of the binomial coefficient."""
    return np.asarray(special.gammaln(n + 1) - special.gammaln(y + 1) - special.gammaln(n - y + 1))


def _cumulants(
    points: FloatArray, x: FloatArray, log_tables: FloatArray, study: IntArray, first: IntArray
) -> Derivatives:
    """Log of the normaliser, mean and variance of a, each (k, q); the tables of all studies lie end to end."""
    log_p = log_tables[:, None] + x[:, None] * points[study]
    top = np.maximum.reduceat(log_p, first, axis=0)
    p = np.exp(log_p - top[study])
    total = np.add.reduceat(p, first, axis=0)
    mean = np.add.reduceat(p * x[:, None], first, axis=0) / total
    variance = np.add.reduceat(p * (x[:, None] - mean[study]) ** 2, first, axis=0) / total
    return top + np.log(total), mean, variance
