"""Every way back from print must return what went in."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pipeline.meta.conversions import from_tests, needed_to_treat
from pipeline.meta.conversions import printed as conversions
from pipeline.meta.dependence import aggregation as dependence
from pipeline.meta.dependence import clusters
from pipeline.meta.effect_sizes.standardized import hedges_g, standardized_mean_difference
from pipeline.meta.pooling.random_effects import common_effect


def test_standard_error_from_an_interval() -> None:
    """Cochrane Handbook 6.3.1: 95 % interval, width over 3.92."""
    assert conversions.se_from_ci(-0.5, 1.5) == pytest.approx(2 / 3.919928, rel=1e-6)


def test_standard_error_from_a_t_interval() -> None:
    """Cochrane Handbook 6.5.2.3: group sizes 25 and 22 give t(45) = 2.0141 and a divisor of 4.0282."""
    assert conversions.se_from_ci(1.33, 7.67, df=45) == pytest.approx(6.34 / 4.0282, rel=1e-4)


def test_standard_error_from_p_and_t() -> None:
    """Cochrane Handbook 6.5.2.3: MD 3.8, P 0.008, sizes 25 and 22: t = 2.78 and SE = 1.37."""
    se = conversions.se_from_p(3.8, 0.008, df=45)
    assert 3.8 / se == pytest.approx(2.78, abs=0.005)
    assert se == pytest.approx(1.37, abs=0.005)
    assert conversions.se_from_t(-3.8, 3.8 / se) == pytest.approx(se)


def test_standard_deviation_from_an_arm_interval() -> None:
    """Cochrane Handbook 6.5.2.2: n = 25, 30.0 to 34.2: t(24) = 2.0639, SD = sqrt(25) 4.2 / 4.128 = 5.09."""
    assert conversions.sd_from_ci(30.0, 34.2, 25) == pytest.approx(5.09, abs=0.005)
    assert conversions.sd_from_ci(30.0, 34.2, 25, t=False) == pytest.approx(5 * 4.2 / 3.919928, rel=1e-6)


def test_smd_from_a_mean_difference() -> None:
    """The unadjusted difference and its standard error hold the pooled SD."""
    direct = standardized_mean_difference(10.0, 3.0, 30, 12.0, 4.0, 26)
    pooled = np.sqrt((29 * 9 + 25 * 16) / 54)
    from_md = conversions.smd_from_mean_difference(-2.0, pooled * np.sqrt(1 / 30 + 1 / 26), 30, 26)
    assert (from_md.yi, from_md.vi) == (pytest.approx(direct.yi, rel=1e-12), pytest.approx(direct.vi, rel=1e-12))


def test_d_from_t_and_p() -> None:
    rng = np.random.default_rng(7)
    x, y = rng.normal(0, 1, 12), rng.normal(0.8, 1, 15)
    t = stats.ttest_ind(x, y)
    d = standardized_mean_difference(x.mean(), x.std(ddof=1), 12, y.mean(), y.std(ddof=1), 15, correction="none")
    assert from_tests.d_from_t(t.statistic, 12, 15) == pytest.approx(d.yi)
    assert from_tests.d_from_p(-t.pvalue, 12, 15) == pytest.approx(d.yi)


def test_reduction_swaps_the_limits() -> None:
    r = conversions.ratio_from_reduction(0.46, 0.24, 0.62)
    assert (r.estimate, r.ci_lb, r.ci_ub) == pytest.approx((0.54, 0.38, 0.76))
    assert r.ci_lb < r.estimate < r.ci_ub


def test_ratio_there_and_back() -> None:
    es = conversions.log_ratio_from_ci(0.66, 0.66 / 1.5, 0.66 * 1.5)
    back = conversions.ratio_limits(es)
    assert (back.estimate, back.ci_lb, back.ci_ub) == pytest.approx((0.66, 0.44, 0.99))


def test_exact_and_approximate_correction_differ_in_small_groups() -> None:
    exact, approximate = hedges_g(1.0, 3, 3), hedges_g(1.0, 3, 3, correction="approximate")
    assert exact.yi == pytest.approx(0.7978845608, rel=1e-9)  # Gamma(2) / (sqrt(2) Gamma(1.5)) = sqrt(2 / pi)
    assert approximate.yi == pytest.approx(0.8)


def test_nnt_is_infinite_without_a_difference() -> None:
    assert np.isinf(needed_to_treat.number_needed_to_treat(0.0))
    assert np.isinf(needed_to_treat.number_needed_to_treat_kraemer(0.0))


def test_partially_nested_lies_between_none_and_full() -> None:
    half = clusters.partially_nested_design_effect(10, 0.05, 50, 50)
    assert half == pytest.approx((1 + clusters.design_effect(10, 0.05)) / 2)
    assert clusters.partially_nested_design_effect(10, 0.0, 50, 30) == 1


def test_strata_are_a_common_effect() -> None:
    yi, vi = np.array([0.2, 0.5, -0.1]), np.array([0.1, 0.05, 0.2])
    y, v = dependence.combine_strata(yi, vi)
    pooled = common_effect(yi, vi)
    assert (y, np.sqrt(v)) == (pytest.approx(pooled.estimate), pytest.approx(pooled.se))
    a = dependence.aggregate_dependent(yi, vi, ["t", "t", "t"], rho=0.0)
    assert (a.yi[0], a.vi[0]) == (pytest.approx(y), pytest.approx(v))
    assert a.cluster == ("t",)
