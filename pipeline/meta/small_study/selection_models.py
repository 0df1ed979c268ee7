"""Selection models: effects when the chance of a study to be seen depends on its p value.

y_i ~ N(x_i'b, v_i + tau2), seen with a chance proportional to w(p_i; delta). Estimated by maximum likelihood of what is
seen: Hedges 1992, Stat Sci 7:246; Vevea & Hedges 1995, Psychometrika 60:419. One step at p = .025 (one-sided) is the
three-parameter selection model, 3PSM; steps .025 and .5 are the 4PSM.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, IntArray, InvalidInput, choose, numbers
from pipeline.meta.guards import spread
from pipeline.meta.pooling.likelihood import log_likelihood_ml
from pipeline.meta.pooling.studies import Studies, studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.reference import quantile, two_sided_p
from pipeline.meta.small_study.selection_cells import p_values, smooth_cells, step_cells
from pipeline.meta.small_study.selection_functions import SELECTION_FUNCTIONS, SelectionFunction
from pipeline.meta.small_study.selection_likelihood import Problem, likelihood
from pipeline.meta.small_study.selection_search import Peak, search

SIDES = ("greater", "less", "two.sided")
STARTS = ("several", "no_selection")
DELTA_MAX = 100.0
_NEGLIGIBLE = 1e-4  # tau2 below it (and below a tenth of the smallest vi) has no standard error, nor has such a weight
_ZERO = 2e-10  # a weight that ran to the smallest one that its logarithm allows is 0


@dataclass(frozen=True, slots=True)
class SelectionModel:
    """A fitted selection model. Shapes: (..., p) for coefficients, (..., d) for delta, else (...).

    Attributes
    ----------
    beta, se, statistic, p, ci_lb, ci_ub : coefficients before selection, with Wald tests (normal) and intervals
    vb : covariance of the coefficients, (..., p, p)
    tau2, tau2_se : between-study variance before selection; the error is NaN where tau2 is fixed or (nearly) 0
    delta, delta_se : parameters of the selection function; the error is NaN where delta is fixed, or (nearly) 0 in a
        function that needs it positive. All standard errors are NaN where the likelihood has no proper peak (its
        curvature is not negative definite); at the end of a range they only tell the curvature there.
    log_lik, log_lik_no_selection : maximised log-likelihood with and without selection
    LRT, LRT_df, LRT_p : likelihood ratio test of selection; p is NaN where no delta was estimated
    counts : observed p values in each interval of the steps, (..., intervals)
    k : studies
    log_lik_other : log-likelihood of the next best local maximum that the search met; NaN for none. One close to
        log_lik means that quite different estimates fit as well.
    converged : no free parameter improves the likelihood any more
    boundary : tau2 or an estimated delta lies at the end of its range, where the tests and errors are not to be trusted
    """

    beta: FloatArray
    se: FloatArray
    statistic: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    vb: FloatArray
    tau2: FloatArray
    tau2_se: FloatArray
    delta: FloatArray
    delta_se: FloatArray
    log_lik: FloatArray
    log_lik_no_selection: FloatArray
    log_lik_other: FloatArray
    LRT: FloatArray
    LRT_df: int
    LRT_p: FloatArray
    counts: IntArray
    k: IntArray
    converged: BoolArray
    boundary: BoolArray


def selection_model(
    yi: ArrayLike,
    vi: ArrayLike,
    design: ArrayLike | None = None,
    *,
    function: str = "stepfun",
    alternative: str = "greater",
    steps: ArrayLike | None = None,
    delta: ArrayLike | None = None,
    strength: ArrayLike | None = None,
    common_effect: bool = False,
    delta_max: float = DELTA_MAX,
    start: str = "several",
    level: float = 95,
    mask: ArrayLike | None = None,
) -> SelectionModel:
    """Fit a selection model.

    Parameters
    ----------
    yi, vi : effects and sampling variances, (..., k)
    design : (k, p) or (..., k, p) with the intercept's column of ones; None for an intercept
    function : key of SELECTION_FUNCTIONS
    alternative : direction that is favoured, "greater", "less" or "two.sided"; p values are of z = yi / sqrt(vi)
    steps : "stepfun": p values between 0 and 1 that separate the intervals; the others: at most one threshold, up to
        which every study is seen alike, and from which w falls continuously, as w(p) / w(threshold). "stepfun" has no
        default, since one-sided and two-sided p values need other steps: usual are [0.025] for one-sided ones
    delta : fixed parameters, NaN for one to be estimated; None to estimate all. In a step function the first weight is
        always 1 and the others are relative to it.
    strength : imprecision of each study (such as its standard error), (..., k), > 0: delta is multiplied by
        strength / max(strength)
    common_effect : tau2 = 0
    delta_max : largest delta that is tried, above the smallest one that the function allows (see its row)
    start : "several" looks for the highest of the likelihood's maxima from many points; "no_selection" climbs from the
        estimates without selection to the maximum next to them, as other software does
    level : of the intervals, percent
    mask : True where a study takes part

    Raises
    ------
    InvalidInput
        See `studies`; unknown names; steps or delta out of range; fewer studies than parameters.

    Examples
    --------
    >>> y = [0.65, -0.75, -0.21, -0.04, 0.23, 0.03, 0.26, 0.06, 0.06, 0.12, 0.77, 0.52]
    >>> v = [0.07, 0.126, 0.042, 0.019, 0.022, 0.009, 0.106, 0.007, 0.04, 0.052, 0.107, 0.037]
    >>> m = selection_model(y, v, steps=[0.025])
    >>> bool(m.converged), m.delta.shape
    (True, (2,))
    """
    choose("function", function, SELECTION_FUNCTIONS)
    choose("alternative", alternative, dict.fromkeys(SIDES))
    choose("start", start, dict.fromkeys(STARTS))
    lowest = SELECTION_FUNCTIONS[function].lowest
    numbers("delta_max", spread("delta_max", numbers("delta_max", delta_max), ()), gt=lowest)
    s = studies(yi, vi, design, mask)
    cut = _steps(function, steps)
    fixed = _fixed(function, delta, len(cut))
    free = np.concatenate((np.ones(s.p, dtype=bool), [not common_effect], np.isnan(fixed)))
    if s.k.min() <= free.sum():
        raise InvalidInput(f"{s.k.min()} studies are too few for the {free.sum()} parameters of this selection model")
    problem = _problem(s, SELECTION_FUNCTIONS[function], function, cut, alternative, _relative(function, strength, s))
    tau2 = np.zeros(s.k.shape) if common_effect else TAU2_ESTIMATORS["ML"](s)[0]
    sign = -1.0 if alternative == "less" else 1.0
    beta = sign * s.fit(tau2).coefficients(s.y)
    peak = search(problem, beta.reshape(-1, s.p), tau2.reshape(-1), free, fixed, delta_max, several=start == "several")
    covariance = _covariance(problem, peak, free)
    return _answer(s, problem, peak, covariance, free, log_likelihood_ml(s, tau2), sign, level)


def _steps(function: str, steps: ArrayLike | None) -> FloatArray:
    """Ends of the intervals of p, the last one 1; a smooth function has a threshold (0 for none) and 1."""
    cut = np.atleast_1d(np.unique(numbers("steps", [] if steps is None else steps, gt=0, le=1)))
    inner = cut[cut < 1]
    if function == "stepfun" and not len(cut):
        raise InvalidInput("a step function needs steps, p values between 0 and 1: usually [0.025] (one-sided)")
    if function == "beta" and len(inner):
        raise InvalidInput("the beta function has no steps")
    if function != "stepfun" and len(inner) > 1:
        raise InvalidInput(f"{function} takes one threshold at most (found {len(inner)} steps)")
    return np.append(inner if function == "stepfun" or len(inner) else 0.0, 1.0)


def _fixed(function: str, delta: ArrayLike | None, intervals: int) -> FloatArray:
    """delta with NaN for what is to be estimated."""
    f = SELECTION_FUNCTIONS[function]
    d = intervals if function == "stepfun" else len(f.neutral)
    try:
        fixed = np.full(d, np.nan) if delta is None else np.atleast_1d(np.asarray(delta, dtype=np.float64))
    except (TypeError, ValueError):
        raise InvalidInput("delta is not numeric") from None
    if fixed.shape != (d,):
        raise InvalidInput(f"{function} has {d} parameters: delta {fixed.shape}")
    if np.any(fixed < f.lowest) or np.isinf(fixed).any():
        raise InvalidInput(f"delta must be finite and >= {f.lowest:g} (found {fixed})")
    if function == "stepfun":
        if np.isfinite(fixed[0]) and fixed[0] != 1:
            raise InvalidInput(f"the first weight of a step function is 1 (found {fixed[0]:g})")
        fixed = np.append(1.0, fixed[1:])
    return fixed


def _relative(function: str, strength: ArrayLike | None, s: Studies) -> FloatArray | None:
    """Strength of selection relative to the least precise study."""
    if strength is None:
        return None
    if not SELECTION_FUNCTIONS[function].strength:
        raise InvalidInput(f"the strength of {function} does not depend on the study")
    a = spread("strength", numbers("strength", strength, gt=0), s.y.shape)
    return np.asarray(a / np.max(a * s.present, axis=-1, keepdims=True)).reshape(-1, s.y.shape[-1])


def _problem(
    s: Studies, f: SelectionFunction, function: str, cut: FloatArray, alternative: str, strength: FloatArray | None
) -> Problem:
    k, two = s.y.shape[-1], alternative == "two.sided"
    thresholded = function != "stepfun" and cut[0] > 0
    root = np.sqrt(s.v).reshape(-1, k)
    z = s.y.reshape(-1, k) / root * (-1 if alternative == "less" else 1)
    cells = (
        step_cells(cut, two) if function == "stepfun" else smooth_cells(cut, two, f.censor, far=function == "negexppow")
    )
    return Problem(
        z=z,
        root=root,
        x=np.broadcast_to(s.x, (*s.y.shape, s.p)).reshape(-1, k, s.p),
        present=s.present.reshape(-1, k),
        strength=strength,
        p=p_values(z, cut, two, f.censor),
        cells=cells,
        function=f,
        intervals=len(cut),
        threshold=p_values(special.ndtri(1 - cut[:1] / (2 if two else 1)), cut, two, f.censor) if thresholded else None,
    )


def _covariance(problem: Problem, peak: Peak, free: BoolArray) -> FloatArray:
    """Inverse of the observed information of the free parameters; NaN for those that are fixed or (nearly) 0."""
    p = problem.x.shape[-1]
    inside = np.tile(free, (len(peak.theta), 1))
    smallest = np.where(problem.present > 0, problem.root**2, np.inf).min(-1)
    inside[:, p] &= peak.theta[:, p] >= np.minimum(_NEGLIGIBLE, smallest / 10)
    if problem.function.lowest > 0:
        inside[:, p + 1 :] &= peak.theta[:, p + 1 :] >= _NEGLIGIBLE
    information = -likelihood(problem, np.arange(len(peak.theta)), peak.theta).hessian
    both = inside[:, :, None] & inside[:, None, :]
    information = np.where(both, information, np.eye(len(free)))
    size = 1 / np.sqrt(np.maximum(np.abs(np.diagonal(information, axis1=1, axis2=2)), 1e-300))
    scaled = np.nan_to_num(information) * size[:, :, None] * size[:, None, :]
    proper = np.linalg.eigvalsh(scaled)[:, 0] > 1e-12
    inverse = np.linalg.inv(np.where(proper[:, None, None], scaled, np.eye(len(free))))
    inverse = inverse * size[:, :, None] * size[:, None, :]
    return np.where(proper[:, None, None] & both, inverse, np.nan)


def _answer(
    s: Studies,
    problem: Problem,
    peak: Peak,
    covariance: FloatArray,
    free: BoolArray,
    log_lik_none: FloatArray,
    sign: float,
    level: float,
) -> SelectionModel:
    batch, p = s.k.shape, s.p
    theta = peak.theta.reshape(*batch, -1)
    covariance = covariance.reshape(*batch, len(free), len(free))
    error = np.sqrt(np.diagonal(covariance, axis1=-2, axis2=-1))
    beta, se = sign * theta[..., :p], error[..., :p]
    half = quantile(level, np.nan) * se
    log_lik = peak.value.reshape(batch)
    lrt = np.maximum(2 * (log_lik - log_lik_none), 0.0)
    df = int(free[p + 1 :].sum())
    counts = (problem.present[..., None] * (problem.p.interval[..., None] == np.arange(problem.intervals))).sum(1)
    return SelectionModel(
        beta=beta,
        se=se,
        statistic=beta / se,
        p=two_sided_p(beta / se, np.nan),
        ci_lb=beta - half,
        ci_ub=beta + half,
        vb=covariance[..., :p, :p],
        tau2=theta[..., p][()],
        tau2_se=error[..., p][()],
        delta=np.where(theta[..., p + 1 :] <= _ZERO, 0.0, theta[..., p + 1 :]),
        delta_se=error[..., p + 1 :],
        log_lik=log_lik[()],
        log_lik_no_selection=log_lik_none[()],
        log_lik_other=peak.runner_up.reshape(batch)[()],
        LRT=lrt[()],
        LRT_df=df,
        LRT_p=special.chdtrc(df, lrt)[()] if df else np.full(batch, np.nan)[()],
        counts=counts.astype(np.int64).reshape(*batch, -1),
        k=s.k[()],
        converged=peak.converged.reshape(batch)[()],
        boundary=np.asarray(peak.at_bound.any(-1)).reshape(batch)[()],
    )
