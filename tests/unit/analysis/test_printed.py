"""Printed effects: each kind, and each reason why nothing follows from a print.

The formulas stand in the tests: J = Gamma(m/2) / (sqrt(m/2) Gamma((m-1)/2)) (Hedges 1981, eq. 6e), SE = width / (2 z).
"""

from math import gamma, isnan, log, sqrt

import numpy as np
import pandas as pd
import pytest

from pipeline.analysis.printed import NO_SIGN, from_print

Z = 1.959963984540054
NUMBERS = ("effect", "se", "ci_lb", "ci_ub", "level", "n_1", "n_2", "sd_1", "sd_2")
BASE = dict.fromkeys(NUMBERS, np.nan) | {
    "outcome": "depression", "instrument": "bdi2", "claimed_sign": "int_minus_ctl", "adjusted": False,
    "cluster_adjusted": False, "value_kind": "endpoint",
}  # fmt: skip
EVENT = {"outcome": "depression_event", "instrument": "", "claimed_sign": "below_1_favours_int"}


def J(m):
    return gamma(m / 2) / (sqrt(m / 2) * gamma((m - 1) / 2))


@pytest.fixture
def read(book):
    def of(kind, **cells):
        row = pd.Series(BASE | {"effect_type": kind, "adjusted": book.effect_types[kind].adjusted} | cells)
        return {(p.measure, p.basis): p for p in from_print(row, book)}

    return of


def only(found):
    assert len(found) == 1
    return next(iter(found.values()))


def test_hedges_g_with_its_standard_error(read):
    p = read("hedges_g", effect=0.41, se=0.22, claimed_sign="positive_favours_int")["SMD", "reported"]
    assert (p.yi, p.vi) == pytest.approx((-0.41, 0.22**2))


def test_hedges_g_with_an_interval(read):
    p = only(read("hedges_g", effect=-0.4, ci_lb=-0.8, ci_ub=0.0))
    assert (p.yi, p.vi) == pytest.approx((-0.4, (0.8 / (2 * Z)) ** 2))


def test_a_level_other_than_95_is_honoured(read):
    p = only(read("hedges_g", effect=-0.4, ci_lb=-0.8, ci_ub=0.0, level=90))
    assert p.vi == pytest.approx((0.8 / (2 * 1.6448536269514722)) ** 2)


def test_hedges_g_with_arm_sizes_only(read):
    p = only(read("hedges_g", effect=-0.4, n_1=20, n_2=22))
    assert (p.yi, p.vi) == pytest.approx((-0.4, 1 / 20 + 1 / 22 + 0.4**2 / (2 * 42)))


def test_cohens_d_is_corrected_once(read):
    g = 0.5 * J(40)
    p = only(read("cohens_d", effect=0.5, n_1=20, n_2=22))
    assert (p.yi, p.vi) == pytest.approx((g, 1 / 20 + 1 / 22 + g**2 / (2 * 42)))
    with_se = only(read("cohens_d", effect=0.5, se=0.3, n_1=20, n_2=22))
    assert (with_se.yi, with_se.vi) == pytest.approx((g, (0.3 * J(40)) ** 2))


def test_a_two_sample_t_is_a_difference_in_sds(read):
    """d = t sqrt(1/n1 + 1/n2), then corrected; t(60) = 2.000298 is two-sided p = 0.05 (table of Student's t)."""
    g = -2.0002978 * sqrt(1 / 30 + 1 / 32) * J(60)
    t = only(read("two_sample_t", effect=-2.0002978, n_1=30, n_2=32))
    assert (t.yi, t.vi) == pytest.approx((g, 1 / 30 + 1 / 32 + g**2 / (2 * 62)))
    p = only(read("two_sample_p", effect=-0.05, n_1=30, n_2=32))
    assert (p.yi, p.vi) == pytest.approx((t.yi, t.vi), rel=1e-6)


def test_odds_ratio_of_johnson_2018(read):
    """0.66, 95 % CI 0.43 to 0.99 (Lancet 2018;392:409-418)."""
    cells = EVENT | {"outcome": "acute_care_event"}
    p = read("odds_ratio", effect=0.66, ci_lb=0.43, ci_ub=0.99, **cells)["OR", "reported"]
    assert (p.yi, p.vi) == pytest.approx((log(0.66), (log(0.99 / 0.43) / (2 * Z)) ** 2))


def test_relative_risk_reduction_of_dennis_2009(read):
    """46 % (24 to 62) (BMJ 2009;338:a3064); the abstract's counts 40/297 v 78/315 give a risk ratio of 0.544."""
    cells = EVENT | {"claimed_sign": "positive_favours_int"}
    p = read("relative_risk_reduction", effect=0.46, ci_lb=0.24, ci_ub=0.62, **cells)["RR", "reported"]
    assert p.yi == pytest.approx(log((40 / 297) / (78 / 315)), abs=0.01)
    assert (p.yi, p.vi) == pytest.approx((log(0.54), (log(0.76 / 0.38) / (2 * Z)) ** 2))
    assert "one minus" in p.note


@pytest.mark.parametrize(
    ("kind", "measure", "sign"),
    [
        ("risk_ratio_ctl_v_int", "RR", "below_1_favours_int"),
        ("risk_ratio_ctl_v_int", "RR", "below_1_favours_int_ctl_v_int"),  # said twice, turned over once
        ("risk_ratio", "RR", "below_1_favours_int_ctl_v_int"),
        ("hazard_ratio_ctl_v_int", "HR", "below_1_favours_int"),
    ],
)
def test_a_ratio_printed_upside_down_is_turned_over_once(read, kind, measure, sign):
    cells = {"outcome": "breastfeeding_exclusive", "instrument": "", "claimed_sign": sign}
    p = read(kind, effect=0.75, ci_lb=0.6, ci_ub=0.9, **cells)[measure, "reported"]
    assert (p.yi, p.vi) == pytest.approx((-log(0.75), (log(0.9 / 0.6) / (2 * Z)) ** 2))
    assert "turned over" in p.note


def test_a_log_ratio_is_not_logged_again(read):
    cells = EVENT | {"claimed_sign": "negative_favours_int"}
    p = read("log_risk_ratio", effect=-0.5, se=0.2, **cells)["RR", "reported"]
    assert (p.yi, p.vi) == pytest.approx((-0.5, 0.04))


@pytest.mark.parametrize(
    ("outcome", "instrument", "claimed", "sign"),
    [
        ("abstinence", "", "int_minus_ctl", 1),
        ("depression_event", "", "positive_favours_int", -1),
        # people without depression by a depression scale: an event does not run along the scale
        ("depression_remission", "bdi2", "int_minus_ctl", 1),
    ],
)
def test_risk_difference_in_percent(read, outcome, instrument, claimed, sign):
    cells = {"outcome": outcome, "instrument": instrument, "claimed_sign": claimed}
    p = only(read("risk_difference_percent", effect=21.5, ci_lb=11.5, ci_ub=31.5, **cells))
    assert (p.measure, p.yi, p.vi) == ("RD", pytest.approx(sign * 0.215), pytest.approx((0.2 / (2 * Z)) ** 2))


def test_mean_difference_over_the_arms_sd(read):
    sd = sqrt((19 * 8**2 + 21 * 9**2) / 40)
    found = read("mean_difference", effect=-3, se=1.5, n_1=20, n_2=22, sd_1=8, sd_2=9)
    assert (found["MD", "reported"].yi, found["MD", "reported"].vi) == pytest.approx((-3, 2.25))
    smd = found["SMD", "reported"]
    assert (smd.yi, smd.vi) == pytest.approx((-3 * J(40) / sd, (1.5 * J(40) / sd) ** 2))


def test_mean_difference_of_a_scale_that_runs_against_its_outcome(read):
    found = read("mean_difference", effect=-3, se=1.5, outcome="hope", instrument="bhs4", n_1=20, n_2=22)
    assert found["MD", "reported"].yi == 3
    assert found["SMD", "reported"].yi > 0


def test_mean_difference_over_the_sd_its_interval_implies(read):
    d = -3 / (1.5 / sqrt(1 / 20 + 1 / 22))
    smd = read("mean_difference", effect=-3, se=1.5, n_1=20, n_2=22)["SMD", "reported"]
    assert (smd.yi, smd.vi) == pytest.approx((d * J(40), 1 / 20 + 1 / 22 + (d * J(40)) ** 2 / (2 * 42)))


@pytest.mark.parametrize("why", [{"adjusted": True}, {"cluster_adjusted": True}, {"n_2": np.nan}])
def test_no_sd_is_implied_by_an_adjusted_interval(read, why):
    """The phq9's reference SD is 5.021 (metapsyTools sdReference)."""
    cells = {"effect": -2, "se": 1, "n_1": 20, "n_2": 22, "instrument": "phq9"} | why
    found = read("mean_difference", **cells)
    p = found["SMD", "reference_sd"]
    assert (p.yi, p.vi) == pytest.approx((-2 / 5.021, (1 / 5.021) ** 2))


def test_change_without_any_sd_stays_in_points(read):
    found = read("mean_difference_in_change", effect=-2, se=1, n_1=20, n_2=22, instrument="")
    assert found["MD", "reported"].yi == -2
    assert "without the SD" in found["SMD", "reported"].reason


@pytest.mark.parametrize(
    ("kind", "cells", "says"),
    [
        ("hedges_g", {"effect": 0.4}, "without standard error, interval or arm sizes"),
        ("hedges_g", {"effect": 0.4, "se": 0.0, "ci_lb": 0.4, "ci_ub": 0.4}, "without standard error"),
        ("cohens_d", {"effect": 0.4, "se": 0.2}, "without the arms' sizes"),
        ("cohens_d", {"effect": 0.4, "n_1": 1, "n_2": 20}, "without the arms' sizes"),
        ("hedges_g", {"effect": 0.4, "se": 0.2, "claimed_sign": "unknown"}, NO_SIGN),
        ("mean_difference", {"effect": 3}, "without a standard error or interval"),
        ("risk_difference_percent", EVENT | {"effect": 3, "claimed_sign": "int_minus_ctl"}, "without a standard error"),
        ("risk_ratio", EVENT | {"effect": 0.5}, "without an interval"),
        ("risk_ratio", EVENT | {"effect": 0.5, "ci_lb": 0.2}, "without an interval"),
        ("risk_ratio", EVENT | {"effect": 0.5, "ci_lb": 0.0, "ci_ub": 0.9}, "rounded away"),
        ("risk_ratio", EVENT | {"effect": 0.5, "ci_lb": 0.5, "ci_ub": 0.5}, "limits are equal"),
        ("risk_ratio", EVENT | {"effect": 0.5, "ci_lb": 0.2, "ci_ub": 0.9, "claimed_sign": "above_1_favours_int"},
         "does not fit its outcome"),
        ("relative_risk_reduction", EVENT | {"effect": 46, "ci_lb": 24, "ci_ub": 62}, "printed as a percentage"),
    ],
)  # fmt: skip
def test_nothing_follows_and_the_reason_is_said(read, kind, cells, says):
    p = only(read(kind, **cells))
    assert isnan(p.yi)
    assert isnan(p.vi)
    assert says in p.reason


def test_every_kind_without_a_measure_says_so(book, read):
    kinds = [k for k in book.effect_types.values() if k.measure is None]
    assert len(kinds) >= 5
    for kind in kinds:
        assert kind.label in only(read(kind.code, effect=2.0)).reason


def test_adjusted_prints_have_their_own_basis(read):
    assert ("OR", "reported_adjusted") in read("adjusted_odds_ratio", effect=0.5, ci_lb=0.3, ci_ub=0.9, **EVENT)
