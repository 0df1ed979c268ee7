"""Bayesian random effects: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pipeline.meta.bayes.random_effects import bayes_random_effects

Case = dict[str, Any]
PRIOR = re.compile(r"(?P<name>[A-Za-z]+)(?P<numbers>[-\d._]*)$")
# the reference's names of priors that carry no number
NAMES = {
    "uniform": "flat", "Jeffreys": "jeffreys", "BergerDeely": "berger_deely", "DuMouchel": "dumouchel",
}  # fmt: skip
OUTPUT = (
    "mu_mode", "mu_median", "mu_mean", "mu_sd", "mu_lb", "mu_ub",
    "tau_mode", "tau_median", "tau_mean", "tau_sd", "tau_lb", "tau_ub",
    "theta_mode", "theta_median", "theta_mean", "theta_sd", "theta_lb", "theta_ub",
    "p_mu_gt0", "p_theta_gt0", "shrink_mean", "shrink_sd", "shrink_lb", "shrink_ub", "log_marginal",
)  # fmt: skip


def prior(name: str) -> tuple[str | float, ...]:
    """`halfcauchy0.3`, `uniform0_4`, `lognormal-1_0.5`, `sqrt` as the library spells them."""
    if name in ("I2", "sqrt", "shrinkage"):
        return (name,)
    found = PRIOR.fullmatch(name)
    if not found:
        raise NotImplementedError(name)
    parameters = [float(x) for x in found["numbers"].split("_") if x]
    if not parameters:
        return (NAMES.get(found["name"], found["name"]),)
    if found["name"] == "uniform" and len(parameters) == 2 and parameters[0] == 0:
        parameters = parameters[1:]
    return found["name"], *parameters


def bayesmeta(case: Case) -> Case:
    mu = case.get("mu_prior")
    post = bayes_random_effects(
        case["yi"],
        case["vi"],
        tau=prior(case["tau_prior"]),
        mu=tuple(mu) if mu else None,
        interval=case.get("interval_type", "shortest"),
        level=case.get("level", 95),
    )
    return {name: getattr(post, name) for name in OUTPUT}


ADAPTERS: dict[str, Callable[[Case], Case]] = {"bayesmeta": bayesmeta}

BY_R = "tests/golden/test_bayes_priors.py::"
NUMBERS: dict[str, dict[str, str]] = {
    "TAU_PRIORS": {
        "halfnormal": "bayesmeta_bcg_halfnormal0.5",
        "halfcauchy": "bayesmeta_molloy_halfcauchy0.3",
        "halft": BY_R + "test_numbers_of_every_prior",
        "exponential": BY_R + "test_numbers_of_every_prior",
        "uniform": "bayesmeta_simk2_uniform0_4",
        "lognormal": BY_R + "test_numbers_of_every_prior",
        "flat": BY_R + "test_numbers_of_every_prior",
        "sqrt": BY_R + "test_numbers_of_every_prior",
        "jeffreys": BY_R + "test_numbers_of_every_prior",
        "berger_deely": BY_R + "test_numbers_of_every_prior",
        "dumouchel": BY_R + "test_numbers_of_every_prior",
        "shrinkage": BY_R + "test_numbers_of_every_prior",
        "I2": BY_R + "test_numbers_of_every_prior",
    },
    "CREDIBLE": {"shortest": "bayesmeta_simk3_halfnormal1", "central": BY_R + "test_central_interval"},
}
