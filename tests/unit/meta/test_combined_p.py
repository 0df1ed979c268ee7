"""Combined p values: limits, batches, bad input."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.combined_p import P_COMBINATIONS, combine_p


@pytest.mark.parametrize("method", [m for m in P_COMBINATIONS if m != "logit"])
def test_one_p_value_stands(method: str) -> None:
    assert combine_p([0.03], method=method).p == pytest.approx(0.03, rel=1e-12)


@pytest.mark.parametrize("method", P_COMBINATIONS)
def test_batch_is_a_loop(method: str) -> None:
    p = np.random.default_rng(2).random((5, 6))
    mask = np.random.default_rng(3).random((5, 6)) < 0.7
    mask[:, 0] = True
    batch = combine_p(np.where(mask, p, np.nan), method=method, mask=mask)
    for i, on in enumerate(mask):
        one = combine_p(p[i, on], method=method)
        assert [batch.statistic[i], batch.p[i]] == pytest.approx([one.statistic, one.p], rel=1e-12)
        assert batch.k[i] == one.k


@pytest.mark.parametrize(
    ("method", "other"),
    [("fisher", "fisher"), ("pearson", "pearson"), ("logit", "mudholkar_george"), ("tippett", "tippett")],
)
def test_against_scipy(method: str, other: str) -> None:
    p = np.random.default_rng(8).random(9)
    assert combine_p(p, method=method).p == pytest.approx(stats.combine_pvalues(p, method=other).pvalue, rel=1e-10)


@pytest.mark.parametrize("method", P_COMBINATIONS)
def test_uniform_under_the_null(method: str) -> None:
    p = combine_p(np.random.default_rng(1).random((4000, 5)), method=method).p
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_very_small_p_values_lose_no_digit() -> None:
    assert combine_p([1e-200, 1e-180], method="tippett").p == pytest.approx(2e-200, rel=1e-12)
    assert combine_p([1e-30, 1e-40], method="stouffer").p < 1e-65


def test_bad_input() -> None:
    with pytest.raises(InvalidInput, match=r"p\[1\]"):
        combine_p([0.1, 1.2])
    with pytest.raises(InvalidInput, match="finite"):
        combine_p([0.1, np.nan])
    with pytest.raises(InvalidInput, match="no p value"):
        combine_p([])
    with pytest.raises(InvalidInput, match="method"):
        combine_p([0.1], method="best")
    with pytest.raises(InvalidInput, match="only stouffer"):
        combine_p([0.1, 0.2], weights=[1, 2])
    with pytest.raises(InvalidInput, match="both 0 and 1"):
        combine_p([0, 1], method="stouffer")
