"""The published trials hold real defects. Each must be found, with its row, and its innocent neighbours must not be."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pandas as pd
import pytest

from pipeline import codebook
from pipeline.checks import CHECKS, Delivery, run_checks
from pipeline.ingest import READERS

ROOT = Path(__file__).parents[2]
FILES = {
    "metapsy_depression": ("metapsy", "data.csv"),
    "peer_support_trials": ("trial_table", "trials.csv"),
    "peer_support_trials_second": ("trial_table", "trials.csv"),
}

# check, row, severity, what must not be used, and whose it is
DEFECTS = [
    # mean = SD in both arms
    ("mean_equals_sd", "PS0090", "exclude", "arms", "van Gestel-Timmermans 2012, loneliness, 24 weeks"),
    # two scales with identical numbers
    ("same_numbers_twice", "PS0080", "exclude", "row", "Druss 2018, PCS"),
    ("same_numbers_twice", "PS0081", "exclude", "row", "Druss 2018, MCS"),
    ("repeated_in_other_words", "PS3001", "exclude", "row", "Kamalifard 2013, read twice"),
    # an interval that is not centred on its estimate
    ("interval_off_centre", "PS0023", "exclude", "reported", "MOSAIC 2011, parenting stress"),
    ("interval_off_centre", "PS3053", "exclude", "reported", "Dennis 2002, upper limit 2.72"),
    ("interval_off_centre", "PS3108", "exclude", "reported", "Markle-Reid 2018, vitality"),
    ("interval_off_centre", "PS2019", "warning", "reported", "Mulfinger 2018, stigma stress"),
    # a sign against the means, not settled by the changes from baseline
    ("sign_against_means", "PS0089", "exclude", "reported", "van Gestel-Timmermans 2012, loneliness, 12 weeks"),
    ("sign_against_means", "PS0091", "exclude", "reported", "van Gestel-Timmermans 2012, quality of life, 12 weeks"),
    ("sign_against_means", "PS0092", "exclude", "reported", "van Gestel-Timmermans 2012, quality of life, 24 weeks"),
    ("sign_against_means", "M0605", "exclude", "reported", "Rohde 2014b"),
    # a sign that neither the end-point means nor the changes from baseline bear out, nothing adjusted
    ("sign_against_means", "PS3033", "exclude", "row", "PLINY 2014, EQ-5D"),
    ("sign_against_means", "PS3035", "exclude", "row", "PLINY 2014, social loneliness"),
    ("sign_against_means", "M0518", "exclude", "row", "Pan 2023, EPDS"),
    # a sign against the end-point means, in agreement with the changes from baseline
    ("sign_against_means", "PS0098", "warning", "reported", "Lloyd-Evans 2020, loneliness"),
    ("sign_against_means", "PS0110", "warning", "reported", "Russinova 2018, work motivation"),
    ("sign_against_means", "PS0113", "warning", "reported", "Russinova 2018, work hope"),
    ("sign_against_means", "PS0117", "warning", "reported", "Ruesch 2019, help seeking, 6 weeks"),
    ("sign_against_means", "PS0123", "warning", "reported", "Ruesch 2019, help seeking, 26 weeks"),
    # a sign that nothing in the row can test
    ("sign_untestable", "PS0095", "exclude", "reported", "Haslam 2019, loneliness"),
    ("sign_untestable", "PS0096", "exclude", "reported", "Haslam 2019, depression"),
    # g that its means contradict
    ("g_against_means", "M0830", "exclude", "row", "Victor-Aigbodion 2023, BDI-II"),
    ("g_against_means", "M0605", "exclude", "row", "Rohde 2014b"),
    ("g_against_means", "M0457", "warning", "reported", "Mueller-Weinitschke 2023, QIDS-C"),
    # a standard error without a reason
    ("smd_standard_error", "PS0095", "exclude", "reported", "Haslam 2019, loneliness"),
    ("smd_standard_error", "PS0096", "exclude", "reported", "Haslam 2019, depression"),
    ("smd_standard_error", "PS0119", "exclude", "reported", "Ruesch 2019, self-stigma, 6 weeks"),
    ("smd_standard_error", "PS0124", "exclude", "reported", "Ruesch 2019, recovery, 26 weeks"),
    # an SD that is probably a standard error, or on another scale
    ("sd_too_small", "M0742", "exclude", "arms", "Sun 2022, HDRS"),
    ("sd_too_small", "M0743", "exclude", "arms", "Sun 2022, CES-D"),
    ("sd_too_small", "M0619", "exclude", "arms", "Sadler 2018"),
    ("sd_too_small", "M0620", "exclude", "arms", "Sadler 2018"),
    ("sd_too_small", "M0886", "exclude", "arms", "Ying 2022, PHQ-9"),
    ("sd_too_small", "M0888", "exclude", "arms", "Ying 2022, BDI-II"),
    ("sd_too_small", "M0891", "exclude", "arms", "Ying 2022, CES-D"),
    ("sd_too_small", "M0503", "exclude", "arms", "O'Mahen 2013a"),
    ("sd_too_small", "M0165", "exclude", "arms", "Dwight-Johnson 2011, PHQ-9"),
    ("pre_post_change", "M0164", "exclude", "arms", "Dwight-Johnson 2011, SCL"),
    ("sd_too_small", "M0415", "warning", "arms", "Malouff 1988, POMS-D per item"),
    ("sd_too_small", "M0416", "warning", "arms", "Malouff 1988, POMS-D per item"),
    ("sd_too_small", "M0871", "warning", "arms", "Wong 2008a, BDI per item"),
    ("count_dispersion", "PS2051", "exclude", "arms", "Bridge 2021, emergency visits"),
    ("sd_against_own_baseline", "M0105", "exclude", "arms", "Chan 2012, BDI-II: SD 0.6 after 14.1"),
    ("sd_against_own_baseline", "M0104", "warning", "arms", "Chan 2012, BDI-II: SD 2.7 after 14.8"),
    # an SD that no scores on the scale can have
    ("mean_and_sd_beyond_range", "M0067", "exclude", "arms", "Boele 2021, columns shifted"),
    ("mean_and_sd_beyond_range", "M0170", "exclude", "arms", "Ede 2020"),
    # randomised by cluster by its title alone
    ("cluster_not_named", "PS0063", "warning", "row", "Nakimuli-Mpungu 2020"),
    ("cluster_not_named", "PS0065", "warning", "row", "Rahman 2008"),
    ("cluster_not_named", "PS0070", "warning", "row", "Sikander 2019"),
    # noted by the extractors
    ("extractor_flag", "PS3080", "exclude", "row", "Haider 2000, denominators"),
    ("extractor_flag", "PS3092", "exclude", "row", "MoMent 2018, not randomised"),
    ("extractor_flag", "PS2014", "warning", "row", "Horyzons, several components"),
]

INNOCENT = [
    ("mean_equals_sd", "M0002", "Abas 2018, DSSQ"),
    ("mean_equals_sd", "M0003", "Abas 2018, PHQ-9: one arm with mean 3.1 and SD 3.1"),
    ("interval_off_centre", "PS0001", "Dennis 2009: a relative risk reduction, 0.46 [0.24, 0.62]"),
    ("interval_off_centre", "PS0002", "Johnson 2018, odds ratio"),
    ("interval_off_centre", "PS3067", "Chang 2010: 0.067 [0.0065, 0.71]"),
    ("interval_off_centre", "PS3078", "lower limit printed as .00"),
    ("sign_against_means", "PS0001", "Dennis 2009: fewer events, positive reduction"),
    ("sign_against_means", "PS0016", "MOSAIC 2011: adjusted odds ratio"),
    ("sign_against_means", "PS0107", "Russinova 2018: lower stigma, positive g"),
    ("sign_untestable", "PS0007", "Pfeiffer 2020: printed as the size of improvement"),
    ("sign_untestable", "PS3011", "Johansson 2016: the source says that the control improved"),
    ("smd_standard_error", "PS0085", "van Gestel-Timmermans 2012, empowerment"),
    ("smd_standard_error", "M0107", "Chen 2000: g from events"),
    ("md_standard_error", "PS3010", "Johansson 2016: 0.14 [-0.08, 0.36], people in 39 clusters"),
    ("md_standard_error", "PS0020", "MOSAIC 2011, social support: wide with its clusters"),
    ("md_standard_error", "PS3034", "PLINY 2014: a rounded interval"),
    ("sd_too_small", "M0002", "Abas 2018"),
    ("sd_against_own_baseline", "PS0079", "Druss 2018, recovery"),
    ("count_dispersion", "PS0005", "Sledge 2011, admissions: variance 1.6 to 2 times the mean"),
    ("count_dispersion", "PS0006", "Sledge 2011, days in hospital"),
    ("cluster_not_named", "PS3010", "Johansson 2016: its clusters are named"),
    ("cluster_not_named", "M0789", "Trevillion 2020: a parallel-group randomised trial"),
    ("sd_too_small", "M0900", "Zu 2014: 2.4 (2.3), people who are well are alike"),
    ("repeated_in_other_words", "M0796", "Turner 1979: two controls with 4 of 17"),
    ("same_row_twice", "M0796", "Turner 1979"),
]


# slips of a typist in rows that are sound: row, new cells, check, severity, what must not be used
SLIPS = [
    ("PS0002", {"events_int": "83", "events_ctl": "64"}, "sign_against_means", "exclude", "row"),
    ("PS0006", {"sd_int": "2.81", "sd_ctl": "3.6"}, "count_dispersion", "exclude", "arms"),
    ("PS0079", {"sd_int": "0.039", "sd_ctl": "0.048"}, "sd_against_own_baseline", "exclude", "arms"),
    ("PS3010", {"ci_low": "0.13", "ci_high": "0.15"}, "md_standard_error", "exclude", "reported"),
    ("PS3031", {"sd_int": "0.41", "sd_ctl": "0.38"}, "md_standard_error", "exclude", "row"),
    ("PS3010", {"ci_low": "-2.1", "ci_high": "2.38"}, "md_standard_error", "note", "reported"),
]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Delivery]:
    """The deliveries as they came, without this project's own decisions about them."""
    book = codebook.load(ROOT / "data" / "codebook")
    out = {}
    for source, (reader, file) in FILES.items():
        folder = tmp_path_factory.mktemp(source)
        shutil.copy(ROOT / "data" / "raw" / source / file, folder / file)
        tidy = READERS[reader](folder, book, source)
        out[source] = Delivery(tidy.studies, tidy.arms, tidy.reported, book)
    return out


@pytest.fixture(scope="module")
def issues(delivered: dict[str, Delivery]) -> pd.DataFrame:
    return pd.concat([run_checks(d) for d in delivered.values()]).set_index(["check", "row_id"]).sort_index()


@pytest.mark.parametrize(
    ("check", "row", "severity", "applies_to", "whose"), DEFECTS, ids=lambda x: str(x).split(",")[0]
)
def test_the_defect_is_found(issues, check, row, severity, applies_to, whose):
    assert (check, row) in issues.index, whose
    found = issues.loc[(check, row)]
    assert (found["severity"], found["applies_to"]) == (severity, applies_to), whose
    assert any(digit.isdigit() for digit in found["evidence"]) or check in {"extractor_flag", "cluster_not_named"}


@pytest.mark.parametrize(("check", "row", "whose"), INNOCENT, ids=lambda x: str(x).split(",")[0])
def test_the_innocent_is_not(issues, delivered, check, row, whose):
    assert check in CHECKS
    assert any(row in set(d.arm_rows["row_id"]) for d in delivered.values()), "no such row"
    assert (check, row) not in issues.index, whose


@pytest.mark.parametrize(("row", "cells", "check", "severity", "applies_to"), SLIPS)
def test_a_slip_in_a_sound_row_is_found(issues, tmp_path, row, cells, check, severity, applies_to):
    source = "peer_support_trials" if row < "PS2" else "peer_support_trials_second"
    reader, file = FILES[source]
    table = pd.read_csv(ROOT / "data" / "raw" / source / file, dtype=str, keep_default_na=False)
    table.loc[table["row_id"].eq(row), list(cells)] = list(cells.values())
    table.to_csv(tmp_path / file, index=False)
    book = codebook.load(ROOT / "data" / "codebook")
    tidy = READERS[reader](tmp_path, book, source)
    slip = run_checks(Delivery(tidy.studies, tidy.arms, tidy.reported, book), {check: CHECKS[check]})
    found = slip.set_index("row_id").loc[row]
    assert (check, row) not in issues.index
    assert (found["severity"], found["applies_to"]) == (severity, applies_to)


def test_the_numbers_that_show_a_defect_are_in_its_evidence(issues):
    text = issues["evidence"]
    assert "0.589" in text["g_against_means", "M0830"] and "3.951" in text["g_against_means", "M0830"]
    assert "3.87" in text["mean_equals_sd", "PS0090"]
    assert "2.72" in text["interval_off_centre", "PS3053"]


def test_no_shipped_row_stops_the_pipeline(issues):
    assert not issues["severity"].eq("error").any()


def test_few_rows_are_kept_out(issues, delivered):
    """A check that shouts at every tenth row is not read. 900 rows of one database, 310 of the trial tables."""
    kept_out = (
        issues[issues["severity"].eq("exclude")]
        .groupby("source")
        .apply(lambda f: f.index.get_level_values(1).nunique())
    )
    assert kept_out["metapsy_depression"] < 0.04 * delivered["metapsy_depression"].arm_rows["row_id"].nunique()
    warned = issues.loc["sd_too_small"]["severity"].eq("warning").sum()
    assert warned <= 20


def test_checks_are_fast(delivered):
    fresh = delivered["metapsy_depression"]
    fresh = Delivery(fresh.studies, fresh.arms, fresh.reported, fresh.codebook)
    start = time.perf_counter()
    run_checks(fresh)
    assert time.perf_counter() - start < 5  # 0.3 s on a free core
