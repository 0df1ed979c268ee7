"""Equivalence tests: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.equivalence import equivalence, two_samples
from pipeline.meta.pooling.random_effects import random_effects

Case = dict[str, Any]
INTERVAL = {"z": "wald", "knha": "hk", "adhoc": "hk_floored", "t": "t"}
ESTIMATOR = {"FE": "EE"}


def tost_pooled(case: Case) -> Case:
    m = random_effects(
        case["yi"],
        case["vi"],
        estimator=ESTIMATOR.get(case.get("method", "REML"), case.get("method", "REML")),
        interval=INTERVAL[case.get("test", "z")],
    )
    e = equivalence(m.estimate, m.se, case["low"], case["high"], df=m.df, alpha=case.get("alpha", 0.05))
    return {
        "z_low": e.t_low, "z_high": e.t_high, "p_low": e.p_low, "p_high": e.p_high, "p_tost": e.p,
        "ci90_lb": e.ci_lb, "ci90_ub": e.ci_ub, "estimate": e.estimate, "se": e.se, "tau2": m.tau2,
    }  # fmt: skip


def tost_two_sample(case: Case) -> Case:
    s = two_samples(case["x"], case["y"], welch=case.get("welch", True), level=case.get("level", 95))
    e = equivalence(s.difference, s.se, case["low"], case["high"], df=s.df, alpha=case.get("alpha", 0.05))
    return {
        "p_low": e.p_low, "p_high": e.p_high, "p_tost": e.p, "t_low": e.t_low, "t_high": e.t_high, "df": s.df,
        "diff": s.difference, "se": s.se, "t_welch": s.statistic, "p_welch": s.p, "t": s.statistic, "p": s.p,
        "ci_lb": s.ci_lb, "ci_ub": s.ci_ub, "ci90_lb": e.ci_lb, "ci90_ub": e.ci_ub,
    }  # fmt: skip


ADAPTERS: dict[str, Callable[[Case], Case]] = {"tost_pooled": tost_pooled, "tost_two_sample": tost_two_sample}

NUMBERS: dict[str, dict[str, str]] = {}
