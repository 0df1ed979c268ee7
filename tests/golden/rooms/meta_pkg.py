"""The conventions of the R package meta: cases to public functions and back. Nothing is computed here.

They differ from metafor's in: intervals of H and I2 from Q (Higgins & Thompson 2002), I2 as a proportion, a prediction
interval with t on k - 1 and the plain standard error even beside Hartung-Knapp, zero cells corrected by
Mantel-Haenszel, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.events import odds_ratio, peto_odds_ratio, risk_difference, risk_ratio
from pipeline.meta.effect_sizes.means import mean_difference, ratio_of_means
from pipeline.meta.effect_sizes.rates import incidence_rate_ratio
from pipeline.meta.effect_sizes.standardized import standardized_mean_difference
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo
from pipeline.meta.pooling.heterogeneity_limits import heterogeneity_limits
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import common_effect, random_effects
from pipeline.meta.pooling.tau2_interval import tau2_interval
from pipeline.meta.rare_events.mantel_haenszel import mantel_haenszel, mantel_haenszel_rates
from pipeline.meta.rare_events.peto import peto
from pipeline.meta.rare_events.proportions import PROPORTION_SCALES
from tests.golden.rooms.rare_events import RATES, table_of

Case = dict[str, Any]
TABLE = {"RR": risk_ratio, "OR": odds_ratio, "RD": risk_difference}
MEANS = {"SMD": standardized_mean_difference, "MD": mean_difference, "ROM": ratio_of_means}
CORRECTED: dict[str, Any] = {"add": (0.5, 0.5), "to": ("only0", "only0"), "drop00": (True, True)}


def meta_pkg(case: Case) -> Case:
    es, common = studies_of(case)
    on = np.isfinite(es.yi)
    estimator = case.get("method_tau", "REML")
    options: Case = {"estimator": estimator, "mask": on}
    m = random_effects(es.yi, es.vi, interval="hk" if case.get("hk") else "wald", **options)
    plain = random_effects(es.yi, es.vi, interval="wald", **options)
    iv = common_effect(es.yi, es.vi, mask=on)
    c = iv if common is None else common
    tau2 = tau2_interval(es.yi, es.vi, method="QP_BRENT", **options)  # the package prints limits that stop early
    pi = prediction_interval(plain.estimate, plain.se, plain.tau2, plain.k, method="t_k1")
    limits = heterogeneity_limits(iv.Q, iv.Q_df)
    return {
        "TE": es.yi, "seTE": np.sqrt(es.vi), "w_common": c.weights / 100, "w_random": plain.weights / 100,
        "TE_common": c.estimate, "seTE_common": c.se, "lower_common": c.ci_lb, "upper_common": c.ci_ub,
        "pval_common": c.p, "TE_random": m.estimate, "seTE_random": m.se, "lower_random": m.ci_lb,
        "upper_random": m.ci_ub, "pval_random": m.p, "tau2": m.tau2, "lower_tau2": tau2.tau2_lb,
        "upper_tau2": tau2.tau2_ub, "I2": limits.I2 / 100, "lower_I2": limits.I2_lb / 100,
        "upper_I2": limits.I2_ub / 100, "H": limits.H, "lower_H": limits.H_lb, "upper_H": limits.H_ub,
        "Q": iv.Q, "df_Q": iv.Q_df, "pval_Q": iv.Q_p, "lower_predict": pi.pi_lb, "upper_predict": pi.pi_ub,
    }  # fmt: skip


def studies_of(case: Case) -> tuple[EffectSize, Any]:
    """Effects of the studies, and the common effect where it is not the inverse-variance one."""
    if "x1i" in case:
        x = [case[name] for name in RATES]
        rates = mantel_haenszel_rates(*x, **CORRECTED) if case.get("method", "MH") == "MH" else None
        return incidence_rate_ratio(*x, drop00=True), rates
    if "xi" in case:
        x, n = (np.asarray(case[name], dtype=float) for name in ("xi", "ni"))
        return PROPORTION_SCALES[{"PLOGIT": "PLO", "PFT": "PFT"}[case.get("sm", "PLOGIT")]].to(x, n), None
    if "r" in case:
        r, n = (np.asarray(case[name], dtype=float) for name in ("r", "n"))
        return EffectSize(np.arctanh(r), 1 / (n - 3)), None
    if "m1i" in case:
        kind = case.get("sm", "SMD")
        x = [case[name] for name in ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")]
        return MEANS[kind](*x, **({"vtype": "UB"} if kind == "SMD" else {})), None
    return two_by_two(case, table_of(case))


def two_by_two(case: Case, table: TwoByTwo) -> tuple[EffectSize, Any]:
    method, measure = case.get("method", "MH"), case.get("sm", "RR")
    if method == "Peto":
        return peto_odds_ratio(table, to="none", drop00=True), peto(table)
    effects = TABLE[measure](table, drop00=measure != "RD")
    if method == "Inverse":
        return effects, None
    return effects, mantel_haenszel(table, measure=measure, **CORRECTED)


ADAPTERS: dict[str, Callable[[Case], Case]] = {"meta_pkg": meta_pkg}
NUMBERS: dict[str, dict[str, str]] = {}
