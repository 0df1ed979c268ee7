"""Effects that are not independent: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.dependence import aggregation, clusters, covariance

Case = dict[str, Any]


def aggregate_dependent(case: Case) -> Case:
    struct = case.get("struct", "CS")
    by: Case = {"rho": 0.0 if struct == "ID" else case.get("rho")}
    if "V" in case:
        by = {"covariance": case["V"]}
    elif struct in ("CAR", "CS*CAR"):
        rows = {"obs": case["obs"], "rho": case["rho"]} if struct == "CS*CAR" else {}
        by = {
            "covariance": covariance.sampling_covariance(
                case["vi"], case["cluster"], time1=case["time"], phi=case["phi"], **rows
            )
        }
    elif struct not in ("ID", "CS"):
        raise NotImplementedError(struct)
    weighted = case.get("weighted", True)
    a = aggregation.aggregate_dependent(case["yi"], case["vi"], case["cluster"], weighted=weighted, **by)
    return {"cluster": list(a.cluster), "yi": a.yi, "vi": a.vi, "ki": a.ki}


def cluster_design_effect(case: Case) -> Case:
    deff = clusters.design_effect(case["m"], case["icc"], cv=case.get("cv", 0.0))
    out = {"deff": deff, "n_eff": clusters.effective_sample_size(case["n"], deff)}
    if "events" in case:
        out["events_eff"] = clusters.effective_sample_size(case["events"], deff)
        out["se_adj"] = clusters.inflated_se(case["se"], deff)
    return out


ADAPTERS: dict[str, Callable[[Case], Case]] = {
    f.__name__: f
    for f in (
        aggregate_dependent,
        cluster_design_effect,
    )
}

# the outside number behind each row of each table: a case, or a test as FILE::TEST
NUMBERS: dict[str, dict[str, str]] = {}
