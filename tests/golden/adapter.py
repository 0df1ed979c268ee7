"""Names of the gold cases to the project's public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from pipeline.meta import clusters, conversions, dependence, effect_sizes, influence, small_study, two_by_two
from pipeline.meta.cohens_d import cohens_d
from pipeline.meta.design import design
from pipeline.meta.intervals import prediction_interval as predict_new
from pipeline.meta.meta_regression import meta_regression, proportion_explained, residual_variance_explained
from pipeline.meta.pooling import random_effects
from pipeline.meta.subgroups import subgroup_analysis
from pipeline.meta.tau2_interval import tau2_interval

Case = dict[str, Any]
INTERVAL = {"z": "wald", "knha": "hk", "adhoc": "hk_floored", "t": "t"}
ESTIMATOR = {"FE": "EE"}
NEW_STUDY = {"z": "normal", "knha": "t_k1", "adhoc": "t_k1", "t": "t_k1"}
MEASURE_OPTIONS = {"add", "to", "drop00", "vtype", "correct"}


def rma_uni(case: Case) -> Case:
    if case["method"] == "GENQM":
        raise NotImplementedError("GENQM")
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
    null = meta_regression(case["yi"], case["vi"], **options)
    r2 = residual_variance_explained(m, null) if estimator == "EE" else proportion_explained(m.tau2, null.tau2)
    return out | {"coef_names": list(made.names), "tau2_null": null.tau2, "R2": r2}


def escalc(case: Case) -> Case:
    name, data, options = case["measure"], dict(case["data"]), dict(case["options"])
    if name not in effect_sizes.MEASURES or not set(options) <= MEASURE_OPTIONS:
        raise NotImplementedError(f"{name} {options}")
    if options.pop("correct", True) is False:
        options["correction"] = "none"
    if name == "MD":
        options = {"pooled": options.get("vtype") == "HO"}
    if name == "ROM":
        options["corrected"] = options.pop("correction", "exact") != "none"
    if name == "PETO":
        options = {"to": "only0"} | options
    if "bi" in data:
        es = effect_sizes.MEASURES[name](two_by_two.from_cells(**data), **options)
    elif "ti" in data:
        es = effect_sizes.hedges_g(conversions.d_from_t(data["ti"], data["n1i"], data["n2i"]), data["n1i"], data["n2i"])
    elif "pi" in data:
        es = effect_sizes.hedges_g(conversions.d_from_p(data["pi"], data["n1i"], data["n2i"]), data["n1i"], data["n2i"])
    elif "di" in data:
        es = effect_sizes.hedges_g(data["di"], data["n1i"], data["n2i"])
    else:
        es = effect_sizes.MEASURES[name](**data, **options)
    return {"yi": es.yi, "vi": es.vi}


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


def leave1out(case: Case) -> Case:
    return _rows(influence.leave_one_out(case["yi"], case["vi"], estimator=case["method"], interval="wald"))


def cumul(case: Case) -> Case:
    rows = influence.cumulative(case["yi"], case["vi"], case["order"], estimator=case["method"], interval="wald")
    return _rows(rows)


def regtest(case: Case) -> Case:
    x = small_study.predictor(case["predictor"], case["vi"], case["ni"])
    r = small_study.regression_test(case["yi"], case["vi"], x, model=case["model"], estimator=case["method"])
    return _regression_test(r) | {"est": r.limit, "ci_lb": r.limit_lb, "ci_ub": r.limit_ub}


def egger(case: Case) -> Case:
    # the classic form regresses yi/sei on 1/sei: its intercept is our slope and its slope our limit
    r = small_study.egger(case["yi"], case["vi"])
    return {"intercept": r.slope, "se": r.se, "t": r.statistic, "p": r.p, "slope": r.limit}


def metabias(case: Case) -> Case:
    t = two_by_two.from_events(case["ai"], case["n1i"], case["ci"], case["n2i"])
    es = effect_sizes.MEASURES[case["measure"]](t)
    tests: Mapping[str, Callable[[], small_study.RegressionTest]] = {
        "Egger": lambda: small_study.egger(es.yi, es.vi),
        "Thompson": lambda: small_study.thompson(es.yi, es.vi),
        "Pustejovsky": lambda: small_study.pustejovsky_rodgers(es.yi, es.vi, t.n1i, t.n2i),
        "Peters": lambda: small_study.peters(es.yi, t),
        "Harbord": lambda: small_study.harbord(t),
        "Deeks": lambda: small_study.deeks(es.yi, t),
        "Macaskill": lambda: small_study.macaskill(es.yi, es.vi, t.n1i + t.n2i),
    }
    if case["method"] == "Begg":
        r = small_study.begg(es.yi, es.vi)
        return {"statistic": r.z, "pval": r.z_p}
    if case["method"] not in tests:
        raise NotImplementedError(case["method"])
    found = _regression_test(tests[case["method"]]())
    return found | {"statistic": found["stat"]}


def ranktest(case: Case) -> Case:
    r = small_study.begg(case["yi"], case["vi"])
    return {"tau": r.tau, "pval": r.p}


def aggregate_dependent(case: Case) -> Case:
    a = dependence.aggregate_dependent(case["yi"], case["vi"], case["cluster"], rho=case["rho"])
    return {"cluster": list(a.cluster), "yi": a.yi, "vi": a.vi}


def cluster_design_effect(case: Case) -> Case:
    deff = clusters.design_effect(case["m"], case["icc"], cv=case.get("cv", 0.0))
    out = {"deff": deff, "n_eff": clusters.effective_sample_size(case["n"], deff)}
    if "events" in case:
        out["events_eff"] = clusters.effective_sample_size(case["events"], deff)
        out["se_adj"] = clusters.inflated_se(case["se"], deff)
    return out


def conv_wald(case: Case) -> Case:
    if case.get("transf") == "log":
        es = conversions.log_ratio_from_ci(case["out"], case["ci_lb"], case["ci_ub"])
        return {"yi": es.yi, "vi": es.vi}
    return {"yi": case["out"], "vi": np.square(conversions.se_from_p(case["out"], case["pval"]))}


def conv_or_d(case: Case) -> Case:
    d = conversions.d_from_log_odds_ratio(case["lnor"], case["v"])
    back = conversions.log_odds_ratio_from_d(d.yi, d.vi)
    return {
        "d": d.yi,
        "vd": d.vi,
        "lnor_back": back.yi,
        "d_norm": conversions.d_from_log_odds_ratio_normal(case["lnor"]),
    }


def hedges_g_raw(case: Case) -> Case:
    r = cohens_d(case["x"], case["y"])
    return {"d": r.d, "J": r.j, "g": r.g, "d_lb": r.d_lb, "d_ub": r.d_ub, "J_approx": r.j_approximate}


def nnt(case: Case) -> Case:
    d = case["d"]
    return {
        "nnt_furukawa": conversions.number_needed_to_treat_from_d(d, case["cer"]),
        "nnt_kraemer": conversions.number_needed_to_treat_kraemer(d),
    }


def _fit_statistics(fit: Any, name: str) -> Case:
    return {f"logLik_{name}": fit.log_lik} | {f"{c}_{name}": getattr(fit, c) for c in ("AIC", "BIC", "AICc")}


def _rows(m: Any) -> Case:
    same = {name: getattr(m, name) for name in ("estimate", "se", "ci_lb", "ci_ub", "Q", "tau2", "I2", "H2")}
    return same | {"zval": m.statistic, "pval": m.p, "Qp": m.Q_p}


def _regression_test(r: small_study.RegressionTest) -> Case:
    return {"stat": r.statistic, "df": r.df, "pval": r.p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        rma_uni, escalc, confint_tau2, prediction_interval, weights, subgroup, leave1out, cumul, regtest, egger,
        metabias, ranktest, aggregate_dependent, cluster_design_effect, conv_wald, conv_or_d, hedges_g_raw, nnt,
    )
}  # fmt: skip
