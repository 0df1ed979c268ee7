"""Copas model, limit meta-analysis and Henmi-Copas interval: limits, edges, errors."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, special, stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.small_study.copas import copas, fit_selections
from pipeline.meta.small_study.henmi_copas import henmi_copas
from pipeline.meta.small_study.limit_meta_analysis import limit_meta_analysis
from pipeline.meta.small_study.projected_newton import maximise
from pipeline.meta.small_study.regression_tests import regression_test

V = np.array([0.01, 0.02, 0.03, 0.05, 0.08, 0.1, 0.15, 0.2])
Y = np.array([0.1, 0.25, 0.05, 0.5, 0.3, 0.8, 0.45, 1.1])


def q_given_r(y: np.ndarray, v: np.ndarray, tau2: float, u: float) -> float:
    """P(U > u) with dense covariance matrices and adaptive quadrature."""
    w, total = np.diag(1 / v), np.sum(1 / v)
    c, cov = np.sum(1 / v**2) / total, np.diag(v + tau2)
    variance = np.diag(w) @ cov @ np.diag(w) / total**2
    g = cov @ np.diag(w) / total / np.sqrt(variance)
    rest = cov - np.outer(g, g)

    def integrand(r: float) -> float:
        mean = np.trace(w @ rest) + r**2 * (g @ w @ g - total * variance)
        spread = 2 * np.trace(w @ rest @ w @ rest) + 4 * r**2 * g @ w @ rest @ w @ g
        q = len(y) - 1 + (r**2 * (1 + tau2 * c) / u**2 - 1) / c * (total - c)
        return float(stats.norm.pdf(r) * special.gammainc(mean**2 / spread, q * mean / spread))

    return integrate.quad(integrand, u / np.sqrt(1 + tau2 * c), 30, epsabs=1e-13, limit=300)[0]


@pytest.mark.parametrize("scale", [0.2, 1.0, 3.0])
def test_henmi_copas_tail_probability(scale: float) -> None:
    m = henmi_copas(scale * Y, V)
    assert q_given_r(scale * Y, V, float(m.tau2), float(m.critical)) == pytest.approx(0.025, abs=1e-10)


def test_henmi_copas_elsewhere() -> None:
    """metafor 3.8: hc(rma(yi, vi, method="DL"), control=list(tol=1e-13)) for two studies."""
    m = henmi_copas([0.1, 0.9], [0.04, 0.02])
    np.testing.assert_allclose(
        [m.estimate, m.se, m.ci_lb, m.ci_ub],
        [0.633333333333333, 0.417665469538056, -1.35571350751699, 2.62238017418366], rtol=1e-7,
    )  # fmt: skip


def test_henmi_copas_p_agrees_with_the_interval() -> None:
    m = henmi_copas(Y, V, level=90)
    at_bound = henmi_copas(Y - m.ci_lb, V)
    assert at_bound.p == pytest.approx(0.1, abs=1e-9)


def test_henmi_copas_batch_equals_loop() -> None:
    y = np.stack((Y, 2 * Y, np.full(8, 0.3)))
    batch = henmi_copas(y, V)
    for i in range(3):
        one = henmi_copas(y[i], V)
        for field in ("estimate", "se", "ci_lb", "ci_ub", "p", "tau2"):
            np.testing.assert_allclose(getattr(batch, field)[i], getattr(one, field), rtol=1e-12)
    shorter = henmi_copas(Y, V, mask=np.arange(8) < 5)
    assert shorter.ci_ub == pytest.approx(float(henmi_copas(Y[:5], V[:5]).ci_ub), rel=1e-12)


def test_henmi_copas_many_orders_of_variance() -> None:
    m = henmi_copas(np.linspace(0, 1, 6), np.geomspace(1e-8, 1e4, 6))
    assert np.isfinite([m.ci_lb, m.ci_ub]).all() and m.ci_lb < m.estimate < m.ci_ub


def test_limit_is_the_common_effect_line_without_heterogeneity() -> None:
    y = 0.2 + 0.5 * np.sqrt(V)
    m = limit_meta_analysis(y, V)
    assert m.tau2 == 0 and m.G2 == 0
    np.testing.assert_allclose([m.estimate, m.alpha, m.Q_resid], [0.2, 0.5, 0], atol=1e-12)


def test_limit_alpha_is_eggers_slope_without_heterogeneity() -> None:
    y = 0.2 + 0.1 * np.sin(np.arange(8)) * np.sqrt(V)
    m = limit_meta_analysis(y, V)
    egger = regression_test(y, V, np.sqrt(V), model="lm")
    assert m.alpha == pytest.approx(egger.slope, rel=1e-10)


def test_limit_parts_of_q_add_up_and_batch() -> None:
    m = limit_meta_analysis(np.stack((Y, -Y)), V)
    np.testing.assert_allclose(m.Q, m.Q_small + m.Q_resid, rtol=1e-12)
    np.testing.assert_allclose(m.estimate[0], -m.estimate[1], rtol=1e-12)
    one = limit_meta_analysis(Y[:6], V[:6])
    masked = limit_meta_analysis(Y, V, mask=np.arange(8) < 6)
    for field in ("estimate", "se", "G2", "Q_resid", "alpha"):
        np.testing.assert_allclose(getattr(masked, field), getattr(one, field), rtol=1e-10)
    assert masked.limits[6:].tolist() == [0, 0]


def test_copas_without_selection_is_the_random_effects_model() -> None:
    plain = random_effects(Y, V, estimator="ML", interval="wald")
    f = fit_selections(Y, np.sqrt(V), np.array([[9.0, 0.0]]), float(plain.estimate), float(plain.tau2))
    assert f.mu[0] == pytest.approx(float(plain.estimate), rel=1e-6)
    assert f.tau2[0] == pytest.approx(float(plain.tau2), rel=1e-5)


def test_copas_likelihood_is_that_of_a_truncated_bivariate_normal() -> None:
    """At the estimates, against numerical integration of the joint density over z > 0."""
    s, gamma = np.sqrt(V), np.array([[-0.3, 0.1]])
    f = fit_selections(Y, s, gamma, 0.3, 0.05)
    u = gamma[0, 0] + gamma[0, 1] / s
    ratio = stats.norm.pdf(u) / stats.norm.cdf(u)
    sigma2 = V / (1 - f.rho[0] ** 2 * ratio * (ratio + u))
    total = 0.0
    for yi, s2, ui in zip(Y, sigma2, u, strict=True):
        cov = [[s2 + f.tau2[0], f.rho[0] * np.sqrt(s2)], [f.rho[0] * np.sqrt(s2), 1.0]]
        joint = stats.multivariate_normal([f.mu[0], ui], cov)
        mass = integrate.quad(lambda z, yi=yi, joint=joint: joint.pdf([yi, z]), 0, 12, epsabs=1e-13)[0]
        total += np.log(mass / stats.norm.cdf(ui))
    assert f.log_lik[0] == pytest.approx(total, abs=1e-8)
    assert f.converged[0]


def test_copas_mirror_and_path() -> None:
    a, b = copas(Y, V), copas(-Y, V)
    assert a.estimate == pytest.approx(-b.estimate, rel=1e-5)
    assert np.all(np.diff(a.path_publication_probability) < 0) and a.converged
    assert a.path_gamma0[0] == 2 and a.grid_mu.shape == (20, 20)
    assert a.estimate <= a.path_mu[0] and a.p_residual > 0.1


def test_copas_says_when_nothing_is_enough() -> None:
    c = copas(Y, V, significance=0.999999)
    assert np.isnan(c.estimate) and np.isnan(c.ci_lb) and len(c.path_mu) > 2


@pytest.mark.parametrize(
    ("function", "y", "v", "words"),
    [
        (henmi_copas, Y[:1], V[:1], "at least 2"),
        (limit_meta_analysis, Y[:2], V[:2], "at least 3"),
        (limit_meta_analysis, Y, np.full(8, 0.1), "equal"),
        (copas, Y[:3], V[:3], "at least 4"),
        (copas, Y, np.full(8, 0.1), "equal"),
        (copas, np.stack((Y, Y)), V, "one meta-analysis"),
        (copas, Y, -V, "vi"),
    ],
)
def test_refusals(function: object, y: np.ndarray, v: np.ndarray, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        function(y, v)  # type: ignore[operator]


def test_copas_refuses_an_empty_range() -> None:
    with pytest.raises(InvalidInput, match="gamma1"):
        copas(Y, V, gamma1=(0.2, 0.1))


def test_maximise_holds_a_coordinate_at_its_bound() -> None:
    """-(x - 3)^2 - (x - 3)(y + 1) - (y + 1)^2, x <= 1, y >= 0: at (1, 0) nothing free goes up."""

    def objective(rows: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        a, b = x[:, 0] - 3, x[:, 1] + 1
        hessian = np.tile(np.array([[-2.0, -1.0], [-1.0, -2.0]]), (len(x), 1, 1))
        return -(a**2) - a * b - b**2, np.stack((-2 * a - b, -a - 2 * b), -1), hessian

    peak = maximise(objective, np.array([[0.5, 3.0], [-4.0, 1.0]]), np.array([-5.0, 0.0]), np.array([1.0, 9.0]))
    np.testing.assert_allclose(peak.x, [[1, 0], [1, 0]], atol=1e-9)
    assert peak.converged.all()


@pytest.mark.parametrize("ends", [5, (1, 2, 3), (2, 1), (0, np.inf)])
def test_ranges_of_the_copas_model(ends: object) -> None:
    for name in ("gamma0", "gamma1"):
        with pytest.raises(InvalidInput, match=f"{name} must be a range"):
            copas([0.1, 0.5, 0.3, 0.9], [0.01, 0.05, 0.02, 0.1], **{name: ends})  # type: ignore[arg-type]
