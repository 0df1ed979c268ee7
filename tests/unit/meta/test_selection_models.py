"""Selection models: errors, limits, batches, and a likelihood written another way."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest
from scipy import integrate, stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.pooling.random_effects import random_effects
from pipeline.meta.small_study.a_priori_selection import A_PRIORI_WEIGHTS, a_priori_selection
from pipeline.meta.small_study.selection_functions import SELECTION_FUNCTIONS
from pipeline.meta.small_study.selection_models import selection_model

RNG = np.random.default_rng(20)
V = RNG.uniform(0.01, 0.15, 30)
Y = 0.25 + np.sqrt(V + 0.03) * RNG.standard_normal(30)
WEIGHTS = {
    "beta": lambda p, d: np.clip(p, 1e-5, 1 - 1e-5) ** (d[0] - 1) * (1 - np.clip(p, 1e-5, 1 - 1e-5)) ** (d[1] - 1),
    "halfnorm": lambda p, d: np.exp(-d[0] * p**2),
    "negexp": lambda p, d: np.exp(-d[0] * p),
    "logistic": lambda p, d: 2 * np.exp(-d[0] * p) / (1 + np.exp(-d[0] * p)),
    "power": lambda p, d: (1 - np.clip(p, 1e-5, 1 - 1e-5)) ** d[0],
    "negexppow": lambda p, d: np.exp(-d[0] * p ** (1 / d[1])),
    "stepfun": lambda p, d: np.where(p <= 0.025, 1.0, np.where(p <= 0.5, d[1], d[2])),
}
DELTA = {
    "beta": [0.8, 1.4],
    "halfnorm": [2.0],
    "negexp": [1.5],
    "logistic": [3.0],
    "power": [0.7],
    "negexppow": [2.0, 0.6],
    "stepfun": [1.0, 0.5, 0.2],
}


def p_value(z: np.ndarray, alternative: str) -> np.ndarray:
    if alternative == "two.sided":
        return 2 * stats.norm.sf(np.abs(z))
    return stats.norm.sf(z if alternative == "greater" else -z)


@pytest.mark.parametrize(("name", "alternative"), list(product(SELECTION_FUNCTIONS, ("greater", "less", "two.sided"))))
def test_likelihood_against_adaptive_quadrature(name: str, alternative: str) -> None:
    y, v = Y[:6], V[:6]
    steps = [0.025, 0.5] if name == "stepfun" else None
    m = selection_model(y, v, function=name, alternative=alternative, steps=steps, delta=DELTA[name])

    def weight(z: np.ndarray) -> np.ndarray:
        return WEIGHTS[name](p_value(z, alternative), DELTA[name])

    total = 0.0
    edges = stats.norm.isf([0.5, 0.25, 0.025, 0.0125, 0.1, 0.01, 1e-5, 5e-6, 0.5 - 5e-6, 0.499, 0.49])
    breaks = np.unique(np.concatenate((edges, -edges)))
    for yi, vi in zip(y, v, strict=True):
        sd = np.sqrt(vi + m.tau2)
        ends = np.concatenate(([-40 * sd], breaks * np.sqrt(vi), [40 * sd]))
        seen = sum(
            integrate.quad(
                lambda x, vi=vi, sd=sd: float(weight(x / np.sqrt(vi)) * stats.norm.pdf(x, m.beta[0], sd)),
                a, b, epsabs=1e-13, epsrel=1e-10, limit=200,
            )[0]
            for a, b in pairwise(ends)
        )  # fmt: skip
        total += stats.norm.logpdf(yi, m.beta[0], sd) + np.log(weight(yi / np.sqrt(vi))) - np.log(seen)
    assert m.log_lik == pytest.approx(total, abs=2e-9)


@pytest.mark.parametrize("name", SELECTION_FUNCTIONS)
def test_no_selection_is_the_random_effects_model(name: str) -> None:
    f = SELECTION_FUNCTIONS[name]
    neutral = [1.0, 1.0] if name == "stepfun" else [max(d, f.lowest) for d in f.neutral]
    m = selection_model(Y, V, function=name, steps=[0.025] if name == "stepfun" else None, delta=neutral)
    plain = random_effects(Y, V, estimator="ML", interval="wald")
    np.testing.assert_allclose([m.beta[0], m.tau2], [plain.estimate, plain.tau2], rtol=1e-7)
    assert m.log_lik == pytest.approx(m.log_lik_no_selection, abs=1e-9)
    assert m.LRT_df == 0 and np.isnan(m.LRT_p)


def test_score_is_zero_and_peak_is_a_peak() -> None:
    m = selection_model(Y, V, steps=[0.025, 0.5])
    at = selection_model(Y, V, steps=[0.025, 0.5], delta=m.delta)
    assert at.log_lik == pytest.approx(m.log_lik, abs=1e-10)
    np.testing.assert_allclose(at.beta, m.beta, rtol=1e-6)
    for i, change in product((1, 2), (-1e-3, 1e-3)):
        delta = m.delta.copy()
        delta[i] *= 1 + change
        assert selection_model(Y, V, steps=[0.025, 0.5], delta=delta).log_lik < m.log_lik


def test_less_mirrors_greater() -> None:
    for name in ("stepfun", "beta", "negexp"):
        steps = [0.025] if name == "stepfun" else None
        a = selection_model(Y, V, function=name, steps=steps)
        b = selection_model(-Y, V, function=name, steps=steps, alternative="less")
        np.testing.assert_allclose(b.beta, -a.beta, rtol=1e-12)
        np.testing.assert_allclose([*b.ci_lb, b.log_lik], [*-a.ci_ub, a.log_lik], rtol=1e-12)


@pytest.mark.parametrize("name", ["stepfun", "logistic"])
def test_batch_equals_loop(name: str) -> None:
    rows = np.random.default_rng(3).integers(0, 30, (5, 30))
    mask = np.ones((5, 30), dtype=bool)
    mask[1, 25:] = False
    steps = [0.025] if name == "stepfun" else None
    batch = selection_model(Y[rows], V[rows], function=name, steps=steps, mask=mask)
    for i, r in enumerate(rows):
        one = selection_model(Y[r][mask[i]], V[r][mask[i]], function=name, steps=steps)
        for field in ("beta", "se", "tau2", "delta", "delta_se", "log_lik", "LRT", "counts"):
            np.testing.assert_allclose(
                getattr(batch, field)[i], getattr(one, field), rtol=1e-7, atol=1e-10, err_msg=field
            )


def test_scale_does_not_matter() -> None:
    a, b = selection_model(Y, V, steps=[0.025]), selection_model(1e4 * Y, 1e8 * V, steps=[0.025])
    np.testing.assert_allclose([b.beta[0], b.se[0]], [1e4 * a.beta[0], 1e4 * a.se[0]], rtol=1e-8)
    np.testing.assert_allclose(b.delta, a.delta, rtol=1e-8)


def test_variances_twelve_orders_apart() -> None:
    v = np.geomspace(1e-8, 1e4, 12)
    m = selection_model(0.3 + np.sqrt(v) * np.sin(np.arange(12)), v, steps=[0.025])
    assert m.converged and np.isfinite(m.log_lik) and m.beta[0] == pytest.approx(0.3, abs=1e-3)


def test_an_interval_without_p_values_ends_at_its_bound() -> None:
    v = np.full(8, 0.01)
    significant = selection_model(np.linspace(0.3, 0.6, 8), v, steps=[0.025])
    assert significant.boundary and significant.counts.tolist() == [8, 0] and significant.delta[1] == 0
    none = selection_model(np.linspace(-0.1, 0.1, 8), v, steps=[0.025])
    assert none.boundary and none.counts.tolist() == [0, 8] and none.delta[1] == pytest.approx(100)


def test_identical_studies() -> None:
    m = selection_model(np.full(6, 0.1), np.full(6, 0.04), function="negexp")
    assert m.tau2 == 0 and m.boundary and np.isnan(m.tau2_se) and np.isfinite(m.log_lik)


def test_strength_only_matters_relatively() -> None:
    a = selection_model(Y, V, function="negexp", delta=[2.0], strength=np.sqrt(V))
    b = selection_model(Y, V, function="negexp", delta=[2.0], strength=7 * np.sqrt(V))
    np.testing.assert_allclose(a.beta, b.beta, rtol=1e-10)
    assert a.beta[0] != pytest.approx(selection_model(Y, V, function="negexp", delta=[2.0]).beta[0], rel=1e-3)


def test_moderators() -> None:
    x = np.column_stack((np.ones(30), np.arange(30.0)))
    m = selection_model(Y, V, x, steps=[0.025])
    shifted = selection_model(Y, V, x @ [[1, 5], [0, 2]], steps=[0.025])
    assert shifted.log_lik == pytest.approx(m.log_lik, abs=1e-8)
    assert shifted.beta[1] == pytest.approx(m.beta[1] / 2, rel=1e-5)


def test_common_effect_has_no_tau2() -> None:
    m = selection_model(Y, V, steps=[0.025], common_effect=True)
    assert m.tau2 == 0 and np.isnan(m.tau2_se)
    assert m.log_lik <= selection_model(Y, V, steps=[0.025]).log_lik


def test_a_priori_weights_are_ordered() -> None:
    fits = a_priori_selection(Y, V)
    assert set(fits) == set(A_PRIORI_WEIGHTS)
    plain = random_effects(Y, V, estimator="ML").estimate
    assert fits["severe_one_tailed"].beta[0] < fits["moderate_one_tailed"].beta[0] < plain


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"function": "poisson"}, "not known"),
        ({"alternative": "up"}, "not known"),
        ({"steps": None}, "needs steps"),
        ({"steps": [1.5]}, "steps"),
        ({"steps": [0.0, 0.5]}, "steps"),
        ({"function": "negexp", "steps": [0.01, 0.05]}, "one threshold"),
        ({"function": "beta", "steps": [0.05]}, "no steps"),
        ({"delta": [1.0]}, "has 2 parameters"),
        ({"delta": [0.5, 0.5]}, "first weight"),
        ({"delta": [1.0, -1.0]}, "delta must be"),
        ({"strength": V}, "does not depend"),
        ({"function": "negexp", "steps": None, "strength": -V}, "strength"),
        ({"yi": Y[:3], "vi": V[:3]}, "too few"),
        ({"yi": Y[:5]}, "as many studies"),
        ({"vi": -V}, "vi"),
    ],
)
def test_refusals(change: dict, words: str) -> None:
    arguments = {"yi": Y, "vi": V, "steps": [0.025]} | change
    with pytest.raises(InvalidInput, match=words):
        selection_model(arguments.pop("yi"), arguments.pop("vi"), **arguments)


@pytest.mark.parametrize("delta_max", [0, -1, np.nan, "a", [1.0, 2.0]])
def test_delta_max_is_one_number_above_the_smallest_delta(delta_max: object) -> None:
    for function in SELECTION_FUNCTIONS:
        steps = [0.025] if function == "stepfun" else None
        with pytest.raises(InvalidInput, match="delta_max"):
            selection_model(Y, V, function=function, steps=steps, delta_max=delta_max)  # type: ignore[arg-type]


def test_a_step_function_without_steps_names_the_usual_one() -> None:
    with pytest.raises(InvalidInput, match=r"usually \[0\.025\]"):
        selection_model(Y, V)
    with pytest.raises(InvalidInput, match="delta is not numeric"):
        selection_model(Y, V, steps=[0.025], delta=["a", "b"])
    with pytest.raises(InvalidInput, match="strength must fit"):
        selection_model(Y, V, function="negexp", strength=[0.1, 0.2])
