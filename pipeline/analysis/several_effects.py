"""Trials that give several effects to a question: all of them in one model, or each trial's mean."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pydantic import Field

from pipeline.analysis.pooled import Fit, Row, random_row, shown
from pipeline.analysis.questions import Question, judge
from pipeline.analysis.trials import BASIS_ORDER
from pipeline.codebook import Codebook
from pipeline.meta.dependence.aggregation import aggregate_dependent
from pipeline.meta.dependence.correlated_hierarchical import WorkingModelFit, correlated_hierarchical_effects
from pipeline.meta.dependence.multilevel_i2 import multilevel_i2
from pipeline.params import Section

MODEL = "correlated and hierarchical effects"
FEWEST = 3
"""Trials below which no random-effects mean is claimed, whatever the number of effects."""


class SeveralEffectsParams(Section):
    """How the effects of one trial hang together, and when they make the main analysis."""

    rho: float = Field(ge=0, lt=1)
    other_rho: tuple[float, ...]
    main_from_k: int = Field(ge=3)


@dataclass(frozen=True)
class Several:
    """All effects that trials give to a question.

    Attributes
    ----------
    effects : rows of EFFECTS, several for a trial
    measure : effect measure
    rho : correlation of the sampling errors of two effects of one trial
    """

    effects: pd.DataFrame
    measure: str
    rho: float

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
            e["yi"].to_numpy(float), e["vi"].to_numpy(float), e["trial_id"].to_numpy(str), rho=self.rho
        )

    @cached_property
    def weights(self) -> dict[str, float]:
        """Share of each trial in the mean, percent: its rows of M^-1 1 under the marginal covariance M."""
        pull = np.linalg.solve(self.fit.model.marginal, np.ones(len(self.effects)))
        return (pd.Series(100 * pull / pull.sum()).groupby(self.effects["trial_id"].to_numpy()).sum()).to_dict()

    def without(self, trial: str) -> Several:
        """The other trials."""
        return Several(self.effects[self.effects["trial_id"].ne(trial)], self.measure, self.rho)


def all_effects(found: pd.DataFrame, question: Question, book: Codebook, rho: float) -> Several:
    """Every effect that qualifies: from a trial's first report, each measurement and contrast once."""
    rows = found[judge(found, question, book).eq("")]
    first = rows.groupby("trial_id")["report_rank"].transform("min")
    rows = rows[rows["report_rank"].eq(first)].assign(_basis=lambda f: f["basis"].map(BASIS_ORDER))
    one = ["trial_id", "stratum", "arm_1", "arm_2", "instrument", "rating", "detail", "time_weeks", "time_basis"]
    ranked = rows.sort_values(["trial_id", "_basis", "effect_id"], kind="stable")
    kept = ranked.drop_duplicates(one).sort_values(["trial_id", "effect_id"], kind="stable")
    return Several(kept.drop(columns="_basis"), question.measure, rho)


def main_row(key: str, several: Several, people: float, *, analysis: str = "main", label: str = "") -> Row:
    """All effects of every trial as a row of POOLED; no p below 4 degrees of freedom, where it cannot be trusted."""
    m = several.fit
    numbers = {
        "estimate": m.beta[0], "se": m.se[0], "ci_lb": m.ci_lb[0], "ci_ub": m.ci_ub[0], "df": m.df[0], "p": m.p[0],
        "statistic": m.statistic[0], "tau2": m.tau2, "I2": multilevel_i2(m.model).total, "pi_lb": m.pi_lb[0],
        "pi_ub": m.pi_ub[0], "pi_df": m.df[0], "Q": m.model.Q, "Q_df": m.model.Q_df, "Q_p": m.model.Q_p,
    }  # fmt: skip
    line: Row = {name: float(value) for name, value in numbers.items()}
    line |= {f"shown_{n}": shown(line[n], several.measure) for n in ("estimate", "ci_lb", "ci_ub", "pi_lb", "pi_ub")}
    words = label or f"Random effects, all {m.k} effects of the trials"
    words += "" if bool(m.reliable[0]) else " (too few trials for a reliable interval)"
    return line | {
        "question": key, "analysis": analysis, "level": "", "label": words, "measure": several.measure,
        "model": MODEL, "k": m.clusters, "effects": m.k, "n": people, "converged": "yes" if m.converged else "no",
        "method": m.method,
    }  # fmt: skip


def dependence_rows(
    key: str, several: Several, fit: Fit, params: SeveralEffectsParams, prediction_from_k: int
) -> list[Row]:
    """The other ways to use several effects of a trial, and other correlations between them."""
    if not several.dependent:
        return []
    rows = []
    if fit.k < params.main_from_k:
        label = f"All effects of each trial, correlated by {several.rho:g}"
        rows.append(main_row(key, several, fit.people, analysis="several_effects", label=label))
    # with too few trials the interval says little, whatever the correlation
    for rho in params.other_rho if bool(several.fit.reliable[0]) else ():
        other = Several(several.effects, several.measure, rho)
        label = f"All effects of each trial, correlated by {rho:g}"
        rows.append(main_row(key, other, fit.people, analysis=f"several_effects_{rho:g}", label=label))
    label = "Each trial's effects averaged first"
    mean = fit.but(trials=_averaged(several, fit.trials))
    rows.append(random_row(key, "averaged", "", label, mean, prediction_from_k) | {"effects": len(several.effects)})
    return rows


def leave_one_trial_out(key: str, several: Several, trials: pd.DataFrame) -> list[Row]:
    """The mean of all effects without each trial in turn."""
    lines = []
    for trial, study in zip(trials["trial_id"], trials["study"], strict=True):
        rest = several.without(trial)
        if rest.dependent:
            people = float(trials.loc[trials["trial_id"].ne(trial), "n"].astype(float).to_numpy().sum())
            line = main_row(key, rest, people, analysis="leave_one_out", label=f"Without {study}")
            lines.append(line | {"level": trial})
    return lines


def _averaged(several: Several, trials: pd.DataFrame) -> pd.DataFrame:
    e = several.effects
    mean = aggregate_dependent(
        e["yi"].to_numpy(float), e["vi"].to_numpy(float), e["trial_id"].to_numpy(str), rho=several.rho
    )
    by = pd.DataFrame({"yi": mean.yi, "vi": mean.vi}, index=[str(c) for c in mean.cluster])
    return trials.assign(**{c: trials["trial_id"].map(by[c]).astype(float) for c in ("yi", "vi")})
