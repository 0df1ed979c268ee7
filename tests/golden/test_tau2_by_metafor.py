"""Estimates of tau2 for dat.bcg (log risk ratios) as metafor 3.8 on R 4.2.2 prints them with options(digits = 16)."""

from __future__ import annotations

import json

import pytest

from pipeline.meta.pooling.meta_regression import meta_regression
from tests.golden.test_gold import CASES

BCG = json.loads(CASES["rma_bcg_REML_z"].read_text())["input"]


# rma(yi, vi, method = "GENQ", weights = 1 / (vi + tau2)), tau2 from method = "DL" and "HE"; tau2 and its standard error
@pytest.mark.parametrize(
    ("estimator", "tau2", "se"),
    [("DL2", 0.3179555661213229, 0.1744733971254223), ("HE2", 0.3181911882039428, 0.1751777260268118)],
)
def test_two_step(estimator: str, tau2: float, se: float) -> None:
    m = meta_regression(BCG["yi"], BCG["vi"], estimator=estimator)
    assert (m.tau2, m.tau2_se) == (pytest.approx(tau2, rel=1e-13), pytest.approx(se, rel=1e-13))


# rma(yi, vi, method = "ML") and method = "REML" at the default control settings
@pytest.mark.parametrize(("estimator", "tau2"), [("ML_FS", 0.280028171049595), ("REML_FS", 0.3132433259808949)])
def test_fisher_scoring_stops_where_metafor_does(estimator: str, tau2: float) -> None:
    m = meta_regression(BCG["yi"], BCG["vi"], estimator=estimator)
    exact = meta_regression(BCG["yi"], BCG["vi"], estimator=estimator.removesuffix("_FS"))
    assert m.tau2 == pytest.approx(tau2, rel=1e-13)
    assert 1e-9 < abs(m.tau2 - exact.tau2) < 1e-5
    likelihood = "ml" if estimator == "ML_FS" else "reml"
    assert getattr(exact, likelihood).log_lik > getattr(m, likelihood).log_lik
