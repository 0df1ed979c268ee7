"""Corrections kept beside a delivery."""

import math

import pytest
from made import value


def decision(column, new, row="R1", reason="page 4 of the report"):
    return {"row_id": row, "column": column, "value": new, "reason": reason}


def test_a_changed_value_is_used_and_logged_with_its_reason(read_trials):
    tidy = read_trials(decisions=[decision("mean_2", "15.5"), decision("condition_2", "waitlist")])
    assert value(tidy.arms, "mean", condition="waitlist") == 15.5
    log = tidy.reading[tidy.reading["what"].eq("changed")].set_index("column")
    assert log.loc["mean_2", ["row", "before", "after", "why"]].tolist() == ["R1", "16", "15.5", "page 4 of the report"]


def test_two_changes_of_one_cell_are_both_logged(read_trials):
    reading = read_trials(decisions=[decision("mean_2", "15.5"), decision("mean_2", "15.25")]).reading
    assert sorted(reading.loc[reading["column"].eq("mean_2"), "after"]) == ["15.25", "15.5"]


def test_a_number_can_be_taken_away_and_a_flag_set(read_trials):
    changes = {"effect": "-3", "effect_type": "mean_difference", "ci_low": "-6", "ci_high": "0"}
    tidy = read_trials(changes, decisions=[decision("se", ""), decision("cluster_adjusted", "yes")])
    assert math.isnan(tidy.reported["se"].iloc[0])
    assert tidy.reported["cluster_adjusted"].tolist() == [True]


def test_use_no_flags_the_row_and_only_it(read_trials):
    other = {"intervention": "online peer support", "mean_int": "11"}
    tidy = read_trials({}, other, decisions=[decision("use", "no", "R2", "misread table")])
    flags = tidy.arms.set_index("condition")["flag"].to_dict()
    assert flags == {"support_programme": "", "support_group": "SUSPECT: misread table", "usual_care": ""}
    assert tidy.reading["what"].eq("left_out").sum() == 1


@pytest.mark.parametrize(
    ("bad", "column", "says"),
    [
        (decision("mean_2", "15", row="R11"), "row_id", "no such row"),
        (decision("meen_2", "15"), "column", "no such column"),
        (decision("zzz", "15"), "column", "no such column"),
        (decision("mean_2", "15", reason=""), "reason", "needs a reason"),
        (decision("mean_2", "fifteen"), "value", "not a number"),
        (decision("mean_2", "15,5"), "value", "not a number"),
        (decision("outcome", "depresion"), "value", "not a known outcome"),
        (decision("condition_2", "usual_car"), "value", "not a known condition"),
        (decision("claimed_sign", "positive"), "value", "not a known effect_sign"),
        (decision("use", "yes"), "value", "not allowed"),
        (decision("adjusted", "maybe"), "value", "not allowed"),
    ],
)
def test_a_decision_that_cannot_be_carried_out_is_refused(read_trials, refused, bad, column, says):
    problem = refused(read_trials, decisions=[decision("mean_1", "12"), bad])
    assert (problem.file, problem.row, problem.column) == ("decisions.csv", 3, column)
    assert says in problem.problem
