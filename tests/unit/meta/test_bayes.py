"""Bayesian random effects: limits, edges, errors, batches."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.bayes.posterior import Posterior
from pipeline.meta.bayes.priors import TAU_PRIORS, tau_prior
from pipeline.meta.bayes.random_effects import bayes_random_effects
from pipeline.meta.mixture import NormalMixture
from pipeline.meta.pooling.random_effects import common_effect

Y, V = [0.31, -0.12, 0.5, 0.2], [0.042, 0.078, 0.03, 0.1]
NUMERIC = [f.name for f in fields(Posterior) if f.name not in ("tau_prior", "mu_given_tau", "theta_given_tau")]


class TestLimits:
    def test_a_prior_at_zero_is_the_common_effect(self) -> None:
        post = bayes_random_effects(Y, V, tau=("halfnormal", 1e-7), mu=None)
        common = common_effect(Y, V)
        got = [post.mu_mean, post.mu_sd, post.mu_lb, post.mu_ub]
        np.testing.assert_allclose(got, [common.estimate, common.se, common.ci_lb, common.ci_ub], rtol=1e-9)

    def test_one_study_with_a_flat_mean_leaves_the_prior_of_tau(self) -> None:
        post = bayes_random_effects([0.3], [0.05], tau=("halfnormal", 0.5), mu=None)
        np.testing.assert_allclose(post.tau_mean, 0.5 * np.sqrt(2 / np.pi), rtol=1e-12)
        np.testing.assert_allclose(post.mu_sd, np.sqrt(0.05 + 0.25), rtol=1e-12)
        np.testing.assert_allclose(post.shrink_mean[0], 0.3, rtol=1e-12)

    def test_units_do_not_matter(self) -> None:
        a = bayes_random_effects(Y, V, tau=("halfcauchy", 0.5), mu=(0, 4))
        b = bayes_random_effects(np.multiply(Y, 1e5), np.multiply(V, 1e10), tau=("halfcauchy", 5e4), mu=(0, 4e5))
        for name in ("mu_lb", "mu_ub", "tau_median", "tau_ub", "theta_lb", "tau_mode"):
            np.testing.assert_allclose(getattr(b, name), 1e5 * getattr(a, name), rtol=1e-6)

    def test_half_t_with_one_df_is_half_cauchy(self) -> None:
        a, b = (bayes_random_effects(Y, V, tau=p).log_marginal for p in (("halft", 0.3, 1), ("halfcauchy", 0.3)))
        np.testing.assert_allclose(a, b, rtol=1e-12)

    def test_bayes_factors_tend_to_one_as_the_alternative_shrinks(self) -> None:
        post = bayes_random_effects(Y, V, tau=("halfnormal", 1e-6), mu=(0, 1e-6))
        np.testing.assert_allclose([post.bf_mu0, post.bf_tau0], 1, rtol=1e-6)

    def test_the_shortest_interval_is_not_longer_and_holds_as_much(self) -> None:
        a, b = (bayes_random_effects(Y, V, interval=i) for i in ("shortest", "central"))
        for x in ("mu", "theta"):
            assert getattr(a, f"{x}_ub") - getattr(a, f"{x}_lb") <= getattr(b, f"{x}_ub") - getattr(b, f"{x}_lb")
        held = a.p_mu_above(a.mu_lb) - a.p_mu_above(a.mu_ub)
        np.testing.assert_allclose(held, 0.95, rtol=1e-10)
        ends = a.mu_given_tau.density(np.array([a.mu_lb, a.mu_ub]))
        np.testing.assert_allclose(ends[0], ends[1], rtol=1e-7)

    def test_p_of_a_new_study_is_nearer_a_half(self) -> None:
        post = bayes_random_effects(Y, V)
        assert 0.5 < post.p_theta_above(0) < post.p_mu_above(0)
        np.testing.assert_allclose(post.p_mu_above(0), post.p_mu_gt0, rtol=1e-15)


class TestEdges:
    def test_tau_at_the_boundary(self) -> None:
        post = bayes_random_effects([0.2] * 5, [0.05] * 5, mu=None)
        assert post.tau_lb == 0
        assert post.tau_mode < 1e-6
        np.testing.assert_allclose(post.mu_mean, 0.2, rtol=1e-12)
        assert post.converged

    @pytest.mark.parametrize("prior", [("halfcauchy", 0.5), ("lognormal", -1.0, 0.8)])
    def test_variances_twelve_orders_apart(self, prior: tuple[str | float, ...]) -> None:
        post = bayes_random_effects([0.3, 0.1, -0.4, 0.2], [1e-13, 0.1, 0.2, 0.3], tau=prior)
        assert post.converged
        np.testing.assert_allclose(post.shrink_mean[0], 0.3, atol=1e-6)
        assert post.tau_lb < post.tau_median < post.tau_ub

    def test_moments_that_do_not_exist_are_not_numbers(self) -> None:
        post = bayes_random_effects([0.3], [0.05], tau=("halfcauchy", 0.5), mu=None)
        assert np.isinf(post.tau_mean)
        assert np.isinf(post.mu_sd)
        assert np.isnan(post.mu_mean)
        assert np.isfinite([post.mu_median, post.mu_lb, post.tau_ub]).all()

    def test_evidence_has_no_meaning_under_an_improper_prior(self) -> None:
        for options in ({"mu": None}, {"tau": ("flat",)}):
            post = bayes_random_effects(Y, V, **options)
            assert np.isnan([post.log_marginal, post.bf_mu0, post.bf_tau0]).all()


class TestErrors:
    @pytest.mark.parametrize(
        ("prior", "k", "needed"), [("flat", 2, 3), ("sqrt", 1, 2), ("jeffreys", 1, 2), ("berger_deely", 1, 2)]
    )
    def test_an_improper_posterior(self, prior: str, k: int, needed: int) -> None:
        with pytest.raises(InvalidInput, match=f"improper.*at least {needed} studies"):
            bayes_random_effects(Y[:k], V[:k], tau=(prior,), mu=None)
        assert bayes_random_effects(Y[:needed], V[:needed], tau=(prior,), mu=None).converged

    def test_i2_prior_of_one_study(self) -> None:
        with pytest.raises(InvalidInput, match="needs at least 2"):
            bayes_random_effects(Y[:1], V[:1], tau=("I2",))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"tau": ("cauchy", 1)}, "not known"),
            ({"tau": "flat"}, "name of a prior"),
            ({"tau": ("halfnormal",)}, "takes 1 parameters"),
            ({"tau": ("halfnormal", 0)}, "must be > 0"),
            ({"tau": ("halfnormal", np.nan)}, "must be finite"),
            ({"mu": (0, 0)}, "mu sd"),
            ({"interval": "equal"}, "not known"),
            ({"level": 100}, "level"),
        ],
    )
    def test_options(self, options: dict[str, object], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            bayes_random_effects(Y, V, **options)

    def test_data(self) -> None:
        for y, v in (([], []), ([1.0], [0.0]), ([np.nan], [1.0]), ([1, 2], [1])):
            with pytest.raises(InvalidInput):
                bayes_random_effects(y, v)


def test_leave_one_out_in_one_call_is_the_loop() -> None:
    k = len(Y)
    every = bayes_random_effects(np.broadcast_to(Y, (k, k)), V, mask=~np.eye(k, dtype=bool))
    for i in range(k):
        keep = [j for j in range(k) if j != i]
        one = bayes_random_effects(np.take(Y, keep), np.take(V, keep))
        for name in NUMERIC:
            whole = getattr(every, name)[i]
            whole = whole[keep] if name.startswith("shrink") else whole
            np.testing.assert_allclose(whole, getattr(one, name), rtol=1e-7 if name.endswith("mode") else 1e-9)
        assert np.isnan(every.shrink_mean[i, i])


def test_every_prior_has_its_tail() -> None:
    """The declared power of the tail, on which the refusals rest."""
    from pipeline.meta.pooling.studies import studies

    parameters = {"halfnormal": (0.5,), "halfcauchy": (0.3,), "halft": (0.4, 3), "exponential": (2,), "uniform": (3,)}
    s = studies(Y, V)
    for name in TAU_PRIORS:
        prior = tau_prior(name, *parameters.get(name, (-1.5, 0.9) if name == "lognormal" else ()))
        at = prior.log_density(np.array([1e6, 1e7]), s)
        if np.isfinite(prior.tail):
            np.testing.assert_allclose(-np.diff(at) / np.log(10), prior.tail, atol=1e-4)
        else:
            assert at[0] == -np.inf or at[1] - at[0] < -5 * np.log(10)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.floats(-2, 2), st.floats(0.01, 2), st.floats(0.01, 1)), min_size=1, max_size=5))
def test_quantiles_invert_the_mixture(parts: list[tuple[float, float, float]]) -> None:
    m, s, w = np.array(parts).T
    x = NormalMixture(m, s, w / w.sum())
    p = np.array([1e-6, 0.02, 0.5, 0.9, 1 - 1e-9])
    np.testing.assert_allclose(x.cdf(x.quantile(p)), p, rtol=1e-9)


@pytest.mark.parametrize("mu", [(0, 1, 2), (0,), 3.0, [[0, 1]]])
def test_the_prior_of_the_mean_is_two_numbers(mu: object) -> None:
    with pytest.raises(InvalidInput, match="mu must be two numbers"):
        bayes_random_effects(Y, V, mu=mu)  # type: ignore[arg-type]


def test_priors_are_a_name_and_numbers() -> None:
    with pytest.raises(InvalidInput, match="tau is the name of a prior"):
        bayes_random_effects(Y, V, tau=5)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="upper must be one number"):
        tau_prior("uniform", np.array([1.0, 2.0]))  # type: ignore[arg-type]
