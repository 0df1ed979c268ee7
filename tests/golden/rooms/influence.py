"""What single studies do to a result: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.influence import baujat as baujat_plot
from pipeline.meta.influence import cumulative, diagnostics, leave_one_out
from pipeline.meta.influence import residuals as residual
from pipeline.meta.moderators.design import design

Case = dict[str, Any]
INTERVALS = {"z": "wald", "t": "t", "knha": "hk", "adhoc": "hk_floored"}


def leave1out(case: Case) -> Case:
    return _rows(leave_one_out.leave_one_out(case["yi"], case["vi"], **_model(case), level=case.get("level", 95)))


def cumul(case: Case) -> Case:
    options = _model(case) | {"level": case.get("level", 95)}
    return _rows(cumulative.cumulative(case["yi"], case["vi"], case.get("order"), **options))


def influence(case: Case) -> Case:
    d = diagnostics.influence(case["yi"], case["vi"], _design(case), **_model(case))
    same = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "QE_del", "hat", "weight", "is_infl")
    dfbs: Any = d.dfbs[:, 0]
    if d.dfbs.shape[-1] > 1:
        # cases with moderators carry two columns more, study number and digits to print: R's cbind of a printable list
        dfbs = [[*row, i + 1, 4] for i, row in enumerate(d.dfbs)]
    return {name: getattr(d, name) for name in same} | {"dfbs": dfbs}


def residuals(case: Case) -> Case:
    r = residual.residuals(case["yi"], case["vi"], _design(case), **_model(case))
    b = residual.best_predictions(case["yi"], case["vi"], _design(case), **_model(case), level=case.get("level", 95))
    return {
        "resid": r.raw, "pearson": r.pearson, "rstandard": r.standardised, "rstandard_se": r.standardised_se,
        "rstudent_resid": r.deleted, "rstudent_se": r.deleted_se, "rstudent": r.studentised, "hat": r.hat,
        "blup": b.estimate, "blup_se": b.se, "blup_pi_lb": b.pi_lb, "blup_pi_ub": b.pi_ub,
    }  # fmt: skip


def baujat(case: Case) -> Case:
    b = baujat_plot.baujat(case["yi"], case["vi"], _design(case), **_model(case))
    return {"x": b.x, "y": b.y}


def _model(case: Case) -> dict[str, str]:
    method = case.get("method", "REML")
    name = "EE" if method in ("FE", "CE") else method
    return {"estimator": name, "interval": INTERVALS[case.get("test", "z")]}


def _design(case: Case) -> np.ndarray | None:
    return design(case["formula"], case["mods"]).x if case.get("mods") else None


def _rows(m: Any) -> Case:
    same = {name: getattr(m, name) for name in ("estimate", "se", "ci_lb", "ci_ub", "Q", "tau2", "I2", "H2")}
    return same | {"zval": m.statistic, "tval": m.statistic, "pval": m.p, "Qp": m.Q_p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        leave1out,
        cumul,
        influence,
        residuals,
        baujat,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {}
