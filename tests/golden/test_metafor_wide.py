"""Our fits against rma() of metafor 3.8 on 15 data sets: every estimator, test, formula and weighting in turn.

The numbers are in `metafor_3_8/rma_uni.json`, made with the control settings that it names.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.meta.moderators.design import design
from pipeline.meta.pooling.meta_regression import meta_regression
from tests.golden.adapter import ADAPTERS
from tests.golden.check import compare

PINNED = json.loads((Path(__file__).parent / "metafor_3_8" / "rma_uni.json").read_text())
FITS = PINNED["fits"]
DATA = PINNED["data"]
MODELS = sorted({(f["data"], f["formula"]) for f in FITS})


def case_of(fit: dict[str, Any]) -> dict[str, Any]:
    data = DATA[fit["data"]]
    case = {"yi": data["yi"], "vi": data["vi"], **{k: fit[k] for k in ("method", "test", "level")}}
    if fit["formula"]:
        case |= {"formula": fit["formula"], "mods": {k: v for k, v in data.items() if k not in ("yi", "vi", "source")}}
    if fit.get("weights"):
        case["weights"] = [1 / (v + 0.05) for v in data["vi"]]
    if fit.get("weighted") is False:
        case["weighted"] = False
    return case


def compared(fit: dict[str, Any], got: dict[str, Any]) -> list[Any]:
    """Values that disagree. Not compared: R2 where metafor 3.8 means something else.

    It says 0 where there is no heterogeneity to explain (ours is NaN: nothing was tried), and takes ordinary least
    squares for the R2 of an unweighted common-effect model.
    """
    gold = dict(fit["out"])
    nothing_to_explain = gold.get("R2") == 0 and math.isnan(float(got.get("R2", 0.0)))
    if nothing_to_explain or (fit["method"] == "EE" and fit.get("weighted") is False):
        gold.pop("R2", None)
    return compare({"output": gold, "tol": 1e-8, "tol_keys": {"R2": 1e-6}}, got)[0]


@pytest.mark.parametrize(("data", "formula"), MODELS)
def test_against_metafor(data: str, formula: str) -> None:
    mine = [f for f in FITS if (f["data"], f["formula"]) == (data, formula)]
    assert len(mine) == 14
    for fit in mine:
        if fit["method"] == "GENQ" and formula:
            continue
        wrong = compared(fit, ADAPTERS["rma_uni"](case_of(fit)))
        assert not wrong, (fit["method"], fit["test"], wrong[:3])


@pytest.mark.parametrize("fit", [f for f in FITS if f["method"] == "GENQ" and f["formula"]])
def test_generalised_q_with_moderators(fit: dict[str, Any]) -> None:
    case = case_of(fit)
    x = design(case["formula"], case["mods"]).x
    interval = {"z": "wald", "knha": "hk", "adhoc": "hk_floored", "t": "t"}[case["test"]]
    m = meta_regression(
        case["yi"], case["vi"], x, estimator="GENQ", interval=interval, weights=case["weights"], level=case["level"]
    )
    got = {"beta": m.beta, "se": m.se, "ci_lb": m.ci_lb, "pval": m.p, "tau2": m.tau2, "se_tau2": m.tau2_se}
    got |= {"I2": m.I2, "H2": m.H2, "QE": m.Q, "QM": m.QM, "QMp": m.QM_p, "s2w": m.scale, "logLik_ML": m.ml.log_lik}
    gold = {k: v for k, v in fit["out"].items() if k in got}
    assert set(gold) == set(got)
    wrong, _ = compare({"output": gold, "tol": 1e-8}, got)
    assert not wrong, wrong[:3]


def test_the_comparison_sees_a_wrong_number() -> None:
    fit = next(f for f in FITS if f["method"] == "REML" and f["formula"])
    got = ADAPTERS["rma_uni"](case_of(fit))
    assert not compared(fit, got)
    assert [w.path for w in compared(fit, got | {"tau2": got["tau2"] * (1 + 1e-6)})] == ["tau2"]


def test_redundant_columns_are_dropped_as_metafor_drops_them() -> None:
    d = DATA["mcdaniel1994"]
    made = design("~ type*struct", {"type": d["type"], "struct": d["struct"]}, drop_redundant=True)
    assert made.dropped == ("typep:structu", "types:structu")
    m = meta_regression(d["yi"], d["vi"], made.x, interval="wald")
    metafor = [0.3078796064398834, -0.0869306002787594, 0.0260890767564746, -0.1027865127316209]
    np.testing.assert_allclose(m.beta, metafor, rtol=1e-9)
    np.testing.assert_allclose(m.tau2, 0.0349048332965011, rtol=1e-9)
