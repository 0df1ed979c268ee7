"""Gate 1: each check with a row that it must find and one that it must not."""

import pytest

from pipeline.checks import CHECKS, run_checks

GOOD = {"n_1": 30, "mean_1": 12.0, "sd_1": 9.0, "n_2": 28, "mean_2": 15.5, "sd_2": 10.0}
EVENTS = {
    "outcome": "admission_event",
    "value_kind": "event",
    "events_1": 3,
    "total_1": 20,
    "events_2": 6,
    "total_2": 21,
}


@pytest.mark.parametrize(
    ("check", "good", "change"),
    [
        ("negative_sd", GOOD, {"sd_2": -10.0}),
        ("negative_sd", GOOD, {"baseline_sd_1": -1.0}),
        ("sample_size", GOOD, {"n_1": 0}),
        ("sample_size", EVENTS, {"total_2": -21}),
        ("events_above_total", EVENTS, {"events_1": 21}),
        ("events_above_total", EVENTS, {"events_1": -1}),
        ("negative_se", GOOD | {"effect": 0.36, "se": 0.26}, {"se": -0.26}),
        ("limits_reversed", GOOD | {"effect": 0.36, "ci_lb": -0.16, "ci_ub": 0.88}, {"ci_lb": 0.88, "ci_ub": -0.16}),
    ],
)
def test_impossible_numbers_stop_the_pipeline(found, row, check, good, change):
    assert found(check, row("R1", **good)) == {}
    assert found(check, row("R1", **good), row("R2", **(good | change), arm_1="b", arm_2="c"))["R2"][0] == "error"


def test_part_of_a_person(found, row):
    assert found("part_of_a_person", row("R1", **GOOD)) == {}
    assert found("part_of_a_person", row("R1", **(GOOD | {"n_1": 5.96}))) == {"R1": ("warning", "arms")}
    assert found("part_of_a_person", row("R1", **(EVENTS | {"events_2": 6.5}))) == {"R1": ("warning", "arms")}


def test_same_row_twice(found, row):
    effect = GOOD | {"effect": 0.36, "se": 0.26}
    assert found("same_row_twice", row("R1", **effect), row("R2", **effect)) == {"R2": ("error", "row")}
    assert found("same_row_twice", row("R1", **GOOD), row("R2", **GOOD)) == {"R2": ("error", "row")}
    # the same two arms with a raw and an adjusted effect, or at another time, are two rows
    assert found("same_row_twice", row("R1", **effect), row("R2", **(effect | {"adjusted": True, "effect": 0.3}))) == {}
    assert found("same_row_twice", row("R1", **effect), row("R2", **(effect | {"time_weeks": 26.0}))) == {}


def test_one_control_arm_of_two_contrasts_is_not_a_repetition(found, row):
    second = GOOD | {"arm_1": "phone", "mean_1": 11.0}
    assert found("same_row_twice", row("R1", **GOOD), row("R2", **second)) == {}


def test_mean_outside_range(found, row):
    assert found("mean_outside_range", row("R1", **(GOOD | {"mean_1": 63.0}))) == {}
    assert found("mean_outside_range", row("R1", **(GOOD | {"mean_1": 63.1}))) == {"R1": ("exclude", "arms")}
    assert found("mean_outside_range", row("R1", **(GOOD | {"baseline_mean_2": -1.0}))) == {"R1": ("exclude", "arms")}
    # a range nobody has verified only warns; a change may be negative
    assert found("mean_outside_range", row("R1", **(GOOD | {"mean_1": 31.0, "instrument": "unsure"}))) == {
        "R1": ("warning", "arms")
    }
    assert found("mean_outside_range", row("R1", **(GOOD | {"mean_1": -8.0, "value_kind": "change"}))) == {}


def test_zero_weeks(found, row):
    assert found("zero_weeks", row("R1", **(GOOD | {"time_weeks": 0.0}))) == {"R1": ("warning", "row")}
    assert found("zero_weeks", row("R1", **(GOOD | {"time_weeks": 0.0, "time_basis": "postpartum"}))) == {}
    assert found("zero_weeks", row("R1", **(GOOD | {"time_weeks": float("nan"), "time_basis": "post_treatment"}))) == {}


@pytest.mark.parametrize(
    ("flag", "expected"),
    [
        ("", None),
        ("SUSPECT: mean equals SD in both arms; transcription error upstream", ("exclude", "row")),
        ("SUSPECT: adjusted effect negative; same value at both times", ("exclude", "reported")),
        ("upper CI 2.72 as printed, looks like a misprint", ("exclude", "reported")),
        ("printed_denominator_inconsistent", ("exclude", "row")),
        ("not_randomised", ("exclude", "row")),
        ("CAUTION: peer component is only one of several components", ("warning", "row")),
        ("denominator_derived; author_year_not_printed", ("warning", "row")),
        ("author_year_not_printed", ("note", "row")),
    ],
)
def test_extractor_flag(found, row, flag, expected):
    assert found("extractor_flag", row("R1", **GOOD, flag=flag)).get("R1") == expected


def test_repeated_in_other_words(found, row):
    again = GOOD | {"detail": "depression score", "arm_1": "calls"}
    assert found("repeated_in_other_words", row("R1", **GOOD), row("R2", **again)) == {"R2": ("exclude", "row")}
    assert found("repeated_in_other_words", row("R1", **GOOD), row("R2", **(again | {"mean_1": 12.1}))) == {}
    assert found("repeated_in_other_words", row("R1", **GOOD), row("R2", **(again | {"instrument": "phq9"}))) == {}
    # word for word is the business of same_row_twice; equal small counts are chance
    assert found("repeated_in_other_words", row("R1", **GOOD), row("R2", **GOOD)) == {}
    assert found("repeated_in_other_words", row("R1", **EVENTS), row("R2", **(EVENTS | {"arm_2": "waiting"}))) == {}


def test_advice_about_a_caution_is_true_of_rows_that_no_question_uses(delivery, row):
    caution = row("R1", **GOOD, flag="CAUTION: peer component is only one of several components")
    late = row("R1", **GOOD, flag="SUSPECT: read twice")
    words = [
        run_checks(delivery(r), {"extractor_flag": CHECKS["extractor_flag"]})["advice"][0] for r in (caution, late)
    ]
    assert words[0] == "a caution of the extractors: read it before the row is used"
    assert words[1] == "kept out until the publication settles it"
