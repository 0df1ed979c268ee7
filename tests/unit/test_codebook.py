"""Reading the codebook, asking it, and what it refuses. Each damage is done to a copy of the shipped tables."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from pipeline import codebook
from pipeline.codebook import ArmReading, Codebook, OutcomeReading
from pipeline.errors import BadInput
from pipeline.vocabulary import Better, Measure

SHIPPED = Path(__file__).parents[2] / "data" / "codebook"


@pytest.fixture(scope="module")
def book() -> Codebook:
    return codebook.load(SHIPPED)


@pytest.fixture
def damaged(tmp_path: Path) -> Callable[[str, str, str], str]:
    """Replace a text that stands once in one table and return the message of the refusal."""

    def refusal(table: str, old: str, new: str) -> str:
        folder = tmp_path / "codebook"
        shutil.copytree(SHIPPED, folder, dirs_exist_ok=True)
        text = (folder / f"{table}.csv").read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {table}.csv"
        (folder / f"{table}.csv").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(BadInput) as refused:
            codebook.load(folder)
        return str(refused.value)

    return refusal


def test_entries_are_typed(book: Codebook) -> None:
    phq9 = book.instruments["phq9"]
    assert (phq9.items, phq9.score_min, phq9.score_max, phq9.better_is) == (9, 0.0, 27.0, Better.LOWER)
    assert phq9.verified is True
    assert phq9.reference_sd == pytest.approx(5.021)
    assert book.instruments["gds"].score_max is None
    assert book.roles["peer"].is_peer and not book.roles["peer_component"].is_peer
    assert book.effect_types["relative_risk_reduction"].measure is Measure.RR
    assert book.effect_types["t_statistic"].measure is None
    assert [m.value for m in book.mcids["bdi2"] if m.unit == "percent_of_baseline"] == [17.5, 32.0, 23.0]


def test_registries_cannot_be_changed(book: Codebook) -> None:
    with pytest.raises(TypeError):
        book.roles["friend"] = book.roles["peer"]  # type: ignore[index]
    with pytest.raises(dataclasses.FrozenInstanceError):
        book.roles["peer"].is_peer = False  # type: ignore[misc]


@pytest.mark.parametrize("term", ["TAU", "treatment  as\tusual", " Usual_Care ", "usual_care", "cau"])
def test_case_and_white_space_do_not_matter(book: Codebook, term: str) -> None:
    assert book.resolve("condition", term) == "usual_care"


def test_an_empty_cell_is_unknown_only_where_that_is_legal(book: Codebook) -> None:
    assert book.resolve("instrument", "") == ""
    assert book.resolve("modality", "  ") == "unspecified"
    assert book.resolve("rob", "") == "not_assessed"
    with pytest.raises(BadInput):
        book.resolve("condition", "")


def test_a_near_miss_names_place_neighbour_and_remedy(book: Codebook) -> None:
    with pytest.raises(BadInput) as refused:
        book.resolve("condition", "usual cre", file="trials.csv", row="PS0001", column="comparator")
    message = str(refused.value)
    assert message.startswith(
        "trials.csv, row PS0001, column 'comparator': is not a known condition (found 'usual cre')"
    )
    assert "'usual care'" in message and "synonym.csv" in message and "waitlist" in message


def test_a_strange_word_is_refused_without_a_guess(book: Codebook) -> None:
    with pytest.raises(BadInput) as refused:
        book.resolve("instrument", "qqqqqqqq")
    assert "did you mean" not in str(refused.value)


def test_a_column_is_refused_once_with_every_cell(book: Codebook) -> None:
    column = pd.Series(["TAU", "magic", "waitlist", "magic", "spells"], name="comparator")
    with pytest.raises(BadInput) as refused:
        book.resolve_all("condition", column, file="trials.csv")
    assert [(p.row, p.value, p.column) for p in refused.value.problems] == [
        (3, "magic", "comparator"),
        (5, "magic", "comparator"),
        (6, "spells", "comparator"),
    ]
    named = pd.Series(["magic"], name="comparator")
    with pytest.raises(BadInput, match="row PS7"):
        book.resolve_all("condition", named, file="trials.csv", rows=["PS7"])


def test_a_column_keeps_its_index(book: Codebook) -> None:
    column = pd.Series(["TAU", "wl"], index=[7, 3])
    assert book.resolve_all("condition", column, file="f").to_dict() == {7: "usual_care", 3: "waitlist"}


@pytest.mark.parametrize(
    ("domain", "text", "instrument", "wanted"),
    [
        ("depression", "depression score", "PHQ-9", ("depression", "phq9", "")),
        ("depression_event", "depression response/remission", "mini", ("depression_remission", "mini", "same")),
        ("quality_of_life", "PCS", "SF-36 PCS", ("quality_of_life_physical", "sf36_pcs", "")),
        ("quality_of_life", "MCS", "SF-36 MCS", ("quality_of_life", "sf36_mcs", "")),
        ("quality_of_life", "Vitality at 6 months", "SF-12 subscale/summary", ("health_subscale", "sf12_vt", "")),
        ("psychiatric_symptoms", "Self-e", "The Mental Health Confidence Scale", ("self_efficacy", "mhcs", "")),
        ("psychiatric_symptoms", "anything", "BSI", ("psychiatric_symptoms", "bsi", "")),
        ("hope_empowerment_selfefficacy", "Hope", "The Herth Hope Index", ("hope", "herth", "")),
        ("hope_empowerment_selfefficacy", "RAS", "Recovery Assessment Scale", ("recovery", "ras", "")),
        ("self_esteem", "ISMI", "The Internalized Stigma of Mental Illness (ISMI 29-itm) scale",
         ("self_stigma", "ismi29", "")),
        ("hiv_viral_event", "virologic failure at 24 weeks", "viral load > 400 copies/mL",
         ("hiv_viral_suppression", "viral_load_400", "complement")),
        ("no such domain", "HbA1c", "HbA1c %", ("hba1c", "hba1c", "")),
    ],
)  # fmt: skip
def test_the_most_exact_rule_says_what_was_measured(
    book: Codebook, domain: str, text: str, instrument: str, wanted: tuple[str, str, str]
) -> None:
    assert book.outcome_of(domain, text, instrument) == OutcomeReading(*wanted)


def test_what_no_rule_decides_is_refused(book: Codebook) -> None:
    with pytest.raises(BadInput, match=r"trials\.csv, row 9, column 'outcome'.*outcome_rule\.csv"):
        book.outcome_of("breastfeeding_event", "something new", "mother report", file="trials.csv", row=9)


@pytest.mark.parametrize(
    ("intervention", "delivery", "role", "wanted"),
    [
        ("cbt", "grp", "unclear", ("group_cbt", "unclear", "group")),
        ("cbt", "ind", "unclear", ("individual_cbt", "unclear", "one_to_one")),
        ("cbt", "oth", "unclear", ("other_cbt", "unclear", "other")),
        ("sup", "grp", "unclear", ("psychotherapy_other", "unclear", "group")),
        ("sup", "grp", "support_group", ("support_group", "support_group", "group")),
        ("pst [pst (pst (videoconf clin))]", "oth", "lay: lay counsellor (title)",
         ("psychotherapy_other", "professional", "other")),
        ("online peer support", "group, online", "peer (online forum)", ("support_group", "support_group", "online")),
    ],
)  # fmt: skip
def test_the_arm_says_what_it_received_and_from_whom(
    book: Codebook, intervention: str, delivery: str, role: str, wanted: tuple[str, str, str]
) -> None:
    assert book.arm_of(intervention, delivery, role) == ArmReading(*wanted)


def test_an_unknown_intervention_is_refused(book: Codebook) -> None:
    with pytest.raises(BadInput, match=r"arm_rule\.csv.*did you mean 'online peer support'"):
        book.arm_of("online peer suport", "online", "volunteer peers")


def test_a_window_holds_its_lower_end_only(book: Codebook) -> None:
    medium = book.windows["medium"]
    assert [medium.holds(w) for w in (17.9, 18, 26, 39)] == [False, True, True, False]
    assert book.windows["very_long"].holds(500)


@pytest.mark.parametrize(
    ("table", "old", "new", "said"),
    [
        ("role", "\nlay,Lay workers", "\nvolunteer,Lay workers", "stands twice"),
        ("role", "\nlay,Lay workers", "\n,Lay workers", "has no name"),
        ("role", "Lay workers,no,^", "Lay workers,no,o", "is used by another role too"),
        ("role", "Lay workers,no", "Lay workers,perhaps", "Allowed: yes, no"),
        ("role", "code,label", "code,lable", "column 'label' is missing"),
        ("role", "code,label", "code,lable", "did you mean 'label'"),
        ("condition", "Group CBT,intervention,20", "Group CBT,intervention,soon", "a whole number"),
        ("condition", "Group CBT,intervention", "Group CBT,treatment", "Allowed: intervention, control"),
        ("instrument", 'items",PHQ,depression,lower,9,', 'items",PHQ,depresion,lower,9,', "did you mean 'depression'"),
        ("instrument", 'items",PHQ,depression,lower,9,', 'items",PHQ,depression,higher,9,',
         "another direction than its outcome"),
        ("instrument", "lower,9,0,3,0,27,sum", "lower,9,0,3,0,28,sum", "would have score_max 27, not 28"),
        ("instrument", "lower,9,0,3,0,27,sum", "lower,9,0,3,27,0,sum", "score_min 27 is not below score_max 0"),
        ("instrument", "higher,12,1,7,1,7,mean", "higher,12,1,7,12,84,mean", "a mean of items would have score_max 7"),
        ("instrument", ",5.021,138,", ",50.21,138,", "reference_sd 50.21 cannot occur"),
        ("outcome", "admitted to hospital at least once", "", "an event needs words"),
        ("mcid", "goal_rating,", "gaol_rating,", "did you mean 'goal_rating'"),
        ("setting", "tra_prison,tra,", "tra_prison,trap,", "is not a code of setting"),
        ("timepoint_window", "18,39", "39,18", "weeks_min is not below weeks_max"),
        ("effect_type", "of the risk ratio,RR,log", "of the risk ratio,SMD,log", "do not fit"),
        ("synonym", "condition,tau,usual_care", "condition,tau,usual", "is not a code of condition"),
        ("synonym", "condition,tau,usual_care", "conditions,tau,usual_care", "is not a registry"),
        ("synonym", "condition,tau,usual_care", "condition,waitlist,usual_care", "is a code itself"),
        ("synonym", "condition,tau,usual_care", "condition,Routine  Care,waitlist", "stands twice"),
        ("outcome_rule", "loneliness,,,loneliness", "loneliness,,,lonely", "is not a code of outcome"),
        ("outcome_rule", "loneliness,,,loneliness", "loneliness,,,", "is not a code of outcome"),
        ("arm_rule", "cbt,group,,group_cbt", "cbt,grp,,group_cbt", "is not a code of modality"),
    ],
)  # fmt: skip
def test_a_damaged_codebook_is_refused(
    damaged: Callable[[str, str, str], str], table: str, old: str, new: str, said: str
) -> None:
    message = damaged(table, old, new)
    assert said in message
    assert message.startswith(f"{table}.csv")


@pytest.mark.parametrize(("content", "said"), [("", "is empty"), ("code,label,definition,source\n", "has no rows")])
def test_an_empty_table_is_refused(tmp_path: Path, content: str, said: str) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    (tmp_path / "modality.csv").write_text(content, encoding="utf-8")
    with pytest.raises(BadInput, match=f"modality.csv: {said}"):
        codebook.load(tmp_path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    (tmp_path / "role.csv").unlink()
    with pytest.raises(BadInput, match=r"role\.csv: is missing"):
        codebook.load(tmp_path)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    shutil.copytree(SHIPPED, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "synonym.csv").open("a", encoding="utf-8") as f:
        f.write("condition,first new word,nonsense,\nrole,second new word,nonsense,\n")
    with pytest.raises(BadInput) as refused:
        codebook.load(tmp_path)
    assert len(refused.value.problems) == 2
