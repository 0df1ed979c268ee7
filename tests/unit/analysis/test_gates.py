"""Subgroups and small-study tests only where there are trials enough; translation; words."""

from math import erf, exp

import pandas as pd
import pytest

from pipeline.analysis.describe import describe
from pipeline.analysis.pooled import Fit
from pipeline.analysis.small_study import small_study_analyses
from pipeline.analysis.subgroups import subgroup_analyses, window_of
from pipeline.analysis.summary import headline, overview, summary
from pipeline.analysis.synthesis import answer
from pipeline.analysis.translation import translate


def many(found, k, **columns):
    rows = [{"yi": 0.1 * (i % 4), "vi": 0.01 * (1 + i % 5), "n_1": 20 + 7 * i, "n_2": 25 + 5 * i} for i in range(k)]
    for name, values in columns.items():
        for i, row in enumerate(rows):
            row[name] = values[i]
    return Fit("SMD", found(*rows), "REML", "hk_floored", "t_k1")


@pytest.mark.parametrize(("k", "done"), [(9, False), (10, True)])
def test_a_small_study_test_from_ten_trials(found, choices, k, done):
    test = small_study_analyses("q", many(found, k), choices.small_study, None)[1][0]
    assert test["done"] is done
    assert ("fewer than 10 trials" in test["reason"]) is not done
    assert test["k"] == k


def test_trials_without_sizes_do_not_count_for_the_test(found, choices):
    fit = many(found, 10, n_1=[None, *range(20, 29)])
    test = small_study_analyses("q", fit, choices.small_study, None)[1][0]
    assert test["done"] is False
    assert "sizes" in test["reason"]


@pytest.mark.parametrize(("k", "done"), [(9, False), (10, True)])
def test_subgroups_from_ten_trials(found, choices, book, k, done):
    fit = many(found, k, rob=["low"] * 4 + ["high"] * (k - 4))
    pooled, tests = subgroup_analyses("q", fit, book, choices.subgroups)
    rob = next(t for t in tests if t["test"] == "subgroup_rob")
    assert rob["done"] is done
    levels = {r["level"]: (r["k"], r["label"]) for r in pooled if r["analysis"] == "subgroup_rob"}
    assert levels == ({"low": (4, "Low risk of bias"), "high": (6, "High risk of bias")} if done else {})


def test_a_level_with_one_trial_is_shown_but_not_tested(found, choices, book):
    fit = many(found, 10, rob=["low"] * 5 + ["high"] * 4 + ["some"])
    pooled, tests = subgroup_analyses("q", fit, book, choices.subgroups)
    rob = next(t for t in tests if t["test"] == "subgroup_rob")
    assert (rob["done"], rob["k"], rob["df"]) == (True, 9, 1)
    assert "left out of the test" in rob["reason"]
    assert {r["level"]: r["k"] for r in pooled if r["analysis"] == "subgroup_rob"} == {"low": 5, "high": 4, "some": 1}


def test_one_level_is_no_subgroup_analysis(found, choices, book):
    _, tests = subgroup_analyses("q", many(found, 10), book, choices.subgroups)
    assert all(t["done"] is False and "fewer than two levels" in t["reason"] for t in tests)


def test_the_test_between_two_levels_by_hand(found, choices, book):
    """Five equal effects of variance 0.05 in each level: tau2 = 0, variances 0.01, Q = (1 - 0)^2 / (0.01 + 0.01)."""
    fit = many(found, 10, rob=["low"] * 5 + ["high"] * 5, yi=[0.0] * 5 + [1.0] * 5, vi=[0.05] * 10)
    _, tests = subgroup_analyses("q", fit, book, choices.subgroups)
    rob = next(t for t in tests if t["test"] == "subgroup_rob")
    assert rob["statistic"] == pytest.approx(50, rel=1e-6)


@pytest.mark.parametrize(
    ("weeks", "code"),
    [(0, "short"), (17.9, "short"), (18, "medium"), (39, "long"), (500, "very_long"), (float("nan"), "")],
)
def test_windows_hold_their_first_week_and_not_their_last(book, weeks, code):
    assert window_of(weeks, book) == code


def line(estimate, lb, ub, measure="SMD", analysis="main", k=3):
    return pd.DataFrame(
        [{"analysis": analysis, "estimate": estimate, "ci_lb": lb, "ci_ub": ub, "measure": measure, "k": k}]
    )


def phi(x):
    return 0.5 * (1 + erf(x / 2**0.5))


@pytest.fixture
def units(question, book):
    def of(pooled, trials=None, **words):
        lines = translate("q", question(**words), pooled, trials, book)
        return {x["unit"]: [x["estimate"], x["ci_lb"], x["ci_ub"]] for x in lines}

    return of


def test_points_of_an_instrument(units):
    """-0.2 (-0.4 to 0.1) on the PHQ-9, whose reference SD is 5.021."""
    points = units(line(-0.2, -0.4, 0.1), translate_to="phq9")["points_phq9"]
    assert points == pytest.approx([-1.0042, -2.0084, 0.5021])


def test_points_of_an_instrument_that_runs_against_the_outcome(units, book):
    """More self-efficacy is fewer points on a depression scale: the interval's ends change places."""
    points = units(line(0.2, -0.1, 0.4), outcome="self_efficacy", translate_to="phq9")["points_phq9"]
    assert points == pytest.approx([-1.0042, -2.0084, 0.5021])


def test_the_chance_to_be_better_off_knows_which_way_is_better(units):
    """Phi(|d| / sqrt 2) (McGraw & Wong 1992): d = -0.2 in depression and 0.2 in hope are the same gain."""
    wanted = [100 * phi(x / 2**0.5) for x in (0.2, -0.1, 0.4)]
    assert units(line(-0.2, -0.4, 0.1))["share_better"] == pytest.approx(wanted)
    assert units(line(0.2, -0.1, 0.4), outcome="hope")["share_better"] == pytest.approx(wanted)
    assert wanted[0] > 50


def test_people_among_1000(units):
    """6 of 10, 6 of 60 and 6 of 30 are 18 of 100. RR 0.5: 90 fewer in 1000; OR 0.5: 0.09 / 0.91 of them in all."""
    trials = pd.DataFrame({"risk_2": [0.6, 0.1, 0.2, None], "n_2": [10, 60, 30, 50]})
    rr = line(-0.6931471805599453, -1.3862943611198906, 0.0, "RR")
    assert units(rr, trials, measure="RR")["per_1000"] == pytest.approx([-90, -135, 0])
    odds = units(rr.assign(measure="OR"), trials, measure="OR")["per_1000"]
    assert odds[0] == pytest.approx(1000 * (0.09 / 0.91 - 0.18))


def test_no_more_than_all_of_1000(units):
    trials = pd.DataFrame({"risk_2": [0.8], "n_2": [10]})
    assert units(line(0.5, 0.1, 1.0, "RR"), trials, measure="RR")["per_1000"] == pytest.approx(
        [200, 1000 * (0.8 * exp(0.1) - 0.8), 200]
    )


def test_without_a_known_risk_nothing_is_said_of_1000(units):
    trials = pd.DataFrame({"risk_2": [None], "n_2": [10]})
    assert set(units(line(-0.6931471805599453, -1, 0, "RR"), trials, measure="RR")) == {"percent"}


def test_ratios_in_per_cent_and_differences_in_their_unit(units):
    days = units(line(-0.6931471805599453, -1.3862943611198906, 0.0, "ROM"), measure="ROM", outcome="hospital_days")
    assert days == {"percent": pytest.approx([-50, -75, 0])}
    assert units(line(-0.4, -0.7, -0.1, "MD"), measure="MD", outcome="hba1c") == {"scale": [-0.4, -0.7, -0.1]}


def test_two_trials_translate_their_common_effect_and_none_translate_nothing(units):
    assert "share_better" in units(line(-0.2, -0.4, 0.1, analysis="common_effect", k=2))
    both = pd.concat([line(-0.2, -0.4, 0.1), line(-9, -9, -9, analysis="common_effect")])
    assert units(both)["share_better"][0] == pytest.approx(100 * phi(0.2 / 2**0.5))
    assert units(line(0, 0, 0).iloc[:0]) == {}


def test_a_question_in_words(found, studies, question, book, choices):
    result = answer("q", question(), found({}, {"yi": -0.1}, {"role_1": "lay"}), studies, book, choices)
    about = describe("q", question(), result, book, choices)
    assert (about["key"], about["k"], about["n"], about["found"]) == ("q", 2, 200, 3)
    assert about["outcome_label"] == "Depressive symptoms"
    assert about["better_is"] == "lower"
    choices_told = {c["choice"]: c["value"] for c in about["choices"]}
    assert choices_told["Time window"] == "0 to 60 weeks; where one measurement is taken, that nearest to 26 weeks"
    unknown = answer("q", question(), found({"n": None}), studies, book, choices)
    assert describe("q", question(), unknown, book, choices)["n"] is None


def test_the_line_that_answers(found, studies, question, book, choices):
    def pooled(k):
        effects = found(*({"yi": -0.1 * i} for i in range(1, k + 1)), {"role_1": "lay"})
        return answer("q", question(), effects, studies, book, choices)

    results = {f"k{k}": pooled(k) for k in (0, 1, 2, 3)}
    lines = {key: headline(r.pooled) for key, r in results.items()}
    assert lines["k0"] is None
    assert [lines[f"k{k}"]["analysis"] for k in (1, 2, 3)] == ["main", "common_effect", "main"]
    tables = {k: r.pooled for k, r in results.items()}, {k: r.studies_used for k, r in results.items()}
    assert overview(*tables).set_index("question")[["k", "found"]].to_numpy().tolist() == [
        [0, 1],
        [1, 2],
        [2, 3],
        [3, 4],
    ]
    assert summary(*tables)["k0"] == {"found": 1, "k": 0}
    assert summary(*tables)["k1"]["shown_estimate"] == pytest.approx(-0.1)
