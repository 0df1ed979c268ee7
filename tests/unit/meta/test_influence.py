"""Influence: limits, hard cases, batches."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.influence.baujat import Baujat, baujat
from pipeline.meta.influence.cumulative import cumulative, cumulative_regression
from pipeline.meta.influence.diagnostics import Influence, influence
from pipeline.meta.influence.leave_one_out import leave_one_out, leave_one_out_regression
from pipeline.meta.influence.residuals import BestPredictions, Residuals, best_predictions, residuals
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.random_effects import common_effect, random_effects

B, K = 3, 9
RNG = np.random.default_rng(11)
VI = RNG.uniform(0.01, 0.3, (B, K))
YI = RNG.normal(0.3, np.sqrt(VI + 0.05))
X = np.column_stack([np.ones(K), np.arange(K)])
MASK = np.ones((B, K), dtype=bool)
MASK[1, 2] = MASK[2, [0, 5]] = False


@pytest.mark.parametrize("design", [None, X])
@pytest.mark.parametrize(
    ("function", "answer"),
    [(influence, Influence), (residuals, Residuals), (best_predictions, BestPredictions), (baujat, Baujat)],
)
def test_batch_is_a_loop(function: object, answer: type, design: np.ndarray | None) -> None:
    batch = function(YI, VI, design, mask=MASK)
    for i in range(B):
        on = MASK[i]
        one = function(YI[i][on], VI[i][on], None if design is None else design[on])
        for field in answer.__dataclass_fields__:
            got = np.asarray(getattr(batch, field)[i], dtype=float)
            assert got[on] == pytest.approx(np.asarray(getattr(one, field), dtype=float), rel=1e-9, abs=1e-11)
            assert np.isnan(got[~on]).all() or field == "is_infl"


class TestLeaveOneOut:
    @pytest.mark.parametrize("interval", ["wald", "hk"])
    @pytest.mark.parametrize("estimator", ["REML", "PM", "EE"])
    def test_regression_is_a_loop(self, estimator: str, interval: str) -> None:
        batch = leave_one_out_regression(YI[0], VI[0], X, estimator=estimator, interval=interval)
        for i in range(K):
            rest = np.arange(K) != i
            one = meta_regression(YI[0][rest], VI[0][rest], X[rest], estimator=estimator, interval=interval)
            assert batch.beta[i] == pytest.approx(one.beta, rel=1e-9)
            assert (batch.tau2[i], batch.QM_p[i]) == pytest.approx((one.tau2, one.QM_p), rel=1e-8, abs=1e-12)

    def test_masked_batch(self) -> None:
        batch = leave_one_out(YI, VI, mask=MASK)
        assert batch.estimate.shape == (B, K)
        whole = random_effects(YI, VI, mask=MASK)
        assert batch.estimate[1, 2] == pytest.approx(whole.estimate[1])
        rest = MASK[2] & (np.arange(K) != 4)
        assert batch.estimate[2, 4] == pytest.approx(random_effects(YI[2][rest], VI[2][rest]).estimate)

    def test_two_studies(self) -> None:
        assert leave_one_out([0.1, 0.5], [0.1, 0.2]).estimate.tolist() == pytest.approx([0.5, 0.1])

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2 studies"):
            leave_one_out([0.1], [0.1])
        with pytest.raises(InvalidInput, match="at least 3 studies"):
            leave_one_out_regression([0.1, 0.2], [0.1, 0.2], [[1, 0], [1, 1]])
        one = np.column_stack([np.ones(K), np.arange(K) == 3])
        with pytest.raises(InvalidInput, match=r"without study \[3\]"):
            leave_one_out_regression(YI[0], VI[0], one)


class TestCumulative:
    def test_last_is_all(self) -> None:
        order = RNG.permutation(K)
        steps = cumulative(YI[0], VI[0], order)
        assert steps.estimate[-1] == pytest.approx(random_effects(YI[0], VI[0]).estimate)
        assert steps.estimate[0] == pytest.approx(YI[0][order[0]]) and steps.tau2[0] == 0

    def test_regression_is_a_loop(self) -> None:
        order = RNG.permutation(K)
        steps = cumulative_regression(YI[0], VI[0], X, order, first=4)
        assert len(steps.tau2) == K - 3
        for j in range(K - 3):
            at = order[: 4 + j]
            assert steps.beta[j] == pytest.approx(meta_regression(YI[0][at], VI[0][at], X[at]).beta, rel=1e-9)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="once"):
            cumulative(YI[0], VI[0], [0, 0, 1])
        with pytest.raises(InvalidInput, match="first must be between"):
            cumulative_regression(YI[0], VI[0], X, first=1)


class TestDiagnostics:
    def test_an_outlier_is_found(self) -> None:
        y = np.array([0.1, 0.2, 0.15, 0.12, 0.18, 2.5])
        d = influence(y, [0.02] * 6)
        assert d.is_infl.tolist() == [False] * 5 + [True]
        assert d.rstudent[5] > 3 and d.cov_r[5] < 1

    def test_shares_add_up(self) -> None:
        d = influence(YI[0], VI[0], X)
        assert (d.hat.sum(), d.weight.sum()) == pytest.approx((2, 100))

    def test_identical_studies(self) -> None:
        d = influence([0.3] * 5, [0.1] * 5)
        for field in ("rstudent", "dffits", "cook_d", "tau2_del"):
            assert getattr(d, field) == pytest.approx(np.zeros(5), abs=1e-12)
        assert not d.is_infl.any()

    def test_two_studies(self) -> None:
        d = influence([0.1, 0.9], [0.1, 0.2], estimator="EE")
        assert d.rstudent == pytest.approx([-0.8 / np.sqrt(0.3), 0.8 / np.sqrt(0.3)])

    def test_a_study_that_alone_carries_a_coefficient(self) -> None:
        one = np.column_stack([np.ones(K), np.arange(K) == 3])
        d, r, b = influence(YI[0], VI[0], one), residuals(YI[0], VI[0], one), baujat(YI[0], VI[0], one)
        assert np.isnan([d.rstudent[3], d.cook_d[3], r.deleted[3], b.y[3]]).all()
        assert d.is_infl[3] and d.hat[3] == pytest.approx(1) and r.standardised[3] == 0
        assert np.isfinite(np.delete(d.cook_d, 3)).all()

    def test_variances_far_apart(self) -> None:
        d = influence([0.1, 0.2, 0.3, 0.4], [1e-8, 1e-4, 1.0, 1e4], estimator="EE")
        assert np.isfinite(d.cook_d).all() and d.hat[0] == pytest.approx(1, abs=2e-4)

    def test_one_study(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2 studies"):
            influence([0.1], [0.1])


def test_pearson_residuals_make_q() -> None:
    r = residuals(YI[0], VI[0], estimator="EE")
    assert np.sum(r.pearson**2) == pytest.approx(common_effect(YI[0], VI[0]).Q)
    assert baujat(YI[0], VI[0]).x == pytest.approx(r.pearson**2)


def test_best_predictions_shrink() -> None:
    b = best_predictions(YI[0], VI[0])
    mean = random_effects(YI[0], VI[0]).estimate
    assert (np.abs(b.estimate - mean) <= np.abs(YI[0] - mean)).all()
    none = best_predictions([0.3] * 4, [0.1] * 4)
    assert none.estimate == pytest.approx([0.3] * 4) and none.se == pytest.approx([np.sqrt(0.1 / 4)] * 4)


@pytest.mark.parametrize("order", [5, "abc", [0.5, 1, 2], [[0, 1, 2]], [0, 1, 1], ["0", "1", "2"]])
def test_orders_that_are_none(order: object) -> None:
    y, v = [0.1, 0.2, 0.5], [0.1, 0.2, 0.1]
    with pytest.raises(InvalidInput, match="order must hold"):
        cumulative(y, v, order)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="order must hold"):
        cumulative_regression(y, v, np.ones((3, 1)), order)  # type: ignore[arg-type]


def test_first_is_a_number_of_studies() -> None:
    with pytest.raises(InvalidInput, match="first must be a int"):
        cumulative_regression([0.1, 0.2, 0.5], [0.1, 0.2, 0.1], np.ones((3, 1)), first="two")  # type: ignore[arg-type]


def test_effects_that_are_alike_without_each_study() -> None:
    m = leave_one_out_regression([0.0] * 6, [0.1] * 6, np.column_stack([np.ones(6), np.arange(6.0)]), interval="hk")
    assert np.isnan(m.QM).all()
    assert (m.se == 0).all()


@pytest.mark.filterwarnings("error")
def test_identical_effects_have_no_hartung_knapp_diagnostics() -> None:
    d = influence([0.0] * 6, [0.1] * 6, np.column_stack([np.ones(6), np.arange(6.0)]), interval="hk")
    assert np.isnan(d.cook_d).all()
    assert np.isnan(d.cov_r).all()
    assert not d.is_infl[1:5].any()
    assert np.isnan(residuals([0.0] * 6, [0.1] * 6, interval="hk").studentised).all()
