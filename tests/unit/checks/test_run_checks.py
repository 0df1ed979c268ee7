"""The table that the checks give, and what they do with a delivery where everything is wrong, or nothing is."""

import itertools

import numpy as np
import pytest

from pipeline.checks import CHECKS, gate, run_checks
from pipeline.tables import ISSUES

GOOD = {"n_1": 30, "mean_1": 12.0, "sd_1": 9.0, "n_2": 28, "mean_2": 15.5, "sd_2": 10.0}


def test_every_check_has_a_gate():
    assert {gate(check) for check in CHECKS.values()} == {"form", "contradiction", "plausibility"}


def test_a_sound_delivery_has_no_issues(delivery, row):
    issues = run_checks(delivery(row("R1", **GOOD, effect=0.364, se=0.265, ci_lb=-0.155, ci_ub=0.883)))
    assert list(issues.columns) == list(ISSUES.columns)
    assert len(issues) == 0


def test_an_empty_delivery_has_no_issues(delivery, row):
    whole = delivery(row("R1", **GOOD))
    none = type(whole)(whole.studies[:0], whole.arms[:0], whole.reported[:0], whole.codebook)
    assert len(run_checks(none)) == 0


def test_findings_of_one_check_on_one_row_become_one_issue(delivery, row):
    # SD in arm 1, n in arm 2: two checks; SDs in both arms: one check, both arms in its evidence
    issues = run_checks(delivery(row("R1", **(GOOD | {"sd_1": -9.0, "sd_2": -10.0, "n_2": 0}))))
    errors = issues[issues["severity"].eq("error")].set_index("check")
    assert set(errors.index) == {"negative_sd", "sample_size"}
    assert "-9" in errors.loc["negative_sd", "evidence"] and "-10" in errors.loc["negative_sd", "evidence"]
    assert errors.loc["negative_sd", ["study", "study_id", "gate"]].tolist() == ["A 2001", "a-2001", "form"]


def test_the_gravest_severity_and_what_it_applies_to_stand(delivery, row):
    flag = "denominator_derived; not_randomised; misprint"
    issues = run_checks(delivery(row("R1", **GOOD, flag=flag)), {"extractor_flag": CHECKS["extractor_flag"]})
    assert issues[["severity", "applies_to"]].to_numpy().tolist() == [["exclude", "row"]]
    assert all(word in issues["evidence"].iloc[0] for word in flag.split("; "))


def test_an_arm_of_two_rows_gives_an_issue_for_each(delivery, row):
    shared = GOOD | {"sd_2": -10.0}
    issues = run_checks(delivery(row("R1", **shared), row("R2", **(shared | {"arm_1": "phone", "mean_1": 11.0}))))
    assert set(issues.loc[issues["check"].eq("negative_sd"), "row_id"]) == {"R1", "R2"}


@pytest.mark.parametrize("worst", [0.0, -1.0, 1e12, -1e12, np.nan])
def test_no_number_breaks_a_check(delivery, row, worst):
    cells = {f"{name}_{s}": worst for name in ("n", "mean", "sd", "events", "total", "baseline_mean") for s in "12"}
    cells |= {"effect": 0.0 if np.isnan(worst) else worst, "se": worst, "ci_lb": worst, "ci_ub": -worst, "icc": 1.0}
    values, effects = ("endpoint", "change", "count", "event"), ("hedges_g", "odds_ratio", "relative_risk_reduction")
    kinds = itertools.product(values, effects)
    rows = [
        row(f"R{i}", **cells, value_kind=value, effect_type=effect, time_weeks=i)
        for i, (value, effect) in enumerate(kinds)
    ]
    issues = run_checks(delivery(*rows))
    assert np.isnan(worst) or issues["severity"].eq("error").any()
