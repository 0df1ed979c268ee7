"""One question to its results: which trials it uses and why, pooled effects, sensitivity, subgroups, small studies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from pydantic import Field, ValidationInfo, field_validator

from pipeline.analysis.influence import InfluenceParams, influence_rows
from pipeline.analysis.moderators import ModeratorParams, moderator_tests
from pipeline.analysis.pooled import Z95, Fit, Row, rows_for
from pipeline.analysis.questions import Question, found_for, judge
from pipeline.analysis.sensitivity import sensitivity
from pipeline.analysis.several_effects import (
    Several,
    SeveralEffectsParams,
    all_effects,
    dependence_rows,
    leave_one_trial_out,
    main_row,
)
from pipeline.analysis.small_study import SmallStudyParams, small_study_analyses
from pipeline.analysis.subgroups import SubgroupParams, subgroup_analyses
from pipeline.analysis.translation import translate
from pipeline.analysis.trials import trials_for
from pipeline.codebook import Codebook
from pipeline.errors import BadInput, Problem
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.prediction import PREDICTION
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.params import Section
from pipeline.tables import INFLUENCE, POOLED, STUDIES_USED, TESTS, TRANSLATED, Table, conform
from pipeline.vocabulary import Measure


class SynthesisParams(Section):
    """Section `synthesis` of params.yaml."""

    tau2: str
    interval: str
    prediction: str
    headline_prediction_from_k: int = Field(ge=3)
    technical_prediction_from_k: int = Field(ge=3)
    level: Literal[95]
    assumed_design_effect: float = Field(ge=1, le=100)
    several_effects: SeveralEffectsParams
    subgroups: SubgroupParams
    moderators: ModeratorParams
    small_study: SmallStudyParams
    influence: InfluenceParams

    @field_validator("tau2", "interval", "prediction")
    @classmethod
    def _known(cls, word: str, info: ValidationInfo) -> str:
        tables: dict[str, Mapping[str, object]] = {
            "tau2": TAU2_ESTIMATORS,
            "interval": INTERVALS,
            "prediction": PREDICTION,
        }
        known = [key for key in tables[str(info.field_name)] if not key.startswith("GENQ")]  # those need own weights
        if word not in known:
            raise ValueError(f"choose from {', '.join(known)}")
        return word


@dataclass(frozen=True, slots=True)
class Answer:
    """Everything known about one question: tables of the schemas of the same names."""

    studies_used: pd.DataFrame
    pooled: pd.DataFrame
    tests: pd.DataFrame
    influence: pd.DataFrame
    translated: pd.DataFrame


def answer(
    key: str, question: Question, effects: pd.DataFrame, studies: pd.DataFrame, book: Codebook, params: SynthesisParams
) -> Answer:
    """Answer one question.

    Parameters
    ----------
    effects, studies : EFFECTS and STUDIES

    Raises
    ------
    BadInput
        The question names a delivery that was not read.

    Notes
    -----
    k = 0 gives empty results, k = 1 the trial, k = 2 both trials and a common-effect Wald line labelled so; a
    random-effects mean from k = 3. From `several_effects.main_from_k` trials on, all effects of trials that give
    several make the main analysis; below, it is a sensitivity analysis.
    """
    if unknown := set(question.sources) - set(studies["source"]):
        fix = f"choose from {', '.join(sorted(set(studies['source'])))}"
        raise BadInput(Problem("params.yaml", f"'questions.{key}.sources' is no delivery", fix, value=min(unknown)))
    found = found_for(effects, question)
    trials = trials_for(found, question, book)
    fit = Fit(question.measure, trials, params.tau2, params.interval, params.prediction)
    several = all_effects(found, question, book, params.several_effects.rho, params.tau2)
    together = several.dependent and fit.k >= params.several_effects.main_from_k
    weights = several.weights if together else dict(zip(trials["trial_id"], fit.weights, strict=True))
    used = _studies_used(key, question, found, trials, weights, several, studies, book)
    main = rows_for(key, fit, params.technical_prediction_from_k)
    if together:
        main = _with_all_effects(key, main, several, fit, params.technical_prediction_from_k)
    main += dependence_rows(
        key, several, fit, params.several_effects, params.technical_prediction_from_k, question.instruments
    )
    variants = sensitivity(
        key, question, found, book, fit, params.technical_prediction_from_k, params.assumed_design_effect
    )
    groups, group_tests = subgroup_analyses(key, fit, book, params.subgroups)
    better = book.outcomes[question.outcome].better_is
    adjusted, small_tests = small_study_analyses(key, fit, params.small_study, better)
    tests = [*group_tests, *moderator_tests(key, fit, params.moderators), *small_tests]
    pooled = _table([*main, *variants, *adjusted, *groups], POOLED)
    return Answer(
        conform(used, STUDIES_USED, key), pooled, _table(tests, TESTS),
        _table(influence_rows(key, fit, params.influence), INFLUENCE),
        _table(translate(key, question, pooled, trials, book), TRANSLATED),
    )  # fmt: skip


def _with_all_effects(key: str, rows: list[Row], several: Several, fit: Fit, prediction_from_k: int) -> list[Row]:
    """All effects as the main analysis; the one-effect-per-trial mean stays as a sensitivity analysis."""
    one = {"analysis": "one_per_trial", "label": "One effect per trial, the measurement nearest in time"}
    others = [r | one if r["analysis"] == "main" else r for r in rows if r["analysis"] != "leave_one_out"]
    main = main_row(key, several, fit.people, prediction_from_k)
    return [main, *others, *leave_one_trial_out(key, several, fit)]


def issues_for(question: Question, effects: pd.DataFrame, issues: pd.DataFrame) -> pd.DataFrame:
    """ISSUES of the rows that this question found."""
    found = found_for(effects, question)
    rows = set(zip(found["source"], found["source_rows"], strict=True))
    inside = np.array([p in rows for p in zip(issues["source"], issues["row_id"], strict=True)], dtype=bool)
    return issues.loc[inside]


def _studies_used(
    key: str,
    question: Question,
    found: pd.DataFrame,
    trials: pd.DataFrame,
    weights: dict[str, float],
    several: Several,
    studies: pd.DataFrame,
    book: Codebook,
) -> pd.DataFrame:
    reasons = judge(found, question, book)
    taken = set(trials["trial_id"])
    lines = []
    for trial, rows in found.groupby("trial_id", sort=True):
        if trial in taken:
            row = trials[trials["trial_id"].eq(trial)].iloc[0].copy()
            row["_reason"] = _how_chosen(rows, reasons[rows.index])
        else:
            row = _nearest_to_use(rows, reasons[rows.index], question)
            row["_reason"] = "; ".join(_why_not(rows, reasons[rows.index], question))
        row["_used"] = trial in taken
        lines.append(row)
    frame = pd.DataFrame(lines, columns=[*found.columns, "_reason", "_used"]).reset_index(drop=True)
    about = studies[["source", "study_id", "country", "population"]]
    frame = frame.merge(about, on=["source", "study_id"], how="left", validate="many_to_one")
    frame["question"], frame["used"], frame["reason"] = key, frame["_used"].astype(bool), frame["_reason"]
    frame["weight"] = frame["trial_id"].map(weights)
    frame["effects"] = frame["trial_id"].map(several.effects["trial_id"].value_counts()).astype("Int64")
    half = Z95 * np.sqrt(frame["vi"].astype(float))
    frame["ci_lb"], frame["ci_ub"] = frame["yi"] - half, frame["yi"] + half
    ratio = frame["measure"].map(lambda m: bool(m) and Measure(m).is_ratio).astype(bool)
    for name in ("yi", "ci_lb", "ci_ub"):
        frame[f"shown_{name}"] = frame[name].astype(float).where(~ratio, np.exp(frame[name].astype(float)))
    return frame[list(STUDIES_USED.columns)]


def _how_chosen(rows: pd.DataFrame, reasons: pd.Series) -> str:
    """In words, how the trial's one effect was chosen among those that qualified."""
    measured = ["detail", "instrument", "rating", "time_weeks", "time_basis"]
    ways = len(rows.loc[reasons.eq(""), measured].drop_duplicates())
    return (
        "its only measurement of this outcome"
        if ways == 1
        else f"nearest in time, then by instrument rank, among {ways} measurements"
    )


def _why_not(rows: pd.DataFrame, reasons: pd.Series, question: Question) -> list[str]:
    """The reasons of a trial that is not used, each once; of the question's own measure where it has any."""
    asked = rows["measure"].eq(question.measure) & rows["outcome"].eq(question.outcome)
    return list(dict.fromkeys(reasons[asked] if asked.any() else reasons))


def _nearest_to_use(rows: pd.DataFrame, reasons: pd.Series, question: Question) -> pd.Series:
    """The row shown for a trial that is not used: with the question's measure and a number, if there is one."""
    own = rows["outcome"].eq(question.outcome).astype(int)
    score = own * 4 + rows["measure"].eq(question.measure).astype(int) * 2 + rows["yi"].notna().astype(int)
    return rows.loc[score.sort_values(ascending=False, kind="stable").index[0]].copy()


def _table(lines: list[dict[str, object]], table: Table) -> pd.DataFrame:
    return conform(pd.DataFrame(lines, columns=list(table.columns)), table, table.name)
