"""Power: limits, the number of studies, errors."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.moderators import power


def test_without_an_effect_power_is_alpha() -> None:
    assert power.power_mean(0, 0.1, 7).power == pytest.approx(0.05)
    assert power.power_mean(0, 0.1, 7, alternative="less", level=99).power == pytest.approx(0.01)
    assert power.power_heterogeneity([0.1, 0.3, 0.02], 0).power == pytest.approx(0.05)
    assert power.power_fixed_heterogeneity([0.1, 0.3, 0.02], [0.4, 0.4, 0.4]).power == pytest.approx(0.05)
    assert power.power_subgroups([0.2, 0.2], [3, 5], 0.1).power == pytest.approx(0.05)


def test_the_number_of_studies_is_the_smallest() -> None:
    effects, tau2 = np.array([0.1, 0.2, 0.5, -0.3, 3.0]), np.array([0.0, 0.03, 0.2, 0.01, 0.0])
    k = power.studies_needed(effects, 0.08, tau2=tau2)
    assert np.all(power.power_mean(effects, 0.08, k, tau2=tau2).power >= 0.8)
    more_than_one = k > 1
    less = power.power_mean(effects, 0.08, np.maximum(k - 1, 1), tau2=tau2).power
    assert np.all(less[more_than_one] < 0.8) and k[-1] == 1


def test_no_number_of_studies_finds_nothing() -> None:
    assert power.studies_needed(0.0, 0.1) == np.inf
    assert power.studies_needed(-0.2, 0.1, alternative="greater") == np.inf


def test_two_subgroups_are_a_regression_on_one_indicator() -> None:
    x = [[1, 0]] * 4 + [[1, 1]] * 6
    a = power.power_moderator([0.2, 0.3], x, [0.05] * 10, [0, 1], tau2=0.02)
    b = power.power_subgroups([0.2, 0.5], [4, 6], 0.05, tau2=0.02)
    assert a.power == pytest.approx(b.power, rel=1e-10)
    assert power.power_mean(0.3, 0.07 / 4 + 0.07 / 6, 1).power == pytest.approx(a.power, rel=1e-8)


def test_simulation_agrees_where_tau2_is_known() -> None:
    rng = np.random.default_rng(5)
    s = power.simulated_power(0.25, [0.05] * 8, 0.0, rng, replicates=4000, estimator="EE", interval="wald")
    assert s.power == pytest.approx(power.power_mean(0.25, 0.05, 8).power, abs=0.02)


def test_few_studies_have_less_power_than_the_formula_says() -> None:
    s = power.simulated_power(0.4, [0.05] * 4, 0.05, np.random.default_rng(6), replicates=2000)
    assert s.power < power.power_mean(0.4, 0.05, 4, tau2=0.05).power - 0.1


def test_batches() -> None:
    grid = power.power_mean(np.array([0.1, 0.3])[:, None], 0.08, np.array([5, 10, 20]))
    assert grid.power.shape == (2, 3) and np.all(np.diff(grid.power, axis=1) > 0)
    assert power.power_heterogeneity(np.full((2, 1, 6), 0.1), np.array([0.0, 0.1, 0.5])).power.shape == (2, 3)


def test_errors() -> None:
    with pytest.raises(InvalidInput, match="v must be > 0"):
        power.power_mean(0.2, 0, 5)
    with pytest.raises(InvalidInput, match="k must be >= 1"):
        power.power_mean(0.2, 0.1, 0)
    with pytest.raises(InvalidInput, match="choose from two-sided, greater, less"):
        power.power_mean(0.2, 0.1, 5, alternative="both")
    with pytest.raises(InvalidInput, match="between alpha and 1"):
        power.studies_needed(0.2, 0.1, power=1.0)
    with pytest.raises(InvalidInput, match="at least 2 studies"):
        power.power_heterogeneity([0.1], 0.1)
    with pytest.raises(InvalidInput, match="at least 2 studies"):
        power.power_fixed_heterogeneity([0.1], [0.1])
    with pytest.raises(InvalidInput, match="at least 2 subgroups"):
        power.power_subgroups([0.1], [3], 0.1)
    with pytest.raises(InvalidInput, match="n1 must be > 1"):
        power.smd_variance(0.2, 1, 20)
    with pytest.raises(InvalidInput, match="vi must be"):
        power.simulated_power(0.2, [[0.1]], 0, np.random.default_rng(1))


def test_shapes_that_do_not_fit() -> None:
    two, three = [0.1, 0.2], [0.1, 0.2, 0.3]
    for call in (
        lambda: power.power_mean(two, three, 5),
        lambda: power.power_mean(two, 0.1, 5, tau2=three),
        lambda: power.studies_needed(two, three),
        lambda: power.power_heterogeneity(np.full((2, 4), 0.1), three),
        lambda: power.power_subgroups(two, [5, 5, 5], 0.1),
        lambda: power.power_moderator([0.2, 0.4], [[1, 0], [1, 1], [1, 0]], np.full((2, 3), 0.1), [0, 1], tau2=three),
    ):
        with pytest.raises(InvalidInput, match="do not fit"):
            call()


def test_simulation_takes_one_effect_and_one_tau2() -> None:
    rng = np.random.default_rng(1)
    with pytest.raises(InvalidInput, match="tau2 must be one number"):
        power.simulated_power(0.2, [0.1] * 4, [0.1, 0.2], rng, replicates=10)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="effect must be one number"):
        power.simulated_power([0.2, 0.3], [0.1] * 4, 0.1, rng, replicates=10)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="rng must be a Generator"):
        power.simulated_power(0.2, [0.1] * 4, 0.1, 7, replicates=10)  # type: ignore[arg-type]


def test_power_and_replicates_are_numbers() -> None:
    with pytest.raises(InvalidInput, match="power is not numeric"):
        power.studies_needed(0.2, 0.1, power="a")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="replicates must be a int"):
        power.simulated_power(0.2, [0.1] * 4, 0.1, np.random.default_rng(1), replicates="a")  # type: ignore[arg-type]
