"""Selection models and their relatives: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.moderators.design import design
from pipeline.meta.small_study.regression_tests import predictor
from pipeline.meta.small_study.selection_models import selection_model

Case = dict[str, Any]


def selmodel(case: Case) -> Case:
    made = design(case["formula"], case["mods"]) if "mods" in case else None
    m = selection_model(
        case["yi"],
        case["vi"],
        made.x if made else None,
        function=case["type"],
        alternative=case.get("alternative", "greater"),
        steps=case.get("steps"),
        delta=case.get("delta"),
        strength=predictor(case["prec"], case["vi"], case.get("ni")) if case.get("prec") else None,
        common_effect=case.get("method", "ML") in ("EE", "FE", "CE"),
        level=case.get("level", 95),
    )
    return {
        "beta": m.beta, "se": m.se, "zval": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "vb": m.vb,
        "tau2": m.tau2, "se_tau2": m.tau2_se, "delta": m.delta, "se_delta": m.delta_se, "logLik": m.log_lik,
        "LRT": m.LRT, "LRTdf": m.LRT_df, "LRTp": m.LRT_p, "QE": None, "k": m.k,
    }  # fmt: skip


ADAPTERS: dict[str, Callable[[Case], Case]] = {f.__name__: f for f in (selmodel,)}
NUMBERS: dict[str, dict[str, str]] = {}
