"""Which effects qualify, which one stands for a trial, and how several of one trial become one."""

import numpy as np
import pytest

from pipeline.analysis.questions import check_question, found_for, judge
from pipeline.analysis.trials import trials_for
from pipeline.errors import BadInput

ONE = {"trial_id": "t"}


@pytest.fixture
def chosen(found, question, book):
    """chosen(*effects of one trial, **question) -> ids of the effects that stand for it."""

    def of(*changes, **words):
        trials = trials_for(found(*(ONE | c for c in changes)), question(**words), book)
        return trials["effect_id"].iloc[0].split("+") if len(trials) else []

    return of


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"role_1": "lay"}, "given by: lay workers"),
        ({"condition_2": "waitlist"}, "compared with: waiting list"),
        ({"time_weeks": 61}, "measured at 61 weeks, outside the window"),
        ({"status": "excluded", "reason": "cannot be"}, "cannot be"),
        ({"status": "not_computable", "reason": "no SD", "yi": None, "vi": None}, "no SD"),
        ({"measure": "MD"}, "given as MD, the question asks SMD"),
        ({"in_change": True}, "never pooled with SMDs of end points"),
        ({"outcome": "depression_event"}, "gives only: probable depression"),
        ({"yi": None, "vi": None}, "no effect could be computed"),
        ({"role_1": "lay", "time_weeks": 61}, "given by: lay workers"),
    ],
)
def test_why_an_effect_does_not_qualify(found, question, book, change, says):
    reasons = judge(found({}, change), question(), book).tolist()
    assert reasons[0] == ""
    assert says in reasons[1]


def test_the_window_holds_its_ends_and_unknown_weeks(found, question, book):
    effects = found({"time_weeks": 0}, {"time_weeks": 60}, {"time_weeks": None, "time_basis": "post_treatment"})
    assert judge(effects, question(), book).tolist() == ["", "", ""]


def test_conditions_narrow_the_question_where_it_names_them(found, question, book):
    reasons = judge(found({}, {"condition_1": "group_cbt"}), question(conditions=("group_cbt",)), book)
    assert reasons.tolist() == ["arm 1 received: support programme", ""]


@pytest.mark.parametrize(
    ("keep", "qualifies"),
    [((), []), (("reference_sd",), ["e2"]), (("check",), ["e1"]), (("check", "reference_sd"), ["e1", "e2"])],
)
def test_what_a_sensitivity_analysis_sets_aside(found, question, book, keep, qualifies):
    effects = found(
        *(
            {"status": "excluded", "reason": "made", "reason_code": code}
            for code in ("check", "reference_sd", "not_randomised")
        ),
        {"status": "not_computable", "reason": "made", "reason_code": "not_computable", "yi": None, "vi": None},
    )
    reasons = judge(effects, question(), book, frozenset(keep))
    assert effects.loc[reasons.eq(""), "effect_id"].tolist() == qualifies


def test_found_are_the_outcome_in_the_sources(found, question):
    effects = found({}, {"outcome": "hope"}, {"source": "c"}, {"source": "b"}, {"condition_2": "waitlist"})
    assert found_for(effects, question())["effect_id"].tolist() == ["e1", "e4", "e5"]
    beside = question(related_outcomes=("hope",))
    assert found_for(effects, beside)["effect_id"].tolist() == ["e1", "e2", "e4", "e5"]
    context = question(kind="context", conditions=("support_programme",))
    assert found_for(effects, context)["effect_id"].tolist() == ["e1", "e4"]


def test_the_first_report_of_a_trial_that_has_an_answer_gives_it(chosen):
    assert chosen({"report_rank": 1, "source": "b"}, {"time_weeks": 2}) == ["e2"]
    flagged = {"status": "excluded", "reason_code": "check", "reason": "made"}
    assert chosen({"report_rank": 1, "source": "b"}, flagged) == ["e1"]


def test_then_the_nearest_in_time(chosen):
    assert chosen({"time_weeks": 12}, {"time_weeks": 30}, {"time_weeks": 52}) == ["e2"]
    assert chosen({"time_weeks": 12}, {"time_weeks": 30}, target_weeks=10) == ["e1"]
    assert chosen({"time_weeks": None}, {"time_weeks": 52}) == ["e2"]
    assert chosen({"time_weeks": 12, "instrument": "hdrs17"}, {"time_weeks": 26, "instrument": "gds"}) == ["e2"]


def test_then_the_instrument_ranked_first(chosen):
    assert chosen({"instrument": "phq9"}, {"instrument": "hdrs17"}, {"instrument": "bdi2"}) == ["e2"]
    assert chosen({"instrument": "gds"}, {"instrument": "phq9"}) == ["e2"]
    assert chosen({"basis": "reported_adjusted", "instrument": "phq9"}, {"instrument": "bdi2"}) == ["e2"]


def test_then_the_clinician(chosen):
    assert chosen({"rating": "self-report", "basis": "reported_adjusted"}, {"rating": "clinician"}) == ["e2"]


@pytest.mark.parametrize(
    ("better", "worse"),
    [("reported_adjusted", "means"), ("means", "reported"), ("events", "reported"), ("counts", "reported")],
)
def test_then_the_basis(chosen, better, worse):
    assert chosen({"basis": worse}, {"basis": better}) == ["e2"]


def test_one_contrast_printed_twice_is_not_combined(chosen):
    assert chosen({}, {"effect_id": "e9"}) == ["e1"]


def test_two_details_or_two_studies_of_a_trial_are_not_combined(chosen):
    assert chosen({"detail": "x"}, {"detail": "y", "arm_1": "online"}) == ["e1"]
    assert chosen({}, {"study_id": "report-2", "arm_1": "online"}) == ["e1"]


def test_strata_are_independent(found, question, book):
    """Inverse variance: y = (-0.4/0.04 - 0.1/0.08) / (1/0.04 + 1/0.08), v = 1 / (1/0.04 + 1/0.08)."""
    north, south = {"stratum": "north", "yi": -0.4, "vi": 0.04}, {"stratum": "south", "yi": -0.1, "vi": 0.08}
    trial = trials_for(found(ONE | north, ONE | south | {"n_2": 30}), question(), book).iloc[0]
    w = 1 / 0.04 + 1 / 0.08
    assert (trial["yi"], trial["vi"]) == pytest.approx(((-0.4 / 0.04 - 0.1 / 0.08) / w, 1 / w))
    assert (trial["effect_id"], trial["n_1"], trial["n_2"]) == ("e1+e2", 100, 80)
    assert trial["note"].startswith("2 separately reported groups of people combined")


def test_arms_with_one_control_share_its_variance_and_its_people(found, question, book):
    """V = [[.05, .02], [.02, .08]]: weights proportional to (.08 - .02, .05 - .02), v = (.05 * .08 - .02^2) / .09."""
    one = {"arm_1": "one", "yi": -0.4, "vi": 0.05, "vi_arm_2": 0.02}
    two = {"arm_1": "two", "yi": -0.1, "vi": 0.08, "vi_arm_2": 0.02}
    trial = trials_for(found(ONE | one, ONE | two), question(), book).iloc[0]
    assert trial["yi"] == pytest.approx((0.06 * -0.4 + 0.03 * -0.1) / 0.09)
    assert trial["vi"] == pytest.approx((0.05 * 0.08 - 0.02**2) / 0.09)
    assert (trial["n_1"], trial["n_2"], trial["n"]) == (100, 50, 150)
    assert trial["note"].startswith("2 contrasts with an arm in common combined")


def test_people_are_unknown_where_one_arm_does_not_say(found, question, book):
    one, two = ONE | {"arm_1": "one", "vi_arm_2": 0.01}, ONE | {"arm_1": "two", "vi_arm_2": 0.01, "n_1": None}
    trial = trials_for(found(one, two), question(), book).iloc[0]
    assert np.isnan(trial["n_1"])
    assert np.isnan(trial["n"])


def test_no_trial_gives_an_empty_table_with_all_columns(found, question, book):
    trials = trials_for(found({"role_1": "lay"}), question(), book)
    assert trials.empty
    assert {"trial_id", "yi", "vi"} <= set(trials.columns)


@pytest.mark.parametrize(
    ("change", "place", "near"),
    [
        ({"outcome": "depresion"}, "questions.q.outcome", "'depression'"),
        ({"roles": ("peeer",)}, "questions.q.roles", "'peer'"),
        ({"comparator": "usual_car"}, "questions.q.comparator", "'usual_care'"),
        ({"conditions": ("group_cpt",)}, "questions.q.conditions", "'group_cbt'"),
        ({"instruments": ("bdi22",)}, "questions.q.instruments", "'bdi2'"),
        ({"related_outcomes": ("hopp",)}, "questions.q.related_outcomes", "'hope'"),
        ({"translate_to": "phq99"}, "questions.q.translate_to", "'phq9'"),
    ],
)
def test_a_question_in_unknown_words_is_refused(question, book, refused, change, place, near):
    problem = refused(check_question, "params.yaml", "q", question(**change), book)
    assert place in problem.problem
    assert near in problem.fix


@pytest.mark.parametrize("key", ["../x", "{0}", "", "a/b", "-a", "A", "q\n", "a" * 65, "..", "con.x"])
def test_a_key_that_is_no_id_is_refused(question, book, key):
    with pytest.raises(BadInput, match="not an id"):
        check_question("params.yaml", key, question(), book)
