"""Published prediction intervals: cases to public functions and back. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipeline.meta.pooling.prediction import predict_new_study

Case = dict[str, Any]
METHOD = {"boot": "NNF"}


def pimeta(case: Case) -> Case:
    method = METHOD.get(case["method"], case["method"])
    if method in ("KR", "APX"):
        raise NotImplementedError(method)
    p = predict_new_study(case["yi"], case["vi"], method=method, level=case.get("level", 95))
    return {
        "mu": p.estimate, "tau2": p.tau2, "lci": p.ci_lb, "uci": p.ci_ub, "lpi": p.pi_lb, "upi": p.pi_ub, "nup": p.df,
    }  # fmt: skip


ADAPTERS: dict[str, Callable[[Case], Case]] = {"pimeta": pimeta}

NUMBERS: dict[str, dict[str, str]] = {
    "PREDICTION_METHODS": {
        "HTS": "pimeta_HTS_bcg",
        "CL": "pimeta_CL_bcg",
        "HK": "pimeta_HK_bcg",
        "SJ": "pimeta_SJ_bcg",
        "NNF": "pimeta_boot_bcg",
    },
    "LR_CORRECTIONS": {
        "none": "tests/golden/test_profile_likelihood.py::test_limits_by_another_program",
        "bartlett": "tests/golden/test_profile_likelihood.py::test_bartlett_of_a_normal_sample",
    },
}
