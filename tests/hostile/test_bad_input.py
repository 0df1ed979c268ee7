"""Bad input through the stages' own command lines: a message that says where and what to do, exit code 1, no
traceback, and the outputs of the last good run as they were.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from made import COUNTS, ROOT, TRIAL, Workplace, run_stage, small_params, trial_rows, write_rows

STAGES = ("ingest", "link", "validate", "effects", "synthesize", "summary")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A project folder in which every stage has run."""
    place = Workplace(tmp_path_factory.mktemp("good"))
    rows = trial_rows({}, {"study": "Other 2002", "mean_int": "14"}, {"study": "Third 2003"} | COUNTS)
    write_rows(place.raw / "trials.csv", rows)
    (place.folder / "known.csv").write_text("source,study_id,trial_id,certain,evidence\n")
    for stage in STAGES:
        assert run_stage(stage, place.options(stage)) == ""
    assert len(place.outputs()) > 10
    return place


@pytest.fixture
def place(good, tmp_path):
    """The same folder, free to be spoilt."""
    shutil.copytree(good.folder, tmp_path / "p")
    return Workplace(tmp_path / "p")


def refuse(place: Workplace, stages=("ingest",)) -> str:
    """The message of the last stage, after the ones before it succeeded; it has written nothing."""
    for stage in stages[:-1]:
        assert run_stage(stage, place.options(stage)) == ""
    before = place.outputs()
    message = run_stage(stages[-1], place.options(stages[-1]))
    assert "nothing was written" in message
    assert "Traceback" not in message
    assert place.outputs() == before
    return message


def rows_with(**change):
    """Two good rows and one with a change, R3."""
    return trial_rows({}, {"study": "Other 2002", "mean_int": "14"}, {"study": "Third 2003"} | change)


NUMBERS = ["12,5", "NaN", "1e308", "1_000"]


@pytest.mark.parametrize("text", NUMBERS)
def test_what_is_not_a_number(place, text):
    write_rows(place.raw / "trials.csv", rows_with(sd_int=text))
    message = refuse(place)
    assert f"trials.csv, row R3, column 'sd_int': is not a number (found {text!r})" in message
    assert "Fix: " in message


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (
            {"study": "=HYPERLINK(1)"},
            ["row R3", "column 'study'", "=HYPERLINK(1)", "a spreadsheet would read a formula"],
        ),
        ({"study": "@SUM(A1)"}, ["column 'study'", "formula"]),
        ({"study": "+1+1"}, ["column 'study'", "formula"]),
        ({"study": "研究"}, ["column 'study'", "name the study"]),
        ({"study": "Other, 2002"}, ["column 'study'", "cannot be told from another study", "Other 2002"]),
        ({"row_id": "R1"}, ["row R1", "the row id stands twice"]),
        ({"row_id": ""}, ["row 4", "is not a row id"]),
        ({"instrument": "bdi99"}, ["row R3", "column 'instrument'", "'bdi99'", "synonym.csv"]),
        ({"comparator": "treatment as ususal"}, ["column 'comparator'", "treatment as usual"]),
        ({"mean_kind": "endpiont"}, ["column 'mean_kind'", "'endpiont'", "endpoint, change"]),
        ({"timepoint_weeks": "-4"}, ["row R3", "column 'time_weeks'", "'-4.0'", ">= 0"]),
        ({"year": "2001.5"}, ["row R3", "column 'year'", "2001.5"]),
        ({"source_ref": "", "doi_or_pmid": ""}, ["row R3", "column 'reference'", "not empty"]),
        ({"note": "x" * 200_000}, ["trials.csv, row 4", "field larger than", "a quote that is not closed"]),
        ({"cluster_info": "icc=1.5 avg_cluster=0.5", "effect": "1"}, ["row R3", "column 'icc'", "<= 1"]),
    ],
    ids=lambda x: str(x)[:40],
)
def test_a_cell_that_cannot_be_used(place, change, parts):
    write_rows(place.raw / "trials.csv", rows_with(**change))
    message = refuse(place)
    for part in parts:
        assert part in message


def text_of(rows):
    lines = [",".join(rows[0]), *(",".join(r.values()) for r in rows)]
    return "\n".join(lines) + "\n"


GOOD_TEXT = text_of([TRIAL, TRIAL | {"row_id": "R2", "study": "B 2"}])


@pytest.mark.parametrize(
    ("data", "parts"),
    [
        (b"", ["trials.csv: is empty", "put back the header"]),
        (b"\xef\xbb\xbf", ["trials.csv: is empty"]),
        (text_of([TRIAL]).split("\n")[0].encode(), ["trials.csv: has no rows below the header"]),
        (GOOD_TEXT.replace("Norway", "Norv\xe8ge").encode("latin-1"), ["row 2", "is not UTF-8", "CSV UTF-8"]),
        (GOOD_TEXT.encode("utf-16"), ["row 1", "is not UTF-8"]),
        (GOOD_TEXT.replace("adults", "adults,more", 1).encode(), ["row 2", "has 44 cells, the header 43"]),
        (GOOD_TEXT.replace("R2,", "", 1).encode(), ["row 3", "has 42 cells, the header 43"]),
        (GOOD_TEXT.replace("adults", '"adults', 1).encode(), ["row 2", "is not regular CSV"]),
        (GOOD_TEXT.replace("adults", "ad\0ults", 1).encode(), ["row 2", "NUL"]),
        (GOOD_TEXT.replace("mean_int", "mean_itn", 1).encode(), ["row 1", "column 'mean_int' is missing"]),
        (GOOD_TEXT.replace("sd_int", "mean_int", 1).encode(), ["column 'mean_int': the column stands twice"]),
        (GOOD_TEXT.replace(",", ";").encode(), ["column 'row_id' is missing", "choose the reader"]),
        (os.urandom(4096), ["trials.csv"]),
    ],
    ids=["empty", "only a mark", "header only", "latin-1", "utf-16", "one cell more", "one cell fewer", "open quote",
         "nul", "wrong column", "column twice", "semicolons", "noise"],
)  # fmt: skip
def test_a_file_that_cannot_be_read(place, data, parts):
    (place.raw / "trials.csv").write_bytes(data)
    message = refuse(place)
    for part in parts:
        assert part in message


IMPOSSIBLE = {
    "negative_sd": ({"sd_int": "-8"}, "SD -8"),
    "sample_size": ({"n_ctl": "0"}, "n 0"),
    "events_above_total": (COUNTS | {"events_int": "51"}, "51 events in 50 people"),
    "negative_se": ({"effect": "1", "effect_type": "hedges_g", "effect_se": "-0.1"}, "SE -0.1"),
    "limits_reversed": ({"effect": "1", "effect_type": "hedges_g", "ci_low": "2", "ci_high": "0"}, "limits 2 to 0"),
    "same_row_twice": ({"study": "Other 2002", "mean_int": "14"}, "repeats row R2"),
}


def test_numbers_that_cannot_be_stop_at_the_checks_all_at_once(place):
    bad = [{"study": f"Bad {i}"} | change for i, (change, _) in enumerate(IMPOSSIBLE.values())]
    write_rows(place.raw / "trials.csv", trial_rows({}, {"study": "Other 2002", "mean_int": "14"}, *bad))
    message = refuse(place, ("ingest", "validate"))
    for i, (check, (_, evidence)) in enumerate(IMPOSSIBLE.items(), start=3):
        line = next(line for line in message.splitlines() if f"row R{i} " in line)
        assert f"{check}: " in line
        assert evidence in line
    assert len([line for line in message.splitlines() if ", row R" in line]) == len(IMPOSSIBLE)


def questions_with(**changes):
    content = small_params()["questions"]
    return content | {"depression_usual_care": content["depression_usual_care"] | changes}


@pytest.mark.parametrize(
    ("stage", "section", "change", "parts"),
    [
        (
            "effects",
            "effects",
            {"smd_corection": "exact"},
            ["'effects.smd_corection' is not a known key", "smd_correction"],
        ),
        ("effects", "effects", {"zero_cell_add": "half"}, ["'effects.zero_cell_add'", "half"]),
        ("synthesize", "synthesis", {"tau2": "REMML"}, ["'synthesis.tau2'", "REML"]),
        ("synthesize", "synthesis", {"headline_prediction_from_k": "five"}, ["'synthesis.headline_prediction_from_k'"]),
        ("validate", "checks", {"smd_maxx": 3}, ["'checks.smd_maxx' is not a known key", "smd_max"]),
    ],
)
def test_a_slip_in_params(place, stage, section, change, parts):
    place.set_params(**{section: small_params()[section] | change})
    message = refuse(place, (stage,))
    for part in ["params.yaml", *parts]:
        assert part in message


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        ({"outcome": "depresion"}, ["'questions.depression_usual_care.outcome'", "'depresion'", "'depression'"]),
        ({"instruments": ["bdi22"]}, ["questions.depression_usual_care.instruments", "'bdi2'"]),
        ({"window_weeks": [60, 0]}, ["questions.depression_usual_care.window_weeks", "first week"]),
        ({"window_weeks": "soon"}, ["questions.depression_usual_care.window_weeks"]),
        ({"measure": "smd"}, ["questions.depression_usual_care.measure", "'SMD'"]),
        ({"sources": ["peer_suport_trials"]}, ["sources", "peer_suport_trials", "peer_support_trials"]),
        ({"zzz": 1}, ["'questions.depression_usual_care.zzz' is not a known key"]),
    ],
)
def test_a_slip_in_a_question(place, change, parts):
    place.set_params(questions=questions_with(**change))
    message = refuse(place, ("synthesize",))
    for part in parts:
        assert part in message


@pytest.mark.parametrize("key", ["../x", "/etc/x", "{0}", "%s", "a b", "", "x" * 200, "..", "Ä"])
def test_a_question_key_never_becomes_a_path(place, key):
    questions = questions_with()
    place.set_params(questions=questions | {key: questions["depression_usual_care"]})
    assert "a question's key is not an id" in refuse(place, ("synthesize",))
    assert {f.name for f in place.folder.iterdir()} == {
        "raw", "tidy", "questions", "params.yaml", "known.csv", "links.csv", "issues.csv", "effects.csv",
        "summary.json", "overview.csv",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("sources:\n  peer_support_trials:\n    reader: trial_table\n    reader: metapsy\n", ["row 3", "stands twice"]),
        ("sources: {peer_support_trials: {reader: excel}}", ["is not a reader", "'excel'", "trial_table, metapsy"]),
        ("sources: {peer_suport_trials: {reader: trial_table}}", ["'peer_support_trials'", "peer_suport_trials"]),
        ("sources: {peer_support_trials: {read: trial_table}}", ["'sources.peer_support_trials.read'", "'reader'"]),
        ("sources: [a", ["is not valid YAML"]),
        ("{0}: 1", ["cannot be a key"]),
    ],
)
def test_a_slip_in_the_sources(place, text, parts):
    place.params.write_text(text)
    message = refuse(place)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("stage", "file"),
    [("ingest", "raw/trials.csv"), ("link", "known.csv"), ("effects", "links.csv"), ("synthesize", "effects.csv"),
     ("summary", "questions/depression_usual_care/pooled.csv"), ("validate", "params.yaml")],
)  # fmt: skip
def test_a_file_that_is_not_there(place, stage, file):
    (place.folder / file).unlink()
    message = refuse(place, (stage,))
    assert str(place.folder / file) in message
    assert "is not there" in message


@pytest.mark.parametrize(
    ("stage", "file", "old", "new", "parts"),
    [
        ("link", "tidy/peer_support_trials/studies.csv", "yes", "maybe", ["studies.csv, row 2, column 'randomised'"]),
        (
            "effects",
            "issues.csv",
            "severity",
            "gravity",
            ["issues.csv", "'severity' is missing", "'gravity' is not known"],
        ),
        ("synthesize", "effects.csv", ",0.", ",-0.", ["effects.csv, row", "column 'vi'"]),
        (
            "summary",
            "questions/depression_usual_care/studies_used.csv",
            "True",
            "perhaps",
            ["studies_used.csv", "'used'"],
        ),
    ],
)
def test_a_table_between_the_stages_that_was_edited_by_hand(place, stage, file, old, new, parts):
    path = place.folder / file
    path.write_text(path.read_text().replace(old, new))
    message = refuse(place, (stage,))
    for part in parts:
        assert part in message


def test_a_known_link_and_a_decision_that_point_nowhere(place):
    (place.folder / "known.csv").write_text(
        "source,study_id,trial_id,certain,evidence\npeer_support_trials,made-2002,made-2001,yes,x\n"
    )
    assert "known.csv, row 2, column 'study_id': no such study" in refuse(place, ("link",))
    (place.raw / "decisions.csv").write_text("row_id,column,value,reason\nR9,mean_1,3,page 4\n")
    assert "decisions.csv, row 2, column 'row_id': no such row (found 'R9')" in refuse(place)


def test_every_problem_is_told_at_once_but_no_more_than_can_be_read(place):
    write_rows(place.raw / "trials.csv", [r | {"sd_int": "x"} for r in trial_rows(*({} for _ in range(30)))])
    message = refuse(place)
    assert message.count("is not a number") == 20
    assert "... and 10 more of this kind" in message


def run(stage, place):
    command = [sys.executable, "-m", f"pipeline.stages.{stage}", *place.options(stage)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def test_from_a_shell(place):
    before = place.outputs()
    write_rows(place.raw / "trials.csv", rows_with(sd_int="12,5"))
    bad = run("ingest", place)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "row R3, column 'sd_int'" in bad.stderr
    assert "Traceback" not in bad.stderr
    place.params.write_text("sources: [a")
    bad = run("ingest", place)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert "is not valid YAML" in bad.stderr
    assert "Traceback" not in bad.stderr
    assert place.outputs() == before
