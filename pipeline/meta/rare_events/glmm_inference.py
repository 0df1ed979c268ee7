"""What a mixed model for counts reports: coefficients, heterogeneity, and its tests against the saturated model."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from pipeline.meta.arrays import BoolArray, FloatArray, InvalidInput, choose, numbers
from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.pooling.heterogeneity import i2_h2, typical_variance
from pipeline.meta.pooling.likelihood import criteria
from pipeline.meta.pooling.studies import studies
from pipeline.meta.rare_events.glmm_fit import CountFit, maximise, wald_heterogeneity
from pipeline.meta.rare_events.marginal_likelihood import CountModel, log_lik_at_modes
from pipeline.meta.reference import quantile, two_sided_p

_ESTIMATORS = {"ML": True, "EE": False}
_INTERVALS = {"wald": False, "t": True}
_SEPARATED = 15.0  # an effect beyond exp(15), or a spread beyond 15, has no maximum behind it


@dataclass(frozen=True, slots=True)
class Glmm:
    """A fitted mixed model for counts. Coefficients have shape (p,), the rest are scalars.

    Attributes
    ----------
    beta, se, statistic, p, ci_lb, ci_ub : coefficients (natural logarithms or logits) with tests and intervals
    vb : covariance of the coefficients, all other parameters estimated, (p, p)
    df : degrees of freedom of t; NaN where the reference is the standard normal
    tau2, tau2_se : between-study variance of the effect; its standard error is NaN at the boundary 0
    sigma2 : variance of the levels (UM.RS), else NaN
    rho : correlation of effect and level where it was asked for, else NaN
    I2, H2 : from tau2 and the typical sampling variance of the studies' own effects (percent; ratio)
    Q_wald, Q_wald_p, Q_lrt, Q_lrt_p, Q_df : tests of (residual) heterogeneity, common effect against one effect for
        each study: Wald and likelihood ratio
    QM, QM_df, QM_p : omnibus test of all coefficients but the intercept; NaN without moderators
    log_lik, parameters, AIC, BIC, AICc : maximised log-likelihood, constants included, and what follows from it; the
        number of observations is that of the counts
    log_lik_at_modes : log-likelihood of the counts with the random effects at their modes; the log-likelihood itself
        without random effects
    k : studies
    tau2_at_boundary : the likelihood is largest at tau2 = 0
    converged : score zero in every fit and a maximum behind it, neither effect nor spread running off to infinity; if
        not, standard errors can be NaN
    method : in words
    """

    beta: FloatArray
    se: FloatArray
    statistic: FloatArray
    p: FloatArray
    ci_lb: FloatArray
    ci_ub: FloatArray
    vb: FloatArray
    df: float
    tau2: float
    tau2_se: float
    sigma2: float
    rho: float
    I2: float
    H2: float
    Q_wald: float
    Q_wald_p: float
    Q_lrt: float
    Q_lrt_p: float
    Q_df: int
    QM: float
    QM_df: float
    QM_p: float
    log_lik: float
    log_lik_at_modes: float
    parameters: int
    AIC: float
    BIC: float
    AICc: float
    k: int
    tau2_at_boundary: bool
    converged: bool
    method: str


@dataclass(frozen=True, slots=True)
class GlmmOptions:
    """Choices that all models share; see `glmm.glmm_odds_ratio`.

    Attributes
    ----------
    design : (k, p) or None
    estimator, interval, level : of the coefficients
    correlated : random effect and random level correlate
    """

    design: ArrayLike | None
    estimator: str
    interval: str
    level: float
    correlated: bool = False


def infer(model: CountModel, effects: EffectSize, keep: BoolArray, options: GlmmOptions, label: str) -> Glmm:
    """Fit the model with and without heterogeneity and saturated, and put the answers together.

    Parameters
    ----------
    model : of the studies that take part
    effects : the studies' own effects, for the typical sampling variance only; NaN where there is none
    keep : which of the caller's studies take part
    label : the model in words

    Raises
    ------
    InvalidInput
        An unknown option, collinear moderators, fewer studies than coefficients.
    """
    choose("estimator", options.estimator, _ESTIMATORS)
    choose("interval", options.interval, _INTERVALS)
    if options.correlated and model.level != "random":
        raise InvalidInput("correlated: only a model with random levels (UM.RS) has a correlation")
    x = _design(options.design, keep)
    own = np.isfinite(effects.yi) & np.isfinite(effects.vi)
    s = studies(np.where(own, effects.yi, 0.0), np.where(own, effects.vi, 1.0), x, mask=own)
    s.fit()  # refuses collinear moderators
    levels = ("sigma",) if model.level == "random" else ()
    random = _ESTIMATORS[options.estimator] and len(x) > x.shape[1]
    spreads = ("tau",) * random + levels + ("loading",) * (random and options.correlated)
    common = maximise(model, x, levels)
    fit = maximise(model, x, spreads) if random else common
    if fit.log_lik < common.log_lik:  # the search ended in a worse place than the boundary
        fit = common
    saturated = maximise(model, np.eye(len(x)), levels)
    q = wald_heterogeneity(saturated, x), max(0.0, 2 * (saturated.log_lik - common.log_lik))
    tau2 = fit.spread.get("tau", 0.0) ** 2
    i2, h2 = i2_h2(np.asarray(tau2), typical_variance(s)) if s.df > 0 else (0.0, 1.0)
    finite = max(np.abs(x @ fit.beta).max(), *(abs(v) for v in fit.spread.values()), 0.0) < _SEPARATED
    peak = bool(np.linalg.eigvalsh(fit.information).min() > 0)
    ends = all(f.converged for f in (fit, common, saturated)) and bool(finite) and peak
    counts = {"absent": 0, "fixed": len(x), "random": 1}[model.level] + x.shape[1] + len(spreads)
    return Glmm(
        **_coefficients(fit, x, options),
        **_spread(fit, model, options),
        **_tests(q, len(x) - x.shape[1]),
        parameters=counts,
        **asdict(criteria(fit.log_lik, model.offset.size, counts)),
        I2=float(i2),
        H2=float(h2),
        log_lik_at_modes=log_lik_at_modes(model, x @ fit.beta, fit.level, fit.spread),
        k=len(x),
        tau2_at_boundary=random and tau2 == 0,
        converged=ends,
        method=f"mixed model {label}; {options.estimator}",
    )


def _coefficients(fit: CountFit, x: FloatArray, options: GlmmOptions) -> dict[str, Any]:
    vb = np.linalg.inv(fit.precision)
    se = _root(np.diag(vb))
    left = len(x) - x.shape[1]
    df = float(left) if _INTERVALS[options.interval] and left > 0 else np.nan
    half = quantile(options.level, df) * se
    out: dict[str, Any] = {"beta": fit.beta, "se": se, "vb": vb, "df": df, "statistic": fit.beta / se}
    out |= {"p": two_sided_p(fit.beta / se, df), "ci_lb": fit.beta - half, "ci_ub": fit.beta + half}
    first = int(bool(np.all(x[:, 0] == 1)))
    b, v = fit.beta[first:], vb[first:, first:]
    if not len(b):
        return out | {"QM": np.nan, "QM_df": np.nan, "QM_p": np.nan}
    qm, m = float(b @ np.linalg.solve(v, b)), float(len(b))
    if np.isfinite(df):
        return out | {"QM": qm / m, "QM_df": m, "QM_p": float(special.fdtrc(m, df, qm / m))}
    return out | {"QM": qm, "QM_df": m, "QM_p": float(special.chdtrc(m, qm))}


def _spread(fit: CountFit, model: CountModel, options: GlmmOptions) -> dict[str, Any]:
    tau, sigma, loading = (fit.spread.get(n, 0.0) for n in ("tau", "sigma", "loading"))
    out = {"tau2": tau**2, "tau2_se": np.nan, "sigma2": np.nan, "rho": np.nan}
    if tau:
        at = len(fit.beta) + (model.level == "random")
        out["tau2_se"] = float(2 * tau * _root(np.linalg.inv(fit.information)[at, at]))
    if model.level == "random":
        out["sigma2"] = sigma**2 + loading**2
        if options.correlated and out["sigma2"] > 0 and tau:
            out["rho"] = loading / np.sqrt(out["sigma2"])
    return out


def _root(variance: ArrayLike) -> FloatArray:
    v = np.asarray(variance, dtype=np.float64)
    return np.where(v > 0, np.sqrt(np.abs(v)), np.nan)


def _tests(q: tuple[float, float], df: int) -> dict[str, Any]:
    p = [float(special.chdtrc(df, x)) if df > 0 else 1.0 for x in q]
    return {"Q_wald": q[0], "Q_wald_p": p[0], "Q_lrt": q[1], "Q_lrt_p": p[1], "Q_df": df}


def _design(design: ArrayLike | None, keep: BoolArray) -> FloatArray:
    k = len(keep)
    x = np.ones((k, 1)) if design is None else numbers("design", design)
    if x.shape[:1] != (k,) or x.ndim != 2:
        raise InvalidInput(f"the design must have shape (k, p) with k {k}, found {x.shape}")
    x = x[keep]
    if len(x) < x.shape[1]:
        raise InvalidInput(f"{len(x)} studies cannot carry {x.shape[1]} coefficients")
    return x
