"""Which studies of two deliveries are one trial."""

import pandas as pd
import pytest

from pipeline import tables
from pipeline.ingest.linking import link_trials

HEADER = "source,study_id,trial_id,certain,evidence\n"


def study(source, study_id):
    return {
        "source": source, "study_id": study_id, "study": study_id, "year": 2001, "reference": "made",
        "randomised": "yes", "rob": "low",
    }  # fmt: skip


def arm(source, study_id, **values):
    return {
        "source": source, "study_id": study_id, "arm": "peers", "condition": "support_programme", "role": "peer",
        "outcome": "depression", "value_kind": "endpoint", "source_rows": "R1", "reference": "made", **values,
    }  # fmt: skip


@pytest.fixture
def link(tmp_path):
    def of(studies, arms, known=""):
        (tmp_path / "known.csv").write_text(HEADER + known, encoding="utf-8")
        full = [
            tables.conform(pd.DataFrame(rows).reindex(columns=list(table.columns)), table, table.name)
            for rows, table in ((studies, tables.STUDIES), (arms, tables.STUDY_ARMS))
        ]
        return link_trials(*full, tmp_path / "known.csv").set_index(["source", "study_id"])

    return of


TWO = [study("a", "made-2001"), study("b", "made-2001"), study("b", "other-2002")]


@pytest.mark.parametrize(
    ("first", "second", "certain"),
    [
        ({"n": 40, "mean": 12.5}, {"n": 40, "mean": 12.5}, True),
        ({"n": 40, "mean": 12.5}, {"n": 40, "mean": 12.6}, False),
        ({"n": 40, "mean": 12.5}, {"n": 41, "mean": 12.5}, False),
        ({"events": 4, "total": 40}, {"events": 4, "total": 40}, True),
        ({"events": 4, "total": 40}, {"n": 4, "mean": 40}, False),
        ({"n": 40}, {"n": 40}, False),
        ({}, {}, False),
    ],
)
def test_a_label_needs_shared_numbers_to_be_certain(link, first, second, certain):
    links = link(TWO, [arm("a", "made-2001", **first), arm("b", "made-2001", **second)])
    assert links["trial_id"].tolist() == ["made-2001", "made-2001", "other-2002"]
    assert links.loc[("b", "made-2001"), "certain"] == certain
    assert links.loc[("a", "made-2001"), "certain"]
    assert ("no arm value in common" in links.loc[("b", "made-2001"), "evidence"]) is not certain


def test_another_label_is_another_trial_whatever_its_numbers(link):
    links = link(TWO, [arm("a", "made-2001", n=40, mean=12.5), arm("b", "other-2002", n=40, mean=12.5)])
    assert links.loc[("b", "other-2002")].tolist() == ["other-2002", "one report", True]


@pytest.mark.parametrize(("word", "certain"), [("yes", True), ("no", False)])
def test_the_table_of_known_links_decides(link, word, certain):
    links = link(TWO, [arm("a", "made-2001")], f"b,other-2002,made-2001,{word},the registry says so\n")
    assert links.loc[("b", "other-2002")].tolist() == ["made-2001", "the registry says so", certain]


def test_a_known_link_of_an_unknown_study_is_refused(link, refused):
    problem = refused(link, TWO, [arm("a", "made-2001")], "b,other-2003,made-2001,yes,made\n")
    assert (problem.file, problem.row, problem.column, problem.value) == ("known.csv", 2, "study_id", "other-2003")
    assert "'other-2002'" in problem.fix


def test_certainty_is_said_in_a_word_that_is_known(link, refused):
    problem = refused(link, TWO, [arm("a", "made-2001")], "b,other-2002,made-2001,ja,made\n")
    assert (problem.column, problem.value, problem.allowed) == ("certain", "ja", "yes, no")


PAIR = {"n": 40, "mean": 12.5, "sd": 8}, {"n": 42, "mean": 16, "sd": 9}


@pytest.mark.parametrize(("shared", "trial"), [(2, "made-2001"), (1, "other-2002")])
def test_two_arms_with_the_same_numbers_under_another_label_may_be_one_trial(link, shared, trial):
    first = [arm("a", "made-2001", arm=f"arm-{i}", **values) for i, values in enumerate(PAIR)]
    second = [arm("b", "other-2002", arm=f"arm-{i}", **values) for i, values in enumerate(PAIR[:shared])]
    other = link(TWO, first + second).loc[("b", "other-2002")]
    assert (other["trial_id"], other["certain"]) == (trial, shared < 2)
