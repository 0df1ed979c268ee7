"""Published prediction intervals and the exact distribution of Q."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import special, stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.mean_profile_likelihood import profile_interval
from pipeline.meta.pooling.prediction import PREDICTION_METHODS, predict_new_study, prediction_interval
from pipeline.meta.pooling.q_distribution import q_cdf, q_density_in_tau2
from pipeline.meta.pooling.quadratic_form import quadratic_form_tail
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.pooling.studies import studies
from tests.golden.test_gold import CASES

Y, V = [0.1, 0.3, 0.2, 0.9, -0.4], [0.04, 0.05, 0.03, 0.08, 0.06]


class TestDistributionOfQ:
    def test_homogeneous_is_chi_square(self) -> None:
        m = random_effects(Y, V)
        np.testing.assert_allclose(q_cdf(studies(Y, V), np.zeros(1)), 1 - m.Q_p, atol=1e-13)

    def test_equal_variances_are_a_scaled_chi_square(self) -> None:
        m = random_effects(Y, np.full(5, 0.05))
        tau2 = np.array([0.01, 0.1, 3.0])
        want = special.chdtr(4, m.Q / (1 + tau2 / 0.05))
        np.testing.assert_allclose(q_cdf(studies(Y, np.full(5, 0.05)), tau2), want, rtol=1e-11, atol=1e-13)

    def test_against_draws(self) -> None:
        s, rng = studies(Y, V), np.random.default_rng(5)
        draws = rng.normal(0, np.sqrt(s.v + 0.2), (400_000, 5))
        w = 1 / s.v
        q = np.sum(w * (draws - (draws @ w / w.sum())[:, None]) ** 2, axis=1)
        assert abs(np.mean(q <= random_effects(Y, V).Q) - q_cdf(s, np.array([0.2]))[0]) < 0.003

    def test_density_is_the_slope(self) -> None:
        s, h = studies(Y, V), 1e-5
        slope = -(q_cdf(s, np.array([0.1 + h])) - q_cdf(s, np.array([0.1 - h]))) / (2 * h)
        np.testing.assert_allclose(q_density_in_tau2(s, np.array([0.1])), slope, rtol=1e-7)


def test_confidence_distribution_against_the_bootstrap_itself() -> None:
    """Nagashima, Noma & Furukawa 2019 by drawing: tau2 from the inverse of 1 - F_Q, then a new effect; equal variances,
    where F_Q is a scaled chi-square."""
    y, v, draws = np.array(Y), 0.02, 400_000
    rng = np.random.default_rng(8)
    tau2 = np.maximum(np.sum((y - y.mean()) ** 2) / stats.chi2.rvs(4, size=draws, random_state=rng) - v, 0)
    se = np.sqrt(np.sum((y - y.mean()) ** 2) / 20)
    new = y.mean() + rng.normal(size=draws) * np.sqrt(tau2) - rng.standard_t(4, draws) * se
    p = predict_new_study(y, np.full(5, v), method="NNF")
    np.testing.assert_allclose([p.pi_lb, p.pi_ub], np.quantile(new, [0.025, 0.975]), rtol=0.02)


@pytest.mark.parametrize("name", ["bcg", "molloy", "normand1999"])
def test_the_reference_bootstrap_lies_within_its_monte_carlo_error(name: str) -> None:
    """Its 25,000 draws put the share of 2.5 % beyond a limit within 3 standard errors of 0.001."""
    case = json.loads(CASES[f"pimeta_boot_{name}"].read_text())
    y, v, gold = case["input"]["yi"], case["input"]["vi"], case["output"]
    for level, end in ((95 - 0.6, 1), (95 + 0.6, -1)):
        p = predict_new_study(y, v, method="NNF", level=level)
        assert end * (p.pi_lb - gold["lpi"]) > 0
        assert end * (gold["upi"] - p.pi_ub) > 0


def test_reml_of_the_reference_stopped_early_on_molloy() -> None:
    """pimeta's tau2 has the lower restricted likelihood; ours is metafor's at threshold 1e-14: 0.00810956082415667."""
    from pipeline.meta.pooling.likelihood import log_likelihood_reml

    case = json.loads(CASES["pimeta_CL_molloy"].read_text())
    s = studies(case["input"]["yi"], case["input"]["vi"])
    ours = predict_new_study(s.y, s.v, method="CL").tau2
    np.testing.assert_allclose(ours, 0.00810956082415667, rtol=1e-12)
    assert log_likelihood_reml(s, ours) > log_likelihood_reml(s, np.asarray(case["output"]["tau2"]))


# log odds ratios of the first 12 trials of dat.li2007, rounded to 6 places
LI_Y = [-0.830348, -1.10966, -1.29822, -0.043485, -1.28093, -2.30485, -0.675129, 0.223144, -0.593064, -0.297645]
LI_Y += [-1.16315, -0.793231]
LI_V = [1.55505, 0.357326, 0.665596, 2.0435, 1.425, 1.15425, 0.285195, 0.239286, 0.850251, 0.021498, 0.302778, 0.391708]


@pytest.mark.parametrize(
    ("method", "want"),
    [
        ("HTS", [-0.758350618359, -0.153584327266]),
        ("CL", [-1.3791401104496, 0.1515543370372]),
    ],
)
def test_against_metafor(method: str, want: list[float]) -> None:
    """predict(rma(yi, vi, method = "DL" or "REML"), pi.type = "riley") of metafor 3.8-1."""
    p = predict_new_study(LI_Y, LI_V, method=method)
    np.testing.assert_allclose([p.pi_lb, p.pi_ub], want, rtol=1e-11)


@pytest.mark.parametrize("method", PREDICTION_METHODS)
class TestEveryMethod:
    def test_batch_is_the_loop(self, method: str) -> None:
        y = np.array([Y, Y[::-1], np.multiply(Y, 3)])
        mask = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 1, 1], [0, 1, 1, 1, 0]], dtype=bool)
        batch = predict_new_study(y, V, method=method, mask=mask)
        for i in range(3):
            one = predict_new_study(y[i][mask[i]], np.array(V)[mask[i]], method=method)
            got, want = ([p.pi_lb, p.pi_ub, p.estimate] for p in (one, batch))
            np.testing.assert_allclose(got, [x[i] for x in want], rtol=1e-8)

    def test_identical_studies_and_wide_variances(self, method: str) -> None:
        same = predict_new_study([0.2] * 4, [0.05] * 4, method=method)
        assert same.pi_lb <= 0.2 <= same.pi_ub
        wide = predict_new_study([0.3, 0.1, -0.4, 0.2], [1e-12, 0.1, 0.2, 1.0], method=method)
        assert np.isfinite([wide.pi_lb, wide.pi_ub]).all()

    def test_two_studies_are_refused(self, method: str) -> None:
        with pytest.raises(InvalidInput, match="at least 3"):
            predict_new_study(Y[:2], V[:2], method=method)


class TestProfileLikelihood:
    def test_batch_is_the_loop(self) -> None:
        y = np.random.default_rng(1).normal(0, 0.5, (6, 5))
        batch = profile_interval(y, V)
        for i in range(6):
            one = profile_interval(y[i], V)
            np.testing.assert_allclose([batch.ci_lb[i], batch.ci_ub[i]], [one.ci_lb, one.ci_ub], rtol=1e-12)

    def test_p_at_a_limit_is_alpha(self) -> None:
        i = profile_interval(Y, V, correction="bartlett", level=90)
        np.testing.assert_allclose(profile_interval(Y, V, null=i.ci_ub, correction="bartlett").p, 0.1, rtol=1e-9)

    def test_the_correction_widens(self) -> None:
        plain, wide = (profile_interval(Y, V, correction=c) for c in ("none", "bartlett"))
        assert wide.ci_lb < plain.ci_lb < plain.ci_ub < wide.ci_ub

    def test_errors(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2"):
            profile_interval([0.1], [0.1])
        with pytest.raises(InvalidInput, match="not known"):
            profile_interval(Y, V, correction="skovgaard")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tau2": -1.0}, "tau2 must be >= 0"),
        ({"tau2": np.nan}, "tau2 must be finite"),
        ({"se": -0.1}, "se must be >= 0"),
        ({"k": 2.5}, "k must be a whole number of studies"),
        ({"k": 0}, "k must be >= 1"),
        ({"estimate": np.nan}, "estimate must be finite"),
        ({"estimate": [0.1, 0.2], "k": [3, 4, 5]}, r"estimate \(2,\), .*k \(3,\)"),
    ],
)
def test_prediction_interval_refuses(change: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        prediction_interval(**({"estimate": 0.1, "se": 0.1, "tau2": 0.04, "k": 5} | change))  # type: ignore[arg-type]


def test_q_cdf_refuses() -> None:
    s = studies(Y, V)
    for tau2, message in (([-0.1], "tau2"), ([np.nan], "tau2"), (np.zeros((3, 1)), None)):
        if message:
            with pytest.raises(InvalidInput, match=message):
                q_cdf(s, np.array(tau2))
        else:
            assert q_cdf(s, np.array(tau2)).shape == (3, 1)
    with pytest.raises(InvalidInput, match="s must be a Studies"):
        q_cdf(None, np.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="do not fit"):
        q_cdf(studies([Y, Y], V), np.zeros((3, 1)))


def test_quadratic_form_refuses() -> None:
    with pytest.raises(InvalidInput, match=r"q \(3,\)"):
        quadratic_form_tail([1.0, 2.0, 3.0], np.ones((2, 4)))
    with pytest.raises(InvalidInput, match="weights must have shape"):
        quadratic_form_tail(1.0, [])
