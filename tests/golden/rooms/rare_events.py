"""Rare events: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells, from_events
from pipeline.meta.moderators.design import design
from pipeline.meta.rare_events.common_odds_ratio import (
    breslow_day,
    cochran_mantel_haenszel,
    mantel_haenszel_rate_test,
)
from pipeline.meta.rare_events.fixed_weights import FixedWeightPool
from pipeline.meta.rare_events.glmm import glmm_odds_ratio, glmm_proportion, glmm_rate, glmm_rate_ratio
from pipeline.meta.rare_events.mantel_haenszel import MANTEL_HAENSZEL_RATES, mantel_haenszel, mantel_haenszel_rates
from pipeline.meta.rare_events.peto import peto
from pipeline.meta.rare_events.proportions import pool_proportions as pool

Case = dict[str, Any]
ESTIMATOR = {"FE": "EE", "CE": "EE", "EE": "EE"}
INTERVAL = {"z": "wald", "t": "t"}
RATES = ("x1i", "t1i", "x2i", "t2i")


def table_of(case: Case) -> TwoByTwo:
    """The case's two-by-two tables, given by cells or by events and group sizes."""
    if "bi" in case:
        return from_cells(case["ai"], case["bi"], case["ci"], case["di"])
    return from_events(case["ai"], case["n1i"], case["ci"], case["n2i"])


def rma_mh(case: Case) -> Case:
    options = {"measure": case["measure"], "level": case.get("level", 95)}
    for name, default in (("add", 0.0), ("to", "none"), ("drop00", False)):
        if name in case:
            given = case[name]
            options[name] = tuple(given) if isinstance(given, list) else (given, default)
    correct = case.get("correct", True)
    if case["measure"] in MANTEL_HAENSZEL_RATES:
        x = [case[name] for name in RATES]
        test = mantel_haenszel_rate_test(*x, correct=correct)
        return common_effect(mantel_haenszel_rates(*x, **options)) | {"MH": test.statistic, "MHp": test.p}
    table = table_of(case)
    pooled = mantel_haenszel(table, **options)
    out = common_effect(pooled)
    if case["measure"] == "OR":
        cmh = cochran_mantel_haenszel(table, correct=correct)
        ta, bd = (breslow_day(table, pooled.estimate, tarone=tarone) for tarone in (True, False))
        out |= {"MH": cmh.statistic, "MHp": cmh.p, "TA": ta.statistic, "TAp": ta.p, "BD": bd.statistic, "BDp": bd.p}
    return out


def rma_peto(case: Case) -> Case:
    options = {}
    if isinstance(case.get("add"), list):
        options |= {"add": case["add"][1]}
    if isinstance(case.get("to"), list):
        options |= {"to": case["to"][1]}
    return common_effect(peto(table_of(case), level=case.get("level", 95), **options))


def rma_glmm(case: Case) -> Case:
    options = {name: case[name] for name in ("level", "coding", "drop00") if name in case}
    options |= {"estimator": ESTIMATOR.get(case.get("method", "ML"), "ML"), "interval": INTERVAL[case.get("test", "z")]}
    if "mods" in case:
        options["design"] = design(case["formula"], case["mods"]).x
    # the reference takes Laplace's approximation for two random effects, and wherever it is asked for one point
    model = case.get("model") or "UM.FS"
    laplace = (model == "UM.RS" and options["estimator"] == "ML") or case.get("nAGQ") == 1
    if laplace:
        options["nodes"] = 1
    if model == "UM.RS" and case.get("cor"):
        options["correlated"] = True
    if case["measure"] == "OR":
        m = glmm_odds_ratio(table_of(case), model=model, **options)
    elif case["measure"] == "IRR":
        m = glmm_rate_ratio(*(case[name] for name in RATES), model=model, **options)
    else:
        options = {name: x for name, x in options.items() if name not in ("coding", "drop00")}
        one = {"PLO": (glmm_proportion, "ni"), "IRLN": (glmm_rate, "ti")}[case["measure"]]
        m = one[0](case["xi"], case[one[1]], **options)
    # with more than one point the reference's logLik is that of the counts at the modes of the random effects
    marginal = laplace or (case["measure"], model) == ("OR", "CM.EL")
    return {
        "beta": m.beta, "se": m.se, "zval": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub,
        "tau2": m.tau2, "sigma2": m.sigma2, "rho": m.rho, "I2": m.I2, "H2": m.H2, "QE_Wld": m.Q_wald,
        "QEp_Wld": m.Q_wald_p, "QE_LRT": m.Q_lrt, "QEp_LRT": m.Q_lrt_p, "QE_df": m.Q_df, "QM": m.QM, "QMp": m.QM_p,
        "logLik": m.log_lik if marginal else m.log_lik_at_modes, "k": m.k, "vb": m.vb,
    }  # fmt: skip


def pool_proportions(case: Case) -> Case:
    options = {"estimator": case.get("method", "REML"), "level": case.get("level", 95)}
    plo = pool(case["xi"], case["ni"], scale="PLO", **options)
    pft = pool(case["xi"], case["ni"], scale="PFT", **options)
    return {
        "pft": pft.estimate, "pft_lb": pft.ci_lb, "pft_ub": pft.ci_ub, "plo": plo.estimate, "plo_lb": plo.ci_lb,
        "plo_ub": plo.ci_ub, "plo_pi_lb": plo.pi_lb, "plo_pi_ub": plo.pi_ub,
    }  # fmt: skip


def common_effect(p: FixedWeightPool) -> Case:
    return {
        "beta": [p.estimate], "se": [p.se], "zval": [p.statistic], "pval": [p.p], "ci_lb": [p.ci_lb],
        "ci_ub": [p.ci_ub], "QE": p.Q, "QEp": p.Q_p, "I2": p.I2, "H2": p.H2, "k": p.k, "weights": p.weights,
    }  # fmt: skip


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        rma_mh,
        rma_peto,
        rma_glmm,
        pool_proportions,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "GLMM_ODDS_RATIO": {
        "UM.FS": "glmm_OR_UM.FS_bcg",
        "UM.RS": "glmm_OR_UM.RS_hine1989",
        "CM.EL": "tests/golden/test_rare_events_reference.py::test_exact_conditional_model",
        "CM.AL": "glmm_OR_CM.AL_bcg",
    },
    "GLMM_RATE_RATIO": {
        "UM.FS": "tests/golden/test_rare_events_reference.py::test_fixed_levels_at_a_tighter_threshold",
        "UM.RS": "tests/golden/test_rare_events_reference.py::test_laplace_at_a_tighter_threshold",
        "CM.EL": "glmm_IRR_CM.EL_nielweise2008",
    },
    "PROPORTION_SCALES": {"PLO": "prop_pool_debruin", "PFT": "prop_pool_debruin"},
    "MANTEL_HAENSZEL": {"OR": "mh_OR_bcg", "RR": "mh_RR_bcg", "RD": "mh_RD_nissen"},
    "MANTEL_HAENSZEL_RATES": {"IRR": "mh_IRR_nielweise2008", "IRD": "mh_IRD_nielweise2008"},
}
