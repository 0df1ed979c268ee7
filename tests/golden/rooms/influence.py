"""What single studies do to a result: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.influence import refits

Case = dict[str, Any]


def leave1out(case: Case) -> Case:
    return _rows(refits.leave_one_out(case["yi"], case["vi"], estimator=case["method"], interval="wald"))


def cumul(case: Case) -> Case:
    rows = refits.cumulative(case["yi"], case["vi"], case["order"], estimator=case["method"], interval="wald")
    return _rows(rows)


def _rows(m: Any) -> Case:
    same = {name: getattr(m, name) for name in ("estimate", "se", "ci_lb", "ci_ub", "Q", "tau2", "I2", "H2")}
    return same | {"zval": m.statistic, "pval": m.p, "Qp": m.Q_p}


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        leave1out,
        cumul,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {}
