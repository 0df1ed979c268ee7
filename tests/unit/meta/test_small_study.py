"""Small-study effects: limits, hard cases, batches."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.effect_sizes.two_by_two import TwoByTwo, from_events
from pipeline.meta.pooling.random_effects import common_effect, random_effects
from pipeline.meta.small_study.choice import ASYMMETRY_TESTS, FUNNEL_TESTS, Evidence, asymmetry_test
from pipeline.meta.small_study.event_tests import deeks, harbord, peters, rucker
from pipeline.meta.small_study.excess_significance import EXCESS_TESTS, excess_significance
from pipeline.meta.small_study.failsafe_n import FAIL_SAFE, general, orwin, rosenberg, rosenthal
from pipeline.meta.small_study.funnel import contour_region, funnel, pseudo_interval, significance_contours
from pipeline.meta.small_study.pet_peese import pet_peese
from pipeline.meta.small_study.radial import radial
from pipeline.meta.small_study.rank_test import RankTest, begg, conditional_moments, schwarzer
from pipeline.meta.small_study.regression_tests import (
    RegressionTest,
    egger,
    macaskill,
    pustejovsky_rodgers,
    regression_test,
    thompson,
)
from pipeline.meta.small_study.trim_and_fill import MISSING_STUDIES, trim_and_fill

B, K = 4, 12
RNG = np.random.default_rng(7)
VI = RNG.uniform(0.01, 0.5, (B, K))
YI = 0.1 + 1.5 * np.sqrt(VI) + RNG.normal(0, np.sqrt(VI))
MASK = np.ones((B, K), dtype=bool)
MASK[1, 3] = MASK[2, :4] = MASK[3, 11] = False
N1, N2 = RNG.integers(20, 200, (B, K)).astype(float), RNG.integers(20, 200, (B, K)).astype(float)
AI, CI = RNG.binomial(N1.astype(int), 0.3).astype(float), RNG.binomial(N2.astype(int), 0.2).astype(float)
TABLE = from_events(AI, N1, CI, N2)


def row(table: TwoByTwo, i: int) -> TwoByTwo:
    return TwoByTwo(*(a[i][MASK[i]] for a in (table.ai, table.bi, table.ci, table.di)))


def close(a: object, b: object) -> None:
    assert np.asarray(a, dtype=float) == pytest.approx(np.asarray(b, dtype=float), rel=1e-10, abs=1e-12, nan_ok=True)


REGRESSIONS = {
    "egger": (lambda y, v, n1, n2, t, m: egger(y, v, mask=m)),
    "thompson": (lambda y, v, n1, n2, t, m: thompson(y, v, mask=m)),
    "pustejovsky": (lambda y, v, n1, n2, t, m: pustejovsky_rodgers(y, v, n1, n2, mask=m)),
    "macaskill": (lambda y, v, n1, n2, t, m: macaskill(y, v, n1 + n2, mask=m)),
    "peters": (lambda y, v, n1, n2, t, m: peters(y, t, mask=m)),
    "deeks": (lambda y, v, n1, n2, t, m: deeks(y, t, mask=m)),
    "harbord": (lambda y, v, n1, n2, t, m: harbord(t, mask=m)),
    "rucker": (lambda y, v, n1, n2, t, m: rucker(t, mask=m)),
}


class TestBatches:
    @pytest.mark.parametrize("name", REGRESSIONS)
    def test_regressions(self, name: str) -> None:
        batch = REGRESSIONS[name](YI, VI, N1, N2, TABLE, MASK)
        for i in range(B):
            m = MASK[i]
            one = REGRESSIONS[name](YI[i][m], VI[i][m], N1[i][m], N2[i][m], row(TABLE, i), None)
            for field in RegressionTest.__dataclass_fields__:
                close(getattr(batch, field)[i], getattr(one, field))

    @pytest.mark.parametrize("test", [begg, schwarzer])
    def test_rank_tests(self, test: object) -> None:
        batch = begg(YI, VI, mask=MASK) if test is begg else schwarzer(TABLE, mask=MASK)
        for i in range(B):
            m = MASK[i]
            one = begg(YI[i][m], VI[i][m]) if test is begg else schwarzer(row(TABLE, i))
            for field in RankTest.__dataclass_fields__:
                close(getattr(batch, field)[i], getattr(one, field))

    @pytest.mark.parametrize("missing", MISSING_STUDIES)
    @pytest.mark.parametrize("side", ["left", "right"])
    def test_trim_and_fill(self, missing: str, side: str) -> None:
        y = YI - np.sqrt(VI)  # "Q0" does not exist for all of YI
        batch = trim_and_fill(y, VI, side=side, missing=missing, mask=MASK, estimator="DL")
        for i in range(B):
            one = trim_and_fill(y[i][MASK[i]], VI[i][MASK[i]], side=side, missing=missing, estimator="DL")
            for field in ("k0", "k0_se", "k0_p", "converged"):
                close(getattr(batch, field)[i], getattr(one, field))
            close(batch.pooled.estimate[i], one.pooled.estimate)
            close(np.sort(batch.yi[i][batch.mask[i]]), np.sort(one.yi))
            assert one.mask.all() and one.fill.sum() == one.k0

    @pytest.mark.parametrize("kind", FAIL_SAFE)
    def test_fail_safe(self, kind: str) -> None:
        batch = FAIL_SAFE[kind](YI, VI, mask=MASK)
        for i in range(B):
            one = FAIL_SAFE[kind](YI[i][MASK[i]], VI[i][MASK[i]])
            for field in ("n", "p", "estimate", "target"):
                close(getattr(batch, field)[i], getattr(one, field))

    @pytest.mark.parametrize("alternative", ["greater", "less", "two.sided"])
    def test_excess_significance(self, alternative: str) -> None:
        batch = excess_significance(YI, VI, mask=MASK, alternative=alternative, tau2=0.02)
        for i in range(B):
            one = excess_significance(YI[i][MASK[i]], VI[i][MASK[i]], alternative=alternative, tau2=0.02)
            for field in ("k", "O", "E", "X2", "p_chi2", "p_binomial", "p_exact", "theta_limit"):
                close(getattr(batch, field)[i], getattr(one, field))

    def test_pet_peese_funnel_and_radial(self) -> None:
        pet, f, r = pet_peese(YI, VI, mask=MASK), funnel(YI, VI, mask=MASK), radial(YI, VI, mask=MASK, center=True)
        for i in range(B):
            y, v = YI[i][MASK[i]], VI[i][MASK[i]]
            one = pet_peese(y, v)
            for field in ("pet_t", "pet_p", "peese_t", "uses_peese", "estimate", "se", "ci_lb", "ci_ub"):
                close(getattr(pet, field)[i], getattr(one, field))
            close(f.ub[i], funnel(y, v).ub)
            close(f.region[i][MASK[i]], funnel(y, v).region)
            close(r.z[i][MASK[i]], radial(y, v, center=True).z)


class TestRegression:
    def test_common_effect_regression_is_pearson_weighted_least_squares(self) -> None:
        y, v = YI[0], VI[0]
        found = egger(y, v)
        line = stats.linregress(1 / np.sqrt(v), y / np.sqrt(v))  # the classic form: intercept and slope change places
        assert (found.slope, found.limit, found.se) == pytest.approx(
            (line.intercept, line.slope, line.intercept_stderr), rel=1e-10
        )

    def test_studies_on_a_line_have_no_statistic(self) -> None:
        v = np.array([0.01, 0.04, 0.09, 0.16])
        found = egger(0.2 + 3 * np.sqrt(v), v)
        assert (found.slope, found.limit, found.se) == (pytest.approx(3), pytest.approx(0.2), 0)
        assert np.isnan(found.statistic) and np.isnan(found.p)

    def test_variances_far_apart(self) -> None:
        v = np.array([1e-8, 1e-4, 1.0, 1e4])
        found = egger([0.1, 0.12, 0.5, 90.0], v)
        assert np.isfinite([found.slope, found.se, found.p]).all()
        assert found.limit == pytest.approx(0.1, abs=1e-3)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="at least 3 studies"):
            egger([0.1, 0.2], [0.1, 0.2])
        with pytest.raises(InvalidInput, match="the same in all studies"):
            egger([0.1, 0.2, 0.5], [0.1, 0.1, 0.1])
        with pytest.raises(InvalidInput, match="shapes differ"):
            regression_test([0.1, 0.2, 0.5], [0.1, 0.2, 0.3], [1.0, 2.0])
        with pytest.raises(InvalidInput, match=r"x\[1\]"):
            regression_test([0.1, 0.2, 0.5], [0.1, 0.2, 0.3], [1.0, np.nan, 2.0])
        with pytest.raises(InvalidInput, match=r"vi\[1\] must be > 0"):
            egger([0.1, 0.2, 0.5], [0.1, -0.2, 0.3])
        with pytest.raises(InvalidInput, match="choose from lm, rma"):
            regression_test(YI[0], VI[0], VI[0], model="ols")


class TestRanks:
    def test_exact_p_is_that_of_scipy(self) -> None:
        y, v = YI[0], VI[0]
        w = 1 / v
        z = (y - np.sum(w * y) / w.sum()) / np.sqrt(v - 1 / w.sum())
        found, scipy = begg(y, v), stats.kendalltau(z, v, method="exact")
        assert (found.tau, found.p) == pytest.approx((scipy.statistic, scipy.pvalue), rel=1e-12)

    def test_ties_take_the_normal_approximation(self) -> None:
        y, v = np.array([0.1, 0.5, 0.2, 0.9, 0.4]), np.array([0.1, 0.1, 0.2, 0.3, 0.3])
        w = 1 / v
        z = (y - np.sum(w * y) / w.sum()) / np.sqrt(v - 1 / w.sum())
        found, scipy = begg(y, v), stats.kendalltau(z, v, method="asymptotic")
        assert (found.tau, found.p) == pytest.approx((scipy.statistic, scipy.pvalue), rel=1e-12)

    def test_equal_variances_tell_nothing(self) -> None:
        found = begg([0.1, 0.2, 0.4], [0.1, 0.1, 0.1])
        assert np.isnan(found.tau) and np.isnan(found.z) and found.p == 1

    def test_perfect_order(self) -> None:
        assert begg([0, 1, 3, 9.0], [0.1, 0.2, 0.3, 0.4]).p == pytest.approx(2 / 24)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="at least 3"):
            begg([0.1, 0.2], [0.1, 0.2])
        with pytest.raises(InvalidInput, match="Mantel-Haenszel odds ratio"):
            schwarzer(from_events([0, 0, 0], [10, 10, 10], [1, 2, 3], [10, 10, 10]))
        with pytest.raises(InvalidInput, match=r"table\[0\] has no event"):
            schwarzer(from_events([0, 1, 2], [10, 10, 10], [0, 2, 3], [10, 10, 10]))
        with pytest.raises(InvalidInput, match="shapes differ"):
            harbord(from_events([1, 1, 2], [10, 10, 10], [1, 2, 3], [10, 10, 10]), mask=[True, True])


class TestTrimAndFill:
    def test_a_symmetric_funnel_misses_nothing(self) -> None:
        t = trim_and_fill([-2, -1, 0, 1, 2.0], [0.2, 0.1, 0.05, 0.1, 0.2], side="left", estimator="EE")
        assert t.k0 == 0 and t.pooled.estimate == pytest.approx(0, abs=1e-12) and t.converged

    def test_mirror_images(self) -> None:
        left = trim_and_fill(YI[0], VI[0], side="left")
        right = trim_and_fill(-YI[0], VI[0], side="right")
        assert left.k0 == right.k0 > 0
        assert left.pooled.estimate == pytest.approx(-right.pooled.estimate)

    def test_side_is_where_the_small_studies_are_not(self) -> None:
        assert trim_and_fill(YI[0], VI[0]).side == "left"
        assert trim_and_fill(-YI[0], VI[0]).side == "right"

    def test_limits(self) -> None:
        t = trim_and_fill(YI[0], VI[0], side="left", limits=(-0.1, 5))
        assert t.yi[t.fill].min() == -0.1

    def test_identical_studies(self) -> None:
        t = trim_and_fill([0.3] * 6, [0.1] * 6, side="left")
        assert t.k0 == 0 and t.pooled.estimate == pytest.approx(0.3)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2"):
            trim_and_fill([0.1], [0.1], side="left")
        with pytest.raises(InvalidInput, match="at least 3"):
            trim_and_fill([0.1, 0.2], [0.1, 0.2])
        with pytest.raises(InvalidInput, match="left, right"):
            trim_and_fill(YI[0], VI[0], side="top")
        with pytest.raises(InvalidInput, match="L0, R0, Q0"):
            trim_and_fill(YI[0], VI[0], missing="S0")
        with pytest.raises(InvalidInput, match='"Q0" does not exist'):
            trim_and_fill(YI, VI, side="left", missing="Q0", mask=MASK, estimator="DL")
        with pytest.raises(InvalidInput, match="needs a side"):
            trim_and_fill(YI, VI)


class TestFailSafe:
    def test_definitions(self) -> None:
        """With n studies added the criterion is met, with n - 1 it is not."""
        y, v = YI[0], VI[0]
        z = y / np.sqrt(v)
        n = int(rosenthal(y, v).n)
        stouffer = [stats.norm.sf(z.sum() / np.sqrt(K + m)) for m in (n - 1, n)]
        assert stouffer[0] < 0.05 <= stouffer[1]
        n = int(rosenberg(y, v).n)
        harmonic = 1 / np.mean(1 / v)
        added = [common_effect(np.r_[y, np.zeros(m)], np.r_[v, np.full(m, harmonic)]).p for m in (n - 1, n)]
        assert added[0] < 0.05 <= added[1]
        n = int(orwin(y, v, target=0.1).n)
        added = [common_effect(np.r_[y, np.zeros(m)], np.r_[v, np.full(m, harmonic)]).estimate for m in (n - 1, n)]
        assert added[0] > 0.1 >= added[1]

    def test_common_effect_is_rosenberg_and_orwin(self) -> None:
        for i in range(B):
            assert general(YI[i], VI[i], estimator="EE").n == rosenberg(YI[i], VI[i]).n
            assert general(YI[i], VI[i], estimator="EE", target=0.1).n == orwin(YI[i], VI[i], target=0.1).n

    def test_nothing_to_overturn(self) -> None:
        y, v = [0.1, -0.1, 0.02], [0.1, 0.1, 0.2]
        assert [float(f(y, v).n) for f in (rosenthal, rosenberg, general)] == [0, 0, 0]
        assert orwin(y, v, target=1).n == 0

    def test_no_target_gives_k(self) -> None:
        assert orwin(YI[0], VI[0]).n == K

    def test_target_zero(self) -> None:
        for f in (orwin, general):
            with pytest.raises(InvalidInput, match="must not be 0"):
                f(YI[0], VI[0], target=0)


class TestExcessSignificance:
    def test_power_at_the_null_is_alpha(self) -> None:
        t = excess_significance(YI[0], VI[0], theta=0.0)
        assert t.power == pytest.approx(np.full(K, 0.05))
        assert t.p_exact == pytest.approx(t.p_binomial) == pytest.approx(stats.binom.sf(t.O - 1, K, 0.05))

    def test_exact_with_different_power(self) -> None:
        t = excess_significance([0.5, 0.1, 0.4], [0.01, 0.04, 0.03])
        a, b, c = t.power
        assert t.O == 2 and t.p_exact == pytest.approx(a * b + a * c + b * c - 2 * a * b * c)

    @pytest.mark.parametrize("test", EXCESS_TESTS)
    def test_the_limit_has_the_level_as_p(self, test: str) -> None:
        t = excess_significance(YI[0], VI[0], limit_test=test)
        assert np.isfinite(t.theta_limit)
        again = excess_significance(YI[0], VI[0], theta=t.theta_limit)
        name = {"chi2": "p_chi2", "binomial": "p_binomial", "exact": "p_exact"}[test]
        assert getattr(again, name) == pytest.approx(0.10, rel=1e-8)

    def test_averaged_power_by_simulation(self) -> None:
        t = excess_significance([0.2, 0.3, 0.9], [0.01, 0.04, 0.2], theta=0.25, tau2=0.04)
        x, w = np.polynomial.hermite_e.hermegauss(60)
        effects = 0.25 + 0.2 * x
        se = np.sqrt([0.01, 0.04, 0.2])[:, None]
        by_quadrature = (
            stats.norm.sf(1.959963984540054 - effects / se) + stats.norm.cdf(-1.959963984540054 - effects / se)
        ) @ w
        assert t.power == pytest.approx(by_quadrature / w.sum(), rel=1e-6)

    def test_refusals(self) -> None:
        with pytest.raises(InvalidInput, match="sided"):
            excess_significance(YI[0], VI[0], sided="both")
        with pytest.raises(InvalidInput, match="tau2"):
            excess_significance(YI[0], VI[0], tau2=-1)
        with pytest.raises(InvalidInput, match="limit_test"):
            excess_significance(YI[0], VI[0], limit_test="t")


class TestPetPeese:
    def test_rule(self) -> None:
        v = np.array([0.01, 0.02, 0.04, 0.08, 0.16, 0.32])
        noise = np.array([0.01, -0.02, 0.02, 0.01, -0.03, 0.02])
        strong, none = pet_peese(1 + 0.1 * np.sqrt(v) + noise, v), pet_peese(2 * np.sqrt(v) + noise, v)
        assert strong.uses_peese and strong.estimate == strong.peese.limit
        assert not none.uses_peese and none.estimate == none.pet.limit
        assert pet_peese(-1 - 0.1 * np.sqrt(v) - noise, v, direction=-1).uses_peese
        assert not pet_peese(-1 - 0.1 * np.sqrt(v) - noise, v).uses_peese


class TestPlots:
    def test_contours_divide_the_regions(self) -> None:
        lb, ub = significance_contours([0.1, 0.3])
        assert lb.shape == (3, 2)
        assert contour_region(ub[1] * 1.001, [0.01, 0.09]).tolist() == [2, 2]
        assert contour_region(ub[1] * 0.999, [0.01, 0.09]).tolist() == [3, 3]
        assert contour_region(lb[2] * 1.001, [0.01, 0.09]).tolist() == [1, 1]

    def test_funnel_of_the_common_effect(self) -> None:
        f = funnel(YI[0], VI[0], estimator="EE", points=3)
        assert f.lb[0] == f.ub[0] == f.estimate == common_effect(YI[0], VI[0]).estimate
        wide = funnel(YI[0], VI[0], estimator="DL", points=3, add_tau2=True)
        tau = np.sqrt(random_effects(YI[0], VI[0], estimator="DL").tau2)
        assert wide.ub[0] - wide.estimate == pytest.approx(1.959963984540054 * tau)
        with pytest.raises(InvalidInput, match="points"):
            funnel(YI[0], VI[0], points=1)

    def test_radial_line(self) -> None:
        r = radial(YI[0], VI[0], estimator="EE")
        assert np.sum(r.x * r.z) / np.sum(r.x**2) == pytest.approx(r.slope)
        assert radial(YI[0], VI[0], estimator="EE", center=True).slope == 0


class TestChoice:
    def test_every_measure_has_a_test(self) -> None:
        assert set(ASYMMETRY_TESTS.values()) <= set(FUNNEL_TESTS)

    def test_choice(self) -> None:
        e = Evidence(YI[0], VI[0], table=TwoByTwo(*(a[0] for a in (TABLE.ai, TABLE.bi, TABLE.ci, TABLE.di))))
        assert asymmetry_test("OR", e) == harbord(e.counts())
        assert asymmetry_test("SMD", e) == pustejovsky_rodgers(YI[0], VI[0], N1[0], N2[0])
        assert asymmetry_test("RR", e, test="Peters") == peters(YI[0], e.counts())

    def test_refusals(self) -> None:
        e = Evidence(YI[0], VI[0])
        with pytest.raises(InvalidInput, match="measure 'RR' is not known"):
            asymmetry_test("RR", e)
        with pytest.raises(InvalidInput, match="n1i and n2i, or the two-by-two"):
            asymmetry_test("SMD", e)


class TestWhatDoesNotFit:
    Y, V = (0.1, 0.5, 0.3, 0.9), (0.02, 0.05, 0.04, 0.09)

    @pytest.mark.parametrize("name", ["theta", "tau2", "null"])
    def test_excess_significance(self, name: str) -> None:
        with pytest.raises(InvalidInput, match=f"{name} must be one number|{name} must fit"):
            excess_significance(self.Y, self.V, **{name: [0.1, 0.2]})
        with pytest.raises(InvalidInput, match=f"{name} must be finite"):
            excess_significance(self.Y, self.V, **{name: np.nan})

    def test_fail_safe_target(self) -> None:
        for method in (orwin, general):
            with pytest.raises(InvalidInput, match="target must be one number"):
                method(self.Y, self.V, target=[0.1, 0.2])

    @pytest.mark.parametrize("test", [egger, thompson])
    def test_equal_variances_and_masks(self, test: Any) -> None:
        with pytest.raises(InvalidInput, match="same in all studies"):
            test(self.Y, [0.1] * 4)
        with pytest.raises(InvalidInput, match="mask"):
            test(self.Y, self.V, mask=[True, True])
        on = [True, True, True, False]
        np.testing.assert_array_equal(
            test([*self.Y[:3], np.nan], [*self.V[:3], -1], mask=on).p, test(self.Y, self.V, mask=on).p
        )

    @pytest.mark.parametrize(
        "call",
        [
            lambda: schwarzer(None),
            lambda: conditional_moments(None, 1.0),
            lambda: deeks([0.1] * 3, None),
            lambda: peters([0.1] * 3, None),
            lambda: harbord(None),
            lambda: rucker(None),
        ],
    )
    def test_no_table(self, call: Any) -> None:
        with pytest.raises(InvalidInput, match="table must be a TwoByTwo"):
            call()

    def test_no_evidence(self) -> None:
        with pytest.raises(InvalidInput, match="evidence must be a Evidence"):
            asymmetry_test("SMD", None)  # type: ignore[arg-type]

    @pytest.mark.parametrize("ratio", [0.0, -1.0, np.nan, np.inf, [1.0, 2.0]])
    def test_conditional_moments(self, ratio: Any) -> None:
        with pytest.raises(InvalidInput, match="odds_ratio"):
            conditional_moments(from_events([1, 2, 3], [9, 9, 9], [1, 2, 3], [9, 9, 9]), ratio)

    def test_more_tables_than_memory(self) -> None:
        many = np.array([1e9])
        with pytest.raises(InvalidInput, match="would take"):
            conditional_moments(TwoByTwo(many, many, many, many), 1.0)

    def test_pseudo_interval(self) -> None:
        with pytest.raises(InvalidInput, match="do not fit"):
            pseudo_interval(0.1, [0.1, 0.2], [0.1, 0.2, 0.3])


def test_contours_and_tables_of_another_kind() -> None:
    with pytest.raises(InvalidInput, match="do not fit"):
        contour_region([0.1, 0.2, 0.3], [0.1, 0.2])
    for call in (lambda: contour_region([0.1], [0.1], null=np.nan), lambda: significance_contours([0.1], null=np.nan)):
        with pytest.raises(InvalidInput, match="null must be finite"):
            call()
    with pytest.raises(InvalidInput, match="table must be a TwoByTwo"):
        asymmetry_test("OR", Evidence([0.1] * 3, [0.1] * 3, table=3))  # type: ignore[arg-type]
