"""Moderators and power: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from pipeline.meta.moderators import power
from pipeline.meta.moderators.collinearity import variance_inflation
from pipeline.meta.moderators.design import design, new_rows
from pipeline.meta.moderators.location_scale import location_scale as fit_location_scale
from pipeline.meta.moderators.model_comparison import compare_nested
from pipeline.meta.moderators.predict import predict as predict_rows
from pipeline.meta.moderators.wald import omnibus, wald_test
from pipeline.meta.pooling.meta_regression import meta_regression

Case = dict[str, Any]
INTERVAL = {"z": "wald", "knha": "hk", "adhoc": "hk_floored", "t": "t"}
ESTIMATOR = {"FE": "EE"}
TRANSFORM: dict[str, Callable[[Any], Any]] = {
    "exp": np.exp, "transf.exp.int": np.exp, "plogis": special.expit, "transf.ilogit": special.expit,
    "tanh": np.tanh, "transf.ztor": np.tanh, "pnorm": special.ndtr, "transf.iarcsin": lambda x: np.sin(x) ** 2,
    "expm1": np.expm1, "sqrt": np.sqrt, "log": np.log, "square": np.square,
}  # fmt: skip


def _moderators(case: Case) -> Case:
    mods = case.get("mods") or {}
    if isinstance(mods, dict) and mods:
        return mods
    return {"": [0.0] * len(case["yi"])}


def _fit(case: Case) -> tuple[Any, Any]:
    made = design(case.get("formula") or "~1", _moderators(case))
    method = case.get("method", "REML")
    m = meta_regression(
        case["yi"], case["vi"], made.x, estimator=ESTIMATOR.get(method, method),
        interval=INTERVAL[case.get("test", "z")], level=case.get("level", 95), weights=case.get("weights"),
    )  # fmt: skip
    return made, m


def _columns(btt: Any, names: tuple[str, ...]) -> list[int]:
    """0-based columns of a `btt`: 1-based numbers, text found in names, or None for all but the intercept."""
    if btt is None:
        return [j for j, name in enumerate(names) if name != "intrcpt"]
    if isinstance(btt, str):
        return [j for j, name in enumerate(names) if btt in name]
    return [int(j) - 1 for j in np.atleast_1d(btt)]


def anova_wald(case: Case) -> Case:
    made, m = _fit(case)
    if "X" in case or "L" in case:
        test = wald_test(m.beta, m.vb, case.get("X", case.get("L")), case.get("rhs", 0.0), df=m.df)
    else:
        test = omnibus(m.beta, m.vb, _columns(case.get("btt"), made.names), df=m.df)
    out: Case = {"QM": test.statistic, "QMp": test.p, "QMdf": [test.df1, test.df2], "m": test.df1}
    if "reduced" in case:
        less = design(case["reduced"], _moderators(case))
        n = compare_nested(case["yi"], case["vi"], made.x, less.x)
        out |= {"LRT": n.LRT, "LRTp": n.p, "LRTdf": n.df, "parms_diff": n.df, "R2": n.R2,
                "tau2_full": n.tau2_full, "tau2_reduced": n.tau2_reduced}  # fmt: skip
        for name, fit in (("full", n.full), ("reduced", n.reduced)):
            out |= {f"logLik_{name}": fit.log_lik} | {f"{c}_{name}": getattr(fit, c) for c in ("AIC", "BIC", "AICc")}
    return out


def vif(case: Case) -> Case:
    made, m = _fit(case)
    asked = case.get("btt")
    if asked is None:
        sets = None
    else:
        sets = [_columns(b, made.names) for b in (asked if isinstance(asked[0], (list, str)) else [asked])]
    found = variance_inflation(m.vb, sets, intercept="intrcpt" in made.names)
    return {
        "vif": found.gvif, "gvif": found.gvif, "sif": found.gsif, "gsif": found.gsif, "m": list(found.m),
        "coef_names": [n for n in made.names if n != "intrcpt"],
    }  # fmt: skip


def predict(case: Case) -> Case:
    made, m = _fit(case)
    rows = None
    if case.get("newmods") is not None:
        rows = _new_rows(case["newmods"], made)
    elif len(m.beta) > 1:
        rows = made.x
    transform = TRANSFORM[case["transf"]] if case.get("transf") else None
    p = predict_rows(m, rows, level=case.get("level", 95), transform=transform)
    return {
        "pred": p.estimate, "se": None if transform else p.se, "ci_lb": p.ci_lb, "ci_ub": p.ci_ub,
        "pi_lb": p.pi_lb, "pi_ub": p.pi_ub,
    }  # fmt: skip


def _new_rows(newmods: Any, made: Any) -> Any:
    """Values by name; or one list per moderator column (as the cases give them), or rows, without the intercept."""
    if isinstance(newmods, dict):
        return new_rows(made, {k: v if isinstance(v, list) else [v] for k, v in newmods.items()})
    x = np.atleast_2d(np.asarray(newmods, dtype=float))
    width = len(made.names) - ("intrcpt" in made.names)
    by_row = x if x.shape[0] != width else x.T
    return np.column_stack([np.ones(len(by_row)), by_row]) if "intrcpt" in made.names else by_row


def location_scale(case: Case) -> Case:
    made = design(case.get("formula") or "~1", _moderators(case))
    scale = design(case.get("scale") or "~1", _moderators(case))
    m = fit_location_scale(
        case["yi"], case["vi"], made.x, scale.x, link=case.get("link", "log"), estimator=case.get("method", "REML"),
        interval=INTERVAL[case.get("test", "z")], level=case.get("level", 95),
    )  # fmt: skip
    return {
        "beta": m.beta, "se": m.se, "zval": m.statistic, "pval": m.p, "ci_lb": m.ci_lb, "ci_ub": m.ci_ub, "vb": m.vb,
        "alpha": m.alpha, "se_alpha": m.se_alpha, "zval_alpha": m.statistic_alpha, "pval_alpha": m.p_alpha,
        "ci_lb_alpha": m.ci_lb_alpha, "ci_ub_alpha": m.ci_ub_alpha, "va": m.va, "tau2": m.tau2, "logLik": m.log_lik,
        "AIC": m.AIC, "BIC": m.BIC, "AICc": m.AICc, "QE": m.QE, "QEp": m.QE_p, "QM": m.QM.statistic, "QMp": m.QM.p,
        "QMdf": [m.QM.df1, m.QM.df2], "QS": m.QS.statistic, "QSp": m.QS.p, "QSdf": [m.QS.df1, m.QS.df2],
        "coef_names": list(made.names), "scale_names": list(scale.names),
    }  # fmt: skip


def power_ma(case: Case) -> Case:
    v = power.smd_variance(case["d"], case["n1"], case["n2"])
    options: Case = {
        "alternative": case.get("alternative", "two-sided"),
        "level": 100 * (1 - case.get("alpha", case.get("p", 0.05))),
    }
    tau2 = case["tau2"] if "tau2" in case else case.get("tau2_over_v", 0.0) * v
    fixed = power.power_mean(case["d"], v, case["k"], **options)
    random = power.power_mean(case["d"], v, case["k"], tau2=tau2, **options)
    return {"v": v, "lambda": random.noncentrality, "power_random": random.power, "power_fixed": fixed.power}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        anova_wald,
        vif,
        predict,
        location_scale,
        power_ma,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "LINKS": {
        "log": "locscale_bangert",
        "identity": "tests/golden/test_metafor_location_scale.py::test_against_metafor",
    },
    "ALTERNATIVES": {
        "two-sided": "power_ma_a",
        "greater": "tests/golden/test_power_numbers.py::test_one_sided",
        "less": "tests/golden/test_power_numbers.py::test_one_sided",
    },
}
