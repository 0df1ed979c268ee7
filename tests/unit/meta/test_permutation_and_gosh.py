"""Permutation tests and subsets: a batch equals a loop, exact equals counting, bad requests are refused."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.influence.gosh import gosh
from pipeline.meta.moderators.permutation import permutation_test
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.random_effects import common_effect, random_effects

Y = np.array([0.11, 0.52, -0.13, 0.74, 0.35])
V = np.array([0.02, 0.05, 0.04, 0.09, 0.03])
GROUP = np.column_stack([np.ones(5), [0, 0, 1, 1, 1]])


def test_signs_by_counting() -> None:
    found = permutation_test(Y, V, exact=True, estimator="DL")
    t = [float(meta_regression(Y * s, V, estimator="DL", interval="wald").statistic[0])
         for s in (np.array(signs) for signs in product([1, -1], repeat=5))]  # fmt: skip
    assert found.permutations == 32
    assert found.p[0] == np.mean(np.abs(t) >= abs(found.statistic[0]) - 1e-9)
    assert np.isnan(found.QM_p)


@pytest.mark.parametrize("interval", ["wald", "hk"])
def test_rows_by_counting_every_order(interval: str) -> None:
    """Equal rows are exchanged unseen: 10 different orders, the same p as from all 120."""
    found = permutation_test(Y, V, GROUP, exact=True, interval=interval)
    t = [float(meta_regression(Y, V, GROUP[list(o)], interval=interval).statistic[1]) for o in permutations(range(5))]
    assert found.permutations == 10
    assert found.p[1] == pytest.approx(np.mean(np.abs(t) >= abs(found.statistic[1]) - 1e-9))
    assert found.QM_p == pytest.approx(found.p[1])


def test_random_permutations_come_near_the_exact_p() -> None:
    y, v = np.tile(Y, 2) + np.linspace(0, 0.3, 10), np.tile(V, 2)
    exact = permutation_test(y, v, exact=True)
    drawn = permutation_test(y, v, exact=False, permutations=20_000, rng=np.random.default_rng(3))
    assert (exact.exact, drawn.exact, drawn.permutations) == (True, False, 20_000)
    assert drawn.p[0] == pytest.approx(exact.p[0], abs=4 * np.sqrt(exact.p[0] / 20_000))


def test_the_same_seed_gives_the_same_p() -> None:
    a, b = (permutation_test(Y, V, GROUP, exact=False, permutations=500, rng=np.random.default_rng(1)) for _ in "ab")
    assert np.array_equal(a.p, b.p)


def test_permutations_that_cannot_be_done() -> None:
    with pytest.raises(InvalidInput, match="rng"):
        permutation_test(np.tile(Y, 4), np.tile(V, 4))
    with pytest.raises(InvalidInput, match="too many"):
        permutation_test(np.tile(Y, 8), np.tile(V, 8), exact=True)
    with pytest.raises(InvalidInput, match="column 1"):
        permutation_test(Y, V, np.ones((5, 2)), exact=True)


@pytest.mark.parametrize("estimator", ["REML", "PM", "EE"])
def test_subsets_equal_a_loop(estimator: str) -> None:
    g = gosh(Y, V, estimator=estimator)
    assert g.converged.all()
    for on, estimate, tau2, q in zip(g.member, g.estimate, g.tau2, g.Q, strict=True):
        one = common_effect(Y[on], V[on]) if estimator == "EE" else random_effects(Y[on], V[on], estimator=estimator)
        assert [estimate, tau2, q] == pytest.approx([one.estimate, one.tau2, one.Q], rel=1e-12, abs=1e-13)


def test_a_sample_of_subsets_has_no_empty_one() -> None:
    g = gosh(Y[:2], V[:2], subsets=500, rng=np.random.default_rng(0))
    assert len(g.k) == 500
    assert g.k.min() == 1


def test_subsets_that_cannot_be_done() -> None:
    with pytest.raises(InvalidInput, match="draw some"):
        gosh(np.tile(Y, 5), np.tile(V, 5))
    with pytest.raises(InvalidInput, match="rng"):
        gosh(Y, V, subsets=10)


@pytest.mark.parametrize("subsets", ["many", 2.5, [3]])
def test_subsets_are_a_whole_number(subsets: object) -> None:
    with pytest.raises(InvalidInput, match="subsets must be a int"):
        gosh(Y, V, subsets=subsets, rng=np.random.default_rng(1))  # type: ignore[arg-type]


def test_rng_is_a_generator() -> None:
    with pytest.raises(InvalidInput, match="rng must be a Generator"):
        gosh(Y, V, subsets=10, rng=7)  # type: ignore[arg-type]
