"""No row of a delivery gets lost on its way, and every trial found for a question stands in its list of studies."""

from __future__ import annotations

import pandas as pd
import pytest
from made import ROOT, SOURCES

from pipeline import params, tables
from pipeline.analysis import pooled, synthesis
from pipeline.analysis.questions import Question
from pipeline.analysis.synthesis import SynthesisParams

RAW = {
    "peer_support_trials": "trials.csv",
    "peer_support_trials_second": "trials.csv",
    "metapsy_depression": "data.csv",
}
QUESTIONS = params.sections(ROOT / "params.yaml", "questions", Question)


@pytest.fixture(scope="module")
def effects(real) -> pd.DataFrame:
    return pd.read_csv(real / "effects.csv", keep_default_na=False, dtype=str)


@pytest.fixture(scope="module")
def tables_of(real):
    """Effects and studies as the synthesis reads them."""
    studies = [tables.read(real / "tidy" / source / "studies.csv", tables.STUDIES) for source in SOURCES]
    return tables.read(real / "effects.csv", tables.EFFECTS), pd.concat(studies, ignore_index=True)


def raw_rows(source: str) -> list[str]:
    """Row ids as the delivery has them, counted by line where it has none."""
    path = ROOT / "data" / "raw" / source / RAW[source]
    frame = pd.read_csv(path, sep=";" if source == "metapsy_depression" else ",", dtype=str, keep_default_na=False)
    if "row_id" in frame:
        return frame["row_id"].tolist()
    return [f"M{i:04d}" for i in range(1, len(frame) + 1)]


@pytest.mark.parametrize("source", SOURCES)
def test_every_row_of_a_delivery_is_an_effect_or_says_why_not(effects, source):
    rows = raw_rows(source)
    assert len(rows) > 100
    reached = set(effects.loc[effects["source"].eq(source), "source_rows"].str.split("|").explode())
    assert set(rows) == reached


@pytest.mark.parametrize("source", SOURCES)
def test_every_study_of_a_delivery_has_effects_under_its_own_label(real, effects, source):
    studies = pd.read_csv(real / "tidy" / source / "studies.csv", keep_default_na=False, dtype=str)
    assert set(studies["study"]) == set(effects.loc[effects["source"].eq(source), "study"])


def test_what_is_not_used_says_why(effects):
    silent = effects[effects["status"].ne("ok") & effects["reason"].eq("")]
    assert silent["effect_id"].tolist() == []
    assert effects["status"].isin(["ok", "excluded", "not_computable"]).all()


def test_the_analysis_reads_the_deliveries_that_the_pipeline_reads():
    assert tuple(params.load(ROOT / "params.yaml")["sources"]) == SOURCES


def test_most_questions_find_trials(effects):
    empty = [key for key, q in QUESTIONS.items() if not effects["outcome"].eq(q.outcome).any()]
    assert len(QUESTIONS) >= 20
    assert len(empty) <= len(QUESTIONS) / 4


@pytest.mark.parametrize("key", QUESTIONS)
def test_every_trial_found_is_listed_used_or_with_its_reason(tables_of, effects, book, monkeypatch, key):
    # which trials are listed does not hang on the further analyses, which take most of the time
    monkeypatch.setattr(pooled, "_variants", lambda *_: [])
    monkeypatch.setattr(pooled, "_leave_one_out", lambda *_: [])
    monkeypatch.setattr(synthesis, "sensitivity", lambda *_: [])
    monkeypatch.setattr(synthesis, "subgroup_analyses", lambda *_: ([], []))
    question = QUESTIONS[key]
    outcomes = (question.outcome, *question.related_outcomes)
    found = effects[effects["outcome"].isin(outcomes) & effects["source"].isin(question.sources)]
    if question.kind == "context":
        found = found[found["condition_1"].isin(question.conditions) & found["condition_2"].eq(question.comparator)]
    choices = params.section(ROOT / "params.yaml", "synthesis", SynthesisParams)
    answer = synthesis.answer(key, question, *tables_of, book, choices)
    listed = answer.studies_used
    assert set(found["trial_id"]) == set(listed["trial_id"])
    assert listed["trial_id"].is_unique
    assert listed["reason"].ne("").all()
    used = listed[listed["used"]]
    assert used["weight"].sum() == pytest.approx(100 if len(used) else 0)
    assert listed.loc[~listed["used"], "weight"].isna().all()
    assert used["measure"].eq(question.measure).all()
    assert used["role_1"].isin(question.roles).all()
    assert used["condition_2"].eq(question.comparator).all()
    main = answer.pooled[answer.pooled["analysis"].isin(["main", "common_effect"])]
    assert set(main["k"]) == ({len(used)} if len(used) else set())
