"""The Metapsy data standard, as delivered and cleaned."""

import pandas as pd
import pytest
from made import ROOT, write_rows

from pipeline.ingest.metapsy import read_metapsy

ROW = {
    "study": "Made, 2001", "condition_arm1": "cbt", "condition_arm2": "cau", "multi_arm1": "NA", "multi_arm2": "NA",
    ".g": "0,41", ".g_se": "0,22", "outcome_type": "msd", "instrument": "bdi-1", "rating": "self-report",
    "mean_arm1": "12,5", "sd_arm1": "8", "n_arm1": "40", "mean_arm2": "16", "sd_arm2": "9", "n_arm2": "42",
    "mean_change_arm1": "NA", "sd_change_arm1": "NA", "n_change_arm1": "NA", "mean_change_arm2": "NA",
    "sd_change_arm2": "NA", "n_change_arm2": "NA", "event_arm1": "NA", "event_arm2": "NA", "totaln_arm1": "NA",
    "totaln_arm2": "NA", "baseline_m_arm1": "21,5", "baseline_sd_arm1": "7", "baseline_m_arm2": "22",
    "baseline_sd_arm2": "7,25", "year": "2001", "time_weeks": "12", "time": "post", "format": "grp", "country": "eu",
    "diagnosis": "mdd", "target_group": "adul", "recruitment": "com", "sg": "1", "ac": "1", "ba": "sr", "itt": "1",
    "rob": "3", "full_ref": "Made (2001)",
}  # fmt: skip
CHANGE = dict.fromkeys(("mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"), "NA") | {
    "outcome_type": "change", "mean_change_arm1": "-9,19", "sd_change_arm1": "9,94", "n_change_arm1": "38",
    "mean_change_arm2": "-3,38", "sd_change_arm2": "10,84", "n_change_arm2": "39",
}  # fmt: skip
EVENTS = dict.fromkeys(("mean_arm1", "sd_arm1", "n_arm1", "mean_arm2", "sd_arm2", "n_arm2"), "NA") | {
    "outcome_type": "remission (diag)", "event_arm1": "20", "totaln_arm1": "30", "event_arm2": "12",
    "totaln_arm2": "31",
}  # fmt: skip


@pytest.fixture
def read(tmp_path, book):
    def of(*changes, sep=";"):
        rows = [ROW | change for change in changes]
        write_rows(tmp_path / "data.csv", rows, sep)
        return read_metapsy(tmp_path, book, "made")

    return of


def cleaned(row):
    """The same row as a cleaned file has it: decimal points, empty for NA, whole numbers written as floats."""
    plain = {k: "" if v == "NA" else v.replace(",", ".") if k not in ("study",) else v for k, v in row.items()}
    return plain | {"rob": f"{plain['rob']}.0", "n_arm1": plain["n_arm1"] and f"{plain['n_arm1']}.0"}


def test_a_row_is_a_contrast_with_the_delivered_g_beside_it(read):
    tidy = read({})
    arms = tidy.arms.set_index("condition")
    assert arms.loc["group_cbt", ["n", "mean", "sd", "baseline_mean", "role"]].tolist() == [
        40,
        12.5,
        8,
        21.5,
        "unclear",
    ]
    assert arms.loc["usual_care", ["n", "mean", "sd", "baseline_sd", "role"]].tolist() == [42, 16, 9, 7.25, "none"]
    reported = tidy.reported.iloc[0]
    assert reported[["row_id", "effect", "se", "effect_type", "claimed_sign"]].tolist() == [
        "M0001", 0.41, 0.22, "hedges_g", "positive_favours_int",
    ]  # fmt: skip


def test_raw_and_cleaned_form_say_the_same_cell_by_cell(read):
    changes = ({}, {"study": "B, 2002"} | CHANGE, {"study": "C, 2003", "time_weeks": "NA"} | EVENTS)
    raw = read(*changes)
    clean = read(*(cleaned(ROW | c) for c in changes), sep=",")
    for name in ("studies", "arms", "reported", "reading"):
        pd.testing.assert_frame_equal(getattr(raw, name), getattr(clean, name))
    assert raw.arms["mean"].notna().sum() == 4


def test_a_sample_of_the_real_delivery_in_both_forms(tmp_path, book):
    with (ROOT / "data/raw/metapsy_depression/data.csv").open(encoding="utf-8") as f:
        raw = "".join(line for i, line in enumerate(f) if i in (0, 1, 2, 15, 52, 183))
    (tmp_path / "data.csv").write_text(raw, encoding="utf-8")
    one = read_metapsy(tmp_path, book, "made")
    frame = pd.read_csv(tmp_path / "data.csv", sep=";", decimal=",", na_values="NA", index_col=0)
    frame.to_csv(tmp_path / "data.csv", index=False)
    two = read_metapsy(tmp_path, book, "made")
    assert len(one.studies) >= 3
    for name in ("studies", "arms", "reported"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(two, name))


def test_change_scores_take_the_change_columns(read):
    arms = read(CHANGE).arms
    assert set(arms["value_kind"]) == {"change"}
    assert arms.set_index("condition").loc["group_cbt", ["n", "mean", "sd"]].tolist() == [38, -9.19, 9.94]


def test_events_are_used_in_place_of_the_g_made_from_them(read):
    tidy = read(EVENTS)
    assert tidy.reported.empty
    assert tidy.arms.set_index("condition").loc["usual_care", ["events", "total"]].tolist() == [12, 31]
    left = tidy.reading[tidy.reading["what"].eq("left_out")]
    assert left[["row", "column", "before"]].to_numpy().tolist() == [["M0001", ".g", "0.41"]]


@pytest.mark.parametrize(("weeks", "logged"), [("0", 1), ("NA", 0)])
def test_weeks_unknown(read, weeks, logged):
    tidy = read({"time_weeks": weeks})
    assert tidy.arms["time_weeks"].isna().all()
    assert set(tidy.arms["time_basis"]) == {"post_treatment"}
    assert tidy.reading["column"].eq("time_weeks").sum() == logged


@pytest.mark.parametrize(
    ("total", "word"),
    [("0", "high"), ("1", "high"), ("2", "some"), ("3", "some"), ("4", "low"), ("NA", "not_assessed")],
)
def test_risk_of_bias_total(read, total, word):
    assert read({"rob": total}).studies["rob"].tolist() == [word]


def test_three_arms_share_their_control(read):
    arms = read({"multi_arm1": "f2f"}, {"multi_arm1": "web", "format": "ind", "mean_arm1": "13"}).arms
    assert len(arms) == 3
    assert arms.set_index("condition").loc["usual_care", "source_rows"] == "M0001|M0002"


def test_an_unreadable_number_names_row_and_column(read, refused):
    problem = refused(read, {}, {"sd_arm2": "9,2,1"})
    assert (problem.file, problem.row, problem.column, problem.value) == ("data.csv", "M0002", "sd_arm2", "9,2,1")


def test_a_decimal_comma_in_a_cleaned_file_is_refused(read, refused):
    problem = refused(read, cleaned(ROW) | {"mean_arm2": "16,4"}, sep=",")
    assert problem.fix == "write the decimals with a point, not a comma"


def test_an_unknown_comparator_is_refused(read, refused):
    problem = refused(read, {"condition_arm2": "cauu"})
    assert (problem.row, problem.column) == ("M0001", "condition_arm2")
    assert "'cau'" in problem.fix
