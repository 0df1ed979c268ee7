"""What must hold for any set of studies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipeline.meta.influence.leave_one_out import leave_one_out
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.likelihood import log_likelihood_ml, log_likelihood_reml
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import Pooled, common_effect, random_effects
from pipeline.meta.pooling.studies import studies
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS

ESTIMATORS = sorted(set(TAU2_ESTIMATORS) - {"EE", "GENQ", "GENQM"})  # those need weights
FEW = settings(max_examples=25, deadline=None, derandomize=True)


@st.composite
def sets(draw: st.DrawFn, fewest: int = 2) -> tuple[np.ndarray, np.ndarray]:
    k = draw(st.integers(fewest, 12))
    yi = draw(hnp.arrays(float, k, elements=st.floats(-3, 3).map(lambda x: round(x, 6))))
    vi = draw(hnp.arrays(float, k, elements=st.floats(1e-3, 4)))
    return yi, vi


def numbers(p: Pooled) -> np.ndarray:
    return np.array([p.estimate, p.se, p.ci_lb, p.ci_ub, p.tau2, p.I2, p.H2, p.Q])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@FEW
@given(data=sets(), seed=st.integers(0, 99))
def test_order_of_studies_does_not_matter(estimator: str, data: tuple[np.ndarray, np.ndarray], seed: int) -> None:
    yi, vi = data
    order = np.random.default_rng(seed).permutation(len(yi))
    a, b = (numbers(random_effects(y, v, estimator=estimator)) for y, v in ((yi, vi), (yi[order], vi[order])))
    assert b == pytest.approx(a, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("interval", INTERVALS)
@FEW
@given(data=sets())
def test_sign_and_scale(interval: str, data: tuple[np.ndarray, np.ndarray]) -> None:
    yi, vi = data
    a = random_effects(yi, vi, interval=interval)
    b = random_effects(-4 * yi, 16 * vi, interval=interval)
    assert [b.estimate, b.se, b.ci_lb, b.ci_ub, b.tau2] == pytest.approx(
        [-4 * a.estimate, 4 * a.se, -4 * a.ci_ub, -4 * a.ci_lb, 16 * a.tau2], rel=1e-7, abs=1e-9
    )
    assert float(b.I2) == pytest.approx(a.I2, rel=1e-7, abs=1e-7)


@pytest.mark.parametrize("estimator", ESTIMATORS)
@FEW
@given(data=sets(), shift=st.floats(-5, 5))
def test_shift_moves_only_the_estimate(estimator: str, data: tuple[np.ndarray, np.ndarray], shift: float) -> None:
    yi, vi = data
    a, b = random_effects(yi, vi, estimator=estimator), random_effects(yi + shift, vi, estimator=estimator)
    assert b.estimate == pytest.approx(a.estimate + shift, abs=1e-7)
    assert [b.tau2, b.se] == pytest.approx([a.tau2, a.se], rel=1e-6, abs=1e-7)


@FEW
@given(data=sets())
def test_without_heterogeneity_it_is_the_common_effect(data: tuple[np.ndarray, np.ndarray]) -> None:
    _, vi = data
    yi = np.full_like(vi, 0.25)
    random, common = random_effects(yi, vi, interval="wald"), common_effect(yi, vi)
    assert random.tau2 == 0
    assert [random.estimate, random.se, random.ci_lb] == pytest.approx([common.estimate, common.se, common.ci_lb])


@pytest.mark.parametrize("estimator", ESTIMATORS)
@FEW
@given(yi=st.floats(-3, 3), vi=st.floats(1e-4, 10))
def test_one_study_is_returned_as_it_stands(estimator: str, yi: float, vi: float) -> None:
    p = random_effects([yi], [vi], estimator=estimator)
    half = 1.9599639845400545 * np.sqrt(vi)
    assert [p.estimate, p.se, p.ci_lb, p.ci_ub] == pytest.approx([yi, np.sqrt(vi), yi - half, yi + half], rel=1e-12)
    assert (p.tau2, p.k, p.converged, p.Q_df) == (0, 1, True, 0)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_a_batch_equals_a_loop(estimator: str) -> None:
    rng = np.random.default_rng(1999)
    yi, vi = rng.normal(0, 0.6, (40, 9)), rng.uniform(0.01, 0.5, (40, 9))
    mask = rng.uniform(size=(40, 9)) < 0.7
    mask[:, 0] = True
    batch = random_effects(np.where(mask, yi, np.nan), vi, estimator=estimator, mask=mask)
    for i in range(40):
        one = random_effects(yi[i, mask[i]], vi[i, mask[i]], estimator=estimator)
        row = np.array([x[i] for x in (batch.estimate, batch.se, batch.ci_lb, batch.ci_ub, batch.tau2, batch.I2)])
        alone = np.array([one.estimate, one.se, one.ci_lb, one.ci_ub, one.tau2, one.I2])
        assert row == pytest.approx(alone, rel=1e-12, abs=1e-12)
        assert batch.weights[i, mask[i]] == pytest.approx(one.weights, rel=1e-12)
        assert (batch.weights[i, ~mask[i]] == 0).all()


@FEW
@given(data=sets(fewest=3))
def test_leaving_one_out_equals_a_loop(data: tuple[np.ndarray, np.ndarray]) -> None:
    yi, vi = data
    batch = leave_one_out(yi, vi)
    loop = [numbers(random_effects(np.delete(yi, i), np.delete(vi, i))) for i in range(len(yi))]
    assert np.array(loop)[:, 0] == pytest.approx(batch.estimate, rel=1e-9, abs=1e-10)
    assert np.array(loop)[:, 4] == pytest.approx(batch.tau2, rel=1e-8, abs=1e-10)


@pytest.mark.parametrize("method", ["t_k1", "t_k2"])
@FEW
@given(data=sets())
def test_prediction_interval_holds_the_confidence_interval(method: str, data: tuple[np.ndarray, np.ndarray]) -> None:
    p = random_effects(*data)
    pi = prediction_interval(p.estimate, p.se, p.tau2, p.k, method=method)
    slack = 1e-9 * (1 + abs(p.ci_lb) + abs(p.ci_ub))
    assert pi.pi_lb <= p.ci_lb + slack
    assert pi.pi_ub >= p.ci_ub - slack


@FEW
@given(data=sets())
def test_without_heterogeneity_both_intervals_are_equal(data: tuple[np.ndarray, np.ndarray]) -> None:
    """With tau2 = 0 and the same standard error and degrees of freedom."""
    p = random_effects(0.25 + 1e-3 * np.sign(data[0]) * np.sqrt(data[1]), data[1])
    pi = prediction_interval(p.estimate, p.se, p.tau2, p.k)
    assert p.tau2 == 0
    assert [pi.pi_lb, pi.pi_ub] == pytest.approx([p.ci_lb, p.ci_ub], rel=1e-12)


@FEW
@given(data=sets())
def test_the_floor_never_narrows(data: tuple[np.ndarray, np.ndarray]) -> None:
    floored, plain, t = (random_effects(*data, interval=way) for way in ("hk_floored", "hk", "t"))
    assert floored.se == pytest.approx(max(plain.se, t.se), rel=1e-9)


@pytest.mark.parametrize(("estimator", "loglik"), [("REML", log_likelihood_reml), ("ML", log_likelihood_ml)])
@FEW
@given(data=sets(), ratio=st.floats(0, 3))
def test_no_other_tau2_is_more_likely(estimator, loglik, data, ratio) -> None:  # type: ignore[no-untyped-def]
    s = studies(*data)
    tau2, converged = TAU2_ESTIMATORS[estimator](s)
    assert converged
    for other in (0.0, ratio * float(tau2), ratio, 10 * ratio):
        assert loglik(s, np.asarray(other)) <= loglik(s, tau2) + 1e-8


def test_reml_converges_on_ten_thousand_ordinary_sets() -> None:
    rng = np.random.default_rng(50)
    k = rng.integers(2, 31, 10_000)
    mask = np.arange(30) < k[:, None]
    vi = np.exp(rng.normal(-2.5, 1.0, mask.shape))
    yi = rng.normal(0.2, np.sqrt(vi + rng.choice([0, 0.01, 0.1, 1], (10_000, 1))))
    tau2, converged = TAU2_ESTIMATORS["REML"](studies(yi, vi, mask=mask))
    assert converged.all()
    assert np.isfinite(tau2).all()
    assert (tau2 >= 0).all()
