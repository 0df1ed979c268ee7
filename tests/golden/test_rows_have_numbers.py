"""Each row of each table of methods names the outside number behind it, and that case passes."""

from __future__ import annotations

import json

import pytest

from pipeline.meta.effect_sizes import CORRECTIONS, MEASURES, VTYPES
from pipeline.meta.intervals import INTERVALS, PREDICTION
from pipeline.meta.small_study import PREDICTORS
from pipeline.meta.tau2 import TAU2_ESTIMATORS
from pipeline.meta.tau2_interval import TAU2_INTERVALS
from tests.golden.adapter import ADAPTERS
from tests.golden.check import compare
from tests.golden.test_gold import CASES

NUMBERS = {
    "MEASURES": {
        "SMD": "escalc_SMD_normand_LS",
        "MD": "escalc_MD_normand",
        "ROM": "escalc_ROM_curtis",
        "RR": "escalc_RR_bcg",
        "OR": "escalc_OR_bcg",
        "RD": "escalc_RD_bcg",
        "PETO": "escalc_PETO_bcg",
        "IRR": "escalc_IRR_nielweise2008",
    },
    "CORRECTIONS": {
        "exact": "escalc_SMD_tinyn",
        "approximate": "ipd_hedges_sleep",
        "none": "escalc_SMD_nocorrect_normand",
    },
    "VTYPES": {v: f"escalc_SMD_normand_{v}" for v in ("LS", "LS2", "UB", "AV")},
    "TAU2_ESTIMATORS": {
        e: f"rma_bcg_{e}_z"
        for e in ("REML", "ML", "DL", "PM", "PMM", "EB", "DLIT", "SJIT", "SJ", "HE", "HS", "HSk", "GENQ", "EE")
    },
    "INTERVALS": {
        "hk_floored": "rma_simtau0_REML_adhoc",  # here the floor is reached: plain q is 0.013
        "hk": "rma_bcg_REML_knha",
        "t": "rma_bcg_REML_t",
        "wald": "rma_bcg_REML_z",
    },
    "PREDICTION": {"t_k1": "rma_bcg_REML_knha", "t_k2": "predint_bcg", "normal": "rma_bcg_REML_z"},
    "TAU2_INTERVALS": {"QP": "confint_bcg", "PL": "confint_PL_bcg"},
    "PREDICTORS": {p: f"regtest_lm_{p}_bcg" for p in PREDICTORS},
}
TABLES = {
    "MEASURES": MEASURES,
    "CORRECTIONS": CORRECTIONS,
    "VTYPES": VTYPES,
    "TAU2_ESTIMATORS": TAU2_ESTIMATORS,
    "INTERVALS": INTERVALS,
    "PREDICTION": PREDICTION,
    "TAU2_INTERVALS": TAU2_INTERVALS,
    "PREDICTORS": PREDICTORS,
}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_names_a_case(table: str) -> None:
    assert set(NUMBERS[table]) == set(TABLES[table])


@pytest.mark.parametrize(("table", "row"), [(t, r) for t, rows in NUMBERS.items() for r in rows])
def test_the_case_passes(table: str, row: str) -> None:
    case = json.loads(CASES[NUMBERS[table][row]].read_text())
    wrong, _ = compare(case, ADAPTERS[case["fn"]](case["input"]))
    assert not wrong, wrong[:3]
