"""Effects of published peer-support trials, recomputed from the counts and means in their abstracts."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.meta.conversions.needed_to_treat import number_needed_to_treat
from pipeline.meta.conversions.printed import log_ratio_from_ci, ratio_from_reduction, ratio_limits, sd_from_ci
from pipeline.meta.effect_sizes.events import odds_ratio, risk_difference, risk_ratio
from pipeline.meta.effect_sizes.standardized import standardized_mean_difference
from pipeline.meta.effect_sizes.two_by_two import from_events, pearson_chi_square


def test_johnson_2018_odds_ratio() -> None:
    """Lancet 392:409, abstract: readmission 64/218 v 83/216, OR 0.66 (0.43 to 0.99); may be adjusted."""
    shown = ratio_limits(odds_ratio(from_events(64, 218, 83, 216)))
    assert shown.estimate == pytest.approx(0.66, abs=0.01)
    assert (shown.ci_lb, shown.ci_ub) == (pytest.approx(0.43, abs=0.02), pytest.approx(0.99, abs=0.02))


DENNIS = from_events(40, 297, 78, 315)


def test_dennis_2009_relative_risk_reduction() -> None:
    """BMJ 338:a3064, abstract: EPDS > 12 in 40/297 v 78/315, relative risk reduction 0.46 (0.24 to 0.62)."""
    shown = ratio_limits(risk_ratio(DENNIS))
    printed = ratio_from_reduction(0.46, 0.24, 0.62)
    assert (printed.estimate, printed.ci_lb, printed.ci_ub) == pytest.approx((0.54, 0.38, 0.76))
    assert shown.estimate == pytest.approx(printed.estimate, abs=0.005)
    assert shown.ci_lb == pytest.approx(printed.ci_lb, abs=0.01)
    assert shown.ci_ub == pytest.approx(printed.ci_ub, abs=0.01)


def test_dennis_2009_standard_error_from_the_printed_interval() -> None:
    """The interval in print gives the log ratio the standard error that the counts give, to its two decimals."""
    printed = ratio_from_reduction(0.46, 0.24, 0.62)
    from_print = log_ratio_from_ci(printed.estimate, printed.ci_lb, printed.ci_ub)
    assert np.sqrt(from_print.vi) == pytest.approx(np.sqrt(risk_ratio(DENNIS).vi), abs=0.01)


def test_dennis_2009_number_needed_to_treat() -> None:
    """NNT 8.8, chi-square 12.5."""
    assert number_needed_to_treat(risk_difference(DENNIS).yi) == pytest.approx(8.8, abs=0.06)
    assert pearson_chi_square(DENNIS).statistic == pytest.approx(12.5, abs=0.06)


@pytest.mark.parametrize(("events", "printed"), [((2, 20, 9, 22), 5.18), ((3, 20, 11, 21), 6.37)])
def test_dennis_2003_chi_square(events: tuple[int, int, int, int], printed: float) -> None:
    """Can J Psychiatry 48:115, abstract: 4 and 8 weeks after randomisation."""
    assert pearson_chi_square(from_events(*events)).statistic == pytest.approx(printed, abs=0.02)


def test_st2ep_2018_cohens_d() -> None:
    """PLoS ONE 13:e0191262: change of HbA1c -1.05 (2.0), n 70, v -0.15 (1.7), n 70; d 0.48 (0.14 to 0.81)."""
    d = standardized_mean_difference(-1.05, 2.0, 70, -0.15, 1.7, 70, correction="none")
    half = 1.959964 * np.sqrt(d.vi)
    assert -d.yi == pytest.approx(0.48, abs=0.01)
    assert (-d.yi - half, -d.yi + half) == (pytest.approx(0.14, abs=0.02), pytest.approx(0.81, abs=0.02))


def test_st2ep_2018_standard_deviation_from_the_arm_interval() -> None:
    """The arm's change -1.05 has the interval -1.54 to -0.56: an SD of 2.0 to its one decimal."""
    assert sd_from_ci(-1.54, -0.56, 70) == pytest.approx(2.0, abs=0.1)
