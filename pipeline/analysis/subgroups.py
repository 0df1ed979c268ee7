"""Subgroups by a moderator, where there are trials enough; else the sentence that says so."""

from __future__ import annotations

import numpy as np
from pydantic import Field

from pipeline.analysis.pooled import Fit, Row, variant_row
from pipeline.codebook import Codebook
from pipeline.meta.pooling.subgroups import subgroup_analysis
from pipeline.params import Section

MODERATORS = {
    "role_1": "who gave it",
    "modality_1": "how it was given",
    "instrument_family": "family of instruments",
    "rating": "who rated",
    "rob": "risk of bias",
    "time_window": "time of measurement",
}


class SubgroupParams(Section):
    """When a subgroup test is worth its power."""

    min_k: int = Field(ge=3)
    min_per_level: int = Field(ge=2)


def subgroup_analyses(key: str, fit: Fit, book: Codebook, params: SubgroupParams) -> tuple[list[Row], list[Row]]:
    """Rows of POOLED for every level, and one row of TESTS per moderator (done, or why not)."""
    pooled: list[Row] = []
    tests: list[Row] = []
    trials = fit.trials.assign(
        instrument_family=[book.instruments[i].family if i else "" for i in fit.trials["instrument"]],
        time_window=[window_of(weeks, book) for weeks in fit.trials["time_weeks"].astype(float)],
    )
    for moderator, label in MODERATORS.items():
        levels = trials[moderator].replace("", "not stated")
        counts = levels.value_counts()
        test: Row = {"question": key, "test": f"subgroup_{moderator}", "label": f"Difference by {label}", "k": fit.k}
        large = counts[counts >= params.min_per_level]
        if fit.k < params.min_k:
            tests.append(test | {"done": False, "reason": f"fewer than {params.min_k} trials"})
        elif len(large) < 2:
            tests.append(test | {"done": False, "reason": f"fewer than two levels with {params.min_per_level} trials"})
        else:
            tests.append(test | _tested(fit, levels.isin(large.index).to_numpy(), levels.to_numpy(str)))
            pooled += _by_level(key, moderator, fit, levels.to_numpy(str), book)
    return pooled, tests


def _tested(fit: Fit, inside: np.ndarray, levels: np.ndarray) -> Row:
    found = subgroup_analysis(fit.yi[inside], fit.vi[inside], levels[inside], estimator=fit.tau2, interval=fit.interval)
    note = "" if inside.all() else "levels with too few trials are left out of the test"
    return {
        "done": True,
        "reason": note,
        "k": int(inside.sum()),
        "statistic": float(found.Qb_separate),
        "df": float(found.Qb_df),
        "p": float(found.Qb_separate_p),
    }


def _by_level(key: str, moderator: str, fit: Fit, levels: np.ndarray, book: Codebook) -> list[Row]:
    """Every level, pooled as its number of trials allows; no prediction interval."""
    never = len(levels) + 1
    return [
        variant_row(
            key, f"subgroup_{moderator}", level, level_label(moderator, level, book),
            fit.but(trials=fit.trials[levels == level]), never,
        )
        for level in sorted(set(levels.tolist()))
    ]  # fmt: skip


def window_of(weeks: float, book: Codebook) -> str:
    """Code of the window that holds a number of weeks; '' when unknown."""
    return next((code for code, window in book.windows.items() if window.holds(weeks)), "")


def level_label(moderator: str, level: str, book: Codebook) -> str:
    """A level in words."""
    if moderator == "role_1":
        return book.roles[level].label
    if moderator == "time_window" and level in book.windows:
        return book.windows[level].label
    if moderator == "modality_1" and level in book.modalities:
        return book.modalities[level].label
    return {
        "low": "Low risk of bias",
        "some": "Some concerns",
        "high": "High risk of bias",
        "not_assessed": "Risk of bias not assessed",
    }.get(level, level.capitalize() if level.islower() else level)
