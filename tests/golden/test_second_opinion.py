"""Other Python packages where they are right: statsmodels does not cut tau2 at 0, pingouin's J is approximate."""

from __future__ import annotations

import numpy as np
import pingouin
import pytest
from statsmodels.stats.meta_analysis import combine_effects

from pipeline.meta.effect_sizes.standardized import standardized_mean_difference
from pipeline.meta.effect_sizes.two_by_two import from_events, pearson_chi_square
from pipeline.meta.pooling.random_effects import common_effect, random_effects

RNG = np.random.default_rng(20090116)
YI = RNG.normal(0.3, 0.4, 12)
VI = RNG.uniform(0.02, 0.2, 12)


class TestStatsmodels:
    def test_dersimonian_laird(self) -> None:
        theirs = combine_effects(YI, VI, method_re="chi2")
        ours = random_effects(YI, VI, estimator="DL", interval="wald")
        assert theirs.tau2 > 0
        assert ours.tau2 == pytest.approx(theirs.tau2, rel=1e-12)
        assert ours.estimate == pytest.approx(theirs.mean_effect_re, rel=1e-12)
        assert ours.se == pytest.approx(theirs.sd_eff_w_re, rel=1e-12)

    def test_hartung_knapp(self) -> None:
        theirs = combine_effects(YI, VI, method_re="chi2", use_t=True)
        ours = random_effects(YI, VI, estimator="DL", interval="hk")
        assert ours.se == pytest.approx(theirs.sd_eff_w_re_hksj, rel=1e-12)

    def test_paule_mandel(self) -> None:
        theirs = combine_effects(YI, VI, method_re="iterated", atol=1e-10)
        assert random_effects(YI, VI, estimator="PM").tau2 == pytest.approx(theirs.tau2, rel=1e-6)

    def test_common_effect_and_q(self) -> None:
        theirs = combine_effects(YI, VI)
        ours = common_effect(YI, VI)
        assert ours.estimate == pytest.approx(theirs.mean_effect_fe, rel=1e-12)
        assert float(ours.Q) == pytest.approx(theirs.q, rel=1e-12)


class TestPingouin:
    def test_hedges_g(self) -> None:
        x, y = RNG.normal(10, 3, 14), RNG.normal(12, 4, 9)
        ours = standardized_mean_difference(
            x.mean(), x.std(ddof=1), 14, y.mean(), y.std(ddof=1), 9, correction="approximate"
        )
        assert ours.yi == pytest.approx(pingouin.compute_effsize(x, y, eftype="hedges"), rel=1e-12)


@pytest.mark.parametrize("continuity", [False, True])
def test_pearson_chi_square_against_scipy(continuity: bool) -> None:
    from scipy.stats import chi2_contingency

    theirs = chi2_contingency([[7, 13], [15, 6]], correction=continuity)
    ours = pearson_chi_square(from_events(7, 20, 15, 21), continuity=continuity)
    assert (ours.statistic, ours.p) == (pytest.approx(theirs.statistic), pytest.approx(theirs.pvalue))
