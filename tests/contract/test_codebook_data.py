"""Every word of the shipped deliveries has a meaning in the shipped codebook, which keeps its own promises."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipeline import codebook, tables
from pipeline.codebook import Codebook
from pipeline.vocabulary import Better

DATA = Path(__file__).parents[2] / "data"
PEER_TABLES = ("peer_support_trials", "peer_support_trials_second")
PEER_COLUMNS = {
    "comparator": "condition",
    "peer_role": "role",
    "delivery": "modality",
    "instrument": "instrument",
    "timepoint_basis": "timepoint_basis",
    "effect_type": "effect_type",
    "effect_sign": "effect_sign",
    "rob": "rob",
}
METAPSY_COLUMNS = {
    "condition_arm2": "condition",
    "format": "modality",
    "instrument": "instrument",
    "rating": "rating",
    "rob": "rob",
    "outcome_type": "outcome",
    "time": "timepoint_basis",
}


@pytest.fixture(scope="module")
def book() -> Codebook:
    return codebook.load(DATA / "codebook")


def peer_table(name: str) -> pd.DataFrame:
    return tables.read_csv(DATA / "raw" / name / "trials.csv")


@pytest.fixture(scope="module")
def metapsy() -> pd.DataFrame:
    return tables.read_csv(DATA / "raw" / "metapsy_depression" / "data.csv", sep=";")


@pytest.mark.parametrize("name", PEER_TABLES)
@pytest.mark.parametrize(("column", "registry"), PEER_COLUMNS.items())
def test_every_word_of_the_peer_tables_resolves(book: Codebook, name: str, column: str, registry: str) -> None:
    raw = peer_table(name)
    codes = book.resolve_all(registry, raw[column], file=name, rows=raw["row_id"])
    assert len(codes) == len(raw) > 100
    assert set(codes) - {""} <= book.codes[registry]


@pytest.mark.parametrize(("column", "registry"), METAPSY_COLUMNS.items())
def test_every_word_of_metapsy_resolves(book: Codebook, metapsy: pd.DataFrame, column: str, registry: str) -> None:
    codes = book.resolve_all(registry, metapsy[column], file="data.csv")
    assert len(codes) == 900
    assert set(codes) <= book.codes[registry]


def test_every_arm_of_metapsy_has_a_condition(book: Codebook, metapsy: pd.DataFrame) -> None:
    arms = [book.arm_of(c, f, "unclear") for c, f in zip(metapsy["condition_arm1"], metapsy["format"], strict=True)]
    found = {a.condition for a in arms}
    assert found == {"group_cbt", "individual_cbt", "guided_self_help_cbt", "other_cbt", "psychotherapy_other"}


@pytest.mark.parametrize("name", PEER_TABLES)
def test_every_row_of_the_peer_tables_has_an_arm_and_an_outcome(book: Codebook, name: str) -> None:
    for r in peer_table(name).itertuples():
        arm = book.arm_of(str(r.intervention), str(r.delivery), str(r.peer_role), file=name, row=str(r.row_id))
        assert book.conditions[arm.condition].kind == "intervention"
        read = book.outcome_of(str(r.outcome_domain), str(r.outcome), str(r.instrument), file=name, row=str(r.row_id))
        is_event = book.outcomes[read.outcome].kind in codebook.EVENT_KINDS
        assert (read.event_is != "") == is_event, r.row_id


# rows that call remission 'lower_better', and a visit that the codebook calls neither good nor bad
DIRECTION_DIFFERS = {"PS0052", "PS0063", "PS0042"}


@pytest.mark.parametrize("name", PEER_TABLES)
def test_directions_agree_with_the_deliveries(book: Codebook, name: str) -> None:
    differs = set()
    for r in peer_table(name).itertuples():
        if r.direction not in ("lower_better", "higher_better"):
            continue
        read = book.outcome_of(str(r.outcome_domain), str(r.outcome), str(r.instrument))
        better = book.outcomes[read.outcome].better_is
        if better and read.event_is == "complement":
            better = Better.LOWER if better is Better.HIGHER else Better.HIGHER
        if better is None or better != str(r.direction).removesuffix("_better"):
            differs.add(r.row_id)
    assert differs == {row for row in DIRECTION_DIFFERS if row in set(peer_table(name)["row_id"])}


def test_two_measures_of_one_trial_stay_apart(book: Codebook) -> None:
    """What differs in its words differs in outcome or instrument, unless it is one measure at two times."""
    for name in PEER_TABLES:
        raw = peer_table(name)
        read = [book.outcome_of(*c) for c in zip(raw["outcome_domain"], raw["outcome"], raw["instrument"], strict=True)]
        raw = raw.assign(code=[r.outcome for r in read], measured_as=[r.instrument for r in read])
        same = ["study", "population", "intervention", "comparator", "code", "measured_as", "timepoint_weeks",
                "timepoint_basis", "mean_kind"]  # fmt: skip
        twice = raw[raw.groupby(same)["outcome"].transform("nunique") > 1]
        # medium and long term of one review line, without weeks
        assert set(twice["row_id"]) <= {"PS0044", "PS0045", "PS0046", "PS0047"}


def test_only_stated_usual_care_is_usual_care(book: Codebook) -> None:
    for term in ("control group", "control clusters", "control clinics", "control zones", "other ctr", "waitlist",
                 "no intervention", "nurse care management", "usual_care_waitlist"):  # fmt: skip
        assert book.resolve("condition", term) != "usual_care"


@pytest.mark.parametrize(
    "term",
    [
        "volunteer (NOT a lived-experience peer)",
        "trained non-professional mentor mothers (local mothers; befriending/advocacy)",
        "friend (peer telephone call)",
        "peer volunteer (one component of a multi-component programme)",
        "12-step group volunteers (clinician-delivered linkage)",
        "asthma coach (peer status not stated in the excerpt)",
        "trained volunteer facilitator (befriending; group members are peers)",
        "lay callers aged 17-23, briefly trained (not peers)",
    ],
)
def test_who_is_not_stated_to_be_a_peer_is_not_one(book: Codebook, term: str) -> None:
    assert not book.roles[book.resolve("role", term)].is_peer


def test_only_peers_count_as_peers(book: Codebook) -> None:
    assert {code for code, role in book.roles.items() if role.is_peer} == {"peer", "peer_professional"}


def test_verified_ranges_hold_the_published_means(book: Codebook, metapsy: pd.DataFrame) -> None:
    """A mean outside a verified range is a defect of the delivery that somebody has looked at."""
    outside = set()
    for column in ("mean_arm1", "mean_arm2"):
        means = pd.to_numeric(metapsy[column].str.replace(",", "."), errors="coerce")
        for study, term, mean in zip(metapsy["study"], metapsy["instrument"], means, strict=True):
            i = book.instruments[book.resolve("instrument", term)]
            known = i.verified and i.score_min is not None and i.score_max is not None
            if known and (mean < i.score_min or mean > i.score_max):
                outside.add((study, term))
    # means of 10 to 16 on a scale that starts at 20: the code 'sds' stands for another scale there
    assert outside == {("Titov, 2010", "sds")}


@pytest.mark.parametrize("path", sorted((DATA / "codebook").glob("*.csv")), ids=lambda p: p.name)
def test_tables_are_plain(path: Path) -> None:
    content = path.read_bytes()
    assert b"\r" not in content and not content.startswith(b"\xef\xbb\xbf") and content.endswith(b"\n")
    frame = tables.read_csv(path)
    assert "source" in frame.columns or "note" in frame.columns
    if "source" in frame.columns:
        assert (frame["source"] != "").all()
    if "verified" in frame.columns:
        assert not frame.loc[frame["verified"].eq("yes"), "source"].str.contains("not read").any()
