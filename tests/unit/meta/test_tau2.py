"""Estimators of tau2 where an exact answer is known, and at the limits of double precision."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.quadratic_form import quadratic_form_tail
from pipeline.meta.pooling.studies import studies
from pipeline.meta.pooling.tau2 import generalised_q_profile
from pipeline.meta.pooling.weighted_fit import fit

RNG = np.random.default_rng(21)


class TestQuadraticForm:
    @pytest.mark.parametrize("m", [1, 2, 3, 12, 200])
    def test_equal_weights_are_a_chi_square(self, m: int) -> None:
        p = np.array([1e-12, 1e-6, 0.025, 0.5, 0.975, 1 - 1e-6])
        got = quadratic_form_tail(3 * special.chdtri(m, p), np.full((6, m), 3.0))
        assert got == pytest.approx(p, rel=1e-11, abs=1e-14)

    def test_pairs_of_weights_in_closed_form(self) -> None:
        """Two pairs are a sum of two exponentials: (a exp(-q/2a) - b exp(-q/2b)) / (a - b)."""
        q, a, b = np.array([1e-3, 0.1, 5.0, 60.0]), 2.0, 0.01
        expected = (a * np.exp(-q / (2 * a)) - b * np.exp(-q / (2 * b))) / (a - b)
        assert quadratic_form_tail(q, np.tile([a, a, b, b], (4, 1))) == pytest.approx(expected, rel=1e-10, abs=1e-14)

    def test_bad_weights(self) -> None:
        with pytest.raises(InvalidInput, match="largest weight"):
            quadratic_form_tail(1.0, [0.0, 0.0])
        with pytest.raises(InvalidInput, match="q must be > 0"):
            quadratic_form_tail(0.0, [1.0])


class TestGeneralisedQ:
    def test_with_inverse_total_variance_weights_the_tail_is_a_chi_square(self) -> None:
        y, v = RNG.normal(0, 1, 6), RNG.uniform(0.05, 0.5, 6)
        tau2 = generalised_q_profile(studies(y, v, weights=1 / v), np.array(0.5))[0]
        s = studies(y, v + tau2)
        maker = np.diag(1 / v) - np.outer(1 / v, 1 / v) / np.sum(1 / v)
        root = np.diag(np.sqrt(s.v))
        eigenvalues = np.maximum(np.linalg.eigvalsh(root @ maker @ root), 0)
        assert quadratic_form_tail(float(y @ maker @ y), eigenvalues) == pytest.approx(0.5, abs=1e-12)

    def test_a_batch_equals_a_loop(self) -> None:
        y, v = RNG.normal(0, 0.7, (5, 7)), RNG.uniform(0.05, 0.5, (5, 7))
        mask = RNG.uniform(size=(5, 7)) < 0.8
        mask[:, :2] = True
        batch = meta_regression(y, v, estimator="GENQM", weights=1 / np.sqrt(v), mask=mask)
        for i, on in enumerate(mask):
            one = meta_regression(y[i, on], v[i, on], estimator="GENQM", weights=1 / np.sqrt(v[i, on]))
            assert batch.tau2[i] == pytest.approx(float(one.tau2), rel=1e-11, abs=1e-13)


def exact_trace(v: list[str]) -> float:
    """tr P for an intercept in rational arithmetic."""
    w = [1 / Fraction(x) for x in v]
    return float(sum(w) - sum(x * x for x in w) / sum(w))


def test_the_trace_keeps_its_digits_where_one_study_dominates() -> None:
    v = ["1/1000000000000", "3/10", "7/10", "11/10"]
    f = fit(np.array([1 / float(Fraction(x)) for x in v]), np.ones((4, 1)))
    assert f.trace() == pytest.approx(exact_trace(v), rel=1e-14)


def test_the_reml_score_is_zero_in_rational_arithmetic() -> None:
    """At tau2 the exact score changes its sign within a few units of the last place."""
    rng = np.random.default_rng(9)
    y, v = rng.normal(0, 1.5, 7).round(3), rng.uniform(0.05, 0.5, 7).round(3)
    tau2 = float(meta_regression(y, v).tau2)

    def score(t: float) -> Fraction:
        w = [1 / (Fraction(str(x)) + Fraction(t)) for x in v]
        mean = sum(a * Fraction(str(b)) for a, b in zip(w, y, strict=True)) / sum(w)
        squares = sum((a * (Fraction(str(b)) - mean)) ** 2 for a, b in zip(w, y, strict=True))
        return squares - sum(w) + sum(a * a for a in w) / sum(w)

    assert score(tau2 * (1 - 1e-14)) > 0 > score(tau2 * (1 + 1e-14))


@pytest.mark.parametrize("estimator", ["REML", "ML"])
def test_the_higher_of_two_modes_is_found(estimator: str) -> None:
    """Two precise studies that agree and imprecise ones far away give the likelihood a second mode."""
    rng = np.random.default_rng(5)
    y = np.concatenate([np.zeros((400, 2)), rng.normal(0, 4, (400, 3))], axis=1)
    v = np.concatenate([np.full((400, 2), 1e-4), rng.uniform(0.01, 6, (400, 3))], axis=1)
    m = meta_regression(y, v, estimator=estimator)
    likelihood = m.ml if estimator == "ML" else m.reml
    assert m.converged.all()
    for other in np.geomspace(1e-7, 50, 60):
        fixed = meta_regression(y, v + other, estimator="EE")
        assert ((fixed.ml if estimator == "ML" else fixed.reml).log_lik <= likelihood.log_lik + 1e-9).all()
