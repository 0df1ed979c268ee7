"""Selection models and their relatives: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.moderators.design import design
from pipeline.meta.small_study import copas as copas_analysis
from pipeline.meta.small_study import henmi_copas as henmi_copas_interval
from pipeline.meta.small_study.limit_meta_analysis import limit_meta_analysis
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
        start="no_selection",  # selmodel() climbs from there
        level=case.get("level", 95),
    )
    return {
        "beta": m.beta, "se": m.se, "zval": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "vb": m.vb,
        "tau2": m.tau2, "se_tau2": m.tau2_se, "delta": m.delta, "se_delta": m.delta_se, "logLik": m.log_lik,
        "LRT": m.LRT, "LRTdf": m.LRT_df, "LRTp": m.LRT_p, "QE": None, "k": m.k,
    }  # fmt: skip


def copas(case: Case) -> Case:
    m = copas_analysis.copas(
        case["yi"], case["vi"], significance=case.get("sign_rsb", 0.1), level=case.get("level", 95)
    )
    return {
        "TE_adjust": m.estimate, "se_adjust": m.se, "p_adjust": m.p, "lower_adjust": m.ci_lb, "upper_adjust": m.ci_ub,
        "pval_rsb_adjust": m.p_residual, "N_unpubl_adjust": m.unpublished,
    }  # fmt: skip


def limitmeta(case: Case) -> Case:
    m = limit_meta_analysis(case["yi"], case["vi"], estimator=case.get("method", "DL"), level=case.get("level", 95))
    return {
        "TE_adjust": m.estimate, "se_adjust": m.se, "p_adjust": m.p, "lower_adjust": m.ci_lb, "upper_adjust": m.ci_ub,
        "G2": m.G2, "Q": m.Q, "Q_small": m.Q_small, "Q_resid": m.Q_resid, "alpha": m.alpha, "beta": m.beta,
        "tau2": m.tau2,
    }  # fmt: skip


def henmi_copas(case: Case) -> Case:
    m = henmi_copas_interval.henmi_copas(case["yi"], case["vi"], level=case.get("level", 95))
    return {"beta": m.estimate, "se": m.se, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "tau2": m.tau2, "pval": m.p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {f.__name__: f for f in (selmodel, copas, limitmeta, henmi_copas)}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
_TIGHT = "tests/golden/test_selection_reference.py"
NUMBERS: dict[str, dict[str, str]] = {
    "SELECTION_FUNCTIONS": {
        "stepfun": "selmodel_3PSM_bcg",
        "beta": f"{_TIGHT}::test_metafor_with_tight_integrals",
        "halfnorm": "selmodel_halfnorm_bangert",
        "negexp": "selmodel_negexp_bangert",
        "logistic": "selmodel_logistic_bangert",
        "power": "selmodel_power_bcg",
        "negexppow": f"{_TIGHT}::test_other_data_sets",
    },
    "A_PRIORI_WEIGHTS": dict.fromkeys(
        ("moderate_one_tailed", "severe_one_tailed", "moderate_two_tailed", "severe_two_tailed"),
        f"{_TIGHT}::test_a_priori_weights",
    ),
}
