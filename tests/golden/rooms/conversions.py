"""What papers print, turned into effects: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.meta.conversions import printed

Case = dict[str, Any]


def conv_wald(case: Case) -> Case:
    if case.get("transf") == "log":
        es = printed.log_ratio_from_ci(case["out"], case["ci_lb"], case["ci_ub"])
        return {"yi": es.yi, "vi": es.vi}
    return {"yi": case["out"], "vi": np.square(printed.se_from_p(case["out"], case["pval"]))}


def conv_or_d(case: Case) -> Case:
    d = printed.d_from_log_odds_ratio(case["lnor"], case["v"])
    back = printed.log_odds_ratio_from_d(d.yi, d.vi)
    return {
        "d": d.yi,
        "vd": d.vi,
        "lnor_back": back.yi,
        "d_norm": printed.d_from_log_odds_ratio_normal(case["lnor"]),
    }


def nnt(case: Case) -> Case:
    d = case["d"]
    return {
        "nnt_furukawa": printed.number_needed_to_treat_from_d(d, case["cer"]),
        "nnt_kraemer": printed.number_needed_to_treat_kraemer(d),
    }


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        conv_wald,
        conv_or_d,
        nnt,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {}
