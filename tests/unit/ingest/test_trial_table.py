"""The project's own trial table: each test changes one thing in a valid row."""

import pytest
from made import COUNTS, NO_MEANS, ROOT, TRIAL, trial_rows, value, write_rows

from pipeline.ingest.trial_table import read_trial_table


def what_changed(tidy, row="R1"):
    log = tidy.reading[tidy.reading["what"].eq("changed") & tidy.reading["row"].eq(row)]
    return dict(zip(log["column"], zip(log["before"], log["after"], strict=True), strict=True))


def test_a_row_becomes_two_arms(read_trials):
    arms = read_trials({"year": "2001.0", "mean_int": " 12.5 "}).arms
    assert len(arms) == 2
    peer = arms[arms["condition"].eq("support_programme")].iloc[0]
    assert (peer["n"], peer["mean"], peer["sd"], peer["role"], peer["modality"]) == (40, 12.5, 8, "peer", "one_to_one")
    assert value(arms, "mean", condition="usual_care") == 16
    assert value(arms, "role", condition="usual_care") == "none"


def test_no_effect_printed_gives_no_reported_row(read_trials):
    assert read_trials({}).reported.empty
    assert len(read_trials({"effect": "0"}).reported) == 1


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("12,5", "write the decimals with a point, not a comma"),
        ("12.5.1", "write a plain number, or leave it empty"),
        ("١٢", "write a plain number, or leave it empty"),
        ("NaN", "write a plain number, or leave it empty"),
        ("inf", "write a plain number, or leave it empty"),
        ("1e999", "write a plain number, or leave it empty"),
        ("=1+1", "write a plain number, or leave it empty"),
        ("12 (8)", "write a plain number, or leave it empty"),
    ],
)
def test_what_is_not_a_number_is_refused_with_its_place(read_trials, refused, text, fix):
    problem = refused(read_trials, {}, {"mean_ctl": text})
    assert (problem.file, problem.row, problem.column, problem.value, problem.fix) == (
        "trials.csv", "R2", "mean_ctl", text, fix,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("column", "word", "near"),
    [
        ("instrument", "bdi22", "'bdi2'"),
        ("comparator", "usual_car", "'usual_care'"),
        ("peer_role", "peeer", "'peer'"),
        ("delivery", "one_to_on", "'one_to_one'"),
        ("effect_type", "hedges_gg", "'hedges_g'"),
        ("effect_sign", "positive_favours_intt", "'positive_favours_int'"),
        ("timepoint_basis", "randomization", "'randomisation'"),
        ("outcome_domain", "depresion", "depression"),
        ("intervention", "peer recovery mentor", "peer recovery mentor + usual care"),
    ],
)
def test_an_unknown_word_is_refused_with_its_nearest_neighbour(read_trials, refused, column, word, near):
    instrument = {"instrument": ""} if column == "outcome_domain" else {}
    problem = refused(read_trials, {}, {column: word} | instrument)
    assert problem.row == "R2"
    assert word in problem.value
    assert near in problem.fix


def test_an_unknown_kind_of_mean_is_not_taken_for_an_endpoint(read_trials, refused):
    problem = refused(read_trials, {"mean_kind": "chnge"})
    assert (problem.row, problem.column, problem.value) == ("R1", "mean_kind", "chnge")
    assert "change" in problem.allowed


@pytest.mark.parametrize(
    ("kind", "read_as"),
    [
        ("", "endpoint"),
        ("change", "change"),
        ("endpoint (model-estimated marginal mean)", "endpoint"),
        ("endpoint (period count)", "count"),
        ("endpoint (adjusted mean, zero-inflated negative binomial)", "count"),
    ],
)
def test_kinds_of_mean(read_trials, kind, read_as):
    assert set(read_trials({"mean_kind": kind}).arms["value_kind"]) == {read_as}


def test_a_standard_error_of_the_mean_becomes_an_sd_and_is_logged(read_trials):
    """SD = SE sqrt(n): 1.5 sqrt(36) = 9."""
    tidy = read_trials({"mean_kind": "endpoint (standard error)", "sd_int": "1.5", "n_int": "36"})
    assert value(tidy.arms, "sd", condition="support_programme") == pytest.approx(9)
    assert what_changed(tidy)["sd_int"] == ("1.5", "9")


def test_missing_columns_are_all_named(tmp_path, book):
    rows = [{k: v for k, v in TRIAL.items() if k not in ("sd_ctl", "rob")}]
    write_rows(tmp_path / "trials.csv", rows)
    with pytest.raises(ValueError, match=r"(?s)'rob' is missing.*'sd_ctl' is missing"):
        read_trial_table(tmp_path, book, "made")


def test_a_row_id_that_stands_twice_is_refused(read_trials, refused):
    problem = refused(read_trials, {}, {"row_id": "R1", "mean_int": "9"})
    assert (problem.row, problem.column) == ("R1", "row_id")
    assert "twice" in problem.problem


@pytest.mark.parametrize("row_id", ["", " ", "R1|R2"])
def test_a_row_id_that_could_not_be_traced_is_refused(read_trials, refused, row_id):
    problem = refused(read_trials, {}, {"row_id": row_id})
    assert (problem.row, problem.column, problem.value) == (3, "row_id", row_id)


def test_two_labels_with_one_id_are_not_made_one_study(read_trials, refused):
    problem = refused(read_trials, {"study": "Müller 2001"}, {"study": "Muller, 2001"})
    assert (problem.row, problem.column, problem.value) == ("R2", "study", "Muller, 2001")
    assert "Müller 2001" in problem.fix


def test_a_schema_error_names_the_row_of_the_delivery(read_trials, refused):
    """R9 stands first in the sorted tables, but is the third row of the file."""
    problem = refused(read_trials, {}, {"study": "B 2"}, {"row_id": "R9", "study": "A 1", "year": "2001.5"})
    assert (problem.file, problem.row, problem.column, problem.value) == ("trials.csv", "R9", "year", "2001.5")


def test_a_control_shared_by_two_contrasts_is_one_arm(read_trials):
    other = {"intervention": "online peer support", "mean_int": "11", "n_int": "39"}
    arms = read_trials({}, other).arms
    assert len(arms) == 3
    assert value(arms, "source_rows", condition="usual_care") == "R1|R2"


def test_same_arm_with_other_numbers_is_kept_as_its_own_and_logged(read_trials):
    other = {"intervention": "online peer support", "mean_int": "11", "mean_ctl": "17"}
    tidy = read_trials({}, other)
    controls = tidy.arms[tidy.arms["condition"].eq("usual_care")].set_index("arm")
    assert controls["mean"].to_dict() == {"usual-care": 16.0, "usual-care.2": 17.0}
    assert what_changed(tidy, "R2")["arm"] == ("usual-care", "usual-care.2")


def test_a_flag_on_one_contrast_does_not_stain_the_arm_it_shares(read_trials):
    other = {"intervention": "online peer support", "mean_int": "11", "qa_flag": "SUSPECT: misread"}
    arms = read_trials({}, other).arms.set_index("condition")["flag"]
    assert arms.to_dict() == {"support_programme": "", "support_group": "SUSPECT: misread", "usual_care": ""}


@pytest.mark.parametrize("name", ["population", "country"])
def test_people_reported_apart_are_strata(read_trials, name):
    tidy = read_trials({name: "North"}, {name: "Sør Øst", "mean_int": "11", "mean_ctl": "15"})
    assert sorted(set(tidy.arms["stratum"])) == ["north", "sr-st"]
    assert len(tidy.arms) == 4
    assert not tidy.arms["arm"].str.contains(".2", regex=False).any()


def test_another_time_is_no_stratum(read_trials):
    tidy = read_trials({"population": "women"}, {"population": "men", "timepoint_weeks": "26"})
    assert set(tidy.arms["stratum"]) == {""}


def test_the_opposite_event_is_turned_round_and_logged(read_trials):
    counts = {"events_int": "10", "total_int": "50", "events_ctl": "20", "total_ctl": "52"}
    viral = {"outcome_domain": "hiv_viral_event", "outcome": "detectable viral load", "instrument": ""}
    tidy = read_trials(NO_MEANS | counts | viral | {"effect": "0.52", "effect_type": "risk_ratio"})
    arms = tidy.arms.set_index("condition")
    assert set(arms["outcome"]) == {"hiv_viral_suppression"}
    assert arms["events"].to_dict() == {"support_programme": 40.0, "usual_care": 32.0}  # 50 - 10, 52 - 20
    changed = what_changed(tidy)
    assert (changed["events_1"], changed["events_2"]) == (("10", "40"), ("20", "32"))
    assert changed["effect_type"] == ("risk_ratio", "opposite_event")
    assert tidy.reported["effect"].tolist() == [0.52]


def test_percentages_without_denominators_become_a_difference(read_trials):
    percent = NO_MEANS | {"mean_kind": "percent", "mean_int": "73", "mean_ctl": "51.5"}
    tidy = read_trials(COUNTS | dict.fromkeys(("events_int", "total_int", "events_ctl", "total_ctl"), "") | percent)
    reported = tidy.reported.iloc[0]
    assert (reported["effect"], reported["effect_type"]) == (21.5, "risk_difference_percent")
    assert reported["claimed_sign"] == "int_minus_ctl"
    assert reported[["se", "ci_lb", "ci_ub"]].isna().all()
    assert tidy.arms["mean"].isna().all(), "a percentage is no mean"
    assert what_changed(tidy)["mean_int"] == ("73 v 51.5", "21.5")


def test_one_percentage_alone_is_no_difference(read_trials):
    tidy = read_trials(NO_MEANS | {"mean_kind": "percent", "mean_int": "73"})
    assert tidy.reported.empty
    assert "mean_int" not in what_changed(tidy)


def test_nought_weeks_after_randomisation_means_unknown(read_trials):
    tidy = read_trials({"timepoint_weeks": "0"}, {"timepoint_weeks": "0", "timepoint_basis": "discharge"})
    times = tidy.arms.groupby("source_rows")[["time_weeks", "time_basis"]].first(skipna=False)
    assert times.loc["R1", "time_basis"] == "post_treatment"
    assert times["time_weeks"].isna().to_dict() == {"R1": True, "R2": False}
    assert what_changed(tidy)["timepoint_weeks"] == ("0", "")


@pytest.mark.parametrize(
    ("text", "carried", "icc", "size"),
    [
        ("", False, None, None),
        ("icc=0.05 avg_cluster=8.0 (From study (p. 57))", False, 0.05, 8),
        ("icc=.05. avg_cluster=8.", False, 0.05, 8),
        ("cluster RCT; analysis adjusted for clustering", True, None, None),
        ("cluster RCT; analysis not adjusted for clustering", False, None, None),
    ],
)
def test_what_is_said_of_clusters(read_trials, text, carried, icc, size):
    row = read_trials({"effect": "-3", "effect_type": "mean_difference", "cluster_info": text}).reported.iloc[0]
    assert bool(row["cluster_adjusted"]) is carried
    assert (row["icc"], row["cluster_size"]) == (icc, size) or (
        icc is None and row[["icc", "cluster_size"]].isna().all()
    )


def test_a_word_that_was_mapped_is_logged(read_trials):
    reading = read_trials({"instrument": "BDI-2"}).reading
    mapped = reading[reading["what"].eq("mapped") & reading["column"].eq("instrument")]
    assert mapped[["row", "before", "after"]].to_numpy().tolist() == [["R1", "BDI-2", "bdi2"]]


def test_rows_that_differ_give_the_study_its_most_cautious_word_and_every_study_is_logged(read_trials):
    low, high = {"rob": "low"}, {"rob": "high", "timepoint_weeks": "26"}
    tidy = read_trials(low, high, low | {"study": "Other 2002"}, high | {"study": "Other 2002"})
    assert tidy.studies["rob"].tolist() == ["high", "high"]
    kept = tidy.reading[tidy.reading["what"].eq("kept")]
    assert len(kept) == 2
    assert kept["why"].str.contains("Made 2001|Other 2002").all()


def test_randomised_only_where_no_flag_says_otherwise(read_trials):
    tidy = read_trials(
        {}, {"study": "B 2", "qa_flag": "not_randomised"}, {"study": "C 3", "qa_flag": "randomisation_not_read"}
    )
    assert tidy.studies.set_index("study")["randomised"].to_dict() == {
        "Made 2001": "yes",
        "B 2": "no",
        "C 3": "unclear",
    }


def test_the_made_row_has_every_column_of_a_real_delivery():
    with (ROOT / "data/raw/peer_support_trials/trials.csv").open(encoding="utf-8") as f:
        real = set(f.readline().strip().split(","))
    assert set(trial_rows()[0]) == real - {"extraction_route", "verification"}
