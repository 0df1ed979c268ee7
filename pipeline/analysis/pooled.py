"""The pooled analyses of a set of trials, as rows of POOLED."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property

import numpy as np
import pandas as pd

from pipeline.meta.influence.leave_one_out import leave_one_out
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import Pooled, common_effect, random_effects
from pipeline.meta.pooling.tau2_interval import tau2_interval
from pipeline.vocabulary import Measure

Row = dict[str, object]
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Fit:
    """Trials with the way they are pooled.

    Attributes
    ----------
    trials : one row per trial with trial_id, study, yi, vi, n_1, n_2 and the moderators
    tau2, interval, prediction : keys of TAU2_ESTIMATORS, INTERVALS and PREDICTION
    """

    measure: str
    trials: pd.DataFrame
    tau2: str
    interval: str
    prediction: str

    @property
    def k(self) -> int:
        return len(self.trials)

    @cached_property
    def yi(self) -> np.ndarray:
        return self.trials["yi"].to_numpy(float)

    @cached_property
    def vi(self) -> np.ndarray:
        return self.trials["vi"].to_numpy(float)

    @property
    def people(self) -> float:
        """Sum over the trials, NaN when one does not give its number."""
        return float(self.trials["n"].astype(float).to_numpy().sum()) if self.k else 0.0

    @cached_property
    def random(self) -> Pooled:
        return random_effects(self.yi, self.vi, estimator=self.tau2, interval=self.interval)

    @property
    def weights(self) -> np.ndarray:
        """Percent: of the random-effects model from three trials on, of the common-effect line for two."""
        if self.k == 0:
            return np.array([])
        return np.asarray(self.random.weights if self.k >= 3 else common_effect(self.yi, self.vi).weights)

    def but(self, **changes: object) -> Fit:
        return replace(self, **changes)  # type: ignore[arg-type]


def rows_for(key: str, fit: Fit, prediction_from_k: int) -> list[Row]:
    """The main analysis, its plain variants and leave-one-out."""
    if fit.k == 0:
        return []
    if fit.k == 1:
        return [_single(key, "main", "", "The one trial", fit)]
    both = _common(key, "common_effect", "", "Common effect (inverse variance)", fit)
    if fit.k == 2:
        return [both]
    main = random_row(key, "main", "", "Random effects", fit, prediction_from_k)
    return [main, both, *_variants(key, fit, prediction_from_k), *_leave_one_out(key, fit)]


def variant_row(key: str, analysis: str, level: str, label: str, fit: Fit, prediction_from_k: int) -> Row:
    """Another set of trials, pooled as its number allows; below three the label says so and no p is given."""
    if fit.k >= 3:
        return random_row(key, analysis, level, label, fit, prediction_from_k)
    how, suffix = (_common, "two trials: common effect") if fit.k == 2 else (_single, "one trial")
    return how(key, analysis, level, f"{label} ({suffix})", fit) | {"statistic": np.nan, "p": np.nan}


def _common(key: str, analysis: str, level: str, label: str, fit: Fit) -> Row:
    out = row(key, analysis, level, label, fit, common_effect(fit.yi, fit.vi), "inverse variance, Wald interval")
    return out | {"model": "common effect"}


def _single(key: str, analysis: str, level: str, label: str, fit: Fit) -> Row:
    out = row(key, analysis, level, label, fit, common_effect(fit.yi, fit.vi), "the trial's own effect, Wald interval")
    return out | {"model": "single trial"}


def random_row(key: str, analysis: str, level: str, label: str, fit: Fit, prediction_from_k: int) -> Row:
    """A random-effects analysis with its prediction interval and the Q-profile interval of tau2."""
    pooled = fit.random
    out = row(key, analysis, level, label, fit, pooled, pooled.method) | _heterogeneity(pooled)
    out["converged"] = "yes" if bool(pooled.converged) else "no"
    if fit.k >= 3:
        limits = tau2_interval(fit.yi, fit.vi, estimator=fit.tau2)
        out["tau2_lb"], out["tau2_ub"] = float(limits.tau2_lb), float(limits.tau2_ub)
    if fit.k >= prediction_from_k:
        pi = prediction_interval(pooled.estimate, pooled.se, pooled.tau2, fit.k, method=fit.prediction)
        out |= {"pi_lb": float(pi.pi_lb), "pi_ub": float(pi.pi_ub), "pi_df": float(pi.df)}
        out |= {"shown_pi_lb": shown(pi.pi_lb, fit.measure), "shown_pi_ub": shown(pi.pi_ub, fit.measure)}
    return out


def row(key: str, analysis: str, level: str, label: str, fit: Fit, p: Pooled, method: str) -> Row:
    """A line of POOLED."""
    return {
        "question": key, "analysis": analysis, "level": level, "label": label, "measure": fit.measure,
        "model": "random effects", "k": fit.k,
        "n": fit.people, "estimate": float(p.estimate), "se": float(p.se), "ci_lb": float(p.ci_lb),
        "ci_ub": float(p.ci_ub), "df": float(p.df), "p": float(p.p),
        "statistic": float(p.statistic) if float(p.se) > 0 else np.nan,
        "converged": "", "method": method, "shown_estimate": shown(p.estimate, fit.measure),
        "shown_ci_lb": shown(p.ci_lb, fit.measure), "shown_ci_ub": shown(p.ci_ub, fit.measure),
    } | ({"Q": float(p.Q), "Q_df": float(p.Q_df), "Q_p": float(p.Q_p)} if fit.k >= 2 else {})  # fmt: skip


def _heterogeneity(p: Pooled) -> Row:
    return {"tau2": float(p.tau2), "I2": float(p.I2), "H2": float(p.H2)}


def shown(value: object, measure: str) -> float:
    """As printed: ratios exponentiated."""
    x = float(value)  # type: ignore[arg-type]
    return float(np.exp(x)) if Measure(measure).is_ratio else x


def _variants(key: str, fit: Fit, prediction_from_k: int) -> list[Row]:
    """Other defensible ways to pool the same trials."""
    other = [
        ("plain_hk", "Hartung-Knapp without the floor", {"interval": "hk"}),
        ("wald", "Normal (Wald) interval", {"interval": "wald"}),
        ("tau2_DL", "DerSimonian-Laird tau²", {"tau2": "DL"}),
        ("tau2_PM", "Paule-Mandel tau²", {"tau2": "PM"}),
        ("pi_k2", "Prediction interval with k - 2 degrees of freedom", {"prediction": "t_k2"}),
    ]
    return [random_row(key, name, "", label, fit.but(**change), prediction_from_k) for name, label, change in other]


def _leave_one_out(key: str, fit: Fit) -> list[Row]:
    """From four trials on: two trials do not make a random-effects mean."""
    if fit.k < 4:
        return []
    batch = leave_one_out(fit.yi, fit.vi, estimator=fit.tau2, interval=fit.interval)
    lines = []
    for i, (trial, study) in enumerate(zip(fit.trials["trial_id"], fit.trials["study"], strict=True)):
        rest = fit.but(trials=fit.trials.drop(fit.trials.index[i]))
        one = _one(batch, i)
        line = row(key, "leave_one_out", trial, f"Without {study}", rest, one, INTERVALS[fit.interval].label)
        lines.append(line | _heterogeneity(one))
    return lines


def _one(batch: Pooled, i: int) -> Pooled:
    """Element i of a batch."""
    picked = {f.name: np.asarray(getattr(batch, f.name))[i] for f in fields(batch) if f.name != "method"}
    return replace(batch, **picked)
