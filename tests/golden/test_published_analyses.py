"""Analyses printed in papers, under the paper's name, recomputed from its data. Data: tests/golden/cases."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pipeline.meta.dependence.multilevel import three_level
from pipeline.meta.effect_sizes.events import odds_ratio
from pipeline.meta.effect_sizes.two_by_two import from_cells
from pipeline.meta.influence.residuals import best_predictions
from pipeline.meta.pooling.meta_regression import Regression, meta_regression
from pipeline.meta.pooling.tau2_interval import tau2_interval
from tests.golden.test_gold import CASES
from tests.golden.test_known_answers import column


def data(case: str) -> tuple[np.ndarray, np.ndarray]:
    given = json.loads(CASES[case].read_text())["input"]
    return np.array(given["yi"]), np.array(given["vi"])


class TestRaudenbushBryk1985:
    """J Educ Stat 10:75, data of Table 1; results on p. 83, 85 and 86 and in Figure 2: teacher expectancy."""

    yi, vi = data("rma_raudenbush1985_REML_z")
    model = meta_regression(yi, vi, interval="wald")

    def test_random_effects(self) -> None:
        m = self.model
        assert [m.tau2, m.beta[0], m.statistic[0]] == pytest.approx([0.019, 0.084, 1.62], abs=0.005)
        assert pytest.approx(35.85, abs=0.03) == m.Q

    def test_empirical_bayes_estimates(self) -> None:
        """The nineteen estimates behind Figure 2, and the limits of the first three."""
        printed = [0.0543, 0.1006, -0.0064, 0.2144, 0.1051, -0.0082, 0.0174, -0.0293, 0.1604, 0.2485, 0.1618, 0.1102,
                   0.0646, 0.1105, -0.0288, 0.0258, 0.1905, 0.0744, 0.0248]  # fmt: skip
        found = best_predictions(self.yi, self.vi)
        assert found.estimate == pytest.approx(printed, abs=1e-4)
        assert found.pi_lb[:3] == pytest.approx([-0.1324, -0.1033, -0.2228], abs=1e-4)
        assert found.pi_ub[:3] == pytest.approx([0.2411, 0.3045, 0.2100], abs=1e-4)


class TestRaudenbush2009:
    """Handbook of Research Synthesis, 2nd ed., ch. 16, Table 16.2 on p. 301, and p. 302."""

    yi, vi = data("rma_raudenbush1985_REML_z")

    @pytest.mark.parametrize(
        ("estimator", "mean", "z", "tau2"), [("EE", 0.060, 1.65, 0.0), ("REML", 0.083, 1.62, 0.019)]
    )
    def test_mean(self, estimator: str, mean: float, z: float, tau2: float) -> None:
        m = meta_regression(self.yi, self.vi, estimator=estimator, interval="wald")
        assert [m.beta[0], m.tau2] == pytest.approx([mean, tau2], abs=0.001)
        assert m.statistic[0] == pytest.approx(z, abs=0.006)

    def test_homogeneity(self) -> None:
        assert pytest.approx(35.83, abs=0.005) == meta_regression(self.yi, self.vi).Q


class TestVanHouwelingen2002:
    """Stat Med 21:589, data of Table I on p. 594; p. 596 (common effect) and p. 597 (random effects, ML): BCG."""

    es = odds_ratio(from_cells(*column("ka03_bcg_2x2.csv", "tpos", "tneg", "cpos", "cneg")))

    def fit(self, estimator: str) -> Regression:
        return meta_regression(self.es.yi, self.es.vi, estimator=estimator, interval="wald")

    @pytest.mark.parametrize(("estimator", "printed"), [("EE", (0.647, 0.595, 0.703)), ("ML", (0.476, 0.336, 0.675))])
    def test_odds_ratio(self, estimator: str, printed: tuple[float, float, float]) -> None:
        m = self.fit(estimator)
        assert np.exp([m.beta[0], m.ci_lb[0], m.ci_ub[0]]) == pytest.approx(printed, abs=0.001)

    def test_between_trial_variance(self) -> None:
        found = tau2_interval(self.es.yi, self.es.vi, estimator="ML", method="PL")
        assert [found.tau2, found.tau2_lb] == pytest.approx([0.302, 0.1151], abs=0.001)


class TestJackson2014:
    """Jackson, Turner, Rhodes & Viechtbauer 2014, BMC Med Res Methodol 14:103, example 1: generalised Q."""

    yi = np.array([0.0267, 0.8242, 0.3930, 2.4405, 2.1401, 1.2528, 2.4849, 0.3087, 1.4246, 0.1823, 1.1378, 1.2321,
                   2.0695, 4.0237, 1.4383, 1.6021])  # fmt: skip
    vi = np.array([0.1285, 0.0315, 0.0931, 2.0967, 1.0539, 0.1602, 1.0235, 0.0218, 0.5277, 0.0556, 0.3304, 0.1721,
                   0.4901, 2.0200, 0.3399, 0.1830])  # fmt: skip
    design = np.column_stack([np.ones(16), np.repeat([0, 1], [10, 6])])

    def test_inverse_variance_weights(self) -> None:
        found = tau2_interval(self.yi, self.vi, self.design, estimator="GENQ", method="GENQ", weights=1 / self.vi)
        assert [found.tau2_lb, found.tau2_ub] == pytest.approx([0.0029, 0.6907], abs=1e-4)

    def test_log_scale_wald_interval_of_reml(self) -> None:
        m = meta_regression(self.yi, self.vi, self.design)
        limits = np.exp(np.log(m.tau2) + np.array([-1.96, 1.96]) * m.tau2_se / m.tau2)
        assert limits == pytest.approx([0.0110, 0.6330], abs=1e-4)


class TestKonstantopoulos2011:
    """Res Synth Methods 2:61, Table 4 on p. 70 (two levels, REML) and Table 5 on p. 71 (three levels, ML)."""

    yi, vi, district = column("ka04_konstantopoulos_threelevel.csv", "yi", "vi", "district")

    def test_two_levels(self) -> None:
        m = meta_regression(self.yi, self.vi, interval="wald")
        assert [m.beta[0], m.se[0], m.tau2] == pytest.approx([0.1279, 0.0439, 0.0884], abs=1e-4)

    def test_three_levels(self) -> None:
        m = three_level(self.yi, self.vi, self.district, estimator="ML", test="z")
        assert [m.beta[0], m.se[0]] == pytest.approx([0.1845, 0.0805], abs=1e-4)
        assert m.sigma2 == pytest.approx([0.0577, 0.0329], abs=1e-4)
