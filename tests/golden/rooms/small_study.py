"""Small-study effects and publication bias: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.effect_sizes import measures, two_by_two
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.small_study import choice, event_tests, excess_significance, failsafe_n, rank_test, regression_tests
from pipeline.meta.small_study import funnel as funnel_plot
from pipeline.meta.small_study import pet_peese as precision_effect
from pipeline.meta.small_study import radial as radial_plot
from pipeline.meta.small_study import trim_and_fill as trim

Case = dict[str, Any]
INTERVALS = {"z": "wald", "t": "t", "knha": "hk", "adhoc": "hk_floored"}


def regtest(case: Case) -> Case:
    x = regression_tests.predictor(case["predictor"], case["vi"], case.get("ni"))
    r = regression_tests.regression_test(
        case["yi"], case["vi"], x, model=case["model"], estimator=_as_printed(case), interval=_interval(case)
    )
    return _regression_test(r) | {"est": r.limit, "ci_lb": r.limit_lb, "ci_ub": r.limit_ub}


def egger(case: Case) -> Case:
    # the classic form regresses yi/sei on 1/sei: its intercept is our slope and its slope our limit
    r = regression_tests.egger(case["yi"], case["vi"])
    return {"intercept": r.slope, "se": r.se, "t": r.statistic, "p": r.p, "slope": r.limit}


def metabias(case: Case) -> Case:
    t = two_by_two.from_events(case["ai"], case["n1i"], case["ci"], case["n2i"])
    if case["measure"] == "ASD":
        yi, vi = event_tests.arcsine_difference(t)
    else:
        es = measures.MEASURES[case["measure"]](t)
        yi, vi = es.yi, es.vi
    if case["method"] not in choice.FUNNEL_TESTS:
        raise NotImplementedError(case["method"])
    if case["method"] == "Thompson":
        r = regression_tests.thompson(yi, vi, estimator=_as_printed(case | {"method": "REML"}))
    else:
        r = choice.asymmetry_test(case["measure"], choice.Evidence(yi, vi, table=t), test=case["method"])
    if isinstance(r, rank_test.RankTest):
        return {"statistic": r.z, "pval": r.z_p}
    found = _regression_test(r)
    return found | {"statistic": found["stat"]}


def ranktest(case: Case) -> Case:
    r = rank_test.begg(case["yi"], case["vi"])
    return {"tau": r.tau, "pval": r.p}


def trimfill(case: Case) -> Case:
    t = trim.trim_and_fill(
        case["yi"], case["vi"], side=case.get("side"), missing=case.get("estimator", "L0"),
        estimator=_estimator(case), interval=_interval(case), level=case.get("level", 95), limits=case.get("ilim"),
    )  # fmt: skip
    m = t.pooled
    return {
        "k0": t.k0, "se_k0": t.k0_se, "p_k0": t.k0_p, "side": t.side, "beta": [m.estimate], "se": m.se,
        "zval": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "tau2": m.tau2, "I2": m.I2, "H2": m.H2,
        "QE": m.Q, "QEp": m.Q_p, "k": m.k, "yi": t.yi, "vi": t.vi, "fill": t.fill,
    }  # fmt: skip


def fsn(case: Case) -> Case:
    kind, level = case.get("type", "Rosenthal"), 100 * (1 - case.get("alpha", 0.05))
    options: Case = {} if kind == "Orwin" else {"level": level}
    if kind in ("Orwin", "General"):
        options["target"] = case.get("target")
    if kind == "General":
        options["estimator"] = _as_printed(case)
    if kind not in failsafe_n.FAIL_SAFE:
        raise NotImplementedError(kind)
    vi = None if kind == "Orwin" and case.get("weighted") is False else case.get("vi")
    f = failsafe_n.FAIL_SAFE[kind](case["yi"], vi, **options)
    return {"fsnum": f.n, "pval": f.p, "meanes": f.estimate, "target": f.target}


def tes(case: Case) -> Case:
    theta, tau2 = case.get("theta"), case.get("tau2", 0.0)
    if "method" in case and theta is None:
        m = random_effects(case["yi"], case["vi"], estimator=_estimator(case), interval="wald")
        theta, tau2 = m.estimate, m.tau2
    test = {"chi2": "chi2", "binom": "binomial", "exact": "exact"}[case.get("test", "exact")]
    t = excess_significance.excess_significance(
        case["yi"], case["vi"], theta=theta, tau2=tau2, null=case.get("H0", 0.0),
        sided=case.get("alternative", "two.sided"), level=100 * (1 - case.get("alpha", 0.05)),
        alternative=case.get("tes_alternative", "greater"), limit_test=test,
        limit_level=100 * (1 - case.get("tes_alpha", 0.10)),
    )  # fmt: skip
    return {
        "k": t.k, "O": t.O, "E": t.E, "OEratio": t.ratio, "power": t.power, "sig": t.significant, "X2": t.X2,
        "pval_chi2": t.p_chi2, "pval_binom": t.p_binomial, "pval_exact": t.p_exact, "theta": t.theta, "tau2": t.tau2,
        "theta_lim": t.theta_limit,
    }  # fmt: skip


def pet_peese(case: Case) -> Case:
    r = precision_effect.pet_peese(case["yi"], case["vi"])
    random = precision_effect.pet_peese(case["yi"], case["vi"], model="rma", estimator=_estimator(case))
    return {
        "pet": r.pet.limit, "pet_se": r.pet.limit_se, "pet_t": r.pet_t, "pet_p": r.pet_p, "pet_slope": r.pet.slope,
        "pet_slope_p": r.pet.p, "peese": r.peese.limit, "peese_se": r.peese.limit_se, "peese_t": r.peese_t,
        "peese_p": r.peese_p, "peese_slope": r.peese.slope, "peese_slope_p": r.peese.p, "re_pet": random.pet.limit,
        "re_pet_se": random.pet.limit_se, "re_peese": random.peese.limit, "re_peese_se": random.peese.limit_se,
        "conditional": r.estimate, "conditional_se": r.se,
    }  # fmt: skip


def funnel_contour(case: Case) -> Case:
    f = funnel_plot.funnel(case["yi"], case["vi"], estimator=_estimator(case))
    return {"sei": f.sei, "lb95": f.lb, "ub95": f.ub, "p_class": f.region}


def radial(case: Case) -> Case:
    r = radial_plot.radial(case["yi"], case["vi"], estimator=_estimator(case), center=case.get("center", False))
    return {"x": r.x, "z": r.z}


def _estimator(case: Case) -> str:
    method: str = case.get("method", "REML")
    return "EE" if method in ("FE", "CE") else method


def _as_printed(case: Case) -> str:
    """These R functions fit at their default stopping rule, whatever control was asked for (their own warning).

    A case that got round that names its threshold.
    """
    method = _estimator(case)
    return f"{method}_FS" if method in ("REML", "ML") and "threshold" not in case else method


def _interval(case: Case) -> str:
    return INTERVALS[case.get("test", "z")]


def _regression_test(r: regression_tests.RegressionTest) -> Case:
    return {"stat": r.statistic, "df": r.df, "pval": r.p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        regtest,
        egger,
        metabias,
        ranktest,
        trimfill,
        fsn,
        tes,
        pet_peese,
        funnel_contour,
        radial,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "PREDICTORS": {
        "sei": "regtest_lm_sei_bcg",
        "vi": "regtest_lm_vi_bcg",
        "ni": "regtest_lm_ni_bcg",
        "ninv": "regtest_lm_ninv_bcg",
        "sqrtni": "regtest_lm_sqrtni_bcg",
        "sqrtninv": "regtest_lm_sqrtninv_bcg",
    },
    "MISSING_STUDIES": {
        "L0": "trimfill_L0_left_hackshaw",
        "R0": "trimfill_R0_left_hackshaw",
        "Q0": "trimfill_Q0_left_hackshaw",
    },
    "FAIL_SAFE": {
        "Rosenthal": "fsn_Rosenthal_bcg",
        "Orwin": "fsn_Orwin_bcg",
        "Rosenberg": "fsn_Rosenberg_bcg",
        "General": "fsn_General_bcg",
    },
    "EXCESS_TESTS": {
        "chi2": "tes_bcg",
        "binomial": "tes_bcg",
        "exact": "tests/golden/test_bias_other_data.py::test_excess_significance",
    },
    "FUNNEL_TESTS": {
        "Begg": "metabias_Begg_egger2001",
        "Egger": "metabias_Egger_egger2001",
        "Thompson": "metabias_Thompson_bcg",
        "Pustejovsky": "metabias_Pustejovsky_egger2001",
        "Macaskill": "metabias_Macaskill_egger2001",
        "Peters": "metabias_Peters_egger2001",
        "Harbord": "metabias_Harbord_egger2001",
        "Deeks": "metabias_Deeks_egger2001",
        "Schwarzer": "metabias_Schwarzer_egger2001",
        "Rucker": "tests/golden/test_bias_other_data.py::test_arcsine",
    },
    "ASYMMETRY_TESTS": {
        "MD": "regtest_lm_sei_bcg",
        "SMD": "metabias_Pustejovsky_bcg",
        "OR": "metabias_Harbord_bcg",
        "PETO": "metabias_Harbord_bcg",
        "DOR": "metabias_Deeks_bcg",
        "AS": "tests/golden/test_bias_other_data.py::test_arcsine",
    },
}
