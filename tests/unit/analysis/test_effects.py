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
        assert row.reason == ("cannot be" if row.basis in excluded else "")


def test_a_warning_excludes_nothing(effects_of):
    assert set(effects_of(MEANS, issues=(issue(severity="warning"),))["status"]) == {"ok"}


@pytest.mark.parametrize(("word", "says"), [("no", "not a randomised trial"), ("unclear", "could not be read")])
def test_not_randomised_comes_before_every_other_reason(effects_of, word, says):
    out = effects_of(MEANS, study={"randomised": word}, issues=(issue(),))
    assert out["reason"].str.contains(says).all()


def test_a_difference_over_a_reference_sd_is_kept_for_the_sensitivity_analysis(effects_of):
    """-2 points over the PHQ-9's reference SD of 5.021."""
    md = {"effect_type": "adjusted_mean_difference", "adjusted": True, "effect": -2, "se": 1, "instrument": "phq9",
          "claimed_sign": "int_minus_ctl"}  # fmt: skip
    row = effects_of(md).loc["a:R1:SMD:reference_sd"]
    assert (row["status"], row["yi"]) == ("excluded", pytest.approx(-2 / 5.021))
    assert "only in the sensitivity analysis" in row["reason"]


B = {"source": "b", "study_id": "made-2001-b"}
SAME = {("a", "made-2001"): ("t", True), ("b", "made-2001-b"): ("t", True)}


def smd(out):
    return out[out["measure"].eq("SMD")].set_index("source")


def test_a_trial_in_two_deliveries_enters_once(effects_of):
    out = smd(effects_of(MEANS, MEANS | B, trials=SAME))
    assert out["status"].to_dict() == {"a": "ok", "b": "excluded"}
    assert out.loc["b", "reason"] == "taken from a, made-2001: a trial enters once"


def test_the_second_delivery_gives_what_the_first_does_not(effects_of):
    other = smd(effects_of(MEANS | {"outcome": "anxiety"}, MEANS | B, trials=SAME))
    assert set(other["status"]) == {"ok"}
    no_sd = effects_of(MEANS | {"sd_1": np.nan}, MEANS | B, trials=SAME)
    assert smd(no_sd).loc["b", "status"] == "ok"


def test_the_second_delivery_gives_what_a_check_keeps_out_of_the_first(effects_of):
    out = smd(effects_of(MEANS, MEANS | B, trials=SAME, issues=(issue("R1"),)))
    assert out["status"].to_dict() == {"a": "excluded", "b": "ok"}
    assert out.loc["a", "reason"] == "cannot be"


def test_a_certain_report_comes_before_an_uncertain_one(effects_of):
    unsure = SAME | {("a", "made-2001"): ("t", False)}
    assert smd(effects_of(MEANS, MEANS | B, trials=unsure))["status"].to_dict() == {"a": "excluded", "b": "ok"}


def test_no_row_is_lost(effects_of):
    rows = (MEANS, {}, MEANS | PRINTED, COUNTS | {"total_1": np.nan}, MEANS | {"value_kind": "change"})
    out = effects_of(*(row | {"time_weeks": 10 + i} for i, row in enumerate(rows)))
    assert set(out["source_rows"]) == {"R1", "R2", "R3", "R4", "R5"}
    assert not (out["status"].ne("ok") & out["reason"].eq("")).any()
    assert set(out.loc[out["source_rows"].eq("R5"), "basis"]) == {"change"}
