"""Meta-regression on the variables that params.yaml declares, one at a time, where there are trials enough."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydantic import Field, field_validator

from pipeline.analysis.pooled import Fit, Row
from pipeline.meta.moderators.permutation import permutation_test
from pipeline.meta.pooling.meta_regression import meta_regression, proportion_explained
from pipeline.params import Section


@dataclass(frozen=True, slots=True)
class Variable:
    """A number known of each trial. `unit` is the step for which the slope is given."""

    label: str
    unit: float
    per: str


VARIABLES: dict[str, Variable] = {
    "year": Variable("Year of publication", 10, "per 10 years"),
    "time_weeks": Variable("Time of measurement", 4, "per 4 weeks"),
    "n": Variable("Size of the trial", 100, "per 100 people"),
}


class ModeratorParams(Section):
    """Variables to regress on, and from how many trials (Cochrane Handbook 10.11.4: ten for each)."""

    variables: tuple[str, ...]
    min_k: int = Field(ge=4)
    permutations: int = Field(ge=100, le=1_000_000)
    seed: int = Field(ge=0)

    @field_validator("variables")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [n for n in names if n not in VARIABLES]:
            raise ValueError(f"'{unknown[0]}' is no variable of the trials; choose from {', '.join(VARIABLES)}")
        if twice := [n for n in names if names.count(n) > 1]:
            raise ValueError(f"'{twice[0]}' stands twice")
        return names


def moderator_tests(key: str, fit: Fit, params: ModeratorParams) -> list[Row]:
    """One row of TESTS for each variable: the slope with its permutation p, or why it was not done."""
    return [_tested(key, name, fit, params) for name in params.variables]


def _tested(key: str, name: str, fit: Fit, params: ModeratorParams) -> Row:
    variable = VARIABLES[name]
    x = fit.trials[name].astype(float).to_numpy() / variable.unit
    known = np.isfinite(x)
    k = int(known.sum())
    test: Row = {
        "question": key, "test": f"moderator_{name}", "label": f"{variable.label}, {variable.per}", "k": k,
        "done": False, "reason": "",
    }  # fmt: skip
    if k < params.min_k:
        missing = " that give it" if k < fit.k else ""
        return test | {"reason": f"fewer than {params.min_k} trials{missing}"}
    if np.ptp(x[known]) == 0:
        return test | {"reason": "all trials have the same value"}
    yi, vi = fit.yi[known], fit.vi[known]
    design = np.column_stack([np.ones(k), x[known] - x[known].mean()])
    model = meta_regression(yi, vi, design, estimator=fit.tau2, interval=fit.interval)
    shuffled = permutation_test(
        yi, vi, design, estimator=fit.tau2, interval=fit.interval, permutations=params.permutations,
        rng=np.random.default_rng(params.seed),
    )  # fmt: skip
    without = meta_regression(yi, vi, estimator=fit.tau2, interval=fit.interval)
    if not (bool(model.converged) and shuffled.converged):
        return test | {"reason": "a fit did not converge"}
    left_out = fit.k - k
    return test | {
        "done": True, "reason": f"{left_out} trials do not give it" if left_out else "",
        "statistic": float(model.statistic[1]), "df": float(model.df), "p": float(model.p[1]),
        "estimate": float(model.beta[1]), "se": float(model.se[1]), "ci_lb": float(model.ci_lb[1]),
        "ci_ub": float(model.ci_ub[1]), "p_permutation": float(shuffled.p[1]),
        "R2": float(proportion_explained(model.tau2, without.tau2)),
    }  # fmt: skip
