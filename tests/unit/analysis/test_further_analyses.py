"""Several effects of a trial, moderators, influence and small-study adjustments in an answer."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipeline import params
from pipeline.analysis.influence import influence_rows
from pipeline.analysis.moderators import ModeratorParams, moderator_tests
from pipeline.analysis.pooled import Fit
from pipeline.analysis.several_effects import Several, all_effects
from pipeline.analysis.small_study import small_study_analyses
from pipeline.analysis.synthesis import SynthesisParams, answer
from pipeline.errors import BadInput
from pipeline.meta.dependence.correlated_hierarchical import correlated_hierarchical_effects
from pipeline.meta.small_study.rank_test import begg
from pipeline.meta.small_study.trim_and_fill import trim_and_fill
from pipeline.tables import empty
from pipeline.vocabulary import Better, PooledModel

STUDIES = pd.DataFrame({"source": ["a", "b"], "study_id": "made-2001", "country": "", "population": ""})


def trials(k, each=2):
    """`each` instruments in every trial."""
    rng = np.random.default_rng(7)
    scales = ("bdi2", "phq9", "hdrs17")[:each]
    return [
        {"trial_id": f"t{i}", "effect_id": f"e{i}{s}", "study": f"Study {i}", "instrument": s, "n_1": 20 + i, "n_2": 30,
         "n": 50 + i, "year": 2000 + i, "yi": float(y), "vi": 0.02 + 0.01 * (i % 5)}
        for i in range(k) for s, y in zip(scales, rng.normal(-0.4, 0.4, each), strict=True)
    ]  # fmt: skip


def answered(found, question, choices, book, rows):
    return answer("q", question(), found(*rows), STUDIES, book, choices)


class TestSeveralEffects:
    def test_from_ten_trials_they_are_the_main_analysis(self, found, question, choices, book):
        rows = trials(10)
        a = answered(found, question, choices, book, rows)
        pooled = a.pooled.set_index(["analysis", "level"])
        main = pooled.loc[("main", "")]
        m = correlated_hierarchical_effects(
            [r["yi"] for r in rows], [r["vi"] for r in rows], [r["trial_id"] for r in rows], rho=0.6
        )
        got = main[["estimate", "se", "ci_lb", "ci_ub", "df", "p", "tau2", "pi_lb"]].astype(float)
        want = (m.beta[0], m.se[0], m.ci_lb[0], m.ci_ub[0], m.df[0], m.p[0], m.tau2, m.pi_lb[0])
        assert got.tolist() == pytest.approx([float(x) for x in want])
        assert (main["k"], main["effects"], main["model"]) == (10, 20, "correlated and hierarchical effects")
        assert pooled.loc[("one_per_trial", ""), "k"] == 10
        assert len(pooled.loc["leave_one_out"]) == 10
        used = a.studies_used
        assert used["weight"].sum() == pytest.approx(100)
        assert used["effects"].tolist() == [2] * 10

    def test_below_ten_they_stand_beside_it(self, found, question, choices, book):
        pooled = answered(found, question, choices, book, trials(9)).pooled.set_index("analysis")
        assert pooled.loc["main", "model"] == "random effects"
        assert pooled.loc["several_effects", "effects"] == 18
        assert "one_per_trial" not in pooled.index

    def test_with_few_trials_no_p_and_no_other_correlations(self, found, question, choices, book):
        pooled = answered(found, question, choices, book, trials(3)).pooled.set_index("analysis")
        assert pooled.loc["several_effects", "df"] < 4
        assert np.isnan(pooled.loc["several_effects", "p"])
        assert "too few trials" in pooled.loc["several_effects", "label"]
        assert "several_effects_0.3" not in pooled.index

    def test_one_effect_per_trial_needs_none_of_it(self, found, question, choices, book):
        names = set(answered(found, question, choices, book, trials(12, each=1)).pooled["analysis"])
        assert not names & {"one_per_trial", "several_effects", "averaged"}

    def test_one_value_printed_twice_is_one_effect(self, found, question, book):
        """The adjusted print comes first; another instrument and another week are effects of their own."""
        rows = [
            {"trial_id": "t", "effect_id": "a", "basis": "means", "yi": 0.1},
            {"trial_id": "t", "effect_id": "b", "basis": "reported_adjusted", "yi": 0.2},
            {"trial_id": "t", "effect_id": "c", "instrument": "phq9", "yi": 0.3},
            {"trial_id": "t", "effect_id": "d", "time_weeks": 12, "yi": 0.4},
            {"trial_id": "t", "effect_id": "e", "report_rank": 1, "time_weeks": 8, "yi": 0.5},
            {"trial_id": "t", "effect_id": "f", "status": "excluded", "time_weeks": 8, "yi": 0.6},
        ]
        assert all_effects(found(*rows), question(), book, 0.6).effects["effect_id"].tolist() == ["b", "c", "d"]

    def test_weights_are_those_of_generalised_least_squares(self, found, question, book):
        several = all_effects(found(*trials(10)), question(), book, 0.6)
        marginal = several.fit.model.marginal
        pull = np.linalg.inv(marginal).sum(1)
        by = pd.Series(100 * pull / pull.sum()).groupby(several.effects["trial_id"].to_numpy()).sum()
        assert several.weights == pytest.approx(by.to_dict())
        assert isinstance(several.without("t3"), Several)
        assert several.without("t3").k == 9


class TestModerators:
    def fit(self, found, k, each=1, **change):
        return Fit("SMD", found(*[r | change for r in trials(k, each)]), "REML", "hk_floored", "t_k1")

    def test_a_slope_in_its_own_step(self, found, choices):
        """Effects that rise by 0.02 a year rise by 0.2 in ten."""
        rows = [r | {"yi": 0.02 * (r["year"] - 2000), "vi": 0.05} for r in trials(12, 1)]
        tests = moderator_tests("q", Fit("SMD", found(*rows), "REML", "hk_floored", "t_k1"), choices.moderators)
        year = next(t for t in tests if t["test"] == "moderator_year")
        assert year["done"]
        assert year["estimate"] == pytest.approx(0.2)
        assert year["p_permutation"] <= 2 / choices.moderators.permutations

    def test_the_same_seed_gives_the_same_p(self, found, choices):
        a, b = (moderator_tests("q", self.fit(found, 12), choices.moderators) for _ in "ab")
        assert [t["p_permutation"] for t in a] == [t["p_permutation"] for t in b]

    def test_reasons_for_not_testing(self, found, choices):
        few = moderator_tests("q", self.fit(found, 9), choices.moderators)
        assert {t["reason"] for t in few} == {"fewer than 10 trials"}
        same = moderator_tests("q", self.fit(found, 12, year=2001), choices.moderators)
        assert same[0]["reason"] == "all trials have the same value"
        unknown = moderator_tests("q", self.fit(found, 12, n=None), choices.moderators)
        assert unknown[1]["reason"] == "fewer than 10 trials that give it"
        assert not any(t["done"] for t in (*few, same[0], unknown[1]))

    def test_an_unknown_variable_is_named(self):
        with pytest.raises(ValueError, match="'colour' is no variable"):
            ModeratorParams(variables=("colour",), min_k=10, permutations=100, seed=1)


class TestInfluence:
    def test_the_odd_one_out_is_flagged(self, found, choices):
        rows = [r | {"yi": 0.1 * (i % 3), "vi": 0.02} for i, r in enumerate(trials(8, 1))]
        rows[5]["yi"] = 3.0
        found_rows = influence_rows("q", Fit("SMD", found(*rows), "REML", "hk", "t_k1"), choices.influence)
        assert [r["trial_id"] for r in found_rows if r["influential"]] == ["t5"]
        assert max(found_rows, key=lambda r: r["cook_d"])["trial_id"] == "t5"

    def test_three_trials_are_too_few(self, found, choices):
        assert influence_rows("q", Fit("SMD", found(*trials(3, 1)), "REML", "hk", "t_k1"), choices.influence) == []


class TestSmallStudies:
    @pytest.mark.parametrize(("better", "side"), [(Better.LOWER, "right"), (Better.HIGHER, "left")])
    def test_the_missing_trials_are_those_without_the_good_result(self, found, choices, better, side):
        fit = Fit("SMD", found(*trials(12, 1)), "REML", "hk_floored", "t_k1")
        rows, tests = small_study_analyses("q", fit, choices.small_study, better)
        t = trim_and_fill(fit.yi, fit.vi, side=side, interval="hk_floored")
        trimmed = next(r for r in rows if r["analysis"] == "trim_and_fill")
        assert trimmed["estimate"] == pytest.approx(float(t.pooled.estimate))
        assert {r["analysis"] for r in rows} >= {"trim_and_fill", "pet_peese", "limit"}
        assert {r["model"] for r in rows} == {PooledModel.ADJUSTED}
        assert all(t["done"] for t in tests if t["test"] != "selection")

    def test_a_selection_model_needs_trials_on_both_sides_of_its_step(self, found, choices):
        fit = Fit("SMD", found(*[r | {"yi": 0.01 * i} for i, r in enumerate(trials(12, 1))]), "REML", "hk", "t_k1")
        rows, tests = small_study_analyses("q", fit, choices.small_study, Better.LOWER)
        test = next(t for t in tests if t["test"] == "selection")
        assert not test["done"]
        assert test["reason"].startswith("0 trials with p < 0.025 in the good direction and 12 others")
        assert "selection" not in {r["analysis"] for r in rows}

    def test_for_an_smd_the_effect_stays_out_of_the_measure_of_size(self, found, choices):
        """Effects of any size in trials of one size: the variance of g grows with g, 1/n1 + 1/n2 does not."""
        rows = [r | {"yi": -0.1 * i, "vi": 0.04 + (0.1 * i) ** 2 / 200, "n_1": 50 + i, "n_2": 50 - i}
                for i, r in enumerate(trials(14, 1))]  # fmt: skip
        _, tests = small_study_analyses("q", Fit("SMD", found(*rows), "REML", "hk", "t_k1"), choices.small_study, None)
        by = {t["test"]: t for t in tests}
        assert by["rank"]["label"].startswith("Rank correlation of effects with 1/n1 + 1/n2")
        sizes = [1 / (50 + i) + 1 / (50 - i) for i in range(14)]
        assert by["rank"]["statistic"] == pytest.approx(float(begg([r["yi"] for r in rows], sizes).tau))

    def test_mirrored_effects_with_the_other_good_end_give_mirrored_means(self, found, choices):
        def means(sign, better):
            fit = Fit("SMD", found(*[r | {"yi": sign * r["yi"]} for r in trials(14, 1)]), "REML", "hk_floored", "t_k1")
            rows, _ = small_study_analyses("q", fit, choices.small_study, better)
            return {r["analysis"]: r["estimate"] for r in rows}

        low, high = means(1, Better.LOWER), means(-1, Better.HIGHER)
        assert {k: -v for k, v in high.items()} == pytest.approx(low, rel=1e-6, abs=1e-8)

    def test_below_ten_trials_each_test_says_why(self, found, choices):
        fit = Fit("SMD", found(*trials(9, 1)), "REML", "hk_floored", "t_k1")
        rows, tests = small_study_analyses("q", fit, choices.small_study, Better.LOWER)
        assert rows == []
        assert {t["reason"] for t in tests} == {"fewer than 10 trials: the test would tell nothing"}

    def test_equal_variances_are_a_reason_not_a_crash(self, found, choices):
        rows = [r | {"vi": 0.04, "n_1": 30, "n_2": 30} for r in trials(12, 1)]
        adjusted, tests = small_study_analyses(
            "q", Fit("SMD", found(*rows), "REML", "hk_floored", "t_k1"), choices.small_study, Better.LOWER
        )
        egger = next(t for t in tests if t["test"] == "egger")
        assert not egger["done"]
        assert egger["reason"]
        assert "limit" not in {r["analysis"] for r in adjusted}


def test_an_answer_without_trials_has_an_empty_table_of_influence(question, choices, book):
    from pipeline import tables

    a = answer("q", question(), empty(tables.EFFECTS), STUDIES, book, choices)
    assert len(a.influence) == len(a.pooled) == 0


class TestParams:
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"several_effects": {"rho": 0.6, "other_rho": [1.5], "main_from_k": 10}}, "other_rho.0.*less than 1"),
            ({"several_effects": {"rho": 0.6, "other_rho": [0.6], "main_from_k": 10}}, "0.6 stands twice"),
            ({"several_effects": {"rhoo": 0.6}}, "Allowed: rho, other_rho, main_from_k"),
            ({"moderators": None}, "the section 'synthesis.moderators' is missing. Allowed: variables"),
            ({"tau2": "GENQ"}, "choose from REML"),
        ],
    )
    def test_a_wrong_choice_names_key_and_what_is_allowed(self, choices, change, said):
        with pytest.raises(BadInput, match=said):
            params.parse("params.yaml", "synthesis", choices.model_dump() | change, SynthesisParams)
