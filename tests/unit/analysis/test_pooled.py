"""Pooling by hand. With equal variances v, REML and DerSimonian-Laird give tau2 = s2 - v (s2: variance of the effects),
and the Hartung-Knapp standard error is s / sqrt(k).
"""

from math import sqrt
from statistics import mean, variance

import pandas as pd
import pytest

from pipeline.analysis.pooled import Fit, rows_for
from pipeline.analysis.sensitivity import SENSITIVITY, outliers, sensitivity
from pipeline.analysis.synthesis import answer
from pipeline.analysis.trials import trials_for

T2, T1, Z = 4.302652729911275, 12.706204736432095, 1.959963984540054  # t(2), t(1) and normal, 97.5 %
THREE = [0.0, 0.3, 0.9]  # mean 0.4, variance 0.21


def fit(yi, vi=0.04, measure="SMD"):
    trials = pd.DataFrame({
        "trial_id": [f"t{i}" for i in range(len(yi))], "study": [f"Study {i}" for i in range(len(yi))], "yi": yi,
        "vi": vi, "n": 50.0,
    })  # fmt: skip
    return Fit(measure, trials, "REML", "hk_floored", "t_k1")


def table(yi, prediction_from_k=3, **words):
    rows = pd.DataFrame(rows_for("q", fit(yi, **words), prediction_from_k))
    return rows.set_index(["analysis", "level"]) if len(rows) else rows


def test_no_trial_no_row():
    assert rows_for("q", fit([]), 3) == []
    assert fit([]).weights.tolist() == []


def test_one_trial_is_shown_as_it_stands():
    rows = table([0.3])
    assert rows.index.tolist() == [("main", "")]
    main = rows.iloc[0]
    assert main[["k", "n", "estimate", "ci_lb", "ci_ub"]].tolist() == pytest.approx(
        [1, 50, 0.3, 0.3 - Z * 0.2, 0.3 + Z * 0.2]
    )
    assert fit([0.3]).weights.tolist() == [100]


def test_two_trials_get_a_common_effect_and_nothing_else():
    rows = table([0.1, 0.5], vi=[0.02, 0.06])
    assert rows.index.tolist() == [("common_effect", "")]
    se = 1 / sqrt(1 / 0.02 + 1 / 0.06)
    middle = (0.1 / 0.02 + 0.5 / 0.06) * se**2
    assert rows.iloc[0][["estimate", "ci_lb", "ci_ub"]].tolist() == pytest.approx(
        [middle, middle - Z * se, middle + Z * se]
    )
    assert fit([0.1, 0.5], vi=[0.02, 0.06]).weights.tolist() == pytest.approx([75, 25])


def test_three_trials_by_hand():
    rows = table(THREE)
    main = rows.loc[("main", "")]
    assert main[["estimate", "tau2", "se"]].tolist() == pytest.approx([0.4, 0.21 - 0.04, sqrt(0.21 / 3)])
    half = T2 * sqrt(0.07)
    assert main[["ci_lb", "ci_ub"]].tolist() == pytest.approx([0.4 - half, 0.4 + half])
    assert main["I2"] == pytest.approx(100 * 0.17 / 0.21)
    assert main["Q"] == pytest.approx(0.42 / 0.04)
    assert rows.loc[("wald", ""), "ci_ub"] == pytest.approx(0.4 + Z * sqrt(0.07))
    assert rows.loc[("tau2_DL", ""), "tau2"] == pytest.approx(0.17)
    assert rows.loc[("common_effect", ""), "se"] == pytest.approx(sqrt(0.04 / 3))
    assert rows["n"].tolist()[:2] == [150, 150]


def test_prediction_intervals_by_hand():
    rows = table(THREE)
    half = sqrt(0.17 + 0.07)
    assert rows.loc[("main", ""), ["pi_lb", "pi_ub", "pi_df"]].tolist() == pytest.approx(
        [0.4 - T2 * half, 0.4 + T2 * half, 2]
    )
    assert rows.loc[("pi_k2", ""), ["pi_ub", "pi_df"]].tolist() == pytest.approx([0.4 + T1 * half, 1])


@pytest.mark.parametrize(("k", "there"), [(3, False), (4, True)])
def test_a_prediction_interval_only_from_its_k(k, there):
    rows = table([0.0, 0.3, 0.9, 0.4][:k], prediction_from_k=4)
    assert pd.notna(rows.loc[("main", "")].get("pi_lb")) is there


def test_the_floor_widens_what_plain_hartung_knapp_makes_narrow():
    """Three equal effects: plain Hartung-Knapp has no width at all, the floored one that of the common effect."""
    rows = table([0.5, 0.5, 0.5])
    assert rows.loc[("plain_hk", ""), "se"] == pytest.approx(0, abs=1e-12)
    assert rows.loc[("main", ""), ["se", "ci_ub"]].tolist() == pytest.approx(
        [sqrt(0.04 / 3), 0.5 + T2 * sqrt(0.04 / 3)]
    )


def test_equal_effects_have_an_answer(found, studies, question, book, choices):
    """Plain Hartung-Knapp has a standard error of nought there, and no statistic."""
    pooled = answer("q", question(), found({}, {}, {}), studies, book, choices).pooled.set_index("analysis")
    assert pooled.loc["plain_hk", ["se", "ci_lb"]].tolist() == pytest.approx([0, -0.3])
    assert pd.isna(pooled.loc["plain_hk", "statistic"])


def test_leaving_one_out_by_hand():
    four = [*THREE, 0.5]
    out = table(four).loc["leave_one_out"]
    rests = [[y for j, y in enumerate(four) if j != i] for i in range(4)]
    assert out["label"].to_dict() == {f"t{i}": f"Without Study {i}" for i in range(4)}
    assert out["estimate"].tolist() == pytest.approx([mean(rest) for rest in rests])
    assert out["tau2"].tolist() == pytest.approx([max(0, variance(rest) - 0.04) for rest in rests])
    assert out[["k", "n"]].to_numpy().tolist() == [[3, 150]] * 4


def test_leaving_one_of_three_out_leaves_no_random_effects_mean():
    assert "leave_one_out" not in table(THREE).index.get_level_values("analysis")


def test_ratios_are_shown_as_ratios():
    main = table([-0.5, -0.5, -0.5], measure="RR").loc[("main", "")]
    assert main[["estimate", "shown_estimate"]].tolist() == pytest.approx([-0.5, 0.6065306597126334])


def test_people_are_unknown_where_one_trial_does_not_say():
    trials = fit(THREE).trials.assign(n=[50, None, 50])
    assert pd.isna(fit(THREE).but(trials=trials).people)


def test_outliers_are_trials_whose_interval_does_not_touch_the_pooled_one():
    """Ten trials at 0 and one at 3 with a standard error of 0.2."""
    assert outliers(fit([0.0] * 10 + [3.0])).tolist() == [False] * 10 + [True]
    assert not outliers(fit([0.0, 3.0])).any()


@pytest.fixture
def variants(found, question, book):
    def of(*changes):
        effects, q = found(*changes), question()
        main = Fit("SMD", trials_for(effects, q, book), "REML", "hk_floored", "t_k1")
        rows = sensitivity("q", q, effects, book, main, 3, 1.5)
        return {r["analysis"]: (r["k"], r["label"]) for r in rows}

    return of


PLAIN = [{"yi": y} for y in (-0.2, -0.3, -0.4)]


def test_a_variant_that_changes_nothing_is_not_shown(variants):
    assert variants(*PLAIN) == {}


@pytest.mark.parametrize(
    ("extra", "name", "k"),
    [
        (
            {"status": "excluded", "reason_code": "reference_sd", "reason": "made", "basis": "reference_sd"},
            "reference_sd",
            4,
        ),
        ({"status": "excluded", "reason_code": "check", "reason": "made"}, "flagged_kept", 4),
        ({"condition_1": "group_cbt"}, "support_only", 3),
        ({"rob": "high"}, "not_high_rob", 3),
        ({"basis": "reported_adjusted"}, "arm_values", 3),
    ],
)
def test_each_variant_changes_what_it_says(variants, extra, name, k):
    found = variants(*PLAIN, extra)
    assert set(found) == {name}
    assert found[name] == (k, SENSITIVITY[name].label)


def test_arm_values_take_the_place_of_the_adjusted_effect_of_the_same_trial(variants):
    again = {"trial_id": "t1", "basis": "reported_adjusted", "yi": -0.9}
    assert variants(*PLAIN, again)["arm_values"][0] == 3


def test_cluster_trials_whose_interval_may_ignore_the_clusters(found, question, book):
    """Left out, and with 1.5 times their variance: 1/0.04 and 1/0.06 weigh 60 and 40."""
    effects, q = found({"yi": -0.2}, {"yi": -0.7, "clustering": "unknown"}), question()
    main = Fit("SMD", trials_for(effects, q, book), "REML", "hk_floored", "t_k1")
    rows = {r["analysis"]: r for r in sensitivity("q", q, effects, book, main, 3, 1.5)}
    assert set(rows) == {"no_unknown_clusters", "cluster_deff"}
    assert (rows["no_unknown_clusters"]["k"], rows["no_unknown_clusters"]["estimate"]) == (1, pytest.approx(-0.2))
    assert rows["cluster_deff"]["estimate"] == pytest.approx(0.6 * -0.2 + 0.4 * -0.7)


def test_without_outliers(variants):
    assert variants(*({"yi": 0.0} for _ in range(10)), {"yi": 3.0})["no_outliers"][0] == 10


def test_two_trials_left_are_a_common_effect(found, question, book):
    effects, q = found(*PLAIN[:2], {"rob": "high"}), question()
    main = Fit("SMD", trials_for(effects, q, book), "REML", "hk_floored", "t_k1")
    row = next(r for r in sensitivity("q", q, effects, book, main, 3, 1.5) if r["analysis"] == "not_high_rob")
    assert (row["k"], row["model"], row["method"]) == (2, "common effect", "inverse variance, Wald interval")
    assert "two trials" in row["label"]
    assert pd.isna(row["p"])
    assert row["estimate"] == pytest.approx(-0.25)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
def test_an_answer_for_every_number_of_trials(found, studies, question, book, choices, k):
    effects = found(*({"yi": -0.1 * i} for i in range(1, k + 1)), {"role_1": "lay"})
    result = answer("q", question(), effects, studies, book, choices)
    assert len(result.studies_used) == k + 1
    assert result.studies_used["used"].sum() == k
    assert result.studies_used.set_index("trial_id").loc[f"t{k + 1}", "reason"] == "given by: lay workers"
    assert result.studies_used["reason"].ne("").all()
    assert result.studies_used["weight"].sum() == pytest.approx(100 if k else 0)
    assert sorted(set(result.pooled["analysis"]) & {"main", "common_effect"}) == {
        0: [], 1: ["main"], 2: ["common_effect"], 3: ["common_effect", "main"],
    }[k]  # fmt: skip


def test_a_delivery_that_was_not_read_is_refused(found, studies, question, book, choices, refused):
    problem = refused(answer, "q", question(sources=("a", "c")), found({}), studies, book, choices)
    assert (problem.value, problem.fix) == ("c", "choose from a, b")
