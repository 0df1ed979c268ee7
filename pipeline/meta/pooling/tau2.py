"""Between-study variance. To add an estimator: a function and a row of TAU2_ESTIMATORS.

Every estimator takes `Studies` and returns (tau2, converged), each of the batch's shape (...). P and Q as in
`weighted_fit`. Overview: Viechtbauer 2005, J Educ Behav Stat 30:261; Veroniki et al. 2016, Res Synth Methods 7:55.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput
from pipeline.meta.pooling.quadratic_form import quadratic_form_tail
from pipeline.meta.pooling.studies import Studies
from pipeline.meta.pooling.tau2_likelihood import (
    maximum_likelihood,
    maximum_likelihood_by_scoring,
    restricted_maximum_likelihood,
    restricted_maximum_likelihood_by_scoring,
)

MAX_ITERATIONS = 200
Estimate = tuple[FloatArray, BoolArray]


def zero(s: Studies) -> Estimate:
    """No between-study variance: the common-effect model."""
    return _known(s, np.zeros(s.k.shape))


def moment(s: Studies, a: FloatArray) -> FloatArray:
    """Generalised method of moments with fixed weights a, cut at 0: (y'P_a y - tr(P_a V)) / tr(P_a).

    DerSimonian & Kacker 2007, Contemp Clin Trials 28:105; Jackson, Turner, Rhodes & Viechtbauer 2014,
    BMC Med Res Methodol 14:103 (moderators).
    """
    f = s.weighted(a)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (np.sum(f.residuals(s.y) ** 2, -1) - f.trace(s.v)) / f.trace()
    return np.where(s.df > 0, np.maximum(t, 0), 0.0)


def dersimonian_laird(s: Studies) -> Estimate:
    """DerSimonian & Laird 1986, Control Clin Trials 7:177."""
    return _known(s, moment(s, 1 / s.v))


def hedges(s: Studies) -> Estimate:
    """Hedges & Olkin 1985; also called Cochran's or the variance-component estimator."""
    return _known(s, moment(s, np.ones(s.v.shape)))


def generalised_q(s: Studies) -> Estimate:
    """Method of moments with the weights the caller chose. DerSimonian & Kacker 2007.

    Raises
    ------
    InvalidInput
        No weights were given.
    """
    if s.a is None:
        raise InvalidInput("the generalised Q estimator needs weights")
    return _known(s, moment(s, s.a))


def generalised_q_median(s: Studies) -> Estimate:
    """Median-unbiased generalised Q: tau2 at which the observed y'P_a y is the median of its exact distribution.

    Weights as `generalised_q`. Viechtbauer 2021, as `paule_mandel_median`; the distribution: Jackson 2013, Res Synth
    Methods 4:220.
    """
    return generalised_q_profile(s, np.full(s.k.shape, 0.5))


def generalised_q_profile(s: Studies, tail: FloatArray) -> Estimate:
    """tau2 at which P(Q >= y'P_a y) equals `tail`, shape (...); 0 where the tail is heavier already at 0.

    Q = y'P_a y with fixed weights a is a sum of chi-square variables whose weights are the eigenvalues of
    S^(1/2) P_a S^(1/2), S = diag(v + tau2). Jackson 2013, Res Synth Methods 4:220.

    Raises
    ------
    InvalidInput
        No weights were given.
    """
    if s.a is None:
        raise InvalidInput("the generalised Q estimator needs weights")
    f = s.weighted(s.a)
    z = f.residuals(s.y)
    q = np.maximum(np.vecdot(z, z), np.finfo(float).tiny)
    hat = f.q @ np.swapaxes(f.q, -1, -2)
    maker = f.root[..., None] * (np.eye(s.y.shape[-1]) - hat) * f.root[..., None, :]

    def too_low(tau2: FloatArray) -> BoolArray:
        sd = np.sqrt(s.v + tau2[..., None])
        eigenvalues = np.linalg.eigvalsh(sd[..., None] * maker * sd[..., None, :])
        return quadratic_form_tail(q, np.maximum(eigenvalues, 0)) < tail

    lo, hi = np.zeros(s.k.shape), np.where(s.present > 0, s.v, 0.0).max(-1)
    open_above = (s.df > 0) & too_low(lo)
    while np.any(open_above & too_low(hi)):
        lo, hi = np.where(open_above & too_low(hi), hi, lo), np.where(open_above & too_low(hi), 4 * hi, hi)
    hi = np.where(open_above, hi, 0.0)
    for _ in range(MAX_ITERATIONS):
        middle = (lo + hi) / 2
        if np.all((middle == lo) | (middle == hi)):
            break
        low = open_above & too_low(middle)
        lo, hi = np.where(low, middle, lo), np.where(low, hi, middle)
    return _known(s, (lo + hi) / 2)


def two_step(first: Callable[[Studies], Estimate]) -> Callable[[Studies], Estimate]:
    """Method of moments with weights 1 / (v + tau2) at the tau2 of another estimator. DerSimonian & Kacker 2007."""

    def estimator(s: Studies) -> Estimate:
        return _known(s, moment(s, 1 / (s.v + first(s)[0][..., None])))

    return estimator


def hunter_schmidt(s: Studies) -> Estimate:
    """Hunter & Schmidt 1990: (Q - k) / sum(1/v), cut at 0. Biased downwards."""
    return _known(s, _hunter_schmidt(s, np.ones(s.k.shape)))


def hunter_schmidt_corrected(s: Studies) -> Estimate:
    """Hunter-Schmidt with Q multiplied by k / (k - p). Brannick et al. 2019, Adv Meth Pract Psychol Sci 2:392."""
    return _known(s, _hunter_schmidt(s, s.k / np.maximum(s.df, 1)))


def sidik_jonkman(s: Studies) -> Estimate:
    """Two-step estimator from tau2_0 = sum(y - mean)^2 / k. Sidik & Jonkman 2005, Appl Stat 54:367."""
    k = s.k
    mean = np.sum(s.present * s.y, -1) / k
    crude = np.sum(s.present * (s.y - mean[..., None]) ** 2, -1) / k
    q = np.sum(s.fit(crude).residuals(s.y) ** 2, -1)
    return _known(s, np.where(s.df > 0, crude * q / np.maximum(s.df, 1), 0.0))


def paule_mandel(s: Studies) -> Estimate:
    """Root of y'Py = k - p. Paule & Mandel 1982, J Res NBS 87:377.

    The empirical Bayes estimator (Morris 1983; Berkey et al. 1995, Stat Med 14:395) and the iterated DerSimonian-Laird
    and Sidik-Jonkman estimators solve the same equation (Viechtbauer, Lopez-Lopez, Sanchez-Meca & Marin-Martinez 2015,
    Psychol Methods 20:360).
    """
    return q_profile(s, s.df.astype(np.float64))


def paule_mandel_median(s: Studies) -> Estimate:
    """Root of y'Py = median of chi-square(k - p), so median unbiased.

    Viechtbauer 2021, Median-unbiased estimators for the amount of heterogeneity, EAM congress, Valencia.
    """
    return q_profile(s, special.chdtri(np.maximum(s.df, 1), 0.5))


def q_profile(s: Studies, target: FloatArray) -> Estimate:
    """tau2 at which y'Py equals `target`; 0 where it is below the target already at 0.

    y'Py falls and is convex in tau2, so Newton's method from 0 climbs to the root without passing it
    (DerSimonian & Kacker 2007).
    """
    target = np.where(s.df > 0, target, np.inf)
    tau2 = np.zeros(s.k.shape)
    done = np.zeros(s.k.shape, dtype=bool)
    for _ in range(MAX_ITERATIONS):
        e = s.fit(tau2)
        z = e.residuals(s.y)
        gap = np.sum(z**2, -1) - target
        step = np.where(gap > 0, gap, 0) / np.maximum(np.sum((e.root * z) ** 2, -1), np.finfo(float).tiny)
        step = np.where(done, 0.0, step)
        tau2 = tau2 + step
        done |= step <= 4e-16 * tau2
        if done.all():
            break
    return tau2, done


TAU2_ESTIMATORS: dict[str, Callable[[Studies], Estimate]] = {
    "REML": restricted_maximum_likelihood,
    "ML": maximum_likelihood,
    "DL": dersimonian_laird,
    "PM": paule_mandel,
    "PMM": paule_mandel_median,
    "EB": paule_mandel,
    "DLIT": paule_mandel,
    "SJIT": paule_mandel,
    "SJ": sidik_jonkman,
    "HE": hedges,
    "HS": hunter_schmidt,
    "HSk": hunter_schmidt_corrected,
    "GENQ": generalised_q,
    "GENQM": generalised_q_median,
    "DL2": two_step(dersimonian_laird),
    "HE2": two_step(hedges),
    "REML_FS": restricted_maximum_likelihood_by_scoring,
    "ML_FS": maximum_likelihood_by_scoring,
    "EE": zero,
}


def _known(s: Studies, tau2: FloatArray) -> Estimate:
    return tau2, np.ones(s.k.shape, dtype=bool)


def _hunter_schmidt(s: Studies, factor: FloatArray) -> FloatArray:
    q = np.sum(s.fit().residuals(s.y) ** 2, -1)
    return np.where(s.df > 0, np.maximum((factor * q - s.k) / np.sum(s.present / s.v, -1), 0), 0.0)
