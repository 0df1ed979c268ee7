"""Rare events: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells, from_events
from pipeline.meta.rare_events.common_odds_ratio import (
    breslow_day,
    cochran_mantel_haenszel,
    mantel_haenszel_rate_test,
)
from pipeline.meta.rare_events.fixed_weights import FixedWeightPool
from pipeline.meta.rare_events.mantel_haenszel import MANTEL_HAENSZEL_RATES, mantel_haenszel, mantel_haenszel_rates
from pipeline.meta.rare_events.peto import peto

Case = dict[str, Any]
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
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "MANTEL_HAENSZEL": {"OR": "mh_OR_bcg", "RR": "mh_RR_bcg", "RD": "mh_RD_nissen"},
    "MANTEL_HAENSZEL_RATES": {"IRR": "mh_IRR_nielweise2008", "IRD": "mh_IRD_nielweise2008"},
}
