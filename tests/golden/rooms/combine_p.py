"""Combined p values: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.pooling.combined_p import combine_p as combine

Case = dict[str, Any]
STATISTIC = {"fisher": "chi2", "stouffer": "z", "tippett": "min", "pearson": "chi2", "logit": "t", "edgington": "sum"}


def combine_p(case: Case) -> Case:
    out: Case = {}
    for method, name in STATISTIC.items():
        weights = case.get("weights") if method == "stouffer" else None
        r = combine(case["p"], method=method, weights=weights)
        out |= {f"{method}_{name}": r.statistic, f"{method}_p": r.p}
    return out


ADAPTERS: dict[str, Callable[[Case], Case]] = {"combine_p": combine_p}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {
    "P_COMBINATIONS": {
        "fisher": "combine_p_a",
        "stouffer": "combine_p_a",
        "tippett": "combine_p_a",
        "pearson": "tests/golden/test_rare_events_reference.py::test_combined_p",
        "logit": "tests/golden/test_rare_events_reference.py::test_combined_p",
        "edgington": "tests/golden/test_rare_events_reference.py::test_combined_p",
    },
}
