"""Words follow numbers: every sentence is made again with the sign turned, and must change."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from pipeline.report import load, phrases, units, wording
from pipeline.report.figures.alt import forest_alt, leave_one_out_alt
from pipeline.report.results import Estimate, Evidence, Question
from pipeline.report.sections import SECTIONS
from pipeline.report.sections.context import favoured, not_equivalent

FORBIDDEN = ("significant", "no effect", "proves", "equally effective")


@pytest.fixture(scope="module")
def question(results: Path) -> Question:
    return load(results, "k12").question


def turned(e: Evidence) -> Evidence:
    """The same evidence with every sign turned."""
    studies, pooled, translated = e.studies.copy(), e.pooled.copy(), e.translated.copy()
    turn(studies, "yi", "ci_lb", "ci_ub", e.question.is_ratio)
    turn(pooled, "estimate", "ci_lb", "ci_ub", e.question.is_ratio)
    limits = list(zip(pooled["shown_pi_lb"], pooled["shown_pi_ub"], strict=True))
    pooled["shown_pi_lb"] = [opposite(ub, e.question.is_ratio) for _, ub in limits]
    pooled["shown_pi_ub"] = [opposite(lb, e.question.is_ratio) for lb, _ in limits]
    centre = translated["unit"].map({"share_better": 100.0}).fillna(0.0)
    translated["estimate"] = centre - translated["estimate"]
    translated["ci_lb"], translated["ci_ub"] = centre - translated["ci_ub"], centre - translated["ci_lb"]
    return dataclasses.replace(e, studies=studies, pooled=pooled, translated=translated)


def turn(frame: pd.DataFrame, mid: str, lo: str, hi: str, ratio: bool) -> None:
    new = {
        f"shown_{mid}": [opposite(v, ratio) for v in frame[f"shown_{mid}"]],
        f"shown_{lo}": [opposite(v, ratio) for v in frame[f"shown_{hi}"]],
        f"shown_{hi}": [opposite(v, ratio) for v in frame[f"shown_{lo}"]],
    }
    for name, values in new.items():
        frame[name] = values


def opposite(x: float, ratio: bool) -> float:
    return 1 / x if ratio else -x


@pytest.mark.parametrize("key", ["k1", "k2", "k3", "k4", "k5", "k12"])
def test_every_sentence_about_a_direction_changes_with_the_sign(results: Path, key: str) -> None:
    e = load(results, key)
    for write in (wording.effect_sentence, units.in_units, forest_alt):
        assert write(e) != write(turned(e)), write.__name__
    here, there = wording.effect_sentence(e), wording.effect_sentence(turned(e))
    better, worse = "of peer support", f"of {phrases.comparator(e.question)}"
    assert (better in here) != (worse in here)
    assert (better in here) == (worse in there)
    clear = phrases.is_clear(e.question, e.estimate, e.places)
    assert ("in favour of" in here) == clear == ("on the side of" not in here)


def test_leaving_one_out_is_said_anew_with_the_sign(results: Path) -> None:
    e = load(results, "k4")
    assert leave_one_out_alt(e) != leave_one_out_alt(turned(e))


@pytest.mark.parametrize(("better", "value", "side"), [
    ("lower", -0.3, "intervention"), ("lower", 0.3, "comparator"), ("higher", -0.3, "comparator"),
    ("higher", 0.3, "intervention"), ("lower", 0.0, "neither"), ("", 0.3, "unknown"),
])  # fmt: skip
def test_the_side_is_computed_from_the_sign_and_the_good_end(
    question: Question, better: str, value: float, side: str
) -> None:
    assert phrases.side(dataclasses.replace(question, better_is=better), value) == side


def test_the_axis_names_the_side_that_the_sentence_names(question: Question) -> None:
    for better in ("lower", "higher"):
        q = dataclasses.replace(question, better_is=better)
        left, right = phrases.axis_labels(q)
        assert phrases.leans(q, -0.3, True).removeprefix("in favour of ") in left
        assert phrases.leans(q, 0.3, True).removeprefix("in favour of ") in right


def test_an_interval_that_includes_no_difference_says_that_nobody_can_tell(question: Question) -> None:
    text = wording.interval_sentence(question, Estimate("mean", 4, 100, -0.2, -0.5, 0.1, p=0.2), 2)
    assert "cannot tell" in text
    assert "from 0.50 standard deviations on the side of peer support" in text
    assert "to 0.10 standard deviations on the side of usual care" in text
    assert "in favour of" not in text


@pytest.mark.parametrize("limit", [-0.0003, 0.0003])
def test_an_interval_that_ends_at_no_difference_is_borderline_from_both_sides(question: Question, limit: float) -> None:
    text = wording.interval_sentence(question, Estimate("mean", 4, 100, -0.34, -0.67, limit, p=0.0498), 2)
    assert "borderline: the interval reaches almost exactly no difference" in text
    assert "excludes" not in text
    assert "in favour of" not in text


def test_an_interval_is_not_invented(question: Question) -> None:
    text = wording.interval_sentence(question, Estimate("single", 1, 50, -0.2, math.nan, math.nan), 2)
    assert "No interval" in text


@pytest.mark.parametrize(("k", "holds", "lacks"), [(4, "warning", "may lie"), (5, "may lie", "warning")])
def test_a_prediction_interval_is_a_headline_only_from_five_trials(
    question: Question, k: int, holds: str, lacks: str
) -> None:
    text = wording.prediction_sentence(question, Estimate("mean", k, 100, -0.3, -0.5, -0.1, -0.9, 0.3), 2)
    assert holds in text
    assert lacks not in text


@pytest.mark.parametrize(("key", "first"), [
    ("k0", "No usable trial of peer support has measured depressive symptoms against usual care."),
    ("k1", "In Abara"), ("k2", "If both trials"), ("k3", "On average"), ("k4", "On average"),
])  # fmt: skip
def test_key_findings_open_with_the_result_and_are_at_most_five(results: Path, key: str, first: str) -> None:
    e = load(results, key)
    found = wording.key_findings(e)
    assert found[0].startswith(first)
    assert len(found) <= 5
    assert wording.amount_of_evidence(e) in found
    assert "certain" in found[-1]


def test_two_trials_get_no_random_effects_claim(results: Path) -> None:
    text = " ".join(wording.key_findings(load(results, "k2")))
    assert "common-effect" in text
    assert "no random-effects mean is claimed" in text


@pytest.mark.parametrize("key", ["k0", "k1", "k2", "k3", "k4", "k5", "k12", "k40"])
def test_no_report_says_what_the_data_cannot_say(results: Path, key: str) -> None:
    e = load(results, key)
    said = " ".join(str(block) for section in SECTIONS.values() for block in section(e) if not hasattr(block, "svg"))
    assert not [word for word in FORBIDDEN if word in said.lower()]


def test_equivalence_is_denied_from_the_numbers() -> None:
    row = SimpleNamespace(
        review="Pfeiffer", year=2011.0, comparison="peer support vs group_cbt", measure="SMD", estimate=0.10,
        ci_lb=-0.20, ci_ub=0.39, better_is_negative=True, k=7.0, n=301.0,
    )  # fmt: skip
    assert "7 trials, 301 people" in not_equivalent(row)
    assert "found no clear difference" in not_equivalent(row)
    assert "peer support is worse by up to 0.39 standard deviations" in not_equivalent(row)
    mirrored = SimpleNamespace(**{**vars(row), "estimate": -0.10, "ci_lb": -0.39, "ci_ub": 0.20})
    assert "worse by up to 0.20" in not_equivalent(mirrored)


@pytest.mark.parametrize(("label", "shown"), [
    ("Depressive symptoms", "depressive symptoms"), ("HbA1c", "HbA1c"), ("HIV load", "HIV load"),
])  # fmt: skip
def test_labels_keep_their_acronyms_inside_a_sentence(label: str, shown: str) -> None:
    assert phrases.inner(label) == shown


@pytest.mark.parametrize(("estimate", "lb", "ub", "negative", "side"), [
    (0.20, 0.01, 0.39, False, "peer support"), (-0.37, -0.66, -0.08, True, "peer support"),
    (0.37, 0.08, 0.66, True, "the comparator"), (0.10, -0.20, 0.39, True, "neither shown (towards the comparator)"),
])  # fmt: skip
def test_a_published_result_favours_the_side_of_its_sign(
    estimate: float, lb: float, ub: float, negative: bool, side: str
) -> None:
    row = SimpleNamespace(measure="SMD", estimate=estimate, ci_lb=lb, ci_ub=ub, better_is_negative=negative)
    assert favoured(row) == side


def test_no_spread_seen_is_not_a_forecast(question: Question) -> None:
    est = Estimate("mean", 6, 100, -0.3, -0.5, -0.1, -0.5, -0.1, tau2=0.0)
    text = wording.prediction_sentence(question, est, 2)
    assert text.startswith("Between these six trials no difference beyond chance could be seen")
    assert "all of it" not in text
    assert "all of it" in wording.prediction_sentence(question, dataclasses.replace(est, tau2=0.01), 2)
