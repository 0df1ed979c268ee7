"""Models of dependent effects with any number of random terms: nested, crossed, correlated outcomes, time series.

y = Xb + sum of random effects + e, e ~ N(0, V) with V known. Berkey et al. 1998, Stat Med 17:2537; van Houwelingen,
Arends & Stijnen 2002, Stat Med 21:589; Ishak et al. 2007, Clin Trials 4:525; Konstantopoulos 2011, Res Synth Methods
2:61. The covariance is block diagonal by what is linked, and the components are found by Newton steps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, numbers
from pipeline.meta.dependence import block_likelihood as blocks
from pipeline.meta.dependence.mixed_fit import MixedFit, coefficient_tests, heterogeneity_test
from pipeline.meta.dependence.newton import best_start, maximise
from pipeline.meta.dependence.random_terms import RandomTerm, Term, ready
from pipeline.meta.pooling import weighted_fit
from pipeline.meta.pooling.likelihood import criteria

_ESTIMATORS = {"REML": True, "ML": False}


@dataclass(frozen=True, slots=True)
class Multivariate(MixedFit):
    """A fitted model of dependent effects.

    Attributes
    ----------
    sigma2 : variances of the `Intercepts` terms, in their order, (..., s)
    tau2 : for each other term its variance (..., 1), or one for each level (..., m)
    rho : for each other term its correlations, (..., r), by columns of the lower triangle; without meaning where a
        variance is 0
    covariances : for each term the covariance of its random effects, (..., m, m)
    levels : for each term the labels of those random effects
    intercepts : for each term whether its variance is in sigma2
    random : the terms that were asked
    v : sampling covariance, (k, k)
    marginal : covariance of the effects, V and the random effects, (..., k, k)
    parameters : of all terms in the parametrisation of the search, (..., q)
    score : slope of the log-likelihood there, (..., q); 0 but for parameters at their bound
    restricted : REML, else ML
    identifiable : False where the likelihood is flat in some direction, so that the data do not tell components apart
    """

    sigma2: FloatArray
    tau2: tuple[FloatArray, ...]
    rho: tuple[FloatArray, ...]
    covariances: tuple[FloatArray, ...]
    levels: tuple[tuple[object, ...], ...]
    intercepts: tuple[bool, ...]
    random: tuple[RandomTerm, ...]
    v: FloatArray
    marginal: FloatArray
    parameters: FloatArray
    score: FloatArray
    restricted: bool
    identifiable: BoolArray


def multivariate(
    yi: ArrayLike,
    v: ArrayLike,
    design: ArrayLike | None = None,
    *,
    random: Sequence[RandomTerm] = (),
    estimator: str = "REML",
    test: str = "contain",
    level: float = 95,
) -> Multivariate:
    """Fit a model of dependent effects.

    Parameters
    ----------
    yi : effects, (k,), or (..., k) for a batch with the same V, design and random terms
    v : sampling variances, (k,), or their covariance, (k, k)
    design : (k, p), the intercept's column of ones included; None for an intercept only
    random : `Intercepts`, `Correlated` and `Slopes` terms; `nested(a, b)` gives those of `~ 1 | a / b`. None at all
        is the common-effect model
    estimator : "REML" or "ML"
    test : key of DF_RULES: "z", "t" on k - p degrees of freedom, or "contain", on those of the level at which a
        moderator varies
    level : of the intervals, percent

    Raises
    ------
    InvalidInput
        Unequal lengths, NaN, a variance <= 0, a V that is not symmetric and positive definite, collinear moderators,
        or a random term that cannot be (see `ready`).

    Examples
    --------
    >>> from pipeline.meta.dependence.random_terms import Correlated
    >>> yi = [0.47, -0.32, 0.2, -0.6, 0.4, -0.12, 0.26, -0.31, 0.56, -0.39]
    >>> outcome, trial = ["PD", "AL"] * 5, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    >>> fit = multivariate(yi, [0.01] * 10, random=[Correlated(outcome, trial, "CS")], estimator="ML")
    >>> [round(float(t), 4) for t in fit.tau2[0]], round(float(fit.rho[0][0]), 4)
    ([0.1425], -0.8682)
    """
    choose("estimator", estimator, _ESTIMATORS)
    y, covariance, x = _arrays(yi, v, design)
    terms = ready(random, len(covariance))
    model, scale, r = prepared(y, covariance, x, terms, restricted=_ESTIMATORS[estimator])
    lower = np.concatenate([np.zeros(0), *(t.structure.lower for t in terms)])
    unit = np.concatenate([scale[..., None] ** t.structure.power for t in terms] or [np.zeros((*scale.shape, 0))], -1)
    found = best_start(
        maximise(lambda t, who: blocks.slopes(model.of_members(who), t), starting_points(terms, scale), lower, unit)
    )
    theta = found.at
    gamma, c, _, _ = blocks.coefficients(model, theta)
    back = np.linalg.inv(r)
    beta, vb = np.einsum("pq,...q->...p", back, gamma), back @ c @ back.T
    own = [theta[..., at] for at in model.places]
    gs = tuple(model.covariances(theta))
    paired = list(zip(terms, own, gs, strict=True))
    df = np.full(y.shape[:-1], model.k - model.p)
    everyone = np.arange(model.k)[None]
    edges = [t.structure.edge(a / scale[..., None] ** t.structure.power) for t, a, _ in paired]
    n = model.k - model.p if model.restricted else model.k
    return Multivariate(
        **coefficient_tests(
            beta, vb, x, present=np.ones(y.shape, dtype=bool), groupings=_groupings(terms), test=test, level=level
        ),
        **heterogeneity_test(blocks.generalised_q(model), df[()]),
        **asdict(criteria(found.slopes.value, n, model.p + len(lower))),
        k=np.full(y.shape[:-1], model.k)[()],
        x=x,
        y=y,
        converged=found.converged,
        identifiable=_identifiable(model, theta, found.slopes.hessian, lower, unit),
        boundary=np.any([np.zeros(y.shape[:-1], dtype=bool), *edges], axis=0),
        method=f"{estimator}; {test}",
        sigma2=np.concatenate([np.zeros((*y.shape[:-1], 0)), *(a for t, a, _ in paired if t.intercepts)], -1),
        tau2=tuple(_variances(t, g) for t, _, g in paired if not t.intercepts),
        rho=tuple(t.structure.rho(a) for t, a, _ in paired if not t.intercepts),
        covariances=gs,
        levels=tuple(t.labels for t in terms),
        intercepts=tuple(t.intercepts for t in terms),
        random=tuple(random),
        v=covariance,
        marginal=covariance + sum(t.spread(g, everyone)[..., 0, :, :] for t, _, g in paired),
        parameters=theta,
        score=found.slopes.score,
        restricted=model.restricted,
    )


def _variances(t: Term, g: FloatArray) -> FloatArray:
    every = np.diagonal(g, axis1=-2, axis2=-1)
    return every[..., :1] if t.structure.common_variance else every


def _groupings(terms: Sequence[Term]) -> list[IntArray]:
    """What shares a random effect: groups, groups with a known correlation, and levels within groups."""
    plain = [t.group for t in terms]
    return plain + [t.group * t.z.shape[1] + t.level for t in terms if t.level is not None and t.z.shape[1] > 1]


def _identifiable(
    model: blocks.Model, theta: FloatArray, hessian: FloatArray, lower: FloatArray, unit: FloatArray
) -> BoolArray:
    """Does every direction that changes the covariance of a random effect change the likelihood?

    A direction among parameters at their bound does not count.
    """
    free = theta > lower
    size = np.sqrt(np.abs(np.diagonal(hessian, axis1=-2, axis2=-1)))
    known = size * unit > 1e-6
    size = np.where(known, size, 1 / unit)
    scaled = hessian / (size[..., :, None] * size[..., None, :])
    pair = free[..., :, None] & free[..., None, :] & known[..., :, None] & known[..., None, :]
    value, vector = np.linalg.eigh(
        np.where(pair, -scaled, np.where(free & ~known, 0.0, 1.0)[..., None] * np.eye(len(lower)))
    )
    moved = np.zeros(value.shape)
    direction = np.swapaxes(vector, -1, -2) / size[..., None, :]
    for t, at in zip(model.terms, model.places, strict=True):
        g, dg = t.structure.covariance(theta[..., at]), t.structure.slopes(theta[..., at])
        change = np.einsum("...eq,...qij->...eij", direction[..., at], dg)
        scale = np.abs(g).max((-2, -1)) + np.max(unit[..., at] ** (1 / np.maximum(t.structure.power, 0.5)), -1)
        moved = np.maximum(moved, np.abs(change).max((-2, -1)) / np.asarray(scale)[..., None])
    return ~((np.abs(value) < 1e-7) & (moved > 1e-3)).any(-1)


def _arrays(yi: ArrayLike, v: ArrayLike, design: ArrayLike | None) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Effects (..., k), covariance (k, k) and design (k, p)."""
    y, w = numbers("yi", yi), numbers("v", v)
    k = y.shape[-1] if y.ndim else 0
    if k == 0 or w.shape not in ((k,), (k, k)):
        raise InvalidInput(
            f"v must be the variances (k,) or covariance (k, k) of the effects: yi {y.shape}, v {w.shape}"
        )
    covariance = np.diag(w) if w.ndim == 1 else w
    numbers("v", np.diagonal(covariance), gt=0)
    if np.any(np.abs(covariance - covariance.T) > 1e-10 * np.abs(covariance).max()):
        raise InvalidInput("v is not symmetric")
    try:
        np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise InvalidInput("v is not positive definite") from None
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.ndim != 2 or len(x) != k or x.shape[1] == 0:
        raise InvalidInput(f"the design must have one row for each of the {k} effects, and a column (found {x.shape})")
    if k <= x.shape[1]:
        raise InvalidInput(f"{k} effects cannot carry {x.shape[1]} coefficients and a variance")
    return y, (covariance + covariance.T) / 2, x


def prepared(
    y: FloatArray, v: FloatArray, x: FloatArray, terms: Sequence[Term], *, restricted: bool
) -> tuple[blocks.Model, FloatArray, FloatArray]:
    """The model with an orthonormal design, the spread of y, and R of design = orthonormal times R."""
    k, p = x.shape
    plain = weighted_fit.fit(np.ones(k), x)
    raw = np.sum(plain.residuals(y) ** 2, -1) / (k - p)
    mean = np.mean(np.diagonal(v))
    scale = np.maximum(np.maximum(raw - mean, 0.05 * raw), 1e-4 * mean)
    base = weighted_fit.fit(1 / (np.diagonal(v) + np.mean(scale)), x)
    q = np.asarray(np.linalg.solve(base.r.T, x.T).T, dtype=np.float64)
    log_det = float(plain.log_det_information() - base.log_det_information())
    data = blocks.buckets(y, v, q, terms)
    return blocks.Model(data, tuple(terms), blocks.places(terms), k, p, log_det, restricted), scale, base.r


def starting_points(terms: Sequence[Term], scale: FloatArray) -> FloatArray:
    """Splits of the spread over the terms with each structure's starts: likelihoods may have several tops."""
    n = len(terms)
    shares = [np.full(n, 1 / max(n, 1)), np.full(n, 0.01)]
    shares += [np.where(np.arange(n) == i, 0.9, 0.1 / (n - 1)) for i in range(n if n > 1 else 0)]
    shares += [np.zeros(n)] if any(t.structure.linear for t in terms) else []
    most = max((len(t.structure.starts) for t in terms), default=1)
    rows = [
        np.concatenate(
            [np.zeros((*scale.shape, 0))]
            + [
                _start(t, (share[i] if share[i] or t.structure.linear else 0.01) * scale, s if c < 2 else c)
                for i, t in enumerate(terms)
            ],
            -1,
        )
        for c, share in enumerate(shares)
        for s in range(most if c < 1 else 1)
    ]
    return np.stack(rows)


def _start(t: Term, variance: FloatArray, which: int) -> FloatArray:
    return t.structure.starts[which % len(t.structure.starts)] * variance[..., None] ** t.structure.power
