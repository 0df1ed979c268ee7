"""Gate 2: each check with a row that it must find and one that it must not."""

import numpy as np
import pandas as pd
import pytest

from pipeline.checks.printed import decimals, half_units, off_centre, significant

GOOD = {"n_1": 30, "mean_1": 12.0, "sd_1": 9.0, "n_2": 28, "mean_2": 15.5, "sd_2": 10.0}
BASE = {"baseline_mean_1": 20.0, "baseline_mean_2": 19.0, "baseline_sd_1": 8.0, "baseline_sd_2": 8.0}
RATIO = {"effect_type": "odds_ratio", "claimed_sign": "below_1_favours_int"}
RISKS = {
    "outcome": "admission_event",
    "value_kind": "event",
    "events_1": 3,
    "total_1": 20,
    "events_2": 9,
    "total_2": 21,
}


def test_mean_equals_sd(found, row):
    both = GOOD | {"mean_1": 3.87, "sd_1": 3.87, "mean_2": 3.68, "sd_2": 3.68}
    assert found("mean_equals_sd", row("R1", **both)) == {"R1": ("exclude", "arms")}
    assert found("mean_equals_sd", row("R1", **(both | {"sd_2": 3.7}))) == {}


def test_same_numbers_twice(found, row):
    one = GOOD | {"mean_1": 34.49, "sd_1": 11.15}
    other = one | {"instrument": "phq9", "mean_2": 14.25}
    assert set(found("same_numbers_twice", row("R1", **one), row("R2", **other))) == {"R1", "R2"}
    assert found("same_numbers_twice", row("R1", **one), row("R2", **other))["R1"] == ("exclude", "row")
    assert found("same_numbers_twice", row("R1", **one), row("R2", **(other | {"time_weeks": 26.0}))) == {}
    assert found("same_numbers_twice", row("R1", **one), row("R2", **(other | {"sd_1": 11.16}))) == {}


def test_equal_numbers_of_few_digits_can_be_chance(found, row):
    one = GOOD | {"mean_1": 3.2, "sd_1": 1.1}
    other = one | {"instrument": "hope", "mean_2": 4.0}
    assert found("same_numbers_twice", row("R1", **one), row("R2", **other))["R1"] == ("warning", "row")


@pytest.mark.parametrize(
    ("effect", "lb", "ub", "kind", "expected"),
    [
        (1.0, 0.45, 1.49, "odds_ratio", "exclude"),  # parenting stress, MOSAIC 2011
        (1.10, 1.01, 2.72, "risk_ratio", "exclude"),  # upper limit, Dennis 2002
        (2.61, -0.10, 2.61, "mean_difference", "exclude"),  # vitality, Markle-Reid 2018
        (-2.19, -2.89, -1.43, "mean_difference", "warning"),  # stigma stress, Mulfinger 2018
        (0.46, 0.24, 0.62, "relative_risk_reduction", None),  # Dennis 2009
        (0.66, 0.43, 0.99, "odds_ratio", None),  # Johnson 2018
        (0.32, 0.00, 122.58, "odds_ratio", None),  # lower limit rounded to nought
        (0.067, 0.0065, 0.71, "risk_ratio", None),  # Chang 2010, 192 weeks
        (0.3, 0.1, 0.6, "risk_ratio", None),  # one digit
        (1.96, 1.03, 2.89, "mean_difference", None),  # Johnson 2018
        (2.15, 0.1, 9.0, "t_statistic", None),  # no scale on which an interval has a centre
    ],
)
def test_interval_off_centre(found, row, effect, lb, ub, kind, expected):
    issues = found("interval_off_centre", row("R1", effect=effect, ci_lb=lb, ci_ub=ub, effect_type=kind))
    assert issues.get("R1") == (None if expected is None else (expected, "reported"))


def test_se_against_interval(found, row):
    interval = {"effect": 0.36, "ci_lb": -0.16, "ci_ub": 0.88}
    assert found("se_against_interval", row("R1", **interval, se=0.27)) == {}
    assert found("se_against_interval", row("R1", **interval, se=0.31)) == {"R1": ("warning", "reported")}
    assert found("se_against_interval", row("R1", **interval, se=1.4)) == {"R1": ("exclude", "reported")}
    ratio = {"effect": 0.66, "ci_lb": 0.43, "ci_ub": 1.0, **RATIO}
    assert found("se_against_interval", row("R1", **ratio, se=0.215)) == {}
    assert found("se_against_interval", row("R1", **ratio, se=0.145)) == {"R1": ("warning", "reported")}


@pytest.mark.parametrize(
    ("effect", "cells", "expected"),
    [
        (0.36, {}, None),
        (-0.36, {}, "exclude"),
        (-0.36, {"claimed_sign": "negative_favours_int"}, None),
        (0.36, {"claimed_sign": "negative_favours_int"}, "exclude"),
        (-0.36, {"claimed_sign": "int_minus_ctl"}, None),
        (0.36, {"claimed_sign": "int_minus_ctl"}, "exclude"),
        (0.36, {"instrument": "hope"}, "exclude"),  # higher is better: the lower mean is the worse one
        (-0.36, {"instrument": "visits", "outcome": "emergency_visit_count"}, "exclude"),  # direction of the outcome
        (0.0, {}, None),
        (-0.36, {"mean_2": 12.0}, None),  # equal means have no sign
    ],
)
def test_sign_against_means(found, row, effect, cells, expected):
    issues = found("sign_against_means", row("R1", **(GOOD | {"effect": effect, "se": 0.26} | cells)))
    assert issues.get("R1") == (None if expected is None else (expected, "row"))


def test_the_change_from_baseline_settles_the_sign_of_an_adjusted_effect(found, row):
    # 13 v 12 at the end, but 10 v 7 points down: change favours arm 1 by 2 points, 0.2 SD
    cells = {"n_1": 30, "mean_1": 13.0, "sd_1": 10.0, "n_2": 30, "mean_2": 12.0, "sd_2": 10.0} | BASE
    cells |= {"baseline_mean_1": 23.0, "baseline_mean_2": 19.0, "se": 0.26}
    check = "sign_against_means"
    assert found(check, row("R1", **cells, effect=0.3, effect_type="hedges_g_did")) == {"R1": ("warning", "reported")}
    assert found(check, row("R1", **cells, effect=0.25, adjusted=True)) == {"R1": ("warning", "reported")}
    # adjustment cannot carry it beyond the change score; an unadjusted effect has only its end-point means
    assert found(check, row("R1", **cells, effect=0.6, adjusted=True)) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **cells, effect=0.25)) == {"R1": ("exclude", "reported")}
    # without baselines nobody can tell what the changes were
    bare = {k: v for k, v in cells.items() if not k.startswith("baseline")}
    assert found(check, row("R1", **bare, effect=0.3, effect_type="hedges_g_did")) == {"R1": ("exclude", "reported")}


def test_an_effect_that_neither_the_end_nor_the_change_bears_out_takes_its_row_with_it(found, row):
    # 13 v 12 at the end, unchanged v 7 points down: nothing in the arms favours arm 1
    cells = {"n_1": 30, "mean_1": 13.0, "sd_1": 10.0, "n_2": 30, "mean_2": 12.0, "sd_2": 10.0} | BASE
    cells |= {"baseline_mean_1": 13.0, "baseline_mean_2": 19.0, "se": 0.26, "effect": 0.3}
    check = "sign_against_means"
    assert found(check, row("R1", **cells)) == {"R1": ("exclude", "row")}
    assert found(check, row("R1", **cells, effect_type="hedges_g_did")) == {"R1": ("exclude", "row")}
    assert found(check, row("R1", **cells, adjusted=True)) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **(cells | {"effect": -0.1}))) == {}


def test_a_change_score_is_its_own_change(found, row):
    # 5 v 3 points down: an effect that says the opposite finds no help in the baselines
    cells = {"n_1": 30, "mean_1": -5.0, "sd_1": 10.0, "n_2": 30, "mean_2": -3.0, "sd_2": 10.0, "value_kind": "change"}
    cells |= {"baseline_mean_1": 19.0, "baseline_mean_2": 28.0, "effect_type": "hedges_g_did", "se": 0.26}
    assert found("sign_against_means", row("R1", **cells, effect=0.2)) == {}
    assert found("sign_against_means", row("R1", **cells, effect=-0.2)) == {"R1": ("exclude", "row")}


def test_arms_are_told_apart_by_name_though_reading_numbered_them(found, row):
    # two interventions of one rank; the second rows of arms that had other numbers before are z.2 and a.2
    cells = GOOD | {"arm_1": "z.2", "arm_2": "a.2", "condition_2": "support_programme"}
    assert found("sign_against_means", row("R1", **cells, effect=0.36, se=0.26)) == {}
    assert found("sign_against_means", row("R1", **cells, effect=-0.36, se=0.26)) == {"R1": ("exclude", "row")}


def test_events_have_the_direction_of_the_outcome(found, row):
    # more people are well in arm 1; the scale on which they were judged runs the other way
    well = {"outcome": "remission", "value_kind": "event", "events_1": 12, "total_1": 20, "events_2": 5, "total_2": 21}
    claim = {"effect_type": "odds_ratio", "claimed_sign": "above_1_favours_int"}
    assert found("sign_against_means", row("R1", **well, **claim, effect=4.8)) == {}
    assert found("sign_against_means", row("R1", **well, **claim, effect=0.3)) == {"R1": ("exclude", "row")}


def test_sign_against_events(found, row):
    assert found("sign_against_means", row("R1", **RISKS, **RATIO, effect=0.3)) == {}
    assert found("sign_against_means", row("R1", **RISKS, **RATIO, effect=3.0)) == {"R1": ("exclude", "row")}
    turned = {"effect_type": "odds_ratio", "claimed_sign": "above_1_favours_int"}
    assert found("sign_against_means", row("R1", **RISKS, **turned, effect=3.0)) == {}


def test_swapped_events_take_their_row_with_them(found, row):
    # Johnson 2018 prints 0.66 [0.43, 0.99] and 64/218 v 83/216; with the events swapped the risk ratio is 1.29
    printed = {"outcome": "admission_event", "value_kind": "event", "total_1": 218, "total_2": 216, **RATIO}
    printed |= {"effect": 0.66, "ci_lb": 0.43, "ci_ub": 0.99}
    check = "sign_against_means"
    assert found(check, row("R1", **printed, events_1=64, events_2=83)) == {}
    assert found(check, row("R1", **printed, events_1=83, events_2=64)) == {"R1": ("exclude", "row")}
    assert found(check, row("R1", **printed, events_1=83, events_2=64, adjusted=True)) == {"R1": ("exclude", "row")}


def test_sign_untestable(found, row):
    harm = {"effect": -0.25, "se": 0.2, "n_1": 66, "n_2": 54}
    assert found("sign_untestable", row("R1", **harm)) == {"R1": ("exclude", "reported")}
    assert found("sign_untestable", row("R1", **(harm | {"effect": 0.25}))) == {}
    assert found("sign_untestable", row("R1", **harm, instrument="hope")) == {}
    told = {"effect": 4.3, "claimed_sign": "positive_favours_ctl", "instrument": "hope"}
    assert found("sign_untestable", row("R1", **told)) == {}  # the source says of this number whom it favours
    assert found("sign_untestable", row("R1", **harm, mean_1=12.0, mean_2=11.0)) == {}


def test_g_against_means(found, row):
    g = 0.364  # of GOOD
    assert found("g_against_means", row("R1", **GOOD, effect=g, se=0.265)) == {}
    assert found("g_against_means", row("R1", **GOOD, effect=0.369, se=0.265)) == {}  # Cohen's d
    few = GOOD | {"n_1": 5, "n_2": 5}
    assert found("g_against_means", row("R1", **few, effect=0.3679, se=0.64)) == {}  # Cohen's d, 11 % above g
    assert found("g_against_means", row("R1", **few, effect=0.3323, se=0.64)) == {}  # g
    assert found("g_against_means", row("R1", **few, effect=0.35, se=0.64)) == {"R1": ("warning", "reported")}
    assert found("g_against_means", row("R1", **GOOD, effect=g - 0.08, se=0.265)) == {"R1": ("warning", "reported")}
    assert found("g_against_means", row("R1", **GOOD, effect=g + 0.2, se=0.265)) == {"R1": ("exclude", "row")}
    assert found("g_against_means", row("R1", **GOOD, effect=g + 0.2, se=0.265, adjusted=True)) == {}


def test_mean_and_sd_beyond_range(found, row):
    assert found("mean_and_sd_beyond_range", row("R1", **(GOOD | {"sd_1": 33.24}))) == {"R1": ("exclude", "arms")}
    # half at 0 and half at 24 is possible: 12 (12.2)
    assert (
        found("mean_and_sd_beyond_range", row("R1", **(GOOD | {"instrument": "phq9", "mean_1": 12.0, "sd_1": 12.2})))
        == {}
    )
    assert found(
        "mean_and_sd_beyond_range", row("R1", **(GOOD | {"instrument": "phq9", "mean_1": 2.0, "sd_1": 8.0}))
    ) == {"R1": ("exclude", "arms")}


def test_digits():
    assert [decimals(x) for x in (34.49, 10.0, -0.1, 1e-07, 5e20, np.nan)] == [2, 0, 1, 7, 0, 0]
    assert [significant(x) for x in (34.49, 11.15, 3.2, 10.0, 0.05, 120.0)] == [4, 4, 2, 2, 1, 3]


def test_half_units_take_lost_zeros_into_account():
    assert half_units(pd.DataFrame([[1.0, 0.45, 1.49]])).tolist() == [[0.005, 0.005, 0.005]]
    assert half_units(pd.DataFrame([[2.4, 1.08, 5.0]])).tolist() == [[0.05, 0.005, 0.05]]


def test_off_centre_of_an_interval_that_is_not_rounded():
    half = np.zeros((2, 3))
    effect, lb, ub = np.array([0.0, 1.0]), np.array([-1.0, 0.25]), np.array([3.0, 4.0])
    assert off_centre(effect, lb, ub, half, np.array([False, True])) == pytest.approx([0.5, 0.0])
