"""Mixed models of counts: likelihood, derivatives, equivalences, boundaries, bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_cells
from pipeline.meta.rare_events.count_likelihood import CountLikelihood, binomial, noncentral_hypergeometric, poisson
from pipeline.meta.rare_events.glmm import glmm_odds_ratio, glmm_proportion, glmm_rate, glmm_rate_ratio
from pipeline.meta.rare_events.laplace import laplace
from pipeline.meta.rare_events.marginal_likelihood import CountModel, marginal

Y = np.array([[3.0, 5], [0, 2], [10, 1], [7, 9]])
N = np.array([[20.0, 22], [30, 40], [50, 45], [10, 12]])
T, LEVEL = np.array([0.3, -0.8, 0.1, 1.2]), np.array([-1.0, -0.4, -1.6, 0.2])
HALF = np.array([0.5, -0.5])
X = ([7, 8, 3, 6, 1, 1, 17, 3, 2], [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320])
X2 = ([11, 8, 14, 10, 1, 8, 15, 7, 3], [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440])
HINE = from_cells([2, 4, 6, 7, 7, 11], [37, 40, 101, 96, 103, 143], [1, 4, 4, 5, 3, 4], [42, 40, 106, 95, 103, 142])


def model(likelihood: CountLikelihood, nodes: int = 31) -> CountModel:
    return CountModel(likelihood, np.zeros((4, 2)), np.array([1.0, 0.0]), HALF, "random", nodes)


@pytest.mark.parametrize("likelihood", [binomial(Y, N), poisson(Y)])
@pytest.mark.parametrize("evaluate", [marginal, laplace])
@pytest.mark.parametrize(
    "spread", [{"tau": 0.7}, {"tau": 0.7, "sigma": 0.4}, {"tau": 0.7, "sigma": 0.4, "loading": -0.3}]
)
def test_score_and_hessian(likelihood: CountLikelihood, evaluate: object, spread: dict[str, float]) -> None:
    m, h = model(likelihood), 1e-4
    here = evaluate(m, T, LEVEL, spread)
    for r, name in enumerate(("t", "a", *spread)):
        ends = []
        for step in (h, -h):
            moved = {n: s + step * (n == name) for n, s in spread.items()}
            ends.append(evaluate(m, T + step * (name == "t"), LEVEL + step * (name == "a"), moved))
        assert here.score[:, r] == pytest.approx((ends[0].value - ends[1].value) / (2 * h), abs=1e-6)
        assert here.hessian[:, r] == pytest.approx((ends[0].score - ends[1].score) / (2 * h), abs=1e-5)


def test_hypergeometric_integral_against_scipy() -> None:
    a, n1, n2, events = Y[:, 0], N[:, 0], N[:, 1], Y.sum(1)
    one = np.ones(1)
    m = CountModel(noncentral_hypergeometric(a, n1, n2, events), np.zeros((4, 1)), one, one, "absent", 41)
    value = marginal(m, T, np.zeros(4), {"tau": 0.8}).value

    def integrand(z: float, i: int) -> float:
        law = stats.nchypergeom_fisher(int(n1[i] + n2[i]), int(n1[i]), int(events[i]), np.exp(T[i] + 0.8 * z))
        return float(law.pmf(int(a[i])) * stats.norm.pdf(z))

    for i in range(4):
        whole = integrate.quad(integrand, -8, 8, args=(i,), epsabs=1e-14, limit=200)[0]
        assert value[i] == pytest.approx(np.log(whole), abs=1e-10)


def test_hypergeometric_of_large_tables_stays_finite() -> None:
    evaluate = noncentral_hypergeometric(*(np.array([x]) for x in (5e4, 1e5, 2e5, 1e5)))
    value, score, second = evaluate(np.array([[[-800.0, 0.0, 900.0]]]))
    assert np.isfinite([value, score, second]).all()
    assert score[0, 0, 0] > 0 > score[0, 0, 2]


@pytest.mark.parametrize("spread", [{"tau": 2.0}, {"tau": 2.0, "sigma": 1.5}])
def test_more_points_change_nothing(spread: dict[str, float]) -> None:
    few, many = (marginal(model(binomial(Y, N), n), T, LEVEL, spread).value for n in (21, 45))
    assert few == pytest.approx(many, abs=1e-7)


def test_one_table_is_the_conditional_maximum() -> None:
    """At the maximum the expected events are those observed. Fisher's exact test in R 4.2.2 gives 0.5522477."""
    m = glmm_odds_ratio(from_cells([3], [185], [5], [170]), model="CM.EL", estimator="EE")
    assert stats.nchypergeom_fisher(363, 188, 8, np.exp(m.beta[0])).mean() == pytest.approx(3, rel=1e-9)
    assert np.exp(m.beta[0]) == pytest.approx(0.5522477, abs=1e-5)
    assert (m.k, m.Q_df, m.Q_wald_p, m.I2) == (1, 0, 1, 0)


def test_one_study_under_ml_is_the_common_effect() -> None:
    t = from_cells([3], [185], [5], [170])
    m = glmm_odds_ratio(t, model="UM.FS")
    assert m.beta[0] == pytest.approx(np.log(3 * 170 / (185 * 5)), rel=1e-9)
    assert m.tau2 == 0
    assert not m.tau2_at_boundary


def test_conditioning_changes_nothing_for_poisson_counts() -> None:
    conditional = glmm_rate_ratio(*X, *X2, model="CM.EL", estimator="EE")
    unconditional = glmm_rate_ratio(*X, *X2, model="UM.FS", estimator="EE")
    assert conditional.beta == pytest.approx(unconditional.beta, rel=1e-10)
    assert conditional.se == pytest.approx(unconditional.se, rel=1e-8)
    assert conditional.Q_lrt == pytest.approx(unconditional.Q_lrt, rel=1e-9)
    again = glmm_rate_ratio(*X, *X2, model="CM.EL")
    other = glmm_rate_ratio(*X, *X2, model="UM.FS", coding=1)
    assert again.beta != pytest.approx(unconditional.beta, rel=1e-6)
    assert again.tau2 != pytest.approx(other.tau2, rel=1e-6)


@pytest.mark.parametrize("name", ["UM.FS", "UM.RS", "CM.EL", "CM.AL"])
def test_turning_the_groups_round(name: str) -> None:
    m = glmm_odds_ratio(HINE, model=name)
    turned = glmm_odds_ratio(from_cells(HINE.ci, HINE.di, HINE.ai, HINE.bi), model=name)
    assert turned.beta == pytest.approx(-m.beta, abs=1e-7)
    assert turned.tau2 == pytest.approx(m.tau2, abs=1e-8)
    assert turned.log_lik == pytest.approx(m.log_lik, abs=1e-8)


def test_maximum_in_every_direction() -> None:
    """The profile over tau2, recomputed from the likelihood itself, is largest at the estimate."""
    x, n = np.array([11.0, 24, 179, 82, 3]), np.array([29.0, 33, 326, 240, 60])
    m = glmm_proportion(x, n)
    one = np.ones(1)
    built = CountModel(binomial(x[:, None], n[:, None]), np.zeros((5, 1)), one, one, "absent", 61)

    def total(beta: float, tau2: float) -> float:
        return float(marginal(built, np.full(5, beta), np.zeros(5), {"tau": np.sqrt(tau2)}).value.sum())

    best = total(m.beta[0], m.tau2)
    assert best == pytest.approx(m.log_lik, abs=1e-8)
    for beta, tau2 in ((1e-3, 0), (-1e-3, 0), (0, 1e-3), (0, -1e-3)):
        assert total(m.beta[0] + beta, m.tau2 + tau2) < best
    h = 1e-3
    curvature = (total(m.beta[0] + h, m.tau2) - 2 * best + total(m.beta[0] - h, m.tau2)) / h**2
    assert m.se[0] >= (-curvature) ** -0.5 * (1 - 1e-6)


def test_identical_studies_are_at_the_boundary() -> None:
    m = glmm_proportion([5] * 6, [50] * 6)
    assert m.beta[0] == pytest.approx(np.log(5 / 45), rel=1e-10)
    assert (m.tau2, m.tau2_at_boundary, m.converged) == (0, True, True)
    assert m.se[0] == pytest.approx((6 * 50 * 0.1 * 0.9) ** -0.5, rel=1e-9)
    assert np.isnan(m.tau2_se)


def test_sizes_orders_of_magnitude_apart() -> None:
    m = glmm_rate([1, 2, 50000, 3], [10.0, 15.0, 1e6, 12.0])
    assert m.converged
    assert np.isfinite([m.beta[0], m.se[0], m.tau2, m.log_lik]).all()


def test_studies_without_events_say_nothing() -> None:
    cells = [np.append(x, y) for x, y in zip((HINE.ai, HINE.bi, HINE.ci, HINE.di), (0, 30, 0, 20), strict=True)]
    for name in ("UM.FS", "CM.EL", "CM.AL"):
        more, base = glmm_odds_ratio(from_cells(*cells), model=name), glmm_odds_ratio(HINE, model=name)
        assert more.beta == pytest.approx(base.beta, rel=1e-12)
        assert more.k == base.k == 6
    kept = glmm_odds_ratio(from_cells(*cells), model="CM.AL", drop00=False)
    assert kept.k == 7
    assert kept.beta == pytest.approx(base.beta, rel=1e-12)


def test_t_interval_and_omnibus() -> None:
    x = np.stack([np.ones(9), np.arange(9.0)], axis=1)
    m = glmm_rate_ratio(*X, *X2, x, model="CM.EL", interval="t")
    assert m.df == 7
    assert pytest.approx(m.statistic[1] ** 2, rel=1e-10) == m.QM
    assert m.QM_p == pytest.approx(m.p[1], rel=1e-9)
    assert pytest.approx(2 * m.parameters - 2 * m.log_lik) == m.AIC
    assert m.parameters == 3


def test_effects_that_run_off_are_not_converged() -> None:
    group = np.stack([np.ones(4), [0.0, 0, 1, 1]], axis=1)
    m = glmm_proportion([3, 4, 0, 0], [20, 20, 20, 20], group, estimator="EE")
    assert not m.converged


def test_spread_that_runs_off_is_not_converged() -> None:
    t = from_cells([0, 9], [185, 80], [5, 0], [170, 77])  # one study says never, the other always
    assert not glmm_odds_ratio(t, model="CM.EL").converged
    assert glmm_odds_ratio(t, model="CM.EL", estimator="EE").converged


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: glmm_proportion([1.5, 2], [5, 5]), r"xi\[0\] must be a whole number"),
        (lambda: glmm_proportion([6, 2], [5, 5]), "more events than people"),
        (lambda: glmm_proportion([0, 0], [5, 5]), "no event"),
        (lambda: glmm_proportion([[1, 2]], [[5, 5]]), "one data set at a time"),
        (lambda: glmm_rate([0, 0], [5, 5]), "no event"),
        (lambda: glmm_rate([1, 2], [5, 0]), "ti"),
        (lambda: glmm_odds_ratio(from_cells([0, 0], [5, 5], [1, 2], [5, 5])), "no event"),
        (lambda: glmm_odds_ratio(from_cells([0, 0], [5, 5], [0, 0], [5, 5])), "no study"),
        (lambda: glmm_odds_ratio(HINE, model="UM"), "model"),
        (lambda: glmm_odds_ratio(HINE, coding=0.7), "coding"),
        (lambda: glmm_odds_ratio(HINE, nodes=7), "nodes"),
        (lambda: glmm_odds_ratio(HINE, correlated=True), "random levels"),
        (lambda: glmm_odds_ratio(HINE, estimator="REML"), "estimator"),
        (lambda: glmm_odds_ratio(HINE, interval="hk"), "interval"),
        (lambda: glmm_odds_ratio(HINE, np.ones((5, 1))), "design"),
        (lambda: glmm_odds_ratio(HINE, np.ones((6, 2))), "combination of the columns"),
        (lambda: glmm_proportion([1], [5], np.ones((1, 2))), "cannot carry"),
    ],
)
def test_bad_input(call: object, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        call()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"nodes": 400}, "nodes must be 1 .* 15 to 300 .found 400"),
        ({"nodes": 15.5}, "nodes must be 1"),
        ({"nodes": np.nan}, "nodes must be finite"),
        ({"nodes": [21, 31]}, "nodes must be 1"),
        ({"coding": np.array([0.5, 1.0])}, "coding must be 0.5, 1 or 0"),
        ({"coding": "half"}, "coding is not numeric"),
    ],
)
def test_options_out_of_limits(option: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        glmm_odds_ratio(HINE, **option)


def test_options_at_their_limits() -> None:
    most, usual = (glmm_odds_ratio(HINE, nodes=n, coding=np.array(0.5)) for n in (300, None))  # type: ignore[arg-type]
    assert most.converged
    assert most.beta == pytest.approx(usual.beta, rel=1e-8)


def test_tables_that_are_refused() -> None:
    with pytest.raises(InvalidInput, match="table must be a TwoByTwo"):
        glmm_odds_ratio(None)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match=r"n1i\[0\] must be > 0"):
        glmm_odds_ratio(TwoByTwo(*np.array([[0.0, 4], [0, 9], [3, 3], [6, 6]])))
