"""Random-effects and common-effect models: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.influence.gosh import gosh as every_subset
from pipeline.meta.moderators.design import design
from pipeline.meta.moderators.permutation import permutation_test
from pipeline.meta.pooling.meta_regression import meta_regression, proportion_explained, residual_variance_explained
from pipeline.meta.pooling.prediction import prediction_interval as predict_new
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.subgroups import subgroup_analysis
from pipeline.meta.pooling.tau2_interval import tau2_interval

Case = dict[str, Any]
INTERVAL = {"z": "wald", "knha": "hk", "adhoc": "hk_floored", "t": "t"}
ESTIMATOR = {"FE": "EE"}
NEW_STUDY = {"z": "normal", "knha": "t_k1", "adhoc": "t_k1", "t": "t_k1"}


def rma_uni(case: Case) -> Case:
    estimator = ESTIMATOR.get(case["method"], case["method"])
    unweighted = np.ones(len(case["yi"])) if case.get("weighted") is False else None
    options: Case = {"estimator": estimator, "interval": INTERVAL[case["test"]], "level": case["level"]}
    made = design(case["formula"], case["mods"]) if "mods" in case else None
    m = meta_regression(
        case["yi"], case["vi"], made.x if made else None, weights=case.get("weights", unweighted), **options
    )
    out = {
        "k": m.k, "p": len(m.beta), "beta": m.beta, "se": m.se, "stat": m.statistic, "pval": m.p, "vb": m.vb,
        "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "ddf": m.df, "tau2": m.tau2, "se_tau2": m.tau2_se, "I2": m.I2, "H2": m.H2,
        "QE": m.Q, "QEp": m.Q_p, "QM": m.QM, "QMdf": [m.QM_df, m.QM_df2], "QMp": m.QM_p, "s2w": m.scale,
        "fitted": m.fitted, "fitted_se": m.fitted_se,
        **_fit_statistics(m.ml, "ML"), **_fit_statistics(m.reml, "REML"),
    }  # fmt: skip
    if made is None:
        pi = predict_new(m.beta[0], m.se[0], m.tau2, m.k, method=NEW_STUDY[case["test"]], level=case["level"])
        return out | {"pi_lb": pi.pi_lb, "pi_ub": pi.pi_ub}
    null = meta_regression(case["yi"], case["vi"], weights=case.get("weights", unweighted), **options)
    r2 = residual_variance_explained(m, null) if estimator == "EE" else proportion_explained(m.tau2, null.tau2)
    return out | {"coef_names": list(made.names), "tau2_null": null.tau2, "R2": r2}


def confint_tau2(case: Case) -> Case:
    i = tau2_interval(case["yi"], case["vi"], estimator=case["method"], method=case["type"], level=case["level"])
    out = {f.name: getattr(i, f.name) for f in i.__dataclass_fields__.values()}
    return out | {"tau_lb": i.tau_lb, "tau_ub": i.tau_ub}


def prediction_interval(case: Case) -> Case:
    fits = {
        way: random_effects(case["yi"], case["vi"], estimator=case["method"], interval=way) for way in ("wald", "hk")
    }
    out: Case = {}
    for name, way, method in (("z", "wald", "normal"), ("riley", "wald", "t_k2"), ("knha", "hk", "t_k1")):
        m = fits[way]
        pi = predict_new(m.estimate, m.se, m.tau2, m.k, method=method, level=case["level"])
        out |= {f"{name}_lb": pi.pi_lb, f"{name}_ub": pi.pi_ub}
    return out


def weights(case: Case) -> Case:
    return {"weights": random_effects(case["yi"], case["vi"], estimator=case["method"]).weights}


def subgroup(case: Case) -> Case:
    s = subgroup_analysis(case["yi"], case["vi"], case["group"], estimator=case["method"], interval="wald")
    one = s.separate
    return {
        "levels": list(s.levels), "k": one.k, "estimate": one.estimate, "se": one.se, "ci_lb": one.ci_lb,
        "ci_ub": one.ci_ub, "tau2": one.tau2, "I2": one.I2, "Q": one.Q, "Qb_separate": s.Qb_separate,
        "Qb_separate_p": s.Qb_separate_p, "common_estimate": s.common.beta, "common_se": s.common.se,
        "common_tau2": s.common.tau2, "Qb_common": s.Qb_common, "Qb_common_p": s.Qb_common_p,
    }  # fmt: skip


def permutest(case: Case) -> Case:
    made = design(case["formula"], case["mods"]) if "mods" in case else None
    test = permutation_test(
        case["yi"], case["vi"], made.x if made else None, estimator=ESTIMATOR.get(case["method"], case["method"]),
        interval=INTERVAL[case.get("test", "z")], permutations=case.get("iter", 10_000), exact=case["exact"],
        rng=np.random.default_rng(case.get("seed", 1)),
    )  # fmt: skip
    return {"pval": test.p, "stat": test.statistic, "QMp": test.QM_p}


def gosh(case: Case) -> Case:
    g = every_subset(case["yi"], case["vi"], estimator=ESTIMATOR.get(case["method"], case["method"]))
    mask = [sum(1 << i for i in np.flatnonzero(row).tolist()) for row in g.member]
    return {"mask": mask, "k": g.k, "QE": g.Q, "I2": g.I2, "H2": g.H2, "tau2": g.tau2, "estimate": g.estimate}


def _fit_statistics(fit: Any, name: str) -> Case:
    return {f"logLik_{name}": fit.log_lik} | {f"{c}_{name}": getattr(fit, c) for c in ("AIC", "BIC", "AICc")}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        rma_uni,
        confint_tau2,
        prediction_interval,
        weights,
        subgroup,
        permutest,
        gosh,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "TAU2_ESTIMATORS": {
        "REML": "rma_bcg_REML_z",
        "ML": "rma_bcg_ML_z",
        "DL": "rma_bcg_DL_z",
        "PM": "rma_bcg_PM_z",
        "PMM": "rma_bcg_PMM_z",
        "EB": "rma_bcg_EB_z",
        "DLIT": "rma_bcg_DLIT_z",
        "SJIT": "rma_bcg_SJIT_z",
        "SJ": "rma_bcg_SJ_z",
        "HE": "rma_bcg_HE_z",
        "HS": "rma_bcg_HS_z",
        "HSk": "rma_bcg_HSk_z",
        "GENQ": "rma_bcg_GENQ_z",
        "GENQM": "rma_bcg_GENQM_z",
        "DL2": "tests/golden/test_tau2_by_metafor.py::test_two_step",
        "HE2": "tests/golden/test_tau2_by_metafor.py::test_two_step",
        "REML_FS": "tests/golden/test_tau2_by_metafor.py::test_fisher_scoring_stops_where_metafor_does",
        "ML_FS": "tests/golden/test_tau2_by_metafor.py::test_fisher_scoring_stops_where_metafor_does",
        "EE": "rma_bcg_EE_z",
    },
    "INTERVALS": {
        "hk_floored": "rma_simtau0_REML_adhoc",
        "hk": "rma_bcg_REML_knha",
        "t": "rma_bcg_REML_t",
        "wald": "rma_bcg_REML_z",
    },
    "PREDICTION": {"t_k1": "rma_bcg_REML_knha", "t_k2": "predint_bcg", "normal": "rma_bcg_REML_z"},
    "TAU2_INTERVALS": {
        "QP": "confint_bcg",
        "QP_BRENT": "meta_metabin_bcg_MH",
        "PL": "confint_PL_bcg",
        "GENQ": "tests/golden/test_published_analyses.py::TestJackson2014",
    },
}
