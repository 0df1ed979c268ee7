"""All stages on a small delivery: the same input gives the same bytes, in any folder and order of rows."""

import json
import shutil

import pandas as pd
import pytest
from made import COUNTS, ROOT, Workplace, run_stage, small_params, trial_rows, write_rows

STAGES = ("ingest", "link", "validate", "effects", "synthesize", "summary")
NAMES = ("Alpha", "Bravo", "Charlie", "Delta", "Echo")
ROWS = trial_rows(
    *({"study": f"{name} 2001", "mean_int": str(12 + i), "n_int": str(30 + 5 * i)} for i, name in enumerate(NAMES)),
    *(COUNTS | {"study": f"{name} 2002", "events_int": str(8 + i)} for i, name in enumerate(NAMES)),
    {"study": "Foxtrot 2003", "peer_role": "lay", "mean_int": "9"},
)  # fmt: skip


def run_all(folder, rows):
    place = Workplace(folder)
    write_rows(place.raw / "trials.csv", rows)
    (folder / "known.csv").write_text("source,study_id,trial_id,certain,evidence\n")
    for stage in STAGES:
        assert run_stage(stage, place.options(stage)) == ""
    return place.outputs()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which every stage has run."""
    made = tmp_path_factory.mktemp("one")
    run_all(made, ROWS)
    return made


@pytest.fixture
def outputs(folder):
    return Workplace(folder).outputs()


def test_the_same_bytes_in_a_new_folder_and_again_over_the_old_outputs_from_rows_in_another_order(outputs, tmp_path):
    assert run_all(tmp_path, ROWS) == outputs
    again = run_all(tmp_path, ROWS[::-1])
    assert {f: b for f, b in again.items() if b != outputs[f]} == {}


def test_what_comes_out(outputs):
    summary = json.loads(outputs["summary.json"])
    # five trials of peers each; the other question's trials and the lay workers' are listed beside them
    assert {key: (line["k"], line["found"]) for key, line in summary.items()} == {
        "depression_usual_care": (5, 11), "depression_event_usual_care": (5, 11),
    }  # fmt: skip
    assert (
        summary["depression_usual_care"]["shown_estimate"]
        < 0
        < summary["depression_event_usual_care"]["shown_estimate"]
    )
    for name, data in outputs.items():
        assert b"\r" not in data, name
        assert data.endswith(b"\n"), name


def test_an_answer_to_a_question_that_is_no_longer_asked_is_removed(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "p")
    place = Workplace(tmp_path / "p")
    questions = small_params()["questions"]
    place.set_params(questions={"depression_usual_care": questions["depression_usual_care"]})
    assert run_stage("synthesize", place.options("synthesize")) == ""
    assert [f.name for f in (place.folder / "questions").iterdir()] == ["depression_usual_care"]


def test_published_and_provenance(tmp_path):
    place = Workplace(tmp_path)
    place.raw = ROOT / "data" / "raw" / "published_reviews"
    for stage in ("published", "provenance"):
        assert run_stage(stage, place.options(stage)) == ""
    published = pd.read_csv(tmp_path / "published.csv")
    assert published["id"].is_unique
    inputs = json.loads((tmp_path / "provenance.json").read_text())["inputs"]
    assert {"pooled.csv", "context.csv"} <= {e["file"] for e in inputs}
