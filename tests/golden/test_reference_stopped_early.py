"""The mixed-effects regression tests are held to a looser tolerance: here is why that is the reference's doing."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.small_study.regression_tests import predictor
from tests.golden.test_gold import CASES

NAMES = [n for n in CASES if n.startswith("regtest_rma_")]


def score(tau2: float, y: np.ndarray, v: np.ndarray, x: np.ndarray) -> float:
    """Derivative of the restricted log-likelihood, relative to tr(P), with dense matrices (Harville 1977, eq. 3)."""
    w = np.diag(1 / (v + tau2))
    p = w - w @ x @ np.linalg.solve(x.T @ w @ x, x.T @ w)
    return float((y @ p @ p @ y - np.trace(p)) / np.trace(p))


@pytest.mark.parametrize("name", NAMES)
def test_score_is_zero_at_our_tau2(name: str) -> None:
    case = json.loads(CASES[name].read_text())["input"]
    y, v = np.array(case["yi"]), np.array(case["vi"])
    size = predictor(case["predictor"], v, case["ni"])
    x = np.column_stack([np.ones(len(y)), size / size.std()])
    tau2 = float(meta_regression(y, v, x).tau2)
    if tau2 == 0:
        assert score(0, y, v, x) <= 0
    else:
        assert abs(score(tau2, y, v, x)) < 1e-11
        assert score(tau2 * (1 - 1e-6), y, v, x) > 0 > score(tau2 * (1 + 1e-6), y, v, x)
