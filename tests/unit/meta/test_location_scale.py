"""Location-scale models: limits in which they are something else, edges, batches, errors."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.moderators.location_scale import location_scale
from pipeline.meta.moderators.scale_likelihood import LINKS
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.random_effects import random_effects

RNG = np.random.default_rng(11)
K = 24
X = np.column_stack([np.ones(K), RNG.normal(size=K)])
Z = np.column_stack([np.ones(K), np.arange(K) % 2])
V = RNG.uniform(0.02, 0.3, K)
Y = RNG.normal(0.3, np.sqrt(V + np.where(Z[:, 1] == 1, 1.0, 0.4)))


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_one_scale_coefficient_is_the_mixed_effects_model(link: str, estimator: str) -> None:
    m = location_scale(Y, V, X, link=link, estimator=estimator, interval="hk")
    plain = meta_regression(Y, V, X, estimator=estimator, interval="hk")
    fit = plain.reml if estimator == "REML" else plain.ml
    np.testing.assert_allclose(m.tau2, plain.tau2, rtol=1e-8)
    np.testing.assert_allclose(m.beta, plain.beta, rtol=1e-8)
    np.testing.assert_allclose(m.se, plain.se, rtol=1e-8)
    assert (m.log_lik, m.AICc, m.BIC) == (
        pytest.approx(fit.log_lik), pytest.approx(fit.AICc), pytest.approx(fit.BIC),
    )  # fmt: skip
    assert m.QM.statistic == pytest.approx(plain.QM) and np.isnan(m.QS.statistic)


@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_groups_of_their_own_are_separate_models(estimator: str) -> None:
    groups = np.column_stack([Z[:, 1] == 0, Z[:, 1] == 1]).astype(float)
    m = location_scale(Y, V, groups, groups, estimator=estimator)
    apart = random_effects(Y, V, estimator=estimator, interval="wald", mask=groups.T == 1)
    np.testing.assert_allclose(np.exp(m.alpha), apart.tau2, rtol=1e-7)
    np.testing.assert_allclose(m.beta, apart.estimate, rtol=1e-7)


@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_links_agree_where_the_scale_is_saturated(estimator: str) -> None:
    log, identity = (location_scale(Y, V, X, Z, link=link, estimator=estimator) for link in ("log", "identity"))
    assert log.converged and identity.converged and not log.on_edge and not identity.on_edge
    np.testing.assert_allclose(log.tau2, identity.tau2, rtol=1e-7)
    assert log.log_lik == pytest.approx(identity.log_lik, rel=1e-13)


@pytest.mark.parametrize("link", LINKS)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_no_neighbour_is_more_likely(link: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z = np.column_stack([np.ones(K), rng.uniform(0, 1, K)])
    y = rng.normal(0, np.sqrt(V + 0.1 + z[:, 1]))
    m = location_scale(y, V, X, z, link=link)
    if m.on_edge:
        return
    assert m.converged
    for step in np.vstack([np.eye(2), -np.eye(2)]) * 1e-3 * np.abs(m.alpha):
        tau2 = LINKS[link].variance(z @ (m.alpha + step))
        assert dense_reml(y, X, V + tau2) < m.log_lik
    assert dense_reml(y, X, V + m.tau2) == pytest.approx(m.log_lik, rel=1e-10)


def dense_reml(y: np.ndarray, x: np.ndarray, total: np.ndarray) -> float:
    """Restricted log-likelihood from full matrices (Harville 1977)."""
    inverse = np.diag(1 / total)
    information = x.T @ inverse @ x
    r = y - x @ np.linalg.solve(information, x.T @ inverse @ y)
    logs = np.linalg.slogdet(information)[1] - np.linalg.slogdet(x.T @ x)[1] + np.log(total).sum()
    return float(-0.5 * (logs + r @ inverse @ r + (len(y) - x.shape[1]) * np.log(2 * np.pi)))


class TestEdge:
    def test_identical_studies(self) -> None:
        log = location_scale([0.1] * 6, [0.1] * 6)
        assert log.on_edge and not log.converged and log.tau2.max() < 1e-10 and np.isnan(log.se_alpha).all()
        identity = location_scale([0.1] * 6, [0.1] * 6, link="identity")
        assert identity.on_edge and identity.converged and identity.tau2.tolist() == [0] * 6

    def test_a_group_without_heterogeneity(self) -> None:
        y = np.where(Z[:, 1] == 0, 0.2, Y)
        log, identity = (location_scale(y, V, None, Z, link=link) for link in ("log", "identity"))
        assert log.on_edge and identity.on_edge and identity.converged
        assert identity.tau2[0] == 0 and identity.tau2[1] == pytest.approx(log.tau2[1], rel=1e-6)
        assert identity.log_lik == pytest.approx(log.log_lik, rel=1e-9)
        assert np.isnan(identity.se_alpha).all() and np.isnan(identity.QS.p)

    @pytest.mark.parametrize("link", LINKS)
    def test_variances_twelve_orders_apart(self, link: str) -> None:
        v = np.array([1e-12, 1, 0.5, 1e-3, 2, 0.1])
        m = location_scale([0.1, 0.5, -0.4, 0.3, 1, 0], v, None, Z[:6], link=link)
        assert np.isfinite(m.beta).all() and np.isfinite(m.log_lik) and m.on_edge

    def test_edge_beats_every_point_inside(self) -> None:
        z = np.column_stack([np.ones(K), np.linspace(0, 1, K)])
        y = np.where(np.arange(K) < 8, 0.3, Y)
        m = location_scale(y, V, X, z, link="identity")
        assert m.on_edge and m.converged and m.tau2.min() == 0
        lines = [(a, b) for a in np.linspace(0, 0.6, 13) for b in np.linspace(-0.6, 1.2, 37) if a >= 0 and a + b >= 0]
        assert max(dense_reml(y, X, V + z @ np.array(line)) for line in lines) <= m.log_lik + 1e-12


@pytest.mark.parametrize("link", LINKS)
def test_batch_equals_loop(link: str) -> None:
    y = np.stack([Y, Y[::-1], Y * 1.5, np.where(Z[:, 1] == 0, 0.2, Y)])
    m = location_scale(y, V, X, Z, link=link)
    for i in range(4):
        one = location_scale(y[i], V, X, Z, link=link)
        np.testing.assert_allclose(m.beta[i], one.beta, rtol=1e-12)
        np.testing.assert_allclose(m.alpha[i], one.alpha, rtol=1e-9, atol=1e-12)
        assert m.log_lik[i] == pytest.approx(one.log_lik, rel=1e-12)


@pytest.mark.parametrize("link", LINKS)
def test_masked_study_takes_no_part(link: str) -> None:
    on = np.arange(K) != 5
    y = np.where(on, Y, np.nan)
    m = location_scale(y, V, X, Z, link=link, mask=on)
    less = location_scale(Y[on], V[on], X[on], Z[on], link=link)
    np.testing.assert_allclose(m.alpha, less.alpha, rtol=1e-8)
    assert m.log_lik == pytest.approx(less.log_lik, rel=1e-12) and m.k == K - 1 and m.tau2[5] == 0


class TestErrors:
    def test_unknown_names(self) -> None:
        with pytest.raises(InvalidInput, match="choose from log, identity"):
            location_scale(Y, V, link="sqrt")
        with pytest.raises(InvalidInput, match="REML or ML"):
            location_scale(Y, V, estimator="DL")
        with pytest.raises(InvalidInput, match="hk_floored"):
            location_scale(Y, V, interval="knha")

    def test_scale_design(self) -> None:
        with pytest.raises(InvalidInput, match="scale design must be finite"):
            location_scale(Y, V, scale_design=Z[:-1])
        with pytest.raises(InvalidInput, match="combination of the columns before"):
            location_scale(Y, V, scale_design=np.column_stack([Z, Z[:, 1]]))
        with pytest.raises(InvalidInput, match="allow one tau2 for all"):
            location_scale(Y, V, scale_design=np.arange(K)[:, None] - 3.5, link="identity")

    @pytest.mark.parametrize("k", [1, 2])
    def test_too_few_studies(self, k: int) -> None:
        with pytest.raises(InvalidInput, match="cannot carry"):
            location_scale(Y[:k], V[:k], scale_design=Z[:k])


def test_scale_designs_that_do_not_fit() -> None:
    with pytest.raises(InvalidInput, match="q > 0"):
        location_scale(Y, V, X, np.ones((K, 0)))
    with pytest.raises(InvalidInput, match="rows of a batch"):
        location_scale(Y, V, X, np.stack([Z, Z]))
    with pytest.raises(InvalidInput, match="do not fit"):
        location_scale(np.stack([Y, Y, Y]), V, X, np.stack([Z, Z]))


def test_identical_effects_have_no_omnibus_test() -> None:
    m = location_scale(np.zeros(K), V, X, Z, interval="hk")
    assert np.isnan([m.QM.statistic, m.QM.p]).all()
