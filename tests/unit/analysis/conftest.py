"""Contrasts and effects written by hand, and a question to ask of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd
import pytest

from pipeline import params, tables
from pipeline.analysis.computed import EffectParams
from pipeline.analysis.effects import effects
from pipeline.analysis.questions import Question
from pipeline.analysis.synthesis import SynthesisParams

PLACE = {"source": "a", "study_id": "made-2001", "outcome": "depression", "instrument": "bdi2", "time_weeks": 12,
         "reference": "made"}  # fmt: skip
WHERE = ("stratum", "detail", "rating", "time_basis")
ARM = ("n", "mean", "sd", "events", "total", "baseline_mean", "baseline_sd", "person_time")
EFFECT = {
    "source": "a", "source_rows": "R1", "trial_id": "t1", "study_id": "made-2001", "study": "Made 2001", "year": 2001,
    "arm_1": "peers", "condition_1": "support_programme", "role_1": "peer", "modality_1": "one_to_one",
    "arm_2": "usual", "condition_2": "usual_care", "role_2": "none", "outcome": "depression", "instrument": "bdi2",
    "rating": "self-report", "time_weeks": 26, "time_basis": "randomisation", "measure": "SMD", "basis": "means",
    "yi": -0.3, "vi": 0.04, "n_1": 50, "n_2": 50, "design_effect": 1, "clustering": "none", "rob": "low",
    "randomised": "yes", "status": "ok", "in_change": False, "report_rank": 0, "reference": "made", "n": 100,
}  # fmt: skip
QUESTION = {
    "title": "Made", "kind": "peer_support", "outcome": "depression", "measure": "SMD", "roles": ("peer",),
    "comparator": "usual_care", "sources": ("a", "b"), "window_weeks": (0, 60), "target_weeks": 26,
    "instruments": ("hdrs17", "bdi2", "phq9"),
}  # fmt: skip


def frame(rows: list[Mapping[str, Any]], table: tables.Table) -> pd.DataFrame:
    return tables.conform(pd.DataFrame(rows).reindex(columns=list(table.columns)), table, table.name)


@pytest.fixture
def effects_of(book) -> Callable[..., pd.DataFrame]:
    """effects_of(*contrasts, issues=[...], trial=..., certain=...) -> EFFECTS, indexed by effect id.

    A contrast is PLACE with changes: arm cells end in _1 and _2, the cells of a printed effect have REPORTED's names.
    """

    def of(*changes: Mapping[str, Any], issues: tuple[dict[str, str], ...] = (), study: Mapping[str, Any] | None = None,
           trials: Mapping[tuple[str, str], tuple[str, bool]] | None = None) -> pd.DataFrame:  # fmt: skip
        arms, reported, studies = [], [], {}
        for i, change in enumerate(changes, start=1):
            row = PLACE | {"row_id": f"R{i}", "value_kind": "endpoint"} | dict(change)
            shared = {k: row[k] for k in (*PLACE, *WHERE, "value_kind") if k in row} | {"source_rows": row["row_id"]}
            for side, what in (("1", ("peers", "support_programme", "peer")), ("2", ("usual", "usual_care", "none"))):
                named = dict(zip(("arm", "condition", "role"), what, strict=True))
                named |= {
                    name: row[f"{name}_{side}"] for name in ("arm", "condition", "role") if f"{name}_{side}" in row
                }
                arms.append(shared | named | {v: row[f"{v}_{side}"] for v in ARM if f"{v}_{side}" in row})
            if "effect" in row:
                given = {k: v for k, v in row.items() if k in tables.REPORTED.columns and k not in ("n_1", "n_2")}
                flags = {"adjusted": False, "cluster_adjusted": False, "arm_1": "peers", "arm_2": "usual"}
                reported.append(flags | given)
            key = (row["source"], row["study_id"])
            studies[key] = {"source": key[0], "study_id": key[1], "study": key[1], "reference": "made", "rob": "low",
                            "randomised": "yes", **(study or {}).get(key[0], study or {})}  # fmt: skip
        same = [c for c in tables.STUDY_ARMS.columns if c != "source_rows"]
        once = (
            pd.DataFrame(arms).reindex(columns=list(tables.STUDY_ARMS.columns)).groupby(same, dropna=False, sort=False)
        )
        shared_arms = once["source_rows"].agg("|".join).reset_index().to_dict("records")
        known = trials or {}
        links = [
            {"source": s, "study_id": i, "evidence": "made", "trial_id": known.get((s, i), (i, True))[0],
             "certain": known.get((s, i), (i, True))[1]} for s, i in studies
        ]  # fmt: skip
        table = effects(
            frame(list(studies.values()), tables.STUDIES), frame(shared_arms, tables.STUDY_ARMS),
            frame(reported, tables.REPORTED), frame(links, tables.LINKS), frame(list(issues), tables.ISSUES), book,
            EffectParams(smd_correction="exact", smd_vtype="LS", zero_cell_add=0.5, zero_cell_to="only0",
                         drop_double_zero=True),
        )  # fmt: skip
        return table.set_index("effect_id", drop=False)

    return of


@pytest.fixture
def found() -> Callable[..., pd.DataFrame]:
    """found(*changes) -> EFFECTS, one row each; without a trial of its own, row i is trial ti."""

    def of(*changes: Mapping[str, Any]) -> pd.DataFrame:
        rows = [EFFECT | {"trial_id": f"t{i}", "effect_id": f"e{i}"} | dict(c) for i, c in enumerate(changes, start=1)]
        return frame(rows, tables.EFFECTS)

    return of


@pytest.fixture
def question() -> Callable[..., Question]:
    return lambda **changes: Question.model_validate(QUESTION | changes)


@pytest.fixture
def choices() -> SynthesisParams:
    """The way of pooling that the hand calculations are made for."""
    content = {
        "tau2": "REML", "interval": "hk_floored", "prediction": "t_k1", "headline_prediction_from_k": 5,
        "technical_prediction_from_k": 3, "level": 95, "assumed_design_effect": 1.5,
        "subgroups": {"min_k": 10, "min_per_level": 2},
        "several_effects": {"rho": 0.6, "other_rho": [0.3], "main_from_k": 10},
        "moderators": {"variables": ["year", "n"], "min_k": 10, "permutations": 200, "seed": 1},
        "influence": {"min_k": 4},
        "small_study": {"min_k": 10},
    }  # fmt: skip
    return params.parse("made", "synthesis", content, SynthesisParams)


@pytest.fixture
def studies() -> pd.DataFrame:
    """STUDIES for the effects of `found`."""
    rows = [{"source": s, "study_id": "made-2001", "study": "Made 2001", "reference": "made", "randomised": "yes",
             "rob": "low", "country": "Norway"} for s in "ab"]  # fmt: skip
    return frame(rows, tables.STUDIES)
