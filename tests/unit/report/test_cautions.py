"""What qualifies a result is counted from the tables: other analyses, contents, clusters, units, issues."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from pipeline.report import cautions, load, units, verdict, wording
from pipeline.report.book import plain
from pipeline.report.evidence_words import check_name, in_words
from pipeline.report.labels import Labels
from pipeline.report.results import Content, Evidence
from pipeline.report.sections.answers import answers, group_cbt
from pipeline.report.sections.issues import outcome
from pipeline.report.sections.trials import printed


@pytest.fixture
def four(results: Path) -> Evidence:
    """Four trials whose mean clearly favours peer support, in the main analysis and in every other."""
    return with_limits(load(results, "k4"), -0.5, -0.1)


def with_limits(e: Evidence, lb: float, ub: float, only: str = "") -> Evidence:
    """The same evidence with these limits in every analysis, or only in those called `only`."""
    pooled = e.pooled.copy()
    rows = pooled["analysis"] == only if only else pd.Series(True, index=pooled.index)
    pooled.loc[rows, ["shown_ci_lb", "shown_ci_ub"]] = lb, ub
    return dataclasses.replace(e, pooled=pooled)


def test_a_result_that_holds_everywhere_is_not_called_fragile(four: Evidence) -> None:
    assert cautions.fragility(four) == ""


def test_a_result_that_one_choice_undoes_says_in_how_many(four: Evidence) -> None:
    text = cautions.fragility(with_limits(four, -0.5, 0.1, only="wald"))
    assert "in one of four analyses with other choices" in text
    assert "left out" not in text


def test_a_result_that_falls_with_every_trial_left_out_says_so(four: Evidence) -> None:
    text = cautions.fragility(with_limits(four, -0.5, 0.1, only="leave_one_out"))
    assert text.endswith("the interval includes no difference whichever trial is left out.")


def test_a_result_that_includes_no_difference_needs_no_such_word(four: Evidence) -> None:
    assert cautions.fragility(with_limits(four, -0.5, 0.1)) == ""


def content(e: Evidence, *parts: Content) -> Evidence:
    return dataclasses.replace(e, question=dataclasses.replace(e.question, content=parts))


def test_what_the_trials_tested_is_said_where_it_is_not_plain_support(four: Evidence) -> None:
    mixed = content(four, Content("Individual CBT", 2, 76.0), Content("Support programme", 2, 24.0))
    said = "Two of the four trials, with 76% of the weight, tested individual cognitive behavioural therapy (CBT)"
    assert cautions.tested(mixed) == f"{said} delivered by peers."
    assert cautions.tested(content(four, Content("Group CBT", 4, 100.0))).startswith("All four trials tested group")
    assert cautions.tested(content(four, Content("Support programme", 4, 100.0))) == ""
    assert cautions.tested(mixed) in wording.amount_of_evidence(mixed)


def test_unknown_clusters_are_named(four: Evidence) -> None:
    text = cautions.clusters(four)
    assert four.used.loc[four.used["clustering"] == "unknown", "study"].iloc[0] in text
    assert cautions.clusters(dataclasses.replace(four, studies=four.studies.assign(clustering="none"))) == ""


def test_a_waiting_list_is_commented_on_and_has_an_article(results: Path) -> None:
    waiting = load(results, "k3")
    assert "larger effects" in cautions.waitlist(waiting)
    assert cautions.waitlist(load(results, "k4")) == ""
    assert "with a waiting list" in " ".join(units.in_units(waiting).split())


def test_a_mean_difference_has_its_unit(results: Path) -> None:
    waiting = load(results, "k3")
    assert "percentage points" in wording.effect_sentence(waiting)
    assert "percentage points" in units.in_units(waiting)


@pytest.mark.parametrize(("value", "shown"), [(-56.0, "56% lower"), (75.0, "75% higher")])
def test_per_cent_has_its_direction_from_the_sign(results: Path, value: float, shown: str) -> None:
    row = SimpleNamespace(unit="percent", estimate=value, ci_lb=-89.0, ci_ub=80.0, label="")
    assert units.unit_phrase(load(results, "k2").question, row) == f"{shown} (89% lower to 80% higher)"


@pytest.mark.parametrize(("lb", "ub", "answer"), [
    (-0.5, -0.1, verdict.BETTER), (0.1, 0.5, verdict.WORSE), (-0.5, 0.2, verdict.OPEN),
    (-0.5, -0.001, verdict.BORDERLINE), (-0.001, 0.5, verdict.BORDERLINE),
])  # fmt: skip
def test_an_answer_follows_from_the_interval(four: Evidence, lb: float, ub: float, answer: str) -> None:
    turned = with_limits(four, lb, ub)
    pooled = turned.pooled.assign(shown_estimate=(lb + ub) / 2)
    assert verdict.verdict(dataclasses.replace(turned, pooled=pooled)) == answer


def test_the_first_page_counts_every_question_once(results: Path, four: Evidence) -> None:
    every = [four, load(results, "k0"), load(results, "k40")]
    text = " ".join(plain(t) for t in answers(every))
    assert "In favour of peer support (one): depressive symptoms (four trials)." in text
    assert "No usable trial (one): depressive symptoms." in text
    assert "2 questions were asked" in text
    assert "SMD" not in text


def test_group_cbt_is_answered_first_and_with_the_numbers(results: Path) -> None:
    text = " ".join(plain(b.text) for b in group_cbt([load(results, "k4"), load(results, "k40")])[1:])
    assert text.startswith("Not known. No trial used here compares peers with group CBT directly.")
    assert "7 trials, 301 people" in text
    assert "worse by up to 0.39 standard deviations" in text
    assert "not known to be given by peers" in text


def issue(e: Evidence, of_used: bool, severity: str, applies_to: str = "row", **changes: object) -> SimpleNamespace:
    row = (e.used if of_used else e.unused).iloc[0]
    _, row_id, *_ = row.effect_id.split(":")
    base = {"source": "sim", "row_id": row_id, "study": row.study, "severity": severity, "applies_to": applies_to}
    return SimpleNamespace(**{**base, "advice": "used; the report says so", **changes})


def test_what_was_done_agrees_with_what_is_used(four: Evidence) -> None:
    assert outcome(four, issue(four, True, "warning")) == "Used with this caution."
    look = "not kept out, but look at it: very even groups"
    assert outcome(four, issue(four, True, "warning", advice=look)) == "Used with this caution. Very even groups."
    assert outcome(four, issue(four, False, "warning")).startswith("Not used; the reason stands")
    assert outcome(four, issue(four, False, "exclude", advice="read it again")) == "Kept out. Read it again."
    kept = outcome(four, issue(four, True, "exclude", "reported", advice="read it again"))
    assert kept == "Its printed effect is kept out; the values of its arms are used. Read it again."
    other = issue(four, True, "exclude", row_id="elsewhere", advice="")
    assert outcome(four, other) == "Kept out. The trial enters by another row."


def test_evidence_has_no_codes_and_no_empty_numbers() -> None:
    labels = Labels({"instrument": {"epds": "Edinburgh Scale"}}, {})
    assert in_words("denominator_derived; year_not_printed", labels) == (
        "the number of people was derived, not printed; the year is not printed"
    )
    assert in_words("cbt-grp: n 19.5, total nan, events nan", labels) == "group CBT: n 19.5"
    assert in_words("poms_d: mean 0.8; both sf36_mcs (quality_of_life)", labels) == (
        "POMS-D: mean 0.8; both SF36-MCS (quality of life)"
    )
    assert check_name("sd_too_small") == "SD too small"
    assert (
        in_words("epds: mean -0.0334825; usual SD 4.66", labels) == "Edinburgh Scale: mean \u22120.0335; usual SD 4.66"
    )


def test_references_lose_ids_of_tools_and_open_brackets() -> None:
    assert printed("A 2018 [10.1000/abcdef; eppi_id 123456]") == "A 2018 [10.1000/abcdef]"
    assert printed("A (https://example.org/x [PMID 1]") == "A (https://example.org/x [PMID 1])"
