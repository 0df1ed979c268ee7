"""Small-study effects and influence on other data sets than the gold cases', against numbers from R (metafor 3.8-1).

`other_data/bias.json` says how they were computed; the adapters of the gold cases are used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.meta.effect_sizes.two_by_two import from_cells, from_events
from pipeline.meta.small_study.choice import Evidence, asymmetry_test
from pipeline.meta.small_study.event_tests import arcsine_difference, rucker
from pipeline.meta.small_study.excess_significance import excess_significance
from pipeline.meta.small_study.rank_test import begg
from tests.golden.adapter import ADAPTERS
from tests.golden.check import compare

FILE = json.loads((Path(__file__).parent / "other_data" / "bias.json").read_text())
CASES = {c["name"]: c for c in FILE["cases"]}
BCG = json.loads((Path(__file__).parent / "cases" / "metabias_Harbord_bcg.json").read_text())["input"]
NIELWEISE2007 = from_events(
    [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
    [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
    [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
    [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69],
)


def run(case: dict[str, Any]) -> dict[str, Any]:
    got = ADAPTERS[case["fn"]](FILE["data"][case["data"]] | case["input"] | {"threshold": 1e-13})
    if case["name"].startswith("dfbs"):  # the adapter adds two columns that gold cases of this kind carry
        got["dfbs"] = [row[:-2] for row in got["dfbs"]]
    return got


@pytest.mark.parametrize("name", CASES)
def test_reference(name: str) -> None:
    case = CASES[name] | {"tol": 1e-8}
    wrong, _ = compare(case, run(case))
    assert not wrong, wrong[:5]


def test_excess_significance() -> None:
    """tes(yi, vi, test="exact") on dat.molloy2014."""
    case = CASES["tes molloy two.sided greater exact 0"]
    data = FILE["data"]["molloy"]
    t = excess_significance(data["yi"], data["vi"])
    assert t.p_exact == pytest.approx(case["output"]["pval_exact"][0], rel=1e-9)
    assert float(t.E) == pytest.approx(case["output"]["E"][0], rel=1e-10)


def test_arcsine() -> None:
    """escalc(measure="AS"): regtest(model="lm"), regtest of rma(method="DL", test="t"), ranktest(exact=FALSE)."""
    t = rucker(NIELWEISE2007)
    assert (t.statistic, t.df, t.p, t.limit) == pytest.approx(
        (-1.278288483998953, 16, 0.2193808838872657, 0.01495334486925305), rel=1e-12
    )
    t = rucker(NIELWEISE2007, random=True)
    assert (t.statistic, t.df, t.p, t.limit) == pytest.approx(
        (-1.154495794765324, 16, 0.265249697552253, -0.000608685214969297), rel=1e-10
    )
    r = begg(*arcsine_difference(NIELWEISE2007))
    assert (r.tau, r.z_p) == pytest.approx((-0.2026143790849673, 0.2403114302992914), rel=1e-12)
    bcg = from_events(BCG["ai"], BCG["n1i"], BCG["ci"], BCG["n2i"])
    yi, vi = arcsine_difference(bcg)
    t = asymmetry_test("AS", Evidence(yi, vi, table=bcg))
    assert (t.statistic, t.p) == pytest.approx((-2.711967066631911, 0.02021967797174278), rel=1e-12)


@pytest.mark.parametrize(
    ("data", "printed"),
    [("bangert", 0.221928621685), ("egger2001", -0.766589879881), ("hackshaw", 0.218889231609)],
)
def test_fail_safe_mean_at_the_maximum(data: str, printed: float) -> None:
    """rma(yi, vi) with control=list(threshold=1e-13); the gold cases hold the mean of the default threshold."""
    case = json.loads((Path(__file__).parent / "cases" / f"fsn_General_{data}.json").read_text())
    found = ADAPTERS["fsn"](case["input"] | {"threshold": 1e-13})
    assert found["meanes"] == pytest.approx(printed, abs=1e-12)
    assert found["fsnum"] == case["output"]["fsnum"]
    assert abs(case["output"]["meanes"] / printed - 1) > 5e-7


def test_conditional_mean_and_variance_of_a_table() -> None:
    """BiasedUrn and scipy give the same moments of Fisher's non-central hypergeometric distribution."""
    from scipy.stats import nchypergeom_fisher

    from pipeline.meta.small_study.rank_test import conditional_moments

    t = from_cells([4, 0, 30], [119, 22, 5], [11, 1, 28], [128, 20, 9])
    mean, variance = conditional_moments(t, 0.6)
    for i in range(3):
        n, events, n1 = (int(x[i]) for x in (t.n1i + t.n2i, t.ai + t.ci, t.n1i))
        law = nchypergeom_fisher(n, events, n1, 0.6)
        assert (mean[i], variance[i]) == pytest.approx((law.mean(), law.var()), rel=1e-10)
    assert np.all(variance > 0)
