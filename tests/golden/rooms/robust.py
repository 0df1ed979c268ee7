"""Covariance of dependent effects, robust inference: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.dependence import covariance
from pipeline.meta.dependence.multivariate import multivariate
from pipeline.meta.dependence.random_terms import nested
from pipeline.meta.dependence.robust_regression import robust_meta_regression
from pipeline.meta.dependence.robust_variance import RobustFit, robust_variance
from pipeline.meta.dependence.satterthwaite import coefficient_tests
from pipeline.meta.dependence.wald_htz import robust_wald_test
from pipeline.meta.moderators.design import design
from pipeline.meta.pooling.meta_regression import meta_regression

Case = dict[str, Any]
_LABELS = ("subgroup", "obs", "type", "time1", "time2", "grp1", "grp2", "w1", "w2", "phi")
_ESTIMATORS = {"FE": "EE", "CE": "EE"}
_WALD = {"HTZ": "HTZ", "Naive-F": "naive_f", "Naive-Fp": "naive_fp", "chi-sq": "chi2"}
_SYNONYMS = {"study": "cluster", "time": "time1", "g1": "grp1", "g2": "grp2", "outcome": "type"}


def vcalc(case: Case) -> Case:
    given = {_SYNONYMS.get(name, name): value for name, value in case.items()}
    if "rvars" in given:
        v = covariance.covariance_from_rows(given["vi"], given["cluster"], np.array(given["rvars"], dtype=float))
    else:
        options = {name: given[name] for name in _LABELS if given.get(name) is not None}
        rho = given.get("rho") if {"obs", "type"} & set(options) else None
        v = covariance.sampling_covariance(given["vi"], given["cluster"], rho=rho, **options)
    return {"V": v, "V_top10": v[:10, :10], "trace": np.trace(v), "sum": v.sum(), "logdet": np.linalg.slogdet(v)[1]}


def robust(case: Case) -> Case:
    fit = _robust_fit(case, case.get("type", "CR2"))
    exact, naive = coefficient_tests(fit), coefficient_tests(fit, test="naive_t")
    return {
        "beta": fit.beta, "se": fit.se, "df_satt": exact.df, "p_satt": exact.p, "p_naive_t": naive.p, "vcov": fit.vb,
    }  # fmt: skip


def robust_wald(case: Case) -> Case:
    fit = _robust_fit(case, case.get("type", "CR2"))
    w = robust_wald_test(fit, case.get("constraints"), test=_WALD[case.get("test", "HTZ")])
    return {"Fstat": w.F, "df_num": w.df_num, "df_denom": w.df_denom, "p": w.p}


def robust_metafor(case: Case) -> Case:
    fits = {way: _robust_fit(case, kind) for way, kind in (("adj", "CR1p"), ("unadj", "CR0"))}
    out: Case = {"beta": fits["adj"].beta}
    for way, fit in fits.items():
        t = coefficient_tests(fit, test="naive_tp")
        out |= {f"se_{way}": t.se, f"pval_{way}": t.p, "df": t.df[:1]}
    return out


def robumeta(case: Case) -> Case:
    m = robust_meta_regression(
        case["yi"],
        case["vi"],
        case["cluster"],
        _design(case),
        weighting=case.get("modelweights", "CORR"),
        rho=case.get("rho", 0.8),
        small=case.get("small", True),
    )
    t, w = m.tests, m.weighting
    out = {"beta": t.beta, "se": t.se, "df": t.df, "p": t.p, "ci_lb": t.ci_lb, "ci_ub": t.ci_ub}
    return out | {"tau2": w.tau2, "omega2": w.omega2, "I2": w.I2}


def _robust_fit(case: Case, kind: str) -> RobustFit:
    """The model that the case names, and its robust covariance."""
    x, cluster, vi = _design(case), case["cluster"], case["vi"]
    default = "three-level REML" if "unit" in case else "rma.uni REML"
    words, weights = case.get("model", default).split(), case.get("weights")
    if words[0] == "rma.uni":
        m = meta_regression(case["yi"], vi, x, estimator=_ESTIMATORS.get(words[-1], words[-1]), weights=weights)
        variance = np.asarray(vi) + m.tau2
        return robust_variance(case["yi"], x, cluster, variance=variance, weights=weights, kind=kind)
    v, units = case.get("V", vi), case.get("unit", np.arange(len(vi)))
    if {"rho", "phi", "grp1", "g1"} & set(case):
        v = vcalc(case | {"obs": units})["V"]
    random = nested(cluster, units)
    fit = multivariate(case["yi"], v, x, random=random, estimator=words[-1])
    return robust_variance(case["yi"], fit.x, cluster, covariance=fit.marginal, kind=kind)


def _design(case: Case) -> Any:
    return design(case["formula"], case["mods"]).x if case.get("mods") else None


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f for f in (vcalc, robust, robust_wald, robust_metafor, robumeta)
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "ADJUSTMENTS": {
        "CR0": "robust_mv_CR0_assink2016",
        "CR1": "robust_mv_CR1_assink2016",
        "CR1p": "robust_mf_assink2016",
        "CR1S": "robust_mv_CR1S_assink2016",
        "CR2": "robust_mv_CR2_assink2016",
        "CR3": "robust_mv_CR3_assink2016",
    },
    "COEFFICIENT_TESTS": {
        "satterthwaite": "robust_mv_CR2_assink2016",
        "naive_t": "robust_mv_CR2_assink2016",
        "naive_tp": "robust_mf_assink2016",
        "z": "tests/golden/test_robust_of_r.py::test_normal_reference",
    },
    "WALD_TESTS": {
        "HTZ": "robust_wald_assink2016",
        "naive_f": "tests/golden/test_robust_of_r.py::test_joint_tests",
        "naive_fp": "tests/golden/test_robust_of_r.py::test_joint_tests",
        "chi2": "tests/golden/test_robust_of_r.py::test_joint_tests",
    },
    "WEIGHTINGS": {
        "CORR": "robu_CORR_assink2016",
        "HIER": "tests/golden/test_robust_of_r.py::test_hierarchical_effects",
    },
}
