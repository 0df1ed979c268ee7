"""Results printed in books and papers, recomputed from their data at the precision they were printed."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from pipeline.meta.effect_sizes.effect import EffectSize
from pipeline.meta.effect_sizes.measures import MEASURES
from pipeline.meta.effect_sizes.two_by_two import from_cells, from_events
from pipeline.meta.pooling.prediction import prediction_interval
from pipeline.meta.pooling.random_effects import common_effect, random_effects
from pipeline.meta.small_study.regression_tests import predictor, regression_test

FOLDER = Path(__file__).parent / "known_answers"


def column(file: str, *names: str) -> list[np.ndarray]:
    with (FOLDER / file).open(newline="", encoding="utf-8") as f:
        rows = list(csv.DictReader(f))
    return [np.array([float(r[n]) for r in rows]) for n in names]


class TestThirdWave:
    """Harrer et al., Doing Meta-Analysis in R, section 4.2.1 (pooled g) and 5.2 (heterogeneity)."""

    yi, sei = column("ka01_thirdwave_smd.csv", "TE", "seTE")
    pooled = random_effects(yi, sei**2, estimator="REML", interval="hk")

    @pytest.mark.parametrize(
        ("name", "printed", "tolerance"),
        [
            ("estimate", 0.5771, 1e-4),
            ("ci_lb", 0.3782, 1e-4),
            ("ci_ub", 0.7760, 1e-4),
            ("tau2", 0.0820, 1e-4),
            ("Q", 45.50, 0.01),
        ],
    )
    def test_pooled(self, name: str, printed: float, tolerance: float) -> None:
        assert getattr(self.pooled, name) == pytest.approx(printed, abs=tolerance)

    def test_i2_from_q(self) -> None:
        assert float(common_effect(self.yi, self.sei**2).I2) == pytest.approx(62.6, abs=0.05)

    def test_prediction_interval(self) -> None:
        p = random_effects(self.yi, self.sei**2, interval="wald")  # the book's software takes the Wald error here
        pi = prediction_interval(p.estimate, p.se, p.tau2, p.k, method="t_k2")
        assert (pi.pi_lb, pi.pi_ub) == (pytest.approx(-0.0572, abs=0.002), pytest.approx(1.2115, abs=0.002))


class TestDepressionMortality:
    """Harrer et al., section 4.2.3.1, data of Cuijpers & Smit 2002 (the random-effects part)."""

    a, n1, c, n2 = column("ka02_depression_mortality_2x2.csv", "event.e", "n.e", "event.c", "n.c")
    es = MEASURES["RR"](from_events(a, n1, c, n2))
    pooled = random_effects(es.yi, es.vi, estimator="PM", interval="hk")

    def test_risk_ratio(self) -> None:
        p = self.pooled
        shown = np.exp([p.estimate, p.ci_lb, p.ci_ub])
        assert shown == pytest.approx([2.0217, 1.5786, 2.5892], abs=2e-4)

    def test_heterogeneity(self) -> None:
        assert self.pooled.tau2 == pytest.approx(0.1865, abs=1e-4)
        assert float(common_effect(self.es.yi, self.es.vi).I2) == pytest.approx(77.2, abs=0.06)


class TestBcg:
    """Read-me of metafor: dat.bcg (Colditz et al. 1994), REML with Knapp-Hartung tests."""

    es: EffectSize = MEASURES["RR"](from_cells(*column("ka03_bcg_2x2.csv", "tpos", "tneg", "cpos", "cneg")))
    pooled = random_effects(es.yi, es.vi, interval="hk")

    @pytest.mark.parametrize(
        ("name", "printed", "tolerance"),
        [
            ("estimate", -0.7145, 1e-4),
            ("se", 0.1808, 1e-4),
            ("ci_lb", -1.1084, 2e-4),
            ("ci_ub", -0.3206, 2e-4),
            ("tau2", 0.3132, 2e-4),
            ("I2", 92.22, 0.02),
            ("Q", 152.233, 1e-3),
            ("statistic", -3.9522, 1e-3),
        ],
    )
    def test_pooled(self, name: str, printed: float, tolerance: float) -> None:
        assert getattr(self.pooled, name) == pytest.approx(printed, abs=tolerance)

    def test_prediction_interval(self) -> None:
        p = self.pooled
        pi = prediction_interval(p.estimate, p.se, p.tau2, p.k)
        assert np.exp([pi.pi_lb, pi.pi_ub]) == pytest.approx([0.14, 1.76], abs=0.005)

    def test_regression_test(self) -> None:
        size = predictor("sei", self.es.vi)
        r = regression_test(self.es.yi, self.es.vi, size, model="rma", interval="hk")
        assert r.statistic == pytest.approx(-0.7812, abs=0.002)
        assert r.limit == pytest.approx(-0.5104, abs=0.002)


class TestHine:
    """Normand 1999, Stat Med 18:321, tables III (p. 330) and VII (p. 349): risk differences in percentage points."""

    n1, n2, a, c = column("ka05_hine_risk_difference.csv", "n1i", "n2i", "ai", "ci")
    es = MEASURES["RD"](from_events(a, n1, c, n2), to="none")
    pooled = common_effect(100 * es.yi, 1e4 * es.vi)

    def test_first_trial(self) -> None:
        assert (100 * self.es.yi[0], 1e4 * self.es.vi[0]) == (
            pytest.approx(2.8026, abs=1e-4),
            pytest.approx(17.7575, abs=1e-4),
        )

    def test_pooled(self) -> None:
        p = self.pooled
        assert [p.estimate, p.ci_lb, p.ci_ub] == pytest.approx([2.9444, 0.3831, 5.5058], abs=2e-4)

    @pytest.mark.parametrize("estimator", ["DL", "REML"])
    def test_no_between_trial_variance(self, estimator: str) -> None:
        p = random_effects(100 * self.es.yi, 1e4 * self.es.vi, estimator=estimator, interval="wald")
        assert p.tau2 == 0
        assert p.estimate == pytest.approx(2.9444, abs=1e-4)


class TestMetapsy:
    """Metapsy, data-depression-psyctr: g with J = 1 - 3/(4N - 9), positive = lower depression in arm 1."""

    # the published g of these five comparisons does not follow from their printed means, SDs and sizes
    DISAGREE = ("Arjadi, 2018", "Baker, 2010", "Mueller-Weinitschke, 2023", "Rohde, 2014b", "Victor-Aigbodion, 2023")

    def test_share_that_agrees(self) -> None:
        file = "ka07_metapsy_hedges_g.csv"
        m1, s1, n1, m2, s2, n2, g = column(
            file, "mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2", ".g"
        )
        es = MEASURES["SMD"](m1, s1, n1, m2, s2, n2, correction="approximate")
        off = np.abs(-es.yi - g) >= 0.001
        with (FOLDER / file).open(newline="", encoding="utf-8") as f:
            studies = np.array([r["study"] for r in csv.DictReader(f)])
        assert (len(g), int((~off).sum())) == (810, 805)  # 99.4 %
        assert tuple(sorted(studies[off])) == self.DISAGREE
        assert (
            int((np.abs(-es.yi - g) < 1e-9).sum()) == 800
        )  # the exact J reaches 2 of 810: this is the approximate one
