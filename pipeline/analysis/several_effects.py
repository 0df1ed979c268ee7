"""Trials that give several effects to a question: all of them in one model, or each trial's mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field, ValidationInfo, field_validator

from pipeline.analysis.pooled import Fit, Row, random_row, shown
from pipeline.analysis.questions import Question, judge
from pipeline.analysis.trials import BASIS_ORDER
from pipeline.codebook import Codebook
from pipeline.meta.dependence.aggregation import aggregate_dependent
from pipeline.meta.dependence.correlated_hierarchical import WorkingModelFit, correlated_hierarchical_effects
from pipeline.meta.dependence.covariance import sampling_covariance
from pipeline.meta.dependence.multilevel_i2 import multilevel_i2
from pipeline.params import Section
from pipeline.vocabulary import PooledModel

FEWEST = 3
"""Trials below which no random-effects mean is claimed, whatever the number of effects."""


class SeveralEffectsParams(Section):
    """How the effects of one trial hang together, and when they make the main analysis."""

    rho: float = Field(ge=0, lt=1)
    other_rho: tuple[Annotated[float, Field(ge=0, lt=1)], ...]
    main_from_k: int = Field(ge=3)

    @field_validator("other_rho")
    @classmethod
    def _different(cls, others: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        known = [info.data.get("rho"), *others]
        if twice := [r for r in known if known.count(r) > 1]:
            raise ValueError(f"{twice[0]} stands twice, or is rho itself")
        return others


@dataclass(frozen=True)
class Several:
    """All effects that trials give to a question.

    Attributes
    ----------
    effects : rows of EFFECTS, several for a trial
    measure : effect measure
    rho : correlation of the sampling errors of two effects of the same people
    estimator : "REML" or "ML"
    """

    effects: pd.DataFrame
    measure: str
    rho: float
    estimator: str = "REML"

    @property
    def k(self) -> int:
        """Trials."""
        return self.effects["trial_id"].nunique()

    @property
    def dependent(self) -> bool:
        """Does a trial give more than one effect, and are there trials enough for a mean?"""
        return self.k >= FEWEST and len(self.effects) > self.k

    @cached_property
    def fit(self) -> WorkingModelFit:
        e = self.effects
        return correlated_hierarchical_effects(
            e["yi"].to_numpy(float), e["vi"].to_numpy(float), e["trial_id"].to_numpy(str), rho=self.rho,
            people=self.people, estimator=self.estimator,
        )  # fmt: skip

    @property
    def people(self) -> np.ndarray:
        """Separately reported groups of a trial are different people."""
        return (self.effects["trial_id"] + ":" + self.effects["stratum"]).to_numpy(str)

    @cached_property
    def weights(self) -> dict[str, float]:
        """Share of each trial in the mean, percent: its rows of M^-1 1 under the marginal covariance M."""
        pull = np.linalg.solve(self.fit.model.marginal, np.ones(len(self.effects)))
        return (pd.Series(100 * pull / pull.sum()).groupby(self.effects["trial_id"].to_numpy()).sum()).to_dict()

    def without(self, trial: str) -> Several:
        """The other trials."""
        return replace(self, effects=self.effects[self.effects["trial_id"].ne(trial)])


def all_effects(found: pd.DataFrame, question: Question, book: Codebook, rho: float, tau2: str = "REML") -> Several:
    """Every effect that qualifies: from a trial's first report, each measurement and contrast once."""
    rows = found[judge(found, question, book).eq("")]
    first = rows.groupby("trial_id")["report_rank"].transform("min")
    rows = rows[rows["report_rank"].eq(first)].assign(_basis=lambda f: f["basis"].map(BASIS_ORDER))
    one = ["trial_id", "stratum", "arm_1", "arm_2", "instrument", "rating", "detail", "time_weeks", "time_basis"]
    ranked = rows.sort_values(["trial_id", "_basis", "effect_id"], kind="stable")
    kept = ranked.drop_duplicates(one).sort_values(["trial_id", "effect_id"], kind="stable")
    return Several(kept.drop(columns="_basis"), question.measure, rho, "ML" if tau2 == "ML" else "REML")


def main_row(
    key: str, several: Several, people: float, prediction_from_k: int, *, analysis: str = "main", label: str = ""
) -> Row:
    """All effects of every trial as a row of POOLED; no p below 4 degrees of freedom, where it cannot be trusted."""
    m = several.fit
    numbers = {
        "estimate": m.beta[0], "se": m.se[0], "ci_lb": m.ci_lb[0], "ci_ub": m.ci_ub[0], "df": m.df[0], "p": m.p[0],
        "statistic": m.statistic[0], "tau2": m.tau2, "I2": multilevel_i2(m.model).total, "pi_lb": m.pi_lb[0],
        "pi_ub": m.pi_ub[0], "pi_df": m.pi_df[0], "Q": m.model.Q, "Q_df": m.model.Q_df, "Q_p": m.model.Q_p,
    }  # fmt: skip
    shows = m.clusters >= prediction_from_k
    line: Row = {n: float(x) if shows or not n.startswith("pi_") else np.nan for n, x in numbers.items()}
    line |= {f"shown_{n}": shown(line[n], several.measure) for n in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub")}
    words = label or f"Random effects, all {m.k} effects of the trials"
    words += "" if bool(m.reliable[0]) else " (too few trials for a reliable interval)"
    return line | {
        "question": key, "analysis": analysis, "level": "", "label": words, "measure": several.measure,
        "model": PooledModel.DEPENDENT, "k": m.clusters, "effects": m.k, "n": people,
        "converged": "yes" if m.converged else "no", "method": m.method,
    }  # fmt: skip


def dependence_rows(
    key: str,
    several: Several,
    fit: Fit,
    params: SeveralEffectsParams,
    prediction_from_k: int,
    instruments: tuple[str, ...],
) -> list[Row]:
    """The other ways to use several effects of a trial, other correlations, and the question's listed instruments."""
    if not several.dependent:
        return []
    rows = []
    if fit.k < params.main_from_k:
        label = f"All effects of each trial, correlated by {several.rho:g}"
        rows.append(main_row(key, several, fit.people, prediction_from_k, analysis="several_effects", label=label))
    # with too few trials the interval says little, whatever the correlation
    for rho in params.other_rho if bool(several.fit.reliable[0]) else ():
        label = f"All effects of each trial, correlated by {rho:g}"
        analysis = f"several_effects_{rho:g}"
        rows.append(
            main_row(key, replace(several, rho=rho), fit.people, prediction_from_k, analysis=analysis, label=label)
        )
    if (ranked := _of_listed(several, instruments)) is not None:
        label = "All effects of each trial, listed instruments only"
        people = float(fit.trials.loc[fit.trials["trial_id"].isin(set(ranked.effects["trial_id"])), "n"].sum())
        rows.append(main_row(key, ranked, people, prediction_from_k, analysis="several_effects_listed", label=label))
    label = "Each trial's effects averaged first"
    mean = fit.but(trials=_averaged(several, fit.trials))
    rows.append(random_row(key, "averaged", "", label, mean, prediction_from_k) | {"effects": len(several.effects)})
    return rows


def leave_one_trial_out(key: str, several: Several, fit: Fit) -> list[Row]:
    """The mean of all effects without each trial in turn; without a trial that alone gave several, one per trial."""
    lines = []
    never = len(fit.trials) + 1  # no prediction interval
    for trial, study in zip(fit.trials["trial_id"], fit.trials["study"], strict=True):
        others, rest = fit.but(trials=fit.trials[fit.trials["trial_id"].ne(trial)]), several.without(trial)
        named: Row = {"analysis": "leave_one_out", "level": trial, "label": f"Without {study}"}
        if rest.dependent:
            lines.append(main_row(key, rest, others.people, never) | named)
        else:
            lines.append(random_row(key, "leave_one_out", trial, f"Without {study}", others, never))
    return lines


def _of_listed(several: Several, instruments: tuple[str, ...]) -> Several | None:
    """The effects of the question's ranked instruments; None where that changes nothing or leaves too little."""
    listed = several.effects["instrument"].isin(instruments)
    rest = replace(several, effects=several.effects[listed])
    return rest if listed.any() and not listed.all() and rest.dependent and bool(rest.fit.reliable[0]) else None


def _averaged(several: Several, trials: pd.DataFrame) -> pd.DataFrame:
    """The plain mean: weights by precision would leave the range of the effects where one is much more precise."""
    e, v = several.effects, several.effects["vi"].to_numpy(float)
    trial = e["trial_id"].to_numpy(str)
    covariance = sampling_covariance(v, trial, subgroup=several.people, obs=np.arange(len(v)), rho=several.rho)
    mean = aggregate_dependent(e["yi"].to_numpy(float), v, trial, covariance=covariance, weighted=False)
    by = pd.DataFrame({"yi": mean.yi, "vi": mean.vi}, index=[str(c) for c in mean.cluster])
    return trials.assign(**{c: trials["trial_id"].map(by[c]).astype(float) for c in ("yi", "vi")})
