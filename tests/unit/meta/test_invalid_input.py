"""Numbers that cannot be used are refused with the argument's name, the place and the limit."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.arrays import InvalidInput
from pipeline.meta.conversions import printed as conversions
from pipeline.meta.dependence import aggregation as dependence
from pipeline.meta.dependence import clusters
from pipeline.meta.effect_sizes import events, means, rates, standardized, two_by_two
from pipeline.meta.effect_sizes.measures import MEASURES
from pipeline.meta.influence.cumulative import cumulative
from pipeline.meta.influence.leave_one_out import leave_one_out
from pipeline.meta.moderators.design import design
from pipeline.meta.pooling.intervals import INTERVALS
from pipeline.meta.pooling.meta_regression import meta_regression
from pipeline.meta.pooling.prediction import PREDICTION, prediction_interval
from pipeline.meta.pooling.random_effects import common_effect, random_effects
from pipeline.meta.pooling.subgroups import subgroup_analysis
from pipeline.meta.pooling.tau2 import TAU2_ESTIMATORS
from pipeline.meta.pooling.tau2_interval import tau2_interval
from pipeline.meta.small_study.event_tests import harbord
from pipeline.meta.small_study.regression_tests import predictor, regression_test


class TestPooling:
    @pytest.mark.parametrize(
        ("yi", "vi", "message"),
        [
            ([], [], "no study"),
            ([0.1, 0.2], [0.1], "as many studies"),
            (0.1, 0.1, "as many studies"),
            ([0.1, np.nan], [0.1, 0.1], r"yi\[1\] must be finite"),
            ([0.1, np.inf], [0.1, 0.1], r"yi\[1\] must be finite"),
            ([0.1, 0.2], [0.1, np.nan], r"vi\[1\] must be finite"),
            ([0.1, 0.2], [0.0, 0.1], r"vi\[0\] must be > 0"),
            ([0.1, 0.2], [0.1, -1.0], r"vi\[1\] must be > 0"),
        ],
    )
    def test_studies(self, yi: object, vi: object, message: str) -> None:
        for model in (random_effects, common_effect):
            with pytest.raises(InvalidInput, match=message):
                model(yi, vi)  # type: ignore[arg-type]

    def test_a_batch_row_without_a_study(self) -> None:
        with pytest.raises(InvalidInput, match="no study"):
            random_effects([[0.1, 0.2], [0.1, 0.2]], [0.1, 0.1], mask=[[True, True], [False, False]])

    def test_mask_of_another_length(self) -> None:
        with pytest.raises(InvalidInput, match="mask"):
            random_effects([0.1, 0.2], [0.1, 0.1], mask=[True, True, True])

    def test_values_behind_the_mask_are_not_looked_at(self) -> None:
        p = random_effects([0.1, np.nan, 0.4], [0.1, -1, 0.2], mask=[True, False, True])
        assert p.estimate == pytest.approx(random_effects([0.1, 0.4], [0.1, 0.2]).estimate)

    def test_unknown_names(self) -> None:
        with pytest.raises(InvalidInput, match="choose from REML"):
            random_effects([0.1], [0.1], estimator="REMLL")
        with pytest.raises(InvalidInput, match="hk_floored"):
            random_effects([0.1], [0.1], interval="knha")
        with pytest.raises(InvalidInput, match="t_k1"):
            prediction_interval(0, 1, 1, 3, method="t")
        with pytest.raises(InvalidInput, match="QP"):
            tau2_interval([0.1, 0.2], [0.1, 0.1], method="wald")
        for estimator in ("GENQ", "GENQM"):
            with pytest.raises(InvalidInput, match="needs weights"):
                meta_regression([0.1, 0.2], [0.1, 0.1], estimator=estimator)

    @pytest.mark.parametrize("level", [0, 100, -5])
    def test_level(self, level: float) -> None:
        with pytest.raises(InvalidInput, match="percentage"):
            random_effects([0.1, 0.2], [0.1, 0.1], level=level)


class TestHardButLegal:
    @pytest.mark.parametrize("estimator", sorted(set(TAU2_ESTIMATORS) - {"GENQ", "GENQM"}))
    def test_identical_studies(self, estimator: str) -> None:
        p = random_effects([0.3] * 5, [0.1] * 5, estimator=estimator)
        assert (p.estimate, p.tau2) == (pytest.approx(0.3), pytest.approx(0, abs=1e-12))
        assert p.se == pytest.approx(np.sqrt(0.1 / 5))

    def test_identical_studies_have_no_plain_hartung_knapp_error(self) -> None:
        assert random_effects([0.25] * 5, [0.1] * 5, interval="hk").se == pytest.approx(0, abs=1e-12)

    @pytest.mark.parametrize("estimator", sorted(set(TAU2_ESTIMATORS) - {"GENQ", "GENQM"}))
    def test_variances_twelve_orders_apart(self, estimator: str) -> None:
        p = random_effects([0.1, 0.5, -0.4, 0.9], [1e-9, 1e-2, 1.0, 1e3], estimator=estimator)
        assert p.converged
        assert np.isfinite([p.estimate, p.se, p.ci_lb, p.ci_ub, p.tau2, p.I2, p.H2, p.Q]).all()
        assert p.tau2 >= 0
        assert p.ci_lb < p.estimate < p.ci_ub

    def test_reml_of_two_studies_in_closed_form(self) -> None:
        """For equal variances tau2 = (y1 - y2)^2 / 2 - v."""
        assert random_effects([0.0, 1.0], [0.1, 0.1]).tau2 == pytest.approx(0.4, rel=1e-12)

    def test_huge_effects_of_tiny_variance(self) -> None:
        p = random_effects([-1e6, 1e6, 3e6], [1e-6, 1e-6, 1e-6])
        assert p.tau2 == pytest.approx(4e12, rel=1e-9)
        assert float(p.I2) == pytest.approx(100)

    @pytest.mark.parametrize("interval", INTERVALS)
    def test_one_study_has_its_wald_interval(self, interval: str) -> None:
        p = random_effects([0.1], [0.04], interval=interval)
        assert p.se == pytest.approx(0.2)
        assert np.isnan(p.df)
        assert p.ci_ub == pytest.approx(0.1 + 1.959964 * 0.2)

    @pytest.mark.parametrize("method", PREDICTION)
    def test_prediction_of_one_study_is_undefined(self, method: str) -> None:
        p = random_effects([0.1], [0.1])
        pi = prediction_interval(p.estimate, p.se, p.tau2, p.k, method=method)
        assert np.isnan([pi.pi_lb, pi.pi_ub]).all()

    def test_tau2_interval_of_one_study_is_undefined(self) -> None:
        i = tau2_interval([0.1], [0.1])
        assert (i.tau2, i.I2, i.H2) == (0, 0, 1)
        assert np.isnan([i.tau2_lb, i.tau2_ub, i.I2_ub, i.H2_ub]).all()


MEANS = {"m1i": 10.0, "sd1i": 2.0, "n1i": 20, "m2i": 8.0, "sd2i": 2.0, "n2i": 20}


class TestEffectSizes:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"n1i": 1}, "n1i must be >= 2"),
            ({"sd2i": 0}, "sd2i must be > 0"),
            ({"sd1i": -1}, "sd1i must be > 0"),
            ({"m1i": np.nan}, "m1i must be finite"),
            ({"m1i": "ten"}, "m1i is not numeric"),
            ({"m1i": [1.0, 2.0], "m2i": [1.0, 2.0, 3.0]}, "shapes differ"),
        ],
    )
    @pytest.mark.parametrize("measure", ["SMD", "MD", "ROM"])
    def test_means(self, measure: str, change: dict[str, object], message: str) -> None:
        with pytest.raises(InvalidInput, match=message):
            MEASURES[measure](**(MEANS | change))

    def test_ratio_of_a_negative_mean(self) -> None:
        with pytest.raises(InvalidInput, match="m2i must be > 0"):
            means.ratio_of_means(**(MEANS | {"m2i": -1.0}))

    def test_unknown_options(self) -> None:
        with pytest.raises(InvalidInput, match="exact"):
            standardized.standardized_mean_difference(**MEANS, correction="hedges")
        with pytest.raises(InvalidInput, match="LS"):
            standardized.standardized_mean_difference(**MEANS, vtype="XX")

    def test_counts(self) -> None:
        with pytest.raises(InvalidInput, match="more events than people"):
            two_by_two.from_events([3, 12], [10, 10], [1, 1], [10, 10])
        with pytest.raises(InvalidInput, match="ai must be >= 0"):
            two_by_two.from_cells(-1, 2, 3, 4)
        with pytest.raises(InvalidInput, match="n2i must be > 0"):
            two_by_two.from_cells(1, 2, 0, 0)
        with pytest.raises(InvalidInput, match="only0"):
            events.odds_ratio(two_by_two.from_cells(1, 2, 3, 4), to="some")
        with pytest.raises(InvalidInput, match="t1i must be > 0"):
            rates.incidence_rate_ratio(1, 0, 1, 10)

    def test_zero_cells(self) -> None:
        table = two_by_two.from_events([0, 0, 2], [10, 10, 10], [0, 3, 3], [10, 10, 10])
        dropped = events.odds_ratio(table, drop00=True)
        assert np.isnan(dropped.yi).tolist() == [True, False, False]
        bare = events.risk_ratio(table, to="none")
        assert np.isnan(bare.yi).tolist() == [True, True, False]
        assert np.isnan(bare.vi).tolist() == [True, True, False]
        assert events.odds_ratio(table).yi[1] == pytest.approx(np.log(0.5 * 7.5 / (10.5 * 3.5)))

    def test_scalars_stay_scalars(self) -> None:
        assert np.shape(standardized.standardized_mean_difference(**MEANS).yi) == ()


class TestConversions:
    def test_limits_in_the_wrong_order(self) -> None:
        with pytest.raises(InvalidInput, match="ci_ub - ci_lb must be > 0"):
            conversions.se_from_ci(0.5, 0.1)

    def test_a_ratio_below_zero(self) -> None:
        with pytest.raises(InvalidInput, match="ci_lb must be > 0"):
            conversions.log_ratio_from_ci(0.8, -0.2, 1.1)

    def test_a_reduction_in_percent(self) -> None:
        with pytest.raises(InvalidInput, match="proportion"):
            conversions.ratio_from_reduction(46, 24, 62)

    def test_no_standard_error_from_nothing(self) -> None:
        with pytest.raises(InvalidInput, match="statistic"):
            conversions.se_from_t(0.3, 0)
        with pytest.raises(InvalidInput, match="estimate"):
            conversions.se_from_t(0, 2.0)
        with pytest.raises(InvalidInput, match="p must be > 0"):
            conversions.se_from_p(0.3, 0)

    def test_clusters(self) -> None:
        with pytest.raises(InvalidInput, match="icc must be <= 1"):
            clusters.design_effect(10, 5)
        with pytest.raises(InvalidInput, match=r"m \(3,\), cv \(2,\)"):
            clusters.design_effect([5, 6, 7], 0.05, cv=[0.1, 0.2])  # type: ignore[arg-type]
        with pytest.raises(InvalidInput, match="m must be >= 1"):
            clusters.design_effect(0.5, 0.05)


class TestOtherRooms:
    def test_leave_one_out_of_one(self) -> None:
        with pytest.raises(InvalidInput, match="at least 2"):
            leave_one_out([0.1], [0.1])

    def test_order_that_is_no_order(self) -> None:
        with pytest.raises(InvalidInput, match="order"):
            cumulative([0.1, 0.2], [0.1, 0.1], [0, 0])

    def test_one_subgroup(self) -> None:
        with pytest.raises(InvalidInput, match="2 subgroups"):
            subgroup_analysis([0.1, 0.2], [0.1, 0.1], ["a", "a"])
        with pytest.raises(InvalidInput, match="shapes differ"):
            subgroup_analysis([0.1, 0.2], [0.1, 0.1], ["a"])

    def test_regression_test(self) -> None:
        with pytest.raises(InvalidInput, match="at least 3"):
            regression_test([0.1, 0.2], [0.1, 0.1], [1, 2])
        with pytest.raises(InvalidInput, match="the same in all studies"):
            regression_test([0.1, 0.2, 0.4], [0.1, 0.1, 0.1], [1, 1, 1])
        with pytest.raises(InvalidInput, match="needs ni"):
            predictor("ni", [0.1])
        with pytest.raises(InvalidInput, match=r"table\[0\] has no event"):
            harbord(two_by_two.from_events([0, 1, 2], [10, 10, 10], [0, 2, 3], [10, 10, 10]))

    def test_more_coefficients_than_studies(self) -> None:
        with pytest.raises(InvalidInput, match="cannot carry"):
            meta_regression([0.1], [0.1], [[1.0, 2.0]])

    def test_formula(self) -> None:
        with pytest.raises(InvalidInput, match="'yaer' is not known"):
            design("~ yaer", {"year": [1, 2]})
        with pytest.raises(InvalidInput, match="not understood"):
            design("~ a %in% b", {"a": [1], "b": [1]})

    def test_impossible_correlation(self) -> None:
        with pytest.raises(InvalidInput, match="impossible"):
            dependence.aggregate_dependent([0.1, 0.2, 0.3], [0.1] * 3, [1, 1, 1], rho=-0.9)
        with pytest.raises(InvalidInput, match="between -1 and 1"):
            dependence.aggregate_dependent([0.1], [0.1], [1], rho=1.0)
