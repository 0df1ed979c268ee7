"""Gate 3: each check with a row that it must find and one that it must not."""

import numpy as np
import pytest

GOOD = {"n_1": 30, "mean_1": 12.0, "sd_1": 9.0, "n_2": 28, "mean_2": 15.5, "sd_2": 10.0}
BASE = {"baseline_mean_1": 28.0, "baseline_mean_2": 27.5, "baseline_sd_1": 9.0, "baseline_sd_2": 9.5}
COUNT = {"instrument": "visits", "outcome": "emergency_visit_count", "value_kind": "count", "n_1": 72, "n_2": 72}


@pytest.mark.parametrize(
    ("se", "expected"), [(0.26, None), (0.19, None), (0.36, None), (0.17, "exclude"), (0.38, "exclude"), (np.nan, None)]
)
def test_smd_standard_error(found, row, se, expected):
    # sqrt(1/30 + 1/28 + 0.36^2/116) = 0.265: allowed from 0.185 to 0.371
    issues = found("smd_standard_error", row("R1", effect=0.36, se=se, n_1=30, n_2=28))
    assert issues.get("R1") == (None if expected is None else (expected, "reported"))


def test_stated_clustering_is_a_reason_for_a_larger_standard_error(found, row):
    # 0.368 expected, 0.524 delivered; ICC 0.1 in groups of 8 in one of the arms inflates the variance 1.28-fold
    stated = {
        "effect": 0.724,
        "se": 0.524,
        "n_1": 20,
        "n_2": 13,
        "icc": 0.1,
        "cluster_size": 8.0,
        "cluster_adjusted": True,
    }
    check = "smd_standard_error"
    assert found(check, row("R1", **stated)) == {"R1": ("note", "reported")}
    assert found(check, row("R1", **(stated | {"cluster_adjusted": False}))) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **(stated | {"icc": 0.01}))) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **(stated | {"se": 0.62}))) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **(stated | {"se": 0.2}))) == {"R1": ("exclude", "reported")}


def test_the_standard_error_rule_is_for_means(found, row):
    # converted from an odds ratio, a g has the SE of the odds ratio
    events = {"value_kind": "event", "events_1": 2, "total_1": 30, "events_2": 9, "total_2": 28}
    assert found("smd_standard_error", row("R1", **events, effect=0.9, se=0.47, n_1=30, n_2=28)) == {}
    assert (
        found("smd_standard_error", row("R1", effect=1.9, se=1.5, n_1=30, n_2=28, effect_type="mean_difference")) == {}
    )


MD = {"effect_type": "mean_difference", "effect": 0.14, "claimed_sign": "int_minus_ctl", "n_1": 148, "n_2": 189}


@pytest.mark.parametrize(
    ("half_width", "cells", "expected"),
    [
        (0.22, {}, None),  # Johansson 2016: 0.14 [-0.08, 0.36], expected SE 0.137
        (0.01, {}, ("exclude", "reported")),
        (0.095, {}, ("warning", "reported")),
        (0.90, {}, ("exclude", "reported")),
        (0.90, {"cluster_adjusted": True}, ("note", "reported")),
        (0.90, {"cluster": "39 practices"}, ("note", "reported")),
        (0.01, {"cluster_adjusted": True}, ("exclude", "reported")),
        (0.22, {"baseline_sd_1": np.nan}, None),  # nothing to hold it against
        (0.01, {"baseline_sd_1": np.nan}, None),
        (0.01, {"n_1": np.nan, "n_2": np.nan}, None),
        (0.01, {"n_1": np.nan, "n_2": np.nan, "n_total": 337}, ("exclude", "reported")),
        (0.01, {"effect_type": "hedges_g"}, None),  # has a rule of its own
    ],
)
def test_md_standard_error(found, row, half_width, cells, expected):
    printed = MD | {"instrument": "visits", "baseline_sd_1": 1.25, "baseline_sd_2": 1.25} | cells
    limits = {"ci_lb": 0.14 - half_width, "ci_ub": 0.14 + half_width}
    assert found("md_standard_error", row("R1", **printed, **limits)).get("R1") == expected


def test_the_arms_own_sds_judge_a_mean_difference_first(found, row):
    check, printed = "md_standard_error", MD | {"instrument": "bdi2", "se": 1.0, "baseline_sd_1": 90.0}
    printed |= {"baseline_sd_2": 90.0, "mean_1": 12.1, "mean_2": 12.0, "sd_1": 9.0, "sd_2": 9.0}
    assert found(check, row("R1", **printed)) == {}
    # the SE of the difference is right and the SDs are standard errors, or the other way round
    assert found(check, row("R1", **(printed | {"sd_1": 0.74, "sd_2": 0.65}))) == {"R1": ("exclude", "row")}
    assert found(check, row("R1", **(printed | {"se": 0.1}))) == {"R1": ("exclude", "reported")}


def test_without_sds_the_instrument_judges_a_mean_difference(found, row):
    check, printed = "md_standard_error", MD | {"instrument": "bdi2", "se": 1.0}
    assert found(check, row("R1", **printed)) == {}
    assert found(check, row("R1", **(printed | {"se": 0.1}))) == {"R1": ("exclude", "reported")}
    assert found(check, row("R1", **(printed | {"se": 4.0}))) == {"R1": ("exclude", "reported")}
    few = printed | {"instrument": "few"}
    assert found(check, row("R1", **few)) == {}
    assert found(check, row("R1", **(few | {"se": 0.1}))) == {"R1": ("warning", "reported")}


def test_sd_too_small(found, row):
    both = GOOD | BASE | {"sd_1": 2.12, "sd_2": 2.31}
    assert found("sd_too_small", row("R1", **(GOOD | BASE))) == {}
    assert found("sd_too_small", row("R1", **both)) == {"R1": ("exclude", "arms")}
    # one arm: near the bottom of the scale people are alike, far above it they are not
    assert found("sd_too_small", row("R1", **(GOOD | BASE | {"mean_1": 2.4, "sd_1": 2.3}))) == {}
    assert found("sd_too_small", row("R1", **(GOOD | BASE | {"mean_1": 14.9, "sd_1": 0.6}))) == {
        "R1": ("warning", "arms")
    }


def test_small_sds_beside_standard_errors(found, row):
    errors = GOOD | BASE | {"sd_1": 2.12, "sd_2": 2.31}
    beside = (
        GOOD | BASE | {"instrument": "phq9", "sd_1": 2.7, "sd_2": 2.4, "baseline_mean_1": 17.0, "baseline_mean_2": 17.0}
    )
    assert found("sd_too_small", row("R1", **beside)) == {}
    assert found("sd_too_small", row("R1", **beside), row("R2", **errors))["R1"] == ("exclude", "arms")
    usual = beside | {"sd_1": 4.9, "sd_2": 5.2}
    assert found("sd_too_small", row("R1", **usual), row("R2", **errors)) == {"R2": ("exclude", "arms")}


def test_a_reference_from_few_trials_only_warns(found, row):
    few = GOOD | BASE | {"instrument": "few", "sd_1": 2.12, "sd_2": 2.31}
    assert found("sd_too_small", row("R1", **few)) == {"R1": ("warning", "arms")}
    assert found("sd_too_large", row("R1", **(few | {"sd_1": 30.0, "sd_2": 30.0}))) == {}


def test_scores_per_item_only_warn(found, row):
    per_item = {"n_1": 163, "mean_1": 0.54, "sd_1": 0.48, "n_2": 159, "mean_2": 0.90, "sd_2": 0.49}
    baseline = {"baseline_mean_1": 0.9, "baseline_mean_2": 1.0, "baseline_sd_1": 0.49, "baseline_sd_2": 0.49}
    assert found("sd_too_small", row("R1", **per_item, **baseline)) == {"R1": ("warning", "arms")}
    baseline |= {"baseline_mean_1": 18.0, "baseline_mean_2": 19.0}
    assert found("sd_too_small", row("R1", **per_item, **baseline)) == {"R1": ("exclude", "arms")}


def test_without_a_reference_sd_the_score_range_warns(found, row):
    cells = GOOD | {"instrument": "hope", "mean_1": 5.0, "mean_2": 4.6}
    assert found("sd_too_small", row("R1", **(cells | {"sd_1": 0.9, "sd_2": 1.0}))) == {}
    assert found("sd_too_small", row("R1", **(cells | {"sd_1": 0.12, "sd_2": 0.13}))) == {"R1": ("warning", "arms")}


def test_sd_too_large(found, row):
    assert found("sd_too_large", row("R1", **(GOOD | {"sd_2": 23.0}))) == {}
    assert found("sd_too_large", row("R1", **(GOOD | {"sd_2": 24.0}))) == {"R1": ("warning", "arms")}


def test_sd_against_own_baseline(found, row):
    cells = GOOD | BASE | {"instrument": "visits"}
    assert found("sd_against_own_baseline", row("R1", **cells)) == {}
    assert found("sd_against_own_baseline", row("R1", **(cells | {"sd_1": 2.9, "sd_2": 3.1}))) == {
        "R1": ("warning", "arms")
    }
    assert found("sd_against_own_baseline", row("R1", **(cells | {"sd_1": 2.9}))) == {}
    known = cells | {"instrument": "bdi2", "sd_1": 2.9, "sd_2": 3.1}
    assert found("sd_against_own_baseline", row("R1", **known)) == {}  # its reference SD decides
    assert found("sd_against_own_baseline", row("R1", **(cells | {"sd_1": 35.9, "sd_2": 36.6}))) == {
        "R1": ("warning", "arms")
    }


def test_small_sds_with_a_large_difference_are_standard_errors(found, row):
    # a scale without reference SD, SDs of 0.6 after 0.6, given as standard errors of 100 people
    check, sound = "sd_against_own_baseline", GOOD | {"instrument": "visits", "mean_1": 3.9, "mean_2": 3.7}
    sound |= {"sd_1": 0.55, "sd_2": 0.68, "baseline_sd_1": 0.62, "baseline_sd_2": 0.57}
    errors = sound | {"sd_1": 0.055, "sd_2": 0.068}
    assert found(check, row("R1", **sound)) == {}
    assert found(check, row("R1", **errors)) == {"R1": ("exclude", "arms")}
    assert found(check, row("R1", **(errors | {"mean_1": 3.75}))) == {"R1": ("warning", "arms")}
    # one arm, or SDs that were as small at the start: a very even group
    assert found(check, row("R1", **(errors | {"sd_2": 0.68}))) == {}
    assert found(check, row("R1", **(errors | {"baseline_sd_1": 0.06, "baseline_sd_2": 0.06}))) == {}


def test_a_reference_from_few_trials_excludes_with_a_large_difference(found, row):
    check, few = "sd_against_own_baseline", GOOD | {"instrument": "few", "sd_1": 2.1, "sd_2": 2.3}
    assert found(check, row("R1", **few)) == {"R1": ("exclude", "arms")}
    assert found(check, row("R1", **(few | {"mean_1": 14.0}))) == {}
    per_item = few | {"mean_1": 0.6, "mean_2": 1.5, "sd_1": 0.5, "sd_2": 0.5}
    assert found(check, row("R1", **per_item)) == {}


def test_a_reference_sd_between_does_not_silence_a_fall_from_baseline(found, row):
    fallen = GOOD | {"mean_1": 11.0, "mean_2": 13.0, "sd_1": 2.7, "sd_2": 4.5}
    fallen |= {"baseline_sd_1": 14.8, "baseline_sd_2": 14.2}
    assert found("sd_against_own_baseline", row("R1", **fallen)) == {"R1": ("warning", "arms")}
    assert found("sd_against_own_baseline", row("R1", **(fallen | {"mean_1": 3.0}))) == {"R1": ("exclude", "arms")}


def test_pre_post_change(found, row):
    cells = {"n_1": 50, "mean_1": 1.0, "sd_1": 0.13, "n_2": 51, "mean_2": 1.21, "sd_2": 0.13, "instrument": "visits"}
    cells |= {"baseline_mean_1": 1.83, "baseline_sd_1": 0.12, "baseline_mean_2": 1.75, "baseline_sd_2": 0.11}
    assert found("pre_post_change", row("R1", **cells)) == {"R1": ("exclude", "arms")}
    # only the treated arm moved that far; and where a reference SD is known it decides
    assert found("pre_post_change", row("R1", **(cells | {"mean_2": 1.6}))) == {}
    scale = {
        "instrument": "bdi2",
        "sd_1": 4.0,
        "sd_2": 4.0,
        "baseline_sd_1": 5.0,
        "baseline_sd_2": 5.0,
        "mean_1": 9.0,
        "mean_2": 12.0,
    }
    scale |= {"baseline_mean_1": 28.0, "baseline_mean_2": 29.0}
    assert found("pre_post_change", row("R1", **(cells | scale))) == {"R1": ("warning", "arms")}


def test_count_dispersion(found, row):
    assert found("count_dispersion", row("R1", **COUNT, mean_1=0.72, sd_1=0.19, mean_2=1.59, sd_2=0.42)) == {
        "R1": ("exclude", "arms")
    }
    assert found("count_dispersion", row("R1", **COUNT, mean_1=0.72, sd_1=1.6, mean_2=1.59, sd_2=3.6)) == {}


def test_days_in_hospital_are_not_less_spread_than_poisson(found, row):
    days = {"mean_1": 10.08, "mean_2": 19.08} | COUNT  # Sledge 2011
    assert found("count_dispersion", row("R1", **days, sd_1=17.31, sd_2=21.63)) == {}
    assert found("count_dispersion", row("R1", **days, sd_1=2.81, sd_2=3.6)) == {"R1": ("exclude", "arms")}
    assert found("count_dispersion", row("R1", **days, sd_1=2.81, sd_2=21.63)) == {}


def test_a_rare_count_can_be_less_spread_than_poisson(found, row):
    # once at most: 0.3 (1 - 0.3) = 0.21, an SD of 0.46
    rare = {"mean_1": 0.3, "mean_2": 0.4} | COUNT
    assert found("count_dispersion", row("R1", **rare, sd_1=0.48, sd_2=0.52)) == {}
    assert found("count_dispersion", row("R1", **rare, sd_1=0.06, sd_2=0.06)) == {"R1": ("exclude", "arms")}


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Peers: a cluster randomised controlled trial. Lancet 2008", True),
        ("Peers: A Cluster‐Randomized Controlled Trial", True),
        ("Peers in clinics, a cluster RCT", True),
        ("Peers: a group-randomised trial", True),
        ("Group randomized trial of peers", True),
        ("Schools were randomised by cluster", True),
        ("Peers: an individually, not cluster randomised trial", False),
        ("Peers: a non-cluster-randomised trial", False),
        ("An exploratory parallel-group randomised controlled trial of peers", False),
        ("A peer support group randomised trial", False),
        ("Peers for cluster headache: a randomised trial", False),
    ],
)
def test_cluster_not_named(found, row, title, expected):
    check, issue = "cluster_not_named", {"R1": ("warning", "row")}
    assert found(check, row("R1", **GOOD, title=title)) == (issue if expected else {})
    assert found(check, row("R1", **GOOD, title=title, cluster="12 clinics")) == {}
    assert found(check, row("R1", **GOOD, title=title, effect=0.36, se=0.3, cluster_adjusted=True)) == {}


def test_large_smd(found, row):
    assert found("large_smd", row("R1", **(GOOD | {"mean_2": 40.0}))) == {}
    assert found("large_smd", row("R1", **(GOOD | {"mean_2": 43.0}))) == {"R1": ("warning", "row")}
    assert found("large_smd", row("R1", effect=3.2, se=0.5)) == {"R1": ("warning", "row")}
    assert found("large_smd", row("R1", effect=3.2, effect_type="mean_difference")) == {}
