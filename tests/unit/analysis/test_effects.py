"""From tidy tables to effects: values by hand, statuses, and no row that gets lost."""

from math import gamma, log, sqrt

import numpy as np
import pytest

MEANS = {"n_1": 20, "mean_1": 12, "sd_1": 8, "n_2": 22, "mean_2": 16, "sd_2": 9}
COUNTS = {"outcome": "depression_event", "instrument": "", "value_kind": "event",
          "events_1": 40, "total_1": 297, "events_2": 78, "total_2": 315}  # fmt: skip
PRINTED = {"effect_type": "hedges_g", "effect": 0.5, "se": 0.3, "claimed_sign": "positive_favours_int"}


def issue(row="R1", applies_to="row", severity="exclude", evidence="cannot be"):
    return {"source": "a", "row_id": row, "check": "made", "gate": "form", "severity": severity,
            "applies_to": applies_to, "evidence": evidence, "advice": "none"}  # fmt: skip


def test_means_by_hand(effects_of):
    """g = J (m1 - m2) / s, v = 1/n1 + 1/n2 + g^2 / 2(n1 + n2); of both, arm 2 gives 1/n2 and s2^2/n2."""
    out = effects_of(MEANS)
    s, j = sqrt((19 * 64 + 21 * 81) / 40), gamma(20) / (sqrt(20) * gamma(19.5))
    g = j * (12 - 16) / s
    assert out.loc["a:R1:SMD:means", ["yi", "vi", "vi_arm_2"]].tolist() == pytest.approx(
        [g, 1 / 20 + 1 / 22 + g**2 / 84, 1 / 22]
    )
    assert out.loc["a:R1:MD:means", ["yi", "vi", "vi_arm_2"]].tolist() == pytest.approx(
        [-4, 64 / 20 + 81 / 22, 81 / 22]
    )
    assert set(out["status"]) == {"ok"}


def test_counts_of_dennis_2009_by_hand(effects_of):
    """40/297 v 78/315 (BMJ 2009;338:a3064)."""
    out = effects_of(COUNTS)
    assert out.loc["a:R1:RR:events", ["yi", "vi"]].tolist() == pytest.approx(
        [log((40 / 297) / (78 / 315)), 1 / 40 - 1 / 297 + 1 / 78 - 1 / 315]
    )
    assert out.loc["a:R1:OR:events", ["yi", "vi"]].tolist() == pytest.approx(
        [log((40 / 257) / (78 / 237)), 1 / 40 + 1 / 257 + 1 / 78 + 1 / 237]
    )
    p, q = 40 / 297, 78 / 315
    assert out.loc["a:R1:RD:events", ["yi", "vi", "vi_arm_2"]].tolist() == pytest.approx(
        [p - q, p * (1 - p) / 297 + q * (1 - q) / 315, q * (1 - q) / 315]
    )
    assert out["risk_2"].tolist() == pytest.approx([q] * 3)
    assert out["arm_data"].iloc[0] == "40/297 v 78/315"


def test_count_data_give_a_ratio_of_means(effects_of):
    days = {"outcome": "hospital_days", "instrument": "", "value_kind": "count"}
    out = effects_of(MEANS | days)
    assert out["measure"].tolist() == ["ROM"]
    assert out[["yi", "vi"]].iloc[0].tolist() == pytest.approx([log(12 / 16), 64 / (20 * 144) + 81 / (22 * 256)])


def test_events_in_person_time_give_a_rate_ratio(effects_of):
    """log((12 / 520) / (20 / 480)), variance 1/12 + 1/20."""
    visits = {"outcome": "emergency_visit_count", "instrument": "", "value_kind": "count"}
    counted = {"events_1": 12, "person_time_1": 520, "events_2": 20, "person_time_2": 480}
    out = effects_of(visits | counted).set_index("measure")
    assert out.loc["IRR", ["yi", "vi", "vi_arm_2"]].tolist() == pytest.approx(
        [log((12 / 520) / (20 / 480)), 1 / 12 + 1 / 20, 1 / 20]
    )


def test_a_scale_that_runs_against_its_outcome_is_turned_round(effects_of):
    with_it, against = (effects_of(MEANS | {"outcome": "hope", "instrument": i}) for i in ("herth", "bhs4"))
    assert against["yi"].tolist() == pytest.approx((-with_it["yi"]).tolist())
    assert against["note"].str.contains("turned round").all()
    assert not with_it["note"].str.contains("turned round").any()


def test_arm_1_is_the_intervention_however_the_arms_are_called(effects_of):
    out = effects_of(MEANS | {"arm_1": "zz-peers", "arm_2": "aa-usual"})
    assert set(out["arm_1"]) == {"zz-peers"}
    assert out.loc["a:R1:MD:means", "yi"] == -4


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({"mean_1": 12, "mean_2": 16}, "without the arms' sizes"),
        ({"mean_1": 12, "mean_2": 16, "n_1": 20, "n_2": 22}, "without their standard deviations"),
        (MEANS | {"sd_1": 0}, "without their standard deviations"),
        ({"value_kind": "event", "events_1": 3, "events_2": 4}, "without the number of people"),
        ({}, "no number was printed"),
    ],
)
def test_a_contrast_without_an_effect_stays_with_its_reason(effects_of, cells, reason):
    out = effects_of(cells)
    assert out[["basis", "status"]].to_numpy().tolist() == [["none", "not_computable"]]
    assert reason in out["reason"].iloc[0]


def test_no_event_in_either_arm_gives_no_ratio(effects_of):
    out = effects_of(COUNTS | {"events_1": 0, "events_2": 0}).set_index("measure")
    assert out.loc[["RR", "OR"], "status"].tolist() == ["not_computable"] * 2
    assert "no event in either arm" in out.loc["RR", "reason"]


def test_an_event_in_one_arm_only_gets_half_an_event_in_each_cell(effects_of):
    out = effects_of(COUNTS | {"events_1": 0, "total_1": 20, "events_2": 5, "total_2": 20}).set_index("measure")
    assert out.loc["OR", "yi"] == pytest.approx(log((0.5 / 20.5) / (5.5 / 15.5)))


def test_nothing_printed_anywhere_and_nothing_computed_anywhere_both_work(effects_of):
    assert len(effects_of(MEANS)) == 2
    assert effects_of(PRINTED)["basis"].tolist() == ["reported"]


@pytest.mark.parametrize(
    ("applies_to", "excluded"),
    [
        ("row", {"means", "change", "reported", "reported_adjusted"}),
        ("reported", {"reported", "reported_adjusted"}),
        ("arms", {"means", "reported"}),  # a bare printed SMD was made from the same arm values
    ],
)
def test_an_excluded_row_keeps_its_reason(effects_of, applies_to, excluded):
    adjusted = MEANS | PRINTED | {"effect_type": "hedges_g_model", "adjusted": True}
    out = effects_of(MEANS | PRINTED, adjusted, issues=(issue("R1", applies_to), issue("R2", applies_to)))
    for row in out.itertuples():
        assert (row.status == "excluded") == (row.basis in excluded), row.effect_id
        assert (row.reason_code, row.reason) == (("check", "cannot be") if row.basis in excluded else ("", ""))


def test_a_warning_excludes_nothing(effects_of):
    assert set(effects_of(MEANS, issues=(issue(severity="warning"),))["status"]) == {"ok"}


@pytest.mark.parametrize(("word", "says"), [("no", "not a randomised trial"), ("unclear", "could not be read")])
def test_not_randomised_comes_before_every_other_reason(effects_of, word, says):
    out = effects_of(MEANS, study={"randomised": word}, issues=(issue(),))
    assert out["reason"].str.contains(says).all()
    assert set(out["reason_code"]) == {"not_randomised"}


def test_a_difference_over_a_reference_sd_is_kept_for_the_sensitivity_analysis(effects_of):
    """-2 points over the PHQ-9's reference SD of 5.021."""
    md = {"effect_type": "adjusted_mean_difference", "adjusted": True, "effect": -2, "se": 1, "instrument": "phq9",
          "claimed_sign": "int_minus_ctl"}  # fmt: skip
    row = effects_of(md).loc["a:R1:SMD:reference_sd"]
    assert (row["status"], row["reason_code"]) == ("excluded", "reference_sd")
    assert row["yi"] == pytest.approx(-2 / 5.021)
    assert "only in the sensitivity analysis" in row["reason"]


B = {"source": "b", "study_id": "made-2001-b"}
SAME = {("a", "made-2001"): ("t", True), ("b", "made-2001-b"): ("t", True)}


def smd(out):
    return out[out["measure"].eq("SMD")].set_index("source")


def test_reports_of_one_trial_are_ranked_by_delivery(effects_of):
    out = smd(effects_of(MEANS, MEANS | B, trials=SAME))
    assert out[["trial_id", "report_rank", "status"]].to_numpy().tolist() == [["t", 0, "ok"], ["t", 1, "ok"]]


def test_a_certain_report_comes_before_an_uncertain_one(effects_of):
    unsure = SAME | {("a", "made-2001"): ("t", False)}
    ranks = smd(effects_of(MEANS, MEANS | B, trials=unsure))["report_rank"]
    assert ranks["b"] < ranks["a"]


def test_a_trial_is_as_cautious_as_its_most_cautious_certain_report(effects_of):
    def rob(certain):
        links = SAME | {("b", "made-2001-b"): ("t", certain)}
        out = effects_of(MEANS, MEANS | B, trials=links, study={"b": {"rob": "high"}})
        return smd(out)["rob"].to_dict()

    assert rob(True) == {"a": "high", "b": "high"}
    assert rob(False) == {"a": "low", "b": "high"}


def test_who_gave_it_is_learnt_from_the_same_arm_of_the_first_report(effects_of):
    silent = MEANS | B | {"role_1": "unclear"}
    assert smd(effects_of(MEANS, silent, trials=SAME))["role_1"].to_dict() == {"a": "peer", "b": "peer"}
    lay = MEANS | {"role_1": "lay", "arm_1": "lay", "mean_1": 11}
    two_arms = effects_of(MEANS, lay, silent | {"mean_1": 11}, trials=SAME)
    assert smd(two_arms).loc["b", "role_1"] == "lay"
    other = effects_of(MEANS, lay, silent | {"mean_1": 10}, trials=SAME)
    assert smd(other).loc["b", "role_1"] == "unclear"


def test_no_row_is_lost(effects_of):
    rows = (MEANS, {}, MEANS | PRINTED, COUNTS | {"total_1": np.nan}, MEANS | {"value_kind": "change"})
    out = effects_of(*(row | {"time_weeks": 10 + i} for i, row in enumerate(rows)))
    assert set(out["source_rows"]) == {"R1", "R2", "R3", "R4", "R5"}
    assert not (out["status"].ne("ok") & out["reason"].eq("")).any()
    changes = out[out["source_rows"].eq("R5")].set_index("measure")
    assert changes["basis"].tolist() == ["change"] * 2
    assert changes["in_change"].to_dict() == {"SMD": True, "MD": False}
